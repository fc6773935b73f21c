//! The commands of someone who writes a strategy.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const NEW_EXAMPLES: &str = "\
Templates:
  minimal  buys dips by candles, forty lines of decisions
  maker    quotes both sides of the book
  signal   follows an average of closes, and keeps its state over a restart

Examples:
  pampero new my-maker --template maker
      a folder my-maker; then: cd my-maker && cargo run -- backtest
  pampero new trend --template signal --path ~/bots/trend --source ~/pampero
      elsewhere, built against another checkout of Pampero

Exit codes: 0 done, 1 a file cannot be written, 2 command line: the name, the
folder or the source cannot be used";

/// What a new project begins as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TemplateName {
    Minimal,
    Maker,
    Signal,
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Of the project, its crate and its strategy
    pub name: String,
    /// minimal, maker or signal
    #[arg(long, default_value = "minimal", hide_possible_values = true)]
    pub template: TemplateName,
    /// A checkout, git URL or `registry` [default: as built]
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// The folder to make [default: the name]
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
