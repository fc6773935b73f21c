//! What the journals know of a configuration's strategies.

use pampero_model::Span;
use pampero_runtime::promotion::{Requirements, Verdict};
use pampero_runtime::state_dir::StateDir;
use pampero_store::journal::{Journal, Session};

use super::Step;
use super::rungs::Rung;
use crate::commands::trade::{evidence_required, evidence_shown, strategies_described};
use crate::config::Config;
use crate::connect::state_failure;
use crate::error::Failure;
use crate::invocation::command;
use crate::plan::Plan;

/// The rungs above the backtest, and the command that leads up the first that is not done.
pub(super) fn rungs(config: &Config, plan: &Plan<'_>) -> Result<(Vec<Rung>, Step), Failure> {
    let sessions = Sessions::of(plan)?;
    let required = evidence_required(config);
    let shown: Vec<Verdict> =
        evidence_shown(None, &required, plan)?.into_iter().map(|(_, verdict)| verdict).collect();
    let steps = vec![
        (
            sessions.rung("local, paper", "local-paper", "paper"),
            step("paper --for 10m", "beside `pampero sandbox --speed 60` in another terminal"),
        ),
        (
            sessions.rung("local, live", "local", "live"),
            step("live", "orders on that local exchange; Ctrl-C cancels them and ends"),
        ),
        (
            paper(&shown, &required),
            step("paper --env production --for 24h", "the real market's data; no key, no order"),
        ),
        (
            rehearsed(&shown, &required),
            step("rehearse --env sandbox", "every step of trading, with the smallest amounts"),
        ),
        (
            sessions.rung("sandbox", "sandbox", "live"),
            step("live --env sandbox", "orders with test money; `pampero doctor --env sandbox` first"),
        ),
        (
            sessions.rung("production", "production", "live"),
            step("live --env production", "real money; says first what is still missing"),
        ),
    ];
    let next = steps.iter().position(|(rung, _)| rung.done != Some(true)).unwrap_or(steps.len() - 1);
    let (rungs, mut commands): (Vec<Rung>, Vec<Step>) = steps.into_iter().unzip();
    Ok((rungs, commands.swap_remove(next)))
}

fn step(words: &str, what: &'static str) -> Step {
    Step { command: command(words, true), what }
}

/// The sessions of a plan's strategies, whatever their parameters were, each with the folder of its journal.
struct Sessions(Vec<(String, Session)>);

impl Sessions {
    fn of(plan: &Plan<'_>) -> Result<Self, Failure> {
        let strategies = strategies_described(plan);
        let mut sessions = Vec::new();
        for folder in StateDir::all(None).map_err(state_failure)? {
            let file = folder.journal_file();
            if file.is_file() {
                let journal = Journal::open_read_only(&file).map_err(state_failure)?;
                let of_folder = journal.sessions().map_err(state_failure)?.into_iter();
                sessions.extend(of_folder.map(|session| (folder.environment().to_owned(), session)));
            }
        }
        sessions.retain(|(_, session)| session.about.strategies == strategies);
        Ok(Self(sessions))
    }

    /// The rung of having traded in a folder's environment.
    fn rung(&self, name: &'static str, folder: &str, mode: &str) -> Rung {
        let same = |(other, session): &&(String, Session)| other == folder && session.about.mode == mode;
        let count = self.0.iter().filter(same).count();
        let what = match count {
            0 => "not yet".to_owned(),
            1 => "1 session".to_owned(),
            count => format!("{count} sessions"),
        };
        Rung::new(name, count > 0, what)
    }
}

/// Of several strategies, the one that has shown least counts.
fn paper(shown: &[Verdict], required: &Requirements) -> Rung {
    let time = shown.iter().map(|verdict| verdict.paper_time).min().unwrap_or_default();
    let fills = shown.iter().map(|verdict| verdict.paper_fills).min().unwrap_or_default();
    let done = time >= required.paper_time && fills >= required.paper_fills;
    let what = format!(
        "{} of {}, {fills} of {} executions, with these parameters",
        hours(time),
        hours(required.paper_time),
        required.paper_fills
    );
    Rung::new("paper", done, what)
}

fn rehearsed(shown: &[Verdict], required: &Requirements) -> Rung {
    // A verdict names what is missing: nothing of a rehearsal, if one counts.
    let missing = shown.iter().any(|verdict| verdict.missing.iter().any(|what| what.contains("rehearsal")));
    let last = shown.iter().map(|verdict| verdict.rehearsed).min().flatten();
    let what = match last {
        None => "not yet".to_owned(),
        Some(at) if missing => {
            format!("passed on {}, longer ago than {}", date(at), hours(required.rehearsal_age))
        }
        Some(at) => format!("passed on {}", date(at)),
    };
    Rung::new("rehearsal", !missing && last.is_some(), what)
}

fn date(time: pampero_model::Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

/// Hours and minutes.
fn hours(span: Span) -> String {
    let minutes = span.as_nanos().max(0) / 60_000_000_000;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
