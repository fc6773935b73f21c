//! The commands of someone who writes a strategy.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const NEW_EXAMPLES: &str = "\
Templates:
  minimal  buys dips by candles, fifty lines in all
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
    /// Checkout, git URL or `registry` [default: its own]
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// The folder to make [default: the name]
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  pampero completions bash > ~/.local/share/bash-completion/completions/pampero
      for every shell that starts from now on
  pampero completions zsh > \"${fpath[1]}/_pampero\"
      and fish > ~/.config/fish/completions/pampero.fish

Exit codes: 0 done, 2 command line";

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    #[arg(hide_possible_values = true)]
    pub shell: clap_complete::Shell,
}

pub(super) const WATCH_EXAMPLES: &str = "\
Examples:
  cargo run -- watch
      in a project: builds and backtests pampero.toml whenever you save
  pampero watch my.toml --fill neutral
      elsewhere: backtests again whenever my.toml changes

It looks at the sources and configurations of this folder, and at the one that
is named. What does not compile, or is wrong, is shown, and the next save is
the next try. Ctrl-C ends it.

Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 files, 2 command line";

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub backtest: super::BacktestArgs,
}
