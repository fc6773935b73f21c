//! The arithmetic of valuation: amounts × rates in units of 1e-16, without a division on the way.

use pampero_model::SCALE;

/// Units of 1e-16 in one unit of 1e-8.
pub(super) const EQUITY_SCALE: i128 = SCALE as i128;

/// One divided by a price, as a rate. Rare: only where the report currency is the base of a market.
#[cold]
#[inline(never)]
pub(super) fn inverse(price: i64) -> i64 {
    i64::try_from(EQUITY_SCALE * EQUITY_SCALE / i128::from(price).max(1)).unwrap_or(i64::MAX)
}

/// Amount × rate in units of 1e-16, held at the ends of the range.
#[inline]
pub(super) fn worth(units: i128, rate: i64) -> i128 {
    match i64::try_from(units) {
        // The product of two 64-bit numbers fits, and is many times cheaper than a checked 128-bit one.
        Ok(units) => i128::from(units) * i128::from(rate),
        Err(_) => rare::worth(units, rate),
    }
}

/// Units of 1e-16 as units of 1e-8, rounded toward zero.
#[inline]
pub(super) fn unscaled(units: i128) -> i128 {
    let magnitude = units.unsigned_abs();
    // Two 64-bit divisions by a constant serve every amount below 7.9e12.
    let Ok(high) = u64::try_from(magnitude >> 32) else { return rare::unscaled(units) };
    let scale = SCALE.unsigned_abs();
    let low = ((high % scale) << 32) | u64::try_from(magnitude & 0xffff_ffff).unwrap_or(0);
    let quotient = (i128::from(high / scale) << 32) + i128::from(low / scale);
    if units < 0 { -quotient } else { quotient }
}

/// The product of two rates.
#[inline]
pub(super) fn scaled(left: i64, right: i64) -> i64 {
    if right == SCALE { left } else { rare::scaled(left, right) }
}

/// The rare long ways. Kept out of line: inlined, they would be computed beside the short ones and then thrown
/// away, on every event.
mod rare {
    use super::EQUITY_SCALE;

    #[cold]
    #[inline(never)]
    pub(super) fn worth(units: i128, rate: i64) -> i128 {
        units.saturating_mul(i128::from(rate))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn unscaled(units: i128) -> i128 {
        units / EQUITY_SCALE
    }

    #[cold]
    #[inline(never)]
    pub(super) fn scaled(left: i64, right: i64) -> i64 {
        i64::try_from(i128::from(left) * i128::from(right) / EQUITY_SCALE).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_division_agrees_with_the_long_one() {
        let edges = [
            0,
            1,
            99_999_999,
            100_000_000,
            1 << 32,
            (1 << 64) - 1,
            1 << 64,
            (1 << 96) - 1,
            1 << 96,
            i128::MAX,
        ];
        for units in edges.iter().flat_map(|edge| [*edge, -*edge, edge / 3, edge / 7 + 12_345]) {
            assert_eq!(unscaled(units), units / EQUITY_SCALE, "{units}");
        }
    }
}
