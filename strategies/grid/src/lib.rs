//! A grid: buys a little at each of many prices on the way down, and sells each of those a line higher.
//!
//! It earns the distance between two lines each time the market goes down one and up again, as often as it does so, and
//! holds more the farther the market falls. Long only.

mod params;
mod slots;
mod strategy;

use pampero_engine::StrategyDefinition;

pub use params::GridParams;
pub use strategy::Grid;

/// The strategy under its name `grid`, for a program that offers it.
///
/// ```
/// let definition = pampero_grid::definition();
/// assert_eq!(definition.defaults()["lines"], 11);
/// ```
pub fn definition() -> StrategyDefinition {
    let version = env!("CARGO_PKG_VERSION");
    StrategyDefinition::new("grid", version, "buys on each line down, sells each a line higher", Grid::new)
}
