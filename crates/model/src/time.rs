//! Instants, spans and the trading day.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// An instant in UTC, in nanoseconds since 1970-01-01.
///
/// ```
/// use pampero_model::Timestamp;
/// let at: Timestamp = "2019-04-15T16:13:40.434Z".parse()?;
/// assert_eq!(at.as_millis(), 1_555_344_820_434);
/// assert_eq!(at.to_string(), "2019-04-15T16:13:40.434Z");
/// # Ok::<(), pampero_model::TimeError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A length of time in nanoseconds.
///
/// ```
/// use pampero_model::Span;
/// let span: Span = "15m".parse()?;
/// assert_eq!(span, Span::from_secs(900));
/// assert_eq!(span.to_string(), "15m");
/// # Ok::<(), pampero_model::TimeError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// A text that is not an instant, a span or a time zone.
///
/// ```
/// use pampero_model::{Span, TimeError};
/// assert_eq!("15 minutes".parse::<Span>(), Err(TimeError::Span("15 minutes".to_owned())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Not an RFC 3339 instant.
    #[error("`{0}` is not an instant (expected for example 2024-01-31 or 2024-01-31T12:00:00Z)")]
    Instant(String),
    /// Not a span.
    #[error("`{0}` is not a span (expected a whole number and one of ns, us, ms, s, m, h, d: `15m`)")]
    Span(String),
    /// Not a time zone of the IANA database.
    #[error("`{0}` is not a time zone (expected for example America/Argentina/Buenos_Aires or UTC)")]
    Zone(String),
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;

impl Timestamp {
    /// The earliest instant.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant.
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds since 1970.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since 1970, held at the ends of the range.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From seconds since 1970, held at the ends of the range.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SECOND))
    }

    /// Nanoseconds since 1970.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The time that has passed since an earlier instant; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        let nanos = self.0.saturating_sub(earlier.0);
        Span(if nanos < 0 { 0 } else { nanos })
    }

    /// This instant plus a span, held at the end of the range.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This instant minus a span, held at the end of the range.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The start of the bucket of a given span that holds this instant, aligned to 1970-01-01 UTC and held at the
    /// beginning of the range.
    #[must_use]
    pub const fn floor_to(self, span: Span) -> Self {
        if span.0 <= 0 { self } else { Self(self.0.saturating_sub(self.0.rem_euclid(span.0))) }
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// Reads RFC 3339, or a plain date as its midnight in UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || TimeError::Instant(text.to_owned());
        let instant = if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            instant
        } else {
            let civil: jiff::civil::DateTime = text.parse().map_err(|_| error())?;
            civil.to_zoned_datetime(TimeZone::UTC).map_err(|_| error())?.timestamp()
        };
        i64::try_from(instant.as_nanosecond()).map(Self).map_err(|_| error())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(instant) => f.pad(&instant.to_string()),
            Err(_) => write!(f, "{} ns", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

/// RFC 3339 in formats for people, nanoseconds in binary ones.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Self);
        }
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span.
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds, held at the end of the range.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From seconds, held at the end of the range.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SECOND))
    }

    /// From minutes, held at the end of the range.
    pub const fn from_minutes(minutes: i64) -> Self {
        Self::from_secs(minutes.saturating_mul(60))
    }

    /// From hours, held at the end of the range.
    pub const fn from_hours(hours: i64) -> Self {
        Self::from_minutes(hours.saturating_mul(60))
    }

    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The span in seconds as a float, for statistics.
    // 2^53 nanoseconds are 104 days; beyond that the loss is below a microsecond.
    #[allow(clippy::cast_precision_loss)]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// Units of a span from the longest, with their nanoseconds.
const UNITS: [(&str, i64); 7] = [
    ("d", 86_400 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// How the longest span is written: the age of what was never seen.
const FOREVER: &str = "forever";

impl FromStr for Span {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == FOREVER {
            return Ok(Self::MAX);
        }
        let error = || TimeError::Span(text.to_owned());
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(error)?;
        let (number, unit) = text.split_at(split);
        let number: i64 = number.parse().map_err(|_| error())?;
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
        number.checked_mul(*nanos).map(Self).ok_or_else(error)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("0s");
        }
        if *self == Self::MAX {
            return f.pad(FOREVER);
        }
        let (unit, nanos) = UNITS.iter().find(|(_, nanos)| self.0 % nanos == 0).unwrap_or(&("ns", 1));
        f.pad(&format!("{}{unit}", self.0 / nanos))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span({self})")
    }
}

/// Text in formats for people, nanoseconds in binary ones.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Self);
        }
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The trading day: where daily limits and daily statistics begin anew.
///
/// ```
/// use pampero_model::TradingDay;
/// let day = TradingDay::in_zone("America/Argentina/Buenos_Aires")?;
/// let next = day.next_start("2024-05-01T12:00:00Z".parse()?);
/// assert_eq!(next.to_string(), "2024-05-02T03:00:00Z");
/// # Ok::<(), pampero_model::TimeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TradingDay {
    zone: TimeZone,
}

impl TradingDay {
    /// A day that begins at midnight UTC.
    pub const fn utc() -> Self {
        Self { zone: TimeZone::UTC }
    }

    /// A day that begins at midnight in a zone of the IANA database.
    pub fn in_zone(name: &str) -> Result<Self, TimeError> {
        TimeZone::get(name).map(|zone| Self { zone }).map_err(|_| TimeError::Zone(name.to_owned()))
    }

    /// The first instant of the next trading day after `at`; the latest instant if there is none.
    pub fn next_start(&self, at: Timestamp) -> Timestamp {
        let next = || {
            let instant = jiff::Timestamp::from_nanosecond(i128::from(at.0)).ok()?;
            let tomorrow = instant.to_zoned_datetime(self.zone.clone()).date().tomorrow().ok()?;
            let start = tomorrow.to_zoned_datetime(self.zone.clone()).ok()?.timestamp();
            i64::try_from(start.as_nanosecond()).ok()
        };
        next().map_or(Timestamp::MAX, Timestamp)
    }
}

impl Default for TradingDay {
    fn default() -> Self {
        Self::utc()
    }
}
