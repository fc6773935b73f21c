//! Each property holds of an honest strategy and is broken by one made to break it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::cell::Cell;

use pampero_engine::{Context, Intent, Requirements, RestoreError, Strategy};
use pampero_model::{Candle, MarketId, Side, Size, Span, Timestamp};
use pampero_testkit::*;
use proptest::prelude::*;

/// Buys for `spend` at every `period`-th candle. Whether it remembers where it was is up to the test.
struct Every {
    period: u64,
    spend: &'static str,
    seen: u64,
    forgetful: bool,
}

impl Every {
    fn new(period: u64, spend: &'static str) -> Self {
        Self { period, spend, seen: 0, forgetful: false }
    }
}

impl Strategy for Every {
    fn requirements(&self) -> Requirements {
        Requirements::of(MARKET)
    }

    fn save(&self) -> Vec<u8> {
        if self.forgetful { Vec::new() } else { self.seen.to_le_bytes().to_vec() }
    }

    fn restore(&mut self, _: u32, state: &[u8]) -> Result<(), RestoreError> {
        if !self.forgetful {
            let bytes =
                state.try_into().map_err(|_| RestoreError::Malformed("not eight bytes".to_owned()))?;
            self.seen = u64::from_le_bytes(bytes);
        }
        Ok(())
    }

    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, _: &Candle) {
        self.seen += 1;
        if self.seen.is_multiple_of(self.period) {
            let _ = ctx.submit(Intent::market(market, Side::Buy, Size::Quote(cash(self.spend))));
        }
    }
}

fn scenario() -> Scenario {
    Scenario::new().balance("1000000 USD").candles(Walk::new(3).candles(100))
}

/// A builder whose strategies differ from run to run.
fn fickle() -> impl Fn() -> Every {
    let runs = Cell::new(0);
    move || {
        runs.set(runs.get() + 1);
        Every::new(2 + runs.get(), "100")
    }
}

#[test]
fn a_strategy_that_differs_from_run_to_run_is_found() {
    assert!(same_input_same_output(&scenario(), || Every::new(3, "100")).is_ok());
    let error = same_input_same_output(&scenario(), fickle()).unwrap_err().to_string();
    assert!(error.contains("two runs differ: order 0"), "{error}");
}

#[test]
fn an_order_that_depends_on_what_came_later_is_found() {
    assert!(no_decision_from_the_future(&scenario(), || Every::new(3, "100"), at(3_000)).is_ok());
    let error = no_decision_from_the_future(&scenario(), fickle(), at(3_000)).unwrap_err().to_string();
    assert!(error.contains("depends on what came later"), "{error}");
}

#[test]
fn a_strategy_that_forgets_is_found() {
    let honest = || Every::new(7, "100");
    assert!(restart_changes_nothing(&scenario(), honest, at(1_500)).is_ok());
    let forgetful = || Every { forgetful: true, ..Every::new(7, "100") };
    let error = restart_changes_nothing(&scenario(), forgetful, at(1_500)).unwrap_err().to_string();
    assert!(error.contains("a restart at"), "{error}");
}

#[test]
fn a_position_that_cannot_be_sold_is_found() {
    let build = || Every::new(3, "100");
    assert!(always_able_to_flatten(&scenario(), build, at(3_000)).is_ok());
    // The script ends before the sale can fill.
    let error = always_able_to_flatten(&scenario(), build, at(6_000)).unwrap_err().to_string();
    assert!(error.contains("flattening from"), "{error}");
}

#[test]
fn a_position_beyond_the_limit_is_found() {
    let run = scenario().run(Every::new(3, "100000"));
    let held = run.base();
    assert!(never_exceeds_position(&run, held).is_ok());
    assert!(never_exceeds_position(&run, quantity("0.5")).is_err());
}

#[test]
fn poison_leaves_the_past_alone() {
    let scenario = Scenario::new()
        .balance("1000 USD")
        .quote(0, ("99", "1"), ("101", "1"))
        .quote(10, ("99", "1"), ("101", "1"))
        .trade(11, "100", "1");
    let poisoned = scenario.poisoned(at(10), 1);
    assert_eq!(poisoned.range(), scenario.range());
    assert_ne!(format!("{poisoned:?}"), format!("{scenario:?}"));
    let later = scenario.poisoned(Timestamp::MAX, 1);
    assert_eq!(format!("{later:?}"), format!("{scenario:?}"));
}

