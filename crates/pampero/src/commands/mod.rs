//! What each command does.

#[cfg(feature = "live")]
mod account;
mod backtest;
mod check;
#[cfg(feature = "live")]
pub(crate) mod collect;
mod compare;
mod completions;
mod config;
mod data;
mod explain;
#[cfg(feature = "live")]
mod journal;
mod ladder;
mod new;
mod report;
#[cfg(feature = "sandbox")]
mod sandbox;
mod strategies;
#[cfg(feature = "live")]
mod trade;
mod watch;

use pampero_engine::StrategyDefinition;

use crate::cli::{Cli, Command};
use crate::error::Failure;

/// Does what a command asks for.
pub(crate) fn execute(cli: Cli, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let Some(command) = cli.command else { return ladder::ladder(cli.json, definitions) };
    match command {
        Command::New(args) => new::new(&args, definitions),
        Command::Watch(args) => watch::watch(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Backtest(mut args) => {
            args.find_configuration();
            backtest::backtest(&args, definitions)
        }
        Command::Check(args) => check::check(&args, definitions),
        Command::Data(command) => data::data(command),
        Command::Config(command) => config::config(command, definitions),
        Command::Explain(args) => explain::explain(&args),
        Command::Compare(args) => compare::compare_runs(&args),
        Command::Report(args) => report::report(&args),
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::sandbox(&args),
        #[cfg(feature = "live")]
        Command::Account(command) => account::account(command),
        #[cfg(feature = "live")]
        Command::Trading(command) => trade::trade(command, definitions),
        #[cfg(feature = "live")]
        Command::Journal(command) => journal::journal(command, definitions),
        Command::Strategies(args) => strategies::strategies(&args, definitions),
    }
}
