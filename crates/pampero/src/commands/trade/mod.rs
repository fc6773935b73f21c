//! The commands that trade, and those that stop it.

mod console;
mod control;
mod feeds;
mod figures;
mod flat;
mod ground;
mod live;
mod messages;
mod paper;
mod production;
mod rates;
mod rehearse;
mod session;
mod venues;
mod watchdog;

pub(crate) use ground::strategies_described;
pub(crate) use production::{required as evidence_required, shown as evidence_shown};

use pampero_engine::StrategyDefinition;

use crate::cli::trading::TradingCommand;
use crate::config;
use crate::error::Failure;

/// Does what a command asks for.
pub(crate) fn trade(command: TradingCommand, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    match command {
        TradingCommand::Paper(mut args) => {
            args.session.find_configuration();
            paper::paper(&args, definitions)
        }
        TradingCommand::Live(mut args) => {
            args.session.find_configuration();
            live::live(&args, definitions)
        }
        TradingCommand::Rehearse(mut args) => {
            args.config = config::named_or_here(args.config.take());
            rehearse::rehearse(&args, definitions)
        }
        TradingCommand::Halt(args) => control::halt(&args),
        TradingCommand::Resume(args) => control::resume(&args),
        TradingCommand::Flatten(args) => control::flatten(&args),
        TradingCommand::Watchdog(args) => watchdog::watchdog(&args, definitions),
    }
}
