//! The desk: every trade once and in order whatever the answers look like, gaps named, books with the right age,
//! candles as history has them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::collections::BTreeSet;

use pampero_exchange::{Ambiguity, Error, MarketSnapshot};
use pampero_model::{
    BookSnapshot, Candle, CandleSeries, EmptyBuckets, Level, MarketId, OrderBook, Price, Quantity, Side,
    Size, Span, Timestamp, Trade, TradeSeries,
};
use pampero_runtime::feed::{Ask, Desk, FeedSettings, News, OwnOrder, Poll, Standing, Watch};
use pampero_store::{Series, resample};
use proptest::prelude::*;

const MARKET: MarketId = MarketId(0);
/// A midnight.
const START: i64 = 1_700_006_400;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(START + secs)
}

fn desk(spans: &[Span]) -> Desk {
    let watch = Watch { market: MARKET, code: "btc_ars".to_owned(), spans: spans.to_vec() };
    Desk::new(FeedSettings::default(), [watch])
}

fn trade(id: u64, secs: i64) -> Trade {
    let price = Price::from_units(100_000_000 * i64::try_from(100 + id * 7 % 23).unwrap());
    Trade {
        id,
        time: at(secs),
        price,
        quantity: Quantity::from_units(1_000 + id.cast_signed()),
        aggressor: None,
    }
}

/// The trades of the last hours at an instant, newest first, as the exchange lists them.
fn window(trades: &[Trade], now: Timestamp, hours: u32) -> Vec<Trade> {
    let from = now.minus(Span::from_hours(hours.into()));
    trades.iter().rev().filter(|trade| trade.time > from && trade.time <= now).copied().collect()
}

fn snapshot(trades: Vec<Trade>) -> MarketSnapshot {
    MarketSnapshot { market: "btc_ars".to_owned(), trades, ..MarketSnapshot::default() }
}

fn hours(poll: &Poll) -> u32 {
    match poll.ask {
        Ask::Snapshot => 1,
        Ask::Trades { hours } => hours,
    }
}

fn lost() -> Error {
    Error::Ambiguous(Ambiguity::Timeout)
}

/// Asks whenever the desk wants to, until an instant; `fails` says which requests are lost.
fn watch(
    desk: &mut Desk,
    trades: &[Trade],
    from: Timestamp,
    until: Timestamp,
    mut fails: impl FnMut(Timestamp) -> bool,
) -> Vec<(Timestamp, News)> {
    let mut told = Vec::new();
    let mut now = from;
    while now < until {
        let mut news = desk.lapse(now);
        if let Some(poll) = desk.due(now) {
            let answer =
                if fails(now) { Err(lost()) } else { Ok(snapshot(window(trades, now, hours(&poll)))) };
            news.extend(desk.answer(now, &poll, answer, &[]));
        }
        told.extend(news.into_iter().map(|news| (now, news)));
        now = desk.next_due().unwrap().max(now.plus(Span::from_nanos(1)));
    }
    told
}

fn trades_told(told: &[(Timestamp, News)]) -> Vec<(Trade, Standing)> {
    let trade = |(_, news): &(Timestamp, News)| match news {
        News::Trade { trade, standing, .. } => Some((*trade, *standing)),
        _ => None,
    };
    told.iter().filter_map(trade).collect()
}

#[test]
fn an_hour_without_answers_makes_it_reach_farther_back_and_nothing_is_missing() {
    let trades: Vec<Trade> = (0_u32..60).map(|n| trade(u64::from(n) + 1, i64::from(n) * 600)).collect();
    let mut desk = desk(&[]);
    let outage = at(7_200)..at(7_200 + 3 * 3_600);
    let told = watch(&mut desk, &trades, at(3_600), at(36_000), |now| outage.contains(&now));
    assert!(told.iter().all(|(_, news)| !matches!(news, News::Gap { .. })));
    let ids: Vec<u64> = trades_told(&told).iter().map(|(trade, _)| trade.id).collect();
    assert!(ids.is_sorted_by(|left, right| left + 1 == *right), "{ids:?}");
    assert_eq!(ids.last(), Some(&60));
    let stale: Vec<_> = told
        .iter()
        .filter(|(_, news)| matches!(news, News::Stale { .. } | News::Fresh { .. }))
        .map(|(time, _)| *time)
        .collect();
    let [stale, fresh] = stale[..] else { panic!("{stale:?}") };
    assert!(stale >= at(7_200 + 9) && stale <= at(7_200 + 20), "{stale}");
    assert!(fresh >= outage.end && fresh <= outage.end.plus(Span::from_secs(31)), "{fresh}");
}

