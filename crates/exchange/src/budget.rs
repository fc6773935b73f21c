//! The requests a second that every process of an account shares.
//!
//! An own limiter, since none of the well-kept ones (`governor`, `tower`) knows priorities, guaranteed shares, or
//! other processes; the part that decides whose turn it is is one pure function in `share`.
//!
//! Nobody owns a future slot. A waiter takes the next slot when it is due, in the same step in which it learns
//! that it is its turn, so that a waiter that goes away costs nobody anything.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::budget_file::{Ledger, LedgerFile};
use crate::share::{CLASSES, Claim, Class, choose};

/// How requests are spaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetConfig {
    /// Time between two requests. Of 200 ms and more, so that no second sees six.
    pub pace: Duration,
    /// A file through which processes share the budget; one for each environment and host. Without it, the budget
    /// is this process's own.
    pub file: Option<PathBuf>,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { pace: Duration::from_millis(220), file: None }
    }
}

/// A budget that cannot be set up.
#[derive(Debug, Error)]
pub enum BudgetError {
    /// The pace would let six requests into one second.
    #[error("a request every {0:?} is too fast: the exchange allows five a second, so set 200 ms or more")]
    TooFast(Duration),
    /// The shared file cannot be opened.
    #[error(
        "the file `{path}`, through which processes share the request budget, cannot be opened: {source}"
    )]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// How long requests of a class waited for their turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitStats {
    /// Requests that had their turn.
    pub count: u64,
    /// All their waiting together.
    pub total: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// How many waited no longer than each of [`WaitStats::BOUNDS_MS`], and longer than the bound before.
    pub buckets: [u64; 9],
}

impl WaitStats {
    /// Upper bounds of the buckets in milliseconds.
    pub const BOUNDS_MS: [u64; 9] = [1, 50, 220, 500, 1_000, 2_000, 5_000, 10_000, u64::MAX];

    fn record(&mut self, wait: Duration) {
        self.count += 1;
        self.total += wait;
        self.longest = self.longest.max(wait);
        let bucket = Self::BOUNDS_MS.iter().position(|bound| wait.as_millis() <= u128::from(*bound));
        if let Some(count) = bucket.and_then(|bucket| self.buckets.get_mut(bucket)) {
            *count += 1;
        }
    }
}

/// The request budget. Clones share it.
///
/// ```
/// use pampero_exchange::{Budget, BudgetConfig, Class};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let budget = Budget::new(BudgetConfig::default())?;
/// budget.acquire(Class::MarketData).await; // then send one request
/// assert_eq!(budget.waits(Class::MarketData).count, 1);
/// # Ok::<(), pampero_exchange::BudgetError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Budget {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pace: Duration,
    file: Option<LedgerFile>,
    clock: Clock,
    state: Mutex<State>,
    /// Somebody left the queue, so that it may be another's turn.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// What was last read from the file, or all there is without one.
    ledger: Ledger,
    /// Who waits, by class: ticket and since when.
    queues: [VecDeque<(u64, u64)>; CLASSES],
    next_ticket: u64,
    /// When this process last sent, by a clock that nobody sets.
    last_send: Option<Instant>,
    /// When this process last wrote to the file that a class waits.
    words: [u64; CLASSES],
    /// Since when another process holds the lock.
    locked_out: Option<Instant>,
    waits: [WaitStats; CLASSES],
}

/// Processes share the wall clock; a process alone does better with one that nobody sets.
#[derive(Clone, Copy, Debug)]
enum Clock {
    Wall,
    Since(Instant),
}

/// Where a time comes from the file, another process or an earlier run may have had another clock.
const LONGEST_BACK_OFF: Duration = Duration::from_mins(2);
/// The emergency stop waits no longer than this for a back-off.
const PANIC_BACK_OFF: Duration = Duration::from_secs(1);
/// A claim of another process that is older than this is of one that is gone.
const CLAIM_LIFE: Duration = Duration::from_millis(300);
/// After so long, whoever holds the lock is stopped and sends nothing.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

