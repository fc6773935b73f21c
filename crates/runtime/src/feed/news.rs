//! What the feed tells.

use std::sync::Arc;

use pampero_engine::{Engine, EventKind, OrderState};
use pampero_model::{
    Candle, Currency, MarketId, OrderBook, Price, Quantity, Rounding, Side, Size, Span, Timestamp, Trade,
};

/// When a trade is told, seen from what was told before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It came after every trade told before.
    New,
    /// The exchange showed it only after later ones. History wants it, a strategy does not.
    Late,
    /// It happened before the watch began.
    History,
}

/// Something learned of a market or a currency.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A trade that was not told before.
    Trade {
        /// Where.
        market: MarketId,
        /// The trade.
        trade: Trade,
        /// Whether it is news for a strategy.
        standing: Standing,
    },
    /// The book, without own orders.
    Book {
        /// Where.
        market: MarketId,
        /// The book.
        book: Arc<OrderBook>,
        /// Whether it differs from the one told before. If not, it still holds: its age starts anew.
        changed: bool,
    },
    /// A candle closed, and all of its trades were seen.
    Candle {
        /// Where.
        market: MarketId,
        /// How long it lasted.
        span: Span,
        /// The candle.
        candle: Candle,
    },
    /// Trades between these two instants may be missing for good.
    Gap {
        /// Where.
        market: MarketId,
        /// Until here everything is known.
        from: Timestamp,
        /// From here on again.
        to: Timestamp,
    },
    /// No good answer for longer than the limit.
    Stale {
        /// Where.
        market: MarketId,
        /// The last good answer, if there was one.
        since: Option<Timestamp>,
    },
    /// A good answer after [`News::Stale`].
    Fresh {
        /// Where.
        market: MarketId,
    },
    /// The local clock is behind the exchange's by at least this much: a trade came from the future.
    ClockBehind(Span),
    /// The worth of one unit of a currency in the report currency.
    Rate {
        /// Which currency.
        currency: Currency,
        /// Its worth.
        rate: Price,
    },
}

impl News {
    /// What the engine is to learn of it; nothing where it is for people and for history alone.
    pub fn event(&self) -> Option<EventKind<'_>> {
        match self {
            Self::Trade { market, trade, standing: Standing::New } => {
                Some(EventKind::Trade { market: *market, trade: *trade })
            }
            Self::Book { market, book, .. } => {
                Some(EventKind::Book { market: *market, book: book.snapshot() })
            }
            Self::Candle { market, span, candle } => {
                Some(EventKind::Candle { market: *market, span: *span, candle: *candle })
            }
            Self::ClockBehind(skew) => Some(EventKind::ClockSkew(*skew)),
            Self::Rate { currency, rate } => Some(EventKind::Rate { currency: *currency, rate: *rate }),
            Self::Trade { .. } | Self::Gap { .. } | Self::Stale { .. } | Self::Fresh { .. } => None,
        }
    }
}

/// An own order on the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnOrder {
    /// Where.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// What is left of it, in the unit the exchange counts this side in.
    pub remaining: Size,
}

/// The engine's orders that are on the exchange's books.
pub fn own_orders(engine: &Engine) -> Vec<OwnOrder> {
    let on_book =
        |state| matches!(state, OrderState::Acknowledged | OrderState::Live | OrderState::Cancelling);
    let orders = engine.open_orders().iter().filter(|order| on_book(order.state));
    let own = orders.map(|order| OwnOrder {
        market: order.market,
        side: order.side,
        price: order.sent_price,
        remaining: order.remaining(),
    });
    own.collect()
}

/// The book without own orders. What is left of a quote-sized order is turned into base and rounded up, so that no
/// crumb of a level stays behind; a level that holds no more than that disappears.
///
/// An own order that came to the book after it was seen takes away what others have there, one that left it since
/// stays in: both for one poll, and never below zero.
pub(super) fn without_own(book: &OrderBook, own: impl Iterator<Item = OwnOrder>) -> OrderBook {
    let mut rest = book.clone();
    for order in own.filter(|order| order.price.is_positive()) {
        let base = order.remaining.quantity(order.price, Rounding::Up);
        // What does not fit into a quantity is more than any level holds.
        let base = base.unwrap_or(Quantity::from_units(i64::MAX));
        rest.remove_own(order.side, order.price, base);
    }
    rest
}