#[test]
fn what_cannot_be_had_any_more_is_a_gap() {
    let trades: Vec<Trade> = (0_u32..96).map(|n| trade(u64::from(n) + 1, i64::from(n) * 1_800)).collect();
    let mut desk = desk(&[Span::from_hours(1)]);
    let outage = at(4_000)..at(4_000 + 30 * 3_600);
    let told = watch(&mut desk, &trades, at(3_600), at(40 * 3_600), |now| outage.contains(&now));
    let gaps: Vec<_> = told
        .iter()
        .filter_map(|(_, news)| match news {
            News::Gap { from, to, .. } => Some((*from, *to)),
            _ => None,
        })
        .collect();
    let [(from, to)] = gaps[..] else { panic!("{gaps:?}") };
    let told_ids: BTreeSet<u64> = trades_told(&told).iter().map(|(trade, _)| trade.id).collect();
    let reach = at(3_600).minus(Span::from_hours(1));
    for trade in trades.iter().filter(|trade| trade.time > reach && trade.time < at(39 * 3_600)) {
        let lost = trade.time > from && trade.time < to;
        assert!(lost || told_ids.contains(&trade.id), "{trade:?} between {from} and {to}");
    }
    for (_, news) in &told {
        if let News::Candle { candle, .. } = news {
            assert!(candle.open_time >= to || candle.open_time.plus(Span::from_hours(1)) <= from);
        }
    }
}

#[test]
fn the_first_answer_is_history_and_a_resumed_desk_tells_what_came_since() {
    let trades: Vec<Trade> = (1..=6).map(|n| trade(n, n.cast_signed() * 60)).collect();
    let mut fresh = desk(&[]);
    let told = trades_told(&watch(&mut fresh, &trades, at(400), at(401), |_| false));
    assert!(told.iter().all(|(_, standing)| *standing == Standing::History));
    assert_eq!(told.len(), 6);
    let mut resumed = desk(&[]);
    resumed.resume(MARKET, [trades[3]], trades[3].time);
    let told = trades_told(&watch(&mut resumed, &trades, at(400), at(401), |_| false));
    assert_eq!(told, [(trades[4], Standing::New), (trades[5], Standing::New)]);
}

#[test]
fn a_trade_that_shows_up_late_is_told_but_is_no_news_for_a_strategy() {
    let [one, two, three] = [trade(1, 10), trade(2, 20), trade(3, 30)];
    let mut desk = desk(&[]);
    let poll = desk.due(at(15)).unwrap();
    desk.answer(at(15), &poll, Ok(snapshot(vec![one])), &[]);
    let poll = desk.due(at(35)).unwrap();
    let news = desk.answer(at(35), &poll, Ok(snapshot(vec![three, one])), &[]);
    assert!(
        news.iter().any(
            |news| matches!(news, News::Trade { trade, standing: Standing::New, .. } if *trade == three)
        )
    );
    let poll = desk.due(at(40)).unwrap();
    let news = desk.answer(at(40), &poll, Ok(snapshot(vec![three, two, one])), &[]);
    let late = News::Trade { market: MARKET, trade: two, standing: Standing::Late };
    assert_eq!(news[0], late);
    assert!(late.event().is_none());
}

