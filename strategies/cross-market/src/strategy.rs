//! When to quote, and when and how to hedge.

use pampero_engine::{
    Context, Desired, Exposure, Intent, OrderEvent, OrderState, Parameters, Reason, Requirements,
    RestoreError, Strategy, restore_state, save_state,
};
use pampero_indicators::RecentVolume;
use pampero_model::{Cash, Fill, MarketId, Price, Quantity, Rate, Rounding, Side, Size, Timestamp, Trade};

use crate::params::CrossMarketParams;
use crate::prices::fair;

/// Version of the saved state: the tries so far, what is open, the planned prices of bid and ask, the next evaluation.
/// Trades of the hedging market do not survive a restart: their window is short.
const STATE_VERSION: u32 = 1;

/// The cross-market maker. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct CrossMarket {
    maker: MarketId,
    taker: MarketId,
    params: CrossMarketParams,
    recent: RecentVolume,
    /// What is not hedged yet.
    open: Exposure,
    /// Hedges that ended before they were executed.
    attempts: u32,
    /// The prices at which an execution of the bid and of the ask are to be hedged.
    planned: [Price; 2],
    /// Books before this are not looked at.
    next: Timestamp,
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
        Ok(Self {
            maker,
            taker,
            recent: RecentVolume::new(params.volume_window),
            params,
            open: Exposure::default(),
            attempts: 0,
            planned: [Price::ZERO; 2],
            next: Timestamp::MIN,
            desired: Vec::new(),
        })
    }

    /// The hedge comes first; quotes stand only while nothing is open.
    fn evaluate(&mut self, ctx: &mut Context<'_>) {
        let seen = ctx.book(self.maker).is_some() && ctx.book(self.taker).is_some();
        if self.must_hedge(ctx) {
            ctx.quote(self.maker, &[], Reason::new("HEDGING"));
            self.hedge(ctx);
        } else if seen && ctx.now() >= self.next {
            self.next = ctx.now().plus(self.params.interval);
            self.quote(ctx);
        }
    }

    /// Whether there is more to hedge than the hedging market's smallest order.
    fn must_hedge(&self, ctx: &Context<'_>) -> bool {
        let Some(market) = ctx.market(self.taker) else { return false };
        let size = market.size_of(self.open.closing_side(), self.open.quantity.abs(), self.open.price);
        size.is_ok_and(|size| !market.is_too_small(size))
    }

    /// One hedge at a time: it stands for its time to live. The n-th further try gives way by n² steps, up to the most.
    fn hedge(&mut self, ctx: &mut Context<'_>) {
        // A blind try would only make the next one give way.
        if ctx.has_open_orders(self.taker) || ctx.is_stale(self.taker) {
            return;
        }
        let (side, attempts) = (self.open.closing_side(), i64::from(self.attempts));
        let CrossMarketParams { hedge_step, max_hedge_loss, hedge_time_to_live, .. } = self.params;
        let worse = attempts.saturating_mul(attempts).saturating_mul(hedge_step.units());
        let worse = Rate::from_units(worse.min(max_hedge_loss.units()));
        let limit = self.open.price.away(side.opposite(), worse).ok();
        let Some((market, limit)) = ctx.market(self.taker).zip(limit) else { return };
        let price = market.to_tick(side, limit);
        let Some(size) = ctx.closing_size(self.taker, self.open.quantity, price) else { return };
        let reason = Reason::new("HEDGE").with(self.open.quantity.units(), attempts * pampero_model::SCALE);
        let until = ctx.now().plus(hedge_time_to_live);
        let intent = Intent::limit(self.taker, side, size, price).good_till(until).because(reason);
        // A refusal stands in the report and counts as a try; the next observation is the next one.
        if ctx.submit(intent).is_err() {
            self.attempts = self.attempts.saturating_add(1);
        }
    }

    fn quote(&mut self, ctx: &mut Context<'_>) {
        let traded = self.recent.volume(ctx.now());
        self.desired.clear();
        for side in [Side::Buy, Side::Sell] {
            let Some((desired, hedge)) = self.desired(ctx, side, traded) else { continue };
            self.desired.push(desired);
            if let Some(planned) = self.planned.get_mut(side.index()) {
                *planned = hedge;
            }
        }
        let [bid_hedge, ask_hedge] = self.planned;
        let reason = Reason::new("QUOTE").with(bid_hedge.units(), ask_hedge.units());
        ctx.quote(self.maker, &self.desired, reason);
    }

    /// The quote of one side and the price at which it is to be hedged, unless funds, thresholds or books forbid it. That
    /// price is the one that covers the quantity once the volume traded lately is gone from the top of the book. While the
    /// hedging market is not seen, or a rate that is told from outside is stale, there is none.
    fn desired(&self, ctx: &Context<'_>, side: Side, traded: Quantity) -> Option<(Desired, Price)> {
        if ctx.is_stale(self.taker) {
            return None;
        }
        let CrossMarketParams { bid_profit, ask_profit, quantity, min_change, .. } = self.params;
        let (maker, taker) = (ctx.market(self.maker)?, ctx.market(self.taker)?);
        let beyond = quantity.checked_add(traded).ok()?;
        let hedge = ctx.book(self.taker)?.value.sweep_price(side.opposite(), beyond)?;
        let rate = self.params.exchange_rate.or_else(|| ctx.exchange_rate(self.maker, self.taker))?;
        let profit = if side == Side::Buy { bid_profit } else { ask_profit };
        let fair = fair(side, hedge, rate, [maker.maker_fee, taker.taker_fee], profit).ok()?;
        let price = ctx.passive_price(self.maker, side, fair)?;
        let price = ctx.steady_price(self.maker, side, price, min_change);
        let size = maker.size_of(side, quantity.truncate_to(maker.quantity_step), price).ok()?;
        let quote = Desired { side, price, size };
        let wanted = ctx.can_quote(self.maker, &quote)
            && self.can_hedge(ctx, side, hedge)?
            && self.is_above_thresholds(ctx, rate)?;
        wanted.then_some((quote, hedge))
    }

    /// Whether an execution of a side could be hedged. Base that is bought here can be sold there at once only if it is
    /// the same account.
    fn can_hedge(&self, ctx: &Context<'_>, side: Side, hedge: Price) -> Option<bool> {
        let (maker, taker) = (ctx.market(self.maker)?, ctx.market(self.taker)?);
        let gross = match side {
            Side::Buy if maker.shares_base_with(taker) => return Some(true),
            Side::Buy => self.params.quantity,
            Side::Sell => taker.taker_fee.gross_of(self.params.quantity).ok()?,
        };
        let order = Desired { side: side.opposite(), price: hedge, size: Size::Base(gross) };
        Some(ctx.can_pay(self.taker, &order))
    }

    /// Whether both accounts together hold more base and more cash, in quote of the hedging market, than where it stops.
    fn is_above_thresholds(&self, ctx: &Context<'_>, rate: Price) -> Option<bool> {
        let (maker, taker) = (ctx.market(self.maker)?, ctx.market(self.taker)?);
        let ((made_base, made_cash), (base, cash)) = (ctx.balances(self.maker)?, ctx.balances(self.taker)?);
        let one_account = maker.shares_base_with(taker);
        let more_base = if one_account { 0 } else { made_base.total };
        let converted = Cash::from_units(made_cash.total).quantity_at(rate, Rounding::Down).ok()?;
        let more_cash =
            if one_account && maker.quote == taker.quote { 0 } else { i128::from(converted.units()) };
        let base_stop = i128::from(self.params.base_stop.units());
        Some(base.total + more_base > base_stop && cash.total + more_cash > self.params.quote_stop.units())
    }
}

impl Strategy for CrossMarket {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![self.maker, self.taker], ..Requirements::default() }
    }

    fn state_version(&self) -> u32 {
        STATE_VERSION
    }

    fn save(&self) -> Vec<u8> {
        let [bid, ask] = self.planned;
        save_state(&(self.attempts, self.open, bid, ask, self.next))
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        let [bid, ask] = &mut self.planned;
        (self.attempts, self.open, *bid, *ask, self.next) = restore_state(state, version, STATE_VERSION)?;
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
            let planned = self.planned.get(fill.side.index()).copied().unwrap_or_default();
            self.open.add(fill.base_change(), planned);
            self.evaluate(ctx);
        } else {
            self.open.close(fill.base_change());
        }
        if !self.must_hedge(ctx) {
            self.attempts = 0;
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
            self.attempts = self.attempts.saturating_add(1);
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
