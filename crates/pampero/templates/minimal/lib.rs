//! Buys what fell within one candle, and sells it when it has gained. This file is the whole strategy.

use pampero_engine::{
    Context, Intent, Parameter, ParameterError, Reason, Requirements, Strategy, StrategyDefinition,
};
use pampero_model::{Candle, Cash, MarketId, Rate, Rounding, Side, Size};
use serde::{Deserialize, Serialize};

/// What `[strategy.parameters]` of a configuration can set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// It buys when a candle closes this far below its open: 0.01 is 1 %.
    pub dip: Rate,
    /// It sells when a candle closes this far above what the position cost.
    pub gain: Rate,
    /// How much of the quote currency a buy spends.
    pub spend: Cash,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            dip: Rate::from_basis_points(100),
            gain: Rate::from_basis_points(100),
            spend: Cash::from_int(100),
        }
    }
}

/// The same, with ranges: `strategies` lists them, and a value outside of them is a mistake of the configuration.
const PARAMETERS: &[Parameter] = &[
    Parameter::share("dip", "it buys when a candle closes this far below its open").above("0").at_most("0.5"),
    Parameter::share("gain", "it sells when a candle closes this far above the cost").above("0"),
    Parameter::cash("spend", "how much of the quote currency a buy spends").above("0"),
];

/// What configurations call it.
const NAME: &str = "{{strategy}}";

/// The strategy as `main.rs` offers it.
pub fn definition() -> StrategyDefinition {
    StrategyDefinition::new(NAME, "buys dips, sells gains", |params: Params, markets| {
        let market = *markets.first().ok_or(ParameterError::Markets { needed: 1, given: 0 })?;
        Ok(Box::new(DipBuyer { market, params }))
    })
    .with_parameters(PARAMETERS)
}

/// The strategy. It remembers nothing between candles: what it holds and has ordered, the engine knows.
pub struct DipBuyer {
    pub market: MarketId,
    pub params: Params,
}

impl Strategy for DipBuyer {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![self.market], ..Requirements::default() }
    }

    /// A candle has closed. Orders that are sent now meet the market as it is next seen, never this candle.
    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, candle: &Candle) {
        if ctx.open_orders(market).next().is_some() {
            return; // one order at a time
        }
        let position = ctx.position(market);
        let (side, size, reason) = if ctx.is_flat(market) {
            let Ok(dip) = self.params.dip.of_price(candle.open, Rounding::Up) else { return };
            if candle.open.saturating_sub(candle.close) < dip {
                return;
            }
            (Side::Buy, Size::Quote(self.params.spend), "DIP")
        } else {
            let Some(cost) = position.average_price() else { return };
            if cost.shifted(self.params.gain, Rounding::Up).is_ok_and(|target| candle.close < target) {
                return;
            }
            let step = ctx.market(market).map(|rules| rules.quantity_step).unwrap_or_default();
            (Side::Sell, Size::Base(position.quantity.truncate_to(step)), "GAIN")
        };
        let order = Intent::market(market, side, size).immediate_or_cancel().because(Reason::new(reason));
        let _ = ctx.submit(order); // the report counts what the risk gate refuses, and why
    }
}
