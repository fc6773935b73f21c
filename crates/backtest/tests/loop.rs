//! The loop: order of events, ledger and account, determinism, and no decision from the future.

// Test code may stop where a setup fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::sync::{Arc, Mutex};

use pampero_backtest::{Backtest, BacktestError, Feed, FeedData, Outcome, RateHistory, Recording, run};
use pampero_engine::{
    Allocation, Context, Desired, Intent, Limits, OrderKind, OrderState, Owner, Reason, Requirements, Setup,
    Strategy, StrategyId, TradingState,
};
use pampero_model::{
    BookSeries, BookSnapshot, Candle, CandleSeries, Cash, Fill, Level, Market, MarketId, Markets, Price,
    Quantity, Quote, QuoteSeries, Rate, SCALE, Side, Size, Span, Timestamp, Trade, TradeSeries, VenueId,
};
use pampero_venue::{FillModel, FillPreset, Latency, LatencyModel, SimSettings};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

const USD: MarketId = MarketId(0);
const ARS: MarketId = MarketId(1);

fn whole(units: i64) -> Price {
    Price::from_units(units * SCALE)
}

fn setup(strategy: impl Strategy + 'static) -> Setup {
    let mut markets = Markets::default();
    markets.insert(Market::new("bitex", "btc_usd").unwrap()).unwrap();
    let mut second = Market::new("other", "btc_ars").unwrap();
    second.fingerprint_span = 99;
    markets.insert(second).unwrap();
    let mut setup = Setup::new(markets, "usd".parse().unwrap());
    setup.rates.push(("ars".parse().unwrap(), "0.01".parse().unwrap()));
    setup.strategies.push((Box::new(strategy), Limits::default()));
    let money = [(0, "10000 USD"), (0, "5 BTC"), (1, "1000000 ARS"), (1, "5 BTC")];
    for (venue, money) in money {
        let owner = Owner::Strategy(StrategyId(0));
        setup.allocations.push(Allocation { owner, venue: VenueId(venue), money: money.parse().unwrap() });
    }
    setup
}

fn backtest(strategy: impl Strategy + 'static, feeds: Vec<Feed>) -> Backtest {
    Backtest {
        setup: setup(strategy),
        feeds,
        rates: Vec::new(),
        venue: SimSettings::default(),
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        recording: Recording::Everything,
    }
}

fn candles(market: MarketId, closes: &[i64]) -> Feed {
    let span = Span::from_minutes(1);
    let mut series = CandleSeries::new(span);
    let mut open = closes[0];
    for (minute, close) in (0..).zip(closes) {
        series.push(&Candle {
            open_time: Timestamp::from_secs(minute * 60),
            open: whole(open),
            high: whole(open.max(*close)),
            low: whole(open.min(*close)),
            close: whole(*close),
            volume: Quantity::from_units(1_000 * SCALE),
        });
        open = *close;
    }
    Feed { market, data: FeedData::Candles(Arc::new(series)) }
}

fn quotes(market: MarketId, points: &[(i64, i64, i64)]) -> Feed {
    let mut series = QuoteSeries::default();
    for (second, bid, ask) in points {
        let level = |price| Level { price: whole(price), quantity: Quantity::from_units(SCALE) };
        series.push(Timestamp::from_secs(*second), &Quote { bid: level(*bid), ask: level(*ask) });
    }
    Feed { market, data: FeedData::Quotes(Arc::new(series)) }
}

/// Writes down what it sees, and buys once at a given candle.
struct Witness {
    seen: Arc<Mutex<Vec<String>>>,
    buy_at: usize,
    candles: usize,
}

impl Witness {
    fn note(&self, ctx: &Context<'_>, what: &str) {
        self.seen.lock().unwrap().push(format!("{} {what}", ctx.now().as_millis() / 1_000));
    }
}

