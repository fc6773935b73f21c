//! Each check passes an honest strategy and finds one made to fail it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code
#![allow(clippy::unnecessary_wraps)] // builders have the signature of `Rebuild`

use std::cell::Cell;
use std::sync::Arc;

use pampero_backtest::*;
use pampero_engine::{Allocation, Context, Intent, Owner, Requirements, Setup, Strategy, StrategyId};
use pampero_model::*;
use pampero_venue::SimSettings;

const MARKET: MarketId = MarketId(0);

/// Candles of a minute whose closes wander by up to 2 %.
fn history(candles: i64) -> Vec<Feed> {
    let mut series = CandleSeries::new(Span::from_minutes(1));
    let mut open = Price::from_units(100 * SCALE);
    let mut state = 7_u64;
    for minute in 0..candles {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let change = i64::try_from(state >> 33).unwrap() % 4_000_001 - 2_000_000;
        let close = open.shifted(Rate::from_units(change), Rounding::Down).unwrap();
        series.push(&Candle {
            open_time: Timestamp::from_secs(60 * minute),
            open,
            high: open.max(close),
            low: open.min(close),
            close,
            volume: Quantity::from_units(1_000 * SCALE),
        });
        open = close;
    }
    vec![Feed { market: MARKET, data: FeedData::Candles(Arc::new(series)) }]
}

fn closes(feeds: &[Feed]) -> Vec<Price> {
    let FeedData::Candles(series) = &feeds[0].data else { panic!("candles") };
    series.closes.clone()
}

fn backtest(strategy: impl Strategy + 'static) -> Backtest {
    let mut markets = Markets::default();
    markets.insert(Market::new("bitex", "btc_usd").unwrap()).unwrap();
    let mut setup = Setup::new(markets, "usd".parse().unwrap());
    setup.strategies.push((Box::new(strategy), pampero_engine::Limits::default()));
    let money = Money::new("usd".parse().unwrap(), 100_000 * i128::from(SCALE));
    setup.allocations.push(Allocation { owner: Owner::Strategy(StrategyId(0)), venue: VenueId(0), money });
    Backtest {
        setup,
        feeds: Vec::new(),
        rates: Vec::new(),
        venue: SimSettings { seed: 1, ..SimSettings::default() },
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        recording: Recording::Everything,
    }
}

/// Buys for 100 whenever its signal says so of the candle that closed, counted from the first it saw.
struct When<F> {
    signal: F,
    seen: usize,
    last: Option<Price>,
    warm_up: usize,
}

fn when<F: FnMut(usize, Option<Price>, &Candle) -> bool + Send>(warm_up: usize, signal: F) -> When<F> {
    When { signal, seen: 0, last: None, warm_up }
}

impl<F: FnMut(usize, Option<Price>, &Candle) -> bool + Send> Strategy for When<F> {
    fn requirements(&self) -> Requirements {
        Requirements { warm_up: self.warm_up, ..Requirements::of(MARKET) }
    }

    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, candle: &Candle) {
        if (self.signal)(self.seen, self.last, candle) {
            let _ = ctx.submit(Intent::market(
                market,
                Side::Buy,
                Size::Quote(Cash::from_units(100 * i128::from(SCALE))),
            ));
        }
        self.seen += 1;
        self.last = Some(candle.close);
    }
}

/// Buys after a rise.
fn honest(_: &[Feed]) -> Result<Backtest, String> {
    Ok(backtest(when(2, |_, last, candle: &Candle| last.is_some_and(|last| candle.close > last))))
}

/// Buys before a rise: it knows the next candle, and no more than that.
fn one_candle_ahead(feeds: &[Feed]) -> Result<Backtest, String> {
    let closes = closes(feeds);
    let first = match &feeds[0].data {
        FeedData::Candles(series) => series.open_times[0],
        _ => panic!("candles"),
    };
    Ok(backtest(when(2, move |_, _, candle: &Candle| {
        let index = usize::try_from(candle.open_time.since(first).as_nanos() / 60_000_000_000).unwrap();
        closes.get(index + 1).is_some_and(|next| *next > candle.close)
    })))
}

