//! The report in a terminal: at most 80 columns, colours only if asked for.

use crate::explain::{Value, explain};
use crate::format::{Format, duration, group, instant, wrap};
use crate::record::{EquityPoint, RunRecord};
use crate::statistics::Statistics;
use pampero_model::{Cash, Timestamp};

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
    /// With the time the run took, which is another each time.
    pub timing: bool,
}

const WIDTH: usize = 78;
const CHART_ROWS: usize = 8;
/// A label and its value, twice a line.
const LABEL: usize = 23;
const CELL: usize = (WIDTH - 2) / 2;

/// The figures that stand in two columns, by heading.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Equity",
        &[
            "initial_equity",
            "exposure_time",
            "final_equity",
            "exposure_average",
            "net_flows",
            "traded_value",
            "profit",
            "turnover",
            "max_drawdown_amount",
        ],
    ),
    (
        "Round trips, net of fees",
        &[
            "round_trips",
            "win_rate",
            "expectancy",
            "profit_factor",
            "average_win",
            "win_streak",
            "average_loss",
            "loss_streak",
            "best_trade",
            "holding_average",
            "worst_trade",
            "holding_min",
            "open_trades",
            "holding_max",
            "open_profit",
        ],
    ),
    ("Orders", &["orders", "denied", "fills", "taker_fills"]),
    ("Costs", &["fees", "slippage", "slippage_ratio"]),
];

/// The report of a run as text.
pub fn render(record: &RunRecord, statistics: &Statistics, style: &Style) -> String {
    let mut page = Page { text: String::new(), style: *style, format: Format::of(record) };
    page.header(record, statistics);
    page.chart(record);
    page.comparison(record, statistics);
    for (heading, names) in GROUPS {
        page.heading(heading);
        page.pairs(names, statistics);
        if heading == "Costs" {
            page.fees(statistics);
        }
    }
    page.denied(statistics);
    page.footer(record);
    page.text
}

struct Page {
    text: String,
    style: Style,
    format: Format,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.style.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn heading(&mut self, text: &str) {
        let painted = self.paint("1", text);
        self.line("");
        self.line(&painted);
    }

    fn paragraph(&mut self, label: &str, text: &str) {
        let indent = label.chars().count();
        for (index, part) in wrap(text, WIDTH - indent).iter().enumerate() {
            let lead = if index == 0 { label.to_owned() } else { " ".repeat(indent) };
            self.line(&format!("{lead}{part}"));
        }
    }

    fn header(&mut self, record: &RunRecord, statistics: &Statistics) {
        let inputs = &record.inputs;
        let title = format!("{} on {}", inputs.strategy, record.market_name(record.main_market));
        let title = self.paint("1", &title);
        self.line(&title);
        let length = duration(statistics.length);
        self.line(&format!("{} to {} ({length})", instant(inputs.from), instant(inputs.to)));
        if inputs.synthetic {
            let label = self.paint("1;33", "SYNTHETIC DATA: generated, not observed on any market");
            self.line(&label);
        }
        for data in &inputs.data {
            self.paragraph("Data    ", data);
        }
        self.paragraph(
            "Fills   ",
            &format!("simulated, model `{}`, seed {}", inputs.fill_model, inputs.seed),
        );
        let parameters: Vec<_> =
            inputs.parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.paragraph("With    ", &parameters.join(" "));
        for note in &inputs.notes {
            self.paragraph("Note    ", note);
        }
    }

    fn chart(&mut self, record: &RunRecord) {
        let Some(first) = record.equity.first().map(|point| point.equity) else { return };
        let (low, high) = record
            .equity
            .iter()
            .fold((first, first), |(low, high), point| (low.min(point.equity), high.max(point.equity)));
        self.heading(&format!("Equity in {}", record.report_currency));
        let (top, bottom) = (self.format.money(high), self.format.money(low));
        let margin = top.len().max(bottom.len());
        let columns = columns(&record.equity, WIDTH.saturating_sub(margin + 2));
        for (row, line) in bars(&columns, low, high).iter().enumerate() {
            let label = match row {
                0 => top.as_str(),
                row if row + 1 == CHART_ROWS => bottom.as_str(),
                _ => "",
            };
            let line = self.paint("36", line);
            self.line(&format!("{label:>margin$}  {line}"));
        }
    }

    /// The figures that are compared with buying and holding.
    fn comparison(&mut self, record: &RunRecord, statistics: &Statistics) {
        let (run, hold) = (&statistics.equity, &statistics.hold);
        let fraction = |value: Option<f64>| value.map_or(Value::Undefined, Value::Fraction);
        let number = |value: Option<f64>| value.map_or(Value::Undefined, Value::Number);
        let time = |value| match value {
            Some(span) => Value::Time(span),
            None => Value::Undefined,
        };
        let rows = [
            ("return", fraction(run.total_return), fraction(hold.total_return)),
            ("cagr", fraction(run.cagr), fraction(hold.cagr)),
            ("volatility", fraction(run.volatility), fraction(hold.volatility)),
            ("sharpe", number(run.sharpe), number(hold.sharpe)),
            ("sortino", number(run.sortino), number(hold.sortino)),
            ("calmar", number(run.calmar), number(hold.calmar)),
            ("max_drawdown", fraction(run.max_drawdown), fraction(hold.max_drawdown)),
            ("drawdown_duration", time(run.drawdown_duration), time(hold.drawdown_duration)),
            ("drawdown_recovery", time(run.drawdown_recovery), time(hold.drawdown_recovery)),
        ];
        let grid = match statistics.grid {
            Some(grid) => format!("Return and risk (returns of {})", grid.period),
            None => "Return and risk".to_owned(),
        };
        self.line("");
        let name: String = record.inputs.strategy.chars().take(18).collect();
        let heading = self.paint("1", &format!("{grid:<38}{name:>18}{:>20}", "buy and hold"));
        self.line(&heading);
        for (name, run, hold) in rows {
            let run = self.painted(name, run, 18);
            self.line(&format!("{:<38}{run}{:>20}", title(name), self.format.value(hold)));
        }
    }

