//! An average that was never divided.

use std::cmp::Ordering;

use pampero_model::{ArithmeticError, Cash, Price, Quantity, Rounding};

/// A sum of prices and how many they are. Averages of different lengths compare exactly, by
/// cross-multiplication.
///
/// ```
/// use pampero_indicators::Average;
/// use pampero_model::{Price, Rounding};
/// // 1/3 of a unit is above 3/10 of it, and 2/6 is the same.
/// assert!(Average::new(1, 3) > Average::new(3, 10));
/// assert_eq!(Average::new(1, 3), Average::new(2, 6));
/// assert_eq!(Average::new(7, 2).price(Rounding::Down)?, Price::from_units(3));
/// # Ok::<(), pampero_model::ArithmeticError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Average {
    sum: i128,
    count: u32,
}

impl Average {
    /// The average of `count` prices that add up to `sum`, in units of 1e-8. A count of zero counts as one; a
    /// sum that `count` prices cannot reach is cut to one they can.
    pub fn new(sum: i128, count: u32) -> Self {
        let count = count.max(1);
        let bound = i128::from(i64::MAX) * i128::from(count);
        Self { sum: sum.clamp(-bound, bound), count }
    }

    /// Of a sum that is known to be one of `count` prices.
    pub(crate) const fn trusted(sum: i128, count: u32) -> Self {
        Self { sum, count }
    }

    /// The sum, in units of 1e-8.
    pub const fn sum(self) -> i128 {
        self.sum
    }

    /// How many prices were added.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// The average as a price.
    pub fn price(self, rounding: Rounding) -> Result<Price, ArithmeticError> {
        // The price at which so many whole coins cost the sum.
        let coins = i64::from(self.count).checked_mul(pampero_model::SCALE);
        let coins = coins.ok_or(ArithmeticError::Overflow)?;
        Cash::from_units(self.sum).average_price(Quantity::from_units(coins), rounding)
    }
}

impl Ord for Average {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        // A sum of `count` prices is below 2^63 × 2^32, its product with another count below 2^127.
        let left = self.sum * i128::from(other.count);
        let right = other.sum * i128::from(self.count);
        left.cmp(&right)
    }
}

impl PartialOrd for Average {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Two averages are equal if their values are, whatever their lengths.
impl PartialEq for Average {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Average {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extremes_compare_without_overflow() {
        let highest = Average::new(i128::MAX, u32::MAX);
        let lowest = Average::new(i128::MIN, u32::MAX);
        assert!(highest > lowest);
        assert_eq!(highest, Average::new(i128::from(i64::MAX), 1));
        assert_eq!(highest.price(Rounding::Down).unwrap(), Price::MAX);
        assert_eq!(Average::new(5, 0), Average::new(5, 1));
    }

    #[test]
    fn a_price_is_rounded_as_asked() {
        assert_eq!(Average::new(-7, 2).price(Rounding::Down).unwrap().units(), -3);
        assert_eq!(Average::new(-7, 2).price(Rounding::Up).unwrap().units(), -4);
        assert_eq!(Average::new(7, 2).price(Rounding::HalfEven).unwrap().units(), 4);
    }
}
