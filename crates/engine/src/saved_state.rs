//! The bytes of a strategy's saved state.

use pampero_model::{Cash, Price, Quantity, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::strategy::RestoreError;

/// A value in a saved state: numbers and amounts of fixed length in little-endian order, tuples of values one after
/// the other, and a `Vec` as the last value, which goes to the end.
///
/// ```
/// use pampero_engine::{restore_state, save_state};
/// use pampero_model::{Price, Timestamp};
/// let state = (Timestamp::from_secs(60), 3_u32, vec![Price::from_int(100), Price::from_int(101)]);
/// let bytes = save_state(&state);
/// assert_eq!(bytes.len(), 8 + 4 + 2 * 8);
/// assert_eq!(restore_state(&bytes, 1, 1), Ok(state));
/// ```
pub trait StateValue: Sized {
    /// Appends the value.
    fn write(&self, bytes: &mut Vec<u8>);

    /// Takes the value from the front of the bytes.
    fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError>;
}

/// The bytes of a state, for [`Strategy::save`](crate::Strategy::save).
pub fn save_state(state: &impl StateValue) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.write(&mut bytes);
    bytes
}

/// The state that [`save_state`] made bytes of, for [`Strategy::restore`](crate::Strategy::restore): refused if it was
/// saved as another `version` than `expected`, or has more or fewer bytes than its values.
pub fn restore_state<T: StateValue>(bytes: &[u8], version: u32, expected: u32) -> Result<T, RestoreError> {
    if version != expected {
        return Err(RestoreError::Version { found: version, expected });
    }
    let mut rest = bytes;
    let value = T::read(&mut rest)?;
    if rest.is_empty() {
        return Ok(value);
    }
    Err(RestoreError::Malformed(format!("bytes that are too many at its end: {}", rest.len())))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], RestoreError> {
    let missing = N.saturating_sub(bytes.len());
    let early = || RestoreError::Malformed(format!("it ends early; bytes that are missing: {missing}"));
    let (head, rest) = bytes.split_first_chunk().ok_or_else(early)?;
    *bytes = rest;
    Ok(*head)
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl StateValue for $integer {
            fn write(&self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }

            fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError> {
                take(bytes).map(Self::from_le_bytes)
            }
        }
    )*};
}
integers!(u8, u32, u64, i64, i128);

macro_rules! amounts {
    ($($amount:ty: $units:ident, $from:ident);*) => {$(
        impl StateValue for $amount {
            fn write(&self, bytes: &mut Vec<u8>) {
                self.$units().write(bytes);
            }

            fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError> {
                StateValue::read(bytes).map(Self::$from)
            }
        }
    )*};
}
amounts!(Price: units, from_units; Quantity: units, from_units; Cash: units, from_units;
    Timestamp: as_nanos, from_nanos);

impl StateValue for bool {
    fn write(&self, bytes: &mut Vec<u8>) {
        u8::from(*self).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError> {
        match u8::read(bytes)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(RestoreError::Malformed(format!("{other} is neither 0 for no nor 1 for yes"))),
        }
    }
}

impl<T: StateValue> StateValue for Vec<T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        for value in self {
            value.write(bytes);
        }
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError> {
        let mut values = Self::new();
        while !bytes.is_empty() {
            values.push(T::read(bytes)?);
        }
        Ok(values)
    }
}

macro_rules! tuples {
    ($(($($name:ident),*))*) => {$(
        impl<$($name: StateValue),*> StateValue for ($($name,)*) {
            fn write(&self, bytes: &mut Vec<u8>) {
                #[allow(non_snake_case)] // a value is named as its type
                let ($($name,)*) = self;
                $($name.write(bytes);)*
            }

            fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError> {
                Ok(($($name::read(bytes)?,)*))
            }
        }
    )*};
}
tuples!((A, B)(A, B, C)(A, B, C, D)(A, B, C, D, E)(A, B, C, D, E, F)(A, B, C, D, E, F, G)(
    A, B, C, D, E, F, G, H
));

/// A value as a whole, such as an indicator: the length of its bytes, and then those, in postcard's form.
///
/// ```
/// use pampero_engine::{Whole, restore_state, save_state};
/// #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Average { length: u32, last: Option<f64> }
/// let average = Average { length: 20, last: Some(0.1) };
/// let bytes = save_state(&(7_u64, Whole(average.clone())));
/// let (seven, Whole(restored)): (u64, Whole<Average>) = restore_state(&bytes, 1, 1)?;
/// assert_eq!((seven, restored), (7, average));
/// # Ok::<(), pampero_engine::RestoreError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<T>(pub T);

impl<T: Serialize + DeserializeOwned> StateValue for Whole<T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        // Plain data always has a form; were there none, restoring would refuse the nothing that stands here.
        let value = postcard::to_stdvec(&self.0).unwrap_or_default();
        u32::try_from(value.len()).unwrap_or(u32::MAX).write(bytes);
        bytes.extend(value);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, RestoreError> {
        let length = usize::try_from(u32::read(bytes)?).unwrap_or(usize::MAX);
        let early = || RestoreError::Malformed("a value in it ends early".to_owned());
        let (value, rest) = bytes.split_at_checked(length).ok_or_else(early)?;
        *bytes = rest;
        let wrong = |error: postcard::Error| RestoreError::Malformed(format!("a value in it: {error}"));
        let (value, rest) = postcard::take_from_bytes(value).map_err(wrong)?;
        if rest.is_empty() {
            return Ok(Self(value));
        }
        Err(RestoreError::Malformed("a value in it is longer than it says".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: StateValue + std::fmt::Debug>(bytes: &[u8]) -> String {
        restore_state::<T>(bytes, 1, 1).unwrap_err().to_string()
    }

    #[test]
    fn values_stand_in_the_order_of_the_tuple_in_little_endian() {
        let bytes = save_state(&(true, 2_u32, Price::from_units(-2), Cash::from_units(1), vec![7_u8, 8]));
        assert_eq!(bytes[..5], [1, 2, 0, 0, 0]);
        assert_eq!(bytes[5..13], (-2_i64).to_le_bytes());
        assert_eq!(bytes[13..29], 1_i128.to_le_bytes());
        assert_eq!(bytes[29..], [7, 8]);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_says_by_how_much() {
        assert!(refused::<(u32, u64)>(&[0; 10]).ends_with("are missing: 2"));
        assert!(refused::<(u32, u8)>(&[0; 8]).ends_with("too many at its end: 3"));
        assert!(refused::<Vec<u32>>(&[0; 7]).ends_with("are missing: 1"));
        assert!(refused::<bool>(&[2]).contains("2 is neither"));
        let whole = save_state(&Whole(vec![1_u32, 2, 3]));
        assert!(refused::<Whole<Vec<u32>>>(&whole[..whole.len() - 1]).ends_with("ends early"));
        assert!(refused::<Whole<u32>>(&whole).ends_with("longer than it says"));
        assert!(refused::<Whole<(Vec<u32>, u32)>>(&whole).contains("a value in it: "));
        assert_eq!(restore_state::<u8>(&[1], 1, 2), Err(RestoreError::Version { found: 1, expected: 2 }));
    }
}
