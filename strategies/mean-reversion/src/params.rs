//! What can be set.

use pampero_engine::Parameter;
use pampero_model::{Rate, Span};
use serde::{Deserialize, Serialize};

/// The parameters of [`MeanReversion`](crate::MeanReversion).
///
/// ```
/// use pampero_mean_reversion::MeanReversionParams;
/// let params = MeanReversionParams { entry: "2.5".parse()?, ..MeanReversionParams::default() };
/// assert!(params.validate().is_ok());
/// assert!(MeanReversionParams { exit: "-2.5".parse()?, ..params }.validate().is_err());
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeanReversionParams {
    /// Closes in the mean, from 2 to 10,000.
    pub length: u32,
    /// It buys at so many standard deviations below the mean: above 0, at most 10.
    pub entry: Rate,
    /// It sells from so many standard deviations above the mean on, or below it if negative: above `-entry`, at most 10.
    pub exit: Rate,
    /// It sells, too, after so many candles, whatever the price; never if left out.
    pub max_candles: Option<u32>,
    /// The part of the available quote that a buy spends, above 0 and at most 1.
    pub allocation: Rate,
    /// The candles to follow; whatever spans come if left out.
    pub span: Option<Span>,
}

/// The same, described for lists and checks.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter::count("length", "closes in the mean").at_least("2").at_most("10000"),
    Parameter::number("entry", "it buys at so many standard deviations below the mean")
        .above("0")
        .at_most("10"),
    Parameter::number("exit", "it sells from so many above it on, or below if negative")
        .above("-10")
        .at_most("10"),
    Parameter::count("max_candles", "it sells, too, after so many candles; never if left out").at_least("1"),
    Parameter::share("allocation", "the part of the available quote that a buy spends")
        .above("0")
        .at_most("1"),
    Parameter::span("span", "the candles to follow; whatever spans come if left out").above("0s"),
];

impl Default for MeanReversionParams {
    fn default() -> Self {
        Self {
            length: 20,
            entry: Rate::from_units(200_000_000),
            exit: Rate::ZERO,
            max_candles: None,
            allocation: Rate::ONE,
            span: None,
        }
    }
}

impl MeanReversionParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        let Self { length, entry, exit, max_candles, allocation, span } = *self;
        let ten = Rate::from_units(1_000_000_000);
        if !(2..=10_000).contains(&length) {
            return Err(format!("`length` is {length}; it must be from 2 to 10000"));
        }
        if !entry.is_positive() || entry > ten {
            return Err(format!("`entry` is {entry}; it must be above 0 and at most 10"));
        }
        if exit.saturating_add(entry) <= Rate::ZERO || exit > ten {
            return Err(format!(
                "`exit` is {exit}; it must be above -`entry`, which is -{entry}, and at most 10"
            ));
        }
        if max_candles == Some(0) {
            return Err("`max_candles` is 0; let it be at least 1, or leave it out".to_owned());
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
