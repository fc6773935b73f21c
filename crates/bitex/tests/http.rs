//! What goes over the wire, and above all what does not: nothing that creates is ever sent twice.
#![allow(clippy::disallowed_methods)] // the adapter itself is tested
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod common;

use std::time::Duration;

use common::{KEY, Reply, Server, config, headed, reply};
use pampero_bitex::*;
use pampero_exchange::*;
use pampero_model::{Side, Size, VenueOrderId};

const PLACED: &str = r#"{"data":{"id":"4259","type":"bids","attributes":{"amount":2.0,"remaining_amount":2.0,"price":3500.12345678,"status":"pending","orderbook_code":"btc_usd"}}}"#;

fn bid() -> OrderRequest {
    OrderRequest {
        market: "btc_usd".into(),
        side: Side::Buy,
        price: "3500.12345678".parse().unwrap(),
        size: Size::Quote("2".parse().unwrap()),
        reference: Some("run-7.order-42".into()),
        watermark: Some(VenueOrderId(4258)),
    }
}

/// The outcome of a bid that is answered so, and how many requests it took.
async fn place(answer: Reply) -> (PlaceOutcome, usize) {
    let server = Server::start(vec![answer]).await;
    let outcome = Bitex::new(server.client()).place(&bid(), &|| Ok(())).await;
    // Whoever sends again behind our back does it now.
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(server.requests().len(), server.posts());
    (outcome, server.posts())
}

