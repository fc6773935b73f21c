//! The machine room of a session: threads, tasks and signals around the loop of the runtime.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pampero_bitex::Client;
use pampero_engine::{Audit, Engine, TradingState, TripReason};
use pampero_exchange::Exchange;
use pampero_model::{Currency, MarketId, Price, Span, Timestamp};
use pampero_runtime::execution::Note;
use pampero_runtime::feed::{self, Clock, Desk, FeedMessage, History, News, OwnOrder, RateSource};
use pampero_runtime::gateway::Gateway;
use pampero_runtime::guard::{Guard, Latch, Level};
use pampero_runtime::notify::{Notice, Notifier, Severity};
use pampero_runtime::promotion::{Evidence, Shown, Subject};
use pampero_runtime::session::{
    self, Ended, Input, Mode, Operator, Outgoing, Pen, SessionError, SessionHooks, StopMode, StopSettings,
    Turned, inbox, run,
};
use pampero_runtime::telemetry::Metrics;
use pampero_runtime::watchdog::Heartbeat;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

use super::console::Console;
use super::figures::{self, Figures};
use super::flat::FlatFile;
use super::rates::RatesTask;
use crate::error::Failure;

/// Everything that a session is run with.
pub(super) struct MachineRoom {
    pub mode: Box<dyn Mode + Send>,
    /// For market data.
    pub exchange: Arc<dyn Exchange>,
    pub desk: Desk,
    pub history: Vec<(MarketId, History)>,
    /// Rates from outside the markets, and what they were just now.
    pub rates: Vec<RateSource>,
    pub first_rates: Vec<(Currency, Price)>,
    /// Codes of these markets.
    pub codes: Vec<String>,
    pub clock: Clock,
    pub console: Console,
    pub currency: Currency,
    pub stop: StopSettings,
    /// After how long to stop by itself.
    pub span: Option<Span>,
    /// What requests go through; none on paper.
    pub gateway: Option<Arc<Gateway>>,
    /// The kill switch; none on paper, where the latch alone is looked at.
    pub guard: Option<Guard>,
    pub latch: Arc<Latch>,
    pub heartbeat: Heartbeat,
    /// Who collects evidence here, and where.
    pub evidence: Option<(Vec<Subject>, String)>,
    pub notifier: Notifier,
    pub metrics: Metrics,
    /// Looks at the exchange's clock.
    pub clockwork: Client,
    /// Where to say how far a flatten is.
    pub flat_file: PathBuf,
    /// A person let trading go on since the last session, which had been stopped.
    pub resumed: bool,
}

/// How often the console says where the session stands.
const STATUS_EVERY: Span = Span::from_secs(60);
/// How often evidence is written, so that little is lost with the process.
const EVIDENCE_EVERY: Span = Span::from_minutes(10);

type Result2<T> = Result<T, Failure>;

