//! Fixed-point amounts against references that use nothing of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_model::{
    ArithmeticError, Cash, DECIMALS, ParseAmountError, Price, Quantity, Rate, Rounding, SCALE, Size,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

const WIDE: i128 = SCALE as i128;

fn rounding() -> impl Strategy<Value = Rounding> {
    prop_oneof![Just(Rounding::Down), Just(Rounding::Up), Just(Rounding::HalfEven)]
}

/// Amounts of every order of magnitude, and the corners.
fn units() -> impl Strategy<Value = i64> {
    prop_oneof![
        (any::<i64>(), 0_u32..63).prop_map(|(units, shift)| units >> shift),
        prop_oneof![Just(0), Just(1), Just(-1), Just(SCALE), Just(-SCALE), Just(i64::MAX), Just(i64::MIN)],
    ]
}

fn wide_units() -> impl Strategy<Value = i128> {
    prop_oneof![4 => any::<i128>(), 1 => Just(i128::MAX), 1 => Just(i128::MIN), 1 => units().prop_map(i128::from)]
}

/// Cash whose product with 1e8 still fits.
fn cash_units() -> impl Strategy<Value = i128> {
    (any::<i128>(), 28_u32..127).prop_map(|(units, shift)| units >> shift)
}

/// Whether `result` is `numerator ÷ denominator` rounded as named, by its definition and without dividing.
fn is_rounded(result: i128, numerator: i128, denominator: i128, rounding: Rounding) -> bool {
    let error = numerator - result * denominator;
    let (distance, whole) = (error.unsigned_abs(), denominator.unsigned_abs());
    let overshoots = error != 0 && (error < 0) != (numerator < 0);
    match rounding {
        Rounding::Down => distance < whole && !overshoots,
        Rounding::Up => distance < whole && (error == 0 || overshoots),
        Rounding::HalfEven => distance * 2 < whole || (distance * 2 == whole && result % 2 == 0),
    }
}

/// The result if it fits, which is the only reason for there to be none.
fn check(
    found: Result<i128, ArithmeticError>,
    numerator: i128,
    denominator: i128,
    rounding: Rounding,
    limit: i128,
) -> Result<(), TestCaseError> {
    match found {
        Ok(result) => prop_assert!(is_rounded(result, numerator, denominator, rounding), "{result}"),
        Err(ArithmeticError::DivisionByZero) => prop_assert_eq!(denominator, 0),
        Err(ArithmeticError::Overflow) => {
            prop_assert!((numerator / denominator).unsigned_abs() >= limit.unsigned_abs());
        }
    }
    Ok(())
}

