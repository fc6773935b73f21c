//! Books as what changed since the last one of their market.
//!
//! ```text
//! book   = flags market body          flags: 1 whole, 2 compressed with zstd
//! whole  = bids asks                  side: count, then for each level price − previous price, quantity
//! change = edits(bids) edits(asks)    edits: for each level skipped × 4 + what, then
//!                                       0 its quantity is another: new − old
//!                                       1 it is gone
//!                                       2 another stands before it: price − previous price, quantity
//!                                       3 the rest is as it was; nothing is skipped
//! ```
//!
//! A thin market that did not move costs four bytes a poll.

use pampero_model::{BookSnapshot, Level, MarketId, Price, Quantity};

use super::number::{put, put_amount, take, take_amount};
use super::{CodecError, pack, unpack};

/// A whole book after so many changes, so that a damaged one does not spoil the rest.
const WHOLE_EVERY: u32 = 1_000;
/// Bodies from this size on are compressed, if that makes them smaller.
const COMPRESS_FROM: usize = 256;
const WHOLE: u8 = 1;
const COMPRESSED: u8 = 2;

/// Writes or reads books; for either it must see every book.
#[derive(Debug, Default)]
pub(super) struct BookCoder {
    markets: Vec<Known>,
    scratch: Vec<u8>,
    side: Vec<Level>,
}

/// The last book of a market.
#[derive(Clone, Debug, Default)]
struct Known {
    bids: Vec<Level>,
    asks: Vec<Level>,
    /// Changes until a whole book is due; zero before the first.
    left: u32,
}

impl BookCoder {
    pub(super) fn restart(&mut self) {
        self.markets.iter_mut().for_each(|known| known.left = 0);
    }

    pub(super) fn encode(
        &mut self,
        market: MarketId,
        book: BookSnapshot<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        if self.markets.len() <= market.index() {
            self.markets.resize_with(market.index() + 1, Known::default);
        }
        let Some(known) = self.markets.get_mut(market.index()) else { return Ok(()) };
        let old = BookSnapshot { bids: &known.bids, asks: &known.asks };
        // Edits need an order of prices to walk along.
        let whole = known.left == 0 || !old.is_sorted() || !book.is_sorted();
        let body = &mut self.scratch;
        body.clear();
        if whole {
            write_side(book.bids, body);
            write_side(book.asks, body);
        } else {
            write_edits(old.bids, book.bids, |a, b| a > b, body);
            write_edits(old.asks, book.asks, |a, b| a < b, body);
        }
        known.left = if whole { WHOLE_EVERY } else { known.left - 1 };
        replace(&mut known.bids, book.bids);
        replace(&mut known.asks, book.asks);
        let packed = if body.len() < COMPRESS_FROM {
            None
        } else {
            let packed = pack(body)?;
            Some(packed).filter(|packed| packed.len() < body.len())
        };
        buffer.push((u8::from(whole) * WHOLE) | (u8::from(packed.is_some()) * COMPRESSED));
        put(buffer, u128::from(market.0));
        buffer.extend_from_slice(packed.as_deref().unwrap_or(body));
        Ok(())
    }

    pub(super) fn decode(&mut self, bytes: &[u8]) -> Option<(MarketId, BookSnapshot<'_>)> {
        let (flags, mut bytes) = bytes.split_first()?;
        let market = MarketId(u16::try_from(take(&mut bytes)?).ok()?);
        let unpacked;
        if flags & COMPRESSED != 0 {
            unpacked = unpack(bytes).ok()?;
            bytes = &unpacked;
        }
        if self.markets.len() <= market.index() {
            self.markets.resize_with(market.index() + 1, Known::default);
        }
        let known = self.markets.get_mut(market.index())?;
        let whole = flags & WHOLE != 0;
        if !whole && known.left == 0 {
            return None;
        }
        for side in [&mut known.bids, &mut known.asks] {
            self.side.clear();
            if whole {
                read_side(&mut bytes, &mut self.side)?;
            } else {
                read_edits(&mut bytes, side, &mut self.side)?;
            }
            replace(side, &self.side);
        }
        // For reading it only says that there is one.
        known.left = 1;
        bytes.is_empty().then_some((market, BookSnapshot { bids: &known.bids, asks: &known.asks }))
    }
}

