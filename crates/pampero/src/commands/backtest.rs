//! `pampero backtest`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use pampero_backtest::{Backtest, Feed, Recording, run_with_progress};
use pampero_engine::StrategyDefinition;
use pampero_model::Timestamp;
use pampero_report::{
    PresetOutcome, RunInputs, RunRecord, Statistics, Style, Timing, render, render_html, summary_json,
    write_files,
};
use pampero_venue::{FillPreset, SimSettings};
use serde_json::{Map, Value as Json};

use crate::cli::{BacktestArgs, Fill};
use crate::commands::report::write_html;
use crate::config::{self, Config, Problems, Source};
use crate::data::{self, Loaded};
use crate::error::Failure;
use crate::invocation;
use crate::plan::{self, Plan};
use crate::progress::Progress;
use crate::wire::{self, FeedFacts};
use crate::{flags, output, rates, sample};

/// Trades strategies through history.
pub(crate) fn backtest(args: &BacktestArgs, strategies: &[StrategyDefinition]) -> Result<(), Failure> {
    with_plan(args, strategies, |plan, loaded, load_seconds| {
        let inputs = inputs(args, plan, &loaded);
        let runs = Runs { plan, inputs, load_seconds };
        let feeds = data::feeds(loaded, plan);
        if args.fill == Some(Fill::All) { runs.compare(&feeds, args) } else { runs.one(feeds, args) }
    })
}

/// Reads the configuration and the data that the arguments name, and does something with the plan and the data; the
/// third argument is how many seconds the reading took.
pub(super) fn with_plan<T>(
    args: &BacktestArgs,
    strategies: &[StrategyDefinition],
    then: impl FnOnce(&Plan<'_>, Vec<Loaded>, f64) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (mut config, source, folder) = configuration(args, strategies)?;
    let locate = |list| Failure::Config(Problems { source: source.clone(), list });
    flags::apply(&mut config, args, strategies).map_err(locate)?;
    if source.is_some() && config.names_markets() {
        // Everything that is wrong is told at once, and before any time is spent on reading.
        plan::check(&config, strategies, &folder).map_err(locate)?;
    }
    let loading = Instant::now();
    let loaded = data::load_all(&config, &folder).map_err(|failure| match failure {
        Failure::Config(problems) => locate(problems.list),
        other => other,
    })?;
    let load_seconds = loading.elapsed().as_secs_f64();
    let markets: Vec<String> = loaded.iter().map(|part| part.market.clone()).collect();
    let mut plan = plan::resolve(&config, strategies, &markets, &folder).map_err(locate)?;
    plan.rate_histories = rates::histories(&plan.changing_rates, &folder)?;
    then(&plan, loaded, load_seconds)
}

/// The run of a plan over its range.
pub(super) fn assemble(plan: &Plan<'_>, feeds: Vec<Feed>, preset: FillPreset) -> Result<Backtest, String> {
    Ok(Backtest {
        setup: plan.setup()?,
        feeds,
        rates: plan.rate_histories.clone(),
        venue: SimSettings { fill: plan.fill_model(preset), latency: plan.latency.clone(), seed: plan.seed },
        from: plan.from,
        to: plan.to,
        recording: Recording::Everything,
    })
}

/// The named configuration; the quickstart if there is neither one nor data; else an empty one.
fn configuration(
    args: &BacktestArgs,
    strategies: &[StrategyDefinition],
) -> Result<(Config, Option<Source>, PathBuf), Failure> {
    let (mut reading, folder) = match &args.config {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))?;
            let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
            (config::read(&path.display().to_string(), &text), folder)
        }
        None if args.data.is_empty() => {
            let (name, text) = sample::QUICKSTART;
            (config::read(name, text), PathBuf::new())
        }
        None => return Ok((Config::default(), None, PathBuf::new())),
    };
    if !reading.problems.is_empty() {
        return Err(reading.all_problems(|config| plan::problems(config, strategies, &folder)).into());
    }
    if args.data.is_empty() {
        return Ok((reading.config, Some(reading.source), folder));
    }
    // Files of the command line are of the working directory, whatever the configuration's folder.
    for history in reading.config.rate_sources.values_mut().filter_map(|rate| rate.history.as_mut()) {
        *history = folder.join(&*history);
    }
    Ok((reading.config, Some(reading.source), PathBuf::new()))
}

