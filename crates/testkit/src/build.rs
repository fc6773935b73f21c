//! Short ways to write down amounts and observations. All of them panic on a literal that is none: a test that
//! cannot be read must not pass.
// The panic is in `literal` alone, and the module says so of all.
#![allow(clippy::missing_panics_doc)]

use std::fmt::Display;
use std::str::FromStr;

use pampero_model::{Cash, Level, Market, Price, Quantity, Quote, Rate, Timestamp, Trade};

/// A parsed literal.
// A mistake in a test's text has no caller that could handle it.
#[allow(clippy::panic)]
#[track_caller]
pub(crate) fn literal<T: FromStr<Err: Display>>(text: &str) -> T {
    match text.parse() {
        Ok(value) => value,
        Err(error) => panic!("bad literal in a test: {error}"),
    }
}

/// So many seconds after 1970-01-01.
pub const fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// A price.
#[track_caller]
pub fn price(text: &str) -> Price {
    literal(text)
}

/// A quantity of base.
#[track_caller]
pub fn quantity(text: &str) -> Quantity {
    literal(text)
}

/// An amount of quote.
#[track_caller]
pub fn cash(text: &str) -> Cash {
    literal(text)
}

/// A rate: `0.01` is 1 %.
#[track_caller]
pub fn rate(text: &str) -> Rate {
    literal(text)
}

/// A level of a book: price and quantity.
#[track_caller]
pub fn level((price, quantity): (&str, &str)) -> Level {
    Level { price: literal(price), quantity: literal(quantity) }
}

/// The best bid and ask, each as price and quantity.
///
/// ```
/// use pampero_testkit::{price, quote};
/// assert_eq!(quote(("99", "1"), ("101", "2")).mid(), Some(price("100")));
/// ```
#[track_caller]
pub fn quote(bid: (&str, &str), ask: (&str, &str)) -> Quote {
    Quote { bid: level(bid), ask: level(ask) }
}

/// A trade by nobody in particular.
#[track_caller]
pub fn trade(secs: i64, price: &str, quantity: &str) -> Trade {
    Trade { id: 0, time: at(secs), price: literal(price), quantity: literal(quantity), aggressor: None }
}

/// Bitex's `btc_usd` with its rules, but for the fee, which is the same for maker and taker.
///
/// ```
/// assert_eq!(pampero_testkit::market("0.001").taker_fee.to_string(), "0.001");
/// ```
// The code is a constant that is valid.
#[allow(clippy::panic)]
#[track_caller]
pub fn market(fee: &str) -> Market {
    match Market::new("bitex", "btc_usd") {
        Ok(market) => Market { maker_fee: rate(fee), taker_fee: rate(fee), ..market },
        Err(error) => panic!("{error}"),
    }
}