#[test]
#[should_panic(expected = "- 120s buy 100 quote at 1\n")]
fn a_list_that_differs_is_shown_line_by_line() {
    Scenario::new()
        .balance("1000 USD")
        .closes(Span::from_minutes(1), &["100", "100", "100"])
        .run(Every::new(2, "100"))
        .expect_orders(&["120s buy 100 quote at 1"]);
}

#[test]
#[should_panic(expected = "bad literal in a test: `1,5` is not a decimal number")]
fn a_bad_literal_is_named() {
    let _ = price("1,5");
}

#[test]
fn a_golden_file_holds_what_a_run_did() {
    let run = Scenario::new()
        .balance("1000 USD")
        .closes(Span::from_minutes(1), &["100", "101", "102", "103"])
        .run(Every::new(2, "100"));
    run.expect_golden("tests/golden/every_second_candle.txt");
}

#[test]
#[should_panic(
    expected = "differs at line 1\n  - 120s buy 100 quote at 103.02\n  + 120s buy 200 quote at 103.02"
)]
fn a_run_that_differs_from_its_golden_file_is_shown() {
    let accepting = std::env::var_os("PAMPERO_ACCEPT").is_some();
    // Accepting would write the wrong run; then the test has nothing to show.
    assert!(
        !accepting,
        "differs at line 1\n  - 120s buy 100 quote at 103.02\n  + 120s buy 200 quote at 103.02"
    );
    Scenario::new()
        .balance("1000 USD")
        .closes(Span::from_minutes(1), &["100", "101", "102", "103"])
        .run(Every::new(2, "200"))
        .expect_golden("tests/golden/every_second_candle.txt");
}

/// Buys once in each market when both were seen.
struct Both {
    seen: [bool; 2],
}

impl Strategy for Both {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![MARKET, OTHER], ..Requirements::default() }
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        self.seen[market.index()] = true;
        if self.seen == [true, true] {
            self.seen = [false, false];
            for market in [MARKET, OTHER] {
                let _ = ctx.submit(Intent::market(market, Side::Buy, Size::Quote(cash("10"))));
            }
        }
    }
}

#[test]
fn a_scenario_may_have_two_markets_of_two_venues() {
    let rules = market("0");
    let other = pampero_model::Market {
        venue: "other".to_owned(),
        code: "btc_ars".to_owned(),
        quote: "ARS".parse().unwrap(),
        ..rules
    };
    let run = Scenario::new()
        .balance("50 USD")
        .quote(0, ("99", "1"), ("101", "1"))
        .quote(2, ("99", "1"), ("101", "1"))
        .and_market(other)
        .balance("40 ARS")
        .rate("ARS", "0.001")
        .quote(1, ("990", "1"), ("1010", "1"))
        .quote(3, ("990", "1"), ("1010", "1"))
        .run(Both { seen: [false, false] });
    run.expect_fills(&["2s buy 0.0990099 at 101 taker", "3s buy 0.00990099 at 1010 taker on btc_ars"]);
    // Each venue's own money is spent, to the rest that the last unit of base leaves.
    assert_eq!(run.quote(), cash("40"));
    assert!(run.balance("ARS".parse().unwrap()) < cash("30.1").units());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn generated_candles_are_possible(walk in walks(), count in 1usize..200, gap in 0usize..9) {
        let series = with_gaps(&walk.candles(count), 5, gap);
        prop_assert!(series.iter().all(|candle| candle.is_possible()));
        prop_assert!(series.open_times.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn generated_quotes_are_in_order(walk in walks(), count in 1usize..200) {
        let (quotes, trades) = walk.quotes(count, Span::from_millis(50));
        prop_assert!(quotes.quotes.iter().all(|quote| quote.bid.price < quote.ask.price));
        prop_assert!(quotes.times.is_sorted() && trades.times.is_sorted());
    }
}
