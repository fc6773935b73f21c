//! From rows in the order of a file to a checked series in the order of time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pampero_model::{Price, Span, Timestamp};

use crate::dataset::{Kind, Series};
use crate::error::{BadRow, DataError};
use crate::events;
use crate::rows::{BadRows, Lines};
use crate::table::{Role, Table};

/// Rows in the order of a file.
pub(crate) struct Unchecked<'a> {
    pub(crate) path: &'a Path,
    pub(crate) table: Table,
    pub(crate) lines: Lines,
    pub(crate) bad: BadRows,
    /// The names of the columns in the file.
    pub(crate) names: Vec<String>,
    /// The span, where the file states it.
    pub(crate) span: Option<Span>,
    /// Whether books are numbered and ordered already, as in our own files.
    pub(crate) native: bool,
    /// Whether a text file numbers its books.
    pub(crate) numbered: bool,
    /// What to make of a stream of depth changes: books of so many levels, or its trades.
    pub(crate) events: Option<(Kind, usize)>,
    /// Takes rows in any order, and twice.
    pub(crate) unsorted: bool,
    /// Takes impossible values and disorder as they stand.
    pub(crate) raw: bool,
}

impl<'a> Unchecked<'a> {
    /// Rows of our own form.
    pub(crate) fn of_table(path: &'a Path, table: Table) -> Self {
        let names = table.kind.columns().iter().map(|(name, _)| (*name).to_owned()).collect();
        Self {
            path,
            table,
            lines: Lines::default(),
            bad: BadRows::default(),
            names,
            span: None,
            native: true,
            numbered: true,
            events: None,
            unsorted: false,
            raw: false,
        }
    }

    /// Gives the rows back if each is possible by itself, whatever their order.
    pub(crate) fn check_rows(mut self) -> Result<Table, DataError> {
        self.check_values();
        if self.bad.count > 0 {
            return Err(DataError::BadRows {
                path: self.path.to_owned(),
                rows: self.bad.rows,
                count: self.bad.count,
            });
        }
        Ok(self.table)
    }

    /// Checks values and order, turns a descending file around, groups books, finds the span of candles.
    pub(crate) fn finish(mut self) -> Result<Series, DataError> {
        // Values that could not be read have left zeros behind.
        if self.bad.count == 0 {
            self.check_values();
        }
        let path = self.path.to_owned();
        if self.bad.count > 0 {
            return Err(DataError::BadRows { path, rows: self.bad.rows, count: self.bad.count });
        }
        if self.table.len() == 0 {
            return Err(DataError::Empty { path });
        }
        self.check_order()?;
        if let Some((kind, depth)) = self.events {
            self.table = match kind {
                Kind::Trades => events::trades(&self.table),
                _ => events::books(&self.table, depth),
            };
            self.native = true;
        }
        if self.table.kind == Kind::Books && !self.native {
            if !self.numbered {
                number_books(&mut self.table);
            }
            order_levels(&mut self.table);
            self.check_distinct()?;
        }
        let span = match (self.table.kind, self.span) {
            (Kind::Candles, Some(span)) => span,
            (Kind::Candles, None) => most_frequent_span(self.table.times()),
            _ => Span::ZERO,
        };
        Ok(self.table.into_series(span))
    }

    /// Prices above zero, quantities not below it, candles that can exist.
    fn check_values(&mut self) {
        let kind = self.table.kind;
        // A quote without orders on one side, and a book without levels, state it by zeros.
        let zero_price = matches!(kind, Kind::Quotes | Kind::Books);
        for (at, ((_, role), column)) in kind.columns().iter().zip(&self.table.columns).enumerate() {
            let (lowest, expected) = match role {
                Role::Price if self.raw || zero_price => (0, "a price not below zero"),
                Role::Price => (1, "a price above zero"),
                Role::Quantity => (0, "a quantity not below zero"),
                _ => continue,
            };
            // The minimum first: it costs next to nothing, and nearly every column passes.
            if column.iter().min().is_some_and(|value| *value < lowest) {
                for (row, value) in column.iter().enumerate().filter(|(_, value)| **value < lowest) {
                    let bad = bad_value(&self.lines, &self.names, at, row, *value, expected);
                    self.bad.push(|| bad);
                }
            }
        }
        if kind == Kind::Candles && !self.raw {
            self.check_candles();
        }
        if matches!(kind, Kind::Quotes | Kind::Books) && !self.raw && self.events.is_none() {
            self.check_levels();
        }
        self.bad.rows.sort_by_key(|row| row.place);
    }

    /// No price stands twice on one side of a book. The lines are no longer known: the levels were put in order.
    fn check_distinct(&self) -> Result<(), DataError> {
        let [times, ranks, sides, prices, _] = self.table.columns.as_slice() else { return Ok(()) };
        let keys = times.iter().zip(ranks).zip(sides.iter().zip(prices));
        let twice = keys.clone().zip(keys.skip(1)).find(|(level, next)| level == next && *level.1.0 != 0);
        match twice {
            Some((((time, _), (_, price)), _)) if !self.raw => Err(DataError::Request(format!(
                "{}: the book at {} has two levels of price {} on one side (expected one row a level; does the file lack \
                 a column `symbol`?)",
                self.path.display(),
                Timestamp::from_nanos(*time),
                Price::from_units(*price)
            ))),
            _ => Ok(()),
        }
    }

