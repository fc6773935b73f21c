//! What is not hedged, and all else that survives a restart.

use pampero_engine::{RestoreError, StateValue};
use pampero_model::{Fill, Price, Quantity, Side, Timestamp};

/// Version of the saved state.
pub(crate) const VERSION: u32 = 1;

/// What survives a restart. Trades of the hedging market do not: their window is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// Base that is not hedged: bought if above zero, sold if below.
    pub(crate) open: Quantity,
    /// The price it is to be hedged at.
    pub(crate) hedge_price: Price,
    /// Hedges that ended before they were executed.
    pub(crate) attempts: u32,
    /// The prices at which an execution of the bid and of the ask are to be hedged.
    pub(crate) planned: [Price; 2],
    /// Books before this are not looked at.
    pub(crate) next: Timestamp,
}

impl State {
    pub(crate) const fn new() -> Self {
        Self {
            open: Quantity::ZERO,
            hedge_price: Price::ZERO,
            attempts: 0,
            planned: [Price::ZERO; 2],
            next: Timestamp::MIN,
        }
    }

    /// The side of an order that closes what is open.
    pub(crate) const fn hedge_side(&self) -> Side {
        if self.open.is_negative() { Side::Buy } else { Side::Sell }
    }

    /// A hedge was executed.
    pub(crate) fn hedged(&mut self, fill: &Fill) {
        self.open = self.open.saturating_add(fill.base_change());
    }

    /// A quote was executed. What was bought and what was sold cancel each other out; only what is left is hedged, at the
    /// mean of the prices that were planned for it.
    pub(crate) fn made(&mut self, fill: &Fill) {
        let before = self.open;
        self.hedged(fill);
        let planned = self.planned.get(fill.side.index()).copied().unwrap_or_default();
        let grows = before.is_negative() == self.open.is_negative();
        if before.is_zero() || !grows {
            self.hedge_price = planned;
        } else if self.open.abs() > before.abs() {
            self.hedge_price = weighted(self.hedge_price, before.abs(), planned, self.open.abs());
        }
    }
}

/// The mean of the price of `before` and of what came to it up to `after`.
fn weighted(price: Price, before: Quantity, added: Price, after: Quantity) -> Price {
    let part = |price: Price, units: i64| i128::from(price.units()) * i128::from(units);
    let sum = part(price, before.units()) + part(added, after.saturating_sub(before).units());
    let mean = sum.checked_div(i128::from(after.units())).and_then(|units| i64::try_from(units).ok());
    mean.map_or(price, Price::from_units)
}

impl StateValue for State {
    fn write(&self, bytes: &mut Vec<u8>) {
        let [bid, ask] = self.planned;
        (self.attempts, self.open, self.hedge_price, bid, ask, self.next).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError> {
        let (attempts, open, hedge_price, bid, ask, next) = StateValue::read(bytes)?;
        Ok(Self { open, hedge_price, attempts, planned: [bid, ask], next })
    }
}