impl Clock {
    fn now(self) -> u64 {
        match self {
            Self::Wall => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, nanos),
            // Not from zero, which means never.
            Self::Since(start) => nanos(start.elapsed()).saturating_add(nanos(LONGEST_BACK_OFF)),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What a waiter finds when it looks.
#[derive(Debug)]
enum Turn {
    Taken,
    /// Another of this process is before it.
    Another,
    /// Look again after this.
    In(Duration),
}

/// What a waiter brings to the ledger.
struct Ask {
    class: Class,
    /// Since when each class waits in this process.
    own: [Option<u64>; CLASSES],
    /// Whether nobody else of the class waits in this process.
    alone: bool,
    last_send: Option<Instant>,
    /// When this process last wrote of each class that somebody waits.
    words: [u64; CLASSES],
    now: u64,
}

/// Times from the future are of a clock that was set back since: the wait starts anew, now.
fn believe(ledger: &mut Ledger, now: u64) {
    ledger.last_send = ledger.last_send.min(now);
    ledger.back_off_until = ledger.back_off_until.min(now.saturating_add(nanos(LONGEST_BACK_OFF)));
    for claim in &mut ledger.claims {
        claim.granted = claim.granted.min(now);
        claim.since = claim.since.min(now);
        claim.seen = claim.seen.min(now);
    }
}

/// A place in the queue; dropping it leaves the queue.
struct Ticket<'a> {
    inner: &'a Inner,
    class: Class,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        if let Some(queue) = state.queues.get_mut(self.class.index()) {
            queue.retain(|(number, _)| *number != self.number);
        }
        drop(state);
        self.inner.changed.notify_waiters();
    }
}

impl Budget {
    /// A budget of this process, or one shared through a file.
    pub fn new(config: BudgetConfig) -> Result<Self, BudgetError> {
        if config.pace < Duration::from_millis(200) {
            return Err(BudgetError::TooFast(config.pace));
        }
        let clock = if config.file.is_some() { Clock::Wall } else { Clock::Since(Instant::now()) };
        Self::with_clock(config, clock)
    }

    /// No limit: for a local exchange whose own limit is off, and for tests.
    pub fn unlimited() -> Self {
        let clock = Clock::Since(Instant::now());
        Self { inner: Arc::new(Inner::new(Duration::ZERO, None, clock)) }
    }

    fn with_clock(config: BudgetConfig, clock: Clock) -> Result<Self, BudgetError> {
        let open = |path: PathBuf| {
            LedgerFile::open(&path)
                .map_err(|source| BudgetError::File { path: path.display().to_string(), source })
        };
        let file = config.file.map(open).transpose()?;
        Ok(Self { inner: Arc::new(Inner::new(config.pace, file, clock)) })
    }

    /// Waits for a turn. Send one request when it comes. Dropping the future gives up the place and nothing else.
    pub async fn acquire(&self, class: Class) {
        let inner = &*self.inner;
        let started = Instant::now();
        let ticket = inner.enter(class);
        let mut first = false;
        loop {
            let changed = inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match inner.look(&ticket) {
                Turn::Taken => break,
                Turn::Another => {
                    // Time alone may have made it another's turn, who sleeps until told.
                    if std::mem::take(&mut first) {
                        inner.changed.notify_waiters();
                    }
                    changed.await;
                }
                Turn::In(wait) => {
                    first = true;
                    let _ = tokio::time::timeout(wait, changed).await;
                }
            }
        }
        if let Some(waits) = inner.state().waits.get_mut(class.index()) {
            waits.record(started.elapsed());
        }
    }

