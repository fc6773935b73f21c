//! Tables for other programs: columns of times and texts as CSV or Parquet.

use std::path::Path;
use std::sync::Arc;

use pampero_model::Timestamp;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::error::DataError;

/// A column. Amounts are texts, so that no reader rounds them.
///
/// ```
/// use pampero_model::Timestamp;
/// use pampero_store::{Column, columns_to_csv};
/// let columns = [
///     ("time", Column::Times(vec![Timestamp::from_secs(0)])),
///     ("price", Column::Texts(vec!["4100.5".to_owned()])),
/// ];
/// assert_eq!(columns_to_csv(&columns)?, "time,price\n1970-01-01T00:00:00Z,4100.5\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// Instants: RFC 3339 in CSV, nanoseconds in Parquet.
    Times(Vec<Timestamp>),
    /// Texts.
    Texts(Vec<String>),
}

impl Column {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Times(times) => times.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn text(&self, row: usize) -> String {
        match self {
            Self::Times(times) => times.get(row).map(Timestamp::to_string),
            Self::Texts(texts) => texts.get(row).cloned(),
        }
        .unwrap_or_default()
    }
}

/// The columns as CSV with a header.
///
/// # Errors
/// None is known; the CSV library may report one.
pub fn columns_to_csv(columns: &[(&str, Column)]) -> Result<String, DataError> {
    let write = || -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(columns.iter().map(|(name, _)| *name))?;
        let rows = columns.iter().map(|(_, column)| column.len()).max().unwrap_or(0);
        for row in 0..rows {
            writer.write_record(columns.iter().map(|(_, column)| column.text(row)))?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    };
    let failed =
        |error: csv::Error| DataError::io(Path::new("memory"), "write it")(std::io::Error::other(error));
    // What was written are texts.
    write().map_err(failed).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The columns as a Parquet file.
///
/// # Errors
/// None is known; the Parquet library may report one.
pub fn columns_to_parquet(columns: &[(&str, Column)]) -> Result<Vec<u8>, DataError> {
    encode(columns).map_err(|error| DataError::parquet(Path::new("memory"), error))
}

fn encode(columns: &[(&str, Column)]) -> Result<Vec<u8>, ParquetError> {
    let fields = columns.iter().map(|(name, column)| match column {
        Column::Times(_) => format!("REQUIRED INT64 {name} (TIMESTAMP(NANOS,true));"),
        Column::Texts(_) => format!("REQUIRED BYTE_ARRAY {name} (STRING);"),
    });
    let schema = format!("message export {{ {} }}", fields.collect::<Vec<_>>().join(" "));
    let properties = WriterProperties::builder()
        .set_created_by("pampero".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(parse_message_type(&schema)?), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let mut columns = columns.iter();
    while let (Some(mut target), Some((_, column))) = (group.next_column()?, columns.next()) {
        match column {
            Column::Times(times) => {
                let values: Vec<i64> = times.iter().map(|time| time.as_nanos()).collect();
                target.typed::<Int64Type>().write_batch(&values, None, None)?;
            }
            Column::Texts(texts) => {
                let values: Vec<ByteArray> =
                    texts.iter().map(|text| ByteArray::from(text.as_str())).collect();
                target.typed::<ByteArrayType>().write_batch(&values, None, None)?;
            }
        }
        target.close()?;
    }
    group.close()?;
    writer.into_inner()
}
