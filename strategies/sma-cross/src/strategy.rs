//! The decisions.

use pampero_engine::{Context, Intent, OrderEvent, OrderState, Reason, Requirements, RestoreError, Strategy};
use pampero_indicators::{Indicator, Sma};
use pampero_model::{Candle, Cash, MarketId, Quantity, Rounding, Side, Size, Timestamp};

use crate::params::SmaCrossParams;
use crate::state;

/// What is still to be done about the last cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Nothing.
    None,
    /// Buy once no sell of ours is open, until the entry's cash is spent. A refused entry waits for the next cross.
    Enter,
    /// Sell until nothing that can be sold is left, however many tries it takes.
    Leave,
}

impl Goal {
    /// The side of the orders it takes.
    const fn side(self) -> Option<Side> {
        match self {
            Self::None => None,
            Self::Enter => Some(Side::Buy),
            Self::Leave => Some(Side::Sell),
        }
    }
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
    /// What the entry may still spend; its first order decides it.
    pub(crate) spend: Option<Cash>,
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
            spend: None,
            last_candle: Timestamp::MIN,
        })
    }

    /// A cross, or a goal that is not reached yet.
    #[cold]
    fn decide(&mut self, ctx: &mut Context<'_>, above: bool, before: Option<bool>) {
        if before.is_some_and(|before| before != above) {
            self.goal = if above { Goal::Enter } else { Goal::Leave };
            self.spend = None;
        }
        self.pursue(ctx);
    }

    /// One step toward the goal. An open order must be gone first: one of the other direction is cancelled, one of
    /// the same ends by itself, since what the next observation does not fill is cancelled and sent anew at the
    /// price of the day.
    fn pursue(&mut self, ctx: &mut Context<'_>) {
        let Some(side) = self.goal.side() else { return };
        if let Some(open) = ctx.open_orders(self.market).last() {
            let (id, in_the_way) = (open.id, open.side != side && !open.by_operator);
            if in_the_way {
                ctx.cancel(id);
            }
            return;
        }
        let Some(size) = self.size(ctx, side) else {
            self.goal = Goal::None;
            return;
        };
        let intent = Intent::market(self.market, side, size).immediate_or_cancel().convert_size();
        let intent = if side == Side::Sell { intent.reduce_only() } else { intent };
        let refused = ctx.submit(intent.because(self.reason(side))).is_err();
        // A refusal stands in the report. An exit is tried again at the next candle.
        if refused && side == Side::Buy {
            self.goal = Goal::None;
        }
    }

    /// What is left of the allocated quote, or all of the base; nothing if the venue would find it too small.
    fn size(&mut self, ctx: &Context<'_>, side: Side) -> Option<Size> {
        let market = ctx.market(self.market)?;
        let (base, quote) = ctx.balances(self.market)?;
        let size = match side {
            Side::Buy => {
                let available = Cash::from_units(quote.available());
                let allocated = self.params.allocation.of_cash(available, Rounding::Down).ok()?;
                Size::Quote(*self.spend.get_or_insert(allocated))
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
        let above = fast > slow;
        let before = self.above.replace(above);
        if before != Some(above) || self.goal != Goal::None {
            self.decide(ctx, above, before);
        }
    }

    /// The end of an order lets the goal go on at once; but a refused exit waits for the next candle, so that no
    /// refusal is answered without end, and a refused entry is over.
    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        let order = &event.order;
        if !order.state.is_final() {
            return;
        }
        if order.side == Side::Buy {
            self.spend = self.spend.map(|left| left.saturating_sub(order.filled_quote));
        }
        let entered = order.side == Side::Buy && order.state == OrderState::Completed;
        let refused = order.state != OrderState::Completed && !order.cancel_wanted;
        match (self.goal, order.side) {
            (Goal::Enter, Side::Buy) if entered || refused => self.goal = Goal::None,
            (Goal::Leave, Side::Sell) if refused => {}
            _ => self.pursue(ctx),
        }
    }
}
