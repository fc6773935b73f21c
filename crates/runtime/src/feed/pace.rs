//! How often one market is asked.

use pampero_model::{Span, Timestamp};

use super::desk::FeedSettings;

/// The rhythm of one market: faster while something happens, slower while nothing does, slowest after errors.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Span,
    failures: u32,
    due: Timestamp,
}

impl Pace {
    pub const fn new(settings: &FeedSettings) -> Self {
        Self { interval: settings.fastest, failures: 0, due: Timestamp::MIN }
    }

    /// When the market is to be asked again.
    pub const fn due(&self) -> Timestamp {
        self.due
    }

    /// Not later than this.
    pub fn no_later_than(&mut self, at: Timestamp) {
        self.due = self.due.min(at);
    }

    /// A good answer to what was asked at `asked`.
    pub fn answered(&mut self, settings: &FeedSettings, asked: Timestamp, changed: bool, own_orders: bool) {
        self.failures = 0;
        let nanos = self.interval.as_nanos();
        let next = if changed { nanos / 2 } else { nanos.saturating_add(nanos / 2) };
        let slowest = if own_orders { settings.slowest_with_orders } else { settings.slowest };
        self.interval = Span::from_nanos(next).min(slowest).max(settings.fastest);
        self.due = asked.plus(self.interval);
    }

    /// An error; the next attempt waits twice as long as the last one did.
    pub fn failed(&mut self, settings: &FeedSettings, now: Timestamp) {
        let doubled = settings.fastest.as_nanos().saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        self.due = now.plus(Span::from_nanos(doubled).min(settings.longest_back_off));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rhythm_follows_the_market_within_its_bounds() {
        let settings = FeedSettings::default();
        let mut pace = Pace::new(&settings);
        let now = Timestamp::from_secs(1_000);
        for _ in 0..20 {
            pace.answered(&settings, now, false, false);
        }
        assert_eq!(pace.due(), now.plus(settings.slowest));
        pace.answered(&settings, now, false, true);
        assert_eq!(pace.due(), now.plus(settings.slowest_with_orders));
        for _ in 0..20 {
            pace.answered(&settings, now, true, false);
        }
        assert_eq!(pace.due(), now.plus(settings.fastest));
    }

    #[test]
    fn errors_wait_longer_each_time_until_an_answer_comes() {
        let settings = FeedSettings::default();
        let mut pace = Pace::new(&settings);
        let now = Timestamp::from_secs(1_000);
        let mut waits = Vec::new();
        for _ in 0..40 {
            pace.failed(&settings, now);
            waits.push(pace.due().since(now));
        }
        assert_eq!(waits[..3], [1, 2, 4].map(Span::from_secs));
        assert_eq!(waits[39], settings.longest_back_off);
        pace.answered(&settings, now, true, false);
        pace.failed(&settings, now);
        assert_eq!(pace.due().since(now), Span::from_secs(1));
    }
}
