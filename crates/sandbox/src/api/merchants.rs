//! Payments to merchants, and points of sale.

use pampero_model::{Cash, Currency};

use super::funding::{bitcoin_address_document, coin_deposit_documents};
use super::{blank, positive};
use crate::clock::iso;
use crate::json::{Json, object};
use crate::server::call::Call;
use crate::server::reply::{Refusal, Reply, data, identifier, pointer, related, resource};
use crate::world::{Charge, Payment, Pos, World};

type Answer = Result<Reply, Refusal>;

fn payment_resource(payment: &Payment) -> Json {
    let amount = |cash: Cash| Json::Amount(cash.units());
    let maybe = |cash: Option<Cash>| cash.map_or(Json::Null, amount);
    let settlement_currency = payment.settlement.map_or(Json::Null, |_| Json::text(payment.currency.code()));
    let attributes = object! {
        "amount": amount(payment.amount),
        "callback_url": Json::maybe(payment.callback_url.as_deref()),
        "confirmed_quantity": amount(payment.confirmed),
        "currency_code": Json::text(payment.currency.code()),
        "customer_reference": Json::maybe(payment.customer_reference.as_deref()),
        "expected_quantity": amount(payment.expected),
        "keep": amount(payment.keep),
        "kept": maybe(payment.kept),
        "last_quoted_on": Json::text(iso(payment.quoted)),
        "merchant_reference": Json::maybe(payment.merchant_reference.as_deref()),
        "overpaid": payment.overpaid().map_or(Json::Null, Json::Bool),
        "quote_valid_until": Json::text(iso(payment.quote_until)),
        "settlement_amount": maybe(payment.settlement),
        "settlement_currency": settlement_currency,
        "status": Json::text(payment.status.name()),
        "unconfirmed_quantity": amount(payment.unconfirmed),
        "valid_until": Json::text(iso(payment.valid_until)),
    };
    let deposits = payment.deposits.iter().map(|id| identifier(id, "coin_deposits")).collect();
    let relationships = object! {
        "address": pointer(payment.address_id, "bitcoin_addresses"),
        "coin_deposits": object! { "data": Json::List(deposits) },
    };
    related(payment.id, "payments", attributes, relationships)
}

fn included(world: &World, payment: &Payment) -> Vec<Json> {
    let address = &payment.address;
    let address =
        bitcoin_address_document(payment.address_id, false, address, payment.user, Some(payment.id));
    std::iter::once(address).chain(coin_deposit_documents(world, &payment.deposits)).collect()
}

/// A payment with its address and deposits, as a query returns it and a callback carries it.
pub fn payment_document(world: &World, payment: &Payment) -> Json {
    object! { "data": payment_resource(payment), "included": Json::List(included(world, payment)) }
}

fn find(world: &World, user: u64, id: u64) -> Result<&Payment, Refusal> {
    let own = |payment: &&Payment| payment.user == user && payment.id == id;
    world.tables.payments.iter().find(own).ok_or(Refusal::Missing)
}

pub fn payments(world: &mut World, call: &Call) -> Answer {
    let user = call.user()?.id;
    let own: Vec<&Payment> = world.tables.payments.iter().filter(|payment| payment.user == user).collect();
    let documents = own.iter().map(|payment| payment_resource(payment)).collect();
    let mut document = vec![("data", Json::List(documents))];
    if !own.is_empty() {
        document.push((
            "included",
            Json::List(own.iter().flat_map(|payment| included(world, payment)).collect()),
        ));
    }
    Ok(Reply::Ok(Json::Object(document)))
}

pub fn payment(world: &mut World, call: &Call) -> Answer {
    let found = find(world, call.user()?.id, call.number()?)?;
    Ok(Reply::Ok(payment_document(world, found)))
}

pub fn create_payment(world: &mut World, call: &Call) -> Answer {
    const KIND: &str = "payments";
    let wrong = |attribute| Refusal::invalid(KIND, attribute, "no es válido");
    let amount = positive(call, KIND, "amount")?;
    let code = call.text("currency_code").or_else(|| call.text("currency"));
    let code = code.ok_or_else(|| blank(KIND, "currency_code"))?;
    let currency = merchant_currency(&code).ok_or_else(|| wrong("currency_code"))?;
    let keep = call.amount("keep").map_err(|_| wrong("keep"))?.unwrap_or(Cash::ZERO);
    let charge = Charge {
        amount,
        currency,
        keep,
        callback_url: call.text("callback_url"),
        customer_reference: call.text("customer_reference"),
        merchant_reference: call.text("merchant_reference"),
    };
    let user = call.user()?.id;
    let id = world.charge(user, charge).ok_or_else(|| wrong("currency_code"))?;
    let found = find(world, user, id)?;
    Ok(Reply::Ok(payment_document(world, found)))
}

/// By code, or by the number that older clients send.
fn merchant_currency(code: &str) -> Option<Currency> {
    let code = match code {
        "1" => "btc",
        "3" => "usd",
        "4" => "ars",
        "5" => "uyu",
        "7" => "clp",
        "12" => "pyg",
        other => other,
    };
    code.parse().ok()
}

/// The point of sale of a user: its number is the user's.
pub fn create_pos(world: &mut World, call: &Call) -> Answer {
    let keep = call
        .amount("merchant_keep")
        .map_err(|_| Refusal::invalid("pos", "merchant_keep", "no es un número"))?;
    let pos = Pos {
        slug: call.text("merchant_slug"),
        keep: keep.unwrap_or(Cash::ZERO),
        name: call.text("merchant_name"),
        logo: call.text("merchant_logo"),
        site: call.text("merchant_site"),
    };
    let attributes = object! {
        "merchant_slug": Json::maybe(pos.slug.as_deref()),
        "merchant_keep": Json::Amount(pos.keep.units()),
        "merchant_name": Json::maybe(pos.name.as_deref()),
        "merchant_logo": Json::maybe(pos.logo.as_deref()),
        "merchant_site": Json::maybe(pos.site.as_deref()),
    };
    let user = call.user()?.id;
    world.tables.pos.insert(user, pos);
    Ok(data(resource(user, "pos", attributes)))
}
