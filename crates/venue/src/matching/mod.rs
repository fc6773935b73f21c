//! The full matching engine.

mod ladder;
mod order;
mod state;

use std::collections::VecDeque;

use pampero_model::{
    CancelReason, Cash, Currency, FillId, Level, Liquidity, MarketId, Markets, Money, Price, Quantity, Rate,
    RejectReason, Side, Size, SizeUnit, Timestamp, Trade, VenueStatus,
};

use self::ladder::Ladder;
use self::order::{Entry, Links, NO_ORDER};
pub use self::order::{Match, OrderKey, Party, VenueOrder};
pub use self::state::{StateError, VenueState};
use crate::arithmetic::over;
use crate::balance::{Balance, VenueError, Wallet};
use crate::listing::{self, Listing};
use crate::working::{Traded, Working};

/// An account of a [`MatchingVenue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u32);

/// An order on its way into a [`MatchingVenue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Who pays.
    pub account: AccountId,
    /// Where.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// The worst acceptable price.
    pub price: Price,
    /// How much, in the unit the market counts this side in.
    pub size: Size,
}

/// What [`MatchingVenue::process`] did, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VenueEvent {
    /// Funds are reserved; the order meets the book.
    Executing(OrderKey),
    /// Two orders met: see [`MatchingVenue::find_match`].
    Matched(FillId),
    /// Executed in full, up to dust.
    Completed(OrderKey),
    /// Off the book, and its reservation released.
    Cancelled(OrderKey, CancelReason),
}

/// Several accounts trade with each other by price-time priority, at the price of the resting order. An account
/// may meet itself, as on the real exchange.
///
/// [`place`](Self::place) and [`cancel`](Self::cancel) only take a request (`pending`, `to_cancel`);
/// [`process`](Self::process) carries requests out, in the order they came. So missing funds show only as a
/// later cancellation, and an order that is to be cancelled may still match. Everything stays readable: orders
/// and matches are numbered and kept in arrays, so a look-up is one access. Once its memory has grown,
/// an operation allocates nothing.
///
/// ```
/// use pampero_model::*;
/// use pampero_venue::{MatchingVenue, Placement, VenueEvent};
///
/// let mut markets = Markets::default();
/// let market = markets.insert(Market::new("bitex", "btc_usd")?)?;
/// let mut venue = MatchingVenue::new(&markets);
/// let (ana, bob) = (venue.open_account(), venue.open_account());
/// venue.deposit(ana, "1 BTC".parse()?)?;
/// venue.deposit(bob, "1000 USD".parse()?)?;
///
/// let (now, price) = (Timestamp::from_secs(0), "4400".parse()?);
/// let ask = Placement { account: ana, market, side: Side::Sell, price, size: Size::Base("1".parse()?) };
/// let bid = Placement { account: bob, market, side: Side::Buy, price, size: Size::Quote("1".parse()?) };
/// let ask = venue.place(now, &ask).unwrap();
/// let bid = venue.place(now, &bid).unwrap();
/// let mut events = Vec::new();
/// venue.process(now, &mut events);
/// assert_eq!(events[..], [
///     VenueEvent::Executing(ask), VenueEvent::Executing(bid), VenueEvent::Matched(FillId(1)), VenueEvent::Completed(bid),
/// ]);
/// assert_eq!(venue.balance(bob, "btc".parse()?).total, 22_671);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MatchingVenue {
    books: Vec<Book>,
    orders: Orders,
    wallets: Vec<Wallet>,
    /// A wallet with a place for every currency, which new accounts copy.
    blank: Wallet,
    requests: VecDeque<VenueRequest>,
    matches: Vec<Match>,
}

#[derive(Debug)]
struct Book {
    listing: Listing,
    bids: Ladder,
    asks: Ladder,
}

/// Every order there ever was, by number.
#[derive(Debug, Default)]
struct Orders {
    buys: Vec<Entry>,
    sells: Vec<Entry>,
}

/// What a venue was asked for and has not carried out yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VenueRequest {
    /// To take an order to the book.
    Place(OrderKey),
    /// To take an order off it.
    Cancel(OrderKey),
}

impl MatchingVenue {
    /// A venue with the given markets, without accounts.
    pub fn new(markets: &Markets) -> Self {
        let mut blank = Wallet::default();
        let books = markets.iter().map(|(_, market)| Book {
            listing: Listing::new(market, &mut blank),
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
        });
        Self {
            books: books.collect(),
            orders: Orders::default(),
            wallets: Vec::new(),
            blank,
            requests: VecDeque::new(),
            matches: Vec::new(),
        }
    }

