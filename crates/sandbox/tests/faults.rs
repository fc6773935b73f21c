//! Every fault on demand, and the truth behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use pampero_sandbox::{FAULTS, FaultRule};
use serde_json::json;
use support::*;

impl Server {
    /// Puts one rule in force, for the first request to an endpoint.
    fn fault(&self, code: &str, mode: &str, endpoint: &str, more: &str) {
        let rule = format!("fault = '{code}'\nmode = '{mode}'\nendpoint = '{endpoint}'\non = [1]\n{more}");
        let rule: FaultRule = toml::from_str(&rule).unwrap();
        self.sandbox().set_faults(vec![rule]).unwrap();
    }

    fn bid(&self) -> std::io::Result<String> {
        let body = order("bids", "btc_usd", "10", "100");
        self.raw(&request("POST", "/api/bids", &self.key("trade"), "", &body))
    }

    /// How many orders there really are, once the engine has worked.
    fn accepted(&self) -> usize {
        self.advance_millis(100);
        self.sandbox().accepted_orders().len()
    }

    /// Whether a request stays without an answer for a fifth of a second.
    fn stays_silent(&self, request: &str) -> bool {
        let mut stream = TcpStream::connect(self.sandbox().url().strip_prefix("http://").unwrap()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let error = stream.read(&mut [0; 1]).err();
        error.is_some_and(|error| {
            matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        })
    }

    fn place_bid_request(&self) -> String {
        request("POST", "/api/bids", &self.key("trade"), "", &order("bids", "btc_usd", "10", "100"))
    }
}

fn is_whole(answer: &std::io::Result<String>) -> bool {
    let Ok(text) = answer else { return false };
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .to_ascii_lowercase()
        .split("content-length: ")
        .nth(1)
        .map(|rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
    match length {
        Some(length) => body.len() == length,
        None => body.ends_with("0\r\n\r\n"),
    }
}

#[test]
fn requests_without_an_answer_were_processed_or_not_as_the_fault_says() {
    let server = Server::quiet();
    let mut truth = 0;
    for (code, processed) in [("F03", 0), ("F04", 1)] {
        server.fault(code, if code == "F03" { "swallowed" } else { "lost" }, "POST /bids", "");
        assert!(server.stays_silent(&server.place_bid_request()), "{code}");
        truth += processed;
        assert_eq!(server.accepted(), truth, "{code}");
    }
    server.fault("F05", "late", "POST /bids", "ms = 60000");
    assert!(server.stays_silent(&server.place_bid_request()));
    assert_eq!(server.accepted(), 1, "not yet");
    server.advance_millis(60_000);
    let accepted = server.sandbox().accepted_orders();
    assert_eq!((accepted.len(), accepted[1].by.starts_with("key ")), (2, true));
    assert_eq!(server.sandbox().fault_counts()[0].hits, 1);
}

#[test]
fn answers_are_cut_where_the_fault_says() {
    let server = Server::quiet();
    server.fault("F01", "refused", "POST /bids", "");
    assert!(server.bid().map_or(true, |answer| answer.is_empty()));
    assert_eq!(server.accepted(), 0);
    for (truth, (code, mode, more)) in (1..).zip([
        ("F06", "before_headers", ""),
        ("F06", "mid_headers", ""),
        ("F06", "mid_body", ""),
        ("F07", "truncated", ""),
        ("F07", "short_length", ""),
    ]) {
        server.fault(code, mode, "POST /bids", more);
        let answer = server.bid();
        assert!(!is_whole(&answer), "{mode}: {answer:?}");
        let text = answer.unwrap_or_default();
        match mode {
            "before_headers" => assert!(text.is_empty()),
            "mid_headers" => assert!(text.len() == 40 && text.starts_with("HTTP/1.1 200")),
            _ => assert!(text.contains("\r\n\r\n"), "{mode}: {text}"),
        }
        assert_eq!(server.accepted(), truth, "{mode}");
        assert!(is_whole(&server.raw(&request("GET", "/api/orderbooks", "", "", ""))), "the next is fine");
    }
}

#[test]
fn bodies_are_slow_endless_or_unfinished() {
    let server = Server::quiet();
    server.fault("F07", "slow", "GET /users/{id}", "ms = 1");
    assert!(server.get("/api/users/me", "trade").body.contains("demo"));
    server.fault("F07", "huge", "GET /users/{id}", "count = 3");
    assert!(server.get("/api/users/me", "trade").body.len() > 3 << 20);
    server.fault("F15", "bomb", "GET /users/{id}", "count = 20");
    let bomb = server.get("/api/users/me", "trade");
    assert_eq!(bomb.header("content-encoding"), Some("gzip"));
    assert!(bomb.body.len() < 100_000, "{}", bomb.body.len());
    server.fault("F06", "after_body", "GET /users/{id}", "");
    let mut stream = TcpStream::connect(server.sandbox().url().strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(request("GET", "/api/users/me", &server.key("trade"), "", "").as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut answer = Vec::new();
    assert!(stream.read_to_end(&mut answer).is_err(), "it never ends");
    let text = String::from_utf8(answer).unwrap();
    assert!(text.contains("demo") && !text.ends_with("0\r\n\r\n"));
}

#[test]
fn statuses_come_before_or_after_processing() {
    let server = Server::quiet();
    let mut truth = 0;
    for (code, mode, more, status, processed, sign) in [
        ("F08", "status", "", 502, 0, "<!DOCTYPE html>"),
        ("F08", "status", "status = 504", 504, 0, "Gateway time-out"),
        ("F09", "status", "status = 500", 500, 1, "<!DOCTYPE html>"),
        ("F10", "cloudflare", "", 522, 0, "Cloudflare Ray ID"),
        ("F10", "challenge", "", 403, 0, "Just a moment"),
        ("F11", "plain", "", 429, 0, "Retry later"),
        ("F11", "retry_after", "ms = 1500", 429, 0, "Retry later"),
        ("F11", "retry_date", "ms = 5000", 429, 0, "Retry later"),
        ("F12", "revoked", "", 401, 0, r#"{"error":"Invalid Api Key"}"#),
        ("F12", "forbidden", "", 403, 0, r#"{"error":"Forbidden"}"#),
        ("F13", "missing", "", 404, 0, r#"{"errors":[{"code":null,"detail":null}]}"#),
        ("F14", "too_small", "", 422, 0, "la_orden_es_muy_pequena"),
        ("F14", "funds", "", 422, 0, "No hay fondos suficientes"),
        ("F14", "price", "", 422, 0, "/data/attributes/price"),
        ("F17", "redirect", "status = 307", 307, 0, ""),
    ] {
        server.fault(code, mode, "POST /bids", more);
        let answer = parse(&server.bid().unwrap());
        assert_eq!(answer.status, status, "{code} {mode}");
        assert!(answer.body.contains(sign), "{code} {mode}: {}", answer.body);
        match (code, mode) {
            ("F11", "retry_after") => assert_eq!(answer.header("retry-after"), Some("2")),
            ("F11", "retry_date") => {
                let found = answer.header("retry-after").unwrap();
                assert!(found.starts_with("Mon, 15 Apr 2019 16:1") && found.ends_with(" GMT"), "{found}");
            }
            ("F17", _) => assert_eq!(answer.header("location"), Some("http://127.0.0.2:9/elsewhere")),
            _ => {}
        }
        truth += processed;
        assert_eq!(server.accepted(), truth, "{code} {mode}");
        assert_eq!(server.get("/api/users/me", "trade").status, 200, "others are left alone");
    }
}

#[test]
fn orders_meet_faults_of_the_engine() {
    let server = Server::quiet();
    server.fault("F18", "twice", "POST /bids", "");
    assert_eq!(parse(&server.bid().unwrap()).id(), "1");
    assert_eq!(server.accepted(), 2);
    assert_eq!(server.get("/api/bids", "trade").ids(), ["1", "2"]);

    server.fault("F23", "lost", "POST /bids/{id}/cancel", "");
    assert_eq!(server.post("/api/bids/1/cancel", "trade", "{}").status, 204);
    assert_eq!(server.accepted(), 2);
    assert_eq!(server.get("/api/bids", "trade").ids(), ["1", "2"], "forgotten");
    server.fault("F23", "slow", "POST /bids/{id}/cancel", "ms = 5000");
    assert_eq!(server.post("/api/bids/1/cancel", "trade", "{}").status, 204);
    server.advance_millis(4_999);
    assert_eq!(server.get("/api/bids/1", "trade").attributes()["status"], json!("to_cancel"));
    server.advance_millis(1);
    assert_eq!(server.get("/api/bids/1", "trade").attributes()["status"], json!("cancelled"));

    server.fault("F24", "cancelled", "POST /bids", "");
    assert_eq!(parse(&server.bid().unwrap()).status, 200);
    server.advance_millis(100);
    assert_eq!(server.get("/api/bids/3", "trade").attributes()["status"], json!("cancelled"));

    server.fault("F25", "backwards", "GET /bids/{id}", "");
    server.place("asks", "btc_usd", "0.01", "100");
    let status = || server.get("/api/bids/2", "trade").attributes();
    let before = status();
    assert_eq!((&before["status"], &before["remaining_amount"]), (&json!("pending"), &json!(10.0)));
    assert_eq!(status()["remaining_amount"], json!(9.0));
}

#[test]
fn malformed_answers_come_in_every_form() {
    let server = Server::quiet();
    server.place("bids", "btc_usd", "10", "100");
    let read = |code: &str, mode: &str| {
        server.fault(code, mode, "GET /bids/{id}", "");
        let answer = server.raw(&request("GET", "/api/bids/1", &server.key("trade"), "", "")).unwrap();
        parse(&answer)
    };
    for (code, mode, sign) in [
        ("F15", "wrong_types", r#""amount":{"value":10.0}"#),
        ("F15", "no_data", "{}"),
        ("F15", "nulls", r#""amount":null"#),
        ("F15", "nan", r#""amount":NaN"#),
        ("F15", "huge_numbers", "0000000000000000000.0"),
        ("F15", "duplicate_keys", r#""price":100.0"#),
        ("F15", "bom", "\u{feff}{"),
        ("F15", "html", "<!DOCTYPE html>"),
        ("F16", "exponent", r#""amount":1000000000e-8"#),
        ("F16", "long", r#""amount":10.0000000000000000000001"#),
        ("F16", "negative", r#""amount":-10.0"#),
        ("F26", "numbers", r#""id":1,"#),
    ] {
        let answer = read(code, mode);
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains(sign), "{mode}: {}", answer.body);
    }
    assert!(read("F15", "duplicate_keys").body.matches("\"price\"").count() == 2);
    assert!(serde_json::from_str::<serde_json::Value>(&read("F15", "cut").body).is_err());
    assert_eq!(
        read("F15", "charset").header("content-type"),
        Some("application/vnd.api+json; charset=utf-16")
    );
    let clean = server.get("/api/bids/1", "trade");
    assert_eq!((clean.status, clean.attributes()["amount"].clone()), (200, json!(10.0)));
}

#[test]
fn lists_are_stale_short_shuffled_or_doubled() {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.5", "100");
    for _ in 0..3 {
        server.place("bids", "btc_usd", "1", "100");
    }
    let ids = |code: &str, mode: &str, more: &str| {
        server.fault(code, mode, "GET /buys", more);
        server.get("/api/buys", "trade").ids()
    };
    assert_eq!(ids("F21", "late", ""), ["2", "1"]);
    assert_eq!(ids("F21", "shuffled", ""), ["1", "2", "3"]);
    assert_eq!(ids("F21", "duplicated", ""), ["3", "3", "2", "2", "1", "1"]);
    assert_eq!(ids("F20", "truncated", "count = 2"), ["3", "2"]);
    assert_eq!(ids("F19", "late", "count = 2"), ["1"]);
    server.fault("F22", "unknown_order", "GET /buys", "");
    assert!(
        server
            .get("/api/buys", "trade")
            .body
            .contains(r#"{"order":{"data":{"id":"999999999","type":"bids"}}}"#)
    );
    assert_eq!(server.get("/api/buys", "trade").ids(), ["3", "2", "1"]);
    server.place("bids", "btc_usd", "1", "100");
    assert_eq!(ids("F19", "stale", ""), ["3", "2", "1"], "as it was");
    assert_eq!(server.get("/api/buys", "trade").ids(), ["4", "3", "2", "1"]);
}

#[test]
fn balances_books_prices_and_times_cannot_be_trusted() {
    let server = Server::quiet();
    server.place("bids", "btc_usd", "10", "100");
    server.place("bids", "btc_usd", "10", "90");
    server.place("asks", "btc_usd", "0.1", "110");
    let read = |code: &str, mode: &str, endpoint: &str, path: &str, more: &str| {
        server.fault(code, mode, endpoint, more);
        server.get(path, "trade")
    };
    let wallet = |mode| read("F27", mode, "GET /coin_wallets/{id}", "/api/coin_wallets/btc", "").attributes();
    assert_eq!(wallet("available_above_total")["available"], json!(1.9));
    assert_eq!(wallet("negative")["balance"], json!(-1.0));
    assert_eq!(wallet("off_by_one")["balance"], json!(1.000_000_01));
    let account = read("F27", "missing", "GET /accounts", "/api/accounts", "");
    assert!(account.json()["data"].as_array().unwrap().is_empty());

    let book = |mode: &str, more: &str| {
        let answer = read("F31", mode, "GET /markets/{code}", "/api/markets/btc_usd?include=bids,asks", more);
        let json = answer.json();
        let side = |side: &str| -> Vec<String> {
            let pointers = json["data"]["relationships"][side]["data"].as_array().unwrap().clone();
            pointers.iter().map(|pointer| pointer["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(json["included"].as_array().unwrap().len(), side("bids").len() + side("asks").len());
        (side("bids"), side("asks"), answer.body)
    };
    assert_eq!(book("empty", "").0.len(), 0);
    assert_eq!((book("one_sided", "").0.len(), book("one_sided", "").1.len()), (0, 1));
    let (bids, asks, _) = book("crossed", "");
    assert_eq!((bids[0].as_str(), asks[0].as_str()), ("110.0", "100.0"));
    assert_eq!(book("locked", "").0[0], "110.0");
    assert_eq!(book("unsorted", "").0, ["90.0", "100.0"]);
    assert!(book("zero", "").2.contains(r#""amount":0.0"#));
    assert_eq!(book("deep", "count = 2000").1.len(), 2_000);

    let bid = |mode: &str| {
        read("F32", mode, "GET /tickers/{code}", "/api/tickers/btc_usd", "").attributes()["bid"].clone()
    };
    assert_eq!((bid("spike"), bid("crash"), bid("zero")), (json!(1_000.0), json!(10.0), json!(0.0)));
    server.place("bids", "btc_usd", "10", "105");
    assert_eq!(bid("frozen"), json!(100.0));
    assert_eq!(server.get("/api/tickers/btc_usd", "").attributes()["bid"], json!(105.0));

    let date = |mode: &str| read("F33", mode, "GET /orderbooks", "/api/orderbooks", "ms = 86400000");
    assert!(date("ahead").header("date").unwrap().starts_with("Tue, 16 Apr 2019"));
    assert!(date("behind").header("date").unwrap().starts_with("Sun, 14 Apr 2019"));
    assert_eq!(date("missing").header("date"), None);
}

#[test]
fn the_api_changes_and_endpoints_go_down_and_come_back() {
    let server = Server::quiet();
    let books = |mode: &str| {
        server.fault("F35", mode, "GET /orderbooks", "");
        server.get("/api/orderbooks", "")
    };
    assert_eq!(books("book_removed").ids().len(), 5);
    assert!(books("book_added").body.contains("eth_ars"));
    assert!(books("book_renamed").body.contains(r#""code":"btc_usd_v2""#));
    assert!(books("new_field").body.contains("flavour"));
    server.place("bids", "btc_usd", "10", "100");
    server.fault("F35", "new_status", "GET /bids/{id}", "");
    assert_eq!(server.get("/api/bids/1", "trade").attributes()["status"], json!("under_review"));

    server.fault("F34", "maintenance", "GET /orderbooks", "ms = 30000");
    assert_eq!(server.get("/api/orderbooks", "").status, 503);
    assert_eq!(server.get("/api/bids/1", "trade").status, 503, "everything");
    server.advance_millis(30_000);
    assert_eq!(server.get("/api/bids/1", "trade").status, 200);

    server.fault("F34", "purged", "GET /orderbooks", "ms = 30000");
    assert_eq!(server.get("/api/orderbooks", "").status, 503);
    server.advance_millis(30_000);
    assert_eq!(server.get("/api/orders", "trade").ids(), Vec::<String>::new(), "another state than before");
    assert_eq!(server.get("/api/bids/1", "trade").attributes()["status"], json!("cancelled"));

    server.fault("F36", "clog", "GET /bids/{id}", "ms = 10000");
    server.get("/api/bids/1", "trade");
    assert_eq!(server.get("/api/orderbooks", "").status, 200, "one endpoint at a time");
    server.advance_millis(10_000);
    assert_eq!(server.get("/api/bids/1", "trade").status, 200);

    server.fault("F37", "swapped", "GET /bids/{id}", "");
    server.get("/api/tickers/btc_usd", "");
    assert_eq!(server.get("/api/bids/1", "trade").json()["data"]["type"], json!("tickers"));
    server.fault("F37", "delayed", "GET /bids/{id}", "ms = 20");
    assert_eq!(server.get("/api/bids/1", "trade").status, 200);
}

#[test]
fn the_administration_sets_rules_and_counts_hits() {
    let server = Server::quiet();
    let rules = r#"[{"fault":"F04","endpoint":"POST /bids","on":[3]},{"fault":"F08","endpoint":"GET *","probability":1.0,"status":503,"limit":2}]"#;
    assert_eq!(server.admin("PUT", "/faults", rules).status, 200);
    assert_eq!([(); 3].map(|()| server.get("/api/orders", "trade").status), [503, 503, 200]);
    let report = server.admin("GET", "/faults", "").json();
    assert_eq!((&report["rules"][1]["requests"], &report["rules"][1]["hits"]), (&json!(3), &json!(2)));
    assert_eq!((&report["totals"]["F08"], &report["totals"]["F04"]), (&json!(2), &json!(0)));
    let wrong = server.admin("PUT", "/faults", r#"[{"fault":"F99","on":[1]}]"#);
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("`F99` is no fault of the sandbox"), "{}", wrong.body);
    assert_eq!(server.admin("DELETE", "/faults", "").status, 200);
    assert!(server.sandbox().fault_counts().is_empty());
    assert_eq!(server.admin("GET", "/requests", "").json()["GET /orders"], json!(3));
}

#[test]
fn people_act_on_the_account_through_the_administration() {
    let server = Server::quiet();
    let user = server.get("/api/users/me", "trade").id();
    let deposit = format!(r#"{{"user":{user},"money":"5 BTC"}}"#);
    assert_eq!(server.admin("POST", "/deposits", &deposit).status, 200);
    assert_eq!(server.get("/api/coin_wallets/btc", "trade").attributes()["balance"], json!(6.0));
    assert_eq!(server.admin("POST", "/withdrawals", &deposit.replace('5', "7")).status, 422);
    let placed = format!(r#"{{"user":{user},"book":"btc_usd","side":"sell","amount":"0.5","price":"4400"}}"#);
    assert_eq!(server.admin("POST", "/orders", &placed).status, 200);
    server.advance_millis(100);
    assert_eq!(server.get("/api/asks", "trade").ids(), ["1"]);
    let truth = server.admin("GET", "/orders", "").json();
    assert_eq!(
        (&truth[0]["by"], &truth[0]["status"], &truth[0]["amount"]),
        (&json!("admin"), &json!("executing"), &json!("0.5"))
    );
    assert_eq!(server.admin("POST", "/fees", r#"{"book":"btc_usd","maker":"0","taker":"0.01"}"#).status, 200);
    server.place("bids", "btc_usd", "44", "4400");
    assert_eq!(server.get("/api/buys/1", "trade").attributes()["fee"], json!(0.0001));
    assert_eq!(server.get("/api/sells/1", "trade").attributes()["fee"], json!(0.0));
    assert_eq!(server.admin("POST", "/orders/cancel", r#"{"side":"sell","id":1}"#).status, 200);
    assert_eq!(server.admin("POST", "/orders/cancel", r#"{"side":"sell","id":9}"#).status, 422);
    assert_eq!(server.admin("POST", "/advance", r#"{"ms":100}"#).status, 200);
    assert_eq!(server.get("/api/asks/1", "trade").attributes()["status"], json!("cancelled"));
    assert_eq!(server.admin("POST", "/advance", r#"{"minutes":100}"#).status, 422);
}

#[test]
fn every_fault_has_a_default_mode_and_a_meaning() {
    for fault in FAULTS {
        assert!(!fault.modes.is_empty() && !fault.what.is_empty(), "{}", fault.code);
    }
    assert!(FAULTS.is_sorted_by(|left, right| left.code < right.code));
}
