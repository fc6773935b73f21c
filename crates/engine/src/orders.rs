//! The order manager: every order's state, remaining size and reservation.

use std::collections::VecDeque;

use pampero_model::{
    ArithmeticError, Cash, Fill, Market, MarketId, Order, OrderId, Price, Quantity, Rounding, Side, Size,
    Timestamp, UpdateKind, VenueOrderId,
};

use serde::{Deserialize, Serialize};

use crate::intent::{OrderKind, Reason, TimeInForce};
use crate::risk::Denied;
use crate::strategy::StrategyId;

/// The state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum OrderState {
    /// A stop that waits in the engine. The venue does not know of it.
    Held,
    /// Approved and handed to the gateway.
    Submitted,
    /// The venue has it and has not checked its funds.
    Acknowledged,
    /// On the book.
    Live,
    /// On the book, with a cancellation under way.
    Cancelling,
    /// Sent, and the answer tells nothing. Its funds stay reserved and its side of the market closed.
    Unknown,
    /// Not found after a long search. Its funds stay reserved until the ghost horizon.
    PresumedAbsent,
    /// Final: executed in full, up to dust.
    Completed,
    /// Final: cancelled.
    Cancelled,
    /// Final: refused by the venue or, for a stop, by the risk gate.
    Rejected,
    /// Final: never left.
    NotSent,
    /// Final: never arrived.
    Absent,
}

impl OrderState {
    /// Whether nothing follows but late fills.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Rejected | Self::NotSent | Self::Absent)
    }

    /// Whether the venue may execute it, now or later.
    pub const fn may_execute(self) -> bool {
        !self.is_final() && !matches!(self, Self::Held)
    }

    /// The state after a piece of news; `None` where the news cannot be true or comes too late to matter.
    pub fn after(self, kind: &UpdateKind) -> Option<Self> {
        let column = match kind {
            UpdateKind::Acknowledged(_) => 0,
            UpdateKind::Live => 1,
            UpdateKind::Fill(_) => 2,
            UpdateKind::CancelPending => 3,
            UpdateKind::Cancelled(_) => 4,
            UpdateKind::Completed => 5,
            UpdateKind::Rejected(_) => 6,
            UpdateKind::NotSent => 7,
            UpdateKind::Unknown => 8,
            UpdateKind::PresumedAbsent => 9,
            UpdateKind::Absent => 10,
        };
        // The rows stand in the order of the states.
        let (_, row) = TRANSITIONS.get(usize::from(self as u8))?;
        row.get(column).copied().flatten()
    }

    /// The field's word for the state, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Submitted => "submitted",
            Self::Acknowledged => "acknowledged",
            Self::Live => "live",
            Self::Cancelling => "cancelling",
            Self::Unknown => "unknown",
            Self::PresumedAbsent => "presumed_absent",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::NotSent => "not_sent",
            Self::Absent => "absent",
        }
    }
}

