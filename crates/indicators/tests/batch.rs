//! Fed one by one, an indicator says what its definition says over the whole window at once; and a reset is a fresh start.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    missing_docs
)] // test code

use std::fmt::Debug;

use pampero_indicators::*;
use pampero_model::{Candle, Price, Quantity, SCALE, Timestamp};
use proptest::prelude::*;

fn values() -> impl Strategy<Value = Vec<f64>> {
    // Cents around some level, so that sums of squares have something to lose.
    (0i32..5_000_000, prop::collection::vec(-20_000i32..20_000, 1..160)).prop_map(|(level, moves)| {
        moves.into_iter().map(|change| f64::from(level) + f64::from(change) / 100.0).collect()
    })
}

fn candles() -> impl Strategy<Value = Vec<Candle>> {
    prop::collection::vec((1i64..1_000, 0i64..100, 0i64..100, 0i64..100, 0i64..50), 1..120).prop_map(
        |parts| {
            let price = |cents: i64| Price::from_units(cents * (SCALE / 100));
            let candle = |(low, a, b, height, volume): (i64, i64, i64, i64, i64)| Candle {
                open_time: Timestamp::MIN,
                open: price(low + a.min(height)),
                high: price(low + height),
                low: price(low),
                close: price(low + b.min(height)),
                volume: Quantity::from_units(volume * SCALE),
            };
            parts.into_iter().map(candle).collect()
        },
    )
}

