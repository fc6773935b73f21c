//! The contract of a strategy.

use pampero_model::{Candle, Fill, MarketId, Span, Trade};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::context::Context;
use crate::orders::OrderEvent;
use crate::risk::TradingState;

/// Index of a strategy in the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StrategyId(pub u16);

impl StrategyId {
    /// The index as a position in an array.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a strategy needs before it can decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// The markets whose events it gets, and on which alone it may trade. The first is its main one.
    pub markets: Vec<MarketId>,
    /// The candles it wants; empty for every span that comes.
    pub candle_spans: Vec<Span>,
    /// How many candles of its main market it must have seen before an order is accepted from it.
    pub warm_up: usize,
}

impl Requirements {
    /// One market, whatever candles come of it, and no warm-up.
    ///
    /// ```
    /// use pampero_engine::Requirements;
    /// use pampero_model::MarketId;
    /// let requirements = Requirements { warm_up: 20, ..Requirements::of(MarketId(0)) };
    /// assert_eq!(requirements.markets, [MarketId(0)]);
    /// ```
    pub fn of(market: MarketId) -> Self {
        Self { markets: vec![market], ..Self::default() }
    }
}

/// A saved state that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RestoreError {
    /// The state was saved by a version that this one does not read.
    #[error("state version {found} cannot be restored by this strategy (it reads {expected})")]
    Version {
        /// The version in the saved state.
        found: u32,
        /// The newest version this strategy reads.
        expected: u32,
    },
    /// The bytes do not decode.
    #[error("the saved state does not decode: {0}")]
    Malformed(String),
}

/// A trading strategy: its own mutable state, and hooks that the engine calls in the order of events.
///
/// Hooks act through the [`Context`]. A hook that panics poisons the strategy and halts it; others go on.
/// Hooks that are not needed keep their empty defaults.
pub trait Strategy: Send {
    /// Markets, candle spans and warm-up.
    fn requirements(&self) -> Requirements;

    /// Version of what [`save`](Self::save) writes.
    fn state_version(&self) -> u32 {
        0
    }

    /// The state that must survive a restart.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes up a saved state.
    fn restore(&mut self, version: u32, _state: &[u8]) -> Result<(), RestoreError> {
        if version == self.state_version() {
            Ok(())
        } else {
            Err(RestoreError::Version { found: version, expected: self.state_version() })
        }
    }

    /// Once, before the first event.
    fn on_start(&mut self, _ctx: &mut Context<'_>) {}

    /// A market was seen, be it by a book, a trade or a candle: what [`on_book`](Self::on_book),
    /// [`on_trade`](Self::on_trade) and [`on_candle`](Self::on_candle) call where a strategy does not write them.
    fn on_market(&mut self, _ctx: &mut Context<'_>, _market: MarketId) {}

    /// A book or a best quote was seen: [`Context::book`] has it.
    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        self.on_market(ctx, market);
    }

    /// Somebody traded.
    fn on_trade(&mut self, ctx: &mut Context<'_>, market: MarketId, _trade: &Trade) {
        self.on_market(ctx, market);
    }

    /// A candle closed.
    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, _candle: &Candle) {
        self.on_market(ctx, market);
    }

    /// An own order changed its state.
    fn on_order(&mut self, _ctx: &mut Context<'_>, _event: &OrderEvent) {}

    /// An own order was executed. Called after the portfolio took it in.
    fn on_fill(&mut self, _ctx: &mut Context<'_>, _fill: &Fill) {}

    /// A timer set through the context is due.
    fn on_timer(&mut self, _ctx: &mut Context<'_>, _tag: u32) {}

    /// The strategy's trading state changed.
    fn on_control(&mut self, _ctx: &mut Context<'_>, _state: TradingState) {}

    /// The run ends.
    fn on_stop(&mut self, _ctx: &mut Context<'_>) {}
}
