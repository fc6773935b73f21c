//! The task that watches everything that can stop trading, and stops it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::latch::{Latch, LatchRecord, Level};
use super::sweep::{Account, Phase, Progress, SweepSettings, Sweeps};
use crate::kill_point::{KillPoint, reach};
use crate::notify::{Notice, Notifier, Severity};
use crate::state_dir::wall_clock;

/// How the guard watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardSettings {
    /// How often the latch file is looked at. 20 ms; more than 50 ms counts as 50.
    pub poll: Duration,
    /// How long to wait for the disk to keep the stop before orders are cancelled. 300 ms.
    pub disk_patience: Duration,
    /// An engine that has called [`Guard::pulse`] and then does not for so long is stuck, which halts. 30 s.
    pub stuck_after: Duration,
    /// How orders are cancelled.
    pub sweep: SweepSettings,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(20),
            disk_patience: Duration::from_millis(300),
            stuck_after: Duration::from_secs(30),
            sweep: SweepSettings::default(),
        }
    }
}

/// What stands, and how far the cancelling is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The latch: level, reason, who and when.
    pub record: LatchRecord,
    /// The cancelling.
    pub progress: Progress,
}

/// The handle of the kill switch. Clones are the same switch; dropping the last one ends its task, whatever it is at:
/// wait for [`Guard::cleared`] before.
#[derive(Clone, Debug)]
pub struct Guard {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    latch: Arc<Latch>,
    trips: mpsc::UnboundedSender<Trip>,
    record: watch::Receiver<LatchRecord>,
    /// By venue.
    progress: Vec<(String, watch::Receiver<Progress>)>,
    pulse: Arc<Pulse>,
}

/// Why to stop.
#[derive(Debug)]
struct Trip {
    level: Level,
    reason: String,
    by: String,
    at: Instant,
}

/// When the engine last moved.
#[derive(Debug)]
struct Pulse {
    origin: Instant,
    /// Milliseconds since the origin, and one; zero for never.
    last: AtomicU64,
}

impl Pulse {
    fn beat(&self) {
        let now = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now.saturating_add(1), Ordering::Release);
    }

    /// How long ago; nothing if never.
    fn age(&self) -> Option<Duration> {
        let last = self.last.load(Ordering::Acquire).checked_sub(1)?;
        Some(self.origin.elapsed().saturating_sub(Duration::from_millis(last)))
    }
}

