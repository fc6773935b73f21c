//! Everything behind the HTTP: the matching engine with its customers, their keys and money, and what time does to them.
//!
//! Nothing here waits or reads a clock. [`World::advance`] carries out what has become due, in the order of time.

mod bots;
mod events;
mod funding;
mod market;
mod payments;
mod saved;
mod users;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pampero_model::{
    Currency, Market, MarketId, Markets, Money, Price, RejectReason, Side, Size, Span, Timestamp,
    VenueOrderId, VenueStatus,
};
use pampero_venue::{AccountId, MatchingVenue, OrderKey, Placement, VenueEvent, VenueOrder};
use serde::{Deserialize, Serialize};

pub use self::bots::Bot;
pub use self::events::Delivery;
pub use self::funding::{CashDeposit, CoinDeposit, Instruction, Way, Withdrawal};
pub use self::market::{Book, Day};
pub use self::payments::{Charge, Payment, Pos};
pub use self::saved::{StateFileError, write_whole};
pub use self::users::{ApiKey, Grant, PERMISSIONS, Permission, User, Webhook};
use crate::agents::Agents;
use crate::config::{ConfigError, SandboxConfig};

/// Who placed an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A request with the key of this id.
    Key(u64),
    /// The market's other participants.
    Agent,
    /// A native bot, by side and id.
    Bot(Side, u64),
    /// The settlement of a payment.
    Payment(u64),
    /// Coins sent to an address that sells them.
    AutoSell,
    /// The administration.
    Admin,
}

/// What is kept over restarts, beside the venue.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tables {
    pub users: Vec<User>,
    pub keys: Vec<ApiKey>,
    pub bots: Vec<Bot>,
    pub cash_deposits: Vec<CashDeposit>,
    pub coin_deposits: Vec<CoinDeposit>,
    pub instructions: Vec<Instruction>,
    pub withdrawals: Vec<Withdrawal>,
    pub payments: Vec<Payment>,
    pub pos: BTreeMap<u64, Pos>,
    pub outbox: Vec<Delivery>,
    /// Who placed each buy and each sell, by number.
    pub origins: [Vec<Origin>; 2],
    /// The last number given to anything that is not numbered elsewhere.
    pub last_number: u64,
}

/// An order that the engine receives long after it was sent.
#[derive(Clone, Debug)]
struct Late {
    at: Timestamp,
    placement: Placement,
    origin: Origin,
}

/// The exchange.
pub struct World {
    pub config: SandboxConfig,
    pub venue: MatchingVenue,
    pub markets: Markets,
    pub books: Vec<Book>,
    pub tables: Tables,
    /// How long a request waits for the engine.
    pub engine_delay: Span,
    pub agents: Agents,
    now: Timestamp,
    /// When each request of the venue's queue is carried out.
    due: VecDeque<Timestamp>,
    late: Vec<Late>,
    /// The orders of each account that are not final.
    live: Vec<BTreeSet<OrderKey>>,
    /// The matches of each account: position and side.
    fills: Vec<Vec<(usize, Side)>>,
    events: Vec<VenueEvent>,
}

impl World {
    /// A new exchange, with the accounts of the configuration, at an instant.
    pub fn new(config: SandboxConfig, now: Timestamp) -> Result<Self, ConfigError> {
        config.check()?;
        let markets = markets(&config)?;
        let mut world = Self {
            venue: MatchingVenue::new(&markets),
            books: config
                .books
                .iter()
                .zip(markets.iter())
                .map(|(book, (id, _))| Book::new(book, id))
                .collect(),
            markets,
            tables: Tables::default(),
            engine_delay: config.engine_delay,
            agents: Agents::default(),
            now,
            due: VecDeque::new(),
            late: Vec::new(),
            live: Vec::new(),
            fills: Vec::new(),
            events: Vec::new(),
            config,
        };
        let agents = world.open_account();
        world.agents = Agents::new(&world.config, &world.books, agents);
        for (currency, units) in world.agents.funds(&world.markets) {
            let deposited = world.venue.deposit(agents, Money::new(currency, units));
            deposited.map_err(|error| ConfigError::value("books", error.to_string()))?;
        }
        for account in world.config.accounts.clone() {
            world.add_configured(&account)?;
        }
        Ok(world)
    }

