//! Paper and live trading: the pure engine joined to the world.
//!
//! ```text
//! feed ──> Event ──> engine ──> Command ──> execution ──> gateway ──> exchange
//!            └───────── journal ─────────┘      ^                        │
//!                                               └──────── answers ───────┘
//! ```
//!
//! * [`feed`]: which market is polled when, and what of an answer is news. The part that decides is pure.
//! * [`execution`]: what becomes of an order on an exchange without client order ids. Pure; every request is data.
//! * [`gateway`]: carries requests out. The only place that calls `Exchange::place`, and only with an
//!   [`Approved`](pampero_engine::Approved) order.
//! * [`recorder`], [`codec`]: what enters and leaves the engine as bytes in the journal; [`tape`], [`recovery`]: and back.
//! * [`replay`], [`story`], [`export`], [`lots`], [`drift`]: what a journal tells afterwards.
//! * [`outstanding`]: which orders a journal says are still at the exchange.
//! * [`session`]: the loop that joins them, for paper and live alike.
//! * [`state_dir`], [`guard`], [`watchdog`]: the state directory, the kill switch, and the process that watches.
//! * [`rehearsal`], [`promotion`]: what must work, and be shown, before a strategy trades real money.
//! * [`notify`], [`telemetry`]: telling people and machines.

pub mod codec;
pub mod drift;
pub mod execution;
pub mod export;
pub mod feed;
pub mod gateway;
pub mod guard;
#[doc(hidden)]
pub mod kill_point;
pub mod lots;
mod memory;
pub mod notify;
pub mod outstanding;
pub mod promotion;
pub mod recorder;
pub mod recovery;
pub mod rehearsal;
pub mod replay;
pub mod session;
pub mod state_dir;
pub mod story;
pub mod tape;
pub mod telemetry;
pub mod watchdog;
mod web;
