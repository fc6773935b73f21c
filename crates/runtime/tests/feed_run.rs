//! The feed at work on tokio's paused clock: polls, errors, a panicking adapter, shutdown, own orders, warm-up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

#[path = "feed_support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use pampero_exchange::{Ambiguity, Error};
use pampero_model::{Candle, EmptyBuckets, MarketId, Side, Size, Span, Timestamp, Trade, TradeSeries};
use pampero_runtime::feed::{
    Clock, Desk, FeedMessage, FeedSettings, News, OwnOrder, RequestTimes, Watch, run, warm_up,
};
use pampero_store::{Series, resample};
use support::{Fake, at, clock, trade};
use tokio::sync::{mpsc, watch};

const MARKET: MarketId = MarketId(0);

fn desk(spans: &[Span]) -> Desk {
    let watch = Watch { market: MARKET, code: "btc_ars".to_owned(), spans: spans.to_vec() };
    Desk::new(FeedSettings::default(), [watch])
}

/// Everything the feed sends in so many seconds of virtual time.
async fn messages(
    exchange: &Arc<Fake>,
    desk: Desk,
    clock: Clock,
    own: Vec<OwnOrder>,
    secs: u64,
) -> Vec<FeedMessage> {
    let (sender, mut receiver) = mpsc::channel(16);
    let (_own, own) = watch::channel(own);
    let exchange: Arc<dyn pampero_exchange::Exchange> = Arc::<Fake>::clone(exchange);
    let shutdown = tokio::time::sleep(Duration::from_secs(secs));
    let feed = tokio::spawn(run(exchange, desk, clock, own, sender, shutdown));
    let mut messages = Vec::new();
    while let Some(message) = receiver.recv().await {
        messages.push(message);
    }
    feed.await.unwrap();
    messages
}

fn busy_trades() -> Vec<Trade> {
    (0_u32..400).map(|n| trade(u64::from(n) + 1, i64::from(n) * 37)).collect()
}

#[tokio::test(start_paused = true)]
async fn it_polls_within_its_share_and_measures_the_requests() {
    let clock = clock(0);
    let exchange = Arc::new(Fake::new(Arc::clone(&clock), busy_trades()));
    let messages = messages(&exchange, desk(&[]), clock, Vec::new(), 60).await;
    let requests = exchange.requests();
    assert!(requests.windows(2).all(|pair| pair[1].0.since(pair[0].0) >= Span::from_secs(1)), "{requests:?}");
    assert!(requests.len() >= 12, "{}", requests.len());
    let mut times = RequestTimes::default();
    messages.iter().filter_map(|message| message.took).for_each(|took| times.record(took));
    assert_eq!(times.quantile(50), Some(Span::from_millis(200)));
    assert!(matches!(times.latency(), Some(pampero_venue::LatencyModel::Measured(one_way))
        if one_way.iter().all(|time| *time == Span::from_millis(100))));
}

#[tokio::test(start_paused = true)]
async fn errors_and_a_panic_of_the_adapter_are_told_and_survived() {
    let clock = clock(0);
    let exchange = Arc::new(Fake::new(Arc::clone(&clock), busy_trades()));
    exchange.errors.lock().unwrap().extend([
        Error::Ambiguous(Ambiguity::Timeout),
        Error::Unavailable { status: 520, edge: true },
        Error::RateLimited { retry_after: Some(Duration::from_secs(5)) },
    ]);
    *exchange.panics.lock().unwrap() = true;
    let messages = messages(&exchange, desk(&[]), clock, Vec::new(), 40).await;
    let errors: Vec<&str> =
        messages.iter().filter_map(|message| message.error.as_ref()).map(Error::code).collect();
    assert_eq!(errors, ["malformed", "ambiguous", "unavailable", "rate_limited"]);
    let stale =
        messages.iter().position(|message| matches!(message.news[..], [News::Stale { since: None, .. }]));
    let fresh = messages
        .iter()
        .position(|message| message.news.iter().any(|news| matches!(news, News::Fresh { .. })));
    assert!(stale.unwrap() < fresh.unwrap());
    assert_eq!(messages[stale.unwrap()].at, at(15));
}

