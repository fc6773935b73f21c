//! When to quote, and which sides.

use pampero_engine::{
    Context, Desired, Reason, Requirements, RestoreError, Strategy, restore_state, save_state,
};
use pampero_model::{Fill, MarketId, Price, Quantity, Rounding, Side, Timestamp};

use crate::params::MarketMakerParams;
use crate::prices::{Sides, prices};

/// Version of the saved state: the time of the next evaluation. All else stands in the book, the orders and the
/// balances.
const STATE_VERSION: u32 = 1;

/// The market maker. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct MarketMaker {
    market: MarketId,
    params: MarketMakerParams,
    /// Books before this are not looked at.
    next_evaluation: Timestamp,
}

/// A quote that stands: its price and how much of it can still be executed.
#[derive(Clone, Copy, Debug)]
struct Standing {
    price: Price,
    remaining: Quantity,
}

impl MarketMaker {
    /// Quotes in `market`. An error says which parameter is wrong.
    ///
    /// ```
    /// use pampero_market_maker::{MarketMaker, MarketMakerParams};
    /// use pampero_model::MarketId;
    /// assert!(MarketMaker::new(MarketId(0), MarketMakerParams::default()).is_ok());
    /// ```
    pub fn new(market: MarketId, params: MarketMakerParams) -> Result<Self, String> {
        params.validate()?;
        Ok(Self { market, params, next_evaluation: Timestamp::MIN })
    }

    /// Quotes both sides of a book, none of one that is one-sided or crossed.
    #[inline(never)]
    fn evaluate(&mut self, ctx: &mut Context<'_>) {
        self.next_evaluation = ctx.now().plus(self.params.interval);
        let standing = self.standing(ctx);
        let wanted = self.wanted(ctx, standing).unwrap_or(Sides { bid: None, ask: None });
        self.quote(ctx, wanted, standing);
    }

    /// The price for each side: where the book says, or where the quote stands if that is near enough.
    fn wanted(&self, ctx: &Context<'_>, standing: Sides<Option<Standing>>) -> Option<Sides<Option<Price>>> {
        let book = ctx.book(self.market)?.value;
        let best = Sides { bid: book.best(Side::Buy)?, ask: book.best(Side::Sell)? };
        if best.bid.price >= best.ask.price {
            return None;
        }
        let step = self.params.price_step.unwrap_or(ctx.market(self.market)?.price_tick);
        let position = ctx.position(self.market).quantity;
        let prices = prices(&self.params, best, position, step).ok()?;
        let slack = self.params.min_change.of_price(prices.bid, Rounding::Down).ok()?;
        let near = |price: &Price, to: Price| price.saturating_sub(to).abs() <= slack;
        let stays = standing.map(|standing| standing.map(|standing| standing.price));
        let bid = stays.bid.filter(|bid| near(bid, prices.bid) && *bid < best.ask.price);
        let ask = stays.ask.filter(|ask| near(ask, prices.ask) && *ask > best.bid.price);
        let chosen = Sides { bid: bid.unwrap_or(prices.bid), ask: ask.unwrap_or(prices.ask) };
        // One that stays and one that moves may meet if they are closer than the slack.
        let chosen = if chosen.bid < chosen.ask { chosen } else { prices };
        Some(chosen.map(Some))
    }

    /// Asks for the sides that have a price, are within the limits and can be paid for.
    fn quote(&self, ctx: &mut Context<'_>, prices: Sides<Option<Price>>, standing: Sides<Option<Standing>>) {
        let bid = prices.bid.and_then(|price| self.desired(ctx, Side::Buy, price, standing.bid));
        let ask = prices.ask.and_then(|price| self.desired(ctx, Side::Sell, price, standing.ask));
        let mark = ctx.mark(self.market).map_or(Price::ZERO, |mark| mark.value);
        let position = ctx.position(self.market).quantity;
        // With the mark and the inventory at which they were laid.
        let reason = Reason::new("QUOTE").with(mark.units(), position.units());
        match (bid, ask) {
            (Some(bid), Some(ask)) => ctx.quote(self.market, &[bid, ask], reason),
            (Some(one), None) | (None, Some(one)) => ctx.quote(self.market, &[one], reason),
            (None, None) => ctx.quote(self.market, &[], reason),
        }
    }

    /// The order for one side, unless a limit or the funds forbid it.
    fn desired(
        &self,
        ctx: &Context<'_>,
        side: Side,
        price: Price,
        standing: Option<Standing>,
    ) -> Option<Desired> {
        let market = ctx.market(self.market)?;
        let whole = self.params.order_quantity.truncate_to(market.quantity_step);
        // What a quote that stays can still do counts, not what it has done.
        let open = standing.filter(|standing| standing.price == price).map(|standing| standing.remaining);
        let quantity = open.unwrap_or(whole);
        let position = ctx.position(self.market).quantity;
        // Everything held counts as available: the engine places a quote only once the old one is gone.
        let (base, quote) = ctx.balances(self.market)?;
        let allowed = match side {
            Side::Buy => {
                position.saturating_add(quantity) <= self.params.max_position
                    && price.notional(quantity, Rounding::Down).ok()?.units() <= quote.total
            }
            Side::Sell => {
                position.saturating_sub(quantity) >= self.params.min_position
                    && i128::from(quantity.units()) <= base.total
            }
        };
        let size = market.size_of(side, whole, price).ok()?;
        (allowed && price.is_positive() && !market.is_too_small(size)).then_some(Desired {
            side,
            price,
            size,
        })
    }

    /// Our quotes, without those that are being cancelled or are done but for dust.
    fn standing(&self, ctx: &Context<'_>) -> Sides<Option<Standing>> {
        let on = |side| {
            let ours = ctx.standing_quote(self.market, side)?;
            let remaining = ours.remaining().quantity(ours.price, Rounding::Down).ok()?;
            remaining.is_positive().then_some(Standing { price: ours.price, remaining })
        };
        Sides { bid: on(Side::Buy), ask: on(Side::Sell) }
    }
}

impl Strategy for MarketMaker {
    fn requirements(&self) -> Requirements {
        Requirements::of(self.market)
    }

    fn state_version(&self) -> u32 {
        STATE_VERSION
    }

    fn save(&self) -> Vec<u8> {
        save_state(&self.next_evaluation)
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        self.next_evaluation = restore_state(state, version, STATE_VERSION)?;
        Ok(())
    }

    #[inline]
    fn on_book(&mut self, ctx: &mut Context<'_>, _market: MarketId) {
        if ctx.now() >= self.next_evaluation {
            self.evaluate(ctx);
        }
    }

    /// The book may be older than the fill, so that it gives no new prices: what stands and is still within the
    /// limits stays, and the next evaluation does the rest.
    fn on_fill(&mut self, ctx: &mut Context<'_>, _fill: &Fill) {
        let standing = self.standing(ctx);
        let prices = standing.map(|standing| standing.map(|standing| standing.price));
        self.quote(ctx, prices, standing);
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        ctx.quote(self.market, &[], Reason::new("STOP"));
    }
}
