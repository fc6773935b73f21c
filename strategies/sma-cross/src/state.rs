//! The saved state, in little-endian bytes:
//!
//! ```text
//! fast u32 | slow u32 | open time of the last candle i64, ns | above u8: 0 no, 1 yes, 2 not known
//! goal u8: 0 none, 1 enter, 2 leave | what the entry may still spend i128, in units of 1e-8, or -1
//! then the last closes, oldest first, at most `slow` of them: i64 each, in units of 1e-8
//! ```

use pampero_engine::RestoreError;
use pampero_indicators::{Indicator, Sma};
use pampero_model::{Cash, Price, Timestamp};

use crate::strategy::{Goal, SmaCross};

/// Version of the layout above.
pub(crate) const VERSION: u32 = 1;

pub(crate) fn save(strategy: &SmaCross) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(strategy.fast.length().to_le_bytes());
    bytes.extend(strategy.slow.length().to_le_bytes());
    bytes.extend(strategy.last_candle.as_nanos().to_le_bytes());
    bytes.push(strategy.above.map_or(2, u8::from));
    bytes.push(match strategy.goal {
        Goal::None => 0,
        Goal::Enter => 1,
        Goal::Leave => 2,
    });
    bytes.extend(strategy.spend.map_or(-1, Cash::units).to_le_bytes());
    // The slow average holds every close that the fast one does.
    for close in strategy.slow.prices() {
        bytes.extend(close.units().to_le_bytes());
    }
    bytes
}

pub(crate) fn restore(strategy: &mut SmaCross, mut bytes: &[u8]) -> Result<(), RestoreError> {
    let lengths = (u32::from_le_bytes(take(&mut bytes)?), u32::from_le_bytes(take(&mut bytes)?));
    let ours = (strategy.fast.length(), strategy.slow.length());
    if lengths != ours {
        let message = format!(
            "it was saved with fast = {} and slow = {}, now they are {} and {}",
            lengths.0, lengths.1, ours.0, ours.1
        );
        return Err(RestoreError::Malformed(message));
    }
    let last_candle = Timestamp::from_nanos(i64::from_le_bytes(take(&mut bytes)?));
    let above = match take(&mut bytes)? {
        [0] => Some(false),
        [1] => Some(true),
        [2] => None,
        [other] => return Err(RestoreError::Malformed(format!("{other} is not a signal"))),
    };
    let goal = match take(&mut bytes)? {
        [0] => Goal::None,
        [1] => Goal::Enter,
        [2] => Goal::Leave,
        [other] => return Err(RestoreError::Malformed(format!("{other} is not a goal"))),
    };
    let spend = i128::from_le_bytes(take(&mut bytes)?);
    let (mut fast, mut slow) = (Sma::new(ours.0), Sma::new(ours.1));
    while !bytes.is_empty() {
        let close = Price::from_units(i64::from_le_bytes(take(&mut bytes)?));
        fast.update(close);
        slow.update(close);
    }
    if above.is_some() && !slow.is_warm() {
        return Err(RestoreError::Malformed("it holds a signal and too few closes for one".to_owned()));
    }
    strategy.fast = fast;
    strategy.slow = slow;
    strategy.last_candle = last_candle;
    strategy.above = above;
    strategy.goal = goal;
    strategy.spend = (spend >= 0).then(|| Cash::from_units(spend));
    Ok(())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], RestoreError> {
    let (head, rest) = bytes
        .split_first_chunk()
        .ok_or_else(|| RestoreError::Malformed(format!("it ends {} bytes early", N - bytes.len())))?;
    *bytes = rest;
    Ok(*head)
}
