//! Own orders: looking and cancelling.

use std::time::{Duration, Instant};

use pampero_bitex::{Client, KeyName};
use pampero_exchange::{CancelScope, Error, Operation, OrderStatus, VenueOrder};
use pampero_model::VenueStatus;
use serde_json::json;

use super::{Session, show};
use crate::cli::account::OrderKey;
use crate::error::{Exit, Failure};

/// `pampero orders`.
pub(super) async fn orders(session: &Session, market: Option<&str>, ids: &[OrderKey]) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Trade)?;
    let mut orders = Vec::new();
    if ids.is_empty() {
        orders = client.orders().await?;
    }
    for id in ids {
        let order = client.order(id.side, id.id).await;
        orders.push(order.map_err(|error| about(*id, error))?);
    }
    orders.retain(|order| market.is_none_or(|market| order.market == market));
    session.out.show("orders", &orders, || table(&orders, "no own orders on the book"))
}

/// Says which order an error is about.
fn about(id: OrderKey, error: Error) -> Failure {
    match error {
        Error::NotFound(_) => {
            let help = "buys and sells are numbered apart: buy:5035 and sell:5035 are two orders";
            Failure::account(Exit::Refused, "not_found", format!("there is no order {id}"), help)
        }
        other => other.into(),
    }
}

pub(super) fn table(orders: &[VenueOrder], none: &str) -> String {
    let rows: Vec<Vec<String>> = orders
        .iter()
        .map(|order| {
            vec![
                show::key(order).to_string(),
                order.market.clone(),
                order.price.to_string(),
                show::number(order.size),
                show::size(order.remaining, &order.market),
                show::status(&order.status).to_owned(),
                order.created_at.map(|at| show::time(at).chars().skip(5).collect()).unwrap_or_default(),
            ]
        })
        .collect();
    let headings = ["order", "market", ">price", ">amount", ">left", "status", "since (UTC)"];
    show::table_or(&headings, &rows, none)
}

/// How long a single order is looked at before somebody is told that it is not over.
const PATIENCE: Duration = Duration::from_secs(15);

/// Reads an order until `enough` says so, or patience ends.
pub(super) async fn follow(
    client: &Client,
    key: OrderKey,
    enough: impl Fn(&OrderStatus) -> bool,
) -> Result<VenueOrder, Error> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(250);
    loop {
        let read = client.order(key.side, key.id).await;
        let over = started.elapsed() >= PATIENCE;
        match read {
            Ok(order) if enough(&order.status) || over => return Ok(order),
            Err(error) if over || !error.may_retry(Operation::Read) => return Err(error),
            _ => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Does something that may be repeated until it succeeds, a few times.
pub(super) async fn repeat<T>(act: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    let mut pause = Duration::from_millis(500);
    for _ in 0..4 {
        match act().await {
            Err(error) if error.may_retry(Operation::Repeatable) => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            other => return other,
        }
    }
    act().await
}

/// `pampero cancel`: asks for each, then reads each until it is final.
pub(super) async fn cancel(session: &Session, ids: &[OrderKey]) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Trade)?;
    for id in ids {
        let asked = repeat(async || client.cancel_order(id.side, id.id).await).await;
        asked.map_err(|error| about(*id, error))?;
    }
    let mut orders = Vec::new();
    for id in ids {
        orders.push(follow(&client, *id, OrderStatus::is_final).await?);
    }
    session.out.show("orders", &orders, || orders.iter().map(|order| ended(order) + "\n").collect())?;
    match orders.iter().find(|order| !order.status.is_final()) {
        None => Ok(()),
        Some(order) => {
            let message = format!("{} is not final yet: {}", show::key(order), show::status(&order.status));
            Err(Failure::account(
                Exit::Failed,
                "not_final",
                message,
                "it may still be executed; look again with `pampero orders ID`",
            ))
        }
    }
}

/// What became of an order.
pub(super) fn ended(order: &VenueOrder) -> String {
    let key = show::key(order);
    let size = show::size(order.size, &order.market);
    let left = show::size(order.remaining, &order.market);
    match &order.status {
        OrderStatus::Known(VenueStatus::Completed) => format!("{key} was executed in full: {size}"),
        OrderStatus::Known(VenueStatus::Cancelled) if order.remaining == order.size => {
            format!("{key} is cancelled, nothing of it was executed")
        }
        OrderStatus::Known(VenueStatus::Cancelled) => {
            format!("{key} is cancelled after a part was executed: {left} of {size} were left")
        }
        _ => show::order(order),
    }
}

/// `pampero cancel-all`: of markets, or of the account if there are none.
pub(super) async fn cancel_all(session: &Session, markets: &[String]) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Trade)?;
    if markets.is_empty() {
        repeat(async || client.cancel_orders(CancelScope::Everything).await).await?;
    }
    for market in markets {
        repeat(async || client.cancel_orders(CancelScope::Market(market)).await).await?;
    }
    let left = left_on_book(&client, markets).await?;
    let scope = if markets.is_empty() { "the account".to_owned() } else { markets.join(", ") };
    session.out.show("left", &left, || match left.len() {
        0 => format!("no order of {scope} is left on the book\n"),
        _ => table(&left, ""),
    })?;
    if left.is_empty() {
        return Ok(());
    }
    let message = format!("{} orders are still on the book", left.len());
    let help = "they may still be executed; look again with `pampero orders`";
    Err(Failure::account(Exit::Failed, "not_final", message, help).with(json!({ "left": left.len() })))
}

/// Waits for the book to be clear of own orders, as far as the list shows them.
async fn left_on_book(client: &Client, markets: &[String]) -> Result<Vec<VenueOrder>, Error> {
    let started = Instant::now();
    loop {
        let mut left = repeat(async || client.orders().await).await?;
        left.retain(|order| markets.is_empty() || markets.contains(&order.market));
        if left.is_empty() || started.elapsed() >= PATIENCE {
            return Ok(left);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
