//! Deposits and withdrawals.

use pampero_model::{Currency, Money};

use super::balances::CASH;
use super::{blank, from_day, positive};
use crate::clock::iso;
use crate::json::{Json, object};
use crate::server::call::Call;
use crate::server::reply::{Refusal, Reply, data, list, pointer, related, resource};
use crate::world::{CashDeposit, CoinDeposit, Instruction, User, Way, Withdrawal, World};

type Answer = Result<Reply, Refusal>;

fn cash_deposit_document(deposit: &CashDeposit) -> Json {
    let done = deposit.wake.is_none();
    let amount = |shown: bool| if shown { Json::Amount(deposit.money.units) } else { Json::Null };
    let attributes = object! {
        "status": Json::text(if done { "done" } else { "pending" }),
        "requested_amount": amount(true),
        "requested_currency": Json::text(deposit.money.currency.to_string()),
        "deposit_method": Json::text("bank"),
        "country": Json::Null,
        "clearing_data": Json::Null,
        "amount": amount(done),
        "fiat_code": Json::text(deposit.money.currency.code()),
        "gross_amount": amount(done),
        "cost": Json::Amount(0),
        "fee": Json::Amount(0),
        "net_amount": amount(done),
        "created_at": Json::text(iso(deposit.created)),
    };
    related(
        deposit.id,
        "cash_deposits",
        attributes,
        object! { "funding_receipt": object! { "data": Json::Null } },
    )
}

pub fn cash_deposits(world: &mut World, call: &Call) -> Answer {
    let (user, from) = (call.user()?.id, from_day(call));
    let own = world.tables.cash_deposits.iter().filter(|found| found.user == user && found.created >= from);
    Ok(list(own.map(cash_deposit_document).collect()))
}

pub fn cash_deposit(world: &mut World, call: &Call) -> Answer {
    let (user, id) = (call.user()?.id, call.number()?);
    let own = |found: &&CashDeposit| found.user == user && found.id == id;
    world
        .tables
        .cash_deposits
        .iter()
        .find(own)
        .map(|found| data(cash_deposit_document(found)))
        .ok_or(Refusal::Missing)
}

/// Announces cash, which arrives by itself here: there is no bank to ask.
pub fn announce_cash(world: &mut World, call: &Call) -> Answer {
    const KIND: &str = "cash_deposits";
    let amount = positive(call, KIND, "requested_amount").or_else(|_| positive(call, KIND, "amount"))?;
    let code = call
        .text("requested_currency")
        .or_else(|| call.text("fiat_code"))
        .unwrap_or_else(|| "usd".to_owned());
    let currency = cash_currency(&code, KIND, "requested_currency")?;
    let id = world.announce_cash(call.user()?.id, Money::new(currency, amount.units()));
    let found = world.tables.cash_deposits.iter().find(|found| found.id == id);
    found.map(|found| data(cash_deposit_document(found))).ok_or(Refusal::Missing)
}

fn cash_currency(code: &str, kind: &'static str, attribute: &'static str) -> Result<Currency, Refusal> {
    let known = CASH.iter().find(|cash| cash.eq_ignore_ascii_case(code));
    known.and_then(|code| code.parse().ok()).ok_or_else(|| Refusal::invalid(kind, attribute, "no es válido"))
}

pub fn cash_deposit_instructions(_: &mut World, _: &Call) -> Answer {
    let document = |code: &&str| {
        let text = format!(
            "Transferir {} desde una cuenta del titular.<br/> Acreditación automática.",
            code.to_uppercase()
        );
        resource(
            *code,
            "cash_deposit_instructions",
            object! { "currency": Json::text(*code), "instructions": Json::text(text) },
        )
    };
    Ok(list(CASH.iter().map(document).collect()))
}

fn coin_deposit_document(deposit: &CoinDeposit) -> Json {
    let coin = deposit.money.currency.code();
    let attributes = object! {
        "coin": Json::text(coin),
        "amount": Json::Amount(deposit.money.units),
        "created_at": Json::text(iso(deposit.created)),
    };
    let kind = if coin == "bch" { "bcash_addresses" } else { "bitcoin_addresses" };
    related(deposit.id, "coin_deposits", attributes, object! { "address": pointer(deposit.address, kind) })
}

