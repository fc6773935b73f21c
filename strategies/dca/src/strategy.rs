//! When to buy, and for how much.

use pampero_engine::{
    Context, Intent, OrderEvent, OrderState, Parameters, Reason, Requirements, RestoreError, Strategy,
    restore_state, save_state,
};
use pampero_model::{Cash, MarketId, Side, Size, Span, Timestamp};

use crate::params::DcaParams;

/// Version of the saved state: when the next purchase is due, what the present one may still spend, what all have spent.
const STATE_VERSION: u32 = 1;

/// Cost averaging. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct Dca {
    market: MarketId,
    params: DcaParams,
    /// When the next purchase is due; the first is at once.
    next: Timestamp,
    /// What the present purchase may still spend.
    left: Cash,
    spent: Cash,
}

impl Dca {
    /// Buys in `market`. An error says which parameter is wrong.
    ///
    /// ```
    /// use pampero_dca::{Dca, DcaParams};
    /// use pampero_model::MarketId;
    /// assert!(Dca::new(MarketId(0), DcaParams::default()).is_ok());
    /// ```
    pub fn new(market: MarketId, params: DcaParams) -> Result<Self, String> {
        params.in_range()?;
        Ok(Self { market, params, next: Timestamp::MIN, left: Cash::ZERO, spent: Cash::ZERO })
    }

    /// Looks whether a purchase is due, and goes on with the present one: what the market did not fill is sent anew at
    /// the price of now.
    fn look(&mut self, ctx: &mut Context<'_>) {
        if ctx.now() >= self.next {
            self.next = self.after(ctx.now());
            self.left = self.params.spend;
        }
        if self.left.is_positive() && !ctx.has_open_orders(self.market) {
            self.buy(ctx);
        }
    }

    /// The first due time after an instant: whole intervals from the last one on, so that being late moves nothing, and
    /// what was missed while the program did not run is not made up for.
    fn after(&self, now: Timestamp) -> Timestamp {
        if self.next == Timestamp::MIN {
            return now.plus(self.params.every);
        }
        let every = self.params.every.as_nanos();
        let whole = now.since(self.next).as_nanos() / every;
        self.next.plus(Span::from_nanos(every.saturating_mul(whole.saturating_add(1))))
    }

    fn buy(&mut self, ctx: &mut Context<'_>) {
        let Some((market, mark)) = ctx.market(self.market).zip(ctx.mark(self.market)) else { return };
        if self.params.max_price.is_some_and(|most| mark.value > most) {
            return;
        }
        let budget = self.params.budget.map_or(Cash::MAX, |budget| budget.saturating_sub(self.spent));
        let size = Size::Quote(self.left.min(budget).min(ctx.spendable(self.market)));
        if market.is_too_small(size) {
            // What is left is dust, or the money is at its end.
            self.left = Cash::ZERO;
            return;
        }
        let reason = Reason::new("DUE").with(mark.value.units(), 0);
        let intent = Intent::market(self.market, Side::Buy, size).immediate_or_cancel().convert_size();
        if ctx.submit(intent.because(reason)).is_err() {
            // The refusal stands in the report; the next purchase is the next try.
            self.left = Cash::ZERO;
        }
    }
}

impl Strategy for Dca {
    fn requirements(&self) -> Requirements {
        Requirements::of(self.market)
    }

    fn state_version(&self) -> u32 {
        STATE_VERSION
    }

    fn save(&self) -> Vec<u8> {
        save_state(&(self.next, self.left, self.spent))
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        (self.next, self.left, self.spent) = restore_state(state, version, STATE_VERSION)?;
        Ok(())
    }

    fn on_market(&mut self, ctx: &mut Context<'_>, _market: MarketId) {
        self.look(ctx);
    }

    /// What an order did not spend is sent anew at the price of now; a purchase the venue refuses is over.
    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        let order = &event.order;
        if !order.state.is_final() {
            return;
        }
        self.spent = self.spent.saturating_add(order.filled_quote);
        let refused = order.state != OrderState::Completed && !order.cancel_wanted;
        let over = refused || order.state == OrderState::Completed;
        self.left = if over { Cash::ZERO } else { self.left.saturating_sub(order.filled_quote) };
        if self.left.is_positive() {
            self.buy(ctx);
        }
    }
}
