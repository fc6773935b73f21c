//! Opening and writing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pampero_model::Timestamp;
use rusqlite::{Connection, OpenFlags, Params, TransactionBehavior, params};

use super::chain::{self, Check};
use super::schema::{SEALED, SEQ_END, migrate, newest, record_id, version};
use super::seal::{self, Sealed};
use super::{Evidence, JournalError, NewSession, Record, SavedState, SessionId, files, wal};

/// Largest payload.
const LARGEST: usize = 64 << 20;
/// Most sessions: their numbers share 63 bits with those of their records.
const SESSIONS: i64 = 1 << 26;

/// The journal. See the [module's documentation](super).
pub struct Journal {
    pub(super) connection: Connection,
    // Behind the connection: fields are dropped in this order, and closing the index gives up the connection's locks.
    index: Option<File>,
    _open_here: wal::OpenHere,
    pub(super) path: PathBuf,
    /// Whether it has seals: an older one that is only read does not.
    pub(super) sealed: bool,
    current: Option<Current>,
    pending: Vec<(Record, Check)>,
    states: Vec<(SavedState, Check, Check)>,
    poisoned: Option<String>,
}

/// The session that is written to.
#[derive(Clone, Copy, Debug)]
struct Current {
    id: SessionId,
    next_seq: u64,
    check: Check,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens a journal for writing; makes it, and its directory, if there is none. The structure of the file, its seals
    /// and the last session's records since its last saved state are verified. Whoever writes must be alone: see to that
    /// with a lock.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        files::private_folder(files::folder_of(path))?;
        files::private_file(path)?;
        files::refuse_emptied(path)?;
        wal::check(path)?;
        let journal = Self::connect(path)?;
        // Behind the tables: an empty file beside a reserve was a journal.
        files::keep_reserve(path)?;
        journal.empty_log().map_err(journal.sqlite("empty its log"))?;
        journal.verify_structure()?;
        journal.verify_seals()?;
        if let Some(last) = journal.sessions()?.last() {
            journal.verify_tail(last.id)?;
        }
        Ok(journal)
    }

    /// Opens a journal for reading, also while another process writes to it.
    pub fn open_read_only(path: &Path) -> Result<Self, JournalError> {
        files::check_file(path)?;
        files::refuse_emptied(path)?;
        wal::check(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sqlite = |action| sqlite(path, action);
        let open_here = wal::OpenHere::new(path);
        let connection = Connection::open_with_flags(path, flags).map_err(sqlite("open it"))?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(sqlite("set the time-out"))?;
        let found = version(&connection).map_err(sqlite("read the version"))?;
        if !(1..=newest()).contains(&found) {
            return Err(JournalError::Version { path: path.to_owned(), found, newest: newest() });
        }
        let journal = Self::over(connection, open_here, path, found);
        journal.verify_seals()?;
        Ok(journal)
    }

    /// Moves the log into the database, so that no remains of a torn commit stand in it. A reader may keep it in use; then
    /// it is emptied the next time.
    ///
    /// What the index says is synced in between: a loss of power would else leave an index of commits that are not in the log.
    pub(super) fn empty_log(&self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        if let Some(index) = &self.index {
            // Where this fails and the power is lost at that moment, a whole journal is refused.
            let _ = index.sync_data();
        }
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    fn connect(path: &Path) -> Result<Self, JournalError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sqlite = |action| sqlite(path, action);
        let open_here = wal::OpenHere::new(path);
        let mut connection = Connection::open_with_flags(path, flags).map_err(sqlite("open it"))?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(sqlite("set the time-out"))?;
        // Incremental vacuum must be chosen before the first table; each pragma is harmless when repeated.
        let pragmas =
            "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA journal_size_limit = 16777216; PRAGMA cell_size_check = ON;";
        connection.execute_batch(pragmas).map_err(sqlite("open it"))?;
        let found = version(&connection).map_err(sqlite("read the version"))?;
        if !(0..=newest()).contains(&found) {
            return Err(JournalError::Version { path: path.to_owned(), found, newest: newest() });
        }
        migrate(&mut connection).map_err(sqlite("bring it to the newest version"))?;
        Ok(Self { index: wal::index(path), ..Self::over(connection, open_here, path, newest()) })
    }

    fn over(connection: Connection, open_here: wal::OpenHere, path: &Path, version: i64) -> Self {
        let (path, sealed) = (path.to_owned(), version >= SEALED);
        Self {
            connection,
            index: None,
            _open_here: open_here,
            path,
            sealed,
            current: None,
            pending: Vec::new(),
            states: Vec::new(),
            poisoned: None,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn sqlite(&self, action: &'static str) -> impl FnOnce(rusqlite::Error) -> JournalError {
        sqlite(&self.path, action)
    }

    /// Begins a session and makes it the one that is written to.
    pub fn begin_session(&mut self, about: &NewSession) -> Result<SessionId, JournalError> {
        self.check_usable()?;
        let path = self.path.clone();
        let begin = |connection: &mut Connection| -> rusqlite::Result<Option<Current>> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let last: i64 =
                transaction.query_row("SELECT coalesce(max(id), 0) FROM sessions", [], |row| row.get(0))?;
            let number = last.saturating_add(1);
            let Some(id) = u32::try_from(number).ok().filter(|_| number < SESSIONS).map(SessionId) else {
                return Ok(None);
            };
            let NewSession { environment, mode, account, strategies, config, config_hash, build, started_at } =
                about;
            transaction.execute(
                "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, NULL)",
                params![
                    id.0,
                    environment,
                    mode,
                    account,
                    strategies,
                    config,
                    config_hash,
                    build,
                    started_at.as_nanos()
                ],
            )?;
            let check = chain::begin(id, about);
            seal::put_head(&transaction, id, 0, check)?;
            Sealed::Sessions.seal(&transaction)?;
            transaction.commit()?;
            Ok(Some(Current { id, next_seq: 0, check }))
        };
        let current = begin(&mut self.connection).map_err(sqlite(&path, "begin a session"))?;
        self.current = Some(current.ok_or(JournalError::Full)?);
        self.current.map(|current| current.id).ok_or(JournalError::NoSession)
    }

    /// Ends the current session. What is pending is committed first.
    pub fn end_session(&mut self, at: Timestamp, reason: &str) -> Result<(), JournalError> {
        self.commit()?;
        let current = self.current.ok_or(JournalError::NoSession)?;
        let sql = "UPDATE sessions SET ended_at = ?2, end_reason = ?3 WHERE id = ?1";
        self.change("end the session", Sealed::Sessions, sql, params![current.id.0, at.as_nanos(), reason])?;
        self.current = None;
        Ok(())
    }

    /// The session that is written to.
    pub fn session(&self) -> Option<SessionId> {
        self.current.map(|current| current.id)
    }

    /// Adds a record, which is durable after the next [`commit`](Self::commit). Gives its number.
    pub fn append(&mut self, kind: u8, time: Timestamp, payload: &[u8]) -> Result<u64, JournalError> {
        self.check_usable()?;
        if payload.len() > LARGEST {
            return Err(JournalError::TooLarge(payload.len()));
        }
        let current = self.current.as_mut().ok_or(JournalError::NoSession)?;
        let seq = current.next_seq;
        if seq >= SEQ_END {
            return Err(JournalError::Full);
        }
        current.check = chain::next(current.check, seq, time, kind, payload);
        current.next_seq = seq + 1;
        self.pending.push((Record { seq, time, kind, payload: payload.to_vec() }, current.check));
        Ok(seq)
    }

    /// Adds a state from which reading can begin, after every record appended so far. One at the same place is replaced.
    pub fn save_state(&mut self, version: u32, payload: &[u8]) -> Result<(), JournalError> {
        self.check_usable()?;
        let current = self.current.ok_or(JournalError::NoSession)?;
        let state = SavedState { seq: current.next_seq, version, payload: payload.to_vec() };
        let check = chain::of_checkpoint(current.check, state.seq, version, payload);
        self.states.push((state, current.check, check));
        Ok(())
    }

    /// Whether something waits for a commit.
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty() || !self.states.is_empty()
    }

    /// Writes what is pending in one transaction. When it returns without an error everything is on the disk. After an
    /// error the journal is poisoned.
    pub fn commit(&mut self) -> Result<(), JournalError> {
        self.check_usable()?;
        if !self.is_pending() {
            return Ok(());
        }
        let Some(current) = self.current else { return Err(JournalError::NoSession) };
        if let Err(error) = write(&mut self.connection, current, &self.pending, &self.states) {
            self.poisoned = Some(error.to_string());
            return Err(self.sqlite("commit")(error));
        }
        self.pending.clear();
        self.states.clear();
        Ok(())
    }

    /// Why the journal takes nothing more, if it does not.
    pub fn poisoned(&self) -> Option<&str> {
        self.poisoned.as_deref()
    }

    /// Writes a record at once, if need be into the room that was kept aside for it: after a failed commit, too, on
    /// another connection and behind what was last on the disk. It is for "trading halted" and its like; the journal
    /// stays poisoned.
    pub fn append_last(&mut self, kind: u8, time: Timestamp, payload: &[u8]) -> Result<u64, JournalError> {
        if self.poisoned.is_none() {
            let seq = self.append(kind, time, payload)?;
            if self.commit().is_ok() {
                return Ok(seq);
            }
        }
        let current = self.current.ok_or(JournalError::NoSession)?;
        files::give_reserve_up(&self.path);
        let mut other = Self::connect(&self.path)?;
        let (next_seq, check) = other.head(current.id)?;
        let check = chain::next(check, next_seq, time, kind, payload);
        let record = Record { seq: next_seq, time, kind, payload: payload.to_vec() };
        let after = Current { next_seq: next_seq + 1, check, ..current };
        write(&mut other.connection, after, &[(record, check)], &[])
            .map_err(sqlite(&self.path, "write the last record"))?;
        self.pending.clear();
        self.states.clear();
        self.current = Some(after);
        Ok(next_seq)
    }

    /// Adds evidence, at once.
    pub fn add_evidence(&mut self, evidence: &Evidence) -> Result<(), JournalError> {
        let Evidence { kind, strategy, version, parameters, environment, at, details } = evidence;
        let sql = "INSERT INTO evidence VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let row = params![kind, strategy, version, parameters, environment, at.as_nanos(), details];
        self.change("add evidence", Sealed::Evidence, sql, row)
    }

    /// Sets a fact, at once.
    pub fn set_fact(&mut self, key: &str, value: &str) -> Result<(), JournalError> {
        let sql = "INSERT INTO facts VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
        self.change("set a fact", Sealed::Facts, sql, params![key, value])
    }

    /// Changes a row of a sealed table.
    fn change(
        &mut self,
        action: &'static str,
        table: Sealed,
        sql: &str,
        row: impl Params,
    ) -> Result<(), JournalError> {
        let change = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(sql, row)?;
            table.seal(&transaction)?;
            transaction.commit()
        };
        change(&mut self.connection).map_err(sqlite(&self.path, action))
    }

    fn check_usable(&self) -> Result<(), JournalError> {
        self.poisoned.as_ref().map_or(Ok(()), |why| Err(JournalError::Poisoned(why.clone())))
    }

    /// Keeps the file from growing, so that a test sees a full disk.
    #[cfg(test)]
    pub(super) fn fill_disk(&self) {
        let pages: i64 = self.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        self.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    }
}

pub(super) fn sqlite(path: &Path, action: &'static str) -> impl FnOnce(rusqlite::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Sqlite { path, action, source }
}

fn write(
    connection: &mut Connection,
    current: Current,
    records: &[(Record, Check)],
    states: &[(SavedState, Check, Check)],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = transaction
            .prepare("INSERT INTO records (id, time, kind, payload, chain) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for (record, check) in records {
            let id = record_id(current.id, record.seq);
            insert.execute(params![id, record.time.as_nanos(), record.kind, record.payload, check])?;
        }
        let mut insert =
            transaction.prepare("INSERT OR REPLACE INTO checkpoints VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for (state, previous, check) in states {
            insert.execute(params![
                current.id.0,
                state.seq,
                state.version,
                state.payload,
                check,
                previous
            ])?;
        }
    }
    if !states.is_empty() {
        Sealed::States.seal(&transaction)?;
    }
    seal::put_head(&transaction, current.id, current.next_seq, current.check)?;
    transaction.commit()
}