/// The deposits of these numbers, as the payments they belong to include them.
pub fn coin_deposit_documents(world: &World, ids: &[u64]) -> Vec<Json> {
    world
        .tables
        .coin_deposits
        .iter()
        .filter(|found| ids.contains(&found.id))
        .map(coin_deposit_document)
        .collect()
}

pub fn coin_deposits(world: &mut World, call: &Call) -> Answer {
    let (user, from) = (call.user()?.id, from_day(call));
    let own = world.tables.coin_deposits.iter().filter(|found| found.user == user && found.created >= from);
    Ok(list(own.map(coin_deposit_document).collect()))
}

pub fn coin_deposit(world: &mut World, call: &Call) -> Answer {
    let (user, id) = (call.user()?.id, call.number()?);
    let own = |found: &&CoinDeposit| found.user == user && found.id == id;
    world
        .tables
        .coin_deposits
        .iter()
        .find(own)
        .map(|found| data(coin_deposit_document(found)))
        .ok_or(Refusal::Missing)
}

pub fn bitcoin_address_document(
    id: u64,
    auto_sell: bool,
    address: &str,
    user: u64,
    payment: Option<u64>,
) -> Json {
    let attributes = object! { "auto_sell": auto_sell.into(), "public_address": Json::text(address) };
    let payment = payment.map_or(object! { "data": Json::Null }, |id| pointer(id, "payments"));
    related(
        id,
        "bitcoin_addresses",
        attributes,
        object! { "user": pointer(user, "users"), "payment": payment },
    )
}

fn own_addresses(world: &World, user: &User) -> Vec<(u64, Json)> {
    let wallet = user.wallet_id("btc") * 10;
    let plain = bitcoin_address_document(wallet, false, &world.wallet_address(user, "btc"), user.id, None);
    let selling =
        bitcoin_address_document(wallet + 1, true, &world.auto_sell_address(user, "btc"), user.id, None);
    let payments = world.tables.payments.iter().filter(|payment| payment.user == user.id);
    let paid = payments.map(|payment| {
        let id = payment.address_id;
        (id, bitcoin_address_document(id, false, &payment.address, user.id, Some(payment.id)))
    });
    [(wallet, plain), (wallet + 1, selling)].into_iter().chain(paid).collect()
}

pub fn bitcoin_addresses(world: &mut World, call: &Call) -> Answer {
    Ok(list(own_addresses(world, call.user()?).into_iter().map(|(_, address)| address).collect()))
}

pub fn bitcoin_address(world: &mut World, call: &Call) -> Answer {
    let id = call.number()?;
    let found = own_addresses(world, call.user()?).into_iter().find(|(own, _)| *own == id);
    found.map(|(_, address)| data(address)).ok_or(Refusal::Missing)
}

/// Transfers between customers do not exist here.
pub fn no_transfers(_: &mut World, _: &Call) -> Answer {
    Ok(list(Vec::new()))
}

pub fn no_transfer(_: &mut World, _: &Call) -> Answer {
    Err(Refusal::Missing)
}

pub fn instruction_document(instruction: &Instruction) -> Json {
    let attributes = object! {
        "label": Json::text(&instruction.label),
        "schema": Json::text("bitex"),
        "body": Json::Verbatim(instruction.body.clone()),
    };
    resource(instruction.id, "withdrawal_instructions", attributes)
}

pub fn instructions(world: &mut World, call: &Call) -> Answer {
    let user = call.user()?.id;
    let own = world.tables.instructions.iter().filter(|found| found.user == user && !found.deleted);
    Ok(list(own.map(instruction_document).collect()))
}

fn own_instruction(world: &World, user: u64, id: u64) -> Result<&Instruction, Refusal> {
    let own = |found: &&Instruction| found.user == user && found.id == id && !found.deleted;
    world.tables.instructions.iter().find(own).ok_or(Refusal::Missing)
}

