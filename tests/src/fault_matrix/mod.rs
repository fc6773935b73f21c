//! The real adapter over real HTTP against the local exchange: every fault that applies × every endpoint.
//!
//! Each cell sets one fault, asks one endpoint through the adapter's own method, and compares what the adapter said
//! with what the exchange knows. What must hold in every cell:
//!
//! * the request reaches the exchange at most once;
//! * nothing is called created that is not there, and nothing is called refused or not sent that is;
//! * errors have the right code, are short, and hold no key;
//! * an answer without end costs no more time than it was allowed.

// The adapter itself is on trial here, without the gateway that alone may place orders.
#![allow(clippy::disallowed_methods)]

mod endpoints;
mod faults;
mod judge;
mod stand;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pampero_sandbox::Tls;
use serde::Serialize;
use tokio::task::JoinSet;

use self::endpoints::{Endpoint, Said};
use self::faults::Fault;
use self::stand::Stand;

/// How the matrix runs.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long the adapter waits for an answer that does not come.
    pub patience: Duration,
    /// Exchanges that run side by side.
    pub lanes: usize,
    /// Takes every so manieth cell; one for all.
    pub stride: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { patience: Duration::from_millis(100), lanes: 12, stride: 1 }
    }
}

/// What the matrix found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Cells that ran.
    pub cells: u64,
    /// Forms of faults, those of TLS among them.
    pub faults: u64,
    /// Endpoints of the adapter.
    pub endpoints: u64,
    /// Cells by what the adapter said.
    pub outcomes: BTreeMap<String, u64>,
    /// How often each fault struck, as the exchange counted.
    pub hits: BTreeMap<String, u64>,
    /// What should not have been, a line each.
    pub failures: Vec<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// Certificates and handshakes that nobody should accept, and whether the client knows the certificate.
const UNTRUSTED: [(&str, Tls, bool); 5] = [
    ("F02 self-signed", Tls::Valid, false),
    ("F02 expired", Tls::Expired, true),
    ("F02 wrong host", Tls::WrongHost, true),
    ("F02 handshake cut", Tls::Cut, true),
    ("F02 TLS 1.0", Tls::Old, true),
];

/// Runs the matrix.
///
/// # Errors
/// Says what kept it from running at all; what it finds is in the report.
pub async fn run(settings: Settings) -> Result<Report, String> {
    let started = Instant::now();
    let faults = faults::all();
    let mut report = Report {
        faults: u64::try_from(faults.len() + UNTRUSTED.len()).unwrap_or(u64::MAX),
        endpoints: u64::try_from(endpoints::all().count()).unwrap_or(u64::MAX),
        ..Report::default()
    };
    let cells =
        faults.iter().flat_map(|fault| endpoints::all().map(move |endpoint| (fault.clone(), endpoint)));
    let cells = cells.filter(|(fault, endpoint)| fault.applies(endpoint)).step_by(settings.stride.max(1));
    let mut lanes = vec![Vec::new(); settings.lanes.max(1)];
    for (number, cell) in cells.enumerate() {
        if let Some(lane) = lanes.get_mut(number % settings.lanes.max(1)) {
            lane.push(cell);
        }
    }
    let mut tasks = JoinSet::new();
    for lane in lanes {
        tasks.spawn(run_lane(settings, lane));
    }
    for (name, tls, known) in UNTRUSTED {
        tasks.spawn(run_untrusted(settings, name, tls, known));
    }
    while let Some(done) = tasks.join_next().await {
        report.add(done.map_err(|error| error.to_string())??);
    }
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

impl Report {
    fn add(&mut self, other: Self) {
        self.cells += other.cells;
        for (name, count) in other.outcomes {
            *self.outcomes.entry(name).or_default() += count;
        }
        for (name, count) in other.hits {
            *self.hits.entry(name).or_default() += count;
        }
        self.failures.extend(other.failures);
    }

    fn count(&mut self, said: &Said, fault: &str, hits: u64) {
        let outcome = match said {
            Said::Done(_) => "done",
            Said::Failed(error) => error.code(),
            Said::Rejected(_) => "rejected",
            Said::NotSent(_) => "not sent",
            Said::Unknown(_) => "unknown",
        };
        self.cells += 1;
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
        *self.hits.entry(fault.to_owned()).or_default() += hits;
    }
}

async fn run_lane(settings: Settings, cells: Vec<(Fault, &'static Endpoint)>) -> Result<Report, String> {
    let mut stand = Stand::start(settings.patience).await?;
    let mut report = Report::default();
    for (fault, endpoint) in cells {
        let cell = stand.cell(&fault, endpoint).await;
        let cell = cell.map_err(|error| format!("{} at {}: {error}", fault.name(), endpoint.name))?;
        report.count(&cell.said, &fault.name(), cell.hits);
        let problems = judge::problems(&fault, endpoint, &cell, settings.patience);
        let place = format!("{} at {}", fault.name(), endpoint.name);
        report
            .failures
            .extend(problems.into_iter().map(|problem| format!("{place}: {problem}: {:?}", cell.said)));
    }
    Ok(report)
}

/// No request gets through to an exchange that cannot prove who it is.
async fn run_untrusted(settings: Settings, name: &str, tls: Tls, known: bool) -> Result<Report, String> {
    let mut report = Report::default();
    let stand = Stand::untrusted(settings.patience, tls, known).await?;
    for endpoint in endpoints::all() {
        let said = stand.ask(endpoint).await?;
        report.count(&said, name, 1);
        let not_sent = matches!(&said, Said::NotSent(_) | Said::Failed(pampero_exchange::Error::NotSent(_)));
        if !not_sent {
            report.failures.push(format!("{name} at {}: {said:?}", endpoint.name));
        }
    }
    let arrived: u64 = stand.requests();
    if arrived > 0 {
        report.failures.push(format!("{name}: {arrived} requests arrived"));
    }
    Ok(report)
}
