//! Parquet, ours and that of others, without Arrow.

use std::path::Path;

use bytes::Bytes;
use pampero_model::Span;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit as ParquetUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::cell::{self, TimeUnit};
use crate::dataset::{Kind, LoadOptions};
use crate::error::{BadRow, DataError, Place};
use crate::layout::{Layout, Reading, Source};
use crate::rows::{self, BadRows, choose_symbol};
use crate::table::{Role, Table};
use crate::thrift;

/// A Parquet file, read.
pub(crate) struct ParquetRead {
    pub(crate) table: Table,
    pub(crate) bad: BadRows,
    pub(crate) layout: Layout,
    pub(crate) span: Option<Span>,
    pub(crate) market: Option<String>,
    pub(crate) venue: Option<String>,
    pub(crate) synthetic: Option<String>,
    pub(crate) native: bool,
}

/// Our own metadata of a file; empty in the files of others.
struct Metadata<'a>(&'a [KeyValue]);

impl Metadata<'_> {
    fn get(&self, key: &str) -> Option<String> {
        let found = self.0.iter().find(|pair| pair.key.strip_prefix("pampero.") == Some(key))?;
        found.value.clone()
    }
}

/// More rows than this for each byte are damage: the flattest market in the best compression has fewer.
const ROWS_PER_BYTE: u64 = 4_096;
/// So many rows are believed of any file.
const ROWS_OF_ANY: u64 = 1 << 20;

/// An open file.
struct File<'a> {
    path: &'a Path,
    bytes: &'a Bytes,
    reader: SerializedFileReader<Bytes>,
    rows: usize,
}

impl<'a> File<'a> {
    fn open(path: &'a Path, bytes: &'a Bytes) -> Result<Self, DataError> {
        let damaged = |problem| DataError::parquet(path, format!("the file is damaged: {problem}"));
        thrift::check_footer(bytes).map_err(damaged)?;
        let reader =
            SerializedFileReader::new(bytes.clone()).map_err(|error| DataError::parquet(path, error))?;
        let groups = reader.metadata().row_groups().iter();
        let rows = groups.fold(0_u64, |sum, group| {
            sum.saturating_add(u64::try_from(group.num_rows()).unwrap_or(u64::MAX))
        });
        let length = bytes.len();
        let most = ROWS_PER_BYTE.saturating_mul(length as u64).max(ROWS_OF_ANY);
        match usize::try_from(rows) {
            Ok(rows) if rows as u64 <= most => Ok(Self { path, bytes, reader, rows }),
            _ => Err(damaged(format!("it claims {rows} rows in {length} bytes"))),
        }
    }

    /// The values of a column in a row group, whose pages were looked at.
    fn column(&self, group: usize, at: usize, name: &str) -> Result<ColumnReader, DataError> {
        let about = self.reader.metadata().row_group(group).columns().get(at);
        let about = about.ok_or_else(|| DataError::parquet(self.path, "a column is missing"))?;
        let range = |(start, length): (u64, u64)| {
            let start = usize::try_from(start).ok()?;
            self.bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)
        };
        let pages = range(about.byte_range()).ok_or_else(|| "it lies beyond the end of the file".to_owned());
        pages.and_then(thrift::check_pages).map_err(|problem| {
            DataError::parquet(self.path, format!("column `{name}`: the file is damaged: {problem}"))
        })?;
        let group = self.reader.get_row_group(group);
        group.and_then(|group| group.get_column_reader(at)).map_err(|error| self.damaged(name, &error))
    }

    fn damaged(&self, name: &str, error: &ParquetError) -> DataError {
        DataError::parquet(self.path, format!("column `{name}`: {error}"))
    }
}