#[test]
fn an_answer_older_than_what_is_known_does_not_bring_its_book_back() {
    let trades = [trade(1, 10), trade(2, 20)];
    let book = |price: i64| {
        let mut book = OrderBook::default();
        let level = Level { price: Price::from_units(price), quantity: Quantity::from_units(5) };
        book.set_level(Side::Buy, level);
        book
    };
    let answer = |trades: &[Trade], price: i64| MarketSnapshot {
        book: book(price),
        ..snapshot(trades.iter().rev().copied().collect())
    };
    let mut desk = desk(&[]);
    let poll = desk.due(at(30)).unwrap();
    desk.answer(at(30), &poll, Ok(answer(&trades, 7)), &[]);
    let poll = desk.due(at(40)).unwrap();
    let news = desk.answer(at(40), &poll, Ok(answer(&trades[..1], 6)), &[]);
    assert_eq!(news, []);
    let poll = desk.due(at(50)).unwrap();
    let news = desk.answer(at(50), &poll, Ok(answer(&trades, 8)), &[]);
    assert!(matches!(&news[..], [News::Book { changed: true, book: told, .. }] if **told == book(8)));
}

#[test]
fn a_clock_that_is_behind_and_one_that_is_set_back_are_survived() {
    let trades = [trade(1, 100)];
    let mut desk = desk(&[]);
    let poll = desk.due(at(60)).unwrap();
    let news = desk.answer(at(60), &poll, Ok(snapshot(trades.to_vec())), &[]);
    assert_eq!(news[0], News::ClockBehind(Span::from_secs(40)));
    // A day back: the next poll still comes within the slowest rhythm.
    let back = at(-86_400);
    assert_eq!(desk.due(back), None);
    assert!(desk.due(back.plus(Span::from_secs(30))).is_some());
}

#[test]
fn too_many_requests_make_every_market_wait() {
    let watches = (0..2).map(|n| Watch { market: MarketId(n), code: format!("m{n}"), spans: Vec::new() });
    let mut desk = Desk::new(FeedSettings::default(), watches);
    let poll = desk.due(at(0)).unwrap();
    let refused = Error::RateLimited { retry_after: Some(std::time::Duration::from_secs(7)) };
    assert_eq!(desk.answer(at(0), &poll, Err(refused), &[]), []);
    assert_eq!(desk.due(at(6)), None);
    assert!(desk.due(at(7)).is_some());
}

#[test]
fn markets_take_turns_within_the_share_of_the_budget() {
    let watches = (0..3).map(|n| Watch { market: MarketId(n), code: format!("m{n}"), spans: Vec::new() });
    let mut desk = Desk::new(FeedSettings::default(), watches);
    let mut polls = [0; 3];
    let (mut now, mut sent): (_, Vec<Timestamp>) = (at(0), Vec::new());
    while now < at(60) {
        if let Some(poll) = desk.due(now) {
            polls[poll.market.index()] += 1;
            sent.push(now);
            desk.answer(now.plus(Span::from_millis(300)), &poll, Ok(snapshot(Vec::new())), &[]);
        }
        now = now.plus(Span::from_millis(50));
    }
    assert!(sent.windows(2).all(|pair| pair[1].since(pair[0]) >= Span::from_secs(1)));
    assert!(polls.iter().all(|count| *count >= 10), "{polls:?}");
}

