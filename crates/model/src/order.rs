//! Orders, fills, and what a venue reports of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Cash, MarketId, Price, Quantity, Size, Timestamp};

/// Buy or sell.
///
/// ```
/// use pampero_model::Side;
/// assert_eq!(Side::Buy.opposite(), Side::Sell);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Spends quote, receives base. Bitex: a bid.
    Buy,
    /// Spends base, receives quote. Bitex: an ask.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// 0 for buys, 1 for sells: a position in an array of the two.
    pub const fn index(self) -> usize {
        match self {
            Self::Buy => 0,
            Self::Sell => 1,
        }
    }

    /// Whether a limit of this side accepts an execution at `price`.
    pub fn accepts(self, limit: Price, price: Price) -> bool {
        match self {
            Self::Buy => price <= limit,
            Self::Sell => price >= limit,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        })
    }
}

/// Our own id of an order, assigned by the engine in ascending order and never reused.
///
/// ```
/// use pampero_model::OrderId;
/// assert!(OrderId(7) < OrderId(8), "later orders have greater ids");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderId(pub u64);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The venue's id of an order. Buys and sells are numbered apart: only (side, id) is unique.
///
/// ```
/// use pampero_model::VenueOrderId;
/// assert_eq!(VenueOrderId(1_580).to_string(), "1580");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VenueOrderId(pub u64);

impl fmt::Display for VenueOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The venue's id of a match. Both sides of one match share it: only (side, id) is unique. A later match has a greater one.
///
/// ```
/// use pampero_model::{FillId, Side};
/// // One match of two own orders: a buy and a sell share its id.
/// assert_ne!((Side::Buy, FillId(1_652)), (Side::Sell, FillId(1_652)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FillId(pub u64);

impl fmt::Display for FillId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A limit order, the only kind the venue knows.
///
/// ```
/// use pampero_model::{MarketId, Order, OrderId, Side, Size};
/// let order = Order {
///     id: OrderId(1),
///     market: MarketId(0),
///     side: Side::Buy,
///     price: "4100".parse()?,
///     size: Size::Quote("100".parse()?),
/// };
/// assert_eq!(order.to_string(), "buy 100 quote at 4100");
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Our id.
    pub id: OrderId,
    /// Where it is placed.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// The worst acceptable price.
    pub price: Price,
    /// How much, in the unit the market counts this side in.
    pub size: Size,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.side, self.size, self.price)
    }
}

/// Whether an execution rested on the book or took from it.
///
/// ```
/// use pampero_model::{Liquidity, Market};
/// let market = Market::new("bitex", "btc_usd")?;
/// let fee = |liquidity| match liquidity {
///     Liquidity::Maker => market.maker_fee,
///     Liquidity::Taker => market.taker_fee,
/// };
/// assert_eq!(fee(Liquidity::Taker).to_string(), "0.0025");
/// # Ok::<(), pampero_model::MarketError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liquidity {
    /// Rested on the book.
    Maker,
    /// Took from the book.
    Taker,
}

/// An execution of an own order. Base and quote are gross; the fee is taken from what is received.
///
/// ```
/// use pampero_model::*;
/// let fill = Fill {
///     id: FillId(1654), order: OrderId(1), market: MarketId(0), side: Side::Buy,
///     price: "4400".parse()?, base: "0.00022727".parse()?, quote: "1".parse()?, fee: 56,
///     liquidity: Liquidity::Taker, time: Timestamp::MIN,
/// };
/// assert_eq!(fill.base_change().to_string(), "0.00022671");
/// assert_eq!(fill.quote_change().to_string(), "-1");
/// # Ok::<(), ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The venue's id of the match.
    pub id: FillId,
    /// The order that was executed.
    pub order: OrderId,
    /// Where.
    pub market: MarketId,
    /// The side of the order.
    pub side: Side,
    /// Execution price.
    pub price: Price,
    /// Gross base quantity that changed hands.
    pub base: Quantity,
    /// Gross quote amount that changed hands.
    pub quote: Cash,
    /// Fee in units of 1e-8 of the currency received: base for a buy, quote for a sell.
    pub fee: i128,
    /// Maker or taker.
    pub liquidity: Liquidity,
    /// When it happened.
    pub time: Timestamp,
}

