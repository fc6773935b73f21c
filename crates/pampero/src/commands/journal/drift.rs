//! `pampero drift`: real executions against simulated ones on the same data.

use std::fmt::Write as _;

use pampero_engine::StrategyDefinition;
use pampero_model::Span;
use pampero_runtime::drift::{Cause, Compared, Drift};
use pampero_venue::{FillModel, FillPreset, Latency, LatencyModel, SimSettings};
use serde_json::{Value as Json, json};

use super::source;
use crate::cli::Fill;
use crate::cli::journal::DriftArgs;
use crate::error::Failure;
use crate::output;

pub(super) fn drift(args: &DriftArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let (book, session) = source::find(args.shelf.state.as_deref(), &args.run)?;
    let name = book.name(session.id);
    let plan = source::plan(&name, &session, definitions)?;
    let mut found = Vec::new();
    for preset in presets(args.fill) {
        let settings = SimSettings {
            fill: FillModel::preset(*preset),
            latency: Latency::symmetric(LatencyModel::Constant(args.latency)),
            seed: plan.seed,
        };
        let drift = pampero_runtime::drift::drift(&book.journal, session.id, &plan.markets, settings);
        found.push((*preset, drift.map_err(source::failure)?));
    }
    if args.shelf.json {
        let models: Vec<Json> = found.iter().map(|(preset, drift)| model_json(*preset, drift)).collect();
        let latency = args.latency.to_string();
        return output::print_json(&json!({ "run": name, "latency": latency, "models": models }));
    }
    output::say(&text(&name, args.latency, &found))
}

const fn presets(fill: Fill) -> &'static [FillPreset] {
    match fill {
        Fill::Conservative => &[FillPreset::Conservative],
        Fill::Neutral => &[FillPreset::Neutral],
        Fill::Optimistic => &[FillPreset::Optimistic],
        Fill::All => &[FillPreset::Conservative, FillPreset::Neutral, FillPreset::Optimistic],
    }
}

const CAUSES: [(Cause, &str); 6] = [
    (Cause::Same, "the same in both"),
    (Cause::Missed, "simulated alone: others were served first"),
    (Cause::Extra, "real alone: the model is more careful"),
    (Cause::Quantity, "in both, not the same quantity"),
    (Cause::Price, "in both, at another price"),
    (Cause::NeverStood, "never stood at the exchange"),
];

/// One model alone is told order by order, several side by side.
fn text(name: &str, latency: Span, found: &[(FillPreset, Drift)]) -> String {
    if let [(preset, drift)] = found {
        return format!("{preset} fills, latency {latency}\n{}", drift.render());
    }
    let orders = found.first().map_or(0, |(_, drift)| drift.orders.len());
    let mut text = format!("run {name}: {orders} orders, simulated with a latency of {latency}\n\n");
    let mut headings = vec!["orders"];
    let names: Vec<String> = found.iter().map(|(preset, _)| format!(">{preset}")).collect();
    headings.extend(names.iter().map(String::as_str));
    let mut rows: Vec<Vec<String>> = CAUSES
        .iter()
        .map(|(cause, words)| {
            let counts = found.iter().map(|(_, drift)| drift.count(*cause).to_string());
            std::iter::once((*words).to_owned()).chain(counts).collect()
        })
        .collect();
    let worse = found.iter().map(|(_, drift)| {
        average(drift).map_or_else(|| "n/a".to_owned(), |(points, of)| format!("{points} bp ({of})"))
    });
    rows.push(std::iter::once("price worse than simulated".to_owned()).chain(worse).collect());
    text.push_str(&output::table(&headings, &rows));
    // Writing into a text does not fail.
    let _ = writeln!(text, "\n`pampero drift {name} --fill conservative` tells it order by order");
    text
}

/// How much worse real prices were on average, in whole basis points, and over how many orders.
fn average(drift: &Drift) -> Option<(i64, usize)> {
    let points: Vec<i64> = drift.orders.iter().filter_map(|compared| compared.worse_by_bp).collect();
    let count = i64::try_from(points.len()).ok()?;
    Some((points.iter().sum::<i64>().checked_div(count)?, points.len()))
}

fn model_json(preset: FillPreset, drift: &Drift) -> Json {
    let counts: serde_json::Map<String, Json> =
        CAUSES.iter().map(|(cause, _)| (cause.name().to_owned(), drift.count(*cause).into())).collect();
    let orders: Vec<Json> = drift.orders.iter().map(order_json).collect();
    json!({
        "fill": preset.to_string(),
        "counts": counts,
        "worse_by_bp": average(drift).map(|(points, _)| points),
        "orders": orders,
    })
}

fn order_json(compared: &Compared) -> Json {
    let Compared { order, real, simulated, worse_by_bp, later_by_ms, cause, .. } = compared;
    json!({
        "order": order.id.0,
        "side": order.side.to_string(),
        "cause": cause.name(),
        "real_base": real.base.to_string(),
        "simulated_base": simulated.base.to_string(),
        "real_price": real.price().map(|price| price.to_string()),
        "simulated_price": simulated.price().map(|price| price.to_string()),
        "worse_by_bp": worse_by_bp,
        "later_by_ms": later_by_ms,
    })
}
