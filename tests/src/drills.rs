//! Drills of the kill switch: trading is stopped while orders are open and the exchange misbehaves, and the times are
//! taken. Everything is real but the exchange: the guard's own thread, its file, its client and HTTP, and the clock.

use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pampero_bitex::{ApiKey, Bitex, Client, Config, Environment, Timeouts};
use pampero_exchange::{Budget, Exchange, OrderRequest, Outcome};
use pampero_model::{Rate, Side, Size, Span};
use pampero_runtime::guard::{Account, Guard, GuardSettings, Latch, Level, SweepSettings};
use pampero_runtime::notify::Notifier;
use pampero_runtime::state_dir::StateDir;
use pampero_sandbox::{FaultRule, Sandbox, SandboxConfig};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;
use tokio::runtime::{Builder, Handle};

/// No order may leave from then on.
const BLOCKED: Duration = Duration::from_millis(100);
/// The first cancellation is on its way.
const SENT: Duration = Duration::from_secs(1);
/// Every order is gone, or there would be something to say about the faults.
const CLEAR: Duration = Duration::from_secs(30);

/// What goes wrong with a request, and for how long in milliseconds.
const FAULTS: &[(&str, &str, Option<u32>)] = &[
    ("F01", "refused", None),
    ("F03", "swallowed", None),
    ("F04", "lost", None),
    ("F06", "before_headers", None),
    ("F06", "mid_body", None),
    ("F08", "status", None),
    ("F09", "status", None),
    ("F10", "cloudflare", None),
    ("F11", "plain", None),
    ("F15", "cut", None),
    ("F37", "delayed", Some(200)),
    ("F37", "delayed", Some(800)),
];
const ENDPOINTS: [&str; 2] = ["POST /orders/cancel", "GET /orders"];

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Stops.
    pub drills: u64,
    /// Orders that were open then.
    pub orders: u64,
    /// Faults that struck.
    pub faults: u64,
    /// The longest from the stop until nothing can be sent.
    pub blocked: Duration,
    /// The longest until the first cancellation is sent.
    pub sent: Duration,
    /// The longest until two lists without orders.
    pub clear: Duration,
    /// What should not have been, a line each.
    pub failures: Vec<String>,
}

/// Runs so many drills, several beside each other.
pub fn run(drills: u64) -> Report {
    let runtime = match Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Report::failed(error.to_string()),
    };
    let lanes = std::thread::available_parallelism().map_or(1, NonZero::get) * 4;
    let mut report = Report::default();
    std::thread::scope(|scope| {
        let lane = |number: usize| {
            let handle = runtime.handle().clone();
            scope.spawn(move || {
                Lane::open(&handle).map(|lane| lane.run((number as u64..drills).step_by(lanes)))
            })
        };
        for lane in (0..lanes).map(lane).collect::<Vec<_>>() {
            report.add(match lane.join() {
                Ok(Ok(part)) => part,
                Ok(Err(problem)) => Report::failed(problem),
                Err(_) => Report::failed("a drill panicked".to_owned()),
            });
        }
    });
    report
}

/// How trading is stopped.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// By a rule, in the process.
    Rule,
    /// By another process, through the file.
    File,
    /// By a panic in a thread that is watched.
    Panic,
}

/// An exchange of its own, and a desk that trades there.
struct Lane {
    handle: Handle,
    sandbox: Sandbox,
    /// Orders without faults, and what the guard has.
    desk: Arc<dyn Exchange>,
    urgent: Arc<dyn Exchange>,
}

impl Lane {
    fn open(handle: &Handle) -> Result<Self, String> {
        let mut config = SandboxConfig {
            requests_per_second: 0,
            engine_delay: Span::from_millis(5),
            ..SandboxConfig::default()
        };
        config.agents.enabled = false;
        let sandbox = handle.block_on(Sandbox::start(config)).map_err(|error| error.to_string())?;
        let _inside = handle.enter();
        let (desk, urgent) =
            (client(&sandbox, Duration::from_secs(20))?, client(&sandbox, Duration::from_secs(2))?);
        let (desk, urgent) = (Arc::new(Bitex::new(desk)), Arc::new(Bitex::new(urgent.urgent())));
        Ok(Self { handle: handle.clone(), sandbox, desk, urgent })
    }

    fn run(&self, seeds: impl Iterator<Item = u64>) -> Report {
        let mut report = Report::default();
        for seed in seeds {
            if let Err(problem) = self.drill(seed, &mut report) {
                report.failures.push(format!("drill {seed}: {problem}"));
            }
        }
        report
    }

