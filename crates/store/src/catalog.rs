//! History on disk: `<root>/<venue>/<market>/<kind>/<day>.parquet`, and beside it, while a day is being recorded,
//! `<day>.part-<time>.parquet`.

use std::collections::BTreeMap;
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
        let (folder, table) = self.checked(key, series)?;
        let span = key.span;
        let mut summary = ImportSummary { rows_given: table.len() as u64, ..ImportSummary::default() };
        let info = FileInfo {
            venue: Some(key.venue.clone()),
            market: Some(key.market.clone()),
            synthetic: synthetic.map(ToOwned::to_owned),
        };
        let mut writes = Vec::new();
        let mut recorded = days_in(&folder)?;
        for (day, rows) in hash::days(&table) {
            let path = self.day_path(key, day);
            let mut new = Table::new(table.kind);
            new.append_range(&table, rows);
            let files = recorded.remove(&day).unwrap_or_default();
            let old = files.read(key, Some(&info))?;
            let nothing = Table::new(table.kind);
            let merged = merge(old.as_ref().unwrap_or(&nothing), &new, replace)
                .map_err(|time| conflict(key, &path, time))?;
            if old.as_ref() == Some(&merged) {
                summary.days_unchanged += 1;
                continue;
            }
            let before = old.map_or(0, |old| old.len());
            summary.rows_added += merged.len().saturating_sub(before) as u64;
            summary.days_changed += 1;
            let bytes =
                encode(&merged, span.as_nanos(), &info).map_err(|error| DataError::parquet(&path, error))?;
            writes.push((path, bytes, files.parts));
        }
        if !writes.is_empty() {
            fs::create_dir_all(&folder).map_err(DataError::io(&folder, "create it"))?;
        }
        for (path, bytes, parts) in &writes {
            write_atomically(path, bytes)?;
            remove(parts)?;
        }
        Ok(summary)
    }

    /// Adds rows that are being recorded, without reading what is there: each day's rows become a file of their own
    /// beside the day's, whole or not at all. [`Catalog::read`], [`Catalog::list`] and [`Catalog::import`] see it at
    /// once, and rows that stand in two files stand once in what they give. [`Catalog::compact`] makes one file a day
    /// of them.
    ///
    /// ```
    /// use pampero_model::{BookSeries, BookSnapshot, Level, Timestamp};
    /// use pampero_store::{Catalog, Series, SeriesKey};
    /// # let folder = tempfile::tempdir()?;
    /// let catalog = Catalog::new(folder.path());
    /// let bids = [Level { price: "1".parse()?, quantity: "1".parse()? }];
    /// let mut books = BookSeries::default();
    /// books.push(Timestamp::from_secs(1), BookSnapshot { bids: &bids, asks: &[] });
    /// let books = Series::Books(books);
    /// let key = SeriesKey::of("bitex", "btc_ars", &books)?;
    /// catalog.append(&key, &books)?;
    /// catalog.append(&key, &books)?;
    /// assert_eq!(catalog.read(&key, Timestamp::MIN, Timestamp::MAX)?, books);
    /// assert_eq!(catalog.compact(&key, Timestamp::MAX)?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Catalog::import`]; contradictions between files show when they are read.
    pub fn append(&self, key: &SeriesKey, series: &Series) -> Result<(), DataError> {
        let (folder, table) = self.checked(key, series)?;
        let info = recorded(key);
        for (day, rows) in hash::days(&table) {
            let mut new = Table::new(table.kind);
            new.append_range(&table, rows);
            let first = new.times().first().copied().unwrap_or_default();
            let path = folder.join(format!("{}.part-{first}.parquet", date_of(day)));
            let old = if path.exists() { read_file(&path, key, Some(&info))? } else { Table::new(key.kind) };
            let merged = merge(&old, &new, false).map_err(|time| conflict(key, &path, time))?;
            let bytes = encode(&merged, key.span.as_nanos(), &info)
                .map_err(|error| DataError::parquet(&path, error))?;
            fs::create_dir_all(&folder).map_err(DataError::io(&folder, "create it"))?;
            write_atomically(&path, &bytes)?;
        }
        Ok(())
    }

    /// Makes one file of each day that was recorded in parts and ended before an instant; gives how many days. A crash
    /// in between leaves the parts or the day or both, and each reads the same.
    ///
    /// # Errors
    /// Those of the file system, of damaged files, and contradictions between files.
    pub fn compact(&self, key: &SeriesKey, before: Timestamp) -> Result<u64, DataError> {
        key.check()?;
        let mut days = 0;
        for (day, files) in days_in(&self.root.join(key.folder()))? {
            let end = Timestamp::from_nanos(day.saturating_add(1).saturating_mul(DAY));
            if files.parts.is_empty() || end > before {
                continue;
            }
            let path = self.day_path(key, day);
            if let Some(table) = files.read(key, Some(&recorded(key)))? {
                let bytes = encode(&table, key.span.as_nanos(), &recorded(key));
                write_atomically(&path, &bytes.map_err(|error| DataError::parquet(&path, error))?)?;
                days += 1;
            }
            remove(&files.parts)?;
        }
        Ok(days)
    }

    /// The folder of a key, and the rows of a series of that key in order of time.
    fn checked(&self, key: &SeriesKey, series: &Series) -> Result<(PathBuf, Table), DataError> {
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
        Ok((folder, table))
    }

    /// Reads what the catalogue holds from one instant (included) to another (excluded), in order of time.
    ///
    /// # Errors
    /// [`DataError::Empty`] if it holds nothing there.
    pub fn read(&self, key: &SeriesKey, from: Timestamp, to: Timestamp) -> Result<Series, DataError> {
        key.check()?;
        let folder = self.root.join(key.folder());
        let mut table = Table::new(key.kind);
        for (day, files) in days_in(&folder)? {
            let start = Timestamp::from_nanos(day.saturating_mul(DAY));
            if start >= to || start.plus(Span::from_nanos(DAY)) <= from {
                continue;
            }
            let Some(rows) = files.read(key, None)? else { continue };
            let begin = rows.times().partition_point(|time| *time < from.as_nanos());
            let end = rows.times().partition_point(|time| *time < to.as_nanos());
            table.append_range(&rows, begin..end);
        }
        if table.len() == 0 {
            return Err(DataError::Empty { path: folder });
        }
        Ok(table.into_series(key.span))
    }

    /// What the catalogue holds, in order of its keys. Reads no more than the end of each file, but whole the days that
    /// are being recorded.
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
        self.root.join(key.folder()).join(format!("{}.parquet", date_of(day)))
    }
}

