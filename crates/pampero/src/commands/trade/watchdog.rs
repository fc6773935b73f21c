//! `pampero watchdog`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pampero_bitex::{Bitex, KeyName};
use pampero_engine::StrategyDefinition;
use pampero_runtime::guard::{Latch, Scope, SweepSettings};
use pampero_runtime::watchdog::{WatchdogSettings, run};
use tokio::signal::unix::{SignalKind, signal};

use super::ground;
use super::messages::Messages;
use super::paper::threads;
use crate::cli::trading::WatchdogArgs;
use crate::config::TradingSection;
use crate::connect::{Connection, state_failure};
use crate::error::Failure;
use crate::output;

/// Watches the process that trades, until a signal.
pub(super) fn watchdog(args: &WatchdogArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let (scope, trading) = match &args.config {
        Some(path) => {
            let reading = ground::read(Some(path), definitions)?;
            let markets = reading.config.strategies.iter().flat_map(|strategy| strategy.markets.iter());
            let codes =
                markets.map(|name| name.split_once(':').map_or(name.as_str(), |(_, code)| code).to_owned());
            (Scope::Markets(codes.collect()), reading.config.trading)
        }
        None => (Scope::Everything, TradingSection::default()),
    };
    let connection = Connection::open(&args.connect)?;
    let latch = Arc::new(Latch::open(&connection.state).map_err(state_failure)?);
    let client = connection.client(KeyName::Trade)?;
    threads()?.block_on(async {
        let cannot = |error: std::io::Error| Failure::Run(format!("signals cannot be waited for: {error}"));
        let mut terminated = signal(SignalKind::terminate()).map_err(cannot)?;
        let mut interrupted = signal(SignalKind::interrupt()).map_err(cannot)?;
        let messages =
            Messages::start(&trading, connection.environment.name(), &Arc::new(AtomicBool::new(true)))?;
        let settings = WatchdogSettings {
            max_age: Duration::from_nanos(u64::try_from(args.max_age.as_nanos()).unwrap_or_default()),
            sweep: SweepSettings { scope, ..SweepSettings::default() },
            ..WatchdogSettings::default()
        };
        output::say(&format!(
            "watching {}: everything is cancelled when it is silent for {}; Ctrl-C ends\n",
            connection.state.heartbeat_file().display(),
            args.max_age
        ))?;
        let shutdown = async move {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
        };
        let exchange = Arc::new(Bitex::new(client).urgent());
        let heartbeat = connection.state.heartbeat_file();
        run(exchange, &heartbeat, latch, settings, messages.notifier.clone(), shutdown).await;
        messages.end().await;
        Ok(())
    })
}
