//! Balances, deposits, withdrawals, payments, webhooks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use support::*;

impl Server {
    fn with_password(&self, path: &str, body: &str) -> Answer {
        let header = format!("One-Time-Password: {}\r\n", self.otp());
        self.send_with("POST", path, &self.key("funds"), &header, body)
    }

    fn usd(&self) -> (Value, Value) {
        let wallet = self.get("/api/cash_wallets/usd", "funds").attributes();
        (wallet["balance"].clone(), wallet["available"].clone())
    }

    fn btc(&self) -> (Value, Value) {
        let wallet = self.get("/api/coin_wallets/btc", "funds").attributes();
        (wallet["balance"].clone(), wallet["available"].clone())
    }
}

#[test]
fn wallets_are_found_by_code_in_any_case_and_by_number() {
    let server = Server::quiet();
    let wallets = server.get("/api/coin_wallets", "trade").json();
    let btc = &wallets["data"][0];
    assert_eq!(
        (&btc["attributes"]["currency"], &wallets["data"][1]["attributes"]["currency"]),
        (&json!("btc"), &json!("bch"))
    );
    for id in ["btc", "BTC", btc["id"].as_str().unwrap()] {
        assert_eq!(server.get(&format!("/api/coin_wallets/{id}/"), "trade").json()["data"], *btc);
    }
    assert!(btc["attributes"]["address"].as_str().unwrap().starts_with('m'));
    assert!(wallets["data"][1]["attributes"]["address"].as_str().unwrap().starts_with("bchtest:q"));
    assert_eq!(server.get("/api/cash_wallets", "trade").ids(), ["usd", "ars", "uyu", "clp", "pyg"]);
    assert_eq!(
        server.get("/api/cash_wallets/USD/", "trade").body,
        r#"{"data":{"id":"usd","type":"cash_wallets","attributes":{"balance":10000.0,"available":10000.0,"currency":"usd"}}}"#
    );
    for path in ["/api/cash_wallets/eur", "/api/coin_wallets/usd", "/api/coin_wallets/1"] {
        assert_eq!(server.get(path, "trade").status, 404, "{path}");
    }
}

