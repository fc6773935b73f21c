//! What entered and left the engine, as bytes in the journal, and back.
//!
//! Books, which are nearly all of it, have a form of their own: only what changed since the last book of their market.
//! Everything else is [postcard](https://docs.rs/postcard): a small binary form with a specification, driven by
//! the types themselves, so that a field cannot be forgotten. Notes are JSON, so that they can be read without the
//! types that wrote them.

mod book;
mod number;

use std::io::Read;

use pampero_engine::{Control, Decisions, Event, EventKind};
use pampero_model::{
    Candle, Currency, MarketId, Money, OrderUpdate, Price, Quote, Span, Timestamp, Trade, VenueId,
};
use pampero_store::journal::Record;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::book::BookCoder;

/// What a record is. The numbers stand in files: they are never given to something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The strategies were let begin.
    Started = 1,
    /// An event but a book.
    Event = 2,
    /// A book.
    Book = 3,
    /// What the event before it led to.
    Decisions = 4,
    /// A fact for people and programs, in JSON.
    Note = 5,
}

impl Kind {
    /// The kind of a record.
    pub const fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Started,
            2 => Self::Event,
            3 => Self::Book,
            4 => Self::Decisions,
            5 => Self::Note,
            _ => return None,
        })
    }
}

/// A record as it was written.
#[derive(Debug)]
pub enum Entry<'a> {
    /// The strategies were let begin, and what they decided then.
    Started(Decisions),
    /// An event.
    Event(Event<'a>),
    /// What the event before it led to.
    Decisions(Decisions),
    /// A fact, in JSON.
    Note(&'a str),
}

/// A record that cannot be written or read.
#[derive(Debug, Error)]
pub enum CodecError {
    /// The bytes are not what this build writes.
    #[error("record {seq}: {problem}")]
    Malformed {
        /// Number of the record.
        seq: u64,
        /// What is wrong.
        problem: String,
    },
    /// A value cannot be written.
    #[error("cannot be written: {0}")]
    Encode(String),
}

/// The events that are not books. The order of the variants stands in files: new ones come last.
#[derive(Debug, Serialize, Deserialize)]
enum Plain {
    Quote { market: MarketId, quote: Quote },
    Trade { market: MarketId, trade: Trade },
    Candle { market: MarketId, span: Span, candle: Candle },
    Order(OrderUpdate),
    Timer,
    Transfer { venue: VenueId, money: Money },
    Rate { currency: Currency, rate: Price },
    Reconciled { venue: VenueId, until: Timestamp },
    BalancesSeen { venue: VenueId, at: Timestamp },
    ClockSkew(Span),
    EnvironmentConfirmed,
    Control(Control),
}

impl Plain {
    fn of(kind: &EventKind<'_>) -> Option<Self> {
        Some(match *kind {
            EventKind::Book { .. } => return None,
            EventKind::Quote { market, quote } => Self::Quote { market, quote },
            EventKind::Trade { market, trade } => Self::Trade { market, trade },
            EventKind::Candle { market, span, candle } => Self::Candle { market, span, candle },
            EventKind::Order(update) => Self::Order(update),
            EventKind::Timer => Self::Timer,
            EventKind::Transfer { venue, money } => Self::Transfer { venue, money },
            EventKind::Rate { currency, rate } => Self::Rate { currency, rate },
            EventKind::Reconciled { venue, until } => Self::Reconciled { venue, until },
            EventKind::BalancesSeen { venue, at } => Self::BalancesSeen { venue, at },
            EventKind::ClockSkew(skew) => Self::ClockSkew(skew),
            EventKind::EnvironmentConfirmed => Self::EnvironmentConfirmed,
            EventKind::Control(control) => Self::Control(control),
        })
    }
}

impl From<Plain> for EventKind<'static> {
    fn from(plain: Plain) -> Self {
        match plain {
            Plain::Quote { market, quote } => Self::Quote { market, quote },
            Plain::Trade { market, trade } => Self::Trade { market, trade },
            Plain::Candle { market, span, candle } => Self::Candle { market, span, candle },
            Plain::Order(update) => Self::Order(update),
            Plain::Timer => Self::Timer,
            Plain::Transfer { venue, money } => Self::Transfer { venue, money },
            Plain::Rate { currency, rate } => Self::Rate { currency, rate },
            Plain::Reconciled { venue, until } => Self::Reconciled { venue, until },
            Plain::BalancesSeen { venue, at } => Self::BalancesSeen { venue, at },
            Plain::ClockSkew(skew) => Self::ClockSkew(skew),
            Plain::EnvironmentConfirmed => Self::EnvironmentConfirmed,
            Plain::Control(control) => Self::Control(control),
        }
    }
}

