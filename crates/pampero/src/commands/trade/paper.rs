//! `pampero paper`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use pampero_bitex::Bitex;
use pampero_engine::StrategyDefinition;
use pampero_exchange::{Exchange, SnapshotParts};
use pampero_model::{FillId, MarketId, Span};
use pampero_runtime::feed::{Clock, Desk, FeedSettings, History, RateSource, RequestTimes, Watch, warm_up};
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
use super::session::MachineRoom;
use crate::cli::trading::PaperArgs;
use crate::config::{Config, LatencyItem};
use crate::connect::state_failure;
use crate::error::{Exit, Failure};
use crate::plan::Plan;

/// Trades with live data and simulated fills until it is stopped.
pub(super) fn paper(args: &PaperArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let reading = ground::read(args.session.config.as_deref(), definitions)?;
    let mut plan = reading.plan(definitions)?;
    figures::log(&reading.config.trading)?;
    let ground = Ground::take(&args.session.connect, true)?;
    refuse_if_halted(&ground.state, &ground.latch)?;
    threads()?.block_on(async {
        let sources = rates::begin(&mut plan, &reading.folder, &steady_clock()).await?;
        session(args, &reading, &plan, sources, ground).await
    })
}

/// Threads for everything but the engine, which has its own.
pub(super) fn threads() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Failure::Run(format!("no threads: {error}")))
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
) -> Result<(), Failure> {
    let Ground { connection, state, latch, journal, lock } = ground;
    let clock = steady_clock();
    let exchange: Arc<dyn Exchange> = Arc::new(Bitex::new(connection.public().clone()));
    let mut times = RequestTimes::default();
    let (desk, history) = watch_markets(&exchange, &reading.config, plan, &clock, &mut times).await?;

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
    let venue = venue.map_err(|error| Failure::Run(error.to_string()))?;
    let (engine, pen) = base.begin(journal, &about)?;

    let console = Console::new(args.session.connect.json, plan);
    let environment = connection.environment.name();
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
    let metrics = figures::serve(
        &reading.config.trading,
        connection.public().budget().clone(),
        &latch,
        &messages.notifier,
    )
    .await?;
    let now = clock();
    let room = MachineRoom {
        mode: Box::new(Paper::new(engine, venue, pen)),
        exchange,
        desk,
        history,
        rates,
        first_rates: plan.first_rates.clone(),
        console: console.clone(),
        currency: plan.report_currency,
        stop: StopSettings { deadline: Span::from_secs(10), flatten: false },
        span: args.session.span,
        gateway: None,
        guard: None,
        latch,
        heartbeat: Heartbeat::open(&state.heartbeat_file(), now).map_err(state_failure)?,
        evidence: Some((ground::subjects(plan), environment.to_owned())),
        notifier: messages.notifier.clone(),
        metrics,
        clockwork: connection.public().clone(),
        codes: market_codes(plan),
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

/// Fetches the history that strategies want, and makes the desk that goes on from there.
pub(super) async fn watch_markets(
    exchange: &Arc<dyn Exchange>,
    config: &Config,
    plan: &Plan<'_>,
    clock: &Clock,
    times: &mut RequestTimes,
) -> Result<(Desk, Vec<(MarketId, History)>), Failure> {
    let feed = &config.trading.feed;
    let wanted = ground::candles_wanted(plan, feed.candles.unwrap_or(Span::from_hours(1)))?;
    let usual = FeedSettings::default();
    let settings = FeedSettings {
        fastest: feed.fastest.unwrap_or(usual.fastest),
        slowest: feed.slowest.unwrap_or(usual.slowest),
        slowest_with_orders: feed.slowest_with_orders.unwrap_or(usual.slowest_with_orders),
        spacing: feed.spacing.unwrap_or(usual.spacing),
        stale_after: feed.stale_after.unwrap_or(usual.stale_after),
        ..usual
    };
    let code = |id: &MarketId| plan.markets.get(*id).map(|market| market.code.clone()).unwrap_or_default();
    let watches = wanted.iter().map(|(market, wants)| Watch {
        market: *market,
        code: code(market),
        spans: wants.iter().map(|(span, _)| *span).collect(),
    });
    let mut desk = Desk::new(settings, watches);
    let mut history = Vec::new();
    for (market, wants) in &wanted {
        let code = code(market);
        for _ in 0..MEASURED {
            let asked = Instant::now();
            exchange.snapshot(&code, SnapshotParts::BOOK).await?;
            times.record(Span::from_nanos(i64::try_from(asked.elapsed().as_nanos()).unwrap_or(i64::MAX)));
        }
        let past = warm_up(exchange.as_ref(), &code, wants, clock).await?;
        past.hand_over(&mut desk, *market);
        history.push((*market, past));
    }
    Ok((desk, history))
}

/// Requests by which the latency is measured, by market.
const MEASURED: usize = 5;

/// The exchange's codes of the markets, in their order.
pub(super) fn market_codes(plan: &Plan<'_>) -> Vec<String> {
    plan.markets.iter().map(|(_, market)| market.code.clone()).collect()
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
    let markets: Vec<&str> = plan.markets.iter().map(|(_, market)| market.code.as_str()).collect();
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
