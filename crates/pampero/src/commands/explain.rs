//! `pampero explain`: statistics of the report, codes of the risk gate, and orders.

use pampero_engine::{CHECKS, CheckInfo};
use pampero_report::{Explanation, explanations};
use serde_json::{Value as Json, json};

use crate::cli::ExplainArgs;
use crate::error::Failure;
use crate::output;
use crate::suggest::hint;

/// Explains a statistic or a code, or lists them all.
pub(crate) fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    let Some(name) = &args.name else { return list(args.json) };
    #[cfg(feature = "live")]
    if let Some(order) = super::journal::OrderName::parse(name) {
        return super::journal::explain(name, order, args.run.as_ref(), args.state.as_ref(), args.json);
    }
    if let Some(explanation) = pampero_report::explain(name) {
        return show(args.json, &statistic_json(explanation), || statistic_text(explanation));
    }
    let wanted = name.trim().to_ascii_uppercase().replace('-', "_");
    if let Some(check) = CHECKS.iter().find(|check| check.code.as_str() == wanted) {
        return show(args.json, &code_json(check), || code_text(check));
    }
    let statistics = explanations().iter().map(|explanation| explanation.name);
    let all: Vec<&str> = statistics.chain(CHECKS.iter().map(|check| check.code.as_str())).collect();
    let help = crate::suggest::closest(name, all.iter().copied())
        .map_or_else(|| "`pampero explain` lists everything".to_owned(), |_| hint(name, all.iter().copied()));
    Err(Failure::usage(format!("`{name}` is no statistic, no code of the risk gate and no order"), help))
}

fn show(as_json: bool, value: &Json, text: impl FnOnce() -> String) -> Result<(), Failure> {
    if as_json { output::print_json(value) } else { output::print(&text()) }
}

fn list(as_json: bool) -> Result<(), Failure> {
    if as_json {
        let statistics: Vec<Json> = explanations().iter().map(statistic_json).collect();
        let codes: Vec<Json> = CHECKS.iter().map(code_json).collect();
        return output::print_json(&json!({ "statistics": statistics, "codes": codes }));
    }
    let statistics: Vec<Vec<String>> = explanations()
        .iter()
        .map(|explanation| vec![explanation.name.to_owned(), explanation.title.to_owned()])
        .collect();
    let codes: Vec<Vec<String>> =
        CHECKS.iter().map(|check| vec![check.code.to_string(), check.what.to_owned()]).collect();
    let text = format!(
        "{}\n{}",
        output::table(&["statistic", "title"], &statistics),
        output::table(&["code", "an order is denied because"], &codes)
    );
    output::print(&text)
}

fn statistic_text(explanation: &Explanation) -> String {
    let Explanation { name, title, formula, undefined, .. } = explanation;
    let mut text = format!("{title} ({name})\n{}", output::wrapped(formula, "  "));
    if !undefined.is_empty() {
        text.push_str(&output::wrapped(&format!("n/a if {undefined}"), "  "));
    }
    text
}

fn statistic_json(explanation: &Explanation) -> Json {
    let Explanation { name, title, formula, undefined, .. } = explanation;
    json!({ "name": name, "title": title, "formula": formula, "undefined": undefined })
}

fn code_text(check: &CheckInfo) -> String {
    let reducing = if check.code.applies_to_reducing() {
        "Orders that make a position smaller are checked too."
    } else {
        "Orders that make a position smaller pass."
    };
    let place = match check.row {
        0 => "It is a rule of the engine, before the risk gate.".to_owned(),
        row => format!("It is check {row} of the risk gate."),
    };
    format!("{}\n{}", check.code, output::wrapped(&format!("{} {place} {reducing}", check.what), "  "))
}

fn code_json(check: &CheckInfo) -> Json {
    json!({
        "code": check.code.as_str(),
        "what": check.what,
        "check": check.row,
        "applies_to_reducing": check.code.applies_to_reducing(),
    })
}