/// What the report says the run was made from.
fn inputs(args: &BacktestArgs, plan: &Plan<'_>, loaded: &[Loaded]) -> RunInputs {
    let mut notes: Vec<String> = loaded.iter().filter_map(|part| part.note.clone()).collect();
    notes.dedup();
    if !plan.has_limits() {
        let who =
            if args.config.is_some() { "the configuration sets none, so" } else { "given by flags alone," };
        notes.push(format!("No limits: {who} the risk gate refuses no order for its size or price. Live trading has no such default."));
    }
    let describe = |part: &Loaded| {
        let dataset = &part.dataset;
        let label =
            dataset.synthetic.as_ref().map(|label| format!(", synthetic: {label}")).unwrap_or_default();
        format!(
            "{} {} of {} from {}{label}",
            dataset.series.len(),
            dataset.series.kind().name(),
            part.market,
            dataset.path.display()
        )
    };
    RunInputs {
        strategy: wire::strategy_names(plan),
        parameters: wire::parameters(plan),
        seed: plan.seed,
        config_hash: plan.hash(),
        data_hash: data::hash(loaded),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        fill_model: plan.fill.preset.to_string(),
        data: loaded.iter().map(describe).collect(),
        synthetic: loaded.iter().any(|part| part.dataset.is_synthetic()),
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        notes,
        reproduce: command_line(args),
    }
}

/// The command that repeats the run. Where its results go is no part of it.
fn command_line(args: &BacktestArgs) -> String {
    let quoted: Vec<String> = words(args).iter().map(|word| quoted(word)).collect();
    invocation::command(&quoted.join(" "), false)
}

/// The arguments of a run, without those that say where its results go.
pub(super) fn words(args: &BacktestArgs) -> Vec<String> {
    let mut words = vec!["backtest".to_owned()];
    words.extend(args.config.iter().map(|path| path.display().to_string()));
    let mut option = |name: &str, value: Option<String>| {
        words.extend(value.into_iter().flat_map(|value| [format!("--{name}"), value]));
    };
    option("strategy", args.strategy.clone());
    let pairs = |pairs: &[(String, String)]| {
        pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
    };
    for pair in pairs(&args.set) {
        option("set", Some(pair));
    }
    for file in &args.data {
        option("data", Some(file.clone()));
    }
    for market in &args.market {
        option("market", Some(market.clone()));
    }
    for pair in pairs(&args.cash) {
        option("cash", Some(pair));
    }
    option("fee", args.fee.map(|fee| fee.to_string()));
    let fill = |fill: Fill| match fill {
        Fill::Conservative => "conservative",
        Fill::Neutral => "neutral",
        Fill::Optimistic => "optimistic",
        Fill::All => "all",
    };
    option("fill", args.fill.map(|preset| fill(preset).to_owned()));
    option("from", args.from.map(|time| time.to_string()));
    option("to", args.to.map(|time| time.to_string()));
    option("seed", args.seed.map(|seed| seed.to_string()));
    words
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// The runs of a plan.
struct Runs<'a> {
    plan: &'a Plan<'a>,
    inputs: RunInputs,
    load_seconds: f64,
}

