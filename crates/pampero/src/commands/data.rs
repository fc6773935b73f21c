//! `pampero data`.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use pampero_model::{EmptyBuckets, Span, Timestamp};
use pampero_store::{
    Catalog, Dataset, FileInfo, Kind, LoadOptions, Series, SeriesKey, SyntheticMarket, VerifyReport,
    content_hash, generate, load, resample, verify, write_csv, write_parquet,
};
use serde_json::{Value as Json, json};

use crate::cli::{DataCommand, DataKind, Empty, GenerateArgs};
use crate::config::Config;
use crate::error::Failure;
use crate::market_list::{self, code_of_symbol};
use crate::output;

/// Imports, lists, verifies, resamples or generates market data.
pub(crate) fn data(command: DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::Import { files, market, symbol, root, replace, json } => {
            import(&files, market.as_deref(), symbol.as_deref(), &Catalog::new(root), replace, json)
        }
        DataCommand::List { root, json } => list(&Catalog::new(root), json),
        DataCommand::Verify { files, root, symbol, json } => {
            verify_all(&files, root, symbol.as_deref(), json)
        }
        DataCommand::Resample { file, to, out, symbol, empty, json } => {
            resample_file(&file, to, &out, symbol.as_deref(), empty, json)
        }
        DataCommand::Generate(args) => generate_file(&args),
        #[cfg(feature = "live")]
        DataCommand::Fetch(args) => super::collect::fetch_data(&args),
        #[cfg(feature = "live")]
        DataCommand::Record(args) => super::collect::record_data(&args),
    }
}

/// Reads a file, as it is where `raw`: impossible candles, duplicates and disorder included.
fn read(file: &Path, symbol: Option<&str>, raw: bool) -> Result<Dataset, Failure> {
    Ok(load(file, &LoadOptions { symbol: symbol.map(str::to_owned), raw, ..LoadOptions::default() })?)
}

/// Venue and code of a name, or of what a file says of itself.
fn place(dataset: &Dataset, market: Option<&str>) -> Result<(String, String), Failure> {
    if let Some(name) = market {
        return venue_and_code(name);
    }
    let code = dataset.symbol.as_deref().and_then(code_of_symbol).ok_or_else(|| {
        let message = format!("{} does not say of which market it is", dataset.path.display());
        Failure::usage(message, "name it: --market VENUE:CODE, such as --market bitex:btc_ars")
    })?;
    venue_and_code(&dataset.venue.as_ref().map_or_else(|| code.clone(), |venue| format!("{venue}:{code}")))
}

fn venue_and_code(name: &str) -> Result<(String, String), Failure> {
    let list = market_list::built_in()?;
    let market = market_list::market(name, &list, &Config::default()).map_err(|error| {
        Failure::usage(error.to_string(), "write CODE or VENUE:CODE, such as bitex:btc_ars")
    })?;
    Ok((market.venue, market.code))
}

fn import(
    files: &[PathBuf],
    market: Option<&str>,
    symbol: Option<&str>,
    catalog: &Catalog,
    replace: bool,
    as_json: bool,
) -> Result<(), Failure> {
    let mut imported = Vec::new();
    for file in files {
        let dataset = read(file, symbol, true)?;
        let (venue, code) = place(&dataset, market)?;
        let key = SeriesKey::of(&venue, &code, &dataset.series)?;
        let summary = catalog.import(&key, &dataset.series, dataset.synthetic.as_deref(), replace)?;
        if !as_json {
            output::say(&format!(
                "{}: {} rows, {} of them new, {} days changed, {} unchanged\n  {}:{} {}, from {}\n",
                file.display(),
                summary.rows_given,
                summary.rows_added,
                summary.days_changed,
                summary.days_unchanged,
                venue,
                code,
                kind_of(&key),
                dataset.description,
            ))?;
        }
        imported.push(json!({
            "file": file, "venue": venue, "market": code, "kind": key.kind.name(), "span": span_text(key.span),
            "rows": summary.rows_given, "added": summary.rows_added, "days_changed": summary.days_changed,
            "days_unchanged": summary.days_unchanged, "hash": dataset.hash, "synthetic": dataset.synthetic,
        }));
    }
    if as_json { output::print_json(&json!({ "imported": imported })) } else { Ok(()) }
}