/// Reads a Parquet file that is in memory.
pub(crate) fn read(path: &Path, bytes: &Bytes, options: &LoadOptions) -> Result<ParquetRead, DataError> {
    let file = File::open(path, bytes)?;
    let about = file.reader.metadata().file_metadata();
    let pairs = about.key_value_metadata().map_or(&[][..], Vec::as_slice);
    let metadata = Metadata(pairs);
    // Leaves of nested columns keep their place in the numbering but cannot be found by name.
    let names: Vec<String> =
        about.schema_descr().columns().iter().map(|column| top_level_name(column)).collect();
    let native = match metadata.get("schema") {
        Some(version) if version == "1" => true,
        Some(version) => {
            return Err(DataError::parquet(
                path,
                format!("written by a newer Pampero (schema {version}, this one reads 1)"),
            ));
        }
        None => false,
    };
    let layout = match native.then(|| metadata.get("kind").and_then(|kind| Kind::of_name(&kind))).flatten() {
        Some(kind) => Layout::native(path, kind, &names)?,
        None => Layout::by_name(path, &names, options.time_unit)?,
    };
    let (mut table, bad) = read_columns(&file, &layout)?;
    let market = match layout.symbol {
        Some(at) if bad.count == 0 => Some(keep_symbol(&file, at, options, &mut table)?),
        _ => metadata.get("market"),
    };
    let span = metadata.get("span_ns").and_then(|span| span.parse().ok()).map(Span::from_nanos);
    Ok(ParquetRead {
        table,
        bad,
        layout,
        span,
        market,
        venue: metadata.get("venue"),
        synthetic: metadata.get("synthetic"),
        native,
    })
}

fn top_level_name(column: &ColumnDescriptor) -> String {
    match column.path().parts() {
        [name] => name.clone(),
        _ => String::new(),
    }
}

/// Keeps the rows of the symbol that was chosen, or of the only one.
fn keep_symbol(
    file: &File<'_>,
    at: usize,
    options: &LoadOptions,
    table: &mut Table,
) -> Result<String, DataError> {
    const NAME: &str = "of symbols";
    let path = file.path;
    let mut symbols: Vec<ByteArray> = Vec::new();
    for group in 0..file.reader.num_row_groups() {
        let ColumnReader::ByteArrayColumnReader(mut column) = file.column(group, at, NAME)? else {
            return Err(DataError::parquet(path, "the column of symbols does not hold text"));
        };
        let left = file.rows.saturating_sub(symbols.len());
        let read = column.read_records(left, Some(&mut Vec::new()), None, &mut symbols);
        read.map_err(|error| file.damaged(NAME, &error))?;
    }
    if symbols.len() != table.len() {
        return Err(DataError::parquet(path, "a row has no symbol"));
    }
    let found = symbols.iter().map(|symbol| symbol.data().to_vec()).collect();
    let chosen = choose_symbol(path, &found, options.symbol.as_deref())?;
    if found.len() > 1 {
        let is_chosen = |symbol: &ByteArray| symbol.data() == chosen.as_bytes();
        let rows: Vec<usize> =
            (0..).zip(&symbols).filter(|(_, symbol)| is_chosen(symbol)).map(|(row, _)| row).collect();
        table.arrange(&rows);
    }
    Ok(chosen)
}

type Column = Result<(Vec<i64>, BadRows), DataError>;

/// Reads the columns of the layout, two at a time.
fn read_columns(file: &File<'_>, layout: &Layout) -> Result<(Table, BadRows), DataError> {
    let (path, rows) = (file.path, file.rows);
    let work = |part: usize| -> Vec<(usize, Column)> {
        let mine = layout.sources.iter().enumerate().filter(|(at, _)| at % 2 == part);
        mine.map(|(at, source)| (at, read_column(file, source))).collect()
    };
    let (even, odd) = std::thread::scope(|scope| {
        let odd = scope.spawn(|| work(1));
        (work(0), odd.join())
    });
    let odd = odd.map_err(|_| DataError::parquet(path, "the file is damaged: reading it failed"))?;
    let mut columns: Vec<(usize, Column)> = even.into_iter().chain(odd).collect();
    columns.sort_by_key(|(at, _)| *at);
    let mut table = Table { kind: layout.kind, columns: Vec::with_capacity(columns.len()) };
    let mut bad = BadRows::default();
    for (at, column) in columns {
        let (values, bad_values) = column?;
        let is_read = layout.sources.get(at).is_some_and(|source| source.from.is_some());
        if is_read && values.len() != rows {
            return Err(DataError::parquet(path, "the file is damaged: its columns differ in length"));
        }
        table.columns.push(values);
        bad.append(bad_values, 0);
    }
    // What the file does not have is zero.
    table.columns.iter_mut().for_each(|column| column.resize(rows, 0));
    if layout.has_contracts() && bad.count == 0 {
        convert_contracts(&mut table, &mut bad);
    }
    Ok((table, bad))
}

