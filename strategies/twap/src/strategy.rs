//! When to place a chunk, and where.

use pampero_engine::{
    Context, Intent, Reason, Requirements, RestoreError, Strategy, restore_state, save_state,
};
use pampero_model::{Cash, Fill, MarketId, OrderBook, Price, Quantity, Rounding, Side, Size, Timestamp};

use crate::params::{Placement, TwapParams};

/// Version of the saved state: when the next chunk is due, what is left to be traded.
const STATE_VERSION: u32 = 1;

/// The execution in chunks. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct Twap {
    market: MarketId,
    params: TwapParams,
    /// When the next chunk is due; the first is at once.
    next: Timestamp,
    /// What is left to be traded: quote of a buy, base of a sell.
    left: Cash,
}

impl Twap {
    /// Trades in `market`. An error says which parameter is wrong.
    ///
    /// ```
    /// use pampero_model::MarketId;
    /// use pampero_twap::{Twap, TwapParams};
    /// assert!(Twap::new(MarketId(0), TwapParams::default()).is_ok());
    /// ```
    pub fn new(market: MarketId, params: TwapParams) -> Result<Self, String> {
        params.validate()?;
        Ok(Self { market, left: params.amount, params, next: Timestamp::MIN })
    }

    /// Where a chunk may be placed now: nothing while the market has one side, is crossed, too wide or too dear.
    fn price(&self, book: &OrderBook) -> Option<Price> {
        let spread = book.spread().filter(|spread| spread.is_positive())?;
        if spread > self.params.max_spread.of_price(book.mid()?, Rounding::Down).ok()? {
            return None;
        }
        let side = self.params.side;
        let from = match self.params.placement {
            Placement::Take => side.opposite(),
            Placement::Join => side,
        };
        let price = book.best(from)?.price;
        self.params.limit_price.is_none_or(|limit| side.accepts(limit, price)).then_some(price)
    }

    /// The size of the next chunk. The last one takes what would be too little for another.
    fn chunk(&self, ctx: &Context<'_>) -> Option<Size> {
        let market = ctx.market(self.market)?;
        let whole = Cash::from_units(self.params.amount.units() / i128::from(self.params.chunks));
        let size = |amount: Cash| match self.params.side {
            Side::Buy => Some(Size::Quote(amount)),
            Side::Sell => {
                let units = i64::try_from(amount.units()).ok()?;
                Some(Size::Base(Quantity::from_units(units).truncate_to(market.quantity_step)))
            }
        };
        let rest = size(self.left.saturating_sub(whole))?;
        let chunk = if self.left <= whole || market.is_too_small(rest) { self.left } else { whole };
        size(chunk).filter(|size| !market.is_too_small(*size))
    }

    fn place(&mut self, ctx: &mut Context<'_>) {
        let Some(book) = ctx.book(self.market) else { return };
        let (Some(price), Some(size)) = (self.price(book.value), self.chunk(ctx)) else { return };
        // One at a time: what is still open must end first.
        if ctx.has_open_orders(self.market) {
            return;
        }
        self.next = ctx.now().plus(self.params.interval);
        let until = ctx.now().plus(self.params.time_to_live);
        let left = i64::try_from(self.left.units()).unwrap_or(i64::MAX);
        let reason = Reason::new("CHUNK").with(price.units(), left);
        let intent =
            Intent::limit(self.market, self.params.side, size, price).good_till(until).convert_size();
        // A refusal stands in the report; the next interval is the next try.
        let _ = ctx.submit(intent.because(reason));
    }
}

impl Strategy for Twap {
    fn requirements(&self) -> Requirements {
        Requirements::of(self.market)
    }

    fn state_version(&self) -> u32 {
        STATE_VERSION
    }

    fn save(&self) -> Vec<u8> {
        save_state(&(self.next, self.left))
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), RestoreError> {
        (self.next, self.left) = restore_state(state, version, STATE_VERSION)?;
        Ok(())
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, _market: MarketId) {
        if ctx.now() >= self.next && self.left.is_positive() {
            self.place(ctx);
        }
    }

    fn on_fill(&mut self, _ctx: &mut Context<'_>, fill: &Fill) {
        if fill.side == self.params.side {
            let traded = match fill.side {
                Side::Buy => fill.quote,
                Side::Sell => Cash::from_units(fill.base.units().into()),
            };
            self.left = self.left.saturating_sub(traded);
        }
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        ctx.cancel_all(self.market);
    }
}