fn span_text(span: Span) -> Option<String> {
    (span > Span::ZERO).then(|| span.to_string())
}

fn kind_of(key: &SeriesKey) -> String {
    match span_text(key.span) {
        Some(span) => format!("{}-{span}", key.kind.name()),
        None => key.kind.name().to_owned(),
    }
}

fn date(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

fn list(catalog: &Catalog, as_json: bool) -> Result<(), Failure> {
    let entries = catalog.list()?;
    if as_json {
        let entries: Vec<Json> = entries
            .iter()
            .map(|entry| {
                json!({
                    "venue": entry.key.venue, "market": entry.key.market, "kind": entry.key.kind.name(),
                    "span": span_text(entry.key.span), "first": entry.first, "last": entry.last,
                    "rows": entry.rows, "bytes": entry.bytes, "days": entry.days, "hash": entry.hash,
                    "synthetic": entry.synthetic,
                })
            })
            .collect();
        return output::print_json(&json!({ "series": entries }));
    }
    if entries.is_empty() {
        return output::say(
            "nothing yet: fill it with `pampero data import FILE` or `pampero data fetch MARKET`\n",
        );
    }
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            vec![
                format!("{}:{}", entry.key.venue, entry.key.market),
                kind_of(&entry.key),
                date(entry.first),
                date(entry.last),
                entry.days.to_string(),
                entry.rows.to_string(),
                format!("{} KB", entry.bytes.div_ceil(1024)),
                if entry.synthetic.is_some() { "yes".to_owned() } else { String::new() },
            ]
        })
        .collect();
    let headings = ["market", "data", "first", "last", "days", "rows", "size", "synthetic"];
    output::print(&output::table(&headings, &rows))
}

fn verify_all(
    files: &[PathBuf],
    root: Option<PathBuf>,
    symbol: Option<&str>,
    as_json: bool,
) -> Result<(), Failure> {
    let mut reports: Vec<(String, VerifyReport)> = Vec::new();
    for file in files {
        let dataset = read(file, symbol, true)?;
        reports.push((file.display().to_string(), verify(&dataset.series)));
    }
    if let Some(root) = root {
        let catalog = Catalog::new(root);
        for entry in catalog.list()? {
            let series = catalog.read(&entry.key, Timestamp::MIN, Timestamp::MAX)?;
            let name = format!("{}:{} {}", entry.key.venue, entry.key.market, kind_of(&entry.key));
            reports.push((name, verify(&series)));
        }
    }
    if as_json {
        let reports: Vec<Json> = reports.iter().map(|(name, report)| report_json(name, report)).collect();
        return output::print_json(&json!({ "reports": reports }));
    }
    let texts: Vec<String> = reports.iter().map(|(name, report)| report_text(name, report)).collect();
    output::print(&texts.join("\n"))
}

/// Findings that the text shows of each check; JSON has more.
const SHOWN: usize = 3;

fn report_text(name: &str, report: &VerifyReport) -> String {
    let span = report.span.map(|span| format!(" of {span}")).unwrap_or_default();
    let range = report.range.map(|(first, last)| format!(", {first} to {last}")).unwrap_or_default();
    let mut text = format!("{name}\n  {} {}{span}{range}\n", report.rows, report.kind.name());
    if report.is_clean() {
        text.push_str("  nothing to complain of\n");
    }
    for (check, count) in &report.counts {
        let missing = match check {
            pampero_store::Check::Gap => format!(", {} candles missing", report.missing),
            _ => String::new(),
        };
        let _ = writeln!(text, "  {}: {count}{missing}", check.name());
        let findings = report.findings.iter().filter(|finding| finding.check == *check);
        for finding in findings.take(SHOWN) {
            let line = format!("row {}, {}: {}", finding.row, finding.time, finding.detail);
            text.push_str(&output::wrapped(&line, "    "));
        }
        if *count > SHOWN as u64 {
            text.push_str("    ...\n");
        }
    }
    text
}

