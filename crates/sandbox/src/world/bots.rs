//! The exchange's own trading bots: an amount in chunks, one at a time, at the best price.

use pampero_model::{
    CancelReason, Cash, MarketId, Quantity, Side, Size, Span, Timestamp, VenueOrderId, VenueStatus,
};
use pampero_venue::{OrderKey, Placement, VenueOrder};
use serde::{Deserialize, Serialize};

use super::{Origin, World};

/// A buying bot (its amounts are in quote) or a selling bot (in base).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bot {
    /// Numbered apart for each side.
    pub id: u64,
    pub user: u64,
    pub side: Side,
    pub market: MarketId,
    /// In units of 1e-8, like the two below.
    pub amount: i64,
    pub remaining: i64,
    pub chunk: i64,
    pub executing: bool,
    pub to_cancel: bool,
    /// The number of the order that works now.
    pub running: Option<u64>,
    /// When it does something next.
    pub wake: Timestamp,
}

impl Bot {
    const fn order(&self) -> Option<OrderKey> {
        match self.running {
            Some(number) => Some(OrderKey { side: self.side, id: VenueOrderId(number) }),
            None => None,
        }
    }

    fn size(&self, units: i64) -> Size {
        match self.side {
            Side::Buy => Size::Quote(Cash::from_units(units.into())),
            Side::Sell => Size::Base(Quantity::from_units(units)),
        }
    }
}

/// What an order has executed, in units.
fn executed(order: &VenueOrder) -> i64 {
    i64::try_from(order.size.units() - order.left.units()).unwrap_or(0)
}

impl World {
    /// Starts a bot. Funds are neither checked nor set aside.
    pub fn start_bot(&mut self, user: u64, side: Side, market: MarketId, amount: i64) -> u64 {
        let before = self.tables.bots.iter().filter(|bot| bot.side == side).count();
        let id = u64::try_from(before).unwrap_or(0) + 1;
        let mut bot = Bot {
            id,
            user,
            side,
            market,
            amount,
            remaining: amount,
            chunk: amount / 20,
            executing: true,
            to_cancel: false,
            running: None,
            wake: self.now,
        };
        // A twentieth that is no order of its own goes as a whole.
        if self.market(market).is_none_or(|market| market.is_too_small(bot.size(bot.chunk))) {
            bot.chunk = amount;
        }
        self.tables.bots.push(bot);
        id
    }

    /// Asks a bot to end. Its running order stays until it matches or expires.
    pub fn cancel_bot(&mut self, user: u64, side: Side, id: u64) -> bool {
        let found = self.tables.bots.iter_mut().find(|bot| (bot.user, bot.side, bot.id) == (user, side, id));
        let Some(bot) = found else { return false };
        bot.to_cancel = true;
        if bot.running.is_none() {
            bot.executing = false;
        }
        true
    }

    /// What a bot has left, its running order counted.
    pub fn bot_remaining(&self, bot: &Bot) -> i64 {
        let running = bot.order().and_then(|key| self.venue.order(key));
        bot.remaining - running.map_or(0, |order| executed(&order))
    }

    /// When a bot would be done if every chunk trades.
    pub fn bot_eta(&self, bot: &Bot) -> Timestamp {
        let chunks = (self.bot_remaining(bot) + bot.chunk - 1) / bot.chunk.max(1);
        let interval = self.config.bots.interval.as_nanos();
        self.now.plus(Span::from_nanos(interval.saturating_mul(chunks.max(0))))
    }

    pub(super) fn next_bot(&self) -> Option<Timestamp> {
        self.tables.bots.iter().filter(|bot| bot.executing).map(|bot| bot.wake).min()
    }

    pub(super) fn run_bots(&mut self) {
        let due = |bot: &Bot, now| bot.executing && bot.wake <= now;
        let waiting: Vec<usize> =
            (0..).zip(&self.tables.bots).filter(|(_, bot)| due(bot, self.now)).map(|(at, _)| at).collect();
        for position in waiting {
            let Some(mut bot) = self.tables.bots.get(position).cloned() else { continue };
            self.run_bot(&mut bot);
            if let Some(slot) = self.tables.bots.get_mut(position) {
                *slot = bot;
            }
        }
    }

    fn run_bot(&mut self, bot: &mut Bot) {
        if let Some(order) = bot.order().and_then(|key| self.venue.order(key)) {
            if matches!(order.status, VenueStatus::Pending | VenueStatus::Executing | VenueStatus::ToCancel) {
                self.cancel(order.key, Span::ZERO);
                // The engine comes first within an instant, but not within this one.
                bot.wake = self.engine_done().plus(Span::from_millis(1));
                return;
            }
            bot.remaining -= executed(&order);
            bot.running = None;
            if order.reason == Some(CancelReason::InsufficientFunds) {
                bot.executing = false;
                return;
            }
        }
        if bot.to_cancel || bot.remaining <= 0 {
            bot.executing = false;
            return;
        }
        bot.wake = self.now.plus(self.config.bots.interval);
        self.place_chunk(bot);
    }

    /// Places the next chunk unless the book is too thin.
    fn place_chunk(&mut self, bot: &mut Bot) {
        let (bid, ask) = (self.best(bot.market, Side::Buy), self.best(bot.market, Side::Sell));
        let (Some(bid), Some(ask)) = (bid, ask) else { return };
        let widest = self.config.bots.max_spread.of_price(ask, pampero_model::Rounding::Down);
        if widest.is_ok_and(|widest| ask.saturating_sub(bid) >= widest) {
            return;
        }
        let Some(user) = self.user(bot.user) else { return };
        let account = user.account();
        let rest_is_too_small =
            |rest: i64| self.market(bot.market).is_none_or(|market| market.is_too_small(bot.size(rest)));
        let mut units = bot.chunk.min(bot.remaining);
        if rest_is_too_small(bot.remaining - units) {
            units = bot.remaining;
        }
        let price = if bot.side == Side::Buy { ask } else { bid };
        let placement =
            Placement { account, market: bot.market, side: bot.side, price, size: bot.size(units) };
        match self.place(&placement, Origin::Bot(bot.side, bot.id), Span::ZERO) {
            Ok(key) => bot.running = Some(key.id.0),
            Err(_) => bot.executing = false,
        }
    }
}
