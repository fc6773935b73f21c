//! The simple moving average.

use pampero_model::Price;
use serde::{Deserialize, Serialize};

use crate::average::Average;
use crate::indicator::Indicator;

/// The simple moving average of the last prices: an integer sum, exact for any prices and lengths.
///
/// ```
/// use pampero_indicators::{Indicator, Sma};
/// use pampero_model::{Price, Rounding};
/// let mut sma = Sma::new(3);
/// for text in ["1", "2"] {
///     assert_eq!(sma.update(text.parse()?), None);
/// }
/// let average = sma.update("6".parse()?).unwrap();
/// assert_eq!(average.price(Rounding::Down)?, "3".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sma {
    /// The last prices in a ring; zeros until it is full, so that the first round subtracts nothing.
    ring: Box<[i64]>,
    /// Where the next price goes: the oldest one's place.
    next: usize,
    sum: i128,
    seen: u32,
    length: u32,
}

impl Sma {
    /// An average of the last `length` prices; a length of zero counts as one.
    pub fn new(length: u32) -> Self {
        let ring: Box<[i64]> = (0..length.max(1)).map(|_| 0).collect();
        Self { ring, next: 0, sum: 0, seen: 0, length: length.max(1) }
    }

    /// How many prices it averages.
    pub const fn length(&self) -> u32 {
        self.length
    }

    /// The prices it holds, oldest first: what a saved state needs.
    pub fn prices(&self) -> impl Iterator<Item = Price> {
        let (newer, older) = self.ring.split_at_checked(self.next).unwrap_or((&self.ring, &[]));
        let older = if self.is_warm() { older } else { &[] };
        older.iter().chain(newer).copied().map(Price::from_units)
    }
}

impl Indicator<Price> for Sma {
    type Output = Average;

    #[inline]
    fn update(&mut self, price: Price) -> Option<Average> {
        if let Some(slot) = self.ring.get_mut(self.next) {
            let oldest = std::mem::replace(slot, price.units());
            // At most 2^32 prices below 2^63 each: the sum is far from the end of 128 bits.
            self.sum += i128::from(price.units()) - i128::from(oldest);
        }
        self.next += 1;
        if self.next >= self.ring.len() {
            self.next = 0;
        }
        if self.seen < self.length {
            self.seen += 1;
        }
        self.value()
    }

    #[inline]
    fn value(&self) -> Option<Average> {
        self.is_warm().then(|| Average::trusted(self.sum, self.length))
    }

    #[inline]
    fn is_warm(&self) -> bool {
        self.seen == self.length
    }

    fn reset(&mut self) {
        self.ring.fill(0);
        (self.next, self.sum, self.seen) = (0, 0, 0);
    }
}

/// Takes in prices one after the other, oldest first, as they are saved.
impl Extend<Price> for Sma {
    fn extend<I: IntoIterator<Item = Price>>(&mut self, prices: I) {
        for price in prices {
            self.update(price);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    fn feed(length: u32, prices: &[i64]) -> Sma {
        let mut sma = Sma::new(length);
        sma.extend(prices.iter().copied().map(Price::from_units));
        sma
    }

    #[test]
    fn a_tie_of_different_lengths_is_exact() {
        // 0.1 added up in floats would not tie: 3 × 0.1 ≠ 0.3.
        let tenth = Price::from_units(10_000_000).units();
        let (short, long) = (feed(3, &[tenth; 10]), feed(10, &[tenth; 10]));
        assert_eq!(short.value().unwrap().cmp(&long.value().unwrap()), Ordering::Equal);
    }

    #[test]
    fn the_largest_prices_do_not_overflow() {
        let sma = feed(1_000, &vec![i64::MAX; 2_500]);
        assert_eq!(sma.value().unwrap().sum(), i128::from(i64::MAX) * 1_000);
    }

    #[test]
    fn reset_is_a_fresh_start() {
        let mut sma = feed(4, &[7, 8, 9, 10, 11, 12]);
        sma.reset();
        assert_eq!(sma, Sma::new(4));
    }

    proptest! {
        #[test]
        fn agrees_with_adding_up_anew(length in 1u32..40, prices in prop::collection::vec(any::<i64>(), 0..120)) {
            let mut sma = Sma::new(length);
            for (index, price) in prices.iter().enumerate() {
                let average = sma.update(Price::from_units(*price));
                let window = &prices[(index + 1).saturating_sub(length as usize)..=index];
                let held: Vec<i64> = sma.prices().map(Price::units).collect();
                prop_assert_eq!(&held[..], window);
                let expected = (window.len() == length as usize)
                    .then(|| window.iter().copied().map(i128::from).sum::<i128>());
                prop_assert_eq!(average.map(Average::sum), expected);
                prop_assert_eq!(sma.is_warm(), expected.is_some());
            }
        }

        #[test]
        fn compares_as_fractions_do(
            (short, long) in (1u32..9, 1u32..9),
            prices in prop::collection::vec(1i64..5, 9..30),
        ) {
            let (left, right) = (feed(short, &prices).value().unwrap(), feed(long, &prices).value().unwrap());
            // Small numbers: a common denominator is exact.
            let over_common = |average: Average| average.sum() * 2_520 / i128::from(average.count());
            prop_assert_eq!(left.cmp(&right), over_common(left).cmp(&over_common(right)));
            prop_assert_eq!(left == right, over_common(left) == over_common(right));
        }
    }
}
