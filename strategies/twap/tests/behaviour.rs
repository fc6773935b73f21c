//! What the execution in chunks does, on scripted and on generated markets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_engine::{RestoreError, Strategy};
use pampero_model::{Quantity, Side, Span};
use pampero_testkit::proptest::prelude::*;
use pampero_testkit::*;
use pampero_twap::{Placement, Twap, TwapParams};

/// Spends 400 in four chunks, ten seconds apart, while the spread is at most 1 %.
fn params() -> TwapParams {
    TwapParams {
        amount: cash("400"),
        chunks: 4,
        interval: Span::from_secs(10),
        time_to_live: Span::from_secs(5),
        ..TwapParams::default()
    }
}

fn twap(params: TwapParams) -> Twap {
    Twap::new(MARKET, params).unwrap()
}

const BID: (&str, &str) = ("99.80", "50");
const ASK: (&str, &str) = ("100", "50");

/// A quote each second.
fn steady(seconds: i64) -> Scenario {
    let start = Scenario::new().balance("1000 USD").balance("10 BTC");
    (0..seconds).fold(start, |scenario, second| scenario.quote(second, BID, ASK))
}

#[test]
fn it_buys_a_chunk_each_interval_until_the_amount_is_spent() {
    let run = steady(60).run(twap(params()));
    run.expect_orders(&[
        "0s buy 100 quote at 100",
        "10s buy 100 quote at 100",
        "20s buy 100 quote at 100",
        "30s buy 100 quote at 100",
    ])
    .expect_nothing_denied();
    assert_eq!(run.quote(), cash("600"));
    assert_eq!(run.base(), quantity("14"));
}

/// The venue truncates each execution, so that the last chunk makes up for a unit or two.
#[test]
fn it_sells_base() {
    let params = TwapParams { side: Side::Sell, amount: cash("2"), chunks: 3, ..params() };
    let run = steady(60).run(twap(params));
    run.expect_orders(&[
        "0s sell 0.66666666 base at 99.8",
        "10s sell 0.66666666 base at 99.8",
        "20s sell 0.6666667 base at 99.8",
    ]);
    assert_eq!(run.base(), quantity("8"));
}

/// The idea itself: a wide market is one to wait in. The opposite would trade there and wait here.
#[test]
fn it_waits_while_the_spread_is_wide() {
    let mut scenario = Scenario::new().balance("1000 USD");
    for second in 0..40 {
        let ask = if second < 25 { ("101.5", "50") } else { ASK };
        scenario = scenario.quote(second, BID, ask);
    }
    let run = scenario.run(twap(params()));
    run.expect_orders(&["25s buy 100 quote at 100", "35s buy 100 quote at 100"]);
}

#[test]
fn in_a_falling_market_it_pays_about_the_mean_over_the_time() {
    let mut scenario = Scenario::new().balance("1000 USD");
    for second in 0..60 {
        let middle = 110 - second / 3;
        scenario = scenario.quote(second, (&middle.to_string(), "50"), (&format!("{middle}.1"), "50"));
    }
    let run = scenario.run(twap(params()));
    // Bought at 110, 107, 104 and 100 and a bit: all at once would have been 3.63 coins.
    assert!(run.base() > quantity("3.78") && run.base() < quantity("3.82"), "{}", run.base());
}

#[test]
fn it_never_pays_more_than_its_limit() {
    let params = TwapParams { limit_price: Some(price("99.9")), ..params() };
    let run = steady(20).quote(20, ("99.5", "50"), ("99.9", "50")).quote(21, BID, ASK).run(twap(params));
    run.expect_orders(&["20s buy 100 quote at 99.9"]);
}

#[test]
fn a_chunk_that_joins_waits_and_what_it_does_not_get_is_for_the_later_ones() {
    let params = TwapParams { placement: Placement::Join, chunks: 2, ..params() };
    // A tenth of 10 traded through the bid: one coin of the first chunk, which ends at five seconds.
    let run = steady(40).trade(2, "99", "10").run(twap(params));
    run.expect_fills(&["2s buy 1 at 99.8 maker"]);
    assert_eq!(run.order_lines()[..2], ["0s buy 200 quote at 99.8", "10s buy 200 quote at 99.8"]);
    assert_eq!(run.orders()[0].updated_at, at(5));
    assert_eq!(run.orders().len(), 4, "it goes on until the amount is spent: {:?}", run.order_lines());
}

#[test]
fn without_a_book_it_does_nothing() {
    let run =
        Scenario::new().balance("1000 USD").closes(Span::from_minutes(1), &["100"; 9]).run(twap(params()));
    run.expect_orders(&[]).expect_nothing_denied();
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let refused = |params: TwapParams| Twap::new(MARKET, params).unwrap_err();
    assert!(refused(TwapParams { amount: cash("0"), ..params() }).contains("`amount` = `0`"));
    assert!(refused(TwapParams { chunks: 0, ..params() }).contains("`chunks` = `0`"));
    assert!(refused(TwapParams { time_to_live: Span::from_secs(11), ..params() }).contains("`time_to_live`"));
    assert!(refused(TwapParams { max_spread: rate("1"), ..params() }).contains("`max_spread` = `1`"));
    assert!(
        refused(TwapParams { limit_price: Some(price("0")), ..params() }).contains("`limit_price` = `0`")
    );
    let everything = TwapParams { side: Side::Sell, amount: cash("1000000000000"), ..params() };
    assert!(refused(everything).contains("not that much base"));
}

#[test]
fn a_state_of_another_version_or_length_is_refused() {
    let saved = twap(params()).save();
    assert_eq!(twap(params()).restore(1, &saved), Ok(()));
    assert_eq!(twap(params()).restore(2, &saved), Err(RestoreError::Version { found: 2, expected: 1 }));
    assert!(twap(params()).restore(1, &saved[1..]).unwrap_err().to_string().contains("missing: 1"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_good_strategy_and_trades_no_more_than_its_amount(
        walk in walks(), second in 0i64..16, sells: bool, joins: bool,
    ) {
        let scenario = Scenario::new()
            .market(market("0.0025"))
            .balance("20000 USD")
            .balance("5 BTC")
            .quotes(walk.quotes(300, Span::from_millis(50)));
        let build = || twap(TwapParams {
            side: if sells { Side::Sell } else { Side::Buy },
            amount: cash(if sells { "2" } else { "2000" }),
            interval: Span::from_millis(500),
            time_to_live: Span::from_millis(400),
            placement: if joins { Placement::Join } else { Placement::Take },
            ..params()
        });
        same_input_same_output(&scenario, build)?;
        no_decision_from_the_future(&scenario, build, at(second))?;
        restart_changes_nothing(&scenario, build, at(second))?;
        let run = scenario.run(build());
        let quote: i128 = run.fills().iter().map(|record| record.fill.quote.units()).sum();
        let within = if sells { run.base() >= quantity("3") } else { quote <= cash("2000").units() };
        prop_assert!(within);
        prop_assert!(run.base() >= Quantity::ZERO);
    }
}
