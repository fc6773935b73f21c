//! `pampero config`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether a configuration is right, or all that is wrong
    #[command(after_help = CHECK)]
    Check {
        /// The file [default: pampero.toml, else the quickstart]
        file: Option<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON schema of the configuration, for editors
    #[command(after_help = SCHEMA)]
    Schema,
    /// Say what a key means, and what a file says for it
    #[command(after_help = EXPLAIN)]
    Explain {
        /// The key or table, such as `limits.max_drawdown`
        key: String,
        /// A configuration to look the key up in
        file: Option<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

const CHECK: &str = "\
Examples:
  pampero config check my.toml
      one line if it is right; else every mistake with its line
  pampero config check my.toml --json
      the mistakes with line and column, for an editor

Exit codes: 0 it is right, 1 it cannot be read, 2 command line, 3 it is wrong";

const SCHEMA: &str = "\
Examples:
  pampero config schema > pampero.schema.json
      then, as the first line of a configuration: #:schema ./pampero.schema.json
  pampero config schema | less
      every key with its meaning

Exit codes: 0 done, 2 command line";

const EXPLAIN: &str = "\
Examples:
  pampero config explain limits.max_drawdown
      what it means, what it may be, what holds without it
  pampero config explain limits my.toml
      every key of the table, and what my.toml sets

Exit codes: 0 done, 1 the file cannot be read, 2 there is no such key";
