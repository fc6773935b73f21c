//! What can be set.

use pampero_engine::{Parameters, parameters};
use pampero_model::{Price, Quantity, Rate, Span};

parameters! {
    /// The price the quotes are laid around.
    pub enum FairPrice {
        /// The midpoint of the best bid and ask.
        Mid = "mid",
        /// The same, weighted by the quantities on show: nearer to the side that has less.
        Microprice = "microprice",
    }
}

parameters! {
    /// The parameters of [`MarketMaker`](crate::MarketMaker).
    ///
    /// ```
    /// use pampero_market_maker::MarketMakerParams;
    /// let params = MarketMakerParams { half_spread: "0.001".parse()?, ..MarketMakerParams::default() };
    /// assert!(params.validate().is_ok());
    /// # Ok::<(), pampero_model::ParseAmountError>(())
    /// ```
    pub struct MarketMakerParams {
        /// Size of each quote in base.
        pub order_quantity: Quantity = Quantity::from_units(1_000_000) => above("0"),
        /// Distance of each quote from the fair price, as a share of it: 0.0005 is 5 basis points.
        pub half_spread: Rate = Rate::from_basis_points(5) => at_least("0").below("1"),
        /// Distance of each quote beyond the best of its own side, in quote currency, instead of `half_spread` and
        /// `fair_price`.
        pub offset: Option<Price> = None => at_least("0"),
        /// Where `half_spread` is measured from.
        pub fair_price: FairPrice = FairPrice::Mid,
        /// Most base to hold: no bid that could go beyond it.
        pub max_position: Quantity = Quantity::from_units(10_000_000) => at_least("0"),
        /// Least base to hold: no ask that could go beyond it.
        pub min_position: Quantity = Quantity::ZERO => at_least("0"),
        /// Base it would like to hold, between the two.
        pub target_position: Quantity = Quantity::from_units(5_000_000) => at_least("0"),
        /// How far both quotes move down for each `order_quantity` held beyond the target, and up for each below it, as a
        /// share of the price.
        pub skew: Rate = Rate::from_basis_points(1) => at_least("0").below("1"),
        /// Least time between two evaluations of the book.
        pub interval: Span = Span::from_millis(100) => at_least("0s"),
        /// A quote stays where it is while it is no farther than this from where it should be, as a share of the price:
        /// each move costs two requests.
        pub min_change: Rate = Rate::from_basis_points(1) => at_least("0").below("1"),
        /// Quotes are multiples of this, and of the market's tick if left out.
        pub price_step: Option<Price> = None => above("0"),
    }
}

impl MarketMakerParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        self.in_range()?;
        let (min, target, max) = (self.min_position, self.target_position, self.max_position);
        if target < min || max < target {
            return Err(format!(
                "`min_position` {min}, `target_position` {target} and `max_position` {max} must ascend"
            ));
        }
        if max.saturating_sub(min) < self.order_quantity {
            return Err(format!(
                "between `min_position` {min} and `max_position` {max} there is no room for an \
                 `order_quantity` of {}",
                self.order_quantity
            ));
        }
        Ok(())
    }
}
