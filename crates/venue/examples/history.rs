//! Measures what history costs in the simulated venue alone: candles with few orders, and quotes and trades with
//! two orders that rest all the time.
//!
//! `cargo run --release -p pampero-venue --example history`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)] // a measurement, not library code

use std::time::Instant;

use pampero_model::{
    Candle, Cash, Level, Market, MarketId, Markets, Order, OrderId, Price, Quantity, Quote, Side, Size, Span,
    Timestamp, Trade, UpdateKind, VenueId,
};
use pampero_venue::{FillModel, FillPreset, HistoryVenue, SimSettings};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const MARKET: MarketId = MarketId(0);

fn venue(preset: FillPreset) -> HistoryVenue {
    let mut markets = Markets::default();
    markets.insert(Market::new("bitex", "btc_usd").unwrap()).unwrap();
    let settings = SimSettings { fill: FillModel::preset(preset), ..SimSettings::default() };
    let mut venue = HistoryVenue::new(&markets, settings);
    venue.deposit(VenueId(0), "1000000000 USD".parse().unwrap()).unwrap();
    venue.deposit(VenueId(0), "1000000 BTC".parse().unwrap()).unwrap();
    venue
}

/// Drains the reports and counts the fills.
fn fills(venue: &mut HistoryVenue, now: Timestamp) -> u64 {
    std::iter::from_fn(|| venue.next_report(now))
        .map(|update| u64::from(matches!(update.kind, UpdateKind::Fill(_))))
        .sum()
}

fn order(id: u64, side: Side, price: i64) -> Order {
    let size = match side {
        Side::Buy => Size::Quote(Cash::from_units(100_000_000_000)),
        Side::Sell => Size::Base(Quantity::from_units(25_000_000)),
    };
    Order { id: OrderId(id), market: MARKET, side, price: Price::from_units(price), size }
}

/// A marketable order each `every` candles, filled at the next open.
fn candles(every: usize) {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    let mut price = 400_000_000_000_i64;
    let span = Span::from_minutes(1);
    let history: Vec<Candle> = (0..1_000_000)
        .map(|minute| {
            let open = price;
            price += random.random_range(-200_000_000..=200_000_000);
            let units = Price::from_units;
            Candle {
                open_time: Timestamp::from_secs(minute * 60),
                open: units(open),
                high: units(open.max(price) + 50_000_000),
                low: units(open.min(price) - 50_000_000),
                close: units(price),
                volume: Quantity::from_units(10_000_000_000),
            }
        })
        .collect();
    let mut venue = venue(FillPreset::Conservative);
    let (mut filled, mut id) = (0, 0);
    let start = Instant::now();
    for (index, candle) in history.iter().enumerate() {
        venue.on_candle_open(MARKET, candle.open_time, candle.open, candle.volume);
        let close = candle.open_time.plus(span);
        if venue.next_due() <= close {
            filled += fills(&mut venue, close);
        }
        venue.on_candle(MARKET, candle, span);
        if index % every == 0 {
            id += 1;
            let side = if id % 2 == 0 { Side::Sell } else { Side::Buy };
            let price = if side == Side::Buy { candle.close.units() * 2 } else { candle.close.units() / 2 };
            venue.place(close, &order(id, side, price));
            venue.advance(close);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("candles: {:.0} million a second, {filled} fills", history.len() as f64 / seconds / 1e6);
}

/// Two orders rest at the best prices; each is replaced every 60 events.
fn quotes(preset: FillPreset) {
    const EVENTS: usize = 5_000_000;
    let mut random = Pcg64Mcg::seed_from_u64(2);
    let mut middle = 40_000_i64;
    let history: Vec<(Quote, bool)> = (0..EVENTS)
        .map(|_| {
            middle += random.random_range(-1..=1) * i64::from(random.random_bool(0.2));
            let mut level = |price: i64| Level {
                price: Price::from_units(price * 10_000_000),
                quantity: Quantity::from_units(random.random_range(1_000_000..100_000_000)),
            };
            (Quote { bid: level(middle), ask: level(middle + 1) }, random.random_bool(0.3))
        })
        .collect();
    let mut venue = venue(preset);
    let (mut filled, mut id, mut time) = (0, 0, Timestamp::MIN);
    let start = Instant::now();
    for (index, (quote, is_trade)) in history.iter().enumerate() {
        time = time.plus(Span::from_millis(1));
        if *is_trade {
            let (price, quantity) = (quote.bid.price, quote.ask.quantity);
            venue.on_trade(MARKET, &Trade { id: 0, time, price, quantity, aggressor: Some(Side::Sell) });
        } else {
            venue.on_quote(MARKET, time, quote);
        }
        if venue.next_due() <= time {
            filled += fills(&mut venue, time);
        }
        if index % 120 == 0 {
            for (side, level) in [(Side::Buy, quote.bid), (Side::Sell, quote.ask)] {
                id += 1;
                venue.cancel(time, OrderId(id - id.min(2)));
                venue.place(time, &order(id, side, level.price.units()));
            }
            venue.advance(time);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "quotes and trades, {preset}: {:.0} million a second, {id} orders, {filled} fills",
        EVENTS as f64 / seconds / 1e6
    );
}

fn main() {
    for _ in 0..3 {
        candles(53);
        quotes(FillPreset::Conservative);
        quotes(FillPreset::Neutral);
    }
}
