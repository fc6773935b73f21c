//! `pampero live`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pampero_bitex::{Bitex, KeyName};
use pampero_engine::StrategyDefinition;
use pampero_exchange::{Balance, Exchange};
use pampero_model::{Cash, Currency, Span};
use pampero_runtime::execution::{CarriedOver, Execution, ForeignPolicy, Settings};
use pampero_runtime::feed::{RateSource, RequestTimes};
use pampero_runtime::gateway::{Caps, Gateway};
use pampero_runtime::guard::{Guard, GuardSettings, Scope, SweepSettings};
use pampero_runtime::session::{Live, StopSettings, steady_clock};
use pampero_runtime::watchdog::Heartbeat;
use serde_json::json;

use super::console::Console;
use super::figures;
use super::ground::{self, Base, Ground, Reading, VENUE_ID};
use super::messages::Messages;
use super::paper::{greet, market_codes, refuse_if_halted, threads, watch_markets};
use super::session::MachineRoom;
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
    let ground = Ground::take(&args.session.connect, false)?;
    refuse_if_halted(&ground.state, &ground.latch)?;
    let threads = threads()?;
    let client = ground.connection.client(KeyName::Trade)?;
    let exchange: Arc<dyn Exchange> = Arc::new(Bitex::new(client.clone()));
    let (account, balances) = threads.block_on(async {
        let account = client.me().await?.id;
        Ok::<_, Failure>((account, exchange.balances().await?))
    })?;
    same_account(&ground, &account)?;
    let goes_on = !args.session.new_ledger && ground.has_session("live")?;
    hold(&mut reading.config, &balances, goes_on)?;
    let mut plan = reading.plan(definitions)?;
    let rates = threads.block_on(rates::begin(&mut plan, &reading.folder, &steady_clock()))?;
    let accepted = production::check(args, &reading.config, &ground, &plan, &account)?;
    let start = Start { args, reading: &reading, plan: &plan, rates, account, accepted, exchange };
    threads.block_on(start.session(ground))
}

/// What a session on an exchange starts from.
struct Start<'a> {
    args: &'a LiveArgs,
    reading: &'a Reading,
    plan: &'a Plan<'a>,
    rates: Vec<RateSource>,
    account: String,
    /// What is missing and was accepted, for the banner.
    accepted: Vec<String>,
    exchange: Arc<dyn Exchange>,
}

