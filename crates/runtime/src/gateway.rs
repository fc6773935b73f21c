//! The last door before the exchange. Nothing else calls `Exchange::place`, and it takes nothing but orders that the
//! risk gate approved; even those must pass the caps and the halt latch once more, at the moment of sending.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pampero_exchange::{CancelScope, Error, Exchange, OrderRequest, Outcome, PlaceOutcome};
use pampero_model::{Cash, Currency, Order, OrderId, Rounding, Span, Timestamp};
use thiserror::Error as ThisError;

use crate::execution::{Answer, Placement, Request};
use crate::kill_point::{KillPoint, reach};

/// Bounds on what leaves, whatever the engine and its limits say. They are few, so that they are easy to set right.
///
/// ```
/// use pampero_runtime::gateway::Caps;
/// let caps = Caps::new([("usd".parse()?, "500".parse()?)]);
/// assert_eq!(caps.orders_per_minute, 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caps {
    /// The largest order, by the currency in which its market is priced. A currency that is not listed is not traded.
    pub max_notional: BTreeMap<String, Cash>,
    /// Most orders in any minute. Default 30.
    pub orders_per_minute: u32,
    /// An order that was approved longer ago is dropped unsent: the market it was meant for is gone. Default 10 s.
    pub max_age: Span,
}

impl Caps {
    /// Caps with a largest order for each currency and defaults for the rest.
    pub fn new(max_notional: impl IntoIterator<Item = (Currency, Cash)>) -> Self {
        let named = max_notional.into_iter().map(|(currency, cash)| (currency.code().to_owned(), cash));
        Self { max_notional: named.collect(), orders_per_minute: 30, max_age: Span::from_secs(10) }
    }
}

/// Why the gateway did not send an order that the risk gate had approved.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum Refusal {
    /// Trading is blocked.
    #[error("trading is blocked: {0}")]
    Blocked(String),
    /// Its market is priced in a currency without a cap.
    #[error("no cap is set for orders priced in {0}: add one or do not trade it")]
    NoCap(Currency),
    /// It is larger than the cap.
    #[error("the order is worth {notional} {currency} and the cap is {cap}")]
    Notional {
        /// What it is worth at its limit.
        notional: Cash,
        /// In this currency.
        currency: Currency,
        /// The largest allowed.
        cap: Cash,
    },
    /// Its worth cannot be counted.
    #[error("the worth of the order cannot be counted")]
    Arithmetic,
    /// Enough orders left within a minute.
    #[error("{0} orders left within a minute, which is the cap")]
    Rate(u32),
    /// It waited too long.
    #[error("it was approved {age} ago and may wait for {max_age}")]
    TooOld {
        /// For how long it waited.
        age: Span,
        /// For how long it may.
        max_age: Span,
    },
    /// An order of this id went out before.
    #[error("order {0} was handed over before: an intent is sent at most once")]
    SentBefore(OrderId),
}

/// Ids that are remembered one by one; every id below counts as sent.
const REMEMBERED: usize = 4_096;

/// The caps and what they must remember.
#[derive(Debug)]
struct Door {
    caps: Caps,
    /// When the orders of the last minute left.
    departures: VecDeque<Timestamp>,
    /// Orders that came here. One request per intent, and of its size, is how the sum of an intent's requests never
    /// exceeds it.
    seen: BTreeSet<OrderId>,
    /// Every id up to here counts as seen.
    floor: Option<OrderId>,
}

impl Door {
    /// Takes an order in, once.
    fn enter(&mut self, id: OrderId) -> Result<(), Refusal> {
        if self.floor.is_some_and(|floor| id <= floor) || !self.seen.insert(id) {
            return Err(Refusal::SentBefore(id));
        }
        if self.seen.len() > REMEMBERED {
            self.floor = self.seen.pop_first();
        }
        Ok(())
    }

    /// What must hold at any time.
    fn check(&self, order: &Order, quote: Currency, age: Span) -> Result<(), Refusal> {
        let cap = self.caps.max_notional.get(quote.code()).ok_or(Refusal::NoCap(quote))?;
        let notional = order.size.notional(order.price, Rounding::Up).map_err(|_| Refusal::Arithmetic)?;
        if notional > *cap {
            return Err(Refusal::Notional { notional, currency: quote, cap: *cap });
        }
        if age > self.caps.max_age {
            return Err(Refusal::TooOld { age, max_age: self.caps.max_age });
        }
        Ok(())
    }

