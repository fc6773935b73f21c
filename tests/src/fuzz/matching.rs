//! The matching engine against one as one would explain it: lists that are searched from the start each time, and
//! the exchange's formulas in 128 bits.

use std::collections::VecDeque;

use pampero_model::{
    Cash, Currency, Market, MarketId, Markets, Money, Price, Quantity, Rate, Side, Size, Timestamp,
    VenueOrderId, VenueStatus,
};
use pampero_venue::{AccountId, Balance, MatchingVenue, OrderKey, Placement};

const SCALE: i128 = 100_000_000;
const ACCOUNTS: usize = 3;
const COINS: i128 = 1_000 * SCALE;
const DOLLARS: i128 = 1_000_000 * SCALE;

/// The first three bytes choose prices and fees; then five bytes are one action.
pub(super) fn matching(input: &[u8]) {
    let [scale, maker, taker, actions @ ..] = input else { return };
    let Some(mut test) = Test::new(*scale, *maker, *taker) else { return };
    for action in actions.chunks_exact(5) {
        if let [what, price, large, small, shift] = *action {
            test.act(what, price, i64::from(large) << 8 | i64::from(small), shift);
        }
    }
    while test.process() {}
    test.compare();
}

struct Test {
    venue: MatchingVenue,
    naive: Naive,
    /// The lowest price.
    scale: i64,
    base: Currency,
    quote: Currency,
}

impl Test {
    fn new(scale: u8, maker: u8, taker: u8) -> Option<Self> {
        let scale = [7, 33_333_333, 123_456_789, 412_345_678_901].get(usize::from(scale) % 4).copied()?;
        let rate = |byte: u8| i64::from(byte) * 40_000;
        let mut market = Market::new("bitex", "btc_usd").ok()?;
        (market.min_base, market.min_quote) = (Quantity::UNIT, Cash::UNIT);
        (market.maker_fee, market.taker_fee) = (Rate::from_units(rate(maker)), Rate::from_units(rate(taker)));
        let (base, quote) = (market.base, market.quote);
        let mut markets = Markets::default();
        markets.insert(market).ok()?;
        let mut venue = MatchingVenue::new(&markets);
        for _ in 0..ACCOUNTS {
            let account = venue.open_account();
            venue.deposit(account, Money::new(base, COINS)).ok()?;
            venue.deposit(account, Money::new(quote, DOLLARS)).ok()?;
        }
        let naive = Naive {
            fees: [rate(maker).into(), rate(taker).into()],
            orders: Vec::new(),
            requests: VecDeque::new(),
            matches: Vec::new(),
            free: [[COINS, DOLLARS]; ACCOUNTS],
        };
        Some(Self { venue, naive, scale, base, quote })
    }

    fn act(&mut self, what: u8, price: u8, size: i64, shift: u8) {
        let side = if what & 1 == 0 { Side::Buy } else { Side::Sell };
        match what >> 1 & 7 {
            0..=3 => {
                let price = self.scale + i64::from(price % 16) * (self.scale / 20).max(1);
                let units = (size << (shift % 40)).max(1);
                let account = usize::from(what >> 4) % ACCOUNTS;
                self.place(account, side, price, units);
            }
            4 | 5 => {
                let id = u64::try_from(size % 64).unwrap_or_default();
                self.venue.cancel(OrderKey { side, id: VenueOrderId(id) });
                self.naive.cancel(side, id);
            }
            6 => {
                self.process();
            }
            _ => while self.process() {},
        }
    }

    fn place(&mut self, account: usize, side: Side, price: i64, units: i64) {
        let size = match side {
            Side::Buy => Size::Quote(Cash::from_units(units.into())),
            Side::Sell => Size::Base(Quantity::from_units(units)),
        };
        let number = u32::try_from(account).unwrap_or_default();
        let market = MarketId(0);
        let placement =
            Placement { account: AccountId(number), market, side, price: Price::from_units(price), size };
        let placed = self.venue.place(Timestamp::from_secs(0), &placement).map(|key| key.id.0).ok();
        assert_eq!(placed, self.naive.place(account, side, price.into(), units.into()), "{placement:?}");
    }

