//! The tape of one market: which trades were not told before, in which order, and where some are missing.

use std::collections::BTreeMap;

use pampero_model::{Span, Timestamp, Trade};

use super::news::Standing;

/// How far the exchange's list of trades reaches back at most.
pub(super) const FARTHEST: u32 = 24;
/// What an answer is not trusted to reach back to, for clocks that differ and answers that come from a cache.
const MARGIN: Span = Span::from_minutes(2);
/// Trades are remembered longer than any answer reaches back.
const MEMORY: Span = Span::from_hours(26);
/// After so many attempts to reach farther back, what is missing is taken as lost.
const ATTEMPTS: u32 = 5;

/// The trades of one market.
#[derive(Debug, Default)]
pub(super) struct Tape {
    /// When each trade told lately happened, by id.
    told: BTreeMap<u64, Timestamp>,
    /// The highest id told.
    newest: Option<(u64, Timestamp)>,
    /// Until when every trade is known.
    covered: Option<Timestamp>,
    /// Trades that wait until it is clear what came before them.
    held: BTreeMap<u64, Trade>,
    /// Trades up to here are forgotten; none of them can come again.
    forgotten: Option<Timestamp>,
    /// What has a lower id was known before the watch began.
    known_below: u64,
    /// Attempts to reach farther back for what is held.
    attempts: u32,
    /// Hours to ask for next, while something is missing.
    wanted: Option<u32>,
}

/// What an answer brings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Trades missing for good, from here to there.
    pub gap: Option<(Timestamp, Timestamp)>,
    /// What was not told before, oldest first.
    pub trades: Vec<(Trade, Standing)>,
    /// The answer lacks the newest trade known: it is older than what we know.
    pub outdated: bool,
    /// The first answer of all, with the instant from which on it shows everything.
    pub first: Option<Timestamp>,
}

impl Tape {
    /// Goes on after trades that are known already, all of them up to `covered`.
    pub fn prime(&mut self, trades: impl IntoIterator<Item = Trade>, covered: Timestamp) {
        for trade in trades {
            self.remember(&trade);
        }
        self.known_below = self.told.first_key_value().map_or(0, |(id, _)| *id);
        self.covered = self.covered.max(Some(covered));
    }

    /// Until when every trade is known.
    pub const fn covered(&self) -> Option<Timestamp> {
        self.covered
    }

    /// How many hours to ask for, if something is missing.
    pub const fn wanted(&self) -> Option<u32> {
        self.wanted
    }

    /// An answer with the trades of the last `hours` before `asked`.
    pub fn read(&mut self, asked: Timestamp, hours: u32, trades: &[Trade]) -> Reading {
        let reach = asked.minus(Span::from_hours(hours.into())).plus(MARGIN);
        let first = (self.newest.is_none() && self.covered.is_none()).then_some(reach);
        let newest_in_reach = self.newest.filter(|(_, time)| *time >= reach);
        let outdated = newest_in_reach.is_some_and(|(id, _)| trades.iter().all(|trade| trade.id != id));
        let overlaps = trades.iter().any(|trade| self.told.contains_key(&trade.id));
        let reaches_back = newest_in_reach.is_none() && self.covered.is_some_and(|covered| covered >= reach);
        let whole = first.is_some() || overlaps || reaches_back;
        for trade in trades {
            if self.is_unknown(trade) {
                self.held.insert(trade.id, *trade);
            }
        }
        if !whole && hours < FARTHEST && self.attempts < ATTEMPTS {
            self.wanted =
                Some(if hours > 1 || self.attempts > 0 { FARTHEST } else { self.hours_back(asked) });
            return Reading { outdated, ..Reading::default() };
        }
        let gap = (!whole).then(|| self.missing(reach));
        let covered = if outdated && whole { self.covered } else { Some(asked).max(self.covered) };
        Reading { gap, trades: self.tell(first.is_some(), covered, asked), outdated, first }
    }

    /// The attempt to reach farther back has failed.
    pub fn wide_failed(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts >= ATTEMPTS {
            // The next answer is taken for what it is.
            self.wanted = None;
        }
    }

    /// Hours that reach back to the newest trade known, or to the last good answer.
    fn hours_back(&self, asked: Timestamp) -> u32 {
        let farthest = asked.minus(Span::from_hours(FARTHEST.into())).plus(MARGIN);
        let newest = self.newest.map(|(_, time)| time).filter(|time| *time >= farthest);
        let Some(target) = newest.or(self.covered) else { return FARTHEST };
        let back = asked.since(target.minus(MARGIN).minus(MARGIN)).as_nanos();
        let hours = back / Span::from_hours(1).as_nanos() + 1;
        u32::try_from(hours).map_or(FARTHEST, |hours| hours.clamp(2, FARTHEST))
    }

    /// From the last instant known to the first trade shown, or to where the answer reaches back.
    fn missing(&self, reach: Timestamp) -> (Timestamp, Timestamp) {
        let from = self.covered.or(self.newest.map(|(_, time)| time)).unwrap_or(reach);
        let to = self.held.values().next().map_or(reach, |trade| trade.time).max(reach);
        (from.min(to), to)
    }

    fn is_unknown(&self, trade: &Trade) -> bool {
        let is_known = trade.id < self.known_below || self.told.contains_key(&trade.id);
        !is_known && self.forgotten.is_none_or(|forgotten| trade.time > forgotten)
    }

    /// Gives what is held, in order of ids.
    fn tell(&mut self, first: bool, covered: Option<Timestamp>, asked: Timestamp) -> Vec<(Trade, Standing)> {
        let mut trades = Vec::with_capacity(self.held.len());
        for trade in std::mem::take(&mut self.held).into_values() {
            let standing = match self.newest {
                _ if first => Standing::History,
                Some((id, _)) if trade.id < id => Standing::Late,
                _ => Standing::New,
            };
            self.remember(&trade);
            trades.push((trade, standing));
        }
        self.covered = covered;
        self.attempts = 0;
        self.wanted = None;
        self.forget(asked.minus(MEMORY));
        trades
    }

    fn remember(&mut self, trade: &Trade) {
        self.told.insert(trade.id, trade.time);
        if self.newest.is_none_or(|(id, _)| id < trade.id) {
            self.newest = Some((trade.id, trade.time));
        }
    }

    fn forget(&mut self, before: Timestamp) {
        // Ids rise with time, so the oldest come first; one that does not waits for its turn.
        while let Some(oldest) = self.told.first_entry().filter(|oldest| *oldest.get() < before) {
            self.forgotten = self.forgotten.max(Some(oldest.remove()));
        }
    }
}
