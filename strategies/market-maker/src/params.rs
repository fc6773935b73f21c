//! What can be set.

use pampero_engine::Parameter;
use pampero_model::{Price, Quantity, Rate, Span};
use serde::{Deserialize, Serialize};

/// The price the quotes are laid around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FairPrice {
    /// The midpoint of the best bid and ask.
    #[default]
    Mid,
    /// The same, weighted by the quantities on show: nearer to the side that has less.
    Microprice,
}

/// The parameters of [`MarketMaker`](crate::MarketMaker).
///
/// ```
/// use pampero_market_maker::MarketMakerParams;
/// let params = MarketMakerParams { half_spread: "0.001".parse()?, ..MarketMakerParams::default() };
/// assert!(params.validate().is_ok());
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarketMakerParams {
    /// Size of each quote in base, above 0.
    pub order_quantity: Quantity,
    /// Distance of each quote from the fair price, as a share of it: 0.0005 is 5 basis points. From 0, below 1.
    pub half_spread: Rate,
    /// Distance of each quote beyond the best of its own side, in quote currency, instead of `half_spread` and
    /// `fair_price`. Not below 0.
    pub offset: Option<Price>,
    /// Where `half_spread` is measured from.
    pub fair_price: FairPrice,
    /// Most base to hold: no bid that could go beyond it.
    pub max_position: Quantity,
    /// Least base to hold, not below 0: no ask that could go beyond it.
    pub min_position: Quantity,
    /// Base it would like to hold, between the two.
    pub target_position: Quantity,
    /// How far both quotes move down for each `order_quantity` held beyond the target, and up for each below it,
    /// as a share of the price. From 0, below 1.
    pub skew: Rate,
    /// Least time between two evaluations of the book.
    pub interval: Span,
    /// A quote stays where it is while it is no farther than this from where it should be, as a share of the
    /// price: each move costs two requests. From 0, below 1.
    pub min_change: Rate,
    /// Quotes are multiples of this, and of the market's tick if left out.
    pub price_step: Option<Price>,
}

/// The same, described for lists and checks.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter::quantity("order_quantity", "size of each quote").above("0"),
    Parameter::share("half_spread", "distance of each quote from the fair price").at_least("0").below("1"),
    Parameter::price("offset", "distance beyond the best of its own side, instead of half_spread")
        .at_least("0"),
    Parameter::choice("fair_price", &["mid", "microprice"], "where half_spread is measured from"),
    Parameter::quantity("max_position", "most base to hold").at_least("0"),
    Parameter::quantity("min_position", "least base to hold").at_least("0"),
    Parameter::quantity("target_position", "base it would like to hold").at_least("0"),
    Parameter::share("skew", "how far both quotes move for each order held beyond the target")
        .at_least("0")
        .below("1"),
    Parameter::span("interval", "least time between two evaluations of the book").at_least("0s"),
    Parameter::share("min_change", "a quote moves only if it is farther off than this")
        .at_least("0")
        .below("1"),
    Parameter::price("price_step", "quotes are multiples of this; of the market's tick if left out")
        .above("0"),
];

impl Default for MarketMakerParams {
    fn default() -> Self {
        Self {
            order_quantity: Quantity::from_units(1_000_000),
            half_spread: Rate::from_units(50_000),
            offset: None,
            fair_price: FairPrice::Mid,
            max_position: Quantity::from_units(10_000_000),
            min_position: Quantity::ZERO,
            target_position: Quantity::from_units(5_000_000),
            skew: Rate::from_units(10_000),
            interval: Span::from_millis(100),
            min_change: Rate::from_units(10_000),
            price_step: None,
        }
    }
}

impl MarketMakerParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        if !self.order_quantity.is_positive() {
            return Err(format!("`order_quantity` is {}; it must be above 0", self.order_quantity));
        }
        let shares =
            [("half_spread", self.half_spread), ("skew", self.skew), ("min_change", self.min_change)];
        for (name, share) in shares {
            if share.is_negative() || share >= Rate::ONE {
                return Err(format!("`{name}` is {share}; it must be at least 0 and below 1"));
            }
        }
        if let Some(offset) = self.offset.filter(|offset| offset.is_negative()) {
            return Err(format!("`offset` is {offset}; it must not be below 0"));
        }
        if let Some(step) = self.price_step.filter(|step| !step.is_positive()) {
            return Err(format!("`price_step` is {step}; it must be above 0, or be left out"));
        }
        let (min, target, max) = (self.min_position, self.target_position, self.max_position);
        if min.is_negative() || target < min || max < target {
            return Err(format!(
                "`min_position` {min}, `target_position` {target} and `max_position` {max} must ascend from 0"
            ));
        }
        if max.saturating_sub(min) < self.order_quantity {
            return Err(format!(
                "between `min_position` {min} and `max_position` {max} there is no room for an \
                 `order_quantity` of {}",
                self.order_quantity
            ));
        }
        if self.interval < Span::ZERO {
            return Err(format!("`interval` is {}; it must not be below 0", self.interval));
        }
        Ok(())
    }
}
