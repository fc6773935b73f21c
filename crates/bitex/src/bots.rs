//! The exchange's own trading bots: they buy or sell an amount in small pieces at the best price.

use pampero_exchange::{Ambiguity, Class, Error, Outcome};
use pampero_model::{Side, Size, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::{Client, Create};
use crate::document::{FromResource, Resource};
use crate::market_data::market_code;
use crate::orders::size;
use crate::transport::{Call, segment};
use crate::wire;

/// A trading bot of the exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bot {
    /// Its id. Buying and selling bots are numbered apart.
    pub id: u64,
    /// Whether it buys or sells.
    pub side: Side,
    /// Code of the market.
    pub market: String,
    /// How much it shall trade: quote for a buying, base for a selling bot.
    pub amount: Size,
    /// How much is left.
    pub remaining: Size,
    /// How much it trades at a time.
    pub chunk: Size,
    /// When it expects to be done.
    pub eta: Option<Timestamp>,
    /// Whether it is at work.
    pub executing: bool,
    /// Whether its end was asked for.
    pub to_cancel: bool,
    /// Why it ended early, where the exchange says.
    pub exit_status: Option<String>,
}

const fn collection(side: Side) -> &'static str {
    match side {
        Side::Buy => "buying_bots",
        Side::Sell => "selling_bots",
    }
}

#[derive(Serialize)]
struct NewBot<'a> {
    orderbook_code: &'a str,
    amount: Box<RawValue>,
}

impl Client {
    /// `GET /buying_bots` or `GET /selling_bots`: all bots of a side, finished ones too.
    pub async fn bots(&self, side: Side) -> Result<Vec<Bot>, Error> {
        self.many(Call::get(Class::Account, format!("/{}", collection(side)))).await
    }

    /// `GET /buying_bots/ID` or `GET /selling_bots/ID`.
    pub async fn bot(&self, side: Side, id: u64) -> Result<Bot, Error> {
        self.one(Call::get(Class::Account, format!("/{}/{id}", collection(side)))).await
    }

    /// `POST /buying_bots` or `POST /selling_bots`: starts a bot; it buys for a quote amount or sells a base
    /// amount. Funds are neither checked nor locked. Sent at most once.
    pub async fn create_bot(&self, market: &str, amount: Size) -> Outcome<Bot> {
        let (side, number) = match amount {
            Size::Quote(cash) => (Side::Buy, wire::exact(cash)),
            Size::Base(quantity) => (Side::Sell, wire::exact(quantity)),
        };
        let attributes = segment(market).and_then(|orderbook_code| {
            let amount = number.map_err(|error| Error::NotSent(error.to_string()))?;
            Ok(NewBot { orderbook_code, amount })
        });
        let attributes = match attributes {
            Ok(attributes) => attributes,
            Err(error) => return Outcome::NotSent(error),
        };
        let collection = collection(side);
        let call = Call::create(Class::Place, format!("/{collection}"));
        self.create(call, &Create::new(collection, attributes), |echo: &Bot| {
            let differs =
                |field, sent: String, echoed: String| Ambiguity::EchoDiffers { field, sent, echoed };
            if echo.amount != amount {
                return Err(differs("amount", amount.to_string(), echo.amount.to_string()));
            }
            if echo.market != market {
                return Err(differs("orderbook_code", market.to_owned(), echo.market.clone()));
            }
            Ok(())
        })
        .await
    }

    /// `POST /buying_bots/ID/cancel` or `POST /selling_bots/ID/cancel`: asks a bot to end. Its running order stays
    /// until it is executed or expires.
    pub async fn cancel_bot(&self, side: Side, id: u64) -> Result<(), Error> {
        self.act(Call::repeatable(Class::Cancel, format!("/{}/{id}/cancel", collection(side)))).await
    }
}

#[derive(Deserialize)]
struct BotAttributes<'a> {
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(borrow)]
    remaining_amount: &'a RawValue,
    #[serde(borrow)]
    chunk_size: &'a RawValue,
    #[serde(default, deserialize_with = "wire::optional_time")]
    eta: Option<Timestamp>,
    #[serde(default, deserialize_with = "wire::flag")]
    executing: bool,
    #[serde(default, deserialize_with = "wire::flag")]
    to_cancel: bool,
    #[serde(default, deserialize_with = "wire::words")]
    orderbook_code: String,
    #[serde(default)]
    exit_status: Option<String>,
}

impl FromResource for Bot {
    const TYPES: &'static [&'static str] = &["buying_bots", "selling_bots"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: BotAttributes<'_> = resource.attributes()?;
        let side = if resource.kind == "buying_bots" { Side::Buy } else { Side::Sell };
        Ok(Self {
            id: resource.id.number()?,
            side,
            market: market_code(attributes.orderbook_code, resource)?,
            amount: size(side, attributes.amount)?,
            remaining: size(side, attributes.remaining_amount)?,
            chunk: size(side, attributes.chunk_size)?,
            eta: attributes.eta,
            executing: attributes.executing,
            to_cancel: attributes.to_cancel,
            exit_status: attributes.exit_status,
        })
    }
}
