//! What holds of fills against history for any sequence of actions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::collections::BTreeMap;

use pampero_model::*;
use pampero_venue::*;
use proptest::prelude::*;
use support::*;

const DOLLARS: i128 = 100_000_000_000;
const COINS: i128 = 1_000_000_000;

#[derive(Clone, Debug)]
enum Action {
    Place { side: Side, offset: i64, size: i64 },
    Cancel { id: u64 },
    Quote { bid: i64, spread: i64, bid_size: i64, ask_size: i64 },
    Book { bid: i64, spread: i64, sizes: [i64; 4] },
    Trade { offset: i64, size: i64, aggressor: Option<Side> },
    Candle { offsets: [i64; 4], volume: i64, announced: bool },
    Deposit { units: i64 },
    Withdraw { units: i64 },
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn action() -> impl Strategy<Value = Action> {
    let size = || 0..30_i64;
    let offset = || 0..10_i64;
    prop_oneof![
        6 => (side(), offset(), 1..30_i64).prop_map(|(side, offset, size)| Action::Place { side, offset, size }),
        2 => (1..25_u64).prop_map(|id| Action::Cancel { id }),
        3 => (offset(), 0..4_i64, size(), size())
            .prop_map(|(bid, spread, bid_size, ask_size)| Action::Quote { bid, spread, bid_size, ask_size }),
        3 => (offset(), 0..4_i64, [1..30_i64, 1..30, 1..30, 1..30])
            .prop_map(|(bid, spread, sizes)| Action::Book { bid, spread, sizes }),
        3 => (offset(), size(), prop::option::of(side()))
            .prop_map(|(offset, size, aggressor)| Action::Trade { offset, size, aggressor }),
        3 => ([offset(), offset(), offset(), offset()], size(), any::<bool>())
            .prop_map(|(offsets, volume, announced)| Action::Candle { offsets, volume, announced }),
        1 => (1..1_000_i64).prop_map(|units| Action::Deposit { units }),
        1 => (1..1_000_000_000_i64).prop_map(|units| Action::Withdraw { units }),
    ]
}

/// Any number, small and large ones as likely.
fn extreme() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => (0..=i64::MAX, 0..63_u32).prop_map(|(units, shift)| units >> shift),
        1 => Just(i64::MAX),
        1 => any::<i64>(),
    ]
}

fn settings() -> impl Strategy<Value = SimSettings> {
    let preset =
        prop_oneof![Just(FillPreset::Conservative), Just(FillPreset::Neutral), Just(FillPreset::Optimistic)];
    let latency = prop_oneof![
        Just(LatencyModel::None),
        Just(LatencyModel::Constant(Span::from_secs(25))),
        Just(LatencyModel::Uniform { min: Span::from_secs(1), max: Span::from_secs(90) }),
    ];
    (preset, latency.clone(), latency.clone(), latency, any::<u64>()).prop_map(
        |(preset, order, cancel, report, seed)| SimSettings {
            fill: FillModel::preset(preset),
            latency: Latency { order, cancel, report },
            seed,
        },
    )
}

