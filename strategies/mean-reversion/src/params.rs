//! What can be set.

use pampero_engine::{ParameterKind, Parameters, parameters};
use pampero_model::{Rate, Span};

parameters! {
    /// The parameters of [`MeanReversion`](crate::MeanReversion).
    ///
    /// ```
    /// use pampero_mean_reversion::MeanReversionParams;
    /// let params = MeanReversionParams { entry: "2.5".parse()?, ..MeanReversionParams::default() };
    /// assert!(params.validate().is_ok());
    /// assert!(MeanReversionParams { exit: "-2.5".parse()?, ..params }.validate().is_err());
    /// # Ok::<(), pampero_model::ParseAmountError>(())
    /// ```
    pub struct MeanReversionParams {
        /// Closes in the mean.
        pub length: u32 = 20 => at_least("2").at_most("10000"),
        /// It buys at so many standard deviations below the mean.
        pub entry: Rate = Rate::from_units(200_000_000) => as_a(ParameterKind::Number).above("0").at_most("10"),
        /// It sells from so many standard deviations above the mean on, or below it if negative; above `-entry`.
        pub exit: Rate = Rate::ZERO => as_a(ParameterKind::Number).above("-10").at_most("10"),
        /// It sells, too, after so many candles, whatever the price; never if left out.
        pub max_candles: Option<u32> = None => at_least("1"),
        /// The part of the available quote that a buy spends.
        pub allocation: Rate = Rate::ONE => above("0").at_most("1"),
        /// The candles to follow; whatever spans come if left out.
        pub span: Option<Span> = None => above("0s"),
    }
}

impl MeanReversionParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        self.in_range()?;
        let Self { entry, exit, .. } = self;
        if exit.saturating_add(*entry) <= Rate::ZERO {
            return Err(format!("`exit` is {exit}; it must be above -`entry`, which is -{entry}"));
        }
        Ok(())
    }
}
