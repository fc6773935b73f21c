//! What each command does.

mod backtest;

use pampero_engine::StrategyDefinition;

use crate::cli::Command;
use crate::error::Failure;

/// Does what a command asks for.
pub(crate) fn execute(command: Command, strategies: &[StrategyDefinition]) -> Result<(), Failure> {
    match command {
        Command::Backtest(args) => backtest::backtest(&args, strategies),
        Command::Data(_) | Command::Config(_) | Command::Explain(_) | Command::Strategies(_) => Ok(()),
    }
}
