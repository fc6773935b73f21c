//! History in columns: read once, shared by every run of a sweep, walked front to back.

use crate::{BookSnapshot, Candle, Level, Price, Quantity, Quote, Side, Span, Timestamp, Trade};

/// Candles of one market and span, ascending in time.
///
/// ```
/// use pampero_model::{Candle, CandleSeries, Span, Timestamp};
/// let one = "1".parse()?;
/// let mut series = CandleSeries::new(Span::from_minutes(1));
/// series.push(&Candle { open_time: Timestamp::from_secs(0), open: one, high: one, low: one, close: one, volume: "1".parse()? });
/// assert_eq!(series.get(0).map(|candle| candle.close), Some(one));
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CandleSeries {
    span: Span,
    /// Start of each bucket in nanoseconds.
    pub open_times: Vec<Timestamp>,
    /// Opening prices.
    pub opens: Vec<Price>,
    /// Highest prices.
    pub highs: Vec<Price>,
    /// Lowest prices.
    pub lows: Vec<Price>,
    /// Closing prices.
    pub closes: Vec<Price>,
    /// Base volumes.
    pub volumes: Vec<Quantity>,
}

impl CandleSeries {
    /// An empty series of candles that last `span`.
    pub fn new(span: Span) -> Self {
        Self { span, ..Self::default() }
    }

    /// How long each candle lasts.
    pub const fn span(&self) -> Span {
        self.span
    }

    /// Declares how long each candle lasts.
    pub const fn set_span(&mut self, span: Span) {
        self.span = span;
    }

    /// Makes room for `additional` more candles.
    pub fn reserve(&mut self, additional: usize) {
        self.open_times.reserve(additional);
        self.opens.reserve(additional);
        self.highs.reserve(additional);
        self.lows.reserve(additional);
        self.closes.reserve(additional);
        self.volumes.reserve(additional);
    }

    /// Appends a candle.
    #[inline]
    pub fn push(&mut self, candle: &Candle) {
        self.open_times.push(candle.open_time);
        self.opens.push(candle.open);
        self.highs.push(candle.high);
        self.lows.push(candle.low);
        self.closes.push(candle.close);
        self.volumes.push(candle.volume);
    }

    /// The candle at a position.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Candle> {
        Some(Candle {
            open_time: *self.open_times.get(index)?,
            open: *self.opens.get(index)?,
            high: *self.highs.get(index)?,
            low: *self.lows.get(index)?,
            close: *self.closes.get(index)?,
            volume: *self.volumes.get(index)?,
        })
    }

    /// How many candles there are.
    pub fn len(&self) -> usize {
        self.open_times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.open_times.is_empty()
    }

    /// Every candle in order.
    pub fn iter(&self) -> impl Iterator<Item = Candle> {
        (0..self.len()).map_while(|index| self.get(index))
    }
}

/// Trades of one market, ascending in time.
///
/// ```
/// use pampero_model::{Side, Timestamp, Trade, TradeSeries};
/// let trade = Trade { id: 7, time: Timestamp::from_secs(1), price: "100".parse()?, quantity: "1".parse()?, aggressor: Some(Side::Buy) };
/// let mut series = TradeSeries::default();
/// series.push(&trade);
/// assert_eq!(series.get(0), Some(trade));
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TradeSeries {
    /// The venue's ids; zero where unknown.
    pub ids: Vec<u64>,
    /// When each happened.
    pub times: Vec<Timestamp>,
    /// Execution prices.
    pub prices: Vec<Price>,
    /// Gross base quantities.
    pub quantities: Vec<Quantity>,
    /// The aggressor's sides, where known.
    pub aggressors: Vec<Option<Side>>,
}

impl TradeSeries {
    /// Makes room for `additional` more trades.
    pub fn reserve(&mut self, additional: usize) {
        self.ids.reserve(additional);
        self.times.reserve(additional);
        self.prices.reserve(additional);
        self.quantities.reserve(additional);
        self.aggressors.reserve(additional);
    }

    /// Appends a trade.
    #[inline]
    pub fn push(&mut self, trade: &Trade) {
        self.ids.push(trade.id);
        self.times.push(trade.time);
        self.prices.push(trade.price);
        self.quantities.push(trade.quantity);
        self.aggressors.push(trade.aggressor);
    }

    /// The trade at a position.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Trade> {
        Some(Trade {
            id: *self.ids.get(index)?,
            time: *self.times.get(index)?,
            price: *self.prices.get(index)?,
            quantity: *self.quantities.get(index)?,
            aggressor: *self.aggressors.get(index)?,
        })
    }

    /// How many trades there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

/// Best bids and asks of one market, ascending in time.
///
/// ```
/// use pampero_model::{Level, Quote, QuoteSeries, Timestamp};
/// let level = Level { price: "1".parse()?, quantity: "1".parse()? };
/// let mut series = QuoteSeries::default();
/// series.push(Timestamp::from_secs(1), &Quote { bid: level, ask: level });
/// assert_eq!(series.len(), 1);
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuoteSeries {
    /// When each was seen.
    pub times: Vec<Timestamp>,
    /// The quotes.
    pub quotes: Vec<Quote>,
}

impl QuoteSeries {
    /// Makes room for `additional` more quotes.
    pub fn reserve(&mut self, additional: usize) {
        self.times.reserve(additional);
        self.quotes.reserve(additional);
    }

    /// Appends a quote.
    #[inline]
    pub fn push(&mut self, time: Timestamp, quote: &Quote) {
        self.times.push(time);
        self.quotes.push(*quote);
    }

    /// The quote at a position, with its time.
    #[inline]
    pub fn get(&self, index: usize) -> Option<(Timestamp, Quote)> {
        Some((*self.times.get(index)?, *self.quotes.get(index)?))
    }

    /// How many quotes there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

/// Whole books of one market, ascending in time.
///
/// ```
/// use pampero_model::{BookSeries, BookSnapshot, Level, Timestamp};
/// let bids = [Level { price: "1".parse()?, quantity: "1".parse()? }];
/// let mut series = BookSeries::default();
/// series.push(Timestamp::from_secs(1), BookSnapshot { bids: &bids, asks: &[] });
/// assert_eq!(series.get(0).map(|(_, book)| book.bids.len()), Some(1));
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookSeries {
    times: Vec<Timestamp>,
    /// For each book, where its bids and its asks end in `levels`.
    ends: Vec<(usize, usize)>,
    levels: Vec<Level>,
}

impl BookSeries {
    /// Appends a book.
    pub fn push(&mut self, time: Timestamp, book: BookSnapshot<'_>) {
        self.levels.extend_from_slice(book.bids);
        let bids_end = self.levels.len();
        self.levels.extend_from_slice(book.asks);
        self.times.push(time);
        self.ends.push((bids_end, self.levels.len()));
    }

    /// The book at a position, with its time.
    pub fn get(&self, index: usize) -> Option<(Timestamp, BookSnapshot<'_>)> {
        let time = *self.times.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before)?.1,
            None => 0,
        };
        let (bids_end, asks_end) = *self.ends.get(index)?;
        let bids = self.levels.get(start..bids_end)?;
        let asks = self.levels.get(bids_end..asks_end)?;
        Some((time, BookSnapshot { bids, asks }))
    }

    /// When each book was seen.
    pub fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// How many books there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}
