//! Every key of the configuration: its type, default, meaning, and where its value goes.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::LazyLock;

use pampero_model::{Cash, Price, SizeUnit, Span};
use pampero_venue::FillPreset;

use super::document::{Field, Node, Place, Value};
use super::limits::{LIMITS, MARKET_LIMITS};
use super::trading::{TRADING, TRADING_TABLES, address, flag};
use super::{
    Adapter, Config, DataItem, LatencyItem, LimitsSection, MarketSection, RateSection, StrategySection,
    VenueSection,
};
use crate::suggest::closest;

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// https, or an address of this machine.
    Address,
    Flag,
    Count,
    /// An amount of money or goods, exact; not below zero.
    Amount,
    /// A part of something: 0.01 is 1 %; not below zero.
    Share,
    Span,
    Instant,
    Currency,
    Zone,
    Choice(&'static [&'static str]),
    Texts,
    Data,
    Latency,
    /// Whatever the strategy takes.
    Any,
}

impl Kind {
    /// The kind in words, for messages and explanations.
    pub fn expected(self) -> String {
        match self {
            Self::Text => "a text in quotes".to_owned(),
            Self::Address => "an address that begins with https://, or one of this machine".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Count => "a whole number, not below 0".to_owned(),
            Self::Amount => {
                "an exact amount, not below 0, of at most 8 decimals, such as \"1000.50\"".to_owned()
            }
            Self::Share => "a share, not below 0, of at most 8 decimals, such as \"0.02\" for 2 %".to_owned(),
            Self::Span => {
                "a span of time: a whole number and ns, us, ms, s, m, h or d, such as \"15m\"".to_owned()
            }
            Self::Instant => {
                "a date or an instant, such as \"2024-01-31\" or \"2024-01-31T12:00:00Z\"".to_owned()
            }
            Self::Currency => "a currency code of two to eight letters or digits, such as \"usd\"".to_owned(),
            Self::Zone => "a time zone, such as \"America/Argentina/Buenos_Aires\" or \"UTC\"".to_owned(),
            Self::Choice(choices) => {
                let quoted: Vec<_> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
                format!("one of {}", quoted.join(", "))
            }
            Self::Texts => "a list of texts, such as [\"btc_ars\"]".to_owned(),
            Self::Data => {
                "a list of files, each \"FILE\", \"sample:NAME\" or { market = \"btc_ars\", file = \"FILE\" }"
                    .to_owned()
            }
            Self::Latency => {
                "a span (\"200ms\"), { min = \"100ms\", max = \"400ms\" } or { measured = \"times.csv\" }"
                    .to_owned()
            }
            Self::Any => "what the strategy takes (`pampero strategies`)".to_owned(),
        }
    }
}

/// The part of a path that is not fixed: which strategy, and the names that stand for `*`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spot {
    pub index: usize,
    pub names: Vec<String>,
}

impl Spot {
    pub fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }
}

/// Why a value is refused. What is not said follows from the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub message: Option<String>,
    pub help: Option<String>,
    pub place: Option<Place>,
}

pub(crate) type Outcome = Result<(), Refusal>;

/// Where a value goes.
#[derive(Clone, Copy)]
pub(crate) enum Setter {
    Config(fn(&mut Config, &Spot, &Node) -> Outcome),
    /// Into the limits of the account or of a strategy.
    Limits(fn(&mut LimitsSection, &Spot, &Node) -> Outcome),
}

/// A key of the configuration.
#[derive(Clone)]
pub(crate) struct Key {
    /// Its path: `*` stands for any name, `[]` for each entry of a list of tables.
    pub path: String,
    pub kind: Kind,
    /// The value that is used when it is left out, in words.
    pub default: &'static str,
    pub what: &'static str,
    pub set: Setter,
}

/// Every key.
pub(crate) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(all_keys);

/// The tables, with what they are for.
pub(crate) fn tables() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    BASE_TABLES.iter().chain(TRADING_TABLES)
}

