//! Carrying notices to their channels: routing, a rate limit that sums up, another attempt where it may help.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use super::channel::{Channel, NotifyError, Refused, address, client, send};
use super::queue::{Notice, Notifier, Severity};

/// A channel, and what it is told.
#[derive(Debug)]
pub struct Route {
    /// Where.
    pub channel: Channel,
    /// The least severity that is told.
    pub least: Severity,
}

/// An address that is asked for regularly while all is well, so that its silence alarms.
#[derive(Clone)]
pub struct HeartbeatUrl {
    url: Url,
    every: Duration,
    well: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl HeartbeatUrl {
    /// Asks for `url` every so often as long as `well` says yes.
    ///
    /// # Errors
    ///
    /// [`NotifyError`] where the address is neither https nor of this machine.
    pub fn new(
        url: &str,
        every: Duration,
        well: Arc<dyn Fn() -> bool + Send + Sync>,
    ) -> Result<Self, NotifyError> {
        Ok(Self { url: address(url)?, every: every.max(Duration::from_millis(10)), well })
    }
}

impl std::fmt::Debug for HeartbeatUrl {
    /// Without the address, which is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeartbeatUrl(every {:?})", self.every)
    }
}

/// How notices are delivered.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// Stands in every message.
    pub environment: String,
    /// Most messages of a channel in a window; what is beyond is summed up. 10.
    pub per_window: usize,
    /// The window. 1 min.
    pub window: Duration,
    /// Time for one attempt. 10 s.
    pub patience: Duration,
    /// Attempts before a message is given up. 6.
    pub attempts: u32,
    /// The pause after a failed attempt; it doubles. 1 s.
    pub first_pause: Duration,
    /// Time for what still waits at the end. 5 s.
    pub last_words: Duration,
    /// An address to ask for while all is well.
    pub heartbeat: Option<HeartbeatUrl>,
}

impl DeliverySettings {
    /// The usual settings for an environment.
    pub fn new(environment: &str) -> Self {
        Self {
            environment: environment.to_owned(),
            per_window: 10,
            window: Duration::from_mins(1),
            patience: Duration::from_secs(10),
            attempts: 6,
            first_pause: Duration::from_secs(1),
            last_words: Duration::from_secs(5),
            heartbeat: None,
        }
    }
}

/// Delivers what is handed in to `notifier` until `shutdown`, and then for a moment what still waits.
///
/// # Errors
///
/// [`NotifyError::Client`] at once where no HTTP client can be made.
pub async fn deliver(
    notifier: Notifier,
    routes: Vec<Route>,
    settings: DeliverySettings,
    shutdown: impl Future<Output = ()>,
) -> Result<(), NotifyError> {
    let client = client(settings.patience)?;
    let (end, ending) = watch::channel(false);
    let mut couriers = JoinSet::new();
    let mut queues = Vec::new();
    for route in routes {
        let queue = Notifier::default();
        queues.push((route.least, queue.clone()));
        let courier = Courier {
            route,
            queue,
            client: client.clone(),
            settings: settings.clone(),
            sent: VecDeque::new(),
        };
        couriers.spawn(courier.run(ending.clone()));
    }
    let mut pulse = JoinSet::new();
    if let Some(heartbeat) = settings.heartbeat.clone() {
        pulse.spawn(beat(client, heartbeat));
    }
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let ended = tokio::select! {
            biased;
            () = &mut shutdown => true,
            () = notifier.arrived() => false,
        };
        for notice in notifier.take_all() {
            for (_, queue) in queues.iter().filter(|(least, _)| notice.severity >= *least) {
                queue.push(notice.clone());
            }
        }
        if ended {
            break;
        }
    }
    end.send_replace(true);
    let _ = timeout(settings.last_words, async { while couriers.join_next().await.is_some() {} }).await;
    Ok(())
}

/// Tells the address that all is well.
async fn beat(client: Client, heartbeat: HeartbeatUrl) {
    let mut ticks = interval(heartbeat.every);
    loop {
        ticks.tick().await;
        if (heartbeat.well)()
            && let Err(refused) = send(client.get(heartbeat.url.clone())).await
        {
            tracing::warn!(why = refused.why, "the heartbeat address was not reached");
        }
    }
}

