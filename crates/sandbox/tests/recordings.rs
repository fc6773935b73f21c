//! The documents have the shape of those recorded of the real exchange: the same keys with values of the same kinds.
//! Skipped where the recordings are not at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use support::*;

/// Where a document differs from its recording on purpose: what older answers lack, and what only this account has.
const DRIFT: &[&str] = &["created_at", "timestamp", "datetime", "orderbook_code"];

/// Every path of a document with the kinds of values seen there. The currency of a balance and the fields that a
/// customer filled in are not part of the shape.
fn shape(value: &Value, path: &str, shape_of: &mut BTreeMap<String, Vec<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    let kinds = shape_of.entry(path.to_owned()).or_default();
    if !kinds.contains(&kind) {
        kinds.push(kind);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| shape(item, &format!("{path}[]"), shape_of)),
        Value::Object(pairs) if path.rsplit('.').next() != Some("body") => {
            for (key, value) in pairs.iter().filter(|(key, _)| !DRIFT.contains(&key.as_str())) {
                shape(value, &format!("{path}.{key}"), shape_of);
            }
        }
        _ => {}
    }
}

fn shape_of(value: &Value) -> BTreeMap<String, Vec<&'static str>> {
    let mut found = BTreeMap::new();
    shape(value, "", &mut found);
    found
}

/// The differences between an answer and a recording, if there are any.
fn differences(answer: &Value, recorded: &Value) -> Vec<String> {
    let (ours, theirs) = (shape_of(answer), shape_of(recorded));
    let mut found = Vec::new();
    for (path, kinds) in &theirs {
        match ours.get(path) {
            None => found.push(format!("{path} is missing")),
            Some(own)
                if !own.iter().any(|kind| kinds.contains(kind))
                    && !own.contains(&"null")
                    && !kinds.contains(&"null") =>
            {
                found.push(format!("{path} is {own:?}, recorded {kinds:?}"));
            }
            Some(_) => {}
        }
    }
    // What a recorded null stands for may have parts.
    let null_inside = |path: &str| {
        theirs.iter().any(|(other, kinds)| kinds.contains(&"null") && path.starts_with(other.as_str()))
    };
    found.extend(
        ours.keys()
            .filter(|path| !theirs.contains_key(*path) && !null_inside(path))
            .map(|path| format!("{path} is too much")),
    );
    found
}

