//! Telling people: a bounded queue that trading never waits for, and the channels that empty it.

mod queue;

pub use queue::{Notice, Notifier, Severity};
