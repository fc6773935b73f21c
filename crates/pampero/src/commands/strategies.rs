//! `pampero strategies`.

use pampero_engine::{Bound, Parameter, ParameterKind, StrategyDefinition};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

use crate::cli::StrategiesArgs;
use crate::error::Failure;
use crate::output;

/// Lists the strategies with their parameters.
pub(crate) fn strategies(args: &StrategiesArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    if args.json {
        let all: Vec<Json> = definitions.iter().map(to_json).collect();
        return output::print_json(&json!({ "strategies": all }));
    }
    let mut text = String::new();
    for definition in definitions {
        let markets = if definition.markets() > 1 {
            format!(" (on {} markets)", definition.markets())
        } else {
            String::new()
        };
        let (name, version, summary) = (definition.name(), definition.version(), definition.summary());
        let _ = writeln!(text, "{name} {version}: {summary}{markets}");
        let rows: Vec<Vec<String>> = definition
            .defaults()
            .iter()
            .map(|(name, value)| {
                let described = definition.parameter(name);
                let kind = described.map(|parameter| parameter.kind.to_string()).unwrap_or_default();
                let range = described.map(Parameter::range).unwrap_or_default();
                vec![format!("  {name}"), kind, in_words(value), range]
            })
            .collect();
        text.push_str(&output::table(&["  parameter", "type", "default", "range"], &rows));
        text.push('\n');
    }
    text.push_str("Set one with --set KEY=VALUE, or under [strategy.parameters] of a configuration.\n");
    text.push_str("What each is for: the strategy's README, and `pampero strategies --json`.\n");
    output::print(&text)
}

fn to_json(definition: &StrategyDefinition) -> Json {
    let bound =
        |bound: Option<Bound>| bound.map(|bound| json!({ "value": bound.value, "included": bound.included }));
    let described = |parameter: &Parameter| {
        let choices = match parameter.kind {
            ParameterKind::Choice(words) => Some(words),
            _ => None,
        };
        json!({
            "name": parameter.name,
            "type": parameter.kind.to_string(),
            "what": parameter.what,
            "default": definition.defaults().get(parameter.name),
            "min": bound(parameter.min),
            "max": bound(parameter.max),
            "choices": choices,
        })
    };
    json!({
        "name": definition.name(),
        "version": definition.version(),
        "summary": definition.summary(),
        "markets": definition.markets(),
        "parameters": definition.defaults(),
        "described": definition.parameters().iter().map(described).collect::<Vec<_>>(),
    })
}

fn in_words(value: &Json) -> String {
    match value {
        Json::Null => "none".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
