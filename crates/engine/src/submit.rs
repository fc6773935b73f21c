//! From an intent to an approved command.

use pampero_model::{
    ArithmeticError, Cash, MarketId, Order, OrderId, Price, Quantity, Rate, Rounding, Side, Size, SizeUnit,
};

use crate::command::{Approved, Audit, Command};
use crate::core::Core;
use crate::intent::{Intent, OrderKind};
use crate::orders::{OrderRecord, OrderState, worst_price};
use crate::risk::{Denied, Review, Scope, approve, band_edge};
use crate::strategy::StrategyId;

/// Where an intent comes from, beside the strategy itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Part of a desired set.
    pub(crate) quoting: bool,
    /// Built by an operator's flatten.
    pub(crate) by_operator: bool,
    /// A held order that was triggered keeps its id.
    pub(crate) held: Option<OrderId>,
}

impl From<ArithmeticError> for Denied {
    fn from(_: ArithmeticError) -> Self {
        Self::Arithmetic {}
    }
}

impl Core {
    /// Takes an intent: holds a stop, sends anything else if the gate approves.
    pub(crate) fn submit(
        &mut self,
        strategy: StrategyId,
        intent: &Intent,
        origin: Origin,
    ) -> Result<OrderId, Denied> {
        let result = match intent.kind {
            OrderKind::Limit { .. } | OrderKind::Market { .. } => self.send(strategy, intent, origin),
            _ => self.hold(strategy, intent),
        };
        if let Err(denied) = result {
            let (time, market) = (self.now, intent.market);
            self.out.audit.push(Audit::Denied { time, strategy, market, denied });
        }
        result
    }

    fn send(&mut self, strategy: StrategyId, intent: &Intent, origin: Origin) -> Result<OrderId, Denied> {
        let warm_up_left = self.strategies.get(strategy.index()).map_or(0, |facts| facts.warm_up_left);
        if warm_up_left > 0 && !origin.by_operator {
            return Err(Denied::WarmingUp { missing: warm_up_left });
        }
        let mut record = self.draft(strategy, intent, origin)?;
        if let Some(held) = origin.held.and_then(|id| self.orders.get(id)) {
            (record.kind, record.created_at) = (held.kind, held.created_at);
        }
        let (command, ran) = self.review(&record, record.order())?;
        self.checks_ran = ran;
        self.out.commands.push(Command::Place(command));
        self.count_approved(&record);
        match origin.held {
            Some(id) => {
                self.change_order(id, |held| *held = record);
            }
            None => self.insert_order(&record),
        }
        Ok(record.id)
    }

    /// Works out the order: price, size in the venue's unit, fingerprint.
    fn draft(
        &mut self,
        strategy: StrategyId,
        intent: &Intent,
        origin: Origin,
    ) -> Result<OrderRecord, Denied> {
        let (market_id, side) = (intent.market, intent.side);
        let market = self.markets.get(market_id).ok_or(Denied::MarketNotAllowed {})?;
        let (unit, span) = (market.size_unit(side), market.fingerprint_span);
        let view = self.views.get(market_id.index()).ok_or(Denied::MarketNotAllowed {})?;
        let reference = view.reference(side).ok_or(Denied::NoPrice {})?;
        let mark = view.mark_price();
        let collar = self.collar(strategy);
        let price = match intent.kind {
            OrderKind::Limit { price } => price,
            OrderKind::Market { bound } => {
                self.bounded(market_id, side, (reference, mark), (bound, collar))?
            }
            _ => return Err(Denied::NoPrice {}),
        };
        if intent.post_only && side.accepts(price, reference) {
            return Err(Denied::PostOnly { price, best: reference });
        }
        let mut size = convert(intent, unit, price)?;
        if intent.reduce_only {
            size = self.clip_to_position(strategy, market_id, side, size, price)?;
        }
        let sent_price = self.fingerprint.mark(price, side, span);
        let market = self.markets.get(market_id).ok_or(Denied::MarketNotAllowed {})?;
        let worst_price = worst_price(side, price, band_edge(mark, collar), market);
        Ok(OrderRecord {
            id: origin.held.unwrap_or_else(|| self.orders.next_id()),
            strategy,
            market: market_id,
            side,
            kind: intent.kind,
            time_in_force: intent.time_in_force,
            reduce_only: intent.reduce_only,
            quoting: origin.quoting,
            price,
            sent_price,
            size,
            filled_base: Quantity::ZERO,
            filled_quote: Cash::ZERO,
            state: OrderState::Submitted,
            venue_order: None,
            cancel_wanted: false,
            observed: false,
            reason: intent.reason,
            by_operator: origin.by_operator,
            worst_base: size.quantity(worst_price, Rounding::Up)?,
            worst_price,
            created_at: self.now,
            updated_at: self.now,
        })
    }