    /// Makes room for so many more orders of each side and as many matches, and touches it, so that the first
    /// use does not wait for the operating system.
    pub fn reserve(&mut self, additional: usize) {
        touch(&mut self.orders.buys, additional, Entry::BLANK);
        touch(&mut self.orders.sells, additional, Entry::BLANK);
        touch(&mut self.matches, additional, Match::BLANK);
    }

    /// Opens an account without money.
    pub fn open_account(&mut self) -> AccountId {
        self.wallets.push(self.blank.clone());
        AccountId(u32::try_from(self.wallets.len() - 1).unwrap_or(u32::MAX))
    }

    /// Adds money to an account.
    pub fn deposit(&mut self, account: AccountId, money: Money) -> Result<(), VenueError> {
        self.balance_mut(account, money.currency)?.deposit(money)
    }

    /// Takes money that is not reserved from an account.
    pub fn withdraw(&mut self, account: AccountId, money: Money) -> Result<(), VenueError> {
        self.balance_mut(account, money.currency)?.withdraw(money)
    }

    /// What an account has of a currency.
    pub fn balance(&self, account: AccountId, currency: Currency) -> Balance {
        self.wallet(account).map(|wallet| wallet.balance(currency)).unwrap_or_default()
    }

    /// The fees an account has paid in a currency, in units of 1e-8.
    pub fn fees(&self, account: AccountId, currency: Currency) -> i128 {
        self.wallet(account).map_or(0, |wallet| wallet.fees(currency))
    }

    /// Takes an order, which is `pending` until it is processed. Only what is wrong with the order itself is
    /// refused at once.
    pub fn place(&mut self, now: Timestamp, placement: &Placement) -> Result<OrderKey, RejectReason> {
        let Placement { account, market, side, price, size } = *placement;
        if self.wallet(account).is_none() {
            return Err(RejectReason::NotPermitted);
        }
        let book = self.books.get(market.index()).ok_or(RejectReason::UnknownMarket)?;
        let working = listing::accept(&book.listing.market, side, price, size)?;
        let entries = self.orders.of_mut(side);
        let position = u32::try_from(entries.len()).ok().filter(|position| *position != NO_ORDER);
        let key = OrderKey::at(side, position.ok_or(RejectReason::Other)?);
        entries.push(Entry {
            working,
            links: Links { before: NO_ORDER, next: NO_ORDER },
            account,
            market,
            status: VenueStatus::Pending,
            reason: None,
            size: working.left,
            created: now,
        });
        self.requests.push_back(VenueRequest::Place(key));
        Ok(key)
    }

    /// Asks for the cancellation of an order and gives its state; nothing if there is no such order. A final
    /// order stays as it is.
    pub fn cancel(&mut self, key: OrderKey) -> Option<VenueStatus> {
        let entry = self.orders.get_mut(key)?;
        if matches!(entry.status, VenueStatus::Pending | VenueStatus::Executing) {
            entry.status = VenueStatus::ToCancel;
            self.requests.push_back(VenueRequest::Cancel(key));
        }
        Some(entry.status)
    }

    /// Carries out every request there is.
    pub fn process(&mut self, now: Timestamp, events: &mut Vec<VenueEvent>) {
        while self.process_one(now, events) {}
    }

    /// Carries out the oldest request, if there is one.
    pub fn process_one(&mut self, now: Timestamp, events: &mut Vec<VenueEvent>) -> bool {
        let Some(request) = self.requests.pop_front() else { return false };
        match request {
            VenueRequest::Place(key) => self.start(now, key, events),
            VenueRequest::Cancel(key) => self.finish_cancel(key, events),
        };
        true
    }

    /// An order, in whatever state it is.
    pub fn order(&self, key: OrderKey) -> Option<VenueOrder> {
        self.orders.get(key).map(|entry| entry.view(key))
    }

    /// Every order of an account of one side, oldest first, in whatever state.
    pub fn orders(&self, account: AccountId, side: Side) -> impl Iterator<Item = VenueOrder> {
        let numbered = self.orders.of(side).iter().zip(0..);
        numbered
            .filter(move |(entry, _)| entry.account == account)
            .map(move |(entry, position)| entry.view(OrderKey::at(side, position)))
    }

    /// Every match, oldest first.
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// A match by its number.
    pub fn find_match(&self, id: FillId) -> Option<&Match> {
        let position = usize::try_from(id.0.checked_sub(1)?).ok()?;
        self.matches.get(position)
    }

