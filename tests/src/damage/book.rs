//! A small journal with something of everything in it, and what it held after each commit.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use pampero_model::Timestamp;
use pampero_store::journal::{Evidence, Journal, JournalError, NewSession, Record, SavedState, Session};
use tempfile::TempDir;

/// The files of a journal, as they are found after a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The database.
    pub database: Vec<u8>,
    /// Its write-ahead log.
    pub log: Vec<u8>,
    /// The index of the log; empty after a loss of power.
    pub index: Vec<u8>,
}

/// All that can be read from a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    sessions: Vec<(Session, Vec<Record>, Vec<SavedState>)>,
    evidence: Vec<Evidence>,
    fact: Option<String>,
}

/// A journal while it is written to.
#[derive(Clone, Debug)]
pub struct Book {
    /// Its files now.
    pub files: Files,
    /// What it held after each commit; the last is what it holds.
    pub contents: Vec<Content>,
    /// How long the log was after each commit; 0 for what is in the database alone.
    pub ends: Vec<usize>,
}

/// Where a journal is put to be opened.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
}

const STRATEGY: &str = "maker";
const FACT: &str = "account";
/// The smallest that SQLite has, so that every byte can be tried.
const PAGE: u32 = 512;

impl Content {
    /// Reads everything, each record and state verified.
    pub fn read(journal: &Journal) -> Result<Self, JournalError> {
        let mut sessions = Vec::new();
        for session in journal.sessions()? {
            let records = journal.records(session.id, 0)?.collect::<Result<_, _>>()?;
            let mut states = Vec::new();
            for (seq, _) in journal.states(session.id)? {
                states.extend(journal.last_state(session.id, seq)?);
            }
            sessions.push((session, records, states));
        }
        Ok(Self { sessions, evidence: journal.evidence(STRATEGY)?, fact: journal.fact(FACT)? })
    }
}

impl Place {
    /// One in memory, where the system has it: waiting for a disk proves nothing here.
    pub fn new() -> std::io::Result<Self> {
        let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new())?;
        DirBuilder::new().mode(0o700).create(folder.path().join("state"))?;
        let place = Self { folder };
        // What a journal keeps aside, made in no time.
        File::create(place.file("reserve"))?.set_len(1 << 20)?;
        Ok(place)
    }

    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        self.file("db")
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.path().join("state/journal").with_extension(ending)
    }

    /// Puts files there, in the place of what is there.
    pub fn put(&self, files: &Files) -> std::io::Result<()> {
        let Files { database, log, index } = files;
        for (ending, bytes) in [("db", database), ("db-wal", log), ("db-shm", index)] {
            let path = self.file(ending);
            if bytes.is_empty() && ending != "db" {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                    _ => continue,
                }
            }
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(bytes)?;
        }
        Ok(())
    }

    fn files(&self) -> Files {
        let read = |ending| fs::read(self.file(ending)).unwrap_or_default();
        Files { database: read("db"), log: read("db-wal"), index: read("db-shm") }
    }
}

impl Book {
    /// Writes a session to its end, which moves the log into the database, and a second one that still runs.
    pub fn write() -> Result<Self, String> {
        let place = Place::new().map_err(|error| error.to_string())?;
        let mut book = Self { files: Files::default(), contents: Vec::new(), ends: Vec::new() };
        small_pages(&place).map_err(|error| error.to_string())?;
        book.first_session(&place).map_err(|error| error.to_string())?;
        book.ends.fill(0);
        book.second_session(&place).map_err(|error| error.to_string())?;
        Ok(book)
    }

    /// The same after its end, when everything is in the database.
    pub fn closed(&self) -> Result<Self, String> {
        let place = Place::new().map_err(|error| error.to_string())?;
        place.put(&self.files).map_err(|error| error.to_string())?;
        drop(Journal::open(&place.journal()).map_err(|error| error.to_string())?);
        Ok(Self { files: place.files(), contents: self.contents.clone(), ends: vec![0; self.ends.len()] })
    }

    fn first_session(&mut self, place: &Place) -> Result<(), JournalError> {
        let mut journal = Journal::open(&place.journal())?;
        self.note(place, &journal)?;
        journal.begin_session(&about(1))?;
        self.note(place, &journal)?;
        journal.set_fact(FACT, "7")?;
        self.note(place, &journal)?;
        self.commits(place, &mut journal, 4)?;
        journal.add_evidence(&shown(1))?;
        self.note(place, &journal)?;
        journal.end_session(at(90), "asked to")?;
        self.note(place, &journal)
    }

    fn second_session(&mut self, place: &Place) -> Result<(), JournalError> {
        let mut journal = Journal::open(&place.journal())?;
        journal.begin_session(&about(2))?;
        self.note(place, &journal)?;
        self.commits(place, &mut journal, 8)?;
        journal.set_fact(FACT, "8")?;
        self.note(place, &journal)?;
        journal.add_evidence(&shown(2))?;
        self.note(place, &journal)?;
        self.commits(place, &mut journal, 4)?;
        // While it is open, so that the log and its index are there.
        self.files = place.files();
        Ok(())
    }

    /// Commits of two records, every third with a saved state.
    fn commits(&mut self, place: &Place, journal: &mut Journal, count: u8) -> Result<(), JournalError> {
        for commit in 0..count {
            if commit % 3 == 0 {
                journal.save_state(1, &bytes(commit, 300))?;
            }
            for part in 1..=2 {
                journal.append(part, at(commit), &bytes(commit ^ part, usize::from(commit) * 29 % 150))?;
            }
            journal.commit()?;
            self.note(place, journal)?;
        }
        Ok(())
    }

    fn note(&mut self, place: &Place, journal: &Journal) -> Result<(), JournalError> {
        self.contents.push(Content::read(journal)?);
        self.ends.push(place.files().log.len());
        Ok(())
    }
}

fn small_pages(place: &Place) -> rusqlite::Result<()> {
    let connection = rusqlite::Connection::open(place.journal())?;
    connection.execute_batch(&format!("PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = INCREMENTAL; VACUUM;"))
}

fn at(second: u8) -> Timestamp {
    Timestamp::from_secs(i64::from(second))
}

fn bytes(seed: u8, length: usize) -> Vec<u8> {
    std::iter::successors(Some(seed), |byte| Some(byte.wrapping_mul(5).wrapping_add(3)))
        .take(length)
        .collect()
}

fn about(number: u8) -> NewSession {
    NewSession {
        environment: "local".to_owned(),
        mode: "live".to_owned(),
        account: format!("{number}"),
        strategies: STRATEGY.to_owned(),
        config: "[markets]".to_owned(),
        started_at: at(number),
        ..NewSession::default()
    }
}

fn shown(number: u8) -> Evidence {
    Evidence {
        kind: "paper".to_owned(),
        strategy: STRATEGY.to_owned(),
        version: "1".to_owned(),
        parameters: "hash".to_owned(),
        environment: "local".to_owned(),
        at: at(number),
        details: format!("fills={number}"),
    }
}
