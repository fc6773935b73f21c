//! Orders: their documents, their life, their money.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use serde_json::json;
use support::*;

#[test]
fn an_order_is_pending_at_first_and_executing_within_a_quarter_of_a_second() {
    let server = Server::quiet();
    let placed = server.post("/api/asks", "trade", &order("asks", "bch_usd", "3", "150"));
    let user = placed.json()["data"]["relationships"]["user"]["data"]["id"].as_str().unwrap().to_owned();
    let expected = |status| {
        format!(
            r#"{{"data":{{"id":"1","type":"asks","attributes":{{"amount":3.0,"remaining_amount":3.0,"price":150.0,"status":"{status}","orderbook_code":"bch_usd","created_at":"2019-04-15T16:13:40.434Z"}},"relationships":{{"user":{{"data":{{"id":"{user}","type":"users"}}}}}}}}}}"#
        )
    };
    assert_eq!((placed.status, placed.body.as_str()), (200, expected("pending").as_str()));
    assert_eq!(placed.header("content-type"), Some("application/vnd.api+json; charset=utf-8"));
    assert_eq!(server.get("/api/asks/1", "trade").body, expected("pending"));
    assert!(server.get("/api/orders", "trade").ids().is_empty(), "lists show executing orders only");
    server.advance_millis(249);
    assert_eq!(server.get("/api/asks/1", "trade").body, expected("executing"));
    assert_eq!(server.get("/api/asks", "trade").ids(), ["1"]);
}

