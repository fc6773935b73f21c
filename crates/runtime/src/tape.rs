//! A session of the journal, step by step.

use std::iter::Peekable;

use pampero_engine::{Decisions, Event};
use pampero_model::Timestamp;
use pampero_store::journal::{Journal, JournalError, Record, Records, SessionId};
use thiserror::Error;

use crate::codec::{CodecError, Decoder, Entry, Kind};

/// A session that cannot be read.
#[derive(Debug, Error)]
pub enum TapeError {
    /// The journal cannot.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record is in a form that this build does not read.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// One step of a session.
#[derive(Debug)]
pub enum Step<'a> {
    /// The strategies were let begin.
    Started {
        /// Number of the record.
        seq: u64,
        /// When.
        time: Timestamp,
        /// What they decided.
        decisions: Decisions,
    },
    /// The engine took in an event.
    Event {
        /// Number of the record.
        seq: u64,
        /// The event.
        event: Event<'a>,
        /// What followed.
        decisions: Decisions,
    },
    /// A fact was noted.
    Note {
        /// Number of the record.
        seq: u64,
        /// When.
        time: Timestamp,
        /// The fact, in JSON.
        text: &'a str,
    },
}

/// Reads a session. Not an iterator, since each step borrows from it:
/// `while let Some(step) = tape.step()? { … }`.
pub struct Tape<'a> {
    records: Peekable<Records<'a>>,
    decoder: Decoder,
    current: Option<Record>,
}

impl<'a> Tape<'a> {
    /// Begins at a record: the first of the session, or the one at which a state was saved.
    pub fn new(journal: &'a Journal, session: SessionId, from: u64) -> Result<Self, TapeError> {
        let records = journal.records(session, from)?.peekable();
        Ok(Self { records, decoder: Decoder::default(), current: None })
    }

    /// The next step; none at the end.
    pub fn step(&mut self) -> Result<Option<Step<'_>>, TapeError> {
        let Some(record) = self.records.next().transpose()? else { return Ok(None) };
        let (seq, time) = (record.seq, record.time);
        let decisions = match Kind::of(record.kind) {
            Some(Kind::Event | Kind::Book) => self.following()?,
            _ => Decisions::default(),
        };
        let record = self.current.insert(record);
        Ok(Some(match self.decoder.entry(record)? {
            Entry::Started(decisions) => Step::Started { seq, time, decisions },
            Entry::Event(event) => Step::Event { seq, event, decisions },
            Entry::Note(text) => Step::Note { seq, time, text },
            Entry::Decisions(_) => {
                let problem = "decisions without the event they belong to".to_owned();
                return Err(CodecError::Malformed { seq, problem }.into());
            }
        }))
    }

    /// The decisions that stand behind an event, if any were made.
    fn following(&mut self) -> Result<Decisions, TapeError> {
        let is_decisions = |record: &Result<Record, JournalError>| {
            record.as_ref().is_ok_and(|record| record.kind == Kind::Decisions as u8)
        };
        let Some(record) = self.records.next_if(is_decisions).transpose()? else {
            return Ok(Decisions::default());
        };
        match self.decoder.entry(&record)? {
            Entry::Decisions(decisions) => Ok(decisions),
            _ => Ok(Decisions::default()),
        }
    }
}
