//! What can be set.

use pampero_engine::Parameter;
use pampero_model::{Rate, Span};
use serde::{Deserialize, Serialize};

/// The parameters of [`SmaCross`](crate::SmaCross).
///
/// ```
/// use pampero_sma_cross::SmaCrossParams;
/// let params = SmaCrossParams { fast: 5, slow: 20, ..SmaCrossParams::default() };
/// assert!(params.validate().is_ok());
/// assert!(SmaCrossParams { fast: 20, ..params }.validate().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmaCrossParams {
    /// Closes in the fast average, at least 1.
    pub fast: u32,
    /// Closes in the slow average, more than in the fast one, at most 100,000.
    pub slow: u32,
    /// The part of the available quote that a buy spends, above 0 and at most 1.
    pub allocation: Rate,
    /// The candles to follow; whatever spans come if left out.
    pub span: Option<Span>,
}

/// The same, described for lists and checks.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter::count("fast", "closes in the fast average").at_least("1").at_most("99999"),
    Parameter::count("slow", "closes in the slow average, more than in the fast one")
        .at_least("2")
        .at_most("100000"),
    Parameter::share("allocation", "the part of the available quote that a buy spends")
        .above("0")
        .at_most("1"),
    Parameter::span("span", "the candles to follow; whatever spans come if left out").above("0s"),
];

/// Longest average.
const MAX_LENGTH: u32 = 100_000;

impl Default for SmaCrossParams {
    fn default() -> Self {
        Self { fast: 10, slow: 30, allocation: Rate::ONE, span: None }
    }
}

impl SmaCrossParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        let Self { fast, slow, allocation, span } = *self;
        if fast == 0 {
            return Err("`fast` is 0; an average needs at least 1 close".to_owned());
        }
        if fast >= slow {
            return Err(format!("`fast` is {fast} and `slow` is {slow}; make `slow` the larger one"));
        }
        if slow > MAX_LENGTH {
            return Err(format!("`slow` is {slow}; the longest average is {MAX_LENGTH}"));
        }
        if !allocation.is_positive() || allocation > Rate::ONE {
            return Err(format!("`allocation` is {allocation}; it must be above 0 and at most 1"));
        }
        match span {
            Some(span) if span <= Span::ZERO => {
                Err(format!("`span` is {span}; a candle must last some time"))
            }
            _ => Ok(()),
        }
    }
}
