//! `pampero watchdog`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pampero_engine::StrategyDefinition;
use pampero_runtime::guard::{Account, Latch};
use pampero_runtime::watchdog::{WatchdogSettings, run};
use tokio::signal::unix::{SignalKind, signal};

use super::ground;
use super::messages::Messages;
use super::paper::threads;
use crate::cli::trading::WatchdogArgs;
use crate::config::TradingSection;
use crate::connect::{Access, Connection, state_failure};
use crate::error::Failure;
use crate::market_list;
use crate::output;

/// Watches the process that trades, until a signal.
pub(super) fn watchdog(args: &WatchdogArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let (watched, trading) = if let Some(path) = &args.config {
        let reading = ground::read(Some(path), definitions)?;
        let markets = market_list::named(&reading.config)?;
        let connections = reading.connect(&args.connect)?;
        let accounts: Result<_, Failure> =
            connections.iter().map(|connection| connection.to_sweep(&markets)).collect();
        (accounts?, reading.config.trading)
    } else {
        let connection = Connection::open(&args.connect)?;
        (vec![Account::everything(connection.exchange(Access::Urgent)?)], TradingSection::default())
    };
    let state = ground::state_dir(&args.connect, false)?;
    let latch = Arc::new(Latch::open(&state).map_err(state_failure)?);
    threads()?.block_on(async {
        let cannot = |error: std::io::Error| Failure::system("signals cannot be waited for", &error);
        let mut terminated = signal(SignalKind::terminate()).map_err(cannot)?;
        let mut interrupted = signal(SignalKind::interrupt()).map_err(cannot)?;
        let messages = Messages::start(&trading, state.environment(), &Arc::new(AtomicBool::new(true)))?;
        let settings = WatchdogSettings {
            max_age: Duration::from_nanos(u64::try_from(args.max_age.as_nanos()).unwrap_or_default()),
            ..WatchdogSettings::default()
        };
        output::say(&format!(
            "watching {}: everything is cancelled when it is silent for {}; Ctrl-C ends\n",
            state.heartbeat_file().display(),
            args.max_age
        ))?;
        let shutdown = async move {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
        };
        let heartbeat = state.heartbeat_file();
        run(watched, &heartbeat, latch, settings, messages.notifier.clone(), shutdown).await;
        messages.end().await;
        Ok(())
    })
}
