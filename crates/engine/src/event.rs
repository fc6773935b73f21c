//! What the engine learns.

use pampero_model::{
    BookSnapshot, Candle, Currency, MarketId, Money, OrderUpdate, Price, Quote, Span, Timestamp, Trade,
    VenueId,
};

use serde::{Deserialize, Serialize};

use crate::strategy::StrategyId;

/// Something that happened, with the time at which the engine learns it. Time that runs backwards is held.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// When.
    pub time: Timestamp,
    /// What.
    pub kind: EventKind<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum EventKind<'a> {
    /// A whole book was seen.
    Book {
        /// Where.
        market: MarketId,
        /// The book.
        book: BookSnapshot<'a>,
    },
    /// The best bid and ask were seen.
    Quote {
        /// Where.
        market: MarketId,
        /// The quote.
        quote: Quote,
    },
    /// Somebody traded.
    Trade {
        /// Where.
        market: MarketId,
        /// The trade.
        trade: Trade,
    },
    /// A candle closed.
    Candle {
        /// Where.
        market: MarketId,
        /// How long the candle lasted.
        span: Span,
        /// The candle.
        candle: Candle,
    },
    /// News of an own order.
    Order(OrderUpdate),
    /// Nothing but the passing of time.
    Timer,
    /// A deposit, or a withdrawal if negative. It lands outside the strategies' allocations.
    Transfer {
        /// Where.
        venue: VenueId,
        /// How much.
        money: Money,
    },
    /// The worth of one unit of a currency in the report currency, from outside the markets.
    Rate {
        /// Which currency.
        currency: Currency,
        /// Its worth.
        rate: Price,
    },
    /// The venue's account was compared with ours and agrees; the finding holds until then.
    Reconciled {
        /// Where.
        venue: VenueId,
        /// How long the finding counts. A simulated venue always agrees: [`Timestamp::MAX`].
        until: Timestamp,
    },
    /// The account's balances were read.
    BalancesSeen {
        /// Where.
        venue: VenueId,
        /// When. A simulated venue's are always fresh: [`Timestamp::MAX`].
        at: Timestamp,
    },
    /// How far the local clock is from the venue's.
    ClockSkew(Span),
    /// The user confirmed the environment that orders go to.
    EnvironmentConfirmed,
    /// An operator's order.
    Control(Control),
}

/// An operator's order to the engine, to one strategy or to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// Only orders that make a position smaller.
    ReduceOnly(Option<StrategyId>),
    /// No order but cancels; everything open is cancelled.
    Halt(Option<StrategyId>),
    /// Trade again. The only way out of the other two.
    Resume(Option<StrategyId>),
    /// Cancel everything and sell every position at the market, even when halted.
    Flatten(Option<StrategyId>),
    /// The session ends in order: strategies get their last word, everything open is cancelled, and no order passes
    /// but those of a flatten. It holds until the session's end and trips nothing.
    WindDown,
    /// The run ends: strategies get their last word.
    Stop,
}
