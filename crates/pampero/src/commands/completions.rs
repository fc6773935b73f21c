//! `pampero completions`.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::cli::author::CompletionsArgs;
use crate::error::Failure;
use crate::{invocation, output};

/// Prints the script that completes commands in a shell, for this program under the name it was called by.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), invocation::program(), &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
