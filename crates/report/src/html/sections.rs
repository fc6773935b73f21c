//! The parts of the page that are tables and figures: plain HTML, readable without the script.
// A few rows a run: that a string is made for each is nothing beside being readable.
#![allow(clippy::format_collect)]

use std::fmt::Write as _;

use crate::explain::{Explanation, Value, explain, explanations};
use crate::format::{Format, duration, escape, group, instant};
use crate::html::histogram::histogram;
use crate::html::months::{Year, years};
use crate::json::orders_hash;
use crate::record::RunRecord;
use crate::statistics::Statistics;
use crate::trips::RoundTrip;

/// The statistics table's groups: each begins with the statistic named.
const GROUPS: [(&str, &str); 6] = [
    ("initial_equity", "Equity"),
    ("exposure_time", "Exposure and turnover"),
    ("orders", "Orders"),
    ("round_trips", "Round trips, net of fees"),
    ("fees", "Costs"),
    ("hold_return", "Buy and hold"),
];
/// How many of the best and of the worst round trips are listed.
const LISTED: usize = 5;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A number with a minus sign as wide as a plus.
fn typeset(number: &str) -> String {
    match number.strip_prefix('-') {
        Some(magnitude) => format!("\u{2212}{magnitude}"),
        None => number.to_owned(),
    }
}

fn percent(fraction: f64) -> String {
    typeset(&crate::format::percent(fraction))
}

/// The figures that most readers look for first.
pub(crate) fn figures(record: &RunRecord, statistics: &Statistics) -> String {
    let format = Format::of(record);
    let shown = |name: &str| {
        let value = explain(name).map_or(Value::Undefined, |explanation| explanation.value(statistics));
        (typeset(&format.value(value)), sign(value))
    };
    let figure = |title: &str, name: &str, colored: bool, beside: &str| {
        let (text, sign) = shown(name);
        let class = if colored { sign } else { "" };
        format!("<div><dt>{title}</dt><dd class=\"{class}\">{text}<small>{beside}</small></dd></div>\n")
    };
    let of = |name: &str| shown(name).0;
    let figures = [
        figure("Return", "return", true, &format!("buy and hold {}", of("hold_return"))),
        figure("Final equity", "final_equity", false, &format!("of {}", of("initial_equity"))),
        figure(
            "Deepest drawdown",
            "max_drawdown",
            false,
            &format!("buy and hold {}", of("hold_max_drawdown")),
        ),
        figure("Sharpe", "sharpe", false, &format!("buy and hold {}", of("hold_sharpe"))),
        figure("Round trips", "round_trips", false, &format!("won {}", of("win_rate"))),
        figure("Profit factor", "profit_factor", false, &format!("expectancy {}", of("expectancy"))),
        figure("Fees", "fees", false, &format!("{} fills", of("fills"))),
        figure("Time exposed", "exposure_time", false, &format!("{} denied", of("denied"))),
    ];
    format!("<dl class=\"figures\">\n{}</dl>\n", figures.concat())
}

fn sign(value: Value) -> &'static str {
    let (above, below) = match value {
        Value::Fraction(value) | Value::Number(value) => (value > 0.0, value < 0.0),
        Value::Money(amount) => (amount.is_positive(), amount.is_negative()),
        _ => (false, false),
    };
    match (above, below) {
        (true, _) => "good",
        (_, true) => "bad",
        _ => "",
    }
}

pub(crate) fn monthly(record: &RunRecord) -> String {
    let years = years(record);
    if years.is_empty() {
        return String::new();
    }
    let months = || years.iter().flat_map(|year| year.months).flatten();
    let largest = months().map(f64::abs).filter(|value| value.is_finite()).fold(0.0, f64::max);
    let heads: String = MONTHS.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    let rows: String = years.iter().map(|year| month_row(year, largest)).collect();
    format!(
        "<section class=\"card\"><h2>Monthly returns, in percent</h2>\n<div class=\"scroll\" tabindex=\"0\" \
         role=\"region\" aria-label=\"Monthly returns\"><table class=\"months\"><thead><tr><th scope=\"col\"></th>{heads}\
         <th scope=\"col\">Year</th></tr></thead>\n<tbody>{rows}</tbody></table></div></section>\n"
    )
}

