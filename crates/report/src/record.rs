//! What a run leaves behind: the plain input of statistics and reports.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use pampero_model::{
    Cash, Currency, Fill, Market, MarketId, Markets, OrderId, Price, Quantity, Rate, Side, Size, Span,
    Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::explain::Value;

/// Everything a finished run has to tell. Amounts are in the report currency unless said otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// What the run was made from.
    pub inputs: RunInputs,
    /// The markets of the run.
    #[serde(serialize_with = "write_markets", deserialize_with = "read_markets")]
    pub markets: Markets,
    /// The market whose price buying and holding is compared with.
    pub main_market: MarketId,
    /// The currency of every valued amount.
    pub report_currency: Currency,
    /// The account's worth over time, ascending. The first point is the start of the run.
    #[serde(skip)] // stored in columns
    pub equity: Vec<EquityPoint>,
    /// Deposits and withdrawals after the start, ascending in time. They move no return.
    pub flows: Vec<Flow>,
    /// What was held of markets' base currencies at the start, by strategy.
    pub holdings: Vec<Holding>,
    /// The first and last valuation of each market.
    pub marks: Vec<MarketMarks>,
    /// Every order, ascending by id.
    pub orders: Vec<OrderRecord>,
    /// Every own execution, in the order they were learnt of.
    pub fills: Vec<FillRecord>,
    /// How many intents the risk gate denied, by code.
    pub denied: Vec<DeniedCount>,
    /// What the fill presets made of the same inputs; empty unless they were compared.
    pub presets: Vec<PresetOutcome>,
    /// How long the run took. In no written file, so that equal runs write equal bytes.
    pub timing: Timing,
}

/// What a run was made from: enough to repeat it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunInputs {
    /// The strategy, or the strategies joined by commas.
    pub strategy: String,
    /// The strategy's parameters as they were used.
    pub parameters: BTreeMap<String, String>,
    /// The seed of everything random.
    pub seed: u64,
    /// Hash of the effective configuration.
    pub config_hash: String,
    /// Hash of the market data.
    pub data_hash: String,
    /// The version of the program.
    pub version: String,
    /// The fill model's preset, such as `conservative`.
    pub fill_model: String,
    /// One line for each source of data.
    pub data: Vec<String>,
    /// Whether any of the data was generated and not observed.
    pub synthetic: bool,
    /// When the data begins.
    pub from: Timestamp,
    /// When the data ends.
    pub to: Timestamp,
    /// Anything the reader must know, such as limits that do not bind.
    pub notes: Vec<String>,
    /// The command that repeats the run; empty if there is none.
    pub reproduce: String,
}

/// The account's worth at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EquityPoint {
    /// When.
    pub time: Timestamp,
    /// Mark of the main market, in its quote currency.
    pub price: Price,
    /// Worth of everything held.
    pub equity: Cash,
    /// Worth of what is held in other currencies than the report currency.
    pub exposure: Cash,
}

/// A deposit (above zero) or a withdrawal (below zero).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// When it was booked.
    pub time: Timestamp,
    /// Its worth.
    pub amount: Cash,
}

/// Inventory at the start of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Whose it is.
    pub strategy: Arc<str>,
    /// The market whose base currency it is.
    pub market: MarketId,
    /// How much.
    pub base: Quantity,
}

/// The first and the last mark of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketMarks {
    /// Which market.
    pub market: MarketId,
    /// The first mark of the run, at which inventory from before counts as bought.
    pub opening: Option<Mark>,
    /// The last, at which open positions are valued.
    pub closing: Option<Mark>,
}

/// A price with what its currency is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Quote currency per one of the base currency.
    pub price: Price,
    /// Report currency per one of the quote currency; [`Rate::ONE`] if they are the same.
    pub rate: Rate,
}

/// An order with what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Our id.
    pub id: OrderId,
    /// The strategy that wanted it.
    pub strategy: Arc<str>,
    /// When it was sent.
    pub time: Timestamp,
    /// Where.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// The price the strategy asked for.
    pub desired_price: Price,
    /// The price that was sent, with the fingerprint in its low digits.
    pub sent_price: Price,
    /// How much was ordered.
    pub size: Size,
    /// What kind of order was emulated: `limit`, `market`, …
    pub kind: Cow<'static, str>,
    /// Its last state.
    pub status: Cow<'static, str>,
    /// Gross base quantity executed.
    pub filled_base: Quantity,
    /// Gross quote amount executed.
    pub filled_quote: Cash,
    /// The strategy's reason code.
    pub reason: Cow<'static, str>,
    /// When its last state was reached, if it is final.
    pub finished: Option<Timestamp>,
}

/// An own execution with what is needed to judge it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillRecord {
    /// The execution.
    pub fill: Fill,
    /// The strategy that wanted it.
    pub strategy: Arc<str>,
    /// The strategy's reason code.
    pub reason: Cow<'static, str>,
    /// The middle of the book at the time, where it is known.
    pub mid: Option<Price>,
    /// Report currency per one of the market's quote currency at the time, where it is known.
    pub rate: Option<Rate>,
}

/// How often the risk gate denied an intent for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedCount {
    /// The stable code.
    pub code: Cow<'static, str>,
    /// What the code means; empty where that is not known.
    pub meaning: Cow<'static, str>,
    /// How often.
    pub count: u64,
}

/// What a run under one fill preset came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PresetOutcome {
    /// The preset, such as `neutral`.
    pub preset: String,
    /// Statistics by the name that [`explain`](crate::explain) knows, in the order to show.
    pub values: Vec<(String, Value)>,
}

/// How long a run took on this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Seconds spent reading data.
    #[serde(skip)]
    pub load_seconds: f64,
    /// Seconds spent in the engine and the venue.
    #[serde(skip)]
    pub run_seconds: f64,
    /// Market events that were replayed.
    pub events: u64,
}

impl Timing {
    /// Events a second of run time, if any time was measured.
    #[allow(clippy::cast_precision_loss)] // a rate for the reader, not money
    pub fn events_per_second(&self) -> Option<f64> {
        (self.run_seconds > 0.0).then(|| self.events as f64 / self.run_seconds)
    }
}

impl RunRecord {
    /// `venue:code` of a market, or its number if the run does not know it.
    pub fn market_name(&self, market: MarketId) -> String {
        match self.markets.get(market) {
            Some(found) => format!("{}:{}", found.venue, found.code),
            None => format!("market {}", market.0),
        }
    }

    /// The time from the first to the last equity point.
    pub fn length(&self) -> Span {
        match (self.equity.first(), self.equity.last()) {
            (Some(first), Some(last)) => last.time.since(first.time),
            _ => Span::ZERO,
        }
    }

    pub(crate) fn marks_of(&self, market: MarketId) -> (Option<Mark>, Option<Mark>) {
        let found = self.marks.iter().find(|marks| marks.market == market);
        found.map_or((None, None), |marks| (marks.opening, marks.closing))
    }
}

/// In the order of their ids.
fn write_markets<S: Serializer>(markets: &Markets, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(markets.iter().map(|(_, market)| market))
}

fn read_markets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Markets, D::Error> {
    let mut markets = Markets::default();
    for market in Vec::<Market>::deserialize(deserializer)? {
        markets.insert(market).map_err(de::Error::custom)?;
    }
    Ok(markets)
}
