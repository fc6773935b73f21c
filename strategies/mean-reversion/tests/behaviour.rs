//! What the mean reversion does, on scripted and on generated markets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_engine::{RestoreError, Strategy};
use pampero_mean_reversion::{MeanReversion, MeanReversionParams};
use pampero_model::{Quantity, Span};
use pampero_testkit::proptest::prelude::*;
use pampero_testkit::*;

const MINUTE: Span = Span::from_minutes(1);

/// Of four closes, in at 1.5 standard deviations. (The score of one among four cannot pass the root of 3.)
fn params() -> MeanReversionParams {
    MeanReversionParams { length: 4, entry: rate("1.5"), ..MeanReversionParams::default() }
}

fn strategy(params: MeanReversionParams) -> MeanReversion {
    MeanReversion::new(MARKET, params).unwrap()
}

fn with_usd() -> Scenario {
    Scenario::new().balance("1000 USD")
}

/// Stands still but for a cent, falls, comes back.
const DIP: [&str; 9] = ["100", "100.01", "100", "90", "92", "95", "99", "100", "100"];

#[test]
fn it_buys_the_dip_and_sells_at_the_mean() {
    // At 240 s 90 is 1.73 deviations below 97.5. At 360 s 95 is above the mean of 100, 90, 92 and 95.
    let run = with_usd().closes(MINUTE, &DIP).run(strategy(params()));
    run.expect_orders(&["240s buy 1000 quote at 91.8", "360s sell 11.11111111 base at 93.1"])
        .expect_fills(&["240s buy 11.11111111 at 90 taker", "360s sell 11.11111111 at 95 taker"])
        .expect_nothing_denied();
    assert_eq!(run.base(), Quantity::ZERO);
    assert!(run.profit() > cash("55"), "{}", run.profit());
    // A spike is nothing to buy; a strategy of the opposite idea would.
    let spike = ["100", "100.01", "100", "110", "108", "105", "101", "100", "100"];
    with_usd().closes(MINUTE, &spike).run(strategy(params())).expect_orders(&[]);
}

#[test]
fn it_earns_in_a_range_and_loses_in_a_fall_what_a_trend_follower_would_not() {
    let mut closes = Vec::new();
    for _ in 0..30 {
        closes.extend(["100", "100.01", "100", "95", "97", "99.5", "100"]);
    }
    let range = with_usd().closes(MINUTE, &closes).run(strategy(params()));
    assert!(range.fills().len() >= 50 && range.profit() > cash("500"), "{}", range.profit());
    let fall: Vec<String> = (0..60).map(|step: i32| (200 - step * step / 20).to_string()).collect();
    let fall: Vec<&str> = fall.iter().map(String::as_str).collect();
    let run = with_usd()
        .closes(MINUTE, &fall)
        .run(strategy(MeanReversionParams { entry: rate("1.2"), ..params() }));
    assert!(run.profit() < cash("-100"), "{}", run.profit());
}

#[test]
fn it_gives_up_after_the_most_candles() {
    let closes = ["100", "100.01", "100", "90", "89", "88", "87", "86", "85"];
    let params = MeanReversionParams { max_candles: Some(3), ..params() };
    let run = with_usd().closes(MINUTE, &closes).run(strategy(params));
    run.expect_fills(&["240s buy 11.11111111 at 90 taker", "420s sell 11.11111111 at 87 taker"]);
}

#[test]
fn an_exit_below_the_mean_sells_earlier_and_one_above_it_later() {
    let sold = |exit: &str| {
        let params = MeanReversionParams { exit: rate(exit), ..params() };
        let run = with_usd().closes(MINUTE, &DIP).run(strategy(params));
        run.fills().get(1).map(|record| record.fill.time)
    };
    // Scores after the entry: -0.91 of 92, 0.2 of 95, 1.5 of 99.
    assert_eq!([sold("-1"), sold("0"), sold("1")], [Some(at(300)), Some(at(360)), Some(at(420))]);
}

#[test]
fn what_a_thin_market_does_not_fill_is_sent_anew_within_the_allocation() {
    let params = MeanReversionParams { allocation: rate("0.5"), ..params() };
    let closes = ["100", "100.01", "100", "90", "90", "90", "90", "90"];
    let run = with_usd().volume("20").closes(MINUTE, &closes).run(strategy(params));
    let lines = run.fill_lines();
    assert_eq!(lines[..2], ["240s buy 2 at 90 taker", "300s buy 2 at 90 taker"]);
    let spent: i128 = run.fills().iter().map(|record| record.fill.quote.units()).sum();
    assert!(spent <= cash("500").units());
}

#[test]
fn closes_that_are_all_the_same_ask_for_nothing() {
    with_usd()
        .closes(MINUTE, &["100"; 12])
        .run(strategy(params()))
        .expect_orders(&[])
        .expect_nothing_denied();
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let refused = |params: MeanReversionParams| MeanReversion::new(MARKET, params).unwrap_err();
    assert!(refused(MeanReversionParams { length: 1, ..params() }).contains("`length` = `1`"));
    assert!(refused(MeanReversionParams { entry: rate("0"), ..params() }).contains("`entry` = `0`"));
    assert!(refused(MeanReversionParams { exit: rate("-1.5"), ..params() }).contains("`exit` is -1.5"));
    assert!(refused(MeanReversionParams { max_candles: Some(0), ..params() }).contains("`max_candles`"));
    assert!(refused(MeanReversionParams { allocation: rate("1.1"), ..params() }).contains("`allocation`"));
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    let saved = strategy(params()).save();
    assert_eq!(strategy(params()).restore(1, &saved), Ok(()));
    assert_eq!(strategy(params()).restore(2, &saved), Err(RestoreError::Version { found: 2, expected: 1 }));
    let other = MeanReversionParams { length: 5, ..params() };
    assert!(strategy(other).restore(1, &saved).unwrap_err().to_string().contains("length = 4, now it is 5"));
    assert!(strategy(params()).restore(1, &saved[..9]).unwrap_err().to_string().contains("early"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_good_strategy_on_any_candles(walk in walks(), minute in 1i64..200) {
        let scenario = Scenario::new().market(market("0.0025")).balance("10000 USD").candles(walk.candles(200));
        let build = || strategy(MeanReversionParams { length: 10, entry: rate("1.4"), ..params() });
        same_input_same_output(&scenario, build)?;
        no_decision_from_the_future(&scenario, build, at(60 * minute))?;
        restart_changes_nothing(&scenario, build, at(60 * minute))?;
        always_able_to_flatten(&scenario, build, at(60 * minute.min(190)))?;
    }
}