    /// A value aligned to the right, green or red where its sign is what matters.
    fn painted(&self, name: &str, value: Value, width: usize) -> String {
        let text = format!("{:>width$}", self.format.value(value));
        let good = match value {
            Value::Fraction(value) | Value::Number(value) => value > 0.0,
            Value::Money(amount) => amount.is_positive(),
            _ => return text,
        };
        let nothing = matches!(value, Value::Money(Cash::ZERO));
        match name {
            "return" | "sharpe" | "profit" | "expectancy" if !nothing => {
                self.paint(if good { "32" } else { "31" }, &text)
            }
            _ => text,
        }
    }

    /// Two figures a line; one where a figure needs the room of two.
    fn pairs(&mut self, names: &[&str], statistics: &Statistics) {
        for pair in names.chunks(2) {
            let cells: Vec<(&str, Value)> =
                pair.iter().map(|name| (*name, value_of(name, statistics))).collect();
            let fits = |(_, value): &(&str, Value)| self.format.value(*value).chars().count() <= CELL - LABEL;
            let separator = if cells.iter().all(fits) { "  " } else { "\n" };
            let cells: Vec<String> = cells.into_iter().map(|(name, value)| self.cell(name, value)).collect();
            self.line(&cells.join(separator));
        }
    }

    fn cell(&self, name: &str, value: Value) -> String {
        format!("{:<LABEL$}{}", title(name), self.painted(name, value, CELL - LABEL))
    }

    /// Fees by currency, where there is more than the one sum above to tell.
    fn fees(&mut self, statistics: &Statistics) {
        let fees: Vec<String> = statistics.fees_by_currency.iter().map(ToString::to_string).collect();
        if !fees.is_empty() {
            self.paragraph("Taken as ", &fees.join(" and "));
        }
    }

    fn denied(&mut self, statistics: &Statistics) {
        if statistics.denied_by_code.is_empty() {
            return;
        }
        self.heading("Denied by the risk gate");
        for denied in &statistics.denied_by_code {
            self.line(&format!("{:<38}{:>18}", denied.code, group(&denied.count.to_string())));
        }
    }

    fn footer(&mut self, record: &RunRecord) {
        let inputs = &record.inputs;
        self.line("");
        if self.style.timing {
            let timing = record.timing;
            let rate = timing
                .events_per_second()
                .map_or_else(String::new, |rate| format!(" ({:.1} million a second)", rate / 1e6));
            self.line(&format!(
                "{} events in {:.3} s{rate}, data read in {:.3} s",
                group(&timing.events.to_string()),
                timing.run_seconds,
                timing.load_seconds
            ));
        }
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        let hashes = [
            ("config", short(&inputs.config_hash)),
            ("data", short(&inputs.data_hash)),
            ("orders", short(&crate::json::orders_hash(record))),
        ];
        let known = hashes.iter().filter(|(_, hash)| !hash.is_empty());
        let hashes: Vec<String> = known.map(|(name, hash)| format!("{name} {hash}")).collect();
        self.paragraph("", &format!("pampero {} {}", inputs.version, hashes.join(" ")));
        if !inputs.reproduce.is_empty() {
            // Not wrapped: it is there to be copied.
            self.line(&format!("Again: {}", inputs.reproduce));
        }
    }
}

fn value_of(name: &str, statistics: &Statistics) -> Value {
    explain(name).map_or(Value::Undefined, |explanation| explanation.value(statistics))
}

fn title(name: &str) -> &str {
    explain(name).map_or(name, |explanation| explanation.title)
}

/// The last equity in each of `count` equal parts of the run; a part without a point repeats the one before.
fn columns(points: &[EquityPoint], count: usize) -> Vec<Cash> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let ends = (1..=count).map(|column| end_of(first.time, last.time, column, count));
    let mut at = 0;
    ends.map(|end| {
        at += points.get(at..).unwrap_or_default().partition_point(|point| point.time <= end);
        points.get(at.saturating_sub(1)).map_or(first.equity, |point| point.equity)
    })
    .collect()
}

/// Where a column ends. Wide, so that no run is too long.
fn end_of(from: Timestamp, to: Timestamp, column: usize, count: usize) -> Timestamp {
    let length = i128::from(to.as_nanos()) - i128::from(from.as_nanos());
    let part = |column: usize| i128::try_from(column).unwrap_or(1);
    let nanos = i128::from(from.as_nanos()) + length * part(column) / part(count).max(1);
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// The chart's rows from the top, in eighths of a character.
fn bars(columns: &[Cash], low: Cash, high: Cash) -> Vec<String> {
    const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let range = high.saturating_sub(low).units().max(1);
    let full = i128::try_from(CHART_ROWS * 8 - 1).unwrap_or(1);
    // Even the lowest value shows one eighth.
    let height = |value: &Cash| {
        let above = value.saturating_sub(low).units().saturating_mul(full) / range;
        usize::try_from(above).unwrap_or(0) + 1
    };
    let heights: Vec<usize> = columns.iter().map(height).collect();
    (0..CHART_ROWS)
        .rev()
        .map(|row| {
            let block = |height: &usize| height.saturating_sub(row * 8).min(8);
            heights.iter().map(|height| EIGHTHS.get(block(height)).copied().unwrap_or(' ')).collect()
        })
        .collect()
}
