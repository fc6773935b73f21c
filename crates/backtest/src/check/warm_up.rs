//! Strategies that wait longer than they ask for.

use pampero_engine::{Context, Limits, OrderEvent, Requirements, RestoreError, Strategy, TradingState};
use pampero_model::{Candle, Fill, MarketId, Trade};

/// Each strategy with so many candles more of warm-up.
pub(super) fn longer(
    strategies: Vec<(Box<dyn Strategy>, Limits)>,
    extra: usize,
) -> Vec<(Box<dyn Strategy>, Limits)> {
    let wrap = |(inner, limits)| (Box::new(Longer { inner, extra }) as Box<dyn Strategy>, limits);
    strategies.into_iter().map(wrap).collect()
}

struct Longer {
    inner: Box<dyn Strategy>,
    extra: usize,
}

impl Strategy for Longer {
    fn requirements(&self) -> Requirements {
        let inner = self.inner.requirements();
        Requirements { warm_up: inner.warm_up.saturating_add(self.extra), ..inner }
    }

    fn state_version(&self) -> u32 {
        self.inner.state_version()
    }

    fn save(&self) -> Vec<u8> {
        self.inner.save()
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        self.inner.restore(version, state)
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.inner.on_start(ctx);
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        self.inner.on_book(ctx, market);
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, market: MarketId, trade: &Trade) {
        self.inner.on_trade(ctx, market, trade);
    }

    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, candle: &Candle) {
        self.inner.on_candle(ctx, market, candle);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        self.inner.on_order(ctx, event);
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.inner.on_fill(ctx, fill);
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, tag: u32) {
        self.inner.on_timer(ctx, tag);
    }

    fn on_control(&mut self, ctx: &mut Context<'_>, state: TradingState) {
        self.inner.on_control(ctx, state);
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        self.inner.on_stop(ctx);
    }
}
