//! Which orders stand.

use pampero_engine::{
    Context, Desired, Intent, OrderEvent, OrderState, Reason, Requirements, RestoreError, Strategy,
};
use pampero_model::{Candle, Cash, Fill, MarketId, Price, Quantity, Rounding, Side, Size, SizeUnit, Trade};

use crate::params::GridParams;
use crate::slots::{self, Slot};

/// Version of the saved state, little-endian: whether it gave up u8, the parameters `lower` and `upper` i64 in units of
/// 1e-8 and `lines` u32, then the slots; none before the market was seen.
const STATE_VERSION: u32 = 1;

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
        if self.seen != Some(below) {
            self.seen = Some(below);
            self.quote(ctx, mark);
        }
    }

    /// Lays the lines, once; what is held at the start goes to the slots above the market, the nearest first.
    fn lay_out(&mut self, ctx: &Context<'_>, mark: Price) {
        if !self.slots.is_empty() {
            return;
        }
        let Some((market, (base, _))) = ctx.market(self.market).zip(ctx.balances(self.market)) else {
            return;
        };
        let GridParams { lower, upper, lines, quantity, .. } = self.params;
        self.slots = slots::slots(lower, upper, lines, market.price_tick, quantity);
        let mut left = Quantity::from_units(i64::try_from(base.available()).unwrap_or(i64::MAX));
        for slot in self.slots.iter_mut().filter(|slot| slot.below >= mark) {
            if left >= quantity {
                slot.held = quantity;
                slot.arm(true, quantity, market.quantity_step);
                left = left.saturating_sub(quantity);
            }
        }
    }

    /// Every slot's order, as far as the funds go: the nearest to the market first. A slot above the market does not
    /// buy, unless its order stands already; and where one slot still buys, or sells, the next one does not do the
    /// opposite at the same line.
    fn quote(&mut self, ctx: &mut Context<'_>, mark: Price) {
        let Some((market, (base, quote))) = ctx.market(self.market).zip(ctx.balances(self.market)) else {
            return;
        };
        let stands = |side, price| {
            let mut open = ctx.open_orders(self.market);
            open.any(|order| order.side == side && order.price == price && !order.cancel_wanted)
        };
        let (mut coins, mut cash) = (base.available(), quote.available());
        let sells = ctx.open_orders(self.market).filter(|order| order.side == Side::Sell);
        let lowest_sell = sells.map(|order| order.price).min().unwrap_or(Price::MAX);
        self.desired.clear();
        let most = usize::try_from(self.params.orders).unwrap_or(usize::MAX);
        for slot in self.slots.iter().rev().filter(|slot| !slot.selling) {
            let standing = stands(Side::Buy, slot.below);
            let size = match market.size_unit(Side::Buy) {
                SizeUnit::Base => Some(Size::Base(slot.size)),
                SizeUnit::Quote => slot.below.notional(slot.size, Rounding::Down).ok().map(Size::Quote),
            };
            let Some(size) = size.filter(|size| !market.is_too_small(*size)) else { continue };
            let cost = slot.below.notional(slot.size, Rounding::Up).map_or(i128::MAX, Cash::units);
            let may_stand = standing || (slot.below < mark.min(lowest_sell) && cost <= cash);
            if may_stand && self.desired.len() < most {
                cash -= if standing { 0 } else { cost };
                self.desired.push(Desired { side: Side::Buy, price: slot.below, size });
            }
        }
        let buys = self.desired.len();
        let highest_buy = self.desired.first().map_or(Price::ZERO, |buy| buy.price);
        for slot in self.slots.iter().filter(|slot| slot.selling && slot.above > highest_buy) {
            let standing = stands(Side::Sell, slot.above);
            let (size, units) = (Size::Base(slot.size), i128::from(slot.size.units()));
            let may_stand = !market.is_too_small(size) && (standing || units <= coins);
            if may_stand && self.desired.len() < buys.saturating_add(most) {
                coins -= if standing { 0 } else { units };
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
        if ctx.open_orders(self.market).next().is_some() {
            return;
        }
        let Some((market, (base, _))) = ctx.market(self.market).zip(ctx.balances(self.market)) else {
            return;
        };
        let units = i64::try_from(base.available()).unwrap_or(i64::MAX);
        let size = Size::Base(Quantity::from_units(units).truncate_to(market.quantity_step));
        if !market.is_too_small(size) {
            let intent = Intent::market(self.market, Side::Sell, size).reduce_only().immediate_or_cancel();
            // A refusal stands in the report; the next observation is the next try.
            let _ = ctx.submit(intent.because(Reason::new("STOP")));
        }
    }

    fn slot_of(&mut self, side: Side, price: Price) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| match side {
            Side::Buy => slot.below == price,
            Side::Sell => slot.above == price,
        })
    }
}

impl Strategy for Grid {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![self.market], ..Requirements::default() }
    }

    fn state_version(&self) -> u32 {
        STATE_VERSION
    }

    fn save(&self) -> Vec<u8> {
        let GridParams { lower, upper, lines, .. } = self.params;
        let mut bytes = vec![u8::from(self.given_up)];
        bytes.extend(lower.units().to_le_bytes());
        bytes.extend(upper.units().to_le_bytes());
        bytes.extend(lines.to_le_bytes());
        bytes.extend(slots::save(&self.slots));
        bytes
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        if version != STATE_VERSION {
            return Err(RestoreError::Version { found: version, expected: STATE_VERSION });
        }
        let read = || {
            let ([given_up], rest) = state.split_first_chunk()?;
            let (lower, rest) = rest.split_first_chunk()?;
            let (upper, rest) = rest.split_first_chunk()?;
            let (lines, rest) = rest.split_first_chunk()?;
            let [lower, upper] = [lower, upper].map(|bytes| Price::from_units(i64::from_le_bytes(*bytes)));
            Some((*given_up == 1, (lower, upper, u32::from_le_bytes(*lines)), slots::restore(rest)?))
        };
        let malformed = || RestoreError::Malformed(format!("{} bytes do not make whole slots", state.len()));
        let (given_up, (lower, upper, lines), slots) = read().ok_or_else(malformed)?;
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

    fn on_book(&mut self, ctx: &mut Context<'_>, _market: MarketId) {
        self.look(ctx);
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, _market: MarketId, _trade: &Trade) {
        self.look(ctx);
    }

    fn on_candle(&mut self, ctx: &mut Context<'_>, _market: MarketId, _candle: &Candle) {
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
        let bought_enough = |size: Size| order.state == OrderState::Completed || market.is_too_small(size);
        if let Some(slot) = self.slot_of(order.side, order.price) {
            let left = match order.side {
                Side::Buy => quantity.saturating_sub(slot.held),
                Side::Sell => slot.held,
            };
            let done = bought_enough(Size::Base(left.truncate_to(step)));
            slot.arm((order.side == Side::Buy) == done, quantity, step);
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
