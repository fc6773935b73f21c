//! What the checks remember between orders, of one strategy or of the whole account.

use pampero_model::{MarketId, OrderId, Price, Quantity, Rate, SCALE, Side, Size, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Limits, TradingState, TripReason};
use crate::wide::sub;
use crate::window::SlidingWindow;

/// What open orders may still do to one market, at worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exposure {
    /// Base that open buys may still add.
    pub(crate) buy_base: Quantity,
    /// Base that open sells may still take.
    pub(crate) sell_base: Quantity,
    /// Open orders per side.
    pub(crate) open: [u32; 2],
}

impl Exposure {
    pub(crate) fn add(&mut self, side: Side, worst: Quantity) {
        self.change(side, |base| base.saturating_add(worst), |count| count.saturating_add(1));
    }

    pub(crate) fn remove(&mut self, side: Side, worst: Quantity) {
        self.change(side, |base| base.saturating_sub(worst), |count| count.saturating_sub(1));
    }

    fn change(&mut self, side: Side, base: impl Fn(Quantity) -> Quantity, count: impl Fn(u32) -> u32) {
        let [buys, sells] = &mut self.open;
        match side {
            Side::Buy => (self.buy_base, *buys) = (base(self.buy_base), count(*buys)),
            Side::Sell => (self.sell_base, *sells) = (base(self.sell_base), count(*sells)),
        }
    }

    pub(crate) fn open_on(&self, side: Side) -> u32 {
        let [buys, sells] = self.open;
        match side {
            Side::Buy => buys,
            Side::Sell => sells,
        }
    }
}

/// An intent that was approved lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Recent {
    order: OrderId,
    market: MarketId,
    side: Side,
    price: Price,
    size: Size,
    time: Timestamp,
}

/// How many approved intents are remembered for the duplicate check.
const RECENT: usize = 64;

/// State and counters of one scope.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    pub(crate) limits: Limits,
    /// Whether any limit is set.
    pub(crate) limited: bool,
    pub(crate) state: TradingState,
    pub(crate) reason: TripReason,
    /// Equity at the start, with transfers since.
    pub(crate) base: i128,
    /// Equity at the start of the trading day, its high-water mark and its value, in units of 1e-16.
    pub(crate) day_start: i128,
    pub(crate) high_water: i128,
    pub(crate) equity: i128,
    /// The greatest daily loss, in units of 1e-16.
    loss_allowed: i128,
    /// A fall from the high-water mark that is certainly within the limit: exact for an earlier, lower mark.
    fall_allowed: i128,
    /// Equity at or above this, and not above the high-water mark, passes no limit and changes no mark.
    quiet_from: i128,
    loss_tripped: bool,
    drawdown_tripped: bool,
    /// Orders within a second, a minute and 24 hours.
    pub(crate) orders: [Option<SlidingWindow>; 3],
    pub(crate) requests: Option<SlidingWindow>,
    pub(crate) fills: Option<SlidingWindow>,
    pub(crate) rejects: Option<SlidingWindow>,
    recent: Vec<Recent>,
    recent_at: usize,
    /// By market: the price that drift is measured from, and since when.
    anchors: Vec<(Price, Timestamp)>,
    /// By market.
    pub(crate) exposure: Vec<Exposure>,
}

impl Monitor {
    pub(crate) fn new(limits: Limits, markets: usize) -> Self {
        let window = |limit: Option<u32>, span| limit.map(|limit| SlidingWindow::new(limit, span));
        Self {
            orders: [
                window(limits.orders_per_second, Span::from_secs(1)),
                window(limits.orders_per_minute, Span::from_minutes(1)),
                window(limits.orders_per_day, Span::from_hours(24)),
            ],
            loss_allowed: limits
                .max_daily_loss
                .map_or(i128::MAX, |limit| limit.units().saturating_mul(i128::from(SCALE))),
            fall_allowed: 0,
            quiet_from: i128::MAX,
            requests: window(limits.requests_per_second, Span::from_secs(1)),
            fills: window(limits.max_fills, limits.fills_window),
            rejects: window(limits.max_rejects, limits.rejects_window),
            limited: limits != Limits::default(),
            limits,
            state: TradingState::Active,
            reason: TripReason::None,
            base: 0,
            day_start: 0,
            high_water: 0,
            equity: 0,
            loss_tripped: false,
            drawdown_tripped: false,
            recent: Vec::with_capacity(RECENT),
            recent_at: 0,
            anchors: vec![(Price::ZERO, Timestamp::MIN); markets],
            exposure: vec![Exposure::default(); markets],
        }
    }