#[test]
fn pending_may_be_made_to_last() {
    let server = Server::quiet();
    assert_eq!(server.admin("POST", "/settings", r#"{"engine_delay_ms":60000}"#).status, 200);
    server.post("/api/asks", "trade", &order("asks", "btc_usd", "0.1", "4400"));
    let status = || server.get("/api/asks/1", "trade").attributes()["status"].clone();
    server.advance_millis(59_999);
    assert_eq!(status(), json!("pending"));
    server.advance_millis(1);
    assert_eq!(status(), json!("executing"));
}

#[test]
fn without_funds_an_order_is_accepted_and_later_cancelled() {
    let server = Server::quiet();
    let placed = server.post("/api/asks", "trade", &order("asks", "btc_usd", "12000000", "50.2"));
    assert_eq!((placed.status, placed.attributes()["status"].clone()), (200, json!("pending")));
    server.advance_millis(100);
    let order = server.get("/api/asks/1", "trade").attributes();
    assert_eq!((&order["status"], &order["remaining_amount"]), (&json!("cancelled"), &json!(12_000_000.0)));
}

#[test]
fn amounts_come_as_numbers_exponents_and_strings_and_are_cut_at_eight_decimals() {
    let server = Server::quiet();
    for (amount, price, shown) in [
        (
            "\"30.0\"",
            "\"4059.15336658354114713216957604\"",
            "\"amount\":30.0,\"remaining_amount\":30.0,\"price\":4059.15336658,",
        ),
        ("3.0e1", "4e3", "\"amount\":30.0,\"remaining_amount\":30.0,\"price\":4000.0,"),
        ("10.123456789", "1", "\"amount\":10.12345678,\"remaining_amount\":10.12345678,\"price\":1.0,"),
    ] {
        let placed = server.place("bids", "btc_usd", amount, price);
        assert!(placed.body.contains(shown), "{}", placed.body);
    }
    let small = server.place("asks", "btc_usd", "1.0e-08", "50.2");
    assert_eq!(small.status, 422);
    assert_eq!(
        small.body,
        r#"{"errors":[{"status":422,"title":"La orden es muy pequeña","detail":"La orden es muy pequeña","code":"la_orden_es_muy_pequena","meta":{"type":"asks"},"source":{"pointer":"/data/attributes/base"}}]}"#
    );
}

#[test]
fn null_and_unknown_attributes_are_ignored_and_missing_ones_refused() {
    let server = Server::quiet();
    let body = r#"{"data":{"type":"asks","attributes":{"type":"asks","amount":0.2,"remaining_amount":null,"price":150,"orderbook_code":"btc_usd","user":null,"colour":{"deep":[1]}}}}"#;
    assert_eq!(server.post("/api/asks/", "trade", body).status, 200);
    for (body, pointer) in [
        (r#"{"data":{"attributes":{"orderbook_code":"btc_usd","price":1}}}"#, "/data/attributes/amount"),
        (
            r#"{"data":{"attributes":{"orderbook_code":"btc_usd","amount":1,"price":null}}}"#,
            "/data/attributes/price",
        ),
        (
            r#"{"data":{"attributes":{"orderbook_code":"btc_usd","amount":-1,"price":2}}}"#,
            "/data/attributes/amount",
        ),
        (r#"{"data":{"attributes":{"amount":1,"price":2}}}"#, "/data/attributes/orderbook_code"),
        (
            r#"{"data":{"attributes":{"orderbook_code":"btc_usd","amount":1e40,"price":2}}}"#,
            "/data/attributes/amount",
        ),
        ("{}", "/data/attributes/orderbook_code"),
    ] {
        let refused = server.post("/api/bids", "trade", body);
        assert_eq!(refused.status, 422, "{body}");
        assert_eq!(refused.json()["errors"][0]["source"]["pointer"], json!(pointer), "{body}");
    }
    let unknown = server.post("/api/bids", "trade", &order("bids", "eth_ars", "10", "10"));
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.body,
        r#"{"errors":[{"code":"not_found","detail":"Orderbook with code ETHARS not found"}]}"#
    );
    assert_eq!(server.post("/api/bids", "trade", "{not json").status, 400);
    assert_eq!(server.sandbox().accepted_orders().len(), 1);
}

#[test]
fn asks_and_bids_are_numbered_apart_and_matches_are_shared() {
    let server = Server::quiet();
    assert_eq!(server.place("asks", "btc_usd", "0.5", "4400").id(), "1");
    assert_eq!(server.place("bids", "btc_usd", "1", "4500").id(), "1");
    assert_eq!(server.place("bids", "btc_usd", "12", "4000").id(), "2");

    // The arithmetic of the exchange: what is received is net of 0.25 %, everything is cut at eight decimals.
    let buys = server.get("/api/buys", "trade");
    assert_eq!(
        buys.body,
        r#"{"data":[{"id":"1","type":"buys","attributes":{"created_at":"2019-04-15T16:13:40.584Z","coin_amount":0.00022671,"cash_amount":1.0,"fee":0.00000056,"price":4400.0,"fee_currency":"BTC","fee_decimals":8,"orderbook_code":"btc_usd"},"relationships":{"order":{"data":{"id":"1","type":"bids"}}}}]}"#
    );
    let sell = server.get("/api/sells/1/", "trade");
    assert_eq!(
        sell.attributes(),
        json!({"created_at": "2019-04-15T16:13:40.584Z", "coin_amount": 0.000_227_27, "cash_amount": 0.9975, "fee": 0.0025,
               "price": 4400.0, "fee_currency": "USD", "fee_decimals": 2, "orderbook_code": "btc_usd"})
    );
    assert_eq!(sell.json()["data"]["relationships"]["order"]["data"], json!({"id": "1", "type": "asks"}));
    assert_eq!(server.get("/api/trades", "trade").ids(), ["1", "1"]);
    assert_eq!(server.get("/api/transactions/1", "").attributes()["amount"], json!(0.000_227_27));

    let bid = server.get("/api/bids/1", "trade").attributes();
    assert_eq!((&bid["status"], &bid["remaining_amount"]), (&json!("completed"), &json!(0.0)));
    assert_eq!(server.get("/api/orders", "trade").ids(), ["2", "1"], "bids, then asks");
    assert_eq!(server.get("/api/trades/1", "trade").status, 404);
    assert_eq!(server.get("/api/buys/9", "trade").status, 404);
}

#[test]
fn fills_are_filtered_by_book_days_and_limit() {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.5", "100");
    server.place("asks", "bch_usd", "5", "10");
    for book in ["btc_usd", "bch_usd", "btc_usd"] {
        server.place("bids", book, "5", "100");
        server.advance_millis(24 * 3_600_000);
    }
    let ids = |path: &str| server.get(path, "trade").ids();
    assert_eq!(ids("/api/buys/"), ["3", "2", "1"]);
    assert_eq!(ids("/api/buys?filter[orderbook_code]=btc_usd"), ["3", "1"]);
    assert_eq!(ids("/api/trades?filter%5Bdays%5D=3"), ["3", "3", "2", "2"]);
    assert_eq!(ids("/api/trades/?limit=2"), ["3", "3"]);
    assert_eq!(ids("/api/sells?limit=1&unknown=x"), ["3"]);
    server.advance_millis(30 * 24 * 3_600_000);
    assert!(ids("/api/trades").is_empty());
    assert_eq!(ids("/api/trades?filter[days]=60").len(), 6);
    assert_eq!(server.get("/api/trades?filter[orderbook_code]=none", "trade").status, 404);
}

#[test]
fn a_cancellation_is_an_intention() {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.5", "4400");
    let body = r#"{"data":{"type":"asks","id":1,"attributes":{"amount":null,"remaining_amount":null,"price":null,"orderbook_code":null,"user":null}}}"#;
    let cancelled = server.post("/api/asks/1/cancel/", "trade", body);
    assert_eq!(
        (cancelled.status, cancelled.body.as_str(), cancelled.header("content-type")),
        (204, "", None)
    );
    assert_eq!(server.get("/api/asks/1", "trade").attributes()["status"], json!("to_cancel"));
    assert!(server.get("/api/asks", "trade").ids().is_empty());
    server.advance_millis(50);
    assert_eq!(server.get("/api/asks/1", "trade").attributes()["status"], json!("cancelled"));
    // Again, of what is final already; and of what is another's or nobody's.
    assert_eq!(server.post("/api/asks/1/cancel", "trade", "{}").status, 204);
    assert_eq!(server.post("/api/asks/1/cancel", "trade", "").status, 204);
    assert_eq!(server.post("/api/asks/77/cancel", "trade", "{}").status, 404);
}

#[test]
fn a_cancellation_may_lose_to_a_match() {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.01", "4400");
    // The bid reaches the engine first.
    server.post("/api/bids", "trade", &order("bids", "btc_usd", "100", "4400"));
    assert_eq!(server.post("/api/asks/1/cancel", "trade", "{}").status, 204);
    server.advance_millis(100);
    let ask = server.get("/api/asks/1", "trade").attributes();
    assert_eq!((&ask["status"], &ask["remaining_amount"]), (&json!("completed"), &json!(0.0)));
}

#[test]
fn all_orders_are_cancelled_or_those_of_a_book() {
    let server = Server::quiet();
    let place_three = || {
        server.place("asks", "btc_usd", "0.01", "4400");
        server.place("bids", "btc_usd", "10", "100");
        server.place("bids", "bch_usd", "10", "10");
    };
    place_three();
    let cancel = |path: &str, body: &str| {
        assert_eq!(server.post(path, "trade", body).status, 204);
        server.advance_millis(100);
        server.get("/api/orders", "trade").ids()
    };
    assert_eq!(cancel("/api/orders/cancel?filter[orderbook_code]=btc_usd", r#"{"data":{"type":""}}"#), ["2"]);
    assert!(cancel("/api/orders/cancel/", r#"{"data":{"type":""}}"#).is_empty());
    place_three();
    assert_eq!(cancel("/api/orders/cancel", r#"{"filter":{"orderbook_code":"btc_usd"}}"#), ["4"]);
    // What is pending is cancelled too.
    server.post("/api/bids", "trade", &order("bids", "btc_usd", "10", "100"));
    assert!(cancel("/api/orders/cancel", "").is_empty());
    assert_eq!(server.get("/api/bids/5", "trade").attributes()["status"], json!("cancelled"));
}

#[test]
fn orders_of_others_do_not_exist() {
    let mut config = quiet();
    let mut other = config.accounts[0].clone();
    other.name = "other".to_owned();
    other.keys[1].token = Some("0".repeat(80));
    config.accounts.push(other);
    let server = Server::start(config);
    server.place("asks", "btc_usd", "0.01", "4400");
    let token = "0".repeat(80);
    assert_eq!(server.send_with("GET", "/api/asks/1", &token, "", "").status, 404);
    assert_eq!(server.send_with("POST", "/api/asks/1/cancel", &token, "", "{}").status, 404);
    assert!(server.send_with("GET", "/api/orders", &token, "", "").ids().is_empty());
    server.send_with("POST", "/api/bids", &token, "", &order("bids", "btc_usd", "1", "4400"));
    server.advance_millis(100);
    assert_eq!(server.get("/api/trades", "trade").ids(), ["1"], "only the own side of a match");
    assert_eq!(server.get("/api/buys/1", "trade").status, 404);
}

#[test]
fn native_bots_trade_in_chunks_and_can_be_stopped() {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.9", "4010");
    server.place("bids", "btc_usd", "100", "4000");
    let body = r#"{"data":{"type":"buying_bots","attributes":{"amount":100,"remaining_amount":null,"eta":null,"orderbook_code":"btc_usd"}}}"#;
    let made = server.post("/api/buying_bots/", "trade", body);
    assert_eq!(made.status, 200);
    let bot = made.attributes();
    assert_eq!(
        (&bot["amount"], &bot["remaining_amount"], &bot["chunk_size"], &bot["executing"], &bot["to_cancel"]),
        (&json!(100.0), &json!(100.0), &json!(5.0), &json!(true), &json!(false))
    );
    assert!(bot["eta"].as_str().unwrap().starts_with("2019-04-15T16:43:40"), "half an hour: {bot}");
    server.advance_millis(1_000);
    assert_eq!(server.get("/api/buying_bots/1", "trade").attributes()["remaining_amount"], json!(95.0));
    assert_eq!(server.get("/api/buys", "trade").json()["data"].as_array().unwrap().len(), 1);
    server.advance_millis(1_900_000);
    let bot = server.get("/api/buying_bots/1", "trade").attributes();
    assert_eq!((&bot["remaining_amount"], &bot["executing"]), (&json!(0.0), &json!(false)));
    assert_eq!(server.get("/api/buys", "trade").json()["data"].as_array().unwrap().len(), 20);

    let sell = |amount: &str| {
        format!(r#"{{"data":{{"attributes":{{"amount":{amount},"orderbook_code":"btc_usd"}}}}}}"#)
    };
    server.post("/api/selling_bots", "trade", &sell("0.01"));
    server.advance_millis(100_000);
    assert_eq!(server.post("/api/selling_bots/1/cancel/", "trade", "{}").status, 204);
    assert_eq!(server.get("/api/selling_bots/1", "trade").attributes()["to_cancel"], json!(true));
    server.advance_millis(200_000);
    let bot = server.get("/api/selling_bots/1", "trade").attributes();
    assert_eq!((&bot["executing"], &bot["remaining_amount"]), (&json!(false), &json!(0.009)));
    assert_eq!(server.get("/api/selling_bots", "trade").ids(), ["1"], "finished bots stay in the list");

    // Without funds it ends early; without a market it waits.
    server.post("/api/selling_bots", "trade", &sell("2000"));
    server.advance_millis(300_000);
    let bot = server.get("/api/selling_bots/2", "trade").attributes();
    assert_eq!((&bot["executing"], &bot["remaining_amount"]), (&json!(false), &json!(2000.0)));
    let thin = r#"{"data":{"attributes":{"amount":10,"orderbook_code":"bch_usd"}}}"#;
    server.post("/api/buying_bots", "trade", thin);
    server.advance_millis(300_000);
    assert_eq!(server.get("/api/buying_bots/2", "trade").attributes()["remaining_amount"], json!(10.0));
    assert_eq!(server.post("/api/buying_bots", "trade", &sell("1").replace("btc_usd", "none")).status, 404);
    assert_eq!(server.post("/api/buying_bots/9/cancel", "trade", "").status, 404);
}
