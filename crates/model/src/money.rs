//! Currencies and amounts that know theirs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::fixed::{ParseAmountError, parse_units, write_units};

/// A currency or coin, by its code of two to eight letters or digits. Case does not matter.
///
/// ```
/// use pampero_model::Currency;
/// let currency: Currency = "USD".parse()?;
/// assert_eq!(currency, "usd".parse()?);
/// assert_eq!((currency.to_string().as_str(), currency.code()), ("USD", "usd"));
/// # Ok::<(), pampero_model::CurrencyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    /// Lower case, padded with zero bytes.
    code: [u8; 8],
}

/// A text that is not a currency code.
///
/// ```
/// use pampero_model::Currency;
/// let error = "u$d".parse::<Currency>().unwrap_err();
/// assert!(error.to_string().starts_with("`u$d` is not a currency code"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a currency code (two to eight letters or digits, such as `btc`)")]
pub struct CurrencyError(String);

impl Currency {
    /// The code in lower case, as the exchange writes it in order books.
    pub fn code(&self) -> &str {
        let length = self.code.iter().position(|byte| *byte == 0).unwrap_or(self.code.len());
        // The bytes are ASCII by construction, so neither fallback is reached.
        self.code.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = (2..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !valid {
            return Err(CurrencyError(text.to_owned()));
        }
        let mut code = [0; 8];
        for (slot, byte) in code.iter_mut().zip(text.bytes()) {
            *slot = byte.to_ascii_lowercase();
        }
        Ok(Self { code })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.code().to_ascii_uppercase())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({})", self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// An amount of one currency, in units of 1e-8. Two currencies cannot be added.
///
/// ```
/// use pampero_model::{Money, MoneyError};
/// let dollars: Money = "10.50 USD".parse().unwrap();
/// let pesos: Money = "100 ARS".parse().unwrap();
/// assert_eq!(dollars.checked_add(dollars).unwrap().to_string(), "21 USD");
/// assert!(matches!(dollars.checked_add(pesos), Err(MoneyError::CurrencyMismatch { .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Whose amount it is.
    pub currency: Currency,
    /// The amount in units of 1e-8.
    #[serde(with = "units_as_text")]
    pub units: i128,
}

/// An operation on money that has no result.
///
/// ```
/// use pampero_model::{Money, MoneyError};
/// assert!(matches!("10 U$D".parse::<Money>(), Err(MoneyError::Currency(_))));
/// assert!(matches!("ten USD".parse::<Money>(), Err(MoneyError::Amount(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// The two amounts are of different currencies.
    #[error("{left} and {right} cannot be added: convert one of them first")]
    CurrencyMismatch {
        /// Currency of the left amount.
        left: Currency,
        /// Currency of the right amount.
        right: Currency,
    },
    /// The result is out of range.
    #[error("the sum is too large to hold")]
    Overflow,
    /// The text is not an amount.
    #[error(transparent)]
    Amount(#[from] ParseAmountError),
    /// The text names no currency.
    #[error(transparent)]
    Currency(#[from] CurrencyError),
}

impl Money {
    /// An amount in units of 1e-8 of a currency.
    pub const fn new(currency: Currency, units: i128) -> Self {
        Self { currency, units }
    }

    /// The sum of two amounts of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.check_currency(other)?;
        let units = self.units.checked_add(other.units).ok_or(MoneyError::Overflow)?;
        Ok(Self { units, ..self })
    }

    /// The difference of two amounts of one currency.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.check_currency(other)?;
        let units = self.units.checked_sub(other.units).ok_or(MoneyError::Overflow)?;
        Ok(Self { units, ..self })
    }

    fn check_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads `10.50 USD`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (amount, currency) = text.trim().split_once(' ').unwrap_or((text, ""));
        Ok(Self { currency: currency.trim().parse()?, units: parse_units(amount)? })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_units(self.units, f)?;
        write!(f, " {}", self.currency)
    }
}

mod units_as_text {
    use super::{Deserialize, Deserializer, Serialize, Serializer};
    use crate::Cash;

    pub fn serialize<S: Serializer>(units: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        Cash::from_units(*units).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        Cash::deserialize(deserializer).map(Cash::units)
    }
}
