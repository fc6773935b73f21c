//! History on disk: `<root>/<venue>/<market>/<kind>/<day>.parquet`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use pampero_model::{Span, Timestamp};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;

use crate::check::Unchecked;
use crate::dataset::{Kind, LoadOptions, Series};
use crate::error::DataError;
use crate::hash::{self, DAY};
use crate::load::load;
use crate::merge::merge;
use crate::parquet_write::{FileInfo, encode, write_atomically};
use crate::table::Table;

/// A folder of history, one file a day (UTC) for each venue, market, kind and span.
///
/// ```
/// use pampero_model::Timestamp;
/// use pampero_store::{Catalog, LoadOptions, SeriesKey, load_bytes};
/// # let folder = tempfile::tempdir()?;
/// let catalog = Catalog::new(folder.path());
/// let text = b"time,open,high,low,close,volume\n2024-01-31T23:00:00Z,9,9,9,9,1\n2024-02-01T00:00:00Z,9,9,9,9,1\n";
/// let series = load_bytes("two hours", text, &LoadOptions::default())?.series;
/// let key = SeriesKey::of("bitex", "btc_ars", &series)?;
/// assert_eq!(catalog.import(&key, &series, None, false)?.rows_added, 2);
/// assert_eq!(catalog.import(&key, &series, None, false)?.rows_added, 0);
/// assert!(folder.path().join("bitex/btc_ars/candles-1h/2024-01-31.parquet").exists());
/// assert_eq!(catalog.read(&key, Timestamp::MIN, Timestamp::MAX)?, series);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Catalog {
    root: PathBuf,
}

/// What a series of a catalogue is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The venue: `bitex`.
    pub venue: String,
    /// The market's code: `btc_ars`.
    pub market: String,
    /// The kind of data.
    pub kind: Kind,
    /// The span of candles; zero for other kinds.
    pub span: Span,
}

impl SeriesKey {
    /// The key of a series of a market.
    ///
    /// # Errors
    /// [`DataError::Name`] if a name cannot be that of a folder.
    pub fn of(venue: &str, market: &str, series: &Series) -> Result<Self, DataError> {
        let key = Self {
            venue: venue.to_owned(),
            market: market.to_owned(),
            kind: series.kind(),
            span: series.span().unwrap_or_default(),
        };
        key.check()?;
        Ok(key)
    }

    fn check(&self) -> Result<(), DataError> {
        for (what, name) in [("venue", &self.venue), ("market", &self.market)] {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) {
                let expected = "letters, digits, `_`, `-` and `.`, not at the beginning";
                return Err(DataError::Name { name: name.clone(), what, expected });
            }
        }
        if self.kind == Kind::Candles && self.span <= Span::ZERO {
            let (name, expected) = (self.span.to_string(), "a span above zero, such as 1m");
            return Err(DataError::Name { name, what: "span of candles", expected });
        }
        Ok(())
    }

    /// The folder under the root: `bitex/btc_ars/candles-1h`.
    fn folder(&self) -> PathBuf {
        let kind = match self.kind {
            Kind::Candles => format!("candles-{}", self.span),
            kind => kind.name().to_owned(),
        };
        [self.venue.as_str(), self.market.as_str(), kind.as_str()].iter().collect()
    }

    /// The key of a folder; nothing if it is none of ours.
    fn of_folder(venue: &str, market: &str, folder: &str) -> Option<Self> {
        let (kind, span) = match folder.strip_prefix("candles-") {
            Some(span) => (Kind::Candles, span.parse().ok()?),
            None => (Kind::of_name(folder).filter(|kind| *kind != Kind::Candles)?, Span::ZERO),
        };
        let key = Self { venue: venue.to_owned(), market: market.to_owned(), kind, span };
        key.check().ok().map(|()| key)
    }
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Rows of the series that was given (levels, for books).
    pub rows_given: u64,
    /// Rows the catalogue holds more than before.
    pub rows_added: u64,
    /// Days that were written.
    pub days_changed: u64,
    /// Days that held all of it already.
    pub days_unchanged: u64,
}

/// A line of the catalogue's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Venue, market, kind and span.
    pub key: SeriesKey,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// Rows (levels, for books).
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Days with data.
    pub days: u64,
    /// The hash of the data, as [`content_hash`](crate::content_hash) gives it.
    pub hash: String,
    /// What the data was generated from, if it is synthetic.
    pub synthetic: Option<String>,
}

