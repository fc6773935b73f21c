//! What reaches a session from outside.

use pampero_model::{Span, VenueId};
use tokio::sync::mpsc;

use crate::execution::{Answer, RequestId};
use crate::feed::News;

/// How a session is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Stop quoting, cancel, verify by reading, report what is left.
    Orderly,
    /// At once: whatever is open stays open and is found again at the next start.
    Now,
}

/// An operator's order to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Only orders that make a position smaller.
    Reduce,
    /// No orders; everything is cancelled.
    Halt,
    /// Trade again.
    Resume,
    /// Sell every position.
    Flatten,
}

/// Something that a session learns.
#[derive(Debug)]
pub enum Input {
    /// Of the markets.
    News(News),
    /// From an exchange, to a request of ours.
    Answer {
        /// Which exchange.
        venue: VenueId,
        /// Which request.
        id: RequestId,
        /// What it said.
        answer: Answer,
    },
    /// From an operator, or from the kill switch on behalf of one.
    Operator {
        /// What to do.
        operator: Operator,
        /// Which [change](crate::guard::LatchRecord::change) of the latch it follows from.
        change: u64,
    },
    /// How far the local clock is from the exchange's.
    ClockSkew(Span),
    /// End.
    Stop(StopMode),
}

/// Inputs that may wait. A session that falls behind makes its sources wait, which ask less often then.
const CAPACITY: usize = 1_024;

/// The receiving end.
#[derive(Debug)]
pub struct Inbox(pub(super) mpsc::Receiver<Input>);

/// An inbox and what writes to it.
pub fn inbox() -> (mpsc::Sender<Input>, Inbox) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (sender, Inbox(receiver))
}
