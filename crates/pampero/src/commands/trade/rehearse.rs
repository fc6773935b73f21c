//! `pampero rehearse`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use pampero_engine::StrategyDefinition;
use pampero_model::{Market, MarketId, VenueId};
use pampero_runtime::guard::Guard;
use pampero_runtime::notify::Notifier;
use pampero_runtime::promotion::Subject;
use pampero_runtime::rehearsal::{self, RehearsalError, Report, Stage, Step, StepReport, hurried};
use pampero_runtime::session::steady_clock;
use serde_json::json;

use super::figures;
use super::ground::{self, Ground};
use super::live::{guard_settings, hold, settings};
use super::paper::{refuse_if_halted, threads};
use super::venues::{Berth, accounts_shown, in_order, same_accounts};
use crate::cli::account::EnvName;
use crate::cli::trading::RehearseArgs;
use crate::connect::{now, state_failure};
use crate::error::{Exit, Failure};
use crate::market_list::shown;
use crate::output;
use crate::plan::Plan;

/// Rehearses on the main market of each strategy at each of its venues, and writes down for each that it has passed.
pub(super) fn rehearse(args: &RehearseArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    if args.connect.place.env == EnvName::Production {
        let help = "rehearse where nothing is lost: --env sandbox, or --env local with `pampero sandbox`";
        return Err(Failure::usage("a rehearsal trades with itself, which real money is not for", help));
    }
    let mut reading = ground::read(args.config.as_deref(), definitions)?;
    if reading.config.trading.log_file.is_some() {
        // On a terminal the kill switch's words would stand between the steps.
        figures::log(&reading.config.trading)?;
    }
    let connections = reading.connect(&args.connect)?;
    let ground = Ground::take(&args.connect, false)?;
    refuse_if_halted(&ground.state, &ground.latch)?;
    let threads = threads()?;
    let berths = threads.block_on(Berth::find(connections))?;
    same_accounts(&ground, &berths)?;
    hold(&mut reading.config, &berths, true)?;
    let plan = reading.plan(definitions)?;
    let berths = in_order(berths, |berth| &berth.connection.venue, &plan.markets)?;
    let subjects = ground::subjects(&plan);
    let environment = ground.state.environment().to_owned();
    let show = Show { json: args.connect.json, environment, account: accounts_shown(&berths) };
    let mut reports = Vec::new();
    for (venue, market) in main_markets(&plan) {
        let Some(berth) = berths.get(venue.index()) else { continue };
        show.begins(&market, &berth.account)?;
        let stage = stage(args, &reading.config, &ground, berth, &market)?;
        let report = threads.block_on(rehearsal::rehearse(stage, |step| show.step(step))).map_err(failure)?;
        show.ended(&report)?;
        let passed = report.passed();
        reports.push((market, report));
        if !passed {
            break;
        }
    }
    let passed = reports.iter().all(|(_, report)| report.passed());
    if passed {
        rehearsal::show(&ground.state, &subjects, &show.environment, Step::ALL.len(), now())
            .map_err(state_failure)?;
    }
    show.result(passed, &reports, &subjects)
}

/// The first market of each strategy at each venue, each once.
fn main_markets(plan: &Plan<'_>) -> Vec<(VenueId, Market)> {
    let mut ids: Vec<_> = Vec::new();
    for (venue, _) in plan.markets.venues() {
        let here = |id: &&MarketId| plan.markets.venue_of(**id) == Some(venue);
        let first = plan.strategies.iter().filter_map(|planned| planned.markets.iter().find(here));
        ids.extend(first.map(|id| (*id, venue)));
    }
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().filter_map(|(id, venue)| Some((venue, plan.markets.get(id)?.clone()))).collect()
}

