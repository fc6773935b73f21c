//! What is known of the account, and how it changes.

use std::collections::BTreeMap;

use pampero_engine::CountedFills;
use pampero_exchange::VenueOrder;
use pampero_model::{
    Cash, Currency, Fill, Market, MarketId, Markets, Order, OrderId, Quantity, Rounding, Side, Size, Span,
    Timestamp, VenueOrderId, VenueStatus,
};

use super::reconcile::{Correction, Key, foreign_changes, other_locks};

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its request is on its way.
    Submitting,
    /// It was sent and nobody knows.
    Unknown,
    /// It was refused for a lack of requests, which one complete look must confirm.
    RefusedUnconfirmed,
    /// It was looked for long enough.
    PresumedAbsent,
    /// The exchange has it.
    Open,
    /// It came to its end.
    Closed,
}

impl Stage {
    /// Whether reads must say what became of it.
    pub const fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown | Self::RefusedUnconfirmed)
    }
}

/// An order of ours, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalOrder {
    /// What was sent.
    pub order: Order,
    /// How far it is.
    pub stage: Stage,
    /// The highest own id of its side known before it was sent.
    pub watermark: Option<VenueOrderId>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The exchange's id, once known.
    pub venue: Option<VenueOrderId>,
    /// The furthest state the exchange showed.
    pub status: Option<VenueStatus>,
    /// The least the exchange showed as left.
    pub remaining: Size,
    /// Gross base executed, as far as executions are known.
    pub filled_base: Quantity,
    /// Gross quote executed, as far as executions are known.
    pub filled_quote: Cash,
    /// Whether the exchange ever showed it on the book.
    pub was_live: bool,
    /// Whether we asked for its cancellation.
    pub cancel_asked: bool,
    /// The exchange said that it does not know the id it gave us.
    pub vanished: bool,
}

impl LocalOrder {
    /// An order that is about to be sent.
    pub const fn new(order: Order, sent_at: Timestamp, watermark: Option<VenueOrderId>) -> Self {
        Self {
            order,
            stage: Stage::Submitting,
            watermark,
            sent_at,
            venue: None,
            status: None,
            remaining: order.size,
            filled_base: Quantity::ZERO,
            filled_quote: Cash::ZERO,
            was_live: false,
            cancel_asked: false,
            vanished: false,
        }
    }

    /// How much was executed, in units of the size.
    pub fn filled_units(&self) -> i128 {
        match self.order.size {
            Size::Base(_) => i128::from(self.filled_base.units()),
            Size::Quote(_) => self.filled_quote.units(),
        }
    }

    /// What the exchange shows as executed and no known execution accounts for, in units of the size.
    pub fn missing_units(&self) -> i128 {
        self.order.size.units() - self.remaining.units() - self.filled_units()
    }

    /// Whether the known executions account for what the exchange shows as executed, up to dust: recorded sells are
    /// executed 1e-8 short, and a rest that cannot buy 1e-8 of the other side is dropped.
    pub fn adds_up(&self) -> bool {
        let missing = self.missing_units();
        missing <= 1 || (self.status == Some(VenueStatus::Completed) && self.is_dust(missing))
    }

    fn is_dust(&self, units: i128) -> bool {
        let Ok(units) = i64::try_from(units) else { return false };
        let price = self.order.price;
        let left = match self.order.size {
            Size::Quote(_) => Cash::from_units(units.into()).quantity_at(price, Rounding::Down),
            Size::Base(_) => price
                .notional(Quantity::from_units(units), Rounding::Down)
                .and_then(|quote| quote.quantity_at(price, Rounding::Down)),
        };
        left.is_ok_and(Quantity::is_zero)
    }

    /// What it locks at the exchange when that much is left, in units of the currency it spends.
    pub fn locks(&self, remaining: Size) -> i128 {
        locked_units(self.order.side, self.order.price, remaining)
    }

    /// Whether the exchange may still execute it or we do not know.
    pub const fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Closed)
    }
}

