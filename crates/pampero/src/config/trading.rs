//! The keys of paper and live trading: `[feed]`, `[paper]`, `[live]`, `[promotion]`, `[notify]`, `[metrics]`, `[log]`.

use pampero_model::{Cash, Rate, Span};
use pampero_venue::FillPreset;

use super::document::Node;
use super::schema::{Kind, PRESETS, Refusal, Row, exact, latency, parse, text};
use super::{Config, LatencyItem};

/// What only paper and live trading need; what is left out is `None`.
#[derive(Clone, Debug, Default)]
pub(crate) struct TradingSection {
    pub feed: FeedSection,
    pub paper: PaperSection,
    pub live: LiveSection,
    pub promotion: PromotionSection,
    pub notify: NotifySection,
    pub metrics_listen: Option<String>,
    pub log_format: Option<String>,
    pub log_level: Option<String>,
    pub log_file: Option<String>,
}

/// How the markets are watched.
#[derive(Clone, Debug, Default)]
pub(crate) struct FeedSection {
    pub fastest: Option<Span>,
    pub slowest: Option<Span>,
    pub slowest_with_orders: Option<Span>,
    pub spacing: Option<Span>,
    pub stale_after: Option<Span>,
    pub candles: Option<Span>,
}

/// How paper trading fills.
#[derive(Clone, Debug, Default)]
pub(crate) struct PaperSection {
    pub fill: Option<FillPreset>,
    pub volume_share: Option<Rate>,
    pub latency: Option<LatencyItem>,
}

/// How orders are placed and followed.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveSection {
    pub foreign_orders: Option<String>,
    pub intent_timeout: Option<Span>,
    pub quarantine: Option<Span>,
    pub ghost_horizon: Option<Span>,
    pub stop_deadline: Option<Span>,
    pub flatten_on_stop: Option<bool>,
    pub orders_per_minute: Option<u32>,
    pub max_notional: Vec<(String, Cash)>,
}

/// What must be shown before production.
#[derive(Clone, Debug, Default)]
pub(crate) struct PromotionSection {
    pub paper_time: Option<Span>,
    pub paper_fills: Option<u64>,
    pub rehearsal_age: Option<Span>,
}

/// Whom to tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct NotifySection {
    pub webhook: Option<String>,
    pub template: Option<String>,
    pub telegram_chat: Option<String>,
    pub severity: Option<String>,
    pub per_minute: Option<u32>,
    pub heartbeat_url: Option<String>,
    pub heartbeat_every: Option<Span>,
}

/// The tables, with what they are for.
pub(super) const TRADING_TABLES: &[(&str, &str)] = &[
    ("feed", "How often paper and live trading ask for market data."),
    ("paper", "How paper trading fills."),
    ("live", "How live trading places its orders and follows them."),
    (
        "live.max_notional",
        "The largest order that leaves, by the currency its market is priced in, whatever the limits say.",
    ),
    ("promotion", "What a strategy must have shown before it trades in production."),
    ("notify", "Whom to tell when something happens. Tokens come from the environment, never from here."),
    ("metrics", "Figures for Prometheus, on this machine alone."),
    ("log", "What is written while trading, and how."),
];

const FOREIGN: &[&str] = &["ignore", "adopt", "cancel", "halt"];
const SEVERITIES: &[&str] = &["info", "warning", "critical"];
const FORMATS: &[&str] = &["text", "json"];
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

type Set<T> = Result<T, Refusal>;

pub(super) fn flag(node: &Node) -> Set<bool> {
    parse(node)
}

/// An address that secrets may travel to: https, or this machine.
pub(super) fn address(node: &Node) -> Set<String> {
    let address = text(node)?;
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    if address.starts_with("https://") || local.iter().any(|start| address.starts_with(start)) {
        return Ok(address);
    }
    Err(Refusal {
        message: Some("is neither https nor an address of this machine".to_owned()),
        help: Some("write an address that begins with https://".to_owned()),
        ..Refusal::default()
    })
}

fn live(config: &mut Config) -> &mut LiveSection {
    &mut config.trading.live
}

