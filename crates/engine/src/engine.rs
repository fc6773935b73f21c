//! The engine: strategies on top of the core, and the step.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pampero_model::{
    Candle, Cash, Currency, Market, MarketId, Markets, Price, Quantity, Rate, SCALE, Side, Span, Timestamp,
    TradingDay, VenueId,
};
use thiserror::Error;

use crate::command::Outputs;
use crate::context::Context;
use crate::core::{Core, Notice, StrategyFacts};
use crate::counted::CountedFills;
use crate::emulation::Observed;
use crate::event::{Control, Event, EventKind};
use crate::fingerprint::Fingerprint;
use crate::market_view::MarketView;
use crate::orders::{OrderEvent, OrderManager, OrderRecord};
use crate::portfolio::{Allocation, Owner, Portfolio, PortfolioError};
use crate::quoting::Quotes;
use crate::risk::{Facts, Limits, Monitor, TradingState, TripReason};
use crate::strategy::{Strategy, StrategyId};
use crate::timers::Timers;

/// Everything an engine is built from.
pub struct Setup {
    /// The markets. Their order decides ids.
    pub markets: Markets,
    /// The strategies, each with its limits. Their order decides ids.
    pub strategies: Vec<(Box<dyn Strategy>, Limits)>,
    /// The limits of the whole account.
    pub account_limits: Limits,
    /// The currency in which equity and the limits on value are counted.
    pub report_currency: Currency,
    /// Worth of one unit of currencies that no market values.
    pub rates: Vec<(Currency, Price)>,
    /// How old the worth of a currency may become that is told again and again, by currency: no order increases a
    /// position on an older one, whatever the limits say.
    pub rate_ages: Vec<(Currency, Span)>,
    /// What the accounts hold at the start, and whose it is.
    pub allocations: Vec<Allocation>,
    /// How far a market order reaches beyond the best opposite price.
    pub market_bound: Rate,
    /// Where the trading day begins.
    pub trading_day: TradingDay,
    /// Where the fingerprint goes on.
    pub fingerprint: Fingerprint,
}

impl Setup {
    /// A setup without strategies and limits: market orders reach 2 % beyond the best price, the day is UTC.
    pub fn new(markets: Markets, report_currency: Currency) -> Self {
        Self {
            markets,
            strategies: Vec::new(),
            account_limits: Limits::default(),
            report_currency,
            rates: Vec::new(),
            rate_ages: Vec::new(),
            allocations: Vec::new(),
            market_bound: Rate::from_units(2_000_000),
            trading_day: TradingDay::utc(),
            fingerprint: Fingerprint::default(),
        }
    }
}

/// A setup that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EngineError {
    /// The portfolio cannot be built or valued.
    #[error(transparent)]
    Portfolio(#[from] PortfolioError),
    /// A strategy names a market that there is not.
    #[error("strategy {strategy} wants market number {market}, but there are {markets}")]
    UnknownMarket {
        /// Number of the strategy.
        strategy: usize,
        /// Number of the market.
        market: u16,
        /// How many markets there are.
        markets: usize,
    },
    /// A strategy names no market.
    #[error("strategy {0} declares no market")]
    NoMarket(usize),
    /// More strategies than an id can number.
    #[error("too many strategies")]
    TooManyStrategies,
}

pub(crate) struct Slot {
    pub(crate) strategy: Box<dyn Strategy>,
    spans: Vec<Span>,
    pub(crate) poisoned: bool,
    /// Whether hooks are left out: of a poisoned strategy always, of all while a recording is taken in.
    pub(crate) silent: bool,
}

