//! Balances: what an account owns of each currency, and how much of it open orders hold.

use pampero_model::{Currency, MarketId, Money, VenueId};
use thiserror::Error;

/// What an account has of one currency, in units of 1e-8.
///
/// ```
/// use pampero_venue::Balance;
/// let balance = Balance { total: 100, reserved: 30 };
/// assert_eq!(balance.available(), 70);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Everything, reserved or not.
    pub total: i128,
    /// The part set aside for open orders.
    pub reserved: i128,
}

/// A deposit or withdrawal that the venue does not make.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VenueError {
    /// No market belongs to the venue.
    #[error("there is no venue {}: its markets must be known when the simulation starts", .0.0)]
    UnknownVenue(VenueId),
    /// There is no such market, or an order in it that it cannot count.
    #[error("there is no market {} that could take the order", .0.0)]
    UnknownMarket(MarketId),
    /// No such account was opened.
    #[error("there is no account {0}: open it first")]
    UnknownAccount(u32),
    /// Deposits and withdrawals are positive amounts.
    #[error("{0} cannot be deposited or withdrawn: the amount must be above zero")]
    NotPositive(Money),
    /// More than is available.
    #[error("{wanted} cannot be withdrawn or reserved: {available} is available")]
    InsufficientFunds {
        /// What was asked for.
        wanted: Money,
        /// What is there and not reserved.
        available: Money,
    },
    /// A balance beyond the range that the simulation counts in.
    #[error("{0} cannot be deposited: the balance would be too large to hold")]
    TooLarge(Money),
}

/// Far above any balance and far below the end of the range, so that no later credit can overflow.
const LARGEST: i128 = i128::MAX / 4;

impl Balance {
    /// What new orders and withdrawals may use.
    pub const fn available(&self) -> i128 {
        self.total - self.reserved
    }

    /// Sets an amount aside, if it is available.
    #[inline]
    pub(crate) fn reserve(&mut self, units: i64) -> bool {
        let enough = self.available() >= i128::from(units);
        if enough {
            self.reserved += i128::from(units);
        }
        enough
    }

    #[inline]
    pub(crate) fn release(&mut self, units: i64) {
        self.reserved -= i128::from(units);
    }

    pub(crate) fn deposit(&mut self, money: Money) -> Result<(), VenueError> {
        if money.units <= 0 {
            return Err(VenueError::NotPositive(money));
        }
        let total = self.total.checked_add(money.units).filter(|total| *total <= LARGEST);
        self.total = total.ok_or(VenueError::TooLarge(money))?;
        Ok(())
    }

    pub(crate) fn withdraw(&mut self, money: Money) -> Result<(), VenueError> {
        if money.units <= 0 {
            return Err(VenueError::NotPositive(money));
        }
        if money.units > self.available() {
            let available = Money { units: self.available(), ..money };
            return Err(VenueError::InsufficientFunds { wanted: money, available });
        }
        self.total -= money.units;
        Ok(())
    }
}

/// The balances of one account and the fees it paid, by the position of the currency.
#[derive(Clone, Debug, Default)]
pub struct Wallet {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    currency: Currency,
    balance: Balance,
    fees: i128,
}

impl Wallet {
    /// The position of a currency, which is added if it is new.
    pub fn slot(&mut self, currency: Currency) -> usize {
        let known = self.entries.iter().position(|entry| entry.currency == currency);
        known.unwrap_or_else(|| {
            self.entries.push(Entry { currency, balance: Balance::default(), fees: 0 });
            self.entries.len() - 1
        })
    }

    /// The balance at a position that [`slot`](Self::slot) gave.
    #[inline]
    pub fn at(&mut self, slot: usize) -> Option<&mut Balance> {
        self.entries.get_mut(slot).map(|entry| &mut entry.balance)
    }

    pub fn balance(&self, currency: Currency) -> Balance {
        self.find(currency).map(|entry| entry.balance).unwrap_or_default()
    }

    pub fn fees(&self, currency: Currency) -> i128 {
        self.find(currency).map_or(0, |entry| entry.fees)
    }

    /// Every currency with its balance and the fees paid in it.
    pub fn entries(&self) -> impl Iterator<Item = (Currency, Balance, i128)> {
        self.entries.iter().map(|entry| (entry.currency, entry.balance, entry.fees))
    }

    /// Puts a balance in place of what there is.
    pub fn set(&mut self, currency: Currency, balance: Balance, fees: i128) {
        let slot = self.slot(currency);
        if let Some(entry) = self.entries.get_mut(slot) {
            *entry = Entry { currency, balance, fees };
        }
    }

    fn find(&self, currency: Currency) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.currency == currency)
    }

    /// Pays from what is reserved.
    #[inline]
    pub fn pay(&mut self, slot: usize, units: i64) {
        if let Some(entry) = self.entries.get_mut(slot) {
            entry.balance.total -= i128::from(units);
            entry.balance.reserved -= i128::from(units);
        }
    }

    /// Receives an amount, of which a part is the fee.
    #[inline]
    pub fn receive(&mut self, slot: usize, units: i64, fee: i64) {
        if let Some(entry) = self.entries.get_mut(slot) {
            entry.balance.total += i128::from(units - fee);
            entry.fees += i128::from(fee);
        }
    }
}
