//! Candles of one market and span from its tape, by the model's one aggregator.

use pampero_model::{Candle, CandleAggregator, EmptyBuckets, Span, Timestamp, Trade};

/// Makes the candles of one span.
#[derive(Debug)]
pub(super) struct CandleMaker {
    aggregator: CandleAggregator,
    /// Start of the open bucket; what happened before it is closed.
    open_from: Timestamp,
    /// Buckets that begin before this were not seen whole.
    whole_from: Timestamp,
    /// Candles that end at or before this are history.
    began: Timestamp,
}

impl CandleMaker {
    pub const fn new(span: Span) -> Self {
        Self {
            aggregator: CandleAggregator::new(span, EmptyBuckets::Skip),
            open_from: Timestamp::MIN,
            whole_from: Timestamp::MIN,
            began: Timestamp::MIN,
        }
    }

    pub const fn span(&self) -> Span {
        self.aggregator.span()
    }

    /// Begins at `began`, with everything known from `whole_from` on.
    pub const fn begin(&mut self, began: Timestamp, whole_from: Timestamp) {
        self.began = began;
        self.whole_from = whole_from;
    }

    /// Begins with the part of the open bucket that was made up to `began`. `whole` says whether nothing of it is
    /// missing.
    pub fn resume(&mut self, began: Timestamp, open: Option<&Candle>, whole: bool) {
        let bucket = began.floor_to(self.span());
        self.aggregator = CandleAggregator::new(self.span(), EmptyBuckets::Skip);
        if let Some(open) = open {
            self.aggregator.add_candle(open);
        }
        self.open_from = bucket;
        self.begin(began, if whole { bucket } else { bucket.plus(self.span()) });
    }

    /// Trades up to `to` are missing.
    pub fn gap(&mut self, to: Timestamp) {
        self.whole_from = self.whole_from.max(to);
    }

    /// Adds a trade, unless its bucket is closed.
    pub fn add(&mut self, trade: &Trade) {
        if trade.time >= self.open_from {
            self.aggregator.add_trade(trade);
            self.open_from = trade.time.floor_to(self.span());
        }
    }

    /// Closes what is over at `now`, once every trade before it was added; tells what was seen whole.
    pub fn close_until(&mut self, now: Timestamp, mut tell: impl FnMut(Candle)) {
        while let Some(candle) = self.aggregator.advance(now) {
            if candle.open_time >= self.whole_from && candle.open_time.plus(self.span()) > self.began {
                tell(candle);
            }
        }
        self.open_from = self.open_from.max(now.floor_to(self.span()));
    }
}
