//! What a strategy sees and can do.

use pampero_model::{
    Cash, Currency, Market, MarketId, OrderBook, OrderId, Price, Quantity, Rate, Rounding, Side, Size,
    SizeUnit, Span, Timestamp, VenueId,
};

use crate::core::Core;
use crate::intent::{Desired, Intent, Reason};
use crate::market_view::{Fact, MarketView};
use crate::orders::OrderRecord;
use crate::portfolio::{Holding, Owner, Portfolio, Position};
use crate::risk::{Denied, TradingState, TripReason};
use crate::strategy::StrategyId;
use crate::submit::Origin;
use crate::timers::Timer;

/// The strategy's view of the engine during a hook. Orders are decided at once: an approved one stands in the
/// list of open orders before the call returns.
pub struct Context<'a> {
    core: &'a mut Core,
    strategy: StrategyId,
}

impl<'a> Context<'a> {
    pub(crate) fn new(core: &'a mut Core, strategy: StrategyId) -> Self {
        Self { core, strategy }
    }

    /// The time of the event.
    pub fn now(&self) -> Timestamp {
        self.core.now
    }

    /// The rules of a market.
    pub fn market(&self, market: MarketId) -> Option<&Market> {
        self.core.markets.get(market)
    }

    /// Everything known of a market.
    pub fn view(&self, market: MarketId) -> Option<&MarketView> {
        self.core.views.get(market.index())
    }

    /// The book with its age, without own orders: history never held them, and a live feed takes them out before
    /// the engine sees the book, with [`OrderBook::remove_own`].
    pub fn book(&self, market: MarketId) -> Option<Fact<&OrderBook>> {
        self.view(market)?.book(self.core.now)
    }

    /// Whether the data of a market are too old to increase a position by: nothing was seen of it within `max_data_age`, the
    /// account's or the strategy's. The gate asks this of the market of an order; who trades one market by the prices of
    /// another asks it of that one.
    pub fn is_stale(&self, market: MarketId) -> bool {
        let Some(view) = self.view(market) else { return true };
        let age = self.now().since(view.updated_at());
        let own = self.core.monitors.get(self.strategy.index());
        let limits = own.into_iter().chain([&self.core.account]).map(|monitor| monitor.limits.max_data_age);
        limits.flatten().any(|limit| age > limit)
    }

    /// The price nearest to `price` that does not take from the book as last seen, on the market's ticks; nothing in a
    /// market whose book was never seen.
    pub fn passive_price(&self, market: MarketId, side: Side, price: Price) -> Option<Price> {
        let (rules, book) = (self.market(market)?, self.book(market)?.value);
        let opposite = book.best(side.opposite()).map(|level| level.price);
        let passive = match (side, opposite) {
            (Side::Buy, Some(ask)) => price.min(ask.saturating_sub(rules.price_tick)),
            (Side::Sell, Some(bid)) => price.max(bid.saturating_add(rules.price_tick)),
            (_, None) => price,
        };
        Some(rules.to_tick(side, passive))
    }

    /// The price at which positions are valued, with its age.
    pub fn mark(&self, market: MarketId) -> Option<Fact<Price>> {
        self.view(market)?.mark(self.core.now)
    }

    /// The strategy's own balance of a currency.
    pub fn balance(&self, venue: VenueId, currency: Currency) -> Holding {
        self.core.portfolio.balance(Owner::Strategy(self.strategy), venue, currency)
    }

    /// The strategy's balances of a market's base and quote currency.
    pub fn balances(&self, market: MarketId) -> Option<(Holding, Holding)> {
        let rules = self.market(market)?;
        let venue = self.core.markets.venue_of(market)?;
        Some((self.balance(venue, rules.base), self.balance(venue, rules.quote)))
    }

    /// The cash that a new buy in a market may spend; nothing in a market that does not exist.
    pub fn spendable(&self, market: MarketId) -> Cash {
        self.balances(market).map_or(Cash::ZERO, |(_, quote)| Cash::from_units(quote.available().max(0)))
    }

