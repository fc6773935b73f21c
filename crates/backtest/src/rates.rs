//! The worth of currencies over time, from outside the markets.

use pampero_model::{Currency, Price, Timestamp};

/// What one unit of a currency was worth in the report currency, as it became known. Before the first instant the worth
/// of the setup counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateHistory {
    /// Whose worth.
    pub currency: Currency,
    /// Instants and the worth from then on, ascending in time.
    pub points: Vec<(Timestamp, Price)>,
}

/// Several histories as one, and how far they were told.
#[derive(Debug)]
pub(crate) struct Rates {
    changes: Vec<(Timestamp, Currency, Price)>,
    next: usize,
    /// When the next change is due; the latest instant at the end.
    pub(crate) due: Timestamp,
}

impl Rates {
    /// Joins histories. What they say of the time before `from` shrinks to the last word of each, at `from`.
    pub(crate) fn new(histories: &[RateHistory], from: Timestamp) -> Self {
        let mut changes = Vec::new();
        for RateHistory { currency, points } in histories {
            let known = points.partition_point(|(at, _)| *at <= from);
            let last = known.checked_sub(1).and_then(|at| points.get(at));
            changes.extend(last.map(|(_, rate)| (from, *currency, *rate)));
            changes.extend(points.iter().skip(known).map(|(at, rate)| (*at, *currency, *rate)));
        }
        changes.sort_by_key(|(at, ..)| *at);
        let mut rates = Self { changes, next: 0, due: Timestamp::MAX };
        rates.look();
        rates
    }

    /// The next change that is due by `now`.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, Currency, Price)> {
        let change = self.changes.get(self.next).copied().filter(|(at, ..)| *at <= now)?;
        self.next += 1;
        self.look();
        Some(change)
    }

    fn look(&mut self) {
        self.due = self.changes.get(self.next).map_or(Timestamp::MAX, |(at, ..)| *at);
    }
}
