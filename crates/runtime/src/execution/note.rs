//! What execution hands out: requests, events for the engine, and facts for the journal.

use std::collections::BTreeMap;

use pampero_engine::{CountedFills, Engine, EventKind, OrderRecord, OrderState, Owner, TradingState};
use pampero_model::{
    Cash, Currency, FillId, Money, Order, OrderId, Price, Quantity, Side, Size, Timestamp, VenueId,
    VenueOrderId,
};
use serde::{Deserialize, Serialize};

use super::request::{Request, RequestId};

/// Something to do, in order.
#[derive(Debug)]
pub enum Effect {
    /// Write this down. A [`Note::Intent`] must be synced before what follows it is carried out.
    Note(Note),
    /// Journal this and step the engine with it.
    Event(EventKind<'static>),
    /// Carry this out through the gateway and give the answer to [`Execution::answer`](super::Execution::answer).
    Request {
        /// Names the request in the answer.
        id: RequestId,
        /// What to ask for.
        request: Request,
    },
}

/// A fact worth keeping: enough to explain an order's whole story and to take up the work after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "note")]
pub enum Note {
    /// This order is about to be sent, once. Synced before it is.
    Intent {
        /// The order.
        order: Order,
        /// When.
        time: Timestamp,
        /// The highest own id of its side known before.
        watermark: Option<VenueOrderId>,
    },
    /// How placing it ended.
    Placed {
        /// Our id.
        order: OrderId,
        /// `acknowledged`, `rejected`, `not_sent` or `unknown`.
        outcome: String,
        /// The exchange's id, or the error in words.
        detail: String,
    },
    /// A cancellation was asked for.
    CancelAsked {
        /// Our id, or none for an order that is not ours.
        order: Option<OrderId>,
        /// Its side.
        side: Side,
        /// The exchange's id.
        venue_order: VenueOrderId,
        /// How many times before.
        tries: u32,
    },
    /// How asking for a cancellation ended. Success is an intention only.
    CancelAnswered {
        /// Its side.
        side: Side,
        /// The exchange's id.
        venue_order: VenueOrderId,
        /// The error in words, if there was one.
        error: Option<String>,
    },
    /// An order with an unknown outcome was found by watermark and fingerprint.
    Adopted {
        /// Our id.
        order: OrderId,
        /// The exchange's id.
        venue_order: VenueOrderId,
        /// Whether it was given up before: then it is cancelled at once.
        late: bool,
    },
    /// What the four witnesses say of an order with an unknown outcome, after a complete look that did not find it.
    NotFound {
        /// Our id.
        order: OrderId,
        /// Complete looks since the quarantine ended.
        clean: u32,
        /// More funds are locked than known orders explain, or just what it would have spent is gone: units of 1e-8 of
        /// the currency it spends.
        #[serde(default, with = "super::wide::option")]
        surplus: Option<i128>,
    },
    /// An order exists that differs from one of ours in nothing but its id: the exchange holds it twice.
    Duplicate {
        /// Our id.
        order: OrderId,
        /// The exchange's id of the other.
        venue_order: VenueOrderId,
    },
    /// An order that is not ours.
    Foreign {
        /// Buy or sell.
        side: Side,
        /// The exchange's id.
        venue_order: VenueOrderId,
        /// The exchange's code of the market.
        market: String,
        /// Its limit.
        price: Price,
        /// Its size.
        size: Size,
    },
    /// An execution of an order that is not ours, booked outside the strategies' allocations.
    ForeignFill {
        /// Buy or sell.
        side: Side,
        /// The exchange's id of the match.
        fill: FillId,
        /// Gross base.
        base: Quantity,
        /// Gross quote.
        quote: Cash,
        /// The fee.
        fee: Money,
    },
    /// What the account held when its first session began: executions before it are not ours to count.
    Baseline {
        /// Executions that happened before.
        fills: Vec<(Side, FillId)>,
        /// Balances, by currency.
        totals: Vec<Money>,
    },
    /// A deposit or withdrawal explains a difference.
    Transfer {
        /// The exchange's id of the entry.
        movement: String,
        /// What moved, negative for a withdrawal.
        money: Money,
    },
    /// A fee differs from the configured rate. The ledger takes the exchange's.
    FeeDiffers {
        /// Our id.
        order: OrderId,
        /// The exchange's id of the match.
        fill: FillId,
        /// What was charged, in units of 1e-8 of what was received.
        #[serde(with = "super::wide")]
        charged: i128,
        /// What the configured rate would have charged.
        #[serde(with = "super::wide")]
        expected: i128,
    },
    /// The account holds something else than the ledger says, and nothing explains it.
    Difference {
        /// In which currency.
        currency: Currency,
        /// What the ledger says, in units of 1e-8.
        #[serde(with = "super::wide")]
        ledger: i128,
        /// What the exchange says.
        #[serde(with = "super::wide")]
        account: i128,
    },
    /// The account was compared with ours and agrees.
    Reconciled {
        /// Whether it was the comparison that trading waits for after a start.
        first: bool,
    },
    /// Execution stops trading, until a person resumes.
    Stopped {
        /// How far.
        state: TradingState,
        /// Why, in words.
        reason: String,
    },
    /// Something that must never happen, for a person to look at.
    Alarm {
        /// Our id, where it concerns one order.
        order: Option<OrderId>,
        /// A stable word.
        code: Alarm,
        /// What happened.
        text: String,
    },
}

/// Kinds of alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// The exchange refuses the key.
    Key,
    /// An answer that a sound exchange and connection never give.
    StrangeAnswer,
    /// The exchange does not know an order that it gave us the id of.
    Vanished,
    /// The exchange holds an order twice.
    Duplicate,
    /// An order appeared that was given up.
    LateGhost,
    /// An order that is not ours, under the policy that halts on it.
    Foreign,
    /// Executions between those known and those listed are missing and cannot be asked for.
    FillGap,
    /// The account holds something else than the ledger says.
    Difference,
    /// An execution charges its fee in a currency that it did not pay out.
    FeeCurrency,
    /// An order executed more than its size.
    Overfilled,
}

