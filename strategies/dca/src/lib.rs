//! Cost averaging: buys for the same amount of money at regular intervals, whatever the price.
//!
//! The same money buys more coins when they are cheap, so that the average price paid is below the average of the
//! prices. It never sells.

mod params;
mod strategy;

use pampero_engine::{ParameterError, StrategyDefinition};

pub use params::DcaParams;
pub use strategy::Dca;

/// The strategy under its name `dca`, for a program that offers it.
///
/// ```
/// let definition = pampero_dca::definition();
/// assert_eq!(definition.defaults()["every"], "1d");
/// ```
pub fn definition() -> StrategyDefinition {
    StrategyDefinition::new("dca", "buys for the same amount at regular intervals", |params, markets| {
        let market = *markets.first().ok_or(ParameterError::Markets { needed: 1, given: 0 })?;
        let strategy = Dca::new(market, params).map_err(ParameterError::Invalid)?;
        Ok(Box::new(strategy))
    })
    .with_parameters(params::PARAMETERS)
}
