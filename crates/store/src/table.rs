//! A series as columns of integers: the one form that files, merging and hashing work on.

use pampero_model::{
    BookSeries, BookSnapshot, CandleSeries, Level, Price, Quantity, Quote, QuoteSeries, Side, Span,
    Timestamp, TradeSeries,
};

use crate::dataset::{Kind, Series};

/// What the integers of a column mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nanoseconds since 1970.
    Time,
    /// Units of 1e-8 quote per base.
    Price,
    /// Units of 1e-8 base.
    Quantity,
    /// A venue's id; 0 if unknown.
    Id,
    /// 1 buy or bid, -1 sell or ask, 0 unknown.
    Side,
    /// The level's rank while a text file is read; then the book's rank among those of the same time.
    Rank,
}

impl Kind {
    /// Name and meaning of each column; the time comes first.
    pub(crate) const fn columns(self) -> &'static [(&'static str, Role)] {
        use Role::{Id, Price, Quantity, Rank, Side, Time};
        match self {
            Self::Candles => &[
                ("time", Time),
                ("open", Price),
                ("high", Price),
                ("low", Price),
                ("close", Price),
                ("volume", Quantity),
            ],
            Self::Trades => {
                &[("time", Time), ("id", Id), ("price", Price), ("quantity", Quantity), ("aggressor", Side)]
            }
            Self::Quotes => &[
                ("time", Time),
                ("bid_price", Price),
                ("bid_quantity", Quantity),
                ("ask_price", Price),
                ("ask_quantity", Quantity),
            ],
            Self::Books => {
                &[("time", Time), ("book", Rank), ("side", Side), ("price", Price), ("quantity", Quantity)]
            }
        }
    }
}

/// Rows of one kind. Books have one row a level; a book without levels has one row of side 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) kind: Kind,
    pub(crate) columns: Vec<Vec<i64>>,
}

