//! `pampero data record` and `pampero data fetch`: market data from the exchange into the catalogue, without a key.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use pampero_bitex::Bitex;
use pampero_model::{Span, Timestamp};
use pampero_runtime::feed::{
    FetchError, FetchSettings, Fetched, RecordProgress, RecordSettings, RecordSummary, fetch, record,
    wall_clock,
};
use pampero_store::Catalog;
use serde_json::{Value as Json, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::advice::Advised as _;
use crate::cli::account::Place;
use crate::cli::span;
use crate::connect::Connection;
use crate::error::Failure;
use crate::output;

pub(crate) const RECORD_EXAMPLES: &str = "\
Examples:
  pampero data record btc_ars btc_usd --env production
      books and trades, until Ctrl-C, into the folder data
  pampero data record btc_usd --for 10m
      ten minutes of the running `pampero sandbox`

It begins with the trades of the last day. Written every five minutes and at
the end; it may be killed at any moment, and goes on when started again.
Exit codes: 0 ended as asked, 1 the exchange or a file, 2 the command line";

pub(crate) const FETCH_EXAMPLES: &str = "\
Examples:
  pampero data fetch btc_ars --env production
      a year of candles of 1h and 1d, and the trades of the last day
  pampero data fetch btc_ars btc_usd --env production --days 30 --span 4h
      a month of candles of 4h

Candles that are still open are left out; fetching again adds what is new.
Exit codes: 0 done, 1 the exchange or a file, 2 the command line";

#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Codes of the markets, such as `btc_ars`
    #[arg(required = true)]
    markets: Vec<String>,
    /// The folder of the catalogue
    #[arg(long, value_name = "DIR", default_value = "data")]
    root: PathBuf,
    /// Time between two writes
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "5m")]
    flush: Span,
    /// Levels a side [default: all]
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// End after this time [default: on Ctrl-C]
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    length: Option<Span>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// Codes of the markets, such as `btc_ars`
    #[arg(required = true)]
    markets: Vec<String>,
    /// The folder of the catalogue
    #[arg(long, value_name = "DIR", default_value = "data")]
    root: PathBuf,
    /// Days back
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// Whole hours; may be repeated [default: 1h and 1d]
    #[arg(long, value_name = "SPAN", value_parser = hours)]
    span: Vec<u32>,
    /// Leave the trades of the last day out
    #[arg(long)]
    no_trades: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// A span of whole hours.
fn hours(text: &str) -> Result<u32, String> {
    let span = span(text)?.as_nanos();
    let hour = Span::from_hours(1).as_nanos();
    match u32::try_from(span / hour) {
        Ok(hours) if hours > 0 && span % hour == 0 => Ok(hours),
        _ => Err("the exchange has candles of whole hours: 1h, 4h, 1d".to_owned()),
    }
}

/// The exchange, with the request budget that all processes of this machine share. No key is needed: market data is
/// public.
fn open(place: &Place) -> Result<Bitex, Failure> {
    Ok(Bitex::new(Connection::at(place)?.public().clone()))
}

fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(|error| Failure::system("cannot start", &error))?.block_on(future)
}