const BASE_TABLES: &[(&str, &str)] = &[
    ("run", "What is said of the run as a whole."),
    ("strategy[]", "A strategy of the run; repeat the table for several."),
    ("strategy[].parameters", "The strategy's own parameters: see `pampero strategies`."),
    (
        "strategy[].allocation",
        "The strategy's share of the account, by currency; everything if there is one strategy.",
    ),
    ("strategy[].limits", "Limits of this strategy alone, beside those of the account."),
    ("strategy[].limits.markets", "Limits in the units of one market, by market."),
    (
        "account",
        "What the account holds at the start of a backtest or a paper run, by currency or venue:currency.",
    ),
    ("limits", "Limits of the whole account. One that is left out is not checked."),
    ("limits.markets", "Limits in the units of one market, by market."),
    ("orders", "How orders are made."),
    ("rates", "Worth of one unit of a currency in the report currency, where no market says it."),
    (
        "rate_sources",
        "Where a rate of [rates] comes from that changes, by currency. Paper and live trading read it before they begin, \
         and then again and again.",
    ),
    ("markets", "What differs from the built-in list of markets, by code or venue:code."),
    (
        "venues",
        "Venues beside the first, `bitex`, by name: paper and live trading reach their markets, which are written \
         VENUE:CODE. Each has keys of its own.",
    ),
    ("backtest", "What only backtests need."),
    ("backtest.latency", "How long requests take, one way."),
];

fn all_keys() -> Vec<Key> {
    let mut keys: Vec<Key> = BASE
        .iter()
        .chain(TRADING)
        .map(|(path, kind, default, what, set)| Key {
            path: (*path).to_owned(),
            kind: *kind,
            default,
            what,
            set: Setter::Config(*set),
        })
        .collect();
    for prefix in ["limits", "strategy[].limits"] {
        let rows = LIMITS.iter().map(|row| (format!("{prefix}.{}", row.0), row));
        let market_rows = MARKET_LIMITS.iter().map(|row| (format!("{prefix}.markets.*.{}", row.0), row));
        for (path, (_, kind, what, set)) in rows.chain(market_rows) {
            keys.push(Key { path, kind: *kind, default: "not checked", what, set: Setter::Limits(*set) });
        }
    }
    keys
}

/// The key most like a path that is none.
pub(crate) fn closest_key(path: &str) -> Option<&'static str> {
    closest(path, KEYS.iter().map(|key| key.path.as_str()))
}

/// Reads a value that is written as one word.
pub(crate) fn parse<T: FromStr>(node: &Node) -> Result<T, Refusal> {
    node.value.text().and_then(|text| text.parse().ok()).ok_or_else(Refusal::default)
}

/// Reads an amount exactly as it is written.
pub(crate) fn exact<T: FromStr>(node: &Node) -> Result<T, Refusal> {
    let amount = parse(node)?;
    let text = node.value.text().unwrap_or_default().trim();
    let decimals = text.split_once('.').map_or("", |(_, decimals)| decimals);
    let refuse = |message: &str| Err(Refusal { message: Some(message.to_owned()), ..Refusal::default() });
    if matches!(node.value, Value::Flag(_)) {
        return Err(Refusal::default());
    }
    if text.starts_with('-') {
        return refuse("is below zero");
    }
    if !text.contains(['e', 'E']) && decimals.trim_end_matches('0').len() > 8 {
        return refuse("has more than 8 decimals");
    }
    Ok(amount)
}

pub(crate) fn text(node: &Node) -> Result<String, Refusal> {
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(Refusal::default()),
    }
}

pub(crate) fn texts(node: &Node) -> Result<Vec<String>, Refusal> {
    let Value::List(items) = &node.value else { return Err(Refusal::default()) };
    items
        .iter()
        .map(|item| text(item).map_err(|_| Refusal { place: Some(item.place.clone()), ..Refusal::default() }))
        .collect()
}

fn strategy<'a>(config: &'a mut Config, spot: &Spot) -> &'a mut StrategySection {
    if config.strategies.len() <= spot.index {
        config.strategies.resize_with(spot.index + 1, StrategySection::default);
    }
    // The list was made long enough just now.
    let last = config.strategies.len().saturating_sub(1);
    let index = spot.index.min(last);
    #[allow(clippy::indexing_slicing)] // `index` is below the length, which is above zero
    &mut config.strategies[index]
}

fn rate_source<'a>(config: &'a mut Config, spot: &Spot) -> &'a mut RateSection {
    config.rate_sources.entry(spot.name().to_owned()).or_default()
}

fn market<'a>(config: &'a mut Config, spot: &Spot) -> &'a mut MarketSection {
    config.markets.entry(spot.name().to_owned()).or_default()
}

