//! Price, quantity, cash and rate: four fixed-point types that cannot be mixed.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Side;
use crate::fixed::{
    ArithmeticError, DECIMALS, ParseAmountError, Rounding, SCALE, SCALE_WIDE, mul_div, parse_units, product,
    write_units,
};

/// Defines a fixed-point newtype over an integer in units of 1e-8.
macro_rules! amount {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($repr);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The smallest step, 1e-8.
            pub const UNIT: Self = Self(1);
            /// The largest value the type holds.
            pub const MAX: Self = Self(<$repr>::MAX);

            /// From an integer in units of 1e-8.
            pub const fn from_units(units: $repr) -> Self {
                Self(units)
            }

            /// So many whole ones; beyond the range, the largest value.
            pub const fn from_int(whole: $repr) -> Self {
                // The scale is a small constant.
                #[allow(clippy::cast_lossless)]
                Self(whole.saturating_mul(SCALE as $repr))
            }

            /// The value as an integer in units of 1e-8.
            pub const fn units(self) -> $repr {
                self.0
            }

            /// Whether the value is zero.
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// Whether the value is above zero.
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            /// Whether the value is below zero.
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }

            /// The sum, unless it is out of range.
            pub fn checked_add(self, other: Self) -> Result<Self, ArithmeticError> {
                self.0.checked_add(other.0).map(Self).ok_or(ArithmeticError::Overflow)
            }

            /// The difference, unless it is out of range.
            pub fn checked_sub(self, other: Self) -> Result<Self, ArithmeticError> {
                self.0.checked_sub(other.0).map(Self).ok_or(ArithmeticError::Overflow)
            }

            /// The sum, held at the ends of the range.
            #[must_use]
            pub const fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }

            /// The difference, held at the ends of the range.
            #[must_use]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }

            /// The magnitude, held at the end of the range.
            #[must_use]
            pub const fn abs(self) -> Self {
                Self(self.0.saturating_abs())
            }

            /// The largest multiple of `step` that is not farther from zero; a step of zero changes nothing.
            #[must_use]
            pub const fn truncate_to(self, step: Self) -> Self {
                if step.0 <= 1 { self } else { Self(self.0 - self.0 % step.0) }
            }

            /// The value as a float, for signals and statistics only, never for money.
            pub fn to_f64(self) -> f64 {
                units_to_f64(i128::from(self.0))
            }
        }

        impl FromStr for $name {
            type Err = ParseAmountError;

            /// Reads a decimal number; digits beyond the eighth are cut off.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let units = parse_units(text)?;
                <$repr>::try_from(units).map(Self).map_err(|_| ParseAmountError::TooLarge(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_units(i128::from(self.0), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        /// Text in formats for people, units of 1e-8 in binary ones.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            /// Reads a string: numbers would have passed through floating point.
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if !deserializer.is_human_readable() {
                    return <$repr>::deserialize(deserializer).map(Self);
                }
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl TryFrom<Decimal> for $name {
            type Error = ArithmeticError;

            /// Digits beyond the eighth are cut off.
            fn try_from(decimal: Decimal) -> Result<Self, Self::Error> {
                let units = decimal_to_units(decimal)?;
                <$repr>::try_from(units).map(Self).map_err(|_| ArithmeticError::Overflow)
            }
        }

        impl TryFrom<$name> for Decimal {
            type Error = ArithmeticError;

            fn try_from(amount: $name) -> Result<Self, Self::Error> {
                Decimal::try_from_i128_with_scale(i128::from(amount.0), DECIMALS)
                    .map(|decimal| decimal.normalize())
                    .map_err(|_| ArithmeticError::Overflow)
            }
        }
    };
}

amount! {
    /// A price: quote currency per one of the base currency.
    ///
    /// ```
    /// use pampero_model::Price;
    /// let price: Price = "3645.10866297".parse()?;
    /// assert_eq!(price.units(), 364_510_866_297);
    /// assert_eq!("0.1".parse::<Price>(), "0.100".parse::<Price>());
    /// # Ok::<(), pampero_model::ParseAmountError>(())
    /// ```
    Price(i64)
}

amount! {
    /// A quantity of a market's base currency.
    ///
    /// ```
    /// use pampero_model::Quantity;
    /// let quantity: Quantity = "1.0e-08".parse()?;
    /// assert_eq!(quantity, Quantity::UNIT);
    /// # Ok::<(), pampero_model::ParseAmountError>(())
    /// ```
    Quantity(i64)
}

amount! {
    /// An amount of a market's quote currency.
    ///
    /// ```
    /// use pampero_model::{Cash, Price, Rounding};
    /// let cash: Cash = "10".parse()?;
    /// let price: Price = "4".parse()?;
    /// assert_eq!(cash.quantity_at(price, Rounding::Down)?.to_string(), "2.5");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Cash(i128)
}

amount! {
    /// A dimensionless ratio: a fee of 0.25 % is `0.0025`.
    ///
    /// ```
    /// use pampero_model::{Quantity, Rate, Rounding};
    /// let fee: Rate = "0.0025".parse()?;
    /// let base: Quantity = "0.00022727".parse()?;
    /// assert_eq!(fee.of_quantity(base, Rounding::Down)?.to_string(), "0.00000056");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Rate(i64)
}

/// How much an order is for, in the unit the exchange counts it in.
///
/// ```
/// use pampero_model::{Cash, Size};
/// let spend = Size::Quote("100".parse()?);
/// assert_eq!(spend.to_string(), "100 quote");
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// In the base currency: "sell this many coins".
    Base(Quantity),
    /// In the quote currency: "spend up to this much".
    Quote(Cash),
}

impl Size {
    /// The size as an integer in units of 1e-8 of its own currency.
    pub fn units(self) -> i128 {
        match self {
            Self::Base(quantity) => i128::from(quantity.units()),
            Self::Quote(cash) => cash.units(),
        }
    }

    /// Whether nothing is left.
    pub fn is_zero(self) -> bool {
        self.units() == 0
    }

    /// The quote value at a price: what a base size costs, or a quote size itself.
    pub fn notional(self, price: Price, rounding: Rounding) -> Result<Cash, ArithmeticError> {
        match self {
            Self::Base(quantity) => price.notional(quantity, rounding),
            Self::Quote(cash) => Ok(cash),
        }
    }

    /// The base quantity at a price: what a quote size buys, or a base size itself.
    pub fn quantity(self, price: Price, rounding: Rounding) -> Result<Quantity, ArithmeticError> {
        match self {
            Self::Base(quantity) => Ok(quantity),
            Self::Quote(cash) => cash.quantity_at(price, rounding),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base(quantity) => write!(f, "{quantity} base"),
            Self::Quote(cash) => write!(f, "{cash} quote"),
        }
    }
}

impl Price {
    /// Price × quantity, in quote currency.
    pub fn notional(self, quantity: Quantity, rounding: Rounding) -> Result<Cash, ArithmeticError> {
        product(self.0, quantity.0, rounding).map(Cash)
    }

    /// The midpoint of two prices; half a unit is cut off.
    #[must_use]
    pub const fn midpoint(self, other: Self) -> Self {
        Self(self.0.midpoint(other.0))
    }

    /// The price moved by a rate: `price × (1 + rate)`.
    pub fn shifted(self, rate: Rate, rounding: Rounding) -> Result<Self, ArithmeticError> {
        let factor = rate.0.checked_add(SCALE).ok_or(ArithmeticError::Overflow)?;
        let units = product(self.0, factor, rounding)?;
        i64::try_from(units).map(Self).map_err(|_| ArithmeticError::Overflow)
    }

    /// The price in another quote currency, of which one unit of this one's is worth `rate`.
    ///
    /// ```
    /// use pampero_model::{Price, Rounding};
    /// let (dollars, pesos_for_a_dollar): (Price, Price) = ("3600.5".parse()?, "1000".parse()?);
    /// assert_eq!(dollars.converted(pesos_for_a_dollar, Rounding::Down)?.to_string(), "3600500");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn converted(self, rate: Self, rounding: Rounding) -> Result<Self, ArithmeticError> {
        Rate(rate.0).of_price(self, rounding)
    }

    /// The price of which this one is left once a fee is taken: `price ÷ (1 − fee)`, rounded up.
    ///
    /// ```
    /// use pampero_model::Price;
    /// let net: Price = "80".parse()?;
    /// assert_eq!(net.before_fee("0.2".parse()?)?.to_string(), "100");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn before_fee(self, fee: Rate) -> Result<Self, ArithmeticError> {
        let kept = Quantity(Rate::ONE.saturating_sub(fee).0);
        Cash(self.0.into()).average_price(kept, Rounding::Up)
    }

    /// The price moved by a share of itself to where an order of a side is farther from the market: a buy lower, a sell
    /// higher. Rounded the same way.
    ///
    /// ```
    /// use pampero_model::{Price, Rate, Side};
    /// let price: Price = "100".parse()?;
    /// assert_eq!(price.away(Side::Buy, "0.01".parse()?)?.to_string(), "99");
    /// assert_eq!(price.away(Side::Sell, "0.01".parse()?)?.to_string(), "101");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn away(self, side: Side, share: Rate) -> Result<Self, ArithmeticError> {
        match side {
            Side::Buy => {
                self.shifted(Rate(share.0.checked_neg().ok_or(ArithmeticError::Overflow)?), Rounding::Down)
            }
            Side::Sell => self.shifted(share, Rounding::Up),
        }
    }
}

