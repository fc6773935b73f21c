//! Prints the state of a market: `cargo run -p pampero-bitex --example market -- sandbox btc_usd`.

use std::time::Instant;

use pampero_bitex::{Client, Config, Environment};
use pampero_exchange::{Budget, BudgetConfig, SnapshotParts};
use pampero_model::Side;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let environment = match arguments.next().as_deref() {
        None | Some("production") => Environment::Production,
        Some("sandbox") => Environment::Sandbox,
        Some(url) => Environment::local(url)?,
    };
    let code = arguments.next().unwrap_or_else(|| "btc_usd".to_owned());

    let started = Instant::now();
    let client = Client::new(Config::new(environment), Budget::new(BudgetConfig::default())?)?;
    println!("client ready after {:?}", started.elapsed());
    let market = client.market(&code, SnapshotParts::POLL).await?;
    for (name, side) in [("bid", Side::Buy), ("ask", Side::Sell)] {
        match market.book.best(side) {
            Some(level) => println!("best {name}: {} at {}", level.quantity, level.price),
            None => println!("no {name}s"),
        }
    }
    for trade in market.trades.iter().take(10) {
        println!("{}  {} at {}", trade.time, trade.quantity, trade.price);
    }
    Ok(())
}
