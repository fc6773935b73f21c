//! From a price on the hedging market to a quote on the made one.

use pampero_model::{ArithmeticError, Price, Rate, Rounding, Side};

/// The price of a quote that earns its profit when its execution is hedged at `hedge`, after the fees of both markets;
/// `rate` is made quote per hedging quote. The highest bid, rounded down at each step:
/// `hedge × rate × (1 − maker fee) × (1 − taker fee) × (1 − profit)`. The lowest ask, rounded up:
/// `hedge × rate × (1 + profit) ÷ ((1 − maker fee) × (1 − taker fee))`.
pub(crate) fn fair(
    side: Side,
    hedge: Price,
    rate: Price,
    [maker_fee, taker_fee]: [Rate; 2],
    profit: Rate,
) -> Result<Price, ArithmeticError> {
    match side {
        Side::Buy => [maker_fee, taker_fee, profit]
            .into_iter()
            .try_fold(hedge.converted(rate, Rounding::Down)?, |price, cost| price.away(Side::Buy, cost)),
        Side::Sell => [maker_fee, taker_fee]
            .into_iter()
            .try_fold(hedge.converted(rate, Rounding::Up)?.away(Side::Sell, profit)?, Price::before_fee),
    }
}

#[cfg(test)]
mod tests {
    use pampero_testkit::proptest::prelude::*;
    use pampero_testkit::{price, rate};

    use super::*;

    #[test]
    fn a_quote_covers_both_fees_and_the_profit() {
        let fees = [rate("0.0025"), rate("0.0025")];
        let fair = |side| fair(side, price("100"), price("1000"), fees, rate("0.01")).unwrap();
        // 100 × 1000 × 0.9975² × 0.99, and 100 × 1000 × 1.01 ÷ 0.9975².
        assert_eq!(fair(Side::Buy), price("98505.61875"));
        assert_eq!(fair(Side::Sell), price("101506.9000823"));
    }

    proptest! {
        /// Whatever the fees: buying at the bid and selling at the hedge, and selling at the ask and buying back at the
        /// hedge, leave at least the profit.
        #[test]
        fn a_round_trip_at_the_quotes_earns_the_profit(
            hedge in 1_000_000_000i64..10_000_000_000_000, fees in (0i64..5_000_000, 0i64..5_000_000),
            profit in 0i64..10_000_000,
        ) {
            let hedge = Price::from_units(hedge);
            let shares = [fees.0, fees.1].map(Rate::from_units);
            let fair = |side| fair(side, hedge, price("10"), shares, Rate::from_units(profit)).unwrap().to_f64();
            let (bid, ask) = (fair(Side::Buy), fair(Side::Sell));
            let one = |share: i64| 1.0 - Rate::from_units(share).to_f64();
            let kept = one(fees.0) * one(fees.1);
            let value = hedge.to_f64() * 10.0;
            prop_assert!(value * kept * one(profit) >= bid * (1.0 - 1e-9));
            prop_assert!(ask * kept >= value * (2.0 - one(profit)) * (1.0 - 1e-9));
            // And no more than a hair beyond it.
            prop_assert!(value * kept * one(profit) <= bid * (1.0 + 1e-6));
            prop_assert!(ask * kept <= value * (2.0 - one(profit)) * (1.0 + 1e-6));
        }
    }
}
