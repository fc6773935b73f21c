//! Rows on their way from a file to a table, with what is needed to say where each one stood.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cell::{self, TimeUnit};
use crate::error::{BadRow, DataError, MAX_BAD_ROWS, Place};
use crate::layout::{Layout, Reading, Source};
use crate::table::{Role, Table};
use pampero_model::{Cash, Price, Rounding};

/// Where the rows of a table stood: the line of a row is that of the last step at or before it, plus the
/// distance. A step is noted only where lines are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    steps: Vec<(usize, u64)>,
    next: Option<(usize, u64)>,
}

impl Lines {
    /// Row `row` stood at `line`; rows come in order.
    #[inline]
    fn note(&mut self, row: usize, line: u64) {
        if self.next != Some((row, line)) {
            self.steps.push((row, line));
        }
        self.next = Some((row + 1, line + 1));
    }

    fn append(&mut self, other: &Self, rows: usize, lines: u64) {
        for (row, line) in &other.steps {
            if self.next != Some((row + rows, line + lines)) {
                self.steps.push((row + rows, line + lines));
            }
        }
        if let Some((row, line)) = other.next {
            self.next = Some((row + rows, line + lines));
        }
    }

    /// The place of a row; rows of a file without lines are counted from one.
    pub(crate) fn place(&self, row: usize) -> Place {
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        match self.steps.partition_point(|(start, _)| *start <= row).checked_sub(1) {
            Some(at) => {
                let (start, line) = self.steps.get(at).copied().unwrap_or_default();
                Place::Line(line.saturating_add(count(row.saturating_sub(start))))
            }
            None => Place::Row(count(row).saturating_add(1)),
        }
    }
}

/// Values that could not be read: the first ones, and how many in all.
#[derive(Clone, Debug, Default)]
pub(crate) struct BadRows {
    pub(crate) rows: Vec<BadRow>,
    pub(crate) count: u64,
}

impl BadRows {
    pub(crate) fn push(&mut self, row: impl FnOnce() -> BadRow) {
        if self.rows.len() < MAX_BAD_ROWS {
            self.rows.push(row());
        }
        self.count += 1;
    }

    pub(crate) fn append(&mut self, other: Self, lines: u64) {
        self.count += other.count;
        let room = MAX_BAD_ROWS.saturating_sub(self.rows.len());
        self.rows.extend(other.rows.into_iter().take(room).map(|row| match row.place {
            Place::Line(line) => BadRow { place: Place::Line(line + lines), ..row },
            Place::Row(_) => row,
        }));
    }
}

/// What has been read so far, or from one block of the file.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) table: Table,
    pub(crate) lines: Lines,
    pub(crate) bad: BadRows,
    /// Every symbol met.
    pub(crate) symbols: BTreeSet<Vec<u8>>,
    /// Lines of text that these rows come from.
    pub(crate) line_count: u64,
}

impl Rows {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self {
            table: Table { kind: layout.kind, columns: vec![Vec::new(); layout.sources.len()] },
            lines: Lines::default(),
            bad: BadRows::default(),
            symbols: BTreeSet::new(),
            line_count: 0,
        }
    }

    /// Appends the rows of the next block and gives it back empty.
    pub(crate) fn append(&mut self, mut block: Self) -> Self {
        self.lines.append(&block.lines, self.table.len(), self.line_count);
        self.bad.append(std::mem::take(&mut block.bad), self.line_count);
        self.table.append(&block.table);
        self.symbols.append(&mut block.symbols);
        self.line_count += block.line_count;
        block.table.columns.iter_mut().for_each(Vec::clear);
        block.lines = Lines::default();
        block.line_count = 0;
        block
    }
}

/// Reads the cells of a row into a table.
#[derive(Clone, Debug)]
pub(crate) struct RowParser<'a> {
    pub(crate) layout: &'a Layout,
    /// Only rows of this symbol are taken.
    pub(crate) symbol: Option<&'a [u8]>,
    last_symbol: Vec<u8>,
    contracts: bool,
}

impl<'a> RowParser<'a> {
    pub(crate) fn new(layout: &'a Layout, symbol: Option<&'a [u8]>) -> Self {
        Self { layout, symbol, last_symbol: Vec::new(), contracts: layout.has_contracts() }
    }

