//! The matching engine, by hand and against a naive one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use pampero_model::*;
use pampero_venue::VenueEvent::{Cancelled, Completed, Executing, Matched};
use pampero_venue::*;
use proptest::prelude::*;
use support::*;

const DOLLARS: i128 = 10_000_000_000;
const COINS: i128 = 100_000_000;

fn venue(market: Market, accounts: u32) -> MatchingVenue {
    let mut venue = MatchingVenue::new(&markets(market));
    for _ in 0..accounts {
        let account = venue.open_account();
        venue.deposit(account, Money::new(usd(), DOLLARS)).unwrap();
        venue.deposit(account, Money::new(btc(), COINS)).unwrap();
    }
    venue
}

fn bid(account: u32, limit: &str, spend: &str) -> Placement {
    let size = Size::Quote(cash(spend));
    Placement { account: AccountId(account), market: MARKET, side: Side::Buy, price: price(limit), size }
}

fn ask(account: u32, limit: &str, quantity: &str) -> Placement {
    let size = Size::Base(base(quantity));
    Placement { account: AccountId(account), market: MARKET, side: Side::Sell, price: price(limit), size }
}

fn run(venue: &mut MatchingVenue, placement: Placement) -> OrderKey {
    let key = venue.place(at(0), &placement).unwrap();
    venue.process(at(0), &mut Vec::new());
    key
}

#[test]
fn an_order_waits_until_it_is_processed() {
    let mut venue = venue(market("0"), 1);
    let key = venue.place(at(3), &ask(0, "100", "0.5")).unwrap();
    let order = venue.order(key).unwrap();
    assert_eq!(
        (order.status, order.created, order.left),
        (VenueStatus::Pending, at(3), Size::Base(base("0.5")))
    );
    assert_eq!(venue.balance(AccountId(0), btc()).reserved, 0);
    assert_eq!(venue.levels(MARKET, Side::Sell).count(), 0);
    let mut events = Vec::new();
    venue.process(at(4), &mut events);
    assert_eq!(events, [Executing(key)]);
    assert_eq!(venue.order(key).unwrap().status, VenueStatus::Executing);
    assert_eq!(venue.balance(AccountId(0), btc()).reserved, 50_000_000);
    assert_eq!(venue.levels(MARKET, Side::Sell).collect::<Vec<_>>(), [level("100", "0.5")]);
}

#[test]
fn missing_funds_are_seen_when_it_is_processed() {
    let mut venue = venue(market("0"), 1);
    let key = venue.place(at(0), &bid(0, "100", "100.00000001")).unwrap();
    let mut events = Vec::new();
    venue.process(at(0), &mut events);
    assert_eq!(events, [Cancelled(key, CancelReason::InsufficientFunds)]);
    let order = venue.order(key).unwrap();
    assert_eq!((order.status, order.reserved), (VenueStatus::Cancelled, 0));
    assert_eq!(order.left, Size::Quote(cash("100.00000001")));
    assert_eq!(venue.balance(AccountId(0), usd()), Balance { total: DOLLARS, reserved: 0 });
}

#[test]
fn what_is_wrong_with_an_order_is_said_at_once() {
    let mut venue = venue(market("0"), 1);
    let mut place = |placement| venue.place(at(0), &placement);
    assert_eq!(place(bid(0, "100", "0.09")), Err(RejectReason::TooSmall));
    assert_eq!(place(bid(0, "-1", "1")), Err(RejectReason::Invalid));
    assert_eq!(place(bid(1, "100", "1")), Err(RejectReason::NotPermitted));
    assert_eq!(
        place(Placement { market: MarketId(1), ..bid(0, "1", "1") }),
        Err(RejectReason::UnknownMarket)
    );
    assert_eq!(place(Placement { side: Side::Sell, ..bid(0, "1", "1") }), Err(RejectReason::Invalid));
}

