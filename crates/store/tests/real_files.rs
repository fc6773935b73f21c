//! Every file of real data that the developers keep beside the repository, where they are at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // test code

use std::path::PathBuf;

use pampero_model::Side;
use pampero_store::{DataError, Dataset, Kind, LoadOptions, Place, Series, load};

/// The path of a file of real data; nothing where the folder is absent.
fn real(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not here", path.display());
        return None;
    }
    Some(path)
}

fn of_symbol(symbol: &str) -> LoadOptions {
    LoadOptions { symbol: Some(symbol.to_owned()), ..LoadOptions::default() }
}

fn check(name: &str, options: &LoadOptions, kind: Kind, rows: u64, span: &str) -> Option<Dataset> {
    let dataset = load(real(name)?, options).unwrap();
    assert_eq!((dataset.series.kind(), dataset.rows), (kind, rows), "{name}: {}", dataset.description);
    assert!(dataset.series.times().is_sorted());
    assert!(!dataset.is_synthetic());
    if let Series::Candles(candles) = &dataset.series {
        assert_eq!(candles.span().to_string(), span);
    }
    Some(dataset)
}

#[test]
fn candles_of_four_exchanges_load() {
    let any = LoadOptions::default();
    check("candles/coinbase_BTCUSD_1h_2017-07_2019-10.csv", &any, Kind::Candles, 20_111, "1h");
    check("candles/binance_BTCUSDT_5m_2024-01_2024-09.csv", &any, Kind::Candles, 71_769, "5m");
    check("candles/binance_BCHUSDT_1h_2024-01_2024-09.csv", &any, Kind::Candles, 6_002, "1h");
    let ftx = check("candles/ftx_BTC-PERP_1m_2022-01.csv", &any, Kind::Candles, 45_031, "1m");
    if let Some(Dataset { series: Series::Candles(candles), hash, .. }) = ftx {
        assert_eq!(candles.get(1).unwrap().volume.to_string(), "1829623.1938");
        assert_eq!(hash.len(), 64);
    }
}

