//! The highest and the lowest price of a window, and what is measured between them.

use std::collections::VecDeque;

use pampero_model::{Candle, Price};
use serde::{Deserialize, Serialize};

use crate::indicator::Indicator;
use crate::window::Window;

/// The highest and the lowest of the last `length` candles. Those that a later candle outdoes are dropped at once, so
/// that the front is the extreme; each candle enters and leaves once, so that an update is constant time on average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Extremes {
    length: u64,
    seen: u64,
    highs: VecDeque<(u64, Price)>,
    lows: VecDeque<(u64, Price)>,
}

impl Extremes {
    fn new(length: u32) -> Self {
        let length = length.max(1);
        // One more than the length would be a reason to grow: the oldest leaves before the newest enters.
        let room = || VecDeque::with_capacity(usize::try_from(length).unwrap_or(0));
        Self { length: length.into(), seen: 0, highs: room(), lows: room() }
    }

    fn push(&mut self, candle: &Candle) {
        let oldest = (self.seen + 1).saturating_sub(self.length);
        let Self { highs, lows, .. } = self;
        for queue in [&mut *highs, &mut *lows] {
            while queue.front().is_some_and(|(index, _)| *index < oldest) {
                queue.pop_front();
            }
        }
        while highs.back().is_some_and(|(_, price)| *price <= candle.high) {
            highs.pop_back();
        }
        highs.push_back((self.seen, candle.high));
        while lows.back().is_some_and(|(_, price)| *price >= candle.low) {
            lows.pop_back();
        }
        lows.push_back((self.seen, candle.low));
        self.seen += 1;
    }

    fn is_full(&self) -> bool {
        self.seen >= self.length
    }

    /// The highest and the lowest price.
    fn get(&self) -> Option<(Price, Price)> {
        let ends = self.highs.front().zip(self.lows.front())?;
        self.is_full().then_some((ends.0.1, ends.1.1))
    }

    fn clear(&mut self) {
        self.seen = 0;
        self.highs.clear();
        self.lows.clear();
    }
}

/// The Donchian channel: the highest high and the lowest low of the last candles, exact.
///
/// The candle just seen is part of it: a breakout compares with the value from before the update.
///
/// ```
/// use pampero_indicators::{Donchian, Indicator};
/// use pampero_model::{Candle, Quantity, Timestamp};
/// # let candle = |low: &str, high: &str| Candle { open_time: Timestamp::from_secs(0), open: low.parse().unwrap(),
/// #     high: high.parse().unwrap(), low: low.parse().unwrap(), close: high.parse().unwrap(), volume: Quantity::ZERO };
/// let mut channel = Donchian::new(2);
/// channel.update(candle("10", "12"));
/// let value = channel.update(candle("9", "11")).unwrap();
/// assert_eq!((value.lower, value.upper), ("9".parse()?, "12".parse()?));
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Donchian(Extremes);

/// What [`Donchian`] says.
///
/// ```
/// let channel = pampero_indicators::Channel { lower: "9".parse()?, upper: "12".parse()? };
/// assert_eq!(channel.middle(), "10.5".parse()?);
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The lowest low.
    pub lower: Price,
    /// The highest high.
    pub upper: Price,
}

impl Channel {
    /// Half way between the two.
    pub fn middle(&self) -> Price {
        self.lower.midpoint(self.upper)
    }
}

impl Donchian {
    /// Over the last `length` candles; a length of zero counts as one.
    pub fn new(length: u32) -> Self {
        Self(Extremes::new(length))
    }
}

impl Indicator<Candle> for Donchian {
    type Output = Channel;

    fn update(&mut self, candle: Candle) -> Option<Channel> {
        self.0.push(&candle);
        self.value()
    }

    fn value(&self) -> Option<Channel> {
        self.0.get().map(|(upper, lower)| Channel { lower, upper })
    }

    fn is_warm(&self) -> bool {
        self.0.is_full()
    }

    fn reset(&mut self) {
        self.0.clear();
    }
}

/// The slow stochastic oscillator: where the close stands between the lowest low (0) and the highest high (100) of the
/// last candles, averaged, and averaged once more.
///
/// In a channel without height the close counts as standing at 50. (TA-Lib says 0, which a strategy would take for oversold.)
///
/// ```
/// use pampero_indicators::{Indicator, Stochastic};
/// assert!(!Stochastic::new(5, 3, 3).is_warm());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stochastic {
    extremes: Extremes,
    k: Window,
    d: Window,
}

/// What [`Stochastic`] says, from 0 to 100.
///
/// ```
/// let value = pampero_indicators::StochasticValue { k: 20.0, d: 30.0 };
/// assert!(value.k < value.d);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StochasticValue {
    /// The mean of where the last closes stood.
    pub k: f64,
    /// The mean of the last of those.
    pub d: f64,
}

impl Stochastic {
    /// Over `length` candles, averaged over `k` and then over `d`; warm after `length + k + d - 2` candles.
    pub fn new(length: u32, k: u32, d: u32) -> Self {
        Self { extremes: Extremes::new(length), k: Window::new(k), d: Window::new(d) }
    }
}

impl Indicator<Candle> for Stochastic {
    type Output = StochasticValue;

    fn update(&mut self, candle: Candle) -> Option<StochasticValue> {
        self.extremes.push(&candle);
        let (high, low) = self.extremes.get()?;
        let height = high.saturating_sub(low).to_f64();
        let above = candle.close.saturating_sub(low).to_f64();
        self.k.push(if height > 0.0 { 100.0 * above / height } else { 50.0 });
        if self.k.is_full() {
            self.d.push(self.k.mean());
        }
        self.value()
    }

    fn value(&self) -> Option<StochasticValue> {
        self.is_warm().then(|| StochasticValue { k: self.k.mean(), d: self.d.mean() })
    }

    fn is_warm(&self) -> bool {
        self.d.is_full()
    }

    fn reset(&mut self) {
        self.extremes.clear();
        self.k.clear();
        self.d.clear();
    }
}