/// Buys below the mean of the whole history, as those who prepare their data beforehand do by mistake.
fn mean_of_everything(feeds: &[Feed]) -> Result<Backtest, String> {
    let closes = closes(feeds);
    let sum: i64 = closes.iter().map(|close| close.units() / 1_000).sum();
    let mean = Price::from_units(sum / i64::try_from(closes.len()).unwrap() * 1_000);
    Ok(backtest(when(2, move |_, _, candle: &Candle| candle.close < mean)))
}

/// Counts on a state of ten candles ago and declares two.
fn remembers_too_long(_: &[Feed]) -> Result<Backtest, String> {
    let mut past = std::collections::VecDeque::new();
    Ok(backtest(when(2, move |_, _, candle: &Candle| {
        past.push_back(candle.close);
        let old = if past.len() > 10 { past.pop_front() } else { None };
        old.is_some_and(|old| candle.close > old)
    })))
}

fn counts_from_the_start(_: &[Feed]) -> Result<Backtest, String> {
    Ok(backtest(when(2, |seen, _, _: &Candle| seen % 7 == 3)))
}

fn failed(verdict: Result<Verdict, CheckError>) -> String {
    match verdict.unwrap() {
        Verdict::Failed(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_look_of_one_candle_ahead_is_found_and_an_honest_strategy_is_not_suspected() {
    let feeds = history(200);
    let text = failed(check_lookahead(&one_candle_ahead, &feeds));
    assert!(text.contains("depends on what came later"), "{text}");
    match check_lookahead(&honest, &feeds).unwrap() {
        Verdict::Passed { orders, runs } => assert!(orders > 50 && runs > 20, "{orders} {runs}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mean_over_all_of_history_is_found() {
    let text = failed(check_lookahead(&mean_of_everything, &history(200)));
    assert!(text.contains("instead of"), "{text}");
}

#[test]
fn a_warm_up_that_is_too_short_is_found() {
    assert!(!check_warm_up(&honest, &history(200)).unwrap().is_failed());
    let text = failed(check_warm_up(&remembers_too_long, &history(200)));
    assert!(text.contains("declared warm-up of 2"), "{text}");
    let text = failed(check_warm_up(&counts_from_the_start, &history(200)));
    assert!(text.contains("counts from when it was started"), "{text}");
}

#[test]
fn a_strategy_that_differs_from_run_to_run_is_found() {
    assert!(!check_determinism(&honest, &history(100)).unwrap().is_failed());
    let runs = Cell::new(0);
    let fickle = |_: &[Feed]| {
        runs.set(runs.get() + 1);
        let period = 3 + runs.get();
        Ok(backtest(when(0, move |seen, _, _: &Candle| seen % period == 0)))
    };
    let text = failed(check_determinism(&fickle, &history(100)));
    assert!(text.starts_with("two runs over the same data differ: order "), "{text}");
}

#[test]
fn what_cannot_be_checked_is_said() {
    let nothing = |verdict: Result<Verdict, CheckError>| match verdict.unwrap() {
        Verdict::Nothing(why) => why,
        other => panic!("{other:?}"),
    };
    let never = |_: &[Feed]| Ok(backtest(when(2, |_, _, _: &Candle| false)));
    assert!(nothing(check_lookahead(&never, &history(100))).contains("no order"));
    assert!(nothing(check_warm_up(&never, &history(200))).contains("no order"));
    assert!(nothing(check_warm_up(&honest, &history(20))).contains("20 candles"));
    let refuses = |_: &[Feed]| Err("no such strategy".to_owned());
    assert!(
        matches!(check_determinism(&refuses, &history(9)), Err(CheckError::Build(why)) if why.contains("no such"))
    );
}
