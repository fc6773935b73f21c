//! What can be set.

use pampero_engine::Parameter;
use pampero_model::{Cash, Price, Quantity, Rate, Span};
use serde::{Deserialize, Serialize};

/// The parameters of [`CrossMarket`](crate::CrossMarket).
///
/// ```
/// use pampero_cross_market::CrossMarketParams;
/// let params = CrossMarketParams { bid_profit: "0.01".parse()?, ..CrossMarketParams::default() };
/// assert!(params.validate().is_ok());
/// assert!(CrossMarketParams { quantity: "0".parse()?, ..params }.validate().is_err());
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossMarketParams {
    /// Size of each quote in base, above 0.
    pub quantity: Quantity,
    /// What a bid is to earn after all fees, as a share of its value: 0.005 is 0.5 %. From 0, below 1.
    pub bid_profit: Rate,
    /// What an ask is to earn after all fees, as a share of its value. From 0, below 1.
    pub ask_profit: Rate,
    /// Quote of the made market that one unit of quote of the hedging market is worth, such as pesos for a dollar; the
    /// engine's rates (markets, `[rates]`) if left out. Above 0.
    pub exchange_rate: Option<Price>,
    /// So long the volume traded on the hedging market counts as gone from the top of its book. Not below 0.
    pub volume_window: Span,
    /// Least time between two evaluations, not below 0.
    pub interval: Span,
    /// A quote stays while it is no farther than this from where it should be, as a share of the price: each move costs
    /// two requests. From 0, below 1.
    pub min_change: Rate,
    /// How long a hedge stands before the next try. Above 0.
    pub hedge_time_to_live: Span,
    /// The n-th further try gives way by n² times this share of the price. From 0, below 1.
    pub hedge_step: Rate,
    /// No hedge ever gives way by more than this share of the price. From 0, below 1.
    pub max_hedge_loss: Rate,
    /// It stops quoting while both accounts together hold no more base than this. Not below 0.
    pub base_stop: Quantity,
    /// It stops quoting while both accounts together hold no more cash than this, in quote of the hedging market. Not
    /// below 0.
    pub quote_stop: Cash,
}

/// The same, described for lists and checks.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter::quantity("quantity", "size of each quote").above("0"),
    Parameter::share("bid_profit", "what a bid is to earn after all fees").at_least("0").below("1"),
    Parameter::share("ask_profit", "what an ask is to earn after all fees").at_least("0").below("1"),
    Parameter::price("exchange_rate", "made quote per hedging quote; the engine's rates if left out")
        .above("0"),
    Parameter::span("volume_window", "traded volume counts so long as gone from the hedging book")
        .at_least("0s"),
    Parameter::span("interval", "least time between two evaluations").at_least("0s"),
    Parameter::share("min_change", "a quote moves only if it is farther off than this")
        .at_least("0")
        .below("1"),
    Parameter::span("hedge_time_to_live", "how long a hedge stands before the next try").above("0s"),
    Parameter::share("hedge_step", "the n-th further try gives way by n squared times this")
        .at_least("0")
        .below("1"),
    Parameter::share("max_hedge_loss", "no hedge ever gives way by more than this").at_least("0").below("1"),
    Parameter::quantity("base_stop", "no quotes while there is no more base than this").at_least("0"),
    Parameter::cash("quote_stop", "no quotes while there is no more cash than this").at_least("0"),
];

impl Default for CrossMarketParams {
    fn default() -> Self {
        Self {
            quantity: Quantity::from_units(1_000_000),
            bid_profit: Rate::from_units(500_000),
            ask_profit: Rate::from_units(500_000),
            exchange_rate: None,
            volume_window: Span::from_secs(20),
            interval: Span::from_secs(1),
            min_change: Rate::from_units(50_000),
            hedge_time_to_live: Span::from_secs(30),
            hedge_step: Rate::from_units(50_000),
            max_hedge_loss: Rate::from_units(3_000_000),
            base_stop: Quantity::ZERO,
            quote_stop: Cash::ZERO,
        }
    }
}

impl CrossMarketParams {
    /// Says what is wrong, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        if !self.quantity.is_positive() {
            return Err(format!("`quantity` is {}; it must be above 0", self.quantity));
        }
        let shares = [
            ("bid_profit", self.bid_profit),
            ("ask_profit", self.ask_profit),
            ("min_change", self.min_change),
            ("hedge_step", self.hedge_step),
            ("max_hedge_loss", self.max_hedge_loss),
        ];
        for (name, share) in shares {
            if share.is_negative() || share >= Rate::ONE {
                return Err(format!("`{name}` is {share}; it must be at least 0 and below 1"));
            }
        }
        if let Some(rate) = self.exchange_rate.filter(|rate| !rate.is_positive()) {
            return Err(format!("`exchange_rate` is {rate}; let it be above 0, or leave it out"));
        }
        for (name, span) in [("volume_window", self.volume_window), ("interval", self.interval)] {
            if span < Span::ZERO {
                return Err(format!("`{name}` is {span}; it must not be below 0"));
            }
        }
        if self.hedge_time_to_live <= Span::ZERO {
            return Err(format!("`hedge_time_to_live` is {}; it must be above 0", self.hedge_time_to_live));
        }
        if self.base_stop.is_negative() || self.quote_stop.is_negative() {
            return Err(format!(
                "`base_stop` is {} and `quote_stop` {}; neither may be below 0",
                self.base_stop, self.quote_stop
            ));
        }
        Ok(())
    }
}
