//! The state machine of one venue account: commands and answers in, requests, events and notes out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pampero_engine::{Approved, Command, Control, CountedFills, EventKind, OrderState, TradingState};
use pampero_exchange::{Error, Outcome, PlaceOutcome, VenueOrder};
use pampero_model::{
    MarketId, Markets, Money, Order, OrderId, OrderUpdate, RejectReason, Side, Span, Timestamp, UpdateKind,
    VenueId, VenueOrderId, VenueStatus,
};

use super::local::{Attribution, Local, LocalOrder, Stage};
use super::note::{Alarm, CarriedOrder, CarriedOver, Effect, Note};
use super::reconcile::{Correction, Key, fits};
use super::request::{Answer, Placement, Request, RequestId};
use super::rounds::Rounds;
use super::settings::Settings;

/// Bugs that the simulation plants, to see that it finds them. Never reachable from a configuration.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Canary {
    /// An unknown outcome is taken as a refusal.
    ErrorIsFailure,
    /// An order is given up long before the exchange is done with it.
    ShortQuarantine,
    /// A read that failed is taken as empty.
    FailedReadIsEmpty,
    /// A cancellation that was accepted is taken as done.
    AcceptedIsCancelled,
    /// The funds of an order with an unknown outcome are freed.
    ForgottenReservation,
}

/// An order that waits until its side of a book is free.
#[derive(Debug)]
struct Waiting {
    order: Approved<Order>,
    since: Timestamp,
}

/// A cancellation under way: repeated until a read says how it ended.
#[derive(Clone, Copy, Debug)]
struct CancelTask {
    tries: u32,
    due: Timestamp,
    in_flight: bool,
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

/// What a request was for.
#[derive(Clone, Debug)]
enum Asked {
    Place(OrderId),
    Cancel(Key),
    CancelAll,
    Read,
}

/// Execution on one venue account. See the [module's documentation](super).
#[derive(Debug)]
pub struct Execution {
    pub(super) venue: VenueId,
    pub(super) settings: Settings,
    pub(super) local: Local,
    pub(super) now: Timestamp,
    pub(super) rounds: Rounds,
    pub(super) canary: Option<Canary>,
    effects: VecDeque<Effect>,
    next_request: u64,
    asked: BTreeMap<RequestId, Asked>,
    queue: Vec<Waiting>,
    cancels: BTreeMap<Key, CancelTask>,
    cancel_all: Option<CancelTask>,
    /// Books on which the exchange did something that a person must look at.
    closed_books: BTreeSet<MarketId>,
    halted: bool,
    pub(super) paused_until: Timestamp,
    alarmed: BTreeSet<(Option<OrderId>, Alarm)>,
}

impl Execution {
    /// Execution for a venue of the engine's markets, with what earlier sessions left. Call
    /// [`wake`](Self::wake) next; nothing is placed until the account was compared and agrees.
    pub fn new(
        now: Timestamp,
        venue: VenueId,
        markets: &Markets,
        mut settings: Settings,
        carried: CarriedOver,
    ) -> Self {
        // What a read shows must be remembered whole.
        let most = u32::try_from(CountedFills::MOST / 2).unwrap_or(u32::MAX);
        settings.fills_most = settings.fills_most.min(most);
        let name = markets.venue_name(venue).unwrap_or_default();
        let mut local = Local::new(markets, name, settings.quarantine);
        local.fills = carried.fills;
        for money in &carried.ledger {
            local.book(money.currency, money.units);
        }
        let rounds = Rounds::new(now, carried.first, carried.movements);
        let mut execution = Self {
            venue,
            settings,
            local,
            now,
            rounds,
            canary: None,
            effects: VecDeque::new(),
            next_request: 0,
            asked: BTreeMap::new(),
            queue: Vec::new(),
            cancels: BTreeMap::new(),
            cancel_all: None,
            closed_books: BTreeSet::new(),
            halted: false,
            paused_until: Timestamp::MIN,
            alarmed: BTreeSet::new(),
        };
        for order in &carried.orders {
            execution.take_over(order);
        }
        execution
    }

    /// Plants a bug.
    #[doc(hidden)]
    pub const fn plant(&mut self, canary: Option<Canary>) {
        self.canary = canary;
    }

    /// The next thing to do. Everything is to be taken out, in order, after each call.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// What is known of the account.
    pub const fn local(&self) -> &Local {
        &self.local
    }

    /// Whether the account was compared after the start and agrees: before, nothing is placed.
    pub const fn has_started(&self) -> bool {
        self.rounds.started
    }

    /// Whether nothing is placed until [`resume`](Self::resume).
    pub const fn is_halted(&self) -> bool {
        self.halted
    }

