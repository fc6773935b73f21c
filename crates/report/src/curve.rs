//! Return and risk of one curve of values: of the equity, and of the price that is held beside it.

use pampero_model::{Span, Timestamp};

const YEAR: Span = Span::from_hours(365 * 24);
/// A run is sampled at the longest of these periods of which it holds at least [`MIN_PERIODS`].
const PERIODS: [Span; 4] =
    [Span::from_hours(24), Span::from_hours(1), Span::from_minutes(1), Span::from_secs(1)];
const MIN_PERIODS: i64 = 30;
/// Returns are computed as a quotient less one, so deviations this small are the noise of floating point.
const NOISE: f64 = 1e-14;

/// The regular grid on which returns are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Length of one period.
    pub period: Span,
    /// Periods in a year of 365 days; the market never closes.
    pub per_year: f64,
}

impl Grid {
    /// Days for a run of at least 30 days, else hours from 30 hours, minutes from 30 minutes, seconds from
    /// 30 seconds; nothing for a shorter one.
    pub fn of_run(length: Span) -> Option<Self> {
        let fits = |period: &&Span| length.as_nanos() / period.as_nanos() >= MIN_PERIODS;
        let period = *PERIODS.iter().find(fits)?;
        Some(Self { period, per_year: YEAR.as_secs_f64() / period.as_secs_f64() })
    }
}

/// Return and risk of a curve. Each is nothing where it is undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CurveStatistics {
    /// Last value ÷ first value − 1.
    pub total_return: Option<f64>,
    /// Return compounded to a year.
    pub cagr: Option<f64>,
    /// Annualised standard deviation of the periodic returns.
    pub volatility: Option<f64>,
    /// Annualised mean over standard deviation of the periodic returns.
    pub sharpe: Option<f64>,
    /// Annualised mean over downside deviation of the periodic returns.
    pub sortino: Option<f64>,
    /// Annual growth over the deepest drawdown.
    pub calmar: Option<f64>,
    /// Deepest fall from a former peak, as a share of the peak.
    pub max_drawdown: Option<f64>,
    /// Longest time below a former peak.
    pub drawdown_duration: Option<Span>,
    /// Time from the bottom of the deepest drawdown back to its peak.
    pub drawdown_recovery: Option<Span>,
}

/// Takes the values of a curve in order of time, in one pass.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    grid: Option<Grid>,
    start: Timestamp,
    first: f64,
    time: Timestamp,
    value: f64,
    /// The end of the period that is open, and the value at the end of the one before.
    period_end: Timestamp,
    sample: f64,
    returns: Moments,
    drawdown: Drawdown,
    broken: bool,
}

impl Curve {
    pub fn new(grid: Option<Grid>, time: Timestamp, value: f64) -> Self {
        Self {
            grid,
            start: time,
            first: value,
            time,
            value,
            period_end: grid.map_or(Timestamp::MAX, |grid| time.plus(grid.period)),
            sample: value,
            returns: Moments::default(),
            drawdown: Drawdown::new(time, value),
            broken: false,
        }
    }

    #[inline]
    pub fn push(&mut self, time: Timestamp, value: f64) {
        // A boundary counts the last value at or before it, so it closes when time has moved past it.
        while self.period_end < time {
            self.close_period();
        }
        self.time = time;
        self.value = value;
        self.drawdown.push(time, value);
    }

    /// Declares that no return can be computed: there was nothing to earn it on.
    pub const fn invalidate(&mut self) {
        self.broken = true;
    }

    fn close_period(&mut self) {
        let Some(grid) = self.grid else {
            self.period_end = Timestamp::MAX;
            return;
        };
        if self.sample > 0.0 {
            self.returns.push(self.value / self.sample - 1.0);
        } else {
            self.broken = true;
        }
        self.sample = self.value;
        self.period_end = self.period_end.plus(grid.period);
    }

