//! The cells of a text file: numbers, times and sides.
//!
//! Each reader takes the common spelling on a fast path of integers and leaves the odd ones (exponents, many
//! digits, unusual dates) to the general parsers, so both give the same value.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use pampero_model::{Price, Timestamp};

/// Unit of a time that is written as a number. Without one it is recognised by the number's magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds since 1970, possibly with a fraction.
    Seconds,
    /// Milliseconds since 1970.
    Millis,
    /// Microseconds since 1970.
    Micros,
    /// Nanoseconds since 1970.
    Nanos,
}

impl TimeUnit {
    /// Nanoseconds in one.
    pub(crate) const fn nanos(self) -> i64 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }

    /// The short name: `ms`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
        }
    }

    /// The unit in which a number is a plausible date: each covers 1973 to 5138, and they do not overlap.
    pub(crate) const fn of_magnitude(number: i64) -> Self {
        match number.unsigned_abs() {
            0..100_000_000_000 => Self::Seconds,
            100_000_000_000..100_000_000_000_000 => Self::Millis,
            100_000_000_000_000..100_000_000_000_000_000 => Self::Micros,
            _ => Self::Nanos,
        }
    }
}

/// 10^0 to 10^9.
const POWERS: [u64; 10] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// A cell without the blanks around it.
pub(crate) fn trim(cell: &[u8]) -> &[u8] {
    match (cell.first(), cell.last()) {
        (Some(first), Some(last)) if !first.is_ascii_whitespace() && !last.is_ascii_whitespace() => cell,
        _ => cell.trim_ascii(),
    }
}

/// A plain decimal with at most `decimals` digits after the point, as an integer of that many decimals.
#[inline]
fn plain_decimal(cell: &[u8], decimals: usize) -> Option<i64> {
    if cell.is_empty() || cell.len() > 18 {
        return None;
    }
    let mut number: u64 = 0;
    let mut point = None;
    for (position, &byte) in cell.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            // At most 18 digits: this cannot overflow.
            number = number * 10 + u64::from(digit);
        } else if byte == b'.' && point.is_none() {
            point = Some(position);
        } else {
            return None;
        }
    }
    let written = match point {
        Some(_) if cell.len() == 1 => return None,
        Some(position) => cell.len() - 1 - position,
        None => 0,
    };
    let scale = POWERS.get(decimals.checked_sub(written)?)?;
    i64::try_from(number.checked_mul(*scale)?).ok()
}

/// A decimal number in units of 1e-8; digits beyond the eighth are cut off.
#[inline]
pub(crate) fn units(cell: &[u8]) -> Option<i64> {
    plain_decimal(cell, 8).or_else(|| std::str::from_utf8(cell).ok()?.parse().ok().map(Price::units))
}

/// A whole number.
pub(crate) fn integer(cell: &[u8]) -> Option<i64> {
    plain_decimal(cell, 0).or_else(|| std::str::from_utf8(cell).ok()?.parse().ok())
}

/// An id; ids above the range of i64 keep their bits.
pub(crate) fn id(cell: &[u8]) -> Option<i64> {
    plain_decimal(cell, 0)
        .or_else(|| std::str::from_utf8(cell).ok()?.parse::<u64>().ok().map(u64::cast_signed))
}

/// An instant in nanoseconds since 1970: a number in a known or recognised unit, or a date.
#[inline]
pub(crate) fn time(cell: &[u8], unit: Option<TimeUnit>) -> Option<i64> {
    iso_time(cell)
        .or_else(|| compact_date(cell).filter(|_| unit.is_none()))
        .or_else(|| epoch_time(cell, unit))
        .or_else(|| odd_time(cell))
}