fn report_json(name: &str, report: &VerifyReport) -> Json {
    let counts: serde_json::Map<String, Json> = report
        .counts
        .iter()
        .map(|(check, count)| (check.name().replace(' ', "_"), (*count).into()))
        .collect();
    let findings: Vec<Json> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check.name().replace(' ', "_"), "row": finding.row, "time": finding.time,
                "detail": finding.detail,
            })
        })
        .collect();
    json!({
        "name": name, "kind": report.kind.name(), "rows": report.rows, "span": report.span,
        "first": report.range.map(|range| range.0), "last": report.range.map(|range| range.1),
        "missing": report.missing, "counts": counts, "findings": findings, "clean": report.is_clean(),
    })
}

fn resample_file(
    file: &Path,
    to: Span,
    out: &Path,
    symbol: Option<&str>,
    empty: Empty,
    as_json: bool,
) -> Result<(), Failure> {
    let dataset = read(file, symbol, false)?;
    let empty = match empty {
        Empty::Skip => EmptyBuckets::Skip,
        Empty::Repeat => EmptyBuckets::Repeat,
    };
    let series = Series::Candles(resample(&dataset.series, to, empty)?);
    let info = FileInfo {
        venue: dataset.venue.clone(),
        market: dataset.symbol,
        synthetic: dataset.synthetic.clone(),
    };
    write_series(out, &series, &info)?;
    written(out, &series, &info, as_json)
}

fn generate_file(args: &GenerateArgs) -> Result<(), Failure> {
    let (venue, code) = venue_and_code(&args.market)?;
    let mut market = SyntheticMarket { seed: args.seed, ..SyntheticMarket::default() };
    market.span = args.span.unwrap_or(market.span);
    market.buckets = args.buckets.unwrap_or(market.buckets);
    market.start = args.start.unwrap_or(market.start);
    market.price = args.price.unwrap_or(market.price);
    market.trades = args.trades.unwrap_or(market.trades);
    let kind = match args.kind {
        DataKind::Candles => Kind::Candles,
        DataKind::Trades => Kind::Trades,
        DataKind::Quotes => Kind::Quotes,
        DataKind::Books => Kind::Books,
    };
    let series = generate(&market, kind)?;
    let info = FileInfo { venue: Some(venue), market: Some(code), synthetic: Some(market.label()) };
    write_series(&args.out, &series, &info)?;
    written(&args.out, &series, &info, args.json)
}

/// Writes CSV where the name says so, Parquet elsewhere.
pub(super) fn write_series(out: &Path, series: &Series, info: &FileInfo) -> Result<(), Failure> {
    if out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        let mut file = File::create(out).map_err(|error| Failure::io(out, &error))?;
        return write_csv(series, info.synthetic.as_deref(), &mut file)
            .map_err(|error| Failure::io(out, &error));
    }
    Ok(write_parquet(out, series, info)?)
}

fn written(out: &Path, series: &Series, info: &FileInfo, as_json: bool) -> Result<(), Failure> {
    let hash = content_hash(series);
    if as_json {
        return output::print_json(&json!({
            "file": out, "venue": info.venue, "market": info.market, "kind": series.kind().name(),
            "span": series.span(), "rows": series.len(), "hash": hash, "synthetic": info.synthetic,
        }));
    }
    let label = info.synthetic.as_ref().map(|label| output::wrapped(&format!("synthetic: {label}"), "  "));
    output::say(&format!(
        "{}: {} {}, content {}\n{}",
        out.display(),
        series.len(),
        series.kind().name(),
        hash.get(..12).unwrap_or(&hash),
        label.unwrap_or_default()
    ))
}
