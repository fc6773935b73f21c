//! Writes down what enters and leaves the engine: what the live loop holds of the journal.
//!
//! For each event: step the engine, give the outcome to [`Recorder::stepped`], the facts of execution to
//! [`Recorder::note`], then [`Recorder::commit`], and only then carry anything out.

use pampero_engine::{Engine, Event, OrderWatch, Outputs};
use pampero_model::{Timestamp, VenueId};
use pampero_store::journal::{Journal, JournalError, NewSession, SessionId};
use serde::Serialize;
use thiserror::Error;

use crate::codec::{CodecError, Encoder, Kind};
use crate::execution::Note;
use crate::kill_point::{KillPoint, reach};
use crate::memory::{FORMAT, LatchSeen, Memory, Noted, Snapshot};

/// Records between two saved states: what a restart has to go through.
const STATE_EVERY: u64 = 10_000;
/// Most records that are archived at once.
const ARCHIVE_MOST: usize = 20_000;

/// Something that cannot be written down. The caller halts: what is not journaled must not happen.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The journal refuses.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A value has no form.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Writes a session into a journal.
#[derive(Debug)]
pub struct Recorder {
    journal: Journal,
    session: SessionId,
    encoder: Encoder,
    watch: OrderWatch,
    memory: Memory,
    buffer: Vec<u8>,
    since_state: u64,
}

impl Recorder {
    /// Begins a session with an engine that has not started yet: freshly built, or recovered. `memory` is what
    /// [`recover`](crate::recovery::recover) brought from the sessions before.
    pub fn begin(
        mut journal: Journal,
        about: &NewSession,
        engine: &Engine,
        carried: Option<&crate::recovery::Recovered>,
    ) -> Result<Self, RecordError> {
        let session = journal.begin_session(about)?;
        let mut recorder = Self {
            journal,
            session,
            encoder: Encoder::default(),
            watch: OrderWatch::new(engine),
            memory: carried.map(|recovered| recovered.memory.clone()).unwrap_or_default(),
            buffer: Vec::new(),
            since_state: 0,
        };
        recorder.save_state(engine)?;
        recorder.commit()?;
        Ok(recorder)
    }

    /// The session that is written.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The journal, for facts and evidence.
    pub fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// The strategies were let begin, and this is what they decided.
    pub fn started(&mut self, now: Timestamp, engine: &Engine, out: &Outputs) -> Result<(), RecordError> {
        let decisions = self.watch.decisions(engine, out);
        self.encoder.decisions(&decisions, &mut self.buffer)?;
        self.append(Kind::Started, now)
    }

    /// The engine has taken in an event, and this is what followed.
    pub fn stepped(&mut self, event: &Event<'_>, engine: &Engine, out: &Outputs) -> Result<(), RecordError> {
        let kind = self.encoder.event(&event.kind, &mut self.buffer)?;
        self.append(kind, event.time)?;
        let decisions = self.watch.decisions(engine, out);
        if decisions.is_empty() {
            return Ok(());
        }
        self.encoder.decisions(&decisions, &mut self.buffer)?;
        self.append(Kind::Decisions, event.time)
    }

    /// A fact of execution on a venue.
    pub fn note(&mut self, at: Timestamp, venue: VenueId, note: &Note) -> Result<(), RecordError> {
        self.memory.note(venue, note);
        self.remark(at, &Noted { venue, note })
    }

    /// The engine is told of a change of the latch.
    pub fn latch_seen(&mut self, at: Timestamp, change: u64) -> Result<(), RecordError> {
        self.memory.latch = Some(change);
        self.remark(at, &LatchSeen { latch: change })
    }

    /// Any other fact.
    pub fn remark(&mut self, at: Timestamp, fact: &impl Serialize) -> Result<(), RecordError> {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, fact)
            .map_err(|error| CodecError::Encode(error.to_string()))?;
        self.append(Kind::Note, at)
    }

    fn append(&mut self, kind: Kind, at: Timestamp) -> Result<(), RecordError> {
        self.journal.append(kind as u8, at, &self.buffer)?;
        self.since_state += 1;
        Ok(())
    }

    /// Whether something waits for a commit.
    pub fn is_pending(&self) -> bool {
        self.journal.is_pending()
    }

    /// Makes everything so far durable. After an error nothing more is taken, and nothing may be sent.
    pub fn commit(&mut self) -> Result<(), RecordError> {
        Ok(self.journal.commit()?)
    }

    /// Whether it is time for [`save_state`](Self::save_state).
    pub fn state_due(&self) -> bool {
        self.since_state >= STATE_EVERY
    }

    /// Saves the engine's state, so that a restart need not go further back. Between two steps only.
    pub fn save_state(&mut self, engine: &Engine) -> Result<(), RecordError> {
        self.memory.prune(engine);
        let snapshot = Snapshot { engine: engine.checkpoint(), memory: self.memory.clone() };
        let bytes = snapshot.encode()?;
        self.journal.save_state(FORMAT, &bytes)?;
        reach(KillPoint::MidCheckpoint);
        // Whoever begins to read here knows no book.
        self.encoder.restart();
        if let Some(change) = self.memory.latch {
            self.latch_seen(engine.now(), change)?;
        }
        self.since_state = 0;
        Ok(())
    }

    /// Moves some of what no restart needs to Parquet files beside the journal: of every session before the last two,
    /// and of this one what stands before the last but one saved state. A tenth of a second or so, so that a session
    /// can do it between two turns. Gives the number of records moved; none if nothing is left to move.
    pub fn archive_some(&mut self) -> Result<u64, RecordError> {
        self.commit()?;
        let old = self.journal.sessions()?.into_iter().rev().skip(2).map(|session| (session.id, u64::MAX));
        let states = self.journal.states(self.session)?;
        let own = states.iter().rev().nth(1).map(|(before, _)| (self.session, *before));
        for (session, before) in old.rev().chain(own) {
            if let Some((records, _)) = self.journal.archive_some(session, before, ARCHIVE_MOST)? {
                reach(KillPoint::MidArchive);
                return Ok(records);
            }
        }
        Ok(0)
    }

    /// Writes a last fact at once, into the room kept aside if the disk is full; see [`Journal::append_last`].
    pub fn last_words(&mut self, at: Timestamp, fact: &impl Serialize) -> Result<(), RecordError> {
        let bytes = serde_json::to_vec(fact).map_err(|error| CodecError::Encode(error.to_string()))?;
        self.journal.append_last(Kind::Note as u8, at, &bytes)?;
        Ok(())
    }

    /// Ends the session in order: saves the state, commits, and gives the journal back.
    pub fn end(mut self, at: Timestamp, reason: &str, engine: &Engine) -> Result<Journal, RecordError> {
        self.save_state(engine)?;
        self.journal.end_session(at, reason)?;
        Ok(self.journal)
    }
}
