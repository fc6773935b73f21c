//! Facts of the market: trades, candles and best quotes.

use serde::{Deserialize, Serialize};

use crate::{Level, Price, Quantity, Side, Timestamp};

/// A public trade. Bitex calls it a transaction and does not say who was the aggressor.
///
/// ```
/// use pampero_model::{Trade, Timestamp};
/// let trade = Trade {
///     id: 1680,
///     time: Timestamp::from_secs(1_552_498_630),
///     price: "4100".parse()?,
///     quantity: "1".parse()?,
///     aggressor: None,
/// };
/// assert_eq!(trade.price.to_string(), "4100");
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// The venue's id of the match; zero where history has none.
    pub id: u64,
    /// When it happened.
    pub time: Timestamp,
    /// Execution price.
    pub price: Price,
    /// Gross base quantity.
    pub quantity: Quantity,
    /// The side that took liquidity, where it is known.
    pub aggressor: Option<Side>,
}

/// Open, high, low and close of a bucket of time, with the base volume traded in it.
///
/// ```
/// use pampero_model::{Candle, Quantity, Timestamp};
/// let price = "100".parse()?;
/// let candle = Candle { open_time: Timestamp::from_secs(60), open: price, high: price, low: price, close: price, volume: Quantity::ZERO };
/// assert!(candle.is_possible());
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    /// Start of the bucket.
    pub open_time: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Base volume.
    pub volume: Quantity,
}

impl Candle {
    /// Whether such a candle can exist: low ≤ open, close ≤ high, prices above zero, volume not below it.
    pub fn is_possible(&self) -> bool {
        self.low.is_positive()
            && self.low <= self.open.min(self.close)
            && self.high >= self.open.max(self.close)
            && !self.volume.is_negative()
    }
}

/// The best bid and ask at an instant. A side without orders has a level of quantity zero.
///
/// ```
/// use pampero_model::{Level, Quote};
/// let quote = Quote {
///     bid: Level { price: "99".parse()?, quantity: "1".parse()? },
///     ask: Level { price: "101".parse()?, quantity: "2".parse()? },
/// };
/// assert_eq!(quote.mid().map(|mid| mid.to_string()), Some("100".to_owned()));
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Best bid.
    pub bid: Level,
    /// Best ask.
    pub ask: Level,
}

impl Quote {
    /// The midpoint, if both sides have orders.
    pub fn mid(&self) -> Option<Price> {
        (self.bid.quantity.is_positive() && self.ask.quantity.is_positive())
            .then(|| self.bid.price.midpoint(self.ask.price))
    }
}