/// Units of a decimal text by moving digits about.
fn naive_units(negative: bool, whole: &str, fraction: &str, exponent: i32) -> i128 {
    let digits = format!("{whole}{fraction}");
    let kept = i32::try_from(whole.len()).unwrap() + exponent + i32::try_from(DECIMALS).unwrap();
    let kept = usize::try_from(kept).unwrap_or(0);
    let padded = format!("{digits:0<kept$}");
    let magnitude: i128 = format!("0{}", &padded[..kept]).parse().unwrap();
    if negative { -magnitude } else { magnitude }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(units in units(), wide in wide_units()) {
        prop_assert_eq!(Price::from_units(units).to_string().parse(), Ok(Price::from_units(units)));
        prop_assert_eq!(Quantity::from_units(units).to_string().parse(), Ok(Quantity::from_units(units)));
        prop_assert_eq!(Rate::from_units(units).to_string().parse(), Ok(Rate::from_units(units)));
        prop_assert_eq!(Cash::from_units(wide).to_string().parse(), Ok(Cash::from_units(wide)));
    }

    #[test]
    fn numbers_are_read_to_the_eighth_decimal_and_cut(
        negative: bool,
        whole in "[0-9]{1,12}",
        fraction in "[0-9]{0,36}",
        exponent in -30_i32..10,
    ) {
        let sign = if negative { "-" } else { "" };
        let text = format!("{sign}{whole}.{fraction}e{exponent}");
        let expected = naive_units(negative, &whole, &fraction, exponent);
        prop_assert_eq!(text.parse(), Ok(Cash::from_units(expected)), "{}", text);
        let plain = format!("{sign}{whole}.{fraction}");
        prop_assert_eq!(plain.parse(), Ok(Cash::from_units(naive_units(negative, &whole, &fraction, 0))));
    }

    #[test]
    fn zeros_at_either_end_mean_nothing(units in units(), left in 0_usize..5, right in 0_usize..30) {
        let price = Price::from_units(units);
        let text = price.to_string();
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
        let point = if digits.contains('.') { "" } else { "." };
        let padded = format!("{sign}{}{digits}{point}{}", "0".repeat(left), "0".repeat(right));
        prop_assert_eq!(padded.parse(), Ok(price));
    }

    #[test]
    fn any_text_is_read_or_refused_with_itself_in_the_message(text in ".{0,40}") {
        match text.parse::<Price>() {
            Ok(_) => prop_assert!(text.bytes().all(|byte| b"+-.eE0123456789".contains(&byte))),
            Err(ParseAmountError::Malformed(told) | ParseAmountError::TooLarge(told)) => prop_assert_eq!(told, text),
        }
    }

    #[test]
    fn number_like_texts_are_read_as_decimals_are(text in "[-+]?[0-9]{1,9}(\\.[0-9]{0,9})?") {
        let decimal: Decimal = text.trim_start_matches('+').parse().unwrap();
        prop_assert_eq!(Price::try_from(decimal), Ok(text.parse().unwrap()));
    }

    #[test]
    fn decimals_and_amounts_are_one(units in units(), wide in -(1_i128 << 95)..(1_i128 << 95)) {
        let price = Price::from_units(units);
        prop_assert_eq!(Price::try_from(Decimal::try_from(price).unwrap()), Ok(price));
        let decimal = Decimal::try_from(Cash::from_units(wide)).unwrap();
        prop_assert_eq!(decimal.to_string(), Cash::from_units(wide).to_string());
        match Cash::try_from(decimal) {
            Ok(cash) => prop_assert_eq!(cash.units(), wide),
            // Scaled by 1e8 it has to fit a decimal's 96 bits.
            Err(error) => prop_assert!(error == ArithmeticError::Overflow && wide.unsigned_abs() >= 1 << 68),
        }
    }

    #[test]
    fn sums_are_exact_or_refused(a in units(), b in units()) {
        let (left, right) = (Quantity::from_units(a), Quantity::from_units(b));
        let exact = |wide: i128| i64::try_from(wide).map(Quantity::from_units).map_err(|_| ArithmeticError::Overflow);
        prop_assert_eq!(left.checked_add(right), exact(i128::from(a) + i128::from(b)));
        prop_assert_eq!(left.checked_sub(right), exact(i128::from(a) - i128::from(b)));
        let held = |wide: i128| wide.clamp(i64::MIN.into(), i64::MAX.into());
        prop_assert_eq!(i128::from(left.saturating_add(right).units()), held(i128::from(a) + i128::from(b)));
        prop_assert_eq!(i128::from(left.saturating_sub(right).units()), held(i128::from(a) - i128::from(b)));
        prop_assert_eq!(i128::from(left.abs().units()), held(i128::from(a).abs()));
        prop_assert_eq!(left.cmp(&right), a.cmp(&b));
        prop_assert_eq!((left.is_zero(), left.is_positive(), left.is_negative()), (a == 0, a > 0, a < 0));
    }

    #[test]
    fn truncation_gives_the_nearest_multiple_toward_zero(units in units(), step in 0_i64..1_000_000_000_000) {
        let cut = Price::from_units(units).truncate_to(Price::from_units(step)).units();
        prop_assert_eq!(cut % step.max(1), 0);
        prop_assert!((i128::from(units) - i128::from(cut)).abs() < i128::from(step.max(1)));
        prop_assert!(cut.unsigned_abs() <= units.unsigned_abs() && (cut == 0 || (cut < 0) == (units < 0)));
    }

    #[test]
    fn notional_is_price_times_quantity(a in units(), b in units(), rounding in rounding()) {
        let found = Price::from_units(a).notional(Quantity::from_units(b), rounding).map(Cash::units);
        // It always fits.
        prop_assert!(is_rounded(found.unwrap(), i128::from(a) * i128::from(b), WIDE, rounding));
    }

    #[test]
    fn quotients_of_cash_are_rounded_as_named(
        cash in cash_units(), divisor in units(), whole in cash_units(), rounding in rounding(),
    ) {
        let limit = i128::from(i64::MAX);
        let amount = Cash::from_units(cash);
        let found = amount.quantity_at(Price::from_units(divisor), rounding).map(|found| found.units().into());
        check(found, cash * WIDE, divisor.into(), rounding, limit)?;
        let found = amount.average_price(Quantity::from_units(divisor), rounding).map(|found| found.units().into());
        check(found, cash * WIDE, divisor.into(), rounding, limit)?;
        let found = amount.ratio_to(Cash::from_units(whole), rounding).map(|found| found.units().into());
        check(found, cash * WIDE, whole, rounding, limit)?;
    }

    #[test]
    fn shares_are_rounded_as_named(units in units(), share in units(), cash in any::<i64>(), rounding in rounding()) {
        let rate = Rate::from_units(share);
        let limit = i128::from(i64::MAX);
        let product = i128::from(units) * i128::from(share);
        let found = rate.of_quantity(Quantity::from_units(units), rounding).map(|found| found.units().into());
        check(found, product, WIDE, rounding, limit)?;
        let found = rate.of_price(Price::from_units(units), rounding).map(|found| found.units().into());
        check(found, product, WIDE, rounding, limit)?;
        let found = rate.of_cash(Cash::from_units(cash.into()), rounding).map(Cash::units);
        check(found, i128::from(cash) * i128::from(share), WIDE, rounding, i128::MAX)?;
    }

    #[test]
    fn a_shifted_price_is_the_price_times_one_plus_the_rate(
        units in units(), share in -SCALE..10 * SCALE, rounding in rounding(),
    ) {
        let found = Price::from_units(units).shifted(Rate::from_units(share), rounding);
        let product = i128::from(units) * (WIDE + i128::from(share));
        check(found.map(|found| found.units().into()), product, WIDE, rounding, i64::MAX.into())?;
    }

    /// What an exchange needs: the quantity bought never costs more than was given, and one unit more would.
    #[test]
    fn buying_with_cash_and_paying_for_it_are_inverse(cash in 0_i128..1 << 80, price in 1_i64..) {
        let (budget, price) = (Cash::from_units(cash), Price::from_units(price));
        if let Ok(bought) = budget.quantity_at(price, Rounding::Down) {
            prop_assert!(price.notional(bought, Rounding::Down).unwrap() <= budget);
            prop_assert!(price.notional(bought, Rounding::Up).unwrap() <= budget);
            let more = i128::from(bought.units()) + 1;
            prop_assert!(i128::from(price.units()) * more > cash * WIDE);
        }
        if let Ok(enough) = budget.quantity_at(price, Rounding::Up) {
            prop_assert!(price.notional(enough, Rounding::Up).unwrap() >= budget);
        }
    }

    #[test]
    fn the_average_price_of_an_execution_is_its_price(price in 1_i64..1 << 50, base in 1_i64..1 << 50) {
        let (price, base) = (Price::from_units(price), Quantity::from_units(base));
        let average = |rounding| price.notional(base, rounding).unwrap().average_price(base, rounding);
        // The value was rounded by less than one unit, so the price is off by less than 1e8 ÷ base.
        let bound = i128::from(SCALE) / i128::from(base.units()) + 1;
        for (rounding, sign) in [(Rounding::Down, -1), (Rounding::Up, 1)] {
            let error = i128::from(average(rounding).unwrap().units()) - i128::from(price.units());
            prop_assert!(error * sign >= 0 && error.abs() <= bound, "{}", error);
        }
    }

    #[test]
    fn the_midpoint_lies_in_the_middle(a in units(), b in units()) {
        let middle = i128::from(Price::from_units(a).midpoint(Price::from_units(b)).units());
        prop_assert!((i128::from(a) + i128::from(b) - 2 * middle).abs() <= 1);
    }

    #[test]
    fn a_size_keeps_its_own_unit_and_converts_to_the_other(units in 0_i64..1 << 60, price in 1_i64..1 << 60) {
        let price = Price::from_units(price);
        let (base, quote) = (Size::Base(Quantity::from_units(units)), Size::Quote(Cash::from_units(units.into())));
        prop_assert_eq!(base.quantity(price, Rounding::Down), Ok(Quantity::from_units(units)));
        prop_assert_eq!(quote.notional(price, Rounding::Down), Ok(Cash::from_units(units.into())));
        prop_assert_eq!(base.notional(price, Rounding::Up), price.notional(Quantity::from_units(units), Rounding::Up));
        prop_assert_eq!(
            quote.quantity(price, Rounding::Down),
            Cash::from_units(units.into()).quantity_at(price, Rounding::Down)
        );
        prop_assert_eq!((base.units(), quote.is_zero()), (units.into(), units == 0));
    }

    #[test]
    fn the_gross_is_just_enough(net in 1i64..1_000_000_000_000, fee in 0i64..50_000_000) {
        let fee = Rate::from_units(fee);
        let gross = fee.gross_of(Quantity::from_units(net)).unwrap();
        let kept = |gross: Quantity| gross.saturating_sub(fee.of_quantity(gross, Rounding::Down).unwrap());
        prop_assert!(kept(gross).units() >= net);
        prop_assert!(kept(gross.saturating_sub(Quantity::from_units(2))).units() <= net);
        let price = Price::from_units(net).before_fee(fee).unwrap();
        prop_assert_eq!(price.units(), gross.units());
    }

    #[test]
    fn floats_are_near(units in units(), wide in wide_units()) {
        #[allow(clippy::cast_precision_loss)] // the comparison is approximate by nature
        let expected = wide as f64 / 1e8;
        prop_assert!((Cash::from_units(wide).to_f64() - expected).abs() <= expected.abs() * 1e-15);
        let float = Price::from_units(units).to_f64();
        #[allow(clippy::cast_precision_loss)] // the comparison is approximate by nature
        let expected = units as f64 / 1e8;
        prop_assert!((float - expected).abs() <= expected.abs() * 1e-15);
    }
}

#[test]
fn padding_of_a_column_is_obeyed() {
    let price: Price = "1.5".parse().unwrap();
    assert_eq!((format!("{price:>6}"), format!("{price:<6}|")), ("   1.5".to_owned(), "1.5   |".to_owned()));
}

#[test]
fn whole_numbers_and_basis_points_are_exact_and_stay_in_range() {
    assert_eq!(Cash::from_int(-100), "-100".parse().unwrap());
    assert_eq!(Quantity::from_int(3), "3".parse().unwrap());
    assert_eq!(Price::from_int(i64::MAX), Price::MAX);
    assert_eq!(Rate::from_basis_points(10_000), Rate::ONE);
    assert_eq!(Rate::from_basis_points(-1), "-0.0001".parse().unwrap());
}