impl Guard {
    /// Starts the guard on a thread of its own, which also listens for `SIGUSR1`. It cancels on every account.
    ///
    /// Give it exchange clients that nothing else uses (their own connections, [`urgent`] requests): connections
    /// belong to the thread that opened them, and the others may be stuck.
    ///
    /// [`urgent`]: pampero_exchange::Class::Panic
    ///
    /// # Errors
    ///
    /// Where the operating system gives no thread or no signal.
    pub fn start(
        accounts: Vec<Account>,
        latch: Arc<Latch>,
        settings: GuardSettings,
        notifier: Notifier,
    ) -> io::Result<Self> {
        let (guard, task) = Self::parts(accounts, latch, settings, notifier);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signal = {
            let _inside = runtime.enter();
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::user_defined1())?
        };
        std::thread::Builder::new()
            .name("guard".to_owned())
            .spawn(move || runtime.block_on(task.run(Some(signal))))?;
        Ok(guard)
    }

    /// The handle, and the task to run.
    pub(super) fn parts(
        accounts: Vec<Account>,
        latch: Arc<Latch>,
        settings: GuardSettings,
        notifier: Notifier,
    ) -> (Self, Task) {
        let (trips, tripped) = mpsc::unbounded_channel();
        let (records, record) = watch::channel(latch.record());
        let flattening = Arc::clone(&latch);
        let resting = Arc::new(move || flattening.is_flattening());
        let sweeps = Sweeps::new(accounts, settings.sweep.clone(), notifier.clone(), resting);
        let progress = sweeps.progress();
        let pulse = Arc::new(Pulse { origin: Instant::now(), last: AtomicU64::new(0) });
        let task = Task {
            latch: Arc::clone(&latch),
            settings,
            notifier,
            trips: tripped,
            record: records,
            pulse: Arc::clone(&pulse),
            sweeps,
            look: None,
            seen: 0,
        };
        (Self { shared: Arc::new(Shared { latch, trips, record, progress, pulse }) }, task)
    }

    /// Stops trading. Returns at once, from any thread, and blocks orders before it returns; writing, cancelling and
    /// verifying go on by themselves. A milder level than what stands changes nothing.
    pub fn trip(&self, level: Level, reason: impl Into<String>, by: impl Into<String>) {
        let raised = self.shared.latch.block(level);
        // To flatten can be asked for again; for the rest, what stands has been seen to.
        if raised || level == Level::Flatten {
            let trip = Trip { level, reason: reason.into(), by: by.into(), at: Instant::now() };
            let _ = self.shared.trips.send(trip); // without its task, what is blocked stays blocked
        }
    }

    /// The latch, for the gateway to look at.
    pub fn latch(&self) -> &Arc<Latch> {
        &self.shared.latch
    }

    /// To be called by the engine's loop whenever it goes round.
    pub fn pulse(&self) {
        self.shared.pulse.beat();
    }

    /// What stands now.
    pub fn status(&self) -> Status {
        let record = self.shared.record.borrow().clone();
        let progress = self.shared.progress.iter();
        let progress: Vec<_> =
            progress.map(|(venue, progress)| (venue.clone(), progress.borrow().clone())).collect();
        Status { record, progress: Progress::together(&progress) }
    }

    /// How far the cancelling is at a venue.
    pub fn progress(&self, venue: &str) -> Progress {
        let found = self.shared.progress.iter().find(|(name, _)| name == venue);
        found.map(|(_, progress)| progress.borrow().clone()).unwrap_or_default()
    }

    /// The latch, to wait for its changes: the engine is told of each as a control.
    pub fn changes(&self) -> watch::Receiver<LatchRecord> {
        self.shared.record.clone()
    }

    /// Waits until nothing is left to cancel on any account, seen twice, or trading is not stopped.
    pub async fn cleared(&self) {
        let latch = &self.shared.latch;
        for (_, progress) in &self.shared.progress {
            let clear = |progress: &Progress| !latch.level().is_halt() || progress.phase >= Phase::Clear;
            let _ = progress.clone().wait_for(clear).await; // the task only ends with its handles
        }
    }

    /// Halts if the thread that holds it panics. `what` names the thread in the reason.
    pub fn sentinel(&self, what: &'static str) -> Sentinel {
        Sentinel { guard: self.clone(), what }
    }
}

/// Halts when it is dropped by a panic.
#[derive(Debug)]
#[must_use = "it watches until it is dropped"]
pub struct Sentinel {
    guard: Guard,
    what: &'static str,
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.guard.trip(Level::Halt, format!("{} panicked", self.what), "panic");
        }
    }
}

/// The task behind the handle.
pub(super) struct Task {
    latch: Arc<Latch>,
    settings: GuardSettings,
    notifier: Notifier,
    trips: mpsc::UnboundedReceiver<Trip>,
    record: watch::Sender<LatchRecord>,
    pulse: Arc<Pulse>,
    sweeps: Sweeps,
    /// A look at the latch file that is under way. On another thread, since a disk may hang.
    look: Option<JoinHandle<LatchRecord>>,
    /// The last change of the latch that was seen to.
    seen: u64,
}

