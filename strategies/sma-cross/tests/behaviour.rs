//! What the crossover does, on scripted and on generated markets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_engine::{Limits, RestoreError, Strategy};
use pampero_model::{Cash, Quantity, Side, Span};
use pampero_sma_cross::{SmaCross, SmaCrossParams};
use pampero_testkit::proptest::prelude::*;
use pampero_testkit::*;

const MINUTE: Span = Span::from_minutes(1);

/// The crossover of 2 and 3 closes.
fn short() -> SmaCross {
    lengths(2, 3)
}

fn lengths(fast: u32, slow: u32) -> SmaCross {
    SmaCross::new(MARKET, SmaCrossParams { fast, slow, ..SmaCrossParams::default() }).unwrap()
}

fn with_usd() -> Scenario {
    Scenario::new().balance("1000 USD")
}

/// Falls, rises, falls.
const HILL: [&str; 12] = ["12", "11", "10", "10", "12", "16", "20", "20", "18", "14", "12", "12"];

#[test]
fn it_holds_while_the_market_rises_and_not_while_it_falls() {
    // At 300 s: (10 + 12) ÷ 2 > (10 + 10 + 12) ÷ 3. At 540 s: (20 + 18) ÷ 2 < (20 + 20 + 18) ÷ 3.
    let run = with_usd().closes(MINUTE, &HILL).run(short());
    run.expect_orders(&["300s buy 1000 quote at 12.24", "540s sell 83.33333333 base at 17.64"])
        .expect_fills(&["300s buy 83.33333333 at 12 taker", "540s sell 83.33333333 at 18 taker"])
        .expect_nothing_denied();
    assert_eq!(run.base(), Quantity::ZERO);
    assert!(run.profit() > cash("499"), "{}", run.profit());
    // The same market upside down is one to stay out of; an inverted strategy would buy at 20 and sell at 10.
    let valley = ["18", "19", "20", "20", "18", "14", "10", "10", "10", "10"];
    let run = with_usd().closes(MINUTE, &valley).run(short());
    run.expect_orders(&[]);
}

#[test]
fn it_acts_at_the_open_after_the_close_that_decided() {
    let flat = |price| [price, price, price, price];
    let run = with_usd()
        .candle(MINUTE, flat("10"))
        .candle(MINUTE, flat("10"))
        .candle(MINUTE, flat("10"))
        .candle(MINUTE, ["10", "11", "10", "11"])
        // The gap is paid for: the close was 11, the open is 11.1.
        .candle(MINUTE, ["11.1", "12", "11", "12"])
        .run(short());
    run.expect_fills(&["240s buy 90.09009009 at 11.1 taker"]);
}

#[test]
fn a_tie_is_not_above() {
    let run = with_usd().closes(MINUTE, &["0.1", "0.1", "0.1", "0.1", "0.1", "0.1"]).run(short());
    run.expect_orders(&[]);
    // From above to a tie: out. 3 × 0.1 and 2 × 0.1 do not compare so in floats.
    let closes = ["0.1", "0.1", "0.1", "0.4", "0.4", "0.4", "0.4"];
    let run = with_usd().closes(MINUTE, &closes).run(short());
    run.expect_orders(&["240s buy 1000 quote at 0.408", "360s sell 2500 base at 0.392"]);
}

#[test]
fn it_enters_only_on_a_cross_that_it_saw() {
    // Above as soon as both averages are warm, and ever after: no cross.
    let run = with_usd().closes(MINUTE, &["10", "11", "12", "13", "14", "15"]).run(short());
    run.expect_orders(&[]).expect_nothing_denied();
}

#[test]
fn the_allocation_bounds_what_a_buy_spends() {
    let params = SmaCrossParams { fast: 2, slow: 3, allocation: rate("0.25"), span: None };
    let run = with_usd().closes(MINUTE, &HILL).run(SmaCross::new(MARKET, params).unwrap());
    assert_eq!(run.order_lines()[0], "300s buy 250 quote at 12.24");
}

#[test]
fn what_a_thin_market_does_not_fill_is_sent_anew_at_the_next_price() {
    // A tenth of 100: 10 coins a candle.
    let closes = ["10", "10", "10", "11", "12", "13", "14", "15", "16"];
    let run = with_usd().volume("100").closes(MINUTE, &closes).run(short());
    run.expect_fills(&[
        "240s buy 10 at 11 taker",
        "300s buy 10 at 12 taker",
        "360s buy 10 at 13 taker",
        "420s buy 10 at 14 taker",
        "480s buy 10 at 15 taker",
    ])
    .expect_nothing_denied();
    assert_eq!(run.order_lines()[1], "300s buy 890 quote at 12.24");
}