fn epoch_time(cell: &[u8], unit: Option<TimeUnit>) -> Option<i64> {
    if let Some(number) = integer(cell) {
        let unit = unit.unwrap_or(TimeUnit::of_magnitude(number));
        return number.checked_mul(unit.nanos());
    }
    // A fraction (`1514764802.25`) or an exponent: exact to 1e-8 of the unit.
    let text = std::str::from_utf8(cell).ok()?;
    let number: pampero_model::Cash = text.parse().ok()?;
    let whole = i64::try_from(number.units() / 100_000_000).ok()?;
    let unit = unit.unwrap_or(TimeUnit::of_magnitude(whole));
    i64::try_from(number.units().checked_mul(i128::from(unit.nanos()))? / 100_000_000).ok()
}

/// `2024-01-31T12:00:00Z` and its like: a blank for the T, no seconds, a fraction, no Z.
#[inline]
fn iso_time(cell: &[u8]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b' ', h1, h2, b':', n1, n2, rest @ ..] = cell
    else {
        return None;
    };
    let two = |tens: &u8, ones: &u8| -> Option<i64> {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
    };
    let (seconds, rest) = match rest {
        [b':', s1, s2, rest @ ..] => (two(s1, s2)?, rest),
        rest => (0, rest),
    };
    let rest = rest.strip_suffix(b"Z").or_else(|| rest.strip_suffix(b"+00:00")).unwrap_or(rest);
    let nanos = match rest {
        [] => 0,
        [b'.', fraction @ ..] if !fraction.is_empty() && !fraction.contains(&b'.') => {
            let scale = POWERS.get(9_usize.checked_sub(fraction.len())?)?;
            plain_decimal(fraction, 0)? * i64::try_from(*scale).ok()?
        }
        _ => return None,
    };
    let (year, month, day) = (two(y1, y2)? * 100 + two(y3, y4)?, two(m1, m2)?, two(d1, d2)?);
    let (hour, minute) = (two(h1, h2)?, two(n1, n2)?);
    if hour > 23 || minute > 59 || seconds > 59 {
        return None;
    }
    let days = days_from_civil(year, month, day)?;
    let total = days * 86_400 + hour * 3_600 + minute * 60 + seconds;
    total.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// `20240131`. As seconds since 1970 it would be a day of 1970, which no market data is from.
fn compact_date(cell: &[u8]) -> Option<i64> {
    let number = integer(cell).filter(|number| cell.len() == 8 && *number >= 19_000_000)?;
    let days = days_from_civil(number / 10_000, number / 100 % 100, number % 100)?;
    days.checked_mul(crate::hash::DAY)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    const BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let index = usize::try_from(month - 1).ok()?;
    let length = LENGTHS.get(index)? + i64::from(leap && month == 2);
    if day < 1 || day > length || year < 1 {
        return None;
    }
    let past = year - 1;
    let leap_days = past / 4 - past / 100 + past / 400;
    let day_of_year = BEFORE_MONTH.get(index)? + i64::from(leap && month > 2) + day - 1;
    // 719_162 days lie between 0001-01-01 and 1970-01-01.
    Some(past * 365 + leap_days + day_of_year - 719_162)
}

/// Dates that few files use: other offsets, plain dates, `Mon, 04 Feb 2019 14:00:05 GMT`, `2017-07-01 11-AM`.
fn odd_time(cell: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(cell).ok()?;
    // A bare number is an epoch, never the year of a date.
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_nanos());
    }
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        return i64::try_from(zoned.timestamp().as_nanosecond()).ok();
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let civil = ["%Y-%m-%d %I-%p", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| DateTime::strptime(format, text).ok())?;
    let instant = civil.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp();
    i64::try_from(instant.as_nanosecond()).ok()
}

/// A side as a number: 1 for buy or bid, -1 for sell or ask, 0 where the cell is empty.
pub(crate) fn side(cell: &[u8]) -> Option<i64> {
    const BUYS: [&str; 6] = ["buy", "b", "bid", "bids", "buyer", "1"];
    const SELLS: [&str; 7] = ["sell", "s", "ask", "asks", "a", "seller", "-1"];
    let is = |names: &[&str]| names.iter().any(|name| cell.eq_ignore_ascii_case(name.as_bytes()));
    match () {
        () if cell.is_empty() => Some(0),
        () if is(&BUYS) => Some(1),
        () if is(&SELLS) => Some(-1),
        () => None,
    }
}

