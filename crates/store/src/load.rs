//! Reading a file of market data, whatever its form.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use pampero_model::Span;

use crate::check::Unchecked;
use crate::csv_read;
use crate::dataset::{Dataset, Kind, LoadOptions, Series};
use crate::error::DataError;
use crate::layout::Layout;
use crate::parquet_read;
use crate::rows::Lines;

/// The bytes that Parquet files begin with.
const PARQUET_MAGIC: &[u8; 4] = b"PAR1";
/// Levels a side of books that are made of depth changes: what a strategy on this exchange can see.
const DEPTH: usize = 100;

/// Reads a file of market data. Its form is recognised by its content: Parquet, or text with any of the
/// usual delimiters, with a header or in the layout of a known exchange.
///
/// # Errors
/// Says what is wrong, in which line and column, and what was expected. A file that is out of order, or of several
/// symbols where none was chosen, is refused rather than guessed at.
pub fn load(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Dataset, DataError> {
    let path = path.as_ref();
    let mut file = File::open(path).map_err(DataError::io(path, "open it"))?;
    let metadata = file.metadata().map_err(DataError::io(path, "read it"))?;
    if metadata.is_dir() {
        return Err(DataError::Request(format!(
            "{}: is a folder (expected a file of CSV or Parquet)",
            path.display()
        )));
    }
    read(path, &mut file, metadata.len(), options)
}

/// Reads market data that is in memory, for example built into the program. The name stands for the path in
/// errors.
///
/// ```
/// use pampero_store::{LoadOptions, Series, load_bytes};
/// let text = b"time,open,high,low,close,volume\n2024-01-01,9,11,8,10,5\n2024-01-02,10,12,10,11,4\n";
/// let dataset = load_bytes("two days", text, &LoadOptions::default())?;
/// let Series::Candles(candles) = dataset.series else { unreachable!() };
/// assert_eq!(candles.span().to_string(), "1d");
/// # Ok::<(), pampero_store::DataError>(())
/// ```
///
/// # Errors
/// As [`load`].
pub fn load_bytes(name: &str, bytes: &[u8], options: &LoadOptions) -> Result<Dataset, DataError> {
    read(Path::new(name), &mut Cursor::new(bytes), bytes.len() as u64, options)
}

fn read<R: Read + Seek + Send>(
    path: &Path,
    reader: &mut R,
    length: u64,
    options: &LoadOptions,
) -> Result<Dataset, DataError> {
    let mut magic = Vec::new();
    reader.by_ref().take(4).read_to_end(&mut magic).map_err(DataError::io(path, "read it"))?;
    reader.seek(SeekFrom::Start(0)).map_err(DataError::io(path, "read it"))?;
    let packed = match magic.as_slice() {
        [0x1F, 0x8B, ..] => Some("gzip"),
        [b'P', b'K', 3, 4] => Some("zip"),
        [0x28, 0xB5, 0x2F, 0xFD] => Some("zstd"),
        _ => None,
    };
    if let Some(packed) = packed {
        let path = path.display();
        return Err(DataError::Request(format!("{path}: is packed ({packed}); unpack it first")));
    }
    if magic == PARQUET_MAGIC {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        reader.read_to_end(&mut bytes).map_err(DataError::io(path, "read it"))?;
        return read_parquet(path, &bytes.into(), options);
    }
    read_text(path, reader, length, options)
}

fn read_parquet(path: &Path, bytes: &Bytes, options: &LoadOptions) -> Result<Dataset, DataError> {
    let length = bytes.len() as u64;
    // Beside the reading, the hash takes no time of its own. The thread is also what turns a panic of the Parquet
    // library, which some damaged files provoke, into an error.
    let (hash, read) = std::thread::scope(|scope| {
        let read = scope.spawn(|| parquet_read::read(path, bytes, options));
        (blake3::hash(bytes), read.join())
    });
    let read = read.map_err(|_| DataError::parquet(path, "the file is damaged: it cannot be decoded"))??;
    let rows = read.table.len() as u64;
    let description = read.layout.describe();
    let (market, venue, synthetic) = (read.market, read.venue, read.synthetic);
    let unchecked = Unchecked {
        path,
        table: read.table,
        lines: Lines::default(),
        bad: read.bad,
        names: names(&read.layout),
        span: read.span.filter(|span| *span != Span::ZERO),
        native: read.native,
        numbered: read.layout.is_numbered(),
        events: events(&read.layout, options),
        unsorted: options.unsorted,
        raw: options.raw,
    };
    Ok(Dataset {
        series: of_kind(path, unchecked.finish()?, options)?,
        symbol: market,
        venue,
        synthetic,
        hash: hash.to_hex().to_string(),
        bytes: length,
        rows,
        path: path.to_owned(),
        description: format!("{description} of Parquet"),
    })
}

/// Refuses data of another kind than was asked for.
fn of_kind(path: &Path, series: Series, options: &LoadOptions) -> Result<Series, DataError> {
    let found = series.kind();
    match options.kind {
        Some(kind) if kind != found => {
            let (path, found, kind) = (path.display(), found.name(), kind.name());
            Err(DataError::Request(format!("{path}: holds {found}, not {kind}")))
        }
        _ => Ok(series),
    }
}

fn names(layout: &Layout) -> Vec<String> {
    layout.sources.iter().map(|source| source.name.clone()).collect()
}

fn events(layout: &Layout, options: &LoadOptions) -> Option<(Kind, usize)> {
    layout.is_events.then(|| (options.kind.unwrap_or(Kind::Books), options.depth.unwrap_or(DEPTH)))
}

fn read_text<R: Read + Seek + Send>(
    path: &Path,
    reader: R,
    length: u64,
    options: &LoadOptions,
) -> Result<Dataset, DataError> {
    let read = csv_read::read(path, reader, length, options)?;
    let rows = read.rows.table.len() as u64;
    let unchecked = Unchecked {
        path,
        table: read.rows.table,
        lines: read.rows.lines,
        bad: read.rows.bad,
        names: names(&read.layout),
        span: None,
        native: false,
        numbered: read.layout.is_numbered(),
        events: events(&read.layout, options),
        unsorted: options.unsorted,
        raw: options.raw,
    };
    Ok(Dataset {
        series: of_kind(path, unchecked.finish()?, options)?,
        symbol: read.symbol,
        venue: None,
        synthetic: read.synthetic,
        hash: read.hash.to_hex().to_string(),
        bytes: read.bytes,
        rows,
        path: path.to_owned(),
        description: format!("{}; time in {}", read.layout.describe(), read.time_in),
    })
}