#[test]
fn matches_execute_at_the_resting_price_in_price_then_time_order() {
    let mut venue = venue(market("0"), 3);
    let worse = run(&mut venue, ask(0, "101", "0.1"));
    let first = run(&mut venue, ask(0, "100", "0.1"));
    let second = run(&mut venue, ask(1, "100", "0.1"));
    let taker = run(&mut venue, bid(2, "101", "25"));
    let makers: Vec<_> =
        venue.matches().iter().map(|found| (found.seller.order, found.price.to_string())).collect();
    assert_eq!(makers, [(first.id, "100".into()), (second.id, "100".into()), (worse.id, "101".into())]);
    // 25 − 10 − 10 pays for 0.04950495 at 101.
    let last = venue.find_match(FillId(3)).unwrap();
    assert_eq!((last.base, last.quote, last.aggressor), (base("0.04950495"), cash("5"), Side::Buy));
    assert_eq!(last.party(Side::Buy).account, AccountId(2));
    assert_eq!(venue.order(taker).unwrap().status, VenueStatus::Completed);
    assert_eq!(venue.order(worse).unwrap().left, Size::Base(base("0.05049505")));
    let newest: Vec<_> = venue.trades(MARKET).map(|trade| trade.id).collect();
    assert_eq!(newest, [3, 2, 1]);
}

#[test]
fn a_level_of_bids_shows_what_its_quote_buys() {
    let mut venue = venue(market("0"), 2);
    run(&mut venue, bid(0, "30", "10"));
    run(&mut venue, bid(1, "30", "0.5"));
    run(&mut venue, bid(1, "31", "1"));
    let levels: Vec<_> = venue.levels(MARKET, Side::Buy).collect();
    assert_eq!(levels, [level("31", "0.03225806"), level("30", "0.35")]);
}

#[test]
fn a_cancellation_is_an_intention_until_it_is_processed() {
    let mut venue = venue(market("0"), 2);
    let early = run(&mut venue, ask(0, "100", "0.1"));
    let late = run(&mut venue, ask(0, "100", "0.1"));
    let buy = venue.place(at(0), &bid(1, "100", "10")).unwrap();
    assert_eq!(venue.cancel(early), Some(VenueStatus::ToCancel));
    assert_eq!(venue.cancel(late), Some(VenueStatus::ToCancel));
    assert_eq!(venue.cancel(late), Some(VenueStatus::ToCancel), "asked twice, carried out once");
    let mut events = Vec::new();
    venue.process(at(0), &mut events);
    let requested = CancelReason::Requested;
    assert_eq!(
        events,
        [Executing(buy), Matched(FillId(1)), Completed(early), Completed(buy), Cancelled(late, requested)]
    );
    assert_eq!(venue.cancel(early), Some(VenueStatus::Completed));
    assert_eq!(venue.cancel(OrderKey { side: Side::Sell, id: VenueOrderId(9) }), None);
    assert_eq!(venue.balance(AccountId(0), btc()), Balance { total: COINS - 10_000_000, reserved: 0 });
}

#[test]
fn an_order_cancelled_while_pending_may_still_match() {
    let mut venue = venue(market("0"), 2);
    run(&mut venue, ask(0, "100", "0.05"));
    let buy = venue.place(at(0), &bid(1, "100", "10")).unwrap();
    venue.cancel(buy);
    venue.process(at(0), &mut Vec::new());
    let order = venue.order(buy).unwrap();
    assert_eq!((order.status, order.left), (VenueStatus::Cancelled, Size::Quote(cash("5"))));
    assert_eq!(venue.balance(AccountId(1), usd()), Balance { total: DOLLARS - 500_000_000, reserved: 0 });
}

#[test]
fn an_account_may_meet_itself_and_pays_both_fees() {
    let mut venue = venue(market("0.0025"), 1);
    run(&mut venue, ask(0, "100", "0.5"));
    run(&mut venue, bid(0, "100", "50"));
    let (dollars, coins) = (venue.balance(AccountId(0), usd()), venue.balance(AccountId(0), btc()));
    assert_eq!((dollars.total, venue.fees(AccountId(0), usd())), (DOLLARS - 12_500_000, 12_500_000));
    assert_eq!((coins.total, venue.fees(AccountId(0), btc())), (COINS - 125_000, 125_000));
    assert_eq!((dollars.reserved, coins.reserved), (0, 0));
}

