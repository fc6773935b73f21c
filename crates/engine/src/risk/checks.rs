//! The checks, each one small function, and the gate that runs them in order.

use pampero_model::{
    ArithmeticError, Cash, Market, MarketId, Order, Price, Quantity, Rate, Rounding, SCALE, Side, Size, Span,
    Timestamp, VenueId,
};

use serde::{Deserialize, Serialize};

use super::monitor::Monitor;
use super::{Denied, TradingState, TripReason};
use crate::command::Approved;
use crate::market_view::MarketView;
use crate::orders::OrderRecord;
use crate::portfolio::{Owner, Portfolio};
use crate::strategy::StrategyId;

/// What is known of the world outside the markets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) environment_confirmed: bool,
    /// The session ends: nothing new is ordered.
    pub(crate) winding_down: bool,
    pub(crate) clock_skew: Span,
    /// By venue: until when the last clean reconciliation counts.
    pub(crate) reconciled_until: Vec<Timestamp>,
    /// By venue: when the balances were last read.
    pub(crate) balances_at: Vec<Timestamp>,
}

/// An order in front of the gate, with all that the checks look at.
pub(crate) struct Review<'a> {
    pub(crate) now: Timestamp,
    pub(crate) strategy: StrategyId,
    pub(crate) order: Order,
    /// The limit before the fingerprint.
    pub(crate) price: Price,
    pub(crate) market: &'a Market,
    pub(crate) venue: VenueId,
    /// Whether the market is among the strategy's own.
    pub(crate) subscribed: bool,
    pub(crate) view: &'a MarketView,
    pub(crate) facts: &'a Facts,
    pub(crate) portfolio: &'a Portfolio,
    pub(crate) live: &'a [OrderRecord],
    pub(crate) any_unknown: bool,
    /// Whether the account has an order on the other side of the market that may execute.
    pub(crate) opposite_open: bool,
    /// Whether it can only make the position smaller.
    pub(crate) reducing: bool,
    /// Whether an operator's flatten built it: the trading state does not stop it.
    pub(crate) by_operator: bool,
    pub(crate) reference: Price,
    pub(crate) notional: Cash,
    pub(crate) value: Cash,
    /// The most base it can move.
    pub(crate) worst_base: Quantity,
    /// What it would reserve of the currency it spends.
    pub(crate) reservation: i128,
}

impl Review<'_> {
    fn market_id(&self) -> MarketId {
        self.order.market
    }
}

/// One scope's limits with what it holds: the strategy, then the account.
pub(crate) struct Scope<'a> {
    pub(crate) monitor: &'a Monitor,
    /// `None` for the account.
    pub(crate) owner: Option<StrategyId>,
    /// Base held of the order's market.
    pub(crate) position: Quantity,
    /// By market: base held, for the exposure over all.
    pub(crate) position_of: &'a dyn Fn(MarketId) -> Quantity,
}

/// Runs every check for the strategy and for the account, in the order of their rows. Only this builds an approved
/// order. Gives it with the number of checks that ran.
pub(crate) fn approve(
    review: &Review<'_>,
    strategy: &Scope<'_>,
    account: &Scope<'_>,
) -> Result<(Approved<Order>, u32), Denied> {
    let mut gate = Gate { review, strategy, account, ran: 0 };
    gate.one(trading_state, strategy)?;
    gate.one(trading_state, account)?;
    gate.fact(environment)?;
    gate.limit(allowed_market)?;
    gate.limit(order_notional)?;
    gate.limit(order_quantity)?;
    gate.fact(order_form)?;
    gate.limit(price_collar)?;
    gate.limit(price_drift)?;
    gate.limit(book_sanity)?;
    gate.limit(fresh_data)?;
    gate.fact(funds)?;
    gate.limit(position)?;
    gate.limit(open_orders)?;
    gate.limit(order_rate)?;
    gate.limit(request_budget)?;
    gate.limit(duplicate)?;
    gate.limit(repeated_execution)?;
    gate.fact(self_cross)?;
    gate.limit(daily_loss)?;
    gate.limit(drawdown)?;
    gate.limit(reject_streak)?;
    gate.fact(unknown_order)?;
    gate.limit(reconciled)?;
    gate.limit(clock_skew)?;
    gate.limit(order_cap)?;
    Ok((Approved::by_gate(review.order), gate.ran))
}

/// An order on its way through the checks. Each check is a parameter and not a pointer, so that the compiler
/// can join it with the method that runs it.
struct Gate<'a> {
    review: &'a Review<'a>,
    strategy: &'a Scope<'a>,
    account: &'a Scope<'a>,
    ran: u32,
}

