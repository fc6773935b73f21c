//! The saved state, in little-endian bytes:
//!
//! ```text
//! base that is not hedged i64: bought if above zero, sold if below | the price it is to be hedged at i64
//! tries so far u32 | the prices at which the standing bid and ask are to be hedged 2 × i64 | next evaluation i64, ns
//! ```

use pampero_engine::RestoreError;
use pampero_model::{Price, Quantity, Timestamp};

/// Version of the layout above.
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

    pub(crate) fn save(&self) -> Vec<u8> {
        let [bid, ask] = self.planned.map(Price::units);
        let mut bytes = Vec::with_capacity(44);
        bytes.extend(self.attempts.to_le_bytes());
        for number in [self.open.units(), self.hedge_price.units(), bid, ask, self.next.as_nanos()] {
            bytes.extend(number.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn restore(version: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        if version != VERSION {
            return Err(RestoreError::Version { found: version, expected: VERSION });
        }
        let malformed = || RestoreError::Malformed(format!("it has {} bytes and not 44", bytes.len()));
        let (attempts, rest) = bytes.split_first_chunk::<4>().ok_or_else(malformed)?;
        let ([open, price, bid, ask, next], []) = rest.as_chunks::<8>() else { return Err(malformed()) };
        let [open, price, bid, ask, next] =
            [open, price, bid, ask, next].map(|bytes| i64::from_le_bytes(*bytes));
        Ok(Self {
            open: Quantity::from_units(open),
            hedge_price: Price::from_units(price),
            attempts: u32::from_le_bytes(*attempts),
            planned: [Price::from_units(bid), Price::from_units(ask)],
            next: Timestamp::from_nanos(next),
        })
    }
}
