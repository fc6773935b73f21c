//! What can be set.

use pampero_engine::{Parameters, parameters};
use pampero_model::{Rate, Span};

parameters! {
    /// The parameters of [`SmaCross`](crate::SmaCross).
    ///
    /// ```
    /// use pampero_sma_cross::SmaCrossParams;
    /// let params = SmaCrossParams { fast: 5, slow: 20, ..SmaCrossParams::default() };
    /// assert!(params.validate().is_ok());
    /// assert!(SmaCrossParams { fast: 20, ..params }.validate().is_err());
    /// ```
    pub struct SmaCrossParams {
        /// Closes in the fast average.
        pub fast: u32 = 10 => at_least("1").at_most("99999"),
        /// Closes in the slow average, more than in the fast one.
        pub slow: u32 = 30 => at_least("2").at_most("100000"),
        /// The part of the available quote that a buy spends.
        pub allocation: Rate = Rate::ONE => above("0").at_most("1"),
        /// The candles to follow; whatever spans come if left out.
        pub span: Option<Span> = None => above("0s"),
    }
}

impl SmaCrossParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        self.in_range()?;
        let Self { fast, slow, .. } = self;
        if fast >= slow {
            return Err(format!("`fast` is {fast} and `slow` is {slow}; make `slow` the larger one"));
        }
        Ok(())
    }
}
