//! Cancelling everything until nothing is left, whatever the exchange answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pampero_exchange::{CancelScope, Error, Exchange, VenueOrder};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::kill_point::{KillPoint, reach};
use crate::notify::{Notice, Notifier, Severity};

/// Which orders are cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All own orders of the account, whoever placed them.
    Everything,
    /// All own orders of these markets, by the exchange's codes.
    Markets(Vec<String>),
}

impl Scope {
    /// Whether an order of this market is cancelled. One whose market is not said is.
    pub fn covers(&self, market: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Markets(markets) => market.is_empty() || markets.iter().any(|one| one == market),
        }
    }
}

/// An account at an exchange, and which of its orders are cancelled.
#[derive(Clone)]
pub struct Account {
    /// A client that nothing else uses.
    pub exchange: Arc<dyn Exchange>,
    /// Which orders.
    pub scope: Scope,
}

impl Account {
    /// All orders of an account.
    pub fn everything(exchange: Arc<dyn Exchange>) -> Self {
        Self { exchange, scope: Scope::Everything }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("venue", &self.exchange.venue())
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// How orders are cancelled and how it is verified that none is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepSettings {
    /// A request without an answer for so long is given up, and another one made. 5 s.
    pub patience: Duration,
    /// Pause after a first failure; it doubles with every further one. 250 ms.
    pub first_pause: Duration,
    /// The longest pause after a failure. 5 s.
    pub longest_pause: Duration,
    /// Two lists without orders count if they are at least so far apart. 2 s.
    pub verify_gap: Duration,
    /// How often a person is told that it still does not work. 5 min.
    pub alarm_every: Duration,
    /// How often to look for late orders once nothing is left. 15 s.
    pub watch_every: Duration,
    /// For how long: an order whose placement got no answer may show up so late. 30 min.
    pub ghost_horizon: Duration,
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(5),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(5),
            verify_gap: Duration::from_secs(2),
            alarm_every: Duration::from_mins(5),
            watch_every: Duration::from_secs(15),
            ghost_horizon: Duration::from_mins(30),
        }
    }
}

/// How far the cancelling is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// There is nothing to cancel.
    #[default]
    Idle,
    /// Orders are being cancelled.
    Cancelling,
    /// Two lists in a row were empty; late orders are still looked for.
    Clear,
    /// No order can show up any more.
    Done,
}

/// What was done so far. Times count from the stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How far it is.
    pub phase: Phase,
    /// Rounds of cancelling and listing.
    pub rounds: u32,
    /// When the first cancellation was sent.
    pub first_sent: Option<Duration>,
    /// When nothing was left.
    pub clear_after: Option<Duration>,
    /// How many orders the last list had.
    pub left: usize,
    /// Why the last request failed; nothing if it did not.
    pub problem: Option<String>,
}

impl Progress {
    /// That of several accounts together: as far as the last of them is.
    pub(super) fn together(all: &[(String, Self)]) -> Self {
        let several = all.len() > 1;
        let phase = all.iter().map(|(_, progress)| progress.phase).min().unwrap_or_default();
        let problems = all.iter().filter_map(|(venue, progress)| {
            let problem = progress.problem.clone()?;
            Some(if several { format!("{venue}: {problem}") } else { problem })
        });
        let problems: Vec<String> = problems.collect();
        let clear: Option<Vec<Duration>> = all.iter().map(|(_, progress)| progress.clear_after).collect();
        Self {
            phase,
            rounds: all.iter().map(|(_, progress)| progress.rounds).max().unwrap_or(0),
            first_sent: all.iter().filter_map(|(_, progress)| progress.first_sent).min(),
            clear_after: clear.and_then(|all| all.into_iter().max()),
            left: all.iter().map(|(_, progress)| progress.left).sum(),
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
        }
    }
}

/// Whether to leave the orders alone for now: they sell positions by order of a person.
pub(crate) type Resting = Arc<dyn Fn() -> bool + Send + Sync>;

/// The cancelling on several accounts, on each by itself: an exchange that does not answer holds up no other.
pub(crate) struct Sweeps {
    settings: SweepSettings,
    notifier: Notifier,
    resting: Resting,
    accounts: Vec<(Account, watch::Sender<Progress>, Option<JoinHandle<()>>)>,
}

impl Sweeps {
    pub fn new(
        accounts: Vec<Account>,
        settings: SweepSettings,
        notifier: Notifier,
        resting: Resting,
    ) -> Self {
        let one = |account| (account, watch::channel(Progress::default()).0, None);
        let accounts = accounts.into_iter().map(one).collect();
        Self { settings, notifier, resting, accounts }
    }

