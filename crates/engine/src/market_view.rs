//! What is known of a market, and how old each fact is.

use pampero_model::{BookSnapshot, Candle, Level, OrderBook, Price, Quote, Side, Span, Timestamp, Trade};
use serde::{Deserialize, Serialize};

/// A fact with its age.
///
/// ```
/// use pampero_engine::Fact;
/// use pampero_model::Span;
/// let fact = Fact { value: 7, age: Span::from_secs(3) };
/// assert_eq!(fact.fresh_within(Span::from_secs(2)), None);
/// assert_eq!(fact.fresh_within(Span::from_secs(3)), Some(7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact<T> {
    /// What is known.
    pub value: T,
    /// How long ago it was seen.
    pub age: Span,
}

impl<T> Fact<T> {
    /// The value, unless it is older than `limit`.
    pub fn fresh_within(self, limit: Span) -> Option<T> {
        (self.age <= limit).then_some(self.value)
    }
}

/// The latest facts of one market.
#[derive(Clone, Debug)]
pub struct MarketView {
    book: OrderBook,
    book_at: Timestamp,
    trade: Option<Trade>,
    candle: Option<Candle>,
    candle_at: Timestamp,
    mark: Price,
    updated_at: Timestamp,
}

/// Levels a side that a book holds without allocating.
const BOOK_CAPACITY: usize = 256;

impl MarketView {
    pub(crate) fn new() -> Self {
        Self {
            book: OrderBook::with_capacity(BOOK_CAPACITY),
            book_at: Timestamp::MIN,
            trade: None,
            candle: None,
            candle_at: Timestamp::MIN,
            mark: Price::ZERO,
            updated_at: Timestamp::MIN,
        }
    }

    #[inline]
    pub(crate) fn see_book(&mut self, now: Timestamp, book: BookSnapshot<'_>) {
        self.book.replace(book);
        self.book_seen(now);
    }

    #[inline]
    pub(crate) fn see_quote(&mut self, now: Timestamp, quote: &Quote) {
        self.book.replace_top(quote);
        self.book_seen(now);
    }

    fn book_seen(&mut self, now: Timestamp) {
        self.book_at = now;
        self.updated_at = now;
        let side_price = |side| self.book.best(side).map(|level| level.price);
        if let Some(mark) =
            self.book.mid().or_else(|| side_price(Side::Buy)).or_else(|| side_price(Side::Sell))
        {
            self.mark = mark;
        }
    }

    #[inline]
    pub(crate) fn see_trade(&mut self, now: Timestamp, trade: &Trade) {
        self.trade = Some(*trade);
        self.updated_at = now;
        // A midpoint says more of the price at which a position could be left than the last print does.
        if !self.has_book() {
            self.mark = trade.price;
        }
    }

    #[inline]
    pub(crate) fn see_candle(&mut self, now: Timestamp, candle: &Candle) {
        self.candle = Some(*candle);
        self.candle_at = now;
        self.updated_at = now;
        if !self.has_book() {
            self.mark = candle.close;
        }
    }

    /// Whether books are seen of this market at all; with candles or trades alone there are none.
    #[inline]
    pub fn has_book(&self) -> bool {
        self.book_at != Timestamp::MIN
    }

    /// The book with its age, if one was seen.
    pub fn book(&self, now: Timestamp) -> Option<Fact<&OrderBook>> {
        self.has_book().then(|| Fact { value: &self.book, age: now.since(self.book_at) })
    }

    /// The last trade with its age, if one was seen.
    pub fn last_trade(&self, now: Timestamp) -> Option<Fact<Trade>> {
        self.trade.map(|trade| Fact { value: trade, age: now.since(trade.time) })
    }

    /// The last closed candle with the time since it closed, if one was seen.
    pub fn last_candle(&self, now: Timestamp) -> Option<Fact<Candle>> {
        self.candle.map(|candle| Fact { value: candle, age: now.since(self.candle_at) })
    }

    /// The price at which a position is valued: midpoint, else last trade, else last close, with its age.
    pub fn mark(&self, now: Timestamp) -> Option<Fact<Price>> {
        self.mark.is_positive().then(|| Fact { value: self.mark, age: now.since(self.updated_at) })
    }

    /// The mark without its age, zero before anything was seen.
    #[inline]
    pub fn mark_price(&self) -> Price {
        self.mark
    }

    /// When anything was last seen of this market.
    #[inline]
    pub(crate) fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// The book as last seen, empty before.
    #[inline]
    pub(crate) fn raw_book(&self) -> &OrderBook {
        &self.book
    }

    /// What an order of `side` would trade against now: the best opposite price, else the mark.
    pub(crate) fn reference(&self, side: Side) -> Option<Price> {
        let best = self.book.best(side.opposite()).map(|level| level.price);
        best.or_else(|| self.mark.is_positive().then_some(self.mark))
    }
}

/// What a view is restored from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ViewCheckpoint {
    bids: Vec<Level>,
    asks: Vec<Level>,
    book_at: Timestamp,
    trade: Option<Trade>,
    candle: Option<Candle>,
    candle_at: Timestamp,
    mark: Price,
    updated_at: Timestamp,
}

impl MarketView {
    pub(crate) fn checkpoint(&self) -> ViewCheckpoint {
        ViewCheckpoint {
            bids: self.book.levels(Side::Buy).to_vec(),
            asks: self.book.levels(Side::Sell).to_vec(),
            book_at: self.book_at,
            trade: self.trade,
            candle: self.candle,
            candle_at: self.candle_at,
            mark: self.mark,
            updated_at: self.updated_at,
        }
    }

    pub(crate) fn restore(&mut self, saved: &ViewCheckpoint) {
        self.book.replace(BookSnapshot { bids: &saved.bids, asks: &saved.asks });
        (self.book_at, self.candle_at, self.updated_at) = (saved.book_at, saved.candle_at, saved.updated_at);
        (self.trade, self.candle, self.mark) = (saved.trade, saved.candle, saved.mark);
    }
}
