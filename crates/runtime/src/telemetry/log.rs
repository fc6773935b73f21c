//! Logging, and the spans of orders.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Mutex;

use pampero_engine::OrderRecord;
use pampero_model::{OrderId, VenueOrderId};
use thiserror::Error;
use tracing::{Span, Subscriber, field};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::state_dir::{StateError, open_private};

/// Why logs or metrics cannot be set up.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The level is no level.
    #[error(
        "`{0}` is no log level: write error, warn, info, debug or trace, or parts with levels of their own, as in \
         `info,pampero_bitex=debug`"
    )]
    Level(String),
    /// The log file cannot be opened.
    #[error("the log file: {0}")]
    File(#[from] StateError),
    /// Logging is set up already.
    #[error("logging is set up already")]
    Twice,
    /// The address of the metrics is no address.
    #[error("`{0}` is no address to serve metrics on: write it as 127.0.0.1:9464")]
    Address(String),
    /// The address of the metrics can be reached from elsewhere.
    #[error(
        "metrics are served to this machine alone, and `{0}` can be reached from elsewhere: use 127.0.0.1"
    )]
    NotLoopback(String),
    /// The address cannot be had.
    #[error("metrics cannot be served on `{address}`: {source}")]
    Listen {
        /// Which.
        address: String,
        /// Why not.
        source: io::Error,
    },
}

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is written, how, and where to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// The least that is written, such as `info` or `info,pampero_bitex=debug`; `$PAMPERO_LOG` goes before it.
    pub level: Option<String>,
    /// A file to append to; standard error without one.
    pub file: Option<PathBuf>,
}

/// Sets logging up for the whole process. Once.
///
/// # Errors
///
/// [`TelemetryError`] where the level or the file cannot be used, or logging is set up already.
pub fn log_to(settings: &LogSettings) -> Result<(), TelemetryError> {
    let level = std::env::var("PAMPERO_LOG").ok().filter(|level| !level.trim().is_empty());
    let settings = LogSettings { level: level.or_else(|| settings.level.clone()), ..settings.clone() };
    let subscriber: Box<dyn Subscriber + Send + Sync> = match &settings.file {
        Some(path) => {
            let file = open_private(path, OpenOptions::new().append(true).create(true))?;
            subscriber(&settings, Mutex::new(file), false)?
        }
        None => subscriber(&settings, io::stderr, io::stderr().is_terminal())?,
    };
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)
}

/// What writes the lines.
pub(super) fn subscriber(
    settings: &LogSettings,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
    colours: bool,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError> {
    let level = settings.level.as_deref().unwrap_or("info").trim();
    let filter: Targets = level.parse().map_err(|_| TelemetryError::Level(level.to_owned()))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
    let registry = tracing_subscriber::registry();
    Ok(match settings.format {
        LogFormat::Text => Box::new(registry.with(lines.with_filter(filter))),
        LogFormat::Json => Box::new(registry.with(lines.json().flatten_event(true).with_filter(filter))),
    })
}

/// One span for each open order, from the decision to the end: lines written inside carry the order's number.
///
/// ```
/// use pampero_model::{OrderId, VenueOrderId};
/// use pampero_runtime::telemetry::OrderSpans;
/// let mut spans = OrderSpans::default();
/// # let record: Option<pampero_engine::OrderRecord> = None;
/// # if let Some(record) = record {
/// spans.begin(&record, "btc_ars");
/// spans.acknowledged(record.id, VenueOrderId(1580));
/// spans.of(record.id).in_scope(|| tracing::info!("filled"));
/// spans.end(record.id);
/// # }
/// assert!(spans.of(OrderId(7)).is_disabled(), "no such order");
/// ```
#[derive(Debug, Default)]
pub struct OrderSpans {
    open: BTreeMap<OrderId, Span>,
}

impl OrderSpans {
    /// An order was approved.
    pub fn begin(&mut self, record: &OrderRecord, market: &str) {
        let span = tracing::info_span!(
            "order",
            id = record.id.0,
            market,
            side = ?record.side,
            price = %record.sent_price,
            size = %record.size,
            venue_id = field::Empty,
        );
        span.in_scope(|| tracing::info!("order begins"));
        self.open.insert(record.id, span);
    }

    /// The exchange gave it a number.
    pub fn acknowledged(&self, order: OrderId, venue: VenueOrderId) {
        self.of(order).record("venue_id", venue.0);
    }

    /// The span of an order; one that writes nothing where the order is not open.
    pub fn of(&self, order: OrderId) -> Span {
        self.open.get(&order).cloned().unwrap_or_else(Span::none)
    }

    /// It is over.
    pub fn end(&mut self, order: OrderId) {
        if let Some(span) = self.open.remove(&order) {
            span.in_scope(|| tracing::info!("order ends"));
        }
    }
}
