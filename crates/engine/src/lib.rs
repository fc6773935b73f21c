//! The trading engine: one deterministic state machine that backtest, paper and live trading share.
//!
//! [`Engine::step`] takes an event, lets the strategies react, passes every intent through order emulation,
//! the fingerprint and the risk gate, and writes approved [`Command`]s into the caller's buffer. It performs no
//! I/O, reads no clock and no random source, and allocates nothing once warm.
//!
//! ```text
//! event ─> market view ─> portfolio, limits ─> strategies ─> intent ─> emulation ─> fingerprint ─> gate ─> command
//! ```

mod checkpoint;
mod command;
mod context;
mod core;
mod counted;
mod definition;
mod emulation;
mod engine;
mod event;
mod exposure;
mod fingerprint;
mod intent;
mod intern;
mod market_view;
mod orders;
mod parameter;
mod parameters;
mod portfolio;
mod quoting;
mod recovery;
mod risk;
mod round_trip;
mod saved_state;
mod strategy;
mod submit;
#[cfg(test)]
mod tests;
mod timers;
mod wide;
mod window;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use command::{Approved, Audit, Command, Outputs};
pub use context::Context;
pub use counted::CountedFills;
pub use definition::{ParameterError, StrategyDefinition};
pub use engine::{Engine, EngineError, Setup};
pub use event::{Control, Event, EventKind};
pub use exposure::Exposure;
pub use fingerprint::Fingerprint;
pub use intent::{Desired, Intent, OrderKind, Reason, TimeInForce};
pub use market_view::{Fact, MarketView};
pub use orders::{OrderEvent, OrderRecord, OrderState, TRANSITIONS};
pub use parameter::{Bound, OutOfRange, Parameter, ParameterKind};
pub use parameters::{ParameterType, Parameters};
pub use portfolio::{Allocation, Holding, Owner, Portfolio, PortfolioError, Position};
pub use recovery::{CommandRecord, Decisions, OrderWatch};
pub use risk::{CHECKS, CheckInfo, Code, Denied, Limits, MarketLimits, TradingState, TripReason};
pub use round_trip::{Goal, RoundTrip};
pub use saved_state::{StateValue, Whole, restore_state, save_state};
pub use strategy::{Requirements, RestoreError, Strategy, StrategyId};
// What `parameters!` derives with, so that a strategy needs no dependency of its own for it.
#[doc(hidden)]
pub use serde;
