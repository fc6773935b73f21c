//! `pampero halt`, `resume` and `flatten`: the latch of an environment, whether a process trades or not.

use std::time::{Duration, Instant};

use pampero_runtime::guard::{Latch, LatchRecord, Level};
use pampero_runtime::state_dir::StateDir;
use pampero_runtime::watchdog::{Beat, Heartbeat, Life};
use serde_json::json;

use super::flat::Flat;
use super::ground;
use crate::cli::trading::{FlattenArgs, HaltArgs, ResumeArgs, StopLevel, Which};
use crate::connect::state_failure;
use crate::error::{Exit, Failure};
use crate::output;

/// Stops trading.
pub(super) fn halt(args: &HaltArgs) -> Result<(), Failure> {
    let (state, latch) = open(&args.which)?;
    let level = match args.level {
        StopLevel::Reduce => Level::Reduce,
        StopLevel::Halt => Level::Halt,
    };
    latch.engage(level, &args.reason, "operator").map_err(state_failure)?;
    let what = match level {
        Level::Reduce => "only orders that make a position smaller",
        _ => "trading is halted",
    };
    let running = match trading(&state) {
        Some(beat) => format!("process {} stops now and cancels what is open", beat.pid),
        None if args.which.paper => "no process trades now".to_owned(),
        None => "no process trades now: `pampero panic` cancels what may still be open".to_owned(),
    };
    answer(&args.which, &latch.record(), &format!("{what} on {}; {running}", state.environment()))
}

/// Lets trading go on.
pub(super) fn resume(args: &ResumeArgs) -> Result<(), Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::usage("a reason is wanted", "say why it is safe again: --reason \"…\""));
    }
    let (state, latch) = open(&args.which)?;
    let before = latch.record();
    latch.resume(&args.reason, "operator").map_err(state_failure)?;
    let text = match before.level {
        Level::Active => format!("trading was not halted on {}", state.environment()),
        level => format!(
            "{level} on {} is over; it was set since {}: {}",
            state.environment(),
            before.at,
            before.reason
        ),
    };
    answer(&args.which, &latch.record(), &text)
}

/// Lets the process that trades sell everything.
pub(super) fn flatten(args: &FlattenArgs) -> Result<(), Failure> {
    let (state, latch) = open(&args.which)?;
    latch.engage(Level::Flatten, &args.reason, "operator").map_err(state_failure)?;
    let Some(beat) = trading(&state) else {
        let text = "no process trades now: the next `pampero live` sells every position, and trades no more until \
                    `pampero resume`";
        return answer(&args.which, &latch.record(), text);
    };
    let flat = wait_until_flat(args, &state, latch.record().change);
    let waits_for = flat.as_ref().map_or(&[][..], |flat| &flat.waits_for);
    let sold = flat.as_ref().is_some_and(|flat| flat.sold);
    let text = if sold {
        "every position is sold, and trading is halted".to_owned()
    } else {
        format!("process {} has not sold everything within {}", beat.pid, args.wait)
    };
    if args.which.connect.json {
        let record = latch.record();
        output::print_json(&json!({ "text": text, "latch": record, "sold": sold, "waits_for": waits_for }))?;
    }
    if !sold {
        let help = if waits_for.is_empty() {
            "it goes on by itself, until everything is sold: `pampero balances` and `pampero orders` show what is left"
        } else {
            "it goes on by itself once that is decided; `pampero balances` and `pampero orders` show what is left"
        };
        return Err(Failure::account(Exit::Failed, "not_flat", text, help));
    }
    if args.which.connect.json { Ok(()) } else { output::say(&format!("{text}\n")) }
}

/// Waits until the process that trades says that everything is sold since a change of the latch, and says meanwhile
/// what it waits for. Gives what was said last.
fn wait_until_flat(args: &FlattenArgs, state: &StateDir, since: u64) -> Option<Flat> {
    let wait = Duration::from_nanos(u64::try_from(args.wait.as_nanos()).unwrap_or_default());
    let began = Instant::now();
    let mut last: Option<Flat> = None;
    while began.elapsed() < wait {
        if let Some(flat) = Flat::read(&state.flat_file()).filter(|flat| flat.change >= since) {
            let told = last.as_ref().map_or(&[][..], |last| &last.waits_for);
            if !args.which.connect.json {
                for waiting in flat.waits_for.iter().filter(|waiting| !told.contains(*waiting)) {
                    output::print_error(&format!("{}\n", waiting.words()));
                }
            }
            let sold = flat.sold;
            last = Some(flat);
            if sold {
                break;
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    last
}

fn open(which: &Which) -> Result<(StateDir, Latch), Failure> {
    let state = ground::state_dir(&which.connect, which.paper)?;
    let latch = Latch::open(&state).map_err(state_failure)?;
    Ok((state, latch))
}

/// The sign of life of a process that trades.
fn trading(state: &StateDir) -> Option<Beat> {
    Heartbeat::read(&state.heartbeat_file())
        .filter(|beat| beat.life == Life::Running && beat.process_exists())
}

fn answer(which: &Which, record: &LatchRecord, text: &str) -> Result<(), Failure> {
    if which.connect.json {
        return output::print_json(&json!({ "text": text, "latch": record }));
    }
    output::say(&format!("{text}\n"))
}
