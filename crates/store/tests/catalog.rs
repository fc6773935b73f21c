//! The catalogue: idempotent, atomic, independent of how the data came in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // test code

use pampero_model::{Span, Timestamp};
use pampero_store::{
    Catalog, DataError, Kind, LoadOptions, Series, SeriesKey, SyntheticMarket, content_hash, generate,
    load_bytes,
};
use tempfile::TempDir;

fn folder() -> (TempDir, Catalog) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path().join("data"));
    (folder, catalog)
}

fn csv(text: &str) -> Series {
    load_bytes("test.csv", text.as_bytes(), &LoadOptions { unsorted: true, ..LoadOptions::default() })
        .unwrap()
        .series
}

fn day() -> SyntheticMarket {
    SyntheticMarket { buckets: 72, ..SyntheticMarket::default() }
}

#[test]
fn every_kind_is_read_back_by_range() {
    let (_folder, catalog) = folder();
    for kind in [Kind::Candles, Kind::Trades, Kind::Quotes, Kind::Books] {
        let series = generate(&day(), kind).unwrap();
        let key = SeriesKey::of("synthetic", "btc_ars", &series).unwrap();
        catalog.import(&key, &series, Some("test"), false).unwrap();
        assert_eq!(catalog.read(&key, Timestamp::MIN, Timestamp::MAX).unwrap(), series);
        let (from, to) = (series.times()[5], series.times()[40]);
        let part = catalog.read(&key, from, to).unwrap();
        assert!(part.times().iter().all(|time| *time >= from && *time < to));
        let inside = series.times().iter().filter(|time| **time >= from && **time < to).count();
        assert_eq!(part.len(), inside);
    }
    let list = catalog.list().unwrap();
    assert_eq!(list.len(), 4);
    for entry in list {
        let series = generate(&day(), entry.key.kind).unwrap();
        assert_eq!(entry.hash, content_hash(&series));
        assert_eq!((Some(&entry.first), Some(&entry.last)), (series.times().first(), series.times().last()));
        assert_eq!((entry.days, entry.synthetic.as_deref()), (3, Some("test")));
        if entry.key.kind != Kind::Books {
            assert_eq!(entry.rows, series.len() as u64);
        }
    }
}

#[test]
fn importing_in_any_order_and_overlap_gives_the_same() {
    let series = generate(&day(), Kind::Trades).unwrap();
    let Series::Trades(trades) = &series else { panic!() };
    let part = |range: std::ops::Range<usize>| {
        let mut part = pampero_model::TradeSeries::default();
        range.for_each(|index| part.push(&trades.get(index).unwrap()));
        Series::Trades(part)
    };
    let (count, half) = (trades.len(), trades.len() / 2);
    let key = SeriesKey::of("v", "m", &series).unwrap();
    let mut hashes = Vec::new();
    let all = (0, count);
    for parts in
        [vec![all], vec![(half - 20, count), (0, half + 20), (3, 9)], vec![(0, half), (half, count), all]]
    {
        let (_folder, catalog) = folder();
        for (from, to) in parts {
            catalog.import(&key, &part(from..to), None, false).unwrap();
        }
        hashes.push(catalog.list().unwrap()[0].hash.clone());
        let again = catalog.import(&key, &series, None, false).unwrap();
        assert_eq!((again.rows_added, again.days_changed, again.days_unchanged), (0, 0, 3));
    }
    assert!(hashes.iter().all(|hash| *hash == content_hash(&series)), "{hashes:?}");
}

const HOURS: &str = "time,open,high,low,close,volume\n\
    2024-01-31T22:00:00Z,9,9,9,9,1\n2024-01-31T23:00:00Z,9,9,9,9,1\n2024-02-01T00:00:00Z,9,9,9,9,1\n";

