//! The halt latch: a file, and a copy of it in memory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pampero_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state_dir::{
    StateDir, StateError, append_private, io_error, open_private, read_private, wall_clock, write_private,
};

/// How far trading is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Not at all.
    #[default]
    Active,
    /// Only orders that make a position smaller.
    Reduce,
    /// No order is sent; everything open is cancelled.
    Halt,
    /// The same, and then every position is sold. Only ever asked for by a person.
    Flatten,
}

impl Level {
    /// `active`, `reduce`, `halt` or `flatten`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Reduce => "reduce",
            Self::Halt => "halt",
            Self::Flatten => "flatten",
        }
    }

    /// Whether no order may be sent.
    pub const fn is_halt(self) -> bool {
        matches!(self, Self::Halt | Self::Flatten)
    }

    const fn mark(self) -> u8 {
        match self {
            Self::Active => ACTIVE,
            Self::Reduce => REDUCE,
            Self::Halt => HALT,
            Self::Flatten => FLATTEN,
        }
    }
}

// The copy in memory. Ordered, so that a stop takes back a permit to flatten.
const ACTIVE: u8 = 0;
const REDUCE: u8 = 1;
/// Stopped, but for the orders that sell the positions.
const PERMIT: u8 = 2;
const HALT: u8 = 3;
const FLATTEN: u8 = 4;

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What the latch says, why, and who said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatchRecord {
    /// How far trading is stopped.
    pub level: Level,
    /// Why, in words.
    pub reason: String,
    /// Who: `operator`, `signal`, `watchdog`, a rule.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub environment: String,
    /// Counts the changes, so that a process can tell a resume from a file that was put back.
    pub change: u64,
}

/// The halt latch of an environment.
///
/// The file is made when trading is not stopped, and stopping writes over it in place, so that a full disk cannot
/// prevent it. A file that cannot be read as a record counts as [`Level::Halt`]: that is what a torn write leaves,
/// and it lets a person stop trading with `echo stop > halt.json`. A file that is gone or put back from a copy changes
/// nothing.
///
/// ```
/// use pampero_runtime::guard::{Latch, Level};
/// use pampero_runtime::state_dir::StateDir;
/// let root = tempfile::tempdir()?;
/// let state = StateDir::open(Some(root.path()), "local")?;
/// let latch = Latch::open(&state)?;
/// latch.engage(Level::Halt, "the price feed is wrong", "operator")?;
/// assert!(latch.is_blocked());
/// // It outlives the process.
/// assert!(Latch::open(&state)?.is_blocked());
/// latch.resume("the feed is back", "operator")?;
/// assert!(!latch.is_blocked());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Latch {
    path: PathBuf,
    history: PathBuf,
    /// The copy that is looked at before every order.
    level: AtomicU8,
    state: Mutex<State>,
}

/// Lets the sales of a flatten through the latch; see [`Latch::permit_flatten`].
#[derive(Debug)]
#[must_use = "dropping it ends the permit"]
pub struct FlattenPermit(Arc<Latch>);

impl Drop for FlattenPermit {
    fn drop(&mut self) {
        // Where a stop has taken it back, or a person has resumed, nothing is left to end.
        let _ = self.0.level.compare_exchange(PERMIT, FLATTEN, Ordering::AcqRel, Ordering::Acquire);
    }
}

#[derive(Debug)]
struct State {
    /// What is known: from the file, or stricter where the file could not be written.
    record: LatchRecord,
    /// The file does not say yet what `record` does.
    unwritten: bool,
}

/// The file has this many bytes, filled up with blanks, so that writing over it needs no space.
const FILE_BYTES: usize = 4096;
/// Reasons are cut here, so that a record fits.
const LONGEST_WORDS: usize = 400;
/// Another process holds the lock of the latch for microseconds; one that is stopped must not stop a halt.
const LOCK_PATIENCE: Duration = Duration::from_millis(20);

