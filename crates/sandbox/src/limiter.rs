//! At most so many requests in any second, for each key or address.

use std::collections::{HashMap, VecDeque};

use pampero_model::{Span, Timestamp};

/// Counts the requests of the last second.
#[derive(Debug, Default)]
pub struct Limiter {
    /// Requests allowed in any second; zero for no limit.
    pub per_second: u32,
    callers: HashMap<String, VecDeque<Timestamp>>,
}

impl Limiter {
    pub fn new(per_second: u32) -> Self {
        Self { per_second, callers: HashMap::new() }
    }

    /// Whether a request may pass now. Refused ones do not count.
    pub fn admit(&mut self, caller: &str, now: Timestamp) -> bool {
        if self.per_second == 0 {
            return true;
        }
        if !self.callers.contains_key(caller) {
            self.callers.insert(caller.to_owned(), VecDeque::new());
        }
        let Some(passed) = self.callers.get_mut(caller) else { return true };
        while passed.front().is_some_and(|at| now.since(*at) >= Span::from_secs(1)) {
            passed.pop_front();
        }
        let free = passed.len() < self.per_second as usize;
        if free {
            passed.push_back(now);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_sees_more_than_the_limit() {
        let mut limiter = Limiter::new(5);
        let passed: Vec<i64> = (0..40)
            .map(|step| step * 100)
            .filter(|millis| limiter.admit("key", Timestamp::from_millis(*millis)))
            .collect();
        assert_eq!(passed.len(), 20);
        assert!(passed.windows(6).all(|window| window[5] - window[0] >= 1_000), "{passed:?}");
        assert!(limiter.admit("another", Timestamp::from_millis(3_999)));
        assert!((0..100).all(|_| Limiter::new(0).admit("key", Timestamp::from_millis(0))));
    }
}
