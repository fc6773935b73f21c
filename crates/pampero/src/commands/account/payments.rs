//! `pampero payments`: a merchant's payments.

use std::fmt::Write as _;
use std::time::Duration;

use pampero_bitex::{KeyName, NewPayment, Payment, PointOfSale};
use pampero_exchange::Operation;
use pampero_model::{Money, Rate, Span};
use serde_json::json;

use super::create::{New, create};
use super::funding::candidate;
use super::orders::repeat;
use super::read::percent;
use super::{Session, run, show};
use crate::cli::account::PaymentsCommand;
use crate::error::Failure;
use crate::output;

/// Lists, creates, shows and follows payments; sets up the page where customers pay.
pub(super) fn payments(command: PaymentsCommand) -> Result<(), Failure> {
    use PaymentsCommand as C;
    match command {
        C::List { connect } => run(&connect, list),
        C::Create { amount, keep, callback, customer_reference, merchant_reference, connect } => {
            let callback_url = callback;
            let new = NewPayment { amount, keep, callback_url, customer_reference, merchant_reference };
            run(&connect, async |session: &Session| ask_for(session, &new).await)
        }
        C::Show { id, connect } => run(&connect, async |session: &Session| {
            let payment = session.connection.client(KeyName::Funds)?.payment(id).await?;
            session.out.show("payment", &payment, || words(&payment))
        }),
        C::Watch { id, every, connect } => {
            run(&connect, async |session: &Session| watch(session, id, every).await)
        }
        C::Pos { slug, name, site, logo, keep, connect } => {
            let page = PointOfSale { id: String::new(), slug, name, logo, site, keep };
            run(&connect, async |session: &Session| {
                let client = session.connection.client(KeyName::Funds)?;
                let page = repeat(async || client.set_up_point_of_sale(&page).await).await?;
                session.out.show("pos", &page, || {
                    let (name, slug) = (show::plain(&page.name), show::plain(&page.slug));
                    format!("the page `{slug}` of {name} keeps {} % in coins\n", percent(page.keep))
                })
            })
        }
    }
}

async fn list(session: &Session) -> Result<(), Failure> {
    let payments = session.connection.client(KeyName::Funds)?.payments().await?;
    session.out.show("payments", &payments, || {
        let rows: Vec<Vec<String>> = payments
            .iter()
            .map(|one| {
                let coins = |quantity: Option<pampero_model::Quantity>| {
                    quantity.map(|quantity| quantity.to_string()).unwrap_or_default()
                };
                vec![
                    one.id.clone(),
                    one.amount.to_string(),
                    one.status.clone(),
                    coins(one.expected),
                    coins(one.confirmed),
                    show::plain(one.merchant_reference.as_deref().unwrap_or_default()),
                ]
            })
            .collect();
        show::table_or(
            &["id", ">amount", "status", ">expected", ">received", "reference"],
            &rows,
            "no payments",
        )
    })
}

async fn ask_for(session: &Session, new: &NewPayment) -> Result<(), Failure> {
    if new.amount.units <= 0 {
        let message = format!("a payment of {} makes no sense", new.amount);
        return Err(Failure::usage(message, "write an amount above 0, such as \"25 USD\""));
    }
    let client = session.connection.client(KeyName::Funds)?;
    let list = async || {
        let listed = client.payments().await?;
        let words = |one: &Payment| {
            let reference = one.merchant_reference.as_deref().unwrap_or_default();
            format!("payment {}: {}, {} {}", one.id, one.amount, one.status, show::plain(reference))
        };
        Ok(listed.iter().map(|one| candidate(&one.id, words(one), one)).collect())
    };
    let about = New {
        what: "payment",
        words: &format!("the payment of {}", new.amount),
        details: json!({ "amount": new.amount.to_string(), "merchant_reference": new.merchant_reference }),
    };
    let made = create(session, about, list, async || client.create_payment(new).await).await?;
    session.out.show("payment", &made, || words(&made))
}

fn words(payment: &Payment) -> String {
    let text = |value: &Option<String>| value.as_deref().map(show::plain).unwrap_or_default();
    let money = |money: Option<Money>| money.map(|money| money.to_string()).unwrap_or_default();
    let coins = |quantity: Option<pampero_model::Quantity>| {
        quantity
            .filter(|quantity| !quantity.is_zero())
            .map(|quantity| quantity.to_string())
            .unwrap_or_default()
    };
    let time = |at| show::optional_time(at);
    let keep =
        payment.keep.filter(|keep| *keep != Rate::from_units(0)).map(|keep| format!("{} %", percent(keep)));
    let rows = [
        ("payment", payment.id.clone()),
        ("status", payment.status.clone()),
        ("amount", payment.amount.to_string()),
        ("to be sent", coins(payment.expected)),
        (
            "to the address",
            payment.address.as_ref().map(|one| show::plain(&one.public_address)).unwrap_or_default(),
        ),
        ("quote until (UTC)", time(payment.quote_valid_until)),
        ("payable until (UTC)", time(payment.valid_until)),
        ("received", coins(payment.confirmed)),
        ("not confirmed yet", coins(payment.unconfirmed)),
        ("kept in coins", keep.unwrap_or_default()),
        ("settled", money(payment.settlement)),
        ("overpaid", text(&payment.overpaid)),
        ("customer sees", text(&payment.customer_reference)),
        ("reference", text(&payment.merchant_reference)),
        ("reported to", text(&payment.callback_url)),
    ];
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    output::rows(&rows)
}

/// Follows a payment until nothing more can come. A failed look is no information.
async fn watch(session: &Session, id: u64, every: Span) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Funds)?;
    let every =
        Duration::from_nanos(u64::try_from(every.as_nanos()).unwrap_or(0)).max(Duration::from_secs(1));
    let mut seen = String::new();
    loop {
        match client.payment(id).await {
            Ok(payment) => {
                let state = state(&payment);
                if ["settled", "expired", "done"].contains(&payment.status.as_str()) {
                    return session.out.show("payment", &payment, || words(&payment));
                }
                if state != seen {
                    session.out.note(&state);
                    seen = state;
                }
            }
            Err(error) if error.may_retry(Operation::Read) => {
                session.out.note(&format!("{error}; looking again"));
            }
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(every).await;
    }
}

fn state(payment: &Payment) -> String {
    let mut text = format!("payment {} of {}: {}", payment.id, payment.amount, payment.status);
    for (what, quantity) in [
        ("expected", payment.expected),
        ("not confirmed", payment.unconfirmed),
        ("received", payment.confirmed),
    ] {
        if let Some(quantity) = quantity.filter(|quantity| !quantity.is_zero()) {
            let _ = write!(text, ", {quantity} {what}");
        }
    }
    text
}
