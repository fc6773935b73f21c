//! Statistics of a run and their presentation.
//!
//! The engine's outcome becomes a [`RunRecord`]; [`Statistics::compute`] turns that into one set of figures,
//! every one of them explained by [`explain`].

mod curve;
mod record;
mod statistics;
mod trips;

pub use curve::{CurveStatistics, Grid};
pub use record::{
    DeniedCount, EquityPoint, FillRecord, Flow, Holding, Mark, MarketMarks, OrderRecord, RunInputs,
    RunRecord, Timing,
};
pub use statistics::{Statistics, TradeStatistics};
pub use trips::RoundTrip;
