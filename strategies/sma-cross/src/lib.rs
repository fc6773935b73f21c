//! A moving-average crossover: long only, all in and all out.
//!
//! When the fast simple moving average of the closes rises above the slow one, it buys for everything; when it is
//! above no longer, it sells everything. It decides on the close of a candle, so that its market order acts at the
//! open of the next. The averages are integer sums and compare exactly: a tie is not above.

mod params;
mod strategy;

use pampero_engine::StrategyDefinition;

pub use params::SmaCrossParams;
pub use strategy::SmaCross;

/// The strategy under its name `sma-cross`, for a program that offers it.
///
/// ```
/// let definition = pampero_sma_cross::definition();
/// assert_eq!(definition.defaults()["slow"], 30);
/// ```
pub fn definition() -> StrategyDefinition {
    let version = env!("CARGO_PKG_VERSION");
    StrategyDefinition::new("sma-cross", version, "moving-average crossover, long only", SmaCross::new)
}
