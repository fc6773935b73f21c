//! The commands that read the journals of paper and live trading.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use pampero_model::Span;

use super::{Fill, span};

/// The commands that read journals.
#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// List the sessions of paper and live trading
    #[command(after_help = RUNS)]
    Runs(RunsArgs),
    /// Run a session again and prove that it decides the same
    #[command(after_help = REPLAY)]
    Replay(ReplayArgs),
    /// Write executions, orders or equity for other programs
    #[command(after_help = EXPORT)]
    Export(ExportArgs),
    /// Compare real executions with simulated ones, order by order
    #[command(after_help = DRIFT)]
    Drift(DriftArgs),
}

/// Which session: `local:3`, or `3` where one journal alone has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunName {
    /// The folder of its journal: an environment, with `-paper` where it was on paper.
    pub folder: Option<String>,
    /// Its number in there.
    pub number: u32,
}

impl FromStr for RunName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (folder, number) = match text.split_once(':') {
            Some((folder, number)) => (Some(folder.to_owned()), number),
            None => (None, text),
        };
        let number = number.parse().map_err(|_| format!("`{text}` names no run: {RUN_FORM}"))?;
        Ok(Self { folder: folder.filter(|folder| !folder.is_empty()), number })
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.folder {
            Some(folder) => write!(f, "{folder}:{}", self.number),
            None => self.number.fmt(f),
        }
    }
}

const RUN_FORM: &str = "take one of `pampero runs`, such as local:3";

/// Which sessions: one, or all of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunsName {
    /// One.
    One(RunName),
    /// Every session of a folder.
    All(String),
}

impl FromStr for RunsName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let folder = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        if !text.is_empty() && text.bytes().all(folder) {
            return Ok(Self::All(text.to_owned()));
        }
        text.parse().map(Self::One)
    }
}

/// Where journals are, and how the answer is shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct Shelf {
    /// Where state is [default: ~/.local/state/pampero]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Of this journal alone: local, local-paper, production, …
    pub journal: Option<String>,
    #[command(flatten)]
    pub shelf: Shelf,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The session, such as local:3
    pub run: RunName,
    #[command(flatten)]
    pub shelf: Shelf,
}

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Table {
    /// Executions; sales with their cost, first in, first out
    Fills,
    /// Orders as they stood last
    Orders,
    /// Equity and exposure
    Equity,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileForm {
    Csv,
    Parquet,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Sessions such as local:3, or a whole journal such as production
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<RunsName>,
    /// fills, orders or equity
    #[arg(long, value_name = "TABLE", default_value = "fills", hide_possible_values = true)]
    pub what: Table,
    /// csv or parquet [default: what the name of the file says]
    #[arg(long, value_name = "FORM", hide_possible_values = true)]
    pub format: Option<FileForm>,
    /// Write into this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Least time between two points of the equity
    #[arg(long, value_name = "SPAN", default_value = "1m", value_parser = span)]
    pub every: Span,
    #[command(flatten)]
    pub shelf: Shelf,
}

#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// The session, such as local:3
    pub run: RunName,
    /// conservative, neutral, optimistic or all
    #[arg(long, value_name = "PRESET", default_value = "all", hide_possible_values = true)]
    pub fill: Fill,
    /// Simulated way of an order to the venue
    #[arg(long, value_name = "SPAN", default_value = "200ms", value_parser = span)]
    pub latency: Span,
    #[command(flatten)]
    pub shelf: Shelf,
}

const RUNS: &str = "\
Examples:
  pampero runs
      every session of every environment, on paper and live
  pampero runs production --json
      those of production, for programs

Exit codes: 0 done, 1 a file cannot be read, 2 command line, 4 a journal is
damaged";

const REPLAY: &str = "\
Examples:
  pampero replay local:3
      the recorded events once more, every decision compared byte for byte
  pampero replay local-paper:1 --json
      the same of a session on paper, for programs

It needs the program with the strategies that ran; a strategy that was changed
since decides otherwise, and the first difference is shown.

Exit codes: 0 the same, 1 a file cannot be read, 2 command line, 3 the
configuration of then is not valid any more, 4 the journal is damaged, 10 not
the same";

const EXPORT: &str = "\
Examples:
  pampero export production --out fills.csv
      every execution ever, with the realised gain of each sale (FIFO)
  pampero export local:3 --what orders --out orders.parquet
      the orders of a session as Parquet; amounts are exact texts

Exit codes: 0 done, 1 a file cannot be read or written, 2 command line, 3 the
configuration of then is not valid any more, 4 a journal is damaged";

const DRIFT: &str = "\
Examples:
  pampero drift local:3
      by cause and in basis points, under each of the three fill models
  pampero drift production:7 --fill conservative --latency 400ms
      order by order

Exit codes: 0 done, 1 a file cannot be read, 2 command line, 3 the
configuration of then is not valid any more, 4 the journal is damaged";

/// What the help of `explain` ends with.
pub(super) const EXPLAIN_ORDER: &str = "\
Examples:
  pampero explain sharpe
      the formula of a statistic; also codes such as MAX_POSITION
  pampero explain buy:13808
      the whole story of an order, by the exchange's number or by our own
  pampero explain 41 --run local:3
      where several journals know that number

Exit codes: 0 done, 1 a file cannot be read, 2 nothing of that name, 4 a journal
is damaged";
