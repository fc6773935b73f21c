//! Indicators over a window of one signal.

use serde::{Deserialize, Serialize};

use crate::indicator::Indicator;
use crate::window::Window;

/// The weighted moving average: the newest of `length` inputs counts `length` times, the oldest once.
///
/// ```
/// use pampero_indicators::{Indicator, Wma};
/// let mut wma = Wma::new(2);
/// assert_eq!([wma.update(3.0), wma.update(6.0)], [None, Some(5.0)]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wma(Window);

impl Wma {
    /// Of the last `length` inputs; a length of zero counts as one.
    pub fn new(length: u32) -> Self {
        Self(Window::new(length))
    }
}

/// Three lines around the price: the mean, and so many standard deviations above and below it.
///
/// ```
/// use pampero_indicators::{Bollinger, Indicator};
/// let mut bands = Bollinger::new(2, 2.0);
/// bands.update(10.0);
/// let band = bands.update(14.0).unwrap();
/// assert_eq!((band.lower, band.middle, band.upper), (8.0, 12.0, 16.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bollinger {
    window: Window,
    deviations: f64,
}

/// What [`Bollinger`] says.
///
/// ```
/// use pampero_indicators::Band;
/// let band = Band { lower: 8.0, middle: 12.0, upper: 16.0 };
/// assert_eq!(band.width(), 8.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The mean less the deviations.
    pub lower: f64,
    /// The mean.
    pub middle: f64,
    /// The mean and the deviations.
    pub upper: f64,
}

impl Band {
    /// From the lower to the upper line.
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }
}

impl Bollinger {
    /// Over the last `length` inputs, `deviations` standard deviations (of the population) wide on each side.
    pub fn new(length: u32, deviations: f64) -> Self {
        Self { window: Window::new(length), deviations }
    }
}

/// How many standard deviations the last input is from the mean of the last `length`, itself among them.
///
/// ```
/// use pampero_indicators::{Indicator, ZScore};
/// let mut z = ZScore::new(2);
/// z.update(10.0);
/// assert_eq!(z.update(14.0), Some(1.0));
/// assert_eq!(z.update(14.0), None, "without a deviation there is no distance");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZScore {
    window: Window,
    last: f64,
}

impl ZScore {
    /// Over the last `length` inputs; a length of zero counts as one. The deviation is that of the population.
    pub fn new(length: u32) -> Self {
        Self { window: Window::new(length), last: 0.0 }
    }

    /// The mean it is measured from, once it is warm.
    pub fn mean(&self) -> Option<f64> {
        self.window.is_full().then(|| self.window.mean())
    }

    /// The standard deviation that it counts in, once it is warm.
    pub fn deviation(&self) -> Option<f64> {
        self.window.is_full().then(|| self.window.deviation())
    }
}

/// The line of least squares through the last inputs, one step apart.
///
/// ```
/// use pampero_indicators::{Indicator, LinearRegression};
/// let mut line = LinearRegression::new(3);
/// line.update(1.0);
/// line.update(2.0);
/// let line = line.update(6.0).unwrap();
/// assert_eq!((line.slope, line.value, line.forecast()), (2.5, 5.5, 8.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearRegression(Window);

/// What [`LinearRegression`] says.
///
/// ```
/// let line = pampero_indicators::Line { slope: 2.0, value: 10.0, fit: 1.0 };
/// assert_eq!(line.forecast(), 12.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Its rise from one input to the next.
    pub slope: f64,
    /// Where it stands at the last input.
    pub value: f64,
    /// How much of the variance it explains, from 0 to 1 (R²); 0 where there is none.
    pub fit: f64,
}

impl Line {
    /// Where it will stand at the next input.
    pub fn forecast(&self) -> f64 {
        self.value + self.slope
    }
}

impl LinearRegression {
    /// Through the last `length` inputs; a length of zero counts as one.
    pub fn new(length: u32) -> Self {
        Self(Window::new(length))
    }
}

fn line(window: &Window) -> Line {
    let (slope, steps) = (window.slope(), window.count() - 1.0);
    let total = window.squared_distances();
    // The squared distances of the positions from their mean: n (n² - 1) ÷ 12.
    let positions = window.count() * (window.count() + 1.0) * steps / 12.0;
    let fit = if total > 0.0 { (slope * slope * positions / total).min(1.0) } else { 0.0 };
    Line { slope, value: window.mean() + slope * steps / 2.0, fit }
}

/// The parts of the trait that are the same for all of them.
macro_rules! over_window {
    ($name:ident, $output:ty, $window:tt, |$self:ident| $value:expr) => {
        impl Indicator<f64> for $name {
            type Output = $output;

            fn update(&mut self, input: f64) -> Option<$output> {
                self.$window.push(input);
                self.value()
            }

            fn value(&self) -> Option<$output> {
                let $self = self;
                self.is_warm().then(|| $value)
            }

            fn is_warm(&self) -> bool {
                self.$window.is_full()
            }

            fn reset(&mut self) {
                self.$window.clear();
            }
        }
    };
}

over_window!(Wma, f64, 0, |wma| wma.0.weighted_mean());
over_window!(LinearRegression, Line, 0, |regression| line(&regression.0));
over_window!(Bollinger, Band, window, |bands| {
    let (middle, half) = (bands.window.mean(), bands.window.deviation() * bands.deviations);
    Band { lower: middle - half, middle, upper: middle + half }
});

impl Indicator<f64> for ZScore {
    type Output = f64;

    fn update(&mut self, input: f64) -> Option<f64> {
        self.window.push(input);
        self.last = input;
        self.value()
    }

    /// Nothing, too, while the last inputs are all the same.
    fn value(&self) -> Option<f64> {
        let deviation = self.deviation().filter(|deviation| *deviation > 0.0)?;
        Some((self.last - self.window.mean()) / deviation)
    }

    fn is_warm(&self) -> bool {
        self.window.is_full()
    }

    fn reset(&mut self) {
        self.window.clear();
    }
}
