//! Logs and metrics.
//!
//! * [`log_to`] sets logging up: lines of text or JSON, to standard error or to a file that nobody else may read.
//! * [`OrderSpans`]: one span for the life of an order, so that all its lines carry its number.
//! * [`Metrics`] and [`serve_metrics`]: figures for Prometheus, on this machine alone.
//!
//! No key can be in any of it, since keys cannot be printed; tests look for one all the same.

mod log;
mod metrics;
mod serve;

#[cfg(test)]
mod tests;

pub use log::{LogFormat, LogSettings, OrderSpans, TelemetryError, log_to};
pub use metrics::Metrics;
pub use serve::{listen, serve_metrics};