impl Fill {
    /// What the account's base balance changes by, net of the fee.
    pub fn base_change(&self) -> Quantity {
        match self.side {
            Side::Buy => self.base.saturating_sub(Quantity::from_units(i64::try_from(self.fee).unwrap_or(0))),
            Side::Sell => Quantity::ZERO.saturating_sub(self.base),
        }
    }

    /// What the account's quote balance changes by, net of the fee.
    pub fn quote_change(&self) -> Cash {
        match self.side {
            Side::Buy => Cash::ZERO.saturating_sub(self.quote),
            Side::Sell => self.quote.saturating_sub(Cash::from_units(self.fee)),
        }
    }
}

/// The venue's own state of an order.
///
/// ```
/// use pampero_model::VenueStatus;
/// assert_eq!(serde_json::to_string(&VenueStatus::ToCancel)?, "\"to_cancel\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VenueStatus {
    /// Accepted, funds not checked yet.
    Pending,
    /// On the book.
    Executing,
    /// Cancellation asked for; may still be executed.
    ToCancel,
    /// Final: cancelled, perhaps after partial execution.
    Cancelled,
    /// Final: executed in full.
    Completed,
}

/// Why a venue refused an order at once.
///
/// ```
/// use pampero_model::{RejectReason, UpdateKind};
/// assert!(UpdateKind::Rejected(RejectReason::TooSmall).is_final());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// Below the market's minimum.
    TooSmall,
    /// The venue has no such market.
    UnknownMarket,
    /// Price or size is not a positive number, or is in the wrong unit.
    Invalid,
    /// Too many requests.
    RateLimited,
    /// The key may not do this.
    NotPermitted,
    /// Anything else the venue said.
    Other,
}

/// Why an order was cancelled.
///
/// ```
/// use pampero_model::{CancelReason, UpdateKind};
/// // A lack of funds shows only after the order was acknowledged.
/// assert!(UpdateKind::Cancelled(CancelReason::InsufficientFunds).is_final());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// On request.
    Requested,
    /// The account could not pay for it.
    InsufficientFunds,
    /// By the venue.
    Venue,
    /// The venue does not say, or it is not known.
    Unknown,
}

/// News of one own order.
///
/// ```
/// use pampero_model::{OrderId, OrderUpdate, Timestamp, UpdateKind};
/// let update = OrderUpdate { order: OrderId(1), time: Timestamp::from_secs(5), kind: UpdateKind::Live };
/// assert!(!update.kind.is_final());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderUpdate {
    /// Which order.
    pub order: OrderId,
    /// When it happened at the venue.
    pub time: Timestamp,
    /// What happened.
    pub kind: UpdateKind,
}

/// What happened to an own order.
///
/// ```
/// use pampero_model::{CancelReason, UpdateKind};
/// assert!(UpdateKind::Completed.is_final());
/// assert!(!UpdateKind::Unknown.is_final());
/// assert!(UpdateKind::Cancelled(CancelReason::Requested).is_final());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateKind {
    /// The venue has it (`pending`); funds are not checked yet.
    Acknowledged(VenueOrderId),
    /// It is on the book (`executing`).
    Live,
    /// It was executed, in part or whole.
    Fill(Fill),
    /// The venue took note of a cancellation (`to_cancel`).
    CancelPending,
    /// Final: nothing is left on the book.
    Cancelled(CancelReason),
    /// Final: executed in full, up to dust.
    Completed,
    /// Final: the venue refused it.
    Rejected(RejectReason),
    /// Final: it provably never left.
    NotSent,
    /// It was sent and the answer tells nothing.
    Unknown,
    /// It was looked for long enough and not found. Its risk stays reserved until the ghost horizon.
    PresumedAbsent,
    /// Final: the ghost horizon has passed and it never appeared.
    Absent,
}

impl UpdateKind {
    /// Whether nothing may follow but late fills.
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Cancelled(_) | Self::Completed | Self::Rejected(_) | Self::NotSent | Self::Absent
        )
    }
}