    /// Takes the equity as the one to measure from.
    pub(crate) fn begin(&mut self, equity: i128) {
        self.equity = equity;
        self.base = equity;
        self.day_start = equity;
        self.high_water = equity;
        self.fall_allowed = 0;
        self.look_from();
    }

    /// A new trading day begins.
    pub(crate) fn begin_day(&mut self) {
        self.day_start = self.equity;
        self.loss_tripped = false;
        self.look_from();
    }

    /// Money came or went: neither profit nor loss.
    pub(crate) fn transfer(&mut self, change: i128) {
        self.base = self.base.saturating_add(change);
        self.day_start = self.day_start.saturating_add(change);
        self.high_water = self.high_water.saturating_add(change);
        self.fall_allowed = 0;
        self.equity = self.equity.saturating_add(change);
        self.look_from();
    }

    /// Works out from where equity is quiet: below, either the daily loss or the drawdown must be looked at.
    fn look_from(&mut self) {
        let loss = sub(self.day_start, self.loss_allowed);
        let fall = match self.limits.max_drawdown {
            Some(_) => sub(self.high_water, self.fall_allowed),
            None => i128::MIN,
        };
        self.quiet_from = loss.max(fall);
    }

    /// Sees the equity; says whether it is where it passes no limit and changes no mark. Otherwise
    /// [`watch`](Self::watch) must look closely.
    #[inline]
    pub(crate) fn sees(&mut self, equity: i128) -> bool {
        self.equity = equity;
        self.quiet_from <= equity && equity <= self.high_water
    }

    /// Sees the equity; gives the limit that it has just passed.
    pub(crate) fn watch(&mut self, equity: i128) -> Option<TripReason> {
        if self.sees(equity) {
            return None;
        }
        let passed = self.passed(equity);
        self.look_from();
        passed
    }

    /// The limit that the equity has just passed.
    fn passed(&mut self, equity: i128) -> Option<TripReason> {
        if equity > self.high_water {
            self.high_water = equity;
            self.drawdown_tripped = false;
        }
        if self.daily_loss_exceeded() && !self.loss_tripped {
            self.loss_tripped = true;
            return Some(TripReason::DailyLoss);
        }
        if sub(self.high_water, equity) > self.fall_allowed && self.limits.max_drawdown.is_some() {
            return self.watch_drawdown();
        }
        None
    }

    /// The exact look, taken only when the fall is beyond what was certainly allowed.
    fn watch_drawdown(&mut self) -> Option<TripReason> {
        if self.drawdown_exceeded() {
            let first = !std::mem::replace(&mut self.drawdown_tripped, true);
            return first.then_some(TripReason::Drawdown);
        }
        self.fall_allowed = self.greatest_fall().unwrap_or(self.high_water.saturating_sub(self.equity));
        None
    }

    /// The greatest fall from the high-water mark within the drawdown limit; none where the product does not fit.
    fn greatest_fall(&self) -> Option<i128> {
        let limit = i128::from(self.limits.max_drawdown?.units());
        Some((self.high_water.checked_mul(limit)? / i128::from(SCALE)).max(0))
    }

    /// Loss since the start of the day in units of 1e-16; below zero for a profit.
    pub(crate) fn daily_loss(&self) -> i128 {
        sub(self.day_start, self.equity)
    }

    #[inline]
    pub(crate) fn daily_loss_exceeded(&self) -> bool {
        self.daily_loss() > self.loss_allowed
    }

    #[inline]
    pub(crate) fn drawdown_exceeded(&self) -> bool {
        self.limits.max_drawdown.is_some_and(|limit| {
            let fall = sub(self.high_water, self.equity);
            if fall <= self.fall_allowed {
                return false;
            }
            // Both sides are scaled by 1e8; saturation only ever makes the limit stricter.
            fall.saturating_mul(i128::from(SCALE)) > self.high_water.saturating_mul(i128::from(limit.units()))
        })
    }

