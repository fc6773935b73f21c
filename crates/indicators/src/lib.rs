//! Streaming indicators: each input costs constant time, and nothing is allocated after construction.
//!
//! Where a signal decides about money, the indicator is exact: [`Sma`] adds integers, and two averages of
//! different lengths compare without a division, so that a tie is a tie.

mod average;
mod indicator;
mod microprice;
mod sma;

pub use average::Average;
pub use indicator::Indicator;
pub use microprice::microprice;
pub use sma::Sma;
