//! What can be set.

use pampero_engine::parameters;
use pampero_model::{Cash, Price, Quantity, Rate, Span};

parameters! {
    /// The parameters of [`CrossMarket`](crate::CrossMarket).
    pub struct CrossMarketParams {
        /// Size of each quote in base.
        pub quantity: Quantity = Quantity::from_units(1_000_000) => above("0"),
        /// What a bid is to earn after all fees, as a share of its value: 0.005 is 0.5 %.
        pub bid_profit: Rate = Rate::from_basis_points(50) => at_least("0").below("1"),
        /// What an ask is to earn after all fees, as a share of its value.
        pub ask_profit: Rate = Rate::from_basis_points(50) => at_least("0").below("1"),
        /// Quote of the made market that one unit of quote of the hedging market is worth, such as pesos for a dollar;
        /// the engine's rates (markets, `[rates]`) if left out.
        pub exchange_rate: Option<Price> = None => above("0"),
        /// So long the volume traded on the hedging market counts as gone from the top of its book.
        pub volume_window: Span = Span::from_secs(20) => at_least("0s"),
        /// Least time between two evaluations.
        pub interval: Span = Span::from_secs(1) => at_least("0s"),
        /// A quote stays while it is no farther than this from where it should be, as a share of the price: each move
        /// costs two requests.
        pub min_change: Rate = Rate::from_basis_points(5) => at_least("0").below("1"),
        /// How long a hedge stands before the next try.
        pub hedge_time_to_live: Span = Span::from_secs(30) => above("0s"),
        /// The n-th further try gives way by n² times this share of the price.
        pub hedge_step: Rate = Rate::from_basis_points(5) => at_least("0").below("1"),
        /// No hedge ever gives way by more than this share of the price.
        pub max_hedge_loss: Rate = Rate::from_basis_points(300) => at_least("0").below("1"),
        /// It stops quoting while both accounts together hold no more base than this.
        pub base_stop: Quantity = Quantity::ZERO => at_least("0"),
        /// It stops quoting while both accounts together hold no more cash than this, in quote of the hedging market.
        pub quote_stop: Cash = Cash::ZERO => at_least("0"),
    }
}