impl Slot {
    /// Calls a hook. A panic poisons the strategy: it is halted and never called again.
    #[inline]
    fn call(
        &mut self,
        core: &mut Core,
        id: StrategyId,
        hook: impl FnOnce(&mut dyn Strategy, &mut Context<'_>),
    ) {
        if self.silent {
            return;
        }
        let strategy = self.strategy.as_mut();
        let outcome = catch_unwind(AssertUnwindSafe(|| hook(strategy, &mut Context::new(core, id))));
        if outcome.is_err() {
            (self.poisoned, self.silent) = (true, true);
            core.trip(Some(id), TradingState::Halted, TripReason::Panic);
        }
    }
}

/// The trading engine. See the [crate's documentation](crate).
pub struct Engine {
    pub(crate) core: Core,
    pub(crate) slots: Vec<Slot>,
    /// By market: the strategies that want its events.
    subscribers: Vec<Vec<StrategyId>>,
    /// Whether the limits on value have an equity to start from.
    pub(crate) begun: bool,
}

impl Engine {
    /// Builds the engine. Nothing is called on the strategies but their requirements.
    pub fn new(setup: Setup) -> Result<Self, EngineError> {
        let markets = setup.markets.len();
        let mut portfolio =
            Portfolio::new(&setup.markets, setup.report_currency, setup.strategies.len(), &setup.rates)?;
        portfolio.limit_rate_ages(&setup.rate_ages);
        let mut slots = Vec::new();
        let mut monitors = Vec::new();
        let mut facts = Vec::new();
        let mut subscribers = vec![Vec::new(); markets];
        for (index, (strategy, limits)) in setup.strategies.into_iter().enumerate() {
            let id = u16::try_from(index).map(StrategyId).map_err(|_| EngineError::TooManyStrategies)?;
            let wanted = strategy.requirements();
            if wanted.markets.is_empty() {
                return Err(EngineError::NoMarket(index));
            }
            for market in &wanted.markets {
                let unknown = EngineError::UnknownMarket { strategy: index, market: market.0, markets };
                subscribers.get_mut(market.index()).ok_or(unknown)?.push(id);
            }
            slots.push(Slot { strategy, spans: wanted.candle_spans, poisoned: false, silent: false });
            monitors.push(Monitor::new(limits, markets));
            facts.push(StrategyFacts {
                markets: wanted.markets,
                warm_up_left: wanted.warm_up,
                flattening: false,
            });
        }
        allocate(&mut portfolio, &setup.markets, &facts, &setup.allocations)?;
        let venues = setup.markets.venues().count();
        let core = Core {
            now: Timestamp::MIN,
            views: (0..markets).map(|_| MarketView::new()).collect(),
            orders: OrderManager::new(),
            portfolio,
            account: Monitor::new(setup.account_limits, markets),
            monitors,
            strategies: facts,
            facts: Facts {
                environment_confirmed: false,
                winding_down: false,
                clock_skew: Span::ZERO,
                reconciled_until: vec![Timestamp::MIN; venues],
                balances_at: vec![Timestamp::MIN; venues],
            },
            fingerprint: setup.fingerprint,
            timers: Timers::default(),
            quotes: Quotes::default(),
            notices: Vec::with_capacity(64),
            out: Outputs::default(),
            counted: (0..venues).map(|_| CountedFills::default()).collect(),
            trading_day: setup.trading_day,
            day_ends: Timestamp::MIN,
            market_bound: setup.market_bound,
            checks_ran: 0,
            flattening: false,
            next_due: Timestamp::MAX,
            due_moved: true,
            recovering: false,
            markets: setup.markets,
        };
        Ok(Self { core, slots, subscribers, begun: false })
    }

    /// Lets the strategies begin. Call it once, before the first step, with the time at which the run starts.
    pub fn start(&mut self, now: Timestamp, out: &mut Outputs) {
        self.begin(now);
        self.for_all(|strategy, ctx| strategy.on_start(ctx));
        self.settle();
        self.hand_out(out);
    }

    /// The limits on value start from the equity of now, unless a checkpoint brought what they start from.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.core.advance_time(now);
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        self.core.account.begin(self.core.portfolio.total_equity());
        for (index, monitor) in (0..=u16::MAX).zip(&mut self.core.monitors) {
            monitor.begin(self.core.portfolio.owner_equity(Owner::Strategy(StrategyId(index))));
        }
    }

    /// Takes in one event and writes what follows from it into `out`.
    #[inline]
    pub fn step(&mut self, event: &Event<'_>, out: &mut Outputs) {
        self.core.advance_time(event.time);
        self.apply(&event.kind);
        self.settle();
        self.hand_out(out);
    }

    /// Most steps decide nothing: the buffers are touched only when there is something in them.
    #[inline]
    fn hand_out(&mut self, out: &mut Outputs) {
        if !self.core.out.is_empty() {
            out.append(&mut self.core.out);
        }
    }

