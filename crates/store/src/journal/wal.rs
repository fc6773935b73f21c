//! Telling a torn end of SQLite's write-ahead log from damage in its middle.
//!
//! SQLite ends its reading of the log at the first frame whose checksum is wrong. For the end that a crash left that
//! is right. But where whole synced transactions follow the wrong frame it would forget them without a word, and with
//! them, perhaps, orders that were sent. Each commit is synced before the next begins, so a crash can leave at most one
//! commit behind a wrong frame; two mean damage.
//!
//! The form of the file is in SQLite's documentation, "The WAL File Format".

use std::path::{Path, PathBuf};

use super::{JournalError, files};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Refuses a journal whose write-ahead log is damaged before its end.
pub(super) fn check(journal: &Path) -> Result<(), JournalError> {
    let path = log_of(journal);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(files::io(&path, "read it")(error)),
    };
    damage(&bytes).map_or(Ok(()), |problem| Err(JournalError::DamagedFile { path, problem }))
}

fn log_of(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

/// SQLite's running checksum over pairs of words.
fn checksum(mut sum: (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    for pair in bytes.chunks_exact(8) {
        let (Some(first), Some(second)) = (word(pair, 0, big_endian), word(pair, 4, big_endian)) else {
            break;
        };
        sum.0 = sum.0.wrapping_add(first).wrapping_add(sum.1);
        sum.1 = sum.1.wrapping_add(second).wrapping_add(sum.0);
    }
    sum
}

/// What is wrong with the log but for its end.
fn damage(bytes: &[u8]) -> Option<String> {
    let (header, frames) = bytes.split_at_checked(HEADER)?;
    let be = |bytes: &[u8], at| word(bytes, at, true).unwrap_or(0);
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
        let follows = frames.len() > 2 * FRAME_HEADER;
        return follows.then(|| "its header is not what was written, and commits stand behind it".to_owned());
    }
    // Commits of this run of the log that stand at or behind the first wrong frame.
    let mut lost = 0;
    for frame in frames.chunks_exact(FRAME_HEADER + page) {
        if frame.get(8..16) != salts {
            // Left over from an earlier run of the log, or wrong; behind it frames of this run may still come.
            whole = false;
            continue;
        }
        sum = checksum(sum, frame.get(..8).unwrap_or_default(), big_endian);
        sum = checksum(sum, frame.get(FRAME_HEADER..).unwrap_or_default(), big_endian);
        whole &= sum == (be(frame, 16), be(frame, 20));
        let commits = be(frame, 4) != 0;
        lost += usize::from(!whole && commits);
    }
    (lost > 1).then(|| format!("{lost} commits stand behind a frame that is not what was written"))
}
