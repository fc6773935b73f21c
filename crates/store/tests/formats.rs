//! The formats of exchanges and publishers, by small excerpts in their layout.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // test code

use std::fmt::Write;
use std::path::PathBuf;

use pampero_model::{BookSeries, Candle, CandleSeries, QuoteSeries, Side, TradeSeries};
use pampero_store::{Dataset, Kind, LoadOptions, Series, TimeUnit, load, load_bytes};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures")).join(name)
}

fn read(name: &str) -> Dataset {
    load(fixture(name), &LoadOptions::default()).unwrap()
}

fn candles(dataset: Dataset) -> CandleSeries {
    let Series::Candles(candles) = dataset.series else { panic!("{}", dataset.description) };
    candles
}

fn trades(dataset: Dataset) -> TradeSeries {
    let Series::Trades(trades) = dataset.series else { panic!("{}", dataset.description) };
    trades
}

fn books(dataset: Dataset) -> BookSeries {
    let Series::Books(books) = dataset.series else { panic!("{}", dataset.description) };
    books
}

fn show(candle: &Candle) -> String {
    let Candle { open_time, open, high, low, close, volume } = candle;
    format!("{open_time} {open} {high} {low} {close} {volume}")
}

#[test]
fn binance_klines_in_milliseconds_and_microseconds() {
    let dataset = read("binance_klines.csv");
    assert!(dataset.description.contains("Binance klines"), "{}", dataset.description);
    let candles = candles(dataset);
    assert_eq!(candles.span().to_string(), "1m");
    assert_eq!(
        show(&candles.get(2).unwrap()),
        "2024-01-01T00:02:00Z 42319.99 42331.54 42319.99 42325.5 21.60391"
    );
}

#[test]
fn binance_aggregate_trades_and_trades() {
    let aggregated = trades(read("binance_aggtrades.csv"));
    assert_eq!(aggregated.ids, [100_001, 100_002, 100_003]);
    assert_eq!(aggregated.aggressors, [Some(Side::Sell), Some(Side::Buy), Some(Side::Buy)]);
    assert_eq!(aggregated.quantities[2].to_string(), "0.00001");
    let single = trades(read("binance_trades.csv"));
    assert_eq!(single.quantities[1].to_string(), "0.5");
    assert_eq!(single.times[0].to_string(), "2024-01-01T00:00:00.071Z");
}

#[test]
fn cryptodatadownload_with_address_line_and_descending() {
    let dataset = read("cryptodatadownload.csv");
    assert_eq!(dataset.symbol.as_deref(), Some("BTC/USDT"));
    let candles = candles(dataset);
    assert_eq!(candles.span().to_string(), "1h");
    assert_eq!(show(&candles.get(0).unwrap()), "2020-03-16T22:00:00Z 5310 5311 5280 5300 9");
    let old = self::candles(read("cryptodatadownload_old.csv"));
    assert_eq!(show(&old.get(0).unwrap()), "2017-07-01T12:00:00Z 2509.17 2512.87 2484.99 2488.43 157.36");
}

#[test]
fn kraken_candles_and_trades() {
    let dataset = read("kraken_ohlcvt.csv");
    assert!(dataset.description.contains("Kraken OHLCVT"), "{}", dataset.description);
    // Buckets without trades are left out: the most frequent distance is the span.
    assert_eq!(candles(dataset).span().to_string(), "1m");
    let trades = trades(read("kraken_trades.csv"));
    assert_eq!(trades.times[2].to_string(), "2013-10-08T02:58:35.3418Z");
    assert_eq!((trades.ids[0], trades.aggressors[0]), (0, None));
}

#[test]
fn bitstamp_minutes() {
    let candles = candles(read("bitstamp_minute.csv"));
    assert_eq!(
        show(&candles.get(0).unwrap()),
        "2020-12-31T23:59:00Z 28939.55 28942.21 28922.59 28922.59 0.34"
    );
    assert_eq!(candles.len(), 3);
}