#[test]
fn orders_of_an_account_are_listed_in_every_state() {
    let mut venue = venue(market("0"), 2);
    run(&mut venue, ask(0, "100", "0.1"));
    run(&mut venue, ask(1, "100", "0.1"));
    let third = run(&mut venue, ask(0, "99", "0.1"));
    venue.cancel(third);
    let listed: Vec<_> =
        venue.orders(AccountId(0), Side::Sell).map(|order| (order.key.id.0, order.status)).collect();
    assert_eq!(listed, [(1, VenueStatus::Executing), (3, VenueStatus::ToCancel)]);
    assert_eq!(venue.orders(AccountId(0), Side::Buy).count(), 0);
}

/// A matching engine as one would explain it: a list of orders, searched from the start each time.
struct Naive {
    market: Market,
    orders: Vec<NaiveOrder>,
    matches: Vec<(VenueOrderId, VenueOrderId, Price, Quantity, Cash, i128, i128)>,
    /// Available and reserved, by account, for base and quote.
    accounts: Vec<[(i128, i128); 2]>,
    placed: [u64; 2],
}

#[derive(Clone, Debug)]
struct NaiveOrder {
    key: OrderKey,
    account: usize,
    price: Price,
    left: Size,
    reserved: i128,
    open: bool,
}

impl NaiveOrder {
    /// Index of the currency it spends: 0 base, 1 quote.
    fn spends(&self) -> usize {
        usize::from(self.key.side == Side::Buy)
    }

    fn most_quote(&self, price: Price) -> Cash {
        let most = self.left.notional(price, Rounding::Down).unwrap();
        if self.key.side == Side::Buy { most.min(Cash::from_units(self.reserved)) } else { most }
    }

    fn is_dust(&self) -> bool {
        self.most_quote(self.price).quantity_at(self.price, Rounding::Down).unwrap().is_zero()
    }

    fn subtract(&mut self, base: Quantity, quote: Cash) {
        self.left = match self.left {
            Size::Base(left) => Size::Base(left.checked_sub(base).unwrap()),
            Size::Quote(left) => Size::Quote(left.checked_sub(quote).unwrap()),
        };
        self.reserved -= if self.key.side == Side::Buy { quote.units() } else { base.units().into() };
    }
}

