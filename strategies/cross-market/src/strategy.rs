//! When to quote, and when and how to hedge.

use pampero_engine::{
    Context, Desired, Intent, OrderEvent, OrderState, Reason, Requirements, RestoreError, Strategy,
};
use pampero_model::{
    Cash, Fill, Market, MarketId, OrderBook, Price, Quantity, Rate, Rounding, Side, Size, SizeUnit, Trade,
};

use crate::params::CrossMarketParams;
use crate::prices::{Costs, given_way, gross, safest};
use crate::recent::Recent;
use crate::state::{State, VERSION};

/// The cross-market maker. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct CrossMarket {
    maker: MarketId,
    taker: MarketId,
    params: CrossMarketParams,
    recent: Recent,
    state: State,
}

impl CrossMarket {
    /// Quotes in `maker` and hedges in `taker`. An error says which parameter is wrong.
    ///
    /// ```
    /// use pampero_cross_market::{CrossMarket, CrossMarketParams};
    /// use pampero_model::MarketId;
    /// assert!(CrossMarket::new(MarketId(0), MarketId(1), CrossMarketParams::default()).is_ok());
    /// assert!(CrossMarket::new(MarketId(0), MarketId(0), CrossMarketParams::default()).is_err());
    /// ```
    pub fn new(maker: MarketId, taker: MarketId, params: CrossMarketParams) -> Result<Self, String> {
        params.validate()?;
        if maker == taker {
            return Err("the market to make and the one to hedge on are the same; name two".to_owned());
        }
        Ok(Self { maker, taker, recent: Recent::new(params.volume_window), params, state: State::new() })
    }

    /// The hedge comes first; quotes stand only while nothing is open.
    fn evaluate(&mut self, ctx: &mut Context<'_>) {
        let seen = ctx.book(self.maker).is_some() && ctx.book(self.taker).is_some();
        if self.must_hedge(ctx) {
            ctx.quote(self.maker, &[], Reason::new("HEDGING"));
            self.hedge(ctx);
        } else if seen && ctx.now() >= self.state.next {
            self.state.next = ctx.now().plus(self.params.interval);
            self.quote(ctx);
        }
    }

    /// Whether there is more to hedge than the hedging market's smallest order.
    fn must_hedge(&self, ctx: &Context<'_>) -> bool {
        let Some(market) = ctx.market(self.taker) else { return false };
        let open = self.state.open.abs();
        let value = self.state.hedge_price.notional(open, Rounding::Down).unwrap_or(Cash::ZERO);
        let by_value = self.state.open.is_negative() && market.size_unit(Side::Buy) == SizeUnit::Quote;
        !market.is_too_small(if by_value { Size::Quote(value) } else { Size::Base(open) })
    }

    /// One hedge at a time: it stands for its time to live, and each try gives way by more than the last.
    fn hedge(&mut self, ctx: &mut Context<'_>) {
        if ctx.open_orders(self.taker).next().is_some() {
            return;
        }
        let side = if self.state.open.is_positive() { Side::Sell } else { Side::Buy };
        let (attempts, params) = (self.state.attempts, &self.params);
        let limit =
            given_way(self.state.hedge_price, side, attempts, params.hedge_step, params.max_hedge_loss);
        let Some((market, limit)) = ctx.market(self.taker).zip(limit.ok()) else { return };
        let price = to_tick(limit, side, market.price_tick);
        let Some(size) = self.hedge_size(ctx, market, side, price) else { return };
        let reason = Reason::new("HEDGE").with(self.state.open.units(), i64::from(attempts) * 100_000_000);
        let until = ctx.now().plus(params.hedge_time_to_live);
        let intent = Intent::limit(self.taker, side, size, price).good_till(until).because(reason);
        // A refusal stands in the report and counts as a try; the next observation is the next one.
        if ctx.submit(intent).is_err() {
            self.state.attempts = attempts.saturating_add(1);
        }
    }

    /// A sell gives what is open. A buy must leave it after the fee; sized in quote, it spends what the book asks for it
    /// now, so that a better price does not buy too much.
    fn hedge_size(&self, ctx: &Context<'_>, market: &Market, side: Side, limit: Price) -> Option<Size> {
        let open = self.state.open.abs();
        if side == Side::Sell {
            return Some(Size::Base(open.truncate_to(market.quantity_step)));
        }
        let wanted = gross(open, market.taker_fee).ok()?;
        if market.size_unit(side) == SizeUnit::Base {
            return Some(Size::Base(wanted.truncate_to(market.quantity_step)));
        }
        let depth = ctx.book(self.taker)?.value.walk(side, Size::Base(wanted), Some(limit)).ok()?;
        let cost = match depth.filter(|depth| depth.complete) {
            Some(depth) => depth.quote,
            None => limit.notional(wanted, Rounding::Up).ok()?,
        };
        Some(Size::Quote(cost))
    }