fn month_row(year: &Year, largest: f64) -> String {
    let number = |value: f64| percent(value).trim_end_matches(" %").to_owned();
    let cell = |month: &Option<f64>| match month {
        Some(value) => {
            let class = if *value < 0.0 { "down" } else { "up" };
            let share = if largest > 0.0 { value.abs() / largest } else { 0.0 };
            format!("<td class=\"{class}\" style=\"--share:{share:.2}\">{}</td>", number(*value))
        }
        None => "<td></td>".to_owned(),
    };
    let months: String = year.months.iter().map(cell).collect();
    format!(
        "<tr><th scope=\"row\">{}</th>{months}<td class=\"year\">{}</td></tr>\n",
        escape(&year.name),
        number(year.total)
    )
}

pub(crate) fn distribution(record: &RunRecord, statistics: &Statistics) -> String {
    let closed = || statistics.trades.list.iter().filter(|trip| trip.closed.is_some());
    let results: Vec<f64> = closed().map(result).collect();
    let Some(picture) = histogram(&results) else {
        return "<section class=\"card\"><h2>Round trips</h2><p class=\"quiet\">None was closed.</p></section>\n"
            .to_owned();
    };
    let mut sorted: Vec<&RoundTrip> = closed().collect();
    sorted.sort_by_key(|trip| (std::cmp::Reverse(trip.profit), trip.opened));
    let best = sorted.iter().filter(|trip| trip.profit.is_positive()).take(LISTED);
    let worst = sorted.iter().rev().filter(|trip| trip.profit.is_negative()).take(LISTED);
    let format = Format::of(record);
    let mut rows = String::new();
    for (heading, trips) in [("Best", best.collect::<Vec<_>>()), ("Worst", worst.collect())] {
        if !trips.is_empty() {
            let _ = writeln!(rows, "<tr class=\"group\"><th colspan=\"4\">{heading}</th></tr>");
        }
        rows.extend(trips.iter().map(|trip| trip_row(trip, format)));
    }
    format!(
        "<section class=\"card\"><h2>Round trips</h2>\n<p class=\"quiet\">How the {} closed round trips ended, as a share \
         of what each cost, net of fees.</p>\n{picture}\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Opened</th>\
         <th scope=\"col\">Held</th><th scope=\"col\" class=\"number\">Profit</th><th scope=\"col\" class=\"number\">Of its cost\
         </th></tr></thead>\n<tbody>{rows}</tbody></table></div></section>\n",
        group(&results.len().to_string())
    )
}

/// Profit as a share of the cost.
fn result(trip: &RoundTrip) -> f64 {
    trip.profit.to_f64() / trip.cost.to_f64().abs()
}

fn trip_row(trip: &RoundTrip, format: Format) -> String {
    let held = trip.closed.map_or_else(String::new, |closed| duration(closed.since(trip.opened)));
    format!(
        "<tr><td>{}</td><td>{held}</td><td class=\"number {}\">{}</td><td class=\"number\">{}</td></tr>\n",
        instant(trip.opened),
        sign(Value::Money(trip.profit)),
        typeset(&format.money(trip.profit)),
        percent(result(trip)),
    )
}