    /// The base that a new sell in a market may sell, in whole steps; nothing in a market that does not exist.
    pub fn sellable(&self, market: MarketId) -> Quantity {
        let Some((rules, (base, _))) = self.market(market).zip(self.balances(market)) else {
            return Quantity::ZERO;
        };
        let units = i64::try_from(base.available().max(0)).unwrap_or(i64::MAX);
        Quantity::from_units(units).truncate_to(rules.quantity_step)
    }

    /// The strategy's position in a market.
    pub fn position(&self, market: MarketId) -> Position {
        self.core.portfolio.position(self.strategy, market)
    }

    /// Balances, positions and equity of everybody.
    pub fn portfolio(&self) -> &Portfolio {
        &self.core.portfolio
    }

    /// The strategy's orders in a market that are not final, oldest first.
    pub fn open_orders(&self, market: MarketId) -> impl Iterator<Item = &OrderRecord> {
        let strategy = self.strategy;
        self.core
            .orders
            .live()
            .iter()
            .filter(move |record| record.strategy == strategy && record.market == market)
    }

    /// The strategy's quote on a side of a market: the order that [`quote`](Self::quote) placed there and that is not
    /// being cancelled.
    pub fn standing_quote(&self, market: MarketId, side: Side) -> Option<&OrderRecord> {
        self.open_orders(market).find(|order| order.quoting && order.side == side && !order.cancel_wanted)
    }

    /// The price for a quote that should be at `price`: where the quote of that side stands, if that is no farther off
    /// than `slack` of the price, since each move costs two requests; else `price` itself.
    pub fn steady_price(&self, market: MarketId, side: Side, price: Price, slack: Rate) -> Price {
        let slack = slack.of_price(price, Rounding::Down).unwrap_or(Price::ZERO);
        let standing = self.standing_quote(market, side).map(|order| order.price);
        standing.filter(|standing| standing.saturating_sub(price).abs() <= slack).unwrap_or(price)
    }

    /// Whether the strategy holds what an order spends at its price. What other orders keep counts as held, since
    /// [`quote`](Self::quote) places a quote only once the old one is gone.
    pub fn can_pay(&self, market: MarketId, order: &Desired) -> bool {
        let Some((base, cash)) = self.balances(market) else { return false };
        let Desired { side, price, size } = *order;
        let paid = match side {
            Side::Buy => size.notional(price, Rounding::Up).map(|spent| spent.units() <= cash.total),
            Side::Sell => {
                size.quantity(price, Rounding::Up).map(|spent| i128::from(spent.units()) <= base.total)
            }
        };
        paid.unwrap_or(false)
    }

    /// Whether a quote can be asked for: its price is above zero, it is large enough for the market, and the strategy
    /// [can pay](Self::can_pay) for it.
    pub fn can_quote(&self, market: MarketId, quote: &Desired) -> bool {
        let large = self.market(market).is_some_and(|rules| !rules.is_too_small(quote.size));
        large && quote.price.is_positive() && self.can_pay(market, quote)
    }

    /// The size of an order, no worse than `limit`, after which nothing is left of `open` base: a sell of what is above
    /// zero, or a buy that leaves what is below it once the fee is taken. A buy in quote spends what the book asks for it
    /// now, so that a better price does not buy too much. Nothing in a market whose book was never seen.
    pub fn closing_size(&self, market: MarketId, open: Quantity, limit: Price) -> Option<Size> {
        let (rules, book) = (self.market(market)?, self.book(market)?.value);
        if !open.is_negative() {
            return Some(Size::Base(open.truncate_to(rules.quantity_step)));
        }
        let gross = rules.taker_fee.gross_of(open.abs()).ok()?;
        if rules.size_unit(Side::Buy) == SizeUnit::Base {
            return Some(Size::Base(gross.truncate_to(rules.quantity_step)));
        }
        let found = book.walk(Side::Buy, Size::Base(gross), Some(limit)).ok()?.filter(|depth| depth.complete);
        let spent = found.map_or_else(|| limit.notional(gross, Rounding::Up), |depth| Ok(depth.quote));
        spent.ok().map(Size::Quote)
    }

