//! Cost averaging: buys for the same amount of money at regular intervals, whatever the price.
//!
//! The same money buys more coins when they are cheap, so that the average price paid is below the average of the
//! prices. It never sells.

mod params;
mod strategy;

use pampero_engine::StrategyDefinition;

pub use params::DcaParams;
pub use strategy::Dca;

/// The strategy under its name `dca`, for a program that offers it.
///
/// ```
/// let definition = pampero_dca::definition();
/// assert_eq!(definition.defaults()["every"], "1d");
/// ```
pub fn definition() -> StrategyDefinition {
    let version = env!("CARGO_PKG_VERSION");
    StrategyDefinition::new("dca", version, "buys for the same amount at regular intervals", Dca::new)
}
