//! `pampero strategies`.

use pampero_engine::StrategyDefinition;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

use crate::cli::StrategiesArgs;
use crate::error::Failure;
use crate::output;

/// Lists the strategies with their parameters.
pub(crate) fn strategies(args: &StrategiesArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    if args.json {
        let all: Vec<Json> = definitions
            .iter()
            .map(|definition| {
                json!({
                    "name": definition.name(),
                    "summary": definition.summary(),
                    "parameters": definition.defaults(),
                })
            })
            .collect();
        return output::print_json(&json!({ "strategies": all }));
    }
    let mut text = String::new();
    for definition in definitions {
        let _ = writeln!(text, "{}: {}", definition.name(), definition.summary());
        let rows: Vec<Vec<String>> = definition
            .defaults()
            .iter()
            .map(|(name, value)| vec![format!("  {name}"), in_words(value)])
            .collect();
        text.push_str(&output::table(&["  parameter", "default"], &rows));
        text.push('\n');
    }
    text.push_str("Set one with --set KEY=VALUE, or under [strategy.parameters] of a configuration.\n");
    output::print(&text)
}

fn in_words(value: &Json) -> String {
    match value {
        Json::Null => "none".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