    fn check_candles(&mut self) {
        let Self { table, lines, names, bad, .. } = self;
        let [_, opens, highs, lows, closes, _] = table.columns.as_slice() else { return };
        let rows = opens.iter().zip(highs).zip(lows.iter().zip(closes)).enumerate();
        for (row, ((open, high), (low, close))) in rows {
            if high < open.max(close) {
                bad.push(|| bad_value(lines, names, 2, row, *high, "no less than open and close"));
            }
            if low > open.min(close) {
                bad.push(|| bad_value(lines, names, 3, row, *low, "no more than open and close"));
            }
        }
    }

    /// A level has a price and a quantity; only a side without orders of a quote, and a book without levels, have not.
    fn check_levels(&mut self) {
        let Self { table, lines, names, bad, .. } = self;
        let mut check = |prices: &[i64], sizes: &[i64], at: usize, needs_size: &dyn Fn(usize) -> bool| {
            for (row, (price, size)) in prices.iter().zip(sizes).enumerate() {
                if *size == 0 && needs_size(row) {
                    bad.push(|| bad_value(lines, names, at + 1, row, *size, "a quantity above zero"));
                } else if *size > 0 && *price == 0 {
                    bad.push(|| bad_value(lines, names, at, row, *price, "a price above zero"));
                }
            }
        };
        match (table.kind, table.columns.as_slice()) {
            (Kind::Quotes, [_, bids, bid_sizes, asks, ask_sizes]) => {
                check(bids, bid_sizes, 1, &|_| false);
                check(asks, ask_sizes, 3, &|_| false);
            }
            (Kind::Books, [_, _, sides, prices, sizes]) => {
                check(prices, sizes, 3, &|row| sides.get(row).is_some_and(|side| *side != 0));
            }
            _ => {}
        }
    }

    /// Ascending, or descending and then turned around. Candles of equal time are refused.
    fn check_order(&mut self) -> Result<(), DataError> {
        let times = self.table.times();
        let falls = times.windows(2).filter(|pair| matches!(pair, [before, time] if time < before)).count();
        let rises = times.windows(2).filter(|pair| matches!(pair, [before, time] if time > before)).count();
        let descending = falls > rises;
        let unique = self.table.kind == Kind::Candles;
        let broken = |pair: &[i64]| match pair {
            [before, time] if before == time => unique,
            [before, time] => (time < before) != descending,
            _ => false,
        };
        let is_free = self.raw || self.unsorted;
        if !is_free && let Some(row) = times.windows(2).position(broken) {
            let at = |row: usize| Timestamp::from_nanos(times.get(row).copied().unwrap_or_default());
            let (path, place) = (self.path.to_owned(), self.lines.place(row + 1));
            let (before, time) = (at(row), at(row + 1));
            return Err(if before == time {
                DataError::Duplicate { path, place, time }
            } else {
                DataError::Disorder { path, place, time, before }
            });
        }
        if descending {
            self.table.reverse();
        }
        Ok(())
    }
}

fn bad_value(lines: &Lines, names: &[String], at: usize, row: usize, value: i64, expected: &str) -> BadRow {
    BadRow {
        place: lines.place(row),
        column: names.get(at).cloned().unwrap_or_default(),
        value: Price::from_units(value).to_string(),
        expected: expected.to_owned(),
    }
}

/// Numbers the books of each time. A new one begins where a rank of a side comes again.
fn number_books(table: &mut Table) {
    let [times, ranks, sides, _, _] = table.columns.as_mut_slice() else { return };
    let mut before = None;
    let mut seen = BTreeSet::new();
    // Books of one time need not stand together in a file that is to be sorted.
    let mut books_at = BTreeMap::<i64, i64>::new();
    let mut book = 0;
    for ((time, rank), side) in times.iter().zip(ranks.iter_mut()).zip(sides.iter()) {
        if before != Some(*time) || seen.contains(&(*side, *rank)) {
            let count = books_at.entry(*time).or_default();
            book = *count;
            *count += 1;
            seen.clear();
        }
        seen.insert((*side, *rank));
        before = Some(*time);
        *rank = book;
    }
}

/// Puts the levels of each book in order: bids first and highest first, then asks, lowest first.
fn order_levels(table: &mut Table) {
    let [times, ranks, sides, prices, _] = table.columns.as_slice() else { return };
    let key = |row: &usize| {
        let at = |column: &[i64]| column.get(*row).copied().unwrap_or_default();
        let (side, price) = (at(sides), at(prices));
        (at(times), at(ranks), -side, if side > 0 { -price } else { price })
    };
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(key);
    table.arrange(&order);
}

/// The most frequent difference of consecutive times; the shorter of equally frequent ones.
pub(crate) fn most_frequent_span(times: &[i64]) -> Span {
    let mut counts = BTreeMap::<i64, u64>::new();
    let mut run = (0, 0);
    for pair in times.windows(2) {
        let [before, time] = pair else { continue };
        let difference = time.saturating_sub(*before);
        if difference == run.0 {
            run.1 += 1;
        } else {
            *counts.entry(run.0).or_default() += run.1;
            run = (difference, 1);
        }
    }
    *counts.entry(run.0).or_default() += run.1;
    let best = counts
        .iter()
        .filter(|(difference, _)| **difference > 0)
        .max_by_key(|(span, count)| (**count, -**span));
    best.map_or(Span::ZERO, |(difference, _)| Span::from_nanos(*difference))
}