impl Naive {
    fn place(&mut self, placement: &Placement) {
        let side = placement.side;
        self.placed[side.index()] += 1;
        let key = OrderKey { side, id: VenueOrderId(self.placed[side.index()]) };
        let reserved = match side {
            Side::Buy => placement.size.notional(placement.price, Rounding::Down).unwrap().units(),
            Side::Sell => placement.size.quantity(placement.price, Rounding::Down).unwrap().units().into(),
        };
        let account = placement.account.0 as usize;
        let mut taker =
            NaiveOrder { key, account, price: placement.price, left: placement.size, reserved, open: true };
        let funds = &mut self.accounts[account][taker.spends()];
        if funds.0 < reserved {
            taker.open = false;
            taker.reserved = 0;
            self.orders.push(taker);
            return;
        }
        *funds = (funds.0 - reserved, funds.1 + reserved);
        loop {
            let reachable = |maker: &NaiveOrder| {
                maker.open && maker.key.side != side && side.accepts(placement.price, maker.price)
            };
            // `min_by_key` gives the first of equals, which is the oldest.
            let best = (0..self.orders.len()).filter(|at| reachable(&self.orders[*at])).min_by_key(|at| {
                let price = self.orders[*at].price.units();
                if side == Side::Buy { price } else { -price }
            });
            let Some(best) = best else { break };
            let price = self.orders[best].price;
            let quote = taker.most_quote(price).min(self.orders[best].most_quote(price));
            let base = quote.quantity_at(price, Rounding::Down).unwrap();
            if base.is_zero() {
                self.close(&mut taker);
                break;
            }
            let mut maker = self.orders[best].clone();
            let (buyer, seller) =
                if side == Side::Buy { (&mut taker, &mut maker) } else { (&mut maker, &mut taker) };
            buyer.subtract(base, quote);
            seller.subtract(base, quote);
            let rate = |liquid: bool| if liquid { self.market.taker_fee } else { self.market.maker_fee };
            let base_fee = rate(side == Side::Buy).of_quantity(base, Rounding::Down).unwrap().units().into();
            let quote_fee = rate(side == Side::Sell).of_cash(quote, Rounding::Down).unwrap().units();
            self.matches.push((buyer.key.id, seller.key.id, price, base, quote, base_fee, quote_fee));
            self.accounts[buyer.account][1].1 -= quote.units();
            self.accounts[buyer.account][0].0 += i128::from(base.units()) - base_fee;
            self.accounts[seller.account][0].1 -= i128::from(base.units());
            self.accounts[seller.account][1].0 += quote.units() - quote_fee;
            if maker.is_dust() {
                self.close(&mut maker);
            }
            self.orders[best] = maker;
            if taker.is_dust() {
                self.close(&mut taker);
                break;
            }
        }
        self.orders.push(taker);
    }

    fn close(&mut self, order: &mut NaiveOrder) {
        let funds = &mut self.accounts[order.account][order.spends()];
        *funds = (funds.0 + order.reserved, funds.1 - order.reserved);
        order.reserved = 0;
        order.open = false;
    }

    fn cancel(&mut self, key: OrderKey) {
        if let Some(at) = self.orders.iter().position(|order| order.key == key && order.open) {
            let mut order = self.orders[at].clone();
            self.close(&mut order);
            self.orders[at] = order;
        }
    }
}

#[derive(Clone, Debug)]
enum Action {
    Place { account: u32, side: Side, price: i64, size: i64 },
    Cancel { side: Side, id: u64 },
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let place = (0..3_u32, side(), 0..12_i64, 1..2_000_i64)
        .prop_map(|(account, side, price, size)| Action::Place { account, side, price, size });
    let cancel = (side(), 1..40_u64).prop_map(|(side, id)| Action::Cancel { side, id });
    prop::collection::vec(prop_oneof![4 => place, 1 => cancel], 1..120)
}

fn unit() -> impl Strategy<Value = SizeUnit> {
    prop_oneof![Just(SizeUnit::Base), Just(SizeUnit::Quote)]
}

/// A market of any size units, with small prices, where cuts matter, or large ones.
fn any_market() -> impl Strategy<Value = (Market, i64)> {
    let scale = prop_oneof![Just(7_i64), Just(33_333_333), Just(123_456_789), Just(412_345_678_901)];
    (unit(), unit(), scale, 0..40_000_000_i64, 0..40_000_000_i64).prop_map(
        |(buy, sell, scale, maker, taker)| {
            let mut rules = market("0");
            rules.buy_unit = buy;
            rules.sell_unit = sell;
            rules.min_base = Quantity::UNIT;
            rules.min_quote = Cash::UNIT;
            rules.maker_fee = Rate::from_units(maker);
            rules.taker_fee = Rate::from_units(taker);
            (rules, scale)
        },
    )
}