#[rustfmt::skip] // a table reads better with its columns in line
pub(super) const TRADING: &[Row] = &[
    ("feed.fastest", Kind::Span, "1s",
        "The shortest time between two requests for one market.",
        |config, _, node| parse(node).map(|value| config.trading.feed.fastest = Some(value))),
    ("feed.slowest", Kind::Span, "5s",
        "The longest time between two requests for one market where nothing happens.",
        |config, _, node| parse(node).map(|value| config.trading.feed.slowest = Some(value))),
    ("feed.slowest_with_orders", Kind::Span, "2s",
        "The longest time between two requests for a market in which own orders rest.",
        |config, _, node| parse(node).map(|value| config.trading.feed.slowest_with_orders = Some(value))),
    ("feed.spacing", Kind::Span, "1s",
        "Time between two requests for whatever market. The exchange's five a second are for everything.",
        |config, _, node| parse(node).map(|value| config.trading.feed.spacing = Some(value))),
    ("feed.stale_after", Kind::Span, "15s",
        "Without a good answer for so long, the data of a market is stale: nothing increases a position.",
        |config, _, node| parse(node).map(|value| config.trading.feed.stale_after = Some(value))),

    ("feed.candles", Kind::Span, "1h",
        "How long a candle lasts for a strategy that does not say it.",
        |config, _, node| parse(node).map(|value| config.trading.feed.candles = Some(value))),

    ("paper.fill", Kind::Choice(PRESETS), "conservative",
        "When and for how much the market seen fills our orders.",
        |config, _, node| parse(node).map(|value| config.trading.paper.fill = Some(value))),
    ("paper.volume_share", Kind::Share, "0.1 for conservative, else 1",
        "The part of the observed volume that our fills may take.",
        |config, _, node| exact(node).map(|value| config.trading.paper.volume_share = Some(value))),
    ("paper.latency", Kind::Latency, "as measured at the start",
        "How long a request takes, one way.",
        |config, _, node| latency(node).map(|value| config.trading.paper.latency = Some(value))),

    ("live.foreign_orders", Kind::Choice(FOREIGN), "halt",
        "What to do about orders on the account that are not ours: a person's, or another program's.",
        |config, _, node| text(node).map(|value| live(config).foreign_orders = Some(value))),
    ("live.intent_timeout", Kind::Span, "10s",
        "An order that could not be sent for so long after its approval is dropped unsent.",
        |config, _, node| parse(node).map(|value| live(config).intent_timeout = Some(value))),
    ("live.quarantine", Kind::Span, "3m",
        "How long an order without an answer is searched for before it may be presumed absent.",
        |config, _, node| parse(node).map(|value| live(config).quarantine = Some(value))),
    ("live.ghost_horizon", Kind::Span, "30m",
        "How long the money of an order presumed absent stays reserved, in case it appears after all.",
        |config, _, node| parse(node).map(|value| live(config).ghost_horizon = Some(value))),
    ("live.stop_deadline", Kind::Span, "60s",
        "How long stopping may take to cancel everything and to verify it.",
        |config, _, node| parse(node).map(|value| live(config).stop_deadline = Some(value))),
    ("live.flatten_on_stop", Kind::Flag, "false",
        "Sell every position when trading stops.",
        |config, _, node| flag(node).map(|value| live(config).flatten_on_stop = Some(value))),
    ("live.orders_per_minute", Kind::Count, "30",
        "Most orders that leave for a venue within a minute, whatever the limits say.",
        |config, _, node| parse(node).map(|value| live(config).orders_per_minute = Some(value))),
    ("live.max_notional.*", Kind::Amount, "the largest `max_order_notional` of its markets",
        "The largest order that leaves for a market priced in this currency, in that currency.",
        |config, spot, node| exact::<Cash>(node)
            .map(|value| live(config).max_notional.push((spot.name().to_owned(), value)))),

    ("promotion.paper_time", Kind::Span, "24h",
        "How long the strategy must have traded on paper, with these parameters.",
        |config, _, node| parse(node).map(|value| config.trading.promotion.paper_time = Some(value))),
    ("promotion.paper_fills", Kind::Count, "20",
        "How many executions it must have had on paper.",
        |config, _, node| parse(node).map(|value| config.trading.promotion.paper_fills = Some(value))),
    ("promotion.rehearsal_age", Kind::Span, "7d",
        "How long ago the last passed rehearsal may be.",
        |config, _, node| parse(node).map(|value| config.trading.promotion.rehearsal_age = Some(value))),

    ("notify.webhook", Kind::Address, "nobody is told",
        "An address that gets a POST for each message: https, or this machine.",
        |config, _, node| address(node).map(|value| config.trading.notify.webhook = Some(value))),
    ("notify.template", Kind::Text, "a JSON object",
        "The body of the POST: {title}, {text}, {severity} and {environment} are filled in.",
        |config, _, node| text(node).map(|value| config.trading.notify.template = Some(value))),
    ("notify.telegram_chat", Kind::Text, "nobody is told",
        "The chat that gets the messages. The bot's token is in PAMPERO_TELEGRAM_TOKEN.",
        |config, _, node| text(node).map(|value| config.trading.notify.telegram_chat = Some(value))),
    ("notify.severity", Kind::Choice(SEVERITIES), "warning",
        "The least severity that is told.",
        |config, _, node| text(node).map(|value| config.trading.notify.severity = Some(value))),
    ("notify.per_minute", Kind::Count, "10",
        "Most messages a minute; what is beyond is counted and summed up.",
        |config, _, node| parse(node).map(|value| config.trading.notify.per_minute = Some(value))),
    ("notify.heartbeat_url", Kind::Address, "nobody is asked",
        "An address that is asked for regularly while all is well, so that its silence alarms.",
        |config, _, node| address(node).map(|value| config.trading.notify.heartbeat_url = Some(value))),
    ("notify.heartbeat_every", Kind::Span, "60s",
        "How often.",
        |config, _, node| parse(node).map(|value| config.trading.notify.heartbeat_every = Some(value))),

    ("metrics.listen", Kind::Text, "no metrics",
        "Address of the metrics page, on this machine, such as \"127.0.0.1:9464\".",
        |config, _, node| text(node).map(|value| config.trading.metrics_listen = Some(value))),

    ("log.format", Kind::Choice(FORMATS), "text",
        "Lines of text, or of JSON.",
        |config, _, node| text(node).map(|value| config.trading.log_format = Some(value))),
    ("log.level", Kind::Choice(LEVELS), "warn, or info if `file` is set",
        "The least that is written.",
        |config, _, node| text(node).map(|value| config.trading.log_level = Some(value))),
    ("log.file", Kind::Text, "standard error",
        "A file to write to, which nobody else may read.",
        |config, _, node| text(node).map(|value| config.trading.log_file = Some(value))),
];
