//! One market of history: which of our orders a book, a quote or a trade executes.
//!
//! Nothing here knows of money: executions are decided into the caller's buffer and booked there.

use pampero_model::{
    BookSnapshot, Level, Liquidity, OrderBook, Price, Quantity, Quote, Side, Timestamp, Trade,
};

use super::path::CandleProgress;
use super::resting::{Execution, Orders, Resting, Terms};
use crate::listing::FeeRates;
use crate::settings::{FillModel, FillPreset};

/// Liquidity on show that our fills have taken.
#[derive(Clone, Copy, Debug)]
struct Taken {
    side: Side,
    shown: Level,
    units: i64,
}

#[derive(Debug)]
pub struct HistoryMarket {
    pub fill: FillModel,
    pub rates: FeeRates,
    pub orders: Orders,
    pub candle: CandleProgress,
    /// What our fills took of the levels last seen.
    taken: Vec<Taken>,
    /// Whether history shows quotes or books of this market.
    quoted: bool,
    /// The levels last seen. Kept for the place in the queue only, so by `neutral` only.
    shown: OrderBook,
}

impl HistoryMarket {
    pub fn new(fill: FillModel, rates: FeeRates) -> Self {
        Self {
            fill,
            rates,
            orders: Orders::default(),
            candle: CandleProgress::default(),
            taken: Vec::new(),
            quoted: false,
            shown: OrderBook::default(),
        }
    }

    /// The quantity before an order that arrives now.
    pub fn queue_at(&self, side: Side, price: Price) -> Option<Quantity> {
        if self.quoted && self.fill.preset == FillPreset::Neutral {
            ahead(self.shown.levels(side), side, price)
        } else {
            None
        }
    }

    #[inline]
    pub fn on_quote(&mut self, time: Timestamp, quote: &Quote, out: &mut Vec<Execution>) {
        self.quoted = true;
        if self.fill.preset == FillPreset::Neutral {
            self.shown.replace_top(quote);
        }
        if self.orders.is_empty() && self.taken.is_empty() {
            return;
        }
        self.observe(time, top(&quote.bid), top(&quote.ask), out);
    }

    #[inline]
    pub fn on_book(&mut self, time: Timestamp, book: BookSnapshot<'_>, out: &mut Vec<Execution>) {
        self.quoted = true;
        if self.fill.preset == FillPreset::Neutral {
            self.shown.replace(book);
        }
        if self.orders.is_empty() && self.taken.is_empty() {
            return;
        }
        self.observe(time, book.bids, book.asks, out);
    }

    fn observe(&mut self, time: Timestamp, bids: &[Level], asks: &[Level], out: &mut Vec<Execution>) {
        if !self.taken.is_empty() {
            self.taken.retain(|taken| {
                let levels = if taken.side == Side::Buy { bids } else { asks };
                levels.contains(&taken.shown)
            });
        }
        let neutral = self.fill.preset == FillPreset::Neutral;
        for (side, own, opposite) in [(Side::Buy, bids, asks), (Side::Sell, asks, bids)] {
            for resting in self.orders.of_mut(side) {
                if resting.arrived > time {
                    continue;
                }
                if neutral && let Some(visible) = ahead(own, side, resting.order.price) {
                    resting.queue = Some(resting.queue.map_or(visible, |queue| queue.min(visible)));
                }
                let first = std::mem::take(&mut resting.fresh);
                if opposite.first().is_some_and(|best| resting.accepts(best.price)) {
                    let reach = Reach { fill: &self.fill, rates: &self.rates, time, first };
                    reach.take(resting, opposite, &mut self.taken, out);
                }
            }
        }
    }

