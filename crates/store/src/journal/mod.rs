//! The journal of paper and live trading: what entered and left the engine, in order, synced before anything acts on it.
//!
//! One SQLite file (WAL, `synchronous=FULL`) holds sessions, their records and checkpoints, evidence and facts. The
//! payloads are opaque here: who writes them knows what they mean.
//!
//! * **Group commit.** [`append`](Journal::append) buffers; [`commit`](Journal::commit) writes everything in one
//!   transaction, which is on the disk when it returns.
//! * **Nothing can go missing.** Each record carries eight bytes of BLAKE3 over itself and its predecessor's eight, and
//!   each session the number of its records and the last check. What was changed, dropped or put elsewhere in the
//!   middle is an error; what a crash cut off at the end was never acknowledged. Sessions with their ends,
//!   evidence, facts, and which saved states there are, are sealed with a check as well.
//! * **Any failed commit poisons the journal**: it takes nothing more, and the caller halts. A file of one MiB beside
//!   it is given up then, so that [`append_last`](Journal::append_last) can still write down that trading halted although
//!   the disk is full.
//! * **Bounded growth.** [`archive`](Journal::archive) moves records to Parquet files beside the journal; reading
//!   joins both.
//! * Files are for their owner alone (0600, in a directory of 0700); a symbolic link, a stranger's file or an open
//!   directory is refused.
//!
//! ```
//! use pampero_model::Timestamp;
//! use pampero_store::journal::{Journal, NewSession};
//!
//! let folder = tempfile::tempdir()?;
//! let mut journal = Journal::open(&folder.path().join("state/journal.db"))?;
//! let session = journal.begin_session(&NewSession { environment: "local".into(), ..NewSession::default() })?;
//! let seq = journal.append(1, Timestamp::from_secs(7), b"seen")?;
//! journal.commit()?;
//! let record = journal.records(session, seq)?.next().unwrap()?;
//! assert_eq!((record.kind, record.payload.as_slice()), (1, &b"seen"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod chain;
mod error;
mod files;
mod read;
mod schema;
mod seal;
#[cfg(test)]
mod tests;
mod wal;
mod write;

pub use archive::Archived;
pub use error::JournalError;
pub use read::Records;
pub use write::Journal;

use pampero_model::Timestamp;

/// The number of a session in its journal, from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of a session when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSession {
    /// Where it trades: `local`, `sandbox`, `production`.
    pub environment: String,
    /// How: `paper`, `live`.
    pub mode: String,
    /// The venue's account, as far as it may be written down; never a key.
    pub account: String,
    /// The strategies, in the order of their ids.
    pub strategies: String,
    /// The configuration as it was read, without secrets.
    pub config: String,
    /// Hash of all that decides what the engine does.
    pub config_hash: String,
    /// The build that wrote it.
    pub build: String,
    /// When it began.
    pub started_at: Timestamp,
}

/// A session of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// What was known when it began.
    pub about: NewSession,
    /// When it ended; none if it runs, or did not end by itself.
    pub ended_at: Option<Timestamp>,
    /// Why it ended.
    pub end_reason: Option<String>,
    /// How many records it has.
    pub records: u64,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the session, from zero, without gaps.
    pub seq: u64,
    /// When it was taken in.
    pub time: Timestamp,
    /// What it is; the writer's own numbering.
    pub kind: u8,
    /// Its content.
    pub payload: Vec<u8>,
}

/// A state from which reading can begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedState {
    /// The records from this one on come after it.
    pub seq: u64,
    /// Version of its form; the writer's own numbering.
    pub version: u32,
    /// The state.
    pub payload: Vec<u8>,
}

/// Something that was shown and may be asked for later, such as a day of paper trading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What was shown: `paper`, `rehearsal`.
    pub kind: String,
    /// Name of the strategy.
    pub strategy: String,
    /// Its version.
    pub version: String,
    /// Hash of its parameters.
    pub parameters: String,
    /// Where.
    pub environment: String,
    /// When.
    pub at: Timestamp,
    /// Particulars, in the form of who shows it.
    pub details: String,
}