    /// When the next timer or expiry is due: the caller then steps with [`EventKind::Timer`].
    #[inline]
    pub fn next_timer(&self) -> Timestamp {
        self.core.next_due
    }

    pub(crate) fn apply(&mut self, kind: &EventKind<'_>) {
        let now = self.core.now;
        match kind {
            EventKind::Book { market, book } => {
                let Some(view) = self.core.views.get_mut(market.index()) else { return };
                view.see_book(now, *book);
                self.book_seen(*market);
            }
            EventKind::Quote { market, quote } => {
                let Some(view) = self.core.views.get_mut(market.index()) else { return };
                view.see_quote(now, quote);
                self.book_seen(*market);
            }
            EventKind::Trade { market, trade } => {
                let Some(view) = self.core.views.get_mut(market.index()) else { return };
                view.see_trade(now, trade);
                self.market_seen(*market, Observed { low: trade.price, high: trade.price });
                self.dispatch(*market, |strategy, ctx| strategy.on_trade(ctx, *market, trade));
            }
            EventKind::Candle { market, span, candle } => {
                let Some(view) = self.core.views.get_mut(market.index()) else { return };
                view.see_candle(now, candle);
                self.market_seen(*market, Observed { low: candle.low, high: candle.high });
                self.dispatch_candle(*market, *span, candle);
            }
            _ => self.apply_rest(kind),
        }
    }

    /// Everything that is not a market's: kept apart, so that market data does not carry its weight.
    #[inline(never)]
    fn apply_rest(&mut self, kind: &EventKind<'_>) {
        let now = self.core.now;
        match kind {
            EventKind::Book { .. }
            | EventKind::Quote { .. }
            | EventKind::Trade { .. }
            | EventKind::Candle { .. }
            | EventKind::Timer => {}
            EventKind::Order(update) => self.core.on_order_update(update),
            EventKind::Transfer { venue, money } => {
                if let Some(asset) = self.core.portfolio.asset(*venue, money.currency) {
                    let before = self.core.portfolio.total_equity();
                    self.core.portfolio.credit(Owner::Unallocated, asset, money.units);
                    let change = self.core.portfolio.total_equity() - before;
                    self.core.account.transfer(change);
                }
            }
            EventKind::Rate { currency, rate } => {
                self.core.portfolio.set_external_rate(now, *currency, *rate);
                self.core.watch_equity();
            }
            EventKind::Reconciled { venue, until } => {
                set(&mut self.core.facts.reconciled_until, *venue, *until);
            }
            EventKind::BalancesSeen { venue, at } => set(&mut self.core.facts.balances_at, *venue, *at),
            EventKind::ClockSkew(skew) => self.core.set_clock_skew(*skew),
            EventKind::EnvironmentConfirmed => self.core.facts.environment_confirmed = true,
            EventKind::Control(control) => self.control(*control),
        }
    }

    fn book_seen(&mut self, market: MarketId) {
        let Some(view) = self.core.views.get(market.index()) else { return };
        // A stop to sell looks at the best bid, a stop to buy at the best ask.
        let mark = view.mark_price();
        let price = |side| view.raw_book().best(side).map_or(mark, |level| level.price);
        let observed = Observed { low: price(Side::Buy), high: price(Side::Sell) };
        self.market_seen(market, observed);
        self.dispatch(market, |strategy, ctx| strategy.on_book(ctx, market));
    }

    #[inline]
    fn market_seen(&mut self, market: MarketId, observed: Observed) {
        if self.core.portfolio.has_unvalued() && self.core.portfolio.is_unvalued(market) {
            self.value_first(market);
        }
        self.core.revalue(market);
        self.core.after_observation(market, observed);
    }

