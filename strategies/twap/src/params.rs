//! What can be set.

use pampero_engine::Parameter;
use pampero_model::{Cash, Price, Rate, Side, Span};
use serde::{Deserialize, Serialize};

/// Where a chunk is placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// At the best price of the other side: it trades at once with what is there.
    #[default]
    Take,
    /// At the best price of its own side: it waits for somebody in more of a hurry, and may wait in vain.
    Join,
}

/// The parameters of [`Twap`](crate::Twap).
///
/// ```
/// use pampero_model::Side;
/// use pampero_twap::TwapParams;
/// let params = TwapParams { side: Side::Sell, amount: "2".parse()?, ..TwapParams::default() };
/// assert!(params.validate().is_ok());
/// assert!(TwapParams { chunks: 0, ..params }.validate().is_err());
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TwapParams {
    /// Buy or sell.
    pub side: Side,
    /// How much in all: quote to spend by a buy, base to give by a sell. Above 0.
    pub amount: Cash,
    /// In how many chunks, from 1 to 100,000.
    pub chunks: u32,
    /// Time from one chunk to the next, above 0.
    pub interval: Span,
    /// How long a chunk stands before what is left of it goes to the later ones. Above 0, at most `interval`.
    pub time_to_live: Span,
    /// No chunk while the spread is wider than this share of the midpoint. Above 0, below 1.
    pub max_spread: Rate,
    /// A buy never pays more, a sell never takes less; any price if left out. Above 0.
    pub limit_price: Option<Price>,
    /// Where chunks are placed.
    pub placement: Placement,
}

/// The same, described for lists and checks.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter::choice("side", &["buy", "sell"], "buy or sell"),
    Parameter::number("amount", "how much in all: quote of a buy, base of a sell").above("0"),
    Parameter::count("chunks", "in how many chunks").at_least("1").at_most("100000"),
    Parameter::span("interval", "time from one chunk to the next").above("0s"),
    Parameter::span("time_to_live", "how long a chunk stands, at most the interval").above("0s"),
    Parameter::share("max_spread", "no chunk while the spread is wider").above("0").below("1"),
    Parameter::price("limit_price", "a buy never pays more, a sell never takes less").above("0"),
    Parameter::choice("placement", &["take", "join"], "at the best price of the other side, or of its own"),
];

impl Default for TwapParams {
    /// Twenty chunks within half an hour, as the exchange's own bots.
    fn default() -> Self {
        Self {
            side: Side::Buy,
            amount: Cash::from_units(10_000_000_000),
            chunks: 20,
            interval: Span::from_secs(90),
            time_to_live: Span::from_secs(60),
            max_spread: Rate::from_units(1_000_000),
            limit_price: None,
            placement: Placement::Take,
        }
    }
}

impl TwapParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        if !self.amount.is_positive() {
            return Err(format!("`amount` is {}; it must be above 0", self.amount));
        }
        if self.side == Side::Sell && i64::try_from(self.amount.units()).is_err() {
            return Err(format!("`amount` is {}; there is not that much base to sell", self.amount));
        }
        if !(1..=100_000).contains(&self.chunks) {
            return Err(format!("`chunks` is {}; it must be from 1 to 100000", self.chunks));
        }
        if self.time_to_live <= Span::ZERO || self.interval < self.time_to_live {
            return Err(format!(
                "`time_to_live` is {} and `interval` {}; a chunk must live some time, and not longer than until the next",
                self.time_to_live, self.interval
            ));
        }
        if !self.max_spread.is_positive() || self.max_spread >= Rate::ONE {
            return Err(format!("`max_spread` is {}; it must be above 0 and below 1", self.max_spread));
        }
        match self.limit_price.filter(|price| !price.is_positive()) {
            Some(price) => Err(format!("`limit_price` is {price}; let it be above 0, or leave it out")),
            None => Ok(()),
        }
    }
}
