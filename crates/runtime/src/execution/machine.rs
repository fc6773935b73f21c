//! The state machine of one venue account: commands and answers in, requests, events and notes out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pampero_engine::{Command, Control, CountedFills, EventKind, TradingState};
use pampero_exchange::Error;
use pampero_model::{MarketId, Markets, Money, OrderId, OrderUpdate, Span, Timestamp, UpdateKind, VenueId};

use super::cancelling::CancelTask;
use super::local::{Local, Stage};
use super::note::{Alarm, CarriedOver, Effect, Note};
use super::placing::Waiting;
use super::reconcile::Key;
use super::request::{Answer, Request, RequestId};
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

/// What a request was for.
#[derive(Clone, Debug)]
pub(super) enum Asked {
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
    pub(super) queue: Vec<Waiting>,
    pub(super) cancels: BTreeMap<Key, CancelTask>,
    pub(super) cancel_all: Option<CancelTask>,
    /// Books on which the exchange did something that a person must look at.
    pub(super) closed_books: BTreeSet<MarketId>,
    pub(super) halted: bool,
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

    pub(super) fn ask(&mut self, request: Request, asked: Asked) {
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
}