#[test]
fn between_users_nothing_is_transferred() {
    let server = Server::quiet();
    for path in ["/api/sent_transfers", "/api/received_transfers"] {
        let all = server.get(path, "admin");
        assert_eq!((all.status, all.body.as_str()), (200, r#"{"data":[]}"#), "{path}");
        assert_eq!(server.get(&format!("{path}/1"), "admin").status, 404, "{path}");
        assert_eq!(server.get(path, "").status, 401, "{path}");
    }
}

#[test]
fn cash_is_cut_to_two_decimals_in_wallets_and_whole_in_accounts() {
    let server = Server::quiet();
    server.place("bids", "btc_usd", "20.129", "100");
    let wallet = server.get("/api/cash_wallets/usd", "trade");
    assert!(wallet.body.contains(r#""balance":10000.0,"available":9979.87,"#), "{}", wallet.body);
    let account = server.get("/api/accounts/", "trade");
    assert!(
        account.body.contains(concat!(
            r#""attributes":{"balances":{"btc":{"total":1.0,"available":1.0},"usd":{"total":10000.0,"available":9979.871},"#,
            r#""ars":{"total":400000.0,"available":400000.0},"clp":{"total":7000000.0,"available":7000000.0},"#,
            r#""bch":{"total":80.0,"available":80.0},"pyg":{"total":62000000.0,"available":62000000.0},"#,
            r#""uyu":{"total":330000.0,"available":330000.0}},"country":"AR"},"relationships":{"movements":{"data":[]},"pending_movements":{"data":[]},"#,
        )),
        "{}",
        account.body
    );
    let json = account.json();
    assert_eq!(json["data"].as_array().unwrap().len(), 1);
    assert_eq!(json["included"][0]["id"], json["data"][0]["relationships"]["user"]["data"]["id"]);
    assert_eq!(json["included"][0]["attributes"]["otp_enabled"], json!(true));
}

#[test]
fn deposits_arrive_and_move_balances() {
    let server = Server::quiet();
    let announced = server.post(
        "/api/cash_deposits",
        "funds",
        r#"{"data":{"type":"cash_deposits","attributes":{"requested_amount":"100.5","requested_currency":"usd","deposit_method":"bank"}}}"#,
    );
    assert_eq!((announced.status, announced.attributes()["status"].clone()), (200, json!("pending")));
    assert_eq!(server.usd(), (json!(10_000.0), json!(10_000.0)));
    server.advance_millis(2_000);
    let deposit = server.get("/api/cash_deposits/1", "funds");
    assert_eq!(
        (&deposit.attributes()["status"], &deposit.attributes()["net_amount"]),
        (&json!("done"), &json!(100.5))
    );
    assert_eq!(deposit.json()["data"]["relationships"]["funding_receipt"]["data"], Value::Null);
    assert_eq!(server.usd(), (json!(10_100.5), json!(10_100.5)));

    let address =
        server.get("/api/coin_wallets/btc", "funds").attributes()["address"].as_str().unwrap().to_owned();
    let sent = format!(r#"{{"address":"{address}","amount":"0.25"}}"#);
    assert_eq!(server.admin("POST", "/coins", &sent).status, 200);
    assert_eq!(server.btc(), (json!(1.25), json!(1.25)));
    let deposits = server.get("/api/coin_deposits?filter[from]=2019-01-01", "funds");
    assert_eq!(deposits.json()["data"][0]["attributes"]["amount"], json!(0.25));
    let pointer = &deposits.json()["data"][0]["relationships"]["address"]["data"];
    assert_eq!(pointer["type"], json!("bitcoin_addresses"));
    let found = server.get(&format!("/api/bitcoin_addresses/{}", pointer["id"].as_str().unwrap()), "funds");
    assert_eq!(found.attributes(), json!({"auto_sell": false, "public_address": address}));
    assert!(server.get("/api/coin_deposits?filter[from]=2020-01-01", "funds").ids().is_empty());
    assert_eq!(
        server.get("/api/cash_deposit_instructions", "funds").ids(),
        ["usd", "ars", "uyu", "clp", "pyg"]
    );
    assert_eq!(server.admin("POST", "/coins", r#"{"address":"nobody","amount":"1"}"#).status, 422);
}

#[test]
fn coins_sent_to_the_selling_address_are_sold_at_once() {
    let server = Server::quiet();
    server.place("bids", "btc_usd", "1000", "4000");
    let wallet = server.get("/api/coin_wallets/btc", "funds").attributes();
    let address = wallet["auto_sell_address"].as_str().unwrap();
    server.admin("POST", "/coins", &format!(r#"{{"address":"{address}","amount":"0.1"}}"#));
    server.advance_millis(1_000);
    let sold = server.get("/api/sells/1", "trade").attributes();
    assert_eq!((&sold["coin_amount"], &sold["price"]), (&json!(0.1), &json!(4_000.0)));
}

#[test]
fn withdrawals_need_a_password_and_pass_from_received_to_done() {
    let server = Server::quiet();
    let body = r#"{"data":{"type":"coin_withdrawals","attributes":{"currency":null,"amount":0.4,"label":"Trezor","to_addresses":"mszEUK9E6E7n4SNcrjYH8Fr7ZTGP9n3dRb","coin_code":"btc"}}}"#;
    assert_eq!(server.post("/api/coin_withdrawals/", "funds", body).status, 401);
    let made = server.with_password("/api/coin_withdrawals/", body);
    assert_eq!(made.status, 200);
    assert!(made.body.starts_with(
        r#"{"data":{"id":"1","type":"coin_withdrawals","attributes":{"amount":0.4,"status":"received","label":"Trezor","to_addresses":"mszEUK9E6E7n4SNcrjYH8Fr7ZTGP9n3dRb","coin_code":"btc","created_at":"2019-04-15T16:13:40.434Z"},"relationships":{"user":{"data":{"id":""#
    ), "{}", made.body);
    let status = || server.get("/api/coin_withdrawals/1", "funds").attributes()["status"].clone();
    server.advance_millis(100);
    assert_eq!(status(), json!("pending"));
    assert_eq!(server.btc(), (json!(1.0), json!(0.6)), "still there, no longer available");
    server.advance_millis(2_000);
    assert_eq!(status(), json!("done"));
    assert_eq!(server.btc(), (json!(0.6), json!(0.6)));
    // More than there is: accepted, then cancelled.
    let made = server.with_password("/api/coin_withdrawals", &body.replace("0.4", "7"));
    assert_eq!(made.attributes()["status"], json!("received"));
    server.advance_millis(100);
    assert_eq!(server.get("/api/coin_withdrawals/2/", "funds").attributes()["status"], json!("cancelled"));
    assert_eq!(server.get("/api/coin_withdrawals?filter[from]=2019-04-15", "funds").ids(), ["1", "2"]);
    assert!(server.get("/api/coin_withdrawals?filter[from]=2019-04-16", "funds").ids().is_empty());
    assert_eq!(
        server.with_password("/api/coin_withdrawals", &body.replace("\"btc\"", "\"doge\"")).status,
        422
    );
}

#[test]
fn cash_leaves_by_an_instruction() {
    let server = Server::quiet();
    let instruction = r#"{"data":{"type":"withdrawal_instructions","attributes":{"label":"thirdparty","body":{"name":"nico","city":"caba","phone":"12341234","payment_method":"third_party","country":"AR","currency":"ARS"}}}}"#;
    let made = server.post("/api/withdrawal_instructions/", "funds", instruction);
    assert_eq!(made.status, 200);
    let id = made.id();
    assert_eq!(
        made.body,
        format!(
            r#"{{"data":{{"id":"{id}","type":"withdrawal_instructions","attributes":{{"label":"thirdparty","schema":"bitex","body":{{"name":"nico","city":"caba","phone":"12341234","payment_method":"third_party","country":"AR","currency":"ARS"}}}}}}}}"#
        )
    );
    // The JavaScript client nests attributes inside the relationship; older ones say `fiat`.
    let body = format!(
        r#"{{"data":{{"type":"cash_withdrawals","attributes":{{"amount":"100","fiat":null,"label":null,"status":null,"fiat_code":"ars"}},"relationships":{{"withdrawal_instruction":{{"data":{{"type":"withdrawal_instructions","id":{id},"attributes":{{"label":null,"body":null}}}}}}}}}}}}"#
    );
    let withdrawn = server.with_password("/api/cash_withdrawals/", &body);
    assert_eq!(withdrawn.status, 200);
    let attributes = withdrawn.attributes();
    assert_eq!(
        attributes,
        json!({"status": "received", "amount": 100.0, "gross_amount": 100.0, "cost": 0.0, "fee": 0.0, "net_amount": 100.0, "country": "AR",
               "payment_method": "third_party", "fiat_code": "ars", "label": "thirdparty", "created_at": "2019-04-15T16:13:40.434Z"})
    );
    assert_eq!(withdrawn.json()["included"][0]["id"], json!(id));
    server.advance_millis(2_100);
    assert_eq!(server.get("/api/cash_withdrawals/1", "funds").attributes()["status"], json!("settled"));
    assert_eq!(server.get("/api/cash_wallets/ars", "funds").attributes()["balance"], json!(399_900.0));
    assert_eq!(server.get("/api/cash_withdrawals", "funds").json()["included"].as_array().unwrap().len(), 1);
    let unknown = body.replace(&format!("\"id\":{id}"), "\"id\":777");
    assert_eq!(server.with_password("/api/cash_withdrawals", &unknown).status, 404);
    let path = format!("/api/withdrawal_instructions/{id}/");
    assert_eq!(
        server.send("DELETE", &path, "funds", r#"{"data":{"attributes":{"label":null}}}"#).status,
        204
    );
    assert_eq!(server.get(&path, "funds").status, 404);
    assert!(server.get("/api/withdrawal_instructions", "funds").ids().is_empty());
}

#[test]
fn movements_tell_of_everything_newest_first() {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.5", "4400");
    server.place("bids", "btc_usd", "1", "4400");
    server.post(
        "/api/cash_deposits",
        "funds",
        r#"{"data":{"attributes":{"requested_amount":5,"requested_currency":"ARS"}}}"#,
    );
    server.advance_millis(3_000);
    let body = r#"{"data":{"attributes":{"amount":0.1,"to_addresses":"m1","coin_code":"btc"}}}"#;
    server.with_password("/api/coin_withdrawals", body);
    server.advance_millis(3_000);
    let movements = server.get("/api/movements/", "trade");
    let kinds: Vec<Value> = movements.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["attributes"]["kind"].clone())
        .collect();
    assert_eq!(kinds[..2], [json!("CoinWithdrawal"), json!("CashDeposit")]);
    assert!(kinds[2..].contains(&json!("Buy")) && kinds[2..].contains(&json!("Sell")));
    assert!(movements.body.contains(
        r#"{"id":"1Sell","type":"movements","attributes":{"timestamp":1555344820,"currencies_involved":"BTC_USD","currency":"BTC","amount":0.00022727,"fee":0.0025,"fee_decimals":2,"fee_currency":"USD","price":4400.0,"price_decimals":2,"kind":"Sell"}}"#
    ), "{}", movements.body);
    assert!(movements.body.contains(
        r#""currencies_involved":"ARS","currency":"ARS","amount":5.0,"fee":0.0,"fee_decimals":0,"fee_currency":null,"price":null,"price_decimals":null,"kind":"CashDeposit"}}"#
    ), "{}", movements.body);
    server.advance_millis(4 * 86_400_000);
    assert!(server.get("/api/movements", "trade").ids().is_empty(), "of the last three days");
}

#[test]
fn payments_are_quoted_paid_and_settled() {
    let server = Server::quiet();
    server.place("bids", "btc_usd", "3000", "4000");
    let (url, received) = receiver(vec![200]);
    let body = format!(
        r#"{{"data":{{"type":"payments","attributes":{{"amount":200,"confirmed_quantity":null,"currency_code":"usd","customer_reference":"Purchase","keep":10,"merchant_reference":"Sale 1","coin_deposits":[],"callback_url":"{url}"}}}}}}"#
    );
    let made = server.post("/api/merchants/payments/", "funds", &body);
    assert_eq!(made.status, 200);
    let attributes = made.attributes();
    assert_eq!(
        (
            &attributes["status"],
            &attributes["expected_quantity"],
            &attributes["kept"],
            &attributes["overpaid"]
        ),
        (&json!("pending"), &json!(0.05), &Value::Null, &Value::Null)
    );
    assert_eq!(attributes["quote_valid_until"], json!("2019-04-15T16:14:40.534Z"));
    assert_eq!(attributes["valid_until"], json!("2019-04-15T17:13:40.534Z"));
    let address = made.json()["included"][0]["attributes"]["public_address"].as_str().unwrap().to_owned();
    let read = || server.get("/api/merchants/payments/1", "funds");
    // A minute later it is quoted anew.
    server.advance_millis(61_000);
    assert_eq!(read().attributes()["last_quoted_on"], json!("2019-04-15T16:14:40.534Z"));
    server.admin("POST", "/coins", &format!(r#"{{"address":"{address}","amount":"0.05"}}"#));
    assert_eq!(read().attributes()["unconfirmed_quantity"], json!(0.05));
    server.advance_millis(5_000);
    let settled = read();
    let attributes = settled.attributes();
    assert_eq!(
        (
            &attributes["status"],
            &attributes["confirmed_quantity"],
            &attributes["kept"],
            &attributes["overpaid"]
        ),
        (&json!("settled"), &json!(0.05), &json!(0.005), &json!(false))
    );
    // 0.045 BTC at 4000, less 0.25 %.
    assert_eq!(
        (&attributes["settlement_amount"], &attributes["settlement_currency"]),
        (&json!(179.55), &json!("usd"))
    );
    assert_eq!(settled.json()["included"][1]["type"], json!("coin_deposits"));
    let callback = received.recv_timeout(Duration::from_secs(10)).unwrap();
    let body: Value = serde_json::from_str(callback.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["api_key"], json!(server.key("read")), "the first active key");
    assert_eq!(body["payment"], settled.json());

    // One that nobody pays expires after an hour.
    server.post(
        "/api/merchants/payments",
        "funds",
        r#"{"data":{"attributes":{"amount":"1","currency_code":"btc"}}}"#,
    );
    server.advance_millis(3_600_000);
    assert_eq!(server.get("/api/merchants/payments/2", "funds").attributes()["status"], json!("expired"));
    assert_eq!(server.get("/api/merchants/payments", "funds").ids(), ["1", "2"]);
    let none = r#"{"data":{"attributes":{"amount":1,"currency_code":"eur"}}}"#;
    assert_eq!(server.post("/api/merchants/payments", "funds", none).status, 422);
}

#[test]
fn a_point_of_sale_is_numbered_like_its_user() {
    let server = Server::quiet();
    let body = r#"{"data":{"type":"pos","attributes":{"merchant_keep":10,"merchant_logo":"https://mystore.com/logo.png","merchant_name":"My Store","merchant_site":"https://mystore.com","merchant_slug":"my-store"}}}"#;
    let made = server.post("/api/merchants/pos/", "funds", body);
    assert_eq!((made.status, made.id()), (200, server.get("/api/users/me", "funds").id()));
    assert_eq!(
        made.attributes(),
        json!({"merchant_slug": "my-store", "merchant_keep": 10.0, "merchant_name": "My Store", "merchant_logo": "https://mystore.com/logo.png", "merchant_site": "https://mystore.com"})
    );
}

/// Listens on a free port and answers each request with the next status; what came is sent on.
fn receiver(statuses: Vec<u16>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/webhook", listener.local_addr().unwrap());
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            loop {
                let count = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let length = text
                    .to_ascii_lowercase()
                    .split("content-length: ")
                    .nth(1)
                    .map(|rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
                if count == 0 || (length.is_some() && body == length) {
                    break;
                }
            }
            stream.write_all(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").as_bytes()).unwrap();
            let _ = sender.send(String::from_utf8_lossy(&request).into_owned());
        }
    });
    (url, received)
}

#[test]
fn events_are_delivered_until_they_are_taken() {
    let server = Server::quiet();
    assert_eq!(server.get("/api/webhooks", "funds").body, r#"{"data":null}"#);
    let (url, received) = receiver(vec![500, 301, 200]);
    let set = format!(r#"{{"data":{{"type":"webhooks","attributes":{{"url":"{url}"}}}}}}"#);
    let made = server.post("/api/webhooks", "funds", &set);
    let expected =
        format!(r#"{{"data":{{"id":"1555344820","type":"webhooks","attributes":{{"url":"{url}"}}}}}}"#);
    assert_eq!((made.status, made.body.as_str()), (200, expected.as_str()));
    assert_eq!(server.get("/api/webhooks", "funds").body, expected, "an object, not a list");
    let instruction = r#"{"data":{"attributes":{"label":"x","body":{"payment_method":"third_party"}}}}"#;
    let id = server.post("/api/withdrawal_instructions", "funds", instruction).id();

    let take = || received.recv_timeout(Duration::from_secs(10)).unwrap();
    let first = take();
    let body: Value = serde_json::from_str(first.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["data"]["type"], json!("events"));
    assert_eq!(body["data"]["attributes"]["event_type"], json!("withdrawal_instruction_created"));
    assert_eq!(
        body["data"]["relationships"]["resource"]["data"],
        json!({"id": id, "type": "withdrawal_instructions"})
    );
    assert_eq!(body["included"][0]["attributes"]["label"], json!("x"));
    // The SHA-256 of the account's first key, as the header's documentation says.
    let auth = first
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("webhook-auth: ").map(str::to_owned));
    assert_eq!(auth.unwrap().trim(), server_auth(&server));
    let second = retry(&server, &received, 2_000);
    let third = retry(&server, &received, 4_000);
    for again in [second, third] {
        let again: Value = serde_json::from_str(again.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(again["data"]["id"], body["data"]["id"], "the same event");
    }
    let update = format!(r#"{{"data":{{"attributes":{{"webhook_url":"{url}2"}}}}}}"#);
    assert_eq!(server.send("PATCH", "/api/users/me", "funds", &update).status, 200);
    assert!(server.get("/api/webhooks", "funds").body.contains(&format!("{url}2")));
}

/// The same over TLS, with a certificate of its own; one that does not trust it is of no use to the receiver.
#[test]
fn receivers_over_https_have_to_be_of_the_configured_roots() {
    use std::sync::Arc;
    use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring};

    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, certificate.pem()).unwrap();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/webhook", listener.local_addr().unwrap());
    let (sender, received) = channel();
    std::thread::spawn(move || {
        loop {
            let (stream, _) = listener.accept().unwrap();
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let mut buffer = [0; 4096];
            let said = match stream.read(&mut buffer) {
                Ok(count) => String::from_utf8_lossy(&buffer[..count]).into_owned(),
                Err(error) => error.to_string(),
            };
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            sender.send(said).unwrap();
        }
    });
    let deliver = |roots: Option<std::path::PathBuf>| {
        let mut config = quiet();
        config.webhooks.roots = roots;
        let server = Server::start(config);
        let set = format!(r#"{{"data":{{"type":"webhooks","attributes":{{"url":"{url}"}}}}}}"#);
        assert_eq!(server.post("/api/webhooks", "funds", &set).status, 200);
        let instruction = r#"{"data":{"attributes":{"label":"x","body":{"payment_method":"third_party"}}}}"#;
        assert_eq!(server.post("/api/withdrawal_instructions", "funds", instruction).status, 200);
        server
    };
    let trusting = deliver(Some(roots));
    let request = received.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(request.starts_with("POST /webhook HTTP/1.1") && request.contains("webhook-auth"), "{request}");
    drop(trusting);

    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap().cert.pem();
    let others = folder.path().join("others.pem");
    std::fs::write(&others, other).unwrap();
    let wary = deliver(Some(others));
    let said = received.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(!said.contains("POST"), "{said}");
    drop(wary);

    std::fs::write(folder.path().join("empty.pem"), "nothing").unwrap();
    for (file, problem) in [("empty.pem", "no certificate"), ("missing.pem", "missing.pem")] {
        let mut config = quiet();
        config.webhooks.roots = Some(folder.path().join(file));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let started = runtime.block_on(pampero_sandbox::Sandbox::start(config));
        let error = started.err().unwrap().to_string();
        assert!(error.starts_with("webhooks.roots: ") && error.contains(problem), "{error}");
    }
}

/// Waits until the last attempt is noted, then lets the wait pass.
fn retry(server: &Server, received: &Receiver<String>, millis: i64) -> String {
    for _ in 0..20_000 {
        let outbox = server.admin("GET", "/deliveries", "").json();
        let noted = outbox[0]["next"].as_str().is_some_and(|next| next > server.now().to_string().as_str());
        if noted {
            server.advance_millis(millis);
            return received.recv_timeout(Duration::from_secs(10)).unwrap();
        }
        std::thread::yield_now();
    }
    panic!("the attempt was never noted")
}

fn server_auth(server: &Server) -> String {
    let digest = <sha2::Sha256 as sha2::Digest>::digest(server.key("read"));
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}
