//! What a file of market data holds, once read.

use std::path::PathBuf;

use pampero_model::{BookSeries, CandleSeries, QuoteSeries, Span, Timestamp, TradeSeries};

use crate::cell::TimeUnit;
use crate::table::Table;

/// The kinds of market data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Open, high, low, close and volume of equal spans.
    Candles,
    /// Public trades.
    Trades,
    /// Best bids and asks.
    Quotes,
    /// Books of several levels.
    Books,
}

impl Kind {
    /// The name in files and folders: `candles`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Candles => "candles",
            Self::Trades => "trades",
            Self::Quotes => "quotes",
            Self::Books => "books",
        }
    }

    /// The kind of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Candles, Self::Trades, Self::Quotes, Self::Books].into_iter().find(|kind| kind.name() == name)
    }
}

/// History of one market, ascending in time.
///
/// ```
/// use pampero_model::{CandleSeries, Span};
/// use pampero_store::{Kind, Series};
/// let series = Series::Candles(CandleSeries::new(Span::from_hours(1)));
/// assert_eq!(series.kind(), Kind::Candles);
/// assert!(series.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Series {
    /// Candles of one span.
    Candles(CandleSeries),
    /// Public trades.
    Trades(TradeSeries),
    /// Best bids and asks.
    Quotes(QuoteSeries),
    /// Books of several levels.
    Books(BookSeries),
}

impl Series {
    /// What kind of data it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Candles(_) => Kind::Candles,
            Self::Trades(_) => Kind::Trades,
            Self::Quotes(_) => Kind::Quotes,
            Self::Books(_) => Kind::Books,
        }
    }

    /// The time of each candle's open, trade, quote or book.
    pub fn times(&self) -> &[Timestamp] {
        match self {
            Self::Candles(candles) => &candles.open_times,
            Self::Trades(trades) => &trades.times,
            Self::Quotes(quotes) => &quotes.times,
            Self::Books(books) => books.times(),
        }
    }

    /// How many candles, trades, quotes or books there are.
    pub fn len(&self) -> usize {
        self.times().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times().is_empty()
    }

    /// The part from one instant (included) to another (excluded).
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Self {
        let table = Table::of_series(self);
        let begin = table.times().partition_point(|time| *time < from.as_nanos());
        let end = table.times().partition_point(|time| *time < to.as_nanos());
        let mut part = Table::new(self.kind());
        part.append_range(&table, begin..end);
        part.into_series(self.span().unwrap_or_default())
    }

    /// How long each candle lasts; nothing for other kinds.
    pub const fn span(&self) -> Option<Span> {
        match self {
            Self::Candles(candles) => Some(candles.span()),
            _ => None,
        }
    }

    /// The span in nanoseconds; zero for other kinds.
    pub(crate) const fn span_nanos(&self) -> i64 {
        match self.span() {
            Some(span) => span.as_nanos(),
            None => 0,
        }
    }
}

/// A file of market data, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The data.
    pub series: Series,
    /// The market as the file calls it: of a symbol column, or of our Parquet's metadata.
    pub symbol: Option<String>,
    /// The venue, where our Parquet's metadata name it.
    pub venue: Option<String>,
    /// What the data was generated from, if it is synthetic. It must be shown wherever the data is.
    pub synthetic: Option<String>,
    /// BLAKE3 of the file's bytes, in hexadecimal.
    pub hash: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Rows of data in the file that were used.
    pub rows: u64,
    /// Where it was read from.
    pub path: PathBuf,
    /// Which columns were taken for what, in words.
    pub description: String,
}

impl Dataset {
    /// Whether the data was generated rather than recorded.
    pub const fn is_synthetic(&self) -> bool {
        self.synthetic.is_some()
    }
}

/// How to read a file. The default recognises everything and refuses bad data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// The symbol to take from a file that holds several; case does not matter. Files without a column of symbols are
    /// taken whole.
    pub symbol: Option<String>,
    /// The unit of times written as numbers, where their magnitude would mislead.
    pub time_unit: Option<TimeUnit>,
    /// The kind of data to expect; a file of another kind is refused. From a file of depth changes that holds trades
    /// too, it says which to take: [`Kind::Books`] (the default) or [`Kind::Trades`].
    pub kind: Option<Kind>,
    /// Levels a side of books that are made of depth changes; 100 if not given.
    pub depth: Option<usize>,
    /// Takes rows in any order, and candles twice, for [`Catalog::import`](crate::Catalog::import) to put right.
    pub unsorted: bool,
    /// Takes impossible values, duplicates and disorder as they stand, for [`verify`](crate::verify) to report. Cells
    /// that cannot be read remain errors.
    pub raw: bool,
}
