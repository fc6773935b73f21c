//! The queue between those who have something to tell and the channels.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pampero_model::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know: a start, a stop, a daily summary.
    Info,
    /// Somebody should look when there is time.
    Warning,
    /// Somebody should look now: trading stopped, or something cannot be stopped.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// `info`, `warning` or `critical`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something to tell. Texts never hold keys; balances only where the caller means to tell them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// What kind of thing, as a stable word. Many of a kind are told as one.
    pub kind: &'static str,
    /// In a few words.
    pub title: String,
    /// In as many as it takes.
    pub text: String,
    /// When it happened.
    pub at: Timestamp,
}

impl Notice {
    /// A notice of something that happens now.
    pub fn new(
        severity: Severity,
        kind: &'static str,
        title: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        let at = crate::state_dir::wall_clock();
        Self { severity, kind, title: title.into(), text: text.into(), at }
    }
}

/// Where notices are handed in. Clones share one queue; handing in never waits and never fails.
///
/// ```
/// use pampero_runtime::notify::{Notice, Notifier, Severity};
/// let notifier = Notifier::new(100);
/// notifier.send(Notice::new(Severity::Info, "start", "Pampero starts", "paper on btc_ars"));
/// assert_eq!((notifier.waiting(), notifier.dropped()), (1, 0));
/// ```
#[derive(Clone, Debug)]
pub struct Notifier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    capacity: usize,
    queue: Mutex<Queue>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    notices: VecDeque<Notice>,
    dropped: u64,
}

impl Notifier {
    /// A queue of at most so many notices. Where it is full, the oldest of the mildest gives way.
    pub fn new(capacity: usize) -> Self {
        let inner = Inner { capacity: capacity.max(1), queue: Mutex::default(), arrived: Notify::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Hands a notice in. Costs a lock that is held for a moment; also writes the notice to the log.
    pub fn send(&self, notice: Notice) {
        let Notice { severity, kind, title, text, .. } = &notice;
        match severity {
            Severity::Info => tracing::info!(kind, text, "{title}"),
            Severity::Warning => tracing::warn!(kind, text, "{title}"),
            Severity::Critical => tracing::error!(kind, text, "{title}"),
        }
        self.push(notice);
    }

    /// The same without the log: for the queue of a channel.
    pub(crate) fn push(&self, notice: Notice) {
        let mut queue = self.queue();
        if queue.notices.len() >= self.inner.capacity {
            queue.dropped += 1;
            let mildest = queue.notices.iter().map(|waiting| waiting.severity).min();
            if mildest.is_some_and(|mildest| mildest > notice.severity) {
                return; // everything that waits matters more
            }
            let place = queue.notices.iter().position(|waiting| Some(waiting.severity) == mildest);
            place.map(|place| queue.notices.remove(place));
        }
        queue.notices.push_back(notice);
        drop(queue);
        self.inner.arrived.notify_one();
    }

    /// How many notices wait.
    pub fn waiting(&self) -> usize {
        self.queue().notices.len()
    }

    /// How many gave way since the start.
    pub fn dropped(&self) -> u64 {
        self.queue().dropped
    }

    /// Takes out everything that waits, oldest first: for a channel.
    pub fn take_all(&self) -> Vec<Notice> {
        self.queue().notices.drain(..).collect()
    }

    /// Waits until something is there: for a channel.
    pub async fn arrived(&self) {
        while self.waiting() == 0 {
            self.inner.arrived.notified().await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // A panic elsewhere leaves it whole.
        self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Notifier {
    /// Room for 256 notices.
    fn default() -> Self {
        Self::new(256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(severity: Severity, title: &str) -> Notice {
        Notice::new(severity, "test", title, "")
    }

    #[test]
    fn where_it_is_full_the_oldest_of_the_mildest_gives_way() {
        let notifier = Notifier::new(3);
        notifier.send(notice(Severity::Critical, "c1"));
        notifier.send(notice(Severity::Info, "i1"));
        notifier.send(notice(Severity::Info, "i2"));
        notifier.send(notice(Severity::Warning, "w1"));
        notifier.send(notice(Severity::Critical, "c2"));
        notifier.send(notice(Severity::Info, "i3"));
        notifier.send(notice(Severity::Critical, "c3"));
        notifier.send(notice(Severity::Critical, "c4"));
        let titles: Vec<_> = notifier.take_all().into_iter().map(|notice| notice.title).collect();
        assert_eq!(titles, ["c2", "c3", "c4"]);
        assert_eq!(notifier.dropped(), 5);
    }
}