#[tokio::test(start_paused = true)]
async fn own_orders_are_taken_out_of_the_book_and_quicken_the_pace() {
    let quiet = clock(0);
    let exchange = Arc::new(Fake::new(Arc::clone(&quiet), Vec::new()));
    let order = OwnOrder {
        market: MARKET,
        side: Side::Sell,
        price: pampero_model::Price::from_units(100_000_001),
        remaining: Size::Base(pampero_model::Quantity::from_units(2_000_000)),
    };
    let with_orders = messages(&exchange, desk(&[]), quiet, vec![order], 60).await;
    let asks: Vec<i64> = with_orders
        .iter()
        .flat_map(|message| &message.news)
        .filter_map(|news| match news {
            News::Book { book, .. } => book.best(Side::Sell).map(|level| level.quantity.units()),
            _ => None,
        })
        .collect();
    assert!(!asks.is_empty() && asks.iter().all(|units| *units == 3_000_000), "{asks:?}");
    let busy = exchange.requests().len();
    let later = clock(0);
    let exchange = Arc::new(Fake::new(Arc::clone(&later), Vec::new()));
    messages(&exchange, desk(&[]), later, Vec::new(), 60).await;
    assert!(busy > exchange.requests().len() * 2 - 4, "{busy} and {}", exchange.requests().len());
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_nobody_listens() {
    let clock = clock(0);
    let exchange: Arc<dyn pampero_exchange::Exchange> = Arc::new(Fake::new(Arc::clone(&clock), Vec::new()));
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let (_own, own) = watch::channel(Vec::new());
    run(exchange, desk(&[]), clock, own, sender, std::future::pending()).await;
}

fn history(trades: &[Trade], span: Span, from: Timestamp, to: Timestamp) -> Vec<Candle> {
    let mut series = TradeSeries::default();
    for trade in trades {
        series.push(trade);
    }
    let candles = resample(&Series::Trades(series), span, EmptyBuckets::Skip).unwrap();
    candles.iter().filter(|candle| candle.open_time >= from && candle.open_time.plus(span) <= to).collect()
}

/// What a strategy sees is what history has, without a hole or a repetition where the one ends and the other begins.
#[tokio::test(start_paused = true)]
async fn candles_go_on_from_the_warm_up_without_a_seam() {
    let spans = [
        Span::from_minutes(7),
        Span::from_minutes(15),
        Span::from_hours(1),
        Span::from_hours(4),
        Span::from_hours(5),
        Span::from_hours(24),
        Span::from_hours(72),
    ];
    // Nine days of trades, and a start in the middle of every bucket.
    let trades: Vec<Trade> = (0_u32..1_600).map(|n| trade(u64::from(n) + 1, i64::from(n) * 491)).collect();
    let start = 6 * 86_400 + 3 * 3_600 + 1_234;
    let clock = clock(start);
    let exchange = Arc::new(Fake::new(Arc::clone(&clock), trades.clone()));
    let wants: Vec<(Span, usize)> = spans.iter().map(|span| (*span, 20)).collect();
    let warm = warm_up(exchange.as_ref(), "btc_ars", &wants, &clock).await.unwrap();
    // Slower than in earnest, since four days are watched.
    let settings = FeedSettings {
        fastest: Span::from_secs(60),
        slowest: Span::from_secs(300),
        stale_after: Span::from_secs(600),
        ..FeedSettings::default()
    };
    let watch = Watch { market: MARKET, code: "btc_ars".to_owned(), spans: spans.to_vec() };
    let mut desk = Desk::new(settings, [watch]);
    warm.hand_over(&mut desk, MARKET);
    let days = 4_u64;
    let messages = messages(&exchange, desk, clock, Vec::new(), days * 86_400).await;
    let end = at(start + i64::try_from(days).unwrap() * 86_400 - 60);
    for (span, candles) in spans.iter().zip(&warm.candles) {
        assert!(candles.whole, "{span}");
        let mut seen = candles.closed.clone();
        assert!(seen.len() <= 20);
        let live = messages.iter().flat_map(|message| &message.news).filter_map(|news| match news {
            News::Candle { span: of, candle, .. } if of == span => Some(*candle),
            _ => None,
        });
        seen.extend(live);
        seen.retain(|candle| candle.open_time.plus(*span) <= end);
        let expected = history(&trades, *span, seen[0].open_time, end);
        let differs = seen.iter().zip(&expected).position(|(seen, expected)| seen != expected);
        assert!(seen == expected, "{span}: candle {differs:?}, {} and {}", seen.len(), expected.len());
        let closed = warm.candles.iter().find(|candles| candles.span == *span).unwrap().closed.len();
        let possible = history(&trades, *span, at(0), warm.at).len();
        // Minutes come from a day of trades, hours from the exchange's candles.
        let reach =
            if *span < Span::from_hours(1) { 24 * 60 / (span.as_nanos() / 60_000_000_000) - 2 } else { 20 };
        assert!(
            closed >= possible.min(20).min(usize::try_from(reach).unwrap()) - 1,
            "{span}: {closed} of {possible}"
        );
    }
    let ids: Vec<u64> = messages
        .iter()
        .flat_map(|message| &message.news)
        .filter_map(|news| match news {
            News::Trade { trade, .. } => Some(trade.id),
            _ => None,
        })
        .collect();
    assert!(ids.is_sorted_by(|left, right| left + 1 == *right));
    assert_eq!(ids[0], warm.trades.last().unwrap().id + 1);
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_asks_farther_back_where_many_buckets_are_empty() {
    // One trade every two days, for two months.
    let trades: Vec<Trade> =
        (0_u32..30).map(|n| trade(u64::from(n) + 1, i64::from(n) * 2 * 86_400 + 60)).collect();
    let clock = clock(60 * 86_400);
    let exchange = Fake::new(Arc::clone(&clock), trades);
    let warm = warm_up(&exchange, "btc_ars", &[(Span::from_hours(1), 12)], &clock).await.unwrap();
    assert_eq!(warm.candles[0].closed.len(), 12);
    exchange.errors.lock().unwrap().push_back(Error::InvalidKey);
    assert_eq!(warm_up(&exchange, "btc_ars", &[], &clock).await, Err(Error::InvalidKey));
}
