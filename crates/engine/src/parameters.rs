//! The parameters of a strategy, stated once.

use pampero_model::{Cash, Price, Quantity, Rate, Side, Span};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::parameter::{OutOfRange, Parameter, ParameterKind};

/// What `[strategy.parameters]` of a configuration can set: a struct with a default for each field, and a description
/// of each. [`parameters!`](crate::parameters) makes one.
pub trait Parameters: Default + Serialize + DeserializeOwned {
    /// The fields with their types, ranges and purposes, for lists, checks and searches.
    const DESCRIBED: &'static [Parameter];

    /// Says which value is outside of its range, if one is.
    fn in_range(&self) -> Result<(), OutOfRange> {
        // A struct of parameters always has a JSON form: its defaults are listed in it.
        let values = serde_json::to_value(self).unwrap_or_default();
        let mut checks =
            Self::DESCRIBED.iter().filter_map(|parameter| Some((parameter, values.get(parameter.name)?)));
        checks.try_for_each(|(parameter, value)| parameter.check(value))
    }
}

/// A type that a parameter can have.
pub trait ParameterType {
    /// What its values are.
    const KIND: ParameterKind;
}

macro_rules! kinds {
    ($($type:ty: $kind:expr),* $(,)?) => {$(
        impl ParameterType for $type {
            const KIND: ParameterKind = $kind;
        }
    )*};
}
kinds! {
    u32: ParameterKind::Count,
    u64: ParameterKind::Count,
    usize: ParameterKind::Count,
    Rate: ParameterKind::Share,
    Price: ParameterKind::Price,
    Quantity: ParameterKind::Quantity,
    Cash: ParameterKind::Cash,
    f64: ParameterKind::Number,
    Span: ParameterKind::Span,
    bool: ParameterKind::Flag,
    Side: ParameterKind::Choice(&["buy", "sell"]),
}

/// A parameter that may be left out.
impl<T: ParameterType> ParameterType for Option<T> {
    const KIND: ParameterKind = T::KIND;
}

/// Makes a struct of parameters from fields with their purposes, defaults and, after `=>`, ranges: the methods of
/// [`Parameter`](crate::Parameter). A configuration may leave out any of them, and may set no other. Ends of ranges are
/// written as in a configuration.
///
/// ```
/// use pampero_engine::{Parameters, parameters};
/// use pampero_model::{Rate, Span};
///
/// parameters! {
///     /// What can be set.
///     pub struct Params {
///         /// Closes in the average.
///         pub length: u32 = 20 => at_least("2").at_most("10000"),
///         /// How far a close must be beyond the average.
///         pub band: Rate = Rate::from_basis_points(50) => at_least("0").below("1"),
///         /// The candles to follow; whatever spans come if left out.
///         pub span: Option<Span> = None,
///     }
/// }
/// assert_eq!(Params::DESCRIBED[0].what, "Closes in the average.");
/// assert_eq!(Params::DESCRIBED[1].range(), "at least 0, below 1");
/// assert!(Params::default().in_range().is_ok());
/// let error = Params { length: 1, ..Params::default() }.in_range().unwrap_err();
/// assert_eq!(error.to_string(), "`length` = `1` is out of range (expected at least 2, at most 10000)");
/// ```
///
/// A choice of words is an enum:
///
/// ```
/// use pampero_engine::{Parameters, parameters};
/// parameters! {
///     /// Where an order is placed.
///     pub enum Placement {
///         /// At the best price of the other side.
///         Take = "take",
///         /// At the best price of its own side.
///         Join = "join",
///     }
/// }
/// parameters! {
///     pub struct Params {
///         /// At the best price of the other side, or of its own.
///         pub placement: Placement = Placement::Take,
///     }
/// }
/// assert_eq!(Params::DESCRIBED[0].range(), "take, join");
/// ```
#[macro_export]
macro_rules! parameters {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[doc = $what:literal])* $variant:ident = $word:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(crate = "pampero_engine::serde")]
        $vis enum $name {
            $($(#[doc = $what])* #[serde(rename = $word)] $variant,)+
        }

        impl $crate::ParameterType for $name {
            const KIND: $crate::ParameterKind = $crate::ParameterKind::Choice(&[$($word),+]);
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $what:literal])+
                $field_vis:vis $field:ident: $type:ty = $default:expr $(=> $($bound:ident($($value:tt)*)).+)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(crate = "pampero_engine::serde", default, deny_unknown_fields)]
        $vis struct $name {
            $($(#[doc = $what])+ $field_vis $field: $type,)*
        }

        impl ::std::default::Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::Parameters for $name {
            const DESCRIBED: &'static [$crate::Parameter] = &[$(
                $crate::Parameter::new(
                    stringify!($field),
                    <$type as $crate::ParameterType>::KIND,
                    concat!($($what),+).trim_ascii(),
                )$($(.$bound($($value)*))+)?,
            )*];
        }
    };
}