/// Sizes span from a few units to more than an account holds.
fn placement(rules: &Market, scale: i64, account: u32, side: Side, price: i64, size: i64) -> Placement {
    let price = Price::from_units(scale + price * (scale / 20).max(1));
    let units = size * size * size / 40 + 1;
    let size = match rules.size_unit(side) {
        SizeUnit::Base => Size::Base(Quantity::from_units(units)),
        SizeUnit::Quote => Size::Quote(Cash::from_units(units.into())),
    };
    Placement { account: AccountId(account), market: MARKET, side, price, size }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn agrees_with_a_naive_engine_and_conserves_money((rules, scale) in any_market(), actions in actions()) {
        let mut venue = venue(rules.clone(), 3);
        let mut naive = Naive {
            market: rules.clone(),
            orders: Vec::new(),
            matches: Vec::new(),
            accounts: vec![[(COINS, 0), (DOLLARS, 0)]; 3],
            placed: [0; 2],
        };
        let mut events = Vec::new();
        for action in actions {
            match action {
                Action::Place { account, side, price, size } => {
                    let placement = placement(&rules, scale, account, side, price, size);
                    if venue.place(at(0), &placement).is_ok() {
                        naive.place(&placement);
                    }
                }
                Action::Cancel { side, id } => {
                    let key = OrderKey { side, id: VenueOrderId(id) };
                    venue.cancel(key);
                    naive.cancel(key);
                }
            }
            venue.process(at(0), &mut events);
            check_deposits(&venue, COINS, DOLLARS)?;
        }
        let matches: Vec<_> = venue
            .matches()
            .iter()
            .map(|m| (m.buyer.order, m.seller.order, m.price, m.base, m.quote, m.buyer.fee.into(), m.seller.fee.into()))
            .collect();
        prop_assert_eq!(matches, naive.matches);
        for (account, [coins, dollars]) in (0..).map(AccountId).zip(naive.accounts) {
            for (currency, (available, reserved)) in [(btc(), coins), (usd(), dollars)] {
                prop_assert_eq!(venue.balance(account, currency), Balance { total: available + reserved, reserved });
            }
        }
        for order in naive.orders {
            let seen = venue.order(order.key).unwrap();
            prop_assert_eq!(i128::from(seen.reserved), order.reserved);
            prop_assert_eq!(seen.status == VenueStatus::Executing, order.open);
        }
        for found in venue.matches() {
            for side in [Side::Buy, Side::Sell] {
                let order = venue.order(OrderKey { side, id: found.party(side).order }).unwrap();
                prop_assert!(side.accepts(order.price, found.price));
            }
        }
    }
}

proptest! {
    #[test]
    fn amounts_of_any_size_do_no_harm(
        (rules, _) in any_market(),
        orders in prop::collection::vec((0..3_u32, side(), 0..=i64::MAX, 0..63_u32, 0..=i64::MAX, 0..63_u32), 1..60),
    ) {
        let rich = i128::from(i64::MAX) * 20;
        let mut venue = venue(rules.clone(), 3);
        for account in (0..3).map(AccountId) {
            venue.deposit(account, Money::new(usd(), rich - DOLLARS)).unwrap();
            venue.deposit(account, Money::new(btc(), rich - COINS)).unwrap();
        }
        for (account, side, price, price_shift, units, shift) in orders {
            let (price, units) = (Price::from_units(price >> price_shift), units >> shift);
            let size = match rules.size_unit(side) {
                SizeUnit::Base => Size::Base(Quantity::from_units(units)),
                SizeUnit::Quote => Size::Quote(Cash::from_units(units.into())),
            };
            let _ = venue.place(at(0), &Placement { account: AccountId(account), market: MARKET, side, price, size });
            venue.process(at(0), &mut Vec::new());
            check_deposits(&venue, rich, rich)?;
        }
    }
}

/// Nothing is negative, reservations add up to those of the open orders, and all money is somewhere.
fn check_deposits(venue: &MatchingVenue, coins: i128, dollars: i128) -> Result<(), TestCaseError> {
    for (currency, deposited, spender) in [(btc(), coins, Side::Sell), (usd(), dollars, Side::Buy)] {
        let mut everything = 0;
        for account in (0..3).map(AccountId) {
            let balance = venue.balance(account, currency);
            prop_assert!(balance.total >= 0 && balance.reserved >= 0 && balance.available() >= 0);
            let open: i128 = venue.orders(account, spender).map(|order| i128::from(order.reserved)).sum();
            prop_assert_eq!(balance.reserved, open);
            everything += balance.total + venue.fees(account, currency);
        }
        prop_assert_eq!(everything, 3 * deposited);
    }
    Ok(())
}

