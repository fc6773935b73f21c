//! Multiply-then-divide on units of 1e-8, rounded down, in 64 bits wherever the operands allow it.
//!
//! Arguments are never negative: orders are checked on acceptance. Results beyond 64 bits are held at
//! `i64::MAX`, which every caller then bounds by what an order has left.

const SCALE: u64 = pampero_model::SCALE.unsigned_abs();

fn held(units: u128) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

/// `units × factor`, where the factor is a price or a rate.
#[inline]
pub fn times(units: i64, factor: i64) -> i64 {
    let (units, factor) = (units.unsigned_abs(), factor.unsigned_abs());
    // units × (whole + part/1e8): the first product is whole, so only the second is cut. Dividing by a
    // constant costs a multiplication.
    let narrow = units
        .checked_mul(factor / SCALE)
        .zip(units.checked_mul(factor % SCALE))
        .and_then(|(whole, part)| whole.checked_add(part / SCALE));
    match narrow {
        Some(product) => i64::try_from(product).unwrap_or(i64::MAX),
        None => held(u128::from(units) * u128::from(factor) / u128::from(SCALE)),
    }
}

/// `units ÷ price`: the base that an amount of quote buys.
#[inline]
pub fn over(units: i64, price: i64) -> i64 {
    let (units, price) = (units.unsigned_abs(), price.unsigned_abs());
    if price == 0 {
        return 0;
    }
    match units.checked_mul(SCALE) {
        Some(scaled) => i64::try_from(scaled / price).unwrap_or(i64::MAX),
        None => held(u128::from(units) * u128::from(SCALE) / u128::from(price)),
    }
}

/// Whether `units ÷ price` is zero, without dividing.
#[inline]
pub fn buys_nothing(units: i64, price: i64) -> bool {
    match units.unsigned_abs().checked_mul(SCALE) {
        Some(scaled) => scaled < price.unsigned_abs(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use pampero_model::{Cash, Price, Quantity, Rounding};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_the_model(units in 0..=i64::MAX, price in 1..=i64::MAX, shift in 0..60u32) {
            for (units, price) in [(units, price), (units >> shift, price), (units, price >> shift | 1)] {
                let notional = Price::from_units(price).notional(Quantity::from_units(units), Rounding::Down);
                prop_assert_eq!(i128::from(times(units, price)), notional.unwrap().units().min(i64::MAX.into()));
                let base = Cash::from_units(units.into()).quantity_at(Price::from_units(price), Rounding::Down);
                prop_assert_eq!(over(units, price), base.map_or(i64::MAX, Quantity::units));
                prop_assert_eq!(buys_nothing(units, price), over(units, price) == 0);
            }
        }
    }
}
