//! The candle aggregator against grouping by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::collections::BTreeMap;

use pampero_model::{Candle, CandleAggregator, EmptyBuckets, Price, Quantity, Span, Timestamp, Trade};
use proptest::prelude::*;

const MINUTE: i64 = 60_000_000_000;

/// Trades over two hours or so, with gaps, several at one instant now and then.
fn trades() -> impl Strategy<Value = Vec<Trade>> {
    let gap = prop_oneof![Just(0), 0..MINUTE, 0..15 * MINUTE];
    proptest::collection::vec((gap, 1_i64..1_000, 1_i64..1_000), 0..60).prop_map(|steps| {
        let mut time = -10 * MINUTE;
        steps
            .into_iter()
            .map(|(gap, price, quantity)| {
                time += gap;
                Trade {
                    id: 0,
                    time: Timestamp::from_nanos(time),
                    price: Price::from_units(price),
                    quantity: Quantity::from_units(quantity),
                    aggressor: None,
                }
            })
            .collect()
    })
}

fn close(aggregator: &mut CandleAggregator, now: Timestamp, candles: &mut Vec<Candle>) {
    while let Some(candle) = aggregator.advance(now) {
        candles.push(candle);
    }
}

/// The end of the last bucket of a span that holds a trade.
fn end(trades: &[Trade], span: Span) -> Timestamp {
    trades.last().map_or(Timestamp::default(), |trade| trade.time.floor_to(span).plus(span))
}

fn from_trades(trades: &[Trade], span: Span, empty: EmptyBuckets) -> Vec<Candle> {
    let mut aggregator = CandleAggregator::new(span, empty);
    let mut candles = Vec::new();
    for trade in trades {
        close(&mut aggregator, trade.time, &mut candles);
        aggregator.add_trade(trade);
    }
    close(&mut aggregator, end(trades, span), &mut candles);
    candles
}

fn from_candles(parts: &[Candle], span: Span, empty: EmptyBuckets, end: Timestamp) -> Vec<Candle> {
    let mut aggregator = CandleAggregator::new(span, empty);
    let mut candles = Vec::new();
    for part in parts {
        close(&mut aggregator, part.open_time, &mut candles);
        aggregator.add_candle(part);
    }
    close(&mut aggregator, end, &mut candles);
    candles
}

/// Trades sorted into buckets, each turned into a candle.
fn by_hand(trades: &[Trade], span: Span) -> Vec<Candle> {
    let mut buckets: BTreeMap<i64, Vec<&Trade>> = BTreeMap::new();
    for trade in trades {
        buckets.entry(trade.time.as_nanos().div_euclid(span.as_nanos())).or_default().push(trade);
    }
    buckets
        .into_iter()
        .map(|(number, trades)| Candle {
            open_time: Timestamp::from_nanos(number * span.as_nanos()),
            open: trades[0].price,
            high: trades.iter().map(|trade| trade.price).max().unwrap(),
            low: trades.iter().map(|trade| trade.price).min().unwrap(),
            close: trades[trades.len() - 1].price,
            volume: Quantity::from_units(trades.iter().map(|trade| trade.quantity.units()).sum()),
        })
        .collect()
}

fn policy() -> impl Strategy<Value = EmptyBuckets> {
    prop_oneof![Just(EmptyBuckets::Skip), Just(EmptyBuckets::Repeat)]
}

proptest! {
    #[test]
    fn candles_are_the_trades_of_each_bucket(trades in trades(), minutes in 1_i64..20) {
        let span = Span::from_minutes(minutes);
        let candles = from_trades(&trades, span, EmptyBuckets::Skip);
        prop_assert_eq!(&candles, &by_hand(&trades, span));
        for candle in &candles {
            prop_assert!(candle.is_possible());
            prop_assert_eq!(candle.open_time.floor_to(span), candle.open_time);
        }
    }

    /// Resampling loses nothing. The shorter candles must be real ones: a repeated one would open the longer bucket
    /// at the close before it.
    #[test]
    fn shorter_candles_make_the_same_longer_ones(trades in trades(), minutes in 1_i64..5, factor in 1_i64..6, empty in policy()) {
        let (short, long) = (Span::from_minutes(minutes), Span::from_minutes(minutes * factor));
        let parts = from_trades(&trades, short, EmptyBuckets::Skip);
        let resampled = from_candles(&parts, long, empty, end(&trades, long));
        prop_assert_eq!(resampled, from_trades(&trades, long, empty));
    }

    #[test]
    fn repeated_buckets_leave_no_gap_and_add_no_volume(trades in trades(), minutes in 1_i64..10) {
        let span = Span::from_minutes(minutes);
        let candles = from_trades(&trades, span, EmptyBuckets::Repeat);
        let traded: Vec<Candle> = candles.iter().filter(|candle| candle.volume.is_positive()).copied().collect();
        prop_assert_eq!(traded, by_hand(&trades, span));
        for pair in candles.windows(2) {
            prop_assert_eq!(pair[1].open_time, pair[0].open_time.plus(span));
            if pair[1].volume.is_zero() {
                let close = pair[0].close;
                prop_assert_eq!((pair[1].open, pair[1].high, pair[1].low, pair[1].close), (close, close, close, close));
            }
        }
    }

    /// A bucket closes when it is over and not before, whatever happened or did not happen since.
    #[test]
    fn buckets_close_by_time(trades in trades(), minutes in 1_i64..10, empty in policy(), waits in proptest::collection::vec(0..3 * MINUTE, 1..20)) {
        let span = Span::from_minutes(minutes);
        let mut aggregator = CandleAggregator::new(span, empty);
        for trade in &trades {
            while aggregator.advance(trade.time).is_some() {}
            aggregator.add_trade(trade);
            let closes = trade.time.floor_to(span).plus(span);
            prop_assert_eq!(aggregator.closes_at(), Some(closes));
        }
        let mut now = trades.last().map_or(Timestamp::default(), |trade| trade.time);
        for wait in waits {
            now = now.plus(Span::from_nanos(wait));
            let due = aggregator.closes_at();
            let closed = aggregator.advance(now);
            prop_assert_eq!(closed.is_some(), due.is_some_and(|due| due <= now));
            prop_assert_eq!(closed.map(|candle| candle.open_time.plus(span)), due.filter(|_| closed.is_some()));
            while aggregator.advance(now).is_some() {}
            let expects_more = empty == EmptyBuckets::Repeat && !trades.is_empty();
            prop_assert!(aggregator.closes_at().is_none_or(|due| due > now));
            prop_assert!(!expects_more || aggregator.closes_at().is_some());
        }
    }

    #[test]
    fn impossible_candles_are_seen(o in 1_i64..99, h in 1_i64..99, l in -2_i64..99, c in 1_i64..99, volume in -1_i64..9) {
        let price = Price::from_units;
        let candle = Candle { open_time: Timestamp::default(), open: price(o), high: price(h), low: price(l), close: price(c), volume: Quantity::from_units(volume) };
        let possible = l > 0 && l <= o && l <= c && o <= h && c <= h && volume >= 0;
        prop_assert_eq!(candle.is_possible(), possible);
    }
}
