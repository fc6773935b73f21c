//! Buys or sells an amount in equal chunks over a time, one after the other, while the spread is small.
//!
//! What Bitex's own buying and selling bots do, on this side of the exchange: with limits, a journal and a report. The
//! many small orders meet what the book offers again and again, instead of eating through it at once.

mod params;
mod strategy;

use pampero_engine::StrategyDefinition;

pub use params::{Placement, TwapParams};
pub use strategy::Twap;

/// The strategy under its name `twap`, for a program that offers it.
///
/// ```
/// let definition = pampero_twap::definition();
/// assert_eq!(definition.defaults()["chunks"], 20);
/// ```
pub fn definition() -> StrategyDefinition {
    let version = env!("CARGO_PKG_VERSION");
    StrategyDefinition::new(
        "twap",
        version,
        "trades an amount in chunks while the spread is small",
        Twap::new,
    )
}
