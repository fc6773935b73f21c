//! Records moved to Parquet files, so that the journal does not grow for ever.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use pampero_model::Timestamp;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::chain::Check;
use super::schema::record_id;
use super::seal::Sealed;
use super::{Journal, JournalError, Record, SessionId, files};

/// Most records of one file.
const SEGMENT: usize = 100_000;

/// What was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// How many records.
    pub records: u64,
    /// The files made, in order.
    pub files: Vec<PathBuf>,
}

const SCHEMA: &str = "message journal {
    REQUIRED INT64 session; REQUIRED INT64 seq; REQUIRED INT64 time (TIMESTAMP(NANOS,true)); REQUIRED INT64 kind;
    REQUIRED BYTE_ARRAY payload; REQUIRED BYTE_ARRAY chain;
}";

impl Journal {
    /// Moves the records of a session before a number to Parquet files in the directory `archive` beside the journal,
    /// and gives their room back. Saved states among them go too, but for the first. Each file is on the disk before
    /// the rows it holds are deleted, in one transaction with the note of where they went.
    pub fn archive(&mut self, session: SessionId, before: u64) -> Result<Archived, JournalError> {
        let mut archived = Archived::default();
        while let Some((records, file)) = self.move_segment(session, before, SEGMENT)? {
            archived.records += records;
            archived.files.push(file);
        }
        self.give_room_back().map_err(self.sqlite("give room back"))?;
        Ok(archived)
    }

    /// As [`archive`](Self::archive), but no more than one file of so many records, for whoever cannot wait long. Gives
    /// how many were moved, and the file; none if there was nothing to move.
    pub fn archive_some(
        &mut self,
        session: SessionId,
        before: u64,
        most: usize,
    ) -> Result<Option<(u64, PathBuf)>, JournalError> {
        let moved = self.move_segment(session, before, most)?;
        if moved.is_some() {
            self.give_room_back().map_err(self.sqlite("give room back"))?;
        }
        Ok(moved)
    }

    fn move_segment(
        &mut self,
        session: SessionId,
        before: u64,
        most: usize,
    ) -> Result<Option<(u64, PathBuf)>, JournalError> {
        let before = before.min(self.head(session)?.0);
        let rows = self.next_segment(session, before, most)?.unwrap_or_default();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(None) };
        let (first, end) = (first.seq, last.seq + 1);
        let checks = self.checks(session, first, end)?;
        if checks.len() != rows.len() {
            return Err(self.damaged(session, first, "records changed while they were read"));
        }
        let folder = files::folder_of(&self.path).join("archive");
        files::private_folder(&folder)?;
        let name = format!("session-{:06}-{first:012}.parquet", session.0);
        let path = folder.join(&name);
        let failed = |error: ParquetError| JournalError::DamagedFile {
            path: path.clone(),
            problem: format!("it could not be encoded: {error}"),
        };
        let bytes = encode(session, &rows, &checks).map_err(failed)?;
        files::write_whole(&path, &bytes)?;
        let digest = blake3::hash(&bytes).to_hex().to_string();
        self.note_archive(session, (first, end), &name, &digest).map_err(self.sqlite("note an archive"))?;
        Ok(Some((end - first, path)))
    }

    fn give_room_back(&self) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare("PRAGMA incremental_vacuum")?;
        let mut pages = statement.query([])?;
        // Each row is a page given back.
        while pages.next()?.is_some() {}
        self.empty_log()
    }

    /// The next records that are still in the table, read and verified.
    fn next_segment(
        &self,
        session: SessionId,
        before: u64,
        most: usize,
    ) -> Result<Option<Vec<Record>>, JournalError> {
        let sql = "SELECT coalesce(max(end_seq), 0) FROM archives WHERE session = ?1";
        let read = self.connection.query_row(sql, params![session.0], |row| row.get(0));
        let from: u64 = read.map_err(self.sqlite("read the archives"))?;
        if from >= before {
            return Ok(None);
        }
        let count = usize::try_from(before - from).unwrap_or(usize::MAX).min(most);
        self.records(session, from)?.take(count).collect::<Result<Vec<_>, _>>().map(Some)
    }

    fn checks(&self, session: SessionId, first: u64, end: u64) -> Result<Vec<Check>, JournalError> {
        let sql = "SELECT chain FROM records WHERE id >= ?1 AND id < ?2 ORDER BY id";
        let range = params![record_id(session, first), record_id(session, end)];
        self.rows("read the records", sql, range, |row| row.get(0))
    }

    fn note_archive(
        &mut self,
        session: SessionId,
        (first, end): (u64, u64),
        file: &str,
        digest: &str,
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO archives VALUES (?1, ?2, ?3, ?4, ?5)",
            params![session.0, first, end, file, digest],
        )?;
        transaction.execute(
            "DELETE FROM records WHERE id >= ?1 AND id < ?2",
            params![record_id(session, first), record_id(session, end)],
        )?;
        transaction.execute(
            "DELETE FROM checkpoints WHERE session = ?1 AND seq > 0 AND seq >= ?2 AND seq < ?3",
            params![session.0, first, end],
        )?;
        Sealed::States.seal(&transaction)?;
        transaction.commit()
    }

    /// The records of the archive that holds a number, with their checks; none if no archive does.
    pub(super) fn archived(
        &self,
        session: SessionId,
        seq: u64,
    ) -> Result<Option<Vec<(Record, Check)>>, JournalError> {
        let sql = "SELECT file, digest FROM archives WHERE session = ?1 AND first_seq <= ?2 AND end_seq > ?2";
        let found = self
            .connection
            .query_row(sql, params![session.0, seq], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional();
        let Some((file, digest)) = found.map_err(self.sqlite("read the archives"))? else { return Ok(None) };
        let path = files::folder_of(&self.path).join("archive").join(file);
        let bytes = std::fs::read(&path).map_err(files::io(&path, "read it"))?;
        if blake3::hash(&bytes).to_hex().as_str() != digest {
            let problem = "its content is not what was written".to_owned();
            return Err(JournalError::DamagedFile { path, problem });
        }
        let rows =
            decode(bytes).map_err(|error| JournalError::DamagedFile { path, problem: error.to_string() })?;
        Ok(Some(rows))
    }
}

