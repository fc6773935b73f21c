//! Where the quotes should be.

use pampero_indicators::microprice;
use pampero_model::{ArithmeticError, Level, Price, Quantity, Rate, Rounding};

use crate::params::{FairPrice, MarketMakerParams};

/// Something for each side of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sides<T> {
    pub(crate) bid: T,
    pub(crate) ask: T,
}

impl<T> Sides<T> {
    pub(crate) fn map<U>(self, mut f: impl FnMut(T) -> U) -> Sides<U> {
        Sides { bid: f(self.bid), ask: f(self.ask) }
    }
}

/// The prices for a book and an inventory, on multiples of `step`, rounded away from the other side. The bid
/// stays below the best ask and the ask above the best bid, whatever the inventory.
pub(crate) fn prices(
    params: &MarketMakerParams,
    best: Sides<Level>,
    position: Quantity,
    step: Price,
) -> Result<Sides<Price>, ArithmeticError> {
    let fair = match params.fair_price {
        FairPrice::Mid => best.bid.price.midpoint(best.ask.price),
        FairPrice::Microprice => microprice(best.bid, best.ask)?,
    };
    let shift = shift(params, fair, position)?;
    let (bid, ask) = if let Some(offset) = params.offset {
        (
            best.bid.price.checked_sub(offset)?.checked_sub(shift)?,
            best.ask.price.checked_add(offset)?.checked_sub(shift)?,
        )
    } else {
        let center = fair.checked_sub(shift)?;
        let down = Rate::from_units(-params.half_spread.units());
        (center.shifted(down, Rounding::Down)?, center.shifted(params.half_spread, Rounding::Up)?)
    };
    let highest_bid = round_down(best.ask.price.checked_sub(Price::UNIT)?, step);
    let lowest_ask = round_up(best.bid.price.checked_add(Price::UNIT)?, step);
    let bid = round_down(bid, step).min(highest_bid);
    // Equal only if half the spread is zero or vanishes in the rounding.
    let ask = round_up(ask, step).max(lowest_ask).max(bid.checked_add(step)?);
    Ok(Sides { bid, ask })
}

/// How far both quotes move down: `fair × skew × (position − target) ÷ order quantity`.
fn shift(params: &MarketMakerParams, fair: Price, position: Quantity) -> Result<Price, ArithmeticError> {
    let per_order = params.skew.of_price(fair, Rounding::Down)?;
    let beyond = position.checked_sub(params.target_position)?;
    // Units of 1e-8 on both sides of the fraction: they cancel.
    let units = i128::from(per_order.units()) * i128::from(beyond.units());
    let units = units.checked_div(i128::from(params.order_quantity.units()));
    let units = units.ok_or(ArithmeticError::DivisionByZero)?;
    i64::try_from(units).map(Price::from_units).map_err(|_| ArithmeticError::Overflow)
}

fn round_down(price: Price, step: Price) -> Price {
    let multiple = price.truncate_to(step);
    if multiple > price { multiple.saturating_sub(step) } else { multiple }
}

fn round_up(price: Price, step: Price) -> Price {
    let multiple = round_down(price, step);
    if multiple < price { multiple.saturating_add(step) } else { multiple }
}

#[cfg(test)]
mod tests {
    use pampero_testkit::proptest::prelude::*;

    use super::*;

    fn level(price: &str, quantity: &str) -> Level {
        Level { price: price.parse().unwrap(), quantity: quantity.parse().unwrap() }
    }

    /// The quotes as text, on a step of a cent.
    fn quotes(params: &MarketMakerParams, position: &str) -> (String, String) {
        let best = Sides { bid: level("99.99", "3"), ask: level("100.01", "1") };
        let Sides { bid, ask } =
            prices(params, best, position.parse().unwrap(), "0.01".parse().unwrap()).unwrap();
        (bid.to_string(), ask.to_string())
    }

    fn pair(bid: &str, ask: &str) -> (String, String) {
        (bid.to_owned(), ask.to_owned())
    }

    fn params() -> MarketMakerParams {
        MarketMakerParams {
            half_spread: "0.001".parse().unwrap(),
            skew: "0.002".parse().unwrap(),
            ..MarketMakerParams::default()
        }
    }

    #[test]
    fn at_the_target_the_quotes_are_even() {
        assert_eq!(quotes(&params(), "0.05"), pair("99.9", "100.1"));
    }

    #[test]
    fn more_inventory_moves_both_down_and_less_moves_both_up() {
        assert_eq!(quotes(&params(), "0.06"), pair("99.7", "100"));
        assert_eq!(quotes(&params(), "0.04"), pair("100", "100.31"));
    }

    #[test]
    fn the_microprice_leans_toward_the_smaller_side() {
        let params = MarketMakerParams { fair_price: FairPrice::Microprice, ..params() };
        // (99.99 × 1 + 100.01 × 3) ÷ 4 = 100.005.
        assert_eq!(quotes(&params, "0.05"), pair("99.9", "100.11"));
    }

    #[test]
    fn an_offset_counts_from_the_best_of_each_side() {
        let params = MarketMakerParams { offset: Some("0.02".parse().unwrap()), ..params() };
        assert_eq!(quotes(&params, "0.05"), pair("99.97", "100.03"));
    }

    #[test]
    fn without_a_spread_the_quotes_are_still_a_step_apart() {
        let params = MarketMakerParams { half_spread: Rate::ZERO, ..params() };
        assert_eq!(quotes(&params, "0.05"), pair("100", "100.01"));
    }

    proptest! {
        #[test]
        fn neither_quote_ever_takes(
            bid in 1_000_000i64..1_000_000_000_000, spread in 1i64..1_000_000_000,
            step in 1i64..10_000_000, position in 0i64..20_000_000, skew in 0i64..99_000_000,
            offset in prop::option::of(0i64..1_000_000), half in 0i64..10_000_000,
        ) {
            let level = |price| Level { price: Price::from_units(price), quantity: Quantity::UNIT };
            let params = MarketMakerParams {
                half_spread: Rate::from_units(half),
                skew: Rate::from_units(skew),
                offset: offset.map(Price::from_units),
                ..MarketMakerParams::default()
            };
            let best = Sides { bid: level(bid), ask: level(bid + spread) };
            let step = Price::from_units(step);
            let position = Quantity::from_units(position);
            let quotes = prices(&params, best, position, step).unwrap();
            prop_assert!(quotes.bid < Price::from_units(bid + spread));
            prop_assert!(quotes.ask > Price::from_units(bid));
            prop_assert!(quotes.bid < quotes.ask);
            prop_assert_eq!(quotes.bid.truncate_to(step), quotes.bid);
            prop_assert_eq!(quotes.ask.truncate_to(step), quotes.ask);
        }
    }
}
