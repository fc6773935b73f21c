//! The other participants of the market: makers that quote around a price, and takers that trade now and then.
//!
//! They place ordinary orders from an account of their own; the engine knows no difference.

use pampero_model::{
    Cash, Currency, MarketId, Markets, Price, Quantity, Rate, Rounding, Side, Size, Span, VenueStatus,
};
use pampero_venue::{AccountId, OrderKey, Placement};

use crate::config::SandboxConfig;
use crate::path::{Dice, Drift, Regime};
use crate::world::{Book, Origin, World};

/// All agents of all books.
#[derive(Debug, Default)]
pub struct Agents {
    books: Vec<Crowd>,
}

/// The agents of one book.
#[derive(Debug)]
struct Crowd {
    market: MarketId,
    account: AccountId,
    drift: Drift,
    dice: Dice,
    /// The orders of the makers, by side and distance from the price.
    quotes: [Vec<Option<OrderKey>>; 2],
    half_spread: i64,
    quantity: i64,
    /// Chances in a million that somebody takes in one step.
    chances: u64,
}

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

impl Agents {
    pub fn new(config: &SandboxConfig, books: &[Book], account: AccountId) -> Self {
        if !config.agents.enabled {
            return Self::default();
        }
        let crowds = config.books.iter().zip(books).filter_map(|(settings, book)| {
            let recorded = config.recorded.get(&settings.code).cloned();
            let agents = &config.agents;
            let drift = Drift::new(settings.first_price()?, agents.step, agents.noise, recorded);
            let steps_per_day = (86_400_000_000_000 / agents.step.as_nanos().max(1)).unsigned_abs().max(1);
            Some(Crowd {
                market: book.market,
                account,
                drift,
                dice: Dice::new(config.seed.wrapping_mul(1_000).wrapping_add(book.number.into())),
                quotes: [(); 2].map(|()| vec![None; agents.levels.into()]),
                half_spread: settings.spread.units() / 2,
                quantity: settings.typical_quantity().units(),
                chances: u64::from(settings.trades_per_day).saturating_mul(1_000_000) / steps_per_day,
            })
        });
        Self { books: crowds.collect() }
    }

    /// What their account needs so that it never runs dry.
    pub fn funds(&self, markets: &Markets) -> Vec<(Currency, i128)> {
        let mut funds = Vec::new();
        for crowd in &self.books {
            let Some(market) = markets.get(crowd.market) else { continue };
            let base = i128::from(crowd.quantity) * 10_000_000;
            let quote = base / i128::from(pampero_model::SCALE) * i128::from(crowd.drift.price.units());
            funds.push((market.base, base));
            funds.push((market.quote, quote.max(1)));
        }
        funds
    }

    /// Lets every crowd live one step.
    pub fn step(&mut self, world: &mut World) {
        for crowd in &mut self.books {
            crowd.drift.advance(&mut crowd.dice);
            crowd.quote(world);
            if crowd.dice.one_in_a_million(crowd.chances) {
                crowd.take(world);
            }
        }
    }

    /// Puts quotes on books that have none.
    pub fn quote(&mut self, world: &mut World) {
        self.books.iter_mut().for_each(|crowd| crowd.quote(world));
    }

    /// The price of each book and how long its agents have lived, to go on from.
    pub fn state(&self) -> Vec<(Price, Span)> {
        self.books.iter().map(|crowd| (crowd.drift.price, crowd.drift.elapsed())).collect()
    }

    /// Goes on from a state. Orders of before are not theirs any more.
    pub fn resume(&mut self, state: &[(Price, Span)], seed: u64) {
        for (crowd, (price, elapsed)) in self.books.iter_mut().zip(state) {
            crowd.drift.resume(*price, *elapsed);
            // Other dice than in the first life, but the same in every second one.
            let lived = elapsed.as_nanos().unsigned_abs();
            crowd.dice =
                Dice::new(seed.wrapping_mul(1_000).wrapping_add(lived).wrapping_add(crowd.market.0.into()));
        }
    }

    /// Their account, if there are any.
    pub fn account(&self) -> Option<AccountId> {
        self.books.first().map(|crowd| crowd.account)
    }
}

