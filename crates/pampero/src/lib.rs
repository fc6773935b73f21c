//! The command line of Pampero, as a library: a program of one's own offers its own strategies with it.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     // strategies.push(my_strategy::definition());
//!     let strategies = pampero::builtin_strategies();
//!     pampero::run(strategies)
//! }
//! ```

mod advice;
mod cli;
mod commands;
mod config;
#[cfg(feature = "live")]
mod connect;
mod data;
mod error;
mod flags;
mod invocation;
mod market_list;
mod output;
mod plan;
mod progress;
mod rates;
mod reference;
mod sample;
mod suggest;
mod table;
mod wire;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use pampero_engine::StrategyDefinition;

/// Reads the process's arguments and does what they ask for, with these strategies to choose from. The exit codes
/// stand in `pampero --help`.
// By value: the strategies belong to the program from here on.
#[allow(clippy::needless_pass_by_value)]
pub fn run(strategies: Vec<StrategyDefinition>) -> ExitCode {
    let matches = cli::Cli::command().try_get_matches();
    let parsed = matches.and_then(|matches| Ok((cli::Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(message) => {
            // A reader that has gone away is no failure.
            let _ = message.print();
            return ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(2));
        }
    };
    let (command, json) = cli::Cli::command_of(&matches);
    output::begin(&command);
    match commands::execute(cli, &strategies) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if json {
                output::print_failure(&failure);
            }
            output::print_error(&failure.render(output::color_on_stderr()));
            failure.exit_code()
        }
    }
}

/// The strategies that come with Pampero.
///
/// ```
/// let names: Vec<_> = pampero::builtin_strategies().iter().map(|strategy| strategy.name()).collect();
/// assert!(names.contains(&"sma-cross"));
/// ```
pub fn builtin_strategies() -> Vec<StrategyDefinition> {
    vec![
        pampero_sma_cross::definition(),
        pampero_market_maker::definition(),
        pampero_mean_reversion::definition(),
        pampero_grid::definition(),
        pampero_dca::definition(),
        pampero_twap::definition(),
        pampero_cross_market::definition(),
    ]
}

/// Checks the text of a configuration as `pampero config check` does, for the tests of whoever ships one with a
/// strategy. Paths in it are relative to `folder`.
///
/// ```
/// let strategies = pampero::builtin_strategies();
/// let error = pampero::check_configuration("[run]\nsead = 7\n", &strategies, ".".as_ref()).unwrap_err();
/// assert!(error.contains("`sead`"), "{error}");
/// ```
///
/// # Errors
/// Every mistake with the line it stands on and what to do, as the command prints it.
pub fn check_configuration(
    text: &str,
    strategies: &[StrategyDefinition],
    folder: &Path,
) -> Result<(), String> {
    let reading = config::read("the configuration", text);
    if reading.problems.is_empty() && plan::check(&reading.config, strategies, folder).is_ok() {
        return Ok(());
    }
    let problems = reading.all_problems(|config| plan::problems(config, strategies, folder));
    Err(problems.render(false))
}

/// The pages of the reference that the program itself knows, each with its file name, for `cargo xtask docs`.
#[doc(hidden)]
pub fn reference_pages() -> Vec<(&'static str, String)> {
    reference::pages()
}

/// Whether the command line takes these words, which begin with the name of the program, for the tests of a book
/// that shows commands which need an account.
///
/// ```
/// assert!(pampero::check_command_line(&["pampero", "balances", "--env", "production"]).is_ok());
/// assert!(pampero::check_command_line(&["pampero", "balances", "--every-thing"]).is_err());
/// ```
///
/// # Errors
/// What the command would print.
pub fn check_command_line(words: &[&str]) -> Result<(), String> {
    match cli::Cli::try_parse_from(words) {
        Ok(_) => Ok(()),
        Err(message) if message.exit_code() == 0 => Ok(()),
        Err(message) => Err(message.to_string()),
    }
}