impl Latch {
    /// Opens the latch of an environment, which may be engaged since an earlier run.
    ///
    /// # Errors
    ///
    /// [`StateError`] where the file cannot be made or read. Without a latch nothing may trade.
    pub fn open(state: &StateDir) -> Result<Self, StateError> {
        let path = state.halt_file();
        let fresh = LatchRecord {
            level: Level::Active,
            reason: "never stopped".to_owned(),
            by: "start".to_owned(),
            at: wall_clock(),
            environment: state.environment().to_owned(),
            change: 0,
        };
        let record = if let Some(content) = read_private(&path)? {
            parse(&content).unwrap_or_else(|| unreadable(&fresh))
        } else {
            let record = last_of(&state.halt_history_file()).unwrap_or(fresh);
            write_private(&path, &to_bytes(&record))?;
            record
        };
        Ok(Self {
            path,
            history: state.halt_history_file(),
            level: AtomicU8::new(record.level.mark()),
            state: Mutex::new(State { record, unwritten: false }),
        })
    }

    /// How far trading is stopped: one atomic load.
    pub fn level(&self) -> Level {
        match self.level.load(Ordering::Acquire) {
            ACTIVE => Level::Active,
            REDUCE => Level::Reduce,
            HALT => Level::Halt,
            _ => Level::Flatten,
        }
    }

    /// Whether no order may be sent: one atomic load.
    pub fn is_blocked(&self) -> bool {
        self.level.load(Ordering::Acquire) >= HALT
    }

    /// Why no order may be sent; nothing if one may. For the gateway: never waits, whatever the disk does.
    pub fn blocked_by(&self) -> Option<String> {
        self.is_blocked().then(|| match self.state.try_lock() {
            Ok(state) if state.record.level.is_halt() => {
                let LatchRecord { reason, by, at, .. } = &state.record;
                format!("{reason} ({by}, {at})")
            }
            _ => "trading was stopped just now".to_owned(),
        })
    }

    /// Stops in memory alone, at once. Returns whether that changed anything.
    pub(crate) fn block(&self, level: Level) -> bool {
        self.level.fetch_max(level.mark(), Ordering::AcqRel) < level.mark()
    }

    /// Lets orders through while [`Level::Flatten`] stands, for an engine that is halted itself and sends nothing
    /// but the sales of its positions. Ends when dropped, and with any further stop. Nothing at another level.
    pub fn permit_flatten(self: &Arc<Self>) -> Option<FlattenPermit> {
        let taken = self.level.compare_exchange(FLATTEN, PERMIT, Ordering::AcqRel, Ordering::Acquire);
        taken.ok().map(|_| FlattenPermit(Arc::clone(self)))
    }

    /// Whether a [`FlattenPermit`] is out.
    pub fn is_flattening(&self) -> bool {
        self.level.load(Ordering::Acquire) == PERMIT
    }

    /// What the latch says, and why.
    pub fn record(&self) -> LatchRecord {
        self.state().record.clone()
    }

    /// Stops trading, and returns once the file says so, synced. The copy in memory stops at once, before anything
    /// that may take time. A level that is milder than what stands, or the same, changes nothing.
    ///
    /// # Errors
    ///
    /// [`StateError`] where the file cannot be written. Trading is stopped all the same, in this process;
    /// [`Latch::refresh`] tries again to write.
    pub fn engage(&self, level: Level, reason: &str, by: &str) -> Result<(), StateError> {
        self.block(level);
        let mut state = self.state();
        self.read_file(&mut state);
        // To flatten can be asked for again.
        if level > state.record.level || level == Level::Flatten {
            state.record = next(&state.record, level, reason, by);
            state.unwritten = true;
        }
        self.block(state.record.level);
        self.write_file(&mut state)
    }

    /// Lets trading go on. For a person to call, with a reason; nothing else makes the latch milder.
    ///
    /// # Errors
    ///
    /// [`StateError`] where the file cannot be written; trading stays stopped then.
    pub fn resume(&self, reason: &str, by: &str) -> Result<(), StateError> {
        let mut state = self.state();
        self.read_file(&mut state);
        if state.record.level == Level::Active {
            return Ok(());
        }
        let record = next(&state.record, Level::Active, reason, by);
        // Who let it go on must stand somewhere, so the history comes first here.
        append_private(&self.history, &line(&record))?;
        let _lock = self.lock_file();
        write_private(&self.path, &to_bytes(&record))?;
        *state = State { record, unwritten: false };
        self.level.store(Level::Active.mark(), Ordering::Release);
        Ok(())
    }

