//! What is asked of an exchange, and what it answers, as data.

use pampero_engine::Approved;
use pampero_exchange::{Balance, Error, FillQuery, Movement, PlaceOutcome, VenueFill, VenueOrder};
use pampero_model::{Currency, Order, Side, Timestamp, VenueOrderId};

/// Numbers the requests of one session, so that answers find their question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A request to an exchange.
#[derive(Debug)]
pub enum Request {
    /// Place an order. Carried out at most once, ever.
    Place(Placement),
    /// Ask for the cancellation of an order. May be repeated.
    Cancel {
        /// Buys and sells are numbered apart.
        side: Side,
        /// The exchange's id.
        id: VenueOrderId,
    },
    /// Ask for the cancellation of all own orders of a market, or of the whole account.
    CancelAll {
        /// The exchange's code of the market, or all.
        market: Option<String>,
    },
    /// Read one own order.
    Order {
        /// Buys and sells are numbered apart.
        side: Side,
        /// The exchange's id.
        id: VenueOrderId,
    },
    /// Read the own orders on the book, of all markets.
    ActiveOrders,
    /// Read own executions.
    Fills(FillQuery),
    /// Read what the account has.
    Balances,
    /// Read the account's statement.
    Movements,
}

/// An order on its way to an exchange. It holds the proof of the gate's approval, which cannot be copied: so nobody
/// can send it twice.
#[derive(Debug)]
pub struct Placement {
    /// The order.
    pub order: Approved<Order>,
    /// The exchange's code of its market.
    pub market: String,
    /// The currency in which its notional is counted.
    pub quote: Currency,
    /// The highest own id of its side known before.
    pub watermark: Option<VenueOrderId>,
    /// Sent along for the exchange's log, where there is a place for it.
    pub reference: Option<String>,
    /// When the gate approved it. It is dropped unsent once this is too long ago.
    pub approved_at: Timestamp,
}

/// The answer to a request of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::Place`].
    Placed(PlaceOutcome),
    /// To [`Request::Cancel`] and [`Request::CancelAll`]. Success is an intention.
    Cancelled(Result<(), Error>),
    /// To [`Request::Order`].
    Order(Result<VenueOrder, Error>),
    /// To [`Request::ActiveOrders`].
    ActiveOrders(Result<Vec<VenueOrder>, Error>),
    /// To [`Request::Fills`].
    Fills(Result<Vec<VenueFill>, Error>),
    /// To [`Request::Balances`].
    Balances(Result<Vec<Balance>, Error>),
    /// To [`Request::Movements`].
    Movements(Result<Vec<Movement>, Error>),
}

impl Answer {
    /// What went wrong, if anything did.
    pub const fn error(&self) -> Option<&Error> {
        use pampero_exchange::Outcome::{NotSent, Rejected, Unknown};
        match self {
            Self::Placed(Rejected(error) | NotSent(error) | Unknown(error))
            | Self::Cancelled(Err(error))
            | Self::Order(Err(error))
            | Self::ActiveOrders(Err(error))
            | Self::Fills(Err(error))
            | Self::Balances(Err(error))
            | Self::Movements(Err(error)) => Some(error),
            _ => None,
        }
    }
}