/// The whole state table: for each state, what it becomes after each kind of news. Final states absorb
/// everything; news from an earlier stage never moves an order back.
#[rustfmt::skip]
pub const TRANSITIONS: [(OrderState, [Option<OrderState>; 11]); 12] = {
    use OrderState::{Absent, Acknowledged, Cancelled, Cancelling, Completed, Held, Live, NotSent, PresumedAbsent, Rejected, Submitted, Unknown};
    const A: Option<OrderState> = Some(Acknowledged);
    const L: Option<OrderState> = Some(Live);
    const P: Option<OrderState> = Some(Cancelling);
    const C: Option<OrderState> = Some(Cancelled);
    const D: Option<OrderState> = Some(Completed);
    const R: Option<OrderState> = Some(Rejected);
    const N: Option<OrderState> = Some(NotSent);
    const U: Option<OrderState> = Some(Unknown);
    const G: Option<OrderState> = Some(PresumedAbsent);
    const X: Option<OrderState> = Some(Absent);
    const O: Option<OrderState> = None;
    [   //                ack live fill cancel- cancel- comp- rejec- not  un-   pres. ab-
        //                              pending led     leted ted    sent known absent sent
        (Held,           [O,  O,   O,   O,      C,      O,    R,     O,   O,    O,    O]),
        (Submitted,      [A,  L,   L,   P,      C,      D,    R,     N,   U,    O,    O]),
        (Acknowledged,   [O,  L,   L,   P,      C,      D,    R,     O,   O,    O,    O]),
        (Live,           [O,  O,   L,   P,      C,      D,    O,     O,   O,    O,    O]),
        (Cancelling,     [O,  O,   P,   O,      C,      D,    O,     O,   O,    O,    O]),
        (Unknown,        [A,  L,   L,   P,      C,      D,    R,     N,   O,    G,    O]),
        (PresumedAbsent, [A,  L,   L,   P,      C,      D,    R,     O,   O,    O,    X]),
        (Completed,      [O,  O,   O,   O,      O,      O,    O,     O,   O,    O,    O]),
        (Cancelled,      [O,  O,   O,   O,      O,      O,    O,     O,   O,    O,    O]),
        (Rejected,       [O,  O,   O,   O,      O,      O,    O,     O,   O,    O,    O]),
        (NotSent,        [O,  O,   O,   O,      O,      O,    O,     O,   O,    O,    O]),
        (Absent,         [O,  O,   O,   O,      O,      O,    O,     O,   O,    O,    O]),
    ]
};

/// One order, from the intent to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Our id.
    pub id: OrderId,
    /// Whose.
    pub strategy: StrategyId,
    /// Where.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// The kind the strategy asked for.
    pub kind: OrderKind,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// Whether it may only make a position smaller.
    pub reduce_only: bool,
    /// Whether it belongs to a desired set.
    pub quoting: bool,
    /// The limit before the fingerprint; zero while a stop is held.
    pub price: Price,
    /// The limit that was sent.
    pub sent_price: Price,
    /// The whole size.
    pub size: Size,
    /// Gross base executed.
    pub filled_base: Quantity,
    /// Gross quote executed.
    pub filled_quote: Cash,
    /// Where it stands.
    pub state: OrderState,
    /// The venue's id, once known.
    pub venue_order: Option<VenueOrderId>,
    /// Whether a cancellation is wanted. It is asked for once the venue's id is known.
    pub cancel_wanted: bool,
    /// Whether a market event was seen since it went live; an immediate-or-cancel order ends at the first.
    pub observed: bool,
    /// Why the strategy wanted it.
    pub reason: Reason,
    /// Whether it was built by an operator's flatten.
    pub by_operator: bool,
    /// The most base it can move when nothing of it is filled.
    pub worst_base: Quantity,
    /// The lowest price at which `worst_base` counts a buy sized in quote.
    pub worst_price: Price,
    /// When the intent came.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl OrderRecord {
    /// The order as it is sent.
    pub const fn order(&self) -> Order {
        let Self { id, market, side, sent_price: price, size, .. } = *self;
        Order { id, market, side, price, size }
    }

    /// What is left of the size, in its own unit. Never below zero.
    pub fn remaining(&self) -> Size {
        match self.size {
            Size::Base(size) => {
                Size::Base(Quantity::from_units((size.units() - self.filled_base.units()).max(0)))
            }
            Size::Quote(size) => {
                Size::Quote(Cash::from_units((size.units() - self.filled_quote.units()).max(0)))
            }
        }
    }

    /// What it keeps reserved of the currency it spends, in units of 1e-8.
    pub fn reservation(&self) -> i128 {
        if !self.state.may_execute() {
            return 0;
        }
        let reserved = match (self.side, self.remaining()) {
            (Side::Buy, Size::Quote(cash)) => Ok(cash.units()),
            (Side::Buy, Size::Base(quantity)) => {
                self.sent_price.notional(quantity, Rounding::Up).map(Cash::units)
            }
            (Side::Sell, Size::Base(quantity)) => Ok(i128::from(quantity.units())),
            (Side::Sell, Size::Quote(cash)) => {
                cash.quantity_at(self.sent_price, Rounding::Up).map(|quantity| i128::from(quantity.units()))
            }
        };
        reserved.unwrap_or(i128::MAX)
    }

    /// Whether it counts as unknown, as held and as timed.
    fn counted(&self) -> [bool; 3] {
        if self.state.is_final() {
            return [false; 3];
        }
        let unknown = matches!(self.state, OrderState::Unknown | OrderState::PresumedAbsent);
        let timed = self.time_in_force != TimeInForce::GoodTillCancelled;
        [unknown, self.state == OrderState::Held, timed]
    }

    /// What it takes of the account as it stands.
    pub(crate) fn claim(&self) -> Claim {
        if !self.state.may_execute() {
            return Claim::default();
        }
        Claim { reserved: self.reservation(), worst: Some(self.worst_remaining().unwrap_or(Quantity::MAX)) }
    }

    /// The most base that can still change hands.
    pub(crate) fn worst_remaining(&self) -> Result<Quantity, ArithmeticError> {
        if !self.state.may_execute() {
            return Ok(Quantity::ZERO);
        }
        if self.filled_base.is_zero() {
            return Ok(self.worst_base);
        }
        self.remaining().quantity(self.worst_price, Rounding::Up)
    }
}

