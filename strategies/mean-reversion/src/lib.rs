//! Mean reversion: long only. It buys what has fallen unusually far below its mean, and sells once it is back.
//!
//! Unusual is a matter of standard deviations: the z-score of the last close among the last closes. It decides on the
//! close of a candle, so that its market order acts at the open of the next.

mod params;
mod strategy;

use pampero_engine::StrategyDefinition;

pub use params::MeanReversionParams;
pub use strategy::MeanReversion;

/// The strategy under its name `mean-reversion`, for a program that offers it.
///
/// ```
/// let definition = pampero_mean_reversion::definition();
/// assert_eq!(definition.defaults()["length"], 20);
/// ```
pub fn definition() -> StrategyDefinition {
    let version = env!("CARGO_PKG_VERSION");
    StrategyDefinition::new(
        "mean-reversion",
        version,
        "buys far below the mean, sells at it",
        MeanReversion::new,
    )
}
