//! Timers of strategies, and the next instant at which anything is due.

use pampero_model::Timestamp;

use serde::{Deserialize, Serialize};

use crate::strategy::StrategyId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timer {
    pub(crate) at: Timestamp,
    pub(crate) strategy: StrategyId,
    pub(crate) tag: u32,
}

/// Timers in the order in which they fire: by time, then by when they were set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timers {
    /// Latest first, so that the next one is popped from the end.
    timers: Vec<Timer>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer) {
        let at = self.timers.partition_point(|other| other.at > timer.at);
        self.timers.insert(at, timer);
    }

    pub(crate) fn clear(&mut self, strategy: StrategyId, tag: u32) {
        self.timers.retain(|timer| timer.strategy != strategy || timer.tag != tag);
    }

    pub(crate) fn next(&self) -> Timestamp {
        self.timers.last().map_or(Timestamp::MAX, |timer| timer.at)
    }

    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        self.timers.pop_if(|timer| timer.at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fire_by_time_then_by_age() {
        let mut timers = Timers::default();
        let timer = |at, tag| Timer { at: Timestamp::from_secs(at), strategy: StrategyId(0), tag };
        for (at, tag) in [(2, 1), (1, 2), (2, 3), (1, 4), (3, 5), (2, 6)] {
            timers.set(timer(at, tag));
        }
        timers.clear(StrategyId(0), 6);
        let mut fired = Vec::new();
        while let Some(timer) = timers.pop_due(Timestamp::from_secs(2)) {
            fired.push(timer.tag);
        }
        assert_eq!(fired, [2, 4, 1, 3]);
        assert_eq!(timers.next(), Timestamp::from_secs(3));
    }
}
