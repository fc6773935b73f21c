//! The machine room of a session: threads, tasks and signals around the loop of the runtime.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pampero_engine::{Audit, Engine, TradingState, TripReason};
use pampero_exchange::Exchange;
use pampero_model::{Currency, MarketId, Price, Span, Timestamp, VenueId};
use pampero_runtime::execution::Note;
use pampero_runtime::feed::{Clock, Desk, History, News, OwnOrder, RateSource, own_orders};
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
use super::feeds::{Feeds, Watched, Watcher, warm_up_news, watch_clocks};
use super::figures::{self, Figures};
use super::flat::FlatFile;
use super::ground::JOURNAL_STUCK;
use super::rates::RatesTask;
use crate::error::Failure;

/// Everything that a session is run with.
pub(super) struct MachineRoom {
    pub mode: Box<dyn Mode + Send>,
    /// In the order in which the engine numbers them.
    pub venues: Vec<Station>,
    /// Rates from outside the markets, and what they were just now.
    pub rates: Vec<RateSource>,
    pub first_rates: Vec<(Currency, Price)>,
    pub clock: Clock,
    pub console: Console,
    pub currency: Currency,
    pub stop: StopSettings,
    /// After how long to stop by itself.
    pub span: Option<Span>,
    /// The kill switch; none on paper, where the latch alone is looked at.
    pub guard: Option<Guard>,
    pub latch: Arc<Latch>,
    pub heartbeat: Heartbeat,
    /// Who collects evidence here, and where.
    pub evidence: Option<(Vec<Subject>, String)>,
    pub notifier: Notifier,
    pub metrics: Metrics,
    /// Where to say how far a flatten is.
    pub flat_file: PathBuf,
    /// A person let trading go on since the last session, which had been stopped.
    pub resumed: bool,
}

/// A venue in the machine room.
pub(super) struct Station {
    /// For market data and the clock.
    pub exchange: Arc<dyn Exchange>,
    pub desk: Desk,
    pub history: Vec<(MarketId, History)>,
    /// What requests go through; none on paper.
    pub gateway: Option<Arc<Gateway>>,
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
        let history = self.venues.iter().flat_map(|venue| &venue.history);
        let history = rates.chain(warm_up_news(history)).collect();
        let clocks = self.venues.iter().map(|venue| Arc::clone(&venue.exchange)).collect();
        let gateways = self.venues.iter().map(|venue| venue.gateway.clone()).collect();
        let watched = (0..).map(VenueId).zip(self.venues);
        let watched =
            watched.map(|(venue, Station { exchange, desk, .. })| Watched { venue, exchange, desk });
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
        let watcher = Watcher {
            clock: Arc::clone(&self.clock),
            own: own_orders,
            ends: feed_ends,
            inbox: sender.clone(),
            console: self.console.clone(),
            metrics: self.metrics.clone(),
        };
        let feeds = tokio::spawn(Feeds { venues: watched.collect(), history, watcher }.run());
        tokio::spawn(watch_clocks(clocks, Arc::clone(&self.clock), sender.clone()));
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
            gateways,
            sender: sender.clone(),
            handle: tokio::runtime::Handle::current(),
            turn,
            guard: self.guard,
            metrics: self.metrics,
        };
        let spawned = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let _ = done.send(engine_thread.run());
        });
        spawned.map_err(|error| Failure::system("no thread for the engine", &error))?;
        let ended =
            result.await.unwrap_or_else(|_| Err(Failure::Defect("the engine's thread panicked".to_owned())));
        drop(end_feed);
        // A panic there was told by its own message.
        let _ = feeds.await;
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
    /// By venue.
    gateways: Vec<Option<Arc<Gateway>>>,
    sender: mpsc::Sender<Input>,
    handle: tokio::runtime::Handle,
    turn: Turn,
    guard: Option<Guard>,
    metrics: Metrics,
}

impl EngineThread {
    fn run(self) -> Result2<Ended> {
        let Self { mut mode, inbox, clock, stop, gateways, sender, handle, mut turn, guard, metrics } = self;
        let _sentinel = guard.as_ref().map(|guard| guard.sentinel("the engine"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| Failure::system("the engine cannot start", &error))?;
        let console = turn.console.clone();
        let cell = std::cell::RefCell::new(&mut turn);
        let mut send = |outgoing: Outgoing| {
            let Some(gateway) = gateways.get(outgoing.venue.index()).cloned().flatten() else { return };
            let (sender, metrics) = (sender.clone(), metrics.clone());
            handle.spawn(async move {
                let Outgoing { venue, id, request } = outgoing;
                let class = figures::class(&request);
                let answer = gateway.carry_out(request).await;
                metrics.answered(gateway.exchange().venue(), class, figures::outcome(&answer));
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
                note: &mut |venue, note| {
                    console.note(clock(), venue, note);
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
                mode.end(now, reason).map_err(|error| Failure::run(error.to_string(), JOURNAL_STUCK))?;
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
                Err(Failure::run(error.to_string(), JOURNAL_STUCK))
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
            let orders = own_orders(engine);
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
        let cannot = |error: std::io::Error| Failure::system("signals cannot be waited for", &error);
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
