//! One run of a bench's work, many times over, for a profiler. The work is `candles`, `totals` (the same without the curve and
//! the list of orders) or `ticks`:
//! `cargo run --profile bench -p pampero-benches --example profile candles 20`.

// Bench code may stop where a run fails.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use pampero_backtest::{Recording, run};
use pampero_benches::{candles, crossover, finite_limits, making, ticks};

fn main() {
    let what = std::env::args().nth(1).unwrap_or_default();
    let times: usize = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(10);
    let mut best = f64::MAX;
    let mut time = |backtest| {
        let start = Instant::now();
        let outcome = run(backtest).expect("a run");
        best = best.min(start.elapsed().as_secs_f64());
        outcome.events
    };
    let mut events = 0;
    if what == "candles" || what == "totals" {
        let recording = if what == "totals" { Recording::Totals } else { Recording::Everything };
        let history = Arc::new(candles(1_000_000));
        for _ in 0..times {
            events = time(crossover(&history, finite_limits(), recording));
        }
    } else {
        let (quotes, trades) = ticks(5_000_000);
        let (quotes, trades) = (Arc::new(quotes), Arc::new(trades));
        for _ in 0..times {
            events = time(making(&quotes, &trades, finite_limits()));
        }
    }
    println!("{events} events, best of {times}: {:.1} ms", best * 1e3);
}