impl Crowd {
    /// The price of a level: the farther from the middle, the farther from the next.
    fn target(&self, side: Side, level: usize) -> Option<Price> {
        let level = i64::try_from(level).ok()?;
        let away = self.half_spread.saturating_add(self.half_spread.saturating_mul(level * (level + 3)) / 4);
        let away = if side == Side::Buy { -away } else { away };
        let price = self.drift.price.shifted(Rate::from_units(away), Rounding::Down).ok()?;
        price.is_positive().then_some(price)
    }

    /// Replaces the quotes that are gone or too far from where they should be.
    fn quote(&mut self, world: &mut World) {
        let mut wanted = Vec::new();
        for side in SIDES {
            for level in 0..self.quotes.first().map_or(0, Vec::len) {
                let Some(target) = self.target(side, level) else { continue };
                let slot = self.quotes.get_mut(side.index()).and_then(|quotes| quotes.get_mut(level));
                let Some(slot) = slot else { continue };
                let order = slot.and_then(|key| world.venue.order(key));
                let working = order
                    .filter(|order| matches!(order.status, VenueStatus::Pending | VenueStatus::Executing));
                if let Some(order) = working {
                    let apart = i128::from(order.price.units() - target.units()).abs();
                    let reach = i128::from(target.units()) * i128::from(self.half_spread)
                        / i128::from(pampero_model::SCALE);
                    if apart * 10 < reach * 7 {
                        continue;
                    }
                    world.cancel(order.key, Span::ZERO);
                }
                *slot = None;
                wanted.push((side, level, target));
            }
        }
        // After all cancellations, so that new quotes do not meet old ones.
        for (side, level, target) in wanted {
            let price = self.jitter(target);
            let key = self.place(world, side, price, 4);
            if let Some(slot) = self.quotes.get_mut(side.index()).and_then(|quotes| quotes.get_mut(level)) {
                *slot = key;
            }
        }
    }

    /// Moves a price away by up to a tenth of half the spread, to cents where it has any.
    fn jitter(&mut self, price: Price) -> Price {
        let most = self.half_spread.unsigned_abs() / 10;
        let shift = Rate::from_units(self.dice.up_to(most * 2) - i64::try_from(most).unwrap_or(0));
        let moved = price.shifted(shift, Rounding::Down).unwrap_or(price);
        let cents = moved.truncate_to(Price::from_units(1_000_000));
        if cents.units() > 100_000_000 { cents } else { moved }
    }

    /// A tenth to `times` times the typical quantity, with a random tail.
    fn size(&mut self, side: Side, price: Price, times: u64) -> Option<Size> {
        let most = self.quantity.unsigned_abs().saturating_mul(times);
        let units = self.quantity / 10 + self.dice.up_to(most);
        let quantity = Quantity::from_units(units.max(1));
        match side {
            Side::Sell => Some(Size::Base(quantity)),
            Side::Buy => price.notional(quantity, Rounding::Up).ok().map(|cash: Cash| Size::Quote(cash)),
        }
    }

    fn place(&mut self, world: &mut World, side: Side, price: Price, times: u64) -> Option<OrderKey> {
        let size = self.size(side, price, times)?;
        let placement = Placement { account: self.account, market: self.market, side, price, size };
        world.place(&placement, Origin::Agent, Span::ZERO).ok()
    }

    /// Somebody trades at the market: what does not match at once is cancelled.
    fn take(&mut self, world: &mut World) {
        let buyers = match self.drift.regime {
            Regime::Up => 6,
            Regime::Down => 4,
            Regime::Range | Regime::Wild => 5,
        };
        let side = if self.dice.up_to(9) < buyers { Side::Buy } else { Side::Sell };
        let times = if self.dice.up_to(9) == 0 { 10 } else { 2 };
        let reach = if side == Side::Buy { 3_000_000 } else { -3_000_000 };
        let Ok(limit) = self.drift.price.shifted(Rate::from_units(reach), Rounding::Down) else { return };
        if let Some(key) = self.place(world, side, limit, times) {
            world.cancel(key, Span::ZERO);
        }
    }
}
