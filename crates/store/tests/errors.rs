//! Bad input says what is wrong, where, and what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // test code

use pampero_store::{DataError, Kind, LoadOptions, MAX_BAD_ROWS, load, load_bytes};

fn error(text: &str) -> String {
    load_bytes("file.csv", text.as_bytes(), &LoadOptions::default()).unwrap_err().to_string()
}

const HEADER: &str = "time,open,high,low,close,volume\n";

#[test]
fn a_bad_cell_names_line_column_and_value() {
    assert_eq!(
        error(&format!("{HEADER}0,1,1,1,1,1\n\n60,1,1,1,abc,1\n")),
        "file.csv: line 4, column `close`: `abc` found, a price (a decimal number such as 61234.5) expected"
    );
    assert_eq!(
        error(&format!("{HEADER}0,1,1,1,1,\n60,1,1,1\nnoon,1,1,1,1,1\n")),
        "file.csv: line 2, column `volume`: `` found, a quantity (a decimal number such as 0.25) expected\n\
         (and 2 more: line 3, line 4)"
    );
    assert_eq!(
        error(&format!("{HEADER}0,1,1,NaN,1,1\n")),
        "file.csv: line 2, column `low`: `NaN` found, a price (a decimal number such as 61234.5) expected"
    );
    assert_eq!(
        error(&format!("{HEADER}0,1,1\n")),
        "file.csv: line 2, column `low`: `` found, a row of at least 4 cells, not 3, expected"
    );
    assert_eq!(
        error("time,price,amount,side\n0,1,1,up\n"),
        "file.csv: line 2, column `side`: `up` found, a side (buy, sell, bid or ask) expected"
    );
}

#[test]
fn impossible_values_are_refused() {
    assert_eq!(
        error(&format!("{HEADER}0,1,1,1,1,-2\n60,5,4,5,5,1\n")),
        "file.csv: line 2, column `volume`: `-2` found, a quantity not below zero expected\n\
         (and 1 more: line 3)"
    );
    assert_eq!(
        error(&format!("{HEADER}0,0,1,1,1,2\n")),
        "file.csv: line 2, column `open`: `0` found, a price above zero expected\n(and 1 more: line 2)"
    );
    assert_eq!(
        error(&format!("{HEADER}0,5,4,5,5,1\n")),
        "file.csv: line 2, column `high`: `4` found, no less than open and close expected"
    );
}

#[test]
fn levels_need_price_and_quantity() {
    let books = "time,side,level,price,qty\n1,bid,1,5,1\n";
    assert_eq!(
        error(&format!("{books}1,ask,1,6,0\n")),
        "file.csv: line 3, column `qty`: `0` found, a quantity above zero expected"
    );
    assert_eq!(
        error(&format!("{books}1,ask,1,0,2\n")),
        "file.csv: line 3, column `price`: `0` found, a price above zero expected"
    );
    assert!(error(&format!("{books}1,bid,2,5,2\n")).contains("two levels of price 5 on one side"));
    assert_eq!(
        error("time,bid,bid_size,ask,ask_size\n1,5,1,0,1\n"),
        "file.csv: line 2, column `ask`: `0` found, a price above zero expected"
    );
}

#[test]
fn packed_files_and_other_kinds_are_named() {
    let packed = load_bytes("x.zip", b"PK\x03\x04....", &LoadOptions::default()).unwrap_err().to_string();
    assert_eq!(packed, "x.zip: is packed (zip); unpack it first");
    let options = LoadOptions { kind: Some(Kind::Trades), ..LoadOptions::default() };
    let text = format!("{HEADER}0,1,1,1,1,1\n");
    assert_eq!(
        load_bytes("x.csv", text.as_bytes(), &options).unwrap_err().to_string(),
        "x.csv: holds candles, not trades"
    );
}

#[test]
fn many_bad_rows_are_counted_and_the_first_are_kept() {
    let text = format!("time,price,amount\n{}", "0,x,1\n".repeat(100_000));
    match load_bytes("bad.csv", text.as_bytes(), &LoadOptions::default()) {
        Err(DataError::BadRows { rows, count, .. }) => {
            assert_eq!((rows.len(), count), (MAX_BAD_ROWS, 100_000));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn disorder_and_duplicates_name_their_line() {
    assert_eq!(
        error("time,price,amount\n100,1,1\n\n300,1,1\n200,1,1\n400,1,1\n"),
        "file.csv: line 5: time 1970-01-01T00:03:20Z after 1970-01-01T00:05:00Z; rows must be in order of time. Sort \
         the file, or import it with `pampero data import`, which sorts"
    );
    assert_eq!(
        error(&format!("{HEADER}0,1,1,1,1,1\n60,1,1,1,1,1\n60,1,1,1,1,1\n")),
        "file.csv: line 4: a second candle at 1970-01-01T00:01:00Z. Remove one of them, or import the file with \
         `pampero data import`, which drops exact duplicates"
    );
    let raw = LoadOptions { unsorted: true, ..LoadOptions::default() };
    let text = format!("{HEADER}60,1,1,1,1,1\n0,1,1,1,1,1\n60,1,1,1,1,1\n");
    assert_eq!(load_bytes("raw", text.as_bytes(), &raw).unwrap().rows, 3);
}

#[test]
fn unknown_columns_are_listed() {
    assert!(error("when,price,amount\n1,1,1\n").starts_with("file.csv: no column of times"));
    let message = error("time,cost,amount\n1,1,1\n");
    assert!(message.contains("no known kind of data"), "{message}");
    assert!(message.ends_with("columns found: time, cost, amount"), "{message}");
    assert!(error("1,2\n3,4\n").contains("no header row"));
    assert!(error("time,open,high,low,close\n1,1,1,1,1\n").contains("without a column of base volume"));
    assert!(error("time,open,high,low,close,volume_usd\n1,1,1,1,1,1\n").contains("base volume"));
}

#[test]
fn empty_files_and_folders_are_named() {
    for text in ["", "\n\n", HEADER, "# a remark\n"] {
        assert!(error(text).starts_with("file.csv: no rows of data"), "{text:?}: {}", error(text));
    }
    let missing = load("/nowhere/at all.csv", &LoadOptions::default()).unwrap_err().to_string();
    assert!(missing.starts_with("/nowhere/at all.csv: cannot open it:"), "{missing}");
    let folder = load(env!("CARGO_MANIFEST_DIR"), &LoadOptions::default()).unwrap_err().to_string();
    assert!(folder.contains("is a folder"), "{folder}");
}

#[test]
fn symbols_are_to_be_chosen() {
    let text = "time,symbol,price,amount\n1,BTC,1,1\n2,ETH,bad,1\n3,BTC,2,1\n";
    assert_eq!(
        error(text),
        "file.csv: several symbols in one file: choose one (option `symbol`); it holds BTC, ETH"
    );
    let of = |symbol: &str| {
        let options = LoadOptions { symbol: Some(symbol.to_owned()), ..LoadOptions::default() };
        load_bytes("file.csv", text.as_bytes(), &options)
    };
    assert_eq!(of("XRP").unwrap_err().to_string(), "file.csv: no rows of symbol `XRP`; it holds BTC, ETH");
    // What is wrong with other symbols does not matter.
    assert_eq!(of("btc").unwrap().rows, 2);
    assert!(of("eth").unwrap_err().to_string().contains("line 3, column `price`: `bad`"));
}

#[test]
fn damaged_parquet_is_an_error() {
    let message = load_bytes("x.parquet", b"PAR1 and nothing else", &LoadOptions::default()).unwrap_err();
    assert!(message.to_string().starts_with("x.parquet: "), "{message}");
}
