//! Telling a torn end of SQLite's write-ahead log from damage to it.
//!
//! SQLite ends its reading of the log at the first frame whose checksum is wrong, or where the file ends. For the end that
//! a crash left that is right. But of damage it would forget whole synced transactions without a word, and with them,
//! perhaps, orders that were sent. Two things tell damage from a crash:
//!
//! * Each commit is synced before the next begins, so a crash can leave at most one commit behind a wrong frame; two mean
//!   damage.
//! * The index of the log, the file `-shm`, says how many frames are committed. It is changed only when they are synced, so
//!   whatever of it is found after a crash is true; where it fits the log and the log has fewer, that is damage. A process
//!   that is killed leaves it behind. After a loss of power it may be missing or old, and then a log that ends early looks like
//!   one that was never longer.
//!
//! The forms of both files are in SQLite's documentation, "The WAL File Format" and "The WAL-Index File Format".

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{JournalError, files};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// How often the files are read: another process may write to them meanwhile, and begin the log anew.
const LOOKS: usize = 3;

/// The journals that this process has open, each as often as it has.
///
/// SQLite locks the index with POSIX locks, and those belong to the process: whoever closes any descriptor of the file gives
/// them all up. The next process would then take itself for the only one, empty the index, and this one would die of a
/// SIGBUS at its next commit. So the index is not opened in a process that holds locks on it.
static OPEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// That this process has a journal open, for as long as this lives.
#[derive(Debug)]
pub(super) struct OpenHere(PathBuf);

impl OpenHere {
    pub(super) fn new(journal: &Path) -> Self {
        let path = beside(journal, "-shm");
        open_here().push(path.clone());
        Self(path)
    }
}

impl Drop for OpenHere {
    fn drop(&mut self) {
        let mut open = open_here();
        if let Some(at) = open.iter().position(|path| *path == self.0) {
            open.swap_remove(at);
        }
    }
}

fn open_here() -> MutexGuard<'static, Vec<PathBuf>> {
    // A list of paths is whole after any panic.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses a journal whose write-ahead log lost commits.
pub(super) fn check(journal: &Path) -> Result<(), JournalError> {
    let path = beside(journal, "-wal");
    let mut found = None;
    for _ in 0..LOOKS {
        // The index first: the log has at least what it says. Nothing is opened while it is being read.
        let index = {
            let (open, path) = (open_here(), beside(journal, "-shm"));
            if open.contains(&path) { Vec::new() } else { read(&path)? }
        };
        let log = read(&path)?;
        found = damage(&log, Index::of(&index));
        if found.is_none() {
            break;
        }
    }
    found.map_or(Ok(()), |problem| Err(JournalError::DamagedFile { path, problem }))
}

/// The index of a journal that is open, to be synced. Closed only once the journal is: see [`OpenHere`].
pub(super) fn index(journal: &Path) -> Option<File> {
    File::open(beside(journal, "-shm")).ok()
}

fn beside(journal: &Path, ending: &str) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// What the file holds now, without what is added meanwhile; nothing if there is none.
fn read(path: &Path) -> Result<Vec<u8>, JournalError> {
    let whole = || -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let (length, mut bytes) = (file.metadata()?.len(), Vec::new());
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match whole() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        result => result.map_err(files::io(path, "read it")),
    }
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    let word = bytes.get(at..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or_default();
    if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
}

/// SQLite's running checksum over pairs of words.
fn checksum(mut sum: (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    for pair in bytes.chunks_exact(8) {
        sum.0 = sum.0.wrapping_add(word(pair, 0, big_endian)).wrapping_add(sum.1);
        sum.1 = sum.1.wrapping_add(word(pair, 4, big_endian)).wrapping_add(sum.0);
    }
    sum
}

/// The checksum behind a frame, as if it said that so many pages are committed.
fn frame_sum(before: (u32, u32), frame: &[u8], pages: u32, big_endian: bool) -> (u32, u32) {
    let (number, page) = (frame.get(..4).unwrap_or_default(), frame.get(FRAME_HEADER..).unwrap_or_default());
    let sum = checksum(before, &[number, &pages.to_be_bytes()].concat(), big_endian);
    checksum(sum, page, big_endian)
}

/// What the index says of the log.
#[derive(Clone, Copy, Debug)]
struct Index {
    /// Which run of the log it is of.
    salts: [u8; 8],
    committed: u32,
    /// Of those, how many are in the database.
    moved: u32,
}

impl Index {
    /// Its header stands there twice, in the order of bytes of the machine, each with a checksum.
    fn of(bytes: &[u8]) -> Option<Self> {
        let big_endian = cfg!(target_endian = "big");
        let number = |bytes, at| word(bytes, at, big_endian);
        let header = bytes.chunks_exact(48).take(2).find(|header| {
            let sum = checksum((0, 0), header.get(..40).unwrap_or_default(), big_endian);
            sum == (number(header, 40), number(header, 44)) && header.get(12) == Some(&1)
        })?;
        let salts = *header.get(32..)?.first_chunk()?;
        Some(Self { salts, committed: number(header, 16), moved: number(bytes, 96) })
    }
}

/// What is wrong with the log but for its end.
fn damage(log: &[u8], index: Option<Index>) -> Option<String> {
    let unmoved = index.is_some_and(|index| index.moved < index.committed);
    let Some((header, frames)) = log.split_at_checked(HEADER) else {
        return unmoved.then(|| "it is cut off, and commits stood in it".to_owned());
    };
    let be = |bytes: &[u8], at| word(bytes, at, true);
    let page = match be(header, 8) {
        1 => 65_536,
        size => usize::try_from(size).unwrap_or(0),
    };
    let big_endian = be(header, 0) & 1 == 1;
    let salts = header.get(16..24);
    let mut sum = checksum((0, 0), header.get(..24).unwrap_or_default(), big_endian);
    let mut whole = sum == (be(header, 24), be(header, 28));
    if !whole || !(512..=65_536).contains(&page) {
        // SQLite takes nothing behind such a header; with frames behind it, that is damage.
        let follows = unmoved || frames.len() > 2 * FRAME_HEADER;
        return follows.then(|| "its header is not what was written, and commits stand behind it".to_owned());
    }
    // Frames up to the last whole commit, and commits of this run of the log at or behind the first wrong frame.
    let (mut committed, mut lost) = (0, 0);
    for (number, frame) in (1_u32..).zip(frames.chunks_exact(FRAME_HEADER + page)) {
        let before = sum;
        sum = frame_sum(before, frame, be(frame, 4), big_endian);
        let stored = (be(frame, 16), be(frame, 20));
        // The sum does not cover the salts. Other ones are left over from an earlier run of the log, or wrong.
        let (fits, of_this_run) = (sum == stored, frame.get(8..16) == salts);
        let mut commits = be(frame, 4) != 0;
        if whole && fits && of_this_run {
            committed = if commits { number } else { committed };
            continue;
        }
        if whole && !commits {
            // A flipped bit may have hidden that it commits.
            commits = (0..32).any(|bit| frame_sum(before, frame, 1 << bit, big_endian) == stored);
        }
        lost += u32::from(commits && (of_this_run || (whole && fits)));
        whole = false;
    }
    let expected = index.filter(|index| Some(&index.salts[..]) == salts).map_or(0, |index| index.committed);
    if committed < expected {
        return Some(format!("{committed} of its {expected} frames are what was written"));
    }
    (lost > 1).then(|| format!("{lost} commits stand behind a frame that is not what was written"))
}
