//! Market data: orderbooks, tickers, markets, transactions, candles. Public, without a key.

use pampero_exchange::{CandleQuery, Class, Error, MarketSnapshot, SnapshotParts, VenueCandle};
use pampero_model::{BookSnapshot, Candle, Currency, Level, OrderBook, Price, Quantity, Timestamp, Trade};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::document::{FromResource, Reference, Resource};
use crate::transport::{Call, segment};
use crate::wire;

/// A trading pair of the exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orderbook {
    /// Its number, as in the ids of candles.
    pub id: u64,
    /// Its code, such as `btc_usd`.
    pub code: String,
    /// What is traded.
    pub base: Currency,
    /// Decimals of the base currency, for display.
    pub base_decimals: u8,
    /// What it is priced in.
    pub quote: Currency,
    /// Decimals of the quote currency, for display; prices and amounts have up to eight all the same.
    pub quote_decimals: u8,
}

/// The last 24 hours of a market. Prices are zero where there was no trade, `bid` and `ask` where a side is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticker {
    /// Code of the market.
    #[serde(skip_deserializing)]
    pub market: String,
    /// Price of the last trade.
    #[serde(deserialize_with = "wire::number")]
    pub last: Price,
    /// Price of the trade before.
    #[serde(deserialize_with = "wire::number")]
    pub price_before_last: Price,
    /// Price 24 hours ago.
    #[serde(deserialize_with = "wire::number")]
    pub open: Price,
    /// Highest price.
    #[serde(deserialize_with = "wire::number")]
    pub high: Price,
    /// Lowest price.
    #[serde(deserialize_with = "wire::number")]
    pub low: Price,
    /// Volume-weighted average price, cut off after the eighth decimal; nothing without trades.
    #[serde(default, deserialize_with = "wire::optional")]
    pub vwap: Option<Price>,
    /// Base volume.
    #[serde(deserialize_with = "wire::number")]
    pub volume: Quantity,
    /// Best bid.
    #[serde(deserialize_with = "wire::number")]
    pub bid: Price,
    /// Best ask.
    #[serde(deserialize_with = "wire::number")]
    pub ask: Price,
}

/// A public trade with its market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transaction {
    /// Code of the market; empty where an old answer does not say.
    pub market: String,
    /// Id of the match, time, price and gross base quantity. The exchange does not tell the aggressor.
    pub trade: Trade,
}

impl Client {
    /// `GET /orderbooks`: every market.
    pub async fn orderbooks(&self) -> Result<Vec<Orderbook>, Error> {
        self.many(Call::get(Class::MarketData, "/orderbooks").public()).await
    }

    /// `GET /tickers`: the last 24 hours of every market.
    pub async fn tickers(&self) -> Result<Vec<Ticker>, Error> {
        self.many(Call::get(Class::MarketData, "/tickers").public()).await
    }

    /// `GET /tickers/CODE`: the last 24 hours of one market.
    pub async fn ticker(&self, market: &str) -> Result<Ticker, Error> {
        let path = format!("/tickers/{}", segment(market)?);
        self.one(Call::get(Class::MarketData, path).public()).await
    }

    /// `GET /markets/CODE?include=…`: book, trades of the last hour and candles of the last day in one request.
    /// With nothing asked for, the exchange sends everything.
    pub async fn market(&self, market: &str, parts: SnapshotParts) -> Result<MarketSnapshot, Error> {
        let path = format!("/markets/{}", segment(market)?);
        let include: Vec<&str> = [
            (parts.book, "bids"),
            (parts.book, "asks"),
            (parts.trades, "transactions"),
            (parts.candles, "candles"),
        ]
        .into_iter()
        .filter_map(|(wanted, name)| wanted.then_some(name))
        .collect();
        let call = Call::get(Class::MarketData, path).public();
        self.one(if include.is_empty() { call } else { call.query("include", include.join(",")) }).await
    }

    /// `GET /transactions`: public trades of the last `hours` (one by default, 24 at most), newest first; of all
    /// markets without a code.
    pub async fn transactions(
        &self,
        market: Option<&str>,
        hours: Option<u32>,
    ) -> Result<Vec<Transaction>, Error> {
        let call = Call::get(Class::MarketData, "/transactions").public();
        self.many(call.filter_market(market).filter("from", hours)).await
    }

    /// `GET /transactions/ID`: one public trade.
    pub async fn transaction(&self, id: u64) -> Result<Transaction, Error> {
        self.one(Call::get(Class::MarketData, format!("/transactions/{id}")).public()).await
    }

    /// `GET /transactions/archive`: older public trades. No answer of it is on record; it is read like
    /// [`Client::transactions`].
    pub async fn transactions_archive(&self, market: Option<&str>) -> Result<Vec<Transaction>, Error> {
        self.many(Call::get(Class::MarketData, "/transactions/archive").public().filter_market(market)).await
    }