    /// Nobody sends for a while: the exchange said "too many requests", or a page of the network in front of it
    /// answered. Without `wait`, one second that doubles with every refusal in a row, up to two minutes. Those who
    /// wait keep their places.
    pub fn back_off(&self, wait: Option<Duration>) {
        self.inner.update_ledger(|ledger, now| {
            let doubled = Duration::from_secs(1 << ledger.refusals.min(6));
            ledger.refusals = ledger.refusals.saturating_add(1);
            let wait = wait.unwrap_or(doubled).min(LONGEST_BACK_OFF);
            ledger.back_off_until = ledger.back_off_until.max(now.saturating_add(nanos(wait)));
        });
    }

    /// The exchange answered as it should: the next refusal is the first again.
    pub fn answered(&self) {
        if self.inner.state().ledger.refusals > 0 {
            self.inner.update_ledger(|ledger, _| ledger.refusals = 0);
        }
    }

    /// How long requests of a class waited in this process.
    pub fn waits(&self, class: Class) -> WaitStats {
        self.inner.state().waits.get(class.index()).copied().unwrap_or_default()
    }

    /// How long a request would wait now if nobody else did.
    pub fn next_slot(&self) -> Duration {
        let inner = &*self.inner;
        let (now, state) = (inner.clock.now(), inner.state());
        inner.wait_for_slot(&state.ledger, state.last_send, Class::MarketData, now)
    }
}

impl Inner {
    fn new(pace: Duration, file: Option<LedgerFile>, clock: Clock) -> Self {
        Self { pace, file, clock, state: Mutex::default(), changed: Notify::new() }
    }

