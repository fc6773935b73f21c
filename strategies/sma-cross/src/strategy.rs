//! The decisions.

use pampero_engine::{Context, Intent, OrderEvent, OrderState, Reason, Requirements, RestoreError, Strategy};
use pampero_indicators::{Average, Indicator, Sma};
use pampero_model::{Candle, Cash, MarketId, Quantity, Rounding, Side, Size, Timestamp};

use crate::params::SmaCrossParams;
use crate::state;

/// What is still to be done about the last cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Nothing.
    None,
    /// Buy once no sell of ours is open. One try: a missed entry waits for the next cross.
    Enter,
    /// Sell until nothing that can be sold is left, however many tries it takes.
    Leave,
}

/// The moving-average crossover. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct SmaCross {
    market: MarketId,
    params: SmaCrossParams,
    pub(crate) fast: Sma,
    pub(crate) slow: Sma,
    /// Whether fast was above slow at the last close; nothing before both were warm.
    pub(crate) above: Option<bool>,
    pub(crate) goal: Goal,
    /// When the last candle opened: one that comes again is not counted again.
    pub(crate) last_candle: Timestamp,
}

impl SmaCross {
    /// Trades `market`. An error says which parameter is wrong.
    ///
    /// ```
    /// use pampero_model::MarketId;
    /// use pampero_sma_cross::{SmaCross, SmaCrossParams};
    /// assert!(SmaCross::new(MarketId(0), SmaCrossParams::default()).is_ok());
    /// ```
    pub fn new(market: MarketId, params: SmaCrossParams) -> Result<Self, String> {
        params.validate()?;
        Ok(Self {
            market,
            fast: Sma::new(params.fast),
            slow: Sma::new(params.slow),
            params,
            above: None,
            goal: Goal::None,
            last_candle: Timestamp::MIN,
        })
    }

    /// Both averages say something new: a cross, or a goal that is not reached yet.
    #[cold]
    fn decide(&mut self, ctx: &mut Context<'_>, fast: Average, slow: Average, before: Option<bool>) {
        let above = fast > slow;
        if before.is_some_and(|before| before != above) {
            self.goal = if above { Goal::Enter } else { Goal::Leave };
        }
        self.pursue(ctx);
    }

    /// One step toward the goal. An order of the other direction must be gone first; one of the same direction
    /// goes on working.
    fn pursue(&mut self, ctx: &mut Context<'_>) {
        let side = match self.goal {
            Goal::None => return,
            Goal::Enter => Side::Buy,
            Goal::Leave => Side::Sell,
        };
        let open = ctx.open_orders(self.market).map(|order| (order.id, order.side, order.cancel_wanted));
        if let Some((id, working, cancelled)) = open.last() {
            if working != side && !cancelled {
                ctx.cancel(id);
            }
            return;
        }
        let Some(size) = self.size(ctx, side) else {
            self.goal = Goal::None;
            return;
        };
        let intent = Intent::market(self.market, side, size).convert_size().because(self.reason(side));
        let intent = if side == Side::Sell { intent.reduce_only() } else { intent };
        // A refusal stands in the report. An exit is tried again at the next candle.
        let _ = ctx.submit(intent);
        if self.goal == Goal::Enter {
            self.goal = Goal::None;
        }
    }

    /// The allocated part of the quote, or all of the base; nothing if the venue would find it too small.
    fn size(&self, ctx: &Context<'_>, side: Side) -> Option<Size> {
        let market = ctx.market(self.market)?;
        let (base, quote) = ctx.balances(self.market)?;
        let size = match side {
            Side::Buy => {
                let available = Cash::from_units(quote.available());
                Size::Quote(self.params.allocation.of_cash(available, Rounding::Down).ok()?)
            }
            Side::Sell => {
                let units = i64::try_from(base.available()).unwrap_or(i64::MAX);
                Size::Base(Quantity::from_units(units).truncate_to(market.quantity_step))
            }
        };
        (size.units() > 0 && !market.is_too_small(size)).then_some(size)
    }

    /// The cross, with the fast and the slow average in units of 1e-8.
    fn reason(&self, side: Side) -> Reason {
        let code = if side == Side::Buy { "CROSS_UP" } else { "CROSS_DOWN" };
        let units = |sma: &Sma| sma.value().and_then(|average| average.price(Rounding::Down).ok());
        let [fast, slow] = [&self.fast, &self.slow].map(|sma| units(sma).unwrap_or_default().units());
        Reason::new(code).with(fast, slow)
    }
}

impl Strategy for SmaCross {
    fn requirements(&self) -> Requirements {
        Requirements {
            markets: vec![self.market],
            candle_spans: self.params.span.into_iter().collect(),
            // The first cross can be seen one candle after the slow average is warm.
            warm_up: usize::try_from(self.params.slow).unwrap_or(usize::MAX).saturating_add(1),
        }
    }

    fn state_version(&self) -> u32 {
        state::VERSION
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }

    fn restore(&mut self, version: u32, bytes: &[u8]) -> Result<(), RestoreError> {
        if version != state::VERSION {
            return Err(RestoreError::Version { found: version, expected: state::VERSION });
        }
        state::restore(self, bytes)
    }

    #[inline]
    fn on_candle(&mut self, ctx: &mut Context<'_>, _market: MarketId, candle: &Candle) {
        if candle.open_time <= self.last_candle {
            return;
        }
        self.last_candle = candle.open_time;
        let (fast, slow) = (self.fast.update(candle.close), self.slow.update(candle.close));
        let (Some(fast), Some(slow)) = (fast, slow) else { return };
        let above = Some(fast > slow);
        let before = std::mem::replace(&mut self.above, above);
        if before != above || self.goal != Goal::None {
            self.decide(ctx, fast, slow, before);
        }
    }

    /// An order that made way, or a finished sale that left something, lets the goal go on at once. After a
    /// refusal it waits for the next candle, so that no refusal is answered without end.
    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        let order = &event.order;
        if order.state == OrderState::Completed || (order.state.is_final() && order.cancel_wanted) {
            self.pursue(ctx);
        }
    }
}
