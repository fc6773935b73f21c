//! The recorder as the loop holds it: the first failure is kept until the next commit, which then fails.

use pampero_backtest::Witness;
use pampero_engine::{Audit, Engine, Event, Outputs};
use pampero_model::{Timestamp, VenueId};
use pampero_store::journal::Journal;

use crate::execution::Note;
use crate::recorder::{RecordError, Recorder};

/// Writes a session down, and counts what its evidence needs.
#[derive(Debug)]
pub struct Pen {
    recorder: Recorder,
    failed: Option<RecordError>,
    fills: u64,
    audit: Vec<Audit>,
    /// Whether something may have become old enough for the archive.
    archive_due: bool,
}

impl Pen {
    /// Takes over a recorder whose session has begun.
    pub const fn new(recorder: Recorder) -> Self {
        Self { recorder, failed: None, fills: 0, audit: Vec::new(), archive_due: true }
    }

    /// Own executions of this session.
    pub const fn fills(&self) -> u64 {
        self.fills
    }

    /// What happened in the engine since the last call.
    pub fn take_audit(&mut self) -> Vec<Audit> {
        std::mem::take(&mut self.audit)
    }

    /// Writes a fact of execution on a venue down.
    pub fn note(&mut self, at: Timestamp, venue: VenueId, note: &Note) {
        let written = self.recorder.note(at, venue, note);
        self.keep(written);
    }

    /// Writes down which change of the latch the engine is told of next: the two are committed together.
    pub fn latch_seen(&mut self, at: Timestamp, change: u64) {
        let written = self.recorder.latch_seen(at, change);
        self.keep(written);
    }

    /// Whether something waits for the disk.
    pub fn is_pending(&self) -> bool {
        self.failed.is_some() || self.recorder.is_pending()
    }

    /// Makes everything so far durable, and saves the engine's state from time to time.
    ///
    /// # Errors
    /// If anything since the last commit could not be written. Nothing may be sent then.
    pub fn commit(&mut self, engine: &Engine) -> Result<(), RecordError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.recorder.state_due() {
            self.recorder.save_state(engine)?;
            self.archive_due = true;
        }
        self.recorder.commit()
    }

    /// Archives some of what no restart needs, if there may be something. What cannot be archived stays where it is, and
    /// is tried again after the next saved state.
    pub fn archive(&mut self) {
        if !self.archive_due {
            return;
        }
        match self.recorder.archive_some() {
            Ok(moved) => self.archive_due = moved > 0,
            Err(error) => {
                self.archive_due = false;
                tracing::warn!(%error, "old records stay in the journal, which grows");
            }
        }
    }

    /// The journal, for facts and evidence.
    pub fn journal(&mut self) -> &mut Journal {
        self.recorder.journal()
    }

    /// Ends the session.
    ///
    /// # Errors
    /// If the end cannot be written. The next start takes it for a crash, and loses nothing.
    pub fn end(self, at: Timestamp, reason: &str, engine: &Engine) -> Result<Journal, RecordError> {
        self.recorder.end(at, reason, engine)
    }

    fn look(&mut self, out: &Outputs) {
        for audit in &out.audit {
            self.fills += u64::from(matches!(audit, Audit::Filled { .. }));
            self.audit.push(*audit);
        }
    }

    fn keep(&mut self, written: Result<(), RecordError>) {
        if let (Err(error), None) = (written, &self.failed) {
            self.failed = Some(error);
        }
    }
}

impl Witness for Pen {
    fn stepped(&mut self, event: &Event<'_>, engine: &Engine, out: &Outputs) {
        self.look(out);
        let written = self.recorder.stepped(event, engine, out);
        self.keep(written);
    }

    fn started(&mut self, now: Timestamp, engine: &Engine, out: &Outputs) {
        self.look(out);
        let written = self.recorder.started(now, engine, out);
        self.keep(written);
    }
}
