//! Recorded history and the order in which it happened.

use std::sync::Arc;

use pampero_model::{BookSeries, CandleSeries, MarketId, QuoteSeries, Span, Timestamp, TradeSeries};

/// The history of one market, of one kind. Shared, so that many runs read it once.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Where it was observed.
    pub market: MarketId,
    /// What was observed.
    pub data: FeedData,
}

/// Observations of one kind, ascending in time.
#[derive(Clone, Debug)]
pub enum FeedData {
    /// Candles.
    Candles(Arc<CandleSeries>),
    /// Trades.
    Trades(Arc<TradeSeries>),
    /// Best quotes.
    Quotes(Arc<QuoteSeries>),
    /// Whole books.
    Books(Arc<BookSeries>),
}

impl Feed {
    /// The part of it within `[from, to)`, by the times at which observations begin.
    #[must_use]
    pub fn within(&self, from: Timestamp, to: Timestamp) -> Self {
        Self { market: self.market, data: self.data.within(from, to) }
    }
}

impl FeedData {
    /// The times by which the observations are ordered: a candle's is its start.
    pub(crate) fn times(&self) -> &[Timestamp] {
        match self {
            Self::Candles(series) => &series.open_times,
            Self::Trades(series) => &series.times,
            Self::Quotes(series) => &series.times,
            Self::Books(series) => series.times(),
        }
    }

    /// The observations within `[from, to)`.
    fn within(&self, from: Timestamp, to: Timestamp) -> Self {
        let first = self.times().partition_point(|time| *time < from);
        let end = self.times().partition_point(|time| *time < to);
        match self {
            Self::Candles(series) => {
                let mut rest = CandleSeries::new(series.span());
                (first..end).filter_map(|index| series.get(index)).for_each(|candle| rest.push(&candle));
                Self::Candles(Arc::new(rest))
            }
            Self::Trades(series) => {
                let mut rest = TradeSeries::default();
                (first..end).filter_map(|index| series.get(index)).for_each(|trade| rest.push(&trade));
                Self::Trades(Arc::new(rest))
            }
            Self::Quotes(series) => {
                let mut rest = QuoteSeries::default();
                let quotes = (first..end).filter_map(|index| series.get(index));
                quotes.for_each(|(time, quote)| rest.push(time, &quote));
                Self::Quotes(Arc::new(rest))
            }
            Self::Books(series) => {
                let mut rest = BookSeries::default();
                let books = (first..end).filter_map(|index| series.get(index));
                books.for_each(|(time, book)| rest.push(time, book));
                Self::Books(Arc::new(rest))
            }
        }
    }

    /// How long each observation lasts: a candle's span, nothing for the others.
    fn span(&self) -> Span {
        match self {
            Self::Candles(series) => series.span(),
            _ => Span::ZERO,
        }
    }

    /// What the observations are, in lower case.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Candles(_) => "candles",
            Self::Trades(_) => "trades",
            Self::Quotes(_) => "quotes",
            Self::Books(_) => "books",
        }
    }

    /// How many observations there are.
    pub fn len(&self) -> usize {
        self.times().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A part of an observation that happens at one instant. At equal instants what is over comes before what begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// A trade, quote or book, or the close of a candle.
    Whole,
    /// The opening of a candle: the venue sees its first price.
    Open,
}

/// What decides which feed comes first; at equal instants and phases the one named first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    time: Timestamp,
    phase: Phase,
    number: usize,
}

impl Key {
    /// Of a feed that has nothing more.
    pub(crate) const END: Self = Self { time: Timestamp::MAX, phase: Phase::Whole, number: 0 };
}

/// A position in a feed.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    number: usize,
    pub(crate) feed: &'a Feed,
    /// The times of the observations before the end of the range.
    times: &'a [Timestamp],
    pub(crate) index: usize,
    pub(crate) phase: Phase,
    /// When the next part happens; the latest instant at the end.
    pub(crate) next: Timestamp,
    span: Span,
}

impl<'a> Cursor<'a> {
    /// The part of a feed within `[from, to)`.
    pub(crate) fn new(number: usize, feed: &'a Feed, from: Timestamp, to: Timestamp) -> Self {
        let times = feed.data.times();
        let index = times.partition_point(|time| *time < from);
        let times = times.get(..times.partition_point(|time| *time < to)).unwrap_or(times);
        let span = feed.data.span();
        let phase = if span == Span::ZERO { Phase::Whole } else { Phase::Open };
        let mut cursor = Self { number, feed, times, index, phase, next: Timestamp::MAX, span };
        cursor.look();
        cursor
    }

    /// How many observations are left.
    pub(crate) fn remaining(&self) -> usize {
        self.times.len().saturating_sub(self.index)
    }

    /// When the first observation begins and the last one ends.
    pub(crate) fn range(&self) -> Option<(Timestamp, Timestamp)> {
        let (first, last) = (self.times.get(self.index)?, self.times.last()?);
        Some((*first, last.plus(self.span)))
    }

    fn look(&mut self) {
        // Each observation begins here; only a candle closes later, and opens first.
        self.next = self.times.get(self.index).copied().unwrap_or(Timestamp::MAX);
    }

    /// Goes on to the next part.
    #[inline]
    pub(crate) fn advance(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Whole;
            self.next = self.next.plus(self.span);
            return;
        }
        self.index += 1;
        if self.span != Span::ZERO {
            self.phase = Phase::Open;
        }
        self.look();
    }

    /// Whether its next part comes before another feed's; the times alone nearly always say so.
    #[inline]
    pub(crate) fn comes_before(&self, rival: Key) -> bool {
        self.next < rival.time || self.key() < rival
    }

    #[inline]
    pub(crate) fn key(&self) -> Key {
        Key { time: self.next, phase: self.phase, number: self.number }
    }
}