    fn process(&mut self) -> bool {
        let worked = self.venue.process_one(Timestamp::from_secs(0), &mut Vec::new());
        assert_eq!(worked, self.naive.process());
        worked
    }

    fn compare(&self) {
        let matches: Vec<[i128; 7]> = self
            .venue
            .matches()
            .iter()
            .map(|found| {
                let order = |side| i128::from(found.party(side).order.0);
                [
                    order(Side::Buy),
                    order(Side::Sell),
                    found.price.units().into(),
                    found.base.units().into(),
                    found.quote.units(),
                    found.buyer.fee.into(),
                    found.seller.fee.into(),
                ]
            })
            .collect();
        assert_eq!(matches, self.naive.matches);
        for order in &self.naive.orders {
            let key = OrderKey { side: order.side, id: VenueOrderId(order.id) };
            let seen = self.venue.order(key);
            let seen = seen.map(|seen| (seen.status, seen.left.units(), i128::from(seen.reserved)));
            let reserved = if order.status == VenueStatus::Executing { order.left } else { 0 };
            assert_eq!(seen, Some((order.status, order.left, reserved)), "{key:?}");
        }
        for (number, free) in (0..).zip(&self.naive.free) {
            for (currency, spender, free) in
                [(self.base, Side::Sell, free[0]), (self.quote, Side::Buy, free[1])]
            {
                let reserved = self.naive.reserved(number, spender);
                let expected = Balance { total: free + reserved, reserved };
                let account = AccountId(u32::try_from(number).unwrap_or_default());
                assert_eq!(self.venue.balance(account, currency), expected, "{number} {currency}");
            }
        }
        self.nothing_appears_or_is_lost();
    }

    fn nothing_appears_or_is_lost(&self) {
        for (currency, started) in [(self.base, COINS), (self.quote, DOLLARS)] {
            let there: i128 = (0..3)
                .map(AccountId)
                .map(|account| {
                    self.venue.balance(account, currency).total + self.venue.fees(account, currency)
                })
                .sum();
            assert_eq!(there, started * 3, "{currency}");
        }
    }
}

/// Bids count in quote and asks in base, so what an order has reserved is what it has left.
struct Naive {
    /// Of the maker and the taker, in units of 1e-8.
    fees: [i128; 2],
    orders: Vec<NaiveOrder>,
    /// Positions of orders, and whether to cancel them.
    requests: VecDeque<(usize, bool)>,
    matches: Vec<[i128; 7]>,
    /// What nobody has reserved of base and quote, by account.
    free: [[i128; 2]; ACCOUNTS],
}

#[derive(Clone, Copy)]
struct NaiveOrder {
    side: Side,
    id: u64,
    account: usize,
    price: i128,
    left: i128,
    status: VenueStatus,
    /// It has met the book.
    listed: bool,
}

impl NaiveOrder {
    fn quote(&self, price: i128) -> i128 {
        if self.side == Side::Buy { self.left } else { self.left * price / SCALE }
    }

    fn is_spent(&self) -> bool {
        self.quote(self.price) * SCALE / self.price == 0
    }

    fn spends(&self) -> usize {
        usize::from(self.side == Side::Buy)
    }
}

#[allow(clippy::indexing_slicing)] // positions that this reference itself gave out
impl Naive {
    fn place(&mut self, account: usize, side: Side, price: i128, left: i128) -> Option<u64> {
        let id = 1 + self.orders.iter().filter(|order| order.side == side).count() as u64;
        let status = VenueStatus::Pending;
        let order = NaiveOrder { side, id, account, price, left, status, listed: false };
        if order.is_spent() {
            return None;
        }
        self.requests.push_back((self.orders.len(), false));
        self.orders.push(order);
        Some(id)
    }

