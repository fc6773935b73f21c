//! `pampero` alone: the rungs of the ladder, where the configuration of this folder stands, and the next command.

mod rungs;
#[cfg(feature = "live")]
mod traded;

use std::path::Path;

use pampero_engine::StrategyDefinition;
use serde_json::{Value as Json, json};

use self::rungs::{Rung, rungs};
use crate::config;
use crate::error::Failure;
use crate::invocation::command;
use crate::plan::{self, Plan};
use crate::{output, wire};

/// A command to type, and what it does.
struct Step {
    command: String,
    what: &'static str,
}

/// Where one stands.
struct Standing {
    title: String,
    configuration: Option<String>,
    rungs: Vec<Rung>,
    next: Vec<Step>,
}

/// Shows where one stands.
pub(crate) fn ladder(json: bool, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let standing = Standing::here(definitions)?;
    if json { output::print_json(&standing.to_json()) } else { output::print(&standing.text()) }
}

impl Standing {
    fn here(definitions: &[StrategyDefinition]) -> Result<Self, Failure> {
        let Some(file) = config::named_or_here(None) else { return Ok(Self::nothing()) };
        let text = std::fs::read_to_string(&file).map_err(|error| Failure::io(&file, &error))?;
        let reading = config::read(config::FILE, &text);
        let plan = if reading.problems.is_empty() {
            plan::check(&reading.config, definitions, Path::new("")).ok()
        } else {
            None
        };
        let Some(plan) = plan else { return Ok(Self::wrong()) };
        let (rungs, next) = rungs(&reading.config, &plan)?;
        let title = format!("{} ({})", described(&plan), config::FILE);
        Ok(Self { title, configuration: Some(config::FILE.to_owned()), rungs, next: vec![next] })
    }

    /// A folder without a configuration.
    fn nothing() -> Self {
        let step = |words: &str, what| Step { command: command(words, false), what };
        Self {
            title: format!("Pampero {}: from a strategy to its orders", env!("CARGO_PKG_VERSION")),
            configuration: None,
            rungs: rungs::none(),
            next: vec![
                step("new my-strategy", "a project of your own, with tests"),
                step("backtest", "or first see one: a built-in strategy"),
                step("--help", "every command"),
            ],
        }
    }

    fn wrong() -> Self {
        let what = "shows every mistake with its line";
        Self {
            title: format!("{} is wrong", config::FILE),
            configuration: Some(config::FILE.to_owned()),
            rungs: rungs::none(),
            next: vec![Step { command: command("config check", false), what }],
        }
    }

    fn text(&self) -> String {
        let mark = |done: Option<bool>| match done {
            Some(true) => "done",
            Some(false) | None => "",
        };
        let rows: Vec<Vec<String>> = self
            .rungs
            .iter()
            .map(|rung| vec![format!("  {}", rung.name), mark(rung.done).to_owned(), rung.what.clone()])
            .collect();
        let mut text = format!("{}\n", self.title);
        text.push_str(&output::rows(&rows));
        text.push_str("\nNext:\n");
        let steps: Vec<Vec<String>> =
            self.next.iter().map(|step| vec![format!("  {}", step.command), step.what.to_owned()]).collect();
        text.push_str(&output::rows(&steps));
        text
    }

    fn to_json(&self) -> Json {
        let rungs: Vec<Json> = self
            .rungs
            .iter()
            .map(|rung| json!({ "rung": rung.name, "done": rung.done, "what": rung.what }))
            .collect();
        let next: Vec<Json> =
            self.next.iter().map(|step| json!({ "command": step.command, "what": step.what })).collect();
        json!({ "configuration": self.configuration, "title": self.title, "rungs": rungs, "next": next })
    }
}

/// The strategies of a plan with their markets.
fn described(plan: &Plan<'_>) -> String {
    let markets: Vec<&str> = plan.markets.iter().map(|(_, market)| market.code.as_str()).collect();
    format!("{} on {}", wire::strategy_names(plan), markets.join(", "))
}