#[test]
fn a_contradiction_changes_nothing_unless_replaced() {
    let (_folder, catalog) = folder();
    let series = csv(HOURS);
    let key = SeriesKey::of("bitex", "btc_ars", &series).unwrap();
    catalog.import(&key, &series, None, false).unwrap();
    let before = catalog.list().unwrap();
    // The first day is news, the second contradicts: neither is written.
    let other = csv(&HOURS
        .replace("22:00:00Z,9,9,9,9,1", "21:00:00Z,9,9,9,9,1")
        .replace("00:00:00Z,9,9,9,9,1", "00:00:00Z,9,9,8,9,1"));
    match catalog.import(&key, &other, None, false) {
        Err(error @ DataError::Conflict { .. }) => {
            let text = error.to_string();
            assert!(
                text.contains(
                    "2024-02-01.parquet: the catalogue holds a different candle at 2024-02-01T00:00:00Z"
                ),
                "{text}"
            );
            assert!(text.contains("--replace"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(catalog.list().unwrap(), before);
    let summary = catalog.import(&key, &other, None, true).unwrap();
    assert_eq!((summary.rows_added, summary.days_changed), (1, 2));
    let Series::Candles(candles) = catalog.read(&key, Timestamp::MIN, Timestamp::MAX).unwrap() else {
        panic!()
    };
    assert_eq!((candles.len(), candles.lows[3].to_string()), (4, "8".to_owned()));
}

#[test]
fn disorder_and_exact_duplicates_are_put_right() {
    let (_folder, catalog) = folder();
    let mut lines: Vec<&str> = HOURS.lines().collect();
    lines.swap(1, 2);
    lines.push(lines[1]);
    let series = csv(&lines.join("\n"));
    assert_eq!(series.len(), 4);
    let Series::Candles(mut candles) = series else { panic!() };
    candles.set_span(Span::from_hours(1));
    let series = Series::Candles(candles);
    let key = SeriesKey::of("bitex", "btc_ars", &series).unwrap();
    assert_eq!(catalog.import(&key, &series, None, false).unwrap().rows_added, 3);
    assert_eq!(catalog.read(&key, Timestamp::MIN, Timestamp::MAX).unwrap(), csv(HOURS));
}

#[test]
fn equal_trades_without_id_are_kept_as_often_as_they_happened() {
    let (_folder, catalog) = folder();
    let one = csv("time,price,amount\n100,5,1\n100,5,1\n100,5,2\n");
    let key = SeriesKey::of("v", "m", &one).unwrap();
    catalog.import(&key, &one, None, false).unwrap();
    catalog.import(&key, &csv("time,price,amount\n100,5,2\n100,5,2\n100,5,1\n"), None, false).unwrap();
    let Series::Trades(trades) = catalog.read(&key, Timestamp::MIN, Timestamp::MAX).unwrap() else {
        panic!()
    };
    let mut sizes: Vec<String> = trades.quantities.iter().map(ToString::to_string).collect();
    sizes.sort();
    assert_eq!(sizes, ["1", "1", "2", "2"]);
}

#[test]
fn impossible_rows_are_not_imported() {
    let (_folder, catalog) = folder();
    let text = HOURS.replace("23:00:00Z,9,9,9,9,1", "23:00:00Z,9,8,9,9,1");
    let raw = LoadOptions { raw: true, ..LoadOptions::default() };
    let series = load_bytes("raw.csv", text.as_bytes(), &raw).unwrap().series;
    let key = SeriesKey::of("bitex", "btc_ars", &series).unwrap();
    let error = catalog.import(&key, &series, None, false).unwrap_err().to_string();
    assert!(
        error.ends_with("row 2, column `high`: `8` found, no less than open and close expected"),
        "{error}"
    );
    assert!(catalog.list().unwrap().is_empty());
}

#[test]
fn synthetic_and_recorded_data_do_not_mix() {
    let (_folder, catalog) = folder();
    let series = csv(HOURS);
    let key = SeriesKey::of("bitex", "btc_ars", &series).unwrap();
    catalog.import(&key, &series, None, false).unwrap();
    let error = catalog.import(&key, &series, Some("seed 1"), true).unwrap_err().to_string();
    assert!(
        error.contains("the data there is recorded, the data to import is synthetic (seed 1)"),
        "{error}"
    );
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let series = csv(HOURS);
    for (venue, market) in [("..", "m"), ("v", "a/b"), ("", "m"), ("v", ".hidden"), ("v", "btc ars")] {
        let error = SeriesKey::of(venue, market, &series).unwrap_err().to_string();
        assert!(error.contains("of the catalogue"), "{error}");
    }
    let (_folder, catalog) = folder();
    assert!(catalog.list().unwrap().is_empty());
    let key = SeriesKey::of("v", "m", &series).unwrap();
    assert!(matches!(catalog.read(&key, Timestamp::MIN, Timestamp::MAX), Err(DataError::Empty { .. })));
    let wrong = SeriesKey { span: Span::from_minutes(1), ..key };
    assert!(catalog.import(&wrong, &series, None, false).unwrap_err().to_string().contains("do not belong"));
}

#[test]
fn foreign_files_and_leftovers_do_not_disturb() {
    let (folder, catalog) = folder();
    let series = csv(HOURS);
    let key = SeriesKey::of("bitex", "btc_ars", &series).unwrap();
    catalog.import(&key, &series, None, false).unwrap();
    let day = folder.path().join("data/bitex/btc_ars/candles-1h");
    let names: Vec<_> = std::fs::read_dir(&day).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
    std::fs::write(day.join("notes.txt"), "mine").unwrap();
    std::fs::write(day.join(".2024-02-02.parquet.1.part"), "half").unwrap();
    std::fs::create_dir_all(folder.path().join("data/bitex/btc_ars/other")).unwrap();
    assert_eq!(catalog.list().unwrap().len(), 1);
    assert_eq!(catalog.read(&key, Timestamp::MIN, Timestamp::MAX).unwrap(), series);
}
