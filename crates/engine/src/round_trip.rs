//! In and out of a market with orders at the market.

use pampero_model::{Cash, MarketId, Rate, Rounding, Side, Size};

use crate::context::Context;
use crate::intent::{Intent, Reason};
use crate::orders::{OrderEvent, OrderState};
use crate::saved_state::StateValue;
use crate::strategy::RestoreError;

/// What a [`RoundTrip`] is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// Nothing.
    #[default]
    None,
    /// Buys until this much quote is spent; the first order decides how much. A refused entry is over.
    Enter(Option<Cash>),
    /// Sells until nothing that can be sold is left, however many tries it takes.
    Exit,
}

impl Goal {
    /// The side of the orders it takes.
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::None => None,
            Self::Enter(_) => Some(Side::Buy),
            Self::Exit => Some(Side::Sell),
        }
    }
}

/// Buys with a part of the cash, and later sells everything, with market orders: what the next observation does not
/// fill is cancelled and sent anew at the price of the day. For strategies that are either in the market or out of it.
///
/// The strategy says [`enter`](Self::enter) or [`exit`](Self::exit), calls [`pursue`](Self::pursue) at each observation
/// at which it wants to go on, and hands its [`on_order`](crate::Strategy::on_order) events to
/// [`on_order`](Self::on_order).
///
/// ```
/// use pampero_engine::{Goal, RoundTrip};
/// use pampero_model::{MarketId, Rate};
/// let mut trip = RoundTrip::new(MarketId(0), Rate::ONE);
/// trip.enter();
/// assert_eq!(trip.goal(), Goal::Enter(None));
/// trip.exit();
/// assert_eq!(trip.goal(), Goal::Exit);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTrip {
    market: MarketId,
    allocation: Rate,
    goal: Goal,
}

impl RoundTrip {
    /// In `market`, with `allocation` of the cash that is available when an entry begins.
    pub const fn new(market: MarketId, allocation: Rate) -> Self {
        Self { market, allocation, goal: Goal::None }
    }

    /// Leaves `market`, whatever brought the strategy in.
    pub const fn exiting(market: MarketId) -> Self {
        Self { goal: Goal::Exit, ..Self::new(market, Rate::ONE) }
    }

    /// What it is at.
    pub const fn goal(&self) -> Goal {
        self.goal
    }

    /// Takes up a saved goal.
    pub const fn resume(&mut self, goal: Goal) {
        self.goal = goal;
    }

    /// Begins a new entry.
    pub const fn enter(&mut self) {
        self.goal = Goal::Enter(None);
    }

    /// Begins to leave, an unfinished entry included.
    pub const fn exit(&mut self) {
        self.goal = Goal::Exit;
    }

    /// One step toward the goal. An open order must be gone first: one of the other direction is cancelled, one of the
    /// same ends by itself. Refused by the risk gate, an entry is over, and an exit waits for the next call.
    pub fn pursue(&mut self, ctx: &mut Context<'_>, reason: Reason) {
        let Some(side) = self.goal.side() else { return };
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
        let refused = ctx.submit(intent.because(reason)).is_err();
        if refused && side == Side::Buy {
            self.goal = Goal::None;
        }
    }

    /// Counts what an order that ended has spent, and goes on at once. An exit that the venue refused waits for the
    /// next call of [`pursue`](Self::pursue), so that no refusal is answered without end; a refused entry is over.
    pub fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent, reason: Reason) {
        let order = &event.order;
        if order.market != self.market || !order.state.is_final() {
            return;
        }
        let completed = order.state == OrderState::Completed;
        let refused = !completed && !order.cancel_wanted;
        match (self.goal, order.side) {
            (Goal::Enter(_), Side::Buy) if completed || refused => self.goal = Goal::None,
            (Goal::Exit, Side::Sell) if refused => {}
            (Goal::Enter(left), Side::Buy) => {
                self.goal = Goal::Enter(left.map(|left| left.saturating_sub(order.filled_quote)));
                self.pursue(ctx, reason);
            }
            _ => self.pursue(ctx, reason),
        }
    }

    /// What is left of the allocated cash, or all that can be sold; nothing if the venue would find it too small.
    fn size(&mut self, ctx: &Context<'_>) -> Option<Size> {
        let size = match &mut self.goal {
            Goal::None => return None,
            Goal::Enter(left) => {
                let allocated = self.allocation.of_cash(ctx.spendable(self.market), Rounding::Down).ok()?;
                Size::Quote(*left.get_or_insert(allocated))
            }
            Goal::Exit => Size::Base(ctx.sellable(self.market)),
        };
        (size.units() > 0 && !ctx.market(self.market)?.is_too_small(size)).then_some(size)
    }
}

/// One byte (0 none, 1 enter, 2 exit), then what an entry may still spend, or −1 while that is not decided.
impl StateValue for Goal {
    fn write(&self, bytes: &mut Vec<u8>) {
        let (tag, left) = match *self {
            Self::None => (0_u8, None),
            Self::Enter(left) => (1, left),
            Self::Exit => (2, None),
        };
        (tag, left.map_or(-1, Cash::units)).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError> {
        let (tag, left) = <(u8, i128)>::read(bytes)?;
        match tag {
            0 => Ok(Self::None),
            1 => Ok(Self::Enter((left >= 0).then(|| Cash::from_units(left)))),
            2 => Ok(Self::Exit),
            other => Err(RestoreError::Malformed(format!("{other} is not a goal"))),
        }
    }
}