#[test]
fn the_state_of_a_venue_begins_it_again() {
    let mut venue = venue(market("0"), 2);
    for placement in
        [ask(0, "4400", "0.01"), ask(1, "4400", "0.005"), bid(0, "50", "20"), bid(1, "4500", "22")]
    {
        run(&mut venue, placement);
    }
    let state = venue.state();
    let mut again = MatchingVenue::from_state(&markets(market("0")), &state).unwrap();
    assert_eq!(again.state(), state);

    // Both go on alike: the older order at 4400 is still first in line.
    for venue in [&mut venue, &mut again] {
        run(venue, bid(1, "4400", "22"));
    }
    assert_eq!(again.state(), venue.state());
    assert_eq!(venue.matches().last().unwrap().seller.account, AccountId(0));
    run(&mut venue, bid(1, "4400", "10"));
    assert_eq!(venue.matches().last().unwrap().seller.account, AccountId(1));

    let refused =
        |state: &VenueState| MatchingVenue::from_state(&markets(market("0")), state).unwrap_err().to_string();
    let mut wrong = state.clone();
    wrong.buys.swap(0, 1);
    assert_eq!(
        refused(&wrong),
        "the buy at position 1 is number 2: orders must stand in the order of their numbers"
    );
    let mut wrong = state.clone();
    wrong.wallets.clear();
    assert!(refused(&wrong).starts_with("buy 1 does not belong here"));
    let mut wrong = state;
    wrong.sells[1].status = VenueStatus::ToCancel;
    assert_eq!(refused(&wrong), "sell 2 waits for a request that the state does not have");
    wrong.sells[1].status = VenueStatus::Completed;
    wrong.waiting.push(VenueRequest::Place(wrong.sells[1].key));
    assert_eq!(refused(&wrong), "a request waits for sell 2, which has no use for it");
}

#[test]
fn what_waits_for_the_venue_is_part_of_its_state() {
    let mut venue = venue(market("0"), 2);
    let resting = run(&mut venue, ask(0, "4400", "0.01"));
    // The first is on the book, to be taken and then cancelled; the others are to come to it, one to be cancelled too.
    venue.place(at(1), &bid(1, "4400", "2")).unwrap();
    venue.cancel(resting).unwrap();
    venue.place(at(1), &ask(0, "4500", "0.01")).unwrap();
    let third = venue.place(at(1), &ask(0, "4300", "0.001")).unwrap();
    venue.cancel(third).unwrap();
    let state = venue.state();
    assert_eq!(state.waiting.len(), 5);
    let mut again = MatchingVenue::from_state(&markets(market("0")), &state).unwrap();
    assert_eq!(again.state(), state);
    for left in (0..5).rev() {
        for venue in [&mut venue, &mut again] {
            assert!(venue.process_one(at(2), &mut Vec::new()));
            assert_eq!(venue.state().waiting.len(), left);
        }
        assert_eq!(again.state(), venue.state());
    }
    let ended: Vec<VenueStatus> = again.state().sells.iter().map(|order| order.status).collect();
    assert_eq!(ended, [VenueStatus::Cancelled, VenueStatus::Executing, VenueStatus::Cancelled]);
    assert_eq!(again.matches().len(), 1);
}

#[test]
fn fees_change_for_what_follows() {
    let mut venue = venue(market("0"), 2);
    assert!(venue.set_fees(MARKET, Rate::ZERO, "0.01".parse().unwrap()));
    assert!(!venue.set_fees(MarketId(9), Rate::ZERO, Rate::ZERO));
    run(&mut venue, ask(0, "100", "1"));
    run(&mut venue, bid(1, "100", "100"));
    let found = venue.matches()[0];
    assert_eq!((found.seller.fee, found.buyer.fee), (0, 1_000_000));
}
