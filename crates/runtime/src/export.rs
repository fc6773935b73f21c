//! What the journal holds, as lists for people and tables for other programs.

use std::collections::BTreeMap;

use pampero_engine::{Audit, CommandRecord, Engine, EventKind, OrderRecord, Reason, Setup, StrategyId};
use pampero_model::{Cash, Currency, Fill, MarketId, Markets, Price, Span, Timestamp};
use pampero_store::journal::{Journal, Session, SessionId};
use pampero_store::{Column, columns_to_csv, columns_to_parquet};

use crate::lots::{Disposal, Lots};
use crate::recovery::{RecoveryError, snapshot};
use crate::tape::{Step, Tape};

/// A session in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The session.
    pub session: Session,
    /// Orders that were to be placed.
    pub orders: u64,
    /// Executions of own orders.
    pub fills: u64,
    /// Refusals by the risk gate.
    pub denied: u64,
    /// When the last record was written.
    pub last_seen: Timestamp,
    /// Whether another session of the journal followed.
    pub followed: bool,
}

/// An execution with what the engine knew of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedFill {
    /// In which session it became known.
    pub session: SessionId,
    /// The execution.
    pub fill: Fill,
    /// Whose order.
    pub strategy: StrategyId,
    /// Why the order was wanted.
    pub reason: Reason,
    /// The market's midpoint or last price when it became known.
    pub mark: Price,
    /// Worth of one unit of quote in the report currency then; none where it is not known.
    pub rate: Option<Price>,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Executions, sales with their cost basis.
    Fills,
    /// Orders, as they stood last.
    Orders,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, amounts exact.
    Csv,
    /// Parquet, amounts as text so that no reader rounds them.
    Parquet,
}

/// Every session of a journal, oldest first.
pub fn runs(journal: &Journal) -> Result<Vec<Run>, RecoveryError> {
    let mut runs: Vec<Run> = Vec::new();
    for session in journal.sessions()? {
        if let Some(before) = runs.last_mut() {
            before.followed = true;
        }
        let mut tape = Tape::new(journal, session.id, 0)?;
        let last_seen = session.about.started_at;
        let mut run = Run { session, orders: 0, fills: 0, denied: 0, last_seen, followed: false };
        while let Some(step) = tape.step()? {
            let (time, decisions) = match step {
                Step::Started { time, decisions, .. } => (time, decisions),
                Step::Event { event, decisions, .. } => (event.time, decisions),
                Step::Note { time, .. } => (time, pampero_engine::Decisions::default()),
            };
            run.last_seen = run.last_seen.max(time);
            let count = |count: usize| u64::try_from(count).unwrap_or(0);
            let placed = |command: &&CommandRecord| matches!(command, CommandRecord::Place(_));
            run.orders += count(decisions.commands.iter().filter(placed).count());
            run.fills +=
                count(decisions.audit.iter().filter(|audit| matches!(audit, Audit::Filled { .. })).count());
            run.denied +=
                count(decisions.audit.iter().filter(|audit| matches!(audit, Audit::Denied { .. })).count());
        }
        runs.push(run);
    }
    Ok(runs)
}

impl Run {
    /// How it ended, in a word or a few. Only one session of a journal runs at a time: one that another followed was killed.
    pub fn end(&self) -> &str {
        match (&self.session.ended_at, &self.session.end_reason) {
            (Some(_), Some(reason)) => reason,
            (Some(_), None) => "ended",
            (None, _) if self.followed => "killed",
            (None, _) => "running, or killed",
        }
    }
}

/// Every execution of some sessions, in the order in which they became known. `rates` are those that the configuration
/// fixes; recorded ones replace them as they come.
pub fn fills(
    journal: &Journal,
    sessions: &[SessionId],
    markets: &Markets,
    report: Currency,
    rates: &[(Currency, Price)],
) -> Result<Vec<ExportedFill>, RecoveryError> {
    let mut rates: Vec<(Currency, Price)> = rates.to_vec();
    let mut fills = Vec::new();
    for session in sessions {
        let mut tape = Tape::new(journal, *session, 0)?;
        while let Some(step) = tape.step()? {
            let Step::Event { event, decisions, .. } = step else { continue };
            if let EventKind::Rate { currency, rate } = event.kind {
                rates.retain(|(other, _)| *other != currency);
                rates.push((currency, rate));
            }
            for audit in decisions.audit {
                let Audit::Filled { fill, strategy, reason, mark } = audit else { continue };
                let quote = markets.get(fill.market).map(|market| market.quote);
                let rate = match quote {
                    Some(quote) if quote == report => "1".parse().ok(),
                    quote => {
                        rates.iter().find(|(currency, _)| Some(*currency) == quote).map(|(_, rate)| *rate)
                    }
                };
                fills.push(ExportedFill { session: *session, fill, strategy, reason, mark, rate });
            }
        }
    }
    Ok(fills)
}

