//! Whose turn it is: priorities with guaranteed shares, as a pure function.

use std::fmt;
use std::time::Duration;

/// What a request is for. Earlier classes come first; [`Class::guaranteed_every`] keeps the later ones alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The emergency stop. Before everything, always.
    Panic,
    /// Taking orders off the book.
    Cancel,
    /// Placing orders and whatever else creates something.
    Place,
    /// Learning what became of orders: active orders, single orders, own executions.
    Reconcile,
    /// Balances, movements, deposits, withdrawals, keys.
    Account,
    /// Books, trades, candles, tickers.
    MarketData,
}

/// How many classes there are.
pub(crate) const CLASSES: usize = 6;

impl Class {
    /// Every class, in order of priority.
    pub const ALL: [Self; CLASSES] =
        [Self::Panic, Self::Cancel, Self::Place, Self::Reconcile, Self::Account, Self::MarketData];

    /// Position in [`Class::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// A waiting class is served at least about this often, whatever waits before it: cancellations and market
    /// data once a second, reconciling once in two, placing in three, account in five.
    pub const fn guaranteed_every(self) -> Duration {
        Duration::from_millis(match self {
            Self::Panic => 0,
            Self::Cancel | Self::MarketData => 1_000,
            Self::Reconcile => 2_000,
            Self::Place => 3_000,
            Self::Account => 5_000,
        })
    }

    /// When a turn is due, counted from the last one or from the first asking: earlier than promised by the two
    /// slots that others who are due may take first.
    fn due_after(self) -> u64 {
        let early = Duration::from_millis(350);
        u64::try_from(self.guaranteed_every().saturating_sub(early).as_nanos()).unwrap_or(u64::MAX)
    }

    /// The word for it in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Cancel => "cancel",
            Self::Place => "place",
            Self::Reconcile => "reconcile",
            Self::Account => "account",
            Self::MarketData => "market_data",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is known of one class. Times are nanoseconds of one clock, zero for never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// When it was last served.
    pub granted: u64,
    /// Since when somebody waits.
    pub since: u64,
    /// When somebody was last seen waiting.
    pub seen: u64,
}

/// The class whose turn it is among those for which `waiting` gives since when. Panic first; then whoever is due
/// by its guaranteed share, the longest due first; then by priority.
pub(crate) fn choose(
    claims: &[Claim; CLASSES],
    now: u64,
    waiting: impl Fn(Class) -> Option<u64>,
) -> Option<Class> {
    if waiting(Class::Panic).is_some() {
        return Some(Class::Panic);
    }
    let due_at = |class: Class, since: u64| {
        let granted = claims.get(class.index()).map_or(0, |claim| claim.granted);
        granted.max(since).saturating_add(class.due_after())
    };
    let all = || Class::ALL.into_iter().filter_map(|class| waiting(class).map(|since| (class, since)));
    all()
        .map(|(class, since)| (due_at(class, since), class))
        .filter(|(due, _)| *due <= now)
        .min()
        .map(|(_, class)| class)
        .or_else(|| all().map(|(class, _)| class).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn turn(claims: &[Claim; CLASSES], now: u64, waiting: &[(Class, u64)]) -> Option<Class> {
        choose(claims, now, |class| {
            waiting.iter().find(|(other, _)| *other == class).map(|(_, since)| *since)
        })
    }

    #[test]
    fn priority_decides_while_nobody_is_due() {
        let claims = [Claim::default(); CLASSES];
        let now = 100_000 * MS;
        let waiting = [(Class::MarketData, now - 10 * MS), (Class::Cancel, now), (Class::Place, now)];
        assert_eq!(turn(&claims, now, &waiting), Some(Class::Cancel));
        assert_eq!(turn(&claims, now, &waiting[..1]), Some(Class::MarketData));
        assert_eq!(turn(&claims, now, &[]), None);
    }

    #[test]
    fn who_waited_out_its_share_comes_before_higher_classes_but_not_before_panic() {
        let claims = [Claim::default(); CLASSES];
        let now = 100_000 * MS;
        let waiting = [(Class::MarketData, now - 900 * MS), (Class::Cancel, now)];
        assert_eq!(turn(&claims, now, &waiting), Some(Class::MarketData));
        let waiting = [waiting[0], waiting[1], (Class::Panic, now)];
        assert_eq!(turn(&claims, now, &waiting), Some(Class::Panic));
    }

    #[test]
    fn a_turn_starts_the_share_anew() {
        let mut claims = [Claim::default(); CLASSES];
        let now = 100_000 * MS;
        claims[Class::MarketData.index()].granted = now - 100 * MS;
        let waiting = [(Class::MarketData, now - 5_000 * MS), (Class::Cancel, now)];
        assert_eq!(turn(&claims, now, &waiting), Some(Class::Cancel));
    }
}
