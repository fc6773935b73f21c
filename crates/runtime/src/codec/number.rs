//! Whole numbers in as few bytes as they need.

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn put(buffer: &mut Vec<u8>, mut value: u128) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            return buffer.push(low);
        }
        buffer.push(low | 0x80);
    }
}

/// Takes a number off the front.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u128> {
    let mut value = 0_u128;
    for shift in (0..128).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let low = u128::from(byte & 0x7f);
        if low.leading_zeros() < shift {
            return None;
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Appends an amount of at most 120 bits in units of 1e-8. Amounts are decimals: the zeros at their end are counted
/// instead of written.
pub(super) fn put_amount(buffer: &mut Vec<u8>, units: i128) {
    let (mut digits, mut zeros) = (units.unsigned_abs(), 0);
    while zeros < 8 && digits != 0 && digits % 10 == 0 {
        digits /= 10;
        zeros += 1;
    }
    put(buffer, ((digits * 9 + zeros) << 1) | u128::from(units < 0));
}

/// Takes an amount off the front.
pub(super) fn take_amount(bytes: &mut &[u8]) -> Option<i128> {
    let value = take(bytes)?;
    let (digits, zeros) = ((value >> 1) / 9, u32::try_from((value >> 1) % 9).ok()?);
    let units = i128::try_from(digits.checked_mul(10_u128.checked_pow(zeros)?)?).ok()?;
    Some(if value & 1 == 1 { -units } else { units })
}