/// A further venue, by a name that can stand before the colon of a market, in a file name and in a variable.
fn venue<'a>(config: &'a mut Config, spot: &Spot) -> Result<&'a mut VenueSection, Refusal> {
    match venue_name(spot.name()) {
        Ok(name) => Ok(config.venues.entry(name).or_default()),
        Err(help) => {
            let message = Some("belongs to a venue that cannot be called so".to_owned());
            Err(Refusal { message, help: Some(help), place: None })
        }
    }
}

/// The name of a further venue, or what it may be.
pub(crate) fn venue_name(name: &str) -> Result<String, String> {
    // The first venue, that of markets without one, and environments.
    const TAKEN: [&str; 5] = ["bitex", "generic", "local", "sandbox", "production"];
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return Err("use small letters, digits and `_` for the name of a venue".to_owned());
    }
    if TAKEN.contains(&name) {
        return Err(format!("`{name}` means something else: give the venue another name"));
    }
    Ok(name.to_owned())
}

pub(crate) type Row =
    (&'static str, Kind, &'static str, &'static str, fn(&mut Config, &Spot, &Node) -> Outcome);

const ADAPTERS: &[&str] = &["bitex"];
const UNITS: &[&str] = &["base", "quote"];
pub(crate) const PRESETS: &[&str] = &["conservative", "neutral", "optimistic"];

#[rustfmt::skip] // a table reads better with its columns in line
const BASE: &[Row] = &[
    ("run.report_currency", Kind::Currency, "the quote currency of the first market",
        "The currency in which equity, profit and the limits on value are counted.",
        |config, _, node| parse(node).map(|value| config.report_currency = Some(value))),
    ("run.time_zone", Kind::Zone, "UTC",
        "Where the trading day begins at midnight: daily limits start anew then.",
        |config, _, node| text(node).map(|value| config.time_zone = Some(value))),
    ("run.seed", Kind::Count, "1",
        "The seed of everything that is drawn, such as latencies. The same seed gives the same run.",
        |config, _, node| parse(node).map(|value| config.seed = Some(value))),

    ("strategy[].name", Kind::Text, "must be set",
        "The strategy: one of `pampero strategies`.",
        |config, spot, node| text(node).map(|value| strategy(config, spot).name = Some(value))),
    ("strategy[].markets", Kind::Texts, "the markets of the data",
        "The markets it trades, by code or venue:code.",
        |config, spot, node| texts(node).map(|value| strategy(config, spot).markets = value)),
    ("strategy[].parameters.*", Kind::Any, "the strategy's own",
        "A parameter of the strategy.",
        |config, spot, node| {
            strategy(config, spot).parameters.push((spot.name().to_owned(), node.value.clone()));
            Ok(())
        }),
    ("strategy[].allocation.*", Kind::Amount, "everything, for the only strategy",
        "How much of a currency of the account the strategy may use.",
        |config, spot, node| exact::<Cash>(node)
            .map(|value| strategy(config, spot).allocation.push((spot.name().to_owned(), value)))),

    ("account.*", Kind::Amount, "nothing",
        "How much of a currency (or venue:currency) the account holds at the start.",
        |config, spot, node| exact::<Cash>(node).map(|value| config.account.push((spot.name().to_owned(), value)))),

    ("orders.market_bound", Kind::Share, "0.02",
        "How far beyond the best opposite price a market order may execute: it is sent as a limit there.",
        |config, _, node| exact(node).map(|value| config.market_bound = Some(value))),

    ("rates.*", Kind::Amount, "from the markets of the run",
        "Worth of one unit of the currency in the report currency.",
        |config, spot, node| {
            let currency = spot.name().parse().map_err(|_| Refusal {
                message: Some("does not name a currency".to_owned()),
                help: Some(format!("the key must be {}", Kind::Currency.expected())),
                ..Refusal::default()
            })?;
            exact::<Price>(node).map(|value| config.rates.push((currency, value)))
        }),

    ("rate_sources.*.url", Kind::Address, "no document is asked for",
        "An address that answers with the rate, alone or within a JSON document: https, or this machine.",
        |config, spot, node| address(node).map(|value| rate_source(config, spot).url = Some(value))),
    ("rate_sources.*.file", Kind::Text, "no file is read",
        "A file that somebody else writes, with the rate alone or within a JSON document; relative to the configuration.",
        |config, spot, node| text(node).map(|value| rate_source(config, spot).file = Some(value.into()))),
    ("rate_sources.*.pointer", Kind::Text, "the document is nothing but the number",
        "Where the number stands in the JSON document, as a JSON pointer such as \"/official/sell\".",
        |config, spot, node| text(node).map(|value| rate_source(config, spot).pointer = Some(value))),
    ("rate_sources.*.invert", Kind::Flag, "false",
        "Whether it is said how much of the currency one unit of the report currency is worth.",
        |config, spot, node| flag(node).map(|value| rate_source(config, spot).invert = Some(value))),
    ("rate_sources.*.every", Kind::Span, "1m",
        "Time between two readings.",
        |config, spot, node| parse(node).map(|value| rate_source(config, spot).every = Some(value))),
    ("rate_sources.*.stale_after", Kind::Span, "10m",
        "Without a good reading for so long the rate is stale: no order increases a position in a market that is priced in it.",
        |config, spot, node| parse(node).map(|value| rate_source(config, spot).stale_after = Some(value))),
    ("rate_sources.*.history", Kind::Text, "the rate of [rates] all along",
        "For backtests: a text file with columns of times and rates, relative to the configuration.",
        |config, spot, node| text(node).map(|value| rate_source(config, spot).history = Some(value.into()))),

    ("markets.*.venue", Kind::Text, "generic, unless built in",
        "The venue the market belongs to.",
        |config, spot, node| text(node).map(|value| market(config, spot).venue = Some(value))),
    ("markets.*.base_decimals", Kind::Count, "8",
        "Decimals of the base currency that are printed.",
        |config, spot, node| parse(node).map(|value| market(config, spot).base_decimals = Some(value))),
    ("markets.*.quote_decimals", Kind::Count, "2",
        "Decimals of the quote currency that are printed.",
        |config, spot, node| parse(node).map(|value| market(config, spot).quote_decimals = Some(value))),
    ("markets.*.price_tick", Kind::Amount, "0.00000001",
        "Prices of orders are multiples of this.",
        |config, spot, node| exact(node).map(|value| market(config, spot).price_tick = Some(value))),
    ("markets.*.quantity_step", Kind::Amount, "0.00000001",
        "Sizes in base are multiples of this.",
        |config, spot, node| exact(node).map(|value| market(config, spot).quantity_step = Some(value))),
    ("markets.*.min_base", Kind::Amount, "0.0001",
        "The smallest order that is sized in base.",
        |config, spot, node| exact(node).map(|value| market(config, spot).min_base = Some(value))),
    ("markets.*.min_quote", Kind::Amount, "0.1",
        "The smallest order that is sized in quote.",
        |config, spot, node| exact(node).map(|value| market(config, spot).min_quote = Some(value))),
    ("markets.*.buy_unit", Kind::Choice(UNITS), "quote",
        "The currency in which the venue counts the size of a buy.",
        |config, spot, node| unit(node).map(|value| market(config, spot).buy_unit = Some(value))),
    ("markets.*.sell_unit", Kind::Choice(UNITS), "base",
        "The currency in which the venue counts the size of a sell.",
        |config, spot, node| unit(node).map(|value| market(config, spot).sell_unit = Some(value))),
    ("markets.*.maker_fee", Kind::Share, "0.0025",
        "Fee of an execution that rested on the book, as a share of what is received.",
        |config, spot, node| exact(node).map(|value| market(config, spot).maker_fee = Some(value))),
    ("markets.*.taker_fee", Kind::Share, "0.0025",
        "Fee of an execution that took from the book, as a share of what is received.",
        |config, spot, node| exact(node).map(|value| market(config, spot).taker_fee = Some(value))),
    ("markets.*.fingerprint_span", Kind::Count, "999 on Bitex, else 0",
        "By how many units of 1e-8 a price may be moved, to its passive side, to make the order recognisable.",
        |config, spot, node| parse(node).map(|value| market(config, spot).fingerprint_span = Some(value))),

    ("venues.*.adapter", Kind::Choice(ADAPTERS), "bitex",
        "What speaks its protocol. It also says the rules of its markets, which [markets.\"VENUE:CODE\"] can change.",
        |config, spot, node| match text(node)?.as_str() {
            "bitex" => venue(config, spot).map(|venue| venue.adapter = Adapter::Bitex),
            _ => Err(Refusal::default()),
        }),
    ("venues.*.local_url", Kind::Address, "the one that `pampero sandbox --name VENUE` told of",
        "Where its local exchange is, for --env local. The addresses of other environments are the adapter's.",
        |config, spot, node| {
            let url = address(node)?;
            venue(config, spot).map(|venue| venue.local_url = Some(url))
        }),

    ("backtest.data", Kind::Data, "must be set",
        "The market data: files of CSV or Parquet, relative to the configuration, or built-in samples.",
        |config, _, node| data(node).map(|value| config.backtest.data = value)),
    ("backtest.fill", Kind::Choice(PRESETS), "conservative",
        "When and for how much history fills our orders.",
        |config, _, node| parse::<FillPreset>(node).map(|value| config.backtest.fill = Some(value))),
    ("backtest.volume_share", Kind::Share, "0.1 for conservative, else 1",
        "The part of the observed volume that our fills may take. For the configured `fill` only.",
        |config, _, node| exact(node).map(|value| config.backtest.volume_share = Some(value))),
    ("backtest.from", Kind::Instant, "the start of the data",
        "Only what happens at or after this.",
        |config, _, node| parse(node).map(|value| config.backtest.from = Some(value))),
    ("backtest.to", Kind::Instant, "the end of the data",
        "Only what happens before this.",
        |config, _, node| parse(node).map(|value| config.backtest.to = Some(value))),
    ("backtest.latency.order", Kind::Latency, "0s",
        "How long a placement takes to the venue.",
        |config, _, node| latency(node).map(|value| config.backtest.order_latency = Some(value))),
    ("backtest.latency.cancel", Kind::Latency, "0s",
        "How long a cancellation takes to the venue.",
        |config, _, node| latency(node).map(|value| config.backtest.cancel_latency = Some(value))),
    ("backtest.latency.report", Kind::Latency, "0s",
        "How long the venue's report takes back.",
        |config, _, node| latency(node).map(|value| config.backtest.report_latency = Some(value))),
];

fn unit(node: &Node) -> Result<SizeUnit, Refusal> {
    match node.value.text() {
        Some("base") => Ok(SizeUnit::Base),
        Some("quote") => Ok(SizeUnit::Quote),
        _ => Err(Refusal::default()),
    }
}

fn data(node: &Node) -> Result<Vec<DataItem>, Refusal> {
    let Value::List(items) = &node.value else { return Err(Refusal::default()) };
    items.iter().map(data_item).collect()
}

fn data_item(node: &Node) -> Result<DataItem, Refusal> {
    if let Value::Text(text) = &node.value {
        return Ok(DataItem::of_text(text));
    }
    let fields = inline_table(node, &["market", "file"])?;
    let find = |key| fields.iter().find(|field| field.key == key).map(|field| text(&field.node)).transpose();
    let refusal = || Refusal { place: Some(node.place.clone()), ..Refusal::default() };
    match (find("market").map_err(|_| refusal())?, find("file").map_err(|_| refusal())?) {
        (Some(market), Some(file)) => Ok(DataItem { market: Some(market), ..DataItem::of_text(&file) }),
        _ => Err(refusal()),
    }
}

pub(crate) fn latency(node: &Node) -> Result<LatencyItem, Refusal> {
    if let Value::Text(_) = node.value {
        return parse(node).map(LatencyItem::Constant);
    }
    let fields = inline_table(node, &["min", "max", "measured"])?;
    let find = |key| fields.iter().find(|field| field.key == key).map(|field| &field.node);
    match (find("min"), find("max"), find("measured")) {
        (Some(min), Some(max), None) => {
            let (min, max) = (parse::<Span>(min)?, parse(max)?);
            if min > max {
                let message = Some(format!("has a `min` of {min} above its `max` of {max}"));
                return Err(Refusal { message, ..Refusal::default() });
            }
            Ok(LatencyItem::Uniform { min, max })
        }
        (None, None, Some(file)) => text(file).map(|file| LatencyItem::Measured(PathBuf::from(file))),
        _ => Err(Refusal::default()),
    }
}

/// The fields of a small table within a value, none of them unknown.
fn inline_table<'a>(node: &'a Node, known: &[&str]) -> Result<&'a [Field], Refusal> {
    let Value::Table(fields) = &node.value else {
        return Err(Refusal { place: Some(node.place.clone()), ..Refusal::default() });
    };
    match fields.iter().find(|field| !known.contains(&field.key.as_str())) {
        None => Ok(fields),
        Some(field) => Err(Refusal {
            message: Some(format!("has no key `{}`", field.key)),
            help: Some(crate::suggest::hint(&field.key, known.iter().copied())),
            place: Some(field.key_place.clone()),
        }),
    }
}
