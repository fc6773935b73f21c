//! Our orders of one market, and what an execution makes of one.

use pampero_model::{Liquidity, Order, OrderId, Price, Quantity, Side, Timestamp, VenueOrderId};

use crate::listing::FeeRates;
use crate::working::{Traded, Working};

/// An order of ours that is on the book.
#[derive(Clone, Copy, Debug)]
pub struct Resting {
    pub order: Order,
    pub venue_id: VenueOrderId,
    pub arrived: Timestamp,
    pub working: Working,
    /// Nothing has been observed since it arrived: if the next observation crosses its limit, it takes.
    pub fresh: bool,
    /// What stands before it at its price; nothing while that level is out of sight.
    pub queue: Option<Quantity>,
}

/// An execution that is decided but not yet booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    pub order: OrderId,
    pub side: Side,
    pub price: Price,
    pub traded: Traded,
    pub fee: i64,
    pub liquidity: Liquidity,
    pub time: Timestamp,
    /// If the order is complete, the dust of its reservation.
    pub complete: Option<i64>,
}

/// How and when an execution happens.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub rates: &'a FeeRates,
    pub price: Price,
    pub liquidity: Liquidity,
    pub time: Timestamp,
}

impl Resting {
    /// Whether its limit accepts a price.
    #[inline]
    pub fn accepts(&self, price: Price) -> bool {
        self.order.side.accepts(self.order.price, price)
    }

    /// Executes at most `base` units on the terms and gives how many it were. History that makes no sense
    /// executes nothing.
    pub fn execute(&mut self, base: i64, terms: Terms<'_>, out: &mut Vec<Execution>) -> i64 {
        let mut total = 0;
        // Below a price of one the cut of an execution may leave enough for one more, as on the exchange.
        for _ in 0..2 {
            let Some(execution) = self.execute_once(base - total, terms) else { break };
            total += execution.traded.base;
            out.push(execution);
            if execution.complete.is_some() {
                break;
            }
        }
        total
    }

    fn execute_once(&mut self, base: i64, terms: Terms<'_>) -> Option<Execution> {
        if base <= 0 || !terms.price.is_positive() {
            return None;
        }
        let traded = self.working.execute(terms.price.units(), base)?;
        let side = self.order.side;
        Some(Execution {
            order: self.order.id,
            side,
            price: terms.price,
            traded,
            fee: terms.rates.fee(side, terms.liquidity, traded),
            liquidity: terms.liquidity,
            time: terms.time,
            complete: self.working.is_spent().then_some(self.working.reserved),
        })
    }
}

/// The orders of one market, each side in price-time priority.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    buys: Vec<Resting>,
    sells: Vec<Resting>,
}

impl Orders {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.buys.is_empty() && self.sells.is_empty()
    }

    #[inline]
    pub fn of(&self, side: Side) -> &[Resting] {
        match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        }
    }

    #[inline]
    pub fn of_mut(&mut self, side: Side) -> &mut Vec<Resting> {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Resting> {
        self.buys.iter().chain(&self.sells)
    }

    /// Adds an order behind those of its price.
    pub fn insert(&mut self, resting: Resting) {
        let orders = self.of_mut(resting.order.side);
        let at = orders.partition_point(|other| other.accepts(resting.order.price));
        orders.insert(at, resting);
    }

    pub fn remove(&mut self, id: OrderId) -> Option<Resting> {
        [Side::Buy, Side::Sell].into_iter().find_map(|side| {
            let orders = self.of_mut(side);
            let at = orders.iter().position(|resting| resting.order.id == id)?;
            Some(orders.remove(at))
        })
    }

    /// Removes the orders that are complete.
    pub fn remove_spent(&mut self) {
        self.buys.retain(|resting| !resting.working.is_spent());
        self.sells.retain(|resting| !resting.working.is_spent());
    }

    /// Becomes a copy of others, keeping its memory.
    pub fn copy_from(&mut self, others: &Self) {
        self.buys.clone_from(&others.buys);
        self.sells.clone_from(&others.sells);
    }
}