    /// Orders that were approved and have not left yet.
    pub fn waiting(&self) -> impl Iterator<Item = OrderId> {
        self.queue.iter().map(|waiting| waiting.order.get().id)
    }

    /// When an order of unknown fate is given up at the latest, as long as the exchange can be read.
    pub fn given_up_at(&self, order: OrderId) -> Option<Timestamp> {
        let own = self.local.orders.get(&order)?;
        let undecided = own.stage.is_unknown() || own.stage == Stage::PresumedAbsent;
        undecided.then(|| own.sent_at.plus(self.settings.ghost_horizon))
    }

    /// Carries on after a halt or on a closed book: a person has looked.
    pub fn resume(&mut self, now: Timestamp) {
        self.advance(now);
        self.halted = false;
        self.closed_books.clear();
        self.alarmed.clear();
        self.rounds.forgive();
        self.pump();
    }

    /// Drops an order that has not left yet, for the caller who sees that it is no longer wanted.
    pub fn drop_unsent(&mut self, now: Timestamp, order: OrderId) {
        self.advance(now);
        if let Some(position) = self.queue.iter().position(|waiting| waiting.order.get().id == order) {
            self.queue.remove(position);
            self.update(order, UpdateKind::NotSent);
        }
    }

    /// Takes a command of the engine.
    pub fn command(&mut self, now: Timestamp, command: Command) {
        self.advance(now);
        match command {
            Command::Place(order) => self.queue.push(Waiting { order, since: now }),
            Command::Cancel { order, venue_order, .. } => {
                if let Some(side) = self.local.orders.get(&order).map(|own| own.order.side) {
                    self.want_cancel((side, venue_order));
                }
            }
            Command::CancelAll { .. } => self.cancel_everything(),
        }
        self.pump();
    }

    /// Does what is due. Call it at [`next_due`](Self::next_due), or at any time.
    pub fn wake(&mut self, now: Timestamp) {
        self.advance(now);
        self.pump();
    }

    /// When [`wake`](Self::wake) is to be called at the latest.
    pub fn next_due(&self) -> Timestamp {
        let queue = self.queue.iter().map(|waiting| waiting.since.plus(self.settings.queue_wait));
        let tasks = self.cancels.values().chain(self.cancel_all.as_ref());
        let tasks = tasks.filter(|task| !task.in_flight).map(|task| task.due);
        queue.chain(tasks).fold(self.rounds.next_due(), Timestamp::min)
    }

    /// Takes the answer to a request.
    pub fn answer(&mut self, now: Timestamp, id: RequestId, answer: Answer) {
        self.advance(now);
        let Some(asked) = self.asked.remove(&id) else { return };
        if let Some(Error::RateLimited { retry_after }) = answer.error() {
            let wait = retry_after.and_then(|wait| i64::try_from(wait.as_nanos()).ok()).map(Span::from_nanos);
            let wait = wait.unwrap_or(Span::ZERO).max(self.settings.rate_pause);
            self.paused_until = self.paused_until.max(self.now.plus(wait));
            self.rounds.hurry_full(self.now.plus(self.settings.poll_first));
        }
        match (asked, answer) {
            (Asked::Place(order), Answer::Placed(outcome)) => self.placed(order, outcome),
            (Asked::Cancel(key), Answer::Cancelled(result)) => self.cancel_answered(key, result),
            (Asked::CancelAll, Answer::Cancelled(result)) => self.all_cancel_answered(&result),
            (Asked::Read, answer) => self.read_answered(answer),
            // An answer of another kind is the caller's mistake and says nothing.
            _ => {}
        }
        self.pump();
    }

    // Small tools.

    fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    pub(super) fn note(&mut self, note: Note) {
        self.effects.push_back(Effect::Note(note));
    }

    pub(super) fn event(&mut self, kind: EventKind<'static>) {
        self.effects.push_back(Effect::Event(kind));
    }

    pub(super) fn update(&mut self, order: OrderId, kind: UpdateKind) {
        self.event(EventKind::Order(OrderUpdate { order, time: self.now, kind }));
    }

    /// Books money outside the strategies' allocations, here and in the engine.
    pub(super) fn transfer(&mut self, money: Money) {
        if money.units != 0 {
            self.event(EventKind::Transfer { venue: self.venue, money });
        }
    }

    /// Raises an alarm, once until a person resumes.
    pub(super) fn alarm(&mut self, order: Option<OrderId>, code: Alarm, text: impl Into<String>) {
        if self.alarmed.insert((order, code)) {
            self.note(Note::Alarm { order, code, text: text.into() });
        }
    }