fn stage(
    args: &RehearseArgs,
    config: &crate::config::Config,
    ground: &Ground,
    berth: &Berth,
    market: &Market,
) -> Result<Stage, Failure> {
    let settings = hurried(&settings(config));
    let account = berth.connection.to_sweep([market])?;
    let (latch, watched) = (Arc::clone(&ground.latch), guard_settings(&settings));
    let guard = Guard::start(vec![account], latch, watched, Notifier::default());
    Ok(Stage {
        exchange: Arc::clone(&berth.exchange),
        guard: guard.map_err(|error| Failure::system("the kill switch cannot start", &error))?,
        state: ground.state.clone(),
        market: market.clone(),
        settings,
        account: berth.account.clone(),
        build: ground::build(),
        clock: steady_clock(),
        patience: Duration::from_nanos(u64::try_from(args.patience.as_nanos()).unwrap_or_default()),
    })
}

fn failure(error: RehearsalError) -> Failure {
    match error {
        RehearsalError::Exchange(error) => error.into(),
        RehearsalError::Unfit(_) => {
            let help =
                "nothing was placed; with the local exchange: `pampero sandbox` prints how to get money";
            Failure::account(Exit::Unhealthy, "unfit", error.to_string(), help)
        }
        RehearsalError::Orders(_) => {
            let help = "`pampero orders` shows them, `pampero cancel --all` cancels them; nothing was placed";
            Failure::account(Exit::Unhealthy, "orders_open", error.to_string(), help)
        }
        other => Failure::run(
            other.to_string(),
            "what the rehearsal placed is cancelled by `pampero panic`; then try again",
        ),
    }
}

/// What is shown, for people as it happens, for machines at the end.
struct Show {
    json: bool,
    environment: String,
    account: String,
}

impl Show {
    fn say(&self, text: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { output::print(text) }
    }

    fn begins(&self, market: &Market, account: &str) -> Result<(), Failure> {
        let environment = &self.environment;
        self.say(&format!("Rehearsing on {} of {environment}, account {account}\n\n", shown(market)))
    }

    fn step(&self, step: &StepReport) {
        let state = if step.passed { "ok  " } else { "FAIL" };
        let head = format!("{state} {:<13} {:>6} ms  ", step.step.name(), step.ms);
        let text = output::wrapped(&step.seen, &" ".repeat(head.len()));
        // A reader that has gone away must not end it halfway.
        let _ = self.say(&format!("{head}{}", text.trim_start()));
    }

    fn ended(&self, report: &Report) -> Result<(), Failure> {
        let mut text = String::new();
        let residue: Vec<_> = report.residue.iter().map(ToString::to_string).collect();
        let residue = if residue.is_empty() { "nothing".to_owned() } else { residue.join(", ") };
        let _ = writeln!(text, "\nThe account changed by {residue}.");
        if !report.open.is_empty() {
            let _ = writeln!(text, "STILL OPEN: {}", report.open.join(", "));
        }
        self.say(&text)
    }

    fn result(
        &self,
        passed: bool,
        reports: &[(Market, Report)],
        subjects: &[Subject],
    ) -> Result<(), Failure> {
        if self.json {
            let markets: Vec<_> = reports
                .iter()
                .map(|(market, report)| json!({ "market": shown(market), "passed": report.passed(), "report": report }))
                .collect();
            let evidence = if passed { subjects } else { &[] };
            output::print_json(&json!({
                "environment": self.environment, "account": self.account,
                "passed": passed, "markets": markets, "evidence": evidence,
            }))?;
        }
        if passed {
            let names: Vec<_> = subjects.iter().map(|subject| subject.strategy.as_str()).collect();
            return self.say(&format!("Passed; it counts for {} with these parameters.\n", names.join(", ")));
        }
        let Some((_, report)) = reports.last() else { return Ok(()) };
        let failed = report.steps.last().map_or("", |step| step.step.name());
        let message = format!("the rehearsal failed at {failed}");
        let mut help = String::new();
        if !report.open.is_empty() {
            help.push_str("`pampero panic` cancels and verifies; ");
        }
        if report.halted {
            help.push_str("trading stays halted until `pampero resume --reason \"…\"`; ");
        }
        help.push_str("`pampero runs` names the session, whose journal holds every request and answer");
        Err(Failure::account(Exit::Unhealthy, "rehearsal_failed", message, help))
    }
}
