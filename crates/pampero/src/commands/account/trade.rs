//! `pampero buy` and `pampero sell`.

use std::sync::Arc;

use pampero_bitex::{Bitex, Client, KeyName};
use pampero_exchange::{Error, FillQuery, OrderStatus, Outcome, VenueOrder};
use pampero_model::{Order, Side, Size, VenueOrderId, VenueStatus};
use pampero_runtime::execution::Placement;
use pampero_runtime::gateway::{Caps, Gateway};
use pampero_runtime::guard::Latch;
use serde_json::json;

use super::ambiguous::Ambiguous;
use super::confirm::confirm;
use super::create::{Candidate, New, note, unknown_after_looking};
use super::gate::{Facts, Passed, Rules, Wanted, facts, pass};
use super::orders::{ended, follow, repeat};
use super::{Session, show};
use crate::cli::account::{HandOrder, OrderKey};
use crate::connect::{now, state_failure};
use crate::error::{Exit, Failure};

/// Places one order by hand: gate, confirmation, gateway, and what became of it.
pub(super) async fn trade(
    session: &Session,
    market: &str,
    size: Size,
    order: &HandOrder,
) -> Result<(), Failure> {
    let latch = Arc::new(Latch::open(&session.connection.state).map_err(state_failure)?);
    refuse_when_halted(&latch)?;
    let rules = Rules::read(order.config.as_deref())?;
    let client = session.connection.client(KeyName::Trade)?;
    let side = if matches!(size, Size::Quote(_)) { Side::Buy } else { Side::Sell };
    let wanted = Wanted { side, size, price: order.price, bound: order.bound, post_only: order.post_only };
    let codes = rules.markets(market);
    let look = async || Ok::<_, Failure>(Facts { level: latch.level(), ..facts(&client, &codes).await? });
    let mut passed = pass(&rules, market, wanted, &look().await?)?;
    if !order.consent.yes {
        let shown = Order { price: order.price.unwrap_or(passed.order.get().price), ..*passed.order.get() };
        confirm(session, &in_words(&shown, market), order.consent)?;
        // A person takes time: what was true then is read again.
        passed = pass(&rules, market, wanted, &look().await?)?;
    }
    let checks = passed.checks;
    let sent = send(session, &client, passed, latch).await?;
    let order = settle(&client, sent, order.at_market).await?;
    report(session, &order, wanted.price.is_none(), checks)
}

fn refuse_when_halted(latch: &Latch) -> Result<(), Failure> {
    if !latch.is_blocked() {
        return Ok(());
    }
    let record = latch.record();
    let message =
        format!("trading is halted since {} by {}: {}", show::time(record.at), record.by, record.reason);
    let help = "nothing is sent until somebody resumes trading; `pampero doctor` shows the state";
    Err(Failure::account(Exit::Denied, "TRADING_HALTED", message, help))
}

/// `buy 100 USD of btc_usd at no more than 3500`.
fn in_words(order: &Order, market: &str) -> String {
    let size = show::size(order.size, market);
    match order.side {
        Side::Buy => format!("spend {size} on {market} at no more than {}", order.price),
        Side::Sell => format!("sell {size} on {market} for no less than {}", order.price),
    }
}