impl Cash {
    /// The quantity this much cash buys at a price.
    pub fn quantity_at(self, price: Price, rounding: Rounding) -> Result<Quantity, ArithmeticError> {
        let units = mul_div(self.0, SCALE_WIDE, i128::from(price.0), rounding)?;
        i64::try_from(units).map(Quantity).map_err(|_| ArithmeticError::Overflow)
    }

    /// The average price when this much cash changed hands for a quantity.
    pub fn average_price(self, quantity: Quantity, rounding: Rounding) -> Result<Price, ArithmeticError> {
        let units = mul_div(self.0, SCALE_WIDE, i128::from(quantity.0), rounding)?;
        i64::try_from(units).map(Price).map_err(|_| ArithmeticError::Overflow)
    }

    /// This amount as a share of another: `self ÷ whole`.
    pub fn ratio_to(self, whole: Self, rounding: Rounding) -> Result<Rate, ArithmeticError> {
        let units = mul_div(self.0, SCALE_WIDE, whole.0, rounding)?;
        i64::try_from(units).map(Rate).map_err(|_| ArithmeticError::Overflow)
    }
}

impl Rate {
    /// One, or 100 %.
    pub const ONE: Self = Self(SCALE);

    /// So many hundredths of a percent; beyond the range, the largest value.
    ///
    /// ```
    /// assert_eq!(pampero_model::Rate::from_basis_points(25).to_string(), "0.0025");
    /// ```
    pub const fn from_basis_points(basis_points: i64) -> Self {
        Self(basis_points.saturating_mul(SCALE / 10_000))
    }