#[test]
fn a_partial_allocation_is_not_exceeded_by_sending_the_rest_anew() {
    let params = SmaCrossParams { fast: 2, slow: 3, allocation: rate("0.2"), span: None };
    let closes = ["10", "10", "10", "11", "12", "13", "14", "15", "16"];
    let run = with_usd().volume("100").closes(MINUTE, &closes).run(SmaCross::new(MARKET, params).unwrap());
    let spent: i128 = run.fills().iter().map(|record| record.fill.quote.units()).sum();
    assert!(Cash::from_units(spent) <= cash("200"), "{}", Cash::from_units(spent));
    assert!(Cash::from_units(spent) > cash("199.9"), "{}", Cash::from_units(spent));
}

#[test]
fn a_cross_down_ends_a_buy_that_still_works_and_sells_what_it_got() {
    let closes = ["10", "10", "10", "11", "12", "8", "7", "7", "7"];
    let run = with_usd().volume("100").closes(MINUTE, &closes).run(short());
    run.expect_fills(&[
        "240s buy 10 at 11 taker",
        "300s buy 10 at 12 taker",
        "360s sell 10 at 8 taker",
        "420s sell 10 at 7 taker",
    ]);
    assert_eq!(run.base(), Quantity::ZERO);
}

#[test]
fn a_crash_through_the_price_bound_is_followed_down() {
    // The open of 90 is beyond the 2 % below 100 that the sale accepts: it is sent anew.
    let run = with_usd()
        .closes(MINUTE, &["100", "100", "100", "110", "120", "110", "100"])
        .candle(MINUTE, ["90", "90", "89", "89"])
        .candle(MINUTE, ["88", "88", "88", "88"])
        .run(short());
    assert_eq!(run.base(), Quantity::ZERO);
    assert_eq!(run.fill_lines()[1..], ["480s sell 9.09090909 at 88 taker"]);
}

#[test]
fn with_latency_the_exit_waits_until_the_entry_is_gone() {
    let latency = Latency::symmetric(LatencyModel::Constant(Span::from_secs(50)));
    let closes = ["10", "10", "10", "11", "8", "7", "7", "7", "7", "7", "7", "7", "7"];
    let run = with_usd().latency(latency).closes(MINUTE, &closes).run(short());
    let held = run.positions();
    assert!(held.iter().any(|(_, quantity)| quantity.is_positive()), "{:?}", run.order_lines());
    assert_eq!(run.base(), Quantity::ZERO, "{:?}", run.order_lines());
    run.expect_nothing_denied();
}

#[test]
fn an_entry_under_way_is_called_back_as_soon_as_the_market_turns() {
    // The buy arrives at 280 s and gets a tenth of the volume. At 300 s the market turns, before anything is known
    // of the order; at 320 s it is known and the cancel leaves, at 400 s it has worked and the sale goes out.
    let latency = Latency::symmetric(LatencyModel::Constant(Span::from_secs(40)));
    let closes = ["10", "10", "10", "11", "8", "7", "7", "7", "7", "7", "7", "7", "7"];
    let run = with_usd().volume("100").latency(latency).closes(MINUTE, &closes).run(short());
    assert!(run.order_lines()[1].starts_with("400s sell "), "{:?}", run.order_lines());
}

#[test]
fn a_refused_exit_is_tried_again_at_each_candle() {
    // One request in any second, and a candle each 200 milliseconds.
    let limits = Limits { requests_per_second: Some(1), ..Limits::default() };
    let span = Span::from_millis(200);
    let closes = ["10", "10", "10", "11", "8", "7", "7", "7", "7", "7", "7"];
    let run = with_usd().limits(limits).closes(span, &closes).run(short());
    run.expect_orders(&["0.800s buy 1000 quote at 11.22", "1.800s sell 90.9090909 base at 6.86"]);
    assert_eq!(run.outcome().denied_total(), 4);
}

#[test]
fn a_refused_entry_waits_for_the_next_cross() {
    // The second entry, at 180 s, comes within a minute of the first; the exit is never held back.
    let limits = Limits { orders_per_minute: Some(2), ..Limits::default() };
    let closes = ["10", "10", "10", "11", "8", "7", "7", "9", "12", "13", "14", "15"];
    let run = with_usd().limits(limits).closes(Span::from_secs(10), &closes).run(short());
    run.expect_orders(&["40s buy 1000 quote at 11.22", "50s sell 90.9090909 base at 7.84"]);
    assert_eq!(run.outcome().denied_total(), 1);
}