impl MachineRoom {
    /// Runs the session until it stops. Call it within a runtime of several threads.
    pub async fn run(self) -> Result2<Ended> {
        let (sender, inbox) = inbox();
        let (own, own_orders) = watch::channel(Vec::new());
        let (end_feed, feed_ends) = watch::channel(());
        let signals = Signals::listen()?;
        // Rates first: from here on they age.
        let rates =
            self.first_rates.iter().map(|(currency, rate)| News::Rate { currency: *currency, rate: *rate });
        let history = rates.chain(warm_up_news(&self.history)).collect();
        let rates = tokio::spawn(
            RatesTask {
                sources: self.rates,
                clock: Arc::clone(&self.clock),
                ends: feed_ends.clone(),
                inbox: sender.clone(),
                console: self.console.clone(),
                notifier: self.notifier.clone(),
            }
            .run(),
        );
        let codes = self.history.iter().map(|(market, _)| *market).zip(self.codes).collect();
        let feed = tokio::spawn(feed_task(FeedTask {
            exchange: Arc::clone(&self.exchange),
            desk: self.desk,
            clock: Arc::clone(&self.clock),
            own: own_orders,
            ends: feed_ends,
            inbox: sender.clone(),
            console: self.console.clone(),
            metrics: self.metrics.clone(),
            codes,
            history,
        }));
        tokio::spawn(watch_clock(self.clockwork, Arc::clone(&self.clock), sender.clone()));
        tokio::spawn(signals.pass_on(sender.clone()));
        if let Some(span) = self.span {
            tokio::spawn(stop_after(span, sender.clone()));
        }
        if self.resumed {
            let (operator, change) = (Operator::Resume, self.latch.record().change);
            let _ = sender.send(Input::Operator { operator, change }).await; // the session has not begun to end
        }
        match &self.guard {
            Some(guard) => tokio::spawn(session::follow_guard(guard.clone(), sender.clone())),
            None => tokio::spawn(session::follow_latch(Arc::clone(&self.latch), sender.clone())),
        };
        let turn = Turn {
            own,
            guard: self.guard.clone(),
            heartbeat: Some(self.heartbeat),
            console: self.console.clone(),
            currency: self.currency,
            evidence: self
                .evidence
                .map(|(subjects, environment)| Book::new(subjects, environment, (self.clock)())),
            next_status: (self.clock)().plus(STATUS_EVERY),
            notifier: self.notifier.clone(),
            flat: FlatFile::new(self.flat_file),
            figures: Figures::new(self.metrics.clone()),
            latch: Arc::clone(&self.latch),
        };
        let (done, result) = oneshot::channel();
        let engine_thread = EngineThread {
            mode: self.mode,
            inbox,
            clock: self.clock,
            stop: self.stop,
            gateway: self.gateway,
            sender: sender.clone(),
            handle: tokio::runtime::Handle::current(),
            turn,
            guard: self.guard,
            metrics: self.metrics,
        };
        let spawned = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let _ = done.send(engine_thread.run());
        });
        spawned.map_err(|error| Failure::Run(format!("no thread for the engine: {error}")))?;
        let ended =
            result.await.unwrap_or_else(|_| Err(Failure::Defect("the engine's thread panicked".to_owned())));
        drop(end_feed);
        // A panic there was told by its own message.
        let _ = feed.await;
        let _ = rates.await;
        ended
    }
}

/// The thread that owns engine and journal.
struct EngineThread {
    mode: Box<dyn Mode + Send>,
    inbox: session::Inbox,
    clock: Clock,
    stop: StopSettings,
    gateway: Option<Arc<Gateway>>,
    sender: mpsc::Sender<Input>,
    handle: tokio::runtime::Handle,
    turn: Turn,
    guard: Option<Guard>,
    metrics: Metrics,
}