/// Replaces counts of contracts by base.
fn convert_contracts(table: &mut Table, bad: &mut BadRows) {
    let [_, _, prices, sizes, ..] = table.columns.as_mut_slice() else { return };
    for (row, (price, size)) in (1..).zip(prices.iter().zip(sizes)) {
        let mut values = [0, 0, *price, *size];
        match rows::contracts_to_base(&mut values) {
            Ok(()) => *size = values[3],
            Err(expected) => bad.push(|| bad_value(row, "size in contracts", size.to_string(), expected)),
        }
    }
}

fn bad_value(row: u64, column: &str, value: String, expected: &str) -> BadRow {
    BadRow { place: Place::Row(row), column: column.to_owned(), value, expected: expected.to_owned() }
}

/// Reads one column of all row groups as integers.
fn read_column(file: &File<'_>, source: &Source) -> Column {
    let rows = file.rows;
    let Some((at, reading)) = source.from else { return Ok((Vec::new(), BadRows::default())) };
    let damaged = |error| file.damaged(&source.name, &error);
    let schema = file.reader.metadata().file_metadata().schema_descr();
    let descriptor =
        schema.columns().get(at).ok_or_else(|| DataError::parquet(file.path, "a column is missing"))?;
    let mut target = Target {
        // A damaged count of rows must not reserve the memory of the machine.
        values: Vec::with_capacity(rows.min(file.bytes.len().saturating_mul(64))),
        bad: BadRows::default(),
        source,
        nullable: matches!(source.role, Role::Id | Role::Side),
    };
    for group in 0..file.reader.num_row_groups() {
        let left = rows.saturating_sub(target.values.len());
        match file.column(group, at, &source.name)? {
            ColumnReader::Int64ColumnReader(mut column) => {
                let convert = Integer::of(descriptor, reading);
                if convert.is_identity() && descriptor.max_def_level() == 0 {
                    // Our own columns need no conversion: they are decoded in place.
                    column.read_records(left, None, None, &mut target.values).map_err(damaged)?;
                } else {
                    target.read(&mut column, left, |value| convert.apply(*value)).map_err(damaged)?;
                }
            }
            ColumnReader::Int32ColumnReader(mut column) => {
                let convert = Integer::of(descriptor, reading);
                target.read(&mut column, left, |value| convert.apply(i64::from(*value))).map_err(damaged)?;
            }
            ColumnReader::DoubleColumnReader(mut column) => {
                target.read(&mut column, left, |value| of_float(*value, reading)).map_err(damaged)?;
            }
            ColumnReader::FloatColumnReader(mut column) => {
                let convert = |value: &f32| of_text(value.to_string().as_bytes(), reading);
                target.read(&mut column, left, convert).map_err(damaged)?;
            }
            ColumnReader::BoolColumnReader(mut column) => {
                let convert = |value: &bool| of_text(value.to_string().as_bytes(), reading);
                target.read(&mut column, left, convert).map_err(damaged)?;
            }
            ColumnReader::ByteArrayColumnReader(mut column) => {
                if descriptor.converted_type() == ConvertedType::DECIMAL {
                    let scale = descriptor.type_scale();
                    target.read(&mut column, left, |value| of_wide(value.data(), scale)).map_err(damaged)?;
                } else {
                    let convert = |value: &ByteArray| of_text(value.data(), reading);
                    target.read(&mut column, left, convert).map_err(damaged)?;
                }
            }
            ColumnReader::FixedLenByteArrayColumnReader(mut column)
                if descriptor.converted_type() == ConvertedType::DECIMAL =>
            {
                let scale = descriptor.type_scale();
                target.read(&mut column, left, |value| of_wide(value.data(), scale)).map_err(damaged)?;
            }
            _ => {
                let kind = descriptor.physical_type();
                return Err(damaged(ParquetError::General(format!(
                    "values of type {kind} are not read (expected INT32, INT64, FLOAT, DOUBLE, DECIMAL or text)"
                ))));
            }
        }
    }
    Ok((target.values, target.bad))
}