/// What an order takes of the account: a reservation and, where it may execute, an exposure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// In units of 1e-8 of the currency that is spent.
    pub(crate) reserved: i128,
    /// The most base that can still change hands.
    pub(crate) worst: Option<Quantity>,
}

/// News of an order for the strategy that owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// The order as it is now.
    pub order: OrderRecord,
    /// What the venue said; `None` if the change came from the engine itself.
    pub update: Option<UpdateKind>,
    /// Why a held order was refused when it was triggered.
    pub denied: Option<Denied>,
}

/// How many ended orders are remembered for fills that come late.
const CLOSED_MEMORY: usize = 1_024;
/// Orders that are open at once without allocating.
const LIVE_CAPACITY: usize = 256;

/// Every order that is not final, and the last that are.
#[derive(Clone, Debug)]
pub(crate) struct OrderManager {
    next_id: u64,
    /// Ascending by id.
    live: Vec<OrderRecord>,
    closed: VecDeque<OrderRecord>,
    unknown: usize,
    held: usize,
    timed: usize,
}

impl OrderManager {
    pub(crate) fn new() -> Self {
        Self {
            next_id: 1,
            live: Vec::with_capacity(LIVE_CAPACITY),
            closed: VecDeque::with_capacity(CLOSED_MEMORY),
            unknown: 0,
            held: 0,
            timed: 0,
        }
    }

    pub(crate) fn next_id(&self) -> OrderId {
        OrderId(self.next_id)
    }

    /// Adds an order under [`next_id`](Self::next_id).
    pub(crate) fn insert(&mut self, record: &OrderRecord) {
        self.next_id += 1;
        self.count([false; 3], record.counted());
        self.live.push(*record);
    }

    /// Moves the counters from what an order was to what it is.
    fn count(&mut self, before: [bool; 3], after: [bool; 3]) {
        if before == after {
            return;
        }
        let counters = [&mut self.unknown, &mut self.held, &mut self.timed];
        for ((counter, before), after) in counters.into_iter().zip(before).zip(after) {
            *counter = (*counter + usize::from(after)).saturating_sub(usize::from(before));
        }
    }

    fn position(&self, id: OrderId) -> Option<usize> {
        self.live.binary_search_by_key(&id, |record| record.id).ok()
    }

    pub(crate) fn get(&self, id: OrderId) -> Option<&OrderRecord> {
        self.position(id).and_then(|position| self.live.get(position))
    }

    pub(crate) fn get_closed(&self, id: OrderId) -> Option<&OrderRecord> {
        self.closed.iter().rev().find(|record| record.id == id)
    }

