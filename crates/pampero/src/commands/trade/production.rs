//! The door to real money.

use std::path::Path;

use pampero_engine::Limits;
use pampero_model::Timestamp;
use pampero_runtime::promotion::{
    AccountClaim, Evidence, LimitsSet, ProductionRequest, Requirements, Verdict, confirm_account,
    confirmed_account, judge, production_gate,
};
use pampero_runtime::state_dir::StateDir;
use pampero_store::journal::Journal;
use serde_json::json;

use super::console::Console;
use super::ground::{self, Ground};
use super::venues::Berth;
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
    berths: &[Berth],
) -> Result<Vec<String>, Failure> {
    if args.session.connect.place.env != EnvName::Production {
        return Ok(Vec::new());
    }
    let state = args.session.connect.place.state.as_deref();
    let verdicts = shown(state, &required(config), plan)?;
    let check_up = findings(&args.session.connect, args.session.config.as_deref())?;
    let accounts: Result<Vec<AccountClaim>, Failure> =
        berths.iter().map(|berth| claim(args, &ground.state, berth)).collect();
    let accounts = accounts?;
    let request = ProductionRequest {
        limits: limits_set(plan),
        check_up: &check_up,
        verdicts: &verdicts,
        accept_risk: args.accept_risk.as_deref(),
        accounts: &accounts,
    };
    match production_gate(&request) {
        Ok(accepted) => {
            for (berth, claim) in berths.iter().zip(&accounts).filter(|(_, claim)| claim.confirmed.is_none())
            {
                confirm_account(&ground.state, berth.further(), &claim.account, now())
                    .map_err(state_failure)?;
            }
            Ok(accepted)
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

/// What a person says of the account at a venue: once, before or now.
fn claim(args: &LiveArgs, state: &StateDir, berth: &Berth) -> Result<AccountClaim, Failure> {
    let account = berth.account.clone();
    let confirmed = confirmed_account(state, berth.further()).map_err(state_failure)?;
    let at = berth.further().map_or(String::new(), |venue| format!(" at {venue}"));
    let given = args.account.iter().find_map(|given| match (given.split_once(':'), berth.further()) {
        (Some((venue, number)), Some(further)) => (venue == further).then_some(number),
        (None, None) => Some(given.as_str()),
        _ => None,
    });
    let typed = match given {
        _ if confirmed.is_some() => None,
        Some(given) => Some(given.to_owned()),
        None if is_terminal() => Some(ask(&format!(
            "This trades REAL MONEY. Type the number of your account{at} to confirm it: "
        ))?),
        None => None,
    };
    Ok(AccountClaim { account, confirmed, typed })
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