    /// How far each is, by the name of its venue.
    pub fn progress(&self) -> Vec<(String, watch::Receiver<Progress>)> {
        let one = |(account, progress, _): &(Account, watch::Sender<Progress>, _)| {
            (account.exchange.venue().to_owned(), progress.subscribe())
        };
        self.accounts.iter().map(one).collect()
    }

    /// Cancels wherever that is not under way. `since` is when the stop came.
    pub fn start(&mut self, since: Instant) {
        self.start_where(since, |_| true);
    }

    /// Begins anew where the cancelling ended before it was done: it panicked, which must not be the last word.
    pub fn revive(&mut self) {
        self.start_where(Instant::now(), |progress| !matches!(progress.phase, Phase::Idle | Phase::Done));
    }

    fn start_where(&mut self, since: Instant, wanted: impl Fn(&Progress) -> bool) {
        for (account, progress, task) in &mut self.accounts {
            let runs = task.as_ref().is_some_and(|task| !task.is_finished());
            if runs || !wanted(&progress.borrow()) {
                continue;
            }
            progress.send_replace(Progress { phase: Phase::Cancelling, ..Progress::default() });
            let sweep = Sweep {
                account: account.clone(),
                settings: self.settings.clone(),
                notifier: self.notifier.clone(),
                progress: progress.clone(),
                resting: Arc::clone(&self.resting),
            };
            *task = Some(tokio::spawn(sweep.run(since)));
        }
    }

    /// Ends it, wherever it is at.
    pub fn stop(&mut self) {
        for (_, progress, task) in &mut self.accounts {
            if let Some(task) = task.take() {
                task.abort();
            }
            progress.send_replace(Progress::default());
        }
    }
}

impl Drop for Sweeps {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Cancels, lists, and does so again until nothing is left.
struct Sweep {
    account: Account,
    settings: SweepSettings,
    notifier: Notifier,
    progress: watch::Sender<Progress>,
    resting: Resting,
}

impl Sweep {
    /// Runs until no order can show up any more. `since` is when the stop came.
    async fn run(self, since: Instant) {
        loop {
            self.clear(since).await;
            if !self.ghost_shows_up().await {
                break;
            }
        }
        self.progress.send_modify(|progress| progress.phase = Phase::Done);
    }

    /// Cancels until two lists in a row are empty.
    async fn clear(&self, since: Instant) {
        self.progress.send_modify(|progress| progress.phase = Phase::Cancelling);
        let settings = &self.settings;
        let mut pause = settings.first_pause;
        // Whether the exchange took a cancellation since the last order was seen.
        let mut accepted = false;
        let mut empty_at: Option<Instant> = None;
        let mut alarmed: Option<Instant> = None;
        loop {
            self.wait_while_resting().await;
            let mut problem = None;
            if !accepted {
                self.progress.send_modify(|progress| {
                    progress.first_sent.get_or_insert_with(|| since.elapsed());
                });
                match self.cancel_all().await {
                    Ok(()) => {
                        accepted = true;
                        reach(KillPoint::Cancelling);
                    }
                    Err(error) => problem = Some(error),
                }
            }
            let asked_at = Instant::now();
            let listed = self.list().await;
            let wait = match &listed {
                Ok(orders) if orders.is_empty() && accepted => {
                    let agrees = empty_at.is_some_and(|before| asked_at - before >= settings.verify_gap);
                    if agrees {
                        break;
                    }
                    empty_at.get_or_insert_with(Instant::now);
                    settings.verify_gap
                }
                Ok(orders) => {
                    (accepted, empty_at) = (false, None);
                    // Some exchanges lose an order in a cancellation of all; one by one finds it.
                    if self.progress.borrow().rounds > 0 {
                        problem = self.cancel_each(orders).await.err().or(problem);
                    }
                    pause
                }
                Err(error) => {
                    empty_at = None;
                    problem = Some(error.clone());
                    pause
                }
            };
            let left = listed.map(|orders| orders.len());
            // The exchange may take its time; asking all the time would only take the requests from others.
            let goes_on = left.as_ref().is_ok_and(|left| *left < self.progress.borrow().left);
            pause = if goes_on { settings.first_pause } else { (pause * 2).min(settings.longest_pause) };
            self.note(&left, problem.as_ref());
            if (problem.is_some() || left.is_ok_and(|left| left > 0))
                && since.elapsed() >= settings.verify_gap
                && alarmed.is_none_or(|at| at.elapsed() >= settings.alarm_every)
            {
                alarmed = Some(Instant::now());
                self.alarm(since.elapsed());
            }
            sleep(wait).await;
        }
        self.report_clear(since);
    }

