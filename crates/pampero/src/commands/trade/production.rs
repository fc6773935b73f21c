//! The door to real money.

use std::path::Path;

use pampero_engine::Limits;
use pampero_model::Timestamp;
use pampero_runtime::promotion::{
    Evidence, LimitsSet, ProductionRequest, Requirements, Verdict, confirm_account, confirmed_account, judge,
    production_gate,
};
use pampero_runtime::state_dir::StateDir;
use pampero_store::journal::Journal;
use serde_json::json;

use super::console::Console;
use super::ground::{self, Ground};
use crate::cli::account::EnvName;
use crate::cli::trading::LiveArgs;
use crate::commands::account::{ask, findings, is_terminal};
use crate::config::Config;
use crate::connect::{now, state_failure};
use crate::error::{Exit, Failure};
use crate::plan::Plan;

/// Lets a session on production pass, or says all that stands in its way. Gives what is missing and was accepted.
/// Elsewhere everything passes.
pub(super) fn check(
    args: &LiveArgs,
    config: &Config,
    ground: &Ground,
    plan: &Plan<'_>,
    account: &str,
) -> Result<Vec<String>, Failure> {
    if args.session.connect.place.env != EnvName::Production {
        return Ok(Vec::new());
    }
    let state = args.session.connect.place.state.as_deref();
    let verdicts = shown(state, &required(config), plan)?;
    let check_up = findings(&args.session.connect, args.session.config.as_deref())?;
    let confirmed = confirmed_account(&ground.state).map_err(state_failure)?;
    let typed = match &args.account {
        _ if confirmed.is_some() => None,
        Some(given) => Some(given.clone()),
        None if is_terminal() => {
            Some(ask("This trades REAL MONEY. Type the number of your account to confirm it: ")?)
        }
        None => None,
    };
    let request = ProductionRequest {
        limits: limits_set(plan),
        check_up: &check_up,
        verdicts: &verdicts,
        accept_risk: args.accept_risk.as_deref(),
        account,
        confirmed: confirmed.as_deref(),
        typed: typed.as_deref(),
    };
    match production_gate(&request) {
        Ok(cleared) => {
            if cleared.newly_confirmed {
                confirm_account(&ground.state, account, now()).map_err(state_failure)?;
            }
            Ok(cleared.accepted)
        }
        Err(refusals) => {
            let message = format!("production is not allowed yet:\n  - {}", refusals.join("\n  - "));
            let help = "`--accept-risk \"reason\"` passes over missing evidence and check-up findings, never over \
                        limits and account";
            Err(Failure::account(Exit::Unhealthy, "not_allowed", message, help)
                .with(json!({ "missing": refusals })))
        }
    }
}

/// How much a configuration wants shown.
pub(crate) fn required(config: &Config) -> Requirements {
    let promotion = &config.trading.promotion;
    let usual = Requirements::default();
    Requirements {
        paper_time: promotion.paper_time.unwrap_or(usual.paper_time),
        paper_fills: promotion.paper_fills.unwrap_or(usual.paper_fills),
        rehearsal_age: promotion.rehearsal_age.unwrap_or(usual.rehearsal_age),
    }
}

/// What each strategy has shown, in any environment of the same state directory.
pub(crate) fn shown(
    state: Option<&Path>,
    required: &Requirements,
    plan: &Plan<'_>,
) -> Result<Vec<(String, Verdict)>, Failure> {
    let folders = StateDir::all(state).map_err(state_failure)?;
    let mut verdicts = Vec::new();
    for subject in ground::subjects(plan) {
        let mut evidence = Vec::new();
        for file in folders.iter().map(StateDir::journal_file).filter(|file| file.exists()) {
            // This process may write one of them; reading beside that is allowed.
            let rows = Journal::open_read_only(&file).and_then(|journal| journal.evidence(&subject.strategy));
            for row in rows.map_err(state_failure)? {
                evidence.push(Evidence::try_from(row).map_err(state_failure)?);
            }
        }
        verdicts.push((subject.strategy.clone(), judge(&evidence, required, &subject, now())));
    }
    Ok(verdicts)
}

fn limits_set(plan: &Plan<'_>) -> LimitsSet {
    let all: Vec<&Limits> = plan.strategies.iter().map(|planned| &planned.limits).collect();
    // A limit of the account holds for every strategy; one of a strategy must be set for each.
    let set =
        |test: &dyn Fn(&Limits) -> bool| test(&plan.account_limits) || all.iter().all(|limits| test(limits));
    let each = |limits: &Limits, test: &dyn Fn(&pampero_engine::MarketLimits) -> bool| {
        limits.markets.len() == plan.markets.len() && limits.markets.iter().all(test)
    };
    LimitsSet {
        order: set(&|limits| {
            limits.max_order_value.is_some() || each(limits, &|market| market.max_order_notional.is_some())
        }),
        position: set(&|limits| {
            limits.max_exposure.is_some() || each(limits, &|market| market.max_position.is_some())
        }),
        daily_loss: set(&|limits| limits.max_daily_loss.is_some()),
        drawdown: set(&|limits| limits.max_drawdown.is_some()),
    }
}

/// Says plainly what kind of money this is.
pub(super) fn banner(
    console: &Console,
    at: Timestamp,
    environment: &str,
    account: &str,
    accepted: &[String],
) {
    if environment != "production" {
        return;
    }
    let text = format!("PRODUCTION: REAL MONEY of account {account}");
    console.say(at, "banner", &text, json!({ "account": account }));
    for missing in accepted {
        console.say(
            at,
            "accepted_risk",
            &format!("accepted although missing: {missing}"),
            json!({ "missing": missing }),
        );
    }
}