    /// The first price of a market gives inventory its cost and the limits the equity they start from.
    #[cold]
    #[inline(never)]
    fn value_first(&mut self, market: MarketId) {
        let Some(mark) = self.core.views.get(market.index()).map(MarketView::mark_price) else { return };
        let before = self.core.portfolio.clone();
        self.core.portfolio.price_inventory(market, mark);
        self.core.portfolio.mark(market, mark);
        let after = &self.core.portfolio;
        self.core.account.transfer(after.total_equity() - before.total_equity());
        for (index, monitor) in (0..=u16::MAX).zip(&mut self.core.monitors) {
            let owner = Owner::Strategy(StrategyId(index));
            monitor.transfer(after.owner_equity(owner) - before.owner_equity(owner));
        }
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::ReduceOnly(strategy) => {
                self.core.trip(strategy, TradingState::ReduceOnly, TripReason::Operator);
            }
            Control::Halt(strategy) => self.core.trip(strategy, TradingState::Halted, TripReason::Operator),
            Control::Resume(strategy) => self.core.resume(strategy),
            Control::Flatten(strategy) => self.core.flatten(strategy),
            Control::WindDown => {
                self.for_all(|strategy, ctx| strategy.on_stop(ctx));
                self.core.wind_down();
            }
            Control::Stop => self.for_all(|strategy, ctx| strategy.on_stop(ctx)),
        }
    }

    #[inline]
    fn settle(&mut self) {
        if self.core.has_work() {
            self.work_off();
        }
    }

    /// Timers, expiries, notices and quotes until nothing is left to do.
    #[inline(never)]
    fn work_off(&mut self) {
        if self.core.orders.any_timed() {
            self.core.expire();
        }
        while let Some(timer) = self.core.timers.pop_due(self.core.now) {
            self.core.due_moved = true;
            self.call(timer.strategy, |strategy, ctx| strategy.on_timer(ctx, timer.tag));
        }
        let mut at = 0;
        while let Some(notice) = self.core.notices.get(at).copied() {
            at += 1;
            self.notify(&notice);
        }
        self.core.notices.clear();
        if self.core.quotes.any_awake() {
            self.core.converge_awake();
        }
        if self.core.flattening {
            self.core.flatten_step();
        }
        if std::mem::take(&mut self.core.due_moved) {
            self.core.look_for_due();
        }
    }

    fn notify(&mut self, notice: &Notice) {
        match notice {
            Notice::Order { strategy, order, update, denied } => {
                let orders = &self.core.orders;
                let Some(order) = orders.get(*order).or_else(|| orders.get_closed(*order)).copied() else {
                    return;
                };
                let event = OrderEvent { order, update: *update, denied: *denied };
                self.call(*strategy, |strategy, ctx| strategy.on_order(ctx, &event));
            }
            Notice::Fill(id, fill) => self.call(*id, |strategy, ctx| strategy.on_fill(ctx, fill)),
            Notice::State(id) => {
                let state = self.core.state_of(*id);
                self.call(*id, |strategy, ctx| strategy.on_control(ctx, state));
            }
        }
    }

    #[inline]
    fn dispatch(&mut self, market: MarketId, hook: impl Fn(&mut dyn Strategy, &mut Context<'_>)) {
        let Some(ids) = self.subscribers.get(market.index()) else { return };
        for id in ids {
            if let Some(slot) = self.slots.get_mut(id.index()) {
                slot.call(&mut self.core, *id, &hook);
            }
        }
    }

    #[inline]
    fn dispatch_candle(&mut self, market: MarketId, span: Span, candle: &Candle) {
        let Some(ids) = self.subscribers.get(market.index()) else { return };
        for id in ids {
            let Some(slot) = self.slots.get_mut(id.index()) else { continue };
            if !slot.spans.is_empty() && !slot.spans.contains(&span) {
                continue;
            }
            if let Some(facts) = self.core.strategies.get_mut(id.index())
                && facts.warm_up_left > 0
                && facts.markets.first() == Some(&market)
            {
                facts.warm_up_left -= 1;
            }
            slot.call(&mut self.core, *id, |strategy, ctx| strategy.on_candle(ctx, market, candle));
        }
    }

    fn for_all(&mut self, hook: impl Fn(&mut dyn Strategy, &mut Context<'_>)) {
        for index in 0..self.slots.len() {
            if let Ok(id) = u16::try_from(index).map(StrategyId) {
                self.call(id, &hook);
            }
        }
    }

    fn call(&mut self, id: StrategyId, hook: impl FnOnce(&mut dyn Strategy, &mut Context<'_>)) {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            slot.call(&mut self.core, id, hook);
        }
    }

    // What the caller may look at between steps.

    /// How many strategies there are.
    pub fn strategy_count(&self) -> usize {
        self.slots.len()
    }

    /// The time of the last event.
    pub fn now(&self) -> Timestamp {
        self.core.now
    }

    /// The markets.
    pub fn markets(&self) -> &Markets {
        &self.core.markets
    }

    /// The rules of a market.
    pub fn market(&self, market: MarketId) -> Option<&Market> {
        self.core.markets.get(market)
    }

    /// What is known of a market.
    pub fn view(&self, market: MarketId) -> Option<&MarketView> {
        self.core.views.get(market.index())
    }

    /// Balances, positions and equity.
    pub fn portfolio(&self) -> &Portfolio {
        &self.core.portfolio
    }

    /// Every order that is not final, oldest first.
    pub fn open_orders(&self) -> &[OrderRecord] {
        self.core.orders.live()
    }

    /// The last orders that ended, oldest first: so many as are remembered for what the venue tells late.
    pub fn ended_orders(&self) -> impl Iterator<Item = &OrderRecord> {
        self.core.orders.closed()
    }

    /// The executions of a venue that were counted; none for a venue that the engine does not know.
    pub fn counted_fills(&self, venue: VenueId) -> Option<&CountedFills> {
        self.core.counted.get(venue.index())
    }

    /// The stricter of a strategy's trading state and the account's.
    pub fn trading_state(&self, strategy: StrategyId) -> TradingState {
        self.core.state_of(strategy)
    }

    /// What the starting balances were worth at the first prices, with deposits and withdrawals since added.
    pub fn starting_equity(&self) -> Cash {
        Cash::from_units(self.core.account.base / i128::from(SCALE))
    }

    /// Equity at its highest since the start, deposits and withdrawals aside, in the report currency.
    pub fn high_water_mark(&self) -> Cash {
        Cash::from_units(self.core.account.high_water / i128::from(SCALE))
    }

    /// The account's fall from its high-water mark, as a share of it.
    pub fn drawdown(&self) -> Rate {
        self.core.account.drawdown()
    }

    /// How many checks the last approved order passed.
    pub fn checks_ran(&self) -> u32 {
        self.core.checks_ran
    }

    /// The fingerprint as it stands, to be saved.
    pub fn fingerprint(&self) -> Fingerprint {
        self.core.fingerprint
    }

    /// A strategy, for saving and restoring its state. None if a panic poisoned it.
    pub fn strategy_mut(&mut self, id: StrategyId) -> Option<&mut dyn Strategy> {
        let slot = self.slots.get_mut(id.index()).filter(|slot| !slot.poisoned)?;
        Some(slot.strategy.as_mut())
    }
}

fn set(times: &mut [Timestamp], venue: VenueId, time: Timestamp) {
    if let Some(slot) = times.get_mut(venue.index()) {
        *slot = time;
    }
}

/// Credits the starting balances; a strategy's base is its opening position in the first market that trades it.
fn allocate(
    portfolio: &mut Portfolio,
    markets: &Markets,
    strategies: &[StrategyFacts],
    allocations: &[Allocation],
) -> Result<(), PortfolioError> {
    for allocation in allocations {
        let Allocation { owner, venue, money } = *allocation;
        let asset = portfolio.asset(venue, money.currency).ok_or_else(|| PortfolioError::UnknownAsset {
            venue: markets.venue_name(venue).unwrap_or_default().to_owned(),
            currency: money.currency,
        })?;
        portfolio.credit(owner, asset, money.units);
        let Owner::Strategy(id) = owner else { continue };
        let own = strategies.get(id.index()).map_or(&[][..], |facts| &facts.markets);
        let trades = |market: &&MarketId| {
            markets.venue_of(**market) == Some(venue)
                && markets.get(**market).is_some_and(|rules| rules.base == money.currency)
        };
        if let Some(market) = own.iter().find(trades) {
            let quantity = Quantity::from_units(i64::try_from(money.units).unwrap_or(i64::MAX));
            portfolio.open_inventory(id, *market, quantity);
        }
    }
    Ok(())
}