fn replace(levels: &mut Vec<Level>, by: &[Level]) {
    levels.clear();
    levels.extend_from_slice(by);
}

fn write_side(levels: &[Level], body: &mut Vec<u8>) {
    put(body, levels.len() as u128);
    let mut previous = 0;
    for level in levels {
        put_amount(body, i128::from(level.price.units()) - previous);
        put_amount(body, i128::from(level.quantity.units()));
        previous = i128::from(level.price.units());
    }
}

fn read_side(bytes: &mut &[u8], levels: &mut Vec<Level>) -> Option<()> {
    let count = usize::try_from(take(bytes)?).ok()?;
    let mut previous = 0;
    for _ in 0..count {
        levels.push(read_level(bytes, previous)?);
        previous = i128::from(levels.last()?.price.units());
    }
    Some(())
}

fn read_level(bytes: &mut &[u8], previous: i128) -> Option<Level> {
    let price = take_amount(bytes)?.checked_add(previous)?;
    let quantity = take_amount(bytes)?;
    let price = Price::from_units(i64::try_from(price).ok()?);
    Some(Level { price, quantity: Quantity::from_units(i64::try_from(quantity).ok()?) })
}

const CHANGED: u128 = 0;
const GONE: u128 = 1;
const NEW: u128 = 2;
const END: u128 = 3;

/// Walks both sides from the best level on; `before` says which price comes first.
fn write_edits(old: &[Level], new: &[Level], before: impl Fn(Price, Price) -> bool, body: &mut Vec<u8>) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let (mut skipped, mut previous) = (0, 0);
    let edit =
        |skipped: &mut u128, what, body: &mut Vec<u8>| put(body, (std::mem::take(skipped) << 2) | what);
    loop {
        let (old_level, new_level) = (old.peek().copied(), new.peek().copied());
        match (old_level, new_level) {
            (Some(was), Some(is)) if was.price == is.price => {
                if was.quantity == is.quantity {
                    skipped += 1;
                } else {
                    edit(&mut skipped, CHANGED, body);
                    put_amount(body, i128::from(is.quantity.units()) - i128::from(was.quantity.units()));
                }
                previous = i128::from(is.price.units());
                old.next();
                new.next();
            }
            (Some(was), is) if is.is_none_or(|is| before(was.price, is.price)) => {
                edit(&mut skipped, GONE, body);
                previous = i128::from(was.price.units());
                old.next();
            }
            (_, Some(is)) => {
                edit(&mut skipped, NEW, body);
                put_amount(body, i128::from(is.price.units()) - previous);
                put_amount(body, i128::from(is.quantity.units()));
                previous = i128::from(is.price.units());
                new.next();
            }
            (_, None) => return put(body, END),
        }
    }
}

fn read_edits(bytes: &mut &[u8], old: &[Level], levels: &mut Vec<Level>) -> Option<()> {
    let (mut at, mut previous) = (0, 0);
    loop {
        let edit = take(bytes)?;
        let what = edit & 3;
        if what == END {
            levels.extend_from_slice(old.get(at..)?);
            return (edit == END).then_some(());
        }
        let skipped = old.get(at..at.checked_add(usize::try_from(edit >> 2).ok()?)?)?;
        levels.extend_from_slice(skipped);
        at += skipped.len();
        previous = skipped.last().map_or(previous, |level| i128::from(level.price.units()));
        if what == NEW {
            let level = read_level(bytes, previous)?;
            previous = i128::from(level.price.units());
            levels.push(level);
            continue;
        }
        let level = *old.get(at)?;
        at += 1;
        previous = i128::from(level.price.units());
        if what == CHANGED {
            let quantity = take_amount(bytes)?.checked_add(i128::from(level.quantity.units()))?;
            let quantity = Quantity::from_units(i64::try_from(quantity).ok()?);
            levels.push(Level { quantity, ..level });
        }
    }
}
