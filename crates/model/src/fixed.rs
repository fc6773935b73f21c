//! Fixed-point arithmetic at eight decimals: parsing, formatting and multiply-then-divide.

use thiserror::Error;

/// Digits after the decimal point of every amount.
pub const DECIMALS: u32 = 8;
/// Units in one: amounts are integers in units of 1e-8.
pub const SCALE: i64 = 100_000_000;
/// [`SCALE`] for 128-bit products.
pub(crate) const SCALE_WIDE: i128 = 100_000_000;

/// What happens to the digits that a result cannot hold. Named at each call, never implied.
///
/// ```
/// use pampero_model::{Price, Quantity, Rounding};
/// let (price, quantity): (Price, Quantity) = ("0.00000003".parse()?, "0.5".parse()?);
/// assert_eq!(price.notional(quantity, Rounding::Down)?.units(), 1);
/// assert_eq!(price.notional(quantity, Rounding::Up)?.units(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// Toward zero: the exchange's own rule.
    Down,
    /// Away from zero.
    Up,
    /// To the nearest unit, a tie to the even one.
    HalfEven,
}

/// An operation whose exact result does not fit, or has no meaning.
///
/// ```
/// use pampero_model::{ArithmeticError, Cash, Price, Rounding};
/// let nothing = Cash::UNIT.quantity_at(Price::ZERO, Rounding::Down);
/// assert_eq!(nothing, Err(ArithmeticError::DivisionByZero));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ArithmeticError {
    /// The result is beyond the range of its type.
    #[error("the result is too large to hold")]
    Overflow,
    /// Division by a zero price or quantity.
    #[error("division by zero")]
    DivisionByZero,
}

/// A text that is not an amount.
///
/// ```
/// use pampero_model::{ParseAmountError, Price};
/// let error = "1,5".parse::<Price>().unwrap_err();
/// assert_eq!(error, ParseAmountError::Malformed("1,5".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseAmountError {
    /// Not a decimal number.
    #[error("`{0}` is not a decimal number (expected digits, at most one point, and an optional exponent)")]
    Malformed(String),
    /// A number beyond the range of the type.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

/// `a × b ÷ c`, exact in 128 bits, then rounded.
pub(crate) fn mul_div(a: i128, b: i128, c: i128, rounding: Rounding) -> Result<i128, ArithmeticError> {
    let product = a.checked_mul(b).ok_or(ArithmeticError::Overflow)?;
    divide(product, c, rounding)
}

/// `a × b ÷ SCALE`, rounded: the product of two amounts.
///
/// One of the two is split at the decimal point, so that most products need no 128-bit division.
pub(crate) fn product(a: i64, b: i64, rounding: Rounding) -> Result<i128, ArithmeticError> {
    let split = |a: i64, b: i64| {
        let rest = (a % SCALE).checked_mul(b)?;
        let (units, cut) = (rest / SCALE, rest % SCALE);
        let away = match rounding {
            Rounding::Down => 0,
            Rounding::Up => cut.signum(),
            // A tie depends on the whole quotient.
            Rounding::HalfEven => return None,
        };
        Some(i128::from(a / SCALE) * i128::from(b) + i128::from(units + away))
    };
    match split(a, b).or_else(|| split(b, a)) {
        Some(units) => Ok(units),
        None => divide(i128::from(a) * i128::from(b), SCALE_WIDE, rounding),
    }
}

/// `a ÷ b`, rounded.
pub(crate) fn divide(a: i128, b: i128, rounding: Rounding) -> Result<i128, ArithmeticError> {
    if b == 0 {
        return Err(ArithmeticError::DivisionByZero);
    }
    // A 64-bit division is several times faster and serves nearly every amount.
    let (quotient, remainder) = match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) if b != -1 => (i128::from(a / b), i128::from(a % b)),
        _ => {
            let quotient = a.checked_div(b).ok_or(ArithmeticError::Overflow)?;
            // The product cannot overflow: it is at most |a|.
            (quotient, a - quotient * b)
        }
    };
    if remainder == 0 {
        return Ok(quotient);
    }
    let away = if (a < 0) == (b < 0) { 1 } else { -1 };
    let adjust = match rounding {
        Rounding::Down => 0,
        Rounding::Up => away,
        Rounding::HalfEven => {
            let rest = remainder.unsigned_abs();
            let other = b.unsigned_abs() - rest;
            if rest > other || (rest == other && quotient % 2 != 0) { away } else { 0 }
        }
    };
    quotient.checked_add(adjust).ok_or(ArithmeticError::Overflow)
}

