//! A trading session: the loop that joins engine, journal and the world, for paper and live alike.
//!
//! ```text
//! feed ─┐
//! answers ─┼─> inbox ─> mode (engine + venue or exchange) ─> journal, synced ─> requests
//! operator ─┘
//! ```
//!
//! One thread owns the engine and the journal and waits on one inbox. Nothing leaves before what led to it is synced.

mod clock;
mod follow;
mod inbox;
mod live;
mod paper;
mod pen;
mod run;

pub use clock::steady_clock;
pub use follow::{follow_guard, follow_latch};
pub use inbox::{Inbox, Input, Operator, StopMode, inbox};
pub use live::Live;
pub use paper::{Paper, prepare};
pub use pen::Pen;
pub use run::{Ended, Mode, Outgoing, SessionError, SessionHooks, StopSettings, Turned, Undecided, run};
