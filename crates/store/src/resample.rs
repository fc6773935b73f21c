//! Candles of a longer span, by the one aggregator that backtest and live use too.

use pampero_model::{Candle, CandleAggregator, CandleSeries, EmptyBuckets, Span, Timestamp};

use crate::dataset::Series;
use crate::error::DataError;

/// Makes candles of a span from shorter candles or from trades. The last one may be of a part of its span, where the
/// data ends within it.
///
/// ```
/// use pampero_model::{EmptyBuckets, Span};
/// use pampero_store::{LoadOptions, load_bytes, resample};
/// let text = b"time,price,amount\n60,10,1\n90,12,1\n130,11,2\n";
/// let trades = load_bytes("trades", text, &LoadOptions::default())?;
/// let candles = resample(&trades.series, Span::from_minutes(1), EmptyBuckets::Skip)?;
/// assert_eq!(candles.len(), 2);
/// assert_eq!(candles.get(0).map(|candle| candle.close.to_string()), Some("12".to_owned()));
/// # Ok::<(), pampero_store::DataError>(())
/// ```
///
/// # Errors
/// [`DataError::Request`] if the span is not a multiple of the candles', or the data has no volume (quotes, books).
pub fn resample(series: &Series, span: Span, empty: EmptyBuckets) -> Result<CandleSeries, DataError> {
    if span <= Span::ZERO {
        return Err(DataError::Request(format!("candles cannot last {span} (expected a span such as 15m)")));
    }
    let mut target =
        Target { aggregator: CandleAggregator::new(span, empty), candles: CandleSeries::new(span) };
    match series {
        Series::Candles(candles) => {
            let own = candles.span();
            if own <= Span::ZERO || span.as_nanos() % own.as_nanos() != 0 {
                return Err(DataError::Request(format!(
                    "candles of {own} cannot be put together to candles of {span} (expected a multiple of {own})"
                )));
            }
            for candle in candles.iter() {
                target.close_until(candle.open_time);
                target.aggregator.add_candle(&candle);
            }
        }
        Series::Trades(trades) => {
            for trade in (0..trades.len()).map_while(|index| trades.get(index)) {
                target.close_until(trade.time);
                target.aggregator.add_trade(&trade);
            }
        }
        Series::Quotes(_) | Series::Books(_) => {
            return Err(DataError::Request(format!(
                "{} hold no trades to make candles of (expected trades or candles)",
                series.kind().name()
            )));
        }
    }
    // The bucket that is still open.
    if let Some(end) = target.aggregator.closes_at() {
        target.close_until(end);
    }
    Ok(target.candles)
}

struct Target {
    aggregator: CandleAggregator,
    candles: CandleSeries,
}

impl Target {
    fn close_until(&mut self, now: Timestamp) {
        while let Some(candle) = self.aggregator.advance(now) {
            let candle: Candle = candle;
            self.candles.push(&candle);
        }
    }
}
