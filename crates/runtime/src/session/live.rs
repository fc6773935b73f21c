//! Live trading: the engine, and one execution for each exchange account.

use pampero_backtest::Witness as _;
use pampero_engine::{Command, Engine, Event, EventKind, Outputs};
use pampero_model::{OrderId, Timestamp, VenueId};

use pampero_store::journal::Journal;

use super::pen::Pen;
use super::run::{Mode, Outgoing};
use crate::execution::{Answer, Effect, Execution, Note, RequestId};
use crate::feed::News;
use crate::kill_point::{KillPoint, reach};
use crate::recorder::RecordError;

/// The engine with its executions.
pub struct Live {
    engine: Engine,
    /// By venue, in the order of the engine's venues.
    executions: Vec<Execution>,
    pen: Pen,
    out: Outputs,
    outgoing: Vec<Outgoing>,
    in_flight: usize,
    notes: Vec<(VenueId, Note)>,
}

impl Live {
    /// Joins an engine, fresh or recovered, to its executions: one for each venue, in their order.
    pub fn new(engine: Engine, executions: Vec<Execution>, pen: Pen) -> Self {
        Self {
            engine,
            executions,
            pen,
            out: Outputs::default(),
            outgoing: Vec::new(),
            in_flight: 0,
            notes: Vec::new(),
        }
    }

    fn step(&mut self, now: Timestamp, kind: EventKind<'_>) {
        let event = Event { time: now, kind };
        self.engine.step(&event, &mut self.out);
        self.pen.stepped(&event, &self.engine, &self.out);
        self.hand_over(now);
    }

    /// Gives the engine's commands to the executions.
    fn hand_over(&mut self, now: Timestamp) {
        self.out.audit.clear();
        for command in self.out.commands.drain(..) {
            let venue = match &command {
                Command::Place(order) => self.engine.markets().venue_of(order.get().market),
                Command::Cancel { market, .. } => self.engine.markets().venue_of(*market),
                Command::CancelAll { venue } => Some(*venue),
            };
            let execution = venue.and_then(|venue| self.executions.get_mut(venue.index()));
            if let Some(execution) = execution {
                execution.command(now, command);
            }
        }
    }

    /// Takes out what the executions have to say until they have nothing more: notes to the journal, events to the
    /// engine, whose commands come back to them, and requests, which wait for the journal.
    fn settle(&mut self, now: Timestamp) {
        loop {
            while let Some((venue, effect)) = self.next_effect() {
                match effect {
                    Effect::Note(note) => {
                        self.pen.note(now, venue, &note);
                        self.notes.push((venue, note));
                    }
                    Effect::Event(kind) => self.step(now, kind),
                    Effect::Request { id, request } => self.outgoing.push(Outgoing { venue, id, request }),
                }
            }
            if !self.drop_unwanted(now) {
                return;
            }
        }
    }

    /// An order that has not left yet, and that nobody wants any more, never leaves. Gives whether there was one.
    fn drop_unwanted(&mut self, now: Timestamp) -> bool {
        let mut any = false;
        for execution in &mut self.executions {
            let unwanted = |id: &OrderId| {
                let open = self.engine.open_orders();
                let record =
                    open.binary_search_by_key(id, |record| record.id).ok().and_then(|at| open.get(at));
                record.is_none_or(|record| record.cancel_wanted)
            };
            let dropped: Vec<OrderId> = execution.waiting().filter(unwanted).collect();
            any |= !dropped.is_empty();
            for id in dropped {
                execution.drop_unsent(now, id);
            }
        }
        any
    }

    fn next_effect(&mut self) -> Option<(VenueId, Effect)> {
        (0..)
            .zip(&mut self.executions)
            .find_map(|(venue, execution)| Some((VenueId(venue), execution.next_effect()?)))
    }
}

impl Mode for Live {
    fn start(&mut self, now: Timestamp) {
        // Who made this object has seen to that.
        self.step(now, EventKind::EnvironmentConfirmed);
        self.engine.start(now, &mut self.out);
        self.pen.started(now, &self.engine, &self.out);
        self.hand_over(now);
        self.executions.iter_mut().for_each(|execution| execution.wake(now));
        self.settle(now);
    }

    fn news(&mut self, now: Timestamp, news: &News) {
        if let Some(kind) = news.event() {
            self.step(now, kind);
            self.settle(now);
        }
    }

    fn answer(&mut self, now: Timestamp, venue: VenueId, id: RequestId, answer: Answer) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if matches!(answer, Answer::ActiveOrders(_) | Answer::Fills(_)) {
            reach(KillPoint::MidReconcile);
        }
        if let Some(execution) = self.executions.get_mut(venue.index()) {
            execution.answer(now, id, answer);
            self.settle(now);
        }
    }

    fn tell(&mut self, now: Timestamp, kind: EventKind<'_>) {
        self.step(now, kind);
        self.settle(now);
    }

    fn resume(&mut self, now: Timestamp) {
        self.executions.iter_mut().for_each(|execution| execution.resume(now));
        self.settle(now);
    }

    fn wake(&mut self, now: Timestamp) {
        while self.engine.next_timer() <= now {
            let due = self.engine.next_timer();
            self.step(now, EventKind::Timer);
            if self.engine.next_timer() == due {
                break;
            }
        }
        self.executions
            .iter_mut()
            .filter(|execution| execution.next_due() <= now)
            .for_each(|execution| execution.wake(now));
        self.settle(now);
    }

    fn next_due(&self) -> Timestamp {
        let executions = self.executions.iter().map(Execution::next_due);
        executions.fold(self.engine.next_timer(), Timestamp::min)
    }

    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn pen(&mut self) -> &mut Pen {
        &mut self.pen
    }

    fn turned(&mut self, look: &mut dyn FnMut(&Engine, &mut Pen)) {
        look(&self.engine, &mut self.pen);
    }

    fn commit(&mut self) -> Result<(), RecordError> {
        self.pen.commit(&self.engine)
    }

    fn take_requests(&mut self) -> Vec<Outgoing> {
        self.in_flight += self.outgoing.len();
        std::mem::take(&mut self.outgoing)
    }

    fn take_notes(&mut self) -> Vec<(VenueId, Note)> {
        std::mem::take(&mut self.notes)
    }

    fn end(self: Box<Self>, at: Timestamp, reason: &str) -> Result<Journal, RecordError> {
        self.pen.end(at, reason, &self.engine)
    }

    fn given_up_at(&self, order: OrderId) -> Option<Timestamp> {
        self.executions.iter().find_map(|execution| execution.given_up_at(order))
    }

    fn is_idle(&self) -> bool {
        self.executions.iter().all(|execution| execution.waiting().next().is_none())
    }

    fn has_started(&self) -> bool {
        self.executions.iter().all(Execution::has_started)
    }
}
