//! What a parameter of a strategy is, and which values it takes.

use std::fmt;

use pampero_model::{Cash, Span};
use serde_json::Value;

/// The type of a parameter's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// A whole number.
    Count,
    /// A share: `0.01` is 1 %.
    Share,
    /// A price, in quote per base.
    Price,
    /// An amount of base.
    Quantity,
    /// An amount of quote.
    Cash,
    /// A number without a unit.
    Number,
    /// A span of time, such as `30s`.
    Span,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// True or false.
    Flag,
}

impl fmt::Display for ParameterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "count",
            Self::Share => "share",
            Self::Price => "price",
            Self::Quantity => "base",
            Self::Cash => "quote",
            Self::Number => "number",
            Self::Span => "span",
            Self::Choice(_) => "choice",
            Self::Flag => "flag",
        })
    }
}

/// An end of a range, written as in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The value.
    pub value: &'static str,
    /// Whether the value itself belongs to the range.
    pub included: bool,
}

/// A parameter of a strategy: its name, type, range and purpose. [`parameters!`](crate::parameters) makes them.
///
/// ```
/// use pampero_engine::{Parameter, ParameterKind};
/// let part = Parameter::new("part", ParameterKind::Share, "The part to spend.").above("0").at_most("1");
/// assert_eq!(part.range(), "above 0, at most 1");
/// assert!(part.check(&serde_json::json!("0.5")).is_ok());
/// assert!(part.check(&serde_json::json!(2)).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The key in a configuration.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub what: &'static str,
    /// What its values are.
    pub kind: ParameterKind,
    /// The least value.
    pub min: Option<Bound>,
    /// The greatest value.
    pub max: Option<Bound>,
}

/// A value outside of a parameter's range, with what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` = `{value}` is out of range (expected {expected})")]
pub struct OutOfRange {
    /// The parameter.
    pub name: String,
    /// The value.
    pub value: String,
    /// The range in words.
    pub expected: String,
}

/// For those who build strategies, and refuse in words.
impl From<OutOfRange> for String {
    fn from(error: OutOfRange) -> Self {
        error.to_string()
    }
}

impl Parameter {
    /// A parameter of any kind, without bounds.
    pub const fn new(name: &'static str, kind: ParameterKind, what: &'static str) -> Self {
        Self { name, what, kind, min: None, max: None }
    }

    /// The same of another kind than its type's: a share that is no share of anything, say.
    #[must_use]
    pub const fn as_a(self, kind: ParameterKind) -> Self {
        Self { kind, ..self }
    }

    /// The least value, itself allowed.
    #[must_use]
    pub const fn at_least(self, value: &'static str) -> Self {
        Self { min: Some(Bound { value, included: true }), ..self }
    }

    /// Below every value, itself not allowed.
    #[must_use]
    pub const fn above(self, value: &'static str) -> Self {
        Self { min: Some(Bound { value, included: false }), ..self }
    }

    /// The greatest value, itself allowed.
    #[must_use]
    pub const fn at_most(self, value: &'static str) -> Self {
        Self { max: Some(Bound { value, included: true }), ..self }
    }

    /// Above every value, itself not allowed.
    #[must_use]
    pub const fn below(self, value: &'static str) -> Self {
        Self { max: Some(Bound { value, included: false }), ..self }
    }

    /// The range in words: `at least 1, below 5`; the words of a choice; empty if everything is allowed.
    pub fn range(&self) -> String {
        if let ParameterKind::Choice(words) = self.kind {
            return words.join(", ");
        }
        let min = self.min.map(|bound| (if bound.included { "at least" } else { "above" }, bound.value));
        let max = self.max.map(|bound| (if bound.included { "at most" } else { "below" }, bound.value));
        let ends = min.into_iter().chain(max);
        ends.map(|(word, value)| format!("{word} {value}")).collect::<Vec<_>>().join(", ")
    }

    /// Whether a value is within the range. A parameter that is left out (`null`) is, and so is what cannot be
    /// compared: the strategy itself says what is wrong with that.
    pub fn check(&self, value: &Value) -> Result<(), OutOfRange> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Ok(()),
        };
        let inside = match self.kind {
            ParameterKind::Choice(words) => words.contains(&text.as_str()),
            _ => self.holds(&text),
        };
        if inside {
            return Ok(());
        }
        Err(OutOfRange { name: self.name.to_owned(), value: text, expected: self.range() })
    }

    fn holds(&self, text: &str) -> bool {
        let Some(value) = self.units(text) else { return true };
        let side = |bound: Option<Bound>, beyond: fn(&i128, &i128) -> bool| {
            let limit = bound.and_then(|bound| Some((self.units(bound.value)?, bound.included)));
            limit.is_none_or(|(limit, included)| beyond(&value, &limit) || (included && value == limit))
        };
        side(self.min, i128::gt) && side(self.max, i128::lt)
    }

    /// A value as an exact integer, nothing if it is no value of the kind.
    fn units(&self, text: &str) -> Option<i128> {
        if self.kind == ParameterKind::Span {
            return text.parse::<Span>().ok().map(|span| span.as_nanos().into());
        }
        text.parse::<Cash>().ok().map(Cash::units)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(kind: ParameterKind) -> Parameter {
        Parameter::new("x", kind, "")
    }

    #[test]
    fn each_end_belongs_to_the_range_or_not() {
        let open = of(ParameterKind::Share).above("0").below("1");
        let closed = of(ParameterKind::Share).at_least("0").at_most("1");
        for end in [json!(0), json!("1.00")] {
            assert!(open.check(&end).is_err());
            assert!(closed.check(&end).is_ok());
        }
        assert!(closed.check(&json!("-0.00000001")).is_err());
        assert!(closed.check(&json!("1.00000001")).is_err());
        assert_eq!(
            open.check(&json!(1)).unwrap_err().to_string(),
            "`x` = `1` is out of range (expected above 0, below 1)"
        );
    }

    #[test]
    fn spans_compare_as_times_and_choices_as_words() {
        let span = of(ParameterKind::Span).at_least("1s").at_most("1h");
        assert!(span.check(&json!("60m")).is_ok());
        assert!(span.check(&json!("61m")).is_err());
        let choice = of(ParameterKind::Choice(&["buy", "sell"]));
        assert!(choice.check(&json!("sell")).is_ok());
        assert_eq!(choice.check(&json!("hold")).unwrap_err().expected, "buy, sell");
    }

    #[test]
    fn what_is_left_out_or_of_another_type_is_not_judged() {
        let count = of(ParameterKind::Count).at_least("1");
        assert!(
            [json!(null), json!(true), json!("many"), json!([0])]
                .iter()
                .all(|value| count.check(value).is_ok())
        );
    }

    proptest! {
        #[test]
        fn a_range_is_what_it_says(value in -2_000_000_000i64..2_000_000_000) {
            let within = of(ParameterKind::Cash).at_least("-5").below("7.5");
            let shown = Cash::from_units(value.into()).to_string();
            let expected = (-500_000_000..750_000_000).contains(&value);
            prop_assert_eq!(within.check(&json!(shown)).is_ok(), expected);
        }
    }
}
