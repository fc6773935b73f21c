//! `pampero watch`: the backtest, again and again, with what each save changed.

mod files;
mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pampero_report::{RunRecord, Statistics, compare};
use serde_json::json;

use self::files::Stamps;
use self::run::{Ended, Runner};
use super::compare::statistics_table;
use crate::cli::author::WatchArgs;
use crate::error::Failure;
use crate::output;

/// How often files are looked at. Asking works on every file system, and a few hundred files cost nothing.
const INTERVAL: Duration = Duration::from_millis(200);

/// Backtests until it is stopped.
pub(crate) fn watch(args: &WatchArgs) -> Result<(), Failure> {
    let stop = stop_flag()?;
    let runner = Runner::new(&args.backtest)?;
    let configuration = args.backtest.config.as_deref();
    let mut seen = Stamps::of(Path::new("."), configuration);
    let mut console = Console { json: args.backtest.json, last: None };
    loop {
        match runner.run(&stop)? {
            Ended::Stopped => break,
            Ended::Failed { code, message } => console.failed(code, &message)?,
            Ended::Ran(record) => console.ran(*record)?,
        }
        let Some((now, changed)) = wait(&seen, configuration, &stop) else { break };
        seen = now;
        console.changed(&changed)?;
    }
    console.stopped()
}

/// Raised by Ctrl-C and SIGTERM.
fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .map_err(|error| Failure::system("signals cannot be waited for", &error))?;
    }
    Ok(flag)
}

/// Waits for a change, and then until nothing changes any more; none if it is to stop.
fn wait(seen: &Stamps, configuration: Option<&Path>, stop: &AtomicBool) -> Option<(Stamps, Vec<PathBuf>)> {
    let look = || Stamps::of(Path::new("."), configuration);
    let mut last = look();
    loop {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        std::thread::sleep(INTERVAL);
        let now = look();
        if now == last && now != *seen {
            let changed = now.changed_since(seen);
            return Some((now, changed));
        }
        last = now;
    }
}

/// What is shown, and what it is compared with.
struct Console {
    json: bool,
    last: Option<(RunRecord, Statistics)>,
}

impl Console {
    fn ran(&mut self, record: RunRecord) -> Result<(), Failure> {
        let statistics = Statistics::compute(&record);
        if self.json {
            let summary = pampero_report::summary_json(&record, &statistics).get("summary").cloned();
            let mut event = json!({ "event": "ran", "summary": summary });
            if let (Some(event), Some((before, of_before))) = (event.as_object_mut(), &self.last) {
                let comparison = compare((before, of_before), (&record, &statistics));
                event.insert("change".to_owned(), comparison.to_json());
            }
            output::print_json(&event)?;
        } else {
            output::print(&self.in_words(&record, &statistics))?;
        }
        self.last = Some((record, statistics));
        Ok(())
    }

    fn in_words(&self, record: &RunRecord, statistics: &Statistics) -> String {
        let Some((before, of_before)) = &self.last else { return first(record, statistics) };
        let comparison = compare((before, of_before), (record, statistics));
        if comparison.is_same() {
            return format!("The same: every statistic, and all {} orders.\n", comparison.same_orders);
        }
        statistics_table(&comparison.statistics, ["before", "after", "difference"], before, record)
    }

    fn failed(&self, code: Option<i32>, message: &str) -> Result<(), Failure> {
        if self.json {
            return output::print_json(&json!({ "event": "failed", "exit": code, "message": message }));
        }
        // The child has said why, on standard error.
        output::print("It did not run; save again to try again.\n")
    }

    fn changed(&self, files: &[PathBuf]) -> Result<(), Failure> {
        let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        if self.json {
            return output::print_json(&json!({ "event": "changed", "files": names }));
        }
        output::print(&output::wrapped(&format!("\nchanged: {}", names.join(", ")), ""))
    }

    fn stopped(&self) -> Result<(), Failure> {
        if self.json {
            output::print_json(&json!({ "event": "stopped" }))
        } else {
            output::print("\nstopped\n")
        }
    }
}

/// The statistics of the first run.
fn first(record: &RunRecord, statistics: &Statistics) -> String {
    let shown = SHOWN.iter().filter_map(|name| pampero_report::explain(name));
    let rows: Vec<Vec<String>> = shown
        .map(|row| vec![row.title.to_owned(), pampero_report::show(row.value(statistics), record)])
        .collect();
    output::table(&[&record.inputs.strategy, ">now"], &rows)
}

/// The statistics that say most.
const SHOWN: [&str; 8] =
    ["final_equity", "return", "max_drawdown", "sharpe", "round_trips", "orders", "fills", "fees"];
