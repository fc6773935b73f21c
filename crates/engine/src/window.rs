//! Counting events in a sliding window, exactly and in constant time.

use pampero_model::{Span, Timestamp};

/// Remembers the last `limit` instants; one more is within the limit when the oldest of them has left the window.
#[derive(Clone, Debug)]
pub(crate) struct SlidingWindow {
    times: Vec<Timestamp>,
    oldest: usize,
    window: Span,
}

impl SlidingWindow {
    pub(crate) fn new(limit: u32, window: Span) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { times: vec![Timestamp::MIN; limit], oldest: 0, window }
    }

    /// Whether one more at `now` keeps the limit.
    pub(crate) fn has_room(&self, now: Timestamp) -> bool {
        // Without an oldest entry the limit is zero and nothing has room.
        self.times.get(self.oldest).is_some_and(|oldest| oldest.plus(self.window) <= now)
    }

    /// Counts one at `now`.
    pub(crate) fn add(&mut self, now: Timestamp) {
        if let Some(slot) = self.times.get_mut(self.oldest) {
            *slot = now;
            self.oldest = if self.oldest + 1 == self.times.len() { 0 } else { self.oldest + 1 };
        }
    }

    /// How many the window allows.
    pub(crate) fn limit(&self) -> usize {
        self.times.len()
    }

    /// What is remembered, oldest first.
    pub(crate) fn counted(&self) -> Vec<Timestamp> {
        let (newer, older) = self.times.split_at_checked(self.oldest).unwrap_or((&[], &[]));
        older.iter().chain(newer).copied().filter(|time| *time != Timestamp::MIN).collect()
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self) {
        self.times.fill(Timestamp::MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_no_more_than_the_limit_in_any_window() {
        let mut window = SlidingWindow::new(3, Span::from_secs(1));
        let mut accepted = Vec::new();
        for millis in (0..5_000).step_by(70) {
            let now = Timestamp::from_millis(millis);
            if window.has_room(now) {
                window.add(now);
                accepted.push(millis);
            }
        }
        for start in &accepted {
            let inside = accepted.iter().filter(|time| (*start..start + 1_000).contains(*time)).count();
            assert!(inside <= 3, "{inside} in the second from {start}");
        }
        assert!(accepted.len() > 12);
        assert!(!SlidingWindow::new(0, Span::from_secs(1)).has_room(Timestamp::from_secs(9)));
    }
}
