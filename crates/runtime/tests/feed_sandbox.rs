//! The feed, the recorder and the fetcher against the local exchange over HTTP, with faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pampero_bitex::{Bitex, Client, Config, Environment};
use pampero_exchange::{Budget, Exchange, SnapshotParts};
use pampero_model::{MarketId, Span, Timestamp};
use pampero_runtime::feed::{
    Clock, Desk, FeedSettings, FetchSettings, News, RecordSettings, Watch, fetch, record, run, wall_clock,
    warm_up,
};
use pampero_sandbox::{Sandbox, SandboxConfig};
use pampero_store::{Catalog, Check, Kind, Series, SeriesKey, verify};
use tokio::sync::{mpsc, watch};

const MARKET: MarketId = MarketId(0);

async fn exchange() -> (Sandbox, Arc<dyn Exchange>) {
    let text = "listen = '127.0.0.1:0'\nadmin_listen = '127.0.0.1:0'\nrequests_per_second = 0\n";
    let sandbox = Sandbox::start(SandboxConfig::from_toml(text).unwrap()).await.unwrap();
    let config = Config::new(Environment::local(&sandbox.url()).unwrap());
    let client = Client::new(config, Budget::unlimited()).unwrap();
    (sandbox, Arc::new(Bitex::new(client)))
}

/// Many times as fast as in earnest, so that the test is short.
fn hasty() -> FeedSettings {
    FeedSettings {
        fastest: Span::from_millis(5),
        slowest: Span::from_millis(20),
        slowest_with_orders: Span::from_millis(20),
        spacing: Span::from_millis(5),
        longest_back_off: Span::from_millis(40),
        ..FeedSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trade_of_the_exchange_arrives_once_whatever_goes_wrong() {
    let (sandbox, exchange) = exchange().await;
    sandbox.step_agents(200);
    let clock: Clock = wall_clock();
    let warm = warm_up(exchange.as_ref(), "btc_usd", &[(Span::from_hours(1), 5)], &clock).await.unwrap();
    assert!(!warm.candles[0].closed.is_empty());
    let watch_one = Watch { market: MARKET, code: "btc_usd".to_owned(), spans: Vec::new() };
    let mut desk = Desk::new(hasty(), [watch_one]);
    warm.hand_over(&mut desk, MARKET);
    // Errors of the server, answers that cannot be read, redirections.
    // Pages of errors make the client pause for a second each, so there are few of them.
    let faults = ["fault = 'F08'\nlimit = 1", "fault = 'F15'", "fault = 'F17'\nlimit = 1"];
    let rule = |fault: &&str| format!("[[faults]]\n{fault}\nendpoint = 'GET *'\nprobability = 0.2\n");
    let rules = faults.iter().map(rule).collect::<String>();
    sandbox.set_faults(SandboxConfig::faults_from_toml(&rules).unwrap()).unwrap();
    let (sender, mut messages) = mpsc::channel(8);
    let (_own, own) = watch::channel(Vec::new());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let until = async move {
        let _ = stopped.await;
    };
    let feed = tokio::spawn(run(Arc::clone(&exchange), desk, clock, own, sender, until));
    let mut known: BTreeSet<u64> = warm.trades.iter().map(|trade| trade.id).collect();
    let (mut errors, mut books, mut told) = (0, 0, 0);
    let mut calm = false;
    loop {
        let message = tokio::time::timeout(Duration::from_secs(30), messages.recv()).await.unwrap().unwrap();
        errors += u32::from(message.error.is_some());
        for news in &message.news {
            match news {
                News::Trade { trade, .. } => {
                    assert!(known.insert(trade.id), "{trade:?} was told twice");
                    told += 1;
                }
                News::Book { book, .. } => {
                    assert!(book.snapshot().is_sorted());
                    books += 1;
                }
                News::Gap { .. } => panic!("{news:?}"),
                _ => {}
            }
        }
        if !calm && errors >= 5 && told >= 20 && books >= 20 {
            sandbox.set_faults(Vec::new()).unwrap();
            calm = true;
        } else if calm {
            let truth = exchange.trades("btc_usd", 24).await.unwrap();
            if message.error.is_none() && truth.iter().all(|trade| known.contains(&trade.id)) {
                break;
            }
        } else {
            sandbox.step_agents(30);
        }
    }
    stop.send(()).unwrap();
    messages.close();
    feed.await.unwrap();
    sandbox.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_of_the_exchange_is_clean_data() {
    let (sandbox, exchange) = exchange().await;
    sandbox.step_agents(100);
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path());
    let settings = RecordSettings {
        markets: vec!["btc_usd".to_owned(), "btc_ars".to_owned()],
        feed: hasty(),
        flush_every: Span::from_millis(50),
        repeat_after: Span::from_millis(50),
        ..RecordSettings::default()
    };
    let (seen, mut writes) = mpsc::channel::<u64>(1_000);
    let progress = move |said| {
        if let pampero_runtime::feed::RecordProgress::Written(summary) = said {
            let _ = seen.try_send(summary.books);
        }
    };
    let until = async {
        // Until both markets were written a few times.
        while writes.recv().await.is_some_and(|books| books < 12) {
            sandbox.step_agents(5);
        }
    };
    let clock: Clock = wall_clock();
    let summary = record(Arc::clone(&exchange), &catalog, &settings, clock, until, progress).await.unwrap();
    assert!(summary.books >= 12 && summary.trades > 0, "{summary:?}");
    let fetched =
        FetchSettings { markets: settings.markets.clone(), days: 3, span_hours: vec![1, 24], trades: true };
    let now = wall_clock()();
    let fetched = fetch(exchange.as_ref(), &catalog, &fetched, now).await.unwrap();
    assert_eq!(fetched.len(), 6);
    for entry in catalog.list().unwrap() {
        let series = catalog.read(&entry.key, Timestamp::MIN, Timestamp::MAX).unwrap();
        assert_eq!(entry.key.venue, "bitex");
        let report = verify(&series);
        // Thin markets have gaps and outliers by nature; duplicates, disorder and impossible values they have not.
        let by_nature = [Check::Gap, Check::Outlier];
        assert!(report.counts.keys().all(|check| by_nature.contains(check)), "{:?}: {report:?}", entry.key);
    }
    // The last book recorded is one that the exchange showed.
    let key =
        SeriesKey { venue: "bitex".into(), market: "btc_ars".into(), kind: Kind::Books, span: Span::ZERO };
    let Series::Books(books) = catalog.read(&key, Timestamp::MIN, Timestamp::MAX).unwrap() else { panic!() };
    let shown = exchange.snapshot("btc_ars", SnapshotParts::BOOK).await.unwrap();
    assert!(!shown.book.is_one_sided());
    assert!(books.get(books.len() - 1).unwrap().1.is_sorted());
    sandbox.shutdown().await.unwrap();
}