/// Where the values of a column go.
struct Target<'a> {
    values: Vec<i64>,
    bad: BadRows,
    source: &'a Source,
    /// Whether a missing value counts as unknown.
    nullable: bool,
}

impl Target<'_> {
    /// Reads `rows` values in batches and converts them.
    fn read<T: DataType>(
        &mut self,
        column: &mut ColumnReaderImpl<T>,
        rows: usize,
        convert: impl Fn(&T::T) -> Option<i64>,
    ) -> parquet::errors::Result<()> {
        let (mut batch, mut levels) = (Vec::new(), Vec::new());
        let mut left = rows;
        loop {
            batch.clear();
            levels.clear();
            let (records, values, _) =
                column.read_records(left.min(1 << 14), Some(&mut levels), None, &mut batch)?;
            if records == 0 {
                return Ok(());
            }
            left -= records.min(left);
            let mut present = batch.iter();
            // Where nothing is missing there need not be any levels.
            let missing = |index: usize| values < records && levels.get(index) == Some(&0);
            for index in 0..records {
                let value = if missing(index) { None } else { present.next() };
                self.push(value.map(|value| (value, convert(value))));
            }
        }
    }

    /// Adds a value with what it was read as; nothing if it is missing.
    fn push<V: std::fmt::Debug>(&mut self, value: Option<(V, Option<i64>)>) {
        let read = match &value {
            Some((_, read)) => *read,
            None => self.nullable.then_some(0),
        };
        if read.is_none() {
            let row = self.values.len() as u64 + 1;
            let expected = match self.source.role {
                Role::Time => "a time (a TIMESTAMP, a number of s, ms, us or ns, or a date)",
                Role::Price => "a price",
                Role::Quantity => "a quantity",
                Role::Id | Role::Rank => "a whole number",
                Role::Side => "a side (buy, sell, bid or ask)",
            };
            let shown = value.map_or_else(|| "null".to_owned(), |(value, _)| format!("{value:?}"));
            self.bad.push(|| bad_value(row, &self.source.name, shown.chars().take(60).collect(), expected));
        }
        self.values.push(read.unwrap_or(0));
    }
}

/// How the integers of a column become ours.
#[derive(Clone, Copy)]
enum Integer {
    Same,
    Times(i64),
    /// A decimal of more than eight places, cut off.
    Divided(i64),
    Epoch,
    Flag,
    Nothing,
}