    /// Fall from the high-water mark as a share of it.
    pub(crate) fn drawdown(&self) -> Rate {
        let fall = self.high_water.saturating_sub(self.equity);
        if self.high_water <= 0 {
            return Rate::ZERO;
        }
        let units = fall.saturating_mul(i128::from(SCALE)) / self.high_water;
        Rate::from_units(i64::try_from(units).unwrap_or(i64::MAX))
    }

    /// Makes the state stricter; never milder. Says whether it changed.
    pub(crate) fn trip(&mut self, state: TradingState, reason: TripReason) -> bool {
        let stricter = state > self.state;
        if stricter {
            self.state = state;
            self.reason = reason;
        }
        stricter
    }

    /// An operator lets trading go on. Windows that tripped are emptied, or the next event would trip again.
    pub(crate) fn resume(&mut self) {
        self.state = TradingState::Active;
        self.reason = TripReason::None;
        for window in [&mut self.fills, &mut self.rejects].into_iter().flatten() {
            window.reset();
        }
    }

    /// Counts an execution; says whether it was one too many.
    pub(crate) fn count_fill(&mut self, now: Timestamp) -> bool {
        count(self.fills.as_mut(), now)
    }

    /// Counts a refusal or error; says whether it was one too many.
    pub(crate) fn count_reject(&mut self, now: Timestamp) -> bool {
        count(self.rejects.as_mut(), now)
    }

    pub(crate) fn count_request(&mut self, now: Timestamp) {
        if let Some(window) = &mut self.requests {
            window.add(now);
        }
    }

    /// The order that an intent repeats.
    pub(crate) fn duplicate_of(
        &self,
        now: Timestamp,
        (market, side, price, size): (MarketId, Side, Price, Size),
    ) -> Option<OrderId> {
        let window = self.limits.duplicate_window?;
        let same = |recent: &&Recent| {
            recent.market == market && recent.side == side && recent.price == price && recent.size == size
        };
        // Newest first, and no farther back than the window reaches.
        let (newer, older) = self.recent.split_at_checked(self.recent_at)?;
        let from_newest = newer.iter().rev().chain(older.iter().rev());
        let inside = |recent: &&Recent| recent.time.plus(window) > now;
        from_newest.take_while(inside).find(same).map(|recent| recent.order)
    }

    /// The price that drift is measured from at `now`; none when the window has passed.
    pub(crate) fn anchor(&self, now: Timestamp, market: MarketId) -> Option<Price> {
        let (price, since) = *self.anchors.get(market.index())?;
        let inside = since != Timestamp::MIN && now.since(since) < self.limits.price_drift_window;
        (inside && price.is_positive()).then_some(price)
    }

    /// An order of this scope was approved.
    pub(crate) fn approved(
        &mut self,
        now: Timestamp,
        order: OrderId,
        (market, side, price, size): (MarketId, Side, Price, Size),
    ) {
        // Without limits nobody asks what was approved.
        if !self.limited {
            return;
        }
        self.orders.iter_mut().flatten().for_each(|window| window.add(now));
        self.count_request(now);
        if self.limits.duplicate_window.is_some() {
            self.remember(Recent { order, market, side, price, size, time: now });
        }
        if self.anchor(now, market).is_none()
            && let Some(anchor) = self.anchors.get_mut(market.index())
        {
            *anchor = (price, now);
        }
    }

    pub(crate) fn exposure(&self, market: MarketId) -> Exposure {
        self.exposure.get(market.index()).copied().unwrap_or_default()
    }

    pub(crate) fn open_orders(&self) -> u32 {
        self.exposure.iter().map(|exposure| exposure.open.iter().sum::<u32>()).sum()
    }
}

/// What a monitor is restored from. Exposure follows from the open orders, the bounds of the quiet range from the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MonitorCheckpoint {
    state: TradingState,
    reason: TripReason,
    base: i128,
    day_start: i128,
    high_water: i128,
    equity: i128,
    loss_tripped: bool,
    drawdown_tripped: bool,
    orders: [Vec<Timestamp>; 3],
    requests: Vec<Timestamp>,
    fills: Vec<Timestamp>,
    rejects: Vec<Timestamp>,
    recent: Vec<Recent>,
    anchors: Vec<(Price, Timestamp)>,
}

fn counted(window: Option<&SlidingWindow>) -> Vec<Timestamp> {
    window.map(SlidingWindow::counted).unwrap_or_default()
}

