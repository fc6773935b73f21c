//! The risk gate: limits, the trading state, and the checks between an intent and the venue.

mod checks;
mod denied;
mod limits;
mod monitor;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use checks::{Facts, Review, Scope, approve, band_edge};
pub use denied::{CHECKS, CheckInfo, Code, Denied};
pub use limits::{Limits, MarketLimits};
pub(crate) use monitor::{Monitor, MonitorCheckpoint};

/// What may be traded. Latched: only an operator's resume makes it milder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TradingState {
    /// Everything within the limits.
    #[default]
    Active,
    /// Only what makes a position smaller.
    ReduceOnly,
    /// Nothing but cancels.
    Halted,
}

impl TradingState {
    /// The field's word for the state, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::ReduceOnly => "reduce_only",
            Self::Halted => "halted",
        }
    }
}

/// Why the trading state is what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TripReason {
    /// It was never changed, or an operator reset it.
    #[default]
    None,
    /// An operator.
    Operator,
    /// The strategy asked for it.
    Strategy,
    /// A hook of the strategy panicked.
    Panic,
    /// The daily loss limit.
    DailyLoss,
    /// The drawdown limit.
    Drawdown,
    /// Too many executions.
    RepeatedExecution,
    /// Too many refusals.
    Rejects,
    /// A buy sized in quote was filled below the band in which its quantity was counted.
    FillOutsideBand,
    /// A fill belongs to no order we know.
    ForeignFill,
    /// The clock differs too much.
    ClockSkew,
}

impl fmt::Display for TripReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Operator => "operator",
            Self::Strategy => "strategy",
            Self::Panic => "panic",
            Self::DailyLoss => "daily_loss",
            Self::Drawdown => "drawdown",
            Self::RepeatedExecution => "repeated_execution",
            Self::Rejects => "rejects",
            Self::FillOutsideBand => "fill_outside_band",
            Self::ForeignFill => "foreign_fill",
            Self::ClockSkew => "clock_skew",
        })
    }
}
