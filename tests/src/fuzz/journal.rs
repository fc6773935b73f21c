//! What is on disk for the next start: the journal and its records, and the latch.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::LazyLock;

use pampero_engine::{Event, EventKind};
use pampero_model::Timestamp;
use pampero_runtime::codec::{Decoder, Encoder, Entry};
use pampero_runtime::guard::{Latch, Level};
use pampero_runtime::state_dir::StateDir;
use pampero_store::journal::{Journal, JournalError, NewSession, Record, SessionId};
use tempfile::TempDir;

const COMMITS: u64 = 12;

/// The two files of a journal of one session, as a crash leaves them.
static WRITTEN: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| written().unwrap_or_default());

fn written() -> Option<[Vec<u8>; 2]> {
    let folder = in_memory().ok()?;
    let path = folder.path().join("state/journal.db");
    let mut journal = Journal::open(&path).ok()?;
    journal.begin_session(&NewSession::default()).ok()?;
    for commit in 0..COMMITS {
        for seq in [commit * 2, commit * 2 + 1] {
            journal.append(1, Timestamp::from_secs(5), &content(seq)).ok()?;
        }
        if commit == COMMITS / 2 {
            journal.save_state(1, &content(commit)).ok()?;
        }
        journal.commit().ok()?;
    }
    // While it is open, so that both files hold something.
    Some([fs::read(&path).ok()?, fs::read(path.with_extension("db-wal")).ok()?])
}

fn content(seq: u64) -> Vec<u8> {
    seq.to_le_bytes().into_iter().cycle().take(usize::try_from(20 + seq * 37 % 200).unwrap_or(0)).collect()
}

/// Four bytes are an edit of one of the two files: a byte changed, or the file cut. What is read afterwards was
/// written, in its order and from the start, or the journal refuses.
pub(super) fn journal(input: &[u8]) {
    let [mut database, mut log] = WRITTEN.clone();
    for edit in input.chunks_exact(4) {
        if let [what, high, low, change] = *edit {
            let file = if what & 1 == 0 { &mut database } else { &mut log };
            let at = usize::from(u16::from_be_bytes([high, low])) % file.len().max(1);
            match file.get_mut(at) {
                Some(byte) if what & 0xF0 != 0xF0 => *byte ^= change,
                _ => file.truncate(at),
            }
        }
    }
    let is_whole = WRITTEN.iter().eq([&database, &log]);
    let Ok(folder) = in_memory() else { return };
    let state = folder.path().join("state");
    if fs::DirBuilder::new().mode(0o700).create(&state).is_err() {
        return;
    }
    let path = state.join("journal.db");
    put(&path, &database);
    put(&path.with_extension("db-wal"), &log);
    keep_reserve(&path);
    match read(&path) {
        Ok(records) => {
            let expected = (0..).map(content);
            assert!(
                records.iter().zip(expected).all(|(found, expected)| *found == expected),
                "a wrong record"
            );
            assert!(
                records.len() as u64 <= COMMITS * 2 && (!is_whole || records.len() as u64 == COMMITS * 2)
            );
        }
        Err(error) => assert!(!is_whole && !error.to_string().is_empty(), "{error}"),
    }
}

/// A folder that is gone at the end, where the system has one in memory: waiting for a disk proves nothing here.
fn in_memory() -> std::io::Result<TempDir> {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new())
}

fn put(path: &Path, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    // A full disk is no finding.
    let _ = file.and_then(|mut file| file.write_all(bytes));
}

/// What a journal keeps aside, made in no time.
fn keep_reserve(journal: &Path) {
    let file = File::create(journal.with_extension("reserve"));
    let _ = file.and_then(|file| file.set_len(1 << 20));
}

fn read(path: &Path) -> Result<Vec<Vec<u8>>, JournalError> {
    let journal = Journal::open(path)?;
    if journal.sessions()?.is_empty() {
        return Ok(Vec::new());
    }
    journal.verify()?;
    journal.records(SessionId(1), 0)?.map(|record| record.map(|record| record.payload)).collect()
}

/// Records, each a kind, two bytes of length, and its content. What can be read as an event is written as something that is read as the
/// same.
pub(super) fn records(input: &[u8]) {
    let (mut decoder, mut encoder, mut again) = (Decoder::default(), Encoder::default(), Decoder::default());
    let mut rest = input;
    while let [kind, high, low, more @ ..] = rest {
        let (payload, left) = more.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(more.len()));
        rest = left;
        let record =
            Record { seq: 0, time: Timestamp::from_secs(1), kind: *kind % 8, payload: payload.to_vec() };
        let Ok(Entry::Event(event)) = decoder.entry(&record) else { continue };
        let mut buffer = Vec::new();
        if let Ok(kind) = encoder.event(&event.kind, &mut buffer) {
            let written = Record { kind: kind as u8, payload: buffer, ..record.clone() };
            let read = again.entry(&written);
            assert!(
                matches!(&read, Ok(Entry::Event(found)) if is_same(found, &event)),
                "{event:?}: {read:?}"
            );
        }
    }
}

fn is_same(one: &Event<'_>, other: &Event<'_>) -> bool {
    match (&one.kind, &other.kind) {
        (EventKind::Book { market, book }, EventKind::Book { market: there, book: found }) => {
            market == there && book.bids == found.bids && book.asks == found.asks
        }
        (one, other) => format!("{one:?}") == format!("{other:?}"),
    }
}

/// The file of the kill switch: what cannot be read blocks, and nobody trades because a file is damaged.
pub(super) fn latch(input: &[u8]) {
    let Ok(folder) = in_memory() else { return };
    let Ok(state) = StateDir::open(Some(folder.path()), "local") else { return };
    put(&state.halt_file(), input);
    let Ok(latch) = Latch::open(&state) else { return };
    if !latch.is_blocked() {
        let text = String::from_utf8_lossy(input);
        let says_free = input.is_empty() || (text.contains("level") && !text.contains("halt"));
        assert!(says_free, "it lets trade after {text:?}");
    }
    assert_eq!(latch.is_blocked(), latch.blocked_by().is_some());
    assert!(latch.engage(Level::Halt, "a reason", "fuzz").is_ok() && latch.is_blocked());
    assert!(Latch::open(&state).is_ok_and(|latch| latch.is_blocked()), "the halt is not read again");
}
