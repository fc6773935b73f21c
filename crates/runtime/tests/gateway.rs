//! The last door before the exchange: caps, latch and age hold at the moment of sending.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;
use pampero_engine::{
    Allocation, Approved, Command, Context, Control, Engine, Event, EventKind, Intent, Limits, MarketLimits,
    Outputs, Owner, Requirements, Setup, Strategy, StrategyId,
};
use pampero_exchange::*;
use pampero_model::*;
use pampero_runtime::execution::Placement;
use pampero_runtime::gateway::{Caps, Gateway};
use proptest::prelude::{Strategy as Generator, *};

/// Asks for everything on its list when it sees a book.
struct Asker(Vec<Intent>);

impl Strategy for Asker {
    fn requirements(&self) -> Requirements {
        Requirements::of(MarketId(0))
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        for intent in self.0.drain(..) {
            let _ = ctx.submit(Intent { market, ..intent }); // a refusal is an answer, too
        }
    }
}

/// Bids for these sums, approved by a real gate at second zero.
fn approved(sums: &[&str]) -> Vec<Approved<Order>> {
    let bid = |sum: &&str| {
        let size = Size::Quote(sum.parse().unwrap());
        Intent::limit(MarketId(0), Side::Buy, size, "90".parse().unwrap())
    };
    let orders = decide(sums.iter().map(bid).collect(), Limits::default(), &[], None);
    assert_eq!(orders.len(), sums.len());
    orders
}

/// What a real gate approves of the intents at second zero, and then of the operator's orders.
fn decide(
    intents: Vec<Intent>,
    account_limits: Limits,
    controls: &[Control],
    market_bound: Option<Rate>,
) -> Vec<Approved<Order>> {
    let mut markets = Markets::default();
    let mut market = Market::new("bitex", "btc_usd").unwrap();
    market.fingerprint_span = 999;
    markets.insert(market).unwrap();
    let mut setup = Setup::new(markets, "usd".parse().unwrap());
    setup.market_bound = market_bound.unwrap_or(setup.market_bound);
    setup.strategies.push((Box::new(Asker(intents)), Limits::default()));
    setup.account_limits = account_limits;
    let (owner, venue) = (Owner::Strategy(StrategyId(0)), VenueId(0));
    for money in ["100000 USD", "1000 BTC"] {
        setup.allocations.push(Allocation { owner, venue, money: money.parse().unwrap() });
    }
    let mut engine = Engine::new(setup).unwrap();
    let mut out = Outputs::default();
    let level = |price: &str| Level { price: price.parse().unwrap(), quantity: "1".parse().unwrap() };
    let quote = Quote { bid: level("99"), ask: level("101") };
    engine.step(&Event { time: Timestamp::from_secs(0), kind: EventKind::EnvironmentConfirmed }, &mut out);
    let kind = EventKind::Quote { market: MarketId(0), quote };
    engine.step(&Event { time: Timestamp::from_secs(0), kind }, &mut out);
    for control in controls {
        let kind = EventKind::Control(*control);
        engine.step(&Event { time: Timestamp::from_secs(0), kind }, &mut out);
    }
    let placed = out.commands.drain(..).filter_map(|command| match command {
        Command::Place(order) => Some(order),
        _ => None,
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
    async fn account(&self) -> Result<String, Error> {
        unreachable!()
    }
    async fn server_time(&self) -> Result<Option<Timestamp>, Error> {
        unreachable!()
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
    let caps = Caps { orders_per_minute: 3, ..Caps::new([("usd".parse().unwrap(), "500".parse().unwrap())]) };
    send_through(venue, orders, caps).await
}

async fn send_through(venue: Venue, orders: Vec<Approved<Order>>, caps: Caps) -> (Vec<String>, usize) {
    let venue = Arc::new(venue);
    let (seconds, halted) = (venue.seconds.clone(), venue.halted.clone());
    let usd: Currency = "usd".parse().unwrap();
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

fn intents() -> impl Generator<Value = Intent> {
    (any::<bool>(), any::<bool>(), any::<bool>(), 1_i64..2_000_000_000_000, 0.9_f64..1.1).prop_map(
        |(buys, at_market, reduces, units, distance)| {
            let side = if buys { Side::Buy } else { Side::Sell };
            let size = if buys {
                Size::Quote(Cash::from_units(units.into()))
            } else {
                Size::Base(Quantity::from_units(units / 100))
            };
            let price: Price = format!("{:.6}", 100.0 * distance).parse().unwrap();
            let intent = if at_market {
                Intent::market(MarketId(0), side, size)
            } else {
                Intent::limit(MarketId(0), side, size, price)
            };
            if reduces { intent.reduce_only() } else { intent }
        },
    )
}

proptest! {
    /// Whatever limits and caps say, orders that reduce and a flatten included.
    #[test]
    fn what_the_gate_approves_is_within_the_cap_of_the_gateway(
        intents in proptest::collection::vec(intents(), 1..8),
        cap in 1_i128..1_000_000_000_000,
        limit in proptest::option::of(1_i128..1_000_000_000_000),
        quantity in proptest::option::of(1_i64..10_000_000_000),
        bound in prop_oneof![Just(0), 0_i64..5_000_000],
        flatten in any::<bool>(),
    ) {
        let cap = Cash::from_units(cap);
        let market = MarketLimits {
            order_cap: Some(cap),
            max_order_notional: limit.map(Cash::from_units),
            max_order_quantity: quantity.map(Quantity::from_units),
            ..MarketLimits::default()
        };
        let limits = Limits { markets: vec![market], ..Limits::default() };
        let (intents, controls): (_, &[_]) =
            if flatten { (vec![], &[Control::Halt(None), Control::Flatten(None)]) } else { (intents, &[]) };
        let orders = decide(intents, limits, controls, Some(Rate::from_units(bound)));
        // A flatten sells a piece, unless that piece would be below the market's minimum.
        prop_assert!(!flatten || cap < Cash::from_units(2_000_000) || limit.is_some() || quantity.is_some() || !orders.is_empty());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let caps = Caps::new([("usd".parse().unwrap(), cap)]);
        let (refusals, _) = runtime.block_on(send_through(Venue::default(), orders, caps));
        prop_assert_eq!(refusals, Vec::<String>::new());
    }
}
