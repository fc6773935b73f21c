//! Holds coins while their price is above its average, money while it is below. This file is the whole strategy.

use pampero_engine::{
    Context, Intent, Parameter, ParameterError, Reason, Requirements, RestoreError, Strategy,
    StrategyDefinition,
};
use pampero_indicators::{Indicator, Sma};
use pampero_model::{Candle, Cash, MarketId, Price, Rate, Rounding, Side, Size, Timestamp};
use serde::{Deserialize, Serialize};

/// What `[strategy.parameters]` of a configuration can set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Closes in the average.
    pub length: u32,
    /// How far a close must be beyond the average: 0.01 is 1 %.
    pub band: Rate,
    /// How much of the quote currency a buy spends.
    pub spend: Cash,
}

impl Default for Params {
    fn default() -> Self {
        Self { length: 60, band: Rate::from_basis_points(50), spend: Cash::from_int(200) }
    }
}

/// The same, with ranges: `strategies` lists them, and a value outside of them is a mistake of the configuration.
const PARAMETERS: &[Parameter] = &[
    Parameter::count("length", "closes in the average").at_least("2").at_most("10000"),
    Parameter::share("band", "how far a close must be beyond the average").at_least("0").below("1"),
    Parameter::cash("spend", "how much of the quote currency a buy spends").above("0"),
];

/// What configurations call it.
const NAME: &str = "{{strategy}}";

/// The strategy as `main.rs` offers it.
pub fn definition() -> StrategyDefinition {
    StrategyDefinition::new(NAME, "follows the average of the closes", |params: Params, markets| {
        let market = *markets.first().ok_or(ParameterError::Markets { needed: 1, given: 0 })?;
        Ok(Box::new(Follower::new(market, params)))
    })
    .with_parameters(PARAMETERS)
}

/// The strategy, with what it must remember over a restart.
pub struct Follower {
    market: MarketId,
    params: Params,
    average: Sma,
    /// When the last candle opened.
    last: Timestamp,
}

impl Follower {
    pub fn new(market: MarketId, params: Params) -> Self {
        Self { market, average: Sma::new(params.length), params, last: Timestamp::MIN }
    }
}

impl Strategy for Follower {
    /// No order is accepted from it before it has seen `warm_up` candles; live, they come from the exchange's history.
    fn requirements(&self) -> Requirements {
        let warm_up = self.params.length as usize;
        Requirements { markets: vec![self.market], warm_up, ..Requirements::default() }
    }

    /// A candle has closed. Orders that are sent now meet the market as it is next seen, never this candle.
    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, candle: &Candle) {
        if candle.open_time <= self.last {
            return; // after a restart, history comes again
        }
        self.last = candle.open_time;
        let Some(average) = self.average.update(candle.close) else { return };
        let Ok(average) = average.price(Rounding::HalfEven) else { return };
        let Ok(band) = self.params.band.of_price(average, Rounding::Up) else { return };
        let flat = ctx.is_flat(market);
        let above = candle.close > average.saturating_add(band);
        let below = candle.close < average.saturating_sub(band);
        if ctx.open_orders(market).next().is_some() {
            return; // one order at a time
        }
        let (side, size) = if flat && above {
            (Side::Buy, Size::Quote(self.params.spend))
        } else if !flat && below {
            let step = ctx.market(market).map(|rules| rules.quantity_step).unwrap_or_default();
            (Side::Sell, Size::Base(ctx.position(market).quantity.truncate_to(step)))
        } else {
            return;
        };
        // The reason stands in the report, with two numbers of its own.
        let reason = Reason::new("AVERAGE").with(candle.close.units(), average.units());
        let order = Intent::market(market, side, size).immediate_or_cancel().because(reason);
        let _ = ctx.submit(order); // the report counts what the risk gate refuses, and why
    }

    /// What a restart needs: the time of the last candle and the closes of the average.
    fn save(&self) -> Vec<u8> {
        let closes = self.average.prices().map(|close| close.units());
        std::iter::once(self.last.as_nanos()).chain(closes).flat_map(i64::to_le_bytes).collect()
    }

    /// Takes it up again. Change `state_version` whenever you change what `save` writes.
    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        if version != self.state_version() {
            return Err(RestoreError::Version { found: version, expected: self.state_version() });
        }
        let (numbers, rest) = state.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|bytes| i64::from_le_bytes(*bytes));
        let (Some(last), []) = (numbers.next(), rest) else {
            return Err(RestoreError::Malformed(format!("it has {} bytes", state.len())));
        };
        self.last = Timestamp::from_nanos(last);
        self.average = Sma::new(self.params.length);
        for close in numbers {
            self.average.update(Price::from_units(close));
        }
        Ok(())
    }
}
