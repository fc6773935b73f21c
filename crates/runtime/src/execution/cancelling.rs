//! Cancellations: repeated until a read says how they ended.

use pampero_exchange::Error;
use pampero_model::{Span, Timestamp, UpdateKind};

use super::local::{Attribution, LocalOrder, Stage};
use super::machine::{Asked, Canary, Execution};
use super::note::{Alarm, Note};
use super::reconcile::{Correction, Key};
use super::request::Request;
use super::settings::ForeignPolicy;

/// A cancellation under way: repeated until a read says how it ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct CancelTask {
    tries: u32,
    pub(super) due: Timestamp,
    pub(super) in_flight: bool,
    /// The exchange took note of it at least once.
    accepted: bool,
}

impl CancelTask {
    const fn at(due: Timestamp) -> Self {
        Self { tries: 0, due, in_flight: false, accepted: false }
    }

    /// After an answer: again after a while.
    const fn again(self, due: Timestamp, accepted: bool) -> Self {
        let tries = self.tries.saturating_add(1);
        Self { tries, due, in_flight: false, accepted: self.accepted || accepted }
    }
}

impl Execution {
    pub(super) fn want_cancel(&mut self, key: Key) {
        if let Some(Attribution::Ours(order)) = self.local.owners.get(&key)
            && let Some(own) = self.local.orders.get_mut(order)
        {
            if own.stage == Stage::Closed {
                return;
            }
            own.cancel_asked = true;
        }
        self.cancels.entry(key).or_insert(CancelTask::at(self.now));
    }

    /// The kill switch's command: what waits is dropped, everything of ours is cancelled one by one, and the account as
    /// a whole unless others' orders are to be left alone.
    pub(super) fn cancel_everything(&mut self) {
        for waiting in std::mem::take(&mut self.queue) {
            self.update(waiting.order.get().id, UpdateKind::NotSent);
        }
        let ours: Vec<Key> =
            self.local.orders.values().filter(|own| own.stage == Stage::Open).filter_map(Self::key).collect();
        for key in ours {
            self.want_cancel(key);
        }
        let uncertain = self.local.orders.values().any(|own| own.is_open() && own.venue.is_none());
        if self.settings.foreign != ForeignPolicy::Ignore || uncertain {
            self.cancel_all = Some(CancelTask::at(self.now));
        }
    }

    fn key(own: &LocalOrder) -> Option<Key> {
        own.venue.map(|id| (own.order.side, id))
    }

    pub(super) fn pump_cancels(&mut self) {
        if let Some(task) = self.cancel_all.as_mut().filter(|task| !task.in_flight && task.due <= self.now) {
            task.in_flight = true;
            self.ask(Request::CancelAll { market: None }, Asked::CancelAll);
        }
        let local = &self.local;
        self.cancels.retain(|key, _| match local.owners.get(key) {
            Some(Attribution::Ours(order)) => local.orders.get(order).is_some_and(LocalOrder::is_open),
            Some(Attribution::Other { locks, .. }) => *locks > 0,
            None => false,
        });
        let due = self.cancels.iter().filter(|(_, task)| !task.in_flight && task.due <= self.now);
        let due: Vec<(Key, u32)> = due.map(|(key, task)| (*key, task.tries)).collect();
        for ((side, id), tries) in due {
            if let Some(task) = self.cancels.get_mut(&(side, id)) {
                task.in_flight = true;
            }
            let order = match self.local.owners.get(&(side, id)) {
                Some(Attribution::Ours(order)) => Some(*order),
                _ => None,
            };
            self.note(Note::CancelAsked { order, side, venue_order: id, tries });
            self.ask(Request::Cancel { side, id }, Asked::Cancel((side, id)));
        }
    }

    pub(super) fn cancel_answered(&mut self, key: Key, result: Result<(), Error>) {
        let error = result.as_ref().err().map(ToString::to_string);
        self.note(Note::CancelAnswered { side: key.0, venue_order: key.1, error });
        let before = self.cancels.get(&key).copied();
        if let Some(task) = before {
            // One that was accepted needs a read more than a repetition.
            let patience = if result.is_ok() { task.tries.saturating_add(2) } else { task.tries };
            let due = self.now.plus(self.backoff(patience));
            self.cancels.insert(key, task.again(due, result.is_ok()));
        }
        let order = match self.local.owners.get(&key) {
            Some(Attribution::Ours(order)) => Some(*order),
            _ => None,
        };
        match result {
            // An intention, no more: a read says how it ended.
            Ok(()) => {
                if let Some(order) = order {
                    if self.canary == Some(Canary::AcceptedIsCancelled) {
                        let cancelled = Some(pampero_model::CancelReason::Requested);
                        return self.correct(&Correction::Close { order, cancelled });
                    }
                    let open = self.local.orders.get(&order).is_some_and(LocalOrder::is_open);
                    if open && before.is_none_or(|task| !task.accepted) {
                        self.update(order, UpdateKind::CancelPending);
                    }
                }
            }
            Err(Error::NotFound(text)) => self.alarm(order, Alarm::Vanished, text),
            Err(error) if error.is_authentication() => self.alarm(order, Alarm::Key, error.to_string()),
            Err(_) => {}
        }
        // The exchange takes a quarter of a second or so.
        self.rounds.hurry(self.now.plus(Span::from_nanos(self.settings.poll_first.as_nanos() / 2)));
    }

    pub(super) fn all_cancel_answered(&mut self, result: &Result<(), Error>) {
        let Some(task) = self.cancel_all else { return };
        let due = self.now.plus(self.backoff(task.tries));
        self.cancel_all = result.is_err().then_some(task.again(due, false));
        self.rounds.hurry_full(self.now.plus(self.settings.poll_first));
    }
}