    /// `GET /candles`: candles by market and time. A market without any trade in the time asked for has one
    /// candle of zeros, stamped with the time of the request; it is left out here.
    pub async fn candles(&self, query: &CandleQuery) -> Result<Vec<VenueCandle>, Error> {
        let call = Call::get(Class::MarketData, "/candles").public();
        let call = call.filter_market(query.market.as_deref()).filter("days", query.days);
        let call = match query.span_hours {
            Some(hours) => call.query("span", hours.to_string()),
            None => call,
        };
        let mut candles: Vec<VenueCandle> = self.many(call).await?;
        candles.retain(has_traded);
        Ok(candles)
    }
}

#[derive(Deserialize)]
struct OrderbookAttributes {
    code: String,
    base: CurrencyAttributes,
    quote: CurrencyAttributes,
}

#[derive(Deserialize)]
struct CurrencyAttributes {
    code: Currency,
    #[serde(deserialize_with = "wire::number")]
    decimals: u8,
}

impl FromResource for Orderbook {
    const TYPES: &'static [&'static str] = &["orderbooks"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let OrderbookAttributes { code, base, quote } = resource.attributes()?;
        Ok(Self {
            id: resource.id.number()?,
            code,
            base: base.code,
            base_decimals: base.decimals,
            quote: quote.code,
            quote_decimals: quote.decimals,
        })
    }
}

impl FromResource for Ticker {
    const TYPES: &'static [&'static str] = &["tickers"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let ticker: Self = resource.attributes()?;
        Ok(Self { market: resource.id.0.to_string(), ..ticker })
    }
}

#[derive(Deserialize)]
struct TransactionAttributes {
    /// ISO 8601 since March 2019.
    #[serde(default, deserialize_with = "wire::optional_time")]
    datetime: Option<Timestamp>,
    /// Seconds before; some servers send both.
    #[serde(default, deserialize_with = "wire::optional_time")]
    timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "wire::number")]
    price: Price,
    #[serde(deserialize_with = "wire::number")]
    amount: Quantity,
    #[serde(default, deserialize_with = "wire::words")]
    orderbook_code: String,
}

impl FromResource for Transaction {
    const TYPES: &'static [&'static str] = &["transactions"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: TransactionAttributes = resource.attributes()?;
        Ok(Self {
            market: market_code(attributes.orderbook_code, resource)?,
            trade: Trade {
                id: resource.id.number()?,
                time: attributes
                    .datetime
                    .or(attributes.timestamp)
                    .ok_or("neither `datetime` nor `timestamp`")?,
                price: attributes.price,
                quantity: attributes.amount,
                aggressor: None,
            },
        })
    }
}

#[derive(Deserialize)]
struct CandleAttributes {
    #[serde(deserialize_with = "wire::time")]
    timestamp: Timestamp,
    #[serde(deserialize_with = "wire::number")]
    open: Price,
    #[serde(deserialize_with = "wire::number")]
    high: Price,
    #[serde(deserialize_with = "wire::number")]
    low: Price,
    #[serde(deserialize_with = "wire::number")]
    close: Price,
    #[serde(deserialize_with = "wire::number")]
    volume: Quantity,
    #[serde(default, deserialize_with = "wire::optional")]
    price_before_last: Option<Price>,
    #[serde(default, deserialize_with = "wire::optional")]
    vwap: Option<Price>,
    #[serde(default, deserialize_with = "wire::words")]
    orderbook_code: String,
}

impl FromResource for VenueCandle {
    const TYPES: &'static [&'static str] = &["candles"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let CandleAttributes {
            timestamp,
            open,
            high,
            low,
            close,
            volume,
            price_before_last,
            vwap,
            orderbook_code,
        } = resource.attributes()?;
        // The id is `TIMESTAMP_ORDERBOOK`, before 2018-12 `TIMESTAMP` alone.
        let by_id = || resource.id.0.split_once('_').and_then(|(_, id)| code_of(id));
        let market = market_code(orderbook_code, resource)?;
        Ok(Self {
            market: if market.is_empty() { by_id().unwrap_or_default().to_owned() } else { market },
            candle: Candle { open_time: timestamp, open, high, low, close, volume },
            price_before_last,
            vwap,
        })
    }
}

#[derive(Deserialize)]
struct LevelAttributes {
    #[serde(deserialize_with = "wire::number")]
    price: Price,
    #[serde(deserialize_with = "wire::number")]
    amount: Quantity,
}

