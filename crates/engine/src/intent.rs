//! What a strategy asks for.

use pampero_model::{Cash, MarketId, Price, Rate, Side, Size, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::intern::intern;

/// Why a strategy wants something: a short code with two numbers, formatted only in reports.
///
/// ```
/// use pampero_engine::Reason;
/// use pampero_model::Price;
/// let [fast, slow]: [Price; 2] = ["3628.12", "3601.5"].map(|price| price.parse().unwrap());
/// let reason = Reason::new("CROSS_UP").with(fast.units(), slow.units());
/// assert_eq!(reason.to_string(), "CROSS_UP 3628.12 3601.5");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Reason {
    /// A stable code in upper case.
    pub code: &'static str,
    /// Numbers that belong to it, in units of 1e-8; their meaning is the strategy's.
    pub values: [i64; 2],
}

// Derived, this would ask for text that lives for ever.
impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Saved {
            code: String,
            values: [i64; 2],
        }
        let saved = Saved::deserialize(deserializer)?;
        Ok(Self { code: intern(&saved.code).map_err(de::Error::custom)?, values: saved.values })
    }
}

impl Reason {
    /// A reason without numbers.
    pub const fn new(code: &'static str) -> Self {
        Self { code, values: [0, 0] }
    }

    /// The reason with its two numbers, in units of 1e-8 as prices and quantities are counted.
    #[must_use]
    pub const fn with(self, first: i64, second: i64) -> Self {
        Self { values: [first, second], ..self }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code)?;
        if self.values != [0, 0] {
            let [first, second] = self.values.map(|units| Cash::from_units(units.into()));
            write!(f, " {first} {second}")?;
        }
        Ok(())
    }
}

/// The kind of an order. The venue knows limits only; all others are emulated here, in every mode alike, and
/// pay latency and requests there too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderKind {
    /// At this price or better.
    Limit {
        /// The worst acceptable price.
        price: Price,
    },
    /// A limit that reaches beyond the best opposite price by `bound`, or by the configured default.
    Market {
        /// How far beyond the reference price it may execute.
        bound: Option<Rate>,
    },
    /// A market order once the market trades at or through `trigger`.
    Stop {
        /// Above the market for a buy, below it for a sell.
        trigger: Price,
    },
    /// A limit order once the market trades at or through `trigger`.
    StopLimit {
        /// Above the market for a buy, below it for a sell.
        trigger: Price,
        /// The limit of the order that is then sent.
        price: Price,
    },
    /// A stop that follows the best price seen since it was set, at a relative distance.
    TrailingStop {
        /// Distance from the best price, as a share of it.
        distance: Rate,
    },
}

/// How long an order stands. Emulated but for good-till-cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeInForce {
    /// Until it is filled or cancelled.
    #[default]
    GoodTillCancelled,
    /// What the next observation of the market does not fill is cancelled.
    ImmediateOrCancel,
    /// Until an instant.
    GoodTillTime(Timestamp),
}

/// An order as a strategy asks for it.
///
/// ```
/// use pampero_engine::{Intent, Reason};
/// use pampero_model::{Cash, MarketId, Side, Size};
/// let intent = Intent::limit(MarketId(0), Side::Buy, Size::Quote("100".parse()?), "4100".parse()?)
///     .post_only()
///     .because(Reason::new("BID"));
/// assert!(intent.post_only);
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Where.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// How much. Bitex counts buys in quote and sells in base.
    pub size: Size,
    /// Limit, or an emulated kind.
    pub kind: OrderKind,
    /// How long.
    pub time_in_force: TimeInForce,
    /// Refuse it if it would take from the book as last seen. The book may move before it arrives.
    pub post_only: bool,
    /// Shrink it to the position, refuse it without one.
    pub reduce_only: bool,
    /// Convert a size in the unit that the venue does not count in, at the order's price. A converted buy may
    /// receive more base than asked for, since it fills at that price or better.
    pub convert_size: bool,
    /// Why, for the report.
    pub reason: Reason,
}

impl Intent {
    const fn new(market: MarketId, side: Side, size: Size, kind: OrderKind) -> Self {
        Self {
            market,
            side,
            size,
            kind,
            time_in_force: TimeInForce::GoodTillCancelled,
            post_only: false,
            reduce_only: false,
            convert_size: false,
            reason: Reason::new(""),
        }
    }

    /// A limit order.
    pub const fn limit(market: MarketId, side: Side, size: Size, price: Price) -> Self {
        Self::new(market, side, size, OrderKind::Limit { price })
    }

    /// A market order within the configured price bound.
    pub const fn market(market: MarketId, side: Side, size: Size) -> Self {
        Self::new(market, side, size, OrderKind::Market { bound: None })
    }

    /// A stop order.
    pub const fn stop(market: MarketId, side: Side, size: Size, trigger: Price) -> Self {
        Self::new(market, side, size, OrderKind::Stop { trigger })
    }

    /// A stop-limit order.
    pub const fn stop_limit(market: MarketId, side: Side, size: Size, trigger: Price, price: Price) -> Self {
        Self::new(market, side, size, OrderKind::StopLimit { trigger, price })
    }

    /// A trailing stop at a relative distance from the best price seen.
    pub const fn trailing_stop(market: MarketId, side: Side, size: Size, distance: Rate) -> Self {
        Self::new(market, side, size, OrderKind::TrailingStop { distance })
    }

    /// Only as a maker.
    #[must_use]
    pub const fn post_only(self) -> Self {
        Self { post_only: true, ..self }
    }

    /// Only to make a position smaller.
    #[must_use]
    pub const fn reduce_only(self) -> Self {
        Self { reduce_only: true, ..self }
    }

    /// Convert the size to the venue's unit.
    #[must_use]
    pub const fn convert_size(self) -> Self {
        Self { convert_size: true, ..self }
    }

    /// Cancel what is not filled at once.
    #[must_use]
    pub const fn immediate_or_cancel(self) -> Self {
        Self { time_in_force: TimeInForce::ImmediateOrCancel, ..self }
    }

    /// Cancel at an instant.
    #[must_use]
    pub const fn good_till(self, time: Timestamp) -> Self {
        Self { time_in_force: TimeInForce::GoodTillTime(time), ..self }
    }

    /// For this reason.
    #[must_use]
    pub const fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }
}

/// One resting order of a desired set.
///
/// ```
/// use pampero_engine::Desired;
/// use pampero_model::{Side, Size};
/// let bid = Desired { side: Side::Buy, price: "4100".parse()?, size: Size::Quote("10".parse()?) };
/// assert_eq!(bid.side, Side::Buy);
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Buy or sell.
    pub side: Side,
    /// Its price, before the fingerprint.
    pub price: Price,
    /// Its whole size. A partly filled order of this size and price counts as standing.
    pub size: Size,
}