impl Strategy for Witness {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![USD, ARS], ..Requirements::default() }
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.note(ctx, "start");
        ctx.set_timer_after(Span::from_secs(90), 7);
    }

    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, candle: &Candle) {
        self.note(ctx, &format!("candle {} {}", market.0, candle.close));
        self.candles += 1;
        if self.candles == self.buy_at {
            let size = Size::Quote(Cash::from_units(100 * i128::from(SCALE)));
            ctx.submit(Intent::market(market, Side::Buy, size)).unwrap();
        }
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        let bid = ctx.book(market).unwrap().value.best(Side::Buy).unwrap().price;
        self.note(ctx, &format!("quote {} {bid}", market.0));
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.note(ctx, &format!("fill at {}", fill.price));
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, tag: u32) {
        self.note(ctx, &format!("timer {tag}"));
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        self.note(ctx, "stop");
    }
}

fn witnessed(buy_at: usize, feeds: Vec<Feed>, latency: Latency) -> (Vec<String>, Outcome) {
    let seen = Arc::default();
    let mut backtest = backtest(Witness { seen: Arc::clone(&seen), buy_at, candles: 0 }, feeds);
    backtest.venue.latency = latency;
    let outcome = run(backtest).unwrap();
    let seen = seen.lock().unwrap().clone();
    (seen, outcome)
}

#[test]
fn a_decision_at_a_close_acts_at_the_next_open() {
    let (seen, outcome) = witnessed(2, vec![candles(USD, &[100, 110, 120])], Latency::default());
    let expected = [
        "0 start",
        "60 candle 0 100",
        "90 timer 7",
        "120 candle 0 110",
        "120 fill at 110",
        "180 candle 0 120",
        "180 stop",
    ];
    assert_eq!(seen, expected);
    assert_eq!(outcome.fills[0].fill.time, Timestamp::from_secs(120));
    assert_eq!(outcome.events, 3);
}

#[test]
fn an_order_that_is_still_on_its_way_misses_the_open() {
    let latency = Latency { order: LatencyModel::Constant(Span::from_secs(1)), ..Latency::default() };
    let (seen, _) = witnessed(1, vec![candles(USD, &[100, 100, 130])], latency);
    let fill = seen.iter().find(|line| line.contains("fill")).unwrap();
    // It arrives a second into a candle that stays at 100, and takes at that candle's next corner.
    assert_eq!(fill, "120 fill at 100");
}

#[test]
fn feeds_are_merged_in_time_order_and_what_is_over_comes_first() {
    let feeds = vec![candles(USD, &[100, 110]), quotes(ARS, &[(60, 9_000, 9_100), (61, 9_001, 9_101)])];
    let (seen, _) = witnessed(0, feeds, Latency::default());
    let expected = [
        "0 start",
        "60 candle 0 100",
        "60 quote 1 9000",
        "61 quote 1 9001",
        "90 timer 7",
        "120 candle 0 110",
        "120 stop",
    ];
    assert_eq!(seen, expected);
}

/// Notes what a peso is worth whenever a book is seen.
struct Worth(Arc<Mutex<Vec<(Timestamp, String)>>>);

impl Strategy for Worth {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![USD, ARS], ..Requirements::default() }
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, _: MarketId) {
        let worth = ctx.portfolio().quote_rate(ARS).to_string();
        self.0.lock().unwrap().push((ctx.now(), worth));
    }
}

