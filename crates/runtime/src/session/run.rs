//! The loop of a session.

use std::time::Duration;

use pampero_engine::{Audit, Control, Engine, EventKind, OrderRecord, OrderState};
use pampero_model::{OrderId, Span, Timestamp, VenueId};
use pampero_store::journal::Journal;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use super::{Inbox, Input, Operator, Pen, StopMode};
use crate::execution::{Answer, Note, Request, RequestId};
use crate::feed::News;
use crate::kill_point::{KillPoint, reach, reach_if};
use crate::recorder::RecordError;

/// A request that may leave once the journal is synced.
#[derive(Debug)]
pub struct Outgoing {
    /// To which exchange.
    pub venue: VenueId,
    /// Names it in the answer.
    pub id: RequestId,
    /// What to ask for.
    pub request: Request,
}

/// What a session's two kinds, paper and live, have in common.
pub trait Mode {
    /// Lets the strategies begin.
    fn start(&mut self, now: Timestamp);
    /// Takes in something learned of a market.
    fn news(&mut self, now: Timestamp, news: &News);
    /// Takes in an answer to a request of ours. On paper there are none.
    fn answer(&mut self, _now: Timestamp, _venue: VenueId, _id: RequestId, _answer: Answer) {}
    /// Tells the engine something.
    fn tell(&mut self, now: Timestamp, kind: EventKind<'_>);
    /// Opens what a person's look was needed for.
    fn resume(&mut self, _now: Timestamp) {}
    /// Does what is due.
    fn wake(&mut self, now: Timestamp);
    /// When something is due.
    fn next_due(&self) -> Timestamp;
    /// The engine.
    fn engine(&self) -> &Engine;
    /// What the session is written with.
    fn pen(&mut self) -> &mut Pen;
    /// Makes everything so far durable.
    fn commit(&mut self) -> Result<(), RecordError>;
    /// Requests that wait for the journal.
    fn take_requests(&mut self) -> Vec<Outgoing>;
    /// Shows both at once.
    fn turned(&mut self, look: &mut dyn FnMut(&Engine, &mut Pen));
    /// What execution noted since, at which venue.
    fn take_notes(&mut self) -> Vec<(VenueId, Note)> {
        Vec::new()
    }
    /// Ends the session in the journal, which is given back.
    ///
    /// # Errors
    /// If the end cannot be written. The next start takes it for a crash, and loses nothing.
    fn end(self: Box<Self>, at: Timestamp, reason: &str) -> Result<Journal, RecordError>;
    /// Whether nothing is on its way by itself.
    fn is_idle(&self) -> bool;
    /// When an order of unknown fate is given up at the latest.
    fn given_up_at(&self, _: OrderId) -> Option<Timestamp> {
        None
    }
    /// Whether the account was compared and agrees.
    fn has_started(&self) -> bool {
        true
    }
}

/// An order that was sent, and of which nobody knows whether it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// Our id.
    pub order: OrderId,
    /// When it is given up at the latest, as long as the exchange can be read.
    pub until: Timestamp,
}

/// The session after a turn of the loop.
pub struct Turned<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// The journal.
    pub pen: &'a mut Pen,
    /// The orders of unknown fate.
    pub undecided: &'a [Undecided],
    /// When.
    pub now: Timestamp,
}

/// What the loop calls on its way. Each must return at once.
pub struct SessionHooks<'a> {
    /// The time, which never runs back.
    pub clock: &'a dyn Fn() -> Timestamp,
    /// Carries a request out; the answer comes back through the inbox.
    pub send: &'a mut dyn FnMut(Outgoing),
    /// After each turn: heartbeat, metrics, what others look at; and evidence, into the journal.
    pub turn: &'a mut dyn FnMut(Turned<'_>),
    /// For each note of execution at a venue.
    pub note: &'a mut dyn FnMut(VenueId, &Note),
    /// After each commit: how long it took.
    pub committed: &'a mut dyn FnMut(Duration),
    /// For everything that happened in the engine.
    pub audit: &'a mut dyn FnMut(&Engine, &Audit),
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Orders that are still open at the venue, as far as known.
    pub open: Vec<OrderRecord>,
    /// Whether it stopped in order and nothing is left.
    pub clean: bool,
}

/// Why a session cannot go on.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The journal cannot be written: nothing may be sent any more.
    #[error("the journal cannot be written, so nothing more is sent: {0}")]
    Journal(#[from] RecordError),
    /// Everything that could speak to the session is gone.
    #[error("the sources of the session have ended")]
    Silent,
}

/// How long what was only observed may wait for the disk.
const COMMIT_EVERY: Duration = Duration::from_millis(500);
/// The loop goes round at least so often.
const LONGEST_NAP: Duration = Duration::from_millis(500);

/// How a session stops.
#[derive(Clone, Copy, Debug)]
pub struct StopSettings {
    /// How long an orderly stop may take.
    pub deadline: Span,
    /// Whether positions are sold.
    pub flatten: bool,
}