/// An order that was open, or may have been sent, when the last session ended, or that had ended shortly before: the
/// exchange may hold a second copy of it, or show an execution late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarriedOrder {
    /// The order as the engine knows it after its recovery.
    pub record: OrderRecord,
    /// When its [`Note::Intent`] was written; none if it was not: then it never left.
    pub sent_at: Option<Timestamp>,
    /// The watermark in that note.
    pub watermark: Option<VenueOrderId>,
}

/// What a session takes over from those before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarriedOver {
    /// Every order that is not final, stops that are held aside, and the last that are.
    pub orders: Vec<CarriedOrder>,
    /// Every execution counted before, and those of [`Note::Baseline`] and [`Note::ForeignFill`].
    pub fills: CountedFills,
    /// Entries of the account's statement that were booked, from [`Note::Transfer`].
    pub movements: Vec<String>,
    /// What the engine's ledger says of each currency of the venue, all owners together.
    pub ledger: Vec<Money>,
    /// Whether no session before wrote a [`Note::Baseline`]: then what was executed before is none of ours. The account
    /// must be quiet until the first comparison is through.
    pub first: bool,
}

impl CarriedOver {
    /// What execution takes over in the first session of a venue's account: what the fresh engine says it holds.
    pub fn first(engine: &Engine, venue: VenueId) -> Self {
        let portfolio = engine.portfolio();
        let holdings = portfolio.holdings(Owner::Unallocated).filter(|(at, ..)| *at == venue);
        let ledger =
            holdings.map(|(_, currency, _)| Money::new(currency, portfolio.account(venue, currency).total));
        Self { ledger: ledger.collect(), first: true, ..Self::default() }
    }

    /// The orders of a venue that execution takes over from an engine after its recovery. `intents` holds when the
    /// [`Note::Intent`] of each was written, and the watermark in it.
    pub fn orders(
        engine: &Engine,
        venue: VenueId,
        intents: &BTreeMap<OrderId, (Timestamp, Option<VenueOrderId>)>,
    ) -> Vec<CarriedOrder> {
        let here = |order: &&OrderRecord| engine.markets().venue_of(order.market) == Some(venue);
        let intent = |order: &OrderRecord| intents.get(&order.id).copied().unzip();
        let open = engine.open_orders().iter().filter(|order| order.state != OrderState::Held);
        // Of what was never created nothing is expected.
        let created = |order: &&OrderRecord| {
            intents.contains_key(&order.id)
                && !matches!(order.state, OrderState::Rejected | OrderState::NotSent)
        };
        let orders = engine.ended_orders().filter(created).chain(open).filter(here);
        let carried = orders.map(|record| {
            let (sent_at, watermark) = intent(record);
            CarriedOrder { record: *record, sent_at, watermark: watermark.flatten() }
        });
        carried.collect()
    }
}
