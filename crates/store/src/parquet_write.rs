//! The native form: Parquet of exact integers.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::Int64Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::dataset::Series;
use crate::error::DataError;
use crate::hash;
use crate::table::{Role, Table};

/// Rows of a row group.
const GROUP: usize = 1 << 18;

/// What a file says of its data besides the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileInfo {
    /// The venue, if known: `binance`.
    pub venue: Option<String>,
    /// The market, if known: `btc_usdt`.
    pub market: Option<String>,
    /// What the data was generated from, if it is synthetic.
    pub synthetic: Option<String>,
}

/// The bytes of a Parquet file of a series: integers in nanoseconds and units of 1e-8, delta-encoded, zstd. Other
/// programs read them as TIMESTAMP and DECIMAL(18, 8). The same series and info give the same bytes.
///
/// # Errors
/// None is known; the Parquet library may report one.
pub fn to_parquet(series: &Series, info: &FileInfo) -> Result<Vec<u8>, DataError> {
    let mut table = Table::of_series(series);
    table.sort_by_time();
    encode(&table, series.span_nanos(), info).map_err(|error| DataError::parquet(Path::new("memory"), error))
}

/// Writes a series as a Parquet file, whole or not at all.
///
/// # Errors
/// [`DataError::Io`] if the file cannot be written.
pub fn write_parquet(path: impl AsRef<Path>, series: &Series, info: &FileInfo) -> Result<(), DataError> {
    write_atomically(path.as_ref(), &to_parquet(series, info)?)
}

/// Encodes rows in order of time.
pub(crate) fn encode(table: &Table, span: i64, info: &FileInfo) -> Result<Vec<u8>, ParquetError> {
    let content_hash = hash::hash_of_table(table, span);
    let pairs = [
        ("schema", Some("1".to_owned())),
        ("kind", Some(table.kind.name().to_owned())),
        ("span_ns", Some(span.to_string())),
        ("venue", info.venue.clone()),
        ("market", info.market.clone()),
        ("synthetic", info.synthetic.clone()),
        ("content_hash", Some(content_hash)),
    ];
    let metadata =
        pairs.into_iter().filter_map(|(key, value)| Some(KeyValue::new(format!("pampero.{key}"), value?)));
    let properties = WriterProperties::builder()
        .set_created_by("pampero".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_key_value_metadata(Some(metadata.collect()))
        .build();
    let schema = Arc::new(parse_message_type(&schema(table))?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for start in (0..table.len()).step_by(GROUP) {
        let mut group = writer.next_row_group()?;
        let mut columns = table.columns.iter();
        while let (Some(mut target), Some(column)) = (group.next_column()?, columns.next()) {
            let rest = column.get(start..).unwrap_or_default();
            let values = rest.get(..GROUP).unwrap_or(rest);
            target.typed::<Int64Type>().write_batch(values, None, None)?;
            target.close()?;
        }
        group.close()?;
    }
    writer.into_inner()
}

fn schema(table: &Table) -> String {
    let fields = table.kind.columns().iter().map(|(name, role)| match role {
        Role::Time => format!("REQUIRED INT64 {name} (TIMESTAMP(NANOS,true));"),
        Role::Price | Role::Quantity => format!("REQUIRED INT64 {name} (DECIMAL(18,8));"),
        Role::Id | Role::Side | Role::Rank => format!("REQUIRED INT64 {name};"),
    });
    format!("message {} {{ {} }}", table.kind.name(), fields.collect::<Vec<_>>().join(" "))
}

/// Writes a file so that a crash leaves the old one or the new one, never a part: a temporary file beside it,
/// synced, renamed, and the folder synced.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let temporary = folder.join(format!(".{name}.{}.part", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| {
        // The part is of no use; that it cannot be removed adds nothing to the error.
        let _ = fs::remove_file(&temporary);
        DataError::io(path, "write it")(error)
    })
}
