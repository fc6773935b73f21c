//! What the benches share: generated markets and engines with every check switched on.

// Bench code may stop where a setup fails.
#![allow(clippy::expect_used, clippy::missing_panics_doc)]

use std::sync::Arc;

use pampero_backtest::{Backtest, Feed, FeedData, Recording};
use pampero_engine::{Allocation, Limits, MarketLimits, Owner, Setup, Strategy, StrategyId};
use pampero_market_maker::{MarketMaker, MarketMakerParams};
use pampero_model::{
    Candle, CandleSeries, Cash, Level, Market, MarketId, Markets, Price, Quantity, Quote, QuoteSeries, Rate,
    SCALE, Side, Span, Timestamp, Trade, TradeSeries, VenueId,
};
use pampero_sma_cross::{SmaCross, SmaCrossParams};
use pampero_venue::{FillModel, FillPreset, Latency, SimSettings};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The only market of every bench.
pub const MARKET: MarketId = MarketId(0);

/// One cent.
pub const TICK: i64 = SCALE / 100;

/// One-minute candles of a random walk; each opens where the one before closed.
pub fn candles(count: usize) -> CandleSeries {
    let mut random = Pcg64Mcg::seed_from_u64(20_261_124);
    let mut series = CandleSeries::new(Span::from_minutes(1));
    series.reserve(count);
    let mut open = 40_000 * SCALE;
    for minute in (0..).take(count) {
        // The step follows the price, so that the walk neither dies nor runs away.
        let reach = open / 1_000;
        let close = open + random.random_range(-reach..=reach);
        series.push(&Candle {
            open_time: Timestamp::from_secs(minute * 60),
            open: Price::from_units(open),
            high: Price::from_units(open.max(close) + reach / 10),
            low: Price::from_units(open.min(close) - reach / 10),
            close: Price::from_units(close),
            volume: Quantity::from_units(1_000_000 * SCALE),
        });
        open = close;
    }
    series
}

/// Best quotes (four of five) and trades (one of five), a millisecond apart, of a book that moves by ticks.
pub fn ticks(count: usize) -> (QuoteSeries, TradeSeries) {
    let mut random = Pcg64Mcg::seed_from_u64(20_261_125);
    let (mut quotes, mut trades) = (QuoteSeries::default(), TradeSeries::default());
    quotes.reserve(count);
    trades.reserve(count / 4);
    let mut bid = 4_000_000 * TICK;
    for (id, millis) in (1..).zip(0..).take(count) {
        let time = Timestamp::from_millis(millis);
        let quantity = Quantity::from_units(random.random_range(SCALE / 100..SCALE));
        if random.random_bool(0.2) {
            let sell = random.random_bool(0.5);
            trades.push(&Trade {
                id,
                time,
                // Some prints go a few ticks through the best price.
                price: Price::from_units(
                    if sell { bid } else { bid + TICK } + trade_reach(&mut random, sell),
                ),
                quantity,
                aggressor: Some(if sell { Side::Sell } else { Side::Buy }),
            });
        } else {
            bid += random.random_range(-1..=1_i64) * i64::from(random.random_bool(0.02)) * TICK;
            let level = |price| Level { price: Price::from_units(price), quantity };
            quotes.push(time, &Quote { bid: level(bid), ask: level(bid + TICK) });
        }
    }
    (quotes, trades)
}

fn trade_reach(random: &mut Pcg64Mcg, sell: bool) -> i64 {
    let ticks = if random.random_bool(0.05) { random.random_range(1..=4) } else { 0 };
    if sell { -ticks * TICK } else { ticks * TICK }
}