    /// Learns what other processes wrote, and writes what could not be written. Returns the record if it changed.
    /// A few microseconds; to be called many times a second.
    pub fn refresh(&self) -> Option<LatchRecord> {
        let mut state = self.state();
        let before = state.record.change;
        self.read_file(&mut state);
        if state.unwritten {
            let _ = self.write_file(&mut state); // tried again at the next look
        }
        (state.record.change != before).then(|| {
            self.level.store(state.record.level.mark(), Ordering::Release);
            state.record.clone()
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves it whole: every change is an assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the file says: anything stricter, and anything newer.
    fn read_file(&self, state: &mut State) {
        let Ok(found) = self.look() else {
            // Gone, or out of reach: what is known stands, and is written again.
            state.unwritten = true;
            return;
        };
        let found = found.unwrap_or_else(|| unreadable(&state.record));
        let stricter = found.level > state.record.level;
        // What could not be written is newer than any file.
        let newer = found.change > state.record.change && !state.unwritten;
        if stricter || newer {
            let change = found.change.max(state.record.change.saturating_add(u64::from(stricter)));
            *state = State { record: LatchRecord { change, ..found }, unwritten: false };
        } else if found.change < state.record.change {
            state.unwritten = true; // put back from a copy
        }
    }

    /// The record in the file. Another process may be writing just now, which takes microseconds.
    fn look(&self) -> Result<Option<LatchRecord>, StateError> {
        for _ in 0..3 {
            let content = match read_private(&self.path) {
                // A link, a folder, a file that others may write: whoever put it there wants to be noticed.
                Err(error) if !matches!(error, StateError::Io { .. }) => return Ok(None),
                other => other?,
            };
            let content =
                content.ok_or_else(|| io_error(&self.path, "read")(io::ErrorKind::NotFound.into()))?;
            if let Some(record) = parse(&content) {
                return Ok(Some(record));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(None)
    }

    /// Writes over the file in place, which needs no space on the disk; where that fails, puts a new one.
    fn write_file(&self, state: &mut State) -> Result<(), StateError> {
        if !state.unwritten {
            return Ok(());
        }
        let bytes = to_bytes(&state.record);
        let lock = self.lock_file();
        overwrite(&self.path, &bytes).or_else(|_| write_private(&self.path, &bytes))?;
        drop(lock);
        state.unwritten = false;
        // The record itself tells the same, so that a full disk costs no more than a line of history.
        let _ = append_private(&self.history, &line(&state.record));
        Ok(())
    }

    /// Keeps two processes from writing at once. Goes on without where another holds it too long.
    fn lock_file(&self) -> Option<File> {
        let path = self.path.with_extension("lock");
        let file = open_private(&path, OpenOptions::new().write(true).create(true)).ok()?;
        let started = std::time::Instant::now();
        while started.elapsed() < LOCK_PATIENCE {
            match file.try_lock() {
                Ok(()) => return Some(file),
                Err(fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
                Err(fs::TryLockError::Error(_)) => return None,
            }
        }
        None
    }
}

fn next(before: &LatchRecord, level: Level, reason: &str, by: &str) -> LatchRecord {
    let cut = |text: &str| text.chars().take(LONGEST_WORDS).collect();
    LatchRecord {
        level,
        reason: cut(reason),
        by: cut(by),
        at: wall_clock(),
        environment: before.environment.clone(),
        change: before.change.saturating_add(1),
    }
}

/// What a file that is no record says.
fn unreadable(known: &LatchRecord) -> LatchRecord {
    next(known, Level::Halt, "the latch file holds something else than a record, which means stop", "file")
}

/// The last record of the history, for a latch file that is gone.
fn last_of(history: &Path) -> Option<LatchRecord> {
    let content = read_private(history).ok()??;
    content.split(|byte| *byte == b'\n').rev().find_map(parse)
}

fn parse(content: &[u8]) -> Option<LatchRecord> {
    serde_json::from_slice(content).ok()
}

/// One JSON document, filled up with blanks to the size of the file.
fn to_bytes(record: &LatchRecord) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(record).unwrap_or_else(|_| b"stop".to_vec()); // plain data
    bytes.resize(bytes.len().max(FILE_BYTES - 1), b' ');
    bytes.push(b'\n');
    bytes
}

fn line(record: &LatchRecord) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(record).unwrap_or_default(); // plain data
    bytes.push(b'\n');
    bytes
}

fn overwrite(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let mut file = open_private(path, OpenOptions::new().write(true))?;
    let written = file.rewind().and_then(|()| file.write_all(bytes)).and_then(|()| {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // A longer file is somebody's text, whose end must not stay behind the record.
        if file.metadata()?.len() > length { file.set_len(length) } else { Ok(()) }
    });
    written.and_then(|()| file.sync_data()).map_err(io_error(path, "written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (tempfile::TempDir, StateDir) {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(root.path()), "local").unwrap();
        (root, state)
    }

    #[test]
    fn levels_only_rise_until_somebody_resumes() {
        let (_root, state) = state();
        let latch = Latch::open(&state).unwrap();
        assert_eq!(latch.level(), Level::Active);
        latch.engage(Level::Reduce, "loss", "rule").unwrap();
        assert!(!latch.is_blocked());
        assert_eq!(latch.blocked_by(), None);
        latch.block(Level::Halt);
        assert_eq!(latch.blocked_by().unwrap(), "trading was stopped just now");
        latch.engage(Level::Halt, "worse", "rule").unwrap();
        assert!(latch.blocked_by().unwrap().starts_with("worse (rule, "));
        latch.engage(Level::Reduce, "later", "rule").unwrap();
        let record = latch.record();
        assert_eq!((record.level, record.reason.as_str(), record.change), (Level::Halt, "worse", 2));
        assert_eq!(Latch::open(&state).unwrap().record(), record);
        latch.resume("looked at it", "ana").unwrap();
        assert_eq!(Latch::open(&state).unwrap().level(), Level::Active);
        let history = fs::read_to_string(state.halt_history_file()).unwrap();
        let levels: Vec<_> =
            history.lines().map(|line| serde_json::from_str::<LatchRecord>(line).unwrap().level).collect();
        assert_eq!(levels, [Level::Reduce, Level::Halt, Level::Active]);
    }

    #[test]
    fn other_processes_halt_and_resume_through_the_file() {
        let (_root, state) = state();
        let (trader, operator) = (Latch::open(&state).unwrap(), Latch::open(&state).unwrap());
        operator.engage(Level::Halt, "by hand", "operator").unwrap();
        assert!(!trader.is_blocked());
        assert_eq!(trader.refresh().unwrap().reason, "by hand");
        assert!(trader.is_blocked());
        assert_eq!(trader.refresh(), None);
        // A process that never looked at the file since knows of the halt when it resumes.
        Latch::open(&state).unwrap().resume("fine again", "operator").unwrap();
        assert_eq!(trader.refresh().unwrap().level, Level::Active);
        assert!(!trader.is_blocked());
    }

    #[test]
    fn two_at_once_keep_the_stricter_level() {
        let (_root, state) = state();
        let (one, two) = (Latch::open(&state).unwrap(), Latch::open(&state).unwrap());
        one.engage(Level::Halt, "first", "one").unwrap();
        two.engage(Level::Reduce, "second", "two").unwrap();
        assert!(two.is_blocked() && Latch::open(&state).unwrap().is_blocked());
        assert_eq!(one.refresh(), None);
    }

    #[test]
    fn a_file_that_is_no_record_halts_and_one_that_is_gone_changes_nothing() {
        let (_root, state) = state();
        let latch = Latch::open(&state).unwrap();
        for text in ["stop", "", "{\"level\":\"active\"", &"x".repeat(9000)] {
            latch.resume("again", "test").unwrap();
            assert!(!latch.is_blocked());
            fs::write(state.halt_file(), text).unwrap();
            assert_eq!(latch.refresh().unwrap().level, Level::Halt, "{text:.10}");
            assert!(Latch::open(&state).unwrap().is_blocked());
        }
        fs::remove_file(state.halt_file()).unwrap();
        latch.refresh();
        assert!(latch.is_blocked());
        // It is put back, so that the next start is stopped too.
        assert!(Latch::open(&state).unwrap().is_blocked());
    }

    #[test]
    fn a_file_put_back_from_a_copy_does_not_resume() {
        let (_root, state) = state();
        let latch = Latch::open(&state).unwrap();
        let copy = fs::read(state.halt_file()).unwrap();
        latch.engage(Level::Halt, "now", "rule").unwrap();
        fs::write(state.halt_file(), copy).unwrap();
        latch.refresh();
        assert!(latch.is_blocked() && Latch::open(&state).unwrap().is_blocked());
    }

    #[test]
    fn a_file_removed_between_two_runs_does_not_resume() {
        let (_root, state) = state();
        Latch::open(&state).unwrap().engage(Level::Halt, "now", "rule").unwrap();
        fs::remove_file(state.halt_file()).unwrap();
        assert!(Latch::open(&state).unwrap().is_blocked());
    }

    #[test]
    fn stopping_writes_over_the_file_in_place() {
        use std::os::unix::fs::MetadataExt;
        let (_root, state) = state();
        let latch = Latch::open(&state).unwrap();
        let before = fs::metadata(state.halt_file()).unwrap();
        latch.engage(Level::Halt, &"why ".repeat(1000), "rule").unwrap();
        let after = fs::metadata(state.halt_file()).unwrap();
        assert_eq!((before.ino(), before.len(), before.blocks()), (after.ino(), after.len(), after.blocks()));
        assert_eq!(after.len(), 4096);
    }

    #[test]
    fn a_link_in_its_place_halts() {
        let (root, state) = state();
        let latch = Latch::open(&state).unwrap();
        fs::rename(state.halt_file(), root.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(root.path().join("elsewhere"), state.halt_file()).unwrap();
        latch.refresh();
        assert!(latch.is_blocked());
    }

    #[test]
    fn a_permit_to_flatten_ends_when_dropped_and_with_any_stop() {
        let (_root, state) = state();
        let latch = Arc::new(Latch::open(&state).unwrap());
        assert!(latch.permit_flatten().is_none());
        latch.engage(Level::Halt, "stop", "rule").unwrap();
        assert!(latch.permit_flatten().is_none());
        latch.engage(Level::Flatten, "sell", "operator").unwrap();
        let permit = latch.permit_flatten().unwrap();
        assert!(!latch.is_blocked() && latch.is_flattening() && latch.level() == Level::Flatten);
        assert!(latch.permit_flatten().is_none());
        latch.refresh();
        assert!(!latch.is_blocked());
        drop(permit);
        assert!(latch.is_blocked());
        let permit = latch.permit_flatten().unwrap();
        latch.engage(Level::Halt, "no, stop", "rule").unwrap();
        assert!(latch.is_blocked());
        drop(permit);
        assert!(latch.is_blocked());
    }

    #[test]
    fn a_latch_that_cannot_be_written_stops_all_the_same_and_is_written_later() {
        let (_root, state) = state();
        let latch = Latch::open(&state).unwrap();
        let away = state.path().with_extension("away");
        fs::rename(state.path(), &away).unwrap();
        assert!(latch.engage(Level::Halt, "disk", "rule").is_err());
        assert!(latch.is_blocked());
        fs::rename(&away, state.path()).unwrap();
        assert!(!Latch::open(&state).unwrap().is_blocked());
        latch.refresh();
        assert!(latch.is_blocked());
        assert!(Latch::open(&state).unwrap().is_blocked());
    }
}