fn prepared() -> Server {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.5", "4400");
    server.place("bids", "btc_usd", "11", "4400");
    server.place("bids", "btc_usd", "10", "4000");
    let with_password = |path: &str, body: &str| {
        let header = format!("One-Time-Password: {}\r\n", server.otp());
        assert_eq!(server.send_with("POST", path, &server.key("funds"), &header, body).status, 200, "{path}");
    };
    let post = |path: &str, body: &str| assert_eq!(server.post(path, "admin", body).status, 200, "{path}");
    post(
        "/api/cash_deposits",
        r#"{"data":{"attributes":{"requested_amount":5,"requested_currency":"ARS"}}}"#,
    );
    post(
        "/api/withdrawal_instructions",
        r#"{"data":{"attributes":{"label":"x","body":{"payment_method":"third_party"}}}}"#,
    );
    let id = server.get("/api/withdrawal_instructions", "admin").ids()[0].clone();
    with_password(
        "/api/cash_withdrawals",
        &format!(
            r#"{{"data":{{"attributes":{{"amount":1,"fiat_code":"usd"}},"relationships":{{"withdrawal_instruction":{{"data":{{"id":"{id}"}}}}}}}}}}"#
        ),
    );
    with_password(
        "/api/coin_withdrawals",
        r#"{"data":{"attributes":{"amount":0.1,"label":"x","to_addresses":"m1","coin_code":"btc"}}}"#,
    );
    post("/api/buying_bots", r#"{"data":{"attributes":{"amount":100,"orderbook_code":"btc_usd"}}}"#);
    post("/api/selling_bots", r#"{"data":{"attributes":{"amount":0.1,"orderbook_code":"btc_usd"}}}"#);
    post("/api/webhooks", r#"{"data":{"attributes":{"url":"http://127.0.0.1:9/"}}}"#);
    let payment = r#"{"data":{"attributes":{"amount":10,"currency_code":"usd","keep":10,"callback_url":"http://127.0.0.1:9/","customer_reference":"c","merchant_reference":"m"}}}"#;
    post("/api/merchants/payments", payment);
    let wallet = server.get("/api/coin_wallets/btc", "admin").attributes();
    let paid = server.get("/api/merchants/payments/1", "admin").json();
    for address in [&wallet["address"], &paid["included"][0]["attributes"]["public_address"]] {
        let body = format!(r#"{{"address":{address},"amount":"0.0001"}}"#);
        assert_eq!(server.admin("POST", "/coins", &body).status, 200);
    }
    server.advance_millis(3_000);
    server
}

#[test]
fn documents_have_the_recorded_shapes() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/bitex/recordings"));
    if !folder.exists() {
        eprintln!("skipped: no recordings at {}", folder.display());
        return;
    }
    let server = prepared();
    let mut wrong = Vec::new();
    for (recording, path) in [
        ("orderbooks/sdkruby__all", "/api/orderbooks"),
        ("tickers/sdkruby__all", "/api/tickers"),
        ("tickers/sdkruby__find", "/api/tickers/btc_usd"),
        ("markets/sdkruby__find", "/api/markets/btc_usd"),
        ("transactions/bot__bitex_transactions", "/api/transactions"),
        ("candles/sdkruby__all_without_filters", "/api/candles"),
        ("orders/bot__all", "/api/orders"),
        ("asks/sdkruby__find", "/api/asks/1"),
        ("bids/sdkruby__all_without_filters", "/api/bids"),
        ("trades/bot__user_transactions", "/api/trades"),
        ("buys/js__get_last_two_buys", "/api/buys"),
        ("sells/js__get_last_two_sells", "/api/sells"),
        ("buying_bots/js__get_buying_bots", "/api/buying_bots"),
        ("selling_bots/js__get_selling_bot", "/api/selling_bots/1"),
        ("accounts/ruby__all_authorized", "/api/accounts"),
        ("cash_wallets/js__get_cash_wallets", "/api/cash_wallets"),
        ("cash_wallets/js__get_cash_wallet_usd", "/api/cash_wallets/USD/"),
        ("coin_wallets/sdkruby__all", "/api/coin_wallets"),
        ("coin_wallets/sdkruby__find", "/api/coin_wallets/btc"),
        ("movements/js__get_movements", "/api/movements/"),
        ("cash_deposit_instructions/sdkruby__all", "/api/cash_deposit_instructions"),
        ("cash_deposits/js__get_cash_deposit", "/api/cash_deposits/1/"),
        ("cash_deposits/js__get_cash_deposits", "/api/cash_deposits/"),
        ("coin_deposits/js__get_coin_deposits", "/api/coin_deposits/"),
        ("coin_deposits/js__get_coin_deposit", "/api/coin_deposits/1/"),
        ("coin_withdrawals/sdkruby__all_without_filters", "/api/coin_withdrawals"),
        ("coin_withdrawals/sdkruby__find", "/api/coin_withdrawals/1"),
        ("cash_withdrawals/js__create_cash_withdrawal", "/api/cash_withdrawals/1/"),
        ("withdrawal_instructions/sdkruby__all", "/api/withdrawal_instructions"),
        ("payments/js__get_payment", "/api/merchants/payments/1/"),
        ("api_keys/sdkruby__find", "/api/api_keys/5"),
        ("users/sdkruby__find", "/api/users/me"),
        ("webhooks/sdkruby__find", "/api/webhooks"),
    ] {
        let file = folder.join(format!("{recording}.json"));
        let recorded: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let answer = server.get(path, "admin");
        assert_eq!(u64::from(answer.status), recorded["response"]["status"].as_u64().unwrap(), "{path}");
        let mut found = differences(&answer.json(), &recorded["response"]["body"]);
        // Users have said where their events go since 2020, after these were recorded.
        found.retain(|difference| !difference.ends_with(".attributes.webhook_url is too much"));
        wrong.extend(found.into_iter().map(|difference| format!("{recording}: {difference}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
