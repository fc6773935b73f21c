//! From what a run left behind to the record that reports are made of.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use pampero_backtest::{Feed, FeedData, Outcome};
use pampero_engine::{CHECKS, Code, OrderKind, Owner, StrategyId};
use pampero_model::{Currency, MarketId, Markets, Price, Quantity, Rate, Timestamp};
use pampero_report::{
    DeniedCount, EquityPoint, FillRecord, Holding, Mark, MarketMarks, OrderRecord, RunInputs, RunRecord,
    Timing,
};
use serde_json::Value as Json;

use crate::plan::Plan;

/// What the feeds say that the outcome does not: first and last prices, and where there are books.
#[derive(Clone)]
pub(crate) struct FeedFacts {
    pub main_market: MarketId,
    marks: Vec<(MarketId, [(Timestamp, Price); 2])>,
    with_book: Vec<MarketId>,
}

impl FeedFacts {
    pub fn of(feeds: &[Feed], from: Timestamp, to: Timestamp) -> Self {
        let books = feeds.iter().filter(|feed| matches!(feed.data, FeedData::Quotes(_) | FeedData::Books(_)));
        Self {
            main_market: feeds.first().map_or(MarketId(0), |feed| feed.market),
            with_book: books.map(|feed| feed.market).collect(),
            marks: feeds.iter().filter_map(|feed| Some((feed.market, ends(&feed.data, from, to)?))).collect(),
        }
    }

    /// The earliest first and the latest last price over a market's feeds.
    fn ends_of(&self, market: MarketId) -> Option<[Price; 2]> {
        let ends = || self.marks.iter().filter(|(other, _)| *other == market).map(|(_, ends)| ends);
        let first = ends().map(|[first, _]| first).min_by_key(|(time, _)| *time)?;
        let last = ends().map(|[_, last]| last).max_by_key(|(time, _)| *time)?;
        Some([first.1, last.1])
    }
}

/// The first and the last price of a feed within `[from, to)`.
fn ends(data: &FeedData, from: Timestamp, to: Timestamp) -> Option<[(Timestamp, Price); 2]> {
    let times: &[Timestamp] = match data {
        FeedData::Candles(series) => &series.open_times,
        FeedData::Trades(series) => &series.times,
        FeedData::Quotes(series) => &series.times,
        FeedData::Books(series) => series.times(),
    };
    let start = times.partition_point(|time| *time < from);
    let end = times.partition_point(|time| *time < to);
    let price = |index: &usize| match data {
        FeedData::Candles(series) => series.closes.get(*index).copied(),
        FeedData::Trades(series) => series.prices.get(*index).copied(),
        FeedData::Quotes(series) => series.get(*index).and_then(|(_, quote)| quote.mid()),
        FeedData::Books(series) => series
            .get(*index)
            .and_then(|(_, book)| Some(book.bids.first()?.price.midpoint(book.asks.first()?.price))),
    };
    let at = |index: usize| Some((*times.get(index)?, price(&index)?));
    Some([(start..end).find_map(at)?, (start..end).rev().find_map(at)?])
}

/// The record of a run.
pub(crate) fn record(
    plan: &Plan<'_>,
    outcome: Outcome,
    facts: &FeedFacts,
    inputs: RunInputs,
    timing: Timing,
) -> RunRecord {
    let labels: Vec<Arc<str>> = plan.strategies.iter().map(|planned| Arc::clone(&planned.label)).collect();
    let label = |id: StrategyId| labels.get(id.index()).cloned().unwrap_or_else(|| "-".into());
    let (from, to) = outcome.range.unwrap_or((inputs.from, inputs.to));
    let marks = marks(plan, &outcome, facts);
    let fills = outcome.fills.iter().map(|record| FillRecord {
        fill: record.fill,
        strategy: label(record.strategy),
        reason: Cow::Borrowed(record.reason.code),
        mid: (record.mark.is_positive() && facts.with_book.contains(&record.fill.market))
            .then_some(record.mark),
        rate: plan.markets.get(record.fill.market).and_then(|market| rate(plan, market.quote)),
    });
    let fills = fills.collect();
    let mut orders: Vec<OrderRecord> =
        outcome.orders.iter().map(|order| order_record(order, &label)).collect();
    orders.sort_unstable_by_key(|order| order.id);
    // The types have the same layout, so that this reuses the memory of the curve.
    let mut equity: Vec<EquityPoint> = outcome
        .equity
        .into_iter()
        .map(|point| EquityPoint {
            time: point.time,
            price: point.price,
            equity: point.equity,
            exposure: point.exposure,
        })
        .collect();
    if let Some(first) = equity.first_mut() {
        first.equity = outcome.initial_equity;
    }
    RunRecord {
        inputs: RunInputs { from, to, ..inputs },
        markets: plan.markets.clone(),
        main_market: facts.main_market,
        report_currency: plan.report_currency,
        equity,
        flows: Vec::new(),
        holdings: holdings(plan),
        marks,
        orders,
        fills,
        denied: outcome
            .denied
            .iter()
            .map(|denial| DeniedCount {
                code: Cow::Borrowed(denial.code.as_str()),
                meaning: Cow::Borrowed(meaning(denial.code)),
                count: denial.count,
            })
            .collect(),
        presets: Vec::new(),
        timing,
    }
}

