//! The adapter of the simulated exchange: answers at once; how long that takes is the driver's business.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use pampero_exchange::{
    Balance, CancelScope, CandleQuery, Error, Exchange, FillQuery, LastLook, MarketSnapshot, Movement,
    OrderRequest, Outcome, PlaceOutcome, SnapshotParts, VenueCandle, VenueFill, VenueOrder,
};
use pampero_model::{Side, Timestamp, Trade, VenueOrderId};

use super::world::World;

pub struct SimExchange(pub Arc<Mutex<World>>);

impl SimExchange {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

#[async_trait]
impl Exchange for SimExchange {
    fn venue(&self) -> &'static str {
        "bitex"
    }

    async fn account(&self) -> Result<String, Error> {
        Err(Error::NoKey)
    }

    async fn server_time(&self) -> Result<Option<Timestamp>, Error> {
        Ok(None)
    }

    async fn place(&self, request: &OrderRequest, last_look: &LastLook<'_>) -> PlaceOutcome {
        match last_look() {
            Ok(()) => self.world().place(request),
            Err(reason) => Outcome::NotSent(Error::NotSent(reason)),
        }
    }

    async fn cancel(&self, side: Side, id: VenueOrderId) -> Result<(), Error> {
        self.world().cancel(side, id)
    }

    async fn cancel_all(&self, _: CancelScope<'_>) -> Result<(), Error> {
        self.world().cancel_all()
    }

    async fn order(&self, side: Side, id: VenueOrderId) -> Result<VenueOrder, Error> {
        self.world().order(side, id)
    }

    async fn active_orders(&self, _: Option<&str>) -> Result<Vec<VenueOrder>, Error> {
        self.world().active_orders()
    }

    async fn fills(&self, query: &FillQuery) -> Result<Vec<VenueFill>, Error> {
        self.world().fills(query)
    }

    async fn balances(&self) -> Result<Vec<Balance>, Error> {
        self.world().balances()
    }

    async fn movements(&self) -> Result<Vec<Movement>, Error> {
        self.world().movements()
    }

    // Market data does not pass here: the driver shows the engine its quotes.

    async fn snapshot(&self, _: &str, _: SnapshotParts) -> Result<MarketSnapshot, Error> {
        Err(Error::Configuration("not simulated".into()))
    }

    async fn candles(&self, _: &CandleQuery) -> Result<Vec<VenueCandle>, Error> {
        Err(Error::Configuration("not simulated".into()))
    }

    async fn trades(&self, _: &str, _: u32) -> Result<Vec<Trade>, Error> {
        Err(Error::Configuration("not simulated".into()))
    }
}