/// Serves one channel.
struct Courier {
    route: Route,
    queue: Notifier,
    client: Client,
    settings: DeliverySettings,
    /// When the messages of this window were sent.
    sent: VecDeque<Instant>,
}

impl Courier {
    async fn run(mut self, mut ending: watch::Receiver<bool>) {
        let mut dropped_before = 0;
        loop {
            tokio::select! {
                biased;
                () = self.queue.arrived() => {}
                _ = ending.wait_for(|ending| *ending) => if self.queue.waiting() == 0 { break },
            }
            let ends = *ending.borrow();
            let slots = self.slots(ends, &mut ending).await;
            let dropped = self.queue.dropped();
            for notice in plan(self.queue.take_all(), slots, dropped - dropped_before) {
                self.sent.push_back(Instant::now());
                self.deliver(&notice).await;
            }
            dropped_before = dropped;
        }
    }

    /// Waits until a message may be sent, and says how many may. At the end the last words need not wait.
    async fn slots(&mut self, ends: bool, ending: &mut watch::Receiver<bool>) -> usize {
        let Self { settings: DeliverySettings { per_window, window, .. }, sent, .. } = self;
        let most = (*per_window).max(1);
        loop {
            while sent.front().is_some_and(|at| at.elapsed() >= *window) {
                sent.pop_front();
            }
            let free = most.saturating_sub(sent.len());
            match sent.front() {
                Some(first) if free == 0 && !ends => {
                    let wait = window.saturating_sub(first.elapsed());
                    tokio::select! {
                        () = sleep(wait) => {}
                        _ = ending.wait_for(|ending| *ending) => return 1,
                    }
                }
                _ => return free.max(1),
            }
        }
    }

    async fn deliver(&self, notice: &Notice) {
        let mut pause = self.settings.first_pause;
        let attempts = self.settings.attempts.max(1);
        for attempt in 1..=attempts {
            let done = self.route.channel.send(&self.client, notice, &self.settings.environment).await;
            let Err(Refused { why, again }) = done else { return };
            let channel = self.route.channel.name();
            if !again || attempt == attempts {
                tracing::warn!(channel, why, attempt, title = notice.title, "a message is given up");
                return;
            }
            sleep(pause).await;
            pause *= 2;
        }
    }
}

/// What is sent of the notices that wait, if so many messages may be: each alone, or the gravest alone and the rest
/// as one.
pub(super) fn plan(mut notices: Vec<Notice>, slots: usize, dropped: u64) -> Vec<Notice> {
    if notices.len() <= slots && dropped == 0 {
        return notices;
    }
    notices.sort_by_key(|notice| std::cmp::Reverse(notice.severity)); // stable: older ones first
    let rest = notices.split_off(slots.saturating_sub(1).min(notices.len()));
    if let Some(summary) = summary(&rest, dropped) {
        notices.push(summary);
    }
    notices.sort_by_key(|notice| notice.at);
    notices
}

/// Many notices as one: how many of each kind, and the words of the gravest.
fn summary(notices: &[Notice], dropped: u64) -> Option<Notice> {
    const SHOWN: usize = 5;
    let (first, last) = (notices.first(), notices.iter().map(|notice| notice.at).max());
    let mut kinds = BTreeMap::<&str, usize>::new();
    for notice in notices {
        *kinds.entry(notice.kind).or_default() += 1;
    }
    let counts: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let mut text = counts.join(", ");
    for notice in notices.iter().take(SHOWN) {
        let _ = write!(text, "\n{}: {}", notice.title, notice.text); // a String takes anything
    }
    if notices.len() > SHOWN {
        let _ = write!(text, "\nand {} more, see the log", notices.len() - SHOWN);
    }
    if dropped > 0 {
        let _ = write!(text, "\n{dropped} more were dropped, see the log");
    }
    let title =
        format!("{} messages at once", u64::try_from(notices.len()).unwrap_or(0).saturating_add(dropped));
    let severity = first.map_or(Severity::Info, |notice| notice.severity);
    let mut summary = Notice::new(severity, "summary", title, text.trim_start().to_owned());
    summary.at = last.unwrap_or(summary.at);
    (!notices.is_empty() || dropped > 0).then_some(summary)
}
