//! What the market maker does, on scripted and on generated markets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_engine::{Code, RestoreError, Strategy};
use pampero_market_maker::{MarketMaker, MarketMakerParams};
use pampero_model::{Market, Quantity, Side, Span};
use pampero_testkit::proptest::prelude::*;
use pampero_testkit::*;

/// Quotes one coin a side, 1 % from the middle, up to 10 coins, and likes to hold 5.
fn params() -> MarketMakerParams {
    MarketMakerParams {
        order_quantity: quantity("1"),
        half_spread: rate("0.01"),
        max_position: quantity("10"),
        target_position: quantity("5"),
        skew: rate("0.001"),
        min_change: rate("0"),
        price_step: Some(price("0.01")),
        ..MarketMakerParams::default()
    }
}

fn maker(params: MarketMakerParams) -> MarketMaker {
    MarketMaker::new(MARKET, params).unwrap()
}

fn with_money() -> Scenario {
    Scenario::new().balance("10000 USD").balance("5 BTC")
}

const BID: (&str, &str) = ("99.95", "10");
const ASK: (&str, &str) = ("100.05", "10");

#[test]
fn it_quotes_both_sides_around_the_middle() {
    with_money()
        .quote(0, BID, ASK)
        .quote(1, BID, ASK)
        .run(maker(params()))
        .expect_orders(&["0s buy 99 quote at 99", "0s sell 1 base at 101"])
        .expect_nothing_denied();
}

#[test]
fn it_quotes_lower_after_buying_and_higher_after_selling() {
    // A tenth of the 20 traded beyond the bid fills it. One coin more moves both by 0.1 %.
    let seen = with_money().quote(0, BID, ASK).quote(1, BID, ASK);
    let run = seen.clone().trade(2, "98", "20").quote(3, BID, ASK).run(maker(params()));
    run.expect_fills(&["2s buy 1 at 99 maker"]);
    assert_eq!(run.order_lines()[2..], ["3s buy 98.9 quote at 98.9", "3s sell 1 base at 100.9"]);

    let run = seen.trade(2, "102", "20").quote(3, BID, ASK).run(maker(params()));
    run.expect_fills(&["2s sell 1 at 101 maker"]);
    assert_eq!(run.order_lines()[2..], ["3s sell 1 base at 101.11", "3s buy 99.09 quote at 99.09"]);
}

#[test]
fn it_earns_the_spread_where_the_market_bounces() {
    let mut scenario = with_money();
    for round in 0..20 {
        let start = round * 10;
        scenario = scenario
            .quote(start, BID, ASK)
            .quote(start + 1, BID, ASK)
            .trade(start + 2, "98", "100")
            .quote(start + 3, BID, ASK)
            .quote(start + 4, BID, ASK)
            .trade(start + 5, "102", "100");
    }
    let run = scenario.run(maker(params()));
    let bought = run.fills().iter().filter(|record| record.fill.side == Side::Buy).count();
    let sold = run.fills().len() - bought;
    assert!(bought >= 15 && sold >= 15, "{bought} bought, {sold} sold");
    // Two less a little for the skew, twenty times.
    assert!(run.profit() > cash("30"), "{}", run.profit());
    assert!(run.fill_lines().iter().all(|line| line.ends_with("maker")));
}

#[test]
fn it_stops_buying_at_its_most_and_selling_at_its_least() {
    let params = MarketMakerParams { max_position: quantity("5.5"), ..params() };
    let run = with_money().quote(0, BID, ASK).run(maker(params.clone()));
    run.expect_orders(&["0s sell 1 base at 101"]);
    let params = MarketMakerParams { max_position: quantity("6"), min_position: quantity("4.5"), ..params };
    let run = with_money().quote(0, BID, ASK).run(maker(params));
    run.expect_orders(&["0s buy 99 quote at 99"]);
}