impl Runs<'_> {
    /// One run under the configured preset.
    fn one(&self, feeds: Vec<Feed>, args: &BacktestArgs) -> Result<(), Failure> {
        let preset = self.plan.fill.preset;
        let record = self.run(feeds, preset, Some(&Progress::new()))?;
        let statistics = Statistics::compute(&record);
        write(args, &record, &statistics)?;
        if args.json {
            return output::print_json(&summary_json(&record, &statistics));
        }
        output::print(&render(&record, &statistics, &style()))
    }

    /// A run under each preset, at once; the configured one is the one that is written.
    fn compare(&self, feeds: &[Feed], args: &BacktestArgs) -> Result<(), Failure> {
        let presets = [FillPreset::Conservative, FillPreset::Neutral, FillPreset::Optimistic];
        let progress = Progress::new();
        let ran: Vec<Result<RunRecord, Failure>> = std::thread::scope(|scope| {
            let run = |preset| {
                let progress = (preset == self.plan.fill.preset).then_some(&progress);
                scope.spawn(move || self.run(feeds.to_vec(), preset, progress))
            };
            let threads = presets.map(run);
            let defect = || Err(Failure::Defect("a thread that ran a backtest has failed".to_owned()));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| defect())).collect()
        });
        drop(progress);
        let mut results = Vec::new();
        for (preset, record) in presets.into_iter().zip(ran) {
            let record = record?;
            let statistics = Statistics::compute(&record);
            results.push((preset, record, statistics));
        }
        let outcomes: Vec<PresetOutcome> = results.iter().map(outcome).collect();
        let main = results.iter_mut().find(|(preset, _, _)| *preset == self.plan.fill.preset);
        let Some((_, record, statistics)) = main else { return Ok(()) };
        record.presets = outcomes;
        write(args, record, statistics)?;
        if args.json {
            let mut all = summary_json(record, statistics);
            let fills: Map<String, Json> = results
                .iter()
                .map(|(preset, record, statistics)| {
                    (
                        preset.to_string(),
                        summary_json(record, statistics).get("summary").cloned().unwrap_or_default(),
                    )
                })
                .collect();
            if let Some(fields) = all.as_object_mut() {
                fields.insert("fills".to_owned(), Json::Object(fills));
            }
            return output::print_json(&all);
        }
        output::print(&render(record, statistics, &style()))?;
        output::print(&comparison(&results))
    }

    fn run(
        &self,
        feeds: Vec<Feed>,
        preset: FillPreset,
        progress: Option<&Progress>,
    ) -> Result<RunRecord, Failure> {
        let plan = self.plan;
        let facts = FeedFacts::of(&feeds, plan.from, plan.to);
        let kinds: Vec<&str> = feeds.iter().map(|feed| feed.data.name()).collect();
        let backtest = assemble(plan, feeds, preset).map_err(Failure::Defect)?;
        let running = Instant::now();
        let outcome = run_with_progress(backtest, &mut |done, total| {
            if let Some(progress) = progress {
                progress.set(done, total);
            }
        })?;
        let run_seconds = running.elapsed().as_secs_f64();
        let timing = Timing { load_seconds: self.load_seconds, run_seconds, events: outcome.events };
        let mut inputs = RunInputs { fill_model: preset.to_string(), ..self.inputs.clone() };
        if outcome.submitted == 0 && outcome.denied.is_empty() {
            inputs.notes.push(idle_note(&kinds));
        }
        Ok(wire::record(plan, outcome, &facts, inputs, timing))
    }
}

/// What may be behind a run in which a strategy never wanted anything.
fn idle_note(kinds: &[&str]) -> String {
    let seen = kinds.join(" and ");
    let mut note =
        format!("No order was asked for: the strategy saw {seen} alone and may need something else.");
    if !kinds.contains(&"candles") && kinds.contains(&"trades") {
        note.push_str(" `pampero data resample` makes candles of trades.");
    }
    note
}

fn write(args: &BacktestArgs, record: &RunRecord, statistics: &Statistics) -> Result<(), Failure> {
    if let Some(folder) = &args.out {
        write_files(folder, record, statistics)?;
    }
    match &args.html {
        Some(file) => write_html(file, &render_html(record, statistics)),
        None => Ok(()),
    }
}

fn style() -> Style {
    Style { color: output::color_on_stdout(), timing: true }
}

/// The statistics that show what the choice of a preset does.
const COMPARED: [&str; 8] =
    ["final_equity", "return", "max_drawdown", "sharpe", "round_trips", "orders", "fills", "fees"];

fn outcome((preset, _, statistics): &(FillPreset, RunRecord, Statistics)) -> PresetOutcome {
    let rows = COMPARED.iter().filter_map(|name| pampero_report::explain(name));
    let values = rows.map(|row| (row.name.to_owned(), row.value(statistics))).collect();
    PresetOutcome { preset: preset.to_string(), values }
}

/// What the presets make of the same decisions, side by side.
fn comparison(results: &[(FillPreset, RunRecord, Statistics)]) -> String {
    let headings: Vec<String> = results.iter().map(|(preset, _, _)| preset.to_string()).collect();
    let headings: Vec<&str> = std::iter::once("").chain(headings.iter().map(String::as_str)).collect();
    let rows: Vec<Vec<String>> = COMPARED
        .iter()
        .filter_map(|name| pampero_report::explain(name))
        .map(|row| {
            let values = results
                .iter()
                .map(|(_, record, statistics)| pampero_report::show(row.value(statistics), record));
            std::iter::once(row.title.to_owned()).chain(values).collect()
        })
        .collect();
    format!("\nFill presets compared\n{}", output::table(&headings, &rows))
}