#[test]
fn rates_are_told_in_the_order_of_time_and_before_what_is_seen_then() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let feed = quotes(USD, &[(10, 100, 101), (20, 100, 101), (30, 100, 101)]);
    let times = feed_times(&feed);
    let rate = |text: &str| text.parse().unwrap();
    let history = RateHistory {
        currency: "ars".parse().unwrap(),
        points: vec![
            (times[0].minus(Span::from_hours(2)), rate("0.05")),
            (times[0].minus(Span::from_hours(1)), rate("0.02")),
            (times[1], rate("0.03")),
            (times[2].plus(Span::from_nanos(1)), rate("0.04")),
        ],
    };
    let told = Backtest { rates: vec![history], ..backtest(Worth(Arc::clone(&seen)), vec![feed]) };
    let outcome = run(told).unwrap();
    let worth: Vec<String> = seen.lock().unwrap().iter().map(|(_, worth)| worth.clone()).collect();
    assert_eq!(worth, ["0.02", "0.03", "0.03"]);
    // What came before the first observation is what the run begins with: 10000 + 1000000 × 0.02 dollars, and ten coins at
    // 100.5; and no rate makes the run longer than what was seen.
    assert_eq!(outcome.initial_equity.to_string(), "31005");
    assert_eq!(outcome.range, Some((times[0], times[2])));
}

fn feed_times(feed: &Feed) -> Vec<Timestamp> {
    match &feed.data {
        FeedData::Quotes(series) => series.times.clone(),
        _ => Vec::new(),
    }
}

#[test]
fn only_the_range_is_shown() {
    let mut backtest = backtest(Chaos::new(1), vec![candles(USD, &[100; 10])]);
    (backtest.from, backtest.to) = (Timestamp::from_secs(120), Timestamp::from_secs(300));
    let outcome = run(backtest).unwrap();
    assert_eq!(outcome.events, 3);
    assert_eq!(outcome.range, Some((Timestamp::from_secs(120), Timestamp::from_secs(300))));
}

#[test]
fn what_cannot_run_says_why() {
    let error = |feeds| run(backtest(Chaos::new(1), feeds)).unwrap_err().to_string();
    assert_eq!(error(vec![candles(MarketId(9), &[1])]), "feed 1 belongs to no market of the setup");
    let backwards = quotes(USD, &[(5, 1, 2), (4, 1, 2)]);
    assert!(error(vec![backwards]).starts_with("feed 1 is not in time order at row 2: 1970-01-01T00:00:04Z"));
    assert_eq!(error(vec![]), "there is no data");
    let range = Backtest {
        from: Timestamp::from_secs(1),
        to: Timestamp::from_secs(2),
        ..backtest(Chaos::new(1), vec![])
    };
    let error_of = |backtest| run(backtest).unwrap_err().to_string();
    assert_eq!(error_of(range), "there is no data from 1970-01-01T00:00:01Z on before 1970-01-01T00:00:02Z");
    let mut spanless = CandleSeries::new(Span::ZERO);
    let one = whole(1);
    spanless.push(&Candle {
        open_time: Timestamp::MIN,
        open: one,
        high: one,
        low: one,
        close: one,
        volume: Quantity::UNIT,
    });
    let feed = Feed { market: USD, data: FeedData::Candles(Arc::new(spanless)) };
    assert_eq!(error(vec![feed]), "feed 1 has candles whose span is not known");
}

#[test]
fn money_that_no_market_trades_is_refused() {
    let mut backtest = backtest(Chaos::new(1), vec![candles(USD, &[100])]);
    backtest.setup.allocations[0].money = "5 DOGE".parse().unwrap();
    assert!(matches!(run(backtest), Err(BacktestError::Engine(_) | BacktestError::Venue(_))));
}

