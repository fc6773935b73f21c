//! What can be set.

use pampero_engine::parameters;
use pampero_model::{Cash, Price, Span};

parameters! {
    /// The parameters of [`Dca`](crate::Dca).
    pub struct DcaParams {
        /// Quote that each purchase spends.
        pub spend: Cash = Cash::from_int(100) => above("0"),
        /// Time from one purchase to the next.
        pub every: Span = Span::from_hours(24) => above("0s"),
        /// Quote that all purchases spend together; as much as there is if left out.
        pub budget: Option<Cash> = None => above("0"),
        /// No purchase while the market is above this price; at any price if left out.
        pub max_price: Option<Price> = None => above("0"),
    }
}
