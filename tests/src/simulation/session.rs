//! One life of the program, from a start to its end or crash, and the journal that outlives it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use pampero_engine::{
    Allocation, Command, Decisions, Engine, Event, EventKind, Fingerprint, Limits, OrderWatch, Outputs,
    Owner, Setup, StrategyId,
};
use pampero_model::{
    Currency, Market, Markets, Money, OrderId, Span, Timestamp, UpdateKind, VenueId, VenueOrderId,
};
use pampero_runtime::codec::{Decoder, Encoder, Entry, Kind};
use pampero_runtime::execution::{
    CarriedOver, Effect, Execution, ForeignPolicy, Note, Request, RequestId, Settings,
};
use pampero_runtime::gateway::{Caps, Gateway};
use pampero_store::journal::Record as Written;

use super::Canary;
use super::exchange::SimExchange;
use super::trader::Trader;
use super::world::{MOST_PER_SIDE, World, usd};

pub const VENUE: VenueId = VenueId(0);

/// What was written down, in order. Only what is committed survives a crash.
#[derive(Clone, Debug)]
pub enum Record {
    Start(Timestamp, Decisions),
    Event(Timestamp, EventKind<'static>, Decisions),
    Note(Note),
}

#[derive(Default)]
pub struct Journal {
    pub records: Vec<Record>,
    committed: usize,
}

impl Journal {
    pub fn commit(&mut self) {
        self.committed = self.records.len();
    }

    /// The machine stops: what was not synced is gone.
    pub fn crash(&mut self) {
        self.records.truncate(self.committed);
    }

    /// What is on the disk, in the form that the program writes.
    fn written(&self) -> Vec<Written> {
        let (mut encoder, mut written) = (Encoder::default(), Vec::new());
        let mut put = |kind: Kind, time, payload| {
            written.push(Written { seq: 0, time, kind: kind as u8, payload });
        };
        for record in &self.records {
            let mut payload = Vec::new();
            match record {
                Record::Start(time, decisions) => {
                    encoder.decisions(decisions, &mut payload).unwrap();
                    put(Kind::Started, *time, payload);
                }
                Record::Event(time, event, decisions) => {
                    let kind = encoder.event(event, &mut payload).unwrap();
                    put(kind, *time, payload);
                    let mut payload = Vec::new();
                    encoder.decisions(decisions, &mut payload).unwrap();
                    put(Kind::Decisions, *time, payload);
                }
                Record::Note(note) => {
                    put(Kind::Note, Timestamp::default(), serde_json::to_vec(note).unwrap());
                }
            }
        }
        written
    }
}

/// What does not change from one life to the next.
pub struct Plan {
    pub seed: u64,
    pub until: Timestamp,
    pub foreign: ForeignPolicy,
    pub canary: Option<Canary>,
    pub clock: Arc<AtomicI64>,
    pub world: Arc<Mutex<World>>,
}

pub fn markets(span: u32) -> Markets {
    let mut markets = Markets::default();
    for code in ["btc_usd", "bch_usd"] {
        let mut market = Market::new("bitex", code).unwrap();
        market.fingerprint_span = span;
        markets.insert(market).unwrap();
    }
    markets
}

impl Plan {
    fn engine(&self, life: u64) -> Engine {
        let span = if self.canary == Some(Canary::NoFingerprint) { 0 } else { 9_999 };
        let mut setup = Setup::new(markets(span), usd());
        let limits = Limits {
            max_open_orders_side: u32::try_from(MOST_PER_SIDE).ok(),
            max_balance_age: Some(Span::from_secs(60)),
            max_data_age: Some(Span::from_secs(10)),
            orders_per_minute: Some(30),
            require_reconciled: true,
            ..Limits::default()
        };
        let trader = Trader::new(self.seed ^ life.wrapping_mul(0x9e37_79b9_7f4a_7c15), self.until);
        setup.strategies.push((Box::new(trader), limits));
        for money in ["50000 USD", "50 BTC", "50 BCH"] {
            let money: Money = money.parse().unwrap();
            for owner in [Owner::Strategy(StrategyId(0)), Owner::Unallocated] {
                setup.allocations.push(Allocation { owner, venue: VENUE, money });
            }
        }
        setup.fingerprint = Fingerprint::from_counter(self.seed % 5_000);
        Engine::new(setup).unwrap()
    }