    /// Looks for orders that show up late; whether one did.
    async fn ghost_shows_up(&self) -> bool {
        let since = Instant::now();
        while since.elapsed() < self.settings.ghost_horizon {
            sleep(self.settings.watch_every).await;
            self.wait_while_resting().await;
            // A failed read is no information.
            if let Ok(orders) = self.list().await
                && !orders.is_empty()
            {
                let text = format!(
                    "{} cancelled now at {}",
                    count(orders.len(), "order appeared late and is", "orders appeared late and are"),
                    self.venue()
                );
                self.notifier.send(Notice::new(
                    Severity::Critical,
                    "late_order",
                    "Orders after the stop",
                    text,
                ));
                return true;
            }
        }
        false
    }

    async fn wait_while_resting(&self) {
        while (self.resting)() {
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// All markets at once, so that one that hangs keeps no other waiting.
    async fn cancel_all(&self) -> Result<(), Error> {
        let patience = self.settings.patience;
        let Scope::Markets(markets) = &self.account.scope else {
            return in_time(patience, self.account.exchange.cancel_all(CancelScope::Everything)).await;
        };
        let mut requests = JoinSet::new();
        for market in markets.clone() {
            let exchange = Arc::clone(&self.account.exchange);
            requests.spawn(async move {
                in_time(patience, exchange.cancel_all(CancelScope::Market(&market))).await
            });
        }
        let mut outcome = Ok(());
        while let Some(done) = requests.join_next().await {
            let done = done.unwrap_or_else(|_| Err(Error::NotSent("the request was given up".to_owned())));
            outcome = outcome.and(done);
        }
        outcome
    }

    async fn cancel_each(&self, orders: &[VenueOrder]) -> Result<(), Error> {
        let mut outcome = Ok(());
        for order in orders {
            let cancel = self.account.exchange.cancel(order.side, order.id);
            let done = in_time(self.settings.patience, cancel).await;
            outcome = outcome.and(done);
        }
        outcome
    }

    /// The orders on the book that are to be cancelled.
    async fn list(&self) -> Result<Vec<VenueOrder>, Error> {
        let mut orders = in_time(self.settings.patience, self.account.exchange.active_orders(None)).await?;
        orders.retain(|order| self.account.scope.covers(&order.market));
        Ok(orders)
    }

    fn venue(&self) -> &str {
        self.account.exchange.venue()
    }

    fn note(&self, left: &Result<usize, Error>, problem: Option<&Error>) {
        self.progress.send_modify(|progress| {
            progress.rounds = progress.rounds.saturating_add(1);
            if let Ok(left) = left {
                progress.left = *left;
            }
            progress.problem = problem.map(ToString::to_string);
        });
    }

    fn alarm(&self, since: Duration) {
        let progress = self.progress.borrow().clone();
        let (seconds, venue) = (since.as_secs(), self.venue());
        let orders = count(progress.left, "order is", "orders are");
        let text = match &progress.problem {
            Some(problem) => format!(
                "after {seconds} s {venue} does not let orders be cancelled: {problem}. Pampero keeps trying; \
                 cancel them by hand on the exchange's site if it takes long"
            ),
            None => format!("after {seconds} s {orders} still open at {venue}"),
        };
        self.notifier.send(Notice::new(
            Severity::Critical,
            "cancel_all",
            "Orders are not cancelled yet",
            text,
        ));
    }

    fn report_clear(&self, since: Instant) {
        let took = since.elapsed();
        self.progress.send_modify(|progress| {
            (progress.phase, progress.left, progress.problem) = (Phase::Clear, 0, None);
            progress.clear_after.get_or_insert(took);
        });
        let text = format!(
            "no open order is left at {}, seen twice, {:.1} s after the stop",
            self.venue(),
            took.as_secs_f64()
        );
        self.notifier.send(Notice::new(Severity::Warning, "cancel_all", "Orders are cancelled", text));
    }
}

/// An answer that does not come in time counts as one that is lost.
async fn in_time<T>(patience: Duration, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(patience, request).await.unwrap_or(Err(Error::Ambiguous(pampero_exchange::Ambiguity::Timeout)))
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
