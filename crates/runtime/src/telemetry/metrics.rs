//! The figures.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pampero_exchange::{Budget, Class, WaitStats};
use pampero_model::{Cash, Quantity, Timestamp};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::guard::{Latch, Level};
use crate::notify::Notifier;

type One = [(&'static str, String); 1];
type Two = [(&'static str, String); 2];
type Three = [(&'static str, String); 3];
type Figure = Gauge<f64, std::sync::atomic::AtomicU64>;

/// The figures of a session. Clones share them. Setting one costs a lock or an atomic; numbers are for looking at
/// and turn into floating point here, where nothing is computed from them.
///
/// ```
/// use pampero_runtime::telemetry::Metrics;
/// let metrics = Metrics::builder().build();
/// metrics.denied("STALE_DATA");
/// assert!(metrics.render().contains("pampero_denials_total{code=\"STALE_DATA\"} 1"));
/// ```
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    orders: Family<One, Gauge>,
    fills: Family<Two, Counter>,
    denials: Family<One, Counter>,
    requests: Family<Three, Counter>,
    seen: Family<One, Figure>,
    positions: Family<One, Figure>,
    equity: Family<One, Figure>,
    commits: Histogram,
}

/// Says what is looked at when somebody asks for the figures.
#[derive(Debug)]
pub struct MetricsBuilder {
    registry: Registry,
}

impl MetricsBuilder {
    /// How long requests wait for their turn, by venue.
    #[must_use]
    pub fn budgets(mut self, budgets: Vec<(String, Budget)>) -> Self {
        self.registry.register_collector(Box::new(Waits(budgets)));
        self
    }

    /// Whether trading is stopped.
    #[must_use]
    pub fn latch(mut self, latch: Arc<Latch>) -> Self {
        self.registry.register_collector(Box::new(Stopped(latch)));
        self
    }

    /// Notices that gave way.
    #[must_use]
    pub fn notifier(mut self, notifier: Notifier) -> Self {
        self.registry.register_collector(Box::new(Dropped(notifier)));
        self
    }

    /// The figures.
    pub fn build(self) -> Metrics {
        let mut registry = self.registry;
        // A sync takes four to eight milliseconds on a usual disk.
        let bounds = [0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 5.0];
        let (orders, fills, denials, requests) =
            (Family::default(), Family::default(), Family::default(), Family::default());
        let (seen, positions, equity) = (Family::default(), Family::default(), Family::default());
        let commits = Histogram::new(bounds);
        registry.register("orders", "Own orders by state", orders.clone());
        registry.register("fills", "Own executions", fills.clone());
        registry.register("denials", "Intents that the risk gate refused, by code", denials.clone());
        registry.register(
            "requests",
            "Requests to the exchanges by venue, class and outcome",
            requests.clone(),
        );
        registry.register("market_seen_timestamp_seconds", "When a market was last seen", seen.clone());
        registry.register("position", "Position in base", positions.clone());
        registry.register("equity", "Equity in the report currency", equity.clone());
        registry.register_with_unit(
            "journal_commit",
            "Time from a commit of the journal to its sync",
            Unit::Seconds,
            commits.clone(),
        );
        let registry = Arc::new(registry);
        Metrics { registry, orders, fills, denials, requests, seen, positions, equity, commits }
    }
}

impl Metrics {
    /// Begins with nothing to look at.
    pub fn builder() -> MetricsBuilder {
        MetricsBuilder { registry: Registry::with_prefix("pampero") }
    }

    /// So many own orders are in a state, such as `live` or `unknown`.
    pub fn orders(&self, state: &str, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.orders.get_or_create(&[("state", state.to_owned())]).set(count);
    }

    /// An own order was executed.
    pub fn filled(&self, market: &str, side: &str) {
        self.fills.get_or_create(&[("market", market.to_owned()), ("side", side.to_owned())]).inc();
    }

    /// The risk gate refused an intent.
    pub fn denied(&self, code: &str) {
        self.denials.get_or_create(&[("code", code.to_owned())]).inc();
    }

    /// A request to a venue was answered: `ok`, or the code of the error.
    pub fn answered(&self, venue: &str, class: Class, outcome: &str) {
        let labels = [
            ("venue", venue.to_owned()),
            ("class", class.name().to_owned()),
            ("outcome", outcome.to_owned()),
        ];
        self.requests.get_or_create(&labels).inc();
    }

    /// A market was seen.
    pub fn market_seen(&self, market: &str, at: Timestamp) {
        let since = Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0));
        self.seen.get_or_create(&[("market", market.to_owned())]).set(since.as_secs_f64());
    }

    /// The position in a market.
    pub fn position(&self, market: &str, base: Quantity) {
        self.positions.get_or_create(&[("market", market.to_owned())]).set(base.to_f64());
    }

    /// The equity of a strategy, or of the `account`, in the report currency.
    pub fn equity(&self, of: &str, equity: Cash) {
        let figure = equity.to_string().parse().unwrap_or(f64::NAN); // a decimal number
        self.equity.get_or_create(&[("of", of.to_owned())]).set(figure);
    }

    /// The journal was synced.
    pub fn committed(&self, took: Duration) {
        self.commits.observe(took.as_secs_f64());
    }

    /// The page, in the text format that Prometheus reads.
    pub fn render(&self) -> String {
        let mut page = String::new();
        let _ = encode(&mut page, &self.registry); // a String takes anything
        page
    }
}

#[derive(Debug)]
struct Waits(Vec<(String, Budget)>);

impl Collector for Waits {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Time that requests waited for their turn, by venue and class";
        let mut metric =
            encoder.encode_descriptor("request_wait", help, Some(&Unit::Seconds), MetricType::Histogram)?;
        let each = self.0.iter().flat_map(|budget| Class::ALL.into_iter().map(move |class| (budget, class)));
        for ((venue, budget), class) in each {
            let stats = budget.waits(class);
            let bounds = WaitStats::BOUNDS_MS.map(|bound| {
                if bound == u64::MAX { f64::INFINITY } else { Duration::from_millis(bound).as_secs_f64() }
            });
            let buckets: Vec<_> = bounds.into_iter().zip(stats.buckets).collect();
            metric
                .encode_family(&[("venue", venue.as_str()), ("class", class.name())])?
                .encode_histogram::<NoLabelSet>(stats.total.as_secs_f64(), stats.count, &buckets, None)?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Stopped(Arc<Latch>);

impl Collector for Stopped {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let level = match self.0.level() {
            Level::Active => 0_i64,
            Level::Reduce => 1,
            Level::Halt => 2,
            Level::Flatten => 3,
        };
        let help = "Whether trading is stopped: 0 active, 1 reduce, 2 halt, 3 flatten";
        let gauge = ConstGauge::new(level);
        gauge.encode(encoder.encode_descriptor("stopped", help, None, gauge.metric_type())?)
    }
}

#[derive(Debug)]
struct Dropped(Notifier);

impl Collector for Dropped {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counter = ConstCounter::new(self.0.dropped());
        let help = "Notices that gave way to graver ones";
        counter.encode(encoder.encode_descriptor("notices_dropped", help, None, counter.metric_type())?)
    }
}
