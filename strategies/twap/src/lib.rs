//! Buys or sells an amount in equal chunks over a time, one after the other, while the spread is small.
//!
//! What Bitex's own buying and selling bots do, on this side of the exchange: with limits, a journal and a report. The
//! many small orders meet what the book offers again and again, instead of eating through it at once.

mod params;
mod strategy;

use pampero_engine::{ParameterError, StrategyDefinition};

pub use params::{Placement, TwapParams};
pub use strategy::Twap;

/// The strategy under its name `twap`, for a program that offers it.
///
/// ```
/// let definition = pampero_twap::definition();
/// assert_eq!(definition.defaults()["chunks"], 20);
/// ```
pub fn definition() -> StrategyDefinition {
    StrategyDefinition::new(
        "twap",
        "trades an amount in chunks while the spread is small",
        |params, markets| {
            let market = *markets.first().ok_or(ParameterError::Markets { needed: 1, given: 0 })?;
            let strategy = Twap::new(market, params).map_err(ParameterError::Invalid)?;
            Ok(Box::new(strategy))
        },
    )
    .with_parameters(params::PARAMETERS)
}
