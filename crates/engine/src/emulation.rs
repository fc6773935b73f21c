//! Orders the venue does not know: stops, trailing stops, immediate-or-cancel, good-till-time, flatten.
//!
//! All of them watch what the engine sees of the market and act on it like a strategy would: with the next
//! command, through the gate, at the price of a request.

use pampero_model::{
    Cash, Market, MarketId, OrderId, Price, Quantity, Rate, Rounding, Side, Size, Timestamp,
};

use crate::core::Core;
use crate::intent::{Intent, OrderKind, Reason, TimeInForce};
use crate::market_view::MarketView;
use crate::orders::{OrderRecord, OrderState};
use crate::risk::Denied;
use crate::strategy::StrategyId;
use crate::submit::Origin;

/// Lowest and highest price of an observation: what a stop is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observed {
    pub(crate) low: Price,
    pub(crate) high: Price,
}

impl Core {
    /// Holds a stop until its trigger.
    pub(crate) fn hold(&mut self, strategy: StrategyId, intent: &Intent) -> Result<OrderId, Denied> {
        let subscribed =
            self.strategies.get(strategy.index()).is_some_and(|facts| facts.markets.contains(&intent.market));
        if !subscribed {
            return Err(Denied::MarketNotAllowed {});
        }
        let view = self.views.get(intent.market.index()).ok_or(Denied::MarketNotAllowed {})?;
        let mark = view.mark_price();
        if !mark.is_positive() {
            return Err(Denied::NoPrice {});
        }
        let id = self.orders.next_id();
        self.insert_order(&OrderRecord {
            id,
            strategy,
            market: intent.market,
            side: intent.side,
            kind: intent.kind,
            time_in_force: intent.time_in_force,
            reduce_only: intent.reduce_only,
            quoting: false,
            // A trailing stop keeps the best price seen here.
            price: mark,
            sent_price: Price::ZERO,
            size: intent.size,
            filled_base: Quantity::ZERO,
            filled_quote: Cash::ZERO,
            state: OrderState::Held,
            venue_order: None,
            cancel_wanted: false,
            observed: false,
            reason: intent.reason,
            by_operator: false,
            worst_base: Quantity::ZERO,
            worst_price: Price::ZERO,
            created_at: self.now,
            updated_at: self.now,
        });
        Ok(id)
    }

    /// After a market was seen: triggers stops, ends immediate-or-cancel orders, goes on flattening.
    #[inline]
    pub(crate) fn after_observation(&mut self, market: MarketId, observed: Observed) {
        if self.orders.any_held() {
            self.check_stops(market, observed);
        }
        if self.orders.any_timed() {
            self.end_immediate(market);
        }
        if self.flattening {
            self.flatten_step();
        }
    }

    #[inline(never)]
    fn check_stops(&mut self, market: MarketId, observed: Observed) {
        if self.recovering {
            return;
        }
        let held = |record: &OrderRecord| record.state == OrderState::Held && record.market == market;
        let mut last = None;
        while let Some(record) = self.orders.next_after(last, held) {
            last = Some(record.id);
            let (trigger, best) = trigger_of(&record, observed);
            let reached = match record.side {
                Side::Buy => observed.high >= trigger,
                Side::Sell => observed.low <= trigger,
            };
            if reached {
                self.release(&record);
            } else if best != record.price {
                self.change_order(record.id, |record| record.price = best);
            }
        }
    }

    /// Sends the order that a stop stands for, under the same id.
    fn release(&mut self, record: &OrderRecord) {
        let kind = match record.kind {
            OrderKind::StopLimit { price, .. } => OrderKind::Limit { price },
            _ => OrderKind::Market { bound: None },
        };
        let intent = Intent {
            market: record.market,
            side: record.side,
            size: record.size,
            kind,
            time_in_force: record.time_in_force,
            post_only: false,
            reduce_only: record.reduce_only,
            convert_size: true,
            reason: record.reason,
        };
        let origin = Origin { held: Some(record.id), ..Origin::default() };
        if let Err(denied) = self.submit(record.strategy, &intent, origin) {
            self.refuse_held(record.id, denied);
        }
    }

    /// What the first observation after it went live did not fill is cancelled.
    #[inline(never)]
    fn end_immediate(&mut self, market: MarketId) {
        let immediate = |record: &OrderRecord| {
            record.market == market
                && record.time_in_force == TimeInForce::ImmediateOrCancel
                && record.state == OrderState::Live
                && !record.cancel_wanted
        };
        self.cancel_where(immediate);
    }

