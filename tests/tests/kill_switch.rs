//! The kill switch and the watchdog against the local exchange, over real HTTP, with faults and their own threads.
#![allow(clippy::disallowed_methods)] // orders are placed behind the gateway's back, as by a person
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::sync::Arc;
use std::time::{Duration, Instant};

use pampero_bitex::{ApiKey, Bitex, Client, Config, Environment, Timeouts};
use pampero_exchange::{Budget, Exchange, OrderRequest, Outcome};
use pampero_model::{Side, Size, Span, Timestamp};
use pampero_runtime::guard::{Account, Guard, GuardSettings, Latch, Level, Phase, SweepSettings};
use pampero_runtime::notify::Notifier;
use pampero_runtime::state_dir::StateDir;
use pampero_runtime::watchdog::{self, Heartbeat, WatchdogSettings};
use pampero_sandbox::{FaultRule, Sandbox, SandboxConfig};

struct Desk {
    sandbox: Sandbox,
    exchange: Arc<dyn Exchange>,
    root: tempfile::TempDir,
}

impl Desk {
    /// A quiet exchange with one own order on its book.
    async fn start() -> Self {
        let mut config = SandboxConfig { requests_per_second: 0, ..SandboxConfig::default() };
        config.agents.enabled = false;
        let sandbox = Sandbox::start(config).await.unwrap();
        let root = tempfile::tempdir().unwrap();
        let exchange = client(&sandbox);
        let desk = Self { sandbox, exchange, root };
        desk.place().await;
        desk
    }

    fn state(&self) -> StateDir {
        StateDir::open(Some(self.root.path()), "local").unwrap()
    }

    async fn place(&self) {
        let request = OrderRequest {
            market: "btc_usd".into(),
            side: Side::Buy,
            price: "1000".parse().unwrap(),
            size: Size::Quote("25".parse().unwrap()),
            reference: None,
            watermark: None,
        };
        let placed = self.exchange.place(&request, &|| Ok(())).await;
        assert!(matches!(placed, Outcome::Acknowledged(_)), "{placed:?}");
        while self.exchange.active_orders(None).await.unwrap().is_empty() {
            self.sandbox.advance(Span::from_millis(300));
        }
    }

    fn fault(&self, toml: &str) {
        let rule: FaultRule = toml::from_str(toml).unwrap();
        self.sandbox.set_faults(vec![rule]).unwrap();
    }

    /// Waits until the latch blocks and nothing is left on the book.
    async fn cancelled(&self) {
        let latch = Latch::open(&self.state()).unwrap();
        loop {
            latch.refresh();
            self.sandbox.advance(Span::from_millis(300));
            if latch.is_blocked() && self.exchange.active_orders(None).await.is_ok_and(|left| left.is_empty())
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A client with connections of its own.
fn client(sandbox: &Sandbox) -> Arc<dyn Exchange> {
    let environment = Environment::local(&sandbox.url()).unwrap();
    let key = ApiKey::new(sandbox.keys()["trade"].as_str().into(), &environment).unwrap();
    let mut config = Config::new(environment);
    let patience = Duration::from_secs(2);
    config.timeouts = Timeouts { connect: patience, read: patience, repeatable: patience, create: patience };
    let client = Client::new(config, Budget::unlimited()).unwrap().with_key(key).unwrap();
    Arc::new(Bitex::new(client.urgent()))
}

fn sweep() -> SweepSettings {
    SweepSettings {
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(50),
        verify_gap: Duration::from_millis(100),
        patience: Duration::from_millis(500),
        ..SweepSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn another_process_halts_and_the_orders_go_although_the_exchange_is_down_at_first() {
    let desk = Desk::start().await;
    let latch = Arc::new(Latch::open(&desk.state()).unwrap());
    let settings = GuardSettings { sweep: sweep(), ..GuardSettings::default() };
    let accounts = vec![Account::everything(client(&desk.sandbox))];
    let guard = Guard::start(accounts, Arc::clone(&latch), settings, Notifier::default()).unwrap();
    desk.fault("fault = 'F08'\nstatus = 503\nendpoint = 'POST /orders/cancel'\non = [1, 2, 3]");
    let asked = Instant::now();
    Latch::open(&desk.state()).unwrap().engage(Level::Halt, "by hand", "operator").unwrap();
    desk.cancelled().await;
    guard.cleared().await;
    let progress = guard.status().progress;
    assert!(latch.is_blocked());
    assert!(progress.rounds >= 2 && progress.phase == Phase::Clear, "{progress:?}");
    assert!(progress.first_sent.unwrap() < Duration::from_secs(1), "{progress:?}");
    eprintln!("clear {:?} after the halt: {progress:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_watchdog_cancels_when_the_trading_process_is_silent() {
    let desk = Desk::start().await;
    let path = desk.state().heartbeat_file();
    let latch = Arc::new(Latch::open(&desk.state()).unwrap());
    let settings = WatchdogSettings {
        max_age: Duration::from_millis(300),
        look_every: Duration::from_millis(20),
        sweep: sweep(),
        ..WatchdogSettings::default()
    };
    let account = Account::everything(client(&desk.sandbox));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let watched = path.clone();
    let task = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or(()) };
        watchdog::run(vec![account], &watched, latch, settings, Notifier::default(), shutdown).await;
    });
    drop(Heartbeat::open(&path, Timestamp::from_secs(1)).unwrap());
    desk.cancelled().await;
    assert_eq!(Latch::open(&desk.state()).unwrap().record().by, "watchdog");
    stop.send(()).unwrap();
    task.await.unwrap();
}
