//! The time of a session.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::feed::{Clock, wall_clock};

/// The machine's clock, but one that never runs back and never stands still: while the machine's is set back, time goes
/// on at its usual pace from where it was.
pub fn steady_clock() -> Clock {
    let wall = wall_clock();
    let last = Mutex::new((wall(), Instant::now()));
    Arc::new(move || {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = i64::try_from(last.1.elapsed().as_nanos()).unwrap_or(i64::MAX);
        let now = wall().max(last.0.plus(pampero_model::Span::from_nanos(passed)));
        *last = (now, Instant::now());
        now
    })
}
