//! The slots between two lines: what each of them waits for.

use pampero_engine::{RestoreError, StateValue};
use pampero_model::{Price, Quantity, Side};

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
    /// Where its order of a side stands.
    pub(crate) const fn line(&self, side: Side) -> Price {
        match side {
            Side::Buy => self.below,
            Side::Sell => self.above,
        }
    }

    /// What is left to buy of `quantity`, or to sell of what it holds.
    pub(crate) const fn left(&self, side: Side, quantity: Quantity) -> Quantity {
        match side {
            Side::Buy => quantity.saturating_sub(self.held),
            Side::Sell => self.held,
        }
    }

    /// Ready for an order of a side over what is left.
    pub(crate) fn arm(&mut self, side: Side, quantity: Quantity, step: Quantity) {
        self.selling = side == Side::Sell;
        self.size = self.left(side, quantity).truncate_to(step);
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
    let pairs = prices.iter().zip(prices.iter().skip(1));
    let slot = |(&below, &above)| Slot { below, above, held: Quantity::ZERO, selling: false, size: quantity };
    pairs.map(slot).collect()
}

/// Whether it sells u8, its two lines, what it holds and the size of its order.
impl StateValue for Slot {
    fn write(&self, bytes: &mut Vec<u8>) {
        (self.selling, self.below, self.above, self.held, self.size).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError> {
        let (selling, below, above, held, size) = StateValue::read(bytes)?;
        Ok(Self { below, above, held, selling, size })
    }
}