#[test]
fn trades_of_several_symbols_need_a_choice() {
    let name = "trades/binance_spot_trades_BTC_ETH_SOL_2025-03-25.csv";
    let Some(path) = real(name) else { return };
    match load(&path, &LoadOptions::default()) {
        Err(DataError::Symbol { found, .. }) => assert_eq!(found, ["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
        other => panic!("{other:?}"),
    }
    let dataset = load(&path, &of_symbol("btcusdt")).unwrap();
    assert_eq!(dataset.symbol.as_deref(), Some("BTCUSDT"));
    let Series::Trades(trades) = dataset.series else { panic!() };
    let first = trades.get(0).unwrap();
    assert_eq!((first.id, first.aggressor), (4_744_868_157, Some(Side::Sell)));
    assert_eq!(first.time.to_string(), "2025-03-25T23:07:00.847021081Z");
    let last = trades.get(trades.len() - 1).unwrap();
    assert_eq!(last.quantity.to_string(), "0.00008");
}

#[test]
fn contracts_of_one_dollar_become_base() {
    let name = "trades/bitmex_XBTUSD_trades_first100k.csv";
    let Some(dataset) = check(name, &LoadOptions::default(), Kind::Trades, 100_000, "") else { return };
    assert!(dataset.description.contains("contracts / price"), "{}", dataset.description);
    let Series::Trades(trades) = dataset.series else { panic!() };
    // 10 / 13873 = 0.000720824...
    assert_eq!(trades.get(0).unwrap().quantity.to_string(), "0.00072082");
}

#[test]
fn quotes_and_books_load() {
    let name = "book/binance_spot_L1_BTC_ETH_SOL_2025-03-25.csv";
    if let Some(path) = real(name) {
        let total: u64 = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
            .iter()
            .map(|symbol| load(&path, &of_symbol(symbol)).unwrap().rows)
            .sum();
        assert_eq!(total, 38_968);
    }
    let name = "book/binance_spot_BTCUSDT_L2_top20_1s_2024-08-08_09.csv";
    if let Some(dataset) = check(name, &LoadOptions::default(), Kind::Books, 26_040, "") {
        let Series::Books(books) = dataset.series else { panic!() };
        assert_eq!(books.len(), 651);
        for (_, book) in (0..books.len()).map_while(|index| books.get(index)) {
            assert!(book.is_sorted());
            assert_eq!((book.bids.len(), book.asks.len()), (20, 20));
        }
    }
}

#[test]
fn recordings_of_bitex_load_by_market() {
    if let Some(dataset) = check("bitex/candles.csv", &of_symbol("bch_usd"), Kind::Candles, 1, "0s") {
        assert_eq!(dataset.symbol.as_deref(), Some("bch_usd"));
    }
    if let Some(path) = real("bitex/order_books.csv") {
        let error = load(&path, &of_symbol("btc_usd")).unwrap_err();
        assert!(matches!(error, DataError::Disorder { place: Place::Line(20), .. }), "{error}");
        let options = LoadOptions { unsorted: true, ..of_symbol("btc_usd") };
        let dataset = load(&path, &options).unwrap();
        let Series::Books(books) = dataset.series else { panic!() };
        assert!(books.len() > 1);
        assert!((0..books.len()).all(|index| books.get(index).unwrap().1.is_sorted()));
    }
    if let Some(path) = real("bitex/tickers.csv") {
        let error = load(path, &LoadOptions::default()).unwrap_err().to_string();
        assert!(error.contains("columns found: orderbook, recorded_at, last"), "{error}");
    }
}

#[test]
fn foreign_parquet_of_trades_equals_the_text() {
    let name = "trades/bitmex_XBTUSD_trades_2018-01-01_05.parquet";
    let Some(dataset) = check(name, &LoadOptions::default(), Kind::Trades, 1_000_000, "") else { return };
    let Series::Trades(mut trades) = dataset.series else { panic!() };
    let Some(path) = real("trades/bitmex_XBTUSD_trades_first100k.csv") else { return };
    let Series::Trades(first) = load(path, &LoadOptions::default()).unwrap().series else { panic!() };
    trades.ids.truncate(100_000);
    trades.times.truncate(100_000);
    trades.prices.truncate(100_000);
    trades.quantities.truncate(100_000);
    trades.aggressors.truncate(100_000);
    assert_eq!(trades, first);
}

#[test]
fn depth_changes_become_the_books_that_polling_saw() {
    let Some(path) = real("book/binance_spot_BTCUSDT_L2_2024-08-08_09.parquet") else { return };
    let options = LoadOptions { depth: Some(20), ..LoadOptions::default() };
    let Series::Books(books) = load(&path, &options).unwrap().series else { panic!() };
    assert!(books.len() > 6_000, "{}", books.len());
    assert!((0..books.len()).all(|index| books.get(index).unwrap().1.is_sorted()));

    let trades = load(&path, &LoadOptions { kind: Some(Kind::Trades), ..LoadOptions::default() }).unwrap();
    assert_eq!(trades.series.len(), 19_904);

    let Some(path) = real("book/binance_spot_BTCUSDT_L2_top20_1s_2024-08-08_09.csv") else { return };
    let Series::Books(seconds) = load(path, &LoadOptions::default()).unwrap().series else { panic!() };
    // Every second of polling shows a book that the changes pass through at about that time.
    let same = (0..seconds.len()).filter(|&second| {
        let (time, polled) = seconds.get(second).unwrap();
        let from = books.times().partition_point(|at| time.since(*at).as_secs_f64() > 2.0);
        (from..books.len()).take(50).any(|index| books.get(index).unwrap().1 == polled)
    });
    let same = same.count();
    assert!(same > 600, "{same} of {}", seconds.len());
}
