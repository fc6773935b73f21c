//! Indicators of the range of candles: how far they reach, and in which direction.

use pampero_model::Candle;
use serde::{Deserialize, Serialize};

use crate::indicator::Indicator;
use crate::smoothing::Smoothed;

/// How far a candle reaches, the gap from the last close included.
fn true_range(candle: &Candle, last: &Candle) -> f64 {
    candle.high.max(last.close).saturating_sub(candle.low.min(last.close)).to_f64()
}

/// The average true range of Wilder, in quote.
///
/// ```
/// use pampero_indicators::{Atr, Indicator};
/// assert!(!Atr::new(14).is_warm());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Atr {
    last: Option<Candle>,
    ranges: Smoothed,
}

impl Atr {
    /// Over `length` ranges, each of which needs the candle before: warm after `length + 1` candles.
    pub fn new(length: u32) -> Self {
        Self { last: None, ranges: Smoothed::wilder(length) }
    }
}

impl Indicator<Candle> for Atr {
    type Output = f64;

    fn update(&mut self, candle: Candle) -> Option<f64> {
        let last = self.last.replace(candle)?;
        self.ranges.add(true_range(&candle, &last))
    }

    fn value(&self) -> Option<f64> {
        self.ranges.get()
    }

    fn is_warm(&self) -> bool {
        self.ranges.get().is_some()
    }

    fn reset(&mut self) {
        self.last = None;
        self.ranges.clear();
    }
}

/// The average directional index of Wilder with its two directional indicators.
///
/// ```
/// use pampero_indicators::{Adx, Indicator};
/// assert!(!Adx::new(14).is_warm());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adx {
    length: u32,
    last: Option<Candle>,
    /// How many candles moved from the one before.
    moves: u32,
    /// Wilder's sums: what is kept of each is all but one `length`-th.
    up: f64,
    down: f64,
    range: f64,
    index: Smoothed,
}

/// What [`Adx`] says, each from 0 to 100.
///
/// ```
/// let value = pampero_indicators::Direction { plus: 30.0, minus: 10.0, adx: 25.0 };
/// assert!(value.plus > value.minus);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Direction {
    /// The share of the range that was gained upward (+DI).
    pub plus: f64,
    /// The share of the range that was lost downward (−DI).
    pub minus: f64,
    /// How much one of them outweighs the other, smoothed: the strength of a trend, whatever its direction.
    pub adx: f64,
}

impl Adx {
    /// Of `length` candles, at least two; warm after `2 × length` candles.
    pub fn new(length: u32) -> Self {
        let length = length.max(2);
        let index = Smoothed::wilder(length);
        Self { length, last: None, moves: 0, up: 0.0, down: 0.0, range: 0.0, index }
    }

    fn indicators(&self) -> (f64, f64) {
        let share = |moved: f64| if self.range > 0.0 { 100.0 * moved / self.range } else { 0.0 };
        (share(self.up), share(self.down))
    }
}

impl Indicator<Candle> for Adx {
    type Output = Direction;

    fn update(&mut self, candle: Candle) -> Option<Direction> {
        let last = self.last.replace(candle)?;
        let up = candle.high.saturating_sub(last.high).to_f64();
        let down = last.low.saturating_sub(candle.low).to_f64();
        // Wilder's first sum is of one candle fewer, with nothing forgotten.
        let first = self.moves < self.length - 1;
        let keep = if first { 1.0 } else { 1.0 - 1.0 / f64::from(self.length) };
        self.up = self.up * keep + if up > down && up > 0.0 { up } else { 0.0 };
        self.down = self.down * keep + if down > up && down > 0.0 { down } else { 0.0 };
        self.range = self.range * keep + true_range(&candle, &last);
        if first {
            self.moves += 1;
            return None;
        }
        let (plus, minus) = self.indicators();
        let sum = plus + minus;
        if sum > 0.0 {
            self.index.add(100.0 * (plus - minus).abs() / sum);
        } else if self.index.get().is_none() {
            self.index.add(0.0);
        }
        self.value()
    }

    fn value(&self) -> Option<Direction> {
        let (plus, minus) = self.indicators();
        Some(Direction { plus, minus, adx: self.index.get()? })
    }

    fn is_warm(&self) -> bool {
        self.index.get().is_some()
    }

    fn reset(&mut self) {
        *self = Self::new(self.length);
    }
}
