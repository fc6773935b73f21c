//! What the processes of one account share: a small text file, held under a lock for microseconds.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::share::{CLASSES, Claim};

/// When requests were sent and who waits. Times are nanoseconds of one clock, zero for never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// When the last request was sent.
    pub last_send: u64,
    /// Nobody sends before this.
    pub back_off_until: u64,
    /// How many refusals for too many requests came in a row.
    pub refusals: u32,
    /// One entry a class.
    pub claims: [Claim; CLASSES],
}

const HEADER: &str = "pampero request budget 1";

impl Ledger {
    /// Reads what [`Ledger::to_text`] wrote; anything else counts as a fresh ledger, since the worst that a lost
    /// one does is a pause or a request too early.
    fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return None;
        }
        let mut numbers = lines.flat_map(str::split_whitespace).map(str::parse::<u64>);
        let mut next = || numbers.next()?.ok();
        let mut ledger = Self {
            last_send: next()?,
            back_off_until: next()?,
            refusals: next()?.try_into().ok()?,
            claims: [Claim::default(); CLASSES],
        };
        for claim in &mut ledger.claims {
            *claim = Claim { granted: next()?, since: next()?, seen: next()? };
        }
        Some(ledger)
    }

    fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n{} {} {}\n", self.last_send, self.back_off_until, self.refusals);
        for Claim { granted, since, seen } in &self.claims {
            let _ = writeln!(text, "{granted} {since} {seen}"); // a String takes anything
        }
        text
    }
}

/// The file that holds the ledger.
#[derive(Debug)]
pub(crate) struct LedgerFile(File);

impl LedgerFile {
    /// Opens or creates it, readable by its owner alone.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(Self)
    }

    /// Reads the ledger, lets `change` work on it and writes it back, all under the lock. Nothing if another
    /// process holds the lock: its holder is about to let go, so try again in a moment.
    pub fn update<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> io::Result<Option<T>> {
        match self.0.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let result = self.update_locked(change);
        let unlocked = self.0.unlock();
        result.and_then(|value| unlocked.map(|()| Some(value)))
    }

    fn update_locked<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> io::Result<T> {
        let mut file = &self.0;
        let mut text = String::new();
        file.seek(SeekFrom::Start(0))?;
        // A ledger has a few hundred bytes; a file that has more is not one.
        let _ = file.take(4096).read_to_string(&mut text);
        let before = Ledger::from_text(&text);
        let mut ledger = before.clone().unwrap_or_default();
        let value = change(&mut ledger);
        if before.as_ref() != Some(&ledger) {
            let text = ledger.to_text();
            file.seek(SeekFrom::Start(0))?;
            file.write_all(text.as_bytes())?;
            self.0.set_len(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_survives_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget");
        let file = LedgerFile::open(&path).unwrap();
        let claim = Claim { granted: 7, since: u64::MAX, seen: 9 };
        file.update(|ledger| {
            ledger.last_send = 123;
            ledger.claims[5] = claim;
        })
        .unwrap()
        .unwrap();
        let other = LedgerFile::open(&path).unwrap();
        let (last_send, found) =
            other.update(|ledger| (ledger.last_send, ledger.claims[5])).unwrap().unwrap();
        assert_eq!((last_send, found), (123, claim));
    }

    #[test]
    fn a_damaged_file_counts_as_fresh_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget");
        for damage in ["", "pampero request budget 1\n12", "something else", "\u{0}\u{1}", &"9 ".repeat(9000)]
        {
            std::fs::write(&path, damage).unwrap();
            let file = LedgerFile::open(&path).unwrap();
            let before = file.update(|ledger| (ledger.clone(), ledger.last_send = 5).0).unwrap().unwrap();
            assert_eq!(before, Ledger::default(), "{damage:?}");
            assert_eq!(file.update(|ledger| ledger.last_send).unwrap(), Some(5));
        }
    }

    #[test]
    fn a_lock_that_is_held_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget");
        let holder = File::create(&path).unwrap();
        holder.lock().unwrap();
        let file = LedgerFile::open(&path).unwrap();
        assert_eq!(file.update(|_| ()).unwrap(), None);
        holder.unlock().unwrap();
        assert_eq!(file.update(|_| ()).unwrap(), Some(()));
    }
}
