//! `pampero check`.

use pampero_backtest::{CheckError, Feed, Verdict, check_determinism, check_lookahead, check_warm_up};
use pampero_engine::StrategyDefinition;
use serde_json::{Value as Json, json};

use super::backtest::{assemble, with_plan};
use crate::cli::{CheckArgs, CheckKind};
use crate::error::Failure;
use crate::plan::Plan;
use crate::{data, output, wire};

/// Checks the strategies of a run; fails if something is found.
pub(crate) fn check(args: &CheckArgs, strategies: &[StrategyDefinition]) -> Result<(), Failure> {
    let mut run = args.run();
    run.find_configuration();
    with_plan(&run, strategies, |plan, loaded, _| {
        let feeds = data::feeds(loaded, plan);
        let feeds: Vec<Feed> = feeds.iter().map(|feed| feed.within(plan.from, plan.to)).collect();
        let kinds = match args.check {
            CheckKind::All => vec![CheckKind::Lookahead, CheckKind::Warmup, CheckKind::Determinism],
            one => vec![one],
        };
        let mut found = Vec::new();
        for kind in kinds {
            found.push((kind, verdict(kind, plan, &feeds)?));
        }
        report(args, &wire::strategy_names(plan), &found)
    })
}

fn verdict(kind: CheckKind, plan: &Plan<'_>, feeds: &[Feed]) -> Result<Verdict, Failure> {
    // A strategy gets no feeds but those of its run: parameters are all it is built from.
    let rebuild = |_: &[Feed]| assemble(plan, Vec::new(), plan.fill.preset);
    let verdict = match kind {
        CheckKind::Lookahead => check_lookahead(&rebuild, feeds),
        CheckKind::Warmup => check_warm_up(&rebuild, feeds),
        CheckKind::Determinism | CheckKind::All => check_determinism(&rebuild, feeds),
    };
    verdict.map_err(|error| match error {
        CheckError::Build(message) => Failure::Defect(message),
        CheckError::Run(error) => error.into(),
    })
}

const fn name(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::Lookahead => "lookahead",
        CheckKind::Warmup => "warmup",
        CheckKind::Determinism => "determinism",
        CheckKind::All => "all",
    }
}

/// Says what was found.
fn report(args: &CheckArgs, strategy: &str, found: &[(CheckKind, Verdict)]) -> Result<(), Failure> {
    if args.json {
        let checks: Vec<Json> = found.iter().map(|(kind, verdict)| to_json(*kind, verdict)).collect();
        let ok = !found.iter().any(|(_, verdict)| verdict.is_failed());
        output::print_json(&json!({ "strategy": strategy, "ok": ok, "checks": checks }))?;
    } else {
        for (kind, verdict) in found {
            output::print(&in_words(name(*kind), verdict))?;
        }
    }
    let failed: Vec<&str> =
        found.iter().filter(|(_, verdict)| verdict.is_failed()).map(|(kind, _)| name(*kind)).collect();
    if failed.is_empty() {
        Ok(())
    } else {
        let message = format!("{strategy}: {} failed", failed.join(", "));
        Err(Failure::Check { message, help: advice(found).to_owned() })
    }
}

/// What to do about the first that failed.
fn advice(found: &[(CheckKind, Verdict)]) -> &'static str {
    match found.iter().find(|(_, verdict)| verdict.is_failed()).map(|(kind, _)| kind) {
        Some(CheckKind::Lookahead) => {
            "let it decide by what the hook was given, not by data that it read before"
        }
        Some(CheckKind::Warmup) => "state a longer `warm_up` in its requirements, or keep less of the past",
        _ => "take out what differs from run to run: a clock, random numbers, the order of a HashMap",
    }
}

fn in_words(name: &str, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed { orders, runs } => {
            format!("{name}: nothing found ({orders} orders compared over {runs} runs)\n")
        }
        Verdict::Failed(what) => format!("{name}: FAILED\n{}", output::wrapped(what, "  ")),
        Verdict::Nothing(why) => format!("{name}: nothing to check\n{}", output::wrapped(why, "  ")),
    }
}

fn to_json(kind: CheckKind, verdict: &Verdict) -> Json {
    let (result, orders, runs, what) = match verdict {
        Verdict::Passed { orders, runs } => ("passed", Some(orders), Some(runs), None),
        Verdict::Failed(what) => ("failed", None, None, Some(what)),
        Verdict::Nothing(why) => ("nothing_to_check", None, None, Some(why)),
    };
    json!({ "check": name(kind), "result": result, "orders": orders, "runs": runs, "what": what })
}
