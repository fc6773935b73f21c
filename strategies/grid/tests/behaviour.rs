//! What the grid does, on scripted and on generated markets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_engine::{RestoreError, Strategy};
use pampero_grid::{Grid, GridParams};
use pampero_model::{Quantity, Side, Span};
use pampero_testkit::proptest::prelude::*;
use pampero_testkit::*;

const MINUTE: Span = Span::from_minutes(1);

/// Lines at 90, 95, 100, 105 and 110, one coin each.
fn params() -> GridParams {
    GridParams {
        lower: price("90"),
        upper: price("110"),
        lines: 5,
        quantity: quantity("1"),
        orders: 9,
        stop: None,
    }
}

fn grid(params: GridParams) -> Grid {
    Grid::new(MARKET, params).unwrap()
}

fn with_usd() -> Scenario {
    Scenario::new().balance("1000 USD")
}

#[test]
fn it_buys_at_the_lines_below_the_market_and_sells_each_a_line_higher() {
    let run = with_usd().closes(MINUTE, &["102", "98", "94", "94", "99", "106", "106"]).run(grid(params()));
    assert_eq!(
        run.order_lines()[..3],
        ["60s buy 100 quote at 100", "60s buy 95 quote at 95", "60s buy 90 quote at 90"]
    );
    assert_eq!(
        run.fill_lines(),
        [
            "80s buy 1 at 100 maker",
            "140s buy 1 at 95 maker",
            // Two of the falls come back: five from 95 to 100, five from 100 to 105.
            "340s sell 1 at 100 maker",
            "340s sell 1 at 105 maker",
        ]
    );
    run.expect_nothing_denied();
    assert_eq!((run.base(), run.profit()), (Quantity::ZERO, cash("10")));
}

/// The idea itself: every swing earns. One who sold on the lines below and bought on those above would lose with each.
#[test]
fn it_earns_with_every_swing() {
    let closes: Vec<&str> = (0..60).map(|step| if step % 4 < 2 { "102" } else { "94" }).collect();
    let run = with_usd().closes(MINUTE, &closes).run(grid(params()));
    let sold = run.fills().iter().filter(|record| record.fill.side == Side::Sell).count();
    assert!(sold >= 12, "{:?}", run.fill_lines());
    assert!(run.profit() >= cash("60"), "{}", run.profit());
    for pair in run.fills().iter().filter(|record| record.fill.side == Side::Sell) {
        assert!(pair.fill.price >= price("100"));
    }
}

#[test]
fn what_it_holds_at_the_start_it_sells_on_the_lines_above() {
    let run = with_usd().balance("2.5 BTC").closes(MINUTE, &["98", "98", "111", "111"]).run(grid(params()));
    let sells: Vec<String> = run.fill_lines().into_iter().filter(|line| line.contains("sell")).collect();
    assert_eq!(sells, ["160s sell 1 at 105 maker", "160s sell 1 at 110 maker"]);
    assert_eq!(run.base(), quantity("0.5"));
}

#[test]
fn it_buys_no_more_than_it_can_pay_the_nearest_line_first() {
    let poor = Scenario::new().balance("150 USD").closes(MINUTE, &["106", "106"]);
    poor.run(grid(params())).expect_orders(&["60s buy 105 quote at 105"]).expect_nothing_denied();
}

#[test]
fn it_places_no_more_orders_a_side_than_it_may() {
    let run = with_usd().closes(MINUTE, &["102", "102"]).run(grid(GridParams { orders: 2, ..params() }));
    run.expect_orders(&["60s buy 100 quote at 100", "60s buy 95 quote at 95"]);
}

#[test]
fn a_partly_executed_order_stays_and_the_rest_follows() {
    // A tenth of 4: 0.4 coins a candle.
    let run =
        with_usd().volume("4").closes(MINUTE, &["102", "98", "97", "98", "99", "99"]).run(grid(params()));
    let bought: Vec<String> = run.fill_lines().into_iter().filter(|line| line.contains("buy")).collect();
    assert_eq!(
        bought[..3],
        ["80s buy 0.4 at 100 maker", "120s buy 0.4 at 100 maker", "180s buy 0.2 at 100 maker"]
    );
    assert_eq!(run.order_lines().iter().filter(|line| line.contains("buy 100 quote")).count(), 1);
    assert!(run.order_lines().contains(&"180s sell 1 base at 105".to_owned()), "{:?}", run.order_lines());
}

#[test]
fn with_fees_it_sells_what_it_received() {
    let run = with_usd()
        .market(market("0.0025"))
        .closes(MINUTE, &["102", "98", "98", "106", "106"])
        .run(grid(params()));
    assert!(
        run.order_lines().contains(&"120s sell 0.9975 base at 105".to_owned()),
        "{:?}",
        run.order_lines()
    );
    run.expect_nothing_denied();
}

#[test]
fn at_its_stop_it_sells_everything_and_buys_no_more() {
    let params = GridParams { stop: Some(price("85")), ..params() };
    let closes = ["102", "94", "84", "84", "84", "96", "102", "94", "84"];
    let run = with_usd().closes(MINUTE, &closes).run(grid(params));
    let fills = run.fill_lines();
    assert_eq!(fills.len(), 4, "{fills:?}");
    assert_eq!(fills[3], "180s sell 3 at 84 taker");
    assert_eq!(run.base(), Quantity::ZERO);
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let refused = |params: GridParams| Grid::new(MARKET, params).unwrap_err();
    assert!(refused(GridParams { upper: price("90"), ..params() }).contains("must ascend"));
    assert!(refused(GridParams { lines: 1, ..params() }).contains("`lines` = `1`"));
    assert!(refused(GridParams { quantity: Quantity::ZERO, ..params() }).contains("`quantity` = `0`"));
    assert!(refused(GridParams { orders: 0, ..params() }).contains("`orders` = `0`"));
    assert!(refused(GridParams { stop: Some(price("90")), ..params() }).contains("`stop` is 90"));
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    let saved = grid(params()).save();
    assert_eq!(grid(params()).restore(1, &saved), Ok(()));
    assert_eq!(grid(params()).restore(2, &saved), Err(RestoreError::Version { found: 2, expected: 1 }));
    assert!(grid(params()).restore(1, &saved[..20]).unwrap_err().to_string().contains("missing: 1"));
    let error = grid(params()).restore(1, &[&saved[..], &[0; 3]].concat()).unwrap_err().to_string();
    assert!(error.contains("missing: 6"), "{error}");
    let other = GridParams { lines: 6, ..params() };
    let error = grid(other).restore(1, &saved).unwrap_err().to_string();
    assert!(error.contains("5 lines from 90 to 110, now they are 6 from 90 to 110"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_good_strategy_on_any_candles(walk in walks(), minute in 1i64..110) {
        let scenario = Scenario::new().market(market("0.0025")).balance("10000 USD").candles(walk.candles(120));
        let build = || grid(GridParams { lower: price("900"), upper: price("1100"), lines: 21, ..params() });
        same_input_same_output(&scenario, build)?;
        no_decision_from_the_future(&scenario, build, at(60 * minute))?;
        restart_changes_nothing(&scenario, build, at(60 * minute))?;
        let run = scenario.run(build());
        never_exceeds_position(&run, quantity("20"))?;
        prop_assert!(run.outcome().denied.is_empty(), "{:?}", run.outcome().denied);
    }
}
