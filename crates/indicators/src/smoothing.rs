//! Exponential averages: Ema, and what is made of several.

use serde::{Deserialize, Serialize};

use crate::indicator::Indicator;

/// An exponential average that begins with the plain mean of its first values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Smoothed {
    length: u32,
    /// How much of the distance to a new value it moves.
    share: f64,
    seen: u32,
    value: f64,
}

impl Smoothed {
    /// Moves by `2 ÷ (length + 1)` of the distance.
    pub(crate) fn exponential(length: u32) -> Self {
        let length = length.max(1);
        Self { length, share: 2.0 / (f64::from(length) + 1.0), seen: 0, value: 0.0 }
    }

    /// Moves by `1 ÷ length` of the distance, as Wilder's indicators do.
    pub(crate) fn wilder(length: u32) -> Self {
        let length = length.max(1);
        Self { length, share: 1.0 / f64::from(length), seen: 0, value: 0.0 }
    }

    pub(crate) fn add(&mut self, input: f64) -> Option<f64> {
        if self.seen < self.length {
            self.seen += 1;
            self.value += (input - self.value) / f64::from(self.seen);
        } else {
            self.value += self.share * (input - self.value);
        }
        self.get()
    }

    pub(crate) fn get(&self) -> Option<f64> {
        (self.seen == self.length).then_some(self.value)
    }

    pub(crate) fn clear(&mut self) {
        (self.seen, self.value) = (0, 0.0);
    }
}

/// The exponential moving average, warm after `length` inputs with their plain mean.
///
/// ```
/// use pampero_indicators::{Ema, Indicator};
/// let mut ema = Ema::new(3);
/// assert_eq!([ema.update(1.0), ema.update(2.0)], [None, None]);
/// assert_eq!(ema.update(3.0), Some(2.0));
/// assert_eq!(ema.update(6.0), Some(4.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ema(Smoothed);

impl Ema {
    /// An average that gives a new input the weight `2 ÷ (length + 1)`; a length of zero counts as one.
    pub fn new(length: u32) -> Self {
        Self(Smoothed::exponential(length))
    }
}

impl Indicator<f64> for Ema {
    type Output = f64;

    fn update(&mut self, input: f64) -> Option<f64> {
        self.0.add(input)
    }

    fn value(&self) -> Option<f64> {
        self.0.get()
    }

    fn is_warm(&self) -> bool {
        self.0.get().is_some()
    }

    fn reset(&mut self) {
        self.0.clear();
    }
}

/// The relative strength index of Wilder, from 0 to 100: the share of the rises in all movement.
///
/// A market that has not moved at all stands at 50. (TA-Lib says 0, which a strategy would take for oversold.)
///
/// ```
/// use pampero_indicators::{Indicator, Rsi};
/// let mut rsi = Rsi::new(2);
/// let last = [10.0, 13.0, 12.0].map(|close| rsi.update(close));
/// assert_eq!(last, [None, None, Some(75.0)]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rsi {
    last: Option<f64>,
    rises: Smoothed,
    falls: Smoothed,
}

impl Rsi {
    /// Over `length` changes, so that it is warm after `length + 1` inputs.
    pub fn new(length: u32) -> Self {
        Self { last: None, rises: Smoothed::wilder(length), falls: Smoothed::wilder(length) }
    }
}

impl Indicator<f64> for Rsi {
    type Output = f64;

    fn update(&mut self, input: f64) -> Option<f64> {
        let change = input - self.last.replace(input)?;
        self.rises.add(change.max(0.0));
        self.falls.add((-change).max(0.0));
        self.value()
    }

    fn value(&self) -> Option<f64> {
        let (rises, falls) = (self.rises.get()?, self.falls.get()?);
        let movement = rises + falls;
        Some(if movement > 0.0 { 100.0 * rises / movement } else { 50.0 })
    }

    fn is_warm(&self) -> bool {
        self.rises.get().is_some()
    }

    fn reset(&mut self) {
        self.last = None;
        self.rises.clear();
        self.falls.clear();
    }
}

/// What [`Macd`] says.
///
/// ```
/// use pampero_indicators::MacdValue;
/// let value = MacdValue { macd: 3.0, signal: 1.0 };
/// assert_eq!(value.histogram(), 2.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MacdValue {
    /// The fast average less the slow one.
    pub macd: f64,
    /// The exponential average of that.
    pub signal: f64,
}

impl MacdValue {
    /// The difference of the two.
    pub fn histogram(&self) -> f64 {
        self.macd - self.signal
    }
}

/// Moving average convergence and divergence. The fast average begins with the last of the inputs that the slow one
/// begins with, as in TA-Lib.
///
/// ```
/// use pampero_indicators::{Indicator, Macd};
/// let mut macd = Macd::new(12, 26, 9);
/// for close in 0..33 {
///     assert_eq!(macd.update(f64::from(close)), None);
/// }
/// // A straight line: each average lags by half its length.
/// assert!((macd.update(33.0).unwrap().macd - 7.0).abs() < 1e-9);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Macd {
    fast: Smoothed,
    slow: Smoothed,
    signal: Smoothed,
    /// Inputs to pass over before the fast average begins.
    ahead: u32,
    passed: u32,
}

impl Macd {
    /// Of two lengths in any order, and the length of the signal; warm after `slow + signal - 1` inputs.
    pub fn new(fast: u32, slow: u32, signal: u32) -> Self {
        let (fast, slow) = (fast.min(slow).max(1), fast.max(slow).max(1));
        Self {
            fast: Smoothed::exponential(fast),
            slow: Smoothed::exponential(slow),
            signal: Smoothed::exponential(signal),
            ahead: slow - fast,
            passed: 0,
        }
    }

    fn difference(&self) -> Option<f64> {
        Some(self.fast.get()? - self.slow.get()?)
    }
}

impl Indicator<f64> for Macd {
    type Output = MacdValue;

    fn update(&mut self, input: f64) -> Option<MacdValue> {
        self.slow.add(input);
        if self.passed < self.ahead {
            self.passed += 1;
        } else {
            self.fast.add(input);
        }
        let macd = self.difference()?;
        self.signal.add(macd);
        self.value()
    }

    fn value(&self) -> Option<MacdValue> {
        Some(MacdValue { macd: self.difference()?, signal: self.signal.get()? })
    }

    fn is_warm(&self) -> bool {
        self.signal.get().is_some()
    }

    fn reset(&mut self) {
        for average in [&mut self.fast, &mut self.slow, &mut self.signal] {
            average.clear();
        }
        self.passed = 0;
    }
}