    /// Cancels good-till-time orders whose time has come.
    pub(crate) fn expire(&mut self) {
        let now = self.now;
        let over = |record: &OrderRecord| match record.time_in_force {
            TimeInForce::GoodTillTime(until) => until <= now && !record.cancel_wanted,
            _ => false,
        };
        self.cancel_where(over);
    }

    /// When the next good-till-time order ends.
    pub(crate) fn next_expiry(&self) -> Timestamp {
        if !self.orders.any_timed() {
            return Timestamp::MAX;
        }
        let until = |record: &OrderRecord| match record.time_in_force {
            TimeInForce::GoodTillTime(until) if !record.cancel_wanted => Some(until),
            _ => None,
        };
        self.orders.live().iter().filter_map(until).min().unwrap_or(Timestamp::MAX)
    }

    /// Begins to sell every position of a strategy, or of all.
    pub(crate) fn flatten(&mut self, strategy: Option<StrategyId>) {
        for (index, facts) in (0..=u16::MAX).zip(&mut self.strategies) {
            if strategy.is_none_or(|id| id == StrategyId(index)) {
                facts.flattening = true;
            }
        }
        self.flattening = true;
        self.quotes.forget(strategy);
        self.cancel_where(|record| strategy.is_none_or(|id| record.strategy == id));
        self.flatten_step();
    }

    /// Sells what has no order left. Called again after each order news and observation until all is flat.
    #[inline(never)]
    pub(crate) fn flatten_step(&mut self) {
        if self.recovering {
            return;
        }
        for index in 0..self.strategies.len() {
            let Some(facts) = self.strategies.get(index).filter(|facts| facts.flattening) else { continue };
            let Ok(strategy) = u16::try_from(index).map(StrategyId) else { return };
            for position in 0..facts.markets.len() {
                let market =
                    self.strategies.get(index).and_then(|facts| facts.markets.get(position)).copied();
                if let Some(market) = market {
                    self.flatten_market(strategy, market);
                }
            }
        }
    }

    fn flatten_market(&mut self, strategy: StrategyId, market: MarketId) {
        let held = self.portfolio.position(strategy, market).quantity;
        let Some(rules) = self.markets.get(market) else { return };
        let quantity = held.min(self.largest_sale(strategy, rules, market)).truncate_to(rules.quantity_step);
        let too_small = rules.is_too_small(Size::Base(quantity));
        let busy =
            self.orders.live().iter().any(|record| record.strategy == strategy && record.market == market);
        if busy || too_small {
            return;
        }
        let intent = Intent::market(market, Side::Sell, Size::Base(quantity))
            .reduce_only()
            .convert_size()
            .immediate_or_cancel()
            .because(Reason::new("FLATTEN"));
        // A refusal stands in the audit; the next observation tries again.
        let _ = self.submit(strategy, &intent, Origin { by_operator: true, ..Origin::default() });
    }

    /// The most that one order of a flatten sells: as much as one order may be, though the gate lets larger ones that
    /// reduce pass. So a position is sold in pieces, each within the cap at the highest price it may be sent with.
    fn largest_sale(&self, strategy: StrategyId, market: &Market, id: MarketId) -> Quantity {
        let highest = |view: &MarketView| {
            let marked = market.price_tick.saturating_add(Price::from_units(market.fingerprint_span.into()));
            Some(view.reference(Side::Sell)?.max(view.mark_price()).saturating_add(marked))
        };
        let price = self.views.get(id.index()).and_then(highest);
        let own = self.monitors.get(strategy.index());
        let mut most = Quantity::MAX;
        for monitor in own.into_iter().chain([&self.account]) {
            let limits = monitor.limits.market(id);
            let worth = limits.max_order_notional.into_iter().chain(limits.order_cap).min().zip(price);
            let worth = worth.and_then(|(worth, price)| worth.quantity_at(price, Rounding::Down).ok());
            most = most.min(limits.max_order_quantity.unwrap_or(most)).min(worth.unwrap_or(most));
        }
        most
    }
}

/// The trigger of a held order, and the best price a trailing stop has seen.
fn trigger_of(record: &OrderRecord, observed: Observed) -> (Price, Price) {
    match record.kind {
        OrderKind::Stop { trigger } | OrderKind::StopLimit { trigger, .. } => (trigger, record.price),
        OrderKind::TrailingStop { distance } => {
            // The trigger follows the best price of earlier observations; this one moves it for the next.
            let (rate, best) = match record.side {
                Side::Buy => (distance, record.price.min(observed.low)),
                Side::Sell => (Rate::from_units(-distance.units()), record.price.max(observed.high)),
            };
            (record.price.shifted(rate, Rounding::Down).unwrap_or(record.price), best)
        }
        OrderKind::Limit { .. } | OrderKind::Market { .. } => (record.price, record.price),
    }
}