    /// Quote of `market` that one unit of quote of `other` is worth, by the engine's rates. Nothing while one of them is
    /// not known, or was told from outside and is stale.
    pub fn exchange_rate(&self, market: MarketId, other: MarketId) -> Option<Price> {
        let portfolio = self.portfolio();
        if [market, other].into_iter().any(|id| portfolio.is_rate_stale(self.now(), id)) {
            return None;
        }
        let worth = Quantity::from_units(portfolio.quote_rate(market).units());
        let rate = Cash::from_units(portfolio.quote_rate(other).units().into())
            .average_price(worth, Rounding::HalfEven);
        rate.ok().filter(|rate| rate.is_positive())
    }

    /// Whether the strategy has an order in a market that is not final.
    pub fn has_open_orders(&self, market: MarketId) -> bool {
        self.open_orders(market).next().is_some()
    }

    /// Whether what the strategy holds of a market is too little to be sold: nothing, or dust.
    pub fn is_flat(&self, market: MarketId) -> bool {
        let held = self.position(market).quantity;
        self.market(market).is_none_or(|rules| held < rules.min_base)
    }

    /// One of the strategy's orders, open or ended lately.
    pub fn order(&self, id: OrderId) -> Option<&OrderRecord> {
        let found = self.core.orders.get(id).or_else(|| self.core.orders.get_closed(id));
        found.filter(|record| record.strategy == self.strategy)
    }

    /// What the strategy may trade now.
    pub fn trading_state(&self) -> TradingState {
        self.core.state_of(self.strategy)
    }

    /// How many candles of its warm-up are missing.
    pub fn warm_up_left(&self) -> usize {
        self.core.strategies.get(self.strategy.index()).map_or(0, |facts| facts.warm_up_left)
    }

    /// Asks for an order. A refusal says why and is counted in the report.
    pub fn submit(&mut self, intent: Intent) -> Result<OrderId, Denied> {
        self.core.submit(self.strategy, &intent, Origin::default())
    }

    /// Cancels one of the strategy's orders. Cancelling what has ended does nothing.
    pub fn cancel(&mut self, id: OrderId) {
        if self.core.orders.get(id).is_some_and(|record| record.strategy == self.strategy) {
            self.core.cancel(id);
        }
    }

    /// Cancels all of the strategy's orders in a market.
    pub fn cancel_all(&mut self, market: MarketId) {
        let strategy = self.strategy;
        self.core.cancel_where(|record| record.strategy == strategy && record.market == market);
    }

    /// Cancels an order and asks for another. The venue cannot amend: both may be executed for a moment, and the
    /// gate counts both until the first is gone.
    pub fn replace(&mut self, id: OrderId, intent: Intent) -> Result<OrderId, Denied> {
        self.cancel(id);
        self.submit(intent)
    }

    /// Makes the resting orders equal a desired set with the fewest requests: what stands and is desired stays,
    /// the rest is cancelled, what is missing is placed once its side is clear.
    pub fn quote(&mut self, market: MarketId, desired: &[Desired], reason: Reason) {
        self.core.quote(self.strategy, market, desired, reason);
    }

    /// Calls [`on_timer`](crate::Strategy::on_timer) at an instant; one in the past is due at the next event.
    pub fn set_timer(&mut self, at: Timestamp, tag: u32) {
        self.core.timers.set(Timer { at, strategy: self.strategy, tag });
        self.core.due_moved = true;
    }

    /// Calls [`on_timer`](crate::Strategy::on_timer) after a while.
    pub fn set_timer_after(&mut self, delay: Span, tag: u32) {
        self.set_timer(self.now().plus(delay), tag);
    }

    /// Forgets the strategy's timers of a tag.
    pub fn clear_timer(&mut self, tag: u32) {
        self.core.timers.clear(self.strategy, tag);
        self.core.due_moved = true;
    }

    /// Takes the strategy out of the market: cancels what makes its position larger, refuses more of it.
    pub fn reduce_only(&mut self) {
        self.core.trip(Some(self.strategy), TradingState::ReduceOnly, TripReason::Strategy);
    }

    /// Halts the strategy: cancels everything, refuses everything, until an operator resumes it.
    pub fn halt(&mut self) {
        self.core.trip(Some(self.strategy), TradingState::Halted, TripReason::Strategy);
    }
}
