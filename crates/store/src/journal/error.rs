//! What can be wrong with a journal.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::SessionId;

/// A journal that cannot be opened, read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file system refused.
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A file or directory that others could read or change.
    #[error("{path}: {problem}", path = path.display())]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// SQLite refused.
    #[error("{path}: {action}: {source}", path = path.display())]
    Sqlite {
        /// The journal.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// A journal of a later version.
    #[error("{path}: journal of version {found}; this build reads up to {newest}: use a newer build", path = path.display())]
    Version {
        /// The journal.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version this build reads.
        newest: i64,
    },
    /// Records are not what was written. Nothing of it is used.
    #[error(
        "{path}: session {session}, record {seq}: {problem}. The journal is damaged: keep it, restore a backup, \
         and compare the account with the exchange before trading again",
        path = path.display()
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The session.
        session: SessionId,
        /// The first record that is wrong.
        seq: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The file itself is damaged.
    #[error("{path}: the file is damaged: {problem}. Keep it, and restore a backup", path = path.display())]
    DamagedFile {
        /// The journal or an archive of it.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// An earlier commit failed: nothing more is taken.
    #[error("the journal takes nothing more since a commit failed: {0}")]
    Poisoned(String),
    /// There is no session to write to.
    #[error("no session has begun")]
    NoSession,
    /// There is no such session.
    #[error("there is no session {0} in the journal")]
    UnknownSession(SessionId),
    /// A record beyond the largest size.
    #[error("a record of {0} bytes is larger than the journal takes")]
    TooLarge(usize),
    /// The session has as many records as can be numbered.
    #[error("the session is full: begin another")]
    Full,
}