/// Rules under which cuts matter, and a price level.
fn rules() -> impl Strategy<Value = (Market, i64)> {
    let unit = || prop_oneof![Just(SizeUnit::Base), Just(SizeUnit::Quote)];
    let scale = prop_oneof![Just(33_333_333_i64), Just(412_345_678_901)];
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

/// A venue under test, with everything it reported.
struct Run {
    venue: HistoryVenue,
    rules: Market,
    scale: i64,
    now: Timestamp,
    orders: BTreeMap<OrderId, Order>,
    updates: Vec<OrderUpdate>,
    deposited: i128,
}

impl Run {
    fn new(rules: Market, scale: i64, settings: SimSettings) -> Self {
        let mut venue = HistoryVenue::new(&markets(rules.clone()), settings);
        venue.deposit(VENUE, Money::new(usd(), DOLLARS)).unwrap();
        venue.deposit(VENUE, Money::new(btc(), COINS)).unwrap();
        let (orders, updates) = (BTreeMap::new(), Vec::new());
        Self { venue, rules, scale, now: at(0), orders, updates, deposited: DOLLARS }
    }

    fn price(&self, offset: i64) -> Price {
        Price::from_units(self.scale + offset * (self.scale / 50).max(1))
    }

    fn level(&self, offset: i64, size: i64) -> Level {
        Level { price: self.price(offset), quantity: Quantity::from_units(size * size * 1_001) }
    }

    fn perform(&mut self, action: &Action) {
        self.now = self.now.plus(Span::from_secs(10));
        self.venue.advance(self.now);
        match *action {
            Action::Place { side, offset, size } => {
                let price = self.price(offset);
                let units = size * size * size * 7_777 + size;
                let size = match self.rules.size_unit(side) {
                    SizeUnit::Base => Size::Base(Quantity::from_units(units)),
                    SizeUnit::Quote => Size::Quote(Cash::from_units(
                        i128::from(units) * i128::from(self.scale) / 100_000_000 + 1,
                    )),
                };
                let id = OrderId(u64::try_from(self.orders.len()).unwrap() + 1);
                let order = Order { id, market: MARKET, side, price, size };
                self.orders.insert(id, order);
                self.venue.place(self.now, &order);
            }
            Action::Cancel { id } => self.venue.cancel(self.now, OrderId(id)),
            Action::Quote { bid, spread, bid_size, ask_size } => {
                let quote = Quote { bid: self.level(bid, bid_size), ask: self.level(bid + spread, ask_size) };
                self.venue.on_quote(MARKET, self.now, &quote);
            }
            Action::Book { bid, spread, sizes: [a, b, c, d] } => {
                let bids = [self.level(bid, a), self.level(bid - 1, b)];
                let asks = [self.level(bid + spread, c), self.level(bid + spread + 1, d)];
                self.venue.on_book(MARKET, self.now, BookSnapshot { bids: &bids, asks: &asks });
            }
            Action::Trade { offset, size, aggressor } => {
                let Level { price, quantity } = self.level(offset, size);
                self.venue.on_trade(MARKET, &Trade { id: 0, time: self.now, price, quantity, aggressor });
            }
            Action::Candle { offsets, volume, announced } => self.candle(offsets, volume, announced),
            Action::Deposit { units } => {
                self.venue.deposit(VENUE, Money::new(usd(), units.into())).unwrap();
                self.deposited += i128::from(units);
            }
            Action::Withdraw { units } => {
                if self.venue.withdraw(VENUE, Money::new(usd(), units.into())).is_ok() {
                    self.deposited -= i128::from(units);
                }
            }
        }
        while let Some(update) = self.venue.next_report(self.now) {
            self.updates.push(update);
        }
    }

    /// Requests arrive while the candle lasts.
    fn candle(&mut self, offsets: [i64; 4], volume: i64, announced: bool) {
        let span = Span::from_secs(60);
        let Level { quantity: volume, .. } = self.level(0, volume);
        let [open, close, ..] = offsets.map(|offset| self.price(offset));
        let high = self.price(*offsets.iter().max().unwrap());
        let low = self.price(*offsets.iter().min().unwrap());
        let candle = Candle { open_time: self.now, open, high, low, close, volume };
        if announced {
            self.venue.on_candle_open(MARKET, self.now, open, volume);
        }
        self.now = self.now.plus(span);
        self.venue.advance(self.now);
        self.venue.on_candle(MARKET, &candle, span);
    }

    fn finish(&mut self) {
        while self.venue.next_due() < Timestamp::MAX {
            let due = self.venue.next_due();
            self.venue.advance(due);
            while let Some(update) = self.venue.next_report(due) {
                self.updates.push(update);
            }
        }
    }

    fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.updates.iter().filter_map(|update| match &update.kind {
            UpdateKind::Fill(fill) => Some(fill),
            _ => None,
        })
    }

    /// Nothing is negative, and what is reserved is what the open orders hold.
    fn check_reservations(&self) -> Result<(), TestCaseError> {
        for (currency, spender) in [(usd(), Side::Buy), (btc(), Side::Sell)] {
            let balance = self.venue.balance(VENUE, currency);
            prop_assert!(balance.total >= 0 && balance.reserved >= 0 && balance.available() >= 0);
            let open = self.venue.open_orders().filter(|open| open.order.side == spender);
            let held: i128 = open.map(|open| i128::from(open.reserved)).sum();
            prop_assert_eq!(balance.reserved, held);
        }
        Ok(())
    }

    /// Deposits and fills explain the balances to the last unit.
    fn check_money(&self) -> Result<(), TestCaseError> {
        let mut dollars = self.deposited;
        let mut coins = COINS;
        let mut fees = [0; 2];
        for fill in self.fills() {
            dollars += fill.quote_change().units();
            coins += i128::from(fill.base_change().units());
            fees[fill.side.index()] += fill.fee;
        }
        prop_assert_eq!(self.venue.balance(VENUE, usd()).total, dollars);
        prop_assert_eq!(self.venue.balance(VENUE, btc()).total, coins);
        prop_assert_eq!([self.venue.fees(VENUE, btc()), self.venue.fees(VENUE, usd())], fees);
        Ok(())
    }

    /// Every fill follows the formulas, keeps the limit and comes after the arrival of its order.
    fn check_fills(&self) -> Result<(), TestCaseError> {
        let arrived: BTreeMap<OrderId, Timestamp> = self
            .updates
            .iter()
            .filter(|update| matches!(update.kind, UpdateKind::Acknowledged(_)))
            .map(|update| (update.order, update.time))
            .collect();
        for fill in self.fills() {
            let order = self.orders[&fill.order];
            prop_assert!(fill.side == order.side && fill.side.accepts(order.price, fill.price));
            prop_assert!(fill.time >= arrived[&fill.order]);
            prop_assert_eq!(fill.base, fill.quote.quantity_at(fill.price, Rounding::Down).unwrap());
            let rate = match fill.liquidity {
                Liquidity::Maker => self.rules.maker_fee,
                Liquidity::Taker => self.rules.taker_fee,
            };
            let fee = match fill.side {
                Side::Buy => rate.of_quantity(fill.base, Rounding::Down).unwrap().units().into(),
                Side::Sell => rate.of_cash(fill.quote, Rounding::Down).unwrap().units(),
            };
            prop_assert_eq!(fill.fee, fee);
            if fill.liquidity == Liquidity::Maker {
                prop_assert_eq!(fill.price, order.price);
            }
        }
        Ok(())
    }

    /// Each order lives its life in order: acknowledged, live, executed, then exactly one end.
    fn check_lives(&self) -> Result<(), TestCaseError> {
        for id in self.orders.keys() {
            let kinds: Vec<_> =
                self.updates.iter().filter(|update| update.order == *id).map(|update| update.kind).collect();
            let name = |kind: &UpdateKind| match kind {
                UpdateKind::Acknowledged(_) => 'A',
                UpdateKind::Live => 'L',
                UpdateKind::Fill(_) => 'F',
                UpdateKind::CancelPending => 'P',
                UpdateKind::Cancelled(CancelReason::Requested) => 'C',
                UpdateKind::Cancelled(_) => 'I',
                UpdateKind::Completed => 'D',
                UpdateKind::Rejected(_) => 'R',
                _ => '?',
            };
            let life: String = kinds.iter().map(name).collect();
            let open = self.venue.open_orders().any(|open| open.order.id == *id);
            let legal = match life.trim_start_matches("AL").trim_start_matches('F') {
                "" => open && life.starts_with("AL"),
                "PC" => !open && life.starts_with("AL"),
                "D" => !open && life.contains('F'),
                "AI" | "R" => !open && life.len() <= 2,
                _ => false,
            };
            prop_assert!(legal, "{} lived {}", id.0, life);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn money_fills_and_lives_are_in_order(
        (rules, scale) in rules(),
        settings in settings(),
        actions in prop::collection::vec(action(), 1..80),
    ) {
        let mut run = Run::new(rules, scale, settings);
        for action in &actions {
            run.perform(action);
            run.check_reservations()?;
        }
        run.finish();
        run.check_money()?;
        run.check_fills()?;
        run.check_lives()?;
    }

    #[test]
    fn amounts_of_any_size_and_history_without_sense_do_no_harm(
        preset in prop_oneof![Just(FillPreset::Conservative), Just(FillPreset::Neutral), Just(FillPreset::Optimistic)],
        units in prop::collection::vec(extreme(), 60),
        sides in prop::collection::vec(side(), 10),
    ) {
        let mut rules = market("0.0025");
        (rules.min_base, rules.min_quote) = (Quantity::UNIT, Cash::UNIT);
        let settings = SimSettings { fill: FillModel::preset(preset), ..SimSettings::default() };
        let mut venue = HistoryVenue::new(&markets(rules.clone()), settings);
        for currency in [usd(), btc()] {
            venue.deposit(VENUE, Money::new(currency, i128::MAX / 8)).unwrap();
        }
        for ((round, values), side) in (1..).zip(units.chunks_exact(6)).zip(sides) {
            let [price, a, b, c, d, volume] = *values else { unreachable!() };
            let size = match side {
                Side::Buy => Size::Quote(Cash::from_units(a.into())),
                Side::Sell => Size::Base(Quantity::from_units(a)),
            };
            let (now, price) = (at(round), Price::from_units(price));
            venue.place(now, &Order { id: OrderId(round.unsigned_abs()), market: MARKET, side, price, size });
            venue.advance(now);
            let [b, c, d] = [b, c, d].map(Price::from_units);
            let volume = Quantity::from_units(volume);
            let level = |price| Level { price, quantity: volume };
            venue.on_book(MARKET, now, BookSnapshot { bids: &[level(b), level(c)], asks: &[level(d), level(c)] });
            venue.on_trade(MARKET, &Trade { id: 0, time: now, price: c, quantity: volume, aggressor: None });
            let candle = Candle { open_time: now, open: b, high: c, low: d, close: price, volume };
            venue.on_candle(MARKET, &candle, Span::from_secs(1));
            for currency in [usd(), btc()] {
                let balance = venue.balance(VENUE, currency);
                prop_assert!(balance.reserved >= 0 && balance.available() >= 0);
            }
        }
        while let Some(update) = venue.next_report(Timestamp::MAX) {
            if let UpdateKind::Fill(fill) = update.kind {
                prop_assert!(fill.base.is_positive() && fill.quote.is_positive() && fill.fee >= 0);
            }
        }
    }

    #[test]
    fn same_input_gives_the_same_bytes(
        (rules, scale) in rules(),
        settings in settings(),
        actions in prop::collection::vec(action(), 1..40),
    ) {
        let bytes = || {
            let mut run = Run::new(rules.clone(), scale, settings.clone());
            for action in &actions {
                run.perform(action);
            }
            run.finish();
            format!("{:?}", run.updates)
        };
        prop_assert_eq!(bytes(), bytes());
    }

    #[test]
    fn a_cancellation_releases_exactly_what_was_reserved(
        (rules, scale) in rules(),
        side in side(),
        offset in 0..10_i64,
        size in 1..30_i64,
        trades in prop::collection::vec((0..10_i64, 1..6_i64), 0..4),
    ) {
        let mut run = Run::new(rules, scale, SimSettings::default());
        run.perform(&Action::Place { side, offset, size });
        for (offset, size) in trades {
            run.perform(&Action::Trade { offset, size, aggressor: None });
        }
        let currency = run.rules.spends(side);
        let before = run.venue.balance(VENUE, currency);
        let held: i128 = run.venue.open_orders().map(|open| i128::from(open.reserved)).sum();
        run.perform(&Action::Cancel { id: 1 });
        run.finish();
        let after = run.venue.balance(VENUE, currency);
        prop_assert_eq!(after.available(), before.available() + held);
        prop_assert_eq!((after.total, after.reserved), (before.total, 0));
    }

    #[test]
    fn a_round_trip_at_zero_spread_never_profits(
        price in 1..1_000_000_000_000_i64,
        spend in 10_000_000..100_000_000_000_i64,
        fee in 0..10_000_000_i64,
    ) {
        let mut rules = market("0");
        (rules.taker_fee, rules.min_base) = (Rate::from_units(fee), Quantity::UNIT);
        let settings = SimSettings { fill: FillModel::preset(FillPreset::Neutral), ..SimSettings::default() };
        let mut venue = HistoryVenue::new(&markets(rules), settings);
        venue.deposit(VENUE, Money::new(usd(), spend.into())).unwrap();
        let level = Level { price: Price::from_units(price), quantity: Quantity::MAX };
        let mut trade = |secs, id, side, size| {
            let order = Order { id: OrderId(id), market: MARKET, side, price: level.price, size };
            venue.place(at(secs), &order);
            venue.advance(at(secs));
            venue.on_quote(MARKET, at(secs), &Quote { bid: level, ask: level });
            [usd(), btc()].map(|currency| venue.balance(VENUE, currency).total)
        };
        let [_, coins] = trade(1, 1, Side::Buy, Size::Quote(Cash::from_units(spend.into())));
        let bought = Quantity::from_units(i64::try_from(coins).unwrap());
        let [dollars, left] = trade(2, 2, Side::Sell, Size::Base(bought));
        prop_assert!(dollars <= spend.into());
        // What is left is dust: it cannot be sold.
        let dust = level.price.notional(Quantity::from_units(i64::try_from(left).unwrap()), Rounding::Down).unwrap();
        prop_assert!(dust.quantity_at(level.price, Rounding::Down).unwrap().is_zero());
    }
}
