//! `pampero live`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pampero_engine::StrategyDefinition;
use pampero_model::{Cash, Currency, Market, Span, VenueId};
use pampero_runtime::execution::{CarriedOver, Execution, ForeignPolicy, Settings};
use pampero_runtime::feed::{RateSource, RequestTimes};
use pampero_runtime::gateway::{Caps, Gateway};
use pampero_runtime::guard::{Guard, GuardSettings, SweepSettings};
use pampero_runtime::session::{Live, StopSettings, steady_clock};
use pampero_runtime::watchdog::Heartbeat;
use serde_json::json;

use super::console::Console;
use super::figures;
use super::ground::{self, Base, Ground, Reading};
use super::messages::Messages;
use super::paper::{greet, refuse_if_halted, threads};
use super::session::{MachineRoom, Station};
use super::venues::{Berth, accounts_shown, budgets, in_order, same_accounts, watch_markets};
use super::{production, rates};
use crate::cli::trading::LiveArgs;
use crate::config::{Config, Problem, Problems};
use crate::connect::state_failure;
use crate::error::{Exit, Failure};
use crate::market_list;
use crate::plan::Plan;

/// Trades on an exchange until it is stopped.
pub(super) fn live(args: &LiveArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let mut reading = ground::read(args.session.config.as_deref(), definitions)?;
    figures::log(&reading.config.trading)?;
    let connections = reading.connect(&args.session.connect)?;
    let ground = Ground::take(&args.session.connect, false)?;
    refuse_if_halted(&ground.state, &ground.latch)?;
    let threads = threads()?;
    let berths = threads.block_on(Berth::find(connections))?;
    same_accounts(&ground, &berths)?;
    let goes_on = !args.session.new_ledger && ground.has_session("live")?;
    hold(&mut reading.config, &berths, goes_on)?;
    let mut plan = reading.plan(definitions)?;
    let rates = threads.block_on(rates::begin(&mut plan, &reading.folder, &steady_clock()))?;
    let berths = in_order(berths, |berth| &berth.connection.venue, &plan.markets)?;
    let accepted = production::check(args, &reading.config, &ground, &plan, &berths)?;
    let start = Start { args, reading: &reading, plan: &plan, rates, berths, accepted };
    threads.block_on(start.session(ground))
}

/// What a session on an exchange starts from.
struct Start<'a> {
    args: &'a LiveArgs,
    reading: &'a Reading,
    plan: &'a Plan<'a>,
    rates: Vec<RateSource>,
    /// In the order in which the engine numbers the venues.
    berths: Vec<Berth>,
    /// What is missing and was accepted, for the banner.
    accepted: Vec<String>,
}

impl Start<'_> {
    async fn session(self, ground: Ground) -> Result<(), Failure> {
        let Self { args, reading, plan, rates, berths, accepted } = self;
        let Ground { environment, state, latch, mut journal, lock } = ground;
        let clock = steady_clock();
        let ids: Vec<VenueId> = plan.markets.venues().map(|(id, _)| id).collect();
        let caps = caps(reading, plan)?;
        let mut venues = Vec::new();
        let mut accounts = Vec::new();
        for (id, berth) in ids.iter().zip(&berths) {
            let times = &mut RequestTimes::default();
            let exchange = Arc::clone(&berth.exchange);
            let (desk, history) = watch_markets(*id, &exchange, &reading.config, plan, &clock, times).await?;
            let (blocked, clock) = (Arc::clone(&latch), Arc::clone(&clock));
            let gateway = Gateway::new(
                Arc::clone(&exchange),
                caps.clone(),
                move || clock(),
                move || blocked.blocked_by(),
            );
            venues.push(Station { exchange, desk, history, gateway: Some(Arc::new(gateway)) });
            accounts.push(berth.connection.to_sweep(plan.markets.iter().map(|(_, market)| market))?);
        }

        for berth in &berths {
            journal.set_fact(&berth.fact(), &berth.account).map_err(state_failure)?;
        }
        let account = accounts_shown(&berths);
        let about = ground::about(plan, environment, "live", &account, &reading.text);
        let mut base = Base::find(&journal, &args.session, plan, &about)?;
        let may_go_on = base.agree_with(&latch)?;
        refuse_if_halted(&state, &latch)?;
        let resumed = base.is_recovered();
        let settings = settings(&reading.config);
        let execution = |id: &VenueId| {
            let carried = match &base {
                Base::Recovered(recovered) => recovered.carried_over(*id),
                Base::Fresh(engine) => CarriedOver::first(engine, *id),
            };
            Execution::new(clock(), *id, &plan.markets, settings.clone(), carried)
        };
        let executions = ids.iter().map(execution).collect();
        let (engine, pen) = base.begin(journal, &about)?;

        let console = Console::new(args.session.connect.json, plan);
        production::banner(&console, clock(), environment, &account, &accepted);
        greet(&console, &clock, plan, environment, resumed, &format!("account {account}"));
        let alive = Arc::new(AtomicBool::new(true));
        let messages = Messages::start(&reading.config.trading, environment, &alive)?;
        let guard =
            Guard::start(accounts, Arc::clone(&latch), guard_settings(&settings), messages.notifier.clone());
        let guard = guard.map_err(|error| Failure::system("the kill switch cannot start", &error))?;
        let budgets = budgets(berths.iter().map(|berth| &berth.connection));
        let metrics = figures::serve(&reading.config.trading, budgets, &latch, &messages.notifier).await?;
        let live = &reading.config.trading.live;
        let room = MachineRoom {
            mode: Box::new(Live::new(engine, executions, pen)),
            venues,
            rates,
            first_rates: plan.first_rates.clone(),
            console: console.clone(),
            currency: plan.report_currency,
            stop: StopSettings {
                deadline: live.stop_deadline.unwrap_or(Span::from_secs(60)),
                flatten: live.flatten_on_stop.unwrap_or(false),
            },
            span: args.session.span,
            guard: Some(guard),
            latch: Arc::clone(&latch),
            heartbeat: Heartbeat::open(&state.heartbeat_file(), clock()).map_err(state_failure)?,
            evidence: None,
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
        let open: Vec<_> =
            ended.open.iter().map(|order| format!("{} ({})", order.id, order.state.name())).collect();
        let facts = json!({ "open_orders": open });
        if ended.clean {
            console.say(
                clock(),
                "stopped",
                "stopped; everything is cancelled, as the exchange itself says",
                facts,
            );
            return Ok(());
        }
        let message = format!(
            "stopped while {} open or not known: {}",
            if open.len() == 1 { "an order is" } else { "orders are" },
            open.join(", ")
        );
        let help =
            "`pampero panic` cancels and verifies; the next `pampero live` finds out what became of them";
        Err(Failure::account(Exit::Unknown, "orders_open", message, help).with(facts))
    }
}

