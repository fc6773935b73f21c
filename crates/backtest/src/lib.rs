//! History, engine and simulated venue joined in one synchronous, pure loop.
//!
//! [`run`] merges the feeds in time order and shows every observation first to the venue, which fills what
//! rests there, and then to the engine, which reports to the strategies. What the engine decides travels to the
//! venue over its latency bus, and the venue's reports travel back. No I/O, no clock: the same input gives the
//! same outcome, byte for byte.
//!
//! ```text
//! feeds ─> venue (fills) ─> reports ─┐
//!     └─────────────> observation ───┴─> engine ─> commands ─> venue
//! ```

mod check;
mod feed;
mod outcome;
mod rates;
mod run;
mod simulation;

pub use check::{CheckError, Poison, Rebuild, Verdict, check_determinism, check_lookahead, check_warm_up};
pub use feed::{Feed, FeedData};
pub use outcome::{DenialCount, EquityPoint, FillRecord, Outcome};
pub use rates::RateHistory;
pub use run::{Backtest, BacktestError, Recording, run, run_with_progress};
pub use simulation::{Simulation, Witness};