    /// The time of the last thing that happened.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Opens an account of the venue with its indexes.
    pub fn open_account(&mut self) -> AccountId {
        let account = self.venue.open_account();
        self.live.push(BTreeSet::new());
        self.fills.push(Vec::new());
        account
    }

    /// The number for something new.
    pub fn next_number(&mut self) -> u64 {
        self.tables.last_number += 1;
        self.tables.last_number
    }

    /// A book by its code; case does not matter.
    pub fn book(&self, code: &str) -> Option<&Book> {
        self.books.iter().find(|book| book.code.eq_ignore_ascii_case(code))
    }

    /// The rules of a market.
    pub fn market(&self, id: MarketId) -> Option<&Market> {
        self.markets.get(id)
    }

    /// Takes an order. Only what is wrong with the order itself is refused at once.
    pub fn place(
        &mut self,
        placement: &Placement,
        origin: Origin,
        delay: Span,
    ) -> Result<OrderKey, RejectReason> {
        let key = self.venue.place(self.now, placement)?;
        if let Some(origins) = self.tables.origins.get_mut(key.side.index()) {
            origins.push(origin);
        }
        if let Some(live) = self.live.get_mut(placement.account.0 as usize) {
            live.insert(key);
        }
        self.enqueue(delay);
        Ok(key)
    }

    /// Takes an order that the engine shall see only at a later time. Nothing of it shows until then.
    pub fn place_late(&mut self, placement: Placement, origin: Origin, delay: Span) {
        self.late.push(Late { at: self.now.plus(delay), placement, origin });
        self.late.sort_by_key(|late| late.at);
    }

    /// Asks for a cancellation and tells whether there is such an order.
    pub fn cancel(&mut self, key: OrderKey, delay: Span) -> bool {
        let Some(before) = self.venue.order(key) else { return false };
        self.venue.cancel(key);
        if matches!(before.status, VenueStatus::Pending | VenueStatus::Executing) {
            self.enqueue(delay);
        }
        true
    }

    /// Asks for the cancellation of every order of every customer, as the exchange would.
    pub fn cancel_customers(&mut self) {
        let accounts = self.tables.users.iter().map(User::account);
        let keys: Vec<OrderKey> =
            accounts.flat_map(|account| self.live_orders(account)).map(|order| order.key).collect();
        for key in keys {
            self.cancel(key, Span::ZERO);
        }
    }

    /// The engine works in the order of arrival: nothing overtakes what waits longer.
    fn enqueue(&mut self, delay: Span) {
        let at = self.now.plus(delay);
        self.due.push_back(self.due.back().map_or(at, |last| at.max(*last)));
    }

    /// When the engine will have carried out everything that waits now.
    pub fn engine_done(&self) -> Timestamp {
        self.due.back().copied().unwrap_or(self.now)
    }

    /// The orders of an account that are not final: buys, then sells, each ascending.
    pub fn live_orders(&self, account: AccountId) -> impl Iterator<Item = VenueOrder> {
        let keys = self.live.get(account.0 as usize).into_iter().flatten();
        keys.filter_map(|key| self.venue.order(*key))
    }

    /// Those of them that are on the book.
    pub fn open_orders(&self, account: AccountId) -> impl Iterator<Item = VenueOrder> {
        self.live_orders(account).filter(|order| order.status == VenueStatus::Executing)
    }

    /// The matches of an account, newest first, with the side it was on.
    pub fn fills(&self, account: AccountId) -> impl Iterator<Item = (&pampero_venue::Match, Side)> {
        let fills = self.fills.get(account.0 as usize).into_iter().flatten().rev();
        fills.filter_map(|(position, side)| Some((self.venue.matches().get(*position)?, *side)))
    }

