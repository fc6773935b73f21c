//! Quotes both sides of the market around the middle of the book. This file is the whole strategy.

use pampero_engine::{Context, Desired, Reason, Requirements, Strategy, StrategyDefinition, parameters};
use pampero_model::{Cash, MarketId, Quantity, Rate, Side};

parameters! {
    /// What `[strategy.parameters]` of a configuration can set: purpose, default and range of each.
    pub struct Params {
        /// Distance of each quote from the middle of the book: 0.003 is 0.3 %. The exchange takes 0.25 %.
        pub half_spread: Rate = Rate::from_basis_points(30) => above("0").below("1"),
        /// A quote stays while it is this near to where it should be: a move costs two of five requests a second.
        pub slack: Rate = Rate::from_basis_points(20) => at_least("0").below("0.1"),
        /// Worth of each quote, in the quote currency.
        pub worth: Cash = Cash::from_int(50) => above("0"),
        /// It buys no more once it holds this much.
        pub max_position: Quantity = Quantity::from_int(1) => above("0"),
    }
}

/// The strategy as `main.rs` offers it: what configurations call it, and how it is made.
pub fn definition() -> StrategyDefinition {
    let build = |market, params| Ok(Maker { market, params });
    let (name, version) = ("{{strategy}}", env!("CARGO_PKG_VERSION"));
    StrategyDefinition::new(name, version, "quotes both sides", build)
}

/// The strategy. It remembers nothing between books: what it holds and has ordered, the engine knows.
pub struct Maker {
    pub market: MarketId,
    pub params: Params,
}

impl Maker {
    /// The order it wants on one side now: none if it holds enough or cannot pay, or the book has one side only.
    fn desired(&self, ctx: &Context<'_>, side: Side) -> Option<Desired> {
        let Params { half_spread, slack, worth, max_position } = self.params;
        let full = ctx.position(self.market).quantity >= max_position;
        let (rules, middle) = (ctx.market(self.market)?, ctx.book(self.market)?.value.mid()?);
        let price = rules.to_tick(side, middle.away(side, half_spread).ok()?);
        let price = ctx.steady_price(self.market, side, price, slack);
        let size = rules.size_worth(side, worth, price).ok()?; // the exchange counts buys in quote, sells in base
        let quote = Desired { side, price, size };
        (ctx.can_quote(self.market, &quote) && !(side == Side::Buy && full)).then_some(quote)
    }
}

impl Strategy for Maker {
    fn requirements(&self) -> Requirements {
        Requirements::of(self.market)
    }

    /// A book was seen. `quote` cancels what is not wanted any more and places what is missing, never both at once.
    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        let sides = [Side::Buy, Side::Sell];
        let wanted: Vec<Desired> = sides.into_iter().filter_map(|side| self.desired(ctx, side)).collect();
        ctx.quote(market, &wanted, Reason::new("QUOTE"));
    }

    /// The session ends: nothing stays on the book.
    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        ctx.quote(self.market, &[], Reason::new("STOP"));
    }
}