pub fn instruction(world: &mut World, call: &Call) -> Answer {
    own_instruction(world, call.user()?.id, call.number()?).map(|found| data(instruction_document(found)))
}

pub fn create_instruction(world: &mut World, call: &Call) -> Answer {
    #[derive(serde::Deserialize)]
    struct Body {
        payment_method: Option<String>,
        country: Option<String>,
    }
    const KIND: &str = "withdrawal_instructions";
    let body = call.json("body").ok_or_else(|| blank(KIND, "body"))?;
    let wrong = |_| Refusal::invalid(KIND, "body", "no es válido");
    let parsed: Body = serde_json::from_str(body).map_err(wrong)?;
    let method = parsed.payment_method.or_else(|| call.text("payment_method_type"));
    let user = call.user()?.id;
    let id = world.next_number();
    let instruction = Instruction {
        id,
        user,
        label: call.text("label").unwrap_or_default(),
        body: body.to_owned(),
        payment_method: method.ok_or_else(|| blank(KIND, "body"))?,
        country: parsed.country.unwrap_or_else(|| "OTHER".to_owned()),
        deleted: false,
    };
    let document = instruction_document(&instruction);
    world.tables.instructions.push(instruction);
    world.tell(user, "withdrawal_instruction_created", &document);
    Ok(data(document))
}

pub fn delete_instruction(world: &mut World, call: &Call) -> Answer {
    let user = call.user()?.id;
    let found = own_instruction(world, user, call.number()?)?;
    let (id, document) = (found.id, instruction_document(found));
    if let Some(found) = world.tables.instructions.iter_mut().find(|found| found.id == id) {
        found.deleted = true;
    }
    world.tell(user, "withdrawal_instruction_destroyed", &document);
    Ok(Reply::Nothing)
}

fn coin_withdrawal_document(withdrawal: &Withdrawal, address: &str) -> Json {
    let attributes = object! {
        "amount": Json::Amount(withdrawal.money.units),
        "status": Json::text(withdrawal.status()),
        "label": Json::text(&withdrawal.label),
        "to_addresses": Json::text(address),
        "coin_code": Json::text(withdrawal.money.currency.code()),
        "created_at": Json::text(iso(withdrawal.created)),
    };
    related(
        withdrawal.id,
        "coin_withdrawals",
        attributes,
        object! { "user": pointer(withdrawal.user, "users") },
    )
}

/// The withdrawals of coins of a user, with their addresses.
fn coin_withdrawals_of(world: &World, user: u64) -> impl Iterator<Item = (&Withdrawal, &str)> {
    world.tables.withdrawals.iter().filter(move |found| found.user == user).filter_map(|found| {
        match &found.way {
            Way::Coin(address) => Some((found, address.as_str())),
            Way::Cash(_) => None,
        }
    })
}

pub fn coin_withdrawals(world: &mut World, call: &Call) -> Answer {
    let (user, from) = (call.user()?.id, from_day(call));
    let own = coin_withdrawals_of(world, user).filter(|(found, _)| found.created >= from);
    Ok(list(own.map(|(found, address)| coin_withdrawal_document(found, address)).collect()))
}

pub fn coin_withdrawal(world: &mut World, call: &Call) -> Answer {
    let id = call.number()?;
    let found = coin_withdrawals_of(world, call.user()?.id).find(|(found, _)| found.id == id);
    found.map(|(found, address)| data(coin_withdrawal_document(found, address))).ok_or(Refusal::Missing)
}

pub fn withdraw_coins(world: &mut World, call: &Call) -> Answer {
    const KIND: &str = "coin_withdrawals";
    let amount = positive(call, KIND, "amount")?;
    let code =
        call.text("coin_code").or_else(|| call.text("currency")).ok_or_else(|| blank(KIND, "coin_code"))?;
    let coin = ["btc", "bch"].iter().find(|coin| coin.eq_ignore_ascii_case(&code));
    let coin: Option<Currency> = coin.and_then(|coin| coin.parse().ok());
    let coin = coin.ok_or_else(|| Refusal::invalid(KIND, "coin_code", "no es válido"))?;
    let address = call.text("to_addresses").ok_or_else(|| blank(KIND, "to_addresses"))?;
    let user = call.user()?.id;
    let label = call.text("label").unwrap_or_default();
    let id = world.withdraw(user, Way::Coin(address), Money::new(coin, amount.units()), label);
    let found = coin_withdrawals_of(world, user).find(|(found, _)| found.id == id);
    found.map(|(found, address)| data(coin_withdrawal_document(found, address))).ok_or(Refusal::Missing)
}

