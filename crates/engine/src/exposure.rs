//! What is held against the plan, and the price it is to be closed at.

use pampero_model::{Price, Quantity, Side};

use crate::saved_state::StateValue;
use crate::strategy::RestoreError;

/// Base that was bought or sold on one market and is to be closed on another, with the mean of the prices that were planned
/// for it. Purchases and sales cancel each other out; what is left keeps the price of its own side.
///
/// ```
/// use pampero_engine::Exposure;
/// use pampero_model::Side;
/// let mut open = Exposure::default();
/// open.add("2".parse()?, "100".parse()?);
/// open.add("2".parse()?, "110".parse()?);
/// open.add("-1".parse()?, "90".parse()?);
/// assert_eq!((open.quantity.to_string(), open.price.to_string()), ("3".to_owned(), "105".to_owned()));
/// assert_eq!(open.closing_side(), Side::Sell);
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Bought if above zero, sold if below.
    pub quantity: Quantity,
    /// The price it is to be closed at.
    pub price: Price,
}

impl Exposure {
    /// The side of an order that closes it.
    pub const fn closing_side(&self) -> Side {
        if self.quantity.is_negative() { Side::Buy } else { Side::Sell }
    }

    /// A quantity comes to it, sold if below zero, that is to be closed at a price.
    pub fn add(&mut self, change: Quantity, price: Price) {
        let before = self.quantity;
        self.quantity = before.saturating_add(change);
        if before.is_zero() || before.is_negative() != self.quantity.is_negative() {
            self.price = price;
        } else if self.quantity.abs() > before.abs() {
            self.price = self.mean(before.abs(), price);
        }
    }

    /// A part of it was closed.
    pub fn close(&mut self, change: Quantity) {
        self.quantity = self.quantity.saturating_add(change);
    }

    /// The mean of the price of `before` and of what came to it.
    fn mean(&self, before: Quantity, added: Price) -> Price {
        let after = self.quantity.abs();
        let part =
            |price: Price, quantity: Quantity| i128::from(price.units()) * i128::from(quantity.units());
        let sum = part(self.price, before) + part(added, after.saturating_sub(before));
        let mean = sum.checked_div(i128::from(after.units())).and_then(|units| i64::try_from(units).ok());
        mean.map_or(self.price, Price::from_units)
    }
}

impl StateValue for Exposure {
    fn write(&self, bytes: &mut Vec<u8>) {
        (self.quantity, self.price).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError> {
        let (quantity, price) = StateValue::read(bytes)?;
        Ok(Self { quantity, price })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(changes: &[(i64, i64)]) -> (i64, i64) {
        let mut open = Exposure::default();
        for (change, price) in changes {
            open.add(Quantity::from_units(*change), Price::from_units(*price));
        }
        (open.quantity.units(), open.price.units())
    }

    #[test]
    fn what_cancels_out_leaves_the_price_of_the_rest() {
        assert_eq!(after(&[(4, 100), (-1, 50)]), (3, 100));
        assert_eq!(after(&[(4, 100), (-6, 50)]), (-2, 50), "it changes sides");
        assert_eq!(after(&[(-1, 100), (-3, 60)]), (-4, 70));
        assert_eq!(after(&[(4, 100), (-4, 50), (2, 80)]), (2, 80));
    }

    #[test]
    fn closing_leaves_the_price() {
        let mut open = Exposure { quantity: Quantity::from_units(4), price: Price::from_units(100) };
        open.close(Quantity::from_units(-3));
        assert_eq!((open.quantity.units(), open.price.units()), (1, 100));
        assert_eq!(crate::restore_state(&crate::save_state(&open), 1, 1), Ok(open));
    }
}
