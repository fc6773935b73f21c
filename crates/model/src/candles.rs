//! The one aggregator that makes candles, from trades or from shorter candles.

use crate::{Candle, Price, Quantity, Span, Timestamp, Trade};

/// What becomes of a bucket in which nothing traded.
///
/// ```
/// use pampero_model::EmptyBuckets;
/// assert_eq!(EmptyBuckets::default(), EmptyBuckets::Skip);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyBuckets {
    /// No candle, as the exchange's API does.
    #[default]
    Skip,
    /// A candle at the last close with volume zero.
    Repeat,
}

/// Makes candles of one span. Buckets are aligned to 1970-01-01 UTC and close by time, not by the next trade.
///
/// ```
/// use pampero_model::{CandleAggregator, EmptyBuckets, Span, Timestamp, Trade};
/// let mut aggregator = CandleAggregator::new(Span::from_minutes(1), EmptyBuckets::Skip);
/// let trade = Trade { id: 1, time: Timestamp::from_secs(61), price: "100".parse()?, quantity: "2".parse()?, aggressor: None };
/// assert_eq!(aggregator.advance(trade.time), None);
/// aggregator.add_trade(&trade);
/// let candle = aggregator.advance(Timestamp::from_secs(120)).unwrap();
/// assert_eq!(candle.open_time, Timestamp::from_secs(60));
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CandleAggregator {
    span: Span,
    empty: EmptyBuckets,
    open: Option<Candle>,
    last_close: Option<(Timestamp, Price)>,
}

impl CandleAggregator {
    /// An aggregator of candles that last `span`.
    pub const fn new(span: Span, empty: EmptyBuckets) -> Self {
        Self { span, empty, open: None, last_close: None }
    }

    /// The span of the candles.
    pub const fn span(&self) -> Span {
        self.span
    }

    /// When the open bucket closes, or the next one that [`EmptyBuckets::Repeat`] would fill.
    pub fn closes_at(&self) -> Option<Timestamp> {
        match (self.open, self.last_close, self.empty) {
            (Some(candle), _, _) => Some(candle.open_time.plus(self.span)),
            (None, Some((start, _)), EmptyBuckets::Repeat) => Some(start.plus(self.span).plus(self.span)),
            _ => None,
        }
    }

    /// Closes the earliest bucket that is over at `now`. Call it until it gives nothing, before adding what
    /// happened at `now`.
    pub fn advance(&mut self, now: Timestamp) -> Option<Candle> {
        let closes = self.closes_at()?;
        if closes > now {
            return None;
        }
        let candle = match (self.open.take(), self.last_close) {
            (Some(candle), _) => candle,
            (None, Some((_, close))) => Candle {
                open_time: closes.minus(self.span),
                open: close,
                high: close,
                low: close,
                close,
                volume: Quantity::ZERO,
            },
            (None, None) => return None,
        };
        self.last_close = Some((candle.open_time, candle.close));
        Some(candle)
    }

    /// Adds a trade to the open bucket, opening it if needed.
    pub fn add_trade(&mut self, trade: &Trade) {
        self.merge(&Candle {
            open_time: trade.time,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: trade.quantity,
        });
    }

    /// Adds a shorter candle to the open bucket, opening it if needed.
    pub fn add_candle(&mut self, candle: &Candle) {
        self.merge(candle);
    }

    fn merge(&mut self, part: &Candle) {
        match &mut self.open {
            Some(open) => {
                open.high = open.high.max(part.high);
                open.low = open.low.min(part.low);
                open.close = part.close;
                open.volume = open.volume.saturating_add(part.volume);
            }
            None => self.open = Some(Candle { open_time: part.open_time.floor_to(self.span), ..*part }),
        }
    }
}
