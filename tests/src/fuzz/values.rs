//! Numbers and times: what is read is exact, and what is written is read again.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use pampero_model::{Cash, Money, Price, Quantity, Rate, Rounding, Span, Timestamp, TradingDay};

/// A text with one number, or two with a blank between them that are then multiplied.
pub(super) fn decimals(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (left, right) = text.split_once(' ').unwrap_or((text, ""));
    for text in [left, right] {
        let expected = by_hand(text);
        assert_eq!(text.parse::<Cash>().ok().map(Cash::units), expected, "{text}");
        let narrow = expected.and_then(|units| i64::try_from(units).ok());
        assert_eq!(text.parse::<Price>().ok().map(Price::units), narrow, "{text}");
        assert_eq!(text.parse::<Rate>().ok().map(Rate::units), narrow, "{text}");
        is_read_again::<Cash>(text);
        is_read_again::<Quantity>(text);
    }
    is_read_again::<Money>(text);
    if let (Ok(price), Ok(quantity)) = (left.parse::<Price>(), right.parse::<Quantity>()) {
        multiplied(price, quantity);
    }
}

/// The units of a decimal text by moving its digits about: no arithmetic but the last reading.
fn by_hand(text: &str) -> Option<i128> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, unsigned.get(at + 1..)?.parse::<i16>().ok()?),
        None => (unsigned, 0),
    };
    let point = mantissa.find('.').unwrap_or(mantissa.len());
    let digits = mantissa.replacen('.', "", 1);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = i64::try_from(point).ok()? + i64::from(exponent) + 8;
    let mut kept: String =
        digits.chars().chain(std::iter::repeat('0')).take(usize::try_from(kept).unwrap_or(0)).collect();
    kept.insert(0, '0');
    let kept = kept.trim_start_matches('0');
    if kept.is_empty() {
        return Some(0);
    }
    if text.starts_with('-') { format!("-{kept}").parse().ok() } else { kept.parse().ok() }
}

/// Whatever can be read is written as something that is read as the same.
fn is_read_again<T: FromStr<Err: Debug> + Display + Debug + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().ok().as_ref(), Some(&value), "{text}");
    }
}

/// The product in 128 bits, rounded by hand, and back.
fn multiplied(price: Price, quantity: Quantity) {
    const SCALE: i128 = 100_000_000;
    let exact = i128::from(price.units()) * i128::from(quantity.units());
    let (down, rest) = (exact / SCALE, exact % SCALE);
    let away = down + exact.signum();
    let twice = rest.abs() * 2;
    let nearest = if twice > SCALE || (twice == SCALE && down % 2 != 0) { away } else { down };
    let up = if rest == 0 { down } else { away };
    for (rounding, expected) in [(Rounding::Down, down), (Rounding::Up, up), (Rounding::HalfEven, nearest)] {
        let found = price.notional(quantity, rounding).map(Cash::units);
        assert_eq!(found, Ok(expected), "{price} × {quantity} {rounding:?}");
    }
    // What a rounded-down product buys is never more than what was multiplied.
    if price.is_positive() && quantity.is_positive() {
        let back = Cash::from_units(down).quantity_at(price, Rounding::Down);
        assert!(back.is_ok_and(|back| back <= quantity), "{price} × {quantity}");
    }
}

/// A text as an instant and as a span.
pub(super) fn timestamps(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    is_read_again::<Span>(text);
    let Ok(at) = text.parse::<Timestamp>() else { return };
    assert_eq!(at.to_string().parse(), Ok(at), "{text}");
    let start = at.floor_to(Span::from_hours(1));
    assert!(start <= at && at.since(start) < Span::from_hours(1), "{text}");
    let next = TradingDay::utc().next_start(at);
    assert!(next > at || next == Timestamp::MAX, "{text}");
}
