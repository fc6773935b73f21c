//! The equity curve and its drawdown as a picture.
//!
//! Written by hand: the one crate for it, `plotters`, has had no release since 2024 and would cost more lines to
//! style than these are.

use std::fmt::Write as _;

use pampero_model::{Span, Timestamp};

use crate::format::{escape, percent};
use crate::fund::Fund;
use crate::record::{EquityPoint, RunRecord};
use crate::statistics::Statistics;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 20.0;
/// Top and bottom of the two panels.
const EQUITY: (f64, f64) = (64.0, 330.0);
const DRAWDOWN: (f64, f64) = (356.0, 440.0);
/// Each bucket of the run gives at most two points: its lowest and its highest.
const BUCKETS: usize = 900;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-size:16px;font-weight:600;\
fill:#1f2328}.grid{stroke:#e4e8ec}.run{fill:none;stroke:#0969da;stroke-width:1.6}.hold{fill:none;stroke:#a3acb5;\
stroke-width:1.2}.fall{fill:#cf222e;fill-opacity:.18;stroke:#cf222e;stroke-width:1}";

/// A point of the picture: fractions of the run's time, and the three curves.
#[derive(Clone, Copy, Debug)]
struct Sample {
    time: f64,
    equity: f64,
    hold: f64,
    drawdown: f64,
}

/// The picture as an SVG document.
pub(crate) fn equity_svg(record: &RunRecord, statistics: &Statistics) -> String {
    let samples = samples(record);
    let mut svg = String::new();
    // Writing into a string cannot fail.
    let _ = writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><style>{STYLE}</style>
<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#fff"/>"##
    );
    caption(&mut svg, record, statistics);
    let curves =
        samples.iter().flat_map(|sample| [sample.equity, sample.hold]).filter(|value| value.is_finite());
    let (low, high) =
        curves.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let equity = Axis::new(low, high, EQUITY);
    let deepest = samples.iter().fold(0.0_f64, |deepest, sample| deepest.max(sample.drawdown));
    let drawdown = Axis::new(-deepest.max(1e-4), 0.0, DRAWDOWN);
    equity.grid(&mut svg, 5.0, compact);
    drawdown.grid(&mut svg, 2.0, |share| format!("{}%", compact(share * 100.0)));
    time_axis(&mut svg, record);
    line(&mut svg, "hold", &samples, |sample| equity.y(sample.hold));
    line(&mut svg, "run", &samples, |sample| equity.y(sample.equity));
    area(&mut svg, &samples, &drawdown);
    svg.push_str("</svg>\n");
    svg
}

fn caption(svg: &mut String, record: &RunRecord, statistics: &Statistics) {
    let inputs = &record.inputs;
    let market = record.market_name(record.main_market);
    let title = escape(&format!("{} on {market}", inputs.strategy));
    let label = if inputs.synthetic { ", synthetic data" } else { "" };
    let fills = escape(&inputs.fill_model);
    let currency = record.report_currency;
    let _ = writeln!(
        svg,
        r#"<text class="title" x="{LEFT}" y="28">{title}</text>
<text x="{LEFT}" y="48">equity in {currency}, {fills} fills{label}</text>"#
    );
    let shown = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), percent);
    let right = WIDTH - RIGHT;
    let (run, hold) = (shown(statistics.equity.total_return), shown(statistics.hold.total_return));
    let _ = writeln!(
        svg,
        r#"<text x="{right}" y="28" text-anchor="end" style="fill:#0969da">return {run}</text>
<text x="{right}" y="48" text-anchor="end" style="fill:#8b949e">buy and hold {hold}</text>
<text x="{LEFT}" y="349">drawdown</text>"#
    );
}

/// A vertical axis: values from `low` to `high` between two heights.
struct Axis {
    low: f64,
    high: f64,
    top: f64,
    bottom: f64,
}

impl Axis {
    fn new(low: f64, high: f64, (top, bottom): (f64, f64)) -> Self {
        // A curve that does not move lies in the middle.
        let (low, high) = if high > low { (low, high) } else { (low - 1.0, low + 1.0) };
        Self { low, high, top, bottom }
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)
    }

    /// Lines at round values, about `count` of them.
    fn grid(&self, svg: &mut String, count: f64, label: impl Fn(f64) -> String) {
        let step = round_step((self.high - self.low) / count);
        let mut value = (self.low / step).ceil() * step;
        while value <= self.high + step * 1e-9 {
            // Around zero the sum of steps leaves a trace of floating point.
            let shown = if value.abs() < step * 1e-6 { 0.0 } else { value };
            let y = self.y(value);
            let _ = writeln!(
                svg,
                r#"<path class="grid" d="M{LEFT} {y:.1}H{}"/><text x="{}" y="{:.1}" text-anchor="end">{}</text>"#,
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                label(shown)
            );
            value += step;
        }
    }
}

