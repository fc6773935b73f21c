//! When to buy, and for how much.

use pampero_engine::{Context, Intent, OrderEvent, OrderState, Reason, Requirements, RestoreError, Strategy};
use pampero_model::{Candle, Cash, MarketId, Side, Size, Span, Timestamp, Trade};

use crate::params::DcaParams;

/// Version of the saved state, in little-endian bytes: when the next purchase is due i64 in nanoseconds, what the
/// present one may still spend i128, what all have spent i128, both in units of 1e-8.
const STATE_VERSION: u32 = 1;
/// The state's length in bytes.
const STATE_LENGTH: usize = 40;

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
        params.validate()?;
        Ok(Self { market, params, next: Timestamp::MIN, left: Cash::ZERO, spent: Cash::ZERO })
    }

    /// Looks whether a purchase is due, and goes on with the present one: what the market did not fill is sent anew at
    /// the price of now.
    fn look(&mut self, ctx: &mut Context<'_>) {
        if ctx.now() >= self.next {
            self.next = self.after(ctx.now());
            self.left = self.params.spend;
        }
        if self.left.is_positive() && ctx.open_orders(self.market).next().is_none() {
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
        let Some((_, quote)) = ctx.balances(self.market) else { return };
        let budget = self.params.budget.map_or(Cash::MAX, |budget| budget.saturating_sub(self.spent));
        let size = Size::Quote(self.left.min(budget).min(Cash::from_units(quote.available())));
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
        Requirements { markets: vec![self.market], ..Requirements::default() }
    }

    fn state_version(&self) -> u32 {
        STATE_VERSION
    }

    fn save(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(STATE_LENGTH);
        bytes.extend(self.next.as_nanos().to_le_bytes());
        bytes.extend(self.left.units().to_le_bytes());
        bytes.extend(self.spent.units().to_le_bytes());
        bytes
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        if version != STATE_VERSION {
            return Err(RestoreError::Version { found: version, expected: STATE_VERSION });
        }
        let parts = state.split_first_chunk::<8>().and_then(|(next, rest)| {
            let (left, rest) = rest.split_first_chunk::<16>()?;
            Some((next, left, <&[u8; 16]>::try_from(rest).ok()?))
        });
        let Some((next, left, spent)) = parts else {
            let message = format!("it has {} bytes and not {STATE_LENGTH}", state.len());
            return Err(RestoreError::Malformed(message));
        };
        self.next = Timestamp::from_nanos(i64::from_le_bytes(*next));
        self.left = Cash::from_units(i128::from_le_bytes(*left));
        self.spent = Cash::from_units(i128::from_le_bytes(*spent));
        Ok(())
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, _market: MarketId) {
        self.look(ctx);
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, _market: MarketId, _trade: &Trade) {
        self.look(ctx);
    }

    fn on_candle(&mut self, ctx: &mut Context<'_>, _market: MarketId, _candle: &Candle) {
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
