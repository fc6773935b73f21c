//! Recording and fetching into the catalogue: whole, once, in bounded memory, and after a kill.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

#[path = "feed_support/mod.rs"]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pampero_exchange::{Ambiguity, Error, Exchange};
use pampero_model::{Span, Timestamp, Trade};
use pampero_runtime::feed::{
    FetchError, FetchSettings, RecordError, RecordProgress, RecordSettings, RecordSummary, fetch, record,
};
use pampero_store::{Catalog, Kind, Series, SeriesKey, resample};
use support::{Fake, at, clock, trade};

fn key(kind: Kind, span: Span) -> SeriesKey {
    SeriesKey { venue: "bitex".to_owned(), market: "btc_ars".to_owned(), kind, span }
}

fn settings() -> RecordSettings {
    RecordSettings { markets: vec!["btc_ars".to_owned()], ..RecordSettings::default() }
}

/// A trade every 37 seconds for half a day.
fn market() -> Vec<Trade> {
    (0_u32..1_200).map(|n| trade(u64::from(n) + 1, i64::from(n) * 37)).collect()
}

/// Records from one second of virtual time to another.
async fn session(
    catalog: &Catalog,
    trades: Vec<Trade>,
    (from, to): (i64, i64),
    settings: &RecordSettings,
) -> (Result<RecordSummary, RecordError>, Vec<RecordProgress>) {
    let clock = clock(from);
    let exchange: Arc<dyn Exchange> = Arc::new(Fake::new(Arc::clone(&clock), trades));
    let said = Arc::new(Mutex::new(Vec::new()));
    let say = {
        let said = Arc::clone(&said);
        move |progress| said.lock().unwrap().push(progress)
    };
    let shutdown = tokio::time::sleep(Duration::from_secs(u64::try_from(to - from).unwrap()));
    let result = record(exchange, catalog, settings, clock, shutdown, say).await;
    let said = said.lock().unwrap().clone();
    (result, said)
}

fn trades_in(catalog: &Catalog) -> Vec<u64> {
    match catalog.read(&key(Kind::Trades, Span::ZERO), Timestamp::MIN, Timestamp::MAX).unwrap() {
        Series::Trades(trades) => trades.ids,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn two_sessions_with_a_break_hold_every_trade_once_and_books_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path());
    let (first, _) = session(&catalog, market(), (3_600, 4_800), &settings()).await;
    let (second, said) = session(&catalog, market(), (12_000, 13_200), &settings()).await;
    let (first, second) = (first.unwrap(), second.unwrap());
    let ids = trades_in(&catalog);
    assert!(ids.is_sorted_by(|left, right| left + 1 == *right), "{ids:?}");
    assert_eq!(ids[0], 1);
    assert_eq!(u64::try_from(ids.len()).unwrap(), first.trades + second.trades);
    assert!(*ids.last().unwrap() >= 13_190 / 37);
    let Series::Books(books) =
        catalog.read(&key(Kind::Books, Span::ZERO), Timestamp::MIN, Timestamp::MAX).unwrap()
    else {
        panic!()
    };
    assert_eq!(u64::try_from(books.len()).unwrap(), first.books + second.books);
    assert!(books.times().is_sorted_by(|left, right| left < right));
    // A book for each trade, and repetitions in between; all of what the exchange showed.
    let (time, book) = books.get(books.len() - 1).unwrap();
    let truth = Fake::new(clock(0), market()).book(time);
    assert_eq!(book, truth.snapshot());
    // Written every five minutes and at the end.
    let written = said.iter().filter(|said| matches!(said, RecordProgress::Written(_))).count();
    assert_eq!(written, 4);
}