impl Catalog {
    /// The catalogue in a folder, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Merges a series into the catalogue. Rows in disorder are sorted, rows that are there already change nothing:
    /// importing twice is importing once. Either all days are consistent with what is there (or `replace` lets the
    /// new data win), or nothing is changed. Each day is written whole or not at all; after a crash between two days,
    /// importing again completes it.
    ///
    /// Load the file with [`LoadOptions::unsorted`] if its rows may be in disorder.
    ///
    /// # Errors
    /// [`DataError::BadRows`] if a value is impossible, [`DataError::Conflict`] if the catalogue holds other data for the same time, [`DataError::Request`] if the
    /// series does not fit the key or mixes synthetic with recorded data, and errors of the file system.
    pub fn import(
        &self,
        key: &SeriesKey,
        series: &Series,
        synthetic: Option<&str>,
        replace: bool,
    ) -> Result<ImportSummary, DataError> {
        key.check()?;
        let span = series.span().unwrap_or_default();
        if key.kind != series.kind() || key.span != span {
            let (given, of) = (series.kind().name(), key.folder());
            return Err(DataError::Request(format!(
                "{given} of span {span} do not belong in {}",
                of.display()
            )));
        }
        let folder = self.root.join(key.folder());
        let mut table = Unchecked::of_table(&folder, Table::of_series(series)).check_rows()?;
        table.sort_by_time();
        let mut summary = ImportSummary { rows_given: table.len() as u64, ..ImportSummary::default() };
        let info = FileInfo {
            venue: Some(key.venue.clone()),
            market: Some(key.market.clone()),
            synthetic: synthetic.map(ToOwned::to_owned),
        };
        let mut writes = Vec::new();
        for (day, rows) in hash::days(&table) {
            let path = self.day_path(key, day);
            let mut new = Table::new(table.kind);
            new.append_range(&table, rows);
            let old = read_day(&path, key.kind, &info)?;
            let conflict = |time| {
                let what = key.kind.name().strip_suffix('s').unwrap_or_default();
                DataError::Conflict { path: path.clone(), what, time: Timestamp::from_nanos(time) }
            };
            let nothing = Table::new(table.kind);
            let merged = merge(old.as_ref().unwrap_or(&nothing), &new, replace).map_err(conflict)?;
            if old.as_ref() == Some(&merged) {
                summary.days_unchanged += 1;
                continue;
            }
            let before = old.map_or(0, |old| old.len());
            summary.rows_added += merged.len().saturating_sub(before) as u64;
            summary.days_changed += 1;
            let bytes =
                encode(&merged, span.as_nanos(), &info).map_err(|error| DataError::parquet(&path, error))?;
            writes.push((path, bytes));
        }
        if !writes.is_empty() {
            fs::create_dir_all(&folder).map_err(DataError::io(&folder, "create it"))?;
        }
        writes.iter().try_for_each(|(path, bytes)| write_atomically(path, bytes))?;
        Ok(summary)
    }

    /// Reads what the catalogue holds from one instant (included) to another (excluded), in order of time.
    ///
    /// # Errors
    /// [`DataError::Empty`] if it holds nothing there.
    pub fn read(&self, key: &SeriesKey, from: Timestamp, to: Timestamp) -> Result<Series, DataError> {
        key.check()?;
        let folder = self.root.join(key.folder());
        let mut table = Table::new(key.kind);
        for (day, path) in day_files(&folder)? {
            let start = Timestamp::from_nanos(day.saturating_mul(DAY));
            if start >= to || start.plus(Span::from_nanos(DAY)) <= from {
                continue;
            }
            let rows = load(&path, &LoadOptions::default())?;
            let rows = Table::of_series(&rows.series);
            let begin = rows.times().partition_point(|time| *time < from.as_nanos());
            let end = rows.times().partition_point(|time| *time < to.as_nanos());
            table.append_range(&rows, begin..end);
        }
        if table.len() == 0 {
            return Err(DataError::Empty { path: folder });
        }
        Ok(table.into_series(key.span))
    }

    /// What the catalogue holds, in order of its keys. Reads no more than the end of each file.
    ///
    /// # Errors
    /// Those of the file system, and of damaged files.
    pub fn list(&self) -> Result<Vec<CatalogEntry>, DataError> {
        let mut entries = Vec::new();
        for venue in names_in(&self.root)? {
            let venue_path = self.root.join(&venue);
            for market in names_in(&venue_path)? {
                let market_path = venue_path.join(&market);
                for folder in names_in(&market_path)? {
                    if let Some(key) = SeriesKey::of_folder(&venue, &market, &folder) {
                        entries.extend(list_one(key, &market_path.join(folder))?);
                    }
                }
            }
        }
        entries.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(entries)
    }

