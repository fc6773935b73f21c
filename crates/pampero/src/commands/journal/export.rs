//! `pampero export`: executions, orders and equity for other programs.

use std::path::Path;

use pampero_engine::StrategyDefinition;
use pampero_model::{Market, MarketId, Markets};
use pampero_runtime::export::{
    Format, encode, equity, equity_table, fills, fills_table, orders, orders_table,
};
use pampero_store::journal::Session;
use pampero_store::{Column, write_atomically};
use serde_json::json;

use super::source::{self, Book};
use crate::cli::journal::{ExportArgs, FileForm, RunsName, Table};
use crate::error::Failure;
use crate::output;
use crate::plan::Plan;

/// A session with its journal and what its configuration said.
struct Part<'a> {
    book: Book,
    session: Session,
    plan: Plan<'a>,
}

pub(super) fn export(args: &ExportArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let format = format(args)?;
    let parts = parts(args, definitions)?;
    let table = match args.what {
        Table::Fills => fills_of(&parts)?,
        Table::Orders => orders_of(&parts)?,
        Table::Equity => equity_of(&parts, args)?,
    };
    let bytes = encode(&table, format).map_err(Failure::Data)?;
    let rows = table.first().map_or(0, |(_, column)| column.len());
    let Some(path) = &args.out else {
        let text = String::from_utf8(bytes).map_err(|error| Failure::Defect(error.to_string()))?;
        return output::print(&text);
    };
    write_atomically(path, &bytes).map_err(Failure::Data)?;
    if args.shelf.json {
        return output::print_json(&json!({ "file": path, "rows": rows }));
    }
    output::print(&format!("wrote {}: {rows} rows\n", path.display()))
}

fn format(args: &ExportArgs) -> Result<Format, Failure> {
    let named = |path: &Path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("parquet"));
    let parquet = match args.format {
        Some(form) => form == FileForm::Parquet,
        None => args.out.as_deref().is_some_and(named),
    };
    if args.out.is_some() || !(parquet || args.shelf.json) {
        return Ok(if parquet { Format::Parquet } else { Format::Csv });
    }
    let message =
        if parquet { "Parquet is not for a terminal" } else { "the table would stand among the JSON" };
    Err(Failure::usage(message, "name a file: --out FILE"))
}

/// The sessions that are asked for, each once, oldest first.
fn parts<'a>(args: &ExportArgs, definitions: &'a [StrategyDefinition]) -> Result<Vec<Part<'a>>, Failure> {
    let state = args.shelf.state.as_deref();
    let mut parts: Vec<Part<'a>> = Vec::new();
    for name in &args.runs {
        let sessions = match name {
            RunsName::One(run) => vec![source::find(state, run)?],
            RunsName::All(folder) => {
                let sessions = source::book(state, folder)?.journal.sessions();
                let sessions = sessions.map_err(source::journal_failure)?;
                let book = |session| Ok((source::book(state, folder)?, session));
                sessions.into_iter().map(book).collect::<Result<_, Failure>>()?
            }
        };
        for (book, session) in sessions {
            let same = |part: &Part<'_>| part.book.folder == book.folder && part.session.id == session.id;
            if !parts.iter().any(same) {
                let plan = source::plan(&book.name(session.id), &session, definitions)?;
                parts.push(Part { book, session, plan });
            }
        }
    }
    parts.sort_by_key(|part| part.session.about.started_at);
    Ok(parts)
}

/// The markets of several sessions, whose configurations may number them apart.
#[derive(Default)]
struct Union(Markets);

impl Union {
    /// The number of a market in here.
    fn number(&mut self, of: &Markets, id: MarketId) -> Result<MarketId, Failure> {
        let Some(market) = of.get(id) else { return Ok(id) };
        let same =
            |(_, other): &(MarketId, &Market)| other.venue == market.venue && other.code == market.code;
        if let Some((known, _)) = self.0.iter().find(same) {
            return Ok(known);
        }
        self.0.insert(market.clone()).map_err(|error| Failure::Defect(error.to_string()))
    }
}

/// Executions in the order in which they happened: what a sale realised depends on every purchase before it.
fn fills_of(parts: &[Part<'_>]) -> Result<Vec<(&'static str, Column)>, Failure> {
    let mut union = Union::default();
    let mut all = Vec::new();
    if let [first, rest @ ..] = parts
        && let Some(other) = rest.iter().find(|part| part.plan.report_currency != first.plan.report_currency)
    {
        let (a, b) = (first.book.name(first.session.id), other.book.name(other.session.id));
        return Err(Failure::usage(
            format!("{a} reports in {}, {b} in {}", first.plan.report_currency, other.plan.report_currency),
            "export them apart",
        ));
    }
    for Part { book, session, plan } in parts {
        let found = fills(&book.journal, &[session.id], &plan.markets, plan.report_currency, &plan.rates);
        for mut exported in found.map_err(source::failure)? {
            exported.fill.market = union.number(&plan.markets, exported.fill.market)?;
            all.push(exported);
        }
    }
    all.sort_by_key(|exported| exported.fill.time);
    Ok(fills_table(&all, &union.0))
}

fn orders_of(parts: &[Part<'_>]) -> Result<Vec<(&'static str, Column)>, Failure> {
    let mut union = Union::default();
    let mut all = Vec::new();
    for Part { book, session, plan } in parts {
        for (id, mut order) in orders(&book.journal, &[session.id]).map_err(source::failure)? {
            order.market = union.number(&plan.markets, order.market)?;
            all.push((id, order));
        }
    }
    Ok(orders_table(&all, &union.0))
}

fn equity_of(parts: &[Part<'_>], args: &ExportArgs) -> Result<Vec<(&'static str, Column)>, Failure> {
    let mut points = Vec::new();
    for Part { book, session, plan } in parts {
        let setup = plan.setup().map_err(Failure::Defect)?;
        points.extend(equity(&book.journal, session.id, setup, args.every).map_err(source::failure)?);
    }
    Ok(equity_table(&points))
}
