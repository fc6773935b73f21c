//! The driver: virtual time, crashes, and the oracle that knows the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use pampero_engine::{Control, EventKind, StrategyId, TradingState};
use pampero_model::{Level, MarketId, OrderId, Quote, Span, Timestamp, UpdateKind, VenueStatus};
use pampero_runtime::execution::{
    Answer, Attribution, ForeignPolicy, Note, Request, RequestId, Stage, differences,
};
use pampero_venue::OrderKey;

use super::Canary;
use super::faults::{Chance, Fault, Profile};
use super::session::{Journal, Plan, Record, Session, total};
use super::world::World;

/// What one run came to.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Orders that were sent.
    pub intents: u64,
    /// Crashes.
    pub crashes: u64,
    /// Executions of own orders.
    pub fills: u64,
    /// Orders whose outcome was unknown at some time.
    pub unknown: u64,
    /// Orders found by watermark and fingerprint.
    pub adopted: u64,
    /// How often each kind of fault struck.
    pub hits: BTreeMap<Fault, u64>,
    /// What must never happen and did.
    pub findings: Vec<String>,
    /// Of everything that was written down, and of the randomness at the end.
    pub hash: u64,
}

impl Run {
    /// Runs one seed.
    pub fn of(seed: u64, canary: Option<Canary>) -> Self {
        let mut driver = Driver::new(seed, canary);
        driver.storm();
        if driver.findings.is_empty() || canary.is_none() {
            driver.calm();
        }
        driver.result()
    }
}

enum Happening {
    /// The engine sees a market.
    Quote(MarketId),
    /// The world moves on.
    Tick,
    /// A request reaches the exchange.
    Arrive(RequestId, Request),
    /// An answer comes back.
    Answer(RequestId, Answer),
    /// The program is started again.
    Restart,
}

struct Driver {
    now: Timestamp,
    plan: Plan,
    chance: Chance,
    journal: Journal,
    session: Option<Session>,
    queue: BTreeMap<(Timestamp, u64), Happening>,
    sequence: u64,
    lives: u64,
    crashes: u64,
    halted_since: Option<Timestamp>,
    stormy: bool,
    findings: BTreeSet<String>,
}

/// Minutes that faults last at least.
const STORM: i64 = 10;

impl Driver {
    fn new(seed: u64, canary: Option<Canary>) -> Self {
        let mut chance = Chance::new(seed);
        let mut profile = Profile::draw(&mut chance);
        let foreign = match chance.between(0, 9) {
            0..=4 => ForeignPolicy::Ignore,
            5..=8 => ForeignPolicy::Adopt,
            _ => ForeignPolicy::Cancel,
        };
        if profile.skew != Span::ZERO {
            profile.without(Fault::ClockSkew);
        }
        if canary == Some(Canary::FailedReadIsEmpty) {
            // It shows only where an order stays unseen for minutes.
            profile.at_least(Fault::ReadFails, 60);
        }
        let mut world = World::new(super::session::markets(0), Chance::new(seed ^ 0x5eed), profile, canary);
        if world.profile.skew != Span::ZERO {
            world.hit(Fault::ClockSkew);
        }
        let world = Arc::new(Mutex::new(world));
        let until = Timestamp::from_secs(i64::MAX / 2_000_000_000);
        let clock = Arc::new(AtomicI64::new(0));
        let plan = Plan { seed, until, foreign, canary, clock, world };
        let mut driver = Self {
            now: Timestamp::from_secs(0),
            plan,
            chance,
            journal: Journal::default(),
            session: None,
            queue: BTreeMap::new(),
            sequence: 0,
            lives: 0,
            crashes: 0,
            halted_since: None,
            stormy: true,
            findings: BTreeSet::new(),
        };
        driver.later(Span::ZERO, Happening::Restart);
        driver.later(Span::from_secs(1), Happening::Tick);
        driver.later(Span::from_secs(2), Happening::Quote(MarketId(0)));
        driver.later(Span::from_secs(3), Happening::Quote(MarketId(1)));
        driver
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.plan.world.lock().unwrap()
    }

