//! The orders of the matching venue, live and final.

use pampero_model::{
    CancelReason, Cash, FillId, MarketId, Price, Quantity, Side, Size, SizeUnit, Timestamp, Trade,
    VenueOrderId, VenueStatus,
};

use super::AccountId;
use crate::working::Working;

/// The venue's key of an order. Buys and sells are numbered apart, so the number alone is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey {
    /// Buy or sell.
    pub side: Side,
    /// The number among its side.
    pub id: VenueOrderId,
}

impl OrderKey {
    /// The key of the order at a position of its side.
    pub(super) fn at(side: Side, position: u32) -> Self {
        Self { side, id: VenueOrderId(u64::from(position) + 1) }
    }

    /// The position among the orders of its side.
    pub(super) fn position(self) -> Option<u32> {
        self.id.0.checked_sub(1).and_then(|position| u32::try_from(position).ok())
    }
}

/// No order: the end of a queue.
pub const NO_ORDER: u32 = u32::MAX;

/// Neighbours in the queue of a price.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    pub before: u32,
    pub next: u32,
}

/// An order as the venue keeps it. One cache line, since matching visits orders in no order of memory.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Entry {
    pub working: Working,
    pub links: Links,
    pub account: AccountId,
    pub market: MarketId,
    pub status: VenueStatus,
    pub reason: Option<CancelReason>,
    /// The size it was placed with, in the unit of `working`.
    pub size: i64,
    pub created: Timestamp,
}

impl Entry {
    /// Stands for no order; only to touch memory with.
    pub const BLANK: Self = Self {
        working: Working { side: Side::Buy, unit: SizeUnit::Quote, price: 0, left: 0, reserved: 0 },
        links: Links { before: NO_ORDER, next: NO_ORDER },
        account: AccountId(0),
        market: MarketId(0),
        status: VenueStatus::Cancelled,
        reason: None,
        size: 0,
        created: Timestamp::MIN,
    };

    pub fn view(&self, key: OrderKey) -> VenueOrder {
        let size = match self.working.unit {
            SizeUnit::Base => Size::Base(Quantity::from_units(self.size)),
            SizeUnit::Quote => Size::Quote(Cash::from_units(self.size.into())),
        };
        VenueOrder {
            key,
            account: self.account,
            market: self.market,
            price: Price::from_units(self.working.price),
            size,
            left: self.working.left(),
            reserved: self.working.reserved,
            status: self.status,
            reason: self.reason,
            created: self.created,
        }
    }
}

/// An order as the venue shows it to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenueOrder {
    /// Side and number.
    pub key: OrderKey,
    /// Whose it is.
    pub account: AccountId,
    /// Where it was placed.
    pub market: MarketId,
    /// Its limit.
    pub price: Price,
    /// How much it was for.
    pub size: Size,
    /// How much is left: nothing once completed, up to all of it once cancelled.
    pub left: Size,
    /// What is set aside for it, in units of 1e-8 of the currency it spends.
    pub reserved: i64,
    /// Where it is in its life.
    pub status: VenueStatus,
    /// Why it was cancelled, if it was. The real exchange does not say.
    pub reason: Option<CancelReason>,
    /// When it was placed.
    pub created: Timestamp,
}

/// One side of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub account: AccountId,
    /// The number of the order, among the orders of its side.
    pub order: VenueOrderId,
    /// The fee in units of 1e-8 of what is received: base for the buyer, quote for the seller.
    pub fee: i64,
}

/// Two orders met. Amounts are gross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Numbered from one; both sides share it.
    pub id: FillId,
    /// Where.
    pub market: MarketId,
    /// When.
    pub time: Timestamp,
    /// The price of the order that rested.
    pub price: Price,
    /// Base that changed hands.
    pub base: Quantity,
    /// Quote that changed hands.
    pub quote: Cash,
    /// The side that came second.
    pub aggressor: Side,
    /// Who received the base.
    pub buyer: Party,
    /// Who received the quote.
    pub seller: Party,
}

impl Match {
    /// Stands for no match; only to touch memory with.
    pub(super) const BLANK: Self = Self {
        id: FillId(0),
        market: MarketId(0),
        time: Timestamp::MIN,
        price: Price::ZERO,
        base: Quantity::ZERO,
        quote: Cash::ZERO,
        aggressor: Side::Buy,
        buyer: Party { account: AccountId(0), order: VenueOrderId(0), fee: 0 },
        seller: Party { account: AccountId(0), order: VenueOrderId(0), fee: 0 },
    };

    /// What the public sees of it.
    pub const fn trade(&self) -> Trade {
        Trade {
            id: self.id.0,
            time: self.time,
            price: self.price,
            quantity: self.base,
            aggressor: Some(self.aggressor),
        }
    }

    /// The party of a side.
    pub const fn party(&self, side: Side) -> &Party {
        match side {
            Side::Buy => &self.buyer,
            Side::Sell => &self.seller,
        }
    }
}