#[test]
fn base_held_at_the_start_is_sold_at_the_first_cross_down() {
    let closes = ["10", "11", "12", "13", "12", "10", "9"];
    let run = Scenario::new().balance("2 BTC").closes(MINUTE, &closes).run(short());
    run.expect_orders(&["360s sell 2 base at 9.8"]);
}

#[test]
fn a_state_of_other_lengths_or_another_version_is_refused() {
    let saved = short().save();
    let error = lengths(2, 4).restore(1, &saved).unwrap_err();
    assert!(error.to_string().contains("saved with fast = 2 and slow = 3, now they are 2 and 4"), "{error}");
    assert_eq!(short().restore(9, &saved), Err(RestoreError::Version { found: 9, expected: 1 }));
    for length in 0..saved.len() {
        assert!(short().restore(1, &saved[..length]).is_err(), "{length}");
    }
    assert_eq!(short().restore(1, &saved), Ok(()));
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let refused = |params: SmaCrossParams| SmaCross::new(MARKET, params).unwrap_err();
    let params = SmaCrossParams::default();
    assert!(refused(SmaCrossParams { fast: 0, ..params.clone() }).contains("`fast` = `0`"));
    assert!(refused(SmaCrossParams { fast: 30, ..params.clone() }).contains("make `slow` the larger one"));
    assert!(refused(SmaCrossParams { slow: 100_001, ..params.clone() }).contains("`slow` = `100001`"));
    assert!(
        refused(SmaCrossParams { allocation: rate("1.1"), ..params.clone() })
            .contains("`allocation` = `1.1`")
    );
    assert!(refused(SmaCrossParams { span: Some(Span::ZERO), ..params }).contains("`span` = `0s`"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_good_strategy_on_any_candles(
        walk in walks(), gap in 0usize..5, allocation in 1i64..=10, fast in 1u32..6, more in 1u32..8, latency in 0i64..100, minute in 0i64..160,
    ) {
        let latency = Latency::symmetric(LatencyModel::Constant(Span::from_secs(latency)));
        let scenario = Scenario::new()
            .market(market("0.0025"))
            .balance("10000000 USD")
            .balance("1 BTC")
            .latency(latency)
            .candles(with_gaps(&walk.candles(150), 9, gap));
        // The share of the volume that fills bounds many of these orders.
        let params = SmaCrossParams {
            fast,
            slow: fast + more,
            allocation: pampero_model::Rate::from_units(allocation * 10_000_000),
            span: None,
        };
        let build = || SmaCross::new(MARKET, params.clone()).unwrap();
        let instant = at(minute * 60);
        same_input_same_output(&scenario, build)?;
        no_decision_from_the_future(&scenario, build, instant)?;
        restart_changes_nothing(&scenario, build, instant)?;
    }

    #[test]
    fn its_position_can_always_be_sold(seed: u64, minute in 0i64..100) {
        let scenario = Scenario::new().balance("10000 USD").candles(Walk::new(seed).candles(150));
        always_able_to_flatten(&scenario, || lengths(3, 7), at(minute * 60))?;
    }

    /// Against the plainest possible account of what a crossover does, in integers. A price of three and steps of
    /// a cent make many ties.
    #[test]
    fn it_trades_exactly_at_the_crosses(
        seed: u64, count in 20usize..150, fast in 1usize..6, more in 1usize..8, gaps: bool,
    ) {
        let series = if gaps {
            with_gaps(&Walk::new(seed).steps_of(10).candles(count), 5, 3)
        } else {
            Walk::new(seed).from(price("3")).steps_of(60).candles(count)
        };
        let slow = fast + more;
        let closes: Vec<i64> = series.closes.iter().map(|close| close.units()).collect();
        let above = |end: usize| {
            let average = |length: usize, weight: usize| {
                closes[end - length..end].iter().sum::<i64>() * i64::try_from(weight).unwrap()
            };
            average(fast, slow) > average(slow, fast)
        };
        let (mut holds, mut expected) = (false, Vec::new());
        for end in slow + 1..closes.len() {
            let (before, now) = (above(end - 1), above(end));
            if before != now && now != holds {
                holds = now;
                expected.push((series.open_times[end], series.opens[end], now));
            }
        }
        let scenario = Scenario::new().balance("10 USD").fill(FillPreset::Optimistic).candles(series);
        let run = scenario.run(lengths(u32::try_from(fast).unwrap(), u32::try_from(slow).unwrap()));
        let fills = run.fills().iter().map(|record| record.fill);
        let actual: Vec<_> = fills.map(|fill| (fill.time, fill.price, fill.side == Side::Buy)).collect();
        prop_assert_eq!(actual, expected);
    }
}
