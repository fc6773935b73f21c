//! The configuration: one TOML file for every rung of the ladder.
//!
//! A table of keys ([`schema`]) drives the reader, the JSON schema and `config explain`, so that they cannot
//! disagree.

mod document;
mod explain;
mod json_schema;
mod limits;
mod parameters;
mod problem;
mod reader;
mod schema;
mod trading;

use std::collections::BTreeMap;
use std::path::PathBuf;

use pampero_engine::{Limits, MarketLimits};
use pampero_model::{Cash, Currency, Price, Quantity, Rate, SizeUnit, Span, Timestamp};
use pampero_venue::FillPreset;

pub(crate) use document::Value;
pub(crate) use explain::{Explained, explain_key};
pub(crate) use json_schema::json_schema;
pub(crate) use parameters::{build_parameters, of_command_line};
pub(crate) use problem::{Problem, Problems, Source};
pub(crate) use reader::read;
#[cfg(feature = "sandbox")]
pub(crate) use schema::venue_name;
pub(crate) use schema::{KEYS, closest_key, tables};
pub(crate) use trading::TradingSection;

/// The configuration that commands take where none is named: that of a project, in the working directory.
pub(crate) const FILE: &str = "pampero.toml";

/// The named configuration, or that of the working directory, if it has one.
pub(crate) fn named_or_here(named: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| Some(PathBuf::from(FILE)).filter(|file| file.is_file()))
}

/// What a configuration says; what it leaves out is `None` or empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    pub report_currency: Option<Currency>,
    pub time_zone: Option<String>,
    pub seed: Option<u64>,
    pub strategies: Vec<StrategySection>,
    /// Starting balances by currency or `venue:currency`.
    pub account: Vec<(String, Cash)>,
    pub limits: LimitsSection,
    pub market_bound: Option<Rate>,
    pub rates: Vec<(Currency, Price)>,
    /// Where rates come from that change, by currency as it is written.
    pub rate_sources: BTreeMap<String, RateSection>,
    pub markets: BTreeMap<String, MarketSection>,
    /// Venues beside the first.
    pub venues: BTreeMap<String, VenueSection>,
    pub backtest: BacktestSection,
    pub trading: TradingSection,
    /// The maker and taker fee of every market, from the command line alone.
    pub fee: Option<Rate>,
    /// The command line chose markets, so that what is said of others does not count.
    pub other_markets: bool,
    /// Beginnings of paths whose values came from an option, with that option.
    pub origins: Vec<(&'static str, &'static str)>,
    /// Parameters of strategies that the command line sets.
    pub set_keys: Vec<String>,
}

impl Config {
    /// Whether a venue is one beside the first that is configured.
    pub fn is_further(&self, venue: &str) -> bool {
        self.venues.contains_key(venue)
    }

    /// Whether the strategies say which markets they trade.
    pub fn names_markets(&self) -> bool {
        !self.strategies.is_empty() && self.strategies.iter().all(|strategy| !strategy.markets.is_empty())
    }

    /// Whether the data may hold a market that nobody names, for its price alone.
    pub fn may_have_more_markets(&self) -> bool {
        // One source without a market is of the strategy's.
        self.backtest.data.iter().filter(|item| item.market.is_none()).count() > 1
    }

    /// The option of the command line that a key's value came from.
    pub fn origin_of(&self, path: &str) -> Option<&'static str> {
        let parameter = path.split_once(".parameters.").map(|(_, key)| key);
        if parameter.is_some_and(|key| self.set_keys.iter().any(|set| set == key)) {
            return Some("--set");
        }
        let covers = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.origins.iter().find(|(prefix, _)| covers(prefix)).map(|(_, option)| *option)
    }
}

/// One strategy of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct StrategySection {
    pub name: Option<String>,
    pub markets: Vec<String>,
    pub parameters: Vec<(String, Value)>,
    /// By currency or `venue:currency`; everything if it is left out.
    pub allocation: Vec<(String, Cash)>,
    pub limits: LimitsSection,
}

/// Limits with markets by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct LimitsSection {
    /// All that does not concern one market.
    pub values: Limits,
    pub allowed_markets: Option<Vec<String>>,
    pub markets: BTreeMap<String, MarketLimits>,
}

/// What is said of a market; the rest is the venue's usual.
#[derive(Clone, Debug, Default)]
pub(crate) struct MarketSection {
    pub venue: Option<String>,
    pub base_decimals: Option<u8>,
    pub quote_decimals: Option<u8>,
    pub price_tick: Option<Price>,
    pub quantity_step: Option<Quantity>,
    pub min_base: Option<Quantity>,
    pub min_quote: Option<Cash>,
    pub buy_unit: Option<SizeUnit>,
    pub sell_unit: Option<SizeUnit>,
    pub maker_fee: Option<Rate>,
    pub taker_fee: Option<Rate>,
    pub fingerprint_span: Option<u32>,
}

/// How a venue beside the first is reached.
#[derive(Clone, Debug, Default)]
pub(crate) struct VenueSection {
    pub adapter: Adapter,
    pub local_url: Option<String>,
}

/// What speaks a venue's protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Adapter {
    #[default]
    Bitex,
}

impl Adapter {
    /// The venue whose markets on the built-in list say the rules.
    pub const fn listed(self) -> &'static str {
        match self {
            Self::Bitex => "bitex",
        }
    }
}

/// Where the worth of a currency comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateSection {
    pub url: Option<String>,
    pub file: Option<PathBuf>,
    pub pointer: Option<String>,
    pub invert: Option<bool>,
    pub every: Option<Span>,
    pub stale_after: Option<Span>,
    pub history: Option<PathBuf>,
}

/// What only backtests need.
#[derive(Clone, Debug, Default)]
pub(crate) struct BacktestSection {
    pub data: Vec<DataItem>,
    pub fill: Option<FillPreset>,
    pub volume_share: Option<Rate>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub order_latency: Option<LatencyItem>,
    pub cancel_latency: Option<LatencyItem>,
    pub report_latency: Option<LatencyItem>,
}

/// A file of market data, or a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataItem {
    /// The market it belongs to; found out from the file if left out.
    pub market: Option<String>,
    pub source: DataSource,
}

/// Where market data comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DataSource {
    /// A file; relative to the configuration that names it, or to the working directory.
    File(PathBuf),
    /// Built into the program.
    Sample(String),
}

impl DataItem {
    /// Reads `FILE` or `sample:NAME`.
    pub fn of_text(text: &str) -> Self {
        let source = match text.strip_prefix("sample:") {
            Some(name) => DataSource::Sample(name.to_owned()),
            None => DataSource::File(PathBuf::from(text)),
        };
        Self { market: None, source }
    }
}

/// How long requests take, before a file of measured times is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LatencyItem {
    Constant(Span),
    Uniform { min: Span, max: Span },
    Measured(PathBuf),
}