    fn cancel(&mut self, side: Side, id: u64) {
        let Some(at) = self.orders.iter().position(|order| (order.side, order.id) == (side, id)) else {
            return;
        };
        if matches!(self.orders[at].status, VenueStatus::Pending | VenueStatus::Executing) {
            self.orders[at].status = VenueStatus::ToCancel;
            self.requests.push_back((at, true));
        }
    }

    fn process(&mut self) -> bool {
        match self.requests.pop_front() {
            None => return false,
            Some((at, false)) => self.start(at),
            Some((at, true)) if self.orders[at].status == VenueStatus::ToCancel => {
                self.orders[at].status = VenueStatus::Cancelled;
                let order = self.orders[at];
                self.free[order.account][order.spends()] += order.left;
            }
            Some(_) => {}
        }
        true
    }

    fn start(&mut self, at: usize) {
        let order = self.orders[at];
        let free = &mut self.free[order.account][order.spends()];
        if *free < order.left {
            self.orders[at].status = VenueStatus::Cancelled;
            return;
        }
        *free -= order.left;
        if order.status == VenueStatus::Pending {
            self.orders[at].status = VenueStatus::Executing;
        }
        while let Some(maker) = self.best_for(&order) {
            if !self.exchange(at, maker) {
                // What is left of the taker cannot move a unit of base.
                self.complete(at);
                return;
            }
            for either in [maker, at] {
                if self.orders[either].is_spent() {
                    self.complete(either);
                }
            }
            if self.orders[at].status == VenueStatus::Completed {
                return;
            }
        }
        self.orders[at].listed = true;
    }

    /// The oldest of the best listed orders that an order may meet.
    fn best_for(&self, taker: &NaiveOrder) -> Option<usize> {
        let meets = |maker: &NaiveOrder| {
            let open = matches!(maker.status, VenueStatus::Executing | VenueStatus::ToCancel);
            let crosses =
                if taker.side == Side::Buy { maker.price <= taker.price } else { maker.price >= taker.price };
            maker.listed && open && maker.side != taker.side && crosses
        };
        let cost =
            |at: usize| if taker.side == Side::Buy { self.orders[at].price } else { -self.orders[at].price };
        (0..self.orders.len())
            .filter(|at| meets(&self.orders[*at]))
            .min_by_key(|at| (cost(*at), self.orders[*at].id))
    }

    fn exchange(&mut self, taker: usize, maker: usize) -> bool {
        let price = self.orders[maker].price;
        let quote = self.orders[taker].quote(price).min(self.orders[maker].quote(price));
        let base = quote * SCALE / price;
        if base == 0 {
            return false;
        }
        let taker_buys = self.orders[taker].side == Side::Buy;
        let (buyer, seller) = if taker_buys { (taker, maker) } else { (maker, taker) };
        let [buyers, sellers] =
            [usize::from(taker_buys), usize::from(!taker_buys)].map(|role| self.fees[role]);
        let (base_fee, quote_fee) = (base * buyers / SCALE, quote * sellers / SCALE);
        self.orders[buyer].left -= quote;
        self.orders[seller].left -= base;
        self.free[self.orders[buyer].account][0] += base - base_fee;
        self.free[self.orders[seller].account][1] += quote - quote_fee;
        let (bought, sold) = (self.orders[buyer].id.into(), self.orders[seller].id.into());
        self.matches.push([bought, sold, price, base, quote, base_fee, quote_fee]);
        true
    }

    fn complete(&mut self, at: usize) {
        let order = self.orders[at];
        self.free[order.account][order.spends()] += order.left;
        self.orders[at].left = 0;
        self.orders[at].status = VenueStatus::Completed;
    }

    fn reserved(&self, account: usize, spender: Side) -> i128 {
        let holds = |order: &&NaiveOrder| {
            let open = matches!(order.status, VenueStatus::Executing | VenueStatus::ToCancel);
            open && order.account == account && order.side == spender
        };
        self.orders.iter().filter(holds).map(|order| order.left).sum()
    }
}
