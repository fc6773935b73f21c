//! `pampero paper`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pampero_engine::StrategyDefinition;
use pampero_model::{FillId, Span};
use pampero_runtime::feed::{Clock, RateSource, RequestTimes};
use pampero_runtime::guard::{Latch, Level};
use pampero_runtime::session::{Paper, StopSettings, prepare, steady_clock};
use pampero_runtime::state_dir::StateDir;
use pampero_runtime::watchdog::Heartbeat;
use pampero_venue::{FillModel, Latency, LatencyModel, SimSettings};
use serde_json::json;

use super::console::Console;
use super::figures;
use super::flat::Flat;
use super::ground::{self, Base, Ground, Reading};
use super::messages::Messages;
use super::rates;
use super::session::{MachineRoom, Station};
use super::venues::{budgets, in_order, watch_markets};
use crate::cli::trading::PaperArgs;
use crate::config::{Config, LatencyItem};
use crate::connect::{Access, Connection, state_failure};
use crate::error::{Exit, Failure};
use crate::market_list::shown;
use crate::plan::Plan;

/// Trades with live data and simulated fills until it is stopped.
pub(super) fn paper(args: &PaperArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let reading = ground::read(args.session.config.as_deref(), definitions)?;
    let mut plan = reading.plan(definitions)?;
    figures::log(&reading.config.trading)?;
    let connections = reading.connect(&args.session.connect)?;
    let ground = Ground::take(&args.session.connect, true)?;
    refuse_if_halted(&ground.state, &ground.latch)?;
    threads()?.block_on(async {
        let sources = rates::begin(&mut plan, &reading.folder, &steady_clock()).await?;
        session(args, &reading, &plan, sources, ground, connections).await
    })
}

/// Threads for everything but the engine, which has its own.
pub(super) fn threads() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Failure::system("no threads", &error))
}

/// A halt outlives the process: only a person ends it.
pub(super) fn refuse_if_halted(state: &StateDir, latch: &Latch) -> Result<(), Failure> {
    let record = latch.record();
    // What was to be sold and is not yet, is sold now.
    let done = || Flat::read(&state.flat_file()).is_some_and(|flat| flat.is_done(record.change));
    let to_flatten = record.level == Level::Flatten && !done();
    if !record.level.is_halt() || to_flatten {
        return Ok(());
    }
    let message = format!(
        "trading is halted on {} since {}: {} ({})",
        record.environment, record.at, record.reason, record.by
    );
    let help = "when it is safe again: `pampero resume --reason \"…\"`, with the same --env (and --paper)";
    Err(Failure::account(Exit::Denied, "halted", message, help))
}

async fn session(
    args: &PaperArgs,
    reading: &Reading,
    plan: &Plan<'_>,
    rates: Vec<RateSource>,
    ground: Ground,
    connections: Vec<Connection>,
) -> Result<(), Failure> {
    let Ground { environment, state, latch, journal, lock } = ground;
    let clock = steady_clock();
    let connections = in_order(connections, |connection| &connection.venue, &plan.markets)?;
    let mut times = RequestTimes::default();
    let mut venues = Vec::new();
    for ((id, _), connection) in plan.markets.venues().zip(&connections) {
        let exchange = connection.exchange(Access::Public)?;
        let (desk, history) = watch_markets(id, &exchange, &reading.config, plan, &clock, &mut times).await?;
        venues.push(Station { exchange, desk, history, gateway: None });
    }

    let about = ground::about(plan, state.environment(), "paper", "paper", &reading.text);
    let mut base = Base::find(&journal, &args.session, plan, &about)?;
    let may_go_on = base.agree_with(&latch)?;
    refuse_if_halted(&state, &latch)?;
    let settings = SimSettings {
        fill: fill_model(&reading.config),
        latency: latency(&reading.config, &times),
        seed: plan.seed,
    };
    let counted = base.engine().checkpoint();
    let last_fill = counted.counted_fills().iter().map(|(_, _, id)| *id).max().unwrap_or(FillId(0));
    let resumed = base.is_recovered();
    let venue = prepare(base.engine(), settings, last_fill, clock());
    let venue = venue.map_err(|error| {
        Failure::run(
            error.to_string(),
            "the account in the configuration must hold what the strategies are allocated",
        )
    })?;
    let (engine, pen) = base.begin(journal, &about)?;

    let console = Console::new(args.session.connect.json, plan);
    greet(
        &console,
        &clock,
        plan,
        environment,
        resumed,
        &format!("{} fills", fill_model(&reading.config).preset),
    );
    let alive = Arc::new(AtomicBool::new(true));
    let messages = Messages::start(&reading.config.trading, state.environment(), &alive)?;
    let metrics =
        figures::serve(&reading.config.trading, budgets(&connections), &latch, &messages.notifier).await?;
    let now = clock();
    let room = MachineRoom {
        mode: Box::new(Paper::new(engine, venue, pen)),
        venues,
        rates,
        first_rates: plan.first_rates.clone(),
        console: console.clone(),
        currency: plan.report_currency,
        stop: StopSettings { deadline: Span::from_secs(10), flatten: false },
        span: args.session.span,
        guard: None,
        latch,
        heartbeat: Heartbeat::open(&state.heartbeat_file(), now).map_err(state_failure)?,
        evidence: Some((ground::subjects(plan), environment.to_owned())),
        notifier: messages.notifier.clone(),
        metrics,
        flat_file: state.flat_file(),
        resumed: may_go_on,
        clock: Arc::clone(&clock),
    };
    let ended = room.run().await;
    alive.store(false, Ordering::Relaxed);
    messages.end().await;
    drop(lock);
    let ended = ended?;
    let text = if ended.clean {
        "stopped; no order is open".to_owned()
    } else {
        format!("stopped; {} orders go on with the next start", ended.open.len())
    };
    console.say(clock(), "stopped", &text, json!({ "open_orders": ended.open.len() }));
    Ok(())
}

/// Says what begins.
pub(super) fn greet(
    console: &Console,
    clock: &Clock,
    plan: &Plan<'_>,
    environment: &str,
    resumed: bool,
    how: &str,
) {
    let names: Vec<&str> = plan.strategies.iter().map(|planned| &*planned.label).collect();
    let markets: Vec<String> = plan.markets.iter().map(|(_, market)| shown(market)).collect();
    let text = format!(
        "{} on {} of {environment}, {how}{}; Ctrl-C stops",
        names.join(", "),
        markets.join(", "),
        if resumed { ", going on from the last session" } else { "" }
    );
    let facts =
        json!({ "strategies": names, "markets": markets, "environment": environment, "resumed": resumed });
    console.say(clock(), "started", &text, facts);
}

fn fill_model(config: &Config) -> FillModel {
    let paper = &config.trading.paper;
    let mut model = FillModel::preset(paper.fill.unwrap_or_default());
    if let Some(share) = paper.volume_share {
        model.volume_share = share;
    }
    model
}

/// As configured, or as measured just now.
fn latency(config: &Config, times: &RequestTimes) -> Latency {
    Latency::symmetric(match &config.trading.paper.latency {
        Some(LatencyItem::Constant(span)) => LatencyModel::Constant(*span),
        Some(LatencyItem::Uniform { min, max }) => LatencyModel::Uniform { min: *min, max: *max },
        Some(LatencyItem::Measured(_)) | None => times.latency().unwrap_or_default(),
    })
}
