//! The simulated exchange: matching, balances, fees, fills against history, latency. Pure: no I/O, no clock.
//!
//! Two front ends share the exchange's rules, its arithmetic and its accounts:
//!
//! * [`HistoryVenue`] executes our orders against recorded history. It serves backtests and paper trading.
//! * [`MatchingVenue`] matches the orders of several accounts with each other. It serves the local sandbox.
//!
//! Both count exactly as the exchange does. For an execution at `price`, with every result cut (not rounded)
//! at eight decimals:
//!
//! ```text
//! quote = min(what the buyer has left, what the seller has left × price)
//! base  = quote ÷ price
//! fee   = base × rate for a buyer, quote × rate for a seller: taken from what is received
//! ```
//!
//! An order of which the rest cannot buy 1e-8 of the other side is complete: the rest (dust) is released.
//! Amounts without a type of their own are integers in units of 1e-8. An order may hold at most
//! 92,233,720,368 of either currency, what 64 bits count; balances have no such bound.

mod arithmetic;
mod balance;
mod history;
mod latency;
mod listing;
mod matching;

mod settings;
mod working;

pub use balance::{Balance, VenueError};
pub use history::{HistoryVenue, OpenOrder};
pub use latency::{Latency, LatencyError, LatencyModel};
pub use matching::{
    AccountId, Match, MatchingVenue, OrderKey, Party, Placement, StateError, VenueEvent, VenueOrder,
    VenueRequest, VenueState,
};
pub use settings::{FillModel, FillPreset, SimSettings, UnknownPreset};
