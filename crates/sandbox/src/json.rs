//! JSON as the exchange writes it: keys in a fixed order, decimals plain with at least one fractional digit.

use std::fmt::Write as _;

use pampero_model::SCALE;

/// A JSON value whose numbers never pass through floating point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    /// A whole number, printed without a fraction: times and counts of decimals.
    Int(i64),
    /// An amount in units of 1e-8.
    Amount(i128),
    /// A number literal as it shall be printed, such as `3642.6594354006`.
    Literal(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
    /// JSON that a client sent and that is given back as it came.
    Verbatim(String),
}

impl Json {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A text, or null.
    pub fn maybe(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(pairs) => pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Object(pairs) => pairs.iter_mut().find(|(name, _)| *name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        if let Self::Object(pairs) = self {
            pairs.retain(|(name, _)| *name != key);
        }
    }

    /// Calls a function for every value in it, the inner ones first.
    pub fn visit(&mut self, change: &mut impl FnMut(Option<&'static str>, &mut Self)) {
        self.visit_as(None, change);
    }

    fn visit_as(
        &mut self,
        key: Option<&'static str>,
        change: &mut impl FnMut(Option<&'static str>, &mut Self),
    ) {
        match self {
            Self::List(items) => items.iter_mut().for_each(|item| item.visit_as(key, change)),
            Self::Object(pairs) => {
                for (name, value) in pairs {
                    value.visit_as(Some(name), change);
                }
            }
            _ => {}
        }
        change(key, self);
    }

    /// The document as text.
    pub fn print(&self) -> String {
        let mut out = String::with_capacity(512);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => {
                let _ = write!(out, "{value}");
            }
            Self::Amount(units) => write_decimal(*units, 8, out),
            Self::Literal(text) | Self::Verbatim(text) => out.push_str(text),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(pairs) => {
                out.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// An object from pairs in the order given.
macro_rules! object {
    ($($key:literal: $value:expr),* $(,)?) => {
        $crate::json::Json::Object(vec![$(($key, $value)),*])
    };
}
pub(crate) use object;

/// Units of `10^-digits` as a plain decimal without padding zeros, but with one fractional digit.
pub fn decimal(units: i128, digits: u8) -> String {
    let mut out = String::with_capacity(24);
    write_decimal(units, digits, &mut out);
    out
}

fn write_decimal(units: i128, digits: u8, out: &mut String) {
    if units < 0 {
        out.push('-');
    }
    let magnitude = units.unsigned_abs();
    // 64-bit divisions are several times faster and serve nearly every amount.
    let (whole, mut fraction) = match u64::try_from(magnitude) {
        Ok(units) if digits == 8 => {
            let scale = SCALE.unsigned_abs();
            (u128::from(units / scale), u128::from(units % scale))
        }
        _ => {
            let scale = 10_u128.pow(digits.into());
            (magnitude / scale, magnitude % scale)
        }
    };
    if fraction == 0 {
        let _ = write!(out, "{whole}.0");
        return;
    }
    let mut width = usize::from(digits);
    while fraction % 10 == 0 {
        fraction /= 10;
        width -= 1;
    }
    let _ = write!(out, "{whole}.{fraction:0width$}");
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// `numerator ÷ denominator` with up to so many fractional digits (cut), at least one.
pub fn quotient(numerator: u128, denominator: u128, digits: usize) -> String {
    if denominator == 0 {
        return "0.0".to_owned();
    }
    let mut out = (numerator / denominator).to_string();
    out.push('.');
    let mut rest = numerator % denominator;
    for place in 0..digits.max(1) {
        let Some(next) = rest.checked_mul(10) else { break };
        // One digit: the rest is below the denominator.
        let digit = u32::try_from(next / denominator).unwrap_or(0);
        out.push(char::from_digit(digit, 10).unwrap_or('0'));
        rest = next % denominator;
        if rest == 0 && place < digits {
            break;
        }
    }
    let kept = out.trim_end_matches('0').len();
    out.truncate(kept);
    if out.ends_with('.') {
        out.push('0');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_plain_and_have_a_fraction() {
        for (units, text) in [
            (0, "0.0"),
            (1, "0.00000001"),
            (5, "0.00000005"),
            (300_000_000, "3.0"),
            (364_510_866_297, "3645.10866297"),
            (-100_000_000, "-1.0"),
            (-1, "-0.00000001"),
            (i128::from(u64::MAX) * 10, "1844674407370.9551615"),
        ] {
            assert_eq!(decimal(units, 8), text);
        }
        assert_eq!(decimal(2_962_962_962_963, 12), "2.962962962963");
        assert_eq!(decimal(25_007_783_841_463, 12), "25.007783841463");
    }

    #[test]
    fn quotients_go_on_as_far_as_asked() {
        assert_eq!(quotient(1, 3, 36), format!("0.{}", "3".repeat(36)));
        assert_eq!(quotient(7, 2, 36), "3.5");
        assert_eq!(quotient(8, 2, 36), "4.0");
        assert_eq!(quotient(1, 0, 36), "0.0");
        assert_eq!(quotient(1, 1000, 2), "0.0");
    }

    #[test]
    fn texts_are_escaped_and_keys_keep_their_order() {
        let json = object! { "b": Json::text("a\"\\\n\u{1}ñ"), "a": Json::List(vec![Json::Null, true.into(), Json::Int(-3)]) };
        assert_eq!(json.print(), r#"{"b":"a\"\\\n\u0001ñ","a":[null,true,-3]}"#);
    }
}
