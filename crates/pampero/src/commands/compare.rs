//! `pampero compare`: how two kept runs differ, and from where on.

use std::fmt::Write as _;

use pampero_model::Span;
use pampero_report::{
    Comparison, RoundTrip, RunRecord, StatisticDifference, Statistics, TripDifference, Value, compare,
    read_run, show,
};

use crate::cli::CompareArgs;
use crate::error::Failure;
use crate::output;

/// How many orders and round trips are listed unless all are asked for.
const LISTED: usize = 10;

/// Compares, and fails if the runs are not the same.
pub(crate) fn compare_runs(args: &CompareArgs) -> Result<(), Failure> {
    let (a, b) = (read_run(&args.a)?, read_run(&args.b)?);
    let (in_a, in_b) = (Statistics::compute(&a), Statistics::compute(&b));
    let comparison = compare((&a, &in_a), (&b, &in_b));
    if args.json {
        output::print_json(&comparison.to_json())?;
    } else {
        let limit = if args.all { usize::MAX } else { LISTED };
        let heads = [(&a, args.a.display().to_string()), (&b, args.b.display().to_string())];
        output::print(&text(&comparison, heads, limit))?;
    }
    if comparison.is_same() { Ok(()) } else { Err(Failure::Different) }
}

fn text(
    comparison: &Comparison,
    [(a, name_a), (b, name_b)]: [(&RunRecord, String); 2],
    limit: usize,
) -> String {
    let mut text = String::new();
    for (letter, run, name) in [("A", a, name_a), ("B", b, name_b)] {
        let market = run.market_name(run.main_market);
        text.push_str(&output::wrapped(
            &format!("{letter} is {name}: {} on {market}", run.inputs.strategy),
            "",
        ));
    }
    inputs(&mut text, comparison);
    if comparison.is_same() {
        let _ = writeln!(text, "\nThe same: every statistic, and all {} orders.", comparison.same_orders);
        return text;
    }
    if !comparison.statistics.is_empty() {
        text.push('\n');
        text.push_str(&statistics_table(&comparison.statistics, ["A", "B", "B - A"], a, b));
    }
    orders(&mut text, comparison, limit);
    trips(&mut text, &comparison.trips, a, b, limit);
    text
}

fn inputs(text: &mut String, comparison: &Comparison) {
    if comparison.inputs.is_empty() {
        text.push_str("\nMade from the same: parameters, configuration, data and version.\n");
        return;
    }
    text.push_str("\nMade from\n");
    // A hash is told from another by its beginning.
    let shown = |value: &str| match value {
        "" => "-".to_owned(),
        hash if hash.len() == 64 => hash.chars().take(12).collect(),
        other => other.to_owned(),
    };
    for input in &comparison.inputs {
        let (a, b) = (shown(&input.a), shown(&input.b));
        text.push_str(&output::wrapped(&format!("{}: {a} in A, {b} in B", input.name), "  "));
    }
}

/// What differs, each with its values in A and B and the change.
pub(super) fn statistics_table(
    list: &[StatisticDifference],
    [in_a, in_b, change]: [&str; 3],
    a: &RunRecord,
    b: &RunRecord,
) -> String {
    let rows: Vec<Vec<String>> = list.iter().map(|one| statistic(one, a, b)).collect();
    let [in_a, in_b, change] = [in_a, in_b, change].map(|heading| format!(">{heading}"));
    output::table(&["Statistics", &in_a, &in_b, &change], &rows)
}

fn statistic(one: &StatisticDifference, a: &RunRecord, b: &RunRecord) -> Vec<String> {
    let change = match one.change {
        // The change of a share is in points of percent.
        Value::Time(span) if span.as_nanos() < 0 => {
            format!("-{}", show(Value::Time(Span::from_nanos(span.as_nanos().saturating_neg())), b))
        }
        Value::Number(change) if matches!(one.a, Value::Count(_)) => format!("{change:.0}"),
        change => show(change, b),
    };
    vec![one.explanation.title.to_owned(), show(one.a, a), show(one.b, b), change]
}

fn orders(text: &mut String, comparison: &Comparison, limit: usize) {
    let list = &comparison.orders;
    let count = |wanted: fn(bool, bool) -> bool| {
        list.iter().filter(|order| wanted(order.a.is_some(), order.b.is_some())).count()
    };
    let _ = writeln!(
        text,
        "\nOrders: {} the same, {} changed, {} in A only, {} in B only",
        comparison.same_orders,
        count(|a, b| a && b),
        count(|a, b| a && !b),
        count(|a, b| !a && b),
    );
    for (index, order) in list.iter().take(limit).enumerate() {
        let lead = if index == 0 { ", where the runs part" } else { "" };
        let _ = writeln!(text, "  {}{lead}", order.time);
        for (letter, told) in [("A", &order.a), ("B", &order.b)] {
            let told = told.as_deref().unwrap_or("not sent");
            text.push_str(&output::wrapped(&format!("{letter} {told}"), "    "));
        }
        text.push_str(&output::wrapped(&format!("= {}", order.what), "    "));
    }
    rest(text, list.len(), limit);
}

fn trips(text: &mut String, list: &[TripDifference], a: &RunRecord, b: &RunRecord, limit: usize) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nRound trips that differ: {}", list.len());
    let profit = |trip: Option<&RoundTrip>, run: &RunRecord| {
        trip.map_or_else(|| "none".to_owned(), |trip| show(Value::Money(trip.profit), run))
    };
    for trip in list.iter().take(limit) {
        let (of_a, of_b) = (profit(trip.a.as_ref(), a), profit(trip.b.as_ref(), b));
        let _ = writeln!(text, "  {}  profit A {of_a}, B {of_b}", trip.opened);
        text.push_str(&output::wrapped(&trip.why, "    "));
    }
    rest(text, list.len(), limit);
}

fn rest(text: &mut String, count: usize, limit: usize) {
    if count > limit {
        let _ = writeln!(text, "  and {} more: --all lists them, --json too", count - limit);
    }
}