/// Runs a session until it is stopped.
///
/// # Errors
/// [`SessionError`]; what was journaled is safe, and the next start finds what became of the rest.
pub async fn run(
    mode: &mut dyn Mode,
    mut inbox: Inbox,
    stop: StopSettings,
    mut hooks: SessionHooks<'_>,
) -> Result<Ended, SessionError> {
    let mut stopping: Option<Timestamp> = None;
    let mut committed = Instant::now();
    // What a person ordered is safe before anybody is told that it is done.
    let mut ordered = false;
    mode.start((hooks.clock)());
    loop {
        let due = ordered || committed.elapsed() >= COMMIT_EVERY;
        let urgent = turn(mode, &mut hooks, due)?;
        ordered = false;
        if urgent {
            committed = Instant::now();
        }
        let now = (hooks.clock)();
        if let Some(deadline) = stopping {
            let clean = mode.engine().open_orders().is_empty() && mode.is_idle();
            if clean || now >= deadline {
                let open = mode.engine().open_orders().to_vec();
                return Ok(Ended { clean: open.is_empty(), open });
            }
        }
        match timeout_at(Instant::now() + nap(mode.next_due(), now), inbox.0.recv()).await {
            Err(_) => {}
            Ok(None) => {
                mode.commit()?;
                return Err(SessionError::Silent);
            }
            Ok(Some(Input::Stop(StopMode::Now))) => {
                let open = mode.engine().open_orders().to_vec();
                mode.commit()?;
                return Ok(Ended { clean: false, open });
            }
            Ok(Some(Input::Stop(StopMode::Orderly))) => {
                let now = (hooks.clock)();
                if stopping.replace(now.plus(stop.deadline)).is_none() {
                    mode.tell(now, EventKind::Control(Control::WindDown));
                    if stop.flatten {
                        mode.tell(now, EventKind::Control(Control::Flatten(None)));
                    }
                }
            }
            Ok(Some(input)) => {
                ordered = matches!(input, Input::Operator { .. });
                take_in(mode, (hooks.clock)(), input);
            }
        }
        mode.wake((hooks.clock)());
    }
}

fn take_in(mode: &mut dyn Mode, now: Timestamp, input: Input) {
    match input {
        Input::News(news) => mode.news(now, &news),
        Input::Answer { venue, id, answer } => mode.answer(now, venue, id, answer),
        Input::Operator { operator, change } => {
            mode.pen().latch_seen(now, change);
            let control = match operator {
                Operator::Reduce => Control::ReduceOnly(None),
                Operator::Halt => Control::Halt(None),
                Operator::Resume => {
                    mode.resume(now);
                    Control::Resume(None)
                }
                Operator::Flatten => Control::Flatten(None),
            };
            mode.tell(now, EventKind::Control(control));
        }
        Input::ClockSkew(skew) => mode.tell(now, EventKind::ClockSkew(skew)),
        Input::Stop(_) => {}
    }
}

/// Writes down what happened, lets out what waited for that, and tells the others. Gives whether the disk was synced.
fn turn(mode: &mut dyn Mode, hooks: &mut SessionHooks<'_>, due: bool) -> Result<bool, SessionError> {
    let requests = mode.take_requests();
    let notes = mode.take_notes();
    let sync = due || !requests.is_empty() || !notes.is_empty();
    if sync {
        let places = requests.iter().any(|outgoing| matches!(outgoing.request, Request::Place(_)));
        let answered = notes.iter().any(|(_, note)| matches!(note, Note::Placed { .. }));
        reach_if(places, KillPoint::BeforeIntent);
        reach_if(answered, KillPoint::BeforeAnswer);
        reach(KillPoint::BeforeCommit);
        // On failure the requests are dropped here, unsent.
        let began = Instant::now();
        mode.commit()?;
        (hooks.committed)(began.elapsed());
        reach(KillPoint::AfterCommit);
        reach_if(answered, KillPoint::AfterAnswer);
        reach_if(places, KillPoint::AfterIntent);
    }
    for request in requests {
        (hooks.send)(request);
    }
    for (venue, note) in &notes {
        (hooks.note)(*venue, note);
    }
    for audit in mode.pen().take_audit() {
        (hooks.audit)(mode.engine(), &audit);
    }
    let now = (hooks.clock)();
    let undecided = undecided(mode);
    mode.turned(&mut |engine, pen| (hooks.turn)(Turned { engine, pen, undecided: &undecided, now }));
    // Last, as it takes longest and nobody waits for it.
    mode.pen().archive();
    Ok(sync)
}

/// The orders of unknown fate.
fn undecided(mode: &dyn Mode) -> Vec<Undecided> {
    let unknown =
        |order: &&OrderRecord| matches!(order.state, OrderState::Unknown | OrderState::PresumedAbsent);
    let orders = mode.engine().open_orders().iter().filter(unknown);
    orders
        .filter_map(|order| Some(Undecided { order: order.id, until: mode.given_up_at(order.id)? }))
        .collect()
}

fn nap(due: Timestamp, now: Timestamp) -> Duration {
    let wait = due.since(now).as_nanos();
    u64::try_from(wait).map_or(Duration::ZERO, Duration::from_nanos).min(LONGEST_NAP)
}