impl Integer {
    fn of(column: &ColumnDescriptor, reading: Reading) -> Self {
        let is_decimal = column.converted_type() == ConvertedType::DECIMAL;
        match reading {
            Reading::Time(unit) => match (column.logical_type_ref(), unit) {
                (Some(LogicalType::Timestamp(timestamp)), _) => Self::Times(match timestamp.unit {
                    ParquetUnit::MILLIS => TimeUnit::Millis.nanos(),
                    ParquetUnit::MICROS => TimeUnit::Micros.nanos(),
                    ParquetUnit::NANOS => TimeUnit::Nanos.nanos(),
                }),
                (Some(LogicalType::Date), _) => Self::Times(crate::hash::DAY),
                (_, Some(unit)) => Self::Times(unit.nanos()),
                (_, None) => Self::Epoch,
            },
            Reading::Units | Reading::Contracts if is_decimal => match column.type_scale() {
                8 => Self::Same,
                scale @ 0..8 => Self::Times(10_i64.pow(8 - scale.unsigned_abs())),
                scale @ 9..=26 => Self::Divided(10_i64.pow(scale.unsigned_abs() - 8)),
                _ => Self::Nothing,
            },
            Reading::Units | Reading::Contracts => Self::Times(100_000_000),
            Reading::Id | Reading::Integer | Reading::Side => Self::Same,
            Reading::Maker => Self::Flag,
            Reading::Event => Self::Nothing,
        }
    }

    const fn is_identity(self) -> bool {
        matches!(self, Self::Same | Self::Times(1))
    }

    fn apply(self, value: i64) -> Option<i64> {
        match self {
            Self::Same => Some(value),
            Self::Times(factor) => value.checked_mul(factor),
            Self::Divided(divisor) => value.checked_div(divisor),
            Self::Epoch => value.checked_mul(TimeUnit::of_magnitude(value).nanos()),
            Self::Flag => match value {
                0 => Some(1),
                1 => Some(-1),
                _ => None,
            },
            Self::Nothing => None,
        }
    }
}

/// A float, to the nearest 1e-8 (amounts) or in the shortest decimal that denotes it (all else).
// The result is whole and below 2^50, where the product errs by less than half a unit.
#[allow(clippy::cast_possible_truncation)]
fn of_float(value: f64, reading: Reading) -> Option<i64> {
    let units = (value * 1e8).round();
    match reading {
        Reading::Units | Reading::Contracts if units.abs() < 1_125_899_906_842_624.0 => Some(units as i64),
        _ => of_text(value.to_string().as_bytes(), reading),
    }
}

fn of_text(text: &[u8], reading: Reading) -> Option<i64> {
    rows::read_cell(cell::trim(text), reading)
}

/// A big-endian decimal of up to 16 bytes, cut off at 1e-8.
fn of_wide(bytes: &[u8], scale: i32) -> Option<i64> {
    let fill = if bytes.first()? & 0x80 == 0 { 0 } else { 0xFF };
    let mut wide = [fill; 16];
    let start = 16_usize.checked_sub(bytes.len())?;
    wide.get_mut(start..)?.copy_from_slice(bytes);
    let value = i128::from_be_bytes(wide);
    let power = |digits: u32| 10_i128.checked_pow(digits);
    let units = match u32::try_from(scale).ok()? {
        scale @ 0..=8 => value.checked_mul(power(8 - scale)?)?,
        scale => value.checked_div(power(scale - 8)?)?,
    };
    i64::try_from(units).ok()
}

impl Layout {
    /// Our own columns, each of which must be there.
    fn native(path: &Path, kind: Kind, names: &[String]) -> Result<Self, DataError> {
        let source = |(name, role): &(&str, Role)| {
            let at = names.iter().position(|found| found == name).ok_or_else(|| DataError::Columns {
                path: path.to_owned(),
                reason: format!("the metadata say {}, but there is no column `{name}`", kind.name()),
                found: names.to_vec(),
            })?;
            let reading = match role {
                Role::Time => Reading::Time(Some(TimeUnit::Nanos)),
                Role::Price | Role::Quantity => Reading::Units,
                Role::Id => Reading::Id,
                Role::Side => Reading::Side,
                Role::Rank => Reading::Integer,
            };
            Ok(Source { from: Some((at, reading)), name: (*name).to_owned(), role: *role })
        };
        let sources = kind.columns().iter().map(source).collect::<Result<_, DataError>>()?;
        Ok(Self { kind, sources, symbol: None, known_as: None, is_events: false })
    }
}