/// What an order locks, in units of the currency it spends.
pub(crate) fn locked_units(side: Side, price: pampero_model::Price, remaining: Size) -> i128 {
    let units = match (side, remaining) {
        (Side::Buy, Size::Quote(cash)) => Ok(cash.units()),
        (Side::Sell, Size::Base(quantity)) => Ok(i128::from(quantity.units())),
        (Side::Buy, Size::Base(quantity)) => price.notional(quantity, Rounding::Down).map(Cash::units),
        (Side::Sell, Size::Quote(cash)) => {
            cash.quantity_at(price, Rounding::Down).map(|quantity| i128::from(quantity.units()))
        }
    };
    units.unwrap_or(i128::MAX)
}

/// Whose an order of the exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// Ours.
    Ours(OrderId),
    /// Somebody else's, or a second copy of one of ours that the exchange made.
    Other {
        /// Whose copy it is.
        copy_of: Option<OrderId>,
        /// What it locks, in units of the currency it spends; zero once it is off the book.
        locks: i128,
        /// That currency, where the market's code tells.
        currency: Option<Currency>,
    },
}

/// A market as execution needs it.
#[derive(Clone, Debug)]
pub struct Book {
    /// Its id in the engine.
    pub id: MarketId,
    /// Its rules.
    pub market: Market,
}

/// What is known of one account.
#[derive(Clone, Debug, Default)]
pub struct Local {
    /// The venue's markets, by the exchange's code.
    pub books: BTreeMap<String, Book>,
    /// Every order of ours of this session, and those carried over.
    pub orders: BTreeMap<OrderId, LocalOrder>,
    /// Whose the orders of the account are that were seen lately.
    pub owners: BTreeMap<Key, Attribution>,
    /// Executions that were counted, ours and others'.
    pub fills: CountedFills,
    /// What the ledger says of each currency, in units of 1e-8.
    pub ledger: BTreeMap<String, (Currency, i128)>,
    /// The highest own id seen, by side.
    pub watermark: [Option<VenueOrderId>; 2],
    /// For how long after sending an order another one like it counts as its copy.
    pub copy_window: Span,
}

impl Local {
    /// What is known of the markets of one venue and nothing else.
    pub fn new(markets: &Markets, venue: &str, copy_window: Span) -> Self {
        let own = markets.iter().filter(|(_, market)| market.venue == venue);
        let books = own.map(|(id, market)| (market.code.clone(), Book { id, market: market.clone() }));
        Self { books: books.collect(), copy_window, ..Self::default() }
    }

    /// The rules of a market.
    pub fn market(&self, id: MarketId) -> Option<&Market> {
        self.books.values().find(|book| book.id == id).map(|book| &book.market)
    }

    /// The currency that an order of a market and side spends.
    pub fn spends(&self, code: &str, side: Side) -> Option<Currency> {
        if let Some(book) = self.books.get(code) {
            return Some(book.market.spends(side));
        }
        let (base, quote) = code.split_once('_')?;
        if side == Side::Buy { quote } else { base }.parse().ok()
    }

    fn attribute_other(&mut self, key: Key, copy_of: Option<OrderId>, view: &VenueOrder) {
        let currency = self.spends(&view.market, key.0);
        self.owners.insert(key, Attribution::Other { copy_of, locks: other_locks(view), currency });
        self.see(key);
    }

    /// Takes note of an own id.
    pub fn see(&mut self, key: Key) {
        if let Some(mark) = self.watermark.get_mut(key.0.index()) {
            *mark = (*mark).max(Some(key.1));
        }
    }

    /// Books money in the ledger.
    pub fn book(&mut self, currency: Currency, units: i128) {
        let entry = self.ledger.entry(currency.code().to_owned()).or_insert((currency, 0));
        entry.1 = entry.1.saturating_add(units);
    }

    /// Books an execution of a market: its net effect on both currencies.
    fn book_fill(&mut self, fill: &Fill) {
        let Some(market) = self.market(fill.market) else { return };
        let (base, quote) = (market.base, market.quote);
        self.book(base, fill.base_change().units().into());
        self.book(quote, fill.quote_change().units());
    }

