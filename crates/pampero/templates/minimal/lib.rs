//! Buys what fell within one candle, and sells it when it has gained. This file is the whole strategy.

use pampero_engine::{Context, Intent, Reason, Requirements, Strategy, StrategyDefinition, parameters};
use pampero_model::{Candle, Cash, MarketId, Rate, Side, Size};

parameters! {
    /// What `[strategy.parameters]` of a configuration can set: purpose, default and range of each.
    pub struct Params {
        /// It buys when a candle closes this far below its open: 0.01 is 1 %.
        pub dip: Rate = Rate::from_basis_points(100) => above("0").at_most("0.5"),
        /// It sells when a candle closes this far above what the position cost.
        pub gain: Rate = Rate::from_basis_points(100) => above("0"),
        /// How much of the quote currency a buy spends.
        pub spend: Cash = Cash::from_int(100) => above("0"),
    }
}

/// The strategy as `main.rs` offers it: what configurations call it, and how it is made.
pub fn definition() -> StrategyDefinition {
    let build = |market, params| Ok(DipBuyer { market, params });
    let (name, version) = ("{{strategy}}", env!("CARGO_PKG_VERSION"));
    StrategyDefinition::new(name, version, "buys dips, sells gains", build)
}

/// The strategy. It remembers nothing between candles: what it holds and has ordered, the engine knows.
pub struct DipBuyer {
    pub market: MarketId,
    pub params: Params,
}

impl Strategy for DipBuyer {
    fn requirements(&self) -> Requirements {
        Requirements::of(self.market)
    }

    /// A candle has closed. Orders that are sent now meet the market as it is next seen, never this candle.
    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, candle: &Candle) {
        if ctx.has_open_orders(market) {
            return; // one order at a time
        }
        let Params { dip, gain, spend } = self.params;
        let order = if ctx.is_flat(market) {
            let fell = candle.open.away(Side::Buy, dip).is_ok_and(|low| candle.close <= low);
            fell.then(|| Intent::market(market, Side::Buy, Size::Quote(spend)).because(Reason::new("DIP")))
        } else {
            let cost = ctx.position(market).average_price().unwrap_or_default();
            let gained = cost.away(Side::Sell, gain).is_ok_and(|high| candle.close >= high);
            let all = Size::Base(ctx.sellable(market));
            gained.then(|| Intent::market(market, Side::Sell, all).because(Reason::new("GAIN")))
        };
        if let Some(order) = order {
            let _ = ctx.submit(order.immediate_or_cancel()); // the report counts what the risk gate refuses
        }
    }
}