/// The next 1, 2 or 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|round| *round >= step)
        .unwrap_or(power * 10.0)
}

/// `1.25M`, `12.5k`, `950`.
fn compact(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.4}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

fn time_axis(svg: &mut String, record: &RunRecord) {
    let (Some(first), Some(last)) = (record.equity.first(), record.equity.last()) else { return };
    let length = last.time.since(first.time);
    for part in 0..=4_i64 {
        let time = first.time.plus(Span::from_nanos(length.as_nanos() / 4 * part));
        let x = x(time_fraction(time, first.time, length));
        let anchor = match part {
            0 => "start",
            4 => "end",
            _ => "middle",
        };
        let text = time.to_string();
        let shown = if length >= Span::from_hours(24 * 4) { text.get(..10) } else { text.get(5..16) };
        let label = shown.unwrap_or(&text).replace('T', " ");
        let _ = writeln!(svg, r#"<text x="{x:.1}" y="462" text-anchor="{anchor}">{label}</text>"#);
    }
}

fn x(fraction: f64) -> f64 {
    LEFT + fraction * (WIDTH - LEFT - RIGHT)
}

fn line(svg: &mut String, class: &str, samples: &[Sample], y: impl Fn(&Sample) -> f64) {
    let points: Vec<String> = samples
        .iter()
        .map(|sample| (x(sample.time), y(sample)))
        .filter(|(_, y)| y.is_finite())
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    if !points.is_empty() {
        let _ = writeln!(svg, r#"<polyline class="{class}" points="{}"/>"#, points.join(" "));
    }
}

fn area(svg: &mut String, samples: &[Sample], axis: &Axis) {
    let zero = axis.y(0.0);
    let mut path = format!("M{LEFT:.1} {zero:.1}");
    for sample in samples.iter().filter(|sample| sample.drawdown.is_finite()) {
        let _ = write!(path, "L{:.1} {:.1}", x(sample.time), axis.y(-sample.drawdown));
    }
    let _ = writeln!(svg, r#"<path class="fall" d="{path}L{:.1} {zero:.1}Z"/>"#, x(1.0));
}

/// At most two thousand points that keep every peak and every bottom.
fn samples(record: &RunRecord) -> Vec<Sample> {
    let mut all = Walk::new(record);
    let size = record.equity.len().div_ceil(BUCKETS).max(1);
    let mut kept: Vec<Sample> = Vec::with_capacity(2 * BUCKETS + 2);
    for bucket in record.equity.chunks(size) {
        let mut extremes: Option<(Sample, Sample)> = None;
        for sample in bucket.iter().map(|point| all.sample(point)) {
            let (low, high) = extremes.get_or_insert((sample, sample));
            if sample.equity < low.equity {
                *low = sample;
            }
            if sample.equity > high.equity {
                *high = sample;
            }
        }
        if let Some((low, high)) = extremes {
            let (one, other) = if low.time <= high.time { (low, high) } else { (high, low) };
            kept.push(one);
            if other.time > one.time {
                kept.push(other);
            }
        }
    }
    // The curve begins and ends where the run does.
    if let Some(last) = record.equity.last() {
        let sample = all.sample(last);
        if kept.last().is_none_or(|kept| kept.time < sample.time) {
            kept.push(sample);
        }
    }
    kept
}

/// Computes the curves point by point.
struct Walk<'a> {
    fund: Fund<'a>,
    start: Timestamp,
    length: Span,
    initial: f64,
    price: f64,
    peak: f64,
}

impl<'a> Walk<'a> {
    fn new(record: &'a RunRecord) -> Self {
        let first = record.equity.first().copied().unwrap_or_default();
        let bought = record.equity.iter().find(|point| point.price.is_positive());
        Self {
            fund: Fund::new(record),
            start: first.time,
            length: record.length(),
            initial: first.equity.to_f64(),
            price: bought.map_or(0.0, |point| point.price.to_f64()),
            peak: 0.0,
        }
    }

    fn sample(&mut self, point: &EquityPoint) -> Sample {
        let equity = point.equity.to_f64();
        let value = self.fund.value_of(point, equity);
        self.peak = self.peak.max(value);
        Sample {
            time: time_fraction(point.time, self.start, self.length),
            equity,
            // Not a number, and so not drawn, while there is no mark.
            hold: if point.price.is_positive() {
                self.initial * point.price.to_f64() / self.price
            } else {
                f64::NAN
            },
            // More than everything is not lost in the picture.
            drawdown: if self.peak > 0.0 { (1.0 - value / self.peak).min(1.0) } else { 0.0 },
        }
    }
}

fn time_fraction(time: Timestamp, start: Timestamp, length: Span) -> f64 {
    let whole = length.as_secs_f64();
    if whole > 0.0 { time.since(start).as_secs_f64() / whole } else { 0.0 }
}
