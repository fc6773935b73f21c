//! `pampero data`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pampero_model::{Price, Span, Timestamp};

use super::span;
#[cfg(feature = "live")]
use crate::commands::collect;

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Merge files into a catalogue: a folder of Parquet, a file a day
    #[command(after_help = IMPORT)]
    Import {
        /// CSV or Parquet, recognised by content
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// CODE or VENUE:CODE [default: what the file says]
        #[arg(long, value_name = "CODE")]
        market: Option<String>,
        /// The symbol to take from files of several
        #[arg(long)]
        symbol: Option<String>,
        /// The folder of the catalogue
        #[arg(long, value_name = "DIR", default_value = "data")]
        root: PathBuf,
        /// Let the new data win where the two differ
        #[arg(long)]
        replace: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List what a catalogue holds
    #[command(after_help = LIST)]
    List {
        /// The folder of the catalogue
        #[arg(long, value_name = "DIR", default_value = "data")]
        root: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Report gaps, duplicates, disorder, impossible candles and outliers
    #[command(after_help = VERIFY, group = clap::ArgGroup::new("what").required(true))]
    Verify {
        /// Files of CSV or Parquet
        #[arg(group = "what")]
        files: Vec<PathBuf>,
        /// A catalogue, all of it
        #[arg(long, value_name = "DIR", group = "what")]
        root: Option<PathBuf>,
        /// The symbol to take from files of several
        #[arg(long)]
        symbol: Option<String>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Make candles of trades, or longer candles of shorter ones
    #[command(after_help = RESAMPLE)]
    Resample {
        /// CSV or Parquet of trades or candles
        file: PathBuf,
        /// How long the new candles last, such as 1h
        #[arg(long, value_name = "SPAN", value_parser = span)]
        to: Span,
        /// The file to write: Parquet, or CSV if it ends in .csv
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The symbol to take from a file of several
        #[arg(long)]
        symbol: Option<String>,
        /// For empty spans: skip or repeat
        #[arg(long, value_name = "POLICY", default_value = "skip", hide_possible_values = true)]
        empty: Empty,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Draw a synthetic market, which says so wherever it is shown
    #[command(after_help = GENERATE)]
    Generate(GenerateArgs),
    /// Fetch candles and trades from the exchange, without a key
    #[cfg(feature = "live")]
    #[command(after_help = collect::FETCH_EXAMPLES)]
    Fetch(collect::FetchArgs),
    /// Record books and trades of the exchange, without a key
    #[cfg(feature = "live")]
    #[command(after_help = collect::RECORD_EXAMPLES)]
    Record(collect::RecordArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Empty {
    /// Nothing, as the exchange's own candles do
    Skip,
    /// A candle of the last close without volume
    Repeat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataKind {
    Candles,
    Trades,
    Quotes,
    Books,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// CODE or VENUE:CODE
    #[arg(long, value_name = "CODE", default_value = "bitex:btc_ars")]
    pub market: String,
    /// Seed of everything that is drawn
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub seed: u64,
    /// The file to write: Parquet, or CSV if it ends in .csv
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// candles, trades, quotes or books
    #[arg(long, default_value = "candles", hide_possible_values = true)]
    pub kind: DataKind,
    /// How long a candle lasts [default: 1h]
    #[arg(long, value_parser = span)]
    pub span: Option<Span>,
    /// How many candles' time it covers [default: 17520]
    #[arg(long, value_name = "N")]
    pub buckets: Option<u32>,
    /// The first moment [default: 2023-01-01]
    #[arg(long, value_name = "TIME")]
    pub start: Option<Timestamp>,
    /// The first price [default: 5000000]
    #[arg(long)]
    pub price: Option<Price>,
    /// Average trades within a candle's time [default: 3]
    #[arg(long, value_name = "N")]
    pub trades: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

const IMPORT: &str = "\
Examples:
  pampero data import candles.csv --market bitex:btc_ars
      into the folder data, a Parquet file for each day
  pampero data import *.csv --root history --replace
      many files, which win over what is there

Exit codes: 0 done, 1 files, 2 command line, 4 the data is wrong";

const LIST: &str = "\
Examples:
  pampero data list
      markets, kinds, first and last day, rows
  pampero data list --root history --json
      with the hash of each series, for programs

Exit codes: 0 done, 1 files, 2 command line, 4 the catalogue is damaged";

const VERIFY: &str = "\
Examples:
  pampero data verify candles.csv
      gaps, duplicates, disorder, impossible candles, outliers
  pampero data verify --root data --json
      a whole catalogue, with every finding

Exit codes: 0 read to the end, whatever was found, 1 files, 2 command line,
4 it cannot be read as market data";

const RESAMPLE: &str = "\
Examples:
  pampero data resample trades.csv --to 1h --out candles.parquet
      candles of trades
  pampero data resample minutes.parquet --to 1d --out days.csv --empty repeat
      days of minutes, with a flat candle where nothing was traded

Exit codes: 0 done, 1 files, 2 command line, 4 the data is wrong";

const GENERATE: &str = "\
Examples:
  pampero data generate --out candles.csv --buckets 500
      500 hours of a market like btc_ars
  pampero data generate --market bitex:btc_usd --kind books --price 4000 \\
      --span 10s --out books.parquet
      books; the trades of the same seed are of the same market

Exit codes: 0 done, 1 files, 2 command line, 4 it makes no market";
