//! What `cargo xtask prove` runs: every proof counts what it did, and a table shows the counts.

use std::fmt::Write as _;
use std::num::NonZero;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pampero_model::Timestamp;
use pampero_report::group;
use serde::Serialize;

use crate::{damage, drills, fault_matrix, fuzz, kills, simulation};

/// How much to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// Less than half a minute.
    Quick,
    /// What holds of every change; minutes.
    Usual,
    /// Hours.
    Long,
}

/// What a proof did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// Its name.
    pub proof: String,
    /// What was counted, in the order of importance.
    pub counts: Vec<(String, u64)>,
    /// What should not have been; nothing if it holds.
    pub failures: Vec<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// All of them.
#[derive(Clone, Debug, Serialize)]
pub struct Proofs {
    /// Whether everything holds.
    pub ok: bool,
    /// How much was done.
    pub depth: Depth,
    /// The day, in UTC.
    pub date: String,
    /// The processor.
    pub cpu: String,
    /// How many of its cores could be used.
    pub cores: usize,
    /// The proofs.
    pub proofs: Vec<Row>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// A proof by its name, and how much has to be asked for to have it run.
type Proof = (&'static str, Depth, fn(Depth) -> Row);

/// Every proof that there is.
const PROOFS: &[Proof] = &[
    ("simulation", Depth::Quick, simulated),
    ("planted bugs", Depth::Quick, planted),
    ("faults × endpoints", Depth::Quick, faults),
    ("fuzz targets", Depth::Quick, fuzz_targets),
    ("journal damage", Depth::Quick, damaged),
    ("kill switch", Depth::Quick, stopped),
    ("kill -9", Depth::Usual, killed),
];

/// Runs the proofs, or the one of that name, one after the other and tells of each as it ends.
pub fn run(depth: Depth, only: Option<&str>, mut tell: impl FnMut(&Row)) -> Proofs {
    let started = Instant::now();
    let mut proofs = Vec::new();
    let wanted = |(name, from, _): &&Proof| only.map_or(depth >= *from, |only| only == *name);
    for (name, _, proof) in PROOFS.iter().filter(wanted) {
        let started = Instant::now();
        let row = Row { proof: (*name).to_owned(), seconds: 0.0, ..proof(depth) };
        let row = Row { seconds: started.elapsed().as_secs_f64(), ..row };
        tell(&row);
        proofs.push(row);
    }
    let ok = proofs.iter().all(|row| row.failures.is_empty());
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Proofs { ok, depth, date: today(), cpu: cpu(), cores, proofs, seconds: started.elapsed().as_secs_f64() }
}

fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_secs(i64::try_from(since.as_secs()).unwrap_or(0)).to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}

/// As Linux names it.
fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("an unknown processor", |(_, name)| name.trim()).to_owned()
}

impl Row {
    fn count(&mut self, name: impl Into<String>, count: u64) {
        self.counts.push((name.into(), count));
    }

    fn failed(problem: impl Into<String>) -> Self {
        Self { failures: vec![problem.into()], ..Self::default() }
    }

    /// As a row of the table, with its failures below.
    pub fn render(&self) -> String {
        let verdict = if self.failures.is_empty() { "holds" } else { "FAILS" };
        let counts: Vec<String> =
            self.counts.iter().map(|(name, count)| format!("{} {name}", group(&count.to_string()))).collect();
        let mut text =
            format!("{:<20} {verdict}  {:>7.1} s  {}\n", self.proof, self.seconds, counts.join(", "));
        for failure in self.failures.iter().take(20) {
            let _ = writeln!(text, "    {failure}");
        }
        if self.failures.len() > 20 {
            let _ = writeln!(text, "    … and {} more", self.failures.len() - 20);
        }
        text
    }
}

/// The whole system, seed by seed.
fn simulated(depth: Depth) -> Row {
    let seeds = match depth {
        Depth::Quick => 200,
        Depth::Usual => 10_000,
        Depth::Long => 1_000_000,
    };
    let report = simulation::run_on_all_cores(0..seeds);
    let findings = report.findings.iter().map(|finding| format!("seed {}: {}", finding.seed, finding.what));
    let mut row = Row { failures: findings.collect(), ..Row::default() };
    row.count("seeds", report.seeds);
    row.count("intents", report.intents);
    row.count("faults", report.faults);
    row.count("crashes", report.crashes);
    row.count("unknown outcomes", report.unknown);
    row.count("adopted", report.adopted);
    row.count("executions", report.fills);
    row.count(
        "lost, doubled, wrongly adopted or beyond a limit",
        u64::try_from(report.findings.len()).unwrap_or(u64::MAX),
    );
    let silent = report
        .hits
        .iter()
        .filter(|(_, hits)| **hits == 0)
        .map(|(fault, _)| format!("{fault:?} never struck"));
    row.failures.extend(silent);
    row
}

