//! What the cost averaging does, on scripted and on generated markets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_dca::{Dca, DcaParams};
use pampero_engine::{RestoreError, Strategy};
use pampero_model::{Cash, Quantity, Rounding, Side, Span};
use pampero_testkit::proptest::prelude::*;
use pampero_testkit::*;

const MINUTE: Span = Span::from_minutes(1);

/// For 100, every two minutes.
fn params() -> DcaParams {
    DcaParams { spend: cash("100"), every: Span::from_minutes(2), ..DcaParams::default() }
}

fn dca(params: DcaParams) -> Dca {
    Dca::new(MARKET, params).unwrap()
}

fn with_usd() -> Scenario {
    Scenario::new().balance("1000 USD")
}

#[test]
fn it_spends_the_same_each_time_whatever_the_price() {
    let closes = ["10", "20", "40", "30", "20", "10", "5", "5"];
    let run = with_usd().closes(MINUTE, &closes).run(dca(params()));
    run.expect_fills(&[
        "60s buy 10 at 10 taker",
        "180s buy 2.5 at 40 taker",
        "300s buy 5 at 20 taker",
        "420s buy 20 at 5 taker",
    ])
    .expect_nothing_denied();
}

/// The idea itself: money counts, not coins. One who bought the same number of coins each time would pay the mean.
#[test]
fn it_pays_less_than_the_mean_of_the_prices() {
    let closes = ["10", "10", "30", "30", "5", "5", "20", "20", "40", "40"];
    let run = with_usd().closes(MINUTE, &closes).run(dca(params()));
    let fills = run.fills();
    let paid: i128 = fills.iter().map(|record| record.fill.quote.units()).sum();
    let paid = Cash::from_units(paid).average_price(run.base(), Rounding::HalfEven).unwrap();
    let prices: i64 = fills.iter().map(|record| record.fill.price.units()).sum();
    let mean = prices / i64::try_from(fills.len()).unwrap();
    assert_eq!(fills.len(), 5);
    // 500 ÷ (10 + 3⅓ + 20 + 5 + 2½) against 105 ÷ 5.
    assert_eq!((paid.to_string().as_str(), mean), ("12.24489796", price("21").units()));
}

#[test]
fn it_ends_with_its_budget_or_its_money() {
    let closes = ["10"; 40];
    let params = DcaParams { budget: Some(cash("250")), ..params() };
    let run = with_usd().closes(MINUTE, &closes).run(dca(params));
    assert_eq!(
        run.order_lines(),
        ["60s buy 100 quote at 10.2", "180s buy 100 quote at 10.2", "300s buy 50 quote at 10.2"]
    );
    let run = Scenario::new().balance("150 USD").closes(MINUTE, &closes).run(dca(self::params()));
    run.expect_orders(&["60s buy 100 quote at 10.2", "180s buy 50 quote at 10.2"]).expect_nothing_denied();
}

#[test]
fn it_waits_while_the_market_is_above_the_most_it_pays() {
    let params = DcaParams { max_price: Some(price("15")), ..params() };
    let run = with_usd().closes(MINUTE, &["10", "10", "20", "16", "12", "12"]).run(dca(params));
    // Due at 180 s, bought at the first price that is low enough; the rhythm stays.
    run.expect_fills(&["60s buy 10 at 10 taker", "300s buy 8.33333333 at 12 taker"]);
}

#[test]
fn what_a_thin_market_does_not_fill_is_sent_anew() {
    let run = with_usd().volume("40").closes(MINUTE, &["10"; 6]).run(dca(params()));
    assert_eq!(run.fill_lines()[..2], ["60s buy 4 at 10 taker", "120s buy 4 at 10 taker"]);
    assert_eq!(run.order_lines()[..2], ["60s buy 100 quote at 10.2", "120s buy 60 quote at 10.2"]);
}

#[test]
fn it_needs_no_candles() {
    let run = with_usd()
        .quote(0, ("99", "50"), ("101", "50"))
        .quote(1, ("99", "50"), ("101", "50"))
        .quote(121, ("99", "50"), ("101", "50"))
        .quote(122, ("99", "50"), ("101", "50"))
        .run(dca(params()));
    assert_eq!(run.orders().len(), 2);
    assert_eq!(run.orders()[1].created_at, at(121));
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let refused = |params: DcaParams| Dca::new(MARKET, params).unwrap_err();
    assert!(refused(DcaParams { spend: cash("0"), ..params() }).contains("`spend` = `0`"));
    assert!(refused(DcaParams { every: Span::ZERO, ..params() }).contains("`every` = `0s`"));
    assert!(refused(DcaParams { budget: Some(Cash::ZERO), ..params() }).contains("`budget` = `0`"));
    assert!(refused(DcaParams { max_price: Some(price("0")), ..params() }).contains("`max_price` = `0`"));
}

#[test]
fn a_state_of_another_version_or_length_is_refused() {
    let saved = dca(params()).save();
    assert_eq!(dca(params()).restore(1, &saved), Ok(()));
    assert_eq!(dca(params()).restore(2, &saved), Err(RestoreError::Version { found: 2, expected: 1 }));
    assert!(dca(params()).restore(1, &saved[1..]).unwrap_err().to_string().contains("missing: 1"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_good_strategy_on_any_candles(walk in walks(), minute in 1i64..150, budget in 1u32..2_000) {
        let scenario = Scenario::new().market(market("0.0025")).balance("10000 USD").candles(walk.candles(160));
        let budget = cash(&budget.to_string());
        let build = || dca(DcaParams { budget: Some(budget), ..params() });
        same_input_same_output(&scenario, build)?;
        no_decision_from_the_future(&scenario, build, at(60 * minute))?;
        restart_changes_nothing(&scenario, build, at(60 * minute))?;
        let run = scenario.run(build());
        let spent: i128 = run.fills().iter().map(|record| record.fill.quote.units()).sum();
        prop_assert!(spent <= budget.units());
        prop_assert!(run.fills().iter().all(|record| record.fill.side == Side::Buy));
        prop_assert!(run.base() >= Quantity::ZERO);
    }
}