#[test]
fn it_leaves_out_what_it_cannot_pay_for() {
    let poor = Scenario::new().balance("50 USD").balance("5 BTC").quote(0, BID, ASK);
    poor.run(maker(params())).expect_orders(&["0s sell 1 base at 101"]).expect_nothing_denied();
    let params = MarketMakerParams { target_position: Quantity::ZERO, ..params() };
    let bare = Scenario::new().balance("10000 USD").quote(0, BID, ASK);
    bare.run(maker(params)).expect_orders(&["0s buy 99 quote at 99"]).expect_nothing_denied();
}

#[test]
fn a_partly_filled_bid_at_the_limit_keeps_its_place() {
    // Room for exactly one more coin. A tenth of 4 is 0.4 of it; the rest fits and stays, for the next trade.
    let params = MarketMakerParams { max_position: quantity("6"), skew: rate("0"), ..params() };
    let run = with_money()
        .quote(0, BID, ASK)
        .quote(1, BID, ASK)
        .trade(2, "98", "4")
        .quote(3, BID, ASK)
        .trade(4, "98", "4")
        .run(maker(params));
    run.expect_orders(&["0s buy 99 quote at 99", "0s sell 1 base at 101"]);
    run.expect_fills(&["2s buy 0.4 at 99 maker", "4s buy 0.4 at 99 maker"]);
}

#[test]
fn a_quote_that_stays_gives_way_to_one_that_would_meet_it() {
    let params = MarketMakerParams {
        half_spread: rate("0.0001"),
        min_change: rate("0.002"),
        skew: rate("0"),
        ..params()
    };
    // The ask is gone when the book falls and widens. The bid at 99.99 is within 0.2 of 99.84, but the new ask is
    // below it.
    let run = with_money()
        .quote(0, BID, ASK)
        .quote(1, BID, ASK)
        .trade(2, "100.5", "20")
        .quote(3, ("99.70", "10"), ("100", "10"))
        .run(maker(params));
    run.expect_orders(&[
        "0s buy 99.99 quote at 99.99",
        "0s sell 1 base at 100.01",
        "3s buy 99.84 quote at 99.84",
        "3s sell 1 base at 99.86",
    ]);
}

#[test]
fn a_one_sided_or_crossed_book_is_no_market() {
    let empty = ("100.05", "0");
    let run = with_money().quote(0, BID, ASK).quote(1, BID, empty).quote(2, BID, ASK).run(maker(params()));
    assert_eq!(run.orders().len(), 4, "withdrawn at 1 s, back at 2 s: {:?}", run.order_lines());
    assert_eq!(run.orders()[0].updated_at, at(1));
    with_money().quote(0, ASK, BID).run(maker(params())).expect_orders(&[]);
}

#[test]
fn it_looks_at_the_book_once_an_interval() {
    let params = MarketMakerParams { interval: Span::from_secs(10), ..params() };
    let run = with_money()
        .quote(0, BID, ASK)
        .quote(9, ("99.45", "10"), ("99.55", "10"))
        .quote(10, ("99.25", "10"), ("99.35", "10"))
        .run(maker(params));
    let times: Vec<_> = run.orders().iter().map(|order| order.created_at).collect();
    assert_eq!(times, [at(0), at(0), at(10), at(10)]);
}

#[test]
fn a_small_move_is_not_worth_two_requests() {
    let params = MarketMakerParams { min_change: rate("0.001"), ..params() };
    let run = with_money()
        .quote(0, BID, ASK)
        // 0.05 % up: within the slack. 0.2 % up: not.
        .quote(1, ("100", "10"), ("100.10", "10"))
        .quote(2, ("100.15", "10"), ("100.25", "10"))
        .run(maker(params));
    let times: Vec<_> = run.orders().iter().map(|order| order.created_at).collect();
    assert_eq!(times, [at(0), at(0), at(2), at(2)]);
}

#[test]
fn an_offset_is_measured_from_the_best_of_a_whole_book() {
    let params = MarketMakerParams { offset: Some(price("0.02")), ..params() };
    with_money()
        .book(0, &[("99.95", "1"), ("99.90", "5")], &[("100.05", "1"), ("100.10", "5")])
        .run(maker(params))
        .expect_orders(&["0s buy 99.93 quote at 99.93", "0s sell 1 base at 100.07"]);
}

