//! The trait of an adapter and what goes in and out of it.

use async_trait::async_trait;
use pampero_model::{Price, Side, Size, Timestamp, Trade, VenueOrderId};

use crate::{Balance, Error, MarketSnapshot, Movement, VenueCandle, VenueFill, VenueOrder};

/// How a request that creates something ended. It was sent at most once.
///
/// ```
/// use pampero_exchange::{Error, Outcome};
/// let outcome: Outcome<u64> = Outcome::NotSent(Error::NotSent("no connection".to_owned()));
/// assert!(outcome.is_settled());
/// assert!(outcome.into_result().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an unknown outcome has to be settled by reads"]
pub enum Outcome<T> {
    /// The exchange has it and echoes what was sent.
    Acknowledged(T),
    /// The exchange refuses it: nothing was created.
    Rejected(Error),
    /// It provably never left: nothing was created.
    NotSent(Error),
    /// It left, and nobody knows. Only reads settle it; it is never sent again.
    Unknown(Error),
}

/// How placing an order ended.
pub type PlaceOutcome = Outcome<VenueOrder>;

impl<T> Outcome<T> {
    /// Whether it is clear what happened.
    pub const fn is_settled(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// What was created, or why nothing was or may have been.
    pub fn into_result(self) -> Result<T, Error> {
        match self {
            Self::Acknowledged(value) => Ok(value),
            Self::Rejected(error) | Self::NotSent(error) | Self::Unknown(error) => Err(error),
        }
    }

    /// The same outcome about something else.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Acknowledged(value) => Outcome::Acknowledged(change(value)),
            Self::Rejected(error) => Outcome::Rejected(error),
            Self::NotSent(error) => Outcome::NotSent(error),
            Self::Unknown(error) => Outcome::Unknown(error),
        }
    }
}

/// The caller's last word on a placement: an error, in words for the log, keeps it from being sent.
///
/// The adapter asks it once, after the request has waited for its turn in the budget and with nothing but opening
/// the connection between it and the bytes: a halt, an age limit or a cap that was met while waiting still counts.
///
/// ```
/// use pampero_exchange::LastLook;
/// let halted = true;
/// let look: &LastLook<'_> = &|| if halted { Err("trading is halted".to_owned()) } else { Ok(()) };
/// assert!(look().is_err());
/// ```
pub type LastLook<'a> = dyn Fn() -> Result<(), String> + Send + Sync + 'a;

/// A limit order to place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRequest {
    /// The exchange's code of the market, such as `btc_usd`.
    pub market: String,
    /// Buy or sell.
    pub side: Side,
    /// The worst acceptable price, in quote per base.
    pub price: Price,
    /// How much, in the unit the exchange counts this side in.
    pub size: Size,
    /// Sent along as the id of the request where the exchange logs one, so that support can find it. Letters,
    /// digits, `-`, `_` and `.`.
    pub reference: Option<String>,
    /// The highest own id of this side known before: an acknowledgement at or below it is not believed.
    pub watermark: Option<VenueOrderId>,
}

/// Which orders to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelScope<'a> {
    /// All own orders of one market.
    Market(&'a str),
    /// All own orders of the account, whoever placed them.
    Everything,
}

/// Which own executions to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FillQuery {
    /// One market, or all.
    pub market: Option<String>,
    /// Buys or sells alone, or both.
    pub side: Option<Side>,
    /// So many days back.
    pub days: Option<u32>,
    /// At most so many, newest first.
    pub limit: Option<u32>,
}

/// Which candles to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CandleQuery {
    /// One market, or all.
    pub market: Option<String>,
    /// So many days back; the exchange's default is one.
    pub days: Option<u32>,
    /// Hours a candle lasts; the exchange's default is one.
    pub span_hours: Option<u32>,
}

/// Which parts of a market to ask for in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotParts {
    /// Bids and asks.
    pub book: bool,
    /// Public trades of the last hour.
    pub trades: bool,
    /// Candles of the last day.
    pub candles: bool,
}

impl SnapshotParts {
    /// What a poll of the market wants: book and trades.
    pub const POLL: Self = Self { book: true, trades: true, candles: false };
    /// The book alone.
    pub const BOOK: Self = Self { book: true, trades: false, candles: false };
    /// All of it.
    pub const ALL: Self = Self { book: true, trades: true, candles: true };
}

/// An exchange: what the runtime needs of one.
///
/// Reads and cancellations may be repeated by the caller where [`Error::may_retry`] allows it; nothing is repeated
/// behind the caller's back. A failed read is no information, never "empty".
#[async_trait]
pub trait Exchange: Send + Sync {
    /// The name of the venue, as in [`Market::venue`](pampero_model::Market::venue).
    fn venue(&self) -> &str;

    /// The account that the key belongs to, as the exchange numbers or names it.
    async fn account(&self) -> Result<String, Error>;

    /// What the exchange's clock shows, cut off to whole seconds; nothing where it does not say.
    async fn server_time(&self) -> Result<Option<Timestamp>, Error>;

    /// Places a limit order. Sent at most once, and not at all ([`Outcome::NotSent`]) if the last look forbids it.
    async fn place(&self, request: &OrderRequest, last_look: &LastLook<'_>) -> PlaceOutcome;

    /// Asks for the cancellation of one order. Success is an intention: it may still be executed.
    async fn cancel(&self, side: Side, id: VenueOrderId) -> Result<(), Error>;

    /// Asks for the cancellation of all own orders of a market or of the account. Success is an intention.
    async fn cancel_all(&self, scope: CancelScope<'_>) -> Result<(), Error>;

    /// One own order, in whatever state.
    async fn order(&self, side: Side, id: VenueOrderId) -> Result<VenueOrder, Error>;

    /// The own orders on the book. Absence from this list is no evidence of absence: it may lag and leaves out
    /// what is pending.
    async fn active_orders(&self, market: Option<&str>) -> Result<Vec<VenueOrder>, Error>;

    /// Own executions, newest first.
    async fn fills(&self, query: &FillQuery) -> Result<Vec<VenueFill>, Error>;

    /// Every currency of the account with full precision.
    async fn balances(&self) -> Result<Vec<Balance>, Error>;

    /// A market in one request.
    async fn snapshot(&self, market: &str, parts: SnapshotParts) -> Result<MarketSnapshot, Error>;

    /// Candles, oldest first by market; buckets without trades are left out.
    async fn candles(&self, query: &CandleQuery) -> Result<Vec<VenueCandle>, Error>;

    /// Public trades of the last so many hours, newest first.
    async fn trades(&self, market: &str, hours: u32) -> Result<Vec<Trade>, Error>;

    /// The statement of the account, newest first, as far back as the exchange goes.
    async fn movements(&self) -> Result<Vec<Movement>, Error>;
}
