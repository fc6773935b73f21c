//! Synthetic markets, and the sample that ships with the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // test code

use std::path::PathBuf;

use pampero_model::{CandleSeries, EmptyBuckets, Price, Rate, Span};
use pampero_store::{
    Check, Kind, LoadOptions, Series, SyntheticMarket, content_hash, generate, load, resample, verify,
};
use proptest::prelude::*;

fn candles(series: Series) -> CandleSeries {
    let Series::Candles(candles) = series else { panic!() };
    candles
}

fn sample(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../pampero/sample")).join(name)
}

/// Round trips of a moving-average crossover: in when the fast average passes above the slow one, out below.
fn round_trips(closes: &[Price], fast: usize, slow: usize) -> usize {
    let sum = |end: usize, length: usize| -> i128 {
        closes[end - length..end].iter().map(|price| i128::from(price.units())).sum()
    };
    let above = |end: usize| sum(end, fast) * slow as i128 > sum(end, slow) * fast as i128;
    (slow + 1..closes.len()).filter(|&end| above(end) && !above(end - 1)).count()
}

#[test]
fn the_sample_is_what_the_generator_makes() {
    let market = SyntheticMarket::default();
    let dataset = load(sample("synthetic_btc_ars_1h.parquet"), &LoadOptions::default()).unwrap();
    assert_eq!(content_hash(&dataset.series), content_hash(&generate(&market, Kind::Candles).unwrap()));
    assert_eq!(dataset.synthetic, Some(market.label()));
    assert_eq!(dataset.symbol.as_deref(), Some("btc_ars"));
    let candles = candles(dataset.series);
    let trips = round_trips(&candles.closes, 10, 30);
    assert!(trips >= 100, "{trips}");
    // Thin: hours without trades, and so without candle.
    assert!(candles.len() < 17_520 * 9 / 10, "{}", candles.len());
    assert!(candles.lows.iter().min().unwrap() > &"1500000".parse().unwrap());
    assert!(candles.highs.iter().max().unwrap() < &"6000000".parse().unwrap());
}

#[test]
fn the_real_sample_is_what_the_exchange_sent() {
    let any = LoadOptions::default();
    let trades = load(sample("binance_btcusdt_trades_2025-03-25.parquet"), &any).unwrap();
    let quotes = load(sample("binance_btcusdt_quotes_2025-03-25.parquet"), &any).unwrap();
    assert_eq!((trades.series.len(), quotes.series.len()), (6_770, 17_634));
    assert!(!trades.is_synthetic() && !quotes.is_synthetic());
    let shared = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let of_btc = LoadOptions { symbol: Some("BTCUSDT".to_owned()), ..LoadOptions::default() };
    for (name, sample) in [
        ("trades/binance_spot_trades_BTC_ETH_SOL_2025-03-25.csv", &trades),
        ("book/binance_spot_L1_BTC_ETH_SOL_2025-03-25.csv", &quotes),
    ] {
        let path = shared.join(name);
        if !path.exists() {
            eprintln!("skipped: {} is not here", path.display());
            continue;
        }
        assert_eq!(load(path, &of_btc).unwrap().series, sample.series, "{name}");
    }
}

#[test]
fn the_sample_fits_into_the_repository() {
    let sizes = std::fs::read_dir(sample("")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    assert!(sizes.sum::<u64>() <= 3_000_000);
}

#[test]
fn regimes_show() {
    let market = SyntheticMarket {
        trades: 20,
        spread: Rate::ZERO,
        noise: "0.002".parse().unwrap(),
        trend: "0.003".parse().unwrap(),
        ..SyntheticMarket::default()
    };
    let candles = candles(generate(&market, Kind::Candles).unwrap());
    let change = |window: usize| {
        let moves = candles.closes.windows(window + 1).map(|closes| {
            let [first, .., last] = closes else { panic!() };
            (last.to_f64() / first.to_f64()).ln()
        });
        let squares: Vec<f64> = moves.map(|change| change * change).collect();
        squares.iter().sum::<f64>() / f64::from(u32::try_from(squares.len() * window).unwrap())
    };
    // Trends add up: over fifty hours the variance per hour is well above that of a walk without memory.
    assert!(change(50) > 3.0 * change(1), "{} {}", change(50), change(1));
}

#[test]
fn impossible_markets_are_refused() {
    let base = SyntheticMarket::default();
    for market in [
        SyntheticMarket { span: Span::ZERO, ..base.clone() },
        SyntheticMarket { buckets: 0, ..base.clone() },
        SyntheticMarket { tick: Price::ZERO, ..base.clone() },
        SyntheticMarket { noise: Rate::ONE, ..base.clone() },
    ] {
        let error = generate(&market, Kind::Trades).unwrap_err().to_string();
        assert!(error.starts_with("a synthetic market needs"), "{error}");
    }
    let away = SyntheticMarket { price: Price::MAX, ..base };
    assert!(generate(&away, Kind::Trades).unwrap_err().to_string().contains("ran away"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_kind_is_sound_and_repeatable(seed in any::<u64>(), trades in 0_u32..12, minutes in 1_i64..120) {
        let span = Span::from_minutes(minutes);
        let market = SyntheticMarket { seed, trades, span, buckets: 200, ..SyntheticMarket::default() };
        for kind in [Kind::Candles, Kind::Trades, Kind::Quotes, Kind::Books] {
            let series = generate(&market, kind).unwrap();
            prop_assert_eq!(&series, &generate(&market, kind).unwrap());
            let mut report = verify(&series);
            // A gap is an empty bucket, and a volatile regime may hold a jump.
            report.counts.remove(&Check::Gap);
            report.counts.remove(&Check::Outlier);
            prop_assert!(report.is_clean(), "{}", report);
            if let Series::Trades(trades) = &series {
                prop_assert!(trades.prices.iter().all(|price| price.truncate_to(market.tick) == *price));
            }
        }
    }

    #[test]
    fn resampling_in_two_steps_is_resampling_in_one(seed in any::<u64>(), factor in 1_i64..9) {
        let market = SyntheticMarket { seed, buckets: 300, ..SyntheticMarket::default() };
        let trades = generate(&market, Kind::Trades).unwrap();
        let (short, long) = (Span::from_minutes(10), Span::from_minutes(10 * factor));
        for empty in [EmptyBuckets::Skip, EmptyBuckets::Repeat] {
            let twice = Series::Candles(resample(&trades, short, EmptyBuckets::Skip).unwrap());
            let once = resample(&trades, long, empty).unwrap();
            prop_assert_eq!(resample(&twice, long, empty).unwrap(), once);
        }
    }
}

#[test]
fn resampling_that_has_no_meaning_is_refused() {
    let market = SyntheticMarket { buckets: 10, ..SyntheticMarket::default() };
    let candles = generate(&market, Kind::Candles).unwrap();
    let refuse =
        |series: &Series, span: Span| resample(series, span, EmptyBuckets::Skip).unwrap_err().to_string();
    assert_eq!(
        refuse(&candles, Span::from_minutes(90)),
        "candles of 1h cannot be put together to candles of 90m (expected a multiple of 1h)"
    );
    assert!(refuse(&candles, Span::ZERO).contains("cannot last 0s"));
    assert!(
        refuse(&generate(&market, Kind::Quotes).unwrap(), Span::from_hours(1))
            .contains("quotes hold no trades")
    );
}
