//! The rungs, and which of them is next.

use std::path::Path;

use super::Step;
use crate::config::Config;
use crate::error::Failure;
use crate::invocation::{command, in_project};
use crate::plan::Plan;

/// A rung of the ladder.
pub(super) struct Rung {
    pub name: &'static str,
    /// Whether it is done; none where that cannot be known.
    pub done: Option<bool>,
    pub what: String,
}

impl Rung {
    pub fn new(name: &'static str, done: bool, what: impl Into<String>) -> Self {
        Self { name, done: Some(done), what: what.into() }
    }
}

/// The ladder itself, before anything is known.
pub(super) fn none() -> Vec<Rung> {
    let rung = |(name, what): (&'static str, &str)| Rung { name, done: None, what: what.to_owned() };
    LADDER.into_iter().map(rung).collect()
}

const LADDER: [(&str, &str); 8] = [
    ("write", "a strategy in Rust, forty lines to begin with"),
    ("backtest", "through history"),
    ("local, paper", "on the data of an exchange of your own: `pampero sandbox`"),
    ("local, live", "orders on it"),
    ("paper", "the real market's data, simulated fills"),
    ("rehearsal", "every step of trading, on the exchange's sandbox"),
    ("sandbox", "orders with test money"),
    ("production", "real money"),
];

/// Where the configuration stands on each rung, and the next command.
pub(super) fn rungs(config: &Config, plan: &Plan<'_>) -> Result<(Vec<Rung>, Step), Failure> {
    let source = if in_project() { "src/lib.rs" } else { "a strategy of this program" };
    let kept = kept_runs(Path::new("runs"));
    let backtest = match kept {
        0 => "none kept in runs/".to_owned(),
        1 => "one run kept in runs/".to_owned(),
        count => format!("{count} runs kept in runs/"),
    };
    let mut rungs = vec![Rung::new("write", true, source), Rung::new("backtest", kept > 0, backtest)];
    let (traded, then) = traded(config, plan)?;
    rungs.extend(traded);
    let first = Step {
        command: command("backtest --out runs/first", false),
        what: "the strategy through history; `report` and `compare` read what is kept",
    };
    Ok((rungs, if kept == 0 { first } else { then }))
}

#[cfg(feature = "live")]
use super::traded::rungs as traded;

/// A program without what talks to an exchange cannot read its journals.
#[cfg(not(feature = "live"))]
#[allow(clippy::unnecessary_wraps)] // as the other one
fn traded(_: &Config, _: &Plan<'_>) -> Result<(Vec<Rung>, Step), Failure> {
    let unknown = |rung: Rung| Rung { what: "not known to a build without `live`".to_owned(), ..rung };
    let step = Step { command: command("", true), what: "builds what trades, and shows the other rungs" };
    Ok((none().into_iter().skip(2).map(unknown).collect(), step))
}

/// How many runs `backtest --out` kept in a folder.
fn kept_runs(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter(|entry| entry.path().join("report.json").is_file()).count()
}
