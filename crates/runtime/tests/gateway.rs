//! The last door before the exchange: caps, latch and age hold at the moment of sending.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;
use pampero_engine::{
    Allocation, Approved, Command, Context, Engine, Event, EventKind, Intent, Limits, Outputs, Owner,
    Requirements, Setup, Strategy, StrategyId,
};
use pampero_exchange::*;
use pampero_model::*;
use pampero_runtime::execution::Placement;
use pampero_runtime::gateway::{Caps, Gateway};

/// Buys for the next sum of a list whenever it sees a book.
struct Buyer(Vec<&'static str>);

impl Strategy for Buyer {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![MarketId(0)], ..Requirements::default() }
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        for sum in self.0.drain(..) {
            let size = Size::Quote(sum.parse().unwrap());
            ctx.submit(Intent::limit(market, Side::Buy, size, "90".parse().unwrap())).unwrap();
        }
    }
}

/// Orders approved by a real gate at second zero.
fn approved(sums: &[&'static str]) -> Vec<Approved<Order>> {
    let mut markets = Markets::default();
    markets.insert(Market::new("bitex", "btc_usd").unwrap()).unwrap();
    let mut setup = Setup::new(markets, "usd".parse().unwrap());
    setup.strategies.push((Box::new(Buyer(sums.to_vec())), Limits::default()));
    let (owner, venue) = (Owner::Strategy(StrategyId(0)), VenueId(0));
    setup.allocations.push(Allocation { owner, venue, money: "100000 USD".parse().unwrap() });
    let mut engine = Engine::new(setup).unwrap();
    let mut out = Outputs::default();
    let level = |price: &str| Level { price: price.parse().unwrap(), quantity: "1".parse().unwrap() };
    let quote = Quote { bid: level("99"), ask: level("101") };
    engine.step(&Event { time: Timestamp::from_secs(0), kind: EventKind::EnvironmentConfirmed }, &mut out);
    let kind = EventKind::Quote { market: MarketId(0), quote };
    engine.step(&Event { time: Timestamp::from_secs(0), kind }, &mut out);
    let placed = out.commands.drain(..).map(|command| match command {
        Command::Place(order) => order,
        other => panic!("{other:?}"),
    });
    placed.collect()
}

/// Counts what arrives, and lets something happen while a request waits for its turn.
#[derive(Default)]
struct Venue {
    arrived: AtomicUsize,
    halted: Arc<AtomicBool>,
    seconds: Arc<AtomicI64>,
    halts_while_waiting: bool,
    waits: i64,
}

#[async_trait]
impl Exchange for Venue {
    fn venue(&self) -> &'static str {
        "bitex"
    }
    async fn place(&self, request: &OrderRequest, last_look: &LastLook<'_>) -> PlaceOutcome {
        self.halted.fetch_or(self.halts_while_waiting, SeqCst);
        self.seconds.fetch_add(self.waits, SeqCst);
        if let Err(reason) = last_look() {
            return Outcome::NotSent(Error::NotSent(reason));
        }
        let id = VenueOrderId(u64::try_from(self.arrived.fetch_add(1, SeqCst)).unwrap());
        let status = OrderStatus::Known(VenueStatus::Pending);
        let OrderRequest { market, side, price, size, .. } = request.clone();
        Outcome::Acknowledged(VenueOrder {
            id,
            side,
            market,
            price,
            size,
            remaining: size,
            status,
            created_at: None,
        })
    }
    async fn cancel(&self, _: Side, _: VenueOrderId) -> Result<(), Error> {
        unreachable!()
    }
    async fn cancel_all(&self, _: CancelScope<'_>) -> Result<(), Error> {
        unreachable!()
    }
    async fn order(&self, _: Side, _: VenueOrderId) -> Result<VenueOrder, Error> {
        unreachable!()
    }
    async fn active_orders(&self, _: Option<&str>) -> Result<Vec<VenueOrder>, Error> {
        unreachable!()
    }
    async fn fills(&self, _: &FillQuery) -> Result<Vec<VenueFill>, Error> {
        unreachable!()
    }
    async fn balances(&self) -> Result<Vec<Balance>, Error> {
        unreachable!()
    }
    async fn snapshot(&self, _: &str, _: SnapshotParts) -> Result<MarketSnapshot, Error> {
        unreachable!()
    }
    async fn candles(&self, _: &CandleQuery) -> Result<Vec<VenueCandle>, Error> {
        unreachable!()
    }
    async fn trades(&self, _: &str, _: u32) -> Result<Vec<Trade>, Error> {
        unreachable!()
    }
    async fn movements(&self) -> Result<Vec<Movement>, Error> {
        unreachable!()
    }
}

