//! Strategies around a strategy: one that restarts it, one that takes it out of the market.

use pampero_engine::{
    Context, Intent, OrderEvent, Reason, Requirements, RestoreError, Strategy, TradingState,
};
use pampero_model::{Candle, Fill, MarketId, Quantity, Side, Size, Timestamp, Trade};

use crate::scenario::MARKET;

/// What happens at an instant.
pub(crate) trait Interruption: Send {
    /// Called before each hook from the instant on. Whether the strategy still gets the hook.
    fn interrupt(&mut self, inner: &mut Box<dyn Strategy>, ctx: &mut Context<'_>) -> bool;
}

/// A strategy that something happens to at an instant.
pub(crate) struct Interrupted<I> {
    pub(crate) inner: Box<dyn Strategy>,
    pub(crate) at: Timestamp,
    pub(crate) interruption: I,
}

impl<I: Interruption> Interrupted<I> {
    fn call(&mut self, ctx: &mut Context<'_>, hook: impl FnOnce(&mut dyn Strategy, &mut Context<'_>)) {
        if ctx.now() < self.at || self.interruption.interrupt(&mut self.inner, ctx) {
            hook(self.inner.as_mut(), ctx);
        }
    }
}

impl<I: Interruption> Strategy for Interrupted<I> {
    fn requirements(&self) -> Requirements {
        self.inner.requirements()
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.call(ctx, |inner, ctx| inner.on_start(ctx));
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        self.call(ctx, |inner, ctx| inner.on_book(ctx, market));
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, market: MarketId, trade: &Trade) {
        self.call(ctx, |inner, ctx| inner.on_trade(ctx, market, trade));
    }

    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, candle: &Candle) {
        self.call(ctx, |inner, ctx| inner.on_candle(ctx, market, candle));
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        self.call(ctx, |inner, ctx| inner.on_order(ctx, event));
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.call(ctx, |inner, ctx| inner.on_fill(ctx, fill));
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, tag: u32) {
        self.call(ctx, |inner, ctx| inner.on_timer(ctx, tag));
    }

    fn on_control(&mut self, ctx: &mut Context<'_>, state: TradingState) {
        self.call(ctx, |inner, ctx| inner.on_control(ctx, state));
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        self.call(ctx, |inner, ctx| inner.on_stop(ctx));
    }
}

/// Replaces the strategy once by a new one that takes up its saved state.
pub(crate) struct Restart {
    /// The new one; taken when it is used.
    pub(crate) successor: Option<Box<dyn Strategy>>,
    pub(crate) failure: std::sync::Arc<std::sync::Mutex<Option<RestoreError>>>,
}

impl Interruption for Restart {
    fn interrupt(&mut self, inner: &mut Box<dyn Strategy>, _: &mut Context<'_>) -> bool {
        if let Some(mut successor) = self.successor.take() {
            if let Err(error) = successor.restore(inner.state_version(), &inner.save())
                && let Ok(mut failure) = self.failure.lock()
            {
                *failure = Some(error);
            }
            *inner = successor;
        }
        true
    }
}

/// Cancels everything, then sells what is held, as an operator would.
pub(crate) struct Flatten;

impl Interruption for Flatten {
    fn interrupt(&mut self, _: &mut Box<dyn Strategy>, ctx: &mut Context<'_>) -> bool {
        ctx.quote(MARKET, &[], Reason::new("FLATTEN"));
        // Our own sale ends by itself with the next observation.
        if ctx.open_orders(MARKET).any(|order| order.reason.code == "FLATTEN") {
            return false;
        }
        ctx.cancel_all(MARKET);
        if ctx.open_orders(MARKET).next().is_none()
            && let Some(size) = sellable(ctx)
        {
            let intent = Intent::market(MARKET, Side::Sell, size).reduce_only().immediate_or_cancel();
            // A refusal stands in the report; the next observation tries again.
            let _ = ctx.submit(intent.because(Reason::new("FLATTEN")));
        }
        false
    }
}

fn sellable(ctx: &Context<'_>) -> Option<Size> {
    let (base, _) = ctx.balances(MARKET)?;
    let market = ctx.market(MARKET)?;
    let units = i64::try_from(base.available()).ok()?;
    let size = Size::Base(Quantity::from_units(units).truncate_to(market.quantity_step));
    (!market.is_too_small(size)).then_some(size)
}