/// Whether the buyer was the maker, as the side of the aggressor: the seller took if so.
pub(crate) fn aggressor_of_maker(cell: &[u8]) -> Option<i64> {
    match boolean(cell) {
        Some(true) => Some(-1),
        Some(false) => Some(1),
        None if cell.is_empty() => Some(0),
        None => None,
    }
}

/// What a row of a stream of depth changes is; other events are numbered beyond the known ones.
pub(crate) fn event(cell: &[u8]) -> Option<i64> {
    match cell {
        b"" => None,
        b"depth" | b"diff" | b"update" => Some(crate::events::DEPTH),
        b"snapshot" => Some(crate::events::SNAPSHOT),
        b"trade" => Some(crate::events::TRADE),
        _ => Some(crate::events::TRADE + 1),
    }
}

/// `true`, `false`, `1`, `0` in any case.
pub(crate) fn boolean(cell: &[u8]) -> Option<bool> {
    match () {
        () if cell.eq_ignore_ascii_case(b"true") || cell == b"1" => Some(true),
        () if cell.eq_ignore_ascii_case(b"false") || cell == b"0" => Some(false),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_times_in_every_spelling() {
        let noon = "2024-01-31T12:00:00Z".parse::<Timestamp>().unwrap().as_nanos();
        for text in [
            "2024-01-31T12:00:00Z",
            "2024-01-31 12:00:00",
            "2024-01-31 12:00",
            "2024-01-31T12:00:00.000+00:00",
            "2024-01-31T09:00:00-03:00",
            "2024/01/31 12:00:00",
            "2024-01-31 12-PM",
            "2024-01-31 12:00:00 UTC",
            "Wed, 31 Jan 2024 12:00:00 GMT",
            "1706702400",
            "1706702400.0",
            "1.7067024e9",
            "1706702400000",
            "1706702400000000",
            "1706702400000000000",
        ] {
            assert_eq!(time(text.as_bytes(), None), Some(noon), "{text}");
        }
        assert_eq!(time(b"2024-01-31", None), Some(noon - 43_200 * 1_000_000_000));
        assert_eq!(time(b"20240131", None), time(b"2024-01-31", None));
        assert_eq!(time(b"20240131", Some(TimeUnit::Seconds)), Some(20_240_131 * 1_000_000_000));
        assert_eq!(time(b"1514764802.25", None), Some(1_514_764_802_250_000_000));
        assert_eq!(time(b"60000", Some(TimeUnit::Millis)), Some(60_000_000_000));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in ["", "noon", "2024-13-01T00:00:00Z", "2023-02-29 00:00:00", "2024-01-01T24:00:00Z", "NaN"]
        {
            assert_eq!(time(text.as_bytes(), None), None, "{text}");
        }
    }

    #[test]
    fn reads_sides_and_makers() {
        assert_eq!(
            [&b"Buy"[..], b"SELL", b"bids", b"ask", b""].map(side),
            [Some(1), Some(-1), Some(1), Some(-1), Some(0)]
        );
        assert_eq!(side(b"up"), None);
        assert_eq!([&b"True"[..], b"false"].map(aggressor_of_maker), [Some(-1), Some(1)]);
    }

    proptest! {
        #[test]
        fn the_fast_number_equals_the_general_one(text in "[0-9]{0,9}\\.?[0-9]{0,11}") {
            prop_assert_eq!(units(text.as_bytes()), text.parse::<Price>().ok().map(Price::units));
        }

        #[test]
        fn the_fast_date_equals_the_general_one(seconds in -2_000_000_000_i64..5_000_000_000, nanos in 0_i64..1_000_000_000) {
            let at = Timestamp::from_nanos(seconds * 1_000_000_000 + nanos);
            prop_assert_eq!(iso_time(at.to_string().as_bytes()), Some(at.as_nanos()));
        }

        #[test]
        fn no_cell_panics(cell in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (units(&cell), time(&cell, None), side(&cell), id(&cell), integer(&cell));
        }
    }
}
