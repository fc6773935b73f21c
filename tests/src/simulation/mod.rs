//! The whole system against an exchange that does everything wrong, in virtual time.
//!
//! Real engine, risk gate, execution and gateway run against a real matching venue behind an unreliable network, with
//! a person on the same account and crashes at the worst moments. One seed decides everything. Each run has two parts:
//! first faults, in which nothing may be lost, doubled, adopted wrongly or beyond a limit; then quiet, in which
//! everything must come together. Every seed runs twice and must leave the same trace.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)] // test code

mod driver;
mod exchange;
mod faults;
mod session;
mod trader;
mod world;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

pub use driver::Run;
pub use faults::Fault;

/// Bugs that are planted to see whether the simulation finds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Canary {
    /// The adapter sends an order again when there is no answer.
    RetryOnTimeout,
    /// An unknown outcome is taken as a refusal.
    ErrorIsFailure,
    /// An order is given up while the exchange may still carry it out.
    ShortQuarantine,
    /// Prices carry no fingerprint, and a person trades at the same ones.
    NoFingerprint,
    /// A read that failed is taken as empty.
    FailedReadIsEmpty,
    /// A cancellation that was accepted is taken as done.
    AcceptedIsCancelled,
    /// The funds of an order with an unknown outcome are freed.
    ForgottenReservation,
}

impl Canary {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::RetryOnTimeout,
        Self::ErrorIsFailure,
        Self::ShortQuarantine,
        Self::NoFingerprint,
        Self::FailedReadIsEmpty,
        Self::AcceptedIsCancelled,
        Self::ForgottenReservation,
    ];

    const fn in_execution(self) -> Option<pampero_runtime::execution::Canary> {
        use pampero_runtime::execution::Canary as Bug;
        match self {
            Self::ErrorIsFailure => Some(Bug::ErrorIsFailure),
            Self::ShortQuarantine => Some(Bug::ShortQuarantine),
            Self::FailedReadIsEmpty => Some(Bug::FailedReadIsEmpty),
            Self::AcceptedIsCancelled => Some(Bug::AcceptedIsCancelled),
            Self::ForgottenReservation => Some(Bug::ForgottenReservation),
            Self::RetryOnTimeout | Self::NoFingerprint => None,
        }
    }
}

/// What a seed found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The seed, to run it again.
    pub seed: u64,
    /// What must never happen and did.
    pub what: String,
}

/// What came out of a range of seeds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// How many seeds ran, each twice.
    pub seeds: u64,
    /// Orders that were sent.
    pub intents: u64,
    /// Faults that struck.
    pub faults: u64,
    /// Crashes among them.
    pub crashes: u64,
    /// Executions of own orders.
    pub fills: u64,
    /// Orders whose outcome was unknown at some time.
    pub unknown: u64,
    /// Orders found by watermark and fingerprint.
    pub adopted: u64,
    /// Fewest orders in a run.
    pub fewest_intents: u64,
    /// Fewest faults in a run.
    pub fewest_faults: u64,
    /// How often each kind struck.
    pub hits: BTreeMap<Fault, u64>,
    /// What must never happen and did: empty, or something is wrong.
    pub findings: Vec<Finding>,
}

/// Runs every seed of a range twice. With a canary it stops at the first finding.
pub fn run(seeds: Range<u64>, canary: Option<Canary>) -> Report {
    let mut report = Report { fewest_intents: u64::MAX, fewest_faults: u64::MAX, ..Report::default() };
    for seed in seeds {
        let run = Run::of(seed, canary);
        report.seeds += 1;
        add(&mut report, &run);
        if canary.is_none() && Run::of(seed, None).hash != run.hash {
            report.findings.push(Finding { seed, what: "a second run left another trace".to_owned() });
        }
        report.findings.extend(run.findings.iter().map(|what| Finding { seed, what: what.clone() }));
        if canary.is_some() && !report.findings.is_empty() {
            break;
        }
    }
    report
}

/// The same on every core: seeds are dealt out as threads become free.
pub fn run_on_all_cores(seeds: Range<u64>) -> Report {
    let next = AtomicU64::new(seeds.start);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut report = Report { fewest_intents: u64::MAX, fewest_faults: u64::MAX, ..Report::default() };
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return report;
            }
            report.merge(run(seed..seed + 1, None));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let reports = workers.into_iter().map(|worker| worker.join().unwrap());
        reports
            .reduce(|mut all, one| {
                all.merge(one);
                all
            })
            .unwrap_or_default()
    })
}

impl Report {
    fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.intents += other.intents;
        self.faults += other.faults;
        self.crashes += other.crashes;
        self.fills += other.fills;
        self.unknown += other.unknown;
        self.adopted += other.adopted;
        self.fewest_intents = self.fewest_intents.min(other.fewest_intents);
        self.fewest_faults = self.fewest_faults.min(other.fewest_faults);
        for (fault, count) in other.hits {
            *self.hits.entry(fault).or_default() += count;
        }
        self.findings.extend(other.findings);
    }
}

fn add(report: &mut Report, run: &Run) {
    let faults: u64 = run.hits.values().sum();
    report.intents += run.intents;
    report.faults += faults;
    report.crashes += run.crashes;
    report.fills += run.fills;
    report.unknown += run.unknown;
    report.adopted += run.adopted;
    report.fewest_intents = report.fewest_intents.min(run.intents);
    report.fewest_faults = report.fewest_faults.min(faults);
    for (fault, count) in &run.hits {
        *report.hits.entry(*fault).or_default() += count;
    }
}
