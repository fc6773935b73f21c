//! Parquet files of other programs, in every type their columns may have.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // test code

use std::sync::Arc;

use pampero_model::Side;
use pampero_store::{DataError, Dataset, LoadOptions, Series, load_bytes};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

enum Column<'a> {
    I64(&'a [i64]),
    /// With a definition level for each row.
    I64Null(&'a [i64], &'a [i16]),
    I32(&'a [i32]),
    F64(&'a [f64]),
    F32(&'a [f32]),
    Bool(&'a [bool]),
    Text(&'a [&'a str]),
    Fixed(&'a [[u8; 4]]),
}

fn file(schema: &str, columns: &[Column<'_>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for column in columns {
        let mut target = group.next_column().unwrap().unwrap();
        match column {
            Column::I64(values) => target.typed::<Int64Type>().write_batch(values, None, None),
            Column::I64Null(values, levels) => {
                target.typed::<Int64Type>().write_batch(values, Some(levels), None)
            }
            Column::I32(values) => target.typed::<Int32Type>().write_batch(values, None, None),
            Column::F64(values) => target.typed::<DoubleType>().write_batch(values, None, None),
            Column::F32(values) => target.typed::<FloatType>().write_batch(values, None, None),
            Column::Bool(values) => target.typed::<BoolType>().write_batch(values, None, None),
            Column::Text(values) => {
                let values: Vec<ByteArray> = values.iter().map(|text| ByteArray::from(*text)).collect();
                target.typed::<ByteArrayType>().write_batch(&values, None, None)
            }
            Column::Fixed(values) => {
                let fixed = |bytes: &[u8; 4]| FixedLenByteArray::from(bytes.to_vec());
                let values: Vec<FixedLenByteArray> = values.iter().map(fixed).collect();
                target.typed::<FixedLenByteArrayType>().write_batch(&values, None, None)
            }
        }
        .unwrap();
        target.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn read(schema: &str, columns: &[Column<'_>]) -> Result<Dataset, DataError> {
    load_bytes("foreign.parquet", &file(schema, columns), &LoadOptions::default())
}

#[test]
fn candles_in_doubles_floats_and_decimals() {
    let dataset = read(
        "required int64 Open_Time (TIMESTAMP(MICROS,true)); required double open; required float high;
         required int32 low (DECIMAL(9,2)); required fixed_len_byte_array(4) close (DECIMAL(9,1)); required int32 volume;",
        &[
            Column::I64(&[60_000_000, 120_000_000]),
            Column::F64(&[0.1, 0.29]),
            Column::F32(&[0.3, 0.3]),
            Column::I32(&[9, 10]),
            Column::Fixed(&[2_i32.to_be_bytes(), 1_i32.to_be_bytes()]),
            Column::I32(&[7, 0]),
        ],
    )
    .unwrap();
    let Series::Candles(candles) = dataset.series else { panic!() };
    assert_eq!(candles.span().to_string(), "1m");
    let first = candles.get(0).unwrap();
    let shown = [first.open, first.high, first.low, first.close].map(|price| price.to_string());
    assert_eq!(shown, ["0.1", "0.3", "0.09", "0.2"]);
    assert_eq!(first.volume.to_string(), "7");
    assert_eq!(candles.opens[1].to_string(), "0.29");
}

#[test]
fn trades_of_the_chosen_symbol_with_flags_and_missing_ids() {
    let bytes = file(
        "required int64 time; optional int64 id; required double price; required double qty; required boolean
         is_buyer_maker; required binary symbol (UTF8);",
        &[
            Column::I64(&[1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_002]),
            Column::I64Null(&[5, 6], &[1, 0, 1]),
            Column::F64(&[1.0, 2.0, 3.0]),
            Column::F64(&[1e-8, 123_456_789.125, 90_000_000_000.0]),
            Column::Bool(&[true, false, false]),
            Column::Text(&["BTC", "BTC", "ETH"]),
        ],
    );
    let load = |symbol: Option<&str>| {
        let options = LoadOptions { symbol: symbol.map(ToOwned::to_owned), ..LoadOptions::default() };
        load_bytes("foreign.parquet", &bytes, &options)
    };
    assert!(load(None).unwrap_err().to_string().ends_with("it holds BTC, ETH"));
    let dataset = load(Some("btc")).unwrap();
    assert_eq!(dataset.symbol.as_deref(), Some("BTC"));
    let Series::Trades(trades) = dataset.series else { panic!() };
    assert_eq!(trades.ids, [5, 0]);
    assert_eq!(trades.aggressors, [Some(Side::Sell), Some(Side::Buy)]);
    assert_eq!(trades.quantities[0].units(), 1);
    // Too large to be scaled exactly: its shortest decimal is taken.
    assert_eq!(trades.quantities[1].to_string(), "123456789.125");
    assert_eq!(trades.times[1].as_millis(), 1_700_000_000_001);
}

#[test]
fn bad_values_name_row_and_column() {
    let schema = "required int64 time; required double price; required double qty;";
    let error = read(
        schema,
        &[
            Column::I64(&[1, 2, 3]),
            Column::F64(&[1.0, f64::NAN, f64::INFINITY]),
            Column::F64(&[1.0, 1.0, -1.0]),
        ],
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "foreign.parquet: row 2, column `price`: `NaN` found, a price expected\n\
         (and 1 more: row 3)"
    );
    let nulls = read(
        "optional int64 time; required double price; required double qty;",
        &[Column::I64Null(&[1], &[1, 0]), Column::F64(&[1.0, 2.0]), Column::F64(&[1.0, 1.0])],
    );
    assert_eq!(
        nulls.unwrap_err().to_string(),
        "foreign.parquet: row 2, column `time`: `null` found, a time (a TIMESTAMP, a number of s, ms, us or ns, or a \
         date) expected"
    );
}

#[test]
fn unknown_columns_are_listed() {
    let error = read("required int64 time; required double cost;", &[Column::I64(&[1]), Column::F64(&[1.0])]);
    let error = error.unwrap_err().to_string();
    assert!(error.ends_with("columns found: time, cost"), "{error}");
}