fn meaning(code: Code) -> &'static str {
    CHECKS.iter().find(|check| check.code == code).map_or("", |check| check.what)
}

fn order_record(order: &pampero_engine::OrderRecord, label: &dyn Fn(StrategyId) -> Arc<str>) -> OrderRecord {
    OrderRecord {
        id: order.id,
        strategy: label(order.strategy),
        time: order.created_at,
        market: order.market,
        side: order.side,
        desired_price: order.price,
        sent_price: order.sent_price,
        size: order.size,
        kind: Cow::Borrowed(match order.kind {
            OrderKind::Limit { .. } => "limit",
            OrderKind::Market { .. } => "market",
            OrderKind::Stop { .. } => "stop",
            OrderKind::StopLimit { .. } => "stop_limit",
            OrderKind::TrailingStop { .. } => "trailing_stop",
        }),
        status: Cow::Borrowed(order.state.name()),
        filled_base: order.filled_base,
        filled_quote: order.filled_quote,
        reason: Cow::Borrowed(order.reason.code),
        finished: order.state.is_final().then_some(order.updated_at),
    }
}

/// What one unit of a currency is worth in the report currency, where that never changes.
fn rate(plan: &Plan<'_>, currency: Currency) -> Option<Rate> {
    if currency == plan.report_currency {
        return Some(Rate::ONE);
    }
    plan.rates.iter().find(|(other, _)| *other == currency).map(|(_, rate)| Rate::from_units(rate.units()))
}

fn marks(plan: &Plan<'_>, outcome: &Outcome, facts: &FeedFacts) -> Vec<MarketMarks> {
    let of_market = |(id, market): (MarketId, &pampero_model::Market)| {
        let ends = if id == facts.main_market {
            let prices =
                || outcome.equity.iter().map(|point| point.price).filter(|price| price.is_positive());
            prices().next().zip(prices().next_back()).map(|(first, last)| [first, last])
        } else {
            facts.ends_of(id)
        };
        let mark = |index: usize| {
            let price = *ends.as_ref()?.get(index)?;
            Some(Mark { price, rate: rate(plan, market.quote)? })
        };
        MarketMarks { market: id, opening: mark(0), closing: mark(1) }
    };
    plan.markets.iter().map(of_market).collect()
}

/// The inventory that strategies begin with: of each currency in the first of their markets that trades it.
fn holdings(plan: &Plan<'_>) -> Vec<Holding> {
    let of_allocation = |allocation: &pampero_engine::Allocation| {
        let Owner::Strategy(id) = allocation.owner else { return None };
        let planned = plan.strategies.get(id.index())?;
        let market = *planned.markets.iter().find(|market| {
            plan.markets.venue_of(**market) == Some(allocation.venue)
                && plan.markets.get(**market).is_some_and(|rules| rules.base == allocation.money.currency)
        })?;
        let base = Quantity::from_units(i64::try_from(allocation.money.units).ok()?);
        Some(Holding { strategy: Arc::clone(&planned.label), market, base })
    };
    plan.allocations.iter().filter_map(of_allocation).collect()
}

/// The name of the strategies of a run.
pub(crate) fn strategy_names(plan: &Plan<'_>) -> String {
    plan.strategies.iter().map(|planned| &*planned.label).collect::<Vec<_>>().join(",")
}

/// Every parameter as text, with the strategy's name before it where there are several.
pub(crate) fn parameters(plan: &Plan<'_>) -> BTreeMap<String, String> {
    let several = plan.strategies.len() > 1;
    let named = plan.strategies.iter().flat_map(|planned| {
        planned.parameters.iter().map(move |(key, value)| {
            let key = if several { format!("{}.{key}", planned.label) } else { key.clone() };
            let value = match value {
                Json::String(text) => text.clone(),
                Json::Null => "none".to_owned(),
                other => other.to_string(),
            };
            (key, value)
        })
    });
    named.collect()
}

/// `venue:code` of a market.
pub(crate) fn market_name(markets: &Markets, id: MarketId) -> String {
    markets.get(id).map_or_else(String::new, |market| format!("{}:{}", market.venue, market.code))
}
