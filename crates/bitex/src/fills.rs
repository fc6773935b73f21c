//! Own executions: trades, buys and sells.

use pampero_exchange::{Class, Error, FillQuery, VenueFill};
use pampero_model::{Cash, Currency, FillId, Money, Price, Quantity, Side, Timestamp, VenueOrderId};
use serde::Deserialize;

use crate::client::Client;
use crate::document::{FromResource, Resource};
use crate::transport::Call;
use crate::wire;

impl Client {
    /// `GET /trades`, `GET /buys` or `GET /sells`: own executions, newest first.
    ///
    /// Base and quote are gross: the exchange states what was received net of the fee, which is added back here.
    pub async fn fills(&self, query: &FillQuery) -> Result<Vec<VenueFill>, Error> {
        let path = match query.side {
            None => "/trades",
            Some(Side::Buy) => "/buys",
            Some(Side::Sell) => "/sells",
        };
        let call = Call::get(Class::Reconcile, path);
        let call = call.filter_market(query.market.as_deref()).filter("days", query.days);
        let call = match query.limit {
            Some(limit) => call.query("limit", limit.to_string()),
            None => call,
        };
        self.many(call).await
    }

    /// `GET /buys/ID` or `GET /sells/ID`: one own execution.
    pub async fn fill(&self, side: Side, id: FillId) -> Result<VenueFill, Error> {
        let path = match side {
            Side::Buy => format!("/buys/{id}"),
            Side::Sell => format!("/sells/{id}"),
        };
        self.one(Call::get(Class::Reconcile, path)).await
    }
}

#[derive(Deserialize)]
struct FillAttributes {
    #[serde(deserialize_with = "wire::time")]
    created_at: Timestamp,
    #[serde(deserialize_with = "wire::number")]
    coin_amount: Quantity,
    #[serde(deserialize_with = "wire::number")]
    cash_amount: Cash,
    #[serde(deserialize_with = "wire::number")]
    fee: Cash,
    #[serde(deserialize_with = "wire::number")]
    price: Price,
    fee_currency: Currency,
    #[serde(default, deserialize_with = "wire::words")]
    orderbook_code: String,
}

impl FromResource for VenueFill {
    const TYPES: &'static [&'static str] = &["buys", "sells"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: FillAttributes = resource.attributes()?;
        let FillAttributes { created_at, coin_amount, cash_amount, fee, price, fee_currency, .. } =
            attributes;
        let market = crate::market_data::market_code(attributes.orderbook_code, resource)?;
        let (side, received) = match &*resource.kind {
            "buys" => (Side::Buy, market.split('_').next()),
            _ => (Side::Sell, market.split('_').nth(1)),
        };
        // A fee in another currency than the one received was not taken from what was received.
        let taken = received.is_none_or(|received| received == fee_currency.code());
        let too_large = |_| "an amount is too large".to_owned();
        let (mut base, mut quote) = (coin_amount, cash_amount);
        match side {
            Side::Buy if taken => {
                let fee = i64::try_from(fee.units()).map_err(|_| "the fee is too large")?;
                base = base.checked_add(Quantity::from_units(fee)).map_err(too_large)?;
            }
            Side::Sell if taken => quote = quote.checked_add(fee).map_err(too_large)?,
            _ => {}
        }
        let order = resource.relationships()?.one("order").map(|order| order.id.number()).transpose()?;
        Ok(Self {
            id: FillId(resource.id.number()?),
            order: order.map(VenueOrderId),
            side,
            market,
            price,
            base,
            quote,
            fee: Money { currency: fee_currency, units: fee.units() },
            time: created_at,
        })
    }
}
