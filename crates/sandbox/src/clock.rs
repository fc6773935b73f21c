//! The sandbox's clock and the ways in which the exchange prints times.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use pampero_model::{Span, Timestamp};

/// Tells the time: the system's, or one that stands still until it is moved.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock, or one that stands at an instant.
    pub fn new(start: Option<Timestamp>) -> Self {
        start.map_or(Self::System, |start| Self::Manual(Arc::new(AtomicI64::new(start.as_nanos()))))
    }

    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
            }
            Self::Manual(nanos) => Timestamp::from_nanos(nanos.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock. The system's goes by itself: false.
    pub fn advance(&self, span: Span) -> bool {
        match self {
            Self::System => false,
            Self::Manual(nanos) => {
                nanos.fetch_add(span.as_nanos().max(0), Ordering::SeqCst);
                true
            }
        }
    }
}

/// Whole seconds since 1970.
pub const fn epoch(at: Timestamp) -> i64 {
    at.as_nanos().div_euclid(1_000_000_000)
}

/// `2019-04-15T16:13:40.434Z`, cut to milliseconds.
pub fn iso(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// `2019-04-15T16:13:40.000Z`: objects that know whole seconds only.
pub fn iso_seconds(at: Timestamp) -> String {
    iso(Timestamp::from_secs(epoch(at)))
}

/// `Mon, 15 Apr 2019 16:13:40 GMT`, as the header `Date` has it.
pub fn http_date(at: Timestamp) -> String {
    jiff::Timestamp::from_second(epoch(at))
        .map(|at| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_the_exchange_does() {
        let at: Timestamp = "2019-04-15T16:13:40.434999Z".parse().unwrap();
        assert_eq!(iso(at), "2019-04-15T16:13:40.434Z");
        assert_eq!(iso_seconds(at), "2019-04-15T16:13:40.000Z");
        assert_eq!(epoch(at), 1_555_344_820);
        assert_eq!(http_date(at), "Mon, 15 Apr 2019 16:13:40 GMT");
    }
}
