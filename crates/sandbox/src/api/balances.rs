//! What a customer has, and how it came about.

use pampero_model::{Currency, Side, Span, Timestamp};
use pampero_venue::Match;

use crate::clock::epoch;
use crate::json::{Json, object};
use crate::server::call::Call;
use crate::server::reply::{Refusal, Reply, data, list, pointer, resource};
use crate::world::{CURRENCIES, User, Way, World, currency};

use super::users::user_document;

type Answer = Result<Reply, Refusal>;

/// The cash wallets in the order in which they are listed.
pub const CASH: [&str; 5] = ["usd", "ars", "uyu", "clp", "pyg"];
const COINS: [&str; 2] = ["btc", "bch"];

pub fn coin_wallets(world: &mut World, call: &Call) -> Answer {
    let user = call.user()?;
    Ok(list(COINS.iter().map(|coin| coin_document(world, user, coin)).collect()))
}

/// By number or by code.
pub fn coin_wallet(world: &mut World, call: &Call) -> Answer {
    let (user, id) = (call.user()?, call.id());
    let found =
        COINS.iter().find(|coin| coin.eq_ignore_ascii_case(id) || user.wallet_id(coin).to_string() == id);
    found.map(|coin| data(coin_document(world, user, coin))).ok_or(Refusal::Missing)
}

fn coin_document(world: &World, user: &User, coin: &str) -> Json {
    let balance = currency(coin).map(|currency| world.balance(user, currency)).unwrap_or_default();
    let attributes = object! {
        "balance": Json::Amount(balance.total),
        "available": Json::Amount(balance.available()),
        "currency": Json::text(coin),
        "address": Json::text(world.wallet_address(user, coin)),
        "auto_sell_address": Json::text(world.auto_sell_address(user, coin)),
    };
    resource(user.wallet_id(coin), "coin_wallets", attributes)
}

pub fn cash_wallets(world: &mut World, call: &Call) -> Answer {
    let user = call.user()?;
    Ok(list(CASH.iter().map(|code| cash_document(world, user, code)).collect()))
}

pub fn cash_wallet(world: &mut World, call: &Call) -> Answer {
    let (user, id) = (call.user()?, call.id());
    let found =
        CASH.iter().find(|code| code.eq_ignore_ascii_case(id) || user.wallet_id(code).to_string() == id);
    found.map(|code| data(cash_document(world, user, code))).ok_or(Refusal::Missing)
}

/// Cut to two decimals, unlike in `accounts`.
fn cash_document(world: &World, user: &User, code: &str) -> Json {
    const CENT: i128 = 1_000_000;
    let cut = |units: i128| Json::Amount(units - units % CENT);
    let balance = currency(code).map(|currency| world.balance(user, currency)).unwrap_or_default();
    let attributes = object! {
        "balance": cut(balance.total),
        "available": cut(balance.available()),
        "currency": Json::text(code),
    };
    resource(code, "cash_wallets", attributes)
}

pub fn accounts(world: &mut World, call: &Call) -> Answer {
    let user = call.user()?;
    let balances = CURRENCIES.iter().filter_map(|code| {
        let balance = world.balance(user, currency(code)?);
        Some((
            *code,
            object! { "total": Json::Amount(balance.total), "available": Json::Amount(balance.available()) },
        ))
    });
    let attributes = object! {
        "balances": Json::Object(balances.collect()),
        "country": Json::text(&user.country),
    };
    let none = || object! { "data": Json::List(Vec::new()) };
    let relationships = object! {
        "movements": none(),
        "pending_movements": none(),
        "user": pointer(user.id, "users"),
    };
    let account = crate::server::reply::related(user.id, "accounts", attributes, relationships);
    Ok(Reply::Ok(object! {
        "data": Json::List(vec![account]),
        "included": Json::List(vec![user_document(user)]),
    }))
}

/// The last three days, newest first.
pub fn movements(world: &mut World, call: &Call) -> Answer {
    let user = call.user()?;
    let from = world.now().minus(Span::from_hours(72));
    let fills = world.fills(user.account()).take_while(|(found, _)| found.time >= from);
    let mut movements: Vec<(Timestamp, Json)> =
        fills.map(|(found, side)| (found.time, fill_movement(world, found, side))).collect();
    let tables = &world.tables;
    let mut moved =
        |id: u64, user_id: u64, at: Timestamp, money: pampero_model::Money, kind: &'static str| {
            if user_id == user.id && at >= from {
                movements.push((at, money_movement(id, at, money.currency, money.units, kind)));
            }
        };
    for deposit in tables.cash_deposits.iter().filter(|deposit| deposit.wake.is_none()) {
        moved(deposit.id, deposit.user, deposit.created, deposit.money, "CashDeposit");
    }
    for deposit in &tables.coin_deposits {
        moved(deposit.id, deposit.user, deposit.created, deposit.money, "CoinDeposit");
    }
    for withdrawal in tables
        .withdrawals
        .iter()
        .filter(|withdrawal| !["received", "cancelled"].contains(&withdrawal.status()))
    {
        let kind = if matches!(withdrawal.way, Way::Coin(_)) { "CoinWithdrawal" } else { "CashWithdrawal" };
        moved(withdrawal.id, withdrawal.user, withdrawal.created, withdrawal.money, kind);
    }
    movements.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    Ok(list(movements.into_iter().map(|(_, movement)| movement).collect()))
}

fn fill_movement(world: &World, found: &Match, side: Side) -> Json {
    let market = world.market(found.market);
    let code =
        |currency: Option<Currency>| currency.map_or(Json::Null, |currency| Json::text(currency.to_string()));
    let party = found.party(side);
    let (kind, base) = match side {
        Side::Buy => ("Buy", i128::from(found.base.units()) - i128::from(party.fee)),
        Side::Sell => ("Sell", found.base.units().into()),
    };
    let paid_in = market.map(|market| market.receives(side));
    let decimals = |currency: Option<Currency>| {
        market.map_or(8, |market| {
            if currency == Some(market.base) { market.base_decimals } else { market.quote_decimals }
        })
    };
    let pair = market.map(|market| format!("{}_{}", market.base, market.quote)).unwrap_or_default();
    let attributes = object! {
        "timestamp": Json::Int(epoch(found.time)),
        "currencies_involved": Json::text(pair),
        "currency": code(market.map(|market| market.base)),
        "amount": Json::Amount(base),
        "fee": Json::Amount(party.fee.into()),
        "fee_decimals": Json::Int(decimals(paid_in).into()),
        "fee_currency": code(paid_in),
        "price": Json::Amount(found.price.units().into()),
        "price_decimals": Json::Int(decimals(market.map(|market| market.quote)).into()),
        "kind": Json::text(kind),
    };
    resource(format!("{}{kind}", found.id.0), "movements", attributes)
}

fn money_movement(id: u64, at: Timestamp, currency: Currency, units: i128, kind: &'static str) -> Json {
    let attributes = object! {
        "timestamp": Json::Int(epoch(at)),
        "currencies_involved": Json::text(currency.to_string()),
        "currency": Json::text(currency.to_string()),
        "amount": Json::Amount(units),
        "fee": Json::Amount(0),
        "fee_decimals": Json::Int(0),
        "fee_currency": Json::Null,
        "price": Json::Null,
        "price_decimals": Json::Null,
        "kind": Json::text(kind),
    };
    resource(format!("{id}{kind}"), "movements", attributes)
}
