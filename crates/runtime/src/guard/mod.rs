//! The kill switch: blocks first, cancels, verifies, and works without the engine.
//!
//! The [`Latch`] is what stops: a file, so that it outlives the process and any other process can set it, with a
//! copy in memory that costs one atomic load to look at.

mod latch;

pub use latch::{Latch, LatchRecord, Level};