impl EngineThread {
    fn run(self) -> Result2<Ended> {
        let Self { mut mode, inbox, clock, stop, gateway, sender, handle, mut turn, guard, metrics } = self;
        let _sentinel = guard.as_ref().map(|guard| guard.sentinel("the engine"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| Failure::Run(format!("the engine cannot start: {error}")))?;
        let console = turn.console.clone();
        let cell = std::cell::RefCell::new(&mut turn);
        let mut send = |outgoing: Outgoing| {
            let Some(gateway) = gateway.clone() else { return };
            let (sender, metrics) = (sender.clone(), metrics.clone());
            handle.spawn(async move {
                let Outgoing { venue, id, request } = outgoing;
                let class = figures::class(&request);
                let answer = gateway.carry_out(request).await;
                metrics.answered(class, figures::outcome(&answer));
                let _ = sender.send(Input::Answer { venue, id, answer }).await; // too late for anybody to hear
            });
        };
        let result = runtime.block_on(run(
            mode.as_mut(),
            inbox,
            stop,
            SessionHooks {
                clock: &*clock,
                send: &mut send,
                turn: &mut |turned| cell.borrow_mut().turn(turned),
                note: &mut |note| {
                    console.note(clock(), note);
                    cell.borrow().note(note);
                },
                audit: &mut |engine, audit| cell.borrow_mut().audit(engine, audit, clock()),
                committed: &mut |took| metrics.committed(took),
            },
        ));
        let now = clock();
        match result {
            Ok(ended) => {
                turn.finish(mode.as_mut(), now);
                let reason = if ended.clean { "stopped" } else { "stopped with orders open" };
                mode.end(now, reason).map_err(|error| Failure::Run(error.to_string()))?;
                Ok(ended)
            }
            Err(error) => {
                if let (Some(guard), SessionError::Journal(_)) = (&guard, &error) {
                    guard.trip(Level::Halt, error.to_string(), "journal");
                    // It cancels by itself, without this thread; the process must live that long.
                    handle
                        .block_on(async {
                            tokio::time::timeout(Duration::from_mins(2), guard.cleared()).await
                        })
                        .ok();
                }
                Err(Failure::Run(error.to_string()))
            }
        }
    }
}

/// What is done after each turn of the loop.
struct Turn {
    own: watch::Sender<Vec<OwnOrder>>,
    guard: Option<Guard>,
    heartbeat: Option<Heartbeat>,
    console: Console,
    currency: Currency,
    evidence: Option<Book>,
    next_status: Timestamp,
    notifier: Notifier,
    flat: FlatFile,
    figures: Figures,
    latch: Arc<Latch>,
}

impl Turn {
    fn turn(&mut self, Turned { engine, pen, undecided, now }: Turned<'_>) {
        if let Some(guard) = &self.guard {
            guard.pulse();
        }
        if let Some(heartbeat) = &mut self.heartbeat
            && let Err(error) = heartbeat.beat(now)
        {
            // The watchdog will take this process for dead, so it must not trade on.
            self.trip(Level::Halt, &error.to_string(), "heartbeat");
            self.heartbeat = None;
        }
        if self.guard.is_some() {
            let orders = feed::own_orders(engine);
            self.own.send_if_modified(|known| {
                let changed = *known != orders;
                *known = orders;
                changed
            });
        }
        self.figures.turn(engine, now);
        self.flat.turn(&self.latch, engine, undecided, &self.console);
        if now >= self.next_status {
            self.next_status = now.plus(STATUS_EVERY);
            self.console.status(now, engine, self.currency);
        }
        if let Some(book) = &mut self.evidence {
            book.write(pen, now, EVIDENCE_EVERY);
        }
    }

    fn audit(&mut self, engine: &Engine, audit: &Audit, now: Timestamp) {
        self.console.audit(now, audit);
        self.figures.audit(engine, audit);
        match audit {
            Audit::Filled { strategy, .. } => {
                if let Some(book) = &mut self.evidence {
                    book.fills.entry(strategy.index()).and_modify(|count| *count += 1).or_insert(1);
                }
            }
            Audit::State { state: TradingState::Active, .. } => {
                // A watchdog that acted on the halt watches again.
                if let Some(Err(error)) = self.heartbeat.as_mut().map(|heartbeat| heartbeat.renew(now)) {
                    self.trip(Level::Halt, &error.to_string(), "heartbeat");
                }
            }
            Audit::State { strategy, state, reason, .. } if *reason != TripReason::Operator => {
                let text = format!("{reason:?}");
                let all = strategy.is_none() || engine.strategy_count() == 1;
                match state {
                    TradingState::Halted if all => self.trip(Level::Halt, &text, "engine"),
                    TradingState::ReduceOnly if all => self.trip(Level::Reduce, &text, "engine"),
                    TradingState::Active => {}
                    _ => {
                        let notice = "A strategy was stopped; the others go on";
                        self.notifier.send(Notice::new(Severity::Critical, "strategy", notice, text));
                    }
                }
            }
            _ => {}
        }
    }

    /// What execution stopped stays stopped until a person resumes, over a restart too.
    fn note(&self, note: &Note) {
        if let Note::Stopped { state, reason } = note {
            let level = if *state == TradingState::Halted { Level::Halt } else { Level::Reduce };
            self.trip(level, reason, "execution");
        }
    }