/// Does something random, decided by what it has seen so far, in every hook.
struct Chaos {
    state: u64,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        Self { state: seed | 1 }
    }

    fn draw(&mut self, seen: i64, below: u64) -> u64 {
        self.state ^= seen.cast_unsigned().rotate_left(17);
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % below
    }

    fn act(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        let Some(mark) = ctx.mark(market).map(|fact| fact.value) else { return };
        let seen = mark.units();
        let side = if self.draw(seen, 2) == 0 { Side::Buy } else { Side::Sell };
        let quantity = Quantity::from_units(i64::try_from(self.draw(seen, 100)).unwrap() * SCALE / 100);
        let tilt = i64::try_from(self.draw(seen, 7)).unwrap() - 3;
        let price = mark.saturating_add(Price::from_units(mark.units() / 200 * tilt));
        let rate = Rate::from_units(SCALE / 50);
        let size = Size::Base(quantity);
        let intent = match self.draw(seen, 9) {
            0 => Intent::market(market, side, size),
            1 => Intent::stop(market, side, size, price),
            2 => Intent::trailing_stop(market, side, size, rate),
            3 => Intent::limit(market, side, size, price).immediate_or_cancel(),
            4 => Intent::limit(market, side, size, price).good_till(ctx.now().plus(Span::from_secs(70))),
            5 => {
                let desired = [
                    Desired {
                        side: Side::Buy,
                        price: price.min(mark),
                        size: Size::Quote(Cash::from_units(i128::from(5 * SCALE))),
                    },
                    Desired {
                        side: Side::Sell,
                        price: price.max(mark).saturating_add(Price::UNIT),
                        size: Size::Base(Quantity::from_units(SCALE / 20)),
                    },
                ];
                return ctx.quote(market, &desired, Reason::new("CHAOS"));
            }
            6 => return ctx.cancel_all(market),
            _ => Intent::limit(market, side, size, price),
        };
        let _ = ctx.submit(intent.convert_size());
    }
}

impl Strategy for Chaos {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![USD, ARS], ..Requirements::default() }
    }

    fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, _: &Candle) {
        self.act(ctx, market);
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        self.act(ctx, market);
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, market: MarketId, _: &Trade) {
        self.act(ctx, market);
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        if self.draw(fill.base.units(), 3) == 0 {
            self.act(ctx, fill.market);
        }
    }
}

/// Two markets of two venues: one with candles, one with books and trades. After `poison` everything is different.
fn history(seed: u64, length: i64, poison: i64) -> Vec<Feed> {
    let mut random = Chaos::new(seed.wrapping_mul(2_654_435_761).wrapping_add(99));
    let mut other = Chaos::new(!seed);
    let (mut closes, mut books, mut trades) = (Vec::new(), BookSeries::default(), TradeSeries::default());
    let (mut usd, mut ars) = (100, 10_000);
    for minute in 0..length {
        let source = if minute * 60 >= poison { &mut other } else { &mut random };
        let mut step = |reach: u64| {
            i64::try_from(source.draw(minute, 2 * reach + 1)).unwrap() - i64::try_from(reach).unwrap()
        };
        usd = (usd + step(4)).clamp(50, 200);
        ars = (ars + step(150)).clamp(5_000, 20_000);
        closes.push(usd);
        let level = |price| Level { price: whole(price), quantity: Quantity::from_units(SCALE / 2) };
        let bids = [level(ars - 10), level(ars - 20), level(ars - 40)];
        let asks = [level(ars + 10), level(ars + 30)];
        let time = Timestamp::from_secs(minute * 60 + 30);
        books.push(time, BookSnapshot { bids: &bids, asks: &asks });
        let aggressor = Some(if step(1) > 0 { Side::Buy } else { Side::Sell });
        let price = whole(ars + step(60));
        trades.push(&Trade { id: 0, time, price, quantity: Quantity::from_units(SCALE / 4), aggressor });
    }
    vec![
        candles(USD, &closes),
        Feed { market: ARS, data: FeedData::Books(Arc::new(books)) },
        Feed { market: ARS, data: FeedData::Trades(Arc::new(trades)) },
    ]
}

fn settings(preset: FillPreset, slow: bool) -> SimSettings {
    let latency = if slow {
        Latency {
            order: LatencyModel::Uniform { min: Span::from_secs(1), max: Span::from_secs(50) },
            cancel: LatencyModel::Constant(Span::from_secs(20)),
            report: LatencyModel::Uniform { min: Span::ZERO, max: Span::from_secs(40) },
        }
    } else {
        Latency::default()
    };
    SimSettings { fill: FillModel::preset(preset), latency, seed: 7 }
}

