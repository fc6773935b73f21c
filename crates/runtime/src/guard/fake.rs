//! An exchange for the tests of the kill switch and the watchdog: it answers as told and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use pampero_exchange::{
    Ambiguity, Balance, CancelScope, CandleQuery, Error, Exchange, FillQuery, MarketSnapshot, Movement,
    OrderRequest, OrderStatus, Outcome, PlaceOutcome, SnapshotParts, VenueCandle, VenueFill, VenueOrder,
};
use pampero_model::{Side, Size, Timestamp, Trade, VenueOrderId, VenueStatus};
use tokio::time::{Instant, sleep};

/// How the next request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// As it should, after so long.
    Slow(Duration),
    /// The exchange is down: nothing is carried out.
    Down,
    /// Carried out, but the answer is lost.
    Lost,
    /// Never answered and not carried out.
    Hangs,
    /// Accepted, and nothing happens.
    Ignored,
}

#[derive(Debug, Default)]
pub(crate) struct Fake {
    state: Mutex<FakeState>,
}

#[derive(Debug, Default)]
pub(crate) struct FakeState {
    pub orders: Vec<VenueOrder>,
    pub faults: VecDeque<Fault>,
    /// What every request meets once `faults` are used up.
    pub always: Option<Fault>,
    /// When cancellations of all were asked for, and of what.
    pub cancels: Vec<(Instant, String)>,
    pub singles: usize,
    pub lists: Vec<Instant>,
}

impl Fake {
    pub fn state(&self) -> MutexGuard<'_, FakeState> {
        self.state.lock().unwrap()
    }

    pub fn add_order(&self, id: u64, market: &str) {
        let cash = Size::Quote("1".parse().unwrap());
        self.state().orders.push(VenueOrder {
            id: VenueOrderId(id),
            side: Side::Buy,
            market: market.to_owned(),
            price: "1".parse().unwrap(),
            size: cash,
            remaining: cash,
            status: OrderStatus::Known(VenueStatus::Executing),
            created_at: None,
        });
    }

    async fn meet<T>(&self, carry_out: impl FnOnce(&mut FakeState, bool) -> T) -> Result<T, Error> {
        let fault = {
            let mut state = self.state();
            state.faults.pop_front().or(state.always)
        };
        match fault {
            None => Ok(carry_out(&mut self.state(), true)),
            Some(Fault::Slow(delay)) => {
                sleep(delay).await;
                Ok(carry_out(&mut self.state(), true))
            }
            Some(Fault::Down) => Err(Error::Unavailable { status: 503, edge: true }),
            Some(Fault::Lost) => {
                carry_out(&mut self.state(), true);
                Err(Error::Ambiguous(Ambiguity::Timeout))
            }
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Ignored) => Ok(carry_out(&mut self.state(), false)),
        }
    }
}

#[async_trait]
impl Exchange for Fake {
    fn venue(&self) -> &'static str {
        "fake"
    }

    async fn account(&self) -> Result<String, Error> {
        Err(Error::NoKey)
    }

    async fn server_time(&self) -> Result<Option<Timestamp>, Error> {
        Ok(None)
    }

    async fn place(&self, _: &OrderRequest, _: &pampero_exchange::LastLook<'_>) -> PlaceOutcome {
        Outcome::NotSent(Error::NotSent("this exchange takes no orders".to_owned()))
    }

    async fn cancel(&self, _: Side, id: VenueOrderId) -> Result<(), Error> {
        self.state().singles += 1;
        self.meet(|state, really| {
            if really {
                state.orders.retain(|order| order.id != id);
            }
        })
        .await
    }

    async fn cancel_all(&self, scope: CancelScope<'_>) -> Result<(), Error> {
        let market = match scope {
            CancelScope::Market(market) => market.to_owned(),
            CancelScope::Everything => "*".to_owned(),
        };
        self.state().cancels.push((Instant::now(), market.clone()));
        self.meet(|state, really| {
            if really {
                state.orders.retain(|order| market != "*" && order.market != market);
            }
        })
        .await
    }

    async fn active_orders(&self, _: Option<&str>) -> Result<Vec<VenueOrder>, Error> {
        self.state().lists.push(Instant::now());
        self.meet(|state, _| state.orders.clone()).await
    }

    async fn order(&self, _: Side, id: VenueOrderId) -> Result<VenueOrder, Error> {
        let found = self.state().orders.iter().find(|order| order.id == id).cloned();
        found.ok_or(Error::NotFound(id.to_string()))
    }

    async fn fills(&self, _: &FillQuery) -> Result<Vec<VenueFill>, Error> {
        Ok(Vec::new())
    }

    async fn balances(&self) -> Result<Vec<Balance>, Error> {
        Ok(Vec::new())
    }

    async fn snapshot(&self, _: &str, _: SnapshotParts) -> Result<MarketSnapshot, Error> {
        Ok(MarketSnapshot::default())
    }

    async fn candles(&self, _: &CandleQuery) -> Result<Vec<VenueCandle>, Error> {
        Ok(Vec::new())
    }

    async fn trades(&self, _: &str, _: u32) -> Result<Vec<Trade>, Error> {
        Ok(Vec::new())
    }

    async fn movements(&self) -> Result<Vec<Movement>, Error> {
        Ok(Vec::new())
    }
}
