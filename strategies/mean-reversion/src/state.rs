//! The saved state, in little-endian bytes:
//!
//! ```text
//! length u32 | open time of the last candle i64, ns | candles held u32
//! goal u8: 0 none, 1 enter, 2 leave | what the entry may still spend i128, in units of 1e-8
//! then the last closes, oldest first, at most `length` of them: i64 each, in units of 1e-8
//! ```

use pampero_engine::RestoreError;
use pampero_model::{Cash, Price, Timestamp};

use crate::strategy::{Goal, MeanReversion};

/// Version of the layout above.
pub(crate) const VERSION: u32 = 1;

pub(crate) fn save(strategy: &MeanReversion) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(strategy.params.length.to_le_bytes());
    bytes.extend(strategy.last_candle.as_nanos().to_le_bytes());
    bytes.extend(strategy.held.to_le_bytes());
    let (goal, left) = match strategy.goal {
        Goal::None => (0, Cash::ZERO),
        Goal::Enter(left) => (1, left),
        Goal::Leave => (2, Cash::ZERO),
    };
    bytes.push(goal);
    bytes.extend(left.units().to_le_bytes());
    for close in &strategy.closes {
        bytes.extend(close.units().to_le_bytes());
    }
    bytes
}

pub(crate) fn restore(strategy: &mut MeanReversion, mut bytes: &[u8]) -> Result<(), RestoreError> {
    let length = u32::from_le_bytes(take(&mut bytes)?);
    if length != strategy.params.length {
        let message = format!("it was saved with length = {length}, now it is {}", strategy.params.length);
        return Err(RestoreError::Malformed(message));
    }
    let last_candle = Timestamp::from_nanos(i64::from_le_bytes(take(&mut bytes)?));
    let held = u32::from_le_bytes(take(&mut bytes)?);
    let [goal] = take(&mut bytes)?;
    let left = Cash::from_units(i128::from_le_bytes(take(&mut bytes)?));
    let goal = match goal {
        0 => Goal::None,
        1 => Goal::Enter(left),
        2 => Goal::Leave,
        other => return Err(RestoreError::Malformed(format!("{other} is not a goal"))),
    };
    let mut closes = Vec::new();
    while !bytes.is_empty() {
        closes.push(Price::from_units(i64::from_le_bytes(take(&mut bytes)?)));
    }
    for close in closes {
        strategy.see(close);
    }
    (strategy.last_candle, strategy.held, strategy.goal) = (last_candle, held, goal);
    Ok(())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], RestoreError> {
    let (head, rest) = bytes
        .split_first_chunk()
        .ok_or_else(|| RestoreError::Malformed(format!("it ends {} bytes early", N - bytes.len())))?;
    *bytes = rest;
    Ok(*head)
}
