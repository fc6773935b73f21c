//! A process that cancels everything when the trading process falls silent.
//!
//! The exchange keeps orders when its client goes away, so somebody else has to look. The watchdog runs as its own
//! process with a key of its own, and shares nothing with the one that trades but the [`Heartbeat`] file. When that
//! does not change for too long, or its process is gone, the watchdog engages the latch, cancels everything and
//! verifies, exactly as the kill switch does. It watches again only when another run starts to beat.
//!
//! Silence is counted by a clock that nobody sets, from when the watchdog saw a change, and not from the time in the
//! file. After a sleep of the machine, or of the watchdog alone, the other side is given time to wake up as well.

mod heartbeat;
mod judge;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

pub use heartbeat::{Beat, Heartbeat, Life};
use judge::{Judge, Look, Verdict};

use crate::guard::{Account, Latch, Level, Phase, SweepSettings, Sweeps};
use crate::notify::{Notice, Notifier, Severity};
use crate::state_dir::wall_clock;

/// How the watchdog watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchdogSettings {
    /// Silence of so long means that the trading process is gone. 15 s.
    pub max_age: Duration,
    /// How often the heartbeat is looked at. 1 s.
    pub look_every: Duration,
    /// Whether to see if the process still exists; not where the two run in containers of their own. Yes.
    pub check_process: bool,
    /// How often to see if the exchange still answers to the watchdog's key. 5 min.
    pub check_key_every: Duration,
    /// How orders are cancelled.
    pub sweep: SweepSettings,
}

impl Default for WatchdogSettings {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(15),
            look_every: Duration::from_secs(1),
            check_process: true,
            check_key_every: Duration::from_mins(5),
            sweep: SweepSettings::default(),
        }
    }
}

/// Watches until `shutdown`. Give it clients of its own, with their own keys.
///
/// While orders are being cancelled, a shutdown waits until nothing is left.
pub async fn run(
    accounts: Vec<Account>,
    heartbeat: &Path,
    latch: Arc<Latch>,
    settings: WatchdogSettings,
    notifier: Notifier,
    shutdown: impl Future<Output = ()>,
) {
    let judge = Judge::new(settings.max_age, settings.look_every);
    let sweeps = Sweeps::new(accounts.clone(), settings.sweep.clone(), notifier.clone(), Arc::new(|| false));
    let mut watchdog = Watchdog { accounts, latch, settings, notifier, judge, sweeps, key_checked: None };
    let started = Instant::now();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        watchdog.check_key().await;
        watchdog.look(heartbeat, started).await;
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = sleep(watchdog.settings.look_every) => {}
        }
    }
    watchdog.finish().await;
}

struct Watchdog {
    accounts: Vec<Account>,
    latch: Arc<Latch>,
    settings: WatchdogSettings,
    notifier: Notifier,
    judge: Judge,
    sweeps: Sweeps,
    key_checked: Option<Instant>,
}

impl Watchdog {
    async fn look(&mut self, heartbeat: &Path, started: Instant) {
        let path = heartbeat.to_owned();
        let check_process = self.settings.check_process;
        // On another thread, since a disk may hang; no answer is no change.
        let read = spawn_blocking(move || {
            let beat = Heartbeat::read(&path);
            let process_gone = check_process && beat.as_ref().is_some_and(|beat| !beat.process_exists());
            (beat, process_gone)
        });
        let patience = self.settings.look_every.max(Duration::from_secs(1));
        let (beat, process_gone) =
            timeout(patience, read).await.ok().and_then(Result::ok).unwrap_or((None, false));
        let look = Look { beat, process_gone, monotonic: started.elapsed(), wall: wall_clock() };
        match self.judge.look(&look) {
            Verdict::Quiet => {}
            Verdict::Fire(reason) => self.fire(&reason).await,
            Verdict::Armed(pid) => {
                self.sweeps.stop();
                let text = format!("process {pid} trades and is watched");
                self.notifier.send(Notice::new(Severity::Info, "watchdog", "The watchdog watches", text));
            }
            Verdict::Released => {
                let text = "the trading process ended in order; the watchdog waits for the next one";
                self.notifier.send(Notice::new(Severity::Info, "watchdog", "Nothing to watch", text));
            }
            Verdict::Slept(span) => {
                let text = format!("nothing ran for {} s: the orders were on their own", span.as_secs());
                self.notifier.send(Notice::new(Severity::Warning, "watchdog", "The machine slept", text));
            }
        }
    }

    /// Stops whoever still runs, then cancels.
    async fn fire(&mut self, reason: &str) {
        let text = format!("{reason}: everything is cancelled");
        self.notifier.send(Notice::new(
            Severity::Critical,
            "watchdog",
            "The trading process is silent",
            text,
        ));
        let (latch, words) = (Arc::clone(&self.latch), reason.to_owned());
        let write = spawn_blocking(move || latch.engage(Level::Halt, &words, "watchdog"));
        let problem = match timeout(Duration::from_millis(300), write).await {
            Ok(Ok(written)) => written.err().map(|error| error.to_string()),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the disk does not answer".to_owned()),
        };
        if let Some(problem) = problem {
            let title = "The stop cannot be written down";
            self.notifier.send(Notice::new(Severity::Critical, "latch", title, problem));
        }
        self.sweeps.start(Instant::now());
    }

    /// A watchdog that cannot cancel is none, and should say so before it has to.
    async fn check_key(&mut self) {
        if self.key_checked.is_some_and(|at| at.elapsed() < self.settings.check_key_every) {
            return;
        }
        self.key_checked = Some(Instant::now());
        for account in &self.accounts {
            let patience = self.settings.sweep.patience;
            let problem = match timeout(patience, account.exchange.active_orders(None)).await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            let text = format!(
                "it cannot read the orders of the account at {}, and might not be able to cancel them: {problem}",
                account.exchange.venue()
            );
            let title = "The watchdog is blind";
            self.notifier.send(Notice::new(Severity::Critical, "watchdog_key", title, text));
        }
    }

    async fn finish(self) {
        for (_, mut progress) in self.sweeps.progress() {
            let over = |phase| matches!(phase, Phase::Idle | Phase::Clear | Phase::Done);
            let _ = progress.wait_for(|progress| over(progress.phase)).await; // or it is at its end
        }
    }
}

#[cfg(test)]
mod tests;
