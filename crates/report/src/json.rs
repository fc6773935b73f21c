//! The machine-readable summary, and the hash that names what a run did.

use std::fmt::Write as _;

use pampero_model::{Cash, Liquidity, Size};
use serde_json::{Map, Number, Value as Json, json};

use crate::explain::{Value, explanations};
use crate::record::{FillRecord, OrderRecord, RunRecord};
use crate::statistics::Statistics;

/// The report's shape. Its number grows when a field changes its meaning or goes away.
const SCHEMA: &str = "pampero.report/1";

/// The summary that `pampero backtest --json` prints. Money is text, ratios are numbers, what is undefined is
/// `null`.
pub fn summary_json(record: &RunRecord, statistics: &Statistics) -> Json {
    let inputs = &record.inputs;
    json!({
        "schema": SCHEMA,
        "summary": {
            "events": record.timing.events,
            "orders": statistics.orders,
            "fills": statistics.fills,
            "round_trips": statistics.trades.count,
            "currency": record.report_currency.code(),
            "final_equity": money(statistics.final_equity),
            "return": number(statistics.equity.total_return),
            "max_drawdown": number(statistics.equity.max_drawdown),
            "sharpe": number(statistics.equity.sharpe),
            "fees": money(statistics.fees),
            "denied": statistics.denied,
        },
        "orders_hash": orders_hash(record),
        "inputs": {
            "config_hash": inputs.config_hash,
            "data_hash": inputs.data_hash,
            "strategy": inputs.strategy,
            "parameters": inputs.parameters,
            "seed": inputs.seed,
            "version": inputs.version,
        },
        "timing": {
            "load_seconds": record.timing.load_seconds,
            "run_seconds": record.timing.run_seconds,
            "events_per_second": number(record.timing.events_per_second()),
        },
    })
}

/// Everything a report says, for `report.json`: the summary with every statistic beside it. What depends on the
/// machine is left out, so that the same run writes the same bytes.
pub(crate) fn report_json(record: &RunRecord, statistics: &Statistics) -> Json {
    let inputs = &record.inputs;
    let all: Map<String, Json> = explanations()
        .iter()
        .map(|explanation| (explanation.name.to_owned(), value(explanation.value(statistics))))
        .collect();
    let denied: Map<String, Json> = statistics
        .denied_by_code
        .iter()
        .map(|denied| (denied.code.to_string(), denied.count.into()))
        .collect();
    let fees: Map<String, Json> = statistics
        .fees_by_currency
        .iter()
        .map(|fee| (fee.currency.code().to_owned(), Cash::from_units(fee.units).to_string().into()))
        .collect();
    let mut report = summary_json(record, statistics);
    if let Some(fields) = report.as_object_mut() {
        fields.remove("timing");
        fields.insert("statistics".to_owned(), Json::Object(all));
        fields.insert("denied_by_code".to_owned(), Json::Object(denied));
        fields.insert("fees_by_currency".to_owned(), Json::Object(fees));
        fields.insert(
            "run".to_owned(),
            json!({
                "market": record.market_name(record.main_market),
                "from": inputs.from,
                "to": inputs.to,
                "data": inputs.data,
                "synthetic": inputs.synthetic,
                "fill_model": inputs.fill_model,
                "notes": inputs.notes,
                "reproduce": inputs.reproduce,
            }),
        );
    }
    report
}

/// A BLAKE3 hash, in hexadecimal, of what the run did: equal if and only if the orders and fills are.
///
/// It is taken of a text of one line each, amounts in units of 1e-8, times in nanoseconds, `-` for what there is
/// not, lines ended by a line feed:
///
/// ```text
/// pampero orders 1
/// order ID TIME VENUE:MARKET SIDE KIND DESIRED_PRICE SENT_PRICE UNIT SIZE STATUS FILLED_BASE FILLED_QUOTE FINISHED
/// fill ORDER FILL TIME VENUE:MARKET SIDE PRICE BASE QUOTE FEE LIQUIDITY
/// ```
///
/// Reasons, strategies' names and denied intents are not part of it.
pub fn orders_hash(record: &RunRecord) -> String {
    let names: Vec<String> = record.markets.iter().map(|(id, _)| record.market_name(id)).collect();
    let mut text = Canonical { hasher: blake3::Hasher::new(), line: "pampero orders 1".to_owned(), names };
    text.end_line();
    for order in &record.orders {
        text.order(order);
    }
    for fill in &record.fills {
        text.fill(fill);
    }
    text.hasher.finalize().to_hex().to_string()
}

struct Canonical {
    hasher: blake3::Hasher,
    line: String,
    names: Vec<String>,
}

// Writing into a string cannot fail, so the results of `write!` are dropped.
impl Canonical {
    fn order(&mut self, order: &OrderRecord) {
        let OrderRecord { id, side, kind, status, filled_base, filled_quote, .. } = order;
        let name = self.names.get(order.market.index()).map_or("-", String::as_str);
        let unit = match order.size {
            Size::Base(_) => "base",
            Size::Quote(_) => "quote",
        };
        let _ = write!(
            self.line,
            "order {} {} {name} {side} {kind} {} {} {unit} {} {status} {} {} ",
            id.0,
            order.time.as_nanos(),
            order.desired_price.units(),
            order.sent_price.units(),
            order.size.units(),
            filled_base.units(),
            filled_quote.units(),
        );
        let _ = match order.finished {
            Some(time) => write!(self.line, "{}", time.as_nanos()),
            None => write!(self.line, "-"),
        };
        self.end_line();
    }

    fn fill(&mut self, FillRecord { fill, .. }: &FillRecord) {
        let name = self.names.get(fill.market.index()).map_or("-", String::as_str);
        let liquidity = match fill.liquidity {
            Liquidity::Maker => "maker",
            Liquidity::Taker => "taker",
        };
        let _ = write!(
            self.line,
            "fill {} {} {} {name} {} {} {} {} {} {liquidity}",
            fill.order.0,
            fill.id.0,
            fill.time.as_nanos(),
            fill.side,
            fill.price.units(),
            fill.base.units(),
            fill.quote.units(),
            fill.fee,
        );
        self.end_line();
    }

    fn end_line(&mut self) {
        self.line.push('\n');
        self.hasher.update(self.line.as_bytes());
        self.line.clear();
    }
}

fn money(amount: Option<Cash>) -> Json {
    amount.map_or(Json::Null, |amount| amount.to_string().into())
}

/// JSON has no infinities, so they are `null` too.
fn number(value: Option<f64>) -> Json {
    value.and_then(Number::from_f64).map_or(Json::Null, Json::Number)
}

/// Times are in seconds.
pub(crate) fn value(value: Value) -> Json {
    match value {
        Value::Undefined => Json::Null,
        Value::Count(count) => count.into(),
        Value::Fraction(value) | Value::Number(value) => number(Some(value)),
        Value::Money(amount) => money(Some(amount)),
        Value::Time(span) => number(Some(span.as_secs_f64())),
    }
}