    /// Counts a departure.
    fn depart(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let minute = Span::from_secs(60);
        while self.departures.front().is_some_and(|first| now.since(*first) >= minute) {
            self.departures.pop_front();
        }
        let cap = self.caps.orders_per_minute;
        if u32::try_from(self.departures.len()).is_ok_and(|count| count < cap) {
            self.departures.push_back(now);
            return Ok(());
        }
        Err(Refusal::Rate(cap))
    }
}

type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;
type Block = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// Carries requests out on one exchange account.
pub struct Gateway {
    exchange: Arc<dyn Exchange>,
    clock: Clock,
    blocked: Block,
    door: Mutex<Door>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("venue", &self.exchange.venue()).finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway to an account. `clock` gives the time in which approvals are dated and never runs back; `blocked`
    /// says why trading is blocked, if it is, and is asked before every placement and again right before it leaves.
    pub fn new(
        exchange: Arc<dyn Exchange>,
        caps: Caps,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        blocked: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let door = Door { caps, departures: VecDeque::new(), seen: BTreeSet::new(), floor: None };
        Self { exchange, clock: Box::new(clock), blocked: Box::new(blocked), door: Mutex::new(door) }
    }

    /// The exchange, for reads of market data.
    pub fn exchange(&self) -> &Arc<dyn Exchange> {
        &self.exchange
    }

    /// Places an approved order, at most once. What the caps, the latch or its age forbid is
    /// [`Outcome::NotSent`], with the words of a [`Refusal`].
    ///
    /// The caller has the intent in the journal, synced, before this is called.
    pub async fn place(&self, placement: Placement) -> PlaceOutcome {
        let order = *placement.order.get();
        let entered = self.door().enter(order.id);
        if let Err(refusal) = entered.and_then(|()| self.may_send(&placement)) {
            return Outcome::NotSent(Error::NotSent(refusal.to_string()));
        }
        let last_look = || {
            let leave = self.may_send(&placement).and_then(|()| self.door().depart((self.clock)()));
            if leave.is_ok() {
                reach(KillPoint::BeforePost);
            }
            leave.map_err(|refusal| refusal.to_string())
        };
        let request = OrderRequest {
            market: placement.market.clone(),
            side: order.side,
            price: order.price,
            size: order.size,
            reference: placement.reference.clone(),
            watermark: placement.watermark,
        };
        #[allow(clippy::disallowed_methods)] // the one place
        let outcome = self.exchange.place(&request, &last_look).await;
        reach(KillPoint::AfterPost);
        outcome
    }

    /// Carries out a request of any kind and gives the answer to it.
    pub async fn carry_out(&self, request: Request) -> Answer {
        let exchange = &self.exchange;
        match request {
            Request::Place(placement) => Answer::Placed(self.place(placement).await),
            Request::Cancel { side, id } => Answer::Cancelled(exchange.cancel(side, id).await),
            Request::CancelAll { market: Some(market) } => {
                Answer::Cancelled(exchange.cancel_all(CancelScope::Market(&market)).await)
            }
            Request::CancelAll { market: None } => {
                Answer::Cancelled(exchange.cancel_all(CancelScope::Everything).await)
            }
            Request::Order { side, id } => Answer::Order(exchange.order(side, id).await),
            Request::ActiveOrders => Answer::ActiveOrders(exchange.active_orders(None).await),
            Request::Fills(query) => Answer::Fills(exchange.fills(&query).await),
            Request::Balances => Answer::Balances(exchange.balances().await),
            Request::Movements => Answer::Movements(exchange.movements().await),
        }
    }

    fn may_send(&self, placement: &Placement) -> Result<(), Refusal> {
        if let Some(reason) = (self.blocked)() {
            return Err(Refusal::Blocked(reason));
        }
        let age = (self.clock)().since(placement.approved_at);
        self.door().check(placement.order.get(), placement.quote, age)
    }

    /// The door's state is whole after every method, so a panic elsewhere leaves nothing half done.
    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
