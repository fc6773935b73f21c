//! `pampero config`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pampero_engine::StrategyDefinition;
use serde_json::json;

use crate::cli::ConfigCommand;
use crate::config::{self, Explained, closest_key, explain_key, json_schema};
use crate::error::Failure;
use crate::plan::{self, Plan};
use crate::{output, sample, wire};

/// Checks a configuration, prints its schema, or explains a key.
pub(crate) fn config(command: ConfigCommand, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check { file, json } => {
            check(config::named_or_here(file).as_deref(), json, definitions)
        }
        ConfigCommand::Schema => output::print(&format!("{:#}\n", json_schema())),
        ConfigCommand::Explain { key, file, json } => explain(&key, file.as_deref(), json),
    }
}

/// The text of a configuration with its name and folder; the quickstart where none is named.
fn text_of(file: Option<&Path>) -> Result<(String, String, PathBuf), Failure> {
    let Some(path) = file else {
        let (name, text) = sample::QUICKSTART;
        return Ok((name.to_owned(), text.to_owned(), PathBuf::new()));
    };
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))?;
    Ok((path.display().to_string(), text, path.parent().map(Path::to_path_buf).unwrap_or_default()))
}

fn check(file: Option<&Path>, json: bool, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let (name, text, folder) = text_of(file)?;
    let reading = config::read(&name, &text);
    let plan = if reading.problems.is_empty() {
        plan::check(&reading.config, definitions, &folder).map(|plan| summary(&plan))
    } else {
        Err(Vec::new())
    };
    match plan.map_err(|_| reading.all_problems(|config| plan::problems(config, definitions, &folder))) {
        Ok(summary) if json => {
            output::print_json(&json!({ "file": name, "ok": true, "summary": summary, "problems": [] }))
        }
        Ok(summary) => output::say(&format!("{name} is right: {summary}\n")),
        Err(problems) => {
            if json {
                output::print_json(&json!({ "file": name, "ok": false, "problems": problems.to_json() }))?;
            }
            Err(problems.into())
        }
    }
}

fn summary(plan: &Plan<'_>) -> String {
    let markets: Vec<String> =
        plan.markets.iter().map(|(id, _)| wire::market_name(&plan.markets, id)).collect();
    format!(
        "{} on {}, reporting in {}, fills {}, {}",
        wire::strategy_names(plan),
        markets.join(", "),
        plan.report_currency,
        plan.fill.preset,
        if plan.has_limits() { "with limits" } else { "WITHOUT LIMITS" }
    )
}

fn explain(key: &str, file: Option<&Path>, json: bool) -> Result<(), Failure> {
    // A file that is wrong elsewhere still says where it sets the key.
    let source = match file {
        Some(_) => {
            let (name, text, _) = text_of(file)?;
            Some(config::read(&name, &text).source)
        }
        None => None,
    };
    let Some(found) = explain_key(key, source.as_ref()) else {
        let help = match closest_key(key) {
            Some(closest) => format!("did you mean `{closest}`?"),
            None => "`pampero config schema` lists every key".to_owned(),
        };
        return Err(Failure::usage(format!("`{key}` is not a key of the configuration"), help));
    };
    let name = source.map(|source| source.name);
    if json {
        let set: Vec<_> = found
            .set
            .iter()
            .map(|(key, line, column, text)| json!({ "key": key, "line": line, "column": column, "value": text }))
            .collect();
        return output::print_json(&json!({
            "key": found.path, "what": found.what, "expected": found.expected, "default": found.default,
            "keys": found.keys, "file": name, "set": set,
        }));
    }
    output::print(&text(&found, name.as_deref()))
}

fn text(found: &Explained, file: Option<&str>) -> String {
    let mut text = format!("{}\n{}", found.path, output::wrapped(found.what, "  "));
    if let Some(expected) = &found.expected {
        text.push_str(&output::wrapped(&format!("Value:   {expected}"), "  "));
    }
    if let Some(default) = found.default {
        text.push_str(&output::wrapped(&format!("Default: {default}"), "  "));
    }
    for key in &found.keys {
        let _ = writeln!(text, "  {key}");
    }
    match file {
        Some(file) if found.set.is_empty() && found.keys.is_empty() => {
            let _ = writeln!(text, "  Not set in {file}");
        }
        Some(file) => {
            for (key, line, column, value) in &found.set {
                let _ = writeln!(text, "  {key} = {value}   ({file}:{line}:{column})");
            }
        }
        None => {}
    }
    text
}
