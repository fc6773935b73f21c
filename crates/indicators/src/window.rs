//! The last values of a signal with the sums that most indicators are made of.

use serde::{Deserialize, Serialize};

/// Sums over values, each taken as its distance from an anchor near to them: squares of large prices would leave no
/// digits for their differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    anchor: f64,
    count: f64,
    sum: f64,
    squares: f64,
    /// The oldest once, the next twice, and so on.
    weighted: f64,
}

impl Sums {
    fn add(&mut self, value: f64) {
        if self.count < 1.0 {
            *self = Self { anchor: value, ..Self::default() };
        }
        let distance = value - self.anchor;
        self.count += 1.0;
        self.sum += distance;
        self.squares += distance * distance;
        self.weighted += self.count * distance;
    }

    fn remove_oldest(&mut self, value: f64) {
        let distance = value - self.anchor;
        // Every weight falls by one, that of the oldest to nothing.
        self.weighted -= self.sum;
        self.sum -= distance;
        self.squares -= distance * distance;
        self.count -= 1.0;
    }
}

/// A ring of the last values and their sums, in constant time. Rounding errors cannot pile up: beside the running
/// sums it adds up those of the current round of the ring, and takes them over whenever the round is complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    ring: Box<[f64]>,
    /// Where the next value goes: the oldest one's place.
    next: usize,
    full: bool,
    running: Sums,
    round: Sums,
}

impl Window {
    /// A window of the last `length` values; a length of zero counts as one.
    pub(crate) fn new(length: u32) -> Self {
        let ring = (0..length.max(1)).map(|_| 0.0).collect();
        Self { ring, next: 0, full: false, running: Sums::default(), round: Sums::default() }
    }

    pub(crate) fn push(&mut self, value: f64) {
        if let Some(slot) = self.ring.get_mut(self.next) {
            let oldest = std::mem::replace(slot, value);
            if self.full {
                self.running.remove_oldest(oldest);
            }
        }
        self.running.add(value);
        self.round.add(value);
        self.next += 1;
        if self.next >= self.ring.len() {
            (self.next, self.full) = (0, true);
            self.running = std::mem::take(&mut self.round);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    pub(crate) fn clear(&mut self) {
        (self.next, self.full) = (0, false);
        (self.running, self.round) = (Sums::default(), Sums::default());
    }

    /// How many values there are.
    pub(crate) fn count(&self) -> f64 {
        self.running.count
    }

    pub(crate) fn sum(&self) -> f64 {
        self.running.anchor * self.running.count + self.running.sum
    }

    /// Of at least one value.
    pub(crate) fn mean(&self) -> f64 {
        self.running.anchor + self.running.sum / self.running.count
    }

    /// The mean in which the oldest value counts once, the next twice, and so on.
    pub(crate) fn weighted_mean(&self) -> f64 {
        let Sums { anchor, count, weighted, .. } = self.running;
        anchor + weighted / (count * (count + 1.0) / 2.0)
    }

    /// The sum of the squared distances from the mean; exactly zero where only rounding tells the values apart.
    pub(crate) fn squared_distances(&self) -> f64 {
        let Sums { count, sum, squares, .. } = self.running;
        let distances = squares - sum * sum / count;
        if distances > squares * count * f64::EPSILON { distances } else { 0.0 }
    }

    /// The standard deviation of the values, as of a whole population.
    pub(crate) fn deviation(&self) -> f64 {
        (self.squared_distances() / self.running.count).sqrt()
    }

    /// The slope of the line of least squares, per value; zero of a single value.
    pub(crate) fn slope(&self) -> f64 {
        let Sums { count, sum, weighted, .. } = self.running;
        if count < 2.0 {
            return 0.0;
        }
        (12.0 * weighted - 6.0 * (count + 1.0) * sum) / (count * (count * count - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million values around five million that differ by cents: sums of squares of the prices themselves would have
    /// lost the cents after a few.
    #[test]
    fn rounding_does_not_pile_up() {
        let value =
            |index: u32| 5_000_000.0 + f64::from(index.wrapping_mul(2_654_435_761) >> 16) / 6_553_600.0;
        let mut window = Window::new(50);
        for index in 0..1_000_020 {
            window.push(value(index));
        }
        let last: Vec<f64> = (1_000_020 - 50..1_000_020).map(value).collect();
        let mean = last.iter().sum::<f64>() / 50.0;
        let deviation = (last.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 50.0).sqrt();
        assert!((window.mean() - mean).abs() < 1e-8);
        assert!((window.deviation() / deviation - 1.0).abs() < 1e-9, "{} {deviation}", window.deviation());
    }

    #[test]
    fn a_flat_market_after_a_jump_has_no_deviation() {
        let mut window = Window::new(7);
        for value in [1.0, 2.0, 3.0, 1e6 + 0.1].into_iter().chain([1e6 + 0.1; 6]) {
            window.push(value);
        }
        assert!(window.deviation() <= 0.0, "{}", window.deviation());
    }

    #[test]
    fn what_is_not_a_number_is_forgotten() {
        let mut window = Window::new(4);
        for value in [1.0, f64::NAN, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0] {
            window.push(value);
        }
        assert!((window.mean() - 5.5).abs() < 1e-12);
    }
}