    /// Nothing is placed until a person resumes.
    pub(super) fn halt(&mut self, reason: String) {
        if !self.halted {
            self.halted = true;
            self.note(Note::Stopped { state: TradingState::Halted, reason });
            self.event(EventKind::Control(Control::Halt(None)));
        }
    }

    /// Nothing that makes a position larger is placed until a person resumes.
    pub(super) fn reduce(&mut self, reason: String) {
        self.note(Note::Stopped { state: TradingState::ReduceOnly, reason });
        self.event(EventKind::Control(Control::ReduceOnly(None)));
    }

    pub(super) fn ask_read(&mut self, request: Request) {
        self.ask(request, Asked::Read);
    }

    fn ask(&mut self, request: Request, asked: Asked) {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        self.asked.insert(id, asked);
        self.effects.push_back(Effect::Request { id, request });
    }

    /// 1, 2, 4, 8 … s, and no longer than the longest.
    pub(super) fn backoff(&self, tries: u32) -> Span {
        let factor = 1_i64.checked_shl(tries.min(30)).unwrap_or(i64::MAX);
        let wait = self.settings.poll_first.as_nanos().saturating_mul(factor);
        Span::from_nanos(wait.min(self.settings.poll_longest.as_nanos()))
    }

    pub(super) fn pump(&mut self) {
        self.pump_queue();
        self.pump_cancels();
        self.pump_rounds();
    }

    // Starting.

    fn take_over(&mut self, carried: &CarriedOrder) {
        let CarriedOrder { record, sent_at, watermark } = *carried;
        let order = Order {
            id: record.id,
            market: record.market,
            side: record.side,
            price: record.sent_price,
            size: record.size,
        };
        if record.state == OrderState::Held {
            return;
        }
        let Some(sent_at) = sent_at else {
            // No intent was written, and none is sent before it is written.
            return self.update(order.id, UpdateKind::NotSent);
        };
        // Of a clock that ran back counts the later bound.
        let mut own = LocalOrder::new(order, sent_at.min(self.now), watermark);
        own.filled_base = record.filled_base;
        own.filled_quote = record.filled_quote;
        own.venue = record.venue_order;
        own.was_live = matches!(record.state, OrderState::Live);
        (own.status, own.remaining) = match record.state {
            OrderState::Completed => (Some(VenueStatus::Completed), record.remaining()),
            OrderState::Cancelled => (Some(VenueStatus::Cancelled), record.remaining()),
            _ => (None, record.size),
        };
        own.stage = match record.state {
            state if state.is_final() => Stage::Closed,
            OrderState::PresumedAbsent => Stage::PresumedAbsent,
            _ if record.venue_order.is_some() => Stage::Open,
            _ => Stage::Unknown,
        };
        if record.state == OrderState::Submitted {
            self.update(order.id, UpdateKind::Unknown);
        }
        self.local.orders.insert(order.id, own);
        if let Some(id) = record.venue_order {
            let key = (record.side, id);
            self.local.owners.insert(key, Attribution::Ours(order.id));
            self.local.see(key);
            if record.cancel_wanted && own.is_open() {
                self.want_cancel(key);
            }
        }
    }

    // Placing.