impl<'a> Gate<'a> {
    #[inline]
    fn one(
        &mut self,
        check: impl Fn(&Review<'a>, &Scope<'a>) -> Result<(), Denied>,
        scope: &Scope<'a>,
    ) -> Result<(), Denied> {
        self.ran += 1;
        match check(self.review, scope) {
            Err(denied) if !self.review.reducing || denied.code().applies_to_reducing() => Err(denied),
            _ => Ok(()),
        }
    }

    /// A check of facts that are the same for the strategy and the account.
    #[inline]
    fn fact(&mut self, check: impl Fn(&Review<'a>, &Scope<'a>) -> Result<(), Denied>) -> Result<(), Denied> {
        self.one(check, self.strategy)
    }

    /// A check of the strategy's limits and then of the account's, if it has any.
    #[inline]
    fn limit(&mut self, check: impl Fn(&Review<'a>, &Scope<'a>) -> Result<(), Denied>) -> Result<(), Denied> {
        self.one(&check, self.strategy)?;
        if self.account.monitor.limited { self.one(&check, self.account) } else { Ok(()) }
    }
}

fn trading_state(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let reason = scope.monitor.reason;
    match scope.monitor.state {
        _ if review.by_operator => Ok(()),
        _ if review.facts.winding_down => Err(Denied::TradingHalted { reason: TripReason::Operator }),
        TradingState::Active => Ok(()),
        TradingState::ReduceOnly => Err(Denied::ReducingOnly { reason }),
        TradingState::Halted => Err(Denied::TradingHalted { reason }),
    }
}

fn environment(review: &Review<'_>, _: &Scope<'_>) -> Result<(), Denied> {
    if review.facts.environment_confirmed { Ok(()) } else { Err(Denied::Environment {}) }
}

fn allowed_market(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let listed = |list: &Vec<MarketId>| list.contains(&review.market_id());
    let allowed = scope.monitor.limits.allowed_markets.as_ref().is_none_or(listed);
    if allowed && review.subscribed { Ok(()) } else { Err(Denied::MarketNotAllowed {}) }
}

fn order_notional(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let limits = &scope.monitor.limits;
    if let Some(limit) = limits.market(review.market_id()).max_order_notional
        && review.notional > limit
    {
        return Err(Denied::OrderNotional { notional: review.notional, limit });
    }
    match limits.max_order_value {
        Some(limit) if review.value > limit => Err(Denied::OrderValue { value: review.value, limit }),
        _ => Ok(()),
    }
}

/// What the gateway would refuse is not approved in the first place.
fn order_cap(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    match scope.monitor.limits.market(review.market_id()).order_cap {
        Some(cap) if review.notional > cap => Err(Denied::OrderCap { notional: review.notional, cap }),
        _ => Ok(()),
    }
}

fn order_quantity(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    match scope.monitor.limits.market(review.market_id()).max_order_quantity {
        Some(limit) if review.worst_base > limit => {
            Err(Denied::OrderQuantity { quantity: review.worst_base, limit })
        }
        _ => Ok(()),
    }
}

fn order_form(review: &Review<'_>, _: &Scope<'_>) -> Result<(), Denied> {
    let (market, order) = (review.market, &review.order);
    let unit = market.size_unit(order.side);
    let (is_unit, minimum, step) = match order.size {
        Size::Base(_) => (
            unit == pampero_model::SizeUnit::Base,
            i128::from(market.min_base.units()),
            market.quantity_step.units(),
        ),
        Size::Quote(_) => (unit == pampero_model::SizeUnit::Quote, market.min_quote.units(), 1),
    };
    if !is_unit {
        return Err(Denied::SizeUnit {});
    }
    let multiple = |units: i64, step: i64| step <= 1 || units % step == 0;
    let whole = match order.size {
        Size::Base(quantity) => multiple(quantity.units(), step),
        Size::Quote(_) => true,
    };
    let tick = market.price_tick;
    if !order.price.is_positive()
        || order.size.units() <= 0
        || !whole
        || !multiple(order.price.units(), tick.units())
    {
        return Err(Denied::Precision { price: order.price, tick });
    }
    if order.size.units() < minimum {
        let (units, minimum) = (Cash::from_units(order.size.units()), Cash::from_units(minimum));
        return Err(Denied::TooSmall { units, minimum });
    }
    Ok(())
}

/// Whether `price` is within `limit` of `reference`, without a division.
fn within(price: Price, reference: Price, limit: Rate) -> bool {
    let distance = (i128::from(price.units()) - i128::from(reference.units())).abs();
    distance * i128::from(SCALE) <= i128::from(reference.units()) * i128::from(limit.units())
}