    fn drill(&self, seed: u64, report: &mut Report) -> Result<(), String> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let way = match random.random_range(0..3) {
            0 => Way::Rule,
            1 => Way::File,
            _ => Way::Panic,
        };
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).map_err(text)?;
        let state = StateDir::open(Some(folder.path()), "local").map_err(text)?;
        let latch = Arc::new(Latch::open(&state).map_err(text)?);
        let guard = Guard::start(
            vec![Account::everything(Arc::clone(&self.urgent))],
            Arc::clone(&latch),
            settings(),
            Notifier::default(),
        )
        .map_err(text)?;
        for _ in 0..random.random_range(0..4) {
            self.handle.block_on(self.place())?;
            report.orders += 1;
        }
        self.sandbox.set_faults(faults(&mut random)).map_err(text)?;
        std::thread::sleep(Duration::from_millis(random.random_range(0..40)));

        let asked = Instant::now();
        stop(way, &guard, &state)?;
        while !latch.is_blocked() && asked.elapsed() < CLEAR {
            std::thread::sleep(Duration::from_micros(500));
        }
        let blocked = asked.elapsed();
        let cleared =
            self.handle.block_on(async { tokio::time::timeout(CLEAR, guard.cleared()).await.is_ok() });
        let clear = asked.elapsed();
        // The guard counts from when it knew, which is not later than when it blocked.
        let first = guard.status().progress.first_sent.ok_or("no cancellation was sent")?;
        let sent = blocked + first;
        report.faults += self.sandbox.fault_counts().iter().map(|counted| counted.hits).sum::<u64>();
        self.sandbox.set_faults(Vec::new()).map_err(text)?;
        let left = self.handle.block_on(self.desk.active_orders(None)).map_err(text)?.len();

        report.drills += 1;
        report.blocked = report.blocked.max(blocked);
        report.sent = report.sent.max(sent);
        report.clear = report.clear.max(clear);
        if blocked >= BLOCKED || sent >= SENT || !cleared || left > 0 {
            return Err(format!(
                "{way:?}: blocked after {blocked:?}, the first cancellation after {sent:?}, clear after {clear:?}, {left} orders left"
            ));
        }
        Ok(())
    }

    /// Places an order behind the gateway's back, and waits until it is on the book.
    #[allow(clippy::disallowed_methods)] // the drill begins behind what the gateway let pass
    async fn place(&self) -> Result<(), String> {
        let request = OrderRequest {
            market: "btc_usd".into(),
            side: Side::Buy,
            price: "1000".parse().map_err(text)?,
            size: Size::Quote("25".parse().map_err(text)?),
            reference: None,
            watermark: None,
        };
        match self.desk.place(&request, &|| Ok(())).await {
            Outcome::Acknowledged(_) => Ok(()),
            other => Err(format!("the order was not taken: {other:?}")),
        }
    }
}

fn stop(way: Way, guard: &Guard, state: &StateDir) -> Result<(), String> {
    match way {
        Way::Rule => guard.trip(Level::Halt, "drill", "rule"),
        Way::File => Latch::open(state)
            .and_then(|latch| latch.engage(Level::Halt, "drill", "operator"))
            .map_err(text)?,
        Way::Panic => {
            let watched = guard.clone();
            let thread = std::thread::spawn(move || {
                let _sentinel = watched.sentinel("the engine");
                std::panic::resume_unwind(Box::new("drill"));
            });
            let _ = thread.join(); // it panicked, as it should
        }
    }
    Ok(())
}

/// Each of the first requests to an endpoint may meet a fault.
fn faults(random: &mut Pcg64Mcg) -> Vec<FaultRule> {
    let mut rules = Vec::new();
    for endpoint in ENDPOINTS {
        for request in 1..=random.random_range(0..4_u64) {
            let Some((fault, mode, ms)) = FAULTS.get(random.random_range(0..FAULTS.len())) else { continue };
            rules.push(FaultRule {
                fault: (*fault).to_owned(),
                mode: Some((*mode).to_owned()),
                endpoint: endpoint.to_owned(),
                probability: Rate::ZERO,
                on: vec![request],
                limit: None,
                ms: *ms,
                status: None,
                count: None,
            });
        }
    }
    rules
}

/// Requests scaled down, so that a thousand drills take minutes; the watching is as it is in trading.
fn settings() -> GuardSettings {
    let sweep = SweepSettings {
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(100),
        verify_gap: Duration::from_millis(50),
        patience: Duration::from_millis(400),
        ..SweepSettings::default()
    };
    GuardSettings { sweep, ..GuardSettings::default() }
}

fn client(sandbox: &Sandbox, patience: Duration) -> Result<Client, String> {
    let environment = Environment::local(&sandbox.url()).map_err(text)?;
    let token = sandbox.keys().remove("trade").ok_or("the sandbox has no such key")?;
    let key = ApiKey::new(token.into(), &environment).map_err(text)?;
    let mut config = Config::new(environment);
    config.timeouts = Timeouts { connect: patience, read: patience, repeatable: patience, create: patience };
    Client::new(config, Budget::unlimited()).map_err(text)?.with_key(key).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Report {
    fn failed(problem: String) -> Self {
        Self { failures: vec![problem], ..Self::default() }
    }

    fn add(&mut self, other: Self) {
        self.drills += other.drills;
        self.orders += other.orders;
        self.faults += other.faults;
        self.blocked = self.blocked.max(other.blocked);
        self.sent = self.sent.max(other.sent);
        self.clear = self.clear.max(other.clear);
        self.failures.extend(other.failures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_drills() {
        let report = run(24);
        assert_eq!((report.drills, &report.failures), (24, &Vec::new()), "{report:#?}");
        assert!(report.orders > 10 && report.faults > 10 && report.clear > Duration::ZERO, "{report:#?}");
    }
}
