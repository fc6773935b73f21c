//! A journal whose files are cut at every byte and have flipped bits: a start finds exactly what was committed, or refuses.
//!
//! What must be found depends on what is left. While the index of the log is there, which a killed process leaves, it is
//! everything. After a loss of power the index may be gone. Then a wrong bit may cost the last commit and no more; and of
//! a log that just ends early nobody can tell that it was longer, but what is found is what its whole commits hold.

mod book;

use std::num::NonZero;

use pampero_model::Timestamp;
use pampero_store::journal::{Journal, NewSession};
use serde::Serialize;

pub use book::{Book, Content, Files, Place};

/// One of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The database.
    Database,
    /// Its write-ahead log.
    Log,
    /// The index of the log.
    Index,
}

/// What happens to a file, at a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It ends before that byte.
    Cut,
    /// The byte is combined with these bits.
    Flip(u8),
}

/// How the journal is found and opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By the next start, after `kill -9`.
    Killed,
    /// By the next start, after a loss of power that left no index.
    PowerLost,
    /// By a command that only reads.
    Reader,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    /// Whether the session had ended and everything was in the database.
    closed: bool,
    way: Way,
    part: Part,
    at: usize,
    damage: Damage,
}

/// How much to do.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Of so many cases one is tried.
    pub stride: usize,
    /// How many bits of each byte are flipped, one at a time.
    pub bits: usize,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Bytes at which something happened to a file, at least once.
    pub bytes: u64,
    /// Files that were cut.
    pub cuts: u64,
    /// Files with a flipped bit.
    pub flips: u64,
    /// Journals that were refused.
    pub refused: u64,
    /// Journals in which everything was found.
    pub whole: u64,
    /// Journals that gave all but the last commit, without their index.
    pub one_short: u64,
    /// Journals that gave what stood before the cut of a log without its index.
    pub earlier: u64,
    /// What should not have been, a line each.
    pub failures: Vec<String>,
}

impl Part {
    const ALL: [Self; 3] = [Self::Database, Self::Log, Self::Index];

    /// The file's bytes.
    pub fn of(self, files: &mut Files) -> &mut Vec<u8> {
        match self {
            Self::Database => &mut files.database,
            Self::Log => &mut files.log,
            Self::Index => &mut files.index,
        }
    }
}

impl Damage {
    /// Does it to a file.
    pub fn strike(self, file: &mut Vec<u8>, at: usize) {
        match (self, file.get_mut(at)) {
            (Self::Flip(bits), Some(byte)) => *byte ^= bits,
            _ => file.truncate(at),
        }
    }
}

/// Tries the cases on all cores.
pub fn run(settings: Settings) -> Report {
    let books = Book::write().and_then(|book| book.closed().map(|closed| [book, closed]));
    let books = match books {
        Ok(books) => books,
        Err(problem) => return Report { failures: vec![problem], ..Report::default() },
    };
    let cases: Vec<Case> = cases(&books, settings.bits).into_iter().step_by(settings.stride.max(1)).collect();
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut report = Report::default();
    std::thread::scope(|scope| {
        let share = |worker: usize| cases.iter().skip(worker).step_by(workers);
        let works: Vec<_> = (0..workers)
            .map(|worker| (share(worker), &books))
            .map(|(share, books)| scope.spawn(move || try_all(books, share)))
            .collect();
        for work in works {
            match work.join() {
                Ok(Ok(part)) => report.add(part),
                Ok(Err(error)) => report.failures.push(error.to_string()),
                Err(_) => report.failures.push("reading a damaged journal panics".to_owned()),
            }
        }
    });
    let mut places: Vec<_> = cases
        .iter()
        .map(|case| (case.closed, Part::ALL.iter().position(|part| *part == case.part), case.at))
        .collect();
    places.sort_unstable();
    places.dedup();
    report.bytes = u64::try_from(places.len()).unwrap_or(u64::MAX);
    report
}

fn cases(books: &[Book; 2], bits: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for (closed, book) in [false, true].into_iter().zip(books) {
        let mut files = book.files.clone();
        for part in Part::ALL {
            let ways: &[Way] = match part {
                Part::Database => &[Way::Killed, Way::Reader],
                Part::Log => &[Way::Killed, Way::PowerLost, Way::Reader],
                Part::Index => &[Way::Killed],
            };
            // What an index says stands in its first bytes; the rest is a table that SQLite makes anew.
            let length = if part == Part::Index { 136 } else { usize::MAX };
            for at in 0..part.of(&mut files).len().min(length) {
                for way in ways.iter().copied() {
                    let case = |damage| Case { closed, way, part, at, damage };
                    cases.push(case(Damage::Cut));
                    // Another bit at each place.
                    let flips = (0..bits.min(8)).map(|bit| Damage::Flip(1 << ((at * 5 + at / 8 + bit) % 8)));
                    cases.extend(flips.map(case));
                }
            }
        }
    }
    cases
}