    fn quote(&mut self, ctx: &mut Context<'_>) {
        let traded = self.recent.volume(ctx.now());
        let bid = self.desired(ctx, Side::Buy, traded);
        let ask = self.desired(ctx, Side::Sell, traded);
        let mut desired =
            [Desired { side: Side::Buy, price: Price::ZERO, size: Size::Base(Quantity::ZERO) }; 2];
        let mut count = 0;
        for (slot, (wanted, planned)) in desired.iter_mut().zip([bid, ask].into_iter().flatten()) {
            *slot = wanted;
            count += 1;
            if let Some(price) = self.state.planned.get_mut(wanted.side.index()) {
                *price = planned;
            }
        }
        let [bid_hedge, ask_hedge] = self.state.planned;
        let reason = Reason::new("QUOTE").with(bid_hedge.units(), ask_hedge.units());
        ctx.quote(self.maker, desired.get(..count).unwrap_or(&[]), reason);
    }

    /// The quote of one side and the price at which it is to be hedged, unless funds, thresholds or books forbid it.
    fn desired(&self, ctx: &Context<'_>, side: Side, traded: Quantity) -> Option<(Desired, Price)> {
        let (maker, taker) = (ctx.market(self.maker)?, ctx.market(self.taker)?);
        let hedge_side = side.opposite();
        let hedge = safest(ctx.book(self.taker)?.value, hedge_side, self.params.quantity, traded).ok()??;
        let exchange_rate = self.exchange_rate(ctx)?;
        let CrossMarketParams { bid_profit, ask_profit, quantity, .. } = self.params;
        let (maker_fee, taker_fee) = (maker.maker_fee, taker.taker_fee);
        let costs = Costs { exchange_rate, maker_fee, taker_fee, bid_profit, ask_profit };
        let fair = if side == Side::Buy { costs.bid(hedge) } else { costs.ask(hedge) }.ok()?;
        let price =
            self.kept(ctx, side, to_tick(passive(ctx, self.maker, side, fair)?, side, maker.price_tick));
        let size = match maker.size_unit(side) {
            SizeUnit::Base => Size::Base(quantity.truncate_to(maker.quantity_step)),
            SizeUnit::Quote => Size::Quote(price.notional(quantity, Rounding::Down).ok()?),
        };
        let affordable = self.affordable(ctx, side, price, hedge)?;
        (affordable && price.is_positive() && !maker.is_too_small(size))
            .then_some((Desired { side, price, size }, hedge))
    }

    /// The price of the quote that stands, if that is near enough, else the new one.
    fn kept(&self, ctx: &Context<'_>, side: Side, price: Price) -> Price {
        let slack = self.params.min_change.of_price(price, Rounding::Down).unwrap_or(Price::ZERO);
        let mut open = ctx.open_orders(self.maker);
        let standing = open.find(|order| order.quoting && order.side == side && !order.cancel_wanted);
        let near = standing.filter(|order| order.price.saturating_sub(price).abs() <= slack);
        near.map_or(price, |order| order.price)
    }

    /// Made quote per hedging quote.
    fn exchange_rate(&self, ctx: &Context<'_>) -> Option<Price> {
        if let Some(rate) = self.params.exchange_rate {
            return Some(rate);
        }
        let [maker, taker] = [self.maker, self.taker].map(|market| ctx.portfolio().quote_rate(market));
        let maker = Quantity::from_units(maker.units());
        Cash::from_units(taker.units().into())
            .average_price(maker, Rounding::HalfEven)
            .ok()
            .filter(|rate| rate.is_positive())
    }

    /// Whether the quote can be paid for, its hedge too, and no threshold is reached. What a quote already reserves
    /// counts as there: the engine places a quote only once the old one is gone.
    fn affordable(&self, ctx: &Context<'_>, side: Side, price: Price, hedge: Price) -> Option<bool> {
        let (base, cash) = self.holdings(ctx)?;
        if base <= i128::from(self.params.base_stop.units()) || cash <= self.params.quote_stop.units() {
            return Some(false);
        }
        let (maker, taker) = (ctx.balances(self.maker)?, ctx.balances(self.taker)?);
        let quantity = self.params.quantity;
        Some(match side {
            Side::Buy => {
                // Base that is bought here can be sold there at once only if it is the same account.
                let sellable = self.same_account(ctx)? || i128::from(quantity.units()) <= taker.0.total;
                sellable && price.notional(quantity, Rounding::Up).ok()?.units() <= maker.1.total
            }
            Side::Sell => {
                let wanted = gross(quantity, ctx.market(self.taker)?.taker_fee).ok()?;
                let payable = hedge.notional(wanted, Rounding::Up).ok()?.units() <= taker.1.total;
                payable && i128::from(quantity.units()) <= maker.0.total
            }
        })
    }