    /// The orders that ended and are remembered, oldest first.
    pub(crate) fn closed(&self) -> impl Iterator<Item = &OrderRecord> {
        self.closed.iter()
    }

    /// Changes a live order; one that becomes final moves to the closed ones. Gives the record after the change.
    pub(crate) fn change(&mut self, id: OrderId, f: impl FnOnce(&mut OrderRecord)) -> Option<OrderRecord> {
        let position = self.position(id)?;
        let record = self.live.get_mut(position)?;
        let before = record.counted();
        f(record);
        let record = *record;
        self.count(before, record.counted());
        if record.state.is_final() {
            self.live.remove(position);
            self.remember(record);
        }
        Some(record)
    }

    /// Adds a late fill to an order that is final.
    pub(crate) fn late_fill(&mut self, id: OrderId, fill: &Fill) -> Option<OrderRecord> {
        let record = self.closed.iter_mut().rev().find(|record| record.id == id)?;
        record.filled_base = record.filled_base.saturating_add(fill.base);
        record.filled_quote = record.filled_quote.saturating_add(fill.quote);
        Some(*record)
    }

    /// Every order that is not final, ascending by id.
    pub(crate) fn live(&self) -> &[OrderRecord] {
        &self.live
    }

    /// Whether any order of the venue's answer is unknown.
    pub(crate) fn any_unknown(&self) -> bool {
        self.unknown > 0
    }

    pub(crate) fn any_held(&self) -> bool {
        self.held > 0
    }

    pub(crate) fn any_timed(&self) -> bool {
        self.timed > 0
    }

    /// The first order after `after` that `wanted` accepts: a loop that may change orders as it goes.
    pub(crate) fn next_after(
        &self,
        after: Option<OrderId>,
        wanted: impl Fn(&OrderRecord) -> bool,
    ) -> Option<OrderRecord> {
        let start = after.map_or(0, |after| self.live.partition_point(|record| record.id <= after));
        self.live.iter().skip(start).find(|record| wanted(record)).copied()
    }
}

/// What an order manager is restored from; counters follow from the orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrdersCheckpoint {
    pub(crate) next_id: u64,
    pub(crate) live: Vec<OrderRecord>,
    pub(crate) closed: Vec<OrderRecord>,
}

impl OrderManager {
    pub(crate) fn checkpoint(&self) -> OrdersCheckpoint {
        OrdersCheckpoint {
            next_id: self.next_id,
            live: self.live.clone(),
            closed: self.closed.iter().copied().collect(),
        }
    }

    pub(crate) fn restore(&mut self, saved: &OrdersCheckpoint) {
        *self = Self::new();
        for record in &saved.live {
            self.count([false; 3], record.counted());
            self.live.push(*record);
        }
        self.closed.extend(saved.closed.iter().copied());
        self.next_id = saved.next_id;
    }

    /// Adds an order that a recording holds, under its own id.
    pub(crate) fn take_over(&mut self, record: &OrderRecord) {
        let at = self.live.partition_point(|other| other.id < record.id);
        self.count([false; 3], record.counted());
        self.live.insert(at, *record);
        self.next_id = self.next_id.max(record.id.0.saturating_add(1));
    }

    /// Adds an order that came and went within one recorded step.
    pub(crate) fn take_over_closed(&mut self, record: &OrderRecord) {
        self.remember(*record);
        self.next_id = self.next_id.max(record.id.0.saturating_add(1));
    }

    fn remember(&mut self, record: OrderRecord) {
        if self.closed.len() == CLOSED_MEMORY {
            self.closed.pop_front();
        }
        self.closed.push_back(record);
    }
}

/// The worst price at which a buy sized in quote is counted in base: the lower edge of the price band.
pub(crate) fn worst_price(side: Side, price: Price, band_edge: Price, market: &Market) -> Price {
    match (side, market.size_unit(side)) {
        (Side::Buy, _) if band_edge.is_positive() => band_edge.min(price),
        _ => price,
    }
}