/// Bugs that are planted: what does not find them proves nothing.
fn planted(_: Depth) -> Row {
    let mut row = Row::default();
    for canary in simulation::Canary::ALL {
        let report = simulation::run(0..1_000, Some(canary));
        if report.findings.is_empty() {
            row.failures.push(format!("{canary:?} was not found within 1,000 seeds"));
        }
        row.count(format!("seeds until {canary:?}"), report.seeds);
    }
    row
}

fn faults(depth: Depth) -> Row {
    // A part of the cells, spread over all of them, is enough for a quick look.
    let stride = if depth == Depth::Quick { 3 } else { 1 };
    let settings = fault_matrix::Settings { stride, ..fault_matrix::Settings::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let report = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(fault_matrix::run(settings)));
    let report = match report {
        Ok(report) => report,
        Err(problem) => return Row::failed(problem),
    };
    let mut row = Row { failures: report.failures, ..Row::default() };
    row.count("cells", report.cells);
    row.count("faults", report.faults);
    row.count("endpoints", report.endpoints);
    row.count("faults that struck", report.hits.values().sum());
    let silent =
        report.hits.iter().filter(|(_, hits)| **hits == 0).map(|(name, _)| format!("{name} never struck"));
    row.failures.extend(silent);
    row
}

fn fuzz_targets(depth: Depth) -> Row {
    let (most, patience) = match depth {
        Depth::Quick => (5_000, Duration::from_millis(300)),
        Depth::Usual => (200_000, Duration::from_secs(1)),
        Depth::Long => (10_000_000, Duration::from_hours(3)),
    };
    // What is wrong stands in the row; the words of every caught panic would only bury it.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut row = Row::default();
    let mut kept = 0;
    for target in fuzz::TARGETS {
        match target.exercise(1, most, patience) {
            Ok(tried) => {
                kept += tried.corpus;
                row.count(tried.name, tried.corpus + tried.mutated);
                row.failures.extend(tried.failure);
            }
            Err(error) => row.failures.push(format!("the corpus of {}: {error}", target.name)),
        }
    }
    std::panic::set_hook(before);
    row.count("of them kept in the corpora", kept);
    row
}

/// Lives of the process that trades, ended by `kill -9` at named places and at any moment, beside an exchange that goes
/// on; this program is the one that is killed.
fn killed(depth: Depth) -> Row {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Row::failed(format!("this program is not found: {error}")),
    };
    let kills = if depth == Depth::Long { 2_000 } else { 300 };
    let report = kills::run(&kills::Settings { program, kills, lanes: 24 });
    let missing = report.missing();
    let mut row = Row { failures: report.failures, ..Row::default() };
    row.failures.extend(missing);
    row.count("kills", report.kills);
    row.count("of them at named places", report.at_points.values().sum());
    row.count("orders accepted", report.orders);
    row.count("executions", report.fills);
    row.count("orders executed in part", report.partial);
    row.count("kinds of faults", u64::try_from(report.faults.len()).unwrap_or(u64::MAX));
    row.count("faults that struck", report.faults.values().sum());
    row
}

/// A journal cut at every byte and with flipped bits.
fn damaged(depth: Depth) -> Row {
    let settings = match depth {
        Depth::Quick => damage::Settings { stride: 211, bits: 1 },
        Depth::Usual => damage::Settings { stride: 1, bits: 1 },
        Depth::Long => damage::Settings { stride: 1, bits: 8 },
    };
    let report = damage::run(settings);
    let mut row = Row { failures: report.failures, ..Row::default() };
    row.count("bytes of the files", report.bytes);
    row.count("cuts", report.cuts);
    row.count("flipped bits", report.flips);
    row.count("refused", report.refused);
    row.count("found whole", report.whole);
    row.count("without the last commit, after a loss of power", report.one_short);
    row.count("cut logs that gave what stood before the cut, after a loss of power", report.earlier);
    row
}

/// Stops of trading while the exchange misbehaves.
fn stopped(depth: Depth) -> Row {
    let report = drills::run(if depth == Depth::Quick { 40 } else { 1_000 });
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut row = Row { failures: report.failures, ..Row::default() };
    row.count("drills", report.drills);
    row.count("open orders", report.orders);
    row.count("faults that struck", report.faults);
    row.count("ms at most until nothing is sent", milliseconds(report.blocked));
    row.count("ms at most until the first cancellation", milliseconds(report.sent));
    row.count("ms at most until two lists without orders", milliseconds(report.clear));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_show_counts_and_failures() {
        let mut row = Row { proof: "a proof".to_owned(), seconds: 1.25, ..Row::default() };
        row.count("things", 1_234_567);
        row.count("others", 12);
        assert_eq!(row.render(), "a proof              holds      1.2 s  1,234,567 things, 12 others\n");
        row.failures = (0..25).map(|number| format!("number {number}")).collect();
        let text = row.render();
        assert!(
            text.contains("FAILS") && text.contains("    number 19\n") && text.ends_with("… and 5 more\n"),
            "{text}"
        );
    }
}
