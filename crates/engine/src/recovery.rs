//! Rebuilding orders and ledger from what was recorded, without asking the strategies again.
//!
//! A strategy may have changed since, and asking it again would prove nothing about what was sent. So its hooks stay
//! silent, the engine decides nothing, and what was decided then is taken over: [`Decisions`] after each event.

use pampero_model::{MarketId, Order, OrderId, Timestamp, VenueId, VenueOrderId};
use serde::{Deserialize, Serialize};

use crate::command::{Audit, Command, Outputs};
use crate::engine::Engine;
use crate::event::Event;
use crate::fingerprint::Fingerprint;
use crate::orders::{Claim, OrderRecord};
use crate::risk::TradingState;

/// A [`Command`] as it is recorded: it says what was approved and approves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandRecord {
    /// An order was to be placed.
    Place(Order),
    /// A cancellation was to be asked for.
    Cancel {
        /// Our id.
        order: OrderId,
        /// Where.
        market: MarketId,
        /// The venue's id.
        venue_order: VenueOrderId,
    },
    /// Every order of the account was to be cancelled.
    CancelAll {
        /// Where.
        venue: VenueId,
    },
}

impl From<&Command> for CommandRecord {
    fn from(command: &Command) -> Self {
        match command {
            Command::Place(order) => Self::Place(*order.get()),
            Command::Cancel { order, market, venue_order } => {
                Self::Cancel { order: *order, market: *market, venue_order: *venue_order }
            }
            Command::CancelAll { venue } => Self::CancelAll { venue: *venue },
        }
    }
}

/// What one step decided: its outputs, and every order that it added or changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    /// Instructions to the venues, in order.
    pub commands: Vec<CommandRecord>,
    /// What happened, in order.
    pub audit: Vec<Audit>,
    /// Open orders that the step added or changed, as they stand after it, ascending by id.
    pub orders: Vec<OrderRecord>,
    /// The fingerprint's counter, where the step moved it: a refused order moves it too.
    pub fingerprint: Option<u64>,
}

impl Decisions {
    /// Whether the step decided nothing.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
            && self.audit.is_empty()
            && self.orders.is_empty()
            && self.fingerprint.is_none()
    }

    fn order(&self, id: OrderId) -> Option<&OrderRecord> {
        let closed = self.audit.iter().find_map(|audit| match audit {
            Audit::Closed(record) if record.id == id => Some(record),
            _ => None,
        });
        self.orders.iter().find(|record| record.id == id).or(closed)
    }
}

/// Notices what each step changes in the open orders, for a journal.
#[derive(Clone, Debug, Default)]
pub struct OrderWatch {
    seen: Vec<OrderRecord>,
    fingerprint: u64,
}

impl OrderWatch {
    /// Starts from the engine as it is.
    pub fn new(engine: &Engine) -> Self {
        Self { seen: engine.open_orders().to_vec(), fingerprint: engine.fingerprint().counter() }
    }

    /// What the step just made decided.
    pub fn decisions(&mut self, engine: &Engine, out: &Outputs) -> Decisions {
        let (open, fingerprint) = (engine.open_orders(), engine.fingerprint().counter());
        let mut orders = Vec::new();
        if self.seen != open {
            let known = |record: &OrderRecord| {
                let at = self.seen.binary_search_by_key(&record.id, |seen| seen.id).ok();
                at.and_then(|at| self.seen.get(at)) == Some(record)
            };
            orders.extend(open.iter().filter(|record| !known(record)).copied());
            self.seen.clear();
            self.seen.extend_from_slice(open);
        }
        let moved = std::mem::replace(&mut self.fingerprint, fingerprint) != fingerprint;
        Decisions {
            commands: out.commands.iter().map(CommandRecord::from).collect(),
            audit: out.audit.clone(),
            orders,
            fingerprint: moved.then_some(fingerprint),
        }
    }
}

impl Engine {
    /// Takes in a recorded start: what [`start`](Self::start) did, with the decisions of then.
    pub fn recover_start(&mut self, now: Timestamp, decisions: &Decisions) {
        self.begin(now);
        self.take_over(decisions);
    }

    /// Takes in a recorded event with the decisions of then. No strategy is called, nothing new is decided and no
    /// command results. Afterwards orders, ledger, windows and trading states are what they were; what strategies keep
    /// to themselves, their timers and desired sets are as before the call.
    pub fn recover(&mut self, event: &Event<'_>, decisions: &Decisions) {
        self.core.recovering = true;
        let silent: Vec<bool> =
            self.slots.iter_mut().map(|slot| std::mem::replace(&mut slot.silent, true)).collect();
        self.core.advance_time(event.time);
        self.apply(&event.kind);
        for (slot, silent) in self.slots.iter_mut().zip(silent) {
            slot.silent = silent;
        }
        self.core.recovering = false;
        self.take_over(decisions);
    }

    fn take_over(&mut self, decisions: &Decisions) {
        let core = &mut self.core;
        for audit in &decisions.audit {
            match audit {
                Audit::Closed(record) => core.take_over_closed(record),
                // A trip by the event has happened already; one by a strategy has not.
                Audit::State { strategy, state, reason, .. } if *state != TradingState::Active => {
                    let monitor = match strategy {
                        Some(strategy) => core.monitors.get_mut(strategy.index()),
                        None => Some(&mut core.account),
                    };
                    if let Some(monitor) = monitor {
                        monitor.trip(*state, *reason);
                    }
                }
                _ => {}
            }
        }
        for record in &decisions.orders {
            core.take_over_open(record);
        }
        for command in &decisions.commands {
            match command {
                CommandRecord::Place(order) => {
                    if let Some(record) = decisions.order(order.id) {
                        core.count_approved(record);
                    }
                }
                CommandRecord::Cancel { order, .. } => {
                    let owner = core.orders.get(*order).or_else(|| core.orders.get_closed(*order));
                    if let Some(strategy) = owner.map(|record| record.strategy) {
                        core.count_request(strategy);
                    }
                }
                CommandRecord::CancelAll { .. } => {}
            }
        }
        if let Some(counter) = decisions.fingerprint {
            core.fingerprint = Fingerprint::from_counter(counter);
        }
        core.out.clear();
        core.notices.clear();
        core.due_moved = false;
        core.look_for_due();
    }
}

impl crate::core::Core {
    fn take_over_open(&mut self, record: &OrderRecord) {
        let before = self.orders.get(record.id).map(OrderRecord::claim);
        if let Some(before) = before {
            self.orders.change(record.id, |known| *known = *record);
            self.move_claim(record, before, record.claim());
        } else {
            self.orders.take_over(record);
            self.move_claim(record, Claim::default(), record.claim());
        }
    }

    fn take_over_closed(&mut self, record: &OrderRecord) {
        if self.orders.get(record.id).is_some() {
            self.take_over_open(record);
        } else if self.orders.get_closed(record.id).is_none() {
            self.orders.take_over_closed(record);
        }
    }
}
