//! `kill -9` of the process that trades, again and again, while the exchange goes on; then both sides' books are
//! compared.
//!
//! Each lane is an exchange of its own and the lives of one trader on it. A life ends at a named place of the program
//! or at any moment; the next one finds what the last one left. Half of the lanes have faults of every kind as well. At the
//! end the exchange says what it accepted and executed, the journal says what was wanted and counted, and the two must be
//! the same, to the last unit.

mod books;
mod chance;
mod ground;
mod lane;
mod program;
mod weather;

use std::collections::BTreeMap;
use std::path::PathBuf;

use pampero_runtime::kill_point::KillPoint;
use serde::Serialize;

pub use program::{become_trader, trader};

/// How much to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A program that calls [`become_trader`] first.
    pub program: PathBuf,
    /// Kills in all, at least.
    pub kills: u64,
    /// Exchanges beside each other.
    pub lanes: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Lives that ended by `kill -9`.
    pub kills: u64,
    /// Those that ended at a named place, by its name.
    pub at_points: BTreeMap<String, u64>,
    /// Orders that the exchange accepted.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Orders that were executed in part.
    pub partial: u64,
    /// Second copies that the exchange itself made of an order.
    pub copies: u64,
    /// How often each fault struck.
    pub faults: BTreeMap<String, u64>,
    /// What should not have been, a line each.
    pub failures: Vec<String>,
}

/// Runs it.
pub fn run(settings: &Settings) -> Report {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Report::failed(format!("no threads: {error}")),
    };
    let lanes = settings.lanes.max(1);
    let each = settings.kills.div_ceil(lanes);
    let handle = runtime.handle();
    let reports: Vec<Report> = std::thread::scope(|scope| {
        let lane = |seed| {
            scope.spawn(move || {
                lane::run(handle, &settings.program, seed, each)
                    .unwrap_or_else(|problem| Report::failed(format!("lane {seed}: {problem}")))
            })
        };
        let lanes: Vec<_> = (0..lanes).map(lane).collect();
        let panicked = || Report::failed("a lane panicked");
        lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|_| panicked())).collect()
    });
    let mut all = weather::silent();
    for report in reports {
        all.merge(report);
    }
    all
}

impl Report {
    fn failed(problem: impl Into<String>) -> Self {
        Self { failures: vec![problem.into()], ..Self::default() }
    }

    fn merge(&mut self, other: Self) {
        self.kills += other.kills;
        self.orders += other.orders;
        self.fills += other.fills;
        self.partial += other.partial;
        self.copies += other.copies;
        self.failures.extend(other.failures);
        for (mine, others) in [(&mut self.at_points, other.at_points), (&mut self.faults, other.faults)] {
            for (name, count) in others {
                *mine.entry(name).or_default() += count;
            }
        }
    }

    /// Kinds of faults and places that were to come up and did not: with them the proof has a hole.
    pub fn missing(&self) -> Vec<String> {
        let silent = |(name, count): (&String, &u64)| (*count == 0).then(|| name.clone());
        let faults = self.faults.iter().filter_map(silent).map(|name| format!("{name} never struck"));
        let unseen = |point: &KillPoint| !self.at_points.contains_key(point.name());
        let places = lane::PLACES.into_iter().filter(unseen);
        faults.chain(places.map(|point| format!("no life ended at {}", point.name()))).collect()
    }
}