    fn day_path(&self, key: &SeriesKey, day: i64) -> PathBuf {
        let start = Timestamp::from_nanos(day.saturating_mul(DAY)).to_string();
        let date = start.get(..10).unwrap_or(&start);
        self.root.join(key.folder()).join(format!("{date}.parquet"))
    }
}

/// The rows of a day; nothing if there is no file.
fn read_day(path: &Path, kind: Kind, info: &FileInfo) -> Result<Option<Table>, DataError> {
    if !path.exists() {
        return Ok(None);
    }
    let dataset = load(path, &LoadOptions::default())?;
    if dataset.series.kind() != kind {
        return Err(DataError::parquet(
            path,
            format!("holds {}, not {}", dataset.series.kind().name(), kind.name()),
        ));
    }
    if dataset.synthetic != info.synthetic {
        let name = |label: &Option<String>| match label {
            Some(label) => format!("synthetic ({label})"),
            None => "recorded".to_owned(),
        };
        let (there, given) = (name(&dataset.synthetic), name(&info.synthetic));
        return Err(DataError::Request(format!(
            "{}: the data there is {there}, the data to import is {given}; they cannot be merged (import under another \
             venue or market)",
            path.display()
        )));
    }
    Ok(Some(Table::of_series(&dataset.series)))
}

fn list_one(key: SeriesKey, folder: &Path) -> Result<Option<CatalogEntry>, DataError> {
    let (mut rows, mut bytes, mut synthetic) = (0, 0, None);
    let (mut hashes, mut range) = (Vec::new(), None);
    for (_, path) in day_files(folder)? {
        let file = File::open(&path).map_err(DataError::io(&path, "open it"))?;
        bytes += file.metadata().map_err(DataError::io(&path, "read it"))?.len();
        let reader = SerializedFileReader::new(file).map_err(|error| DataError::parquet(&path, error))?;
        let metadata = reader.metadata();
        let pairs = metadata.file_metadata().key_value_metadata().map_or(&[][..], Vec::as_slice);
        let value = |key: &str| pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone());
        let hash = value("pampero.content_hash").and_then(|hash| blake3::Hash::from_hex(hash).ok());
        hashes.push(
            hash.ok_or_else(|| DataError::parquet(&path, "not a file of this catalogue: it has no hash"))?,
        );
        synthetic = synthetic.or(value("pampero.synthetic"));
        for group in metadata.row_groups() {
            rows += group.num_rows().unsigned_abs();
            if let Some(Statistics::Int64(times)) =
                group.columns().first().and_then(|times| times.statistics())
            {
                let (least, most) = range.unwrap_or((i64::MAX, i64::MIN));
                range = Some((
                    times.min_opt().map_or(least, |time| least.min(*time)),
                    times.max_opt().map_or(most, |time| most.max(*time)),
                ));
            }
        }
    }
    let days = hashes.len() as u64;
    let Some((first, last)) = range else { return Ok(None) };
    Ok(Some(CatalogEntry {
        key,
        first: Timestamp::from_nanos(first),
        last: Timestamp::from_nanos(last),
        rows,
        bytes,
        days,
        hash: hash::hash_of_days(hashes.into_iter()),
        synthetic,
    }))
}

/// The day files of a folder in order, with their days since 1970.
fn day_files(folder: &Path) -> Result<Vec<(i64, PathBuf)>, DataError> {
    let mut days = Vec::new();
    for name in names_in(folder)? {
        let date = name.strip_suffix(".parquet").filter(|date| date.len() == 10);
        if let Some(start) = date.and_then(|date| date.parse::<Timestamp>().ok()) {
            days.push((start.as_nanos().div_euclid(DAY), folder.join(&name)));
        }
    }
    days.sort();
    Ok(days)
}

/// The names in a folder in order; none if there is no such folder, or if it is a file.
fn names_in(folder: &Path) -> Result<Vec<String>, DataError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(DataError::io(folder, "list it"))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(DataError::io(folder, "list it"))?;
        names.extend(entry.file_name().into_string().ok().filter(|name| !name.starts_with('.')));
    }
    names.sort();
    Ok(names)
}
