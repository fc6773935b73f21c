//! Seals: a check over the end of each session and one over each of the small tables, so that none of their rows can
//! change or go missing unseen. Records need none, and what a saved state holds needs none: they hang on the chain.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};

use super::SessionId;
use super::chain::{Check, first_bytes};

/// A table that is sealed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sealed {
    Sessions,
    /// Which states there are; their content has checks of its own.
    States,
    Evidence,
    Facts,
}

impl Sealed {
    const ALL: [Self; 4] = [Self::Sessions, Self::States, Self::Evidence, Self::Facts];

    fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::States => "checkpoints",
            Self::Evidence => "evidence",
            Self::Facts => "facts",
        }
    }

    /// What the seal covers.
    fn rows(self) -> &'static str {
        match self {
            Self::Sessions => "SELECT * FROM sessions ORDER BY id",
            Self::States => "SELECT session, seq FROM checkpoints ORDER BY session, seq",
            Self::Evidence => "SELECT * FROM evidence ORDER BY id",
            Self::Facts => "SELECT * FROM facts NOT INDEXED ORDER BY rowid",
        }
    }

    fn check(self, connection: &Connection) -> rusqlite::Result<Check> {
        let mut statement = connection.prepare(self.rows())?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        let mut hasher = blake3::Hasher::new();
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                cover(&mut hasher, row.get_ref(column)?);
            }
        }
        Ok(first_bytes(&hasher.finalize()))
    }

    /// Seals the table as it is now: part of every transaction that changes it.
    pub(super) fn seal(self, connection: &Connection) -> rusqlite::Result<()> {
        let row = params![self.name(), self.check(connection)?];
        connection.execute("INSERT OR REPLACE INTO seals VALUES (?1, ?2)", row).map(|_| ())
    }

    fn is_whole(self, connection: &Connection) -> rusqlite::Result<bool> {
        let sql = "SELECT seal FROM seals WHERE name = ?1";
        let seal: Option<Check> = connection.query_row(sql, [self.name()], |row| row.get(0)).optional()?;
        Ok(seal == Some(self.check(connection)?))
    }
}

/// One value, so that no two rows look the same.
fn cover(hasher: &mut blake3::Hasher, value: ValueRef<'_>) {
    let number;
    let (kind, bytes): (u8, &[u8]) = match value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(integer) => {
            number = integer.to_le_bytes();
            (1, &number)
        }
        ValueRef::Real(real) => {
            number = real.to_le_bytes();
            (2, &number)
        }
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(bytes) => (4, bytes),
    };
    hasher.update(&[kind]).update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
    hasher.update(bytes);
}

/// The first table whose rows are not those that were sealed.
pub(super) fn broken(connection: &Connection) -> rusqlite::Result<Option<&'static str>> {
    // All of it at one moment: a session may be writing.
    let _snapshot = connection.unchecked_transaction()?;
    for table in Sealed::ALL {
        if !table.is_whole(connection)? {
            return Ok(Some(table.name()));
        }
    }
    Ok(None)
}

/// Seals everything of a journal that has no seals yet.
pub(super) fn seal_all(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT session, next_seq, last_check FROM heads")?;
    let heads = statement.query_map([], |row| Ok((SessionId(row.get(0)?), row.get(1)?, row.get(2)?)))?;
    for (session, next_seq, check) in heads.collect::<rusqlite::Result<Vec<_>>>()? {
        put_head(connection, session, next_seq, check)?;
    }
    Sealed::ALL.into_iter().try_for_each(|table| table.seal(connection))
}

/// Notes how many records a session has, and the check of the last, sealed.
pub(super) fn put_head(
    connection: &Connection,
    session: SessionId,
    next_seq: u64,
    check: Check,
) -> rusqlite::Result<()> {
    let sealed = [check, of_head(session, next_seq, check)].concat();
    let row = params![session.0, next_seq, sealed];
    connection.execute("INSERT OR REPLACE INTO heads VALUES (?1, ?2, ?3)", row).map(|_| ())
}

/// The check of the last record, if the end of the session is what was written. `sealed` is false for what an older
/// build wrote.
pub(super) fn open_head(session: SessionId, next_seq: u64, stored: &[u8], sealed: bool) -> Option<Check> {
    let (check, seal) = stored.split_first_chunk()?;
    let whole = seal == of_head(session, next_seq, *check) || (!sealed && seal.is_empty());
    whole.then_some(*check)
}

fn of_head(session: SessionId, next_seq: u64, check: Check) -> Check {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"head").update(&session.0.to_le_bytes()).update(&next_seq.to_le_bytes()).update(&check);
    first_bytes(&hasher.finalize())
}