fn recount(window: Option<&mut SlidingWindow>, times: &[Timestamp]) {
    if let Some(window) = window {
        for time in times {
            window.add(*time);
        }
    }
}

impl Monitor {
    pub(crate) fn checkpoint(&self) -> MonitorCheckpoint {
        let (newer, older) = self.recent.split_at_checked(self.recent_at).unwrap_or((&[], &[]));
        MonitorCheckpoint {
            state: self.state,
            reason: self.reason,
            base: self.base,
            day_start: self.day_start,
            high_water: self.high_water,
            equity: self.equity,
            loss_tripped: self.loss_tripped,
            drawdown_tripped: self.drawdown_tripped,
            orders: self.orders.each_ref().map(|window| counted(window.as_ref())),
            requests: counted(self.requests.as_ref()),
            fills: counted(self.fills.as_ref()),
            rejects: counted(self.rejects.as_ref()),
            recent: older.iter().chain(newer).copied().collect(),
            anchors: self.anchors.clone(),
        }
    }

    /// Takes up what was remembered, under the limits of now.
    pub(crate) fn restore(&mut self, saved: &MonitorCheckpoint) {
        (self.state, self.reason) = (saved.state, saved.reason);
        (self.base, self.day_start) = (saved.base, saved.day_start);
        (self.high_water, self.equity) = (saved.high_water, saved.equity);
        (self.loss_tripped, self.drawdown_tripped) = (saved.loss_tripped, saved.drawdown_tripped);
        for (window, times) in self.orders.iter_mut().zip(&saved.orders) {
            recount(window.as_mut(), times);
        }
        recount(self.requests.as_mut(), &saved.requests);
        recount(self.fills.as_mut(), &saved.fills);
        recount(self.rejects.as_mut(), &saved.rejects);
        saved.recent.iter().for_each(|recent| self.remember(*recent));
        for (anchor, saved) in self.anchors.iter_mut().zip(&saved.anchors) {
            *anchor = *saved;
        }
        self.look_from();
    }

    fn remember(&mut self, recent: Recent) {
        match self.recent.get_mut(self.recent_at) {
            Some(slot) => *slot = recent,
            None => self.recent.push(recent),
        }
        self.recent_at = (self.recent_at + 1) % RECENT;
    }
}

fn count(window: Option<&mut SlidingWindow>, now: Timestamp) -> bool {
    window.is_some_and(|window| {
        let exceeded = !window.has_room(now);
        window.add(now);
        exceeded
    })
}

#[cfg(test)]
mod tests {
    use pampero_model::Cash;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The bounds are a short way and nothing else: every trip comes when the limits, worked out anew, say so.
        #[test]
        fn looking_closely_at_every_equity_trips_at_the_same_ones(
            loss in proptest::option::of(0_i64..400),
            drawdown in proptest::option::of(0_i64..=SCALE),
            steps in prop::collection::vec((-120_i128..120, 0_u8..20), 1..200),
        ) {
            let limits = Limits {
                max_daily_loss: loss.map(|units| Cash::from_units(units.into())),
                max_drawdown: drawdown.map(Rate::from_units),
                ..Limits::default()
            };
            let mut monitor = Monitor::new(limits, 1);
            let mut equity = 1_000 * i128::from(SCALE);
            monitor.begin(equity);
            let (mut day, mut high) = (equity, equity);
            let (mut loss_told, mut fall_told) = (false, false);
            for (change, event) in steps {
                let change = change * i128::from(SCALE);
                match event {
                    0 => {
                        monitor.begin_day();
                        (day, loss_told) = (equity, false);
                    }
                    1 => {
                        monitor.transfer(change);
                        (day, high, equity) = (day + change, high + change, equity + change);
                    }
                    _ => equity += change,
                }
                if equity > high {
                    (high, fall_told) = (equity, false);
                }
                let lost = loss.is_some_and(|limit| day - equity > i128::from(limit) * i128::from(SCALE));
                let fell = drawdown
                    .is_some_and(|limit| (high - equity) * i128::from(SCALE) > high * i128::from(limit));
                let expected = if lost && !loss_told {
                    loss_told = true;
                    Some(TripReason::DailyLoss)
                } else if fell && high > equity && !fall_told {
                    fall_told = true;
                    Some(TripReason::Drawdown)
                } else {
                    None
                };
                prop_assert_eq!(monitor.watch(equity), expected);
            }
        }
    }
}