    pub fn finish(mut self) -> CurveStatistics {
        if self.grid.is_some() {
            while self.period_end <= self.time {
                self.close_period();
            }
        }
        if self.broken || self.first <= 0.0 {
            return CurveStatistics::default();
        }
        let length = self.time.since(self.start);
        let total_return = self.value / self.first - 1.0;
        let cagr = annual_growth(total_return, length);
        let per_year = self.grid.map(|grid| grid.per_year);
        let deviation = self.returns.deviation();
        let (max_drawdown, drawdown_duration, drawdown_recovery) = self.drawdown.finish(self.time);
        CurveStatistics {
            total_return: Some(total_return),
            cagr,
            volatility: zip(deviation, per_year, |deviation, year| deviation * year.sqrt()),
            sharpe: self.annualised(deviation),
            sortino: self.annualised(self.returns.downside_deviation()),
            calmar: cagr.filter(|_| max_drawdown > 0.0).map(|cagr| cagr / max_drawdown),
            max_drawdown: Some(max_drawdown),
            drawdown_duration,
            drawdown_recovery,
        }
    }

    /// Mean return over a deviation, annualised; nothing if there was no deviation.
    fn annualised(&self, deviation: Option<f64>) -> Option<f64> {
        let deviation = deviation.filter(|deviation| *deviation > NOISE)?;
        let grid = self.grid?;
        Some(self.returns.mean / deviation * grid.per_year.sqrt())
    }
}

fn zip(left: Option<f64>, right: Option<f64>, combine: impl Fn(f64, f64) -> f64) -> Option<f64> {
    Some(combine(left?, right?))
}

/// Compounding a few days to a year tells of the exponent and not of the run, so that is undefined.
fn annual_growth(total_return: f64, length: Span) -> Option<f64> {
    let long_enough = length >= Span::from_hours(24 * 30);
    let growth = (1.0 + total_return).powf(YEAR.as_secs_f64() / length.as_secs_f64()) - 1.0;
    (long_enough && growth.is_finite()).then_some(growth)
}

/// Mean and squared deviations of a stream, by Welford's update.
#[derive(Clone, Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
    downside_squares: f64,
}

impl Moments {
    fn push(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
        self.downside_squares += value.min(0.0).powi(2);
    }

    /// Sample standard deviation; needs two values.
    fn deviation(&self) -> Option<f64> {
        (self.count >= 2.0).then(|| (self.squares / (self.count - 1.0)).sqrt())
    }

    /// Root mean square of the losses, over all values; needs two values.
    fn downside_deviation(&self) -> Option<f64> {
        (self.count >= 2.0).then(|| (self.downside_squares / self.count).sqrt())
    }
}

#[derive(Clone, Debug)]
struct Drawdown {
    peak: f64,
    peak_time: Timestamp,
    below: bool,
    deepest: f64,
    trough_time: Timestamp,
    /// Whether the deepest fall so far belongs to the drawdown that is open.
    deepest_is_open: bool,
    longest: Option<Span>,
    recovery: Option<Span>,
}

impl Drawdown {
    const fn new(time: Timestamp, value: f64) -> Self {
        Self {
            peak: value,
            peak_time: time,
            below: false,
            deepest: 0.0,
            trough_time: time,
            deepest_is_open: false,
            longest: None,
            recovery: None,
        }
    }

    #[inline]
    fn push(&mut self, time: Timestamp, value: f64) {
        if value >= self.peak {
            if self.below {
                self.close(time);
            }
            self.peak = value;
            self.peak_time = time;
            return;
        }
        self.below = true;
        // The product spares a division at nearly every point.
        if self.peak - value > self.deepest * self.peak {
            self.deepest = (self.peak - value) / self.peak;
            self.trough_time = time;
            self.deepest_is_open = true;
            self.recovery = None;
        }
    }

    fn close(&mut self, time: Timestamp) {
        self.below = false;
        self.longest = self.longest.max(Some(time.since(self.peak_time)));
        if self.deepest_is_open {
            self.recovery = Some(time.since(self.trough_time));
            self.deepest_is_open = false;
        }
    }

    /// Depth, longest duration (an open drawdown lasts until the end) and recovery.
    fn finish(&self, end: Timestamp) -> (f64, Option<Span>, Option<Span>) {
        let open = self.below.then(|| end.since(self.peak_time));
        (self.deepest, self.longest.max(open), self.recovery)
    }
}
