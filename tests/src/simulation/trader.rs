//! A strategy that places and cancels at random, around a market that stands still.

use pampero_engine::{Context, Intent, Requirements, Strategy};
use pampero_model::{MarketId, Price, Quantity, Side, Size, Timestamp};

use super::faults::Chance;

/// Places, cancels, and at the end wants nothing any more.
pub struct Trader {
    chance: Chance,
    until: Timestamp,
}

impl Trader {
    pub fn new(seed: u64, until: Timestamp) -> Self {
        Self { chance: Chance::new(seed), until }
    }
}

/// An order of the strategy's grid: a person who trades by hand likes the same round prices and sizes.
pub fn order_like(side: Side, step: i64, size: i64) -> (Price, Size) {
    let whole = 100_000_000;
    let units = (size + 1) * whole;
    match side {
        Side::Buy => (
            Price::from_units((100 - step) * whole),
            Size::Quote(pampero_model::Cash::from_units((units * 100).into())),
        ),
        Side::Sell => (Price::from_units((101 + step) * whole), Size::Base(Quantity::from_units(units))),
    }
}

impl Strategy for Trader {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![MarketId(0), MarketId(1)], ..Requirements::default() }
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        if ctx.now() >= self.until {
            return ctx.cancel_all(market);
        }
        if self.chance.percent(50) {
            let side = if self.chance.percent(50) { Side::Buy } else { Side::Sell };
            let (price, size) = order_like(side, self.chance.between(0, 5), self.chance.between(0, 1));
            // A refusal by the gate is as good an outcome as any.
            let _ = ctx.submit(Intent::limit(market, side, size, price));
        }
        if self.chance.percent(20) {
            let oldest = ctx.open_orders(market).next().map(|order| order.id);
            if let Some(order) = oldest {
                ctx.cancel(order);
            }
        }
    }
}
