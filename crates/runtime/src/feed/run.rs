//! The feed's edge: carries the desk's polls out, and sends what they bring.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pampero_exchange::{Error, Exchange, MarketSnapshot, SnapshotParts};
use pampero_model::{MarketId, Span, Timestamp};
use pampero_venue::LatencyModel;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::desk::{Ask, Desk, Poll};
use super::news::{News, OwnOrder};

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
pub fn wall_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).map_or(Timestamp::MAX, Timestamp::from_nanos)
    })
}

/// What one answer, or its failure, or silence brought.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedMessage {
    /// When it was learned.
    pub at: Timestamp,
    /// Of which market; nothing where the news says it.
    pub market: Option<MarketId>,
    /// From asking to the whole answer, waiting for a turn in the request budget included.
    pub took: Option<Span>,
    /// What is news.
    pub news: Vec<News>,
    /// Why there is none.
    pub error: Option<Error>,
}

/// How long the latest requests took, for the simulated venue to draw from.
///
/// ```
/// use pampero_model::Span;
/// use pampero_runtime::feed::RequestTimes;
/// let mut times = RequestTimes::default();
/// assert!(times.latency().is_none());
/// times.record(Span::from_millis(240));
/// assert_eq!(times.quantile(50), Some(Span::from_millis(240)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestTimes {
    latest: VecDeque<Span>,
}

impl RequestTimes {
    /// Times that are kept.
    pub const KEPT: usize = 1_000;

    /// Takes note of a round trip.
    pub fn record(&mut self, took: Span) {
        if self.latest.len() == Self::KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(took);
    }

    /// The round trip that so many percent of the latest did not exceed.
    pub fn quantile(&self, percent: u8) -> Option<Span> {
        let mut sorted: Vec<Span> = self.latest.iter().copied().collect();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        sorted.get(last * usize::from(percent.min(100)) / 100).copied()
    }

    /// A model that draws from the latest: half of a round trip is one way.
    pub fn latency(&self) -> Option<LatencyModel> {
        let one_way = |took: &Span| Span::from_nanos(took.as_nanos() / 2);
        let times: Arc<[Span]> = self.latest.iter().map(one_way).collect();
        (!times.is_empty()).then_some(LatencyModel::Measured(times))
    }
}

/// The longest sleep: a clock that is set, or a machine that slept, is noticed within it.
const LONGEST_SLEEP: Span = Span::from_secs(1);

/// Carries out what the desk wants and sends what it tells, until `shutdown` or until nobody listens; gives the desk
/// back. Each request waits for its turn in the exchange's budget as market data. A receiver that falls behind slows
/// the polling down. `own` are the own orders on the exchange's books, which are taken out of them and make their
/// markets polled faster; for simulated orders leave it empty.
pub async fn run(
    exchange: Arc<dyn Exchange>,
    mut desk: Desk,
    clock: Clock,
    mut own: watch::Receiver<Vec<OwnOrder>>,
    sender: mpsc::Sender<FeedMessage>,
    shutdown: impl Future<Output = ()> + Send,
) -> Desk {
    let mut flights = Flights { exchange, tasks: JoinSet::new(), polls: HashMap::new() };
    let mut own_is_told = true;
    tokio::pin!(shutdown);
    loop {
        let now = clock();
        let lapsed = desk.lapse(now);
        while let Some(poll) = desk.due(now) {
            flights.start(poll);
        }
        let message = if lapsed.is_empty() {
            let wake = desk.next_due().map_or(LONGEST_SLEEP, |due| due.since(now).min(LONGEST_SLEEP));
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(landed) = flights.land() => Some(landed.tell(&mut desk, clock(), &own.borrow())),
                changed = own.changed(), if own_is_told => {
                    own_is_told = changed.is_ok();
                    let markets: BTreeSet<MarketId> = own.borrow_and_update().iter().map(|order| order.market).collect();
                    for market in markets {
                        desk.hurry(market, now);
                    }
                    None
                }
                () = tokio::time::sleep(duration(wake)) => None,
            }
        } else {
            Some(FeedMessage { at: now, market: None, took: None, news: lapsed, error: None })
        };
        let Some(message) = message else { continue };
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            sent = sender.send(message) => if sent.is_err() { break },
        }
    }
    desk
}

pub(super) fn duration(span: Span) -> Duration {
    Duration::from_nanos(u64::try_from(span.as_nanos()).unwrap_or_default())
}

/// Requests under way.
struct Flights {
    exchange: Arc<dyn Exchange>,
    tasks: JoinSet<(Result<MarketSnapshot, Error>, Duration)>,
    polls: HashMap<Id, Poll>,
}

/// An answer, or the failure to get one.
struct Landed {
    poll: Poll,
    answer: Result<MarketSnapshot, Error>,
    took: Option<Span>,
}

impl Flights {
    fn start(&mut self, poll: Poll) {
        let (exchange, asked) = (Arc::clone(&self.exchange), poll.clone());
        let task = self.tasks.spawn(async move {
            let started = Instant::now();
            (ask(exchange.as_ref(), &asked).await, started.elapsed())
        });
        self.polls.insert(task.id(), poll);
    }

    /// The next answer; nothing while no request is under way.
    async fn land(&mut self) -> Option<Landed> {
        let (id, answer, took) = match self.tasks.join_next_with_id().await? {
            Ok((id, (answer, took))) => {
                (id, answer, i64::try_from(took.as_nanos()).ok().map(Span::from_nanos))
            }
            Err(failed) => (failed.id(), Err(defect(&failed)), None),
        };
        self.polls.remove(&id).map(|poll| Landed { poll, answer, took })
    }
}

/// A panic in an adapter must not end the feed.
fn defect(failed: &JoinError) -> Error {
    Error::Malformed(format!("the request ended before its answer was read: {failed}"))
}

async fn ask(exchange: &dyn Exchange, poll: &Poll) -> Result<MarketSnapshot, Error> {
    match poll.ask {
        Ask::Snapshot => exchange.snapshot(&poll.code, SnapshotParts::POLL).await,
        Ask::Trades { hours } => {
            let trades = exchange.trades(&poll.code, hours).await?;
            Ok(MarketSnapshot { market: poll.code.clone(), trades, ..MarketSnapshot::default() })
        }
    }
}

impl Landed {
    fn tell(self, desk: &mut Desk, at: Timestamp, own: &[OwnOrder]) -> FeedMessage {
        let error = self.answer.as_ref().err().cloned();
        let took = self.took.filter(|_| error.is_none());
        let news = desk.answer(at, &self.poll, self.answer, own);
        FeedMessage { at, market: Some(self.poll.market), took, news, error }
    }
}
