//! The order book: levels, best prices and depth.

use serde::{Deserialize, Serialize};

use crate::{ArithmeticError, Cash, Price, Quantity, Quote, Rounding, Side, Size};

/// One price level of a book.
///
/// ```
/// use pampero_model::Level;
/// let level = Level { price: "4050".parse()?, quantity: "2.96296296".parse()? };
/// assert!(level.quantity.is_positive());
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The price of the level.
    pub price: Price,
    /// Base quantity at that price.
    pub quantity: Quantity,
}

/// One side of a book, best level first.
///
/// ```
/// use pampero_model::{BookSide, Level};
/// let empty: &BookSide = &[];
/// assert!(empty.first().is_none());
/// ```
pub type BookSide = [Level];

/// A borrowed view of a whole book: bids highest first, asks lowest first.
///
/// ```
/// use pampero_model::{BookSnapshot, Level};
/// let bids = [Level { price: "99".parse()?, quantity: "1".parse()? }];
/// let snapshot = BookSnapshot { bids: &bids, asks: &[] };
/// assert!(snapshot.is_sorted());
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BookSnapshot<'a> {
    /// Bids, highest price first.
    pub bids: &'a BookSide,
    /// Asks, lowest price first.
    pub asks: &'a BookSide,
}

impl BookSnapshot<'_> {
    /// Whether each side is in order, without equal prices and without empty levels.
    pub fn is_sorted(&self) -> bool {
        let full = |side: &BookSide| {
            side.iter().all(|level| level.quantity.is_positive() && level.price.is_positive())
        };
        full(self.bids)
            && full(self.asks)
            && self.bids.is_sorted_by(|left, right| left.price > right.price)
            && self.asks.is_sorted_by(|left, right| left.price < right.price)
    }
}

/// What a walk through one side of a book finds.
///
/// ```
/// use pampero_model::{DepthWalk, Rounding};
/// let walk = DepthWalk { base: "2".parse()?, quote: "201".parse()?, worst_price: "101".parse()?, complete: true };
/// assert_eq!(walk.average_price(Rounding::Down)?.to_string(), "100.5");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthWalk {
    /// Base quantity reached.
    pub base: Quantity,
    /// Quote amount reached.
    pub quote: Cash,
    /// Price of the last level reached.
    pub worst_price: Price,
    /// Whether the book held the whole size asked for.
    pub complete: bool,
}

impl DepthWalk {
    /// Average price of the walk.
    pub fn average_price(&self, rounding: Rounding) -> Result<Price, ArithmeticError> {
        self.quote.average_price(self.base, rounding)
    }
}