fn price_collar(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    match scope.monitor.limits.price_collar {
        Some(limit) if !within(review.price, review.reference, limit) => {
            Err(Denied::PriceCollar { price: review.price, reference: review.reference, limit })
        }
        _ => Ok(()),
    }
}

fn price_drift(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let Some(limit) = scope.monitor.limits.price_drift else { return Ok(()) };
    match scope.monitor.anchor(review.now, review.market_id()) {
        Some(anchor) if !within(review.price, anchor, limit) => {
            Err(Denied::PriceDrift { price: review.price, anchor, limit })
        }
        _ => Ok(()),
    }
}

fn book_sanity(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let Some(limit) = scope.monitor.limits.max_spread else { return Ok(()) };
    if !review.view.has_book() {
        return Ok(());
    }
    let book = review.view.raw_book();
    let (Some(bid), Some(ask)) = (book.best(Side::Buy), book.best(Side::Sell)) else {
        return Err(Denied::BookEmpty {});
    };
    let (bid, ask) = (bid.price, ask.price);
    if bid >= ask {
        return Err(Denied::BookCrossed { bid, ask });
    }
    let mid = bid.midpoint(ask);
    let spread = i128::from(ask.units()) - i128::from(bid.units());
    if spread * i128::from(SCALE) > i128::from(mid.units()) * i128::from(limit.units()) {
        let units = spread * i128::from(SCALE) / i128::from(mid.units()).max(1);
        let spread = Rate::from_units(i64::try_from(units).unwrap_or(i64::MAX));
        return Err(Denied::WideSpread { spread, limit });
    }
    Ok(())
}

fn fresh_data(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let limits = &scope.monitor.limits;
    let older = |age: Span, limit: Option<Span>| limit.filter(|limit| age > *limit);
    let age = review.now.since(review.view.updated_at());
    if let Some(limit) = older(age, limits.max_data_age) {
        return Err(Denied::StaleData { age, limit });
    }
    let balances_at = review.facts.balances_at.get(review.venue.index()).copied().unwrap_or(Timestamp::MIN);
    let age = review.now.since(balances_at);
    if let Some(limit) = older(age, limits.max_balance_age) {
        return Err(Denied::StaleBalance { age, limit });
    }
    let age = review.portfolio.rate_age(review.now, review.market_id());
    let of_source = review.portfolio.rate_age_limit(review.market_id());
    if let Some(limit) = older(age, limits.max_rate_age).or_else(|| older(age, of_source)) {
        return Err(Denied::StaleRate { age, limit });
    }
    Ok(())
}

fn funds(review: &Review<'_>, _: &Scope<'_>) -> Result<(), Denied> {
    let asset = review.portfolio.spends(review.market_id(), review.order.side);
    let owner = Owner::Strategy(review.strategy);
    let available = asset.map_or(0, |asset| review.portfolio.holding(owner, asset).available());
    if review.reservation > available {
        let (needed, available) = (Cash::from_units(review.reservation), Cash::from_units(available));
        return Err(Denied::InsufficientFunds { needed, available });
    }
    Ok(())
}

fn position(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    if review.order.side == Side::Sell {
        return Ok(());
    }
    let monitor = scope.monitor;
    let market = review.market_id();
    let worst =
        scope.position.saturating_add(monitor.exposure(market).buy_base).saturating_add(review.worst_base);
    if let Some(limit) = monitor.limits.market(market).max_position
        && worst > limit
    {
        return Err(Denied::MaxPosition { worst, limit });
    }
    let Some(limit) = monitor.limits.max_exposure else { return Ok(()) };
    let worst = worst_exposure(review, scope, worst).map_err(|_| Denied::Arithmetic {})?;
    if worst > limit { Err(Denied::MaxExposure { worst, limit }) } else { Ok(()) }
}

/// Worth of all base holdings after every open buy and this one, at the current marks.
fn worst_exposure(review: &Review<'_>, scope: &Scope<'_>, here: Quantity) -> Result<Cash, ArithmeticError> {
    let mut sum = Cash::ZERO;
    for (index, exposure) in (0..=u16::MAX).zip(&scope.monitor.exposure) {
        let market = MarketId(index);
        let quantity = if market == review.market_id() {
            here
        } else {
            (scope.position_of)(market).saturating_add(exposure.buy_base)
        };
        sum = sum.checked_add(review.portfolio.base_worth(market, quantity)?)?;
    }
    Ok(sum)
}

