//! What the journals of paper and live trading tell: `runs`, `replay`, `explain ORDER`, `export`, `drift`.

mod drift;
mod export;
mod order;
mod source;

use pampero_engine::StrategyDefinition;
use pampero_runtime::export::Run;
use pampero_runtime::replay::{Divergence, ReplayReport};
use serde_json::{Value as Json, json};

pub(super) use order::{OrderName, explain};

use crate::cli::journal::{JournalCommand, ReplayArgs, RunsArgs};
use crate::error::Failure;
use crate::output;

/// Does what a command asks for.
pub(crate) fn journal(command: JournalCommand, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    match command {
        JournalCommand::Runs(args) => runs(&args),
        JournalCommand::Replay(args) => replay(&args, definitions),
        JournalCommand::Export(args) => export::export(&args, definitions),
        JournalCommand::Drift(args) => drift::drift(&args, definitions),
    }
}

fn runs(args: &RunsArgs) -> Result<(), Failure> {
    let state = args.shelf.state.as_deref();
    let books = match &args.journal {
        Some(folder) => vec![source::book(state, folder)?],
        None => source::books(state)?,
    };
    let (mut rows, mut list) = (Vec::new(), Vec::new());
    for book in &books {
        for run in pampero_runtime::export::runs(&book.journal).map_err(source::failure)? {
            let name = book.name(run.session.id);
            rows.push(row(&name, &run));
            list.push(run_json(&name, &run));
        }
    }
    if args.shelf.json {
        return output::print_json(&json!({ "runs": list }));
    }
    if rows.is_empty() {
        return output::print("nothing has traded here yet: `pampero paper` begins\n");
    }
    let headings = ["run", "began (UTC)", ">lasted", ">orders", ">fills", ">denied", "end"];
    output::print(&output::table(&headings, &rows))
}

fn row(name: &str, run: &Run) -> Vec<String> {
    let began = run.session.about.started_at;
    let seconds = run.last_seen.since(began).as_nanos().max(0) / 1_000_000_000;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    vec![
        name.to_owned(),
        began.to_string().chars().take(19).collect::<String>().replace('T', " "),
        format!("{hours}:{minutes:02}:{rest:02}"),
        run.orders.to_string(),
        run.fills.to_string(),
        run.denied.to_string(),
        run.end().chars().take(20).collect(),
    ]
}

fn run_json(name: &str, run: &Run) -> Json {
    let about = &run.session.about;
    json!({
        "run": name,
        "environment": about.environment,
        "mode": about.mode,
        "account": about.account,
        "strategies": about.strategies,
        "config_hash": about.config_hash,
        "build": about.build,
        "began": about.started_at,
        "last_seen": run.last_seen,
        "ended": run.session.ended_at,
        "end": run.session.end_reason,
        "records": run.session.records,
        "orders": run.orders,
        "fills": run.fills,
        "denied": run.denied,
    })
}

fn replay(args: &ReplayArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let (book, session) = source::find(args.shelf.state.as_deref(), &args.run)?;
    let name = book.name(session.id);
    let plan = source::plan(&name, &session, definitions)?;
    let setup = plan.setup().map_err(Failure::Defect)?;
    let report =
        pampero_runtime::replay::replay(&book.journal, session.id, setup).map_err(source::failure)?;
    if args.shelf.json {
        output::print_json(&replay_json(&name, &report))?;
    } else {
        output::print(&report.render())?;
    }
    if report.divergence.is_some() { Err(Failure::Different) } else { Ok(()) }
}

fn replay_json(name: &str, report: &ReplayReport) -> Json {
    let divergence = report.divergence.as_ref().map(|Divergence { seq, time, event, expected, got }| {
        json!({ "record": seq, "time": time, "event": event, "then": expected, "now": got })
    });
    json!({
        "run": name,
        "build": report.build,
        "steps": report.steps,
        "commands": report.commands,
        "same": report.divergence.is_none(),
        "difference": divergence,
    })
}