/// Puts what the accounts hold in place of `[account]`, which is for backtests and paper. A session that goes on from an
/// earlier one divides nothing anew: what was allocated then may have become another currency since.
pub(super) fn hold(config: &mut Config, berths: &[Berth], goes_on: bool) -> Result<(), Failure> {
    let markets = market_list::named(config)?;
    let traded = |venue: &str, currency| {
        markets.iter().any(|market| market.venue == venue && [market.base, market.quote].contains(&currency))
    };
    let held = berths.iter().flat_map(|Berth { connection, balances, .. }| {
        let venue = connection.venue.as_str();
        let held =
            balances.iter().filter(move |balance| traded(venue, balance.currency) && balance.total.units > 0);
        held.map(move |balance| {
            (format!("{venue}:{}", balance.currency.code()), Cash::from_units(balance.total.units))
        })
    });
    config.account = held.collect();
    if goes_on {
        hold_what_is_allocated(config, &markets);
    }
    Ok(())
}

fn hold_what_is_allocated(config: &mut Config, markets: &[Market]) {
    let mut allocated: BTreeMap<String, i128> = BTreeMap::new();
    for (name, cash) in config.strategies.iter().flat_map(|strategy| &strategy.allocation) {
        let name = name.to_ascii_lowercase();
        let place = if name.contains(':') { Some(name) } else { the_place(&name, markets) };
        // Where the venue is not clear, the plan says so.
        let Some(place) = place else { continue };
        let units = allocated.entry(place).or_default();
        *units = units.saturating_add(cash.units());
    }
    for (place, units) in allocated {
        match config.account.iter_mut().find(|(held, _)| *held == place) {
            Some((_, held)) => *held = Cash::from_units(held.units().max(units)),
            None => config.account.push((place, Cash::from_units(units))),
        }
    }
}

/// Currency and venue of a currency that one venue alone trades.
fn the_place(code: &str, markets: &[Market]) -> Option<String> {
    let mut venues: Vec<&str> = markets
        .iter()
        .filter(|market| [market.base, market.quote].iter().any(|currency| currency.code() == code))
        .map(|market| market.venue.as_str())
        .collect();
    venues.sort_unstable();
    venues.dedup();
    let [venue] = venues.as_slice() else { return None };
    Some(format!("{venue}:{code}"))
}

/// The caps of each gateway, which the gate knows as well: a currency without one cannot be traded.
fn caps(reading: &Reading, plan: &Plan<'_>) -> Result<Caps, Failure> {
    let mut problems = Vec::new();
    let mut named: Vec<(Currency, Cash)> = Vec::new();
    for (id, market) in plan.markets.iter() {
        if let Some(cap) = plan.account_limits.markets.get(id.index()).and_then(|limits| limits.order_cap) {
            named.push((market.quote, cap));
            continue;
        }
        let message = format!("nothing says how large an order in {} may be", market.code);
        let help = format!(
            "set `max_order_notional` in [limits.markets.{}], or `{}` in [live.max_notional]",
            market.code,
            market.quote.code().to_ascii_lowercase()
        );
        problems.push(Problem::new("live.max_notional", message, help));
    }
    if !problems.is_empty() {
        return Err(Failure::Config(Problems { source: Some(reading.source.clone()), list: problems }));
    }
    let live = &reading.config.trading.live;
    let mut caps = Caps::new(named);
    caps.orders_per_minute = live.orders_per_minute.unwrap_or(caps.orders_per_minute);
    caps.max_age = live.intent_timeout.unwrap_or(caps.max_age);
    Ok(caps)
}

pub(super) fn settings(config: &Config) -> Settings {
    let live = &config.trading.live;
    let usual = Settings::default();
    Settings {
        foreign: match live.foreign_orders.as_deref() {
            Some("ignore") => ForeignPolicy::Ignore,
            Some("adopt") => ForeignPolicy::Adopt,
            Some("cancel") => ForeignPolicy::Cancel,
            _ => ForeignPolicy::Halt,
        },
        quarantine: live.quarantine.unwrap_or(usual.quarantine),
        ghost_horizon: live.ghost_horizon.unwrap_or(usual.ghost_horizon),
        queue_wait: live.intent_timeout.unwrap_or(usual.queue_wait),
        ..usual
    }
}

pub(super) fn guard_settings(settings: &Settings) -> GuardSettings {
    let horizon = u64::try_from(settings.ghost_horizon.as_nanos()).unwrap_or_default();
    let sweep =
        SweepSettings { ghost_horizon: std::time::Duration::from_nanos(horizon), ..SweepSettings::default() };
    GuardSettings { sweep, ..GuardSettings::default() }
}