/// The date of a day since 1970: `2024-01-31`.
fn date_of(day: i64) -> String {
    let start = Timestamp::from_nanos(day.saturating_mul(DAY)).to_string();
    start.get(..10).unwrap_or(&start).to_owned()
}

/// What a file of recorded data says of itself.
fn recorded(key: &SeriesKey) -> FileInfo {
    FileInfo { venue: Some(key.venue.clone()), market: Some(key.market.clone()), synthetic: None }
}

fn conflict(key: &SeriesKey, path: &Path, time: i64) -> DataError {
    let what = key.kind.name().strip_suffix('s').unwrap_or_default();
    DataError::Conflict { path: path.to_owned(), what, time: Timestamp::from_nanos(time) }
}

fn remove(parts: &[PathBuf]) -> Result<(), DataError> {
    parts.iter().try_for_each(|part| fs::remove_file(part).map_err(DataError::io(part, "remove it")))
}

/// The files of one day.
#[derive(Clone, Debug, Default)]
struct DayFiles {
    whole: Option<PathBuf>,
    /// In order of their first rows.
    parts: Vec<PathBuf>,
}

impl DayFiles {
    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.whole.iter().chain(&self.parts)
    }

    /// The rows of the day; nothing without a file. With `info`, refuses data of another origin.
    fn read(&self, key: &SeriesKey, info: Option<&FileInfo>) -> Result<Option<Table>, DataError> {
        let mut day: Option<Table> = None;
        for path in self.paths() {
            let rows = read_file(path, key, info)?;
            let Some(table) = &mut day else {
                day = Some(rows);
                continue;
            };
            // Parts follow each other in time, unless a recorder began anew.
            if table.times().last() < rows.times().first() {
                table.append(&rows);
            } else {
                *table = merge(table, &rows, false).map_err(|time| conflict(key, path, time))?;
            }
        }
        Ok(day)
    }
}

/// The rows of a file of the catalogue.
fn read_file(path: &Path, key: &SeriesKey, info: Option<&FileInfo>) -> Result<Table, DataError> {
    let dataset = load(path, &LoadOptions::default())?;
    let kind = key.kind;
    if dataset.series.kind() != kind {
        return Err(DataError::parquet(
            path,
            format!("holds {}, not {}", dataset.series.kind().name(), kind.name()),
        ));
    }
    if let Some(info) = info.filter(|info| dataset.synthetic != info.synthetic) {
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
    Ok(Table::of_series(&dataset.series))
}

fn list_one(key: SeriesKey, folder: &Path) -> Result<Option<CatalogEntry>, DataError> {
    let (mut rows, mut bytes, mut synthetic) = (0, 0, None);
    let (mut hashes, mut range) = (Vec::new(), None);
    for (_, files) in days_in(folder)? {
        if !files.parts.is_empty() {
            for path in files.paths() {
                bytes += fs::metadata(path).map_err(DataError::io(path, "read it"))?.len();
            }
            if let Some(table) = files.read(&key, None)? {
                rows += table.len() as u64;
                hashes.extend(blake3::Hash::from_hex(hash::hash_of_table(&table, key.span.as_nanos())).ok());
                if let (Some(first), Some(last)) = (table.times().first(), table.times().last()) {
                    let (least, most) = range.unwrap_or((i64::MAX, i64::MIN));
                    range = Some((least.min(*first), most.max(*last)));
                }
            }
            continue;
        }
        let Some(path) = files.whole else { continue };
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

/// The files of each day of a folder, by days since 1970.
fn days_in(folder: &Path) -> Result<BTreeMap<i64, DayFiles>, DataError> {
    let mut days = BTreeMap::<i64, DayFiles>::new();
    for name in names_in(folder)? {
        let Some((date, rest)) =
            name.strip_suffix(".parquet").and_then(|name| Some((name.get(..10)?, name.get(10..)?)))
        else {
            continue;
        };
        let Ok(start) = date.parse::<Timestamp>() else { continue };
        let day = start.as_nanos().div_euclid(DAY);
        if rest.is_empty() {
            days.entry(day).or_default().whole = Some(folder.join(&name));
        } else if rest.strip_prefix(".part-").is_some_and(|time| time.parse::<i64>().is_ok()) {
            days.entry(day).or_default().parts.push(folder.join(&name));
        }
    }
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