pub(crate) fn costs(record: &RunRecord, statistics: &Statistics) -> String {
    let format = Format::of(record);
    let traded = statistics.traded_value.map(pampero_model::Cash::to_f64).filter(|traded| *traded > 0.0);
    let of_traded = |amount: Option<pampero_model::Cash>| match (amount, traded) {
        (Some(amount), Some(traded)) => percent(amount.to_f64() / traded),
        _ => "n/a".to_owned(),
    };
    let money =
        |amount: Option<pampero_model::Cash>| format.value(amount.map_or(Value::Undefined, Value::Money));
    let mut rows = String::new();
    let mut row = |title: &str, amount: String, share: String| {
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{title}</th><td class=\"number\">{amount}</td><td class=\"number\">{share}</td></tr>"
        );
    };
    row("Fees", money(statistics.fees), of_traded(statistics.fees));
    row("Spread and slippage", money(statistics.slippage), of_traded(statistics.slippage));
    let both = statistics.fees.zip(statistics.slippage).map(|(fees, paid)| fees.saturating_add(paid));
    row("<b>Together</b>", money(both.or(statistics.fees)), of_traded(both.or(statistics.fees)));
    row("<span class=\"quiet\">Value traded</span>", money(statistics.traded_value), String::new());
    let taken: Vec<String> = statistics.fees_by_currency.iter().map(taken_as).collect();
    if !taken.is_empty() {
        let _ = writeln!(
            rows,
            "<tr><td colspan=\"3\" class=\"quiet\">Fees were taken as {}.</td></tr>",
            taken.join(" and ")
        );
    }
    let spread = if statistics.slippage.is_some() {
        "Spread and slippage are what the fills that took from the book paid beyond its middle: half of the spread, and \
         whatever the order walked beyond the best price."
    } else {
        "Spread and slippage are not known: the data has no book (or no order took from it), and candles show no spread. \
         Run on quotes or books to see them."
    };
    format!(
        "<section class=\"card\"><h2>Costs</h2>\n<table><thead><tr><th scope=\"col\"></th><th scope=\"col\" class=\"number\">\
         {}</th><th scope=\"col\" class=\"number\">of the value traded</th></tr></thead>\n<tbody>{rows}</tbody></table>\n\
         <p class=\"note\">{spread}</p></section>\n",
        record.report_currency
    )
}

