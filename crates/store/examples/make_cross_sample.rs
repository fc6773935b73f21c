//! Makes the sample data of the strategy `cross-market`:
//!
//! `cargo run -p pampero-store --example make_cross_sample -- strategies/cross-market/data`
//!
//! Two synthetic books of one story: a liquid `btc_usd` and a thin `btc_ars` at 1,000 pesos a dollar, whose spread is ten
//! times as wide. The same command gives the same files.

use std::error::Error;
use std::path::Path;

use pampero_model::{Price, Quantity, Rate, SCALE, Span};
use pampero_store::{FileInfo, Kind, SyntheticMarket, generate, write_parquet};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder] = arguments.as_slice() else { return Err("usage: make_cross_sample FOLDER".into()) };
    let dollars = SyntheticMarket {
        seed: 11,
        span: Span::from_minutes(1),
        buckets: 400,
        price: Price::from_units(60_000 * SCALE),
        tick: Price::from_units(SCALE / 100),
        noise: Rate::from_units(SCALE / 2_000),
        trend: Rate::from_units(SCALE / 20_000),
        spread: Rate::from_units(SCALE / 500),
        quantity: Quantity::from_units(SCALE / 10),
        levels: 4,
        ..SyntheticMarket::default()
    };
    // The same numbers are drawn in the same order, so that both prices move together.
    let pesos = SyntheticMarket {
        price: Price::from_units(60_000_000 * SCALE),
        tick: Price::from_units(10 * SCALE),
        spread: Rate::from_units(SCALE / 50),
        ..dollars.clone()
    };
    for (code, market) in [("btc_usd", dollars), ("btc_ars", pesos)] {
        let info = FileInfo {
            venue: Some("synthetic".to_owned()),
            market: Some(code.to_owned()),
            synthetic: Some(market.label()),
        };
        for (kind, name) in [(Kind::Books, "books"), (Kind::Trades, "trades")] {
            let path = Path::new(folder).join(format!("synthetic_{code}_{name}.parquet"));
            write_parquet(&path, &generate(&market, kind)?, &info)?;
            println!("{}: {} bytes", path.display(), std::fs::metadata(&path)?.len());
        }
    }
    Ok(())
}
