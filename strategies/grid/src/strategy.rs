//! Which orders stand.

use pampero_engine::{
    Context, Desired, OrderEvent, OrderState, Reason, Requirements, RestoreError, RoundTrip, Strategy,
    restore_state, save_state,
};
use pampero_model::{Cash, Fill, MarketId, Price, Quantity, Rounding, Side, Size};

use crate::params::GridParams;
use crate::slots::{self, Slot};

/// Version of the saved state: whether it gave up, the parameters `lower`, `upper` and `lines`, then the slots; none
/// before the market was seen.
const STATE_VERSION: u32 = 1;
type State = (bool, Price, Price, u32, Vec<Slot>);

/// The grid. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct Grid {
    market: MarketId,
    params: GridParams,
    /// Empty until the market was seen.
    slots: Vec<Slot>,
    given_up: bool,
    /// How many slots were below the market when the orders were last looked at; nothing where they must be.
    seen: Option<usize>,
    desired: Vec<Desired>,
}

impl Grid {
    /// Trades `market`. An error says which parameter is wrong.
    ///
    /// ```
    /// use pampero_grid::{Grid, GridParams};
    /// use pampero_model::MarketId;
    /// assert!(Grid::new(MarketId(0), GridParams::default()).is_ok());
    /// ```
    pub fn new(market: MarketId, params: GridParams) -> Result<Self, String> {
        params.validate()?;
        Ok(Self { market, params, slots: Vec::new(), given_up: false, seen: None, desired: Vec::new() })
    }

    /// The market was seen. Orders are looked at anew when it crossed a line, or one of them ended.
    fn look(&mut self, ctx: &mut Context<'_>) {
        let Some(mark) = ctx.mark(self.market).map(|mark| mark.value) else { return };
        self.lay_out(ctx, mark);
        if self.given_up || self.params.stop.is_some_and(|stop| mark <= stop) {
            self.give_up(ctx);
            return;
        }
        let below = self.slots.iter().filter(|slot| slot.below < mark).count();
        if self.seen.replace(below) != Some(below) {
            self.quote(ctx, mark);
        }
    }

    /// Lays the lines, once; what is held at the start goes to the slots above the market, the nearest first.
    fn lay_out(&mut self, ctx: &Context<'_>, mark: Price) {
        let Some(market) = ctx.market(self.market).filter(|_| self.slots.is_empty()) else { return };
        let GridParams { lower, upper, lines, quantity, .. } = self.params;
        self.slots = slots::slots(lower, upper, lines, market.price_tick, quantity);
        let mut left = ctx.sellable(self.market);
        for slot in self.slots.iter_mut().filter(|slot| slot.below >= mark) {
            if left >= quantity {
                slot.held = quantity;
                slot.arm(Side::Sell, quantity, market.quantity_step);
                left = left.saturating_sub(quantity);
            }
        }
    }