    /// The public trades of a market, newest first.
    pub fn trades(&self, market: MarketId) -> impl Iterator<Item = Trade> {
        self.matches.iter().rev().filter(move |found| found.market == market).map(Match::trade)
    }

    /// The levels of one side of a market, best first. Where orders count in quote, a level's quantity is
    /// what their sum buys at its price.
    pub fn levels(&self, market: MarketId, side: Side) -> impl Iterator<Item = Level> {
        self.depth(market, side).map(|(price, sum)| {
            let quantity = match sum {
                Size::Base(base) => base.units(),
                Size::Quote(quote) => over(i64::try_from(quote.units()).unwrap_or(i64::MAX), price.units()),
            };
            Level { price, quantity: Quantity::from_units(quantity) }
        })
    }

    /// The levels of one side of a market, best first, each with the sum of what its orders have left, in the unit
    /// in which the market counts that side.
    pub fn depth(&self, market: MarketId, side: Side) -> impl Iterator<Item = (Price, Size)> {
        let entries = self.orders.of(side);
        let book = self.books.get(market.index());
        let unit = book.map(|book| book.listing.market.size_unit(side));
        let ladder = book.map(|book| book.side(side));
        ladder.into_iter().flat_map(move |ladder| ladder.levels(entries)).map(move |(price, line)| {
            let sum = line.fold(0_i64, |sum, entry| sum.saturating_add(entry.working.left));
            let sum = match unit {
                Some(SizeUnit::Quote) => Size::Quote(Cash::from_units(sum.into())),
                _ => Size::Base(Quantity::from_units(sum)),
            };
            (price, sum)
        })
    }

    /// Changes the fees of a market. They hold for the executions that follow, of resting orders too. False if there
    /// is no such market.
    pub fn set_fees(&mut self, market: MarketId, maker: Rate, taker: Rate) -> bool {
        let Some(book) = self.books.get_mut(market.index()) else { return false };
        book.listing.set_fees(maker, taker);
        true
    }

    /// Reserves the funds of an order, matches it, and puts the rest on the book.
    fn start(&mut self, now: Timestamp, key: OrderKey, events: &mut Vec<VenueEvent>) -> Option<()> {
        let side = key.side;
        let position = key.position()?;
        let entry = self.orders.get_mut(key)?;
        let book = self.books.get_mut(entry.market.index())?;
        let wallet = self.wallets.get_mut(entry.account.0 as usize)?;
        if !wallet.at(book.listing.spends(side))?.reserve(entry.working.reserved) {
            entry.working.reserved = 0;
            entry.status = VenueStatus::Cancelled;
            entry.reason = Some(CancelReason::InsufficientFunds);
            events.push(VenueEvent::Cancelled(key, CancelReason::InsufficientFunds));
            return None;
        }
        if entry.status == VenueStatus::Pending {
            entry.status = VenueStatus::Executing;
        }
        events.push(VenueEvent::Executing(key));

        let mut taker = Taker { key, market: entry.market, account: entry.account, working: entry.working };
        let spent = self.execute(now, &mut taker, events);
        let entry = self.orders.get_mut(key)?;
        entry.working = taker.working;
        let book = self.books.get_mut(taker.market.index())?;
        if spent {
            let wallet = self.wallets.get_mut(taker.account.0 as usize)?;
            complete(entry, key, &book.listing, wallet, events);
        } else {
            let price = taker.working.price;
            book.side_mut(side).join(self.orders.of_mut(side), position, price);
        }
        Some(())
    }

    /// Executes an order with the opposite side as far as its limit goes. True if nothing that counts is left.
    fn execute(&mut self, now: Timestamp, taker: &mut Taker, events: &mut Vec<VenueEvent>) -> bool {
        let side = taker.key.side;
        let limit = Price::from_units(taker.working.price);
        let Some(book) = self.books.get_mut(taker.market.index()) else { return false };
        let Book { listing, bids, asks } = book;
        let ladder = if side == Side::Buy { asks } else { bids };
        let entries = self.orders.of_mut(side.opposite());
        while let Some((price, position)) = ladder.best().filter(|(price, _)| side.accepts(limit, *price)) {
            let Some(maker) = entries.get_mut(position as usize) else { return false };
            // The maker can trade at its own price, or it would be complete; so it is the taker that cannot.
            let Some(traded) = taker.working.exchange(&mut maker.working, price.units()) else { return true };
            let maker_key = OrderKey::at(side.opposite(), position);
            let fees = Fees {
                taker: listing.rates.fee(side, Liquidity::Taker, traded),
                maker: listing.rates.fee(side.opposite(), Liquidity::Maker, traded),
            };
            if let Some(wallet) = self.wallets.get_mut(taker.account.0 as usize) {
                listing.settle(wallet, side, traded, fees.taker);
            }
            let maker_price = maker.working.price;
            let maker_spent = maker.working.is_spent();
            let found =
                matched(self.matches.len(), now, price, traded, taker, (maker_key, maker.account), &fees);
            events.push(VenueEvent::Matched(found.id));
            self.matches.push(found);
            if let Some(wallet) = self.wallets.get_mut(maker.account.0 as usize) {
                listing.settle(wallet, side.opposite(), traded, fees.maker);
                if maker_spent {
                    complete(maker, maker_key, listing, wallet, events);
                }
            }
            if maker_spent {
                ladder.leave(entries, position, maker_price);
            }
            if taker.working.is_spent() {
                return true;
            }
        }
        false
    }