    fn settings(&self) -> Settings {
        Settings { foreign: self.foreign, ..Settings::default() }
    }
}

pub struct Session {
    pub engine: Engine,
    pub execution: Execution,
    pub gateway: Gateway,
    watch: OrderWatch,
    out: Outputs,
    /// What the engine learned of orders since it was last looked at.
    pub learned: Vec<(OrderId, UpdateKind)>,
    /// Requests that are ready to be sent.
    pub outbox: Vec<(RequestId, Request)>,
}

impl Session {
    /// Starts the program: from nothing, or from what the journal holds.
    pub fn start(plan: &Plan, journal: &mut Journal, now: Timestamp, life: u64) -> Self {
        let mut engine = plan.engine(life);
        let mut carried = CarriedOver { first: true, ..CarriedOver::default() };
        let intents = recover(&mut engine, journal, &mut carried);
        carried.orders = CarriedOver::orders(&engine, VENUE, &intents);
        carried.ledger = ["btc", "usd", "bch"].map(|code| total(&engine, code)).to_vec();
        let mut execution = Execution::new(now, VENUE, &markets(9_999), plan.settings(), carried);
        execution.plant(plan.canary.and_then(Canary::in_execution));
        let caps = Caps {
            orders_per_minute: 60,
            max_age: Span::from_secs(15),
            ..Caps::new([(usd(), "10000".parse().unwrap())])
        };
        let clock = plan.clock.clone();
        let time = move || Timestamp::from_nanos(clock.load(Ordering::Relaxed));
        let gateway = Gateway::new(Arc::new(SimExchange(plan.world.clone())), caps, time, || None);
        let mut out = Outputs::default();
        let mut watch = OrderWatch::new(&engine);
        engine.start(now, &mut out);
        journal.records.push(Record::Start(now, watch.decisions(&engine, &out)));
        out.clear();
        let (learned, outbox) = (Vec::new(), Vec::new());
        let mut session = Self { engine, execution, gateway, watch, out, learned, outbox };
        session.step(journal, now, EventKind::EnvironmentConfirmed);
        session.execution.wake(now);
        session
    }

    /// Steps the engine and hands its commands on.
    pub fn step(&mut self, journal: &mut Journal, now: Timestamp, kind: EventKind<'static>) {
        if let EventKind::Order(update) = kind {
            self.learned.push((update.order, update.kind));
        }
        self.engine.step(&Event { time: now, kind }, &mut self.out);
        let decisions = self.watch.decisions(&self.engine, &self.out);
        journal.records.push(Record::Event(now, kind, decisions));
        let commands: Vec<Command> = self.out.commands.drain(..).collect();
        self.out.clear();
        for command in commands {
            self.execution.command(now, command);
        }
    }

    /// Lets effects and commands follow each other until nothing is left but requests.
    pub fn settle(&mut self, journal: &mut Journal, now: Timestamp) {
        while let Some(effect) = self.execution.next_effect() {
            match effect {
                Effect::Note(note) => journal.records.push(Record::Note(note)),
                Effect::Event(kind) => self.step(journal, now, kind),
                Effect::Request { id, request } => self.outbox.push((id, request)),
            }
        }
    }

    pub fn next_due(&self) -> Timestamp {
        self.execution.next_due().min(self.engine.next_timer())
    }
}

pub fn total(engine: &Engine, code: &str) -> Money {
    let currency: Currency = code.parse().unwrap();
    Money::new(currency, engine.portfolio().account(VENUE, currency).total)
}

/// Rebuilds the engine and collects what execution must know.
fn recover(
    engine: &mut Engine,
    journal: &Journal,
    carried: &mut CarriedOver,
) -> BTreeMap<OrderId, (Timestamp, Option<VenueOrderId>)> {
    let mut intents = BTreeMap::new();
    let mut lives = 0;
    let mut decoder = Decoder::default();
    // What an event led to stands behind it and has to be read before it.
    let mut records = journal.written().into_iter().peekable();
    while let Some(record) = records.next() {
        let decisions = records.next_if(|record| record.kind == Kind::Decisions as u8);
        let decisions = decisions.map(|record| match decoder.entry(&record) {
            Ok(Entry::Decisions(decisions)) => decisions,
            other => unreachable!("decisions are read as {other:?}"),
        });
        match decoder.entry(&record).unwrap() {
            Entry::Started(decisions) => {
                if lives > 0 {
                    engine.begin_session();
                }
                lives += 1;
                engine.recover_start(record.time, &decisions);
            }
            Entry::Event(event) => {
                engine.recover(&event, &decisions.unwrap_or_default());
                if let EventKind::Order(update) = event.kind
                    && let UpdateKind::Fill(fill) = update.kind
                {
                    carried.fills.insert(fill.side, fill.id);
                }
            }
            Entry::Note(text) => match serde_json::from_str(text).unwrap() {
                Note::Intent { order, time, watermark } => {
                    intents.insert(order.id, (time, watermark));
                }
                Note::Baseline { fills, .. } => {
                    carried.first = false;
                    carried.fills.extend(fills.iter().copied());
                }
                Note::ForeignFill { side, fill, .. } => {
                    carried.fills.insert(side, fill);
                }
                Note::Transfer { movement, .. } => carried.movements.push(movement),
                _ => {}
            },
            Entry::Decisions(_) => unreachable!("decisions without an event"),
        }
    }
    if lives > 0 {
        engine.begin_session();
    }
    intents
}
