//! What two runs have different: what they were made from, their statistics, their orders and their round trips.

use std::collections::BTreeMap;
use std::fmt::Display;

use pampero_model::{Price, Side, Timestamp};
use serde_json::{Value as Json, json};

use crate::explain::{Explanation, Value, explanations};
use crate::json::{orders_hash, value};
use crate::record::{OrderRecord, RunRecord};
use crate::statistics::Statistics;
use crate::trips::RoundTrip;

/// The shape of [`Comparison::to_json`].
const SCHEMA: &str = "pampero.compare/1";

/// How run B differs from run A.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What they were made from, where it is not the same.
    pub inputs: Vec<InputDifference>,
    /// The statistics that are not the same, in the order of the report.
    pub statistics: Vec<StatisticDifference>,
    /// How many orders are the same in every respect.
    pub same_orders: usize,
    /// The orders that are not, by time: the first is where the runs part.
    pub orders: Vec<OrderDifference>,
    /// The round trips that are not the same, by the time of their opening.
    pub trips: Vec<TripDifference>,
    /// Whether both did exactly the same, by the hash of their orders and fills.
    pub same_hash: bool,
}

/// Something that the runs were made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputDifference {
    /// What it is, such as `parameter fast`.
    pub name: String,
    /// Its value in A; empty if there is none.
    pub a: String,
    /// Its value in B; empty if there is none.
    pub b: String,
}

/// A statistic that differs.
#[derive(Clone, Copy, Debug)]
pub struct StatisticDifference {
    /// Which.
    pub explanation: &'static Explanation,
    /// In A.
    pub a: Value,
    /// In B.
    pub b: Value,
    /// B less A; undefined if either is.
    pub change: Value,
}

/// An order that only one run sent, or that came to something else. Orders are the same order if they were sent at the
/// same instant to the same market and side for the same desired price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderDifference {
    /// When it was sent.
    pub time: Timestamp,
    /// What it was in A, if it was sent there.
    pub a: Option<String>,
    /// What it was in B, if it was sent there.
    pub b: Option<String>,
    /// What is not the same, in words.
    pub what: String,
}

/// A round trip that only one run made, or that ended otherwise. They are the same if the same strategy opened them on
/// the same market and side at the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TripDifference {
    /// When it was opened.
    pub opened: Timestamp,
    /// In A.
    pub a: Option<RoundTrip>,
    /// In B.
    pub b: Option<RoundTrip>,
    /// Which difference of orders it follows from.
    pub why: String,
}

/// Compares two runs.
pub fn compare(a: (&RunRecord, &Statistics), b: (&RunRecord, &Statistics)) -> Comparison {
    let (same_orders, orders) = orders(a.0, b.0);
    let trips = trips(a, b, &orders);
    Comparison {
        inputs: inputs(a.0, b.0),
        statistics: statistics(a.1, b.1),
        same_orders,
        orders,
        trips,
        same_hash: orders_hash(a.0) == orders_hash(b.0),
    }
}

impl Comparison {
    /// Whether the runs came to the same, whatever they were made from.
    pub fn is_same(&self) -> bool {
        self.same_hash && self.statistics.is_empty()
    }

    /// Everything, for machines. Values are as in `report.json`.
    pub fn to_json(&self) -> Json {
        let inputs = self.inputs.iter().map(|input| json!({"name": input.name, "a": input.a, "b": input.b}));
        let statistics = self.statistics.iter().map(|one| {
            let name = one.explanation.name;
            json!({"name": name, "a": value(one.a), "b": value(one.b), "change": value(one.change)})
        });
        let orders = self
            .orders
            .iter()
            .map(|order| json!({"time": order.time, "what": order.what, "a": order.a, "b": order.b}));
        let trip = |trip: &Option<RoundTrip>| {
            trip.as_ref().map(|trip| json!({"closed": trip.closed, "cost": trip.cost, "profit": trip.profit}))
        };
        let trips = self
            .trips
            .iter()
            .map(|one| json!({"opened": one.opened, "a": trip(&one.a), "b": trip(&one.b), "why": one.why}));
        json!({
            "schema": SCHEMA,
            "same": self.is_same(),
            "inputs": inputs.collect::<Vec<_>>(),
            "statistics": statistics.collect::<Vec<_>>(),
            "same_orders": self.same_orders,
            "orders": orders.collect::<Vec<_>>(),
            "trades": trips.collect::<Vec<_>>(),
        })
    }
}

