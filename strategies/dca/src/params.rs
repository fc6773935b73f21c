//! What can be set.

use pampero_engine::Parameter;
use pampero_model::{Cash, Price, Span};
use serde::{Deserialize, Serialize};

/// The parameters of [`Dca`](crate::Dca).
///
/// ```
/// use pampero_dca::DcaParams;
/// assert!(DcaParams { spend: "50".parse()?, ..DcaParams::default() }.validate().is_ok());
/// assert!(DcaParams { spend: "0".parse()?, ..DcaParams::default() }.validate().is_err());
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DcaParams {
    /// Quote that each purchase spends, above 0.
    pub spend: Cash,
    /// Time from one purchase to the next, above 0.
    pub every: Span,
    /// Quote that all purchases spend together; as much as there is if left out. Above 0.
    pub budget: Option<Cash>,
    /// No purchase while the market is above this price; at any price if left out. Above 0.
    pub max_price: Option<Price>,
}

/// The same, described for lists and checks.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter::cash("spend", "what each purchase spends").above("0"),
    Parameter::span("every", "time from one purchase to the next").above("0s"),
    Parameter::cash("budget", "what all purchases spend together; what there is if left out").above("0"),
    Parameter::price("max_price", "no purchase while the market is above it; any price if left out")
        .above("0"),
];

impl Default for DcaParams {
    fn default() -> Self {
        let spend = Cash::from_units(10_000_000_000);
        Self { spend, every: Span::from_hours(24), budget: None, max_price: None }
    }
}

impl DcaParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        let Self { spend, every, budget, max_price } = *self;
        if !spend.is_positive() {
            return Err(format!("`spend` is {spend}; it must be above 0"));
        }
        if every <= Span::ZERO {
            return Err(format!("`every` is {every}; it must be above 0"));
        }
        if let Some(budget) = budget.filter(|budget| !budget.is_positive()) {
            return Err(format!("`budget` is {budget}; let it be above 0, or leave it out"));
        }
        match max_price.filter(|price| !price.is_positive()) {
            Some(price) => Err(format!("`max_price` is {price}; let it be above 0, or leave it out")),
            None => Ok(()),
        }
    }
}