    /// A trade executes what rests at or behind its price, out of its own quantity.
    pub fn on_trade(&mut self, trade: &Trade, out: &mut Vec<Execution>) {
        let mut ours = 0;
        for side in [Side::Buy, Side::Sell] {
            for resting in self.orders.of_mut(side) {
                // Where books are shown, what an order takes is read off them, not off a print.
                if resting.arrived > trade.time || (resting.fresh && self.quoted) {
                    continue;
                }
                let first = std::mem::take(&mut resting.fresh);
                if !resting.accepts(trade.price) {
                    continue;
                }
                let beyond = first || resting.order.price != trade.price;
                let volume =
                    if beyond { trade.quantity } else { behind_queue(resting, trade, self.fill.preset) };
                let (price, liquidity) = if first {
                    (trade.price, Liquidity::Taker)
                } else {
                    (resting.order.price, Liquidity::Maker)
                };
                let terms = Terms { rates: &self.rates, price, liquidity, time: trade.time };
                let free = self.fill.share_of(volume).saturating_sub(ours);
                ours += resting.execute(free, terms, out);
            }
        }
    }
}

/// The level of a quote, if the side has orders.
#[inline]
const fn top(level: &Level) -> &[Level] {
    if level.quantity.is_positive() { std::slice::from_ref(level) } else { &[] }
}

/// The quantity on show at a price. Nothing stands at a price that improves on what is shown; behind the last
/// level it is unknown.
fn ahead(own: &[Level], side: Side, price: Price) -> Option<Quantity> {
    let level = match own {
        [] => return Some(Quantity::ZERO),
        levels => levels.iter().find(|level| side.accepts(price, level.price))?,
    };
    Some(if level.price == price { level.quantity } else { Quantity::ZERO })
}

/// What a trade at the very price of an order leaves for it.
fn behind_queue(resting: &mut Resting, trade: &Trade, preset: FillPreset) -> Quantity {
    match preset {
        FillPreset::Conservative => Quantity::ZERO,
        FillPreset::Optimistic => trade.quantity,
        // An aggressor of our own side took from the other side's queue.
        FillPreset::Neutral if trade.aggressor == Some(resting.order.side) => Quantity::ZERO,
        FillPreset::Neutral => resting.queue.map_or(Quantity::ZERO, |queue| {
            let passed = queue.min(trade.quantity);
            resting.queue = Some(queue.saturating_sub(passed));
            trade.quantity.saturating_sub(passed)
        }),
    }
}

/// How an order meets the opposite levels of an observation.
struct Reach<'a> {
    fill: &'a FillModel,
    rates: &'a FeeRates,
    time: Timestamp,
    /// It is the order's first observation: it takes at the levels' prices. Later it makes, at its own.
    first: bool,
}

impl Reach<'_> {
    #[cold]
    fn take(
        &self,
        resting: &mut Resting,
        opposite: &[Level],
        taken: &mut Vec<Taken>,
        out: &mut Vec<Execution>,
    ) {
        let limit = resting.order.price;
        let only_beyond = !self.first && self.fill.preset == FillPreset::Conservative;
        let side = resting.order.side.opposite();
        for level in opposite {
            if !resting.accepts(level.price) || (only_beyond && level.price == limit) {
                break;
            }
            let before = taken.iter().position(|taken| taken.side == side && taken.shown == *level);
            let used = before.and_then(|at| taken.get(at)).map_or(0, |taken| taken.units);
            let (price, liquidity) =
                if self.first { (level.price, Liquidity::Taker) } else { (limit, Liquidity::Maker) };
            let terms = Terms { rates: self.rates, price, liquidity, time: self.time };
            let base = resting.execute(self.offered(level).saturating_sub(used), terms, out);
            if base == 0 {
                continue;
            }
            let units = used.saturating_add(base);
            match before.and_then(|at| taken.get_mut(at)) {
                Some(before) => before.units = units,
                None if self.fill.preset == FillPreset::Optimistic => {}
                None => taken.push(Taken { side, shown: *level, units }),
            }
            if resting.working.is_spent() {
                break;
            }
        }
    }

    /// How much of a level our fills may take.
    fn offered(&self, level: &Level) -> i64 {
        if self.first && self.fill.preset != FillPreset::Optimistic {
            level.quantity.units()
        } else {
            self.fill.share_of(level.quantity)
        }
    }
}