fn close_to(left: f64, right: f64, scale: f64) -> bool {
    (left - right).abs() <= 1e-9 * scale.abs().max(1.0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// Runs an indicator over the inputs and compares each output with that of its definition over the last `window`.
fn same<I: Copy, T: Copy>(
    mut indicator: impl Indicator<I, Output = T>,
    inputs: &[I],
    window: usize,
    mut check: impl FnMut(&[I], Option<T>) -> bool,
) -> Result<(), TestCaseError> {
    for end in 1..=inputs.len() {
        let value = indicator.update(inputs[end - 1]);
        prop_assert_eq!(indicator.is_warm(), end >= window);
        if end < window {
            prop_assert!(value.is_none());
        } else {
            prop_assert!(check(&inputs[end - window..end], value), "after {} inputs", end);
        }
    }
    Ok(())
}

/// After a reset it goes on as a new one would.
fn resets<I: Copy, T: PartialEq + Debug>(
    build: impl Fn() -> Box<dyn Indicator<I, Output = T>>,
    inputs: &[I],
) -> Result<(), TestCaseError> {
    let (mut used, mut fresh) = (build(), build());
    for input in inputs {
        used.update(*input);
    }
    used.reset();
    prop_assert!(!used.is_warm() && used.value().is_none());
    for input in inputs {
        prop_assert_eq!(used.update(*input), fresh.update(*input));
        prop_assert_eq!(used.value(), fresh.value());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn windows_of_a_signal(values in values(), length in 2u32..40) {
        let window = length as usize;
        same(Wma::new(length), &values, window, |last, value| {
            let weights = (1..=last.len()).map(|weight| weight as f64);
            let sum: f64 = last.iter().zip(weights).map(|(value, weight)| value * weight).sum();
            close_to(value.unwrap(), sum / (last.len() * (last.len() + 1) / 2) as f64, last[0])
        })?;
        same(Bollinger::new(length, 1.5), &values, window, |last, value| {
            let band = value.unwrap();
            close_to(band.middle, mean(last), last[0])
                && (band.width() - 3.0 * deviation(last)).abs() < 1e-4
        })?;
        same(ZScore::new(length), &values, window, |last, value| match value {
            Some(z) => close_to(z * deviation(last), last[last.len() - 1] - mean(last), 1e3),
            None => deviation(last) < 1e-6,
        })?;
        same(LinearRegression::new(length), &values, window, |last, value| {
            let line = value.unwrap();
            let middle = (last.len() - 1) as f64 / 2.0;
            let positions = || (0..last.len()).map(|position| position as f64 - middle);
            let slope = positions().zip(last).map(|(at, value)| at * (value - mean(last))).sum::<f64>()
                / positions().map(|at| at * at).sum::<f64>();
            close_to(line.slope, slope, 1e3) && close_to(line.value, mean(last) + slope * middle, last[0] + 1e3)
                && (0.0..=1.0).contains(&line.fit)
        })?;
    }

    #[test]
    fn windows_of_candles(candles in candles(), length in 2u32..30) {
        let window = length as usize;
        same(Donchian::new(length), &candles, window, |last, value| {
            let channel = value.unwrap();
            Some(channel.upper) == last.iter().map(|candle| candle.high).max()
                && Some(channel.lower) == last.iter().map(|candle| candle.low).min()
        })?;
        same(Vwap::new(length), &candles, window, |last, value| {
            let typical = |candle: &Candle| (candle.high.to_f64() + candle.low.to_f64() + candle.close.to_f64()) / 3.0;
            let volume: f64 = last.iter().map(|candle| candle.volume.to_f64()).sum();
            let sum: f64 = last.iter().map(|candle| typical(candle) * candle.volume.to_f64()).sum();
            value.map_or(volume <= 0.0, |value| close_to(value, sum / volume, 10.0))
        })?;
        same(Volatility::new(Estimator::Parkinson, length), &candles, window, |last, value| {
            let square = |candle: &Candle| (candle.high.to_f64() / candle.low.to_f64()).ln().powi(2);
            let mean = last.iter().map(square).sum::<f64>() / last.len() as f64;
            close_to(value.unwrap().powi(2), mean / (4.0 * 2f64.ln()), 1.0)
        })?;
    }

    #[test]
    fn oscillators_stay_in_range(candles in candles(), length in 2u32..20) {
        let mut rsi = Rsi::new(length);
        let mut stochastic = Stochastic::new(length, 3, 3);
        let mut adx = Adx::new(length);
        let inside = |value: f64| (-1e-9..=100.0 + 1e-9).contains(&value);
        for candle in &candles {
            prop_assert!(rsi.update(candle.close.to_f64()).is_none_or(inside));
            prop_assert!(stochastic.update(*candle).is_none_or(|value| inside(value.k) && inside(value.d)));
            prop_assert!(adx.update(*candle).is_none_or(|value| inside(value.adx)));
        }
    }

    #[test]
    fn a_reset_is_a_fresh_start(values in values(), candles in candles(), length in 1u32..20) {
        resets(|| Box::new(Ema::new(length)), &values)?;
        resets(|| Box::new(Wma::new(length)), &values)?;
        resets(|| Box::new(Rsi::new(length)), &values)?;
        resets(|| Box::new(Macd::new(length, 2 * length, 3)), &values)?;
        resets(|| Box::new(Bollinger::new(length, 2.0)), &values)?;
        resets(|| Box::new(ZScore::new(length)), &values)?;
        resets(|| Box::new(LinearRegression::new(length)), &values)?;
        resets(|| Box::new(Atr::new(length)), &candles)?;
        resets(|| Box::new(Adx::new(length)), &candles)?;
        resets(|| Box::new(Donchian::new(length)), &candles)?;
        resets(|| Box::new(Stochastic::new(length, 2, 3)), &candles)?;
        resets(|| Box::new(Vwap::new(length)), &candles)?;
        resets(|| Box::new(Volatility::new(Estimator::CloseToClose, length)), &candles)?;
    }
}

#[test]
fn a_market_that_stands_still_is_in_the_middle() {
    let price = Price::from_units(SCALE);
    let candle = Candle {
        open_time: Timestamp::MIN,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Quantity::ZERO,
    };
    let (mut rsi, mut stochastic, mut adx) = (Rsi::new(3), Stochastic::new(3, 2, 2), Adx::new(3));
    for _ in 0..20 {
        rsi.update(1.0);
        stochastic.update(candle);
        adx.update(candle);
    }
    assert_eq!(rsi.value(), Some(50.0));
    assert_eq!(stochastic.value(), Some(StochasticValue { k: 50.0, d: 50.0 }));
    assert_eq!(adx.value(), Some(Direction { plus: 0.0, minus: 0.0, adx: 0.0 }));
}
