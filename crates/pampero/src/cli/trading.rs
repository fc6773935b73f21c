//! The commands that trade, and those that stop it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pampero_model::Span;

use super::account::Connect;
use super::span;
use crate::config;

/// The commands that trade.
#[derive(Debug, Subcommand)]
pub(crate) enum TradingCommand {
    /// Trade with live data and simulated fills
    #[command(after_help = PAPER)]
    Paper(PaperArgs),
    /// Trade on an exchange: local, sandbox or production
    #[command(after_help = LIVE)]
    Live(Box<LiveArgs>),
    /// Try out everything that trading rests on, with tiny orders
    #[command(after_help = REHEARSE)]
    Rehearse(RehearseArgs),
    /// Stop trading at once, cancel everything, and stay stopped
    #[command(after_help = HALT)]
    Halt(HaltArgs),
    /// Let trading go on after a halt
    #[command(after_help = RESUME)]
    Resume(ResumeArgs),
    /// Stop trading, cancel everything and sell every position
    #[command(after_help = FLATTEN)]
    Flatten(FlattenArgs),
    /// Cancel everything when the trading process falls silent
    #[command(after_help = WATCHDOG)]
    Watchdog(WatchdogArgs),
}

/// What paper and live trading have in common.
#[derive(Debug, Args)]
pub(crate) struct SessionArgs {
    /// The configuration [default: pampero.toml, else the quickstart]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub connect: Connect,
    /// Stop by itself after so long, such as 30m
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    pub span: Option<Span>,
    /// Forget orders and ledger of earlier sessions
    #[arg(long)]
    pub new_ledger: bool,
    /// Let strategies begin without the state they saved
    #[arg(long)]
    pub fresh_strategies: bool,
}

impl SessionArgs {
    /// Takes the configuration of the working directory where none is named.
    pub fn find_configuration(&mut self) {
        self.config = config::named_or_here(self.config.take());
    }
}

#[derive(Debug, Args)]
pub(crate) struct PaperArgs {
    #[command(flatten)]
    pub session: SessionArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LiveArgs {
    #[command(flatten)]
    pub session: SessionArgs,
    /// The account's number, else asked; VENUE:NUMBER
    #[arg(long, value_name = "NUMBER")]
    pub account: Vec<String>,
    /// Start although evidence is missing: why
    #[arg(long, value_name = "REASON")]
    pub accept_risk: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RehearseArgs {
    /// The configuration [default: pampero.toml, else the quickstart]
    pub config: Option<PathBuf>,
    /// How long to wait for each thing
    #[arg(long, value_name = "SPAN", default_value = "60s", value_parser = span)]
    pub patience: Span,
    #[command(flatten)]
    pub connect: Connect,
}

/// Which trading: of an environment, on paper or not.
#[derive(Debug, Args)]
pub(crate) struct Which {
    #[command(flatten)]
    pub connect: Connect,
    /// Paper trading, not live trading
    #[arg(long)]
    pub paper: bool,
}

/// How far trading is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StopLevel {
    /// Only orders that make a position smaller
    Reduce,
    /// No orders, everything is cancelled
    Halt,
}

#[derive(Debug, Args)]
pub(crate) struct HaltArgs {
    /// Why: it stands in the history
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    pub reason: String,
    /// reduce (positions only shrink) or halt
    #[arg(long, value_name = "LEVEL", default_value = "halt", hide_possible_values = true)]
    pub level: StopLevel,
    #[command(flatten)]
    pub which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Why it is safe again: it stands in the history
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct FlattenArgs {
    /// Why: it stands in the history
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    pub reason: String,
    /// How long to wait until it is done
    #[arg(long, value_name = "SPAN", default_value = "2m", value_parser = span)]
    pub wait: Span,
    #[command(flatten)]
    pub which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct WatchdogArgs {
    /// Cancel the orders of this configuration's markets alone
    pub config: Option<PathBuf>,
    /// Silence of so long means it is gone
    #[arg(long, value_name = "SPAN", default_value = "15s", value_parser = span)]
    pub max_age: Span,
    #[command(flatten)]
    pub connect: Connect,
}

const PAPER: &str = "\
Examples:
  pampero paper
      the quickstart on a running `pampero sandbox`
  pampero paper my.toml --env production --for 24h
      a day on the real market's data, no key needed, no order sent

Ctrl-C stops in order; what was open goes on with the next start.

Exit codes: 0 stopped in order, 1 files or the way to the exchange, 2 command
line, 3 configuration, 6 trading is halted";

const LIVE: &str = "\
Examples:
  pampero live my.toml
      against a running `pampero sandbox`
  pampero live my.toml --env sandbox
      against the exchange's sandbox: test money
  pampero live my.toml --env production
      real money: asks for the account's number once, and wants a day of
      paper, a rehearsal and a green `pampero doctor` first

Ctrl-C cancels everything, verifies it and stops; twice stops at once.

Exit codes: 0 stopped and nothing is open, 1 files or the way to the exchange,
2 command line, 3 configuration or key, 6 trading is halted, 7 stopped while
orders are open or unknown, 8 not confirmed, 9 production is not allowed yet";

const REHEARSE: &str = "\
Examples:
  pampero rehearse my.toml
      on a running `pampero sandbox`
  pampero rehearse my.toml --env sandbox
      on the exchange's sandbox: one of the things that production asks for

It places the market's least orders, cancels them, trades with itself, breaks
its own limits, halts, dies with orders open and finds them again. The account
is left as it was found, but for fees. Never on production.

Exit codes: 0 passed, 1 files or the way to the exchange, 2 command line,
3 configuration or key, 6 trading is halted, 9 a step failed or the market or
the account is not fit for it now";

const HALT: &str = "\
Examples:
  pampero halt --reason \"the price feed is wrong\"
      stops trading on the local exchange
  pampero halt --env production --level reduce --reason \"news\"
      lets positions become smaller, not larger

It works whether a process trades or not, with a full disk too, and is there
after a restart. `pampero panic` cancels by itself as well.

Exit codes: 0 done, 1 the state directory cannot be written, 2 command line";

const RESUME: &str = "\
Examples:
  pampero resume --reason \"the price feed is back\"
      the process that trades goes on, or the next start may trade
  pampero resume --env production --reason \"checked positions by hand\"
      nothing but this lets trading go on after a halt

Exit codes: 0 done, 1 the state directory cannot be written, 2 command line";

const FLATTEN: &str = "\
Examples:
  pampero flatten --reason \"end of the month\"
      the process that trades sells every position and stays halted
  pampero flatten --env production --reason \"leaving\" --wait 10m
      waits longer

It sells in pieces as large as one order may be, and waits where an order was
sent and nobody knows whether it arrived: it says which, and until when.
Without a process that trades, start `pampero live`: it flattens first.

Exit codes: 0 flat, 1 it did not become flat in time, 2 command line";

const WATCHDOG: &str = "\
Examples:
  pampero watchdog
      beside `pampero live` on the local exchange
  pampero watchdog my.toml --env production --max-age 30s
      cancels the orders of the configuration's markets alone

Run it as its own process with a key of its own: the exchange keeps orders
when their owner is gone.

Exit codes: 0 ended by a signal, 1 the way to the exchange, 2 command line,
3 no key";