impl FromResource for MarketSnapshot {
    const TYPES: &'static [&'static str] = &["markets"];

    /// Bids and asks come as one pool of levels; the relationships say which is which.
    fn from_resource(resource: &Resource<'_>, included: &[Resource<'_>]) -> Result<Self, String> {
        let relationships = resource.relationships()?;
        let mut snapshot = Self { market: resource.id.0.to_string(), ..Self::default() };
        let mut levels = Vec::with_capacity(included.len());
        for other in included {
            match &*other.kind {
                "order_groups" => levels.push((&*other.id.0, other)),
                "transactions" => snapshot.trades.push(Transaction::from_resource(other, &[])?.trade),
                "candles" => snapshot.candles.push(VenueCandle::from_resource(other, &[])?),
                _ => {}
            }
        }
        snapshot.candles.retain(has_traded);
        let mut pool = Pool { levels, next: 0, sorted: Vec::new() };
        let mut bids = pool.side(relationships.many("bids"), false)?;
        let mut asks = pool.side(relationships.many("asks"), true)?;
        bids.sort_by_key(|level| std::cmp::Reverse(level.price));
        asks.sort_by_key(|level| level.price);
        snapshot.book = OrderBook::with_capacity(0);
        snapshot.book.replace(BookSnapshot { bids: &bids, asks: &asks });
        Ok(snapshot)
    }
}

/// Whether it is more than the candle of zeros that stands for "no trades at all".
fn has_traded(candle: &VenueCandle) -> bool {
    !(candle.candle.close.is_zero() && candle.candle.volume.is_zero())
}

/// The levels of both sides as they are included.
struct Pool<'p, 'a> {
    levels: Vec<(&'p str, &'p Resource<'a>)>,
    /// Where the next one is, since they are included in the order in which they are named.
    next: usize,
    /// For an answer that is not so: positions by id, made when they are needed.
    sorted: Vec<usize>,
}

impl<'p, 'a> Pool<'p, 'a> {
    /// The levels of one side. What is below 1e-8 after the cut is left out; below zero is an error. Where a price
    /// stands on both sides, the bid is the first of the two and the ask the last.
    fn side(&mut self, references: &[Reference<'_>], last: bool) -> Result<Vec<Level>, String> {
        let mut side = Vec::with_capacity(references.len());
        for reference in references {
            let id = &*reference.id.0;
            let found = self.find(id, last).ok_or_else(|| format!("level {id} is named but not included"))?;
            let LevelAttributes { price, amount } = found.attributes()?;
            if price.is_negative() || amount.is_negative() {
                return Err(format!("level {id} is below zero"));
            }
            if price.is_positive() && amount.is_positive() {
                side.push(Level { price, quantity: amount });
            }
        }
        Ok(side)
    }

    fn find(&mut self, id: &str, last: bool) -> Option<&'p Resource<'a>> {
        let id_at = |position: usize| self.levels.get(position).map(|(id, _)| *id);
        let position = if id_at(self.next) == Some(id) {
            self.next
        } else {
            if self.sorted.is_empty() {
                self.sorted = (0..self.levels.len()).collect();
                self.sorted.sort_by_key(|position| id_at(*position));
            }
            let from = self.sorted.partition_point(|position| id_at(*position) < Some(id));
            let to = self.sorted.partition_point(|position| id_at(*position) <= Some(id));
            *self.sorted.get(if last { to.saturating_sub(1).max(from) } else { from })?
        };
        self.next = position + 1;
        self.levels.get(position).filter(|(other, _)| *other == id).map(|(_, resource)| *resource)
    }
}

/// The ids of orderbooks, which old answers give instead of the code.
const ORDERBOOKS: [(&str, &str); 15] = [
    ("1", "btc_usd"),
    ("2", "ltc_usd"),
    ("3", "btc_ars_otc"),
    ("4", "btc_usd_otc"),
    ("5", "btc_ars"),
    ("6", "usd_ars_otc"),
    ("7", "btc_clp_otc"),
    ("8", "bch_usd"),
    ("9", "bch_usd_otc"),
    ("10", "btc_pyg"),
    ("11", "btc_clp"),
    ("12", "btc_uyu"),
    ("13", "usd_clp_otc"),
    ("14", "usd_uyu_otc"),
    ("15", "usd_pyg_otc"),
];

fn code_of(id: &str) -> Option<&'static str> {
    ORDERBOOKS.iter().find(|(other, _)| *other == id).map(|(_, code)| *code)
}

/// The market of a resource: by attribute since December 2018, by relationship before; empty where neither says.
pub(crate) fn market_code(attribute: String, resource: &Resource<'_>) -> Result<String, String> {
    if !attribute.is_empty() {
        return Ok(attribute);
    }
    let relationships = resource.relationships()?;
    let code = relationships.one("orderbook").and_then(|orderbook| code_of(&orderbook.id.0));
    Ok(code.unwrap_or_default().to_owned())
}