/// `1,234.5 ARS`: every digit that was taken.
fn taken_as(fee: &pampero_model::Money) -> String {
    let text = fee.to_string();
    let (whole, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    format!("{}{}", group(whole), escape(rest))
}

pub(crate) fn presets(record: &RunRecord) -> String {
    let mut section = "<section class=\"card\"><h2>If orders filled otherwise</h2>\n".to_owned();
    if record.presets.is_empty() {
        let _ = writeln!(
            section,
            "<p>This run fills by the model <b>{}</b>. How much the result depends on that, the same command with \
             <code>--fill all</code> shows: conservative, neutral and optimistic side by side.</p></section>",
            escape(&record.inputs.fill_model)
        );
        return section;
    }
    let format = Format::of(record);
    let heads: String = record
        .presets
        .iter()
        .map(|outcome| format!("<th scope=\"col\" class=\"number\">{}</th>", escape(&outcome.preset)))
        .collect();
    let names = record.presets.first().map(|first| first.values.as_slice()).unwrap_or_default();
    let mut rows = String::new();
    for (name, _) in names {
        let title = explain(name).map_or(name.as_str(), |explanation| explanation.title);
        let cells: String = record
            .presets
            .iter()
            .map(|outcome| outcome.values.iter().find(|(other, _)| other == name))
            .map(|found| found.map_or(Value::Undefined, |(_, value)| *value))
            .map(|value| format!("<td class=\"number\">{}</td>", typeset(&format.value(value))))
            .collect();
        let _ = writeln!(rows, "<tr><th scope=\"row\">{}</th>{cells}</tr>", escape(title));
    }
    let _ = writeln!(
        section,
        "<div class=\"scroll\"><table><thead><tr><th></th>{heads}</tr></thead>\n<tbody>{rows}</tbody></table></div>\n\
         <p class=\"note\">The same decisions under each model of how resting orders fill. Where the columns differ much, \
         the result is the model's and not the strategy's.</p></section>"
    );
    section
}

pub(crate) fn denied(statistics: &Statistics) -> String {
    if statistics.denied_by_code.is_empty() {
        return "<section class=\"card\"><h2>Denied orders</h2><p class=\"quiet\">The risk gate denied none.</p></section>\n"
            .to_owned();
    }
    let row = |denied: &crate::record::DeniedCount| {
        format!(
            "<tr><td><code>{}</code><br><span class=\"quiet\">{}</span></td><td class=\"number\">{}</td></tr>\n",
            escape(&denied.code),
            escape(&denied.meaning),
            group(&denied.count.to_string())
        )
    };
    let rows: String = statistics.denied_by_code.iter().map(row).collect();
    format!(
        "<section class=\"card\"><h2>Denied orders</h2>\n<table><thead><tr><th scope=\"col\">Code</th><th scope=\"col\" \
         class=\"number\">Times</th></tr></thead>\n<tbody>{rows}</tbody></table></section>\n"
    )
}

pub(crate) fn statistics_table(record: &RunRecord, statistics: &Statistics) -> String {
    let format = Format::of(record);
    // Two tables side by side, cut where a group begins.
    let mut halves: [String; 2] = Default::default();
    let mut half = 0;
    for explanation in explanations() {
        if let Some((_, heading)) = GROUPS.iter().find(|(first, _)| *first == explanation.name) {
            half = usize::from(half == 1 || explanation.name == "orders");
            if let Some(rows) = halves.get_mut(half) {
                let _ = writeln!(rows, "<tr class=\"group\"><th colspan=\"2\">{heading}</th></tr>");
            }
        }
        if let Some(rows) = halves.get_mut(half) {
            rows.push_str(&statistic_row(
                explanation,
                &typeset(&format.value(explanation.value(statistics))),
            ));
        }
    }
    let tables: String =
        halves.iter().map(|rows| format!("<table><tbody>{rows}</tbody></table>\n")).collect();
    let grid = statistics
        .grid
        .map_or_else(String::new, |grid| format!(" Risk is measured on returns over {} each.", grid.period));
    format!(
        "<section class=\"card long\"><h2>Statistics</h2>\n<p class=\"quiet\">Point at a name, or move to it with Tab, to see \
         how it is computed.{grid}</p>\n<div class=\"columns\">{tables}</div></section>\n"
    )
}

fn statistic_row(explanation: &Explanation, value: &str) -> String {
    let Explanation { name, title, formula, undefined, .. } = explanation;
    let undefined =
        if undefined.is_empty() { String::new() } else { format!("<em>n/a if {}</em>", escape(undefined)) };
    format!(
        "<tr><th scope=\"row\" class=\"explained\"><span class=\"term\" tabindex=\"0\" aria-describedby=\"about-{name}\">{}\
         </span><span role=\"tooltip\" id=\"about-{name}\">{}{undefined}</span></th><td class=\"number\">{value}</td></tr>\n",
        escape(title),
        escape(formula),
    )
}

pub(crate) fn inputs(record: &RunRecord) -> String {
    let inputs = &record.inputs;
    let row = |key: &str, value: &str| {
        format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape(key), escape(value))
    };
    let mut rows = row("strategy", &inputs.strategy);
    for (key, value) in &inputs.parameters {
        rows.push_str(&row(key, value));
    }
    rows.push_str(&row("seed", &inputs.seed.to_string()));
    rows.push_str(&row("fill model", &inputs.fill_model));
    for data in &inputs.data {
        rows.push_str(&row("data", data));
    }
    format!("<section class=\"card\"><h2>Parameters</h2>\n<table><tbody>{rows}</tbody></table></section>\n")
}

pub(crate) fn reproduce(record: &RunRecord) -> String {
    let inputs = &record.inputs;
    let mut section = "<section class=\"card\"><h2>The same again</h2>\n".to_owned();
    if !inputs.reproduce.is_empty() {
        let _ = writeln!(
            section,
            "<pre id=\"command\">{}</pre>\n<p><button type=\"button\" data-copy=\"command\" hidden>Copy</button></p>",
            escape(&inputs.reproduce)
        );
    }
    let orders = orders_hash(record);
    let hashes = [
        ("pampero", inputs.version.as_str()),
        ("configuration", &inputs.config_hash),
        ("data", &inputs.data_hash),
        ("orders and fills", &orders),
    ];
    let rows: String = hashes
        .iter()
        .filter(|(_, hash)| !hash.is_empty())
        .map(|(name, hash)| {
            format!("<tr><th scope=\"row\">{name}</th><td><code>{}</code></td></tr>\n", escape(hash))
        })
        .collect();
    let _ = writeln!(
        section,
        "<table><tbody>{rows}</tbody></table>\n<p class=\"note\">The same version, configuration and data give the same \
         orders: their hashes (BLAKE3) tell whether two runs are the same.</p></section>"
    );
    section
}