/// A book that keeps its memory: replacing it by a snapshot copies and allocates nothing once warm.
///
/// ```
/// use pampero_model::{BookSnapshot, Level, OrderBook, Rounding, Side, Size};
/// let asks = [
///     Level { price: "100".parse()?, quantity: "1".parse()? },
///     Level { price: "102".parse()?, quantity: "1".parse()? },
/// ];
/// let mut book = OrderBook::default();
/// book.replace(BookSnapshot { bids: &[], asks: &asks });
/// let walk = book.walk(Side::Buy, Size::Base("2".parse()?), None)?.unwrap();
/// assert_eq!(walk.average_price(Rounding::Down)?.to_string(), "101");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderBook {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl OrderBook {
    /// A book with room for so many levels a side.
    pub fn with_capacity(levels: usize) -> Self {
        Self { bids: Vec::with_capacity(levels), asks: Vec::with_capacity(levels) }
    }

    /// Becomes the snapshot.
    #[inline]
    pub fn replace(&mut self, snapshot: BookSnapshot<'_>) {
        self.bids.clear();
        self.bids.extend_from_slice(snapshot.bids);
        self.asks.clear();
        self.asks.extend_from_slice(snapshot.asks);
    }

    /// Becomes a book of at most one level a side.
    #[inline]
    pub fn replace_top(&mut self, quote: &Quote) {
        self.bids.clear();
        self.asks.clear();
        if quote.bid.quantity.is_positive() {
            self.bids.push(quote.bid);
        }
        if quote.ask.quantity.is_positive() {
            self.asks.push(quote.ask);
        }
    }

    /// Sets the quantity of one level; zero removes it.
    pub fn set_level(&mut self, side: Side, level: Level) {
        let levels = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        let better = |other: &Level| match side {
            Side::Buy => other.price > level.price,
            Side::Sell => other.price < level.price,
        };
        let at = levels.partition_point(better);
        match (levels.get_mut(at).filter(|found| found.price == level.price), level.quantity.is_positive()) {
            (Some(found), true) => *found = level,
            (Some(_), false) => {
                levels.remove(at);
            }
            (None, true) => levels.insert(at, level),
            (None, false) => {}
        }
    }

    /// The levels of one side, best first: bids for [`Side::Buy`], asks for [`Side::Sell`].
    #[inline]
    pub fn levels(&self, side: Side) -> &BookSide {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// The best level of one side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Level> {
        self.levels(side).first().copied()
    }

    /// The midpoint, if both sides have orders.
    #[inline]
    pub fn mid(&self) -> Option<Price> {
        Some(self.best(Side::Buy)?.price.midpoint(self.best(Side::Sell)?.price))
    }

    /// Best ask less best bid; below zero in a crossed book.
    pub fn spread(&self) -> Option<Price> {
        Some(self.best(Side::Sell)?.price.saturating_sub(self.best(Side::Buy)?.price))
    }

    /// Whether the best bid is at or above the best ask.
    pub fn is_crossed(&self) -> bool {
        self.spread().is_some_and(|spread| !spread.is_positive())
    }

    /// Whether a side has no orders.
    pub fn is_one_sided(&self) -> bool {
        self.bids.is_empty() || self.asks.is_empty()
    }

    /// The whole book as a snapshot.
    pub fn snapshot(&self) -> BookSnapshot<'_> {
        BookSnapshot { bids: &self.bids, asks: &self.asks }
    }

    /// The price of the level at which an aggressor of a side has found `quantity`; nothing if the book does not reach so
    /// far.
    ///
    /// ```
    /// use pampero_model::{BookSnapshot, Level, OrderBook, Side};
    /// let level = |price: &str, quantity: &str| Level { price: price.parse().unwrap(), quantity: quantity.parse().unwrap() };
    /// let mut book = OrderBook::with_capacity(4);
    /// book.replace(BookSnapshot { bids: &[level("100", "1"), level("99", "2")], asks: &[] });
    /// let price = |quantity: &str| book.sweep_price(Side::Sell, quantity.parse().unwrap());
    /// assert_eq!(price("1"), "100".parse().ok());
    /// assert_eq!(price("1.5"), "99".parse().ok());
    /// assert_eq!(price("3.1"), None);
    /// ```
    pub fn sweep_price(&self, side: Side, quantity: Quantity) -> Option<Price> {
        let depth = self.walk(side, Size::Base(quantity), None).ok()??;
        depth.complete.then_some(depth.worst_price)
    }

    /// What an aggressor of a side finds: a buy walks the asks, a sell the bids, no farther than `limit`.
    /// Nothing if the first level is out of reach. The last level counts in part, base rounded down.
    pub fn walk(
        &self,
        side: Side,
        size: Size,
        limit: Option<Price>,
    ) -> Result<Option<DepthWalk>, ArithmeticError> {
        let mut left = size;
        let mut found: Option<DepthWalk> = None;
        for level in self.levels(side.opposite()) {
            if left.is_zero() || limit.is_some_and(|limit| !side.accepts(limit, level.price)) {
                break;
            }
            let whole = level.price.notional(level.quantity, Rounding::Down)?;
            let (base, quote) = match left {
                Size::Base(quantity) if quantity >= level.quantity => (level.quantity, whole),
                Size::Base(quantity) => (quantity, level.price.notional(quantity, Rounding::Down)?),
                Size::Quote(cash) if cash >= whole => (level.quantity, whole),
                Size::Quote(cash) => (cash.quantity_at(level.price, Rounding::Down)?, cash),
            };
            left = match left {
                Size::Base(quantity) => Size::Base(quantity.checked_sub(base)?),
                Size::Quote(cash) => Size::Quote(cash.checked_sub(quote)?),
            };
            let before = found.map_or((Quantity::ZERO, Cash::ZERO), |walk| (walk.base, walk.quote));
            found = Some(DepthWalk {
                base: before.0.checked_add(base)?,
                quote: before.1.checked_add(quote)?,
                worst_price: level.price,
                complete: left.is_zero(),
            });
        }
        Ok(found)
    }

    /// Takes own orders out of the book, so that a strategy does not quote against itself. A level that holds
    /// no more than the own quantity disappears.
    pub fn remove_own(&mut self, side: Side, price: Price, quantity: Quantity) {
        let found = self.levels(side).iter().find(|level| level.price == price).copied();
        if let Some(level) = found {
            let rest = level.quantity.saturating_sub(quantity);
            self.set_level(
                side,
                Level { price, quantity: if rest.is_positive() { rest } else { Quantity::ZERO } },
            );
        }
    }
}