fn inputs(a: &RunRecord, b: &RunRecord) -> Vec<InputDifference> {
    let described = |run: &RunRecord| {
        let inputs = &run.inputs;
        let mut list = vec![
            ("strategy".to_owned(), inputs.strategy.clone()),
            ("market".to_owned(), run.market_name(run.main_market)),
            ("report currency".to_owned(), run.report_currency.to_string()),
        ];
        let parameters = inputs.parameters.iter();
        list.extend(parameters.map(|(key, value)| (format!("parameter {key}"), value.clone())));
        list.extend([
            ("fill model".to_owned(), inputs.fill_model.clone()),
            ("seed".to_owned(), inputs.seed.to_string()),
            ("from".to_owned(), inputs.from.to_string()),
            ("to".to_owned(), inputs.to.to_string()),
            ("configuration".to_owned(), inputs.config_hash.clone()),
            ("data".to_owned(), inputs.data_hash.clone()),
            ("version".to_owned(), inputs.version.clone()),
        ]);
        list
    };
    let (in_a, in_b) = (described(a), described(b));
    let find = |list: &[(String, String)], name: &str| {
        list.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let only_b = in_b.iter().filter(|(name, _)| !in_a.iter().any(|(other, _)| other == name));
    in_a.iter()
        .chain(only_b)
        .map(|(name, _)| InputDifference { name: name.clone(), a: find(&in_a, name), b: find(&in_b, name) })
        .filter(|input| input.a != input.b)
        .collect()
}

fn statistics(a: &Statistics, b: &Statistics) -> Vec<StatisticDifference> {
    let compared = explanations().iter().map(|explanation| {
        let (a, b) = (explanation.value(a), explanation.value(b));
        StatisticDifference { explanation, a, b, change: change(a, b) }
    });
    compared.filter(|one| one.a != one.b).collect()
}

fn change(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Fraction(a), Value::Fraction(b)) => Value::Fraction(b - a),
        (Value::Number(a), Value::Number(b)) => Value::Number(b - a),
        (Value::Money(a), Value::Money(b)) => Value::Money(b.saturating_sub(a)),
        // A count has no sign, so the change of one is a number.
        (Value::Count(a), Value::Count(b)) => i64::try_from(i128::from(b) - i128::from(a))
            .ok()
            .and_then(|change| i32::try_from(change).ok())
            .map_or(Value::Undefined, |change| Value::Number(change.into())),
        (Value::Time(a), Value::Time(b)) => {
            Value::Time(pampero_model::Span::from_nanos(b.as_nanos() - a.as_nanos()))
        }
        _ => Value::Undefined,
    }
}

/// What makes two orders the same.
type OrderKey = (Timestamp, String, &'static str, Price);
type Pairs<'a> = BTreeMap<OrderKey, [Vec<&'a OrderRecord>; 2]>;

fn orders(a: &RunRecord, b: &RunRecord) -> (usize, Vec<OrderDifference>) {
    let mut pairs: Pairs<'_> = BTreeMap::new();
    for (index, run) in [a, b].into_iter().enumerate() {
        let names: Vec<String> = run.markets.iter().map(|(id, _)| run.market_name(id)).collect();
        for order in &run.orders {
            let market = names.get(order.market.index()).cloned().unwrap_or_default();
            let side = if order.side == Side::Buy { "buy" } else { "sell" };
            let both = pairs.entry((order.time, market, side, order.desired_price)).or_default();
            if let Some(list) = both.get_mut(index) {
                list.push(order);
            }
        }
    }
    let mut same = 0;
    let mut differences = Vec::new();
    for ((time, market, ..), [in_a, in_b]) in &pairs {
        for index in 0..in_a.len().max(in_b.len()) {
            let (a, b) = (in_a.get(index).copied(), in_b.get(index).copied());
            let what = match (a, b) {
                (Some(a), Some(b)) => unlike(a, b),
                (Some(_), None) => "sent in A only".to_owned(),
                _ => "sent in B only".to_owned(),
            };
            if what.is_empty() {
                same += 1;
            } else {
                let told = |order: Option<&OrderRecord>| order.map(|order| describe(order, market));
                differences.push(OrderDifference { time: *time, a: told(a), b: told(b), what });
            }
        }
    }
    (same, differences)
}

