//! What can be set.

use pampero_engine::{ParameterKind, Parameters, parameters};
use pampero_model::{Cash, Price, Rate, Side, Span};

parameters! {
    /// Where a chunk is placed.
    pub enum Placement {
        /// At the best price of the other side: it trades at once with what is there.
        Take = "take",
        /// At the best price of its own side: it waits for somebody in more of a hurry, and may wait in vain.
        Join = "join",
    }
}

parameters! {
    /// The parameters of [`Twap`](crate::Twap): twenty chunks within half an hour, as the exchange's own bots.
    ///
    /// ```
    /// use pampero_model::Side;
    /// use pampero_twap::TwapParams;
    /// let params = TwapParams { side: Side::Sell, amount: "2".parse()?, ..TwapParams::default() };
    /// assert!(params.validate().is_ok());
    /// assert!(TwapParams { chunks: 0, ..params }.validate().is_err());
    /// # Ok::<(), pampero_model::ParseAmountError>(())
    /// ```
    pub struct TwapParams {
        /// Buy or sell.
        pub side: Side = Side::Buy,
        /// How much in all: quote to spend by a buy, base to give by a sell.
        pub amount: Cash = Cash::from_int(100) => as_a(ParameterKind::Number).above("0"),
        /// In how many chunks.
        pub chunks: u32 = 20 => at_least("1").at_most("100000"),
        /// Time from one chunk to the next.
        pub interval: Span = Span::from_secs(90) => above("0s"),
        /// How long a chunk stands before what is left of it goes to the later ones; at most `interval`.
        pub time_to_live: Span = Span::from_secs(60) => above("0s"),
        /// No chunk while the spread is wider than this share of the midpoint.
        pub max_spread: Rate = Rate::from_basis_points(100) => above("0").below("1"),
        /// A buy never pays more, a sell never takes less; any price if left out.
        pub limit_price: Option<Price> = None => above("0"),
        /// At the best price of the other side, or of its own.
        pub placement: Placement = Placement::Take,
    }
}

impl TwapParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        self.in_range()?;
        if self.side == Side::Sell && i64::try_from(self.amount.units()).is_err() {
            return Err(format!("`amount` is {}; there is not that much base to sell", self.amount));
        }
        if self.interval < self.time_to_live {
            return Err(format!(
                "`time_to_live` is {} and `interval` {}; a chunk must not live longer than until the next",
                self.time_to_live, self.interval
            ));
        }
        Ok(())
    }
}