fn chaotic(seed: u64, length: i64, poison: i64, preset: FillPreset, slow: bool) -> Outcome {
    let mut backtest = backtest(Chaos::new(seed), history(seed, length, poison));
    backtest.venue = settings(preset, slow);
    run(backtest).expect("the ledger closes")
}

const PRESETS: [FillPreset; 3] = [FillPreset::Conservative, FillPreset::Neutral, FillPreset::Optimistic];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// `run` itself compares the engine's ledger with the venue's account and fails if they differ.
    #[test]
    fn the_ledger_closes_and_a_run_repeats_to_the_byte(seed in any::<u64>(), slow in any::<bool>(), preset in 0..3_usize) {
        let first = chaotic(seed, 150, i64::MAX, PRESETS[preset], slow);
        prop_assert!(first.submitted > 20);
        prop_assert_eq!(format!("{first:?}"), format!("{:?}", chaotic(seed, 150, i64::MAX, PRESETS[preset], slow)));
        for order in first.orders.iter().filter(|order| order.state == OrderState::Completed) {
            let left = order.remaining().notional(order.sent_price, pampero_model::Rounding::Down).unwrap();
            prop_assert!(left < "0.001".parse().unwrap(), "only dust may be left of {:?}", order);
        }
        for fill in &first.fills {
            let order = first.orders.iter().find(|order| order.id == fill.fill.order).unwrap();
            prop_assert!(order.side.accepts(order.sent_price, fill.fill.price));
            prop_assert!(fill.fill.time >= order.created_at);
        }
    }

    /// Garbage after time t changes no decision before t.
    #[test]
    fn no_decision_comes_from_the_future(seed in any::<u64>(), minutes in 5..120_i64, slow in any::<bool>(), preset in 0..3_usize) {
        let poison = minutes * 60;
        let before = |outcome: &Outcome| {
            let mut orders: Vec<String> = outcome
                .orders
                .iter()
                .filter(|order| order.created_at < Timestamp::from_secs(poison))
                .map(|order| {
                    // A stop gets its price when it is triggered, perhaps after t.
                    let limit = matches!(order.kind, OrderKind::Limit { .. }).then_some(order.sent_price);
                    format!("{} {} {:?} {limit:?} {}", order.id, order.side, order.kind, order.created_at)
                })
                .collect();
            orders.sort();
            orders
        };
        let clean = chaotic(seed, 150, i64::MAX, PRESETS[preset], slow);
        let poisoned = chaotic(seed, 150, poison, PRESETS[preset], slow);
        let differs = before(&clean).into_iter().zip(before(&poisoned)).find(|(left, right)| left != right);
        prop_assert_eq!(differs, None);
        prop_assert_eq!(before(&clean).len(), before(&poisoned).len());
    }
}

#[test]
fn a_daily_loss_trips_in_a_backtest_as_it_would_in_life() {
    struct Holder;
    impl Strategy for Holder {
        fn requirements(&self) -> Requirements {
            Requirements::of(USD)
        }
        fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, _: &Candle) {
            let size = Size::Quote(Cash::from_units(10 * i128::from(SCALE)));
            let _ = ctx.submit(Intent::market(market, Side::Buy, size));
        }
    }
    let mut backtest = backtest(Holder, vec![candles(USD, &[100, 100, 80, 80, 80])]);
    backtest.setup.strategies[0].1.max_daily_loss = "50".parse().ok();
    let outcome = run(backtest).unwrap();
    let (time, strategy, state, _) = outcome.states[0];
    assert_eq!(
        (time, strategy, state),
        (Timestamp::from_secs(180), Some(StrategyId(0)), TradingState::ReduceOnly)
    );
    assert_eq!(outcome.submitted, 2);
    assert_eq!(outcome.denied[0].code.as_str(), "REDUCING_ONLY");
    assert_eq!(outcome.denied_total(), 3);
}
