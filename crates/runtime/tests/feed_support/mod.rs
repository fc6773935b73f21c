//! An exchange in memory that lives by tokio's paused clock.

#![allow(dead_code)] // each test file uses a part of it

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pampero_exchange::{
    Balance, CancelScope, CandleQuery, Error, Exchange, FillQuery, MarketSnapshot, Movement, OrderRequest,
    PlaceOutcome, SnapshotParts, VenueCandle, VenueFill, VenueOrder,
};
use pampero_model::{
    CandleAggregator, EmptyBuckets, Level, OrderBook, Price, Quantity, Side, Span, Timestamp, Trade,
    VenueOrderId,
};
use pampero_runtime::feed::Clock;
use tokio::time::Instant;

/// Where virtual time begins: a midnight.
pub const START: i64 = 1_700_006_400;

pub fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(START + secs)
}

/// The paused clock, beginning at `at(secs)`.
pub fn clock(secs: i64) -> Clock {
    let (origin, started) = (at(secs), Instant::now());
    Arc::new(move || origin.plus(Span::from_nanos(i64::try_from(started.elapsed().as_nanos()).unwrap())))
}

pub fn trade(id: u64, secs: i64) -> Trade {
    let price = Price::from_units(100_000_000 * i64::try_from(100 + id * 7 % 23).unwrap());
    Trade {
        id,
        time: at(secs),
        price,
        quantity: Quantity::from_units(1_000 + id.cast_signed()),
        aggressor: None,
    }
}

/// One market whose whole future is written down.
pub struct Fake {
    pub clock: Clock,
    pub trades: Vec<Trade>,
    /// How long an answer takes.
    pub takes: Duration,
    /// What the next requests end with, instead of an answer.
    pub errors: Mutex<VecDeque<Error>>,
    /// Every request, with its time.
    pub requests: Mutex<Vec<(Timestamp, String)>>,
    /// Panics once, as an adapter never should.
    pub panics: Mutex<bool>,
}

impl Fake {
    pub fn new(clock: Clock, trades: Vec<Trade>) -> Self {
        Self {
            clock,
            trades,
            takes: Duration::from_millis(200),
            errors: Mutex::default(),
            requests: Mutex::default(),
            panics: Mutex::default(),
        }
    }

    pub fn requests(&self) -> Vec<(Timestamp, String)> {
        self.requests.lock().unwrap().clone()
    }

    async fn request(&self, what: String) -> Result<Timestamp, Error> {
        let now = (self.clock)();
        self.requests.lock().unwrap().push((now, what));
        assert!(!std::mem::take(&mut *self.panics.lock().unwrap()), "an adapter with a bug");
        tokio::time::sleep(self.takes / 2).await;
        let now = (self.clock)();
        tokio::time::sleep(self.takes / 2).await;
        let error = self.errors.lock().unwrap().pop_front();
        error.map_or(Ok(now), Err)
    }

    fn window(&self, now: Timestamp, hours: u32) -> Vec<Trade> {
        let from = now.minus(Span::from_hours(hours.into()));
        let in_time = |trade: &&Trade| trade.time > from && trade.time <= now;
        self.trades.iter().rev().filter(in_time).copied().collect()
    }

    /// A book that changes with every trade and has one level a side.
    pub fn book(&self, now: Timestamp) -> OrderBook {
        let price = self.window(now, 24).first().map_or(100_000_000, |trade| trade.price.units());
        let level =
            |units| Level { price: Price::from_units(units), quantity: Quantity::from_units(5_000_000) };
        let mut book = OrderBook::default();
        book.set_level(Side::Buy, level(price - 1));
        book.set_level(Side::Sell, level(price + 1));
        book
    }

    fn candles_of(&self, now: Timestamp, query: &CandleQuery) -> Vec<VenueCandle> {
        let span = Span::from_hours(query.span_hours.unwrap_or(1).into());
        let window = self.window(now, 24 * query.days.unwrap_or(1));
        let mut aggregator = CandleAggregator::new(span, EmptyBuckets::Skip);
        let mut candles = Vec::new();
        for trade in window.iter().rev() {
            candles.extend(aggregator.advance(trade.time));
            aggregator.add_trade(trade);
        }
        candles.extend(aggregator.closes_at().and_then(|end| aggregator.advance(end)));
        let shown = |candle| VenueCandle {
            market: "btc_ars".to_owned(),
            candle,
            price_before_last: None,
            vwap: None,
        };
        candles.into_iter().map(shown).collect()
    }
}

#[async_trait]
impl Exchange for Fake {
    #[allow(clippy::unnecessary_literal_bound)] // the signature is that of the trait
    fn venue(&self) -> &str {
        "bitex"
    }

    async fn account(&self) -> Result<String, Error> {
        Err(Error::NoKey)
    }

    async fn server_time(&self) -> Result<Option<Timestamp>, Error> {
        Ok(None)
    }

    async fn snapshot(&self, market: &str, parts: SnapshotParts) -> Result<MarketSnapshot, Error> {
        assert_eq!(parts, SnapshotParts::POLL);
        let now = self.request(format!("snapshot {market}")).await?;
        Ok(MarketSnapshot {
            market: market.to_owned(),
            book: self.book(now),
            trades: self.window(now, 1),
            candles: Vec::new(),
        })
    }

    async fn candles(&self, query: &CandleQuery) -> Result<Vec<VenueCandle>, Error> {
        let (days, hours) = (query.days.unwrap_or(1), query.span_hours.unwrap_or(1));
        let now = self.request(format!("candles {days}d {hours}h")).await?;
        Ok(self.candles_of(now, query))
    }

    async fn trades(&self, market: &str, hours: u32) -> Result<Vec<Trade>, Error> {
        let now = self.request(format!("trades {market} {hours}h")).await?;
        Ok(self.window(now, hours))
    }

    async fn place(&self, _: &OrderRequest, _: &pampero_exchange::LastLook<'_>) -> PlaceOutcome {
        panic!("a feed places no orders")
    }

    async fn cancel(&self, _: Side, _: VenueOrderId) -> Result<(), Error> {
        panic!("a feed cancels nothing")
    }

    async fn cancel_all(&self, _: CancelScope<'_>) -> Result<(), Error> {
        panic!("a feed cancels nothing")
    }

    async fn order(&self, _: Side, _: VenueOrderId) -> Result<VenueOrder, Error> {
        Err(Error::NoKey)
    }

    async fn active_orders(&self, _: Option<&str>) -> Result<Vec<VenueOrder>, Error> {
        Err(Error::NoKey)
    }

    async fn fills(&self, _: &FillQuery) -> Result<Vec<VenueFill>, Error> {
        Err(Error::NoKey)
    }

    async fn balances(&self) -> Result<Vec<Balance>, Error> {
        Err(Error::NoKey)
    }

    async fn movements(&self) -> Result<Vec<Movement>, Error> {
        Err(Error::NoKey)
    }
}