/// What each sale realised, first in, first out.
pub fn disposals(fills: &[ExportedFill], markets: &Markets) -> Vec<Disposal> {
    let mut lots = Lots::default();
    fills.iter().filter_map(|exported| lots.fill(markets, &exported.fill, exported.rate)).collect()
}

/// Every order of some sessions as it stood last, by session and id.
pub fn orders(
    journal: &Journal,
    sessions: &[SessionId],
) -> Result<Vec<(SessionId, OrderRecord)>, RecoveryError> {
    let mut orders = BTreeMap::new();
    for session in sessions {
        let mut tape = Tape::new(journal, *session, 0)?;
        while let Some(step) = tape.step()? {
            let (Step::Started { decisions, .. } | Step::Event { decisions, .. }) = step else { continue };
            for record in decisions.orders {
                orders.insert((*session, record.id), record);
            }
            for audit in decisions.audit {
                if let Audit::Closed(record) = audit {
                    orders.insert((*session, record.id), record);
                }
            }
        }
    }
    Ok(orders.into_iter().map(|((session, _), record)| (session, record)).collect())
}

/// Equity and what is not in the report currency, at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EquityPoint {
    /// When.
    pub time: Timestamp,
    /// Everything, in the report currency.
    pub equity: Cash,
    /// What of it is not in the report currency.
    pub exposure: Cash,
}

/// The equity of a session, at most one point in each `every`, and one at its end. The ledger is rebuilt on an engine
/// of `setup`; its strategies are not asked.
pub fn equity(
    journal: &Journal,
    session: SessionId,
    setup: Setup,
    every: Span,
) -> Result<Vec<EquityPoint>, RecoveryError> {
    let about = journal.find_session(session)?;
    let state = journal.first_state(session, 0)?.ok_or(RecoveryError::NoState(session))?;
    let mut engine = Engine::new(setup)?;
    engine.restore_account(&snapshot(&about, &state)?.engine)?;
    let (mut points, mut due) = (Vec::new(), Timestamp::MIN);
    let point = |engine: &Engine| EquityPoint {
        time: engine.now(),
        equity: engine.portfolio().equity(),
        exposure: engine.portfolio().exposure(),
    };
    let mut tape = Tape::new(journal, session, state.seq)?;
    while let Some(step) = tape.step()? {
        match step {
            Step::Started { time, decisions, .. } => engine.recover_start(time, &decisions),
            Step::Event { event, decisions, .. } => engine.recover(&event, &decisions),
            Step::Note { .. } => continue,
        }
        if engine.now() >= due {
            due = engine.now().plus(every);
            points.push(point(&engine));
        }
    }
    if points.last().is_some_and(|last| last.time < engine.now()) {
        points.push(point(&engine));
    }
    Ok(points)
}

/// Equity as a table.
pub fn equity_table(points: &[EquityPoint]) -> Vec<(&'static str, Column)> {
    vec![
        ("time", Column::Times(points.iter().map(|point| point.time).collect())),
        ("equity", texts(points, |point| point.equity.to_string())),
        ("exposure", texts(points, |point| point.exposure.to_string())),
    ]
}

fn texts<T>(rows: &[T], text: impl Fn(&T) -> String) -> Column {
    Column::Texts(rows.iter().map(text).collect())
}

/// Its code, behind its venue where there are several.
fn market_name(markets: &Markets, market: MarketId) -> String {
    match markets.get(market) {
        Some(market) if markets.venues().count() > 1 => format!("{}:{}", market.venue, market.code),
        Some(market) => market.code.clone(),
        None => market.0.to_string(),
    }
}