fn cash_withdrawal_document(withdrawal: &Withdrawal, instruction: &Instruction) -> Json {
    let amount = || Json::Amount(withdrawal.money.units);
    let attributes = object! {
        "status": Json::text(withdrawal.status()),
        "amount": amount(),
        "gross_amount": amount(),
        "cost": Json::Amount(0),
        "fee": Json::Amount(0),
        "net_amount": amount(),
        "country": Json::text(&instruction.country),
        "payment_method": Json::text(&instruction.payment_method),
        "fiat_code": Json::text(withdrawal.money.currency.code()),
        "label": Json::text(&withdrawal.label),
        "created_at": Json::text(iso(withdrawal.created)),
    };
    let relationships = object! {
        "withdrawal_instruction": pointer(instruction.id, "withdrawal_instructions"),
        "funding_receipt": object! { "data": Json::Null },
    };
    related(withdrawal.id, "cash_withdrawals", attributes, relationships)
}

/// The withdrawals of cash of a user, with their instructions, deleted or not.
fn cash_withdrawals_of(world: &World, user: u64) -> impl Iterator<Item = (&Withdrawal, &Instruction)> {
    world.tables.withdrawals.iter().filter(move |found| found.user == user).filter_map(|found| {
        let Way::Cash(id) = found.way else { return None };
        Some((found, world.tables.instructions.iter().find(|instruction| instruction.id == id)?))
    })
}

pub fn cash_withdrawals(world: &mut World, call: &Call) -> Answer {
    let (user, from) = (call.user()?.id, from_day(call));
    let (mut documents, mut included) = (Vec::new(), Vec::new());
    let mut seen = Vec::new();
    for (found, instruction) in cash_withdrawals_of(world, user).filter(|(found, _)| found.created >= from) {
        documents.push(cash_withdrawal_document(found, instruction));
        if !seen.contains(&instruction.id) {
            seen.push(instruction.id);
            included.push(instruction_document(instruction));
        }
    }
    let mut document = vec![("data", Json::List(documents))];
    if !included.is_empty() {
        document.push(("included", Json::List(included)));
    }
    Ok(Reply::Ok(Json::Object(document)))
}

fn cash_withdrawal_reply(world: &World, user: u64, id: u64) -> Answer {
    let (found, instruction) =
        cash_withdrawals_of(world, user).find(|(found, _)| found.id == id).ok_or(Refusal::Missing)?;
    Ok(Reply::Ok(object! {
        "data": cash_withdrawal_document(found, instruction),
        "included": Json::List(vec![instruction_document(instruction)]),
    }))
}

pub fn cash_withdrawal(world: &mut World, call: &Call) -> Answer {
    cash_withdrawal_reply(world, call.user()?.id, call.number()?)
}

pub fn withdraw_cash(world: &mut World, call: &Call) -> Answer {
    const KIND: &str = "cash_withdrawals";
    let amount = positive(call, KIND, "amount")?;
    let code =
        call.text("fiat_code").or_else(|| call.text("fiat")).ok_or_else(|| blank(KIND, "fiat_code"))?;
    let currency = cash_currency(&code, KIND, "fiat_code")?;
    let user = call.user()?.id;
    let instruction = call.related("withdrawal_instruction").and_then(|id| id.parse().ok());
    let instruction = own_instruction(world, user, instruction.ok_or(Refusal::Missing)?)?;
    let (way, label) = (Way::Cash(instruction.id), instruction.label.clone());
    let id = world.withdraw(user, way, Money::new(currency, amount.units()), label);
    cash_withdrawal_reply(world, user, id)
}