    fn later(&mut self, after: Span, what: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now.plus(after), self.sequence), what);
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        self.world().strikes(fault)
    }

    // The two parts of a run.

    /// Faults, until enough has been tried.
    fn storm(&mut self) {
        let started = self.now;
        for minute in 1..=i64::from(u16::MAX) {
            self.run_until(started.plus(Span::from_secs(60 * minute)));
            if minute >= STORM && self.world().posts.len() >= 20 {
                return;
            }
            // Where hardly anything works, hardly anything is tried: it eases.
            if minute % (6 * STORM) == 0 {
                self.world().profile.ease();
            }
        }
    }

    /// Quiet. Everything must come together: what is there within three full comparisons, what is not there once the
    /// ghost horizon has passed.
    fn calm(&mut self) {
        self.stormy = false;
        {
            let mut world = self.world();
            world.profile = world.profile.calm();
        }
        self.plan.until = self.now;
        // The strategy's last life wants nothing any more.
        self.crash(false);
        // What is on its way arrives, what is late becomes visible.
        self.run_until(self.now.plus(Span::from_secs(200)));
        self.resume();
        self.run_until(self.now.plus(Span::from_secs(65)));
        self.check_converged();
        self.run_until(self.now.plus(Span::from_minutes(31)));
        self.check_end();
    }

    fn run_until(&mut self, end: Timestamp) {
        loop {
            let next = self.queue.keys().next().map_or(Timestamp::MAX, |(at, _)| *at);
            let due = self.session.as_ref().map_or(Timestamp::MAX, Session::next_due);
            let at = next.min(due).max(self.now);
            if at > end {
                self.set_now(end);
                return;
            }
            self.set_now(at);
            if due <= next {
                self.with_session(|session, journal, now| {
                    if session.engine.next_timer() <= now {
                        session.step(journal, now, EventKind::Timer);
                    }
                    session.execution.wake(now);
                });
            } else if let Some((_, what)) = self.queue.pop_first() {
                self.happen(what);
            }
        }
    }

    fn set_now(&mut self, now: Timestamp) {
        self.now = now;
        self.plan.clock.store(now.as_nanos(), Ordering::Relaxed);
        let mut world = self.plan.world.lock().unwrap();
        world.now = now;
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Tick => {
                let now = self.now;
                self.world().pass(now);
                let after = self.chance.between(1, 4);
                self.later(Span::from_secs(after), Happening::Tick);
            }
            Happening::Quote(market) => {
                let level =
                    |price: &str| Level { price: price.parse().unwrap(), quantity: "5".parse().unwrap() };
                let quote = Quote { bid: level("100"), ask: level("101") };
                self.with_session(|session, journal, now| {
                    session.step(journal, now, EventKind::Quote { market, quote });
                });
                self.watch_operator();
                let after = self.chance.between(2, 6);
                self.later(Span::from_secs(after), Happening::Quote(market));
            }
            Happening::Restart => {
                let session = Session::start(&self.plan, &mut self.journal, self.now, self.lives);
                self.session = Some(session);
                self.lives += 1;
                self.with_session(|_, _, _| {});
            }
            Happening::Arrive(id, request) => self.arrive(id, request),
            Happening::Answer(id, answer) => self.answer(id, answer),
        }
    }

    /// Lets the program do something, writes down what follows, and sends what is to be sent.
    fn with_session(&mut self, act: impl FnOnce(&mut Session, &mut Journal, Timestamp)) {
        let Some(session) = &mut self.session else { return };
        act(session, &mut self.journal, self.now);
        session.settle(&mut self.journal, self.now);
        let outbox = std::mem::take(&mut session.outbox);
        let started = session.execution.has_started();
        self.world().busy |= started;
        self.judge_learned();
        let places = outbox.iter().any(|(_, request)| matches!(request, Request::Place(_)));
        if places && self.strikes(Fault::CrashBeforeSync) {
            return self.crash(true);
        }
        self.journal.commit();
        if places && self.strikes(Fault::CrashBeforePost) {
            return self.crash(true);
        }
        for (id, request) in outbox {
            let after = Span::from_millis(self.chance.between(20, 400));
            self.later(after, Happening::Arrive(id, request));
        }
    }

    fn arrive(&mut self, id: RequestId, request: Request) {
        let Some(session) = &self.session else { return };
        let places = matches!(request, Request::Place(_));
        let answer = at_once(session.gateway.carry_out(request));
        let after = std::mem::replace(&mut self.world().answer_after, Span::ZERO);
        if places && self.strikes(Fault::CrashBeforeAnswer) {
            return self.crash(true);
        }
        self.later(after, Happening::Answer(id, answer));
    }

    fn answer(&mut self, id: RequestId, answer: Answer) {
        let places = matches!(answer, Answer::Placed(_));
        if places && self.strikes(Fault::CrashBeforeRecord) {
            return self.crash(true);
        }
        if !places && self.strikes(Fault::CrashInReconcile) {
            return self.crash(true);
        }
        self.with_session(|session, _, now| session.execution.answer(now, id, answer));
    }

    /// The program dies. Requests that were on their way may arrive all the same.
    fn crash(&mut self, hard: bool) {
        let Some(session) = self.session.take() else { return };
        if hard {
            self.journal.crash();
            self.crashes += 1;
        }
        let queue = std::mem::take(&mut self.queue);
        for (at, what) in queue {
            match what {
                Happening::Arrive(_, request @ Request::Place(_)) => {
                    if self.chance.percent(50) {
                        let _ = at_once(session.gateway.carry_out(request));
                    }
                }
                Happening::Arrive(..) | Happening::Answer(..) | Happening::Restart => {}
                Happening::Tick | Happening::Quote(_) => {
                    self.queue.insert(at, what);
                }
            }
        }
        let after = if hard { self.chance.between(1, 90) } else { 1 };
        self.later(Span::from_secs(after), Happening::Restart);
    }

    /// A person looks after a minute and lets it go on.
    fn watch_operator(&mut self) {
        let Some(session) = &self.session else { return };
        let stopped = session.engine.trading_state(StrategyId(0)) != TradingState::Active
            || session.execution.is_halted();
        match (stopped, self.halted_since) {
            (false, _) => self.halted_since = None,
            (true, None) => self.halted_since = Some(self.now),
            (true, Some(since)) if self.now.since(since) > Span::from_secs(60) => self.resume(),
            _ => {}
        }
    }

    fn resume(&mut self) {
        self.halted_since = None;
        self.with_session(|session, journal, now| {
            session.step(journal, now, EventKind::Control(Control::Resume(None)));
            session.execution.resume(now);
        });
    }

    // The oracle.

    fn finding(&mut self, what: String) {
        self.findings.insert(what);
    }

    /// Compares what the engine was told of orders with the truth, at the moment it is told.
    fn judge_learned(&mut self) {
        let Some(session) = &mut self.session else { return };
        let learned = std::mem::take(&mut session.learned);
        for (order, kind) in learned {
            if let Some(what) = self.judge_one(order, &kind) {
                let at = self.now.as_nanos() / 1_000_000_000;
                self.finding(format!("{what} (order {order}, second {at})"));
            }
        }
    }

    fn judge_one(&self, order: OrderId, kind: &UpdateKind) -> Option<String> {
        let session = self.session.as_ref()?;
        let world = self.world();
        let own: Vec<OrderKey> = world
            .truth
            .iter()
            .filter(|(_, truth)| truth.intent == Some(order))
            .map(|(key, _)| *key)
            .collect();
        match kind {
            UpdateKind::Acknowledged(id) => {
                let side = session.execution.local().orders.get(&order)?.order.side;
                let truth = world.truth.get(&OrderKey { side, id: *id });
                let wrong = truth.is_none_or(|truth| truth.intent != Some(order));
                wrong.then(|| format!("wrongly adopted: {side} {id}"))
            }
            UpdateKind::PresumedAbsent | UpdateKind::Absent => {
                // One that was cancelled with everything else before it was ever seen might as well not be there.
                let there = own.iter().any(|key| world.counts(*key)) || world.will_create(order);
                there.then(|| "given up although it is there".to_owned())
            }
            UpdateKind::Rejected(_) | UpdateKind::NotSent => {
                let there = !own.is_empty() || world.will_create(order);
                there.then(|| "lost: taken as never created although it is there".to_owned())
            }
            UpdateKind::Cancelled(_) | UpdateKind::Completed => {
                let local = session.execution.local().orders.get(&order)?;
                let key = OrderKey { side: local.order.side, id: local.venue? };
                let shown = world.venue.order(key)?;
                if !matches!(shown.status, VenueStatus::Cancelled | VenueStatus::Completed) {
                    return Some(format!("lost: taken as over although it is {:?}", shown.status));
                }
                let (base, quote) = world.executed(key);
                // A completed order may lack dust: an execution of 1e-8 that is listed later still counts, then.
                let dust = if matches!(kind, UpdateKind::Completed) { 110 } else { 0 };
                let lacks = (quote.units() - local.filled_quote.units())
                    .max((base.units() - local.filled_base.units()).into());
                (!(0..=dust).contains(&lacks)).then(|| "over with executions that do not add up".to_owned())
            }
            _ => None,
        }
    }

    /// Everything at the exchange is known, and the ledger agrees to the last unit.
    fn check_converged(&mut self) {
        let mut found = Vec::new();
        if let Some(session) = &self.session {
            let world = self.world();
            let local = session.execution.local();
            if !session.execution.has_started() {
                found.push("not started again after the faults stopped".to_owned());
            }
            for difference in differences(local, &world.true_balances()) {
                found.push(format!("the ledger does not close: {difference:?}"));
            }
            for (key, truth) in &world.truth {
                let owner = local.owners.get(&(key.side, key.id));
                let right = match (truth.intent, owner) {
                    (
                        Some(intent),
                        Some(Attribution::Ours(order) | Attribution::Other { copy_of: Some(order), .. }),
                    ) => *order == intent,
                    (Some(_), _) => is_recorded(&self.journal, truth.intent),
                    (None, Some(Attribution::Ours(_))) => false,
                    (None, _) => true,
                };
                if !right {
                    found.push(format!(
                        "{} {} is {owner:?} and was placed for {:?}",
                        key.side, key.id, truth.intent
                    ));
                }
            }
        }
        for what in found {
            self.finding(what);
        }
    }

    /// Nothing is open, unknown or reserved any more.
    fn check_end(&mut self) {
        let mut found = Vec::new();
        if let Some(session) = &self.session {
            let world = self.world();
            for record in session.engine.open_orders() {
                found.push(format!("order {} is {} for ever", record.id, record.state.name()));
            }
            for code in ["usd", "btc", "bch"] {
                let money = total(&session.engine, code);
                let held = session.engine.portfolio().account(super::session::VENUE, money.currency);
                let truth = world.venue.balance(world.us, money.currency);
                if money.units != truth.total {
                    found.push(format!(
                        "the engine's ledger has {money} and the account {} units",
                        truth.total
                    ));
                }
                if held.reserved != 0 {
                    found.push(format!("{} units of {code} stay reserved", held.reserved));
                }
            }
            let open = |local: &pampero_runtime::execution::LocalOrder| local.stage != Stage::Closed;
            for local in session.execution.local().orders.values().filter(|local| open(local)) {
                found.push(format!("execution still holds order {} as {:?}", local.order.id, local.stage));
            }
            for key in world.live_orders() {
                if world.truth.get(&key).is_some_and(|truth| truth.intent.is_some()) {
                    found.push(format!("{} {} is on the book for ever", key.side, key.id));
                }
            }
        } else {
            found.push("no program runs at the end".to_owned());
        }
        for what in found {
            self.finding(what);
        }
    }

    fn result(mut self) -> Run {
        let end = self.chance.end_state();
        let world_end = self.world().chance.end_state();
        let twice: Vec<String> = {
            let world = self.world();
            let posts = world.posts.iter().filter(|(_, count)| **count > 1);
            let posts = posts.map(|(order, count)| format!("doubled: order {order} was sent {count} times"));
            posts.chain(world.breaches.iter().map(|breach| format!("limit passed: {breach}"))).collect()
        };
        for what in twice {
            self.finding(what);
        }
        let mut run = Run { crashes: self.crashes, ..Run::default() };
        let mut hash = Fnv::default();
        for record in &self.journal.records {
            hash.add(format!("{record:?}").as_bytes());
            match record {
                Record::Note(Note::Intent { .. }) => run.intents += 1,
                Record::Note(Note::Adopted { .. }) => run.adopted += 1,
                Record::Event(_, EventKind::Order(update), _) => match update.kind {
                    UpdateKind::Fill(_) => run.fills += 1,
                    UpdateKind::Unknown => run.unknown += 1,
                    _ => {}
                },
                _ => {}
            }
        }
        hash.add(&end.to_le_bytes());
        hash.add(&world_end.to_le_bytes());
        run.hash = hash.0;
        run.hits.clone_from(&self.world().hits);
        run.findings = self.findings.into_iter().collect();
        run
    }
}

/// Whether an intent is in the journal at all: it must be, or it was sent without being written down.
fn is_recorded(journal: &Journal, intent: Option<OrderId>) -> bool {
    let recorded = |record: &Record| matches!(record, Record::Note(Note::Intent { order, .. }) if Some(order.id) == intent);
    // Attributed in an earlier life and over since, which the present one need not know.
    journal.records.iter().any(recorded)
}

/// Nothing in the simulation waits.
fn at_once<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the simulated exchange answers at once"),
    }
}

struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