impl Table {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, columns: vec![Vec::new(); kind.columns().len()] }
    }

    pub(crate) fn len(&self) -> usize {
        self.times().len()
    }

    pub(crate) fn times(&self) -> &[i64] {
        self.columns.first().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn reserve(&mut self, additional: usize) {
        for column in &mut self.columns {
            column.reserve_exact(additional);
        }
    }

    /// Appends the rows of a table of the same kind.
    pub(crate) fn append(&mut self, other: &Self) {
        self.append_range(other, 0..other.len());
    }

    /// Appends some rows of a table of the same kind.
    pub(crate) fn append_range(&mut self, other: &Self, rows: std::ops::Range<usize>) {
        for (column, more) in self.columns.iter_mut().zip(&other.columns) {
            column.extend_from_slice(more.get(rows.clone()).unwrap_or_default());
        }
    }

    /// The values of a row.
    pub(crate) fn row(&self, index: usize) -> Vec<i64> {
        self.columns.iter().filter_map(|column| column.get(index).copied()).collect()
    }

    /// Turns the rows around.
    pub(crate) fn reverse(&mut self) {
        for column in &mut self.columns {
            column.reverse();
        }
    }

    /// Puts the rows in the order of a list of positions.
    pub(crate) fn arrange(&mut self, order: &[usize]) {
        for column in &mut self.columns {
            *column = order.iter().filter_map(|&index| column.get(index).copied()).collect();
        }
    }

    /// Sorts by time; rows of equal time keep their order.
    pub(crate) fn sort_by_time(&mut self) {
        let times = self.times();
        if times.is_sorted() {
            return;
        }
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by_key(|&index| times.get(index).copied());
        self.arrange(&order);
    }

    /// The columns of a series.
    pub(crate) fn of_series(series: &Series) -> Self {
        let nanos = |times: &[Timestamp]| times.iter().map(|time| time.as_nanos()).collect::<Vec<_>>();
        let prices = |prices: &[Price]| prices.iter().map(|price| price.units()).collect::<Vec<_>>();
        let sizes = |sizes: &[Quantity]| sizes.iter().map(|size| size.units()).collect::<Vec<_>>();
        let kind = series.kind();
        let columns = match series {
            Series::Candles(candles) => vec![
                nanos(&candles.open_times),
                prices(&candles.opens),
                prices(&candles.highs),
                prices(&candles.lows),
                prices(&candles.closes),
                sizes(&candles.volumes),
            ],
            Series::Trades(trades) => vec![
                nanos(&trades.times),
                trades.ids.iter().map(|id| id.cast_signed()).collect(),
                prices(&trades.prices),
                sizes(&trades.quantities),
                trades.aggressors.iter().map(|side| number_of_side(*side)).collect(),
            ],
            Series::Quotes(quotes) => {
                let column = |pick: fn(&Quote) -> i64| quotes.quotes.iter().map(pick).collect::<Vec<_>>();
                vec![
                    nanos(&quotes.times),
                    column(|quote| quote.bid.price.units()),
                    column(|quote| quote.bid.quantity.units()),
                    column(|quote| quote.ask.price.units()),
                    column(|quote| quote.ask.quantity.units()),
                ]
            }
            Series::Books(books) => return Self::of_books(books),
        };
        Self { kind, columns }
    }

    fn of_books(books: &BookSeries) -> Self {
        let mut table = Self::new(Kind::Books);
        let mut rank = 0;
        let mut before = None;
        for (time, book) in (0..books.len()).map_while(|index| books.get(index)) {
            rank = if before == Some(time) { rank + 1 } else { 0 };
            before = Some(time);
            let bids = book.bids.iter().map(|level| (1, *level));
            let asks = book.asks.iter().map(|level| (-1, *level));
            let empty = (book.bids.is_empty() && book.asks.is_empty()).then_some((0, Level::default()));
            for (side, level) in bids.chain(asks).chain(empty) {
                table.push(&[time.as_nanos(), rank, side, level.price.units(), level.quantity.units()]);
            }
        }
        table
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, row: &[i64]) {
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(*value);
        }
    }

    /// The series of these columns. Rows of books must be grouped and ordered.
    pub(crate) fn into_series(self, span: Span) -> Series {
        let kind = self.kind;
        let mut columns = self.columns.into_iter();
        let mut next = || columns.next().unwrap_or_default();
        // These maps keep size and alignment, so the vectors are reused and nothing is copied.
        let times: Vec<Timestamp> = next().into_iter().map(Timestamp::from_nanos).collect();
        let prices = |column: Vec<i64>| column.into_iter().map(Price::from_units).collect::<Vec<_>>();
        let sizes = |column: Vec<i64>| column.into_iter().map(Quantity::from_units).collect::<Vec<_>>();
        match kind {
            Kind::Candles => {
                let mut series = CandleSeries::new(span);
                series.open_times = times;
                series.opens = prices(next());
                series.highs = prices(next());
                series.lows = prices(next());
                series.closes = prices(next());
                series.volumes = sizes(next());
                Series::Candles(series)
            }
            Kind::Trades => Series::Trades(TradeSeries {
                times,
                ids: next().into_iter().map(i64::cast_unsigned).collect(),
                prices: prices(next()),
                quantities: sizes(next()),
                aggressors: next().into_iter().map(side_of_number).collect(),
            }),
            Kind::Quotes => {
                let (bids, bid_sizes, asks, ask_sizes) = (next(), next(), next(), next());
                let levels = bids.into_iter().zip(bid_sizes).zip(asks.into_iter().zip(ask_sizes));
                let quotes = levels.map(|(bid, ask)| Quote { bid: level(bid), ask: level(ask) }).collect();
                Series::Quotes(QuoteSeries { times, quotes })
            }
            Kind::Books => {
                let (ranks, sides, prices, sizes) = (next(), next(), next(), next());
                let keys = times.into_iter().zip(ranks);
                let rows = keys.zip(sides).zip(prices.into_iter().zip(sizes));
                Series::Books(books_of_rows(rows.map(|((key, side), pair)| (key, side, level(pair)))))
            }
        }
    }
}

fn level((price, quantity): (i64, i64)) -> Level {
    Level { price: Price::from_units(price), quantity: Quantity::from_units(quantity) }
}

/// Rows of equal time and rank are one book.
fn books_of_rows(rows: impl Iterator<Item = ((Timestamp, i64), i64, Level)>) -> BookSeries {
    let mut series = BookSeries::default();
    let (mut bids, mut asks): (Vec<Level>, Vec<Level>) = (Vec::new(), Vec::new());
    let mut current: Option<(Timestamp, i64)> = None;
    for (key, side, level) in rows {
        if let Some((time, _)) = current.filter(|current| *current != key) {
            series.push(time, BookSnapshot { bids: &bids, asks: &asks });
            bids.clear();
            asks.clear();
        }
        current = Some(key);
        match side_of_number(side) {
            Some(Side::Buy) => bids.push(level),
            Some(Side::Sell) => asks.push(level),
            None => {}
        }
    }
    if let Some((time, _)) = current {
        series.push(time, BookSnapshot { bids: &bids, asks: &asks });
    }
    series
}

const fn number_of_side(side: Option<Side>) -> i64 {
    match side {
        Some(Side::Buy) => 1,
        Some(Side::Sell) => -1,
        None => 0,
    }
}

const fn side_of_number(number: i64) -> Option<Side> {
    match number {
        0 => None,
        1.. => Some(Side::Buy),
        _ => Some(Side::Sell),
    }
}
