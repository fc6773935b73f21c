//! Places an order far from the market on the sandbox or a local exchange, looks at it and cancels it:
//! `PAMPERO_KEY=… cargo run -p pampero-bitex --example place_and_cancel -- http://127.0.0.1:4000`.

use pampero_bitex::{ApiKey, Bitex, Client, Config, Environment, KeySource};
use pampero_exchange::{Budget, BudgetConfig, Exchange, OrderRequest, Outcome};
use pampero_model::{Side, Size};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let environment = match std::env::args().nth(1) {
        Some(url) => Environment::local(&url)?,
        None => Environment::Sandbox,
    };
    let key = ApiKey::load(&KeySource::Variable("PAMPERO_KEY".to_owned()), &environment)?;
    let client =
        Client::new(Config::new(environment), Budget::new(BudgetConfig::default())?)?.with_key(key)?;
    let exchange = Bitex::new(client);

    let request = OrderRequest {
        market: "btc_usd".to_owned(),
        side: Side::Buy,
        price: "100".parse()?,
        size: Size::Quote("10".parse()?), // a buy says how much to spend
        reference: None,
        watermark: None,
    };
    #[allow(clippy::disallowed_methods)] // the adapter itself is shown
    match exchange.place(&request, &|| Ok(())).await {
        Outcome::Acknowledged(order) => {
            println!("order {} is {:?}", order.id, order.status);
            exchange.cancel(order.side, order.id).await?;
            // Success above is an intention; the order itself says what became of it.
            let order = exchange.order(order.side, order.id).await?;
            println!("order {} is {:?}", order.id, order.status);
        }
        Outcome::Rejected(error) | Outcome::NotSent(error) => println!("no order: {error}"),
        Outcome::Unknown(error) => println!("look before doing anything else: {error}"),
    }
    Ok(())
}