impl Task {
    /// Runs until the last handle is dropped.
    pub async fn run(mut self, mut signal: Option<tokio::signal::unix::Signal>) {
        let mut ticks =
            interval(self.settings.poll.clamp(Duration::from_millis(1), Duration::from_millis(50)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was engaged by an earlier run is seen to again: it may have died before it was done.
        let record = self.record.borrow().clone();
        if record.change > 0 {
            self.apply(record, Instant::now());
        }
        loop {
            tokio::select! {
                biased;
                trip = self.trips.recv() => match trip {
                    Some(trip) => self.stop(trip).await,
                    None => break,
                },
                () = received(&mut signal) => self.trip(Level::Halt, "the signal SIGUSR1", "signal").await,
                record = finished(&mut self.look) => {
                    self.look = None;
                    if let Some(record) = record {
                        self.apply(record, Instant::now());
                    }
                }
                _ = ticks.tick() => self.watch().await,
            }
        }
    }

    async fn trip(&mut self, level: Level, reason: &str, by: &str) {
        self.latch.block(level);
        self.stop(Trip { level, reason: reason.to_owned(), by: by.to_owned(), at: Instant::now() }).await;
    }

    /// Writes the stop down, then cancels; a disk that hangs or is broken holds the cancelling up for a moment only.
    async fn stop(&mut self, trip: Trip) {
        let latch = Arc::clone(&self.latch);
        let (level, reason, by) = (trip.level, trip.reason.clone(), trip.by.clone());
        let write = spawn_blocking(move || latch.engage(level, &reason, &by).map(|()| latch.record()));
        let problem = match timeout(self.settings.disk_patience, write).await {
            Ok(Ok(Ok(record))) => return self.apply(record, trip.at),
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the disk does not answer".to_owned(),
        };
        let text = format!(
            "trading is stopped, but a restart would not know: {problem}. Pampero keeps trying to write it down; do \
             not restart before it has"
        );
        self.notifier.send(Notice::new(Severity::Critical, "latch", "The stop cannot be written down", text));
        let before = self.record.borrow().clone();
        let record = LatchRecord {
            level: trip.level.max(before.level),
            reason: trip.reason,
            by: trip.by,
            at: wall_clock(),
            ..before
        };
        self.enforce(record, trip.at);
    }

    /// Looks at the file, at the engine, and at the cancelling itself.
    async fn watch(&mut self) {
        if self.look.is_none() {
            let latch = Arc::clone(&self.latch);
            self.look = Some(spawn_blocking(move || {
                latch.refresh();
                latch.record()
            }));
        }
        let stuck = self.pulse.age().filter(|age| *age > self.settings.stuck_after);
        if let Some(age) = stuck.filter(|_| !self.latch.level().is_halt()) {
            self.trip(Level::Halt, &format!("the engine has not moved for {} s", age.as_secs()), "guard")
                .await;
        }
        if self.latch.level().is_halt() {
            self.sweeps.revive();
        }
    }

    /// Sees to a change of the latch, once.
    fn apply(&mut self, record: LatchRecord, at: Instant) {
        if record.change > self.seen {
            self.seen = record.change;
            self.enforce(record, at);
        }
    }

    fn enforce(&mut self, record: LatchRecord, at: Instant) {
        let text = format!("{} ({}, {})", record.reason, record.by, record.environment);
        let (severity, title) = match record.level {
            Level::Active => (Severity::Warning, "Trading is allowed again"),
            Level::Reduce => (Severity::Critical, "Only orders that make positions smaller"),
            Level::Halt => (Severity::Critical, "Trading is stopped, orders are being cancelled"),
            Level::Flatten => (Severity::Critical, "Trading is stopped, positions are to be sold"),
        };
        let level = record.level;
        self.record.send_replace(record);
        match level {
            Level::Halt | Level::Flatten => {
                reach(KillPoint::Halting);
                self.sweeps.start(at);
            }
            Level::Reduce => {}
            Level::Active => self.sweeps.stop(),
        }
        self.notifier.send(Notice::new(severity, "kill_switch", title, text));
    }
}

/// The next signal; never without one to listen to.
async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    let came = match signal {
        Some(signal) => signal.recv().await.is_some(),
        None => false,
    };
    if !came {
        std::future::pending::<()>().await;
    }
}

/// The end of a look that is under way; never without one.
async fn finished(look: &mut Option<JoinHandle<LatchRecord>>) -> Option<LatchRecord> {
    match look {
        Some(look) => look.await.ok(),
        None => std::future::pending().await,
    }
}