    /// Whether both markets take their base from one account.
    fn same_account(&self, ctx: &Context<'_>) -> Option<bool> {
        let (maker, taker) = (ctx.market(self.maker)?, ctx.market(self.taker)?);
        Some((&maker.venue, maker.base) == (&taker.venue, taker.base))
    }

    /// Base and cash of both accounts, the cash in quote of the hedging market.
    fn holdings(&self, ctx: &Context<'_>) -> Option<(i128, i128)> {
        let (maker, taker) = (ctx.balances(self.maker)?, ctx.balances(self.taker)?);
        let same = self.same_account(ctx)?;
        let base = maker.0.total + if same { 0 } else { taker.0.total };
        let rate = i128::from(self.exchange_rate(ctx)?.units());
        let scale = i128::from(Rate::ONE.units());
        let converted = maker.1.total.checked_mul(scale)?.checked_div(rate)?;
        let same_cash = same && ctx.market(self.maker)?.quote == ctx.market(self.taker)?.quote;
        Some((base, taker.1.total + if same_cash { 0 } else { converted }))
    }
}

/// Rounded to the market's ticks, toward the passive side.
fn to_tick(price: Price, side: Side, tick: Price) -> Price {
    let down = price.truncate_to(tick);
    if side == Side::Sell && down < price { down.saturating_add(tick) } else { down }
}

/// A price that does not take from the book of its own market, as last seen; nothing in a market never seen.
fn passive(ctx: &Context<'_>, market: MarketId, side: Side, price: Price) -> Option<Price> {
    let book: &OrderBook = ctx.book(market)?.value;
    let tick = ctx.market(market)?.price_tick;
    let opposite = book.best(side.opposite()).map(|level| level.price);
    Some(match (side, opposite) {
        (Side::Buy, Some(ask)) => price.min(ask.saturating_sub(tick)),
        (Side::Sell, Some(bid)) => price.max(bid.saturating_add(tick)),
        (_, None) => price,
    })
}

impl Strategy for CrossMarket {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![self.maker, self.taker], ..Requirements::default() }
    }

    fn state_version(&self) -> u32 {
        VERSION
    }

    fn save(&self) -> Vec<u8> {
        self.state.save()
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        self.state = State::restore(version, state)?;
        Ok(())
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, _market: MarketId) {
        self.evaluate(ctx);
    }

    fn on_trade(&mut self, _ctx: &mut Context<'_>, market: MarketId, trade: &Trade) {
        if market == self.taker {
            self.recent.add(trade);
        }
    }

    /// An execution of a quote opens an exposure, one of a hedge closes it. What was bought and what was sold on the made
    /// market cancel each other out; only what is left is hedged.
    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        let before = self.state.open;
        self.state.open = before.saturating_add(fill.base_change());
        if fill.market == self.maker {
            let planned = self.state.planned.get(fill.side.index()).copied().unwrap_or_default();
            let grows = before.is_zero() || before.is_negative() == self.state.open.is_negative();
            self.state.hedge_price = if before.is_zero() || !grows {
                planned
            } else if self.state.open.abs() > before.abs() {
                weighted(self.state.hedge_price, before.abs(), planned, self.state.open.abs())
            } else {
                self.state.hedge_price
            };
            self.evaluate(ctx);
        }
        if !self.must_hedge(ctx) {
            self.state.attempts = 0;
            // What closed otherwise needs no hedge that is still under way.
            ctx.cancel_all(self.taker);
        }
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        let order = &event.order;
        if order.market != self.taker || !order.state.is_final() {
            return;
        }
        if order.state != OrderState::Completed {
            self.state.attempts = self.state.attempts.saturating_add(1);
        }
        // A refused hedge waits for the next observation, so that no refusal is answered without end.
        if order.state == OrderState::Completed || order.cancel_wanted {
            self.evaluate(ctx);
        }
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        ctx.quote(self.maker, &[], Reason::new("STOP"));
    }
}

/// The mean of the price of `before` and of what came to it up to `after`.
fn weighted(price: Price, before: Quantity, added: Price, after: Quantity) -> Price {
    let part = |price: Price, units: i64| i128::from(price.units()) * i128::from(units);
    let sum = part(price, before.units()) + part(added, after.saturating_sub(before).units());
    let mean = sum.checked_div(i128::from(after.units())).and_then(|units| i64::try_from(units).ok());
    mean.map_or(price, Price::from_units)
}
