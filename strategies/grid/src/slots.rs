//! The slots between two lines: what each of them waits for.

use pampero_model::{Price, Quantity};

/// The space between a line and the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Where it buys.
    pub(crate) below: Price,
    /// Where it sells.
    pub(crate) above: Price,
    /// Base that belongs to it.
    pub(crate) held: Quantity,
    /// Whether it waits to sell what it holds; else it waits to buy.
    pub(crate) selling: bool,
    /// The size of its order, which stays the same while the order is partly executed.
    pub(crate) size: Quantity,
}

impl Slot {
    /// Ready to buy what is missing to `quantity`, or to sell what it holds.
    pub(crate) fn arm(&mut self, selling: bool, quantity: Quantity, step: Quantity) {
        self.selling = selling;
        let size = if selling { self.held } else { quantity.saturating_sub(self.held) };
        self.size = size.truncate_to(step);
    }
}

/// Evenly spaced lines on the market's ticks, and the slots between them. Lines that fall on one tick are one.
pub(crate) fn slots(lower: Price, upper: Price, lines: u32, tick: Price, quantity: Quantity) -> Vec<Slot> {
    let (from, width) = (i128::from(lower.units()), i128::from(upper.units()) - i128::from(lower.units()));
    let gaps = i128::from(lines.max(2)) - 1;
    let mut prices: Vec<Price> = (0..=gaps)
        .filter_map(|index| i64::try_from(from + width * index / gaps).ok())
        .map(|units| Price::from_units(units).truncate_to(tick))
        .filter(|price| price.is_positive())
        .collect();
    prices.dedup();
    prices
        .windows(2)
        .filter_map(|pair| match pair {
            [below, above] => Some(Slot {
                below: *below,
                above: *above,
                held: Quantity::ZERO,
                selling: false,
                size: quantity,
            }),
            _ => None,
        })
        .collect()
}

/// A slot in the saved state, little-endian: whether it sells u8, its two lines, what it holds and the size of its order,
/// i64 each in units of 1e-8.
const LENGTH: usize = 33;

pub(crate) fn save(slots: &[Slot]) -> impl Iterator<Item = u8> {
    slots.iter().flat_map(|slot| {
        let numbers = [slot.below.units(), slot.above.units(), slot.held.units(), slot.size.units()];
        std::iter::once(u8::from(slot.selling)).chain(numbers.into_iter().flat_map(i64::to_le_bytes))
    })
}

/// Reads whole slots; nothing if there is more or less.
pub(crate) fn restore(bytes: &[u8]) -> Option<Vec<Slot>> {
    let (slots, []) = bytes.as_chunks::<LENGTH>() else { return None };
    let read = |slot: &[u8; LENGTH]| {
        let (selling, numbers) = slot.split_first()?;
        let ([below, above, held, size], []) = numbers.as_chunks::<8>() else { return None };
        let [below, above, held, size] = [below, above, held, size].map(|bytes| i64::from_le_bytes(*bytes));
        Some(Slot {
            below: Price::from_units(below),
            above: Price::from_units(above),
            held: Quantity::from_units(held),
            selling: *selling == 1,
            size: Quantity::from_units(size),
        })
    };
    slots.iter().map(read).collect()
}
