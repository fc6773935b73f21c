//! Whole runs: 1,000,000 candles through `sma-cross`, 5,000,000 quotes and trades through `market-maker`.
//!
//! Each once without limits and once with every check on; candles also without the curve and the list of orders, which is
//! the engine and the venue alone. `cargo bench -p pampero-benches --bench history`

// Bench code may stop where a run fails.
#![allow(clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pampero_backtest::{Outcome, Recording, run};
use pampero_benches::{candles, crossover, finite_limits, making, ticks};
use pampero_engine::Limits;

fn describe(name: &str, outcome: &Outcome) {
    println!(
        "{name}: {} events, {} orders, {} fills, {} denied, final equity {}",
        outcome.events,
        outcome.submitted,
        outcome.fills.len(),
        outcome.denied_total(),
        outcome.final_equity
    );
}

fn candle_runs(criterion: &mut Criterion) {
    let history = Arc::new(candles(1_000_000));
    let mut group = criterion.benchmark_group("sma-cross, candles");
    group.throughput(Throughput::Elements(1_000_000)).sample_size(20);
    for (name, limits, recording) in [
        ("no limits", Limits::default(), Recording::Everything),
        ("every check", finite_limits(), Recording::Everything),
        ("every check, totals alone", finite_limits(), Recording::Totals),
    ] {
        describe(name, &run(crossover(&history, limits.clone(), recording)).expect("a run"));
        group.bench_function(BenchmarkId::from_parameter(name), |bench| {
            let make = || crossover(&history, limits.clone(), recording);
            bench.iter_batched(make, |backtest| run(backtest).expect("a run"), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn tick_runs(criterion: &mut Criterion) {
    let (quotes, trades) = ticks(5_000_000);
    let (quotes, trades) = (Arc::new(quotes), Arc::new(trades));
    let mut group = criterion.benchmark_group("market-maker, quotes and trades");
    group
        .throughput(Throughput::Elements(5_000_000))
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    for (name, limits) in [("no limits", Limits::default()), ("every check", finite_limits())] {
        describe(name, &run(making(&quotes, &trades, limits.clone())).expect("a run"));
        group.bench_function(BenchmarkId::from_parameter(name), |bench| {
            let make = || making(&quotes, &trades, limits.clone());
            bench.iter_batched(make, |backtest| run(backtest).expect("a run"), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, candle_runs, tick_runs);
criterion_main!(benches);
