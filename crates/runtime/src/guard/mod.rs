//! The kill switch: blocks first, cancels, verifies, and works without the engine.
//!
//! The [`Latch`] is what stops: a file, so that it outlives the process and any other process can set it, with a
//! copy in memory that costs one atomic load to look at. The gateway looks at it before every order.
//!
//! The [`Guard`] is a thread of its own with exchange clients of its own, one for each account. It stops when any of these happens:
//! [`Guard::trip`] (rules, an alarm, the command line), the latch file (`pampero halt`, a person, the watchdog),
//! `SIGUSR1`, a panic in a thread that holds a [`Sentinel`], or an engine that no longer calls [`Guard::pulse`].
//! Then, in this order: the copy in memory blocks, the file is written and synced, everything is cancelled, and two
//! lists without orders, at least two seconds apart, show that nothing is left. While an exchange is down it keeps
//! trying and tells people; the accounts at others are cleared meanwhile. Only [`Latch::resume`], by a person, lets trading go on.
//!
//! | level | new orders | open orders | positions |
//! |---|---|---|---|
//! | `reduce` | only those that make a position smaller (the engine sees to it) | stay | stay |
//! | `halt` | none | cancelled | stay |
//! | `flatten` | none but the sales, under a [`FlattenPermit`] | cancelled | sold |

mod latch;
mod sweep;
mod switch;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

pub use latch::{FlattenPermit, Latch, LatchRecord, Level};
pub(crate) use sweep::Sweeps;
pub use sweep::{Account, Phase, Progress, Scope, SweepSettings};
pub use switch::{Guard, GuardSettings, Sentinel, Status};
