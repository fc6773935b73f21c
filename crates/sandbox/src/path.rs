//! Where the agents believe the price is: recorded prices, or regimes drawn at random.

use pampero_model::{CandleSeries, Price, Rate, Rounding, Span, TradeSeries};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

/// Recorded prices by the time since their first. They are played forward, then backward, and so on, so that the price
/// never jumps.
#[derive(Clone, Debug, Default)]
pub struct PricePath {
    points: Vec<(Span, Price)>,
}

impl PricePath {
    /// The closes of candles.
    pub fn from_candles(candles: &CandleSeries) -> Self {
        let first = candles.open_times.first().copied().unwrap_or_default();
        Self { points: candles.iter().map(|candle| (candle.open_time.since(first), candle.close)).collect() }
    }

    /// The prices of trades.
    pub fn from_trades(trades: &TradeSeries) -> Self {
        let first = trades.times.first().copied().unwrap_or_default();
        let points = trades.times.iter().zip(&trades.prices);
        Self { points: points.map(|(time, price)| (time.since(first), *price)).collect() }
    }

    /// The price after a time; nothing if there is none at all.
    fn at(&self, elapsed: Span) -> Option<Price> {
        let length = self.points.last()?.0.as_nanos();
        let played = match length {
            0 => 0,
            length => {
                let round = elapsed.as_nanos().rem_euclid(length.saturating_mul(2));
                if round <= length { round } else { 2 * length - round }
            }
        };
        let next = self.points.partition_point(|(since, _)| since.as_nanos() <= played);
        self.points.get(next.saturating_sub(1)).map(|(_, price)| *price)
    }
}

/// Random numbers for the market.
#[derive(Clone, Debug)]
pub struct Dice(Pcg64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Pcg64::seed_from_u64(seed))
    }

    /// A number from 0 to `most`, each as likely.
    pub fn up_to(&mut self, most: u64) -> i64 {
        // The bias of the remainder is far below what a test could see, for the ranges drawn here.
        i64::try_from(self.0.next_u64() % most.saturating_add(1)).unwrap_or(0)
    }

    /// Whether something of so many chances in a million happens.
    pub fn one_in_a_million(&mut self, chances: u64) -> bool {
        self.up_to(999_999).unsigned_abs() < chances
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    Range,
    Up,
    Down,
    Wild,
}

/// The price as time goes by.
#[derive(Clone, Debug)]
pub struct Drift {
    pub price: Price,
    pub regime: Regime,
    first: Price,
    anchor: Price,
    left: Span,
    elapsed: Span,
    /// How far it strays in one step, as a share.
    noise: i64,
    step: Span,
    recorded: Option<PricePath>,
}

impl Drift {
    pub fn new(first: Price, step: Span, hourly_noise: Rate, recorded: Option<PricePath>) -> Self {
        let price = recorded.as_ref().and_then(|path| path.at(Span::ZERO)).unwrap_or(first);
        // Noise adds up with the root of the number of steps.
        let steps = (3_600_000_000_000 / step.as_nanos().max(1)).max(1);
        let noise = hourly_noise.units() / steps.isqrt().max(1);
        Self {
            price,
            regime: Regime::Range,
            first: price,
            anchor: price,
            left: Span::ZERO,
            elapsed: Span::ZERO,
            noise,
            step,
            recorded,
        }
    }

    /// Goes on from another price.
    pub fn resume(&mut self, price: Price, elapsed: Span) {
        self.price = price;
        self.anchor = price;
        self.elapsed = elapsed;
    }

    pub const fn elapsed(&self) -> Span {
        self.elapsed
    }

    /// Lets one step pass.
    pub fn advance(&mut self, dice: &mut Dice) {
        self.elapsed = Span::from_nanos(self.elapsed.as_nanos().saturating_add(self.step.as_nanos()));
        if let Some(path) = &self.recorded {
            self.price = path.at(self.elapsed).unwrap_or(self.price);
            return;
        }
        self.left = Span::from_nanos(self.left.as_nanos() - self.step.as_nanos());
        if self.left <= Span::ZERO {
            self.begin_regime(dice);
        }
        let drift = match self.regime {
            // A thousandth of the way back in each step.
            Regime::Range => self.gap() / 1_000,
            Regime::Up => self.noise / 20,
            Regime::Down => -self.noise / 20,
            Regime::Wild => 0,
        };
        let width = if self.regime == Regime::Wild { self.noise * 3 } else { self.noise };
        let change = dice.up_to(width.unsigned_abs() * 2) - width + drift;
        let moved = self.price.shifted(Rate::from_units(change), Rounding::HalfEven);
        self.price = moved.unwrap_or(self.price).max(Price::from_units(1_000));
    }

    /// How far the anchor is, as a share of the price in units of 1e-8.
    fn gap(&self) -> i64 {
        let gap = i128::from(self.anchor.units()) - i128::from(self.price.units());
        let share = gap * i128::from(pampero_model::SCALE) / i128::from(self.price.units().max(1));
        i64::try_from(share).unwrap_or(0)
    }

    /// Two to ten hours of another mood. A price that has doubled or halved turns around.
    fn begin_regime(&mut self, dice: &mut Dice) {
        self.left = Span::from_minutes(120 + dice.up_to(480));
        self.anchor = self.price;
        self.regime = match dice.up_to(7) {
            0..=2 => Regime::Range,
            3 | 4 => Regime::Up,
            5 | 6 => Regime::Down,
            _ => Regime::Wild,
        };
        if self.price.units() / 2 > self.first.units() {
            self.regime = Regime::Down;
        } else if self.price.units() < self.first.units() / 2 {
            self.regime = Regime::Up;
        }
    }
}

#[cfg(test)]
mod tests {
    use pampero_model::{Timestamp, Trade};

    use super::*;

    #[test]
    fn recorded_prices_are_played_to_and_fro() {
        let mut trades = TradeSeries::default();
        for (secs, price) in [(100, "10"), (160, "11"), (220, "12")] {
            let time = Timestamp::from_secs(secs);
            let quantity = "1".parse().unwrap();
            trades.push(&Trade { id: 0, time, price: price.parse().unwrap(), quantity, aggressor: None });
        }
        let path = PricePath::from_trades(&trades);
        let at = |secs| path.at(Span::from_secs(secs)).unwrap().to_string();
        assert_eq!(
            [0, 59, 60, 120, 150, 200, 240, 300].map(at),
            ["10", "10", "11", "12", "11", "10", "10", "11"]
        );
        assert_eq!(PricePath::default().at(Span::ZERO), None);
    }

    #[test]
    fn a_drawn_price_depends_on_the_seed_alone_and_stays_near() {
        let first: Price = "3600".parse().unwrap();
        let run = |seed| {
            let mut drift = Drift::new(first, Span::from_secs(10), "0.004".parse().unwrap(), None);
            let mut dice = Dice::new(seed);
            (0..60_000)
                .map(|_| {
                    drift.advance(&mut dice);
                    drift.price
                })
                .collect::<Vec<_>>()
        };
        let prices = run(1);
        assert_eq!(prices, run(1));
        assert_ne!(prices, run(2));
        assert!(prices.iter().all(|price| (600..30_000).contains(&(price.units() / 100_000_000))));
        assert!(prices.iter().max() > prices.iter().min());
    }
}
