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
        Requirements { markets: vec![MARKET], ..Requirements::default() }
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