fn encode(session: SessionId, rows: &[Record], checks: &[Check]) -> Result<Vec<u8>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by("pampero".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(6)?))
        .set_dictionary_enabled(false)
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let integers: [Vec<i64>; 4] = [
        vec![i64::from(session.0); rows.len()],
        rows.iter().map(|row| i64::try_from(row.seq).unwrap_or(i64::MAX)).collect(),
        rows.iter().map(|row| row.time.as_nanos()).collect(),
        rows.iter().map(|row| i64::from(row.kind)).collect(),
    ];
    let payloads: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(row.payload.clone())).collect();
    let checks: Vec<ByteArray> = checks.iter().map(|check| ByteArray::from(check.to_vec())).collect();
    let (mut integers, mut texts) = (integers.iter(), [payloads, checks].into_iter());
    while let Some(mut column) = group.next_column()? {
        if let Some(values) = integers.next() {
            column.typed::<Int64Type>().write_batch(values, None, None)?;
        } else if let Some(values) = texts.next() {
            column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
        }
        column.close()?;
    }
    group.close()?;
    writer.into_inner()
}

fn decode(bytes: Vec<u8>) -> Result<Vec<(Record, Check)>, ParquetError> {
    let reader = SerializedFileReader::new(Bytes::from(bytes))?;
    let mut found = Vec::new();
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index)?;
        let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let integers = |column| -> Result<Vec<i64>, ParquetError> {
            let mut values = Vec::new();
            if let ColumnReader::Int64ColumnReader(mut reader) = group.get_column_reader(column)? {
                reader.read_records(count, None, None, &mut values)?;
            }
            Ok(values)
        };
        let texts = |column| -> Result<Vec<ByteArray>, ParquetError> {
            let mut values = Vec::new();
            if let ColumnReader::ByteArrayColumnReader(mut reader) = group.get_column_reader(column)? {
                reader.read_records(count, None, None, &mut values)?;
            }
            Ok(values)
        };
        let (seqs, times, kinds, payloads, checks) =
            (integers(1)?, integers(2)?, integers(3)?, texts(4)?, texts(5)?);
        for ((((seq, time), kind), payload), check) in
            seqs.into_iter().zip(times).zip(kinds).zip(payloads).zip(checks)
        {
            let wrong = || ParquetError::General("a value is out of its range".to_owned());
            let record = Record {
                seq: u64::try_from(seq).map_err(|_| wrong())?,
                time: Timestamp::from_nanos(time),
                kind: u8::try_from(kind).map_err(|_| wrong())?,
                payload: payload.data().to_vec(),
            };
            found.push((record, Check::try_from(check.data()).map_err(|_| wrong())?));
        }
    }
    Ok(found)
}
