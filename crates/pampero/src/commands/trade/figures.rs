//! What machines want to know of a session: figures for Prometheus, and a log with a span for each order.

use std::collections::BTreeMap;
use std::sync::Arc;

use pampero_engine::{Audit, Engine, StrategyId};
use pampero_exchange::{Budget, Class};
use pampero_model::{OrderId, Quantity, Span, Timestamp};
use pampero_runtime::execution::{Answer, Request};
use pampero_runtime::guard::Latch;
use pampero_runtime::notify::Notifier;
use pampero_runtime::telemetry::{
    LogFormat, LogSettings, Metrics, OrderSpans, listen, log_to, serve_metrics,
};

use crate::config::TradingSection;
use crate::error::Failure;
use crate::market_list::shown;

/// Sets the log up as configured. Without a word about it only warnings are written, beside the console's lines.
pub(super) fn log(config: &TradingSection) -> Result<(), Failure> {
    let usual = if config.log_file.is_some() { "info" } else { "warn" };
    let settings = LogSettings {
        format: if config.log_format.as_deref() == Some("json") { LogFormat::Json } else { LogFormat::Text },
        level: Some(config.log_level.clone().unwrap_or_else(|| usual.to_owned())),
        file: config.log_file.as_ref().map(Into::into),
    };
    log_to(&settings).map_err(|error| Failure::usage(error.to_string(), "correct [log] in the configuration"))
}

/// Makes the figures, and serves them if the configuration says where.
pub(super) async fn serve(
    config: &TradingSection,
    budgets: Vec<(String, Budget)>,
    latch: &Arc<Latch>,
    notifier: &Notifier,
) -> Result<Metrics, Failure> {
    let metrics =
        Metrics::builder().budgets(budgets).latch(Arc::clone(latch)).notifier(notifier.clone()).build();
    if let Some(address) = &config.metrics_listen {
        let wrong = |error: pampero_runtime::telemetry::TelemetryError| {
            Failure::usage(error.to_string(), "correct `listen` in [metrics] of the configuration")
        };
        let listener = listen(address).await.map_err(wrong)?;
        tokio::spawn(serve_metrics(listener, metrics.clone(), std::future::pending()));
    }
    Ok(metrics)
}

/// Keeps figures and spans up to date from the session's hooks.
pub(super) struct Figures {
    metrics: Metrics,
    spans: OrderSpans,
    open: Vec<OrderId>,
    next: Timestamp,
}

/// How often figures that only grow old are set anew.
const EVERY: Span = Span::from_secs(1);

impl Figures {
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, spans: OrderSpans::default(), open: Vec::new(), next: Timestamp::MIN }
    }

    pub fn audit(&mut self, engine: &Engine, audit: &Audit) {
        match audit {
            Audit::Filled { fill, .. } => {
                let code = engine.market(fill.market).map(shown).unwrap_or_default();
                self.metrics.filled(&code, &fill.side.to_string());
                let (price, base) = (fill.price.to_string(), fill.base.to_string());
                self.spans.of(fill.order).in_scope(|| tracing::info!(price, base, "executed"));
            }
            Audit::Denied { denied, .. } => self.metrics.denied(denied.code().as_str()),
            Audit::Closed(record) => {
                let state = record.state.name();
                self.spans.of(record.id).in_scope(|| tracing::info!(state, "closed"));
                self.spans.end(record.id);
                self.open.retain(|id| *id != record.id);
            }
            _ => {}
        }
    }

    pub fn turn(&mut self, engine: &Engine, now: Timestamp) {
        for record in engine.open_orders() {
            if !self.open.contains(&record.id) {
                self.open.push(record.id);
                let code = engine.market(record.market).map(shown).unwrap_or_default();
                self.spans.begin(record, &code);
            }
        }
        if now < self.next {
            return;
        }
        self.next = now.plus(EVERY);
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        for record in engine.open_orders() {
            *states.entry(record.state.name()).or_default() += 1;
        }
        for state in ["held", "submitted", "acknowledged", "live", "cancelling", "unknown", "presumed_absent"]
        {
            self.metrics.orders(state, states.get(state).copied().unwrap_or(0));
        }
        let portfolio = engine.portfolio();
        self.metrics.equity("account", portfolio.equity());
        for (id, market) in engine.markets().iter() {
            let strategies = (0..engine.strategy_count()).filter_map(|index| u16::try_from(index).ok());
            let held = strategies.map(|index| portfolio.position(StrategyId(index), id).quantity);
            self.metrics.position(&shown(market), held.fold(Quantity::ZERO, Quantity::saturating_add));
        }
    }
}

/// The class of a request, as the request budget counts it.
pub(super) const fn class(request: &Request) -> Class {
    match request {
        Request::Place(_) => Class::Place,
        Request::Cancel { .. } | Request::CancelAll { .. } => Class::Cancel,
        Request::Order { .. } | Request::ActiveOrders | Request::Fills(_) => Class::Reconcile,
        Request::Balances | Request::Movements => Class::Account,
    }
}

/// How an answer is counted.
pub(super) fn outcome(answer: &Answer) -> &'static str {
    answer.error().map_or("ok", pampero_exchange::Error::code)
}