    /// Makes a correction part of what is known. Doing it twice does no more than once.
    pub fn apply(&mut self, correction: &Correction) {
        match correction {
            Correction::Adopt { order, key, .. } => {
                self.owners.insert(*key, Attribution::Ours(*order));
                self.see(*key);
                if let Some(local) = self.orders.get_mut(order) {
                    local.venue = Some(key.1);
                    local.stage = Stage::Open;
                }
            }
            Correction::Copy { order, key, view } => self.attribute_other(*key, Some(*order), view),
            Correction::Foreign { key, view } => {
                let copy_of = match self.owners.get(key) {
                    Some(Attribution::Other { copy_of, .. }) => *copy_of,
                    _ => None,
                };
                self.attribute_other(*key, copy_of, view);
            }
            Correction::Progress { order, status, remaining } => {
                if let Some(local) = self.orders.get_mut(order) {
                    local.status = Some(*status);
                    local.remaining = *remaining;
                    local.was_live |= matches!(status, VenueStatus::Executing);
                    local.vanished = false;
                }
            }
            Correction::Fill { fill, other_fee } => {
                if !self.fills.insert(fill.side, fill.id) {
                    return;
                }
                if let Some(local) = self.orders.get_mut(&fill.order) {
                    local.filled_base = local.filled_base.saturating_add(fill.base);
                    local.filled_quote = local.filled_quote.saturating_add(fill.quote);
                }
                self.book_fill(fill);
                if let Some(fee) = other_fee {
                    self.book(fee.currency, fee.units.saturating_neg());
                }
            }
            Correction::ForeignFill { fill } => {
                if !self.fills.insert(fill.side, fill.id) {
                    return;
                }
                for money in foreign_changes(self, fill) {
                    self.book(money.currency, money.units);
                }
            }
            Correction::Close { order, .. } => {
                if let Some(local) = self.orders.get_mut(order) {
                    local.stage = Stage::Closed;
                }
            }
            Correction::Vanished { order } => {
                if let Some(local) = self.orders.get_mut(order) {
                    local.vanished = true;
                }
            }
        }
    }

    /// Forgets whose the oldest orders of each side are, beyond the newest `most`, but not of one that is remembered
    /// itself or that locks something.
    pub(super) fn forget_owners(&mut self, most: usize) {
        for side in [Side::Buy, Side::Sell] {
            let ids = || (side, VenueOrderId(0))..=(side, VenueOrderId(u64::MAX));
            let surplus = self.owners.range(ids()).count().saturating_sub(most);
            let over = |owner: &Attribution| match owner {
                Attribution::Ours(order) => !self.orders.contains_key(order),
                Attribution::Other { locks, .. } => *locks == 0,
            };
            let oldest = self.owners.range(ids()).take(surplus);
            let forgotten: Vec<Key> = oldest.filter(|(_, owner)| over(owner)).map(|(key, _)| *key).collect();
            for key in forgotten {
                self.owners.remove(&key);
            }
        }
    }

    /// What known orders lock in a currency, in units of 1e-8.
    pub fn locked(&self, currency: Currency) -> i128 {
        let own = self.orders.values().filter(|local| local.stage == Stage::Open && !Self::is_over(local));
        let own = own
            .filter(|local| {
                self.market(local.order.market)
                    .is_some_and(|market| market.spends(local.order.side) == currency)
            })
            .map(|local| local.locks(local.remaining));
        let foreign = self.owners.values().filter_map(|owner| match owner {
            Attribution::Other { locks, currency: of, .. } if *of == Some(currency) => Some(*locks),
            _ => None,
        });
        own.chain(foreign).fold(0, i128::saturating_add)
    }

    fn is_over(local: &LocalOrder) -> bool {
        matches!(local.status, Some(VenueStatus::Cancelled | VenueStatus::Completed))
    }
}
