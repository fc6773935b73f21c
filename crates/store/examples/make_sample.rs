//! Makes the sample data of the repository:
//!
//! `cargo run -p pampero-store --example make_sample -- EVENTS.json FOLDER`
//!
//! The first argument is the file of market events that the crate `barter` 0.14.0 carries (`examples/data`), one JSON
//! object a line; its BTC/USDT trades and best quotes are converted. The synthetic market is the default of
//! [`SyntheticMarket`]. The same input gives the same files.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use pampero_model::{Level, Quote, QuoteSeries, Side, Timestamp, Trade, TradeSeries};
use pampero_store::{FileInfo, Kind, Series, SyntheticMarket, content_hash, generate, write_parquet};
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "Item")]
    item: Option<Event>,
}

#[derive(Deserialize)]
struct Event {
    time_received: Timestamp,
    instrument: u32,
    kind: EventKind,
}

#[derive(Deserialize)]
enum EventKind {
    Trade(TradeEvent),
    OrderBookL1 { best_bid: Option<Level2>, best_ask: Option<Level2> },
}

/// Numbers of trades were floats in the source: their shortest decimal is what the exchange sent.
#[derive(Deserialize)]
struct TradeEvent {
    id: String,
    price: serde_json::Number,
    amount: serde_json::Number,
    side: String,
}

#[derive(Deserialize)]
struct Level2 {
    price: String,
    amount: String,
}

/// BTC/USDT among the instruments of the file.
const BTC_USDT: u32 = 0;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [events, folder] = arguments.as_slice() else {
        return Err("usage: make_sample EVENTS.json FOLDER".into());
    };
    let (trades, quotes) = read_events(events)?;
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    let binance =
        FileInfo { venue: Some("binance".to_owned()), market: Some("btc_usdt".to_owned()), synthetic: None };
    write(&folder.join("binance_btcusdt_trades_2025-03-25.parquet"), &Series::Trades(trades), &binance)?;
    write(&folder.join("binance_btcusdt_quotes_2025-03-25.parquet"), &Series::Quotes(quotes), &binance)?;
    let market = SyntheticMarket::default();
    let synthetic = FileInfo {
        venue: Some("synthetic".to_owned()),
        market: Some("btc_ars".to_owned()),
        synthetic: Some(market.label()),
    };
    write(&folder.join("synthetic_btc_ars_1h.parquet"), &generate(&market, Kind::Candles)?, &synthetic)
}

fn write(path: &Path, series: &Series, info: &FileInfo) -> Result<(), Box<dyn Error>> {
    write_parquet(path, series, info)?;
    println!(
        "{}: {} {}, content {}",
        path.display(),
        series.len(),
        series.kind().name(),
        content_hash(series)
    );
    Ok(())
}

fn read_events(path: &str) -> Result<(TradeSeries, QuoteSeries), Box<dyn Error>> {
    let (mut trades, mut quotes) = (TradeSeries::default(), QuoteSeries::default());
    for (line, number) in BufReader::new(File::open(path)?).lines().zip(1..) {
        let line: Line =
            serde_json::from_str(&line?).map_err(|error| format!("{path}: line {number}: {error}"))?;
        let Some(event) = line.item.filter(|event| event.instrument == BTC_USDT) else { continue };
        let time = event.time_received;
        match event.kind {
            EventKind::Trade(TradeEvent { id, price, amount, side }) => trades.push(&Trade {
                id: id.parse()?,
                time,
                price: price.to_string().parse()?,
                quantity: amount.to_string().parse()?,
                aggressor: match side.to_ascii_lowercase().as_str() {
                    "buy" => Some(Side::Buy),
                    "sell" => Some(Side::Sell),
                    _ => None,
                },
            }),
            EventKind::OrderBookL1 { best_bid, best_ask } => {
                quotes.push(time, &Quote { bid: level(best_bid)?, ask: level(best_ask)? });
            }
        }
    }
    Ok((trades, quotes))
}

/// A side without orders has a level of quantity zero.
fn level(level: Option<Level2>) -> Result<Level, Box<dyn Error>> {
    match level {
        Some(level) => Ok(Level { price: level.price.parse()?, quantity: level.amount.parse()? }),
        None => Ok(Level::default()),
    }
}
