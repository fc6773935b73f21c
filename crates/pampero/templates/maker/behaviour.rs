//! What the strategy does, on scripted and on generated markets.

use pampero_model::Span;
use pampero_testkit::proptest::prelude::*;
use pampero_testkit::*;

use {{crate}}::{Maker, Params};

/// 100 on each side, 1 % from the middle, until it holds two coins.
fn maker() -> Maker {
    let params = Params {
        half_spread: rate("0.01"),
        slack: rate("0.001"),
        worth: cash("100"),
        max_position: quantity("2"),
    };
    Maker { market: MARKET, params }
}

const BID: (&str, &str) = ("99.95", "10");
const ASK: (&str, &str) = ("100.05", "10");

#[test]
fn it_quotes_both_sides_around_the_middle() {
    Scenario::new()
        .balance("1000 USD")
        .balance("1 BTC")
        .quote(0, BID, ASK)
        .quote(1, BID, ASK)
        .run(maker())
        .expect_orders(&["0s buy 100 quote at 99", "0s sell 0.990099 base at 101"])
        .expect_nothing_denied();
}

#[test]
fn without_coins_it_only_buys_and_with_enough_it_only_sells() {
    let money = Scenario::new().balance("1000 USD").quote(0, BID, ASK);
    money.run(maker()).expect_orders(&["0s buy 100 quote at 99"]).expect_nothing_denied();
    let coins = Scenario::new().balance("1000 USD").balance("2 BTC").quote(0, BID, ASK);
    coins.run(maker()).expect_orders(&["0s sell 0.990099 base at 101"]).expect_nothing_denied();
}

#[test]
fn a_small_move_is_not_worth_two_requests() {
    // 0.05 up is within a tenth of a percent, 0.5 up is not.
    let run = Scenario::new()
        .balance("1000 USD")
        .quote(0, BID, ASK)
        .quote(1, ("100", "10"), ("100.1", "10"))
        .quote(2, ("100.45", "10"), ("100.55", "10"))
        .run(maker());
    run.expect_orders(&["0s buy 100 quote at 99", "2s buy 100 quote at 99.495"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same orders every time, none that knows the future, none other after a restart, and a way out.
    #[test]
    fn it_is_a_good_strategy_on_any_market(walk in walks(), second in 0i64..30) {
        let scenario = Scenario::new()
            .market(market("0.0025"))
            .balance("1000 USD")
            .balance("1 BTC")
            .quotes(walk.quotes(600, Span::from_millis(100)));
        same_input_same_output(&scenario, maker)?;
        no_decision_from_the_future(&scenario, maker, at(second))?;
        restart_changes_nothing(&scenario, maker, at(second))?;
        always_able_to_flatten(&scenario, maker, at(second))?;
    }

    /// A bid is an amount of quote: one that is on its way when another fills buys a little more.
    #[test]
    fn it_never_holds_much_more_than_it_may(walk in walks()) {
        let scenario = Scenario::new().balance("10000 USD").quotes(walk.quotes(600, Span::from_millis(100)));
        never_exceeds_position(&scenario.run(maker()), quantity("2.2"))?;
    }
}
