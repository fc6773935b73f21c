//! What the options of several commands take: orders, consent, one-time passwords, exact amounts.
#![allow(clippy::doc_markdown)] // help texts, shown as they are

use std::str::FromStr;

use clap::Args;
use pampero_bitex::OneTimePassword;
use pampero_model::{Cash, Price, Quantity, Rate, Side, VenueOrderId};

/// An order by side and number, since the two sides are numbered apart: `buy:5035`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OrderKey {
    pub side: Side,
    pub id: VenueOrderId,
}

impl FromStr for OrderKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(':').and_then(|(side, id)| {
            let side = match side {
                "buy" | "bid" => Side::Buy,
                "sell" | "ask" => Side::Sell,
                _ => return None,
            };
            Some(Self { side, id: VenueOrderId(id.parse().ok()?) })
        });
        parsed.ok_or_else(|| "expected a side and a number, such as buy:5035 or sell:1597".to_owned())
    }
}

impl std::fmt::Display for OrderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}:{}", self.side, self.id))
    }
}

/// Consent to what moves money or keys.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Consent {
    /// Do not ask for a confirmation
    #[arg(long)]
    pub yes: bool,
}

/// A one-time password, asked for on a terminal if it is not given.
#[derive(Clone, Debug, Args)]
pub(crate) struct Otp {
    /// The one-time password: six digits
    #[arg(long, value_name = "CODE")]
    pub otp: Option<String>,
}

impl Otp {
    /// What was given, checked for its form.
    pub fn given(&self) -> Option<Result<OneTimePassword, pampero_bitex::KeyError>> {
        self.otp.as_deref().map(OneTimePassword::new)
    }
}

/// An exact amount above zero, of at most eight decimals.
pub(super) fn exact<T>(text: &str) -> Result<T, String>
where
    T: FromStr + Into<Units> + Copy,
    T::Err: std::fmt::Display,
{
    let decimals = text.split_once('.').map_or("", |(_, decimals)| decimals);
    if decimals.trim_end_matches('0').len() > 8 {
        return Err("more than 8 decimals".to_owned());
    }
    let value: T = text.parse().map_err(|error: T::Err| error.to_string())?;
    if value.into().0 > 0 { Ok(value) } else { Err("expected an amount above 0".to_owned()) }
}

/// Units of 1e-8 of whatever it is.
pub(super) struct Units(i128);

impl From<Cash> for Units {
    fn from(cash: Cash) -> Self {
        Self(cash.units())
    }
}

impl From<Quantity> for Units {
    fn from(quantity: Quantity) -> Self {
        Self(quantity.units().into())
    }
}

impl From<Price> for Units {
    fn from(price: Price) -> Self {
        Self(price.units().into())
    }
}

/// A share that may be the whole.
pub(super) fn whole_share(text: &str) -> Result<Rate, String> {
    let rate: Rate = text.parse().map_err(|error| format!("{error}"))?;
    if rate.is_negative() || rate > Rate::ONE {
        return Err("expected a share from 0 to 1, such as 0.1 for 10 %".to_owned());
    }
    Ok(rate)
}
