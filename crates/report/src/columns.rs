//! Columns of whole numbers in few bytes: differences, signs folded, seven bits a byte. Neighbours in a run differ
//! little, so that what remains for a general compressor is small.

/// What is written of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// How much each number differs from the one before.
    First,
    /// How much each difference differs from the one before: nothing at all in regular times.
    Second,
}

/// Appends a column. The first number counts from zero.
pub(crate) fn pack(bytes: &mut Vec<u8>, order: Order, values: impl Iterator<Item = i128>) {
    let (mut last, mut step) = (0_i128, 0_i128);
    for value in values {
        let change = value.wrapping_sub(last);
        last = value;
        match order {
            Order::First => number(bytes, change),
            Order::Second => {
                number(bytes, change.wrapping_sub(step));
                step = change;
            }
        }
    }
}

fn number(bytes: &mut Vec<u8>, value: i128) {
    // The sign goes into the lowest bit: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4.
    let mut rest = (value.wrapping_shl(1) ^ (value >> 127)).cast_unsigned();
    while rest > 127 {
        bytes.push(low_bits(rest) | 128);
        rest >>= 7;
    }
    bytes.push(low_bits(rest));
}

fn low_bits(value: u128) -> u8 {
    u8::try_from(value & 127).unwrap_or(0)
}

/// Takes a column of `count` numbers off the front; nothing if the bytes are not one.
pub(crate) fn unpack(bytes: &mut &[u8], order: Order, count: usize) -> Option<Vec<i128>> {
    // Every number takes a byte at least, so a wrong count cannot ask for more memory than there are bytes.
    let mut values = Vec::with_capacity(count.min(bytes.len()));
    let (mut last, mut step) = (0_i128, 0_i128);
    for _ in 0..count {
        let change = take_number(bytes)?;
        step = match order {
            Order::First => change,
            Order::Second => step.wrapping_add(change),
        };
        last = last.wrapping_add(step);
        values.push(last);
    }
    Some(values)
}

fn take_number(bytes: &mut &[u8]) -> Option<i128> {
    let mut folded = 0_u128;
    for shift in (0..128).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        folded |= u128::from(byte & 127) << shift;
        if *byte < 128 {
            return Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(order: Order, values: &[i128]) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack(&mut bytes, order, values.iter().copied());
        let mut rest = &bytes[..];
        assert_eq!(unpack(&mut rest, order, values.len()).as_deref(), Some(values));
        assert!(rest.is_empty());
        let mut cut = bytes.get(..bytes.len().saturating_sub(1)).unwrap();
        assert!(values.is_empty() || unpack(&mut cut, order, values.len()).is_none());
        bytes
    }

    proptest! {
        #[test]
        fn any_numbers_come_back(values in prop::collection::vec(any::<i128>(), 0..40)) {
            check(Order::First, &values);
            check(Order::Second, &values);
        }
    }

    #[test]
    fn extremes_come_back_and_regular_times_are_one_byte_each() {
        check(Order::Second, &[i128::MIN, i128::MAX, 0, -1, i128::MAX]);
        let times: Vec<i128> = (0..100).map(|index| 1_700_000_000_000 + index * 3_600_000).collect();
        assert_eq!(check(Order::Second, &times).len(), 6 + 6 + 98);
        assert!(unpack(&mut &[255_u8; 30][..], Order::First, 1).is_none());
    }
}
