//! A market maker: a bid and an ask around a fair price, moved against the inventory.
//!
//! It earns the spread between its two quotes and runs the risk of what it holds meanwhile. The more it holds
//! beyond its target, the lower it quotes, so that its ask fills before its bid. It never takes from the book.

mod params;
mod prices;
mod strategy;

use pampero_engine::{ParameterError, StrategyDefinition};

pub use params::{FairPrice, MarketMakerParams};
pub use strategy::MarketMaker;

/// The strategy under its name `market-maker`, for a program that offers it.
///
/// ```
/// let definition = pampero_market_maker::definition();
/// assert_eq!(definition.defaults()["half_spread"], "0.0005");
/// ```
pub fn definition() -> StrategyDefinition {
    StrategyDefinition::new("market-maker", "two-sided quotes with inventory skew", |params, markets| {
        let market = *markets.first().ok_or(ParameterError::Markets { needed: 1, given: 0 })?;
        let strategy = MarketMaker::new(market, params).map_err(ParameterError::Invalid)?;
        Ok(Box::new(strategy))
    })
    .with_parameters(params::PARAMETERS)
}