/// Reads a decimal number as units of 1e-8. Digits beyond the eighth are cut off, as the exchange does.
///
/// Accepts what the exchange sends (up to 36 digits after the point) and what its clients send
/// (`1.0e-08`, `30`, `-0.5`). Surrounding blanks are not accepted.
pub(crate) fn parse_units(text: &str) -> Result<i128, ParseAmountError> {
    let malformed = || ParseAmountError::Malformed(text.to_owned());
    let too_large = || ParseAmountError::TooLarge(text.to_owned());
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().map_err(|_| malformed())?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(malformed());
    }
    // The power of ten of the digit that is read next, seen from the unit 1e-8.
    let whole_digits = i64::try_from(whole.len()).map_err(|_| too_large())?;
    let mut power = whole_digits - 1 + i64::from(exponent) + i64::from(DECIMALS);
    let mut units: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return Err(malformed());
        }
        if power >= 0 {
            // Counted in the direction of its sign, so that the whole range is read.
            let digit = i128::from(digit - b'0');
            units = units
                .checked_mul(10)
                .and_then(|units| if negative { units.checked_sub(digit) } else { units.checked_add(digit) })
                .ok_or_else(too_large)?;
        }
        power -= 1;
    }
    // Zeros that the exponent stands for.
    while power >= 0 && units != 0 {
        units = units.checked_mul(10).ok_or_else(too_large)?;
        power -= 1;
    }
    Ok(units)
}

/// Writes units of 1e-8 as the shortest plain decimal: `0.1`, `12`, `-0.00000001`.
pub(crate) fn write_units(units: i128, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let magnitude = units.unsigned_abs();
    let scale = SCALE_WIDE.unsigned_abs();
    let (whole, mut fraction) = (magnitude / scale, magnitude % scale);
    let text = if fraction == 0 {
        format!("{whole}")
    } else {
        let mut digits = 8;
        while fraction % 10 == 0 {
            fraction /= 10;
            digits -= 1;
        }
        format!("{whole}.{fraction:0digits$}")
    };
    f.pad_integral(units >= 0, "", &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_the_exchange_and_its_clients_send() {
        for (text, units) in [
            ("0.1", 10_000_000),
            ("0.100", 10_000_000),
            ("30.0", 3_000_000_000),
            ("30", 3_000_000_000),
            ("1.0e-08", 1),
            ("1e2", 10_000_000_000),
            ("1.25E+1", 1_250_000_000),
            ("-0.00000001", -1),
            ("3642.659435400675107999766280231736176283", 364_265_943_540),
            ("4059.15336658354114713216957604", 405_915_336_658),
            (".5", 50_000_000),
            ("5.", 500_000_000),
            ("0e300", 0),
            ("1e-300", 0),
        ] {
            assert_eq!(parse_units(text), Ok(units), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        for text in ["", ".", "-", "1,5", "0x10", "1e", "1e1.5", "1.2.3", " 1", "NaN", "1_000", "--1", "é"] {
            assert!(matches!(parse_units(text), Err(ParseAmountError::Malformed(_))), "{text}");
        }
        assert!(matches!(parse_units("1e40"), Err(ParseAmountError::TooLarge(_))));
        assert!(matches!(parse_units(&"9".repeat(50)), Err(ParseAmountError::TooLarge(_))));
    }

    #[test]
    fn rounds_in_the_named_direction() {
        let both = |a, b| {
            [Rounding::Down, Rounding::Up, Rounding::HalfEven].map(|rounding| divide(a, b, rounding).unwrap())
        };
        assert_eq!(both(7, 2), [3, 4, 4]);
        assert_eq!(both(5, 2), [2, 3, 2]);
        assert_eq!(both(-7, 2), [-3, -4, -4]);
        assert_eq!(both(-5, 2), [-2, -3, -2]);
        assert_eq!(both(7, -2), [-3, -4, -4]);
        assert_eq!(both(6, 3), [2, 2, 2]);
        assert_eq!(divide(1, 0, Rounding::Down), Err(ArithmeticError::DivisionByZero));
        assert_eq!(divide(i128::MIN, -1, Rounding::Down), Err(ArithmeticError::Overflow));
        assert_eq!(mul_div(i128::MAX, 2, 1, Rounding::Down), Err(ArithmeticError::Overflow));
    }

    #[test]
    fn the_short_way_of_a_product_gives_what_the_long_one_does() {
        let edges = [
            0,
            1,
            49_999_999,
            50_000_000,
            SCALE - 1,
            SCALE,
            SCALE + 1,
            123_456_789_012,
            i64::MAX / 3,
            i64::MAX,
        ];
        let all = edges.iter().flat_map(|edge| [*edge, -*edge]).chain([i64::MIN]);
        for (a, b) in all.clone().flat_map(|a| all.clone().map(move |b| (a, b))) {
            for rounding in [Rounding::Down, Rounding::Up, Rounding::HalfEven] {
                let long = divide(i128::from(a) * i128::from(b), SCALE_WIDE, rounding);
                assert_eq!(product(a, b, rounding), long, "{a} × {b} {rounding:?}");
            }
        }
    }
}