/// Every check with a finite limit that does not bind.
pub fn finite_limits() -> Limits {
    let cash = |whole: i128| Cash::from_units(whole * i128::from(SCALE));
    let market = MarketLimits {
        max_order_notional: Some(cash(1_000_000_000_000)),
        max_order_quantity: Some(Quantity::from_units(1_000_000_000 * SCALE)),
        max_position: Some(Quantity::from_units(1_000_000_000 * SCALE)),
        order_cap: Some(Cash::MAX),
    };
    Limits {
        allowed_markets: Some(vec![MARKET]),
        markets: vec![market],
        max_order_value: Some(cash(1_000_000_000_000)),
        price_collar: Some(Rate::from_units(SCALE / 2)),
        price_drift: Some(Rate::from_units(1_000 * SCALE)),
        price_drift_window: Span::from_hours(1),
        max_spread: Some(Rate::from_units(SCALE / 2)),
        max_data_age: Some(Span::from_secs(10)),
        max_balance_age: Some(Span::from_secs(30)),
        max_rate_age: Some(Span::from_secs(60)),
        max_exposure: Some(cash(1_000_000_000_000)),
        max_open_orders: Some(1_000),
        max_open_orders_side: Some(1_000),
        orders_per_second: Some(1_000),
        orders_per_minute: Some(5_000),
        orders_per_day: Some(100_000),
        requests_per_second: Some(1_000),
        duplicate_window: Some(Span::from_nanos(1)),
        max_fills: Some(1_000),
        fills_window: Span::from_minutes(1),
        max_daily_loss: Some(cash(1_000_000_000_000)),
        max_drawdown: Some(Rate::ONE),
        max_rejects: Some(1_000),
        rejects_window: Span::from_minutes(1),
        require_reconciled: true,
        max_clock_skew: Some(Span::from_secs(5)),
        allow_self_cross: false,
    }
}

/// A setup of one market and one strategy with its money.
pub fn setup(strategy: Box<dyn Strategy>, limits: Limits, fee: Rate, money: &[&str]) -> Setup {
    let mut market = Market::new("generic", "btc_usd").expect("a market code");
    (market.maker_fee, market.taker_fee) = (fee, fee);
    let mut markets = Markets::default();
    markets.insert(market).expect("the first market");
    let mut setup = Setup::new(markets, "usd".parse().expect("a currency"));
    setup.strategies.push((strategy, limits));
    for money in money {
        let money = money.parse().expect("an amount of money");
        let owner = Owner::Strategy(StrategyId(0));
        setup.allocations.push(Allocation { owner, venue: VenueId(0), money });
    }
    setup
}

fn run_of(setup: Setup, feeds: Vec<FeedData>, preset: FillPreset, recording: Recording) -> Backtest {
    Backtest {
        setup,
        feeds: feeds.into_iter().map(|data| Feed { market: MARKET, data }).collect(),
        rates: Vec::new(),
        venue: SimSettings { fill: FillModel::preset(preset), latency: Latency::default(), seed: 1 },
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        recording,
    }
}

/// `sma-cross` (10, 30) over candles, fee 0.1 %, 1,000,000 USD.
pub fn crossover(candles: &Arc<CandleSeries>, limits: Limits, recording: Recording) -> Backtest {
    let strategy = SmaCross::new(MARKET, SmaCrossParams::default()).expect("default parameters");
    let setup = setup(Box::new(strategy), limits, Rate::from_units(100_000), &["1000000 USD"]);
    run_of(setup, vec![FeedData::Candles(Arc::clone(candles))], FillPreset::Conservative, recording)
}

/// `market-maker` two ticks behind the best prices, evaluated each 100 ms, starting with half of its inventory,
/// fee 0.02 %, with the queue model.
pub fn making(quotes: &Arc<QuoteSeries>, trades: &Arc<TradeSeries>, limits: Limits) -> Backtest {
    let parameters = MarketMakerParams {
        order_quantity: Quantity::from_units(SCALE / 100),
        offset: Some(Price::from_units(2 * TICK)),
        max_position: Quantity::from_units(SCALE / 5),
        target_position: Quantity::from_units(SCALE / 10),
        skew: Rate::ZERO,
        min_change: Rate::ZERO,
        price_step: Some(Price::from_units(TICK)),
        interval: Span::from_millis(100),
        ..MarketMakerParams::default()
    };
    let strategy = MarketMaker::new(MARKET, parameters).expect("sound parameters");
    let setup = setup(Box::new(strategy), limits, Rate::from_units(20_000), &["100000 USD", "0.1 BTC"]);
    let feeds = vec![FeedData::Quotes(Arc::clone(quotes)), FeedData::Trades(Arc::clone(trades))];
    run_of(setup, feeds, FillPreset::Neutral, Recording::Everything)
}
