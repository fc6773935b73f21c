//! Reading, always with the chain verified.

use std::collections::VecDeque;

use pampero_model::Timestamp;
use rusqlite::{OptionalExtension, Params, Row, params};

use super::chain::{self, Check};
use super::schema::{SEQ_END, record_id};
use super::{Evidence, Journal, JournalError, NewSession, Record, SavedState, Session, SessionId, seal};

/// Records that are fetched at once.
const BATCH: usize = 1_024;

impl Journal {
    /// Every session, oldest first.
    pub fn sessions(&self) -> Result<Vec<Session>, JournalError> {
        let sql = "SELECT id, environment, mode, account, strategies, config, config_hash, build, started_at,
                ended_at, end_reason
            FROM sessions ORDER BY id";
        let mut sessions = self.rows("read the sessions", sql, [], session)?;
        for session in &mut sessions {
            session.records = self.head(session.id)?.0;
        }
        Ok(sessions)
    }

    /// A session.
    pub fn find_session(&self, id: SessionId) -> Result<Session, JournalError> {
        let found = self.sessions()?.into_iter().find(|session| session.id == id);
        found.ok_or(JournalError::UnknownSession(id))
    }

    /// The saved states of a session without their content: number of the next record, and version.
    pub fn states(&self, session: SessionId) -> Result<Vec<(u64, u32)>, JournalError> {
        let sql = "SELECT seq, version FROM checkpoints WHERE session = ?1 ORDER BY seq";
        self.rows("read the saved states", sql, params![session.0], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The first saved state of a session at or after a record, verified.
    pub fn first_state(&self, session: SessionId, from: u64) -> Result<Option<SavedState>, JournalError> {
        self.state(
            session,
            from,
            "SELECT seq, version, payload, chain, previous FROM checkpoints
            WHERE session = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1",
        )
    }

    /// The last saved state of a session at or before a record, verified.
    pub fn last_state(&self, session: SessionId, before: u64) -> Result<Option<SavedState>, JournalError> {
        self.state(
            session,
            before,
            "SELECT seq, version, payload, chain, previous FROM checkpoints
            WHERE session = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1",
        )
    }

    fn state(&self, session: SessionId, seq: u64, sql: &str) -> Result<Option<SavedState>, JournalError> {
        let seq = seq.min(SEQ_END);
        let read = |row: &Row<'_>| -> rusqlite::Result<(SavedState, Check, Check)> {
            let state = SavedState { seq: row.get(0)?, version: row.get(1)?, payload: row.get(2)? };
            Ok((state, row.get(3)?, row.get(4)?))
        };
        let found = self.connection.query_row(sql, params![session.0, seq], read).optional();
        let Some((state, check, previous)) = found.map_err(self.sqlite("read a saved state"))? else {
            return Ok(None);
        };
        let right = chain::of_checkpoint(previous, state.seq, state.version, &state.payload) == check;
        // Where the record before it is gone to an archive, what it says of that one must do.
        let fits = self.check_in_table(session, state.seq)?.is_none_or(|before| before == previous);
        if right && fits {
            Ok(Some(state))
        } else {
            Err(self.damaged(session, state.seq, "the saved state is not what was written"))
        }
    }

    /// The records of a session from a number on. Each is verified as it is read, and so is that none is missing at the
    /// end; after an error nothing follows.
    pub fn records(&self, session: SessionId, from: u64) -> Result<Records<'_>, JournalError> {
        let head = self.head(session)?;
        let from = from.min(head.0);
        let (previous, preceding) = self.check_before(session, from)?;
        if from == head.0 && previous != head.1 {
            return Err(self.damaged(session, from, "its end is not what was written"));
        }
        let records = Records {
            journal: self,
            session,
            next: from,
            previous,
            head,
            batch: preceding.into(),
            failed: false,
        };
        Ok(records)
    }

    /// Verifies the whole file: its structure, its seals, every archive and every chain.
    pub fn verify(&self) -> Result<(), JournalError> {
        self.verify_structure()?;
        self.verify_seals()?;
        for session in self.sessions()? {
            for record in self.records(session.id, 0)? {
                record?;
            }
            for (seq, _) in self.states(session.id)? {
                self.last_state(session.id, seq)?;
            }
        }
        Ok(())
    }

    /// Verifies that no page of the file is used twice, out of its order or lost, so that nothing is written over.
    pub(super) fn verify_structure(&self) -> Result<(), JournalError> {
        let found: String = self
            .connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(self.sqlite("check its structure"))?;
        if found == "ok" { Ok(()) } else { Err(self.damaged_file(found)) }
    }

    /// Verifies the tables that have no chain.
    pub(super) fn verify_seals(&self) -> Result<(), JournalError> {
        if !self.sealed {
            return Ok(());
        }
        match seal::broken(&self.connection).map_err(self.sqlite("read its seals"))? {
            None => Ok(()),
            Some(table) => Err(self.damaged_file(format!("its table `{table}` is not what was written"))),
        }
    }

    /// Verifies what a restart depends on: the last saved state and the records after it.
    pub(super) fn verify_tail(&self, session: SessionId) -> Result<(), JournalError> {
        let from = self.last_state(session, u64::MAX)?.map_or(0, |state| state.seq);
        for record in self.records(session, from)? {
            record?;
        }
        Ok(())
    }

    /// A fact.
    pub fn fact(&self, key: &str) -> Result<Option<String>, JournalError> {
        // The seal covers the rows, not their index.
        let sql = "SELECT value FROM facts NOT INDEXED WHERE key = ?1";
        let read = self.connection.query_row(sql, [key], |row| row.get(0));
        read.optional().map_err(self.sqlite("read a fact"))
    }