fn option(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Executions as a table; sales say what they realised.
pub fn fills_table(fills: &[ExportedFill], markets: &Markets) -> Vec<(&'static str, Column)> {
    let mut lots = Lots::default();
    let sales: Vec<Option<Disposal>> =
        fills.iter().map(|exported| lots.fill(markets, &exported.fill, exported.rate)).collect();
    let fee = |exported: &ExportedFill| {
        let fill = &exported.fill;
        let currency = markets.get(fill.market).map(|market| market.receives(fill.side));
        currency.map(|currency| pampero_model::Money::new(currency, fill.fee).to_string()).unwrap_or_default()
    };
    let sale = |text: &dyn Fn(&Disposal) -> String| {
        texts(&sales, |sale| sale.as_ref().map(text).unwrap_or_default())
    };
    vec![
        ("time", Column::Times(fills.iter().map(|exported| exported.fill.time).collect())),
        ("session", texts(fills, |exported| exported.session.to_string())),
        ("strategy", texts(fills, |exported| exported.strategy.0.to_string())),
        ("market", texts(fills, |exported| market_name(markets, exported.fill.market))),
        ("order_id", texts(fills, |exported| exported.fill.order.to_string())),
        ("fill_id", texts(fills, |exported| exported.fill.id.to_string())),
        ("side", texts(fills, |exported| exported.fill.side.to_string())),
        ("price", texts(fills, |exported| exported.fill.price.to_string())),
        ("base", texts(fills, |exported| exported.fill.base.to_string())),
        ("quote", texts(fills, |exported| exported.fill.quote.to_string())),
        ("fee", texts(fills, fee)),
        ("reason", texts(fills, |exported| exported.reason.to_string())),
        ("mark", texts(fills, |exported| exported.mark.to_string())),
        ("rate", texts(fills, |exported| option(exported.rate))),
        ("proceeds", sale(&|sale| sale.proceeds.to_string())),
        ("uncovered_base", sale(&|sale| sale.uncovered.to_string())),
        ("gain_quote", sale(&|sale| option(sale.gain))),
        ("gain_report", sale(&|sale| option(sale.report_gain))),
    ]
}

/// Orders as a table.
pub fn orders_table(orders: &[(SessionId, OrderRecord)], markets: &Markets) -> Vec<(&'static str, Column)> {
    vec![
        ("created_at", Column::Times(orders.iter().map(|(_, order)| order.created_at).collect())),
        ("updated_at", Column::Times(orders.iter().map(|(_, order)| order.updated_at).collect())),
        ("session", texts(orders, |(session, _)| session.to_string())),
        ("order_id", texts(orders, |(_, order)| order.id.to_string())),
        ("venue_order_id", texts(orders, |(_, order)| option(order.venue_order))),
        ("strategy", texts(orders, |(_, order)| order.strategy.0.to_string())),
        ("market", texts(orders, |(_, order)| market_name(markets, order.market))),
        ("side", texts(orders, |(_, order)| order.side.to_string())),
        ("price", texts(orders, |(_, order)| order.price.to_string())),
        ("sent_price", texts(orders, |(_, order)| order.sent_price.to_string())),
        ("size", texts(orders, |(_, order)| order.size.to_string())),
        ("filled_base", texts(orders, |(_, order)| order.filled_base.to_string())),
        ("filled_quote", texts(orders, |(_, order)| order.filled_quote.to_string())),
        ("state", texts(orders, |(_, order)| order.state.name().to_owned())),
        ("reason", texts(orders, |(_, order)| order.reason.to_string())),
    ]
}

/// A table in a form.
pub fn encode(table: &[(&str, Column)], format: Format) -> Result<Vec<u8>, pampero_store::DataError> {
    match format {
        Format::Csv => columns_to_csv(table).map(String::into_bytes),
        Format::Parquet => columns_to_parquet(table),
    }
}

/// Exports the executions or orders of some sessions. `rates` are those that the configuration fixes.
pub fn export(
    journal: &Journal,
    sessions: &[SessionId],
    (markets, report, rates): (&Markets, Currency, &[(Currency, Price)]),
    what: What,
    format: Format,
) -> Result<Vec<u8>, ExportError> {
    let table = match what {
        What::Fills => fills_table(&fills(journal, sessions, markets, report, rates)?, markets),
        What::Orders => orders_table(&orders(journal, sessions)?, markets),
    };
    Ok(encode(&table, format)?)
}

/// An export that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] RecoveryError),
    /// The table cannot be written.
    #[error(transparent)]
    Data(#[from] pampero_store::DataError),
}
