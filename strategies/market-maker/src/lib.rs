//! A market maker: a bid and an ask around a fair price, moved against the inventory.
//!
//! It earns the spread between its two quotes and runs the risk of what it holds meanwhile. The more it holds
//! beyond its target, the lower it quotes, so that its ask fills before its bid. It never takes from the book.

mod params;
mod prices;
mod strategy;

use pampero_engine::StrategyDefinition;

pub use params::{FairPrice, MarketMakerParams};
pub use strategy::MarketMaker;

/// The strategy under its name `market-maker`, for a program that offers it.
///
/// ```
/// let definition = pampero_market_maker::definition();
/// assert_eq!(definition.defaults()["half_spread"], "0.0005");
/// ```
pub fn definition() -> StrategyDefinition {
    let version = env!("CARGO_PKG_VERSION");
    StrategyDefinition::new("market-maker", version, "two-sided quotes with inventory skew", MarketMaker::new)
}
