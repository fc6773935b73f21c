//! Holds coins while their price is above its average, money while it is below. This file is the whole strategy.

use pampero_engine::{
    Context, OrderEvent, Reason, Requirements, RestoreError, RoundTrip, Strategy, StrategyDefinition,
};
use pampero_engine::{parameters, restore_state, save_state};
use pampero_indicators::{Indicator, Sma};
use pampero_model::{Candle, MarketId, Rate, Rounding, Side, Timestamp};

parameters! {
    /// What `[strategy.parameters]` of a configuration can set: purpose, default and range of each.
    pub struct Params {
        /// Closes in the average.
        pub length: u32 = 60 => at_least("2").at_most("10000"),
        /// How far a close must be beyond the average: 0.01 is 1 %.
        pub band: Rate = Rate::from_basis_points(50) => at_least("0").below("1"),
        /// The part of its cash that a buy spends.
        pub allocation: Rate = Rate::from_basis_points(2_000) => above("0").at_most("1"),
    }
}

/// The strategy as `main.rs` offers it: what configurations call it, and how it is made.
pub fn definition() -> StrategyDefinition {
    let build = |market, params| Ok(Follower::new(market, params));
    let (name, version) = ("{{strategy}}", env!("CARGO_PKG_VERSION"));
    StrategyDefinition::new(name, version, "follows the average of the closes", build)
}

/// The strategy, with what it must remember over a restart.
pub struct Follower {
    market: MarketId,
    params: Params,
    average: Sma,
    trip: RoundTrip, // in and out of the market, in as many orders as it takes
    last: Timestamp, // when the last candle opened
}

impl Follower {
    pub fn new(market: MarketId, params: Params) -> Self {
        let (average, trip) = (Sma::new(params.length), RoundTrip::new(market, params.allocation));
        Self { market, params, average, trip, last: Timestamp::MIN }
    }
}

impl Strategy for Follower {
    /// No order is accepted from it before it has seen `warm_up` candles; live, they come from the exchange's history.
    fn requirements(&self) -> Requirements {
        Requirements { warm_up: self.params.length as usize, ..Requirements::of(self.market) }
    }

    /// A candle has closed. Orders that are sent now meet the market as it is next seen, never this candle.
    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, candle: &Candle) {
        if candle.open_time <= self.last {
            return; // after a restart, history comes again
        }
        self.last = candle.open_time;
        let average = self.average.update(candle.close).and_then(|mean| mean.price(Rounding::HalfEven).ok());
        let Some(average) = average else { return };
        let beyond = |side| average.away(side, self.params.band).unwrap_or(average);
        if ctx.is_flat(market) && candle.close > beyond(Side::Sell) {
            self.trip.enter();
        } else if !ctx.is_flat(market) && candle.close < beyond(Side::Buy) {
            self.trip.exit();
        }
        // The reason stands in the report, with two numbers of its own.
        self.trip.pursue(ctx, Reason::new("AVERAGE").with(candle.close.units(), average.units()));
    }

    /// What the market did not fill is sent anew.
    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        self.trip.on_order(ctx, event, Reason::new("REST"));
    }

    /// What a restart needs. Change `state_version` whenever you change what `save` writes.
    fn save(&self) -> Vec<u8> {
        save_state(&(self.last, self.trip.goal(), self.average.prices().collect::<Vec<_>>()))
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        let (last, goal, closes): (_, _, Vec<_>) = restore_state(state, version, self.state_version())?;
        self.last = last;
        self.trip.resume(goal);
        self.average.extend(closes);
        Ok(())
    }
}
