//! Every indicator against what TA-Lib and `NumPy` say of the same candles; see `golden/make.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_indicators::*;
use pampero_model::{Candle, Price, Rounding, Timestamp};

struct Golden {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn golden() -> Golden {
    let mut lines =
        include_str!("golden/vectors.csv").lines().map(|line| line.split(',').map(str::to_owned).collect());
    Golden { names: lines.next().unwrap(), rows: lines.collect() }
}

fn candle(row: &[String]) -> Candle {
    let [open, high, low, close] = [0, 1, 2, 3].map(|column: usize| row[column].parse::<Price>().unwrap());
    let candle =
        Candle { open_time: Timestamp::MIN, open, high, low, close, volume: row[4].parse().unwrap() };
    assert!(candle.is_possible());
    candle
}

/// Feeds every candle and compares each of the indicator's outputs with its column: the same digits, and warm at the
/// same candle.
fn agrees<const N: usize>(columns: [&str; N], mut update: impl FnMut(Candle) -> Option<[f64; N]>) {
    let golden = golden();
    let places = columns.map(|column| golden.names.iter().position(|name| name == column).unwrap());
    let mut compared = 0;
    for (number, row) in golden.rows.iter().enumerate() {
        let values = update(candle(row));
        for (index, place) in places.iter().enumerate() {
            let expected = row[*place].parse::<f64>().ok();
            match (values.map(|values| values[index]), expected) {
                (Some(value), Some(expected)) => {
                    assert!(
                        (value - expected).abs() <= 1e-6,
                        "{} at {number}: {value} for {expected}",
                        columns[index]
                    );
                    compared += 1;
                }
                (None, None) => {}
                // The directional indicators are known before their index is, and stand in one value with it.
                (None, Some(_)) if columns[index].contains("_di") => {}
                (value, expected) => panic!("{} at {number}: {value:?} for {expected:?}", columns[index]),
            }
        }
    }
    assert!(compared >= 80 * N, "{columns:?}: {compared} values compared");
}

fn of_closes<T>(mut indicator: impl Indicator<f64, Output = T>) -> impl FnMut(Candle) -> Option<T> {
    move |candle| indicator.update(candle.close.to_f64())
}

#[test]
fn averages() {
    let mut sma = Sma::new(10);
    agrees(["sma10"], |candle| {
        sma.update(candle.close).map(|average| [average.price(Rounding::HalfEven).unwrap().to_f64()])
    });
    let (mut ema, mut wma) = (of_closes(Ema::new(20)), of_closes(Wma::new(9)));
    agrees(["ema20"], |candle| ema(candle).map(|value| [value]));
    agrees(["wma9"], |candle| wma(candle).map(|value| [value]));
    let mut vwap = Vwap::new(10);
    agrees(["vwap10"], |candle| vwap.update(candle).map(|value| [value]));
}

#[test]
fn oscillators() {
    let (mut rsi, mut macd) = (of_closes(Rsi::new(14)), of_closes(Macd::new(12, 26, 9)));
    agrees(["rsi14"], |candle| rsi(candle).map(|value| [value]));
    agrees(["macd", "macd_signal", "macd_histogram"], |candle| {
        macd(candle).map(|value| [value.macd, value.signal, value.histogram()])
    });
    let mut stochastic = Stochastic::new(5, 3, 3);
    agrees(["stochastic_k", "stochastic_d"], |candle| {
        stochastic.update(candle).map(|value| [value.k, value.d])
    });
    let mut zscore = of_closes(ZScore::new(20));
    agrees(["zscore20"], |candle| zscore(candle).map(|value| [value]));
}

#[test]
fn bands_and_channels() {
    let mut bands = of_closes(Bollinger::new(20, 2.0));
    agrees(["bollinger_lower", "bollinger_middle", "bollinger_upper"], |candle| {
        bands(candle).map(|band| [band.lower, band.middle, band.upper])
    });
    let mut channel = Donchian::new(20);
    agrees(["donchian_lower", "donchian_upper"], |candle| {
        channel.update(candle).map(|channel| [channel.lower.to_f64(), channel.upper.to_f64()])
    });
}

#[test]
fn trends() {
    let mut adx = Adx::new(14);
    agrees(["adx14", "plus_di14", "minus_di14"], |candle| {
        adx.update(candle).map(|value| [value.adx, value.plus, value.minus])
    });
    let mut line = of_closes(LinearRegression::new(14));
    agrees(["linear_value", "linear_slope", "linear_fit"], |candle| {
        line(candle).map(|line| [line.value, line.slope, line.fit])
    });
}

#[test]
fn ranges_and_volatility() {
    let mut atr = Atr::new(14);
    agrees(["atr14"], |candle| atr.update(candle).map(|value| [value]));
    for (column, estimator) in [
        ("close_to_close", Estimator::CloseToClose),
        ("parkinson", Estimator::Parkinson),
        ("garman_klass", Estimator::GarmanKlass),
        ("rogers_satchell", Estimator::RogersSatchell),
    ] {
        let mut volatility = Volatility::new(estimator, 20);
        agrees([column], |candle| volatility.update(candle).map(|value| [value]));
    }
}
