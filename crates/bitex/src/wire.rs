//! Single values as the exchange writes them: numbers, ids, times, words. All of them tolerant, none lossy.
//!
//! Numbers never pass through floating point: their text is taken from the document as it stands and read by the
//! model, which cuts off what lies beyond the eighth decimal (a candle's `vwap` may have 36 of them).

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use pampero_exchange::OrderStatus;
use pampero_model::{Currency, Timestamp, VenueStatus};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The text of a number or of a string that holds one; nothing for `null`.
fn text(raw: &RawValue) -> Option<&str> {
    match raw.get() {
        "null" => None,
        text => Some(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)),
    }
}

fn parse<T: FromStr<Err: Display>, E: Error>(text: &str) -> Result<T, E> {
    text.parse().map_err(E::custom)
}

/// An amount, price or whole number, as number or string. For `#[serde(deserialize_with)]`.
pub(crate) fn number<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    parse(text(raw).ok_or_else(|| D::Error::custom("null where a number belongs"))?)
}

/// The same where it may be `null`; use it with `#[serde(default)]` so that it may also be missing.
pub(crate) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    text(raw).map(parse).transpose()
}

/// An id, as string or number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Id<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        if raw.starts_with('"') {
            // A string with escapes has to be read as one.
            let plain = raw.get(1..raw.len() - 1).filter(|plain| !plain.contains('\\'));
            return match plain {
                Some(plain) => Ok(Self(Cow::Borrowed(plain))),
                None => serde_json::from_str(raw).map(|id| Self(Cow::Owned(id))).map_err(D::Error::custom),
            };
        }
        let is_number = raw.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || byte == b'-');
        if is_number {
            Ok(Self(Cow::Borrowed(raw)))
        } else {
            Err(D::Error::custom("an id must be text or a number"))
        }
    }
}

impl Id<'_> {
    /// As a number, as orders, executions and most other things have it.
    pub fn number(&self) -> Result<u64, String> {
        self.0.parse().map_err(|_| format!("the id `{}` is not a whole number", self.0))
    }
}

/// An instant, as ISO 8601 text or as seconds since 1970, as text or number, with or without a fraction.
pub(crate) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    optional_time(deserializer)?.ok_or_else(|| D::Error::custom("null where a time belongs"))
}

/// The same where it may be `null` or missing.
pub(crate) fn optional_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    let Some(text) = text(raw) else { return Ok(None) };
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(Some(Timestamp::from_secs(seconds)));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        // Eight decimals of a second are tens of nanoseconds.
        let units = parse::<pampero_model::Rate, D::Error>(text)?.units();
        return Ok(Some(Timestamp::from_nanos(units.saturating_mul(10))));
    }
    parse(text).map(Some)
}

/// A currency code in whatever case; nothing for `null` or an empty text.
pub(crate) fn optional_currency<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Currency>, D::Error> {
    let code = Option::<Cow<'de, str>>::deserialize(deserializer)?;
    code.filter(|code| !code.is_empty()).map(|code| parse(&code)).transpose()
}

/// A text that may be `null` or missing; both are the empty text.
pub(crate) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

/// A truth that may be `null` or missing; both are false.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or_default())
}

/// A list that may be `null` or missing; both are empty.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

/// An object as a list of its entries, in their order.
#[derive(Debug)]
pub(crate) struct Entries<T>(pub Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Entries(Vec::new()))
            }
        }
        deserializer.deserialize_any(EntriesVisitor(std::marker::PhantomData))
    }
}

/// The state of an order. A word that we do not know is kept and never taken as final.
pub(crate) fn status(word: &str) -> OrderStatus {
    OrderStatus::Known(match word {
        "pending" => VenueStatus::Pending,
        "executing" => VenueStatus::Executing,
        "to_cancel" => VenueStatus::ToCancel,
        "cancelled" => VenueStatus::Cancelled,
        "completed" => VenueStatus::Completed,
        _ => return OrderStatus::Other(word.to_owned()),
    })
}

