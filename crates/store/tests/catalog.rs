//! The catalogue: idempotent, atomic, independent of how the data came in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // test code

use pampero_model::{BookSeries, BookSnapshot, Level, Price, Quantity, Span, Timestamp};
use pampero_store::{
    Catalog, DataError, Kind, LoadOptions, Series, SeriesKey, SyntheticMarket, content_hash, generate,
    load_bytes,
};
use proptest::prelude::*;
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

/// Books of a thin market: at each step the price moves a little, over two days.
fn recorded_books(steps: &[i64]) -> BookSeries {
    let (mut books, mut time) = (BookSeries::default(), 1_700_050_000_000_000_000_i64);
    for (index, step) in steps.iter().enumerate() {
        time += step * 1_000_000_000;
        let units = |plus: i64| i64::try_from(index).unwrap() % 7 + plus;
        let level = |plus| Level { price: Price::from_units(units(plus)), quantity: Quantity::from_units(5) };
        let (bids, asks) = ([level(20), level(10)], [level(30)]);
        // Now and then nobody quotes.
        let asks: &[Level] = if index % 5 == 0 { &[] } else { &asks };
        books.push(Timestamp::from_nanos(time), BookSnapshot { bids: &bids, asks });
    }
    books
}

fn part_of(books: &BookSeries, rows: std::ops::Range<usize>) -> Series {
    let mut part = BookSeries::default();
    for (time, book) in rows.filter_map(|row| books.get(row)) {
        part.push(time, book);
    }
    Series::Books(part)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    /// Recorded in parts, with repetitions as after a restart, the catalogue reads, lists and hashes as if all had been
    /// imported at once; the same again after compacting.
    #[test]
    fn parts_read_like_a_whole(
        steps in prop::collection::vec(1_i64..8_000, 2..60),
        cuts in prop::collection::vec((0_usize..60, 1_usize..20), 0..8),
    ) {
        let books = recorded_books(&steps);
        let all = part_of(&books, 0..books.len());
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (whole, recorded) = (Catalog::new(whole.path()), (Catalog::new(parts.path()), parts.path()));
        let key = SeriesKey::of("bitex", "btc_ars", &all).unwrap();
        whole.import(&key, &all, None, false).unwrap();
        let (catalog, root) = recorded;
        for start in (0..books.len()).step_by(9) {
            catalog.append(&key, &part_of(&books, start..(start + 9).min(books.len()))).unwrap();
        }
        for (start, length) in cuts {
            let start = start % books.len();
            catalog.append(&key, &part_of(&books, start..(start + length).min(books.len()))).unwrap();
        }
        let read = |catalog: &Catalog| catalog.read(&key, Timestamp::MIN, Timestamp::MAX).unwrap();
        let listed = |catalog: &Catalog| {
            let entry = catalog.list().unwrap().remove(0);
            (entry.hash, entry.rows, entry.days, entry.first, entry.last)
        };
        prop_assert_eq!(read(&catalog), read(&whole));
        prop_assert_eq!(listed(&catalog), listed(&whole));
        // Another import sees what was recorded.
        prop_assert_eq!(catalog.import(&key, &all, None, false).unwrap().rows_added, 0);
        catalog.compact(&key, Timestamp::MAX).unwrap();
        prop_assert_eq!(read(&catalog), read(&whole));
        prop_assert_eq!(listed(&catalog), listed(&whole));
        let files = std::fs::read_dir(root.join("bitex/btc_ars/books")).unwrap().count();
        prop_assert_eq!(u64::try_from(files).unwrap(), listed(&catalog).2, "a part was left behind");
    }
}

#[test]
fn days_that_are_not_over_stay_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path());
    let books = recorded_books(&[1, 40_000, 40_000]);
    let key = SeriesKey::of("bitex", "btc_ars", &part_of(&books, 0..1)).unwrap();
    catalog.append(&key, &part_of(&books, 0..3)).unwrap();
    let last = books.times()[2];
    assert_eq!(catalog.compact(&key, last).unwrap(), 1);
    assert_eq!(catalog.compact(&key, last).unwrap(), 0);
    assert_eq!(catalog.read(&key, Timestamp::MIN, Timestamp::MAX).unwrap(), part_of(&books, 0..3));
}