/// Sends orders through a gateway with a cap of 500 USD and three a minute; the refusals, in order.
async fn send(venue: Venue, orders: Vec<Approved<Order>>) -> (Vec<String>, usize) {
    let venue = Arc::new(venue);
    let (seconds, halted) = (venue.seconds.clone(), venue.halted.clone());
    let usd: Currency = "usd".parse().unwrap();
    let caps = Caps { orders_per_minute: 3, ..Caps::new([(usd, "500".parse().unwrap())]) };
    let gateway = Gateway::new(
        venue.clone(),
        caps,
        move || Timestamp::from_secs(seconds.load(SeqCst)),
        move || halted.load(SeqCst).then(|| "halted by hand".to_owned()),
    );
    let mut refusals = Vec::new();
    for order in orders {
        let approved_at = Timestamp::from_secs(0);
        let (market, quote) = ("btc_usd".to_owned(), usd);
        let placement = Placement { order, market, quote, watermark: None, reference: None, approved_at };
        match gateway.place(placement).await {
            Outcome::Acknowledged(_) => {}
            Outcome::NotSent(error) => refusals.push(error.to_string()),
            other => panic!("{other:?}"),
        }
    }
    (refusals, venue.arrived.load(SeqCst))
}

#[tokio::test]
async fn what_is_within_the_caps_passes() {
    assert_eq!(send(Venue::default(), approved(&["500", "10"])).await, (vec![], 2));
}

#[tokio::test]
async fn the_gateway_has_a_cap_of_its_own_on_the_size() {
    let (refusals, arrived) = send(Venue::default(), approved(&["500.00000001"])).await;
    assert_eq!(refusals, ["not sent: the order is worth 500.00000001 USD and the cap is 500"]);
    assert_eq!(arrived, 0);
}

#[tokio::test]
async fn no_more_orders_leave_in_a_minute_than_the_cap() {
    let (refusals, arrived) = send(Venue::default(), approved(&["1", "2", "3", "4", "5"])).await;
    assert_eq!((refusals.len(), arrived), (2, 3));
    assert!(refusals[0].contains("3 orders left within a minute"), "{refusals:?}");
}

#[tokio::test]
async fn a_halt_while_the_order_waits_for_its_turn_keeps_it_from_leaving() {
    let venue = Venue { halts_while_waiting: true, ..Venue::default() };
    let (refusals, arrived) = send(venue, approved(&["1"])).await;
    assert_eq!(refusals, ["not sent: trading is blocked: halted by hand"]);
    assert_eq!(arrived, 0);
}

#[tokio::test]
async fn an_order_that_waits_too_long_is_dropped() {
    let (refusals, arrived) = send(Venue { waits: 11, ..Venue::default() }, approved(&["1"])).await;
    assert!(refusals[0].contains("may wait for"), "{refusals:?}");
    assert_eq!(arrived, 0);
}

#[tokio::test]
async fn an_intent_is_sent_once_even_if_it_is_approved_again() {
    // Two engines that count from one: the same id twice.
    let mut orders = approved(&["1"]);
    orders.extend(approved(&["1"]));
    let (refusals, arrived) = send(Venue::default(), orders).await;
    assert_eq!(refusals, ["not sent: order 1 was handed over before: an intent is sent at most once"]);
    assert_eq!(arrived, 1);
}
