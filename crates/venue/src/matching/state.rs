//! Everything a matching venue holds, in the open, so that a caller can store it and begin again from it.

use std::collections::BTreeSet;

use pampero_model::{Currency, Markets, Side, VenueStatus};
use thiserror::Error;

use super::order::{Entry, Links, NO_ORDER};
use super::{AccountId, Match, MatchingVenue, OrderKey, VenueOrder, VenueRequest};
use crate::balance::Balance;
use crate::working::Working;

/// The state of a [`MatchingVenue`].
///
/// ```
/// use pampero_model::{Market, Markets};
/// use pampero_venue::MatchingVenue;
///
/// let mut markets = Markets::default();
/// markets.insert(Market::new("bitex", "btc_usd")?)?;
/// let mut venue = MatchingVenue::new(&markets);
/// let ana = venue.open_account();
/// venue.deposit(ana, "5 BTC".parse()?)?;
/// let again = MatchingVenue::from_state(&markets, &venue.state())?;
/// assert_eq!(again.balance(ana, "btc".parse()?).total, 500_000_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VenueState {
    /// The wallet of each account: what it has of each currency, and the fees it paid in it.
    pub wallets: Vec<Vec<(Currency, Balance, i128)>>,
    /// Every buy, oldest first.
    pub buys: Vec<VenueOrder>,
    /// Every sell, oldest first.
    pub sells: Vec<VenueOrder>,
    /// Every match, oldest first.
    pub matches: Vec<Match>,
    /// The requests that were not carried out yet, oldest first.
    pub waiting: Vec<VenueRequest>,
}

/// A state that no venue was in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    /// Orders are numbered without gaps.
    #[error(
        "the {side} at position {position} is number {number}: orders must stand in the order of their numbers"
    )]
    Numbering {
        /// Buy or sell.
        side: Side,
        /// Its position in the list, from one.
        position: usize,
        /// Its number.
        number: u64,
    },
    /// It cannot be where it is without a request that waits.
    #[error("{side} {number} waits for a request that the state does not have")]
    Waiting {
        /// Buy or sell.
        side: Side,
        /// Its number.
        number: u64,
    },
    /// A request waits for an order that does not exist, or that is past it.
    #[error("a request waits for {side} {number}, which has no use for it")]
    Request {
        /// Buy or sell.
        side: Side,
        /// Its number.
        number: u64,
    },
    /// Its account or market does not exist, or its size counts in another unit or is out of range.
    #[error(
        "{side} {number} does not belong here: its account, its market or its size is unknown to the venue"
    )]
    Order {
        /// Buy or sell.
        side: Side,
        /// Its number.
        number: u64,
    },
}

impl MatchingVenue {
    /// Everything the venue holds.
    pub fn state(&self) -> VenueState {
        let orders = |side| {
            let numbered = self.orders.of(side).iter().zip(0..);
            numbered.map(|(entry, position)| entry.view(OrderKey::at(side, position))).collect()
        };
        VenueState {
            wallets: self.wallets.iter().map(|wallet| wallet.entries().collect()).collect(),
            buys: orders(Side::Buy),
            sells: orders(Side::Sell),
            matches: self.matches.clone(),
            waiting: self.requests.iter().copied().collect(),
        }
    }

    /// A venue that goes on from a state. Orders that rest keep their place in line: within a price, the lower number
    /// came first.
    pub fn from_state(markets: &Markets, state: &VenueState) -> Result<Self, StateError> {
        let mut venue = Self::new(markets);
        for entries in &state.wallets {
            let mut wallet = venue.blank.clone();
            for (currency, balance, fees) in entries {
                wallet.set(*currency, *balance, *fees);
            }
            venue.wallets.push(wallet);
        }
        let waiting = Waiting::of(&state.waiting);
        for order in state.buys.iter().chain(&state.sells) {
            venue.readmit(order, &waiting)?;
        }
        for request in &state.waiting {
            venue.await_again(*request)?;
        }
        venue.matches.clone_from(&state.matches);
        Ok(venue)
    }

    fn readmit(&mut self, order: &VenueOrder, waiting: &Waiting) -> Result<(), StateError> {
        let side = order.key.side;
        let unknown = StateError::Order { side, number: order.key.id.0 };
        let entries = self.orders.of_mut(side);
        let position = entries.len();
        if order.key.position().and_then(|at| usize::try_from(at).ok()) != Some(position) {
            return Err(StateError::Numbering { side, position: position + 1, number: order.key.id.0 });
        }
        let book = self.books.get_mut(order.market.index()).ok_or(unknown.clone())?;
        let unit = book.listing.market.size_unit(side);
        let AccountId(account) = order.account;
        let left = i64::try_from(order.left.units()).ok();
        let size = i64::try_from(order.size.units()).ok();
        let known = self.wallets.get(account as usize).is_some();
        let (Some(left), Some(size), true) = (left, size, known) else { return Err(unknown) };
        let working = Working { side, unit, price: order.price.units(), left, reserved: order.reserved };
        entries.push(Entry {
            working,
            links: Links { before: NO_ORDER, next: NO_ORDER },
            account: order.account,
            market: order.market,
            status: order.status,
            reason: order.reason,
            size,
            created: order.created,
        });
        let at = u32::try_from(position).map_err(|_| unknown)?;
        let comes = waiting.places.contains(&order.key);
        let on_book = match order.status {
            VenueStatus::Executing => true,
            VenueStatus::Cancelled | VenueStatus::Completed => false,
            VenueStatus::Pending if comes => false,
            // Asked for before or after it came to the book.
            VenueStatus::ToCancel if waiting.cancels.contains(&order.key) => !comes,
            VenueStatus::Pending | VenueStatus::ToCancel => {
                return Err(StateError::Waiting { side, number: order.key.id.0 });
            }
        };
        if on_book {
            book.side_mut(side).join(self.orders.of_mut(side), at, working.price);
        }
        Ok(())
    }

    /// Takes up a request again. A cancellation may wait for an order that was executed meanwhile.
    fn await_again(&mut self, request: VenueRequest) -> Result<(), StateError> {
        let (VenueRequest::Place(key) | VenueRequest::Cancel(key)) = request;
        let status = self.orders.get(key).map(|entry| entry.status);
        let useful = match request {
            VenueRequest::Place(_) => matches!(status, Some(VenueStatus::Pending | VenueStatus::ToCancel)),
            VenueRequest::Cancel(_) => {
                !matches!(status, None | Some(VenueStatus::Pending | VenueStatus::Executing))
            }
        };
        if !useful {
            return Err(StateError::Request { side: key.side, number: key.id.0 });
        }
        self.requests.push_back(request);
        Ok(())
    }
}

/// The orders that wait to come to the book, and those that wait to leave it.
struct Waiting {
    places: BTreeSet<OrderKey>,
    cancels: BTreeSet<OrderKey>,
}

impl Waiting {
    fn of(requests: &[VenueRequest]) -> Self {
        let mut waiting = Self { places: BTreeSet::new(), cancels: BTreeSet::new() };
        for request in requests {
            match request {
                VenueRequest::Place(key) => waiting.places.insert(*key),
                VenueRequest::Cancel(key) => waiting.cancels.insert(*key),
            };
        }
        waiting
    }
}
