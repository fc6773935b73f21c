//! Values in words: what tables are made of.

use pampero_exchange::{OrderStatus, VenueOrder};
use pampero_model::{Currency, Market, Money, Side, Size, Timestamp, VenueStatus};

use crate::cli::account::OrderKey;

/// A time in UTC to the second: `2019-04-15 16:13:40`.
pub(super) fn time(time: Timestamp) -> String {
    time.to_string().chars().take(19).map(|letter| if letter == 'T' { ' ' } else { letter }).collect()
}

pub(super) fn optional_time(at: Option<Timestamp>) -> String {
    at.map(time).unwrap_or_default()
}

/// An amount without its currency.
pub(super) fn amount(money: Money) -> String {
    pampero_model::Cash::from_units(money.units).to_string()
}

/// The two currencies of a market's code; nothing if it is none.
pub(super) fn currencies(market: &str) -> Option<(Currency, Currency)> {
    Market::new("bitex", market).ok().map(|market| (market.base, market.quote))
}

/// A size with its currency: `100 USD`.
pub(super) fn size(size: Size, market: &str) -> String {
    match (size, currencies(market)) {
        (Size::Base(quantity), Some((base, _))) => format!("{quantity} {base}"),
        (Size::Quote(cash), Some((_, quote))) => format!("{cash} {quote}"),
        (size, None) => size.to_string(),
    }
}

/// The number of a size alone.
pub(super) fn number(size: Size) -> String {
    match size {
        Size::Base(quantity) => quantity.to_string(),
        Size::Quote(cash) => cash.to_string(),
    }
}

pub(super) const fn key(order: &VenueOrder) -> OrderKey {
    OrderKey { side: order.side, id: order.id }
}

/// The exchange's word for the state of an order.
pub(super) fn status(status: &OrderStatus) -> &str {
    match status {
        OrderStatus::Known(VenueStatus::Pending) => "pending",
        OrderStatus::Known(VenueStatus::Executing) => "executing",
        OrderStatus::Known(VenueStatus::ToCancel) => "to_cancel",
        OrderStatus::Known(VenueStatus::Cancelled) => "cancelled",
        OrderStatus::Known(VenueStatus::Completed) => "completed",
        OrderStatus::Other(word) => word,
    }
}

/// An order on one line: `buy:5035 btc_usd, 100 USD at 3500, executing`.
pub(super) fn order(order: &VenueOrder) -> String {
    let left = if order.remaining == order.size || order.remaining.is_zero() {
        String::new()
    } else {
        format!(", {} left", size(order.remaining, &order.market))
    };
    format!(
        "{} {}, {} at {}, {}{left}",
        key(order),
        order.market,
        size(order.size, &order.market),
        order.price,
        status(&order.status)
    )
}

/// `bid` or `ask` as the exchange says it, for ids of either.
pub(super) fn fill_key(side: Side, id: impl std::fmt::Display) -> String {
    format!("{side}:{id}")
}

/// A text from the exchange that is safe to print: no control characters, no markup.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut in_tag = false;
    for letter in text.chars() {
        match letter {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                plain.push(' ');
            }
            _ if in_tag => {}
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").replace("&nbsp;", " ").replace("&amp;", "&")
}

/// An empty table in words.
pub(super) fn table_or(headings: &[&str], rows: &[Vec<String>], none: &str) -> String {
    if rows.is_empty() { format!("{none}\n") } else { crate::output::table(headings, rows) }
}
