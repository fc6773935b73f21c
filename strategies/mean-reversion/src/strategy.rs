//! The decisions.

use std::collections::VecDeque;

use pampero_engine::{Context, Intent, OrderEvent, OrderState, Reason, Requirements, RestoreError, Strategy};
use pampero_indicators::{Indicator, ZScore};
use pampero_model::{Candle, Cash, MarketId, Price, Quantity, Rounding, Side, Size, Timestamp};

use crate::params::MeanReversionParams;
use crate::state;

/// What it is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Waits: for a low price while it holds nothing, for the mean while it holds.
    None,
    /// Buys, until so much quote is spent.
    Enter(Cash),
    /// Sells until nothing that can be sold is left, however many tries it takes.
    Leave,
}

/// The mean reversion. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct MeanReversion {
    market: MarketId,
    pub(crate) params: MeanReversionParams,
    pub(crate) score: ZScore,
    /// The closes that the score is made of, oldest first: what a saved state needs.
    pub(crate) closes: VecDeque<Price>,
    pub(crate) goal: Goal,
    /// Candles since the last entry began.
    pub(crate) held: u32,
    /// When the last candle opened: one that comes again is not counted again.
    pub(crate) last_candle: Timestamp,
}

impl MeanReversion {
    /// Trades `market`. An error says which parameter is wrong.
    ///
    /// ```
    /// use pampero_mean_reversion::{MeanReversion, MeanReversionParams};
    /// use pampero_model::MarketId;
    /// assert!(MeanReversion::new(MarketId(0), MeanReversionParams::default()).is_ok());
    /// ```
    pub fn new(market: MarketId, params: MeanReversionParams) -> Result<Self, String> {
        params.validate()?;
        let length = usize::try_from(params.length).unwrap_or(usize::MAX);
        Ok(Self {
            market,
            score: ZScore::new(params.length),
            closes: VecDeque::with_capacity(length.saturating_add(1)),
            params,
            goal: Goal::None,
            held: 0,
            last_candle: Timestamp::MIN,
        })
    }

    pub(crate) fn see(&mut self, close: Price) -> Option<f64> {
        self.closes.push_back(close);
        if self.closes.len() > usize::try_from(self.params.length).unwrap_or(usize::MAX) {
            self.closes.pop_front();
        }
        self.score.update(close.to_f64())
    }

    /// What a score asks for. An entry goes on while the score is below the exit.
    fn choose(&mut self, ctx: &Context<'_>, score: f64) {
        let back = score >= self.params.exit.to_f64();
        let too_long = self.params.max_candles.is_some_and(|most| self.held >= most);
        if self.goal == Goal::Leave {
            return;
        }
        if ctx.is_flat(self.market) && self.goal == Goal::None {
            if score <= -self.params.entry.to_f64() {
                self.goal = self.allocated(ctx).map_or(Goal::None, Goal::Enter);
                self.held = 0;
            }
        } else if back || too_long {
            self.goal = Goal::Leave;
        }
    }

    fn allocated(&self, ctx: &Context<'_>) -> Option<Cash> {
        let (_, quote) = ctx.balances(self.market)?;
        self.params.allocation.of_cash(Cash::from_units(quote.available()), Rounding::Down).ok()
    }

    /// One step toward the goal. An open order must be gone first: one of the other direction is cancelled, one of
    /// the same ends by itself, since what the next observation does not fill is cancelled and sent anew.
    fn pursue(&mut self, ctx: &mut Context<'_>) {
        let side = match self.goal {
            Goal::None => return,
            Goal::Enter(_) => Side::Buy,
            Goal::Leave => Side::Sell,
        };
        if let Some(open) = ctx.open_orders(self.market).last() {
            let (id, in_the_way) = (open.id, open.side != side && !open.by_operator);
            if in_the_way {
                ctx.cancel(id);
            }
            return;
        }
        let Some(size) = self.size(ctx) else {
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

    /// What the next order is to trade; nothing if the venue would find it too small.
    fn size(&self, ctx: &Context<'_>) -> Option<Size> {
        let market = ctx.market(self.market)?;
        let size = match self.goal {
            Goal::None => return None,
            Goal::Enter(left) => Size::Quote(left),
            Goal::Leave => {
                let (base, _) = ctx.balances(self.market)?;
                let units = i64::try_from(base.available()).unwrap_or(i64::MAX);
                Size::Base(Quantity::from_units(units).truncate_to(market.quantity_step))
            }
        };
        (size.units() > 0 && !market.is_too_small(size)).then_some(size)
    }

    /// The last close and the mean, in units of 1e-8.
    fn reason(&self, side: Side) -> Reason {
        let code = if side == Side::Buy { "BELOW_MEAN" } else { "BACK" };
        // Of exact closes: a number in a report must not depend on how the sums of the score were rounded.
        let sum: i128 = self.closes.iter().map(|close| i128::from(close.units())).sum();
        let mean = sum / i128::try_from(self.closes.len().max(1)).unwrap_or(1);
        let last = self.closes.back().map_or(0, |close| close.units());
        Reason::new(code).with(last, i64::try_from(mean).unwrap_or(i64::MAX))
    }
}

impl Strategy for MeanReversion {
    fn requirements(&self) -> Requirements {
        Requirements {
            markets: vec![self.market],
            candle_spans: self.params.span.into_iter().collect(),
            warm_up: usize::try_from(self.params.length).unwrap_or(usize::MAX),
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

    fn on_candle(&mut self, ctx: &mut Context<'_>, _market: MarketId, candle: &Candle) {
        if candle.open_time <= self.last_candle {
            return;
        }
        self.last_candle = candle.open_time;
        self.held = self.held.saturating_add(1);
        let score = self.see(candle.close);
        // Closes that are all the same have no score and ask for nothing.
        if let Some(score) = score {
            self.choose(ctx, score);
        }
        self.pursue(ctx);
    }

    /// The end of an order lets the goal go on at once; but a refused exit waits for the next candle, so that no
    /// refusal is answered without end, and a refused entry is over.
    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        let order = &event.order;
        if !order.state.is_final() {
            return;
        }
        let completed = order.state == OrderState::Completed;
        let refused = !completed && !order.cancel_wanted;
        if let (Goal::Enter(left), Side::Buy) = (self.goal, order.side) {
            let over = completed || refused;
            self.goal = if over { Goal::None } else { Goal::Enter(left.saturating_sub(order.filled_quote)) };
        }
        if !refused {
            self.pursue(ctx);
        }
    }
}