/// Records until Ctrl-C, a termination signal or the end of the time given.
pub(crate) fn record_data(args: &RecordArgs) -> Result<(), Failure> {
    let settings = RecordSettings {
        markets: args.markets.clone(),
        flush_every: args.flush.max(Span::from_secs(1)),
        depth: args.depth,
        ..RecordSettings::default()
    };
    let summary = block_on(async {
        let cannot = |error: std::io::Error| Failure::system("signals cannot be waited for", &error);
        let mut terminated = signal(SignalKind::terminate()).map_err(cannot)?;
        let mut interrupted = signal(SignalKind::interrupt()).map_err(cannot)?;
        let exchange = Arc::new(open(&args.place)?);
        let length = args.length;
        let ended = async move {
            let time = length.and_then(|span| u64::try_from(span.as_nanos()).ok());
            let over = async {
                match time {
                    Some(nanos) => tokio::time::sleep(std::time::Duration::from_nanos(nanos)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
                () = over => {}
            }
        };
        let json = args.json;
        let clock = wall_clock();
        let now = Arc::clone(&clock);
        // What cannot be printed does not end a recording: the data matters more than the words.
        let say = move |progress: RecordProgress| drop(print_progress(&progress, now(), json));
        record(exchange, &Catalog::new(&args.root), &settings, clock, ended, say).await.map_err(|error| {
            Failure::run(error.to_string(), "make room there, or name another folder: --root")
        })
    })?;
    if args.json {
        return output::print(&format!("{}\n", json!({ "event": { "ended": summary_json(&summary) } })));
    }
    output::say(&format!(
        "Recorded into {}: {}\nSee it with `pampero data list --root {}`.\n",
        args.root.display(),
        summary_text(&summary),
        args.root.display()
    ))
}

fn summary_json(summary: &RecordSummary) -> Json {
    json!({ "books": summary.books, "levels": summary.levels, "trades": summary.trades, "gaps": summary.gaps })
}

fn summary_text(summary: &RecordSummary) -> String {
    let gaps = match summary.gaps {
        0 => String::new(),
        gaps => format!(", {gaps} gaps"),
    };
    format!("{} books, {} trades{gaps}", summary.books, summary.trades)
}

fn print_progress(progress: &RecordProgress, now: Timestamp, as_json: bool) -> Result<(), Failure> {
    let (text, value) = match progress {
        RecordProgress::Written(summary) => {
            (format!("written: {}", summary_text(summary)), json!({ "written": summary_json(summary) }))
        }
        RecordProgress::Failed { market, error } => (
            format!("{market}: {error}"),
            json!({ "market": market, "error": error.code(), "message": error.to_string() }),
        ),
        RecordProgress::Gap { market, from, to } => (
            format!("{market}: trades between {from} and {to} cannot be had any more"),
            json!({ "market": market, "gap": { "from": from, "to": to } }),
        ),
        RecordProgress::Stale { market } => {
            (format!("{market}: no answer for a while"), json!({ "market": market, "stale": true }))
        }
        RecordProgress::NotWritten(error) => {
            (format!("not written, kept in memory: {error}"), json!({ "not_written": error.to_string() }))
        }
    };
    if as_json {
        return output::print(&format!("{}\n", json!({ "time": now, "event": value })));
    }
    let time: String = now.to_string().chars().take(19).collect();
    output::say(&format!("{time}Z  {text}\n"))
}

/// Fetches candles and trades once.
pub(crate) fn fetch_data(args: &FetchArgs) -> Result<(), Failure> {
    let default = FetchSettings::default();
    let settings = FetchSettings {
        markets: args.markets.clone(),
        days: args.days,
        span_hours: if args.span.is_empty() { default.span_hours } else { args.span.clone() },
        trades: !args.no_trades,
    };
    let fetched = block_on(async {
        let exchange = open(&args.place)?;
        let now = wall_clock()();
        fetch(&exchange, &Catalog::new(&args.root), &settings, now).await.map_err(|error| match error {
            FetchError::Store(error) => Failure::Data(error),
            FetchError::Exchange { error: ref of_exchange, .. } => {
                let help = of_exchange.advice();
                Failure::run(error.to_string(), help)
            }
            FetchError::Settings(wrong) => {
                Failure::usage(wrong, "`pampero data fetch --help` says what can be had")
            }
        })
    })?;
    if args.json {
        let rows: Vec<Json> = fetched.iter().map(fetched_json).collect();
        return output::print_json(&json!({ "fetched": rows, "root": args.root }));
    }
    let rows: Vec<Vec<String>> = fetched.iter().map(fetched_row).collect();
    output::print(&output::table(&["market", "data", "first", "last", "rows", "new"], &rows))?;
    let impossible: u64 = fetched.iter().map(|fetched| fetched.impossible).sum();
    if impossible > 0 {
        output::print(&format!("{impossible} candles that cannot exist were left out.\n"))?;
    }
    Ok(())
}

fn fetched_json(fetched: &Fetched) -> Json {
    json!({
        "market": fetched.market,
        "kind": if fetched.span.is_some() { "candles" } else { "trades" },
        "span": fetched.span,
        "rows": fetched.given,
        "added": fetched.added,
        "impossible": fetched.impossible,
        "first": fetched.range.map(|(first, _)| first),
        "last": fetched.range.map(|(_, last)| last),
    })
}

fn fetched_row(fetched: &Fetched) -> Vec<String> {
    let date = |time: Option<Timestamp>| match time {
        Some(time) => time.to_string().chars().take(16).collect(),
        None => "-".to_owned(),
    };
    vec![
        fetched.market.clone(),
        fetched.span.map_or_else(|| "trades".to_owned(), |span| format!("candles-{span}")),
        date(fetched.range.map(|(first, _)| first)),
        date(fetched.range.map(|(_, last)| last)),
        fetched.given.to_string(),
        fetched.added.to_string(),
    ]
}
