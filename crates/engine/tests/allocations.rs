//! A warm engine allocates nothing: neither when it only looks on nor when it quotes, cancels and is filled.

// Test code may stop where a setup fails.
#![allow(clippy::unwrap_used, missing_docs)]

use pampero_engine::{
    Allocation, Command, Context, Desired, Engine, Event, EventKind, Limits, MarketLimits, Outputs, Owner,
    Reason, Requirements, Setup, Strategy, StrategyId,
};
use pampero_model::{
    BookSnapshot, CancelReason, Cash, Level, Market, MarketId, Markets, OrderUpdate, Price, Quantity, Rate,
    SCALE, Side, Size, Span, Timestamp, UpdateKind, VenueId, VenueOrderId,
};

const MARKET: MarketId = MarketId(0);

/// Moves both quotes with every book.
struct Quoter;

impl Strategy for Quoter {
    fn requirements(&self) -> Requirements {
        Requirements::of(MARKET)
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        let Some(mid) = ctx.mark(market).map(|fact| fact.value) else { return };
        let one = Price::from_units(SCALE);
        let desired = [
            Desired {
                side: Side::Buy,
                price: mid.saturating_sub(one),
                size: Size::Quote(Cash::from_units(10 * i128::from(SCALE))),
            },
            Desired {
                side: Side::Sell,
                price: mid.saturating_add(one),
                size: Size::Base(Quantity::from_units(SCALE / 10)),
            },
        ];
        ctx.quote(market, &desired, Reason::new("QUOTE"));
    }
}

fn engine() -> Engine {
    let mut markets = Markets::default();
    markets.insert(Market::new("bitex", "btc_usd").unwrap()).unwrap();
    let mut setup = Setup::new(markets, "usd".parse().unwrap());
    let per_market = MarketLimits {
        max_order_notional: Some(Cash::MAX),
        max_order_quantity: Some(Quantity::MAX),
        max_position: Some(Quantity::MAX),
        order_cap: Some(Cash::MAX),
    };
    let limits = Limits {
        markets: vec![per_market],
        price_collar: Some(Rate::ONE),
        price_drift: Some(Rate::ONE),
        price_drift_window: Span::from_hours(1),
        max_open_orders: Some(1_000),
        orders_per_day: Some(10_000),
        duplicate_window: Some(Span::from_nanos(1)),
        max_drawdown: Some(Rate::ONE),
        ..Limits::default()
    };
    setup.account_limits = limits.clone();
    setup.strategies.push((Box::new(Quoter), limits));
    for money in ["100000 USD", "10 BTC"] {
        let owner = Owner::Strategy(StrategyId(0));
        setup.allocations.push(Allocation { owner, venue: VenueId(0), money: money.parse().unwrap() });
    }
    Engine::new(setup).unwrap()
}

fn side(best: i64, step: i64) -> Vec<Level> {
    let level = |at| Level {
        price: Price::from_units((best + step * at) * SCALE),
        quantity: Quantity::from_units(SCALE),
    };
    (0..100).map(level).collect()
}

/// A book, then the venue's answers to whatever the engine sent. Gives how many orders were placed.
fn round(
    engine: &mut Engine,
    (out, answers): (&mut Outputs, &mut Vec<OrderUpdate>),
    second: i64,
    book: BookSnapshot<'_>,
) -> u64 {
    let time = Timestamp::from_secs(second);
    let mut placed = 0;
    engine.step(&Event { time, kind: EventKind::Book { market: MARKET, book } }, out);
    loop {
        answers.clear();
        for command in out.commands.drain(..) {
            let mut answer = |order, kind| answers.push(OrderUpdate { order, time, kind });
            match command {
                Command::Place(order) => {
                    let id = order.get().id;
                    placed += 1;
                    answer(id, UpdateKind::Acknowledged(VenueOrderId(id.0)));
                    answer(id, UpdateKind::Live);
                }
                Command::Cancel { order, .. } => {
                    answer(order, UpdateKind::Cancelled(CancelReason::Requested));
                }
                Command::CancelAll { .. } => {}
            }
        }
        out.clear();
        if answers.is_empty() {
            return placed;
        }
        for update in &*answers {
            engine.step(&Event { time, kind: EventKind::Order(*update) }, out);
        }
    }
}

#[test]
fn a_warm_engine_allocates_nothing() {
    let mut engine = engine();
    let (mut out, mut answers) = (Outputs::default(), Vec::with_capacity(64));
    engine.step(&Event { time: Timestamp::MIN, kind: EventKind::EnvironmentConfirmed }, &mut out);
    engine.start(Timestamp::from_secs(0), &mut out);
    let books = [100, 103, 101, 99].map(|mid| (side(mid - 1, -1), side(mid + 1, 1)));
    let snapshots: Vec<BookSnapshot<'_>> =
        books.iter().map(|(bids, asks)| BookSnapshot { bids, asks }).collect();
    let mut second = 0;
    let mut run = |rounds: usize| {
        let mut placed = 0;
        for book in snapshots.iter().cycle().take(rounds) {
            second += 1;
            placed += round(&mut engine, (&mut out, &mut answers), second, *book);
        }
        placed
    };
    // Warm: every buffer has reached its size, the memory of ended orders too.
    assert!(run(2_000) > 1_024);
    let mut placed = 0;
    let counted = allocation_counter::measure(|| placed = run(1_000));
    assert!(placed >= 1_000, "the path must be the whole one, with orders: {placed}");
    assert_eq!(counted.count_total, 0);
}