fn open_orders(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let monitor = scope.monitor;
    if let Some(limit) = monitor.limits.max_open_orders {
        let open = monitor.open_orders();
        if open >= limit {
            return Err(Denied::MaxOpenOrders { open, limit });
        }
    }
    if let Some(limit) = monitor.limits.max_open_orders_side {
        let open = monitor.exposure(review.market_id()).open_on(review.order.side);
        if open >= limit {
            return Err(Denied::MaxOpenOrdersSide { open, limit });
        }
    }
    Ok(())
}

fn order_rate(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let monitor = scope.monitor;
    for window in monitor.orders.iter().flatten() {
        if !window.has_room(review.now) {
            return Err(Denied::OrderRate { limit: window.limit() });
        }
    }
    Ok(())
}

fn request_budget(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    match &scope.monitor.requests {
        Some(window) if !window.has_room(review.now) => Err(Denied::RequestBudget { limit: window.limit() }),
        _ => Ok(()),
    }
}

fn duplicate(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    if scope.monitor.limits.duplicate_window.is_none() {
        return Ok(());
    }
    let order = &review.order;
    let open = |record: &&OrderRecord| {
        record.price == review.price
            && record.side == order.side
            && record.market == order.market
            && record.size == order.size
            && record.state.may_execute()
            && scope.owner.is_none_or(|owner| record.strategy == owner)
    };
    let same = (order.market, order.side, review.price, order.size);
    let recent = || scope.monitor.duplicate_of(review.now, same);
    match review.live.iter().find(open).map(|record| record.id).or_else(recent) {
        Some(other) => Err(Denied::DuplicateIntent { other }),
        None => Ok(()),
    }
}

fn repeated_execution(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    match &scope.monitor.fills {
        Some(window) if !window.has_room(review.now) => {
            Err(Denied::RepeatedExecution { limit: window.limit() })
        }
        _ => Ok(()),
    }
}

fn self_cross(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let order = &review.order;
    if !review.opposite_open || scope.monitor.limits.allow_self_cross {
        return Ok(());
    }
    let crossed = |record: &&OrderRecord| {
        record.side != order.side
            && record.market == order.market
            && record.state.may_execute()
            && order.side.accepts(order.price, record.sent_price)
    };
    match review.live.iter().find(crossed) {
        Some(record) => Err(Denied::SelfCross { other: record.id, price: record.sent_price }),
        None => Ok(()),
    }
}

fn daily_loss(_: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    match scope.monitor.limits.max_daily_loss {
        Some(limit) if scope.monitor.daily_loss_exceeded() => {
            let loss = Cash::from_units(scope.monitor.daily_loss() / i128::from(SCALE));
            Err(Denied::DailyLoss { loss, limit })
        }
        _ => Ok(()),
    }
}

fn drawdown(_: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    match scope.monitor.limits.max_drawdown {
        Some(limit) if scope.monitor.drawdown_exceeded() => {
            Err(Denied::Drawdown { drawdown: scope.monitor.drawdown(), limit })
        }
        _ => Ok(()),
    }
}

fn reject_streak(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    match &scope.monitor.rejects {
        Some(window) if !window.has_room(review.now) => Err(Denied::RejectStreak { limit: window.limit() }),
        _ => Ok(()),
    }
}

fn unknown_order(review: &Review<'_>, _: &Scope<'_>) -> Result<(), Denied> {
    use crate::orders::OrderState::Unknown;
    if !review.any_unknown {
        return Ok(());
    }
    let order = &review.order;
    let blocks = |record: &&OrderRecord| {
        record.state == Unknown && record.market == order.market && record.side == order.side
    };
    match review.live.iter().find(blocks) {
        Some(record) => Err(Denied::UnknownOrder { other: record.id }),
        None => Ok(()),
    }
}

fn reconciled(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let until = review.facts.reconciled_until.get(review.venue.index()).copied().unwrap_or(Timestamp::MIN);
    if scope.monitor.limits.require_reconciled && until < review.now {
        return Err(Denied::StaleReconcile {});
    }
    Ok(())
}

fn clock_skew(review: &Review<'_>, scope: &Scope<'_>) -> Result<(), Denied> {
    let skew = review.facts.clock_skew;
    match scope.monitor.limits.max_clock_skew {
        Some(limit) if skew > limit => Err(Denied::ClockSkew { skew, limit }),
        _ => Ok(()),
    }
}

/// The lower edge of the price band in which a buy sized in quote is counted in base.
pub(crate) fn band_edge(reference: Price, collar: Option<Rate>) -> Price {
    /// Band where no collar is set: 5 %.
    const DEFAULT: Rate = Rate::from_units(5_000_000);
    let down = Rate::from_units(-collar.unwrap_or(DEFAULT).units());
    reference.shifted(down, Rounding::Down).unwrap_or(reference)
}
