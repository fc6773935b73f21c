//! A fair price that looks at the sizes of the best levels.

use pampero_model::{ArithmeticError, Level, Price};

/// The price between the best bid and ask, each weighted by the *other* side's quantity: a large bid pushes it
/// toward the ask. Cut at the unit of a price. An error if no side has a quantity.
///
/// ```
/// use pampero_indicators::microprice;
/// use pampero_model::Level;
/// let bid = Level { price: "99".parse()?, quantity: "3".parse()? };
/// let ask = Level { price: "101".parse()?, quantity: "1".parse()? };
/// assert_eq!(microprice(bid, ask)?, "100.5".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn microprice(bid: Level, ask: Level) -> Result<Price, ArithmeticError> {
    let wide = |units: i64| i128::from(units);
    let quantity = wide(bid.quantity.units()) + wide(ask.quantity.units());
    if quantity <= 0 {
        return Err(ArithmeticError::DivisionByZero);
    }
    // Each product is below 2^126 for amounts that are not negative, so that the sum fits.
    let weighted = wide(bid.price.units())
        .checked_mul(wide(ask.quantity.units()))
        .zip(wide(ask.price.units()).checked_mul(wide(bid.quantity.units())))
        .and_then(|(bid, ask)| bid.checked_add(ask))
        .ok_or(ArithmeticError::Overflow)?;
    i64::try_from(weighted / quantity).map(Price::from_units).map_err(|_| ArithmeticError::Overflow)
}

#[cfg(test)]
mod tests {
    use pampero_model::Quantity;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_quantities_there_is_no_price() {
        let level = Level { price: Price::UNIT, quantity: Quantity::ZERO };
        assert_eq!(microprice(level, level), Err(ArithmeticError::DivisionByZero));
    }

    proptest! {
        #[test]
        fn lies_between_bid_and_ask(
            bid in 1..i64::MAX / 2, spread in 0..i64::MAX / 2, sizes in (1..i64::MAX, 1..i64::MAX),
        ) {
            let level = |price, quantity| Level {
                price: Price::from_units(price),
                quantity: Quantity::from_units(quantity),
            };
            let price = microprice(level(bid, sizes.0), level(bid + spread, sizes.1)).unwrap();
            prop_assert!((bid..=bid + spread).contains(&price.units()));
        }
    }
}
