//! The order book: replacing both sides, walking the depth, changing one level.
//!
//! `cargo bench -p pampero-benches --bench book`

// Bench code may stop where a setup fails.
#![allow(clippy::expect_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pampero_benches::TICK;
use pampero_model::{BookSnapshot, Level, OrderBook, Price, Quantity, SCALE, Side, Size};

fn side(best: i64, step: i64) -> Vec<Level> {
    let level =
        |at| Level { price: Price::from_units(best + step * at), quantity: Quantity::from_units(SCALE) };
    (0..100).map(level).collect()
}

fn book(criterion: &mut Criterion) {
    let (bids, asks) = (side(4_000_000 * TICK, -TICK), side(4_000_001 * TICK, TICK));
    let snapshot = BookSnapshot { bids: &bids, asks: &asks };
    let mut book = OrderBook::with_capacity(100);
    criterion.bench_function("replace two sides of 100 levels", |bench| {
        bench.iter(|| {
            book.replace(black_box(snapshot));
            black_box(&book);
        });
    });
    let size = Size::Base(Quantity::from_units(40 * SCALE));
    criterion.bench_function("walk 40 levels", |bench| {
        bench.iter(|| book.walk(Side::Buy, black_box(size), None));
    });
    criterion.bench_function("change one level", |bench| {
        let level =
            Level { price: Price::from_units(3_999_950 * TICK), quantity: Quantity::from_units(SCALE) };
        bench.iter(|| book.set_level(Side::Buy, black_box(level)));
    });
}

criterion_group!(benches, book);
criterion_main!(benches);
