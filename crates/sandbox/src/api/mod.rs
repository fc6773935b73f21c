//! The documents of the API, one module per part of it. Every handler is a function from the exchange and a request to
//! an answer; [`endpoints`] lists them all.

// Every handler has the same shape, whether it can refuse or not.
#![allow(clippy::unnecessary_wraps)]

mod balances;
mod endpoints;
mod funding;
mod keys;
mod market;
mod merchants;
mod trading;
mod users;

pub use self::endpoints::{Access, ENDPOINTS, Endpoint};
pub use self::merchants::payment_document;

use pampero_model::{MarketId, Timestamp};

use crate::server::call::Call;
use crate::server::reply::Refusal;
use crate::world::{Book, World};

/// The book that a filter names: nothing if there is no filter.
fn filtered_book<'a>(world: &'a World, call: &Call) -> Result<Option<&'a Book>, Refusal> {
    call.filter("orderbook_code")
        .map(|code| world.book(&code).ok_or(Refusal::NoBook(code.clone())))
        .transpose()
}

/// The book that the document of a new resource names.
fn named_book<'a>(world: &'a World, call: &Call, kind: &'static str) -> Result<&'a Book, Refusal> {
    let code = call.text("orderbook_code").ok_or_else(|| blank(kind, "orderbook_code"))?;
    world.book(&code).ok_or(Refusal::NoBook(code))
}

fn code_of(world: &World, market: MarketId) -> &str {
    world.books.get(market.index()).map_or("", |book| book.code.as_str())
}

fn blank(kind: &'static str, attribute: &'static str) -> Refusal {
    Refusal::invalid(kind, attribute, "no puede estar en blanco")
}

/// An amount above zero that a document must give.
fn positive(
    call: &Call,
    kind: &'static str,
    attribute: &'static str,
) -> Result<pampero_model::Cash, Refusal> {
    let amount = call.amount(attribute).map_err(|_| Refusal::invalid(kind, attribute, "no es un número"))?;
    let amount = amount.ok_or_else(|| blank(kind, attribute))?;
    if amount.is_positive() {
        Ok(amount)
    } else {
        Err(Refusal::invalid(kind, attribute, "debe ser mayor que 0"))
    }
}

/// The day of a filter `from`, or the beginning of time.
fn from_day(call: &Call) -> Timestamp {
    call.filter("from").and_then(|day| day.parse().ok()).unwrap_or(Timestamp::MIN)
}
