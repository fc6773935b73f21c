//! The command line.

#[cfg(feature = "live")]
pub(crate) mod account;
pub(crate) mod author;
mod config;
mod data;
#[cfg(feature = "live")]
mod examples;
#[cfg(feature = "live")]
pub(crate) mod journal;
#[cfg(test)]
mod tests;
#[cfg(feature = "live")]
pub(crate) mod trading;

#[cfg(feature = "sandbox")]
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgMatches, Args, Parser, Subcommand, ValueEnum};
use pampero_model::{Rate, Span, Timestamp};

pub(crate) use self::config::ConfigCommand;
pub(crate) use self::data::{DataCommand, DataKind, Empty, GenerateArgs};
use crate::config::named_or_here;

const EXIT_CODES: &str = "\
Exit codes:
  0   done
  1   it failed: a file, or the way to the exchange
  2   the command line is wrong
  3   the configuration is wrong, or a key is missing
  4   the market data is wrong
  5   the exchange refused
  6   the risk gate refused, or trading is halted
  7   sent to the exchange, and what became of it is not known
  8   not confirmed
  9   checks failed
  10  the runs that were compared differ
  70  Pampero contradicts itself: please report it";

/// Algorithmic trading for the Bitex exchange: from a strategy to its backtest.
#[derive(Debug, Parser)]
#[command(name = "pampero", version, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// Print where you stand as one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// The words that name the command, and whether it is to answer in JSON.
    pub fn command_of(matches: &ArgMatches) -> (Vec<&str>, bool) {
        let (mut words, mut last) = (Vec::new(), matches);
        while let Some((word, below)) = last.subcommand() {
            words.push(word);
            last = below;
        }
        (words, matches!(last.try_get_one("json"), Ok(Some(true))))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a project for a strategy of your own
    #[command(after_help = author::NEW_EXAMPLES)]
    New(author::NewArgs),
    /// Trade strategies through history and report what came of it
    #[command(after_help = BACKTEST_EXAMPLES)]
    Backtest(Box<BacktestArgs>),
    /// Backtest again whenever a source or configuration is saved
    #[command(after_help = author::WATCH_EXAMPLES)]
    Watch(Box<author::WatchArgs>),
    /// Check a strategy for look-ahead, a short warm-up, or chance
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Box<CheckArgs>),
    /// Import, record, fetch, list, verify and generate market data
    #[command(subcommand)]
    Data(DataCommand),
    /// Check a configuration, and look up its keys
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Explain a statistic, a code of the risk gate, or an order
    #[cfg_attr(feature = "live", command(after_help = journal::EXPLAIN_ORDER))]
    Explain(ExplainArgs),
    /// Say how two kept runs differ, and from where on
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// Show the report of a run that `backtest --out` kept
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Run a local exchange that speaks Bitex's protocol
    #[cfg(feature = "sandbox")]
    #[command(after_help = SANDBOX_EXAMPLES)]
    Sandbox(SandboxArgs),
    /// List the strategies with their parameters
    #[command(after_help = STRATEGIES_EXAMPLES)]
    Strategies(StrategiesArgs),
    /// Print a script that completes commands in a shell
    #[command(after_help = author::COMPLETIONS_EXAMPLES)]
    Completions(author::CompletionsArgs),
    #[cfg(feature = "live")]
    #[command(flatten)]
    Account(account::AccountCommand),
    #[cfg(feature = "live")]
    #[command(flatten)]
    Trading(trading::TradingCommand),
    #[cfg(feature = "live")]
    #[command(flatten)]
    Journal(journal::JournalCommand),
}

const COMPARE_EXAMPLES: &str = "\
Examples:
  pampero backtest --out a && pampero backtest --set fast=12 --out b
  pampero compare a b
      parameters, statistics, the order where the runs part, round trips
  pampero compare a b --json
      everything, for a script

Exit codes: 0 the same orders, fills and statistics, 10 not the same,
1 a run cannot be read, 2 command line";

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// The folder of a run, as `backtest --out` wrote it
    pub a: PathBuf,
    /// The folder of the other
    pub b: PathBuf,
    /// List every order and round trip that differs, not ten
    #[arg(long)]
    pub all: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

const REPORT_EXAMPLES: &str = "\
Examples:
  pampero backtest --out run && pampero report run --open
      the charts in a browser
  pampero report run --html mail.html
      one file that needs nothing else, to send on

Exit codes: 0 done, 1 the run or a file cannot be read, written or opened,
2 command line";

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The folder that `backtest --out` wrote
    pub run: PathBuf,
    /// Write the report as one HTML file, in place of printing it
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Show it in a browser
    #[arg(long)]
    pub open: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[cfg(feature = "sandbox")]
const SANDBOX_EXAMPLES: &str = "\
Examples:
  pampero sandbox
      a demo account with printed keys, thin books, no faults
  pampero sandbox --listen 127.0.0.1:3000 --state exchange.json --speed 60
      a fixed address, kept over restarts, agents sixty times as busy

Exit codes: 0 ended by a signal, 1 the address or the state file cannot be
used, 2 the command line or a configuration is wrong";

#[cfg(feature = "sandbox")]
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// A TOML file [default: a demo account in every book]
    pub config: Option<PathBuf>,
    /// Loopback address of the exchange; port 0: any
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<SocketAddr>,
    /// Loopback address of the administration
    #[arg(long, value_name = "HOST:PORT")]
    pub admin_listen: Option<SocketAddr>,
    /// Decides keys, secrets and the market
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How many times as busy the agents are
    #[arg(long, value_name = "N")]
    pub speed: Option<u32>,
    /// Keep everything in this file over restarts
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// A TOML file of faults on demand
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Let [venues.NAME] of configurations find it
    #[arg(long, value_parser = crate::config::venue_name)]
    pub name: Option<String>,
    /// Print one JSON object when ready
    #[arg(long)]
    pub json: bool,
}