/// Trades with rising ids and times, some in the same second.
fn trades(most: usize, longest_pause: i64) -> impl Strategy<Value = Vec<Trade>> {
    prop::collection::vec((0..longest_pause, 1_u64..4), 0..most).prop_map(|steps| {
        let (mut id, mut secs) = (0, 0);
        steps
            .into_iter()
            .map(|(pause, step)| {
                id += step;
                secs += pause;
                trade(id, secs)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Lost requests, answers from a cache, lists with duplicates and in any order: each trade is told once, the new
    /// ones in order, and what is not told lies in a gap that was named.
    #[test]
    fn each_trade_is_told_once_and_in_order(
        trades in trades(120, 1_500),
        answers in prop::collection::vec((0..9_000_i64, 0..6_u8, any::<u64>()), 1..60),
    ) {
        let mut desk = desk(&[]);
        let mut now = at(0);
        let mut told = Vec::new();
        let mut first = None;
        for (pause, kind, seed) in answers {
            now = now.plus(Span::from_secs(pause + 31));
            let Some(poll) = desk.due(now) else { continue };
            // Answers from a cache are up to two minutes old.
            let lag = if kind == 1 { i64::try_from(seed % 120).unwrap() } else { 0 };
            let mut list = window(&trades, now.minus(Span::from_secs(lag)), hours(&poll));
            if kind == 2 && !list.is_empty() {
                let index = usize::try_from(seed % u64::try_from(list.len()).unwrap()).unwrap();
                list.push(list[index]);
                list.rotate_left(index);
            }
            let answer = if kind == 0 { Err(lost()) } else { Ok(snapshot(list)) };
            if answer.is_ok() {
                first.get_or_insert(now.minus(Span::from_secs(lag)));
            }
            told.extend(desk.answer(now, &poll, answer, &[]).into_iter().map(|news| (now, news)));
        }
        // Two good answers at the end: the second may have to reach farther back.
        for _ in 0..3 {
            now = now.plus(Span::from_secs(31));
            let poll = desk.due(now).unwrap();
            first.get_or_insert(now);
            let answer = Ok(snapshot(window(&trades, now, hours(&poll))));
            told.extend(desk.answer(now, &poll, answer, &[]).into_iter().map(|news| (now, news)));
        }
        let seen = trades_told(&told);
        let ids: BTreeSet<u64> = seen.iter().map(|(trade, _)| trade.id).collect();
        prop_assert_eq!(ids.len(), seen.len(), "a trade was told twice");
        let new: Vec<u64> =
            seen.iter().filter(|(_, standing)| *standing == Standing::New).map(|(trade, _)| trade.id).collect();
        prop_assert!(new.is_sorted(), "{:?}", new);
        let gaps: Vec<_> = told.iter().filter_map(|(_, news)| match news {
            News::Gap { from, to, .. } => Some((*from, *to)),
            _ => None,
        }).collect();
        let begin = first.unwrap().minus(Span::from_hours(1));
        for trade in trades.iter().filter(|trade| trade.time > begin && trade.time <= now) {
            let lost = gaps.iter().any(|(from, to)| trade.time >= *from && trade.time <= *to);
            prop_assert!(lost || ids.contains(&trade.id), "{:?} is missing; gaps {:?}", trade, gaps);
        }
    }

    /// The age of the book is the time since the last good answer that was asked for, and a book that did not change
    /// is told again.
    #[test]
    fn a_book_is_as_old_as_the_last_good_answer(steps in prop::collection::vec((0_u8..3, 1_i64..3), 1..40)) {
        let mut desk = desk(&[]);
        let mut now = at(0);
        let (mut told_at, mut book_told, mut truth): (_, Option<OrderBook>, _) = (None, None, OrderBook::default());
        for (kind, price) in steps {
            now = now.plus(Span::from_secs(31));
            let poll = desk.due(now).unwrap();
            if kind == 0 {
                prop_assert_eq!(desk.answer(now, &poll, Err(lost()), &[]), vec![]);
                continue;
            }
            let bid = Level { price: Price::from_units(price), quantity: Quantity::from_units(9) };
            truth.replace(BookSnapshot { bids: &[bid], asks: &[] });
            let answer = MarketSnapshot { book: truth.clone(), ..snapshot(Vec::new()) };
            let news = desk.answer(now, &poll, Ok(answer), &[]);
            let books: Vec<_> = news.iter().filter_map(|news| match news {
                News::Book { book, changed, .. } => Some((book, *changed)),
                _ => None,
            }).collect();
            prop_assert_eq!(books.len(), 1);
            prop_assert_eq!(&**books[0].0, &truth);
            prop_assert_eq!(books[0].1, book_told.as_ref() != Some(&truth));
            (told_at, book_told) = (Some(now), Some(truth.clone()));
        }
        // Staleness counts from the last good answer too.
        if let Some(told_at) = told_at {
            let limit = FeedSettings::default().stale_after;
            let lapse = desk.lapse(told_at.plus(limit));
            let stale = [News::Stale { market: MARKET, since: Some(told_at) }];
            prop_assert_eq!(&lapse[..], &stale[..]);
        }
    }

    /// Taking own orders out leaves a book in order, without empty or negative levels, and never more than there was.
    #[test]
    fn own_orders_never_leave_a_negative_level(
        levels in prop::collection::vec((1_i64..50, 1_i64..1_000), 0..30),
        own in prop::collection::vec((any::<bool>(), 0_i64..50, 0_i64..3_000), 0..10),
    ) {
        let mut truth = OrderBook::default();
        for (price, quantity) in &levels {
            let side = if *price < 25 { Side::Buy } else { Side::Sell };
            let price = Price::from_units(price * 100_000_000);
            truth.set_level(side, Level { price, quantity: Quantity::from_units(*quantity) });
        }
        let own: Vec<OwnOrder> = own.iter().map(|(buys, price, size)| {
            let side = if *buys { Side::Buy } else { Side::Sell };
            // A bid is sized in quote.
            let remaining = match side {
                Side::Buy => Size::Quote(pampero_model::Cash::from_units(i128::from(*size * *price))),
                Side::Sell => Size::Base(Quantity::from_units(*size)),
            };
            OwnOrder { market: MARKET, side, price: Price::from_units(price * 100_000_000), remaining }
        }).collect();
        let mut desk = desk(&[]);
        let poll = desk.due(at(0)).unwrap();
        let answer = MarketSnapshot { book: truth.clone(), ..snapshot(Vec::new()) };
        let news = desk.answer(at(0), &poll, Ok(answer), &own);
        let [News::Book { book, .. }] = &news[..] else { panic!("{news:?}") };
        prop_assert!(book.snapshot().is_sorted());
        for side in [Side::Buy, Side::Sell] {
            for level in truth.levels(side) {
                let mine: i64 = own.iter().filter(|order| order.side == side && order.price == level.price)
                    .map(|order| order.remaining.quantity(order.price, pampero_model::Rounding::Up).unwrap().units())
                    .sum();
                let left = book.levels(side).iter().find(|left| left.price == level.price);
                let left = left.map_or(0, |left| left.quantity.units());
                prop_assert_eq!(left, (level.quantity.units() - mine).max(0));
            }
        }
    }

    /// Candles of a watched market are those that history gives for the same trades.
    #[test]
    fn candles_are_those_of_history(
        trades in trades(150, 120),
        minutes in prop::sample::select(vec![1_i64, 5, 15, 60]),
        fails in any::<u64>(),
    ) {
        let span = Span::from_minutes(minutes);
        let mut desk = desk(&[span]);
        let mut step = fails | 1;
        let until = at(12_000);
        let told = watch(&mut desk, &trades, at(1_000), until, |_| {
            step ^= step << 13;
            step ^= step >> 7;
            step ^= step << 17;
            step % 4 == 0
        });
        let mut series = TradeSeries::default();
        for trade in &trades {
            series.push(trade);
        }
        let history = resample(&Series::Trades(series), span, EmptyBuckets::Skip).unwrap_or(CandleSeries::new(span));
        let live: Vec<Candle> = told.iter().filter_map(|(_, news)| match news {
            News::Candle { candle, .. } => Some(*candle),
            _ => None,
        }).collect();
        // Buckets that ended after the watch began and before it ended.
        let expected: Vec<Candle> = history.iter()
            .filter(|candle| candle.open_time.plus(span) > at(1_040) && candle.open_time.plus(span) < until.minus(Span::from_secs(120)))
            .collect();
        let live: Vec<Candle> = live.into_iter().filter(|candle| {
            candle.open_time.plus(span) > at(1_040) && candle.open_time.plus(span) < until.minus(Span::from_secs(120))
        }).collect();
        prop_assert_eq!(live, expected);
        for (time, news) in &told {
            if let News::Candle { candle, .. } = news {
                let late = time.since(candle.open_time.plus(span));
                // At the very end of it already, if a trade of the next one was seen.
                prop_assert!(*time >= candle.open_time.plus(span) && late <= Span::from_secs(160), "{}", late);
            }
        }
    }
}
