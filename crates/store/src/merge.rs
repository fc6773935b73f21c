//! Putting two tables of the same data together.

use std::ops::Range;

use crate::dataset::Kind;
use crate::table::Table;

/// Merges new rows into old ones; both are in order of time. Rows that both hold stand once. Gives the time of the
/// first contradiction, unless the new rows are to replace the old.
///
/// A candle or a book is identified by its time, a trade by its time and id, and trades without id and quotes by being equal:
/// of those, as many stand in the result as in the table that holds more.
pub(crate) fn merge(old: &Table, new: &Table, replace: bool) -> Result<Table, i64> {
    let mut merged = Table::new(old.kind);
    merged.reserve(old.len().max(new.len()));
    let (mut olds, mut news) = (groups(old).peekable(), groups(new).peekable());
    loop {
        let (old_time, new_time) = (olds.peek().map(|group| group.0), news.peek().map(|group| group.0));
        match (old_time, new_time) {
            (None, None) => return Ok(merged),
            (Some(time), Some(other)) if time == other => {
                let (Some((_, a)), Some((_, b))) = (olds.next(), news.next()) else { return Ok(merged) };
                merge_group(&mut merged, (old, a), (new, b), replace).ok_or(time)?;
            }
            (Some(time), other) if other.is_none_or(|other| time < other) => {
                if let Some((_, rows)) = olds.next() {
                    merged.append_range(old, rows);
                }
            }
            (_, _) => {
                if let Some((time, rows)) = news.next() {
                    let nothing = Table::new(old.kind);
                    merge_group(&mut merged, (&nothing, 0..0), (new, rows), replace).ok_or(time)?;
                }
            }
        }
    }
}

/// The rows of each time.
fn groups(table: &Table) -> impl Iterator<Item = (i64, Range<usize>)> {
    let times = table.times();
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = times.get(start..)?;
        let time = *rest.first()?;
        let length = rest.iter().take_while(|other| **other == time).count();
        start += length;
        Some((time, start - length..start))
    })
}

/// Merges the rows of one time; nothing if they contradict each other.
fn merge_group(
    merged: &mut Table,
    (old, old_rows): (&Table, Range<usize>),
    (new, new_rows): (&Table, Range<usize>),
    replace: bool,
) -> Option<()> {
    let rows_of = |table: &Table, rows: Range<usize>| rows.map(|row| table.row(row)).collect::<Vec<_>>();
    let (olds, news) = (rows_of(old, old_rows), rows_of(new, new_rows));
    let result = match merged.kind {
        Kind::Candles => {
            let mut distinct = olds.clone();
            for row in news {
                match distinct.iter_mut().next() {
                    Some(other) if *other == row => {}
                    Some(other) if replace => *other = row,
                    Some(_) => return None,
                    None => distinct.push(row),
                }
            }
            distinct
        }
        Kind::Books if olds.is_empty() || olds == news || replace => news,
        Kind::Books => return None,
        Kind::Trades | Kind::Quotes => {
            let is_trade = merged.kind == Kind::Trades;
            merge_multiset(olds, news, replace, |row| row.get(1).copied().filter(|id| is_trade && *id != 0))?
        }
    };
    for row in result {
        merged.push(&row);
    }
    Some(())
}

/// The union in which every row stands as often as in the side that holds it more often; rows with an id once.
fn merge_multiset(
    olds: Vec<Vec<i64>>,
    news: Vec<Vec<i64>>,
    replace: bool,
    id: impl Fn(&[i64]) -> Option<i64>,
) -> Option<Vec<Vec<i64>>> {
    let mut unmatched = olds.clone();
    let mut result = olds;
    for row in news {
        match id(&row) {
            Some(number) => match result.iter_mut().find(|other| id(other) == Some(number)) {
                Some(other) if *other == row => {}
                Some(other) if replace => *other = row,
                Some(_) => return None,
                None => result.push(row),
            },
            None => match unmatched.iter().position(|other| *other == row) {
                Some(at) => drop(unmatched.swap_remove(at)),
                None => result.push(row),
            },
        }
    }
    Some(result)
}
