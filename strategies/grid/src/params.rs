//! What can be set.

use pampero_engine::Parameter;
use pampero_model::{Price, Quantity};
use serde::{Deserialize, Serialize};

/// The parameters of [`Grid`](crate::Grid).
///
/// ```
/// use pampero_grid::GridParams;
/// let params = GridParams { lower: "90".parse()?, upper: "110".parse()?, lines: 3, ..GridParams::default() };
/// assert!(params.validate().is_ok());
/// assert!(GridParams { lines: 1, ..params }.validate().is_err());
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GridParams {
    /// The lowest line, above 0.
    pub lower: Price,
    /// The highest line, above `lower`: nothing is bought there.
    pub upper: Price,
    /// How many lines there are, both ends among them, from 2 to 200. They are evenly spaced.
    pub lines: u32,
    /// Base that is bought at each line, above 0.
    pub quantity: Quantity,
    /// Most orders on each side of the market, those nearest to it, from 1 to 200.
    pub orders: u32,
    /// At this price or below it the grid gives up: it sells everything and buys no more. Above 0 and below `lower`; it
    /// holds on if left out.
    pub stop: Option<Price>,
}

/// The same, described for lists and checks.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter::price("lower", "the lowest line").above("0"),
    Parameter::price("upper", "the highest line").above("0"),
    Parameter::count("lines", "how many lines, both ends among them").at_least("2").at_most("200"),
    Parameter::quantity("quantity", "what is bought at each line").above("0"),
    Parameter::count("orders", "most orders on each side of the market").at_least("1").at_most("200"),
    Parameter::price("stop", "there it sells everything and gives up; never if left out").above("0"),
];

impl Default for GridParams {
    fn default() -> Self {
        let coins = |coins: i64| Price::from_units(coins * pampero_model::SCALE);
        Self {
            lower: coins(50_000),
            upper: coins(100_000),
            lines: 11,
            quantity: Quantity::from_units(100_000),
            orders: 5,
            stop: None,
        }
    }
}

impl GridParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        let Self { lower, upper, lines, quantity, orders, stop } = *self;
        if !lower.is_positive() || upper <= lower {
            return Err(format!("`lower` is {lower} and `upper` {upper}; they must ascend from above 0"));
        }
        if !(2..=200).contains(&lines) {
            return Err(format!("`lines` is {lines}; it must be from 2 to 200"));
        }
        if !quantity.is_positive() {
            return Err(format!("`quantity` is {quantity}; it must be above 0"));
        }
        if !(1..=200).contains(&orders) {
            return Err(format!("`orders` is {orders}; it must be from 1 to 200"));
        }
        match stop.filter(|stop| !stop.is_positive() || *stop >= lower) {
            Some(stop) => {
                Err(format!("`stop` is {stop}; it must be above 0 and below `lower`, which is {lower}"))
            }
            None => Ok(()),
        }
    }
}
