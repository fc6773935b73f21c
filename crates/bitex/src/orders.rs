//! Own orders: placing, looking up, cancelling.

use pampero_exchange::{
    Ambiguity, CancelScope, Class, Error, LastLook, OrderRequest, PlaceOutcome, VenueOrder,
};
use pampero_model::{Cash, Quantity, Side, Size, Timestamp, VenueOrderId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::{Client, Create};
use crate::document::{FromResource, Resource};
use crate::market_data::market_code;
use crate::transport::{Call, segment};
use crate::wire;

/// The exchange's word for orders of a side.
pub(crate) const fn collection(side: Side) -> &'static str {
    match side {
        Side::Buy => "bids",
        Side::Sell => "asks",
    }
}

impl Client {
    /// `POST /bids` or `POST /asks`: places a limit order. Sent at most once, if the last look does not forbid it.
    ///
    /// A buy is sized in quote ("spend up to"), a sell in base. [`Outcome::Acknowledged`] means that the exchange
    /// has the order as it was sent, `pending`; a lack of funds shows later as `cancelled`.
    ///
    /// [`Outcome::Acknowledged`]: pampero_exchange::Outcome::Acknowledged
    pub async fn place_order(&self, order: &OrderRequest, last_look: &LastLook<'_>) -> PlaceOutcome {
        let attributes = match attributes(order) {
            Ok(attributes) => attributes,
            Err(error) => return PlaceOutcome::NotSent(error),
        };
        let collection = collection(order.side);
        let mut call = Call::create(Class::Place, format!("/{collection}"));
        call.request_id.clone_from(&order.reference);
        let document = Create::new(collection, attributes);
        self.create_after(last_look, call, &document, |echo| check(order, echo)).await
    }

    /// `GET /bids/ID` or `GET /asks/ID`: one own order, in whatever state.
    pub async fn order(&self, side: Side, id: VenueOrderId) -> Result<VenueOrder, Error> {
        self.one(Call::get(Class::Reconcile, format!("/{}/{id}", collection(side)))).await
    }

    /// `GET /bids` or `GET /asks`: own orders of one side on the book, of one market or all.
    pub async fn orders_of_side(&self, side: Side, market: Option<&str>) -> Result<Vec<VenueOrder>, Error> {
        self.many(Call::get(Class::Reconcile, format!("/{}", collection(side))).filter_market(market)).await
    }

    /// `GET /orders`: all own orders on the book, bids first, each by ascending id. Pending orders are not in it,
    /// and it may lag: absence is no evidence of absence.
    pub async fn orders(&self) -> Result<Vec<VenueOrder>, Error> {
        self.many(Call::get(Class::Reconcile, "/orders")).await
    }

    /// `POST /bids/ID/cancel` or `POST /asks/ID/cancel`: asks for a cancellation. Success is an intention; the
    /// order may still be executed. May be repeated.
    pub async fn cancel_order(&self, side: Side, id: VenueOrderId) -> Result<(), Error> {
        self.act(Call::repeatable(Class::Cancel, format!("/{}/{id}/cancel", collection(side)))).await
    }

    /// `POST /orders/cancel`: asks for the cancellation of all own orders of a market or of the account.
    pub async fn cancel_orders(&self, scope: CancelScope<'_>) -> Result<(), Error> {
        let call = Call::repeatable(Class::Cancel, "/orders/cancel");
        let call = match scope {
            // An empty code would cancel everything.
            CancelScope::Market(market) => call.filter_market(Some(segment(market)?)),
            CancelScope::Everything => call,
        };
        self.act(call).await
    }
}

#[derive(Serialize)]
struct NewOrder<'a> {
    orderbook_code: &'a str,
    amount: Box<RawValue>,
    price: Box<RawValue>,
}

fn attributes(order: &OrderRequest) -> Result<NewOrder<'_>, Error> {
    let invalid = |field: &str, message: String| {
        Err(Error::Invalid { field: Some(field.to_owned()), message, code: None })
    };
    let amount = match (order.side, order.size) {
        (Side::Buy, Size::Quote(cash)) => wire::exact(cash),
        (Side::Sell, Size::Base(quantity)) => wire::exact(quantity),
        (Side::Buy, Size::Base(_)) => {
            return invalid(
                "amount",
                "a buy is sized in the quote currency: say how much to spend".to_owned(),
            );
        }
        (Side::Sell, Size::Quote(_)) => {
            return invalid(
                "amount",
                "a sell is sized in the base currency: say how much to sell".to_owned(),
            );
        }
    };
    if order.size.units() <= 0 {
        return invalid("amount", format!("{} is not above zero", order.size));
    }
    if !order.price.is_positive() {
        return invalid("price", format!("{} is not above zero", order.price));
    }
    let number = |error: serde_json::Error| Error::NotSent(error.to_string());
    Ok(NewOrder {
        orderbook_code: segment(&order.market)?,
        amount: amount.map_err(number)?,
        price: wire::exact(order.price).map_err(number)?,
    })
}

/// Whether the answer is about the order that was sent.
fn check(order: &OrderRequest, echo: &VenueOrder) -> Result<(), Ambiguity> {
    let same = |field, sent: &dyn ToString, echoed: &dyn ToString| {
        let (sent, echoed) = (sent.to_string(), echoed.to_string());
        if sent == echoed { Ok(()) } else { Err(Ambiguity::EchoDiffers { field, sent, echoed }) }
    };
    same("type", &collection(order.side), &collection(echo.side))?;
    same("orderbook_code", &order.market, &echo.market)?;
    same("price", &order.price, &echo.price)?;
    same("amount", &order.size, &echo.size)?;
    match order.watermark {
        Some(VenueOrderId(watermark)) if echo.id.0 <= watermark => {
            Err(Ambiguity::NotAboveWatermark { id: echo.id.0, watermark })
        }
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct OrderAttributes<'a> {
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(borrow)]
    remaining_amount: &'a RawValue,
    #[serde(deserialize_with = "wire::number")]
    price: pampero_model::Price,
    status: String,
    #[serde(default, deserialize_with = "wire::words")]
    orderbook_code: String,
    #[serde(default, deserialize_with = "wire::optional_time")]
    created_at: Option<Timestamp>,
}

/// An amount in the unit of its side: quote for buys, base for sells.
pub(crate) fn size(side: Side, raw: &RawValue) -> Result<Size, String> {
    let read = match side {
        Side::Buy => wire::number::<_, Cash>(raw).map(Size::Quote),
        Side::Sell => wire::number::<_, Quantity>(raw).map(Size::Base),
    };
    read.map_err(|error| error.to_string())
}

impl FromResource for VenueOrder {
    const TYPES: &'static [&'static str] = &["bids", "asks"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: OrderAttributes<'_> = resource.attributes()?;
        let side = if resource.kind == "bids" { Side::Buy } else { Side::Sell };
        Ok(Self {
            id: VenueOrderId(resource.id.number()?),
            side,
            market: market_code(attributes.orderbook_code, resource)?,
            price: attributes.price,
            size: size(side, attributes.amount)?,
            remaining: size(side, attributes.remaining_amount)?,
            status: wire::status(&attributes.status),
            created_at: attributes.created_at,
        })
    }
}
