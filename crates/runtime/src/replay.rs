//! Running a recorded session again, to prove that it leads to the same commands or to see where it does not.

use std::fmt::Write;

use pampero_engine::{Audit, CommandRecord, Decisions, Engine, Event, EventKind, OrderWatch, Outputs, Setup};
use pampero_model::Timestamp;
use pampero_store::journal::{Journal, SessionId};

use crate::codec;
use crate::recovery::{RecoveryError, snapshot};
use crate::tape::{Step, Tape};

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayReport {
    /// The session.
    pub session: SessionId,
    /// The build that recorded it.
    pub build: String,
    /// Events that led to the same decisions, starts among them.
    pub steps: u64,
    /// Commands that were the same, byte for byte.
    pub commands: u64,
    /// Where the two part; nothing behind it was compared.
    pub divergence: Option<Divergence>,
}

/// The first event at which the engine decides otherwise than it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Number of the event's record.
    pub seq: u64,
    /// When it was taken in.
    pub time: Timestamp,
    /// The event.
    pub event: String,
    /// What was decided then and is not now, one line each.
    pub expected: Vec<String>,
    /// What is decided now and was not then.
    pub got: Vec<String>,
}

/// Replays a session from its beginning with the strategies of `setup`, and compares everything that is decided.
pub fn replay(journal: &Journal, session: SessionId, setup: Setup) -> Result<ReplayReport, RecoveryError> {
    let about = journal.find_session(session)?;
    let state = journal.first_state(session, 0)?.filter(|state| state.seq == 0);
    let state = state.ok_or(RecoveryError::NoState(session))?;
    let checkpoint = snapshot(&about, &state)?.engine;
    let mut engine = Engine::new(setup)?;
    engine.restore(&checkpoint)?;
    let mut watch = OrderWatch::new(&engine);
    let mut out = Outputs::default();
    let mut report =
        ReplayReport { session, build: about.about.build, steps: 0, commands: 0, divergence: None };
    let mut tape = Tape::new(journal, session, 0)?;
    while let Some(step) = tape.step()? {
        out.clear();
        let (seq, time, event, expected) = match step {
            Step::Note { .. } => continue,
            Step::Started { seq, time, decisions } => {
                engine.start(time, &mut out);
                (seq, time, None, decisions)
            }
            Step::Event { seq, event, decisions } => {
                engine.step(&event, &mut out);
                (seq, event.time, Some(event), decisions)
            }
        };
        let got = watch.decisions(&engine, &out);
        if !same(&expected, &got)? {
            let event = event.as_ref().map_or_else(|| "the start".to_owned(), describe);
            let (expected, got) = difference(&expected, &got);
            report.divergence = Some(Divergence { seq, time, event, expected, got });
            break;
        }
        report.steps += 1;
        report.commands += u64::try_from(got.commands.len()).unwrap_or(0);
    }
    Ok(report)
}

/// Byte for byte.
fn same(left: &Decisions, right: &Decisions) -> Result<bool, RecoveryError> {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    codec::write(left, &mut first)?;
    codec::write(right, &mut second)?;
    Ok(first == second)
}

/// An event in a line.
pub(crate) fn describe(event: &Event<'_>) -> String {
    match event.kind {
        EventKind::Book { market, book } => {
            let best = |levels: &[pampero_model::Level]| {
                levels.first().map_or_else(|| "none".to_owned(), |level| level.price.to_string())
            };
            format!("book of market {}: bid {}, ask {}", market.0, best(book.bids), best(book.asks))
        }
        kind => format!("{kind:?}"),
    }
}

fn difference(expected: &Decisions, got: &Decisions) -> (Vec<String>, Vec<String>) {
    let (expected, got) = (lines(expected), lines(got));
    let only = |left: &[String], right: &[String]| {
        left.iter().filter(|line| !right.contains(line)).cloned().collect::<Vec<_>>()
    };
    let (missing, added) = (only(&expected, &got), only(&got, &expected));
    // The same lines in another order.
    if missing.is_empty() && added.is_empty() { (expected, got) } else { (missing, added) }
}

fn lines(decisions: &Decisions) -> Vec<String> {
    let mut lines: Vec<String> = decisions.commands.iter().map(command).collect();
    lines.extend(decisions.audit.iter().map(audit));
    lines.extend(decisions.orders.iter().map(|order| {
        let (id, state, side) = (order.id, order.state.name(), order.side);
        format!(
            "order {id}: {side} {} at {} {state}, {} filled",
            order.size, order.sent_price, order.filled_base
        )
    }));
    lines.extend(decisions.fingerprint.map(|counter| format!("fingerprint {counter}")));
    lines
}

/// A command in a line.
pub(crate) fn command(command: &CommandRecord) -> String {
    match command {
        CommandRecord::Place(order) => format!("place order {}: {order}", order.id),
        CommandRecord::Cancel { order, venue_order, .. } => format!("cancel order {order} ({venue_order})"),
        CommandRecord::CancelAll { .. } => "cancel all".to_owned(),
    }
}

fn audit(audit: &Audit) -> String {
    match audit {
        Audit::Denied { strategy, denied, .. } => format!("strategy {} denied: {denied}", strategy.0),
        Audit::Filled { fill, .. } => format!("order {} filled: {} at {}", fill.order, fill.base, fill.price),
        Audit::Closed(order) => format!("order {} {}", order.id, order.state.name()),
        Audit::State { strategy, state, reason, .. } => {
            let whose =
                strategy.map_or_else(|| "all".to_owned(), |strategy| format!("strategy {}", strategy.0));
            format!("{whose}: {} by {reason}", state.name())
        }
        Audit::ForeignFill(fill) => format!("fill {} of an order that is not ours", fill.id),
    }
}

impl ReplayReport {
    /// The report for a terminal.
    pub fn render(&self) -> String {
        let Self { session, build, steps, commands, divergence } = self;
        let mut text = format!(
            "session {session}, recorded by {build}\n{steps} steps and {commands} commands are the same\n"
        );
        let Some(Divergence { seq, time, event, expected, got }) = divergence else {
            text.push_str("the replay equals the recording, byte for byte\n");
            return text;
        };
        // Writing into a text does not fail.
        let _ = writeln!(text, "at record {seq}, {time}, the two part\n  event     {event}");
        for (word, lines) in [("then", expected), ("now", got)] {
            if lines.is_empty() {
                let _ = writeln!(text, "  {word:<9} nothing");
            }
            for line in lines {
                let _ = writeln!(text, "  {word:<9} {line}");
            }
        }
        text
    }
}
