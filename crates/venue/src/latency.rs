//! How long a request takes to the venue, and a report back.

use std::sync::Arc;

use pampero_model::{Quantity, Span};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use thiserror::Error;

/// One-way latencies. A placement costs `order` there and `report` back.
///
/// ```
/// use pampero_model::Span;
/// use pampero_venue::{Latency, LatencyModel};
/// let latency = Latency::symmetric(LatencyModel::Constant(Span::from_millis(120)));
/// assert!(matches!(latency.report, LatencyModel::Constant(_)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Latency {
    /// Of a placement, until it arrives at the venue.
    pub order: LatencyModel,
    /// Of a cancellation, until it arrives at the venue.
    pub cancel: LatencyModel,
    /// Of a report, until it arrives back.
    pub report: LatencyModel,
}

impl Latency {
    /// The same model for the three.
    pub fn symmetric(model: LatencyModel) -> Self {
        Self { order: model.clone(), cancel: model.clone(), report: model }
    }
}

/// Where a latency comes from.
#[derive(Clone, Debug, Default)]
pub enum LatencyModel {
    /// No time passes.
    #[default]
    None,
    /// Always the same.
    Constant(Span),
    /// Any value between two bounds, both included, each as likely.
    Uniform {
        /// The shortest.
        min: Span,
        /// The longest.
        max: Span,
    },
    /// Drawn from measured one-way times, each as likely.
    Measured(Arc<[Span]>),
}

/// A file of measured request times that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LatencyError {
    /// A line is not a duration.
    #[error("line {line}: `{text}` is not a request time (expected milliseconds, such as 231.5)")]
    Line {
        /// Counted from one.
        line: usize,
        /// What the line says.
        text: String,
    },
    /// No line holds a duration.
    #[error("no request times found (expected one a line, in milliseconds)")]
    Empty,
}

impl LatencyModel {
    /// Reads measured request times: one round trip in milliseconds a line, of which half is one way.
    /// Blank lines and lines that begin with `#` are skipped.
    ///
    /// ```
    /// use pampero_model::Span;
    /// use pampero_venue::LatencyModel;
    /// let model = LatencyModel::measured("# milliseconds\n240\n231.5\n")?;
    /// let LatencyModel::Measured(times) = model else { unreachable!() };
    /// assert_eq!(times[..], [Span::from_millis(120), Span::from_nanos(115_750_000)]);
    /// # Ok::<(), pampero_venue::LatencyError>(())
    /// ```
    pub fn measured(text: &str) -> Result<Self, LatencyError> {
        let lines = text.lines().map(str::trim).enumerate();
        let times: Result<Arc<[Span]>, LatencyError> = lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(index, line)| {
                // Milliseconds at eight decimals: a unit is a hundredth of a nanosecond.
                let round_trip = line.parse::<Quantity>().ok().filter(|time| !time.is_negative());
                round_trip
                    .map(|time| Span::from_nanos(time.units() / 200))
                    .ok_or_else(|| LatencyError::Line { line: index + 1, text: line.to_owned() })
            })
            .collect();
        let times = times?;
        if times.is_empty() { Err(LatencyError::Empty) } else { Ok(Self::Measured(times)) }
    }

    pub(crate) fn draw(&self, random: &mut Pcg64Mcg) -> Span {
        match self {
            Self::None => Span::ZERO,
            Self::Constant(span) => *span,
            Self::Uniform { min, max } if min < max => {
                Span::from_nanos(random.random_range(min.as_nanos()..=max.as_nanos()))
            }
            Self::Uniform { min, .. } => *min,
            Self::Measured(times) if times.is_empty() => Span::ZERO,
            Self::Measured(times) => {
                times.get(random.random_range(0..times.len())).copied().unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_bad_line_is_named() {
        let error = LatencyModel::measured("240\n\nfast\n").unwrap_err();
        assert_eq!(error, LatencyError::Line { line: 3, text: "fast".to_owned() });
        assert!(matches!(LatencyModel::measured("-1"), Err(LatencyError::Line { line: 1, .. })));
        assert_eq!(LatencyModel::measured("# none\n").unwrap_err(), LatencyError::Empty);
    }

    #[test]
    fn draws_lie_within_the_model_and_repeat_with_the_seed() {
        let uniform = LatencyModel::Uniform { min: Span::from_millis(10), max: Span::from_millis(20) };
        let measured = LatencyModel::measured("2\n4\n8").unwrap();
        let draw = |seed| {
            let mut random = Pcg64Mcg::seed_from_u64(seed);
            let both = |_| (uniform.draw(&mut random), measured.draw(&mut random));
            (0..200).map(both).collect::<Vec<_>>()
        };
        for (span, listed) in draw(7) {
            assert!((Span::from_millis(10)..=Span::from_millis(20)).contains(&span));
            assert!([1, 2, 4].map(Span::from_millis).contains(&listed));
        }
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
