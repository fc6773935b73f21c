//! When to quote, and when and how to hedge.

use pampero_engine::{
    Context, Desired, Intent, OrderEvent, OrderState, Parameters, Reason, Requirements, RestoreError,
    Strategy, restore_state, save_state,
};
use pampero_indicators::RecentVolume;
use pampero_model::{Cash, Fill, MarketId, Price, Quantity, Rate, Rounding, Side, Trade};

use crate::params::CrossMarketParams;
use crate::prices::{Costs, given_way, hedge_size, safest};
use crate::state::{State, VERSION};

/// The cross-market maker. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct CrossMarket {
    maker: MarketId,
    taker: MarketId,
    params: CrossMarketParams,
    recent: RecentVolume,
    state: State,
    desired: Vec<Desired>,
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
        params.in_range()?;
        if maker == taker {
            return Err("the market to make and the one to hedge on are the same; name two".to_owned());
        }
        let recent = RecentVolume::new(params.volume_window);
        Ok(Self { maker, taker, params, recent, state: State::new(), desired: Vec::new() })
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
        let size = market.size_of(self.state.hedge_side(), open, self.state.hedge_price);
        size.is_ok_and(|size| !market.is_too_small(size))
    }

    /// One hedge at a time: it stands for its time to live, and each try gives way by more than the last.
    fn hedge(&mut self, ctx: &mut Context<'_>) {
        // A blind try would only make the next one give way.
        if ctx.has_open_orders(self.taker) || ctx.is_stale(self.taker) {
            return;
        }
        let side = self.state.hedge_side();
        let (attempts, params) = (self.state.attempts, &self.params);
        let limit =
            given_way(self.state.hedge_price, side, attempts, params.hedge_step, params.max_hedge_loss);
        let Some((market, limit)) = ctx.market(self.taker).zip(limit.ok()) else { return };
        let price = market.to_tick(side, limit);
        let Some(book) = ctx.book(self.taker).map(|book| book.value) else { return };
        let Ok(size) = hedge_size(market, book, self.state.open, price) else { return };
        let reason = Reason::new("HEDGE").with(self.state.open.units(), i64::from(attempts) * 100_000_000);
        let until = ctx.now().plus(params.hedge_time_to_live);
        let intent = Intent::limit(self.taker, side, size, price).good_till(until).because(reason);
        // A refusal stands in the report and counts as a try; the next observation is the next one.
        if ctx.submit(intent).is_err() {
            self.state.attempts = attempts.saturating_add(1);
        }
    }

    fn quote(&mut self, ctx: &mut Context<'_>) {
        let traded = self.recent.volume(ctx.now());
        self.desired.clear();
        for side in [Side::Buy, Side::Sell] {
            let Some((desired, planned)) = self.desired(ctx, side, traded) else { continue };
            self.desired.push(desired);
            if let Some(price) = self.state.planned.get_mut(side.index()) {
                *price = planned;
            }
        }
        let [bid_hedge, ask_hedge] = self.state.planned;
        let reason = Reason::new("QUOTE").with(bid_hedge.units(), ask_hedge.units());
        ctx.quote(self.maker, &self.desired, reason);
    }

    /// The quote of one side and the price at which it is to be hedged, unless funds, thresholds or books forbid it. While
    /// the hedging market is not seen, as where its venue is down, nothing could be hedged.
    fn desired(&self, ctx: &Context<'_>, side: Side, traded: Quantity) -> Option<(Desired, Price)> {
        if ctx.is_stale(self.taker) {
            return None;
        }
        let (maker, taker) = (ctx.market(self.maker)?, ctx.market(self.taker)?);
        let hedge_side = side.opposite();
        let hedge = safest(ctx.book(self.taker)?.value, hedge_side, self.params.quantity, traded).ok()??;
        let exchange_rate = self.exchange_rate(ctx)?;
        let CrossMarketParams { bid_profit, ask_profit, quantity, .. } = self.params;
        let (maker_fee, taker_fee) = (maker.maker_fee, taker.taker_fee);
        let costs = Costs { exchange_rate, maker_fee, taker_fee, bid_profit, ask_profit };
        let fair = if side == Side::Buy { costs.bid(hedge) } else { costs.ask(hedge) }.ok()?;
        let price = self.kept(ctx, side, ctx.passive_price(self.maker, side, fair)?);
        let size = maker.size_of(side, quantity.truncate_to(maker.quantity_step), price).ok()?;
        let affordable = self.affordable(ctx, side, price, hedge)?;
        (affordable && price.is_positive() && !maker.is_too_small(size))
            .then_some((Desired { side, price, size }, hedge))
    }

    /// The price of the quote that stands, if that is near enough, else the new one.
    fn kept(&self, ctx: &Context<'_>, side: Side, price: Price) -> Price {
        let slack = self.params.min_change.of_price(price, Rounding::Down).unwrap_or(Price::ZERO);
        let standing = ctx.standing_quote(self.maker, side);
        let near = standing.filter(|order| order.price.saturating_sub(price).abs() <= slack);
        near.map_or(price, |order| order.price)
    }

    /// Made quote per hedging quote. Nothing while a rate that is told from outside is stale: then nothing is quoted.
    fn exchange_rate(&self, ctx: &Context<'_>) -> Option<Price> {
        if let Some(rate) = self.params.exchange_rate {
            return Some(rate);
        }
        let markets = [self.maker, self.taker];
        if markets.into_iter().any(|market| ctx.portfolio().is_rate_stale(ctx.now(), market)) {
            return None;
        }
        let [maker, taker] = markets.map(|market| ctx.portfolio().quote_rate(market));
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
        let (maker_rules, taker_rules) = (ctx.market(self.maker)?, ctx.market(self.taker)?);
        let quantity = self.params.quantity;
        Some(match side {
            Side::Buy => {
                // Base that is bought here can be sold there at once only if it is the same account.
                let sellable = maker_rules.shares_base_with(taker_rules)
                    || i128::from(quantity.units()) <= taker.0.total;
                sellable && price.notional(quantity, Rounding::Up).ok()?.units() <= maker.1.total
            }
            Side::Sell => {
                let wanted = taker_rules.taker_fee.gross_of(quantity).ok()?;
                let payable = hedge.notional(wanted, Rounding::Up).ok()?.units() <= taker.1.total;
                payable && i128::from(quantity.units()) <= maker.0.total
            }
        })
    }

    /// Base and cash of both accounts, the cash in quote of the hedging market.
    fn holdings(&self, ctx: &Context<'_>) -> Option<(i128, i128)> {
        let (maker, taker) = (ctx.balances(self.maker)?, ctx.balances(self.taker)?);
        let (maker_rules, taker_rules) = (ctx.market(self.maker)?, ctx.market(self.taker)?);
        let same = maker_rules.shares_base_with(taker_rules);
        let base = maker.0.total + if same { 0 } else { taker.0.total };
        let rate = i128::from(self.exchange_rate(ctx)?.units());
        let scale = i128::from(Rate::ONE.units());
        let converted = maker.1.total.checked_mul(scale)?.checked_div(rate)?;
        let same_cash = same && maker_rules.quote == taker_rules.quote;
        Some((base, taker.1.total + if same_cash { 0 } else { converted }))
    }
}

impl Strategy for CrossMarket {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![self.maker, self.taker], ..Requirements::default() }
    }

    fn state_version(&self) -> u32 {
        VERSION
    }

    fn save(&self) -> Vec<u8> {
        save_state(&self.state)
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        self.state = restore_state(state, version, VERSION)?;
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

    /// An execution of a quote opens an exposure, one of a hedge closes it.
    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        if fill.market == self.maker {
            self.state.made(fill);
            self.evaluate(ctx);
        } else {
            self.state.hedged(fill);
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
