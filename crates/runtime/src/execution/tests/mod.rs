//! Tests of execution: the table of reconciling, the outcomes of placing, and properties.

mod outcomes;
mod properties;
mod rig;
mod table;

use pampero_exchange::{OrderStatus, VenueFill, VenueOrder};
use pampero_model::{
    FillId, Market, MarketId, Markets, Money, Order, OrderId, Quantity, Side, Size, Span, Timestamp,
    VenueOrderId, VenueStatus,
};

use super::*;

pub(crate) fn markets() -> Markets {
    let mut markets = Markets::default();
    let mut market = Market::new("bitex", "btc_usd").unwrap();
    market.fingerprint_span = 9_999;
    markets.insert(market).unwrap();
    markets
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(second)
}

/// A bid of 100 USD; its number is in its price.
pub(crate) fn bid(id: u64) -> Order {
    let price = pampero_model::Price::from_units(10_000_000_000 - i64::try_from(id).unwrap());
    let size = Size::Quote("100".parse().unwrap());
    Order { id: OrderId(id), market: MarketId(0), side: Side::Buy, price, size }
}

/// What is known of an account with the given orders, sent at second zero above watermark 10.
pub(crate) fn local(orders: &[(u64, Stage, Option<u64>)]) -> Local {
    let mut local = Local::new(&markets(), "bitex", Span::from_secs(180));
    for (id, stage, venue) in orders {
        let mut own = LocalOrder::new(bid(*id), at(0), Some(VenueOrderId(10)));
        own.stage = *stage;
        own.venue = venue.map(VenueOrderId);
        if let Some(venue) = own.venue {
            local.owners.insert((Side::Buy, venue), Attribution::Ours(OrderId(*id)));
        }
        local.orders.insert(OrderId(*id), own);
    }
    local
}

/// The exchange's view of the bid of that number.
pub(crate) fn view(id: u64, venue: u64, status: VenueStatus, remaining: &str) -> VenueOrder {
    let order = bid(id);
    VenueOrder {
        id: VenueOrderId(venue),
        side: order.side,
        market: "btc_usd".into(),
        price: order.price,
        size: order.size,
        remaining: Size::Quote(remaining.parse().unwrap()),
        status: OrderStatus::Known(status),
        created_at: None,
    }
}

/// An execution of that many USD.
pub(crate) fn fill(id: u64, venue: u64, quote: &str) -> VenueFill {
    let quote: pampero_model::Cash = quote.parse().unwrap();
    let base = Quantity::from_units(i64::try_from(quote.units() / 100).unwrap());
    VenueFill {
        id: FillId(id),
        order: Some(VenueOrderId(venue)),
        side: Side::Buy,
        market: "btc_usd".into(),
        price: "100".parse().unwrap(),
        base,
        quote,
        fee: Money::new("btc".parse().unwrap(), i128::from(base.units() / 400)),
        time: at(1),
    }
}

/// How the exchange shows an order that was placed.
pub(crate) fn shown(order: Order, venue: u64, status: VenueStatus) -> VenueOrder {
    VenueOrder {
        id: VenueOrderId(venue),
        side: order.side,
        market: "btc_usd".into(),
        price: order.price,
        size: order.size,
        remaining: order.size,
        status: OrderStatus::Known(status),
        created_at: None,
    }
}