    fn pump_queue(&mut self) {
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

    fn placed(&mut self, order: OrderId, outcome: PlaceOutcome) {
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

    // Cancelling.

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
    fn cancel_everything(&mut self) {
        for waiting in std::mem::take(&mut self.queue) {
            self.update(waiting.order.get().id, UpdateKind::NotSent);
        }
        let ours: Vec<Key> =
            self.local.orders.values().filter(|own| own.stage == Stage::Open).filter_map(Self::key).collect();
        for key in ours {
            self.want_cancel(key);
        }
        let uncertain = self.local.orders.values().any(|own| own.is_open() && own.venue.is_none());
        if self.settings.foreign != super::ForeignPolicy::Ignore || uncertain {
            self.cancel_all = Some(CancelTask::at(self.now));
        }
    }

    fn key(own: &LocalOrder) -> Option<Key> {
        own.venue.map(|id| (own.order.side, id))
    }

    fn pump_cancels(&mut self) {
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

    fn cancel_answered(&mut self, key: Key, result: Result<(), Error>) {
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

    fn all_cancel_answered(&mut self, result: &Result<(), Error>) {
        let Some(task) = self.cancel_all else { return };
        let due = self.now.plus(self.backoff(task.tries));
        self.cancel_all = result.is_err().then_some(task.again(due, false));
        self.rounds.hurry_full(self.now.plus(self.settings.poll_first));
    }

    // Corrections.

    /// Makes a correction known, here and to the engine.
    pub(super) fn correct(&mut self, correction: &Correction) {
        if let Correction::Adopt { order, key, late } = correction
            && self.local.orders.get(order).is_some_and(|own| own.stage != Stage::Submitting)
        {
            self.note(Note::Adopted { order: *order, venue_order: key.1, late: *late });
        }
        self.local.apply(correction);
        match correction {
            Correction::Adopt { order, key, late } => {
                self.update(*order, UpdateKind::Acknowledged(key.1));
                if *late {
                    let text = format!("order {order} was given up and is there, as {} {}", key.0, key.1);
                    self.alarm(Some(*order), Alarm::LateGhost, text);
                    self.want_cancel(*key);
                }
            }
            Correction::Copy { order, key, .. } => self.found_copy(*order, *key),
            Correction::Foreign { key, view } => self.found_foreign(*key, view),
            Correction::Progress { order, status, .. } => {
                use pampero_model::VenueStatus::{Executing, ToCancel};
                match status {
                    Executing => self.update(*order, UpdateKind::Live),
                    ToCancel => self.update(*order, UpdateKind::CancelPending),
                    _ => {}
                }
            }
            Correction::Fill { fill, other_fee } => {
                self.update(fill.order, UpdateKind::Fill(*fill));
                self.check_fee(fill, *other_fee);
            }
            Correction::ForeignFill { fill } => {
                for money in super::reconcile::foreign_changes(&self.local, fill) {
                    self.transfer(money);
                }
                self.note(Note::ForeignFill {
                    side: fill.side,
                    fill: fill.id,
                    base: fill.base,
                    quote: fill.quote,
                    fee: fill.fee,
                });
            }
            Correction::Vanished { order } => {
                let text = format!("the exchange says that it does not know order {order}");
                self.alarm(Some(*order), Alarm::Vanished, text);
            }
            Correction::Close { order, cancelled } => {
                let kind = cancelled.map_or(UpdateKind::Completed, UpdateKind::Cancelled);
                self.update(*order, kind);
            }
        }
    }

    fn found_copy(&mut self, order: OrderId, key: Key) {
        self.note(Note::Duplicate { order, venue_order: key.1 });
        let text = format!("the exchange holds order {order} twice");
        self.alarm(Some(order), Alarm::Duplicate, text.clone());
        self.want_cancel(key);
        if let Some(own) = self.local.orders.get(&order) {
            self.closed_books.insert(own.order.market);
        }
        self.halt(text);
    }

    fn found_foreign(&mut self, key: Key, view: &VenueOrder) {
        if view.status.is_final() {
            return;
        }
        let (side, venue_order, market) = (key.0, key.1, view.market.clone());
        self.note(Note::Foreign { side, venue_order, market, price: view.price, size: view.size });
        match self.settings.foreign {
            super::ForeignPolicy::Ignore | super::ForeignPolicy::Adopt => {}
            super::ForeignPolicy::Cancel => self.want_cancel(key),
            super::ForeignPolicy::Halt => {
                let text = format!("{side} {venue_order} was not placed by this program");
                self.alarm(None, Alarm::Foreign, text.clone());
                self.halt(text);
            }
        }
    }

    /// The ledger takes the fee that was charged; what the configuration says is only compared.
    fn check_fee(&mut self, fill: &pampero_model::Fill, other_fee: Option<Money>) {
        let Some(own) = self.local.orders.get(&fill.order).copied() else { return };
        if own.filled_units() > own.order.size.units() {
            let text = format!("order {} executed more than its size", fill.order);
            self.alarm(Some(fill.order), Alarm::Overfilled, text.clone());
            self.reduce(text);
        }
        if let Some(fee) = other_fee {
            self.transfer(Money::new(fee.currency, fee.units.saturating_neg()));
            let text = format!("match {} charges its fee in {}", fill.id, fee.currency);
            self.alarm(Some(fill.order), Alarm::FeeCurrency, text);
            return;
        }
        let Some(market) = self.local.market(fill.market) else { return };
        let expected = |rate: pampero_model::Rate| match fill.side {
            Side::Buy => {
                rate.of_quantity(fill.base, pampero_model::Rounding::Down).map(|fee| i128::from(fee.units()))
            }
            Side::Sell => {
                rate.of_cash(fill.quote, pampero_model::Rounding::Down).map(pampero_model::Cash::units)
            }
        };
        let (maker, taker) = (expected(market.maker_fee), expected(market.taker_fee));
        if maker != Ok(fill.fee) && taker != Ok(fill.fee) {
            let expected = taker.unwrap_or_default();
            self.note(Note::FeeDiffers { order: fill.order, fill: fill.id, charged: fill.fee, expected });
        }
    }
}