    /// The quantity of which `net` is left once this share of it is taken, as a fee is; rounded up.
    ///
    /// ```
    /// use pampero_model::{Quantity, Rate};
    /// let fee: Rate = "0.2".parse()?;
    /// assert_eq!(fee.gross_of("4".parse::<Quantity>()?)?.to_string(), "5");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn gross_of(self, net: Quantity) -> Result<Quantity, ArithmeticError> {
        let kept = Price::from_units(Self::ONE.saturating_sub(self).units());
        Cash::from_units(net.units().into()).quantity_at(kept, Rounding::Up)
    }

    /// This share of a quantity.
    pub fn of_quantity(self, quantity: Quantity, rounding: Rounding) -> Result<Quantity, ArithmeticError> {
        let units = product(quantity.0, self.0, rounding)?;
        i64::try_from(units).map(Quantity).map_err(|_| ArithmeticError::Overflow)
    }

    /// This share of an amount of cash.
    pub fn of_cash(self, cash: Cash, rounding: Rounding) -> Result<Cash, ArithmeticError> {
        match i64::try_from(cash.0) {
            Ok(units) => product(units, self.0, rounding),
            Err(_) => mul_div(cash.0, i128::from(self.0), SCALE_WIDE, rounding),
        }
        .map(Cash)
    }

    /// This share of a price.
    pub fn of_price(self, price: Price, rounding: Rounding) -> Result<Price, ArithmeticError> {
        let units = product(price.0, self.0, rounding)?;
        i64::try_from(units).map(Price).map_err(|_| ArithmeticError::Overflow)
    }
}

fn decimal_to_units(decimal: Decimal) -> Result<i128, ArithmeticError> {
    let scale = Decimal::from(SCALE);
    decimal.checked_mul(scale).and_then(|units| units.trunc().to_i128()).ok_or(ArithmeticError::Overflow)
}

// Signals and statistics are floating point by design; the loss beyond 2^53 units is stated at the callers.
#[allow(clippy::cast_precision_loss)]
#[inline]
pub(crate) fn units_to_f64(units: i128) -> f64 {
    match i64::try_from(units) {
        Ok(units) => units as f64 / 1e8,
        Err(_) => wide_units_to_f64(units),
    }
}

/// Apart and cold, or the compiler joins the two branches and calls the slow 128-bit conversion for all.
#[allow(clippy::cast_precision_loss)]
#[cold]
#[inline(never)]
fn wide_units_to_f64(units: i128) -> f64 {
    units as f64 / 1e8
}
