//! The words of Pampero: money, markets, orders, books, candles and time.
//!
//! Nothing here performs I/O, reads a clock or knows another room of the house. Every amount is an exact
//! integer in units of 1e-8; see [`fixed`](crate::SCALE) for the rules of arithmetic and rounding.

mod amount;
mod book;
mod candles;
mod data;
mod fixed;
mod market;
mod money;
mod order;
mod series;
mod time;

pub use amount::{Cash, Price, Quantity, Rate, Size};
pub use book::{BookSide, BookSnapshot, DepthWalk, Level, OrderBook};
pub use candles::{CandleAggregator, EmptyBuckets};
pub use data::{Candle, Quote, Trade};
pub use fixed::{ArithmeticError, DECIMALS, ParseAmountError, Rounding, SCALE};
pub use market::{Market, MarketError, MarketId, Markets, SizeUnit, VenueId};
pub use money::{Currency, CurrencyError, Money, MoneyError};
pub use order::{
    CancelReason, Fill, FillId, Liquidity, Order, OrderId, OrderUpdate, RejectReason, Side, UpdateKind,
    VenueOrderId, VenueStatus,
};
pub use series::{BookSeries, CandleSeries, QuoteSeries, TradeSeries};
pub use time::{Span, TimeError, Timestamp, TradingDay};