/// Sends an approved order, once, noted before and after.
async fn send(
    session: &Session,
    client: &Client,
    passed: Passed,
    latch: Arc<Latch>,
) -> Result<VenueOrder, Failure> {
    let order = *passed.order.get();
    let code = passed.market.code.clone();
    let before = own_orders(client, order.side, &code).await?;
    let words = format!("the order to {}", in_words(&order, &code));
    let watermark = before.iter().map(|(id, _)| *id).max();
    let details = json!({
        "market": code, "side": order.side, "size": show::number(order.size), "price": order.price,
        "watermark": watermark,
    });
    let journal = Ambiguous::of(&session.connection.state);
    let id = journal.intent("order", &words, details.clone())?;
    let placement = Placement {
        order: passed.order,
        market: code.clone(),
        quote: passed.market.quote,
        watermark: watermark.map(VenueOrderId),
        reference: Some(format!("hand-{id}")),
        approved_at: passed.approved_at,
    };
    let blocked = move || {
        latch.refresh();
        latch.is_blocked().then(|| latch.record().reason)
    };
    let caps = Caps::new([(passed.market.quote, passed.cap)]);
    let gateway = Gateway::new(Arc::new(Bitex::new(client.clone())), caps, now, blocked);
    let outcome = gateway.place(placement).await;
    note(&journal, &id, &outcome, |order| Some(show::key(order).to_string()))?;
    match outcome {
        Outcome::Acknowledged(order) => Ok(order),
        Outcome::Rejected(error) | Outcome::NotSent(error) => Err(error.into()),
        Outcome::Unknown(error) => {
            session.out.note(&format!("{error}\nlooking for {words} …"));
            let known = before.into_iter().map(|(id, _)| id.to_string()).collect();
            let list = async || {
                let orders = own_orders(client, order.side, &code).await?;
                let of = |(id, words): (u64, String)| {
                    let json = json!({ "order": format!("{}:{id}", order.side), "what": words });
                    Candidate { id: id.to_string(), words, json }
                };
                Ok(orders.into_iter().map(of).collect())
            };
            let new = New { what: "order", words: &words, details };
            Err(unknown_after_looking(&new, &id, &error, &known, &list).await)
        }
    }
}

/// Own orders of a side of a market that can be known: those on the book, and those that were executed lately.
async fn own_orders(client: &Client, side: Side, market: &str) -> Result<Vec<(u64, String)>, Error> {
    let active = client.orders().await?;
    let active = active.iter().filter(|order| order.side == side);
    let mut known: Vec<(u64, String)> = active.map(|order| (order.id.0, show::order(order))).collect();
    let query =
        FillQuery { market: Some(market.to_owned()), side: Some(side), days: Some(1), limit: Some(50) };
    for fill in client.fills(&query).await? {
        if let Some(order) = fill.order.filter(|order| known.iter().all(|(id, _)| *id != order.0)) {
            let key = OrderKey { side, id: order };
            known.push((order.0, format!("{key} {market}, executed {} at {}", fill.base, fill.price)));
        }
    }
    Ok(known)
}

/// Reads the order until the exchange has checked its funds, and until it is over if it is being cancelled. What a market order did not get at once is cancelled.
async fn settle(client: &Client, order: VenueOrder, at_market: bool) -> Result<VenueOrder, Failure> {
    let key = OrderKey { side: order.side, id: order.id };
    let on_its_way = [VenueStatus::Pending, VenueStatus::ToCancel].map(OrderStatus::Known);
    let order = follow(client, key, |status| !on_its_way.contains(status)).await?;
    if !at_market || order.status.is_final() {
        return Ok(order);
    }
    repeat(async || client.cancel_order(key.side, key.id).await).await?;
    Ok(follow(client, key, OrderStatus::is_final).await?)
}

fn report(session: &Session, order: &VenueOrder, at_market: bool, checks: u32) -> Result<(), Failure> {
    let untouched = order.remaining == order.size;
    let cancelled = order.status == OrderStatus::Known(VenueStatus::Cancelled);
    if cancelled && untouched && !at_market {
        let message =
            format!("{} was cancelled by the exchange, nothing of it was executed", show::key(order));
        let help = "it does so when the money is missing: see `pampero balances`";
        return Err(
            Failure::account(Exit::Refused, "cancelled", message, help).with(json!({ "order": order }))
        );
    }
    if cancelled && untouched {
        let message = format!("{} found nobody within its bound; it is cancelled", show::key(order));
        let help = "see `pampero market`, or raise --bound";
        return Err(
            Failure::account(Exit::Refused, "cancelled", message, help).with(json!({ "order": order }))
        );
    }
    if session.out.json {
        return session.out.object(json!({ "order": order, "checks": checks }));
    }
    let on_book = order.status == OrderStatus::Known(VenueStatus::Executing);
    let what = if on_book { format!("on the book: {}", show::order(order)) } else { ended(order) };
    crate::output::say(&format!("{what}\n"))
}
