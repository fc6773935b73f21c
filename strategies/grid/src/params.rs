//! What can be set.

use pampero_engine::{Parameters, parameters};
use pampero_model::{Price, Quantity};

parameters! {
    /// The parameters of [`Grid`](crate::Grid).
    ///
    /// ```
    /// use pampero_grid::GridParams;
    /// let params = GridParams { lower: "90".parse()?, upper: "110".parse()?, lines: 3, ..GridParams::default() };
    /// assert!(params.validate().is_ok());
    /// assert!(GridParams { lines: 1, ..params }.validate().is_err());
    /// # Ok::<(), pampero_model::ParseAmountError>(())
    /// ```
    pub struct GridParams {
        /// The lowest line.
        pub lower: Price = Price::from_int(50_000) => above("0"),
        /// The highest line, above `lower`: nothing is bought there.
        pub upper: Price = Price::from_int(100_000) => above("0"),
        /// How many lines there are, both ends among them. They are evenly spaced.
        pub lines: u32 = 11 => at_least("2").at_most("200"),
        /// Base that is bought at each line.
        pub quantity: Quantity = Quantity::from_units(100_000) => above("0"),
        /// Most orders on each side of the market, those nearest to it.
        pub orders: u32 = 5 => at_least("1").at_most("200"),
        /// At this price, below `lower`, or under it the grid gives up: it sells everything and buys no more; it holds on
        /// if left out.
        pub stop: Option<Price> = None => above("0"),
    }
}

impl GridParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        self.in_range()?;
        let Self { lower, upper, stop, .. } = *self;
        if upper <= lower {
            return Err(format!("`lower` is {lower} and `upper` {upper}; they must ascend"));
        }
        match stop.filter(|stop| *stop >= lower) {
            Some(stop) => Err(format!("`stop` is {stop}; it must be below `lower`, which is {lower}")),
            None => Ok(()),
        }
    }
}
