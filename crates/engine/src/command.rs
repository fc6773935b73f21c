//! What the engine decides.

use pampero_model::{Fill, MarketId, Order, OrderId, Price, Timestamp, VenueId, VenueOrderId};

use serde::{Deserialize, Serialize};

use crate::intent::Reason;
use crate::orders::OrderRecord;
use crate::risk::{Denied, TradingState, TripReason};
use crate::strategy::StrategyId;

/// Proof that the risk gate approved something. Only the gate builds one; it cannot be copied or decoded.
///
/// Reading one is possible anywhere:
///
/// ```
/// use pampero_engine::Approved;
/// use pampero_model::Order;
/// fn read(approved: &Approved<Order>) -> &Order { approved.get() }
/// ```
///
/// Building one is not:
///
/// ```compile_fail,E0624
/// use pampero_engine::Approved;
/// use pampero_model::Order;
/// fn forge(order: Order) -> Approved<Order> { Approved::by_gate(order) }
/// ```
///
/// ```compile_fail,E0423
/// use pampero_engine::Approved;
/// use pampero_model::Order;
/// fn forge(order: Order) -> Approved<Order> { Approved(order) }
/// ```
///
/// ```compile_fail,E0599
/// use pampero_engine::Approved;
/// use pampero_model::Order;
/// fn twice(approved: Approved<Order>) -> [Approved<Order>; 2] { [approved.clone(), approved] }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    /// For the gate alone.
    pub(crate) const fn by_gate(inner: T) -> Self {
        Self(inner)
    }

    /// What was approved.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

/// An instruction to a venue.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Send this order, at most once.
    Place(Approved<Order>),
    /// Ask for the cancellation of an order. May be repeated.
    Cancel {
        /// Our id.
        order: OrderId,
        /// Where it is.
        market: MarketId,
        /// The venue's id.
        venue_order: VenueOrderId,
    },
    /// Cancel every order of the account.
    CancelAll {
        /// Where.
        venue: VenueId,
    },
}

/// What happened inside a step, for reports and logs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Audit {
    /// An intent was refused.
    Denied {
        /// When.
        time: Timestamp,
        /// Whose intent.
        strategy: StrategyId,
        /// Where.
        market: MarketId,
        /// Why.
        denied: Denied,
    },
    /// An own order was executed.
    Filled {
        /// The execution.
        fill: Fill,
        /// Whose order.
        strategy: StrategyId,
        /// Why the order was wanted.
        reason: Reason,
        /// The market's midpoint or last price when it became known.
        mark: Price,
    },
    /// An order came to its end.
    Closed(OrderRecord),
    /// The trading state changed, of one strategy or of all.
    State {
        /// When.
        time: Timestamp,
        /// Whose, or everybody's.
        strategy: Option<StrategyId>,
        /// The new state.
        state: TradingState,
        /// Why.
        reason: TripReason,
    },
    /// A fill belongs to no order we know.
    ForeignFill(Fill),
}

/// The caller's buffers: cleared and reused, so that a warm engine does not allocate.
#[derive(Debug, Default)]
pub struct Outputs {
    /// Instructions to the venues, in order.
    pub commands: Vec<Command>,
    /// What happened, in order.
    pub audit: Vec<Audit>,
}

impl Outputs {
    /// Whether there is nothing in them.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.audit.is_empty()
    }

    /// Moves everything out of another pair of buffers to the end of this one.
    #[inline(never)]
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.commands.append(&mut other.commands);
        self.audit.append(&mut other.audit);
    }

    /// Empties both buffers and keeps their memory.
    pub fn clear(&mut self) {
        self.commands.clear();
        self.audit.clear();
    }
}