fn unknown(outcome: PlaceOutcome) -> Ambiguity {
    match outcome {
        Outcome::Unknown(Error::Ambiguous(ambiguity)) => ambiguity,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_order_that_is_echoed_is_acknowledged() {
    let (outcome, posts) = place(reply(200, PLACED)).await;
    let Outcome::Acknowledged(order) = outcome else { panic!("{outcome:?}") };
    assert_eq!((order.id, posts), (VenueOrderId(4259), 1));
}

#[tokio::test]
async fn whatever_breaks_after_sending_leaves_one_post_and_an_unknown_order() {
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cut = |head: &str, body: &str| Reply::Bytes(format!("{head}{body}").into_bytes());
    let breaks = [
        ("closed without a word", Reply::Close),
        ("closed within the head", cut("HTTP/1.1 200", "")),
        ("closed within the body", cut(length, r#"{"data":{"id":"#)),
        ("closed within a chunk", cut(chunked, "20\r\n{\"data\"")),
        ("no HTTP at all", cut("SSH-2.0-OpenSSH\r\n\r\n", "")),
        ("silence", Reply::Silence),
        ("a body that never ends", Reply::Stall(format!("{length}{{").into_bytes())),
    ];
    for (what, answer) in breaks {
        let (outcome, posts) = place(answer).await;
        let ambiguity = unknown(outcome);
        assert!(matches!(ambiguity, Ambiguity::Timeout | Ambiguity::Connection(_)), "{what}: {ambiguity:?}");
        assert_eq!(posts, 1, "{what}");
    }
}

#[tokio::test]
async fn statuses_that_say_neither_yes_nor_no_leave_one_post_and_an_unknown_order() {
    for status in [408, 409, 425, 500, 502, 503, 504, 520, 524] {
        let (outcome, posts) = place(reply(status, "")).await;
        assert_eq!((unknown(outcome), posts), (Ambiguity::Status(status), 1));
        let (outcome, posts) = place(headed(status, "Retry-After: 0\r\n", b"<html>")).await;
        assert_eq!((unknown(outcome), posts), (Ambiguity::EdgePage(status), 1));
    }
}

#[tokio::test]
async fn redirects_are_not_followed_and_the_key_goes_nowhere_else() {
    let elsewhere = Server::start(vec![reply(200, PLACED)]).await;
    for status in [301, 302, 303, 307, 308] {
        let headers = format!("Location: {}/api/bids\r\n", elsewhere.url);
        let (outcome, posts) = place(headed(status, &headers, b"")).await;
        assert_eq!((unknown(outcome), posts), (Ambiguity::Redirect(status), 1));
        let server = Server::start(vec![headed(status, &headers, b"")]).await;
        let error = server.client().orders().await.unwrap_err();
        assert_eq!(error, Error::Unavailable { status, edge: false });
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn success_that_is_not_about_the_order_is_not_believed() {
    let altered = |from: &str, to: &str| reply(200, &PLACED.replace(from, to));
    let cases = [
        (altered(r#""price":3500.12345678"#, r#""price":3500.12"#), "price"),
        (altered(r#""amount":2.0"#, r#""amount":20.0"#), "amount"),
        (altered("btc_usd", "btc_ars"), "orderbook_code"),
        (altered(r#""type":"bids""#, r#""type":"asks""#), "type"),
    ];
    for (answer, field) in cases {
        let (outcome, posts) = place(answer).await;
        let ambiguity = unknown(outcome);
        assert!(
            matches!(&ambiguity, Ambiguity::EchoDiffers { field: other, .. } if *other == field),
            "{ambiguity:?}"
        );
        assert!(Error::Ambiguous(ambiguity).is_alarm());
        assert_eq!(posts, 1);
    }
    let (outcome, _) = place(altered("4259", "4258")).await;
    assert_eq!(unknown(outcome), Ambiguity::NotAboveWatermark { id: 4258, watermark: 4258 });
    for body in
        ["", "{}", "[]", "<html>", &PLACED[..90], r#"{"data":[]}"#, r#"{"data":{"id":null,"type":"bids"}}"#]
    {
        let (outcome, posts) = place(reply(200, body)).await;
        assert!(matches!(unknown(outcome), Ambiguity::Malformed(_)), "{body}");
        assert_eq!(posts, 1);
    }
}

#[tokio::test]
async fn refusals_of_the_exchange_reject_the_order() {
    let small = r#"{"errors":[{"status":422,"title":"La orden es muy pequeña","detail":"La orden es muy pequeña","code":"la_orden_es_muy_pequena","source":{"pointer":"/data/attributes/base"}}]}"#;
    let cases = [
        (422, small, pampero_model::RejectReason::TooSmall),
        (401, r#"{"error":"Invalid Api Key"}"#, pampero_model::RejectReason::NotPermitted),
        (401, r#"{"error":"Not enough permissions"}"#, pampero_model::RejectReason::NotPermitted),
        (404, r#"{"errors":[{"code":null,"detail":null}]}"#, pampero_model::RejectReason::UnknownMarket),
        (429, "slow down", pampero_model::RejectReason::RateLimited),
    ];
    for (status, body, reason) in cases {
        let (outcome, posts) = place(reply(status, body)).await;
        let Outcome::Rejected(error) = outcome else { panic!("{status}: {outcome:?}") };
        assert_eq!((error.reject_reason(), posts), (reason, 1));
    }
}

#[tokio::test]
async fn what_cannot_be_reached_or_makes_no_sense_is_not_sent() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let environment = Environment::local(&format!("http://{closed}")).unwrap();
    let key = ApiKey::new(KEY.into(), &environment).unwrap();
    let client = Client::new(config(environment), Budget::unlimited()).unwrap().with_key(key).unwrap();
    let outcome = client.place_order(&bid(), &|| Ok(())).await;
    assert!(matches!(outcome, Outcome::NotSent(Error::NotSent(_))), "{outcome:?}");

    let server = Server::start(vec![reply(200, PLACED)]).await;
    let client = server.client();
    let base = || Size::Base("2".parse().unwrap());
    let wrong = [
        OrderRequest { size: base(), ..bid() },
        OrderRequest { side: Side::Sell, ..bid() },
        OrderRequest { size: Size::Quote("0".parse().unwrap()), ..bid() },
        OrderRequest { price: "-1".parse().unwrap(), ..bid() },
        OrderRequest { market: "btc_usd/../..".into(), ..bid() },
        OrderRequest { market: String::new(), ..bid() },
    ];
    for order in wrong {
        let outcome = client.place_order(&order, &|| Ok(())).await;
        assert!(matches!(outcome, Outcome::NotSent(Error::Invalid { .. })), "{order:?}: {outcome:?}");
    }
    let outcome = client.place_order(&bid(), &|| Err("halted".to_owned())).await;
    assert_eq!(outcome, Outcome::NotSent(Error::NotSent("halted".to_owned())));
    let none = Client::new(config(client.environment().clone()), Budget::unlimited()).unwrap();
    assert_eq!(none.place_order(&bid(), &|| Ok(())).await, Outcome::NotSent(Error::NoKey));
    assert_eq!(none.orders().await, Err(Error::NoKey));
    assert!(client.cancel_orders(CancelScope::Market("")).await.is_err(), "would cancel everything");
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_tls_handshake_that_fails_is_not_sent() {
    // A server that speaks no TLS.
    let server = Server::start(vec![reply(200, PLACED)]).await;
    let environment = Environment::local(&server.url.replace("http:", "https:")).unwrap();
    let key = ApiKey::new(KEY.into(), &environment).unwrap();
    let client = Client::new(config(environment), Budget::unlimited()).unwrap().with_key(key).unwrap();
    let outcome = client.place_order(&bid(), &|| Ok(())).await;
    assert!(matches!(outcome, Outcome::NotSent(Error::NotSent(_))), "{outcome:?}");
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn requests_look_as_the_exchange_expects() {
    let server = Server::start(vec![reply(200, PLACED)]).await;
    let _ = server.client().acting_for(123).place_order(&bid(), &|| Ok(())).await;
    let request = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /api/bids HTTP/1.1\r\n"), "{head}");
    for line in [
        &format!("authorization: {KEY}; user=123"),
        "version: 2.1",
        "content-type: application/vnd.api+json",
        "accept: application/vnd.api+json",
        "accept-encoding: gzip",
        "x-request-id: run-7.order-42",
        concat!(
            "user-agent: pampero/",
            env!("CARGO_PKG_VERSION"),
            " (https://github.com/pampero-trading/pampero)"
        ),
    ] {
        assert!(head.lines().any(|other| other == line), "{line} in {head}");
    }
    assert_eq!(
        body,
        r#"{"data":{"type":"bids","attributes":{"orderbook_code":"btc_usd","amount":2,"price":3500.12345678}}}"#
    );
}

#[tokio::test]
async fn lists_are_filtered_in_the_query() {
    let server = Server::start(vec![reply(200, r#"{"data":[]}"#)]).await;
    let client = server.client();
    let query = FillQuery { market: Some("btc_usd".into()), side: None, days: Some(30), limit: Some(2) };
    client.fills(&query).await.unwrap();
    client.candles(&CandleQuery { market: None, days: Some(10), span_hours: Some(8) }).await.unwrap();
    client.coin_withdrawals(Some("2019-01-01")).await.unwrap();
    client.transactions(Some("btc_usd"), Some(24)).await.unwrap();
    assert!(
        client
            .cash_deposits(Some("yesterday"))
            .await
            .unwrap_err()
            .to_string()
            .contains("`yesterday` is not a day")
    );
    let lines: Vec<String> =
        server.requests().iter().map(|request| request.lines().next().unwrap().to_owned()).collect();
    assert_eq!(
        lines,
        [
            "GET /api/trades?filter%5Borderbook_code%5D=btc_usd&filter%5Bdays%5D=30&limit=2 HTTP/1.1",
            "GET /api/candles?filter%5Bdays%5D=10&span=8 HTTP/1.1",
            "GET /api/coin_withdrawals?filter%5Bfrom%5D=2019-01-01 HTTP/1.1",
            "GET /api/transactions?filter%5Borderbook_code%5D=btc_usd&filter%5Bfrom%5D=24 HTTP/1.1",
        ]
    );
    let with_key = |request: &String| request.contains("authorization");
    let sent: Vec<bool> = server.requests().iter().map(with_key).collect();
    assert_eq!(sent, [true, false, true, false], "market data needs no key and gets none");
}

#[tokio::test]
async fn the_one_time_password_goes_with_one_request_alone() {
    let made = r#"{"data":{"id":"187","type":"api_keys","attributes":{"token":"0123456789abcdef0123456789abcdef","trading":true}}}"#;
    let server = Server::start(vec![reply(201, made), reply(200, r#"{"data":[]}"#)]).await;
    let client = server.client();
    let password = OneTimePassword::new(" 123 456 ").unwrap();
    let permissions = KeyPermissions { trading: true, ..KeyPermissions::default() };
    let Outcome::Acknowledged(key) = client.create_api_key(permissions, &password).await else { panic!() };
    assert_eq!((key.id, key.permissions), (187, permissions));
    client.api_keys().await.unwrap();
    let requests = server.requests();
    assert!(requests[0].contains("one-time-password: 123456\r\n"));
    assert!(!requests[1].contains("one-time-password"));
    assert!(requests[0].ends_with(r#""api_keys":false}}}"#), "{}", requests[0]);
}

#[tokio::test]
async fn too_many_requests_make_the_budget_wait() {
    let server =
        Server::start(vec![headed(429, "Retry-After: 7\r\n", b"x"), reply(200, r#"{"data":[]}"#)]).await;
    let budget = Budget::new(BudgetConfig::default()).unwrap();
    let client = server.client_of(budget.clone());
    let error = client.orders().await.unwrap_err();
    assert_eq!(error, Error::RateLimited { retry_after: Some(Duration::from_secs(7)) });
    assert!(budget.next_slot() > Duration::from_secs(6), "{:?}", budget.next_slot());

    let server = Server::start(vec![reply(503, "<!DOCTYPE html><title>Just a moment...</title>")]).await;
    let budget = Budget::new(BudgetConfig::default()).unwrap();
    let error = server.client_of(budget.clone()).orders().await.unwrap_err();
    assert_eq!(error, Error::Unavailable { status: 503, edge: true });
    assert!(budget.next_slot() > Duration::from_millis(500), "{:?}", budget.next_slot());
}

#[tokio::test]
async fn answers_without_end_take_bounded_memory_and_time() {
    let endless = vec![b' '; 2 << 20];
    let (outcome, posts) = place(headed(200, "", &endless)).await;
    let ambiguity = unknown(outcome);
    assert!(
        matches!(&ambiguity, Ambiguity::Malformed(problem) if problem.contains("1048576")),
        "{ambiguity:?}"
    );
    assert_eq!(posts, 1);
    // Sixteen packed kilobytes that unpack to sixteen megabytes.
    let bomb = include_bytes!("fixtures/sixteen-megabytes-of-blanks.gz");
    let server = Server::start(vec![headed(200, "Content-Encoding: gzip\r\n", bomb)]).await;
    let error = server.client().orders().await.unwrap_err();
    assert!(matches!(&error, Error::Malformed(problem) if problem.contains("longer than")), "{error:?}");
}

#[tokio::test]
async fn packed_answers_are_unpacked() {
    let packed = include_bytes!("fixtures/empty-list.json.gz");
    let server = Server::start(vec![headed(200, "Content-Encoding: gzip\r\n", packed)]).await;
    assert_eq!(server.client().orders().await.unwrap(), []);
}

#[tokio::test]
async fn a_probe_knows_the_servers_clock() {
    let server = Server::start(vec![headed(200, "Date: Fri, 18 Jan 2019 18:08:51 GMT\r\n", b"{}")]).await;
    let probe = server.client().probe().await.unwrap();
    assert_eq!(probe.server_time.unwrap().to_string(), "2019-01-18T18:08:51Z");
    assert_eq!((probe.status, probe.edge), (200, false));
}
