//! What should hold of every strategy.

use std::sync::{Arc, Mutex};

use pampero_engine::{OrderRecord, Strategy};
use pampero_model::{Quantity, Size, Timestamp};
use proptest::test_runner::{TestCaseError, TestCaseResult};

use crate::outcome::Run;
use crate::scenario::Scenario;
use crate::wrappers::{Flatten, Interrupted, Restart};

/// Seeds of the garbage that replaces the future.
const POISONS: [u64; 3] = [1, 2, 3];

fn fail(text: String) -> TestCaseResult {
    Err(TestCaseError::fail(text))
}

/// Two runs give the same outcome in every detail.
pub fn same_input_same_output<S: Strategy + 'static>(
    scenario: &Scenario,
    build: impl Fn() -> S,
) -> TestCaseResult {
    let (first, second) = (scenario.run(build()), scenario.run(build()));
    match difference(first.orders(), second.orders()) {
        None if first == second => Ok(()),
        None => fail("two runs sent the same orders and ended differently".to_owned()),
        Some(text) => fail(format!("two runs differ: {text}")),
    }
}

/// Whatever comes after `at` changes no order from `at` or before: garbage takes the place of the future, and the orders
/// asked for until then stay what they were. A candle that begins at `at` is future but for its open, so that a strategy
/// that looks one candle ahead is found, too, at an instant at which it decides.
pub fn no_decision_from_the_future<S: Strategy + 'static>(
    scenario: &Scenario,
    build: impl Fn() -> S,
    at: Timestamp,
) -> TestCaseResult {
    let orders = |scenario: &Scenario| {
        let run = scenario.run(build());
        let before = run.orders().iter().filter(|order| order.created_at <= at);
        before.map(as_asked_for).collect::<Vec<_>>()
    };
    let expected = orders(scenario);
    for seed in POISONS {
        if let Some(text) = difference(&expected, &orders(&scenario.poisoned(at, seed))) {
            return fail(format!("an order of {at} or before depends on what came later: {text}"));
        }
    }
    Ok(())
}

/// A new strategy that takes up the saved state of the old one at an instant goes on as the old one would have.
pub fn restart_changes_nothing<S: Strategy + 'static>(
    scenario: &Scenario,
    build: impl Fn() -> S,
    at: Timestamp,
) -> TestCaseResult {
    let failure = Arc::new(Mutex::new(None));
    let restarted = scenario.run(Interrupted {
        inner: Box::new(build()),
        at,
        interruption: Restart { successor: Some(Box::new(build())), failure: Arc::clone(&failure) },
    });
    if let Ok(Some(error)) = failure.lock().map(|error| error.clone()) {
        return fail(format!("the state saved at {at} cannot be restored: {error}"));
    }
    match difference(scenario.run(build()).orders(), restarted.orders()) {
        None => Ok(()),
        Some(text) => fail(format!("a restart at {at} changes what the strategy does: {text}")),
    }
}

/// From the state reached at `at`, cancelling everything and selling what is held leaves less than the smallest
/// order. The script must go on long enough for the sale to fill.
pub fn always_able_to_flatten<S: Strategy + 'static>(
    scenario: &Scenario,
    build: impl Fn() -> S,
    at: Timestamp,
) -> TestCaseResult {
    let run = scenario.run(Interrupted { inner: Box::new(build()), at, interruption: Flatten });
    if scenario.rules().is_too_small(Size::Base(run.base())) {
        return Ok(());
    }
    fail(format!(
        "flattening from {at} left {} base; orders:\n  {}",
        run.base(),
        run.order_lines().join("\n  ")
    ))
}

/// No execution ever leaves more than `limit` of base.
pub fn never_exceeds_position(run: &Run, limit: Quantity) -> TestCaseResult {
    match run.positions().into_iter().find(|(_, held)| *held > limit) {
        None => Ok(()),
        Some((time, held)) => fail(format!("at {time} it holds {held} base, more than {limit}")),
    }
}

/// An order without its fate, which may lie in the future.
fn as_asked_for(order: &OrderRecord) -> OrderRecord {
    let mut asked = *order;
    asked.state = pampero_engine::OrderState::Submitted;
    asked.filled_base = Quantity::ZERO;
    asked.filled_quote = pampero_model::Cash::ZERO;
    asked.cancel_wanted = false;
    asked.observed = false;
    asked.venue_order = None;
    asked.updated_at = order.created_at;
    asked
}

/// The first difference of two lists of orders.
fn difference(left: &[OrderRecord], right: &[OrderRecord]) -> Option<String> {
    let length = left.len().max(right.len());
    let index = (0..length).find(|index| left.get(*index) != right.get(*index))?;
    let show =
        |order: Option<&OrderRecord>| order.map_or("no order".to_owned(), |order| format!("{order:?}"));
    Some(format!("order {index} is\n  {}\nand\n  {}", show(left.get(index)), show(right.get(index))))
}
