//! The contract of an exchange adapter.
//!
//! * [`Exchange`]: what the runtime asks of an exchange, small and object-safe; a second exchange is one more crate.
//! * [`Outcome`]: the four ways a request that creates something may end. Such a request is sent at most once;
//!   after [`Outcome::Unknown`] only reads settle what happened.
//! * [`Error`]: one flat enum for everything that goes wrong, which says itself what may be repeated.
//! * [`Budget`]: the requests a second that all processes of an account share, by priority.
//!
//! Numbers are exact throughout, in the types of `pampero-model`. Nothing here opens a connection.

mod budget;
mod budget_file;
mod contract;
mod error;
mod records;
mod share;

pub use budget::{Budget, BudgetConfig, BudgetError, WaitStats};
pub use contract::{
    CancelScope, CandleQuery, Exchange, FillQuery, LastLook, OrderRequest, Outcome, PlaceOutcome,
    SnapshotParts,
};
pub use error::{Ambiguity, Error, Operation};
pub use records::{
    Balance, MarketSnapshot, Movement, MovementKind, OrderStatus, VenueCandle, VenueFill, VenueOrder,
};
pub use share::Class;