/// `buy limit bitex:btc_ars at 5000000: completed, 0.1 filled (CROSS_UP)`.
fn describe(order: &OrderRecord, market: &str) -> String {
    let reason = if order.reason.is_empty() { String::new() } else { format!(" ({})", order.reason) };
    format!(
        "{} {} {market} at {}: {}, {} filled{reason}",
        order.side, order.kind, order.desired_price, order.status, order.filled_base
    )
}

/// What is not the same of an order that both runs sent; empty if nothing is.
fn unlike(a: &OrderRecord, b: &OrderRecord) -> String {
    fn part<T: PartialEq + Display>(parts: &mut Vec<String>, name: &str, a: &T, b: &T) {
        if a != b {
            parts.push(format!("{name} {a} / {b}"));
        }
    }
    let mut parts = Vec::new();
    part(&mut parts, "kind", &a.kind, &b.kind);
    if a.size != b.size {
        parts.push(format!("size {} / {}", size(a), size(b)));
    }
    part(&mut parts, "status", &a.status, &b.status);
    part(&mut parts, "filled", &a.filled_base, &b.filled_base);
    part(&mut parts, "for", &a.filled_quote, &b.filled_quote);
    let finished =
        |order: &OrderRecord| order.finished.map_or_else(|| "never".to_owned(), |time| time.to_string());
    part(&mut parts, "finished", &finished(a), &finished(b));
    part(&mut parts, "reason", &a.reason, &b.reason);
    parts.join(", ")
}

fn size(order: &OrderRecord) -> String {
    match order.size {
        pampero_model::Size::Base(quantity) => quantity.to_string(),
        pampero_model::Size::Quote(cash) => format!("{cash} quote"),
    }
}

fn trips(
    (a, in_a): (&RunRecord, &Statistics),
    (b, in_b): (&RunRecord, &Statistics),
    orders: &[OrderDifference],
) -> Vec<TripDifference> {
    let mut pairs: BTreeMap<(Timestamp, String, String, &str), [Option<&RoundTrip>; 2]> = BTreeMap::new();
    for (index, (run, statistics)) in [(a, in_a), (b, in_b)].into_iter().enumerate() {
        for trip in &statistics.trades.list {
            let side = if trip.side == Side::Buy { "buy" } else { "sell" };
            let key = (trip.opened, trip.strategy.to_string(), run.market_name(trip.market), side);
            if let Some(place) = pairs.entry(key).or_default().get_mut(index) {
                *place = Some(trip);
            }
        }
    }
    let outcome = |trip: &RoundTrip| (trip.closed, trip.cost, trip.profit);
    pairs
        .into_iter()
        .filter(|(_, [a, b])| a.map(outcome) != b.map(outcome))
        .map(|((opened, ..), [a, b])| {
            // An open trip lasts until the end.
            let ends = [a, b].into_iter().flatten().map(|trip| trip.closed.unwrap_or(Timestamp::MAX));
            let until = ends.max().unwrap_or(opened);
            TripDifference { opened, a: a.cloned(), b: b.cloned(), why: why(opened, until, orders) }
        })
        .collect()
}

/// The first difference of orders while a trip lasted; if there is none, the last before it.
fn why(opened: Timestamp, until: Timestamp, orders: &[OrderDifference]) -> String {
    let during = orders.iter().find(|order| order.time >= opened && order.time <= until);
    let before = || orders.iter().rev().find(|order| order.time < opened);
    match during.or_else(before) {
        Some(order) => format!("order of {}: {}", order.time, order.what),
        None => "the orders are the same; fees or valuations are not".to_owned(),
    }
}
