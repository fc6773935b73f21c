//! The engine's state without the strategies, so that a strategy's hook can act on it.

use pampero_model::{
    CancelReason, Cash, Fill, MarketId, Markets, OrderId, OrderUpdate, Price, Quantity, Rate, RejectReason,
    Rounding, SCALE, Side, Size, Span, Timestamp, TradingDay, UpdateKind, VenueId,
};
use serde::{Deserialize, Serialize};

use crate::command::{Audit, Command, Outputs};
use crate::counted::CountedFills;
use crate::fingerprint::Fingerprint;
use crate::market_view::MarketView;
use crate::orders::{Claim, OrderManager, OrderRecord, OrderState};
use crate::portfolio::{Owner, Portfolio};
use crate::quoting::Quotes;
use crate::risk::{Denied, Facts, Monitor, TradingState, TripReason};
use crate::strategy::StrategyId;
use crate::timers::Timers;

/// What a hook must still be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Notice {
    Order { strategy: StrategyId, order: OrderId, update: Option<UpdateKind>, denied: Option<Denied> },
    Fill(StrategyId, Fill),
    State(StrategyId),
}

/// What the engine knows of each strategy beside its own state.
#[derive(Clone, Debug)]
pub(crate) struct StrategyFacts {
    pub(crate) markets: Vec<MarketId>,
    pub(crate) warm_up_left: usize,
    pub(crate) flattening: bool,
}

pub(crate) struct Core {
    pub(crate) now: Timestamp,
    pub(crate) markets: Markets,
    pub(crate) views: Vec<MarketView>,
    pub(crate) orders: OrderManager,
    pub(crate) portfolio: Portfolio,
    pub(crate) account: Monitor,
    pub(crate) monitors: Vec<Monitor>,
    pub(crate) strategies: Vec<StrategyFacts>,
    pub(crate) facts: Facts,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) timers: Timers,
    pub(crate) quotes: Quotes,
    pub(crate) notices: Vec<Notice>,
    pub(crate) out: Outputs,
    /// By venue.
    pub(crate) counted: Vec<CountedFills>,
    pub(crate) trading_day: TradingDay,
    pub(crate) day_ends: Timestamp,
    /// How far a market order reaches beyond the reference price.
    pub(crate) market_bound: Rate,
    /// How many checks the last approved order passed.
    pub(crate) checks_ran: u32,
    pub(crate) flattening: bool,
    /// When the next timer or expiry is due, and whether that must be looked for again.
    pub(crate) next_due: Timestamp,
    pub(crate) due_moved: bool,
    /// While a recording is taken in: nothing is decided, what was decided is taken over.
    pub(crate) recovering: bool,
}

impl Core {
    pub(crate) fn monitor_mut(&mut self, strategy: StrategyId) -> Option<&mut Monitor> {
        self.monitors.get_mut(strategy.index())
    }

    /// The stricter of a strategy's state and the account's.
    pub(crate) fn state_of(&self, strategy: StrategyId) -> TradingState {
        if self.facts.winding_down {
            return TradingState::Halted;
        }
        let own = self.monitors.get(strategy.index()).map_or(TradingState::Halted, |monitor| monitor.state);
        own.max(self.account.state)
    }

    /// Base held by all strategies in a market.
    pub(crate) fn total_position(&self, market: MarketId) -> Quantity {
        (0..=u16::MAX)
            .zip(&self.monitors)
            .map(|(index, _)| self.portfolio.position(StrategyId(index), market).quantity)
            .fold(Quantity::ZERO, Quantity::saturating_add)
    }

    // Time and money.

    #[inline]
    pub(crate) fn advance_time(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
        if self.now >= self.day_ends {
            self.begin_day();
        }
    }

    #[cold]
    #[inline(never)]
    fn begin_day(&mut self) {
        self.day_ends = self.trading_day.next_start(self.now);
        self.account.begin_day();
        self.monitors.iter_mut().for_each(Monitor::begin_day);
    }

    /// Revalues after a market moved, and trips what that passes.
    #[inline]
    pub(crate) fn revalue(&mut self, market: MarketId) {
        let Some(mark) = self.views.get(market.index()).map(MarketView::mark_price) else { return };
        if self.portfolio.mark(market, mark) {
            self.watch_equity();
        }
    }

    /// Lets every monitor see the equity it watches. Nearly always all of them find it within their bounds.
    #[inline]
    pub(crate) fn watch_equity(&mut self) {
        let mut quiet = self.account.sees(self.portfolio.total_equity());
        for (monitor, equity) in self.monitors.iter_mut().zip(self.portfolio.strategy_equities()) {
            quiet &= monitor.sees(*equity);
        }
        if !quiet {
            self.watch_closely();
        }
    }