    fn trip(&self, level: Level, reason: &str, by: &str) {
        if let Some(guard) = &self.guard {
            guard.trip(level, reason, by);
        } else if let Err(error) = self.latch.engage(level, reason, by) {
            tracing::warn!(%error, "the stop cannot be written down, and a restart would not know of it");
        }
    }

    fn finish(&mut self, mode: &mut dyn Mode, now: Timestamp) {
        let Self { evidence, heartbeat, .. } = self;
        if let Some(book) = evidence {
            mode.turned(&mut |_, pen| book.write(pen, now, Span::ZERO));
        }
        if let Some(Err(error)) = heartbeat.take().map(|heartbeat| heartbeat.end(now)) {
            tracing::warn!(%error, "the watchdog cannot be told that this is the end");
        }
    }
}

/// Evidence that is being collected.
struct Book {
    subjects: Vec<Subject>,
    environment: String,
    since: Timestamp,
    /// Executions since then, by strategy.
    fills: BTreeMap<usize, u64>,
}

impl Book {
    fn new(subjects: Vec<Subject>, environment: String, now: Timestamp) -> Self {
        Self { subjects, environment, since: now, fills: BTreeMap::new() }
    }

    /// Writes a piece down if enough time has passed.
    fn write(&mut self, pen: &mut Pen, now: Timestamp, after: Span) {
        let lasted = now.since(self.since);
        if lasted <= Span::ZERO || lasted < after {
            return;
        }
        for (index, subject) in self.subjects.iter().enumerate() {
            let fills = self.fills.get(&index).copied().unwrap_or(0);
            let evidence = Evidence {
                subject: subject.clone(),
                shown: Shown::Paper { lasted, fills },
                environment: self.environment.clone(),
                at: now,
            };
            if let Err(error) = pen.journal().add_evidence(&(&evidence).into()) {
                tracing::warn!(%error, "evidence is lost");
            }
        }
        self.since = now;
        self.fills.clear();
    }
}

/// The candles of before, oldest first.
fn warm_up_news(history: &[(MarketId, History)]) -> Vec<News> {
    let mut news: Vec<(Timestamp, News)> = Vec::new();
    for (market, history) in history {
        for candles in &history.candles {
            let (market, span) = (*market, candles.span);
            let closed = candles.closed.iter();
            news.extend(
                closed.map(|candle| {
                    (candle.open_time.plus(span), News::Candle { market, span, candle: *candle })
                }),
            );
        }
    }
    news.sort_by_key(|(closed, _)| *closed);
    news.into_iter().map(|(_, news)| news).collect()
}

/// Market data on its way to the inbox.
struct FeedTask {
    exchange: Arc<dyn Exchange>,
    desk: Desk,
    clock: Clock,
    own: watch::Receiver<Vec<OwnOrder>>,
    ends: watch::Receiver<()>,
    inbox: mpsc::Sender<Input>,
    console: Console,
    metrics: Metrics,
    codes: BTreeMap<MarketId, String>,
    /// What comes before everything live.
    history: Vec<News>,
}

async fn feed_task(task: FeedTask) {
    let FeedTask { exchange, desk, clock, own, mut ends, inbox, console, metrics, codes, history } = task;
    // The inbox is short, and nobody reads it before the session has begun.
    for news in history {
        if inbox.send(Input::News(news)).await.is_err() {
            return;
        }
    }
    let (sender, mut messages) = mpsc::channel::<FeedMessage>(64);
    let shutdown = async move {
        let _ = ends.changed().await; // the other end is dropped
    };
    let feed = tokio::spawn(feed::run(exchange, desk, clock, own, sender, shutdown));
    let mut failing = false;
    while let Some(message) = messages.recv().await {
        match &message.error {
            Some(error) if !failing => {
                failing = true;
                let facts = serde_json::json!({ "code": error.code() });
                console.say(message.at, "feed", &format!("market data: {error}; trying again"), facts);
            }
            None if failing => {
                failing = false;
                console.say(message.at, "feed", "market data is back", serde_json::Value::Null);
            }
            _ => {}
        }
        if let (None, Some(code)) = (&message.error, message.market.and_then(|market| codes.get(&market))) {
            metrics.market_seen(code, message.at);
        }
        for news in message.news {
            tell(&console, message.at, &news);
            if inbox.send(Input::News(news)).await.is_err() {
                return;
            }
        }
    }
    let _ = feed.await;
}

/// What a person wants to know of the market data.
fn tell(console: &Console, at: Timestamp, news: &News) {
    let null = serde_json::Value::Null;
    match news {
        News::Gap { from, to, .. } => {
            console.say(at, "gap", &format!("trades between {from} and {to} may be missing"), null);
        }
        News::Stale { .. } => console.say(at, "stale", "market data is stale: no increasing orders", null),
        News::Fresh { .. } => console.say(at, "fresh", "market data is fresh again", null),
        _ => {}
    }
}

/// Compares the local clock with the exchange's, which tells whole seconds, from time to time.
async fn watch_clock(client: Client, clock: Clock, inbox: mpsc::Sender<Input>) {
    let mut looks = tokio::time::interval(Duration::from_mins(1));
    loop {
        looks.tick().await;
        let before = clock();
        let Ok(probe) = client.probe().await else { continue };
        let Some(server) = probe.server_time else { continue };
        let skew = skew(before, clock(), server);
        if inbox.send(Input::ClockSkew(skew)).await.is_err() {
            return;
        }
    }
}

/// How far the clocks are apart at least: the server looked at its own between asking and answer, and cut off the part
/// of a second.
fn skew(asked: Timestamp, answered: Timestamp, server: Timestamp) -> Span {
    let ahead = asked.since(server.plus(Span::from_secs(1)));
    let behind = server.since(answered);
    ahead.max(behind).max(Span::ZERO)
}

async fn stop_after(span: Span, inbox: mpsc::Sender<Input>) {
    let wait = u64::try_from(span.as_nanos()).map_or(Duration::ZERO, Duration::from_nanos);
    tokio::time::sleep(wait).await;
    let _ = inbox.send(Input::Stop(StopMode::Orderly)).await; // it has stopped already
}

/// Ctrl-C and termination: once in order, twice at once.
struct Signals {
    interrupted: Signal,
    terminated: Signal,
}

impl Signals {
    fn listen() -> Result2<Self> {
        let cannot = |error: std::io::Error| Failure::Run(format!("signals cannot be waited for: {error}"));
        Ok(Self {
            interrupted: signal(SignalKind::interrupt()).map_err(cannot)?,
            terminated: signal(SignalKind::terminate()).map_err(cannot)?,
        })
    }

    async fn pass_on(mut self, inbox: mpsc::Sender<Input>) {
        for mode in [StopMode::Orderly, StopMode::Now] {
            tokio::select! {
                _ = self.interrupted.recv() => {}
                _ = self.terminated.recv() => {}
            }
            // An engine that is stuck must not hold up those who want out.
            let _ = tokio::time::timeout(Duration::from_secs(1), inbox.send(Input::Stop(mode))).await;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        std::process::exit(7);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_differ_only_by_what_nothing_else_explains() {
        let at = |millis: i64| Timestamp::from_nanos(millis * 1_000_000);
        assert_eq!(skew(at(10_200), at(10_700), at(10_000)), Span::ZERO, "cut off to the second");
        assert_eq!(skew(at(10_900), at(11_300), at(11_000)), Span::ZERO, "asked before, answered after");
        assert_eq!(skew(at(15_000), at(15_200), at(10_000)), Span::from_secs(4), "ahead");
        assert_eq!(skew(at(5_000), at(6_000), at(10_000)), Span::from_secs(4), "behind");
    }
}
