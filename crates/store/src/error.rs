//! What can be wrong with market data, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use pampero_model::Timestamp;
use thiserror::Error;

/// Where a bad value stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of a text file, counted from one.
    Line(u64),
    /// A row of a Parquet file, counted from one.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// One value that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Where it stands.
    pub place: Place,
    /// The name of its column.
    pub column: String,
    /// The value as found.
    pub value: String,
    /// What should stand there.
    pub expected: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, column, value, expected } = self;
        write!(f, "{place}, column `{column}`: `{value}` found, {expected} expected")
    }
}

/// Market data that cannot be read, merged or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file system refused.
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The file holds no rows of data.
    #[error("{path}: no rows of data (expected CSV with a header row, or Parquet)", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The columns do not make up any known kind of data.
    #[error("{path}: {reason}; columns found: {found}", path = path.display(), found = found.join(", "))]
    Columns {
        /// The file.
        path: PathBuf,
        /// What is missing.
        reason: String,
        /// The names of the columns, or the cells of the first row where there is no header.
        found: Vec<String>,
    },
    /// Rows with values that cannot be used.
    #[error("{path}: {first}{rest}", path = path.display(), first = first_of(rows), rest = rest_of(rows, *count))]
    BadRows {
        /// The file.
        path: PathBuf,
        /// The first of them, at most [`MAX_BAD_ROWS`].
        rows: Vec<BadRow>,
        /// How many there are in all.
        count: u64,
    },
    /// A row earlier than the one before it, in a file that is otherwise ascending (or the reverse).
    #[error(
        "{path}: {place}: time {time} after {before}; rows must be in order of time. Sort the file, or import it with \
         `pampero data import`, which sorts", path = path.display()
    )]
    Disorder {
        /// The file.
        path: PathBuf,
        /// Where the order breaks.
        place: Place,
        /// The time found there.
        time: Timestamp,
        /// The time of the row before.
        before: Timestamp,
    },
    /// Two candles of the same time.
    #[error(
        "{path}: {place}: a second candle at {time}. Remove one of them, or import the file with \
         `pampero data import`, which drops exact duplicates", path = path.display()
    )]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// Where the second stands.
        place: Place,
        /// The time of both.
        time: Timestamp,
    },
    /// The file holds several symbols and none, or an unknown one, was chosen.
    #[error("{path}: {problem}; it holds {found}", path = path.display(), found = found.join(", "))]
    Symbol {
        /// The file.
        path: PathBuf,
        /// What is wrong with the choice.
        problem: String,
        /// The symbols of the file.
        found: Vec<String>,
    },
    /// A Parquet file that is damaged or of a kind this program does not read.
    #[error("{path}: {reason}", path = path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The data to import contradicts what the catalogue holds.
    #[error(
        "{path}: the catalogue holds a different {what} at {time}. Nothing was changed; import with `--replace` to let \
         the new data win", path = path.display()
    )]
    Conflict {
        /// The file of the catalogue.
        path: PathBuf,
        /// Candle, trade or book.
        what: &'static str,
        /// When.
        time: Timestamp,
    },
    /// A venue, market or span that cannot name a folder of the catalogue.
    #[error("`{name}` cannot name a {what} of the catalogue (expected {expected})")]
    Name {
        /// The name given.
        name: String,
        /// What it should name.
        what: &'static str,
        /// What would do.
        expected: &'static str,
    },
    /// A request that has no meaning for this data.
    #[error("{0}")]
    Request(String),
}

/// How many bad rows an error carries.
pub const MAX_BAD_ROWS: usize = 20;

impl DataError {
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }

    pub(crate) fn parquet(path: &Path, reason: impl fmt::Display) -> Self {
        Self::Parquet { path: path.to_owned(), reason: reason.to_string() }
    }
}

fn first_of(rows: &[BadRow]) -> String {
    rows.first().map(ToString::to_string).unwrap_or_default()
}

fn rest_of(rows: &[BadRow], count: u64) -> String {
    let places: Vec<String> = rows.iter().skip(1).map(|row| row.place.to_string()).collect();
    match (count.saturating_sub(1), places.is_empty()) {
        (0, _) | (_, true) => String::new(),
        (more, false) => {
            let open = if more > u64::try_from(places.len()).unwrap_or(u64::MAX) { ", ..." } else { "" };
            format!("\n(and {more} more: {}{open})", places.join(", "))
        }
    }
}