    /// Carries out everything due by an instant, in the order of time.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(at) = self.next_due().filter(|at| *at <= now) {
            self.now = self.now.max(at);
            self.run_due();
        }
        self.now = self.now.max(now);
    }

    /// When something will happen by itself, agents and deliveries apart.
    pub fn next_due(&self) -> Option<Timestamp> {
        let late = self.late.first().map(|late| late.at);
        let engine = self.due.front().copied();
        [late, engine, self.next_bot(), self.next_funding(), self.next_payment()].into_iter().flatten().min()
    }

    fn run_due(&mut self) {
        while self.late.first().is_some_and(|late| late.at <= self.now) {
            let late = self.late.remove(0);
            // Refused now: it never becomes an order.
            let _ = self.place(&late.placement, late.origin, Span::ZERO);
        }
        self.run_engine();
        self.run_bots();
        self.run_funding();
        self.run_payments();
    }

    /// Carries out the requests that are due.
    fn run_engine(&mut self) {
        while self.due.front().is_some_and(|at| *at <= self.now) {
            self.due.pop_front();
            let mut events = std::mem::take(&mut self.events);
            self.venue.process_one(self.now, &mut events);
            for event in events.drain(..) {
                self.note(event);
            }
            self.events = events;
        }
    }

    /// Keeps the indexes in step with the venue.
    fn note(&mut self, event: VenueEvent) {
        match event {
            VenueEvent::Executing(_) => {}
            VenueEvent::Completed(key) | VenueEvent::Cancelled(key, _) => {
                let account = self.venue.order(key).map(|order| order.account.0 as usize);
                if let Some(live) = account.and_then(|account| self.live.get_mut(account)) {
                    live.remove(&key);
                }
            }
            VenueEvent::Matched(id) => {
                let Some(position) = id.0.checked_sub(1).and_then(|id| usize::try_from(id).ok()) else {
                    return;
                };
                self.index_match(position);
            }
        }
    }

    fn index_match(&mut self, position: usize) {
        let Some(found) = self.venue.matches().get(position) else { return };
        for side in [Side::Buy, Side::Sell] {
            if let Some(fills) = self.fills.get_mut(found.party(side).account.0 as usize) {
                fills.push((position, side));
            }
        }
        if let Some(book) = self.books.get_mut(found.market.index()) {
            book.matches.push(position);
        }
    }

    /// Lets the agents live one of their steps, at the present.
    pub fn step_agents(&mut self) {
        let mut agents = std::mem::take(&mut self.agents);
        agents.step(self);
        self.agents = agents;
        self.advance(self.now);
    }

    /// Lets the agents trade up to the present, so that a new exchange has a past.
    pub fn warm_up(&mut self) {
        let (end, step) = (self.now, self.config.agents.step);
        if !self.config.agents.enabled {
            return;
        }
        self.now = end.minus(self.config.agents.warm_up);
        while self.now < end {
            self.step_agents();
            self.advance(self.now.plus(step).min(end));
        }
        self.step_agents();
    }

    /// The best price of a side.
    pub fn best(&self, market: MarketId, side: Side) -> Option<Price> {
        self.venue.depth(market, side).next().map(|(price, _)| price)
    }

    /// Sells an amount of coins at once, as far as the bids go.
    fn sell_at_best(
        &mut self,
        account: AccountId,
        market: MarketId,
        base: i128,
        origin: Origin,
    ) -> Option<OrderKey> {
        let price = self.best(market, Side::Buy)?;
        let quantity = i64::try_from(base).ok().map(pampero_model::Quantity::from_units)?;
        let placement = Placement { account, market, side: Side::Sell, price, size: Size::Base(quantity) };
        self.place(&placement, origin, Span::ZERO).ok()
    }

    /// The orders with these numbers of a side.
    pub fn order(&self, side: Side, number: u64) -> Option<VenueOrder> {
        self.venue.order(OrderKey { side, id: VenueOrderId(number) })
    }
}

/// The markets of the books, with their rules.
fn markets(config: &SandboxConfig) -> Result<Markets, ConfigError> {
    let mut markets = Markets::default();
    for book in &config.books {
        let wrong = |error: pampero_model::MarketError| ConfigError::value("books", error.to_string());
        let mut market = Market::new("bitex", book.code.trim_end_matches("_otc")).map_err(wrong)?;
        market.code.clone_from(&book.code);
        market.min_base = book.min_base;
        market.min_quote = book.min_quote;
        market.maker_fee = book.maker_fee;
        market.taker_fee = book.taker_fee;
        markets.insert(market).map_err(wrong)?;
    }
    Ok(markets)
}

/// The seven currencies in the order in which an account shows them.
pub const CURRENCIES: [&str; 7] = ["btc", "usd", "ars", "clp", "bch", "pyg", "uyu"];

/// A currency that the sandbox itself names.
pub fn currency(code: &str) -> Option<Currency> {
    code.parse().ok()
}

#[cfg(test)]
mod tests;
