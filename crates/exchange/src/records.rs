//! What an exchange tells of orders, executions, balances and markets, in the words of the model.

use pampero_model::{
    Candle, Cash, Currency, FillId, Money, OrderBook, Price, Quantity, Side, Size, Timestamp, Trade,
    VenueOrderId, VenueStatus,
};
use serde::Serialize;

/// The state an exchange gives an order.
///
/// ```
/// use pampero_exchange::OrderStatus;
/// assert!(!OrderStatus::Other("frozen".to_owned()).is_final());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// One that we know.
    Known(VenueStatus),
    /// A word that we do not know. Never taken as final.
    Other(String),
}

impl OrderStatus {
    /// Whether nothing more can happen to the order.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Known(VenueStatus::Cancelled | VenueStatus::Completed))
    }
}

/// An own order as the exchange shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VenueOrder {
    /// Its id. Buys and sells are numbered apart.
    pub id: VenueOrderId,
    /// Buy or sell.
    pub side: Side,
    /// The exchange's code of the market; empty where an old answer does not say.
    pub market: String,
    /// The worst acceptable price.
    pub price: Price,
    /// How much was ordered, in the unit the exchange counts this side in.
    pub size: Size,
    /// How much is left, in the same unit.
    pub remaining: Size,
    /// Its state.
    pub status: OrderStatus,
    /// When it was placed, where the exchange says.
    pub created_at: Option<Timestamp>,
}

/// An execution of an own order. Base and quote are gross, as in [`Fill`](pampero_model::Fill).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VenueFill {
    /// Id of the match; both sides of a match share it.
    pub id: FillId,
    /// The order, where the exchange names it.
    pub order: Option<VenueOrderId>,
    /// Side of the own order.
    pub side: Side,
    /// The exchange's code of the market.
    pub market: String,
    /// Execution price.
    pub price: Price,
    /// Gross base quantity.
    pub base: Quantity,
    /// Gross quote amount.
    pub quote: Cash,
    /// The fee, in its own currency; taken from what was received.
    pub fee: Money,
    /// When it happened.
    pub time: Timestamp,
}

/// Money of one currency in the account.
///
/// ```
/// use pampero_exchange::Balance;
/// let balance = Balance {
///     currency: "btc".parse().unwrap(),
///     total: "0.01034418 BTC".parse().unwrap(),
///     available: "0.00834418 BTC".parse().unwrap(),
/// };
/// assert_eq!(balance.locked().unwrap().to_string(), "0.002 BTC");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// Which currency.
    pub currency: Currency,
    /// All of it.
    pub total: Money,
    /// What is not locked by orders or withdrawals.
    pub available: Money,
}

impl Balance {
    /// What orders and withdrawals lock: total less available.
    pub fn locked(&self) -> Result<Money, pampero_model::MoneyError> {
        self.total.checked_sub(self.available)
    }
}

/// A candle with what the exchange knows besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VenueCandle {
    /// The exchange's code of the market.
    pub market: String,
    /// Prices and volume.
    pub candle: Candle,
    /// The price before the last trade of the candle.
    pub price_before_last: Option<Price>,
    /// Volume-weighted average price, cut off after the eighth decimal.
    pub vwap: Option<Price>,
}

/// A market in one answer: book, recent trades and candles, as far as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketSnapshot {
    /// The exchange's code of the market.
    pub market: String,
    /// Bids highest first, asks lowest first; levels below 1e-8 are left out.
    pub book: OrderBook,
    /// Public trades, newest first as the exchange lists them.
    pub trades: Vec<Trade>,
    /// Candles, oldest first.
    pub candles: Vec<VenueCandle>,
}

/// What moved money in the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// An execution of a buy.
    Buy,
    /// An execution of a sell.
    Sell,
    /// Cash came in.
    CashDeposit,
    /// Coins came in.
    CoinDeposit,
    /// Cash went out.
    CashWithdrawal,
    /// Coins went out.
    CoinWithdrawal,
    /// A word that we do not know.
    Other(String),
}

/// An entry of the account's statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// The exchange's id of the entry.
    pub id: String,
    /// What it was.
    pub kind: MovementKind,
    /// When.
    pub time: Timestamp,
    /// The amount that moved.
    pub amount: Money,
    /// The fee, where there is one.
    pub fee: Option<Money>,
    /// Execution price of a buy or sell.
    pub price: Option<Price>,
    /// The currencies involved, as the exchange writes them: `BTC_USD`, or one alone.
    pub currencies: String,
}