/// Writes records. It remembers the last book of each market.
#[derive(Debug, Default)]
pub struct Encoder {
    books: BookCoder,
}

impl Encoder {
    /// The next book of each market is written whole, so that reading can begin here.
    pub fn restart(&mut self) {
        self.books.restart();
    }

    /// Writes an event into `buffer`, which is emptied first.
    pub fn event(&mut self, event: &EventKind<'_>, buffer: &mut Vec<u8>) -> Result<Kind, CodecError> {
        buffer.clear();
        if let EventKind::Book { market, book } = event {
            self.books.encode(*market, *book, buffer)?;
            return Ok(Kind::Book);
        }
        if let Some(plain) = Plain::of(event) {
            write(&plain, buffer)?;
        }
        Ok(Kind::Event)
    }

    /// Writes what an event or the start led to into `buffer`, which is emptied first.
    pub fn decisions(&mut self, decisions: &Decisions, buffer: &mut Vec<u8>) -> Result<(), CodecError> {
        write(decisions, buffer)
    }
}

/// Writes a value in the form of everything but books and notes.
pub(crate) fn write(value: &impl Serialize, buffer: &mut Vec<u8>) -> Result<(), CodecError> {
    buffer.clear();
    let written = postcard::to_extend(value, std::mem::take(buffer));
    *buffer = written.map_err(|error| CodecError::Encode(error.to_string()))?;
    Ok(())
}

/// Reads a value that takes up all the bytes.
pub(crate) fn read<'a, T: Deserialize<'a>>(seq: u64, bytes: &'a [u8]) -> Result<T, CodecError> {
    let malformed = |problem: String| CodecError::Malformed { seq, problem };
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|error| malformed(error.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(malformed(format!("{} bytes too many", rest.len()))) }
}

/// Most that anything compressed may grow to.
const LARGEST: u64 = 256 << 20;

/// Compresses what is large enough to gain from it.
pub(crate) fn pack(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    zstd::bulk::compress(bytes, 3).map_err(|error| CodecError::Encode(error.to_string()))
}

pub(crate) fn unpack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    zstd::stream::read::Decoder::new(bytes)?.take(LARGEST).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

/// Reads records in order. It remembers the last book of each market.
#[derive(Debug, Default)]
pub struct Decoder {
    books: BookCoder,
}

impl Decoder {
    /// Reads a record. Books need every earlier one since a whole one.
    pub fn entry<'a>(&'a mut self, record: &'a Record) -> Result<Entry<'a>, CodecError> {
        let (seq, bytes) = (record.seq, record.payload.as_slice());
        let malformed = |problem: &str| CodecError::Malformed { seq, problem: problem.to_owned() };
        let kind =
            Kind::of(record.kind).ok_or_else(|| malformed("of a kind that this build does not know"))?;
        Ok(match kind {
            Kind::Started => Entry::Started(read(seq, bytes)?),
            Kind::Event => {
                let plain: Plain = read(seq, bytes)?;
                Entry::Event(Event { time: record.time, kind: plain.into() })
            }
            Kind::Book => {
                let (market, book) =
                    self.books.decode(bytes).ok_or_else(|| malformed("a book that does not decode"))?;
                Entry::Event(Event { time: record.time, kind: EventKind::Book { market, book } })
            }
            Kind::Decisions => Entry::Decisions(read(seq, bytes)?),
            Kind::Note => {
                Entry::Note(std::str::from_utf8(bytes).map_err(|_| malformed("a note that is no text"))?)
            }
        })
    }
}

#[cfg(test)]
mod tests;