    /// A panic elsewhere leaves the state whole: every change to it is a few assignments.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, class: Class) -> Ticket<'_> {
        let now = self.clock.now();
        let mut state = self.state();
        let number = state.next_ticket;
        state.next_ticket += 1;
        if let Some(queue) = state.queues.get_mut(class.index()) {
            queue.push_back((number, now));
        }
        drop(state);
        // Whoever is first looks again whether it still is.
        self.changed.notify_waiters();
        Ticket { inner: self, class, number }
    }

    /// Takes the slot if it is this ticket's turn and the slot is due.
    fn look(&self, ticket: &Ticket<'_>) -> Turn {
        let now = self.clock.now();
        let mut state = self.state();
        if self.pace.is_zero() && state.ledger.back_off_until <= now {
            return Turn::Taken;
        }
        let first = state.queues.get(ticket.class.index()).and_then(VecDeque::front);
        let is_first = first.is_some_and(|(number, _)| *number == ticket.number);
        let own = state.queues.each_ref().map(|queue| queue.front().map(|(_, since)| *since));
        let claims = &state.ledger.claims;
        let turn = choose(claims, now, |class| {
            let since = own.get(class.index()).copied().flatten()?;
            Some(as_all_see_it(since, claims.get(class.index()), now))
        });
        if !is_first || turn != Some(ticket.class) {
            return Turn::Another;
        }
        let alone = state.queues.get(ticket.class.index()).is_none_or(|queue| queue.len() < 2);
        let ask =
            Ask { class: ticket.class, own, alone, last_send: state.last_send, words: state.words, now };
        let turn = match &self.file {
            None => self.take(&mut state.ledger, &ask),
            Some(file) => match file.update(|ledger| (self.take(ledger, &ask), ledger.clone())) {
                Ok(Some((turn, ledger))) => {
                    state.ledger = ledger;
                    for (word, _) in state.words.iter_mut().zip(ask.own).filter(|(_, own)| own.is_some()) {
                        *word = now;
                    }
                    state.locked_out = None;
                    turn
                }
                Ok(None) if state.locked_out.get_or_insert_with(Instant::now).elapsed() < LOCK_PATIENCE => {
                    Turn::In(Duration::from_millis(2))
                }
                // Going on alone keeps the pace of this process, and a stop can still be sent.
                stuck => {
                    tracing::warn!(?stuck, "the shared request budget cannot be used, going on alone");
                    self.take(&mut state.ledger, &ask)
                }
            },
        };
        if matches!(turn, Turn::Taken) {
            state.last_send = Some(Instant::now());
        }
        turn
    }

    /// Takes the slot from the ledger, or leaves word there of who waits in this process.
    fn take(&self, ledger: &mut Ledger, ask: &Ask) -> Turn {
        let now = ask.now;
        believe(ledger, now);
        let wait = self.wait_for_slot(ledger, ask.last_send, ask.class, now);
        let own = |class: Class| ask.own.get(class.index()).copied().flatten();
        let fresh = |claim: &Claim| is_fresh(claim, now);
        // What this process wrote itself may be of somebody who has left since.
        let others = |class: Class| {
            let claim = ledger.claims.get(class.index()).filter(|claim| fresh(claim))?;
            (ask.words.get(class.index()) != Some(&claim.seen)).then_some(claim)
        };
        let waiting = |class: Class| match own(class) {
            Some(since) => Some(as_all_see_it(since, ledger.claims.get(class.index()), now)),
            None => others(class).map(|claim| claim.since),
        };
        let mine = choose(&ledger.claims, now, waiting) == Some(ask.class);
        let taken = wait.is_zero() && mine;
        for (class, claim) in Class::ALL.into_iter().zip(&mut ledger.claims) {
            let served = taken && class == ask.class;
            if served {
                (claim.granted, claim.since, claim.seen) = (now, 0, 0);
            }
            let shared = self.file.is_some();
            if let Some(since) = own(class).filter(|_| shared && !(served && ask.alone)) {
                claim.since = if fresh(claim) { claim.since.min(since) } else { since };
                claim.seen = now;
            }
        }
        if taken {
            ledger.last_send = now;
            return Turn::Taken;
        }
        // Where another process has the turn, it takes the slot as soon as it looks.
        Turn::In(wait.max(Duration::from_millis(2)))
    }

    /// How long until a request of a class may go.
    fn wait_for_slot(&self, ledger: &Ledger, last_send: Option<Instant>, class: Class, now: u64) -> Duration {
        let back_off = match class {
            Class::Panic => ledger.back_off_until.min(ledger.last_send.saturating_add(nanos(PANIC_BACK_OFF))),
            _ => ledger.back_off_until,
        };
        let paced = if ledger.last_send == 0 { 0 } else { ledger.last_send.saturating_add(nanos(self.pace)) };
        let shared = Duration::from_nanos(paced.max(back_off).saturating_sub(now));
        let own = last_send.map_or(Duration::ZERO, |sent| self.pace.saturating_sub(sent.elapsed()));
        shared.max(own)
    }

    /// Changes the ledger, in the file too if it can be had at once; it is tried for a moment, no longer.
    fn update_ledger(&self, change: impl Fn(&mut Ledger, u64)) {
        let now = self.clock.now();
        let mut state = self.state();
        if let Some(file) = &self.file {
            for _ in 0..100 {
                match file.update(|ledger| {
                    change(ledger, now);
                    ledger.clone()
                }) {
                    Ok(Some(ledger)) => {
                        state.ledger = ledger;
                        return;
                    }
                    Ok(None) => std::thread::yield_now(),
                    Err(_) => break,
                }
            }
        }
        change(&mut state.ledger, now);
    }
}

/// Whether somebody was seen waiting for a class lately.
fn is_fresh(claim: &Claim, now: u64) -> bool {
    claim.seen > 0 && now.saturating_sub(claim.seen) <= nanos(CLAIM_LIFE)
}

/// Since when a class waits, in the eyes of every process: the word in the ledger may be older than what waits
/// here, and if each counted from its own beginning, two processes could give way to each other for ever.
fn as_all_see_it(since: u64, claim: Option<&Claim>, now: u64) -> u64 {
    claim.filter(|claim| is_fresh(claim, now)).map_or(since, |claim| since.min(claim.since))
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
