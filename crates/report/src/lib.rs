//! Statistics of a run and their presentation.
//!
//! The engine's outcome becomes a [`RunRecord`]; [`Statistics::compute`] turns that into one set of figures,
//! every one of them explained by [`explain`]; [`render`], [`render_html`], [`summary_json`] and [`write_files`] present them.

mod columns;
mod compare;
mod curve;
mod explain;
mod files;
mod format;
mod fund;
mod html;
mod json;
mod record;
mod statistics;
mod store;
mod svg;
mod terminal;
mod trips;

pub use compare::{
    Comparison, InputDifference, OrderDifference, StatisticDifference, TripDifference, compare,
};
pub use curve::{CurveStatistics, Grid};
pub use explain::{Explanation, Value, explain, explanations};
pub use files::{WriteError, write_files};
pub use format::{group, show};
pub use html::render_html;
pub use json::{orders_hash, summary_json};
pub use record::{
    DeniedCount, EquityPoint, FillRecord, Flow, Holding, Mark, MarketMarks, OrderRecord, PresetOutcome,
    RunInputs, RunRecord, Timing,
};
pub use statistics::{Statistics, TradeStatistics};
pub use store::{ReadError, read_run};
pub use terminal::{Style, render};
pub use trips::RoundTrip;
