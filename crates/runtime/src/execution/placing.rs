//! From the queue to the exchange, once, and what the answer means.

use pampero_engine::Approved;
use pampero_exchange::{Error, Outcome, PlaceOutcome, VenueOrder};
use pampero_model::{Order, OrderId, RejectReason, Timestamp, UpdateKind, VenueOrderId};

use super::local::{LocalOrder, Stage};
use super::machine::{Asked, Canary, Execution};
use super::note::{Alarm, Note};
use super::reconcile::{Correction, fits};
use super::request::{Placement, Request};

/// An order that waits until its side of a book is free.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) order: Approved<Order>,
    pub(super) since: Timestamp,
}

impl Execution {
    pub(super) fn pump_queue(&mut self) {
        let mut at = 0;
        while let Some(waiting) = self.queue.get(at) {
            let order = *waiting.order.get();
            let late = self.now.since(waiting.since) >= self.settings.queue_wait;
            if late || self.closed_books.contains(&order.market) {
                self.queue.remove(at);
                self.update(order.id, UpdateKind::NotSent);
            } else if self.may_send(&order, at) {
                let waiting = self.queue.remove(at);
                self.send(waiting);
            } else {
                at += 1;
            }
        }
    }

    /// Whether an order may leave now: the account is known, and nothing on its side of the book is undecided.
    fn may_send(&self, order: &Order, position: usize) -> bool {
        if !self.rounds.started || self.halted || self.now < self.paused_until {
            return false;
        }
        let earlier = self.queue.iter().take(position).map(|waiting| waiting.order.get());
        let mut earlier = earlier.filter(|other| other.market == order.market && other.side == order.side);
        if earlier.next().is_some() {
            return false;
        }
        // Where no digits are spare, an order cannot be told from others: one at a time.
        let alone = self.local.market(order.market).is_none_or(|market| market.fingerprint_span == 0);
        let blocks = |own: &LocalOrder| {
            let undecided = own.stage == Stage::Submitting || own.stage.is_unknown();
            let ghost = own.stage == Stage::PresumedAbsent;
            let same_side = own.order.market == order.market && own.order.side == order.side;
            let same = same_side && own.order.price == order.price && own.order.size == order.size;
            (undecided && (same_side || alone)) || (ghost && (same || alone))
        };
        !self.local.orders.values().any(blocks)
    }

    fn send(&mut self, waiting: Waiting) {
        let order = *waiting.order.get();
        let Some(market) = self.local.market(order.market) else {
            return self.update(order.id, UpdateKind::NotSent);
        };
        let (market, quote) = (market.code.clone(), market.quote);
        let watermark = self.local.watermark.get(order.side.index()).copied().flatten();
        self.local.orders.insert(order.id, LocalOrder::new(order, self.now, watermark));
        self.rounds.remember_surplus(order.id);
        self.note(Note::Intent { order, time: self.now, watermark });
        let placement = Placement {
            order: waiting.order,
            market,
            quote,
            watermark,
            reference: Some(format!("pampero-{}", order.id)),
            approved_at: waiting.since,
        };
        self.ask(Request::Place(placement), Asked::Place(order.id));
    }

    pub(super) fn placed(&mut self, order: OrderId, outcome: PlaceOutcome) {
        let (word, detail) = match &outcome {
            Outcome::Acknowledged(view) => ("acknowledged", view.id.to_string()),
            Outcome::Rejected(error) => ("rejected", error.to_string()),
            Outcome::NotSent(error) => ("not_sent", error.to_string()),
            Outcome::Unknown(error) => ("unknown", error.to_string()),
        };
        self.note(Note::Placed { order, outcome: word.to_owned(), detail });
        match outcome {
            Outcome::Acknowledged(view) => self.acknowledged(order, &view),
            Outcome::NotSent(_) => self.never_created(order, UpdateKind::NotSent),
            Outcome::Rejected(Error::RateLimited { .. }) => {
                // One complete look confirms it.
                self.set_stage(order, Stage::RefusedUnconfirmed);
                self.look_for_unknown();
            }
            Outcome::Rejected(error) => {
                self.never_created(order, UpdateKind::Rejected(error.reject_reason()));
                if error.is_authentication() {
                    self.alarm(Some(order), Alarm::Key, error.to_string());
                    self.halt(error.to_string());
                }
            }
            Outcome::Unknown(error) => {
                if error.is_alarm() {
                    self.alarm(Some(order), Alarm::StrangeAnswer, error.to_string());
                }
                self.became_unknown(order);
            }
        }
    }

    fn acknowledged(&mut self, order: OrderId, view: &VenueOrder) {
        let key = (view.side, view.id);
        let own = self.local.orders.get(&order).copied();
        let believed =
            own.is_some_and(|own| fits(&self.local, &own, view)) && !self.local.owners.contains_key(&key);
        if !believed {
            let text =
                format!("the exchange acknowledged order {} with something else: id {}", order, view.id);
            self.alarm(Some(order), Alarm::StrangeAnswer, text);
            return self.became_unknown(order);
        }
        self.correct(&Correction::Adopt { order, key, late: false });
        self.rounds.hurry(self.now.plus(self.settings.poll_first));
    }

    /// Nothing was created, and nothing that appears later is believed to be it.
    fn never_created(&mut self, order: OrderId, kind: UpdateKind) {
        if let Some(own) = self.local.orders.get_mut(&order) {
            own.stage = Stage::Closed;
            own.watermark = Some(VenueOrderId(u64::MAX));
        }
        self.update(order, kind);
    }

    fn became_unknown(&mut self, order: OrderId) {
        self.set_stage(order, Stage::Unknown);
        match self.canary {
            Some(Canary::ErrorIsFailure) => {
                return self.never_created(order, UpdateKind::Rejected(RejectReason::Other));
            }
            Some(Canary::ForgottenReservation) => self.update(order, UpdateKind::NotSent),
            _ => self.update(order, UpdateKind::Unknown),
        }
        self.look_for_unknown();
    }

    fn look_for_unknown(&mut self) {
        self.rounds.polls = 0;
        self.rounds.hurry_full(self.now.plus(self.settings.poll_first));
    }

    pub(super) fn set_stage(&mut self, order: OrderId, stage: Stage) {
        if let Some(own) = self.local.orders.get_mut(&order) {
            own.stage = stage;
        }
    }
}