#[test]
fn quoted_cells_and_semicolons() {
    let dataset = read("semicolons_quoted.csv");
    let plain = std::fs::read_to_string(fixture("semicolons_quoted.csv")).unwrap().replace('"', "");
    let plain = load_bytes("plain", plain.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(dataset.series, plain.series);
    assert_eq!(candles(dataset).span().to_string(), "15m");
}

#[test]
fn depth_rows_are_grouped_and_ordered() {
    let books = books(read("depth.tsv"));
    assert_eq!(books.len(), 3);
    let (_, first) = books.get(0).unwrap();
    assert_eq!((first.bids.len(), first.asks.len()), (2, 1));
    let (_, second) = books.get(1).unwrap();
    assert_eq!(second.bids[0].price.to_string(), "99.5");
    let (time, third) = books.get(2).unwrap();
    assert_eq!(time.to_string(), "2023-11-14T22:13:21Z");
    assert_eq!(third.asks[0].price.to_string(), "102");
}

#[test]
fn depth_changes_wait_for_the_snapshot() {
    let books = books(read("depth_events.csv"));
    assert_eq!(books.len(), 2);
    let (_, first) = books.get(0).unwrap();
    // 99 is of the snapshot (change 11 came before it), 101 of change 13, which came after.
    assert_eq!(first.bids[0].quantity.to_string(), "4");
    assert_eq!(first.asks[0].quantity.to_string(), "7");
    let (_, second) = books.get(1).unwrap();
    assert_eq!(second.bids[0].price.to_string(), "98");
    let options = LoadOptions { kind: Some(Kind::Trades), ..LoadOptions::default() };
    let trades = trades(load(fixture("depth_events.csv"), &options).unwrap());
    assert_eq!((trades.ids[0], trades.aggressors[0]), (900, Some(Side::Sell)));
}

#[test]
fn best_quotes_with_an_empty_side() {
    let dataset = read("book_ticker.csv");
    let Series::Quotes(QuoteSeries { quotes, .. }) = dataset.series else { panic!() };
    assert_eq!(quotes[0].mid(), None);
    assert_eq!(quotes[1].mid().unwrap().to_string(), "42283.58");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_data() {
    let read = |text: &[u8]| load_bytes("mark", text, &LoadOptions::default()).unwrap().series;
    let with_header = b"\xEF\xBB\xBFtime,price,qty\n1,2,3\n";
    let without = b"\xEF\xBB\xBF1,2,3\n2,2,3\n";
    assert_eq!(read(with_header), read(&with_header[3..]));
    assert_eq!(read(without), read(&without[3..]));
}

#[test]
fn a_part_of_a_series_is_cut_by_time() {
    for name in ["binance_klines.csv", "binance_aggtrades.csv", "depth.tsv", "book_ticker.csv"] {
        let series = read(name).series;
        let (first, last) = (series.times()[0], *series.times().last().unwrap());
        let part = series.between(first, last);
        assert!(part.len() < series.len() && part.times()[0] == first, "{name}");
        assert_eq!(part.span(), series.span());
        assert_eq!(series.between(first, last.plus(pampero_model::Span::from_nanos(1))), series, "{name}");
    }
}

#[test]
fn the_unit_of_time_can_be_stated() {
    let text = b"timestamp_ms,price,qty\n60000,1,1\n";
    let named = load_bytes("named", text, &LoadOptions::default()).unwrap();
    assert_eq!(named.series.times()[0].as_millis(), 60_000);
    let options = LoadOptions { time_unit: Some(TimeUnit::Millis), ..LoadOptions::default() };
    let given = load_bytes("given", b"time,price,qty\n60000,1,1\n", &options).unwrap();
    assert_eq!(given.series, named.series);
}

#[test]
fn a_file_of_several_blocks_equals_its_rows() {
    // Above two blocks, so that two threads join theirs in order.
    let mut text = "time,price,quantity\r\n".to_owned();
    for second in 0..120_000 {
        let (whole, cents) = (100 + second % 7, second % 100);
        write!(text, "{},{whole}.{cents:02},0.5\r\n", 1_700_000_000 + second).unwrap();
        if second % 1_000 == 0 {
            text.push_str("\r\n");
        }
    }
    let trades = trades(load_bytes("long", text.as_bytes(), &LoadOptions::default()).unwrap());
    assert_eq!(trades.len(), 120_000);
    for (second, price) in (0..).zip(&trades.prices) {
        assert_eq!(price.units(), (100 + second % 7) * 100_000_000 + second % 100 * 1_000_000);
    }
    assert!(trades.times.windows(2).all(|pair| pair[1].since(pair[0]).as_nanos() == 1_000_000_000));
}
