//! The decision path: a book of 100 levels a side arrives, a strategy wants an order, every check runs with a
//! finite limit, and an approved command stands in the buffer. Ten other orders are open.
//!
//! Each pass is timed alone and recorded in an HDR histogram; the cost of reading the clock is measured the same
//! way and printed beside it. `cargo bench -p pampero-benches --bench decision`

// Bench code may stop where a setup fails.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use hdrhistogram::Histogram;
use pampero_benches::{MARKET, TICK, finite_limits, setup};
use pampero_engine::{Command, Context, Engine, Event, EventKind, Intent, Outputs, Requirements, Strategy};
use pampero_model::{
    BookSnapshot, CancelReason, Cash, Level, MarketId, OrderId, OrderUpdate, Price, Quantity, Rate, SCALE,
    Side, Size, Timestamp, UpdateKind, VenueId, VenueOrderId,
};

/// Bids at the best bid less a tick with every book, for a size that differs each time.
struct Bidder {
    calls: i64,
}

impl Strategy for Bidder {
    fn requirements(&self) -> Requirements {
        Requirements::of(MARKET)
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        self.calls += 1;
        let best = ctx.book(market).and_then(|book| book.value.best(Side::Buy));
        let Some(best) = best else { return };
        let price = best.price.saturating_sub(Price::from_units(TICK));
        let size = Size::Quote(Cash::from_units((100 * SCALE + self.calls).into()));
        let _ = ctx.submit(Intent::limit(market, Side::Buy, size, price));
    }
}

const WARM_UP: u64 = 100_000;
const PASSES: u64 = 1_000_000;

fn levels(best: i64, step: i64) -> Vec<Level> {
    let level =
        |at| Level { price: Price::from_units(best + step * at), quantity: Quantity::from_units(SCALE) };
    (0..100).map(level).collect()
}

struct Bench {
    engine: Engine,
    out: Outputs,
    nanos: i64,
}

impl Bench {
    fn new() -> Self {
        let setup = setup(
            Box::new(Bidder { calls: 0 }),
            finite_limits(),
            Rate::from_units(250_000),
            &["1000000 USD", "100 BTC"],
        );
        let mut bench =
            Self { engine: Engine::new(setup).expect("an engine"), out: Outputs::default(), nanos: 0 };
        bench.step(EventKind::EnvironmentConfirmed);
        bench.step(EventKind::Reconciled { venue: VenueId(0), until: Timestamp::MAX });
        bench.step(EventKind::BalancesSeen { venue: VenueId(0), at: Timestamp::MAX });
        bench.engine.start(Timestamp::from_nanos(0), &mut bench.out);
        bench
    }

    fn step(&mut self, kind: EventKind<'_>) {
        let time = Timestamp::from_nanos(self.nanos);
        self.engine.step(&Event { time, kind }, &mut self.out);
    }

    fn news(&mut self, order: OrderId, kind: UpdateKind) {
        let time = Timestamp::from_nanos(self.nanos);
        self.step(EventKind::Order(OrderUpdate { order, time, kind }));
    }

    /// The id of the order that was placed, with the buffers emptied.
    fn placed(&mut self) -> Option<OrderId> {
        let id = self.out.commands.iter().find_map(|command| match command {
            Command::Place(order) => Some(order.get().id),
            _ => None,
        });
        self.out.clear();
        id
    }
}

fn main() {
    // `cargo test --benches` and `cargo bench --no-run` only want to know that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let books = [0, 1, 2, 3].map(|shift| {
        let best = (4_000_000 + shift) * TICK;
        (levels(best, -TICK), levels(best + TICK, TICK))
    });
    let mut bench = Bench::new();
    let mut decision = Histogram::<u64>::new(3).expect("a histogram");
    let mut clock = Histogram::<u64>::new(3).expect("a histogram");
    let mut approved: u64 = 0;
    for (pass, (bids, asks)) in (0..WARM_UP + PASSES).zip(books.iter().cycle()) {
        bench.nanos += 1_000_000_000;
        let book = BookSnapshot { bids, asks };
        let start = Instant::now();
        bench.step(black_box(EventKind::Book { market: MARKET, book }));
        black_box(&bench.out.commands);
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let start = Instant::now();
        let empty = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if pass >= WARM_UP {
            decision.record(nanos).expect("a value in range");
            clock.record(empty).expect("a value in range");
        }
        let Some(id) = bench.placed() else { continue };
        approved += 1;
        // The first ten stay open; each later one leaves before the next pass.
        bench.news(id, UpdateKind::Acknowledged(VenueOrderId(id.0)));
        bench.news(id, UpdateKind::Live);
        if bench.engine.open_orders().len() > 10 {
            bench.news(id, UpdateKind::Cancelled(CancelReason::Requested));
        }
        bench.out.clear();
    }
    println!(
        "decision path: {approved} of {} passes approved, {} checks ran on each, {} orders open",
        WARM_UP + PASSES,
        bench.engine.checks_ran(),
        bench.engine.open_orders().len()
    );
    for (name, histogram) in [("book to command", &decision), ("reading the clock", &clock)] {
        let at = |quantile| histogram.value_at_quantile(quantile);
        println!(
            "{name}: p50 {} ns, p99 {} ns, p99.9 {} ns, mean {:.0} ns",
            at(0.5),
            at(0.99),
            at(0.999),
            histogram.mean()
        );
    }
}