fn try_all<'a>(books: &[Book; 2], cases: impl Iterator<Item = &'a Case>) -> std::io::Result<Report> {
    let place = Place::new()?;
    let mut report = Report::default();
    let [running, closed] = books;
    for case in cases {
        let book = if case.closed { closed } else { running };
        let mut files = book.files.clone();
        case.damage.strike(case.part.of(&mut files), case.at);
        if case.way == Way::PowerLost {
            files.index.clear();
        }
        place.put(&files)?;
        report.count(case, book, &found(&place, case.way));
    }
    Ok(report)
}

/// What a start finds; or why it refuses.
pub fn start(place: &Place) -> Result<Content, String> {
    found(place, Way::Killed)
}

/// What a start, or a reader, finds; or why it refuses.
fn found(place: &Place, way: Way) -> Result<Content, String> {
    let read = || {
        let path = place.journal();
        let mut journal =
            if way == Way::Reader { Journal::open_read_only(&path) } else { Journal::open(&path) }?;
        let content = Content::read(&journal)?;
        if way != Way::Reader {
            // It also goes on.
            let session = journal.begin_session(&NewSession::default())?;
            let seq = journal.append(1, Timestamp::default(), &[7; 1_000])?;
            journal.commit()?;
            journal.records(session, seq)?.collect::<Result<Vec<_>, _>>()?;
            journal.verify()?;
        }
        Ok(content)
    };
    read().map_err(|error: pampero_store::journal::JournalError| error.to_string())
}

impl Report {
    fn count(&mut self, case: &Case, book: &Book, found: &Result<Content, String>) {
        match case.damage {
            Damage::Cut => self.cuts += 1,
            Damage::Flip(_) => self.flips += 1,
        }
        let found = match found {
            Ok(found) => found,
            Err(words) => {
                self.refused += 1;
                if words.is_empty() {
                    self.failures.push(format!("{case:?}: refused without a word"));
                }
                return;
            }
        };
        let last = book.contents.len().saturating_sub(1);
        let Some(commit) = book.contents.iter().position(|content| content == found) else {
            self.failures.push(format!("{case:?}: what is found was never there"));
            return;
        };
        let expected = match (case.part, case.way, case.damage) {
            (Part::Log, Way::PowerLost, Damage::Cut) => {
                let whole = book.ends.iter().rposition(|end| *end <= case.at).unwrap_or(0);
                whole..=whole
            }
            (Part::Log, Way::PowerLost, Damage::Flip(_)) => last.saturating_sub(1)..=last,
            _ => last..=last,
        };
        if !expected.contains(&commit) {
            self.failures.push(format!("{case:?}: found commit {commit} of {last}, expected {expected:?}"));
        }
        match last - commit {
            0 => self.whole += 1,
            1 => self.one_short += 1,
            _ => self.earlier += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.cuts += other.cuts;
        self.flips += other.flips;
        self.refused += other.refused;
        self.whole += other.whole;
        self.one_short += other.one_short;
        self.earlier += other.earlier;
        self.failures.extend(other.failures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_nothing_happened_to_is_found_whole_in_every_way() {
        let book = Book::write().unwrap();
        let place = Place::new().unwrap();
        for (files, contents) in
            [(&book.files, &book.contents), (&book.closed().unwrap().files, &book.contents)]
        {
            for way in [Way::Killed, Way::PowerLost, Way::Reader] {
                place.put(files).unwrap();
                assert_eq!(found(&place, way).as_ref(), Ok(contents.last().unwrap()));
            }
        }
        // Each commit can be told from every other, or the proof would say little.
        for (at, content) in book.contents.iter().enumerate() {
            assert_eq!(book.contents.iter().position(|other| other == content), Some(at));
        }
        assert!(
            book.files.log.len() > 20_000
                && book.files.index.len() > 136
                && book.files.database.len() > 10_000
        );
    }

    #[test]
    fn damage_is_refused_or_costs_no_more_than_it_must() {
        let report = run(Settings { stride: 401, bits: 1 });
        assert!(report.failures.is_empty(), "{report:#?}");
        assert!(
            report.refused > 50 && report.whole > 5 && report.one_short > 0 && report.earlier > 0,
            "{report:#?}"
        );
    }
}