    #[cold]
    #[inline(never)]
    fn watch_closely(&mut self) {
        if let Some(reason) = self.account.watch(self.portfolio.total_equity()) {
            self.trip(None, TradingState::ReduceOnly, reason);
        }
        for index in 0..self.monitors.len() {
            let Some(monitor) = self.monitors.get_mut(index) else { return };
            let Some(equity) = self.portfolio.strategy_equities().get(index) else { return };
            if let (Some(reason), Ok(index)) = (monitor.watch(*equity), u16::try_from(index)) {
                self.trip(Some(StrategyId(index)), TradingState::ReduceOnly, reason);
            }
        }
    }

    pub(crate) fn look_for_due(&mut self) {
        self.next_due = self.timers.next().min(self.next_expiry());
    }

    /// Whether a step has anything to do beside what its event is: most have not.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        // What is timed is covered by `next_due`, unless that must be looked for again.
        self.due_moved
            || self.now >= self.next_due
            || !self.notices.is_empty()
            || self.quotes.any_awake()
            || self.flattening
    }

    // The trading state.

    /// Makes the state of a strategy, or of all, stricter, and cancels what it no longer allows.
    pub(crate) fn trip(&mut self, strategy: Option<StrategyId>, state: TradingState, reason: TripReason) {
        let monitor = match strategy {
            Some(strategy) => self.monitors.get_mut(strategy.index()),
            None => Some(&mut self.account),
        };
        if monitor.is_some_and(|monitor| monitor.trip(state, reason)) {
            self.state_changed(strategy, state, reason);
            self.cancel_forbidden(strategy, state);
        }
    }

    /// An operator's reset, the only way back.
    pub(crate) fn resume(&mut self, strategy: Option<StrategyId>) {
        let own = |id: StrategyId| id.index()..id.index() + 1;
        let resumed = strategy.map_or(0..self.monitors.len(), own);
        self.monitors.get_mut(resumed.clone()).unwrap_or_default().iter_mut().for_each(Monitor::resume);
        if strategy.is_none() {
            self.account.resume();
        }
        for facts in self.strategies.get_mut(resumed).unwrap_or_default() {
            facts.flattening = false;
        }
        self.flattening = self.strategies.iter().any(|facts| facts.flattening);
        self.state_changed(strategy, TradingState::Active, TripReason::Operator);
    }

    /// Cancels everything and orders nothing more until the session ends.
    pub(crate) fn wind_down(&mut self) {
        self.facts.winding_down = true;
        self.quotes.forget(None);
        self.cancel_where(|_| true);
    }

    fn state_changed(&mut self, strategy: Option<StrategyId>, state: TradingState, reason: TripReason) {
        self.out.audit.push(Audit::State { time: self.now, strategy, state, reason });
        for index in 0..self.strategies.len() {
            let Ok(id) = u16::try_from(index).map(StrategyId) else { return };
            if strategy.is_none_or(|strategy| strategy == id) {
                self.notices.push(Notice::State(id));
            }
        }
    }

    /// Halted: everything is cancelled. Reduce only: what makes a position larger is.
    fn cancel_forbidden(&mut self, strategy: Option<StrategyId>, state: TradingState) {
        let concerned = |record: &OrderRecord| strategy.is_none_or(|id| record.strategy == id);
        let forbidden = |record: &OrderRecord| state == TradingState::Halted || record.side == Side::Buy;
        self.cancel_where(|record| concerned(record) && forbidden(record));
        self.quotes.forget(strategy);
        if state == TradingState::Halted && strategy.is_none() {
            for (venue, _) in self.markets.venues() {
                self.out.commands.push(Command::CancelAll { venue });
            }
        }
    }

    // Cancels.

    pub(crate) fn cancel_where(&mut self, wanted: impl Fn(&OrderRecord) -> bool) {
        let mut last = None;
        while let Some(record) = self.orders.next_after(last, &wanted) {
            last = Some(record.id);
            self.cancel(record.id);
        }
    }

    /// Cancels an order: a held one at once, a sent one as soon as the venue's id is known.
    pub(crate) fn cancel(&mut self, id: OrderId) {
        if self.recovering {
            return;
        }
        let Some(record) = self.orders.get(id).copied() else { return };
        if record.state == OrderState::Held {
            self.update_order(id, &UpdateKind::Cancelled(CancelReason::Requested), true);
            return;
        }
        if !record.cancel_wanted {
            self.orders.change(id, |record| record.cancel_wanted = true);
            self.due_moved = true;
            self.send_cancel(&record);
        }
    }

    fn send_cancel(&mut self, record: &OrderRecord) {
        if self.recovering {
            return;
        }
        let Some(venue_order) = record.venue_order else { return };
        self.count_request(record.strategy);
        self.out.commands.push(Command::Cancel { order: record.id, market: record.market, venue_order });
    }

    pub(crate) fn count_request(&mut self, strategy: StrategyId) {
        let now = self.now;
        self.account.count_request(now);
        if let Some(monitor) = self.monitor_mut(strategy) {
            monitor.count_request(now);
        }
    }

    /// Counts an approved order in the windows of its strategy and of the account.
    pub(crate) fn count_approved(&mut self, record: &OrderRecord) {
        let (now, summary) = (self.now, (record.market, record.side, record.price, record.size));
        self.account.approved(now, record.id, summary);
        if let Some(monitor) = self.monitor_mut(record.strategy) {
            monitor.approved(now, record.id, summary);
        }
    }

    // Order news.

    /// Takes in news from a venue.
    pub(crate) fn on_order_update(&mut self, update: &OrderUpdate) {
        match update.kind {
            UpdateKind::Fill(fill) => self.on_fill(&fill),
            kind => self.update_order(update.order, &kind, false),
        }
    }

    /// Changes an order and what is derived from it: reservation, exposure, aggregates.
    pub(crate) fn change_order(
        &mut self,
        id: OrderId,
        f: impl FnOnce(&mut OrderRecord),
    ) -> Option<OrderRecord> {
        let before = self.orders.get(id)?.claim();
        self.due_moved = true;
        let now = self.now;
        let after = self.orders.change(id, |record| {
            f(record);
            record.updated_at = now;
        })?;
        self.move_claim(&after, before, after.claim());
        if after.state.is_final() {
            self.out.audit.push(Audit::Closed(after));
        }
        Some(after)
    }

    /// Adds a new order with its claim.
    pub(crate) fn insert_order(&mut self, record: &OrderRecord) {
        self.due_moved = true;
        self.move_claim(record, Claim::default(), record.claim());
        self.orders.insert(record);
    }

    /// Reservation and exposure are functions of the order: the old claim is taken back, the new one made.
    pub(crate) fn move_claim(&mut self, order: &OrderRecord, before: Claim, after: Claim) {
        if before == after {
            return;
        }
        if let Some(asset) = self.portfolio.spends(order.market, order.side) {
            let change = after.reserved.saturating_sub(before.reserved);
            self.portfolio.reserve(Owner::Strategy(order.strategy), asset, change);
        }
        let own = self.monitors.get_mut(order.strategy.index());
        for monitor in [Some(&mut self.account), own].into_iter().flatten() {
            if let Some(exposure) = monitor.exposure.get_mut(order.market.index()) {
                if let Some(worst) = before.worst {
                    exposure.remove(order.side, worst);
                }
                if let Some(worst) = after.worst {
                    exposure.add(order.side, worst);
                }
            }
        }
    }

    /// Moves an order through the state table. News that the table does not know is ignored.
    pub(crate) fn update_order(&mut self, id: OrderId, kind: &UpdateKind, from_engine: bool) {
        let Some(state) = self.orders.get(id).and_then(|record| record.state.after(kind)) else {
            return;
        };
        let changed = self.change_order(id, |record| {
            record.state = state;
            if let UpdateKind::Acknowledged(venue_order) = kind {
                record.venue_order = Some(*venue_order);
            }
        });
        let Some(record) = changed else { return };
        match kind {
            UpdateKind::Acknowledged(_) if record.cancel_wanted => self.send_cancel(&record),
            UpdateKind::Rejected(RejectReason::RateLimited) => {}
            UpdateKind::Rejected(_) if !from_engine => self.count_reject(record.strategy),
            UpdateKind::Cancelled(CancelReason::InsufficientFunds) => self.count_reject(record.strategy),
            _ => {}
        }
        let update = (!from_engine).then_some(*kind);
        self.notices.push(Notice::Order { strategy: record.strategy, order: id, update, denied: None });
        if record.state.is_final() {
            self.quotes.wake(record.strategy, record.market);
        }
    }

    /// A held order that was triggered is refused.
    pub(crate) fn refuse_held(&mut self, id: OrderId, denied: Denied) {
        if let Some(record) = self.change_order(id, |record| record.state = OrderState::Rejected) {
            let (strategy, denied) = (record.strategy, Some(denied));
            self.notices.push(Notice::Order { strategy, order: id, update: None, denied });
        }
    }

    fn count_reject(&mut self, strategy: StrategyId) {
        let now = self.now;
        if self.monitor_mut(strategy).is_some_and(|monitor| monitor.count_reject(now)) {
            self.trip(Some(strategy), TradingState::ReduceOnly, TripReason::Rejects);
        }
        if self.account.count_reject(now) {
            self.trip(None, TradingState::ReduceOnly, TripReason::Rejects);
        }
    }

    /// Takes in an execution, once, in whatever order and however often it is reported.
    fn on_fill(&mut self, fill: &Fill) {
        let venue = self.markets.venue_of(fill.market).unwrap_or(VenueId(0));
        if !self.counted.get_mut(venue.index()).is_some_and(|counted| counted.insert(fill.side, fill.id)) {
            return;
        }
        let kind = UpdateKind::Fill(*fill);
        let next =
            self.orders.get(fill.order).map(|record| record.state.after(&kind).unwrap_or(record.state));
        let record = match next {
            Some(state) => self.change_order(fill.order, |record| {
                record.state = state;
                record.filled_base = record.filled_base.saturating_add(fill.base);
                record.filled_quote = record.filled_quote.saturating_add(fill.quote);
            }),
            None => self.orders.late_fill(fill.order, fill),
        };
        let Some(record) = record else {
            self.out.audit.push(Audit::ForeignFill(*fill));
            self.trip(None, TradingState::ReduceOnly, TripReason::ForeignFill);
            return;
        };
        self.portfolio.fill(record.strategy, fill);
        self.after_fill(&record, fill);
    }

    fn after_fill(&mut self, record: &OrderRecord, fill: &Fill) {
        let strategy = record.strategy;
        let mark = self.views.get(fill.market.index()).map_or(fill.price, MarketView::mark_price);
        self.out.audit.push(Audit::Filled { fill: *fill, strategy, reason: record.reason, mark });
        self.watch_equity();
        let now = self.now;
        if self.monitor_mut(strategy).is_some_and(|monitor| monitor.count_fill(now)) {
            self.trip(Some(strategy), TradingState::ReduceOnly, TripReason::RepeatedExecution);
        }
        if self.account.count_fill(now) {
            self.trip(None, TradingState::ReduceOnly, TripReason::RepeatedExecution);
        }
        self.check_band(record, fill);
        self.shrink_reduce_only(strategy, fill.market);
        self.notices.push(Notice::Fill(strategy, *fill));
    }

    /// A buy sized in quote that fills below its band buys more base than was counted.
    fn check_band(&mut self, record: &OrderRecord, fill: &Fill) {
        let limited = |monitor: &Monitor| monitor.limits.market(fill.market).max_position.is_some();
        let below = fill.side == Side::Buy
            && matches!(record.size, Size::Quote(_))
            && fill.price < record.worst_price;
        if below
            && (limited(&self.account) || self.monitors.get(record.strategy.index()).is_some_and(limited))
        {
            self.trip(Some(record.strategy), TradingState::ReduceOnly, TripReason::FillOutsideBand);
        }
    }

    /// Reduce-only orders that together exceed what is left of the position are cancelled, newest first.
    fn shrink_reduce_only(&mut self, strategy: StrategyId, market: MarketId) {
        let held = self.portfolio.position(strategy, market).quantity;
        let sells = |record: &OrderRecord| {
            record.reduce_only
                && record.strategy == strategy
                && record.market == market
                && record.side == Side::Sell
                && !record.cancel_wanted
        };
        let mut left = held;
        let mut last = None;
        while let Some(record) = self.orders.next_after(last, sells) {
            last = Some(record.id);
            let Ok(quantity) = record.remaining().quantity(record.price, Rounding::Down) else { continue };
            if quantity > left {
                self.cancel(record.id);
            } else {
                left = left.saturating_sub(quantity);
            }
        }
    }

    /// The worth of an order in the report currency, rounded up.
    pub(crate) fn value_of(&self, market: MarketId, notional: Cash) -> Cash {
        let rate = Rate::from_units(self.portfolio.quote_rate(market).units());
        if rate == Rate::from_units(SCALE) {
            return notional;
        }
        rate.of_cash(notional, Rounding::Up).unwrap_or(Cash::MAX)
    }

    /// The price of an order moved to the market's tick, toward its passive side.
    pub(crate) fn to_tick(&self, market: MarketId, side: Side, price: Price) -> Price {
        let tick = self.markets.get(market).map_or(Price::UNIT, |market| market.price_tick);
        let down = price.truncate_to(tick);
        match side {
            Side::Sell if down < price => down.saturating_add(tick),
            _ => down,
        }
    }

    pub(crate) fn set_clock_skew(&mut self, skew: Span) {
        self.facts.clock_skew = skew;
        if self.account.limits.max_clock_skew.is_some_and(|limit| skew > limit) {
            self.trip(None, TradingState::Halted, TripReason::ClockSkew);
        }
    }
}