/// Whether a document is JSON at all.
pub(crate) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// An exact amount as a JSON number.
pub(crate) fn exact(amount: impl Display) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(amount.to_string())
}

#[cfg(test)]
mod tests {
    use pampero_model::{Cash, Price, Quantity};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Numbers {
        #[serde(deserialize_with = "number")]
        price: Price,
        #[serde(default, deserialize_with = "optional")]
        vwap: Option<Price>,
    }

    fn read(json: &str) -> Result<Numbers, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn numbers_are_read_digit_by_digit() {
        let cases = [
            ("3645.10866297", "3645.10866297"),
            ("3642.659435400675107999766280231736176283", "3642.6594354"),
            ("0.000000019999999999999999999999999999", "0.00000001"),
            ("90071992547.40993", "90071992547.40993"),
            ("3.0", "3"),
            ("150", "150"),
            ("\"30.0\"", "30"),
            ("1.0e-08", "0.00000001"),
            ("-0.0", "0"),
            ("-12.5", "-12.5"),
        ];
        for (literal, expected) in cases {
            let numbers = read(&format!(r#"{{"price":{literal},"vwap":{literal},"more":[1]}}"#)).unwrap();
            assert_eq!(numbers.price.to_string(), expected, "{literal}");
            assert_eq!(numbers.vwap, Some(numbers.price), "{literal}");
        }
    }

    #[test]
    fn null_and_missing_are_nothing_where_that_is_allowed() {
        assert_eq!(read(r#"{"price":1,"vwap":null}"#).unwrap().vwap, None);
        assert_eq!(read(r#"{"price":1}"#).unwrap().vwap, None);
        assert!(read(r#"{"price":null}"#).unwrap_err().to_string().contains("null where a number belongs"));
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        for literal in ["\"NaN\"", "\"\"", "true", "[1]", "{}", "1e400", "\"1,5\"", "NaN", "01"] {
            assert!(read(&format!(r#"{{"price":{literal}}}"#)).is_err(), "{literal}");
        }
    }

    #[test]
    fn ids_are_text_or_numbers() {
        let id = |json| serde_json::from_str::<Id<'_>>(json).map(|id| id.0.into_owned());
        assert_eq!(id("\"163842Sell\"").unwrap(), "163842Sell");
        assert_eq!(id("13").unwrap(), "13");
        assert_eq!(id("\"a\\u0062\"").unwrap(), "ab");
        for wrong in ["null", "true", "[]", "{}"] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Id(Cow::Borrowed("36302022")).number(), Ok(36_302_022));
        assert!(Id(Cow::Borrowed("x")).number().unwrap_err().contains("`x`"));
    }

    #[test]
    fn times_come_in_seconds_or_as_text() {
        #[derive(Deserialize)]
        struct At(#[serde(deserialize_with = "time")] Timestamp);
        let at = |json: &str| serde_json::from_str::<At>(json).map(|at| at.0.to_string());
        assert_eq!(at("1549294667").unwrap(), "2019-02-04T15:37:47Z");
        assert_eq!(at("\"1549294667\"").unwrap(), "2019-02-04T15:37:47Z");
        assert_eq!(at("1549294667.5").unwrap(), "2019-02-04T15:37:47.5Z");
        assert_eq!(at("\"2019-03-13T17:37:10.000Z\"").unwrap(), "2019-03-13T17:37:10Z");
        for wrong in ["null", "\"yesterday\"", "{}", "\"\""] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn amounts_are_written_as_plain_numbers() {
        let quantity: Quantity = "0.00000005".parse().unwrap();
        assert_eq!(exact(quantity).unwrap().get(), "0.00000005");
        let cash: Cash = "12000000.10".parse().unwrap();
        assert_eq!(exact(cash).unwrap().get(), "12000000.1");
    }
}
