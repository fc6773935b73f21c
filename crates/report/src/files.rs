//! The files of a run: orders, fills, round trips, equity, and the report as text, JSON and picture.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use pampero_model::{Liquidity, Price, Size, Timestamp};
use thiserror::Error;

use crate::html::render_html;
use crate::json::report_json;
use crate::record::RunRecord;
use crate::statistics::Statistics;
use crate::store::{RECORD, write_record};
use crate::svg::equity_svg;
use crate::terminal::{Style, render};

/// The file by which an earlier run is recognised. It is written last, so that a directory with it is whole.
const REPORT: &str = "report.json";

/// The files of a run could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The directory holds files that are not an earlier run's.
    #[error(
        "{} is not empty and holds no earlier run (no {REPORT} in it): name a new or an empty directory",
        .0.display()
    )]
    NotOurs(PathBuf),
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A table could not be written.
    #[error("{}: {source}", path.display())]
    Csv {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        source: csv::Error,
    },
}

/// Writes `orders.csv`, `fills.csv`, `trades.csv`, `equity.csv`, `report.txt`, `equity.svg`, `report.html`, the run itself
/// (`record.gz`, for [`read_run`](crate::read_run)) and `report.json` into a directory, which is made if needed. Files of an earlier run are replaced; any other content is left alone and
/// refused. The same run writes the same bytes.
///
/// # Errors
/// If the directory holds something that is not an earlier run, or cannot be written.
pub fn write_files(directory: &Path, record: &RunRecord, statistics: &Statistics) -> Result<(), WriteError> {
    prepare(directory)?;
    let table = |name: &str, header: &[&str], write: &dyn Fn(&mut Table) -> csv::Result<()>| {
        let path = directory.join(name);
        let file = File::create(&path).map_err(|source| WriteError::Io { path: path.clone(), source })?;
        let mut table = csv::Writer::from_writer(BufWriter::new(file));
        let written = table.write_record(header).and_then(|()| write(&mut table));
        let flushed = written.and_then(|()| table.flush().map_err(csv::Error::from));
        flushed.map_err(|source| WriteError::Csv { path, source })
    };
    table("orders.csv", &ORDERS, &|table| orders(record, table))?;
    table("fills.csv", &FILLS, &|table| fills(record, table))?;
    table("trades.csv", &TRADES, &|table| trades(record, statistics, table))?;
    table("equity.csv", &["time", "equity", "exposure", "price"], &|table| equity(record, table))?;
    let text = |name: &str, content: &str| {
        let path = directory.join(name);
        fs::write(&path, content).map_err(|source| WriteError::Io { path, source })
    };
    text("report.txt", &render(record, statistics, &Style::default()))?;
    text("equity.svg", &equity_svg(record, statistics))?;
    text("report.html", &render_html(record, statistics))?;
    let path = directory.join(RECORD);
    write_record(&path, record).map_err(|source| WriteError::Io { path, source })?;
    text(REPORT, &format!("{:#}\n", report_json(record, statistics)))
}

type Table = csv::Writer<BufWriter<File>>;

fn prepare(directory: &Path) -> Result<(), WriteError> {
    let error = |path: &Path, source| WriteError::Io { path: path.to_owned(), source };
    fs::create_dir_all(directory).map_err(|source| error(directory, source))?;
    let report = directory.join(REPORT);
    if report.exists() {
        // Until the new one is there, the directory is not whole.
        return fs::remove_file(&report).map_err(|source| error(&report, source));
    }
    let mut entries = fs::read_dir(directory).map_err(|source| error(directory, source))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(WriteError::NotOurs(directory.to_owned())),
    }
}

const ORDERS: [&str; 16] = [
    "id",
    "time",
    "strategy",
    "market",
    "side",
    "kind",
    "desired_price",
    "sent_price",
    "size",
    "size_unit",
    "status",
    "filled_base",
    "filled_quote",
    "average_price",
    "reason",
    "finished",
];

fn orders(record: &RunRecord, table: &mut Table) -> csv::Result<()> {
    let names = market_names(record);
    for order in &record.orders {
        let (size, unit) = match order.size {
            Size::Base(quantity) => (quantity.to_string(), "base"),
            Size::Quote(cash) => (cash.to_string(), "quote"),
        };
        let average = order.filled_quote.average_price(order.filled_base, pampero_model::Rounding::HalfEven);
        table.write_record([
            order.id.0.to_string().as_str(),
            &order.time.to_string(),
            &order.strategy,
            name(&names, order.market),
            &order.side.to_string(),
            &order.kind,
            &order.desired_price.to_string(),
            &order.sent_price.to_string(),
            &size,
            unit,
            &order.status,
            &order.filled_base.to_string(),
            &order.filled_quote.to_string(),
            &average.as_ref().map(Price::to_string).unwrap_or_default(),
            &order.reason,
            &order.finished.as_ref().map(Timestamp::to_string).unwrap_or_default(),
        ])?;
    }
    Ok(())
}

const FILLS: [&str; 14] = [
    "order",
    "fill",
    "time",
    "strategy",
    "market",
    "side",
    "price",
    "base",
    "quote",
    "fee",
    "fee_currency",
    "liquidity",
    "mid",
    "reason",
];

fn fills(record: &RunRecord, table: &mut Table) -> csv::Result<()> {
    let names = market_names(record);
    for filled in &record.fills {
        let fill = &filled.fill;
        let currency = record.markets.get(fill.market).map(|market| market.receives(fill.side));
        table.write_record([
            fill.order.0.to_string().as_str(),
            &fill.id.0.to_string(),
            &fill.time.to_string(),
            &filled.strategy,
            name(&names, fill.market),
            &fill.side.to_string(),
            &fill.price.to_string(),
            &fill.base.to_string(),
            &fill.quote.to_string(),
            &pampero_model::Cash::from_units(fill.fee).to_string(),
            currency.as_ref().map_or("", |currency| currency.code()),
            match fill.liquidity {
                Liquidity::Maker => "maker",
                Liquidity::Taker => "taker",
            },
            &filled.mid.as_ref().map(Price::to_string).unwrap_or_default(),
            &filled.reason,
        ])?;
    }
    Ok(())
}

const TRADES: [&str; 7] = ["strategy", "market", "side", "opened", "closed", "cost", "profit"];

fn trades(record: &RunRecord, statistics: &Statistics, table: &mut Table) -> csv::Result<()> {
    let names = market_names(record);
    for trip in &statistics.trades.list {
        table.write_record([
            &*trip.strategy,
            name(&names, trip.market),
            &trip.side.to_string(),
            &trip.opened.to_string(),
            &trip.closed.as_ref().map(Timestamp::to_string).unwrap_or_default(),
            &trip.cost.to_string(),
            &trip.profit.to_string(),
        ])?;
    }
    Ok(())
}

fn equity(record: &RunRecord, table: &mut Table) -> csv::Result<()> {
    for point in &record.equity {
        table.write_record([
            point.time.to_string(),
            point.equity.to_string(),
            point.exposure.to_string(),
            point.price.to_string(),
        ])?;
    }
    Ok(())
}

fn market_names(record: &RunRecord) -> Vec<String> {
    record.markets.iter().map(|(id, _)| record.market_name(id)).collect()
}

fn name(names: &[String], market: pampero_model::MarketId) -> &str {
    names.get(market.index()).map_or("", String::as_str)
}
