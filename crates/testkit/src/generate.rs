//! History that is made up: integers from a seed, the same everywhere.

use pampero_model::{
    Candle, CandleSeries, Level, Price, Quantity, Quote, QuoteSeries, SCALE, Span, Timestamp, Trade,
    TradeSeries,
};
use proptest::prelude::Strategy;

/// The generator of a run of numbers from a seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(0).unsigned_abs() + 1;
        low.saturating_add(i64::try_from(self.next() % width).unwrap_or(0))
    }
}

/// A random walk of a price, of which candles or quotes and trades can be made.
///
/// ```
/// use pampero_testkit::Walk;
/// let series = Walk::new(7).candles(100);
/// assert_eq!(series.len(), 100);
/// assert!(series.iter().all(|candle| candle.is_possible()));
/// assert_eq!(series, Walk::new(7).candles(100));
/// ```
#[derive(Clone, Debug)]
pub struct Walk {
    random: Random,
    price: i64,
    step: i64,
    drift: i64,
    span: Span,
}

/// Prices are multiples of a cent.
const CENT: i64 = SCALE / 100;
/// The walk never falls below this.
const FLOOR: i64 = SCALE;

impl Walk {
    /// From 1000, by at most 20 basis points a step, without a drift, a candle a minute.
    pub const fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            price: 1_000 * SCALE,
            step: 20,
            drift: 0,
            span: Span::from_minutes(1),
        }
    }

    /// Begins at a price.
    #[must_use]
    pub const fn from(self, price: Price) -> Self {
        Self { price: price.units(), ..self }
    }

    /// Moves by at most so many basis points a step.
    #[must_use]
    pub const fn steps_of(self, basis_points: i64) -> Self {
        Self { step: basis_points, ..self }
    }

    /// Moves by so many basis points a step beside what is drawn.
    #[must_use]
    pub const fn drifting(self, basis_points: i64) -> Self {
        Self { drift: basis_points, ..self }
    }

    /// Makes candles of another span.
    #[must_use]
    pub const fn every(self, span: Span) -> Self {
        Self { span, ..self }
    }

    fn step(&mut self) -> Price {
        let moved = self.random.between(-self.step, self.step).saturating_add(self.drift);
        let change = i128::from(self.price) * i128::from(moved) / 10_000;
        let price = i64::try_from(i128::from(self.price) + change).unwrap_or(self.price);
        // To the nearest cent: cutting would be a drift.
        let nearest = price.saturating_add(CENT / 2);
        self.price = (nearest - nearest.rem_euclid(CENT)).max(FLOOR);
        Price::from_units(self.price)
    }

    fn quantity(&mut self, at_most: i64) -> Quantity {
        Quantity::from_units(self.random.between(1, at_most.max(1)) * (SCALE / 100))
    }

    /// Candles from 1970 on. Each opens where the last one closed and holds four steps.
    pub fn candles(mut self, count: usize) -> CandleSeries {
        let mut series = CandleSeries::new(self.span);
        let mut open_time = Timestamp::from_secs(0);
        let mut open = Price::from_units(self.price);
        for _ in 0..count {
            let steps = [self.step(), self.step(), self.step(), self.step()];
            let high = steps.into_iter().fold(open, Price::max);
            let low = steps.into_iter().fold(open, Price::min);
            let [_, _, _, close] = steps;
            let volume = self.quantity(100_000);
            series.push(&Candle { open_time, open, high, low, close, volume });
            open = close;
            open_time = open_time.plus(self.span);
        }
        series
    }

    /// Quotes from 1970 on, one each `interval`, one to ten cents wide, and a trade at the bid or the ask of about
    /// every other one, half an interval later.
    pub fn quotes(mut self, count: usize, interval: Span) -> (QuoteSeries, TradeSeries) {
        let (mut quotes, mut trades) = (QuoteSeries::default(), TradeSeries::default());
        let mut time = Timestamp::from_secs(0);
        for id in (1u64..).take(count) {
            let bid = Level { price: self.step(), quantity: self.quantity(500) };
            let spread = Price::from_units(self.random.between(1, 10) * CENT);
            let ask = Level { price: bid.price.saturating_add(spread), quantity: self.quantity(500) };
            quotes.push(time, &Quote { bid, ask });
            if self.random.between(0, 1) == 1 {
                let price = if self.random.between(0, 1) == 1 { bid.price } else { ask.price };
                let half = Span::from_nanos(interval.as_nanos() / 2);
                let quantity = self.quantity(300);
                trades.push(&Trade { id, time: time.plus(half), price, quantity, aggressor: None });
            }
            time = time.plus(interval);
        }
        (quotes, trades)
    }
}

/// A series with holes: after each `every` candles, the next `missing` are left out.
///
/// ```
/// use pampero_testkit::{Walk, with_gaps};
/// assert_eq!(with_gaps(&Walk::new(1).candles(100), 8, 2).len(), 80);
/// ```
pub fn with_gaps(series: &CandleSeries, every: usize, missing: usize) -> CandleSeries {
    let mut kept = CandleSeries::new(series.span());
    let period = every.saturating_add(missing).max(1);
    for (index, candle) in series.iter().enumerate() {
        if index % period < every {
            kept.push(&candle);
        }
    }
    kept
}

/// For `proptest`: walks of calm and of wild markets, with and without a drift.
///
/// ```
/// use pampero_testkit::{Walk, proptest::prelude::*, walks};
/// proptest!(|(walk in walks(), count in 1usize..50)| {
///     prop_assert_eq!(walk.candles(count).len(), count);
/// });
/// ```
pub fn walks() -> impl Strategy<Value = Walk> {
    let shape = (proptest::num::u64::ANY, 1i64..200, -5i64..=5);
    shape.prop_map(|(seed, step, drift)| Walk::new(seed).steps_of(step).drifting(drift))
}
