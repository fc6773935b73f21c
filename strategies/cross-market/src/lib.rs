//! Cross-market making: quotes on one book at prices that it can get on another, and hedges there what is executed.
//!
//! The first market of the configuration is the one it makes, the second the one it hedges on; they may belong to one
//! venue or to two. It is what Bitex's own robot does, in exact arithmetic, with one net exposure instead of two, and
//! behind the same risk gate as everything else.

mod params;
mod prices;
mod strategy;

use pampero_engine::StrategyDefinition;

pub use params::CrossMarketParams;
pub use strategy::CrossMarket;

/// The strategy under its name `cross-market`, for a program that offers it.
///
/// ```
/// let definition = pampero_cross_market::definition();
/// assert_eq!(definition.markets(), 2);
/// ```
pub fn definition() -> StrategyDefinition {
    let (version, summary) = (env!("CARGO_PKG_VERSION"), "quotes on one book what it hedges on another");
    StrategyDefinition::over("cross-market", version, summary, 2, |markets, params| match *markets {
        [maker, taker, ..] => CrossMarket::new(maker, taker, params),
        _ => Err("name the market to make and the one to hedge on".to_owned()),
    })
}