const CHECK_EXAMPLES: &str = "\
Checks:
  lookahead    garbage in the place of the future changes no earlier order, at
               two dozen instants; of the candle that begins only the open is
               known
  warmup       more history before the declared warm-up changes no order
  determinism  the same run twice ends the same in every detail
  all          each of the three

Examples:
  pampero check lookahead my.toml
  pampero check all --strategy sma-cross --data candles.csv --cash USD=10000

Exit codes: 0 nothing found, 1 files, 2 command line, 3 configuration,
4 market data, 9 something found, 70 a defect of ours";

/// What can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckKind {
    Lookahead,
    Warmup,
    Determinism,
    All,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// lookahead, warmup, determinism or all
    #[arg(hide_possible_values = true)]
    pub check: CheckKind,
    /// The configuration [default: pampero.toml, else the quickstart]
    pub config: Option<PathBuf>,
    /// The strategy, in place of the configured one
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// A parameter (NAME.KEY=VALUE with several strategies)
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// CSV or Parquet; MARKET=FILE binds it to a market
    #[arg(long, value_name = "FILE")]
    pub data: Vec<String>,
    /// CODE or VENUE:CODE [default: what the data says]
    #[arg(long, value_name = "CODE")]
    pub market: Vec<String>,
    /// Starting balance: USD=1000000, also BTC=0.5
    #[arg(long, value_name = "CUR=AMT", value_parser = pair)]
    pub cash: Vec<(String, String)>,
    /// Only what happens at or after this date or instant
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// Only what happens before this date or instant
    #[arg(long, value_name = "TIME")]
    pub to: Option<Timestamp>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl CheckArgs {
    /// The run that is checked.
    pub fn run(&self) -> BacktestArgs {
        BacktestArgs {
            config: self.config.clone(),
            strategy: self.strategy.clone(),
            set: self.set.clone(),
            data: self.data.clone(),
            market: self.market.clone(),
            cash: self.cash.clone(),
            fee: None,
            fill: None,
            from: self.from,
            to: self.to,
            seed: None,
            json: self.json,
            out: None,
            html: None,
        }
    }
}

const BACKTEST_EXAMPLES: &str = "\
Examples:
  pampero backtest
      the main job: sma-cross on the built-in sample of a btc_ars market
  pampero backtest --strategy sma-cross --data candles.csv --cash USD=10000
      flags alone: no limits, as the report then says
  pampero backtest my.toml --fill all
      a configuration, under every fill preset

Exit codes: 0 done, 1 files, 2 command line, 3 configuration, 4 market data,
70 a defect of ours";

#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// The configuration [default: pampero.toml, else the quickstart]
    pub config: Option<PathBuf>,
    /// The strategy, in place of the configured one
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// A parameter (NAME.KEY=VALUE with several strategies)
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// CSV or Parquet; MARKET=FILE binds it to a market
    #[arg(long, value_name = "FILE")]
    pub data: Vec<String>,
    /// CODE or VENUE:CODE [default: what the data says]
    #[arg(long, value_name = "CODE")]
    pub market: Vec<String>,
    /// Starting balance: USD=1000000, also BTC=0.5
    #[arg(long, value_name = "CUR=AMT", value_parser = pair)]
    pub cash: Vec<(String, String)>,
    /// Maker and taker fee: 0.001 is 0.1 %
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub fee: Option<Rate>,
    /// conservative, neutral, optimistic, or all to compare
    #[arg(long, value_name = "PRESET", hide_possible_values = true)]
    pub fill: Option<Fill>,
    /// Only what happens at or after this date or instant
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// Only what happens before this date or instant
    #[arg(long, value_name = "TIME")]
    pub to: Option<Timestamp>,
    /// Seed of everything that is drawn [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print one JSON object instead of the report
    #[arg(long)]
    pub json: bool,
    /// Keep the run in DIR: reports, orders, fills, equity
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the report with charts as one HTML file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

impl BacktestArgs {
    /// Takes the configuration of the working directory where neither one nor data is named.
    pub fn find_configuration(&mut self) {
        if self.data.is_empty() {
            self.config = named_or_here(self.config.take());
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fill {
    /// Only when traded through, for a tenth of the volume
    Conservative,
    /// With an estimate of the place in the queue
    Neutral,
    /// At touch and whole
    Optimistic,
    /// Each of the three
    All,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Such as `sharpe`, `MAX_POSITION` or `buy:13808`; without it, a list
    pub name: Option<String>,
    /// The session of the order, such as local:3
    #[cfg(feature = "live")]
    #[arg(long, value_name = "RUN")]
    pub run: Option<journal::RunName>,
    /// Where state is [default: ~/.local/state/pampero]
    #[cfg(feature = "live")]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

const STRATEGIES_EXAMPLES: &str = "\
Examples:
  pampero strategies
      each with its parameters, their defaults and ranges
  pampero strategies --json
      with what each parameter is for

Exit codes: 0 done, 2 command line";

#[derive(Debug, Args)]
pub(crate) struct StrategiesArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected a name and a value joined by `=`".to_owned()),
    }
}

fn share(text: &str) -> Result<Rate, String> {
    let rate: Rate = text.parse().map_err(|error| format!("{error}"))?;
    if rate.is_negative() || rate >= Rate::ONE {
        return Err("expected a share from 0 to below 1, such as 0.001 for 0.1 %".to_owned());
    }
    Ok(rate)
}

/// A span of time on the command line.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    text.parse().map_err(|error: pampero_model::TimeError| error.to_string())
}