    /// Every slot's order, as far as the funds go: the nearest to the market first. A slot above the market does not
    /// buy, unless its order stands already; and where one slot still buys, or sells, the next one does not do the
    /// opposite at the same line.
    fn quote(&mut self, ctx: &mut Context<'_>, mark: Price) {
        let Some(market) = ctx.market(self.market) else { return };
        let stands = |side, price| {
            let mut open = ctx.open_orders(self.market);
            open.any(|order| order.side == side && order.price == price && !order.cancel_wanted)
        };
        let (mut coins, mut cash) = (ctx.sellable(self.market), ctx.spendable(self.market));
        let sells = ctx.open_orders(self.market).filter(|order| order.side == Side::Sell);
        let lowest_sell = sells.map(|order| order.price).min().unwrap_or(Price::MAX);
        self.desired.clear();
        let most = usize::try_from(self.params.orders).unwrap_or(usize::MAX);
        for slot in self.slots.iter().rev().filter(|slot| !slot.selling) {
            let size = market.size_of(Side::Buy, slot.size, slot.below).ok();
            let Some(size) = size.filter(|size| !market.is_too_small(*size)) else { continue };
            let standing = stands(Side::Buy, slot.below);
            let cost = slot.below.notional(slot.size, Rounding::Up).unwrap_or(Cash::MAX);
            let may_stand = standing || (slot.below < mark.min(lowest_sell) && cost <= cash);
            if may_stand && self.desired.len() < most {
                cash = if standing { cash } else { cash.saturating_sub(cost) };
                self.desired.push(Desired { side: Side::Buy, price: slot.below, size });
            }
        }
        let most = self.desired.len().saturating_add(most);
        let highest_buy = self.desired.first().map_or(Price::ZERO, |buy| buy.price);
        for slot in self.slots.iter().filter(|slot| slot.selling && slot.above > highest_buy) {
            let standing = stands(Side::Sell, slot.above);
            let size = Size::Base(slot.size);
            let may_stand = !market.is_too_small(size) && (standing || slot.size <= coins);
            if may_stand && self.desired.len() < most {
                coins = if standing { coins } else { coins.saturating_sub(slot.size) };
                self.desired.push(Desired { side: Side::Sell, price: slot.above, size });
            }
        }
        ctx.quote(self.market, &self.desired, Reason::new("LINE").with(mark.units(), 0));
    }

    /// Sells everything, however many tries it takes, and never buys again.
    fn give_up(&mut self, ctx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.given_up, true) {
            ctx.quote(self.market, &[], Reason::new("STOP"));
            ctx.reduce_only();
        }
        RoundTrip::exiting(self.market).pursue(ctx, Reason::new("STOP"));
    }

    fn slot_of(&mut self, side: Side, price: Price) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.line(side) == price)
    }
}

impl Strategy for Grid {
    fn requirements(&self) -> Requirements {
        Requirements::of(self.market)
    }

    fn state_version(&self) -> u32 {
        STATE_VERSION
    }

    fn save(&self) -> Vec<u8> {
        let GridParams { lower, upper, lines, .. } = self.params;
        save_state(&(self.given_up, lower, upper, lines, self.slots.clone()))
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        let (given_up, lower, upper, lines, slots): State = restore_state(state, version, STATE_VERSION)?;
        let ours = &self.params;
        if (lower, upper, lines) != (ours.lower, ours.upper, ours.lines) {
            return Err(RestoreError::Malformed(format!(
                "it was saved with {lines} lines from {lower} to {upper}, now they are {} from {} to {}",
                ours.lines, ours.lower, ours.upper
            )));
        }
        (self.slots, self.given_up, self.seen) = (slots, given_up, None);
        Ok(())
    }

    fn on_market(&mut self, ctx: &mut Context<'_>, _market: MarketId) {
        self.look(ctx);
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        let Some(price) = ctx.order(fill.order).filter(|order| order.quoting).map(|order| order.price) else {
            return;
        };
        if let Some(slot) = self.slot_of(fill.side, price) {
            slot.held = slot.held.saturating_add(fill.base_change()).max(Quantity::ZERO);
        }
    }

    /// A slot whose order was executed turns to the other side; one whose order ended early does the rest.
    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        let order = &event.order;
        if !order.state.is_final() || !order.quoting {
            return;
        }
        let Some(market) = ctx.market(self.market) else { return };
        let (step, quantity) = (market.quantity_step, self.params.quantity);
        if let Some(slot) = self.slot_of(order.side, order.price) {
            let left = Size::Base(slot.left(order.side, quantity).truncate_to(step));
            let done = order.state == OrderState::Completed || market.is_too_small(left);
            slot.arm(if done { order.side.opposite() } else { order.side }, quantity, step);
        }
        self.seen = None;
        // A refused order waits for the next observation, so that no refusal is answered without end.
        if order.state == OrderState::Completed || self.given_up {
            self.look(ctx);
        }
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        ctx.quote(self.market, &[], Reason::new("STOP"));
    }
}
