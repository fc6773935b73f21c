//! The tables, and how older ones become the newest.

use rusqlite::{Connection, Transaction};

use super::{SessionId, seal};

/// One step for each version: the first makes version 1 of an empty file. A released step is never changed.
const MIGRATIONS: &[fn(&Transaction<'_>) -> rusqlite::Result<()>] = &[
    |transaction| transaction.execute_batch(TABLES),
    |transaction| {
        transaction.execute_batch(SEALS)?;
        seal::seal_all(transaction)
    },
];

const TABLES: &str = "
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        environment TEXT NOT NULL, mode TEXT NOT NULL, account TEXT NOT NULL, strategies TEXT NOT NULL,
        config TEXT NOT NULL, config_hash TEXT NOT NULL, build TEXT NOT NULL,
        started_at INTEGER NOT NULL, ended_at INTEGER, end_reason TEXT
    ) STRICT;
    CREATE TABLE heads (
        session INTEGER PRIMARY KEY, next_seq INTEGER NOT NULL, last_check BLOB NOT NULL
    ) STRICT;
    CREATE TABLE records (
        id INTEGER PRIMARY KEY,
        time INTEGER NOT NULL, kind INTEGER NOT NULL, payload BLOB NOT NULL, chain BLOB NOT NULL,
        session INTEGER GENERATED ALWAYS AS (id >> 36) VIRTUAL,
        seq INTEGER GENERATED ALWAYS AS (id & 68719476735) VIRTUAL
    ) STRICT;
    CREATE TABLE checkpoints (
        session INTEGER NOT NULL, seq INTEGER NOT NULL, version INTEGER NOT NULL,
        payload BLOB NOT NULL, chain BLOB NOT NULL, previous BLOB NOT NULL,
        PRIMARY KEY (session, seq)
    ) STRICT;
    CREATE TABLE archives (
        session INTEGER NOT NULL, first_seq INTEGER NOT NULL, end_seq INTEGER NOT NULL,
        file TEXT NOT NULL, digest TEXT NOT NULL,
        PRIMARY KEY (session, first_seq)
    ) STRICT;
    CREATE TABLE evidence (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL, strategy TEXT NOT NULL, version TEXT NOT NULL, parameters TEXT NOT NULL,
        environment TEXT NOT NULL, at INTEGER NOT NULL, details TEXT NOT NULL
    ) STRICT;
    CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
";

/// Since version 2, each `last_check` of `heads` has a seal behind it, too.
const SEALS: &str =
    "CREATE TABLE seals (name TEXT PRIMARY KEY NOT NULL, seal BLOB NOT NULL) STRICT, WITHOUT ROWID;";

/// The first version with seals.
pub(super) const SEALED: i64 = 2;

/// Bits of a record's id that number it within its session.
pub(super) const SEQ_BITS: u32 = 36;
/// The first number beyond a session's.
pub(super) const SEQ_END: u64 = 1 << SEQ_BITS;

/// The key of a record: rows of a session stand together, in order, and need no second index.
pub(super) fn record_id(session: SessionId, seq: u64) -> i64 {
    // A session number below 2^27 keeps it within 63 bits; the writer refuses more.
    (i64::from(session.0) << SEQ_BITS) | i64::try_from(seq.min(SEQ_END - 1)).unwrap_or(i64::MAX)
}

/// The newest version.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings the tables to the newest version, one transaction a step.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let from = version(connection)?;
    for (to, step) in (1_i64..).zip(MIGRATIONS).skip(usize::try_from(from).unwrap_or(0)) {
        let transaction = connection.transaction()?;
        step(&transaction)?;
        transaction.execute_batch(&format!("PRAGMA user_version = {to}"))?;
        transaction.commit()?;
    }
    Ok(())
}
