//! What the strategy does, on scripted and on generated markets.

use pampero_model::Span;
use pampero_testkit::proptest::prelude::*;
use pampero_testkit::*;

use {{crate}}::{DipBuyer, Params};

fn strategy() -> DipBuyer {
    DipBuyer { market: MARKET, params: Params::default() }
}

#[test]
fn it_buys_a_dip_and_sells_the_gain() {
    // At 60 s a candle closes 2 % below its open; from 180 s on the price is 1 % above what was paid.
    Scenario::new()
        .balance("1000 USD")
        .closes(Span::from_minutes(1), &["100", "98", "98", "99.5", "99.5"])
        .run(strategy())
        .expect_orders(&["120s buy 100 quote at 99.96", "240s sell 1.02040816 base at 97.51"])
        .expect_fills(&["120s buy 1.02040816 at 98 taker", "240s sell 1.02040816 at 99.5 taker"])
        .expect_nothing_denied();
}

#[test]
fn a_small_fall_is_no_dip() {
    let closes = ["100", "99.1", "98.3", "97.5"];
    let run = Scenario::new().balance("1000 USD").closes(Span::from_minutes(1), &closes).run(strategy());
    run.expect_orders(&[]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same orders every time, none that knows the future, none other after a restart, and a way out.
    #[test]
    fn it_is_a_good_strategy_on_any_market(walk in walks(), second in 0i64..9_000) {
        let scenario = Scenario::new().market(market("0.0025")).balance("1000 USD").candles(walk.candles(300));
        // A small dip, so that it trades on calm markets, too.
        let params = Params { dip: rate("0.002"), ..Params::default() };
        let build = || DipBuyer { market: MARKET, params: params.clone() };
        same_input_same_output(&scenario, build)?;
        no_decision_from_the_future(&scenario, build, at(second))?;
        restart_changes_nothing(&scenario, build, at(second))?;
        always_able_to_flatten(&scenario, build, at(second))?;
    }
}
