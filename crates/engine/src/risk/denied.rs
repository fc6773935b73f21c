//! Why the gate refuses: stable codes with the numbers that decided.

use std::fmt;

use pampero_model::{Cash, OrderId, Price, Quantity, Rate, Span};

use serde::{Deserialize, Serialize};

use super::TripReason;

/// Defines [`Code`], [`Denied`] and [`CHECKS`] from one table, so that they cannot disagree.
macro_rules! denials {
    ($($row:literal $code:literal $name:ident { $($field:ident: $type:ty),* } $reducing:literal $what:literal;)*) => {
        /// The stable code of a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Code {
            $(#[doc = $what] $name,)*
        }

        /// A refusal by the risk gate, written `CODE key=value …`.
        ///
        /// ```
        /// use pampero_engine::{Code, Denied};
        /// let denied = Denied::OrderQuantity { quantity: "2".parse()?, limit: "1".parse()? };
        /// assert_eq!(denied.to_string(), "MAX_ORDER_QUANTITY quantity=2 limit=1");
        /// assert_eq!(denied.code(), Code::OrderQuantity);
        /// # Ok::<(), pampero_model::ParseAmountError>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Denied {
            $(#[doc = $what] $name {
                $(#[doc = concat!("The deciding value `", stringify!($field), "`.")] $field: $type),*
            },)*
        }

        impl Denied {
            /// The stable code.
            pub const fn code(&self) -> Code {
                match self { $(Self::$name { .. } => Code::$name,)* }
            }
        }

        impl fmt::Display for Denied {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code().as_str())?;
                match self {
                    $(Self::$name { $($field),* } => { $(write!(f, " {}={}", stringify!($field), $field)?;)* })*
                }
                Ok(())
            }
        }

        impl Code {
            /// The code as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Whether it is checked for orders that make a position smaller, too.
            pub const fn applies_to_reducing(self) -> bool {
                match self { $(Self::$name => $reducing,)* }
            }
        }

        /// Every refusal there is, in the order in which it is checked.
        pub const CHECKS: &[CheckInfo] = &[
            $(CheckInfo { row: $row, code: Code::$name, what: $what },)*
        ];
    };
}

/// One row of the table of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckInfo {
    /// Number of the check it belongs to. Zero: a rule of the engine that stands before the gate.
    pub row: u8,
    /// Its code.
    pub code: Code,
    /// What it means.
    pub what: &'static str,
}

denials! {
    0 "ARITHMETIC" Arithmetic {} true "A price or size leads to an amount that cannot be held.";
    0 "WARMING_UP" WarmingUp { missing: usize } true "The strategy has not seen the candles it declared as its warm-up.";
    0 "NO_PRICE" NoPrice {} true "Nothing is known of the market yet.";
    0 "POST_ONLY" PostOnly { price: Price, best: Price } true "A post-only order would take from the book as last seen.";
    0 "NOTHING_TO_REDUCE" NothingToReduce {} true "A reduce-only order has no position to make smaller.";
    1 "TRADING_HALTED" TradingHalted { reason: TripReason } true "Trading is halted; only cancels pass.";
    1 "REDUCING_ONLY" ReducingOnly { reason: TripReason } false "Only orders that make a position smaller pass.";
    2 "ENVIRONMENT" Environment {} true "The environment was not confirmed by the user.";
    3 "MARKET_NOT_ALLOWED" MarketNotAllowed {} true "The market is not on the allow-list, or not among the strategy's own.";
    4 "MAX_ORDER_NOTIONAL" OrderNotional { notional: Cash, limit: Cash } false "The order is worth more than one order may be, in quote.";
    4 "MAX_ORDER_VALUE" OrderValue { value: Cash, limit: Cash } false "The order is worth more than one order may be, in the report currency.";
    5 "MAX_ORDER_QUANTITY" OrderQuantity { quantity: Quantity, limit: Quantity } false "The order is for more of the base currency than one order may be.";
    6 "SIZE_UNIT" SizeUnit {} true "The size is in a unit that the venue does not count this side in.";
    6 "MIN_ORDER" TooSmall { units: Cash, minimum: Cash } true "The size is below the market's minimum.";
    6 "PRECISION" Precision { price: Price, tick: Price } true "The price or the size is not a multiple of the market's step, or not above zero.";
    7 "PRICE_COLLAR" PriceCollar { price: Price, reference: Price, limit: Rate } true "The price is too far from the market.";
    8 "PRICE_DRIFT" PriceDrift { price: Price, anchor: Price, limit: Rate } false "The own prices have moved too far within the window.";
    9 "BOOK_EMPTY" BookEmpty {} false "A side of the book is empty.";
    9 "BOOK_CROSSED" BookCrossed { bid: Price, ask: Price } false "The book is crossed.";
    9 "WIDE_SPREAD" WideSpread { spread: Rate, limit: Rate } false "The spread is too wide.";
    10 "STALE_DATA" StaleData { age: Span, limit: Span } false "The market was not seen for too long.";
    10 "STALE_BALANCE" StaleBalance { age: Span, limit: Span } false "The balances were not read for too long.";
    10 "STALE_RATE" StaleRate { age: Span, limit: Span } false "The rate into the report currency is too old.";
    11 "INSUFFICIENT_FUNDS" InsufficientFunds { needed: Cash, available: Cash } true "The strategy's funds, less all reservations, do not cover the order.";
    12 "MAX_POSITION" MaxPosition { worst: Quantity, limit: Quantity } false "The position would be too large if every open order were filled.";
    12 "MAX_EXPOSURE" MaxExposure { worst: Cash, limit: Cash } false "All positions together would be worth too much if every open order were filled.";
    13 "MAX_OPEN_ORDERS" MaxOpenOrders { open: u32, limit: u32 } false "Too many orders are open.";
    13 "MAX_OPEN_ORDERS_SIDE" MaxOpenOrdersSide { open: u32, limit: u32 } false "Too many orders are open on this side of the market.";
    14 "ORDER_RATE" OrderRate { limit: usize } false "Too many orders within a second, a minute or a day.";
    15 "REQUEST_BUDGET" RequestBudget { limit: usize } true "The requests of this second are spent.";
    16 "DUPLICATE_INTENT" DuplicateIntent { other: OrderId } true "The same order is open already or was asked for a moment ago.";
    17 "REPEATED_EXECUTION" RepeatedExecution { limit: usize } false "Too many executions within the window.";
    18 "SELF_CROSS" SelfCross { other: OrderId, price: Price } true "It would trade against an own order.";
    19 "MAX_DAILY_LOSS" DailyLoss { loss: Cash, limit: Cash } false "The loss of the trading day is too large.";
    20 "MAX_DRAWDOWN" Drawdown { drawdown: Rate, limit: Rate } false "Equity is too far below its high-water mark.";
    21 "REJECT_STREAK" RejectStreak { limit: usize } false "Too many refusals and errors within the window.";
    22 "UNKNOWN_ORDER" UnknownOrder { other: OrderId } true "The fate of an earlier order on this side of the market is not known.";
    23 "STALE_RECONCILE" StaleReconcile {} true "The account was not reconciled with the venue for too long.";
    24 "CLOCK_SKEW" ClockSkew { skew: Span, limit: Span } true "The local clock differs too much from the venue's.";
    25 "ORDER_CAP" OrderCap { notional: Cash, cap: Cash } true "The order is worth more, in quote, than the last door before the venue lets through.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
