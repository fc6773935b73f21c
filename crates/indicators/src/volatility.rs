//! Estimators of volatility.

use pampero_model::Candle;
use serde::{Deserialize, Serialize};

use crate::indicator::Indicator;
use crate::window::Window;

/// What volatility is estimated from. The later ones need fewer candles for the same accuracy; all but the first
/// believe that prices between two candles do not jump.
///
/// ```
/// use pampero_indicators::Estimator;
/// assert_ne!(Estimator::Parkinson, Estimator::GarmanKlass);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Estimator {
    /// The deviation of the logarithmic returns from close to close (of a sample: n − 1).
    CloseToClose,
    /// Highs and lows, of a market without a drift.
    Parkinson,
    /// Highs, lows, opens and closes, of a market without a drift.
    GarmanKlass,
    /// Highs, lows, opens and closes, of a market with or without one.
    RogersSatchell,
}

/// The volatility of the last candles: the typical logarithmic return of one candle's time, `0.01` being about 1 %.
/// Multiply by the root of the number of candles in a year for the annual one.
///
/// ```
/// use pampero_indicators::{Estimator, Indicator, Volatility};
/// assert!(!Volatility::new(Estimator::GarmanKlass, 20).is_warm());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volatility {
    estimator: Estimator,
    last_close: Option<f64>,
    window: Window,
}

impl Volatility {
    /// Over `length` candles, at least two; from close to close over `length` returns, which need one candle more.
    pub fn new(estimator: Estimator, length: u32) -> Self {
        Self { estimator, last_close: None, window: Window::new(length.max(2)) }
    }

    /// What a candle adds: a return, or an estimate of the variance.
    fn part(&mut self, candle: &Candle) -> Option<f64> {
        let [open, high, low, close] =
            [candle.open, candle.high, candle.low, candle.close].map(|price| price.to_f64().ln());
        let two_ln_2 = 2.0 * std::f64::consts::LN_2;
        Some(match self.estimator {
            Estimator::CloseToClose => close - self.last_close.replace(close)?,
            Estimator::Parkinson => (high - low).powi(2) / (2.0 * two_ln_2),
            Estimator::GarmanKlass => (high - low).powi(2) / 2.0 - (two_ln_2 - 1.0) * (close - open).powi(2),
            Estimator::RogersSatchell => (high - close) * (high - open) + (low - close) * (low - open),
        })
    }
}

impl Indicator<Candle> for Volatility {
    type Output = f64;

    fn update(&mut self, candle: Candle) -> Option<f64> {
        let part = self.part(&candle)?;
        self.window.push(part);
        self.value()
    }

    fn value(&self) -> Option<f64> {
        self.is_warm().then(|| match self.estimator {
            Estimator::CloseToClose => (self.window.squared_distances() / (self.window.count() - 1.0)).sqrt(),
            _ => self.window.mean().max(0.0).sqrt(),
        })
    }

    fn is_warm(&self) -> bool {
        self.window.is_full()
    }

    fn reset(&mut self) {
        self.last_close = None;
        self.window.clear();
    }
}
