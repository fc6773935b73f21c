//! The distribution of round trips, as a picture.

use std::fmt::Write as _;

use crate::format::{group, percent};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 210.0;
const TOP: f64 = 26.0;
const BASE: f64 = 176.0;
/// Between so many bars, about; their edges are round numbers and zero is one of them.
const BARS: (f64, f64) = (12.0, 60.0);

/// Bars of how many values lie in each span, as an SVG element; nothing without values. Values are fractions.
#[allow(clippy::cast_precision_loss)] // counts, for a picture
pub(crate) fn histogram(values: &[f64]) -> Option<String> {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return None;
    }
    let step = step(high - low, finite().collect());
    let first = (low / step).floor();
    let mut counts = vec![0_usize; whole((high / step).floor() - first) + 1];
    for value in finite() {
        if let Some(count) = counts.get_mut(whole((value / step).floor() - first)) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(1);
    let bar = WIDTH / counts.len() as f64;
    let mut svg = String::new();
    // Writing into a string cannot fail.
    let _ = write!(
        svg,
        "<svg class=\"histogram\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Distribution of the round trips' results\"><path d=\"M0 {BASE}H{WIDTH}\"/>"
    );
    for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let from = (first + index as f64) * step;
        let height = ((BASE - TOP) * *count as f64 / most as f64).max(1.0);
        let class = if from < 0.0 { "down" } else { "up" };
        let trips = if *count == 1 { "round trip" } else { "round trips" };
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\" rx=\"1\">\
             <title>{} {trips} from {} to {}</title></rect>",
            index as f64 * bar + 1.0,
            BASE - height,
            (bar - 2.0).max(1.0),
            group(&count.to_string()),
            percent(from),
            percent(from + step),
        );
    }
    labels(&mut svg, first, step, counts.len() as f64, most);
    svg.push_str("</svg>");
    Some(svg)
}

fn labels(svg: &mut String, first: f64, step: f64, bars: f64, most: usize) {
    let x = |value: f64| (value / step - first) * WIDTH / bars;
    let (low, high) = (first * step, (first + bars) * step);
    let mut label = |value: f64, anchor: &str| {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            x(value),
            BASE + 20.0,
            percent(value)
        );
    };
    label(low, "start");
    label(high, "end");
    // Zero is told where it does not run into the ends.
    if x(0.0) > WIDTH * 0.28 && x(0.0) < WIDTH * 0.72 {
        label(0.0, "middle");
    }
    if low < 0.0 && high > 0.0 {
        let _ = write!(svg, "<path class=\"zero\" d=\"M{0:.1} {TOP}V{BASE}\"/>", x(0.0));
    }
    let _ = write!(svg, "<text x=\"0\" y=\"17\">most in one bar: {}</text>", group(&most.to_string()));
}

/// A round width after Freedman and Diaconis, which a few far values do not make wider: twice the spread of the middle
/// half over the cube root of how many there are; of no range, a hundredth of a percent.
#[allow(clippy::cast_precision_loss)] // a count, for a picture
fn step(range: f64, mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let quartile = |part: usize| values.get(values.len() * part / 4).copied().unwrap_or(0.0);
    let fitting = 2.0 * (quartile(3) - quartile(1)) / (values.len() as f64).cbrt();
    let (fewest, most) = BARS;
    let rough = fitting.clamp(range / most, range / fewest).max(1e-4);
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough)
        .unwrap_or(rough)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a small index, not below zero
fn whole(value: f64) -> usize {
    value.clamp(0.0, 10_000.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_one_bar_and_zero_divides_gains_from_losses() {
        let svg = histogram(&[-0.05, -0.001, 0.0, 0.02, 0.021, 0.1]).unwrap();
        // The middle half spans 2.2 %, so that 12 bars of the range of 15 % decide: rounded up, 2 % each. The bars
        // begin at -6, -2, 0, 2 (two values) and 10 %.
        assert_eq!(svg.matches("<rect").count(), 5);
        assert_eq!(svg.matches("class=\"down\"").count(), 2);
        assert!(svg.contains("2 round trips from 2.00 % to 4.00 %"), "{svg}");
        assert!(histogram(&[]).is_none());
        assert_eq!(histogram(&[0.01]).unwrap().matches("<rect").count(), 1);
    }
}