#[test]
fn where_buys_are_sized_in_base_it_sizes_them_so() {
    let market = Market { buy_unit: pampero_model::SizeUnit::Base, ..market("0") };
    let run = with_money().market(market).quote(0, BID, ASK).run(maker(params()));
    run.expect_orders(&["0s buy 1 base at 99", "0s sell 1 base at 101"]).expect_nothing_denied();
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let refused = |change: fn(&mut MarketMakerParams)| {
        let mut params = params();
        change(&mut params);
        MarketMaker::new(MARKET, params).unwrap_err()
    };
    assert!(refused(|params| params.order_quantity = Quantity::ZERO).contains("`order_quantity` = `0`"));
    assert!(refused(|params| params.half_spread = rate("1")).contains("`half_spread` = `1`"));
    assert!(refused(|params| params.skew = rate("-0.1")).contains("`skew` = `-0.1`"));
    assert!(refused(|params| params.offset = Some(price("-1"))).contains("`offset` = `-1`"));
    assert!(refused(|params| params.price_step = Some(price("0"))).contains("`price_step` = `0`"));
    assert!(refused(|params| params.max_position = quantity("4")).contains("must ascend"));
    assert!(refused(|params| params.order_quantity = quantity("11")).contains("no room"));
}

#[test]
fn a_state_of_another_version_or_length_is_refused() {
    let saved = maker(params()).save();
    assert_eq!(maker(params()).restore(1, &saved), Ok(()));
    assert_eq!(maker(params()).restore(2, &saved), Err(RestoreError::Version { found: 2, expected: 1 }));
    let error = maker(params()).restore(1, &saved[1..]).unwrap_err();
    assert!(error.to_string().contains("missing: 1"), "{error}");
}

fn latency(millis: i64) -> Latency {
    Latency::symmetric(LatencyModel::Constant(Span::from_millis(millis)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_good_strategy_on_any_quotes(walk in walks(), millis in 0i64..200, second in 0i64..16) {
        let scenario = Scenario::new()
            .market(market("0.0025"))
            .balance("20000 USD")
            .balance("5 BTC")
            .latency(latency(millis))
            .quotes(walk.quotes(300, Span::from_millis(50)));
        let build = || maker(MarketMakerParams { half_spread: rate("0.001"), ..params() });
        same_input_same_output(&scenario, build)?;
        no_decision_from_the_future(&scenario, build, at(second))?;
        restart_changes_nothing(&scenario, build, at(second))?;
    }

    #[test]
    fn it_never_holds_more_than_its_most(seed: u64, millis in 0i64..300, step in 1i64..40) {
        let params = MarketMakerParams {
            half_spread: rate("0.0005"),
            max_position: quantity("7"),
            min_position: quantity("3"),
            ..params()
        };
        let quotes = Walk::new(seed).steps_of(step).quotes(300, Span::from_millis(50));
        let scenario = Scenario::new().balance("20000 USD").balance("5 BTC").latency(latency(millis)).quotes(quotes);
        let run = scenario.run(maker(params));
        // A bid is an amount of quote: one that arrives late and finds a better price buys a little more.
        never_exceeds_position(&run, quantity("7.05"))?;
        prop_assert!(run.positions().iter().all(|(_, held)| *held >= quantity("3")));
        // While an old quote is being cancelled, the gate holds back a new one that could meet it.
        prop_assert!(run.outcome().denied.iter().all(|denial| denial.code == Code::SelfCross));
    }

    #[test]
    fn its_position_can_always_be_sold(seed: u64, second in 0i64..10) {
        let quotes = Walk::new(seed).quotes(400, Span::from_millis(50));
        let scenario = Scenario::new().balance("20000 USD").balance("5 BTC").quotes(quotes);
        always_able_to_flatten(&scenario, || maker(params()), at(second))?;
    }
}
