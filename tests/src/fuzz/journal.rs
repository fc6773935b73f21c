//! What is on disk for the next start: the journal, and the latch.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::LazyLock;

use pampero_runtime::guard::{Latch, Level};
use pampero_runtime::state_dir::StateDir;
use tempfile::TempDir;

use crate::damage::{Book, Damage, Part, Place, start};

/// A journal as a crash leaves it.
static BOOK: LazyLock<Option<Book>> = LazyLock::new(|| Book::write().ok());

/// Four bytes are an edit of one of the three files: a byte changed, or the file cut. While the index of the log is whole, a
/// start finds everything or refuses; without it, what was there after some commit.
pub(super) fn journal(input: &[u8]) {
    let Some(book) = BOOK.as_ref() else { return };
    let mut files = book.files.clone();
    for edit in input.chunks_exact(4) {
        if let [what, high, low, change] = *edit {
            let part = match what & 3 {
                0 => Part::Database,
                2 => Part::Index,
                _ => Part::Log,
            };
            let file = part.of(&mut files);
            let at = usize::from(u16::from_be_bytes([high, low])) % file.len().max(1);
            let damage = if what & 0xF0 == 0xF0 { Damage::Cut } else { Damage::Flip(change) };
            damage.strike(file, at);
        }
    }
    let Ok(place) = Place::new() else { return };
    if place.put(&files).is_err() {
        return; // a full disk is no finding
    }
    match start(&place) {
        Ok(found) => {
            let commit = book.contents.iter().position(|content| *content == found);
            let last = book.contents.len() - 1;
            let everything = files.index == book.files.index;
            assert!(
                commit.is_some_and(|commit| commit == last || !everything),
                "found commit {commit:?} of {last}"
            );
        }
        Err(words) => assert!(files != book.files && !words.is_empty(), "{words}"),
    }
}

/// The file of the kill switch: what cannot be read blocks, and nobody trades because a file is damaged.
pub(super) fn latch(input: &[u8]) {
    let Ok(folder) = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()) else { return };
    let Ok(state) = StateDir::open(Some(folder.path()), "local") else { return };
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(state.halt_file());
    // A full disk is no finding.
    let _ = file.and_then(|mut file| file.write_all(input));
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