    /// All evidence of a strategy, oldest first.
    pub fn evidence(&self, strategy: &str) -> Result<Vec<Evidence>, JournalError> {
        let sql = "SELECT kind, strategy, version, parameters, environment, at, details
            FROM evidence WHERE strategy = ?1 ORDER BY id";
        let read = |row: &Row<'_>| {
            Ok(Evidence {
                kind: row.get(0)?,
                strategy: row.get(1)?,
                version: row.get(2)?,
                parameters: row.get(3)?,
                environment: row.get(4)?,
                at: Timestamp::from_nanos(row.get(5)?),
                details: row.get(6)?,
            })
        };
        self.rows("read the evidence", sql, [strategy], read)
    }

    /// How many records a session has, and the check of the last.
    pub(super) fn head(&self, session: SessionId) -> Result<(u64, Check), JournalError> {
        let sql = "SELECT next_seq, last_check FROM heads WHERE session = ?1";
        let read = self
            .connection
            .query_row(sql, params![session.0], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, Vec<u8>>(1)?)));
        let found = read.optional().map_err(self.sqlite("read the end of a session"))?;
        let (next_seq, stored) = found.ok_or(JournalError::UnknownSession(session))?;
        match seal::open_head(session, next_seq, &stored, self.sealed) {
            Some(check) => Ok((next_seq, check)),
            None => Err(self.damaged(session, next_seq, "its end is not what was written")),
        }
    }

    /// The check of the record before a number, if that record stands in the table.
    fn check_in_table(&self, session: SessionId, seq: u64) -> Result<Option<Check>, JournalError> {
        let Some(before) = seq.checked_sub(1) else {
            return self.find_session(session).map(|found| Some(chain::begin(session, &found.about)));
        };
        let sql = "SELECT chain FROM records WHERE id = ?1";
        let read = self.connection.query_row(sql, params![record_id(session, before)], |row| row.get(0));
        read.optional().map_err(self.sqlite("read a record"))
    }

    /// The check of the record before a number, and the records from that number on that had to be read on the way.
    fn check_before(
        &self,
        session: SessionId,
        from: u64,
    ) -> Result<(Check, Vec<(Record, Check)>), JournalError> {
        if let Some(check) = self.check_in_table(session, from)? {
            return Ok((check, Vec::new()));
        }
        let Some(before) = from.checked_sub(1) else { return Err(JournalError::UnknownSession(session)) };
        let mut rows = self.archived(session, before)?.unwrap_or_default();
        let Some(at) = rows.iter().position(|(record, _)| record.seq == before) else {
            return Err(self.damaged(session, before, "it is missing"));
        };
        let rest = rows.split_off(at + 1);
        let check = rows.last().map(|(_, check)| *check);
        check.map(|check| (check, rest)).ok_or_else(|| self.damaged(session, before, "it is missing"))
    }

    fn fetch(&self, session: SessionId, from: u64) -> Result<Vec<(Record, Check)>, JournalError> {
        if let Some(mut rows) = self.archived(session, from)? {
            rows.retain(|(record, _)| record.seq >= from);
            return Ok(rows);
        }
        let sql = "SELECT seq, time, kind, payload, chain FROM records WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3";
        let read = |row: &Row<'_>| {
            let time = Timestamp::from_nanos(row.get(1)?);
            Ok((Record { seq: row.get(0)?, time, kind: row.get(2)?, payload: row.get(3)? }, row.get(4)?))
        };
        let (first, last) = (record_id(session, from), record_id(session, SEQ_END - 1));
        self.rows("read the records", sql, params![first, last, BATCH], read)
    }

    pub(super) fn rows<T>(
        &self,
        action: &'static str,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JournalError> {
        let all =
            || self.connection.prepare(sql)?.query_map(parameters, read)?.collect::<Result<Vec<T>, _>>();
        all().map_err(self.sqlite(action))
    }

    fn damaged_file(&self, problem: String) -> JournalError {
        JournalError::DamagedFile { path: self.path.clone(), problem }
    }

    pub(super) fn damaged(&self, session: SessionId, seq: u64, problem: &str) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), session, seq, problem: problem.to_owned() }
    }
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let about = NewSession {
        environment: row.get(1)?,
        mode: row.get(2)?,
        account: row.get(3)?,
        strategies: row.get(4)?,
        config: row.get(5)?,
        config_hash: row.get(6)?,
        build: row.get(7)?,
        started_at: Timestamp::from_nanos(row.get(8)?),
    };
    Ok(Session {
        id: SessionId(row.get(0)?),
        about,
        ended_at: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_nanos),
        end_reason: row.get(10)?,
        records: 0,
    })
}

/// The records of a session, in order. See [`Journal::records`].
pub struct Records<'a> {
    journal: &'a Journal,
    session: SessionId,
    next: u64,
    previous: Check,
    /// Where the session ended when reading began.
    head: (u64, Check),
    batch: VecDeque<(Record, Check)>,
    failed: bool,
}

impl Records<'_> {
    fn read(&mut self) -> Result<Record, JournalError> {
        if self.batch.is_empty() {
            self.batch = self.journal.fetch(self.session, self.next)?.into();
        }
        let damaged = |problem| self.journal.damaged(self.session, self.next, problem);
        let Some((record, check)) = self.batch.pop_front().filter(|(record, _)| record.seq == self.next)
        else {
            return Err(damaged("it is missing"));
        };
        let expected = chain::next(self.previous, record.seq, record.time, record.kind, &record.payload);
        if check != expected || (record.seq + 1 == self.head.0 && check != self.head.1) {
            return Err(damaged("it is not what was written"));
        }
        self.previous = check;
        self.next += 1;
        Ok(record)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.next >= self.head.0 {
            return None;
        }
        let record = self.read();
        self.failed = record.is_err();
        Some(record)
    }
}
