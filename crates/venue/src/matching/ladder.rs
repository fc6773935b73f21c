//! One side of a book: price levels with a queue of orders each.
//!
//! The queues run through the orders themselves, so that joining and leaving one allocates nothing and costs
//! the same anywhere in it.

use pampero_model::{Price, Side};

use super::order::{Entry, Links, NO_ORDER};

/// A price and the first and last of the orders at it.
#[derive(Clone, Copy, Debug)]
struct Queue {
    /// The price, or its negative for sells: the highest rank is the best.
    rank: i64,
    head: u32,
    tail: u32,
}

/// The levels of one side, the best last, so that the busy end of the list is the cheap one.
#[derive(Clone, Debug)]
pub struct Ladder {
    side: Side,
    queues: Vec<Queue>,
}

impl Ladder {
    pub const fn new(side: Side) -> Self {
        Self { side, queues: Vec::new() }
    }

    const fn rank(&self, price: i64) -> i64 {
        match self.side {
            Side::Buy => price,
            Side::Sell => -price,
        }
    }

    /// The best price and the order that is first in line for it.
    #[inline]
    pub fn best(&self) -> Option<(Price, u32)> {
        self.queues.last().map(|queue| (Price::from_units(queue.rank.abs()), queue.head))
    }

    /// Adds an order behind the others of its price.
    pub fn join(&mut self, entries: &mut [Entry], order: u32, price: i64) {
        let rank = self.rank(price);
        let at = self.queues.partition_point(|queue| queue.rank < rank);
        let before = if let Some(queue) = self.queues.get_mut(at).filter(|queue| queue.rank == rank) {
            std::mem::replace(&mut queue.tail, order)
        } else {
            self.queues.insert(at, Queue { rank, head: order, tail: order });
            NO_ORDER
        };
        link(entries, before, |links| links.next = order);
        link(entries, order, |links| *links = Links { before, next: NO_ORDER });
    }

    /// Takes an order out of its queue, and the level away with the last of them.
    pub fn leave(&mut self, entries: &mut [Entry], order: u32, price: i64) {
        let Some(Links { before, next }) = entry(entries, order).map(|entry| entry.links) else { return };
        link(entries, before, |links| links.next = next);
        link(entries, next, |links| links.before = before);
        if before != NO_ORDER && next != NO_ORDER {
            return;
        }
        // It was first or last: the level must know.
        let rank = self.rank(price);
        let at = match self.queues.last() {
            Some(best) if best.rank == rank => self.queues.len() - 1,
            _ => self.queues.partition_point(|queue| queue.rank < rank),
        };
        let Some(queue) = self.queues.get_mut(at) else { return };
        match (before, next) {
            (NO_ORDER, NO_ORDER) => {
                self.queues.remove(at);
            }
            (NO_ORDER, next) => queue.head = next,
            (before, _) => queue.tail = before,
        }
    }

    /// Every level, best first, with its orders in line.
    pub fn levels<'a>(
        &'a self,
        entries: &'a [Entry],
    ) -> impl Iterator<Item = (Price, impl Iterator<Item = &'a Entry>)> {
        self.queues.iter().rev().map(move |queue| {
            let line =
                std::iter::successors(entry(entries, queue.head), |before| entry(entries, before.links.next));
            (Price::from_units(queue.rank.abs()), line)
        })
    }
}

fn entry(entries: &[Entry], order: u32) -> Option<&Entry> {
    entries.get(order as usize)
}

/// Changes the links of an order; [`NO_ORDER`] has none.
#[inline]
fn link(entries: &mut [Entry], order: u32, change: impl FnOnce(&mut Links)) {
    if let Some(entry) = entries.get_mut(order as usize) {
        change(&mut entry.links);
    }
}