    fn collar(&self, strategy: StrategyId) -> Option<Rate> {
        let own = self.monitors.get(strategy.index()).and_then(|monitor| monitor.limits.price_collar);
        match (own, self.account.limits.price_collar) {
            (Some(own), Some(account)) => Some(own.min(account)),
            (own, account) => own.or(account),
        }
    }

    /// The limit of a market order: beyond the reference by the bound, never beyond the collar.
    fn bounded(
        &self,
        market: MarketId,
        side: Side,
        (reference, mark): (Price, Price),
        (bound, collar): (Option<Rate>, Option<Rate>),
    ) -> Result<Price, Denied> {
        let bound = bound.unwrap_or(self.market_bound);
        let reach = |from: Price, rate: Rate| match side {
            Side::Buy => from.shifted(rate, Rounding::Down),
            Side::Sell => from.shifted(Rate::from_units(-rate.units()), Rounding::Up),
        };
        let bounded = reach(reference, bound)?;
        let price = match collar {
            Some(collar) if side == Side::Buy => bounded.min(reach(mark, collar)?),
            Some(collar) => bounded.max(reach(mark, collar)?),
            None => bounded,
        };
        Ok(self.to_tick(market, side, price))
    }

    /// Shrinks an order to what the position, less the sells that are open, leaves to be sold.
    fn clip_to_position(
        &self,
        strategy: StrategyId,
        market: MarketId,
        side: Side,
        size: Size,
        price: Price,
    ) -> Result<Size, Denied> {
        let free = self.reducible(strategy, market);
        if side == Side::Buy || !free.is_positive() {
            // Positions are never short: buying makes them larger.
            return Err(Denied::NothingToReduce {});
        }
        Ok(match size {
            Size::Base(quantity) => Size::Base(quantity.min(free)),
            Size::Quote(cash) => Size::Quote(cash.min(price.notional(free, Rounding::Down)?)),
        })
    }

    /// Base that a new sell may take without going beyond the position.
    fn reducible(&self, strategy: StrategyId, market: MarketId) -> Quantity {
        let held = self.portfolio.position(strategy, market).quantity;
        let open = self.monitors.get(strategy.index()).map(|monitor| monitor.exposure(market).sell_base);
        held.saturating_sub(open.unwrap_or(Quantity::ZERO))
    }

    /// Puts the order before the gate.
    fn review(&self, record: &OrderRecord, order: Order) -> Result<(Approved<Order>, u32), Denied> {
        let (market_id, strategy) = (record.market, record.strategy);
        let market = self.markets.get(market_id).ok_or(Denied::MarketNotAllowed {})?;
        let view = self.views.get(market_id.index()).ok_or(Denied::MarketNotAllowed {})?;
        let monitor = self.monitors.get(strategy.index()).ok_or(Denied::MarketNotAllowed {})?;
        let facts = self.strategies.get(strategy.index()).ok_or(Denied::MarketNotAllowed {})?;
        let notional = record.size.notional(record.sent_price, Rounding::Up)?;
        let review = Review {
            now: self.now,
            strategy,
            order,
            price: record.price,
            market,
            venue: self.markets.venue_of(market_id).ok_or(Denied::MarketNotAllowed {})?,
            subscribed: facts.markets.contains(&market_id),
            view,
            facts: &self.facts,
            portfolio: &self.portfolio,
            live: self.orders.live(),
            any_unknown: self.orders.any_unknown(),
            opposite_open: self.account.exposure(market_id).open_on(record.side.opposite()) > 0,
            reducing: record.side == Side::Sell && record.worst_base <= self.reducible(strategy, market_id),
            by_operator: record.by_operator,
            reference: view.mark_price(),
            notional,
            value: self.value_of(market_id, notional),
            worst_base: record.worst_base,
            reservation: record.reservation(),
        };
        let own_position = |market| self.portfolio.position(strategy, market).quantity;
        let all_positions = |market| self.total_position(market);
        let own = Scope {
            monitor,
            owner: Some(strategy),
            position: own_position(market_id),
            position_of: &own_position,
        };
        let account = Scope {
            monitor: &self.account,
            owner: None,
            position: all_positions(market_id),
            position_of: &all_positions,
        };
        approve(&review, &own, &account)
    }
}

/// The size in the unit the venue counts, or a refusal.
fn convert(intent: &Intent, unit: SizeUnit, price: Price) -> Result<Size, Denied> {
    match (intent.size, unit) {
        (Size::Base(_), SizeUnit::Base) | (Size::Quote(_), SizeUnit::Quote) => Ok(intent.size),
        _ if !intent.convert_size => Err(Denied::SizeUnit {}),
        (Size::Base(quantity), SizeUnit::Quote) => Ok(Size::Quote(price.notional(quantity, Rounding::Up)?)),
        (Size::Quote(cash), SizeUnit::Base) => Ok(Size::Base(cash.quantity_at(price, Rounding::Down)?)),
    }
}