    /// Adds a row that stood at a line, unless it is of another symbol.
    #[inline]
    pub(crate) fn add(&mut self, cells: &[&[u8]], line: u64, rows: &mut Rows) {
        if let Some(at) = self.layout.symbol {
            let symbol = cell::trim(cells.get(at).copied().unwrap_or_default());
            if self.last_symbol != symbol || rows.symbols.is_empty() {
                symbol.clone_into(&mut self.last_symbol);
                rows.symbols.insert(symbol.to_vec());
            }
            if self.symbol.is_some_and(|wanted| !wanted.eq_ignore_ascii_case(symbol)) {
                return;
            }
        }
        let mut values = [0_i64; 6];
        for (value, source) in values.iter_mut().zip(&self.layout.sources) {
            let Some((at, reading)) = source.from else { continue };
            let read = cells.get(at).map(|text| cell::trim(text)).and_then(|text| read_cell(text, reading));
            match read {
                Some(read) => *value = read,
                None => return rows.bad.push(|| bad_cell(source, cells, at, reading, line)),
            }
        }
        if self.contracts
            && let Err(expected) = contracts_to_base(&mut values)
        {
            return rows.bad.push(|| BadRow {
                place: Place::Line(line),
                column: "size in contracts".to_owned(),
                value: format!("{values:?}"),
                expected: expected.to_owned(),
            });
        }
        rows.lines.note(rows.table.len(), line);
        rows.table.push(&values);
    }
}

#[inline]
pub(crate) fn read_cell(text: &[u8], reading: Reading) -> Option<i64> {
    match reading {
        Reading::Units | Reading::Contracts => cell::units(text),
        Reading::Time(unit) => cell::time(text, unit),
        Reading::Id => cell::id(text),
        Reading::Integer => cell::integer(text),
        Reading::Side => cell::side(text),
        Reading::Maker => cell::aggressor_of_maker(text),
        Reading::Event => cell::event(text),
    }
}

/// Replaces a trade's count of contracts by base: contracts ÷ price, rounded down.
pub(crate) fn contracts_to_base(values: &mut [i64]) -> Result<(), &'static str> {
    let [_, _, price, size, ..] = values else { return Ok(()) };
    let cash = Cash::from_units(i128::from(*size));
    let base = cash
        .quantity_at(Price::from_units(*price), Rounding::Down)
        .map_err(|_| "a price above zero, and a size that fits at that price,")?;
    *size = base.units();
    Ok(())
}

fn bad_cell(source: &Source, cells: &[&[u8]], at: usize, reading: Reading, line: u64) -> BadRow {
    let value = cells.get(at).map(|cell| String::from_utf8_lossy(cell).trim().to_owned());
    let expected = match (&value, reading) {
        (None, _) => format!("a row of at least {} cells, not {},", at + 1, cells.len()),
        (_, Reading::Units | Reading::Contracts) if source.role == Role::Price => {
            "a price (a decimal number such as 61234.5)".to_owned()
        }
        (_, Reading::Units | Reading::Contracts) => "a quantity (a decimal number such as 0.25)".to_owned(),
        (_, Reading::Time(unit)) => format!(
            "a time ({}, or a date such as 2024-01-31T12:00:00Z)",
            unit.map_or("seconds, ms, us or ns since 1970", TimeUnit::name)
        ),
        (_, Reading::Id) => "an id (a whole number not below zero)".to_owned(),
        (_, Reading::Integer) => "a whole number".to_owned(),
        (_, Reading::Side) => "a side (buy, sell, bid or ask)".to_owned(),
        (_, Reading::Maker) => "true or false".to_owned(),
        (_, Reading::Event) => "an event (depth, snapshot or trade)".to_owned(),
    };
    BadRow {
        place: Place::Line(line),
        column: source.name.clone(),
        value: value.unwrap_or_default().chars().take(60).collect(),
        expected,
    }
}

/// The one symbol that was read, or an error that lists those to choose from.
pub(crate) fn choose_symbol(
    path: &Path,
    symbols: &BTreeSet<Vec<u8>>,
    wanted: Option<&str>,
) -> Result<String, DataError> {
    let found: Vec<String> =
        symbols.iter().map(|symbol| String::from_utf8_lossy(symbol).into_owned()).collect();
    let problem = match wanted {
        Some(wanted) => match found.iter().find(|symbol| symbol.eq_ignore_ascii_case(wanted)) {
            Some(symbol) => return Ok(symbol.clone()),
            None => format!("no rows of symbol `{wanted}`"),
        },
        None => match found.as_slice() {
            [symbol] => return Ok(symbol.clone()),
            _ => "several symbols in one file: choose one (option `symbol`)".to_owned(),
        },
    };
    let shown =
        |symbol: &String| if symbol.is_empty() { "(rows without symbol)".to_owned() } else { symbol.clone() };
    Err(DataError::Symbol { path: path.to_owned(), problem, found: found.iter().map(shown).collect() })
}
