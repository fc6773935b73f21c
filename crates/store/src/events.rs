//! Streams of depth changes: a snapshot, then the levels that changed, with the trades between.

use std::collections::VecDeque;

use pampero_model::{BookSnapshot, Level, OrderBook, Price, Quantity, Side};

use crate::dataset::Kind;
use crate::table::Table;

/// What a row of the stream is, as [`crate::cell::event`] reads it.
pub(crate) const DEPTH: i64 = 0;
/// A level of a whole book.
pub(crate) const SNAPSHOT: i64 = 1;
/// A trade.
pub(crate) const TRADE: i64 = 2;

/// A row of such a table: the columns of books with the event in the place of the rank, then the venue's id.
#[derive(Clone, Copy)]
struct Event {
    time: i64,
    what: i64,
    side: i64,
    price: i64,
    quantity: i64,
    id: i64,
}

fn events(table: &Table) -> impl Iterator<Item = Event> {
    (0..table.len()).map_while(|row| match table.row(row).as_slice() {
        [time, what, side, price, quantity, id] => {
            Some(Event { time: *time, what: *what, side: *side, price: *price, quantity: *quantity, id: *id })
        }
        _ => None,
    })
}

/// The trades of a stream. The side is the aggressor's.
pub(crate) fn trades(table: &Table) -> Table {
    let mut trades = Table::new(Kind::Trades);
    for event in events(table).filter(|event| event.what == TRADE) {
        trades.push(&[event.time, event.id, event.price, event.quantity, event.side]);
    }
    trades
}

/// The book after each batch of changes, no deeper than `depth` levels a side. Nothing is known before the first
/// snapshot. A recorder asks for the snapshot while changes arrive already: those that it holds are left out, those
/// that arrived before it but came later on the exchange are applied on top of it.
pub(crate) fn books(table: &Table, depth: usize) -> Table {
    let mut books = Table::new(Kind::Books);
    let mut rebuild = Rebuild::default();
    let mut batch: Option<(i64, i64, i64)> = None;
    for event in events(table).filter(|event| event.what == DEPTH || event.what == SNAPSHOT) {
        let this = (event.time, event.id, event.what);
        if let Some((time, ..)) = batch.filter(|batch| *batch != this) {
            rebuild.close_batch(&mut books, time, depth);
        }
        batch = Some(this);
        rebuild.add(event);
    }
    if let Some((time, ..)) = batch {
        rebuild.close_batch(&mut books, time, depth);
    }
    books
}

/// How many changes are remembered for a snapshot to come: seconds of a busy market.
const REMEMBERED: usize = 1 << 14;

/// A book being rebuilt from changes.
#[derive(Default)]
struct Rebuild {
    book: OrderBook,
    /// The id up to which the book holds all changes; nothing before the first snapshot.
    until: Option<i64>,
    recent: VecDeque<Event>,
    in_snapshot: bool,
    changed: bool,
}

impl Rebuild {
    fn add(&mut self, event: Event) {
        if event.what == SNAPSHOT {
            if !self.in_snapshot {
                self.book.replace(BookSnapshot::default());
                self.in_snapshot = true;
            }
            self.until = Some(event.id);
            self.apply(event);
            return;
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(event);
        if self.is_news(event) {
            self.apply(event);
        }
    }

    /// Whether the change is not in the last snapshot. Streams without ids have nothing but the order of arrival.
    fn is_news(&self, event: Event) -> bool {
        self.until.is_some_and(|until| event.id > until || event.id == 0)
    }

    fn apply(&mut self, event: Event) {
        let level =
            Level { price: Price::from_units(event.price), quantity: Quantity::from_units(event.quantity) };
        match event.side {
            1 => self.book.set_level(Side::Buy, level),
            -1 => self.book.set_level(Side::Sell, level),
            _ => {}
        }
        self.changed = true;
    }

    fn close_batch(&mut self, books: &mut Table, time: i64, depth: usize) {
        if self.in_snapshot {
            self.in_snapshot = false;
            for event in std::mem::take(&mut self.recent) {
                if event.id != 0 && self.is_news(event) {
                    self.apply(event);
                }
            }
        }
        if std::mem::take(&mut self.changed) {
            push_book(books, time, &self.book, depth);
        }
    }
}

fn push_book(books: &mut Table, time: i64, book: &OrderBook, depth: usize) {
    // Books of equal time are told apart by their rank.
    let rank = match (books.times().last(), books.columns.get(1).and_then(|ranks| ranks.last())) {
        (Some(last), Some(rank)) if *last == time => rank + 1,
        _ => 0,
    };
    for (side, number) in [(Side::Buy, 1), (Side::Sell, -1)] {
        for level in book.levels(side).iter().take(depth) {
            books.push(&[time, rank, number, level.price.units(), level.quantity.units()]);
        }
    }
}
