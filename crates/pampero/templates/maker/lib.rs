//! Quotes both sides of the market around the middle of the book. This file is the whole strategy.

use pampero_engine::{
    Context, Desired, Parameter, ParameterError, Reason, Requirements, Strategy, StrategyDefinition,
};
use pampero_model::{Cash, MarketId, Price, Quantity, Rate, Rounding, Side, Size};
use serde::{Deserialize, Serialize};

/// What `[strategy.parameters]` of a configuration can set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Distance of each quote from the middle of the book: 0.003 is 0.3 %. The exchange takes 0.25 %.
    pub half_spread: Rate,
    /// A quote stays while it is this near to where it should be: moving one costs two of five requests a second.
    pub slack: Rate,
    /// Worth of each quote, in the quote currency.
    pub worth: Cash,
    /// It buys no more once it holds this much.
    pub max_position: Quantity,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            half_spread: Rate::from_basis_points(30),
            slack: Rate::from_basis_points(20),
            worth: Cash::from_int(50),
            max_position: Quantity::from_int(1),
        }
    }
}

/// The same, with ranges: `strategies` lists them, and a value outside of them is a mistake of the configuration.
const PARAMETERS: &[Parameter] = &[
    Parameter::share("half_spread", "distance of each quote from the middle of the book")
        .above("0")
        .below("1"),
    Parameter::share("slack", "a quote stays while it is this near to where it should be").below("0.1"),
    Parameter::cash("worth", "worth of each quote, in the quote currency").above("0"),
    Parameter::quantity("max_position", "it buys no more once it holds this much").above("0"),
];

/// What configurations call it.
const NAME: &str = "{{strategy}}";

/// The strategy as `main.rs` offers it.
pub fn definition() -> StrategyDefinition {
    StrategyDefinition::new(NAME, "quotes both sides of the market", |params: Params, markets| {
        let market = *markets.first().ok_or(ParameterError::Markets { needed: 1, given: 0 })?;
        Ok(Box::new(Maker { market, params }))
    })
    .with_parameters(PARAMETERS)
}

/// The strategy. It remembers nothing between books: what it holds and has ordered, the engine knows.
pub struct Maker {
    pub market: MarketId,
    pub params: Params,
}

impl Maker {
    /// The order it wants on one side now, if any.
    fn desired(&self, ctx: &Context<'_>, side: Side) -> Option<Desired> {
        let rules = ctx.market(self.market)?;
        let book = ctx.book(self.market)?.value;
        let middle = book.mid()?; // a book of one side has none
        let away = self.params.half_spread.of_price(middle, Rounding::Up).ok()?;
        let price = match side {
            Side::Buy => middle.saturating_sub(away),
            Side::Sell => middle.saturating_add(away),
        };
        let price = price.truncate_to(rules.price_tick);
        let (base, quote) = ctx.balances(self.market)?;
        let size = match side {
            Side::Buy if ctx.position(self.market).quantity >= self.params.max_position => return None,
            Side::Buy => Size::Quote(self.params.worth.min(Cash::from_units(quote.total))),
            Side::Sell => {
                let held = Quantity::from_units(i64::try_from(base.total).ok()?);
                let wanted = self.params.worth.quantity_at(price, Rounding::Down).ok()?;
                Size::Base(wanted.min(held).truncate_to(rules.quantity_step))
            }
        };
        let new = Desired { side, price, size };
        Some(self.standing(ctx, side, price).unwrap_or(new)).filter(|order| !rules.is_too_small(order.size))
    }

    /// The quote that stands on a side, if it is near enough to where it should be.
    fn standing(&self, ctx: &Context<'_>, side: Side, wanted: Price) -> Option<Desired> {
        let order = ctx.open_orders(self.market).find(|order| order.quoting && order.side == side)?;
        let slack = self.params.slack.of_price(wanted, Rounding::Down).ok()?;
        let near = order.price.saturating_sub(wanted).abs() <= slack;
        near.then_some(Desired { side, price: order.price, size: order.size })
    }
}

impl Strategy for Maker {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![self.market], ..Requirements::default() }
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