#[tokio::test(start_paused = true)]
async fn a_killed_recorder_leaves_whole_files_and_its_successor_makes_up_for_the_trades() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path());
    let settings = settings();
    let killed = tokio::time::timeout(
        Duration::from_secs(700),
        session(&catalog, market(), (3_600, 1_000_000), &settings),
    );
    assert!(killed.await.is_err());
    // What a write that was cut off leaves behind is never read.
    let books = folder.path().join("bitex/btc_ars/books");
    std::fs::write(books.join(".2023-11-15.part-7.parquet.1.part"), b"half").unwrap();
    let before = trades_in(&catalog).len();
    let (result, _) = session(&catalog, market(), (4_400, 5_000), &settings).await;
    result.unwrap();
    let ids = trades_in(&catalog);
    assert!(ids.len() > before && ids.is_sorted_by(|left, right| left + 1 == *right), "{ids:?}");
    let entries = catalog.list().unwrap();
    assert_eq!(entries.len(), 2);
    catalog.compact(&key(Kind::Books, Span::ZERO), Timestamp::MAX).unwrap();
    assert_eq!(catalog.list().unwrap()[0].hash, entries[0].hash);
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_and_books_are_cut_to_the_depth() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path());
    let bounded = RecordSettings { most_levels: 10, flush_every: Span::from_hours(24), ..settings() };
    let (result, said) = session(&catalog, market(), (3_600, 7_200), &bounded).await;
    let summary = result.unwrap();
    let written: Vec<u64> = said
        .iter()
        .filter_map(|said| match said {
            RecordProgress::Written(summary) => Some(summary.levels),
            _ => None,
        })
        .collect();
    assert!(written.len() > 10 && written.windows(2).all(|pair| pair[1] - pair[0] <= 11), "{written:?}");
    assert_eq!(summary.levels, summary.books * 2);
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path());
    let shallow = RecordSettings { depth: Some(0), ..settings() };
    let summary = session(&catalog, market(), (3_600, 3_700), &shallow).await.0.unwrap();
    assert_eq!(summary.levels, summary.books);
}

#[tokio::test(start_paused = true)]
async fn a_catalogue_that_cannot_be_written_is_told_and_ends_it_when_memory_is_full() {
    let folder = tempfile::tempdir().unwrap();
    // A file stands where the folder should.
    std::fs::write(folder.path().join("bitex"), b"").unwrap();
    let catalog = Catalog::new(folder.path());
    let (result, said) = session(&catalog, market(), (3_600, 4_300), &settings()).await;
    assert!(matches!(result, Err(RecordError::Store(_))));
    assert!(said.iter().any(|said| matches!(said, RecordProgress::NotWritten(_))));
    let bounded = RecordSettings { most_levels: 4, ..settings() };
    let (result, _) = session(&catalog, market(), (3_600, 1_000_000_000), &bounded).await;
    assert!(matches!(result, Err(RecordError::Store(_))));
    let nothing = RecordSettings::default();
    assert!(matches!(session(&catalog, market(), (0, 10), &nothing).await.0, Err(RecordError::NoMarkets)));
}

#[tokio::test(start_paused = true)]
async fn fetching_twice_adds_what_is_new_and_leaves_out_what_is_not_whole() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path());
    let settings =
        FetchSettings { markets: vec!["btc_ars".to_owned()], days: 2, span_hours: vec![1, 4], trades: true };
    let early = clock(20_000);
    let exchange = Fake::new(Arc::clone(&early), market());
    let first = fetch(&exchange, &catalog, &settings, early()).await.unwrap();
    assert_eq!(first.iter().map(|fetched| fetched.added).collect::<Vec<_>>(), [5, 1, 541]);
    let late = clock(40_000);
    let exchange = Fake::new(Arc::clone(&late), market());
    let second = fetch(&exchange, &catalog, &settings, late()).await.unwrap();
    assert_eq!(second.iter().map(|fetched| fetched.added).collect::<Vec<_>>(), [6, 1, 541]);
    // The candles are those of the trades.
    let trades = catalog.read(&key(Kind::Trades, Span::ZERO), Timestamp::MIN, Timestamp::MAX).unwrap();
    for hours in [1, 4] {
        let span = Span::from_hours(hours);
        let candles = catalog.read(&key(Kind::Candles, span), Timestamp::MIN, Timestamp::MAX).unwrap();
        let Series::Candles(candles) = candles else { panic!() };
        let made = resample(&trades, span, pampero_model::EmptyBuckets::Skip).unwrap();
        let whole: Vec<_> = made.iter().filter(|candle| candle.open_time.plus(span) <= at(40_000)).collect();
        assert_eq!(candles.iter().collect::<Vec<_>>(), whole);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_fails_says_of_which_market_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path());
    let now = clock(20_000);
    let exchange = Fake::new(Arc::clone(&now), market());
    let settings = FetchSettings { markets: vec!["btc_ars".to_owned()], ..FetchSettings::default() };
    exchange.errors.lock().unwrap().push_back(Error::Ambiguous(Ambiguity::Timeout));
    let error = fetch(&exchange, &catalog, &settings, now()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "btc_ars: sent, and what became of it is not known: no answer within the time allowed"
    );
    let nothing = FetchSettings { markets: Vec::new(), ..settings.clone() };
    assert!(matches!(fetch(&exchange, &catalog, &nothing, now()).await, Err(FetchError::Settings(_))));
    let none = FetchSettings { days: 0, ..settings };
    assert!(matches!(fetch(&exchange, &catalog, &none, now()).await, Err(FetchError::Settings(_))));
}