impl Start<'_> {
    async fn session(self, ground: Ground) -> Result<(), Failure> {
        let Self { args, reading, plan, rates, account, accepted, exchange } = self;
        let Ground { connection, state, latch, mut journal, lock } = ground;
        let environment = connection.environment.name();
        let clock = steady_clock();
        let caps = caps(reading, plan)?;
        let mut times = RequestTimes::default();
        let (desk, history) = watch_markets(&exchange, &reading.config, plan, &clock, &mut times).await?;

        journal.set_fact("account", &account).map_err(state_failure)?;
        let about = ground::about(plan, environment, "live", &account, &reading.text);
        let mut base = Base::find(&journal, &args.session, plan, &about)?;
        let may_go_on = base.agree_with(&latch)?;
        refuse_if_halted(&state, &latch)?;
        let resumed = base.is_recovered();
        let carried = match &base {
            Base::Recovered(recovered) => recovered.carried_over(VENUE_ID),
            Base::Fresh(engine) => CarriedOver::first(engine, VENUE_ID),
        };
        let settings = settings(&reading.config);
        let execution = Execution::new(clock(), VENUE_ID, base.engine().markets(), settings.clone(), carried);
        let (engine, pen) = base.begin(journal, &about)?;

        let console = Console::new(args.session.connect.json, plan);
        production::banner(&console, clock(), environment, &account, &accepted);
        greet(&console, &clock, plan, environment, resumed, &format!("account {account}"));
        let alive = Arc::new(AtomicBool::new(true));
        let messages = Messages::start(&reading.config.trading, environment, &alive)?;
        let guard = Guard::start(
            Arc::new(Bitex::new(connection.another(connection.key(KeyName::Trade)?)?).urgent()),
            Arc::clone(&latch),
            guard_settings(market_codes(plan), &settings),
            messages.notifier.clone(),
        );
        let guard = guard.map_err(|error| Failure::Run(format!("the kill switch cannot start: {error}")))?;
        let blocked = Arc::clone(&latch);
        let gateway = Gateway::new(
            Arc::clone(&exchange),
            caps,
            {
                let clock = Arc::clone(&clock);
                move || clock()
            },
            move || blocked.blocked_by(),
        );
        let budget = connection.public().budget().clone();
        let metrics = figures::serve(&reading.config.trading, budget, &latch, &messages.notifier).await?;
        let live = &reading.config.trading.live;
        let room = MachineRoom {
            mode: Box::new(Live::new(engine, vec![execution], pen)),
            exchange,
            desk,
            history,
            rates,
            first_rates: plan.first_rates.clone(),
            console: console.clone(),
            currency: plan.report_currency,
            stop: StopSettings {
                deadline: live.stop_deadline.unwrap_or(Span::from_secs(60)),
                flatten: live.flatten_on_stop.unwrap_or(false),
            },
            span: args.session.span,
            gateway: Some(Arc::new(gateway)),
            guard: Some(guard),
            latch: Arc::clone(&latch),
            heartbeat: Heartbeat::open(&state.heartbeat_file(), clock()).map_err(state_failure)?,
            evidence: None,
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

/// The state directory belongs to one account.
pub(super) fn same_account(ground: &Ground, account: &str) -> Result<(), Failure> {
    let known = ground.journal.fact("account").map_err(state_failure)?;
    match known {
        Some(known) if known != account => {
            let message =
                format!("the state directory belongs to account {known}, and the key to account {account}");
            let help = format!(
                "use the key of {known}, or another directory: --state DIR\n(this one: {})",
                ground.state.path().display()
            );
            Err(Failure::account(Exit::Key, "other_account", message, help))
        }
        _ => Ok(()),
    }
}

/// Puts what the account holds in place of `[account]`, which is for backtests and paper. A session that goes on from an
/// earlier one divides nothing anew: what was allocated then may have become another currency since.
pub(super) fn hold(config: &mut Config, balances: &[Balance], goes_on: bool) -> Result<(), Failure> {
    let list = market_list::built_in().map_err(Failure::Config)?;
    let mut traded: Vec<Currency> = Vec::new();
    for name in config.strategies.iter().flat_map(|strategy| &strategy.markets) {
        let code = name.split_once(':').map_or(name.as_str(), |(_, code)| code);
        let section = config.markets.get(name).or_else(|| config.markets.get(code));
        if let Ok(market) = market_list::market(name, &list, section) {
            traded.extend([market.base, market.quote]);
        }
    }
    let held =
        balances.iter().filter(|balance| traded.contains(&balance.currency) && balance.total.units > 0);
    config.account = held
        .map(|balance| (balance.currency.code().to_owned(), Cash::from_units(balance.total.units)))
        .collect();
    if goes_on {
        hold_what_is_allocated(config);
    }
    Ok(())
}

fn hold_what_is_allocated(config: &mut Config) {
    let mut allocated: BTreeMap<String, i128> = BTreeMap::new();
    for (name, cash) in config.strategies.iter().flat_map(|strategy| &strategy.allocation) {
        let code = name.split_once(':').map_or(name.as_str(), |(_, code)| code).to_ascii_lowercase();
        let units = allocated.entry(code).or_default();
        *units = units.saturating_add(cash.units());
    }
    for (code, units) in allocated {
        match config.account.iter_mut().find(|(held, _)| held.eq_ignore_ascii_case(&code)) {
            Some((_, held)) => *held = Cash::from_units(held.units().max(units)),
            None => config.account.push((code, Cash::from_units(units))),
        }
    }
}

/// The caps of the gateway, which the gate knows as well: a currency without one cannot be traded.
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

/// The kill switch cancels on the markets of the run; foreign orders that are not to be touched stay.
pub(super) fn guard_settings(codes: Vec<String>, settings: &Settings) -> GuardSettings {
    let horizon = u64::try_from(settings.ghost_horizon.as_nanos()).unwrap_or_default();
    let sweep = SweepSettings {
        scope: Scope::Markets(codes),
        ghost_horizon: std::time::Duration::from_nanos(horizon),
        ..SweepSettings::default()
    };
    GuardSettings { sweep, ..GuardSettings::default() }
}