    /// Takes an order off the book, unless it was executed in the meantime.
    fn finish_cancel(&mut self, key: OrderKey, events: &mut Vec<VenueEvent>) -> Option<()> {
        let position = key.position()?;
        let entry = self.orders.get_mut(key).filter(|entry| entry.status == VenueStatus::ToCancel)?;
        entry.status = VenueStatus::Cancelled;
        entry.reason = Some(CancelReason::Requested);
        let (working, account) = (entry.working, entry.account);
        entry.working.reserved = 0;
        let book = self.books.get_mut(entry.market.index())?;
        let wallet = self.wallets.get_mut(account.0 as usize)?;
        book.listing.release(wallet, key.side, working.reserved);
        book.side_mut(key.side).leave(self.orders.of_mut(key.side), position, working.price);
        events.push(VenueEvent::Cancelled(key, CancelReason::Requested));
        Some(())
    }

    fn wallet(&self, account: AccountId) -> Option<&Wallet> {
        self.wallets.get(account.0 as usize)
    }

    fn balance_mut(&mut self, account: AccountId, currency: Currency) -> Result<&mut Balance, VenueError> {
        let unknown = VenueError::UnknownAccount(account.0);
        let wallet = self.wallets.get_mut(account.0 as usize).ok_or(unknown.clone())?;
        let slot = wallet.slot(currency);
        wallet.at(slot).ok_or(unknown)
    }
}

impl Book {
    const fn side(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    const fn side_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

impl Orders {
    const fn of(&self, side: Side) -> &Vec<Entry> {
        match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        }
    }

    const fn of_mut(&mut self, side: Side) -> &mut Vec<Entry> {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    fn get(&self, key: OrderKey) -> Option<&Entry> {
        self.of(key.side).get(key.position()? as usize)
    }

    fn get_mut(&mut self, key: OrderKey) -> Option<&mut Entry> {
        self.of_mut(key.side).get_mut(key.position()? as usize)
    }
}

fn touch<T: Copy>(list: &mut Vec<T>, additional: usize, blank: T) {
    let length = list.len();
    list.resize(length.saturating_add(additional), blank);
    list.truncate(length);
}

/// An order while it meets the book.
struct Taker {
    key: OrderKey,
    market: MarketId,
    account: AccountId,
    working: Working,
}

/// The fees of one match.
struct Fees {
    taker: i64,
    maker: i64,
}

/// Writes down a match.
fn matched(
    before: usize,
    time: Timestamp,
    price: Price,
    traded: Traded,
    taker: &Taker,
    maker: (OrderKey, AccountId),
    fees: &Fees,
) -> Match {
    let taking = Party { account: taker.account, order: taker.key.id, fee: fees.taker };
    let making = Party { account: maker.1, order: maker.0.id, fee: fees.maker };
    let (buyer, seller) = match taker.key.side {
        Side::Buy => (taking, making),
        Side::Sell => (making, taking),
    };
    Match {
        id: FillId(u64::try_from(before).unwrap_or(u64::MAX).saturating_add(1)),
        market: taker.market,
        time,
        price,
        base: Quantity::from_units(traded.base),
        quote: Cash::from_units(traded.quote.into()),
        aggressor: taker.key.side,
        buyer,
        seller,
    }
}

/// Ends an order that is executed: what is left of it is dust and is released.
fn complete(
    entry: &mut Entry,
    key: OrderKey,
    listing: &Listing,
    wallet: &mut Wallet,
    events: &mut Vec<VenueEvent>,
) {
    listing.release(wallet, key.side, entry.working.reserved);
    entry.working.left = 0;
    entry.working.reserved = 0;
    entry.status = VenueStatus::Completed;
    events.push(VenueEvent::Completed(key));
}
