//! A hash of data that does not depend on how it is stored.

use std::ops::Range;

use crate::dataset::Series;
use crate::table::Table;

/// Nanoseconds in a day.
pub(crate) const DAY: i64 = 86_400_000_000_000;

/// BLAKE3 over the data itself, in hexadecimal: the same for a text file, a Parquet file and the days of a catalogue
/// that hold the same rows. The span of candles is part of it, names of markets are not.
///
/// It is the hash of the hashes of the days (UTC), so a catalogue knows it without reading the rows.
///
/// ```
/// use pampero_store::{LoadOptions, content_hash, load_bytes};
/// let comma = load_bytes("a", b"time,price,amount\n1700000000,10,1\n", &LoadOptions::default())?;
/// let tab = load_bytes("b", b"ts\tprice\tqty\n1700000000000\t10.0\t1.00\n", &LoadOptions::default())?;
/// assert_ne!(comma.hash, tab.hash);
/// assert_eq!(content_hash(&comma.series), content_hash(&tab.series));
/// # Ok::<(), pampero_store::DataError>(())
/// ```
pub fn content_hash(series: &Series) -> String {
    let table = Table::of_series(series);
    hash_of_table(&table, series.span_nanos())
}

/// The rows of each day that has any. Rows must be in order of time.
pub(crate) fn days(table: &Table) -> Vec<(i64, Range<usize>)> {
    let times = table.times();
    let mut days = Vec::new();
    let mut start = 0;
    while let Some(first) = times.get(start) {
        let day = first.div_euclid(DAY);
        let rest = times.get(start..).unwrap_or_default();
        let end = start + rest.partition_point(|time| time.div_euclid(DAY) == day).max(1);
        days.push((day, start..end));
        start = end;
    }
    days
}

/// The hash of a table in order of time.
pub(crate) fn hash_of_table(table: &Table, span: i64) -> String {
    hash_of_days(days(table).into_iter().map(|(_, rows)| hash_of_rows(table, rows, span)))
}

/// The hash of the rows of a day, column after column.
fn hash_of_rows(table: &Table, rows: Range<usize>, span: i64) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(table.kind.name().as_bytes());
    hasher.update(&span.to_le_bytes());
    let mut bytes = Vec::with_capacity(1 << 16);
    for column in &table.columns {
        for chunk in column.get(rows.clone()).unwrap_or_default().chunks(1 << 13) {
            bytes.clear();
            bytes.extend(chunk.iter().flat_map(|value| value.to_le_bytes()));
            hasher.update(&bytes);
        }
    }
    hasher.finalize()
}

/// The hash of a series from those of its days in order; of a single day, that day's own.
pub(crate) fn hash_of_days(mut days: impl Iterator<Item = blake3::Hash>) -> String {
    let Some(first) = days.next() else { return blake3::hash(&[]).to_hex().to_string() };
    let mut hasher = blake3::Hasher::new();
    hasher.update(first.as_bytes());
    let mut more = 0_u64;
    for day in days {
        hasher.update(day.as_bytes());
        more += 1;
    }
    let hash = if more == 0 { first } else { hasher.finalize() };
    hash.to_hex().to_string()
}
