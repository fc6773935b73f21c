//! Who may do what: keys, permissions, passwords, the limit of requests, and the quirks of every known client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use pampero_sandbox::Tls;
use serde_json::json;
use support::*;

const INVALID: &str = r#"{"error":"Invalid Api Key"}"#;
const NO_PERMISSION: &str = r#"{"error":"Not enough permissions"}"#;
const NO_KEY: &str = r#"{"error":"Necesitas iniciar sesión o registrarte para continuar."}"#;

#[test]
fn there_are_three_ways_to_be_refused() {
    let server = Server::quiet();
    let refused = |key: &str, path: &str| {
        let answer = server.send_with("GET", path, key, "", "");
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("content-type"), Some("application/vnd.api+json; charset=utf-8"));
        answer.body
    };
    assert_eq!(refused("", "/api/movements"), NO_KEY);
    assert_eq!(refused("we_dont_care", "/api/accounts/"), INVALID);
    assert_eq!(refused(&server.key("trade"), "/api/api_keys"), NO_PERMISSION);
    assert_eq!(server.get("/api/nothing", "trade").status, 404);
    assert_eq!(server.send("DELETE", "/api/orders", "trade", "").status, 404);
}

/// One endpoint for each permission and a way to call it.
#[test]
fn each_permission_opens_its_endpoints_alone() {
    let mut config = quiet();
    let paths = [
        ("fund_account", "/api/coin_deposits"),
        ("get_withdrawal", "/api/coin_withdrawals"),
        ("get_balances", "/api/accounts"),
        ("trading", "/api/orders"),
        ("payments", "/api/merchants/payments"),
        ("api_keys", "/api/api_keys"),
    ];
    let keys = &mut config.accounts[0].keys;
    for (permission, _) in paths {
        let mut key = keys[1].clone();
        key.name = permission.to_owned();
        key.permissions = vec![permission.to_owned()];
        keys.push(key);
    }
    let server = Server::start(config);
    for (permission, own) in paths {
        for (_, path) in paths {
            let answer = server.get(path, permission);
            let expected = if path == own { 200 } else { 401 };
            assert_eq!(answer.status, expected, "{permission} at {path}");
        }
        assert_eq!(server.get("/api/users/me", permission).status, 200);
    }
    let instruction = r#"{"data":{"attributes":{"label":"x","body":{"payment_method":"third_party"}}}}"#;
    assert_eq!(
        server.post("/api/withdrawal_instructions", "get_withdrawal", instruction).body,
        NO_PERMISSION
    );
    assert_eq!(server.post("/api/withdrawal_instructions", "funds", instruction).status, 200);
}

#[test]
fn a_key_of_the_old_kind_reads_all_and_writes_if_it_may() {
    let server = Server::quiet();
    for path in
        ["/api/orders", "/api/accounts", "/api/api_keys", "/api/cash_deposits", "/api/merchants/payments"]
    {
        assert_eq!(server.get(path, "read").status, 200, "{path}");
    }
    for path in ["/api/asks", "/api/orders/cancel", "/api/webhooks", "/api/merchants/pos"] {
        assert_eq!(server.post(path, "read", "{}").body, NO_PERMISSION, "{path}");
    }
    let made = server.send_with(
        "POST",
        "/api/api_keys/",
        &server.key("admin"),
        &format!("one-time-password: {}\r\n", server.otp()),
        r#"{"data":{"type":"api_keys","attributes":{"write":true,"token":null}}}"#,
    );
    assert_eq!(made.status, 201);
    let token = made.attributes()["token"].as_str().unwrap().to_owned();
    assert_eq!(
        made.body,
        format!(
            r#"{{"data":{{"id":"{}","type":"api_keys","attributes":{{"write":true,"token":"{token}"}}}}}}"#,
            made.id()
        )
    );
    let placed = server.send_with("POST", "/api/asks", &token, "", &order("asks", "btc_usd", "0.1", "4400"));
    assert_eq!(placed.status, 200);
    server.advance_millis(600_000);
    let masked = server.get(&format!("/api/api_keys/{}", made.id()), "admin").attributes();
    assert_eq!(masked["token"], json!(format!("{}{}", "*".repeat(70), &token[70..])));
}

#[test]
fn keys_are_made_with_a_password_masked_after_ten_minutes_and_revoked_at_once() {
    let server = Server::quiet();
    let body =
        r#"{"data":{"type":"api_keys","attributes":{"fund_account":true,"payments":true,"api_keys":true}}}"#;
    let create = |password: &str| {
        let header =
            if password.is_empty() { String::new() } else { format!("One-Time-Password: {password}\r\n") };
        server.send_with("POST", "/api/api_keys", &server.key("admin"), &header, body)
    };
    for wrong in ["", "000000", "12", "nonsense"] {
        assert_eq!(create(wrong).status, 401, "{wrong}");
    }
    let made = create(&server.otp());
    assert_eq!(made.status, 201);
    let (id, token) = (made.id(), made.attributes()["token"].as_str().unwrap().to_owned());
    assert_eq!(token.len(), 80);
    assert!(token.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    let permissions = r#""fund_account":true,"create_withdrawal":false,"get_withdrawal":false,"get_balances":false,"trading":false,"payments":true,"compliance":false,"api_keys":true}}}"#;
    assert_eq!(
        made.body,
        format!(r#"{{"data":{{"id":"{id}","type":"api_keys","attributes":{{"token":"{token}",{permissions}"#)
    );

    let shown = || server.send_with("GET", &format!("/api/api_keys/{id}/"), &token, "", "");
    server.advance_millis(599_000);
    assert_eq!(shown().attributes()["token"], json!(token));
    server.advance_millis(1_000);
    assert_eq!(shown().attributes()["token"], json!(format!("{}{}", "*".repeat(20), &token[70..])));
    assert!(server.get("/api/api_keys", "admin").ids().contains(&id));

    let body =
        format!(r#"{{"data":{{"type":"api_keys","id":{id},"attributes":{{"write":null,"token":null}}}}}}"#);
    let revoked = server.send("DELETE", &format!("/api/api_keys/{id}/"), "admin", &body);
    assert_eq!((revoked.status, revoked.body.as_str()), (204, ""));
    assert_eq!(shown().body, INVALID);
    assert_eq!(server.send("DELETE", &format!("/api/api_keys/{id}"), "admin", "").status, 404);
    assert_eq!(server.get("/api/api_keys/999", "admin").status, 404);
}

#[test]
fn passwords_expire() {
    let server = Server::quiet();
    let password = server.otp();
    server.advance_millis(90_000);
    let header = format!("One-Time-Password: {password}\r\n");
    let answer = server.send_with("POST", "/api/api_keys", &server.key("admin"), &header, "{}");
    assert_eq!((answer.status, answer.body.contains("error")), (401, true));
}

#[test]
fn every_known_client_is_understood() {
    let server = Server::quiet();
    let key = server.key("trade");
    // The official JavaScript client: slashes, Version 2.0, JSON:API types on every call.
    let js = "Version: 2.0\r\nContent-Type: application/vnd.api+json\r\nAccept: application/json, text/plain, */*\r\nOne-Time-Password: 123456\r\n";
    // The Ruby client: no slash, encoded brackets, a lower-case header.
    let ruby =
        "version: 2.1\r\nContent-Type: application/vnd.api+json\r\nAccept: application/vnd.api+json\r\n";
    for (path, headers) in [
        ("/api/orders/", js),
        ("/api/trades/?filter[orderbook_code]=btc_usd&limit=2", js),
        ("/api/trades?filter%5Bdays%5D=1&filter%5Borderbook_code%5D=btc_usd", ruby),
        ("/api/asks?fields[asks]=price&sort=-id&page[per_page]=7", "Content-Type: application/json\r\n"),
        ("/api/orders//", "Content-Type: text/plain\r\nAccept: text/html\r\n"),
        ("/api/orders", ""),
    ] {
        let answer = server.send_with("GET", path, &key, headers, "");
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"data":[]}"#), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/vnd.api+json; charset=utf-8"));
        assert!(answer.header("date").unwrap().starts_with("Mon, 15 Apr 2019 16:13:40"));
    }
    let lower = request("GET", "/api/orders", "", &format!("authorization:   {key}  \r\n"), "");
    assert_eq!(parse(&server.raw(&lower).unwrap()).status, 200);
}

#[test]
fn a_connection_serves_many_requests() {
    let server = Server::quiet();
    let one = "GET /api/orderbooks HTTP/1.1\r\nHost: x\r\n\r\n";
    let answers =
        server.raw(&format!("{one}{one}{}", request("GET", "/api/tickers/btc_usd", "", "", ""))).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3);
}

#[test]
fn more_than_five_requests_a_second_are_refused() {
    let mut config = quiet();
    config.requests_per_second = 5;
    let server = Server::start(config);
    let statuses = |count: usize, key: &str| -> Vec<u16> {
        (0..count).map(|_| server.get("/api/users/me", key).status).collect()
    };
    assert_eq!(statuses(7, "trade"), [200, 200, 200, 200, 200, 429, 429]);
    assert_eq!(statuses(1, "admin"), [200], "each key counts for itself");
    server.advance_millis(999);
    assert_eq!(statuses(1, "trade"), [429]);
    server.advance_millis(1);
    assert_eq!(statuses(6, "trade"), [200, 200, 200, 200, 200, 429]);
    let public: Vec<u16> = (0..6).map(|_| server.get("/api/orderbooks", "").status).collect();
    assert_eq!(public, [200, 200, 200, 200, 200, 429], "without a key the address counts");
    assert_eq!(server.admin("POST", "/settings", r#"{"requests_per_second":0}"#).status, 200);
    assert_eq!(statuses(20, "trade"), [200; 20]);
}

#[test]
fn master_users_act_for_those_they_created() {
    let mut config = quiet();
    config.accounts[0].master = true;
    let mut other = config.accounts[0].clone();
    other.name = "plain".to_owned();
    other.master = false;
    other.keys.truncate(2);
    other.keys[1].token = Some("1".repeat(80));
    config.accounts.push(other);
    let server = Server::start(config);
    let made = server.post(
        "/api/users",
        "admin",
        r#"{"data":{"type":"users","attributes":{"email":"kid@example.com"}}}"#,
    );
    assert_eq!(made.status, 200);
    let id = made.id();
    let me = |token: &str| server.send_with("GET", "/api/users/me", token, "", "");
    let key = server.key("admin");
    assert_eq!(me(&format!("{key}; user={id}")).id(), id);
    assert_eq!(me(&format!("{key} ;user= {id}")).id(), id);
    assert_eq!(me(&key).attributes()["email"], json!("demo@example.com"));
    assert_eq!(me(&format!("{key}; user=999")).body, NO_PERMISSION);
    let plain = "1".repeat(80);
    assert_eq!(me(&format!("{plain}; user={id}")).body, NO_PERMISSION);
    assert_eq!(server.get("/api/users", "admin").ids().len(), 2);
    assert_eq!(server.get(&format!("/api/users/{id}"), "admin").status, 200);
    assert_eq!(server.send_with("POST", "/api/users", &plain, "", "{}").body, NO_PERMISSION);
}

#[test]
fn the_same_seed_makes_the_same_keys() {
    let keys = |seed| {
        let mut config = quiet();
        config.seed = seed;
        let server = Server::start(config);
        (server.sandbox().keys(), server.sandbox().otp_secret())
    };
    assert_eq!(keys(1), keys(1));
    assert_ne!(keys(1), keys(2));
    let server = Server::quiet();
    let line: serde_json::Value = serde_json::from_str(&server.sandbox().announcement()).unwrap();
    assert_eq!(line["url"], json!(server.sandbox().url()));
    assert_eq!(line["admin_url"], json!(server.sandbox().admin_url()));
    assert_eq!(line["keys"]["trade"], json!(server.key("trade")));
    assert_eq!(line["otp_secret"], json!(server.sandbox().otp_secret()));
    assert_eq!(line["requests_per_second"], 0);
    assert!(!server.sandbox().announcement().contains('\n'));
}

#[test]
fn with_tls_the_certificate_decides() {
    use std::io::Read;
    use std::sync::Arc;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
    use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

    let cases =
        [Tls::Valid, Tls::Expired, Tls::WrongHost, Tls::Cut, Tls::Old].map(|tls| (tls, tls == Tls::Valid));
    for (tls, works) in cases {
        let server = Server::start(pampero_sandbox::SandboxConfig { tls, ..quiet() });
        let url = server.sandbox().url();
        let address = url.strip_prefix("https://").unwrap();
        let mut roots = RootCertStore::empty();
        let pem = server.sandbox().certificate().unwrap();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let mut session = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        let mut stream = Stream::new(&mut session, &mut socket);
        let request = request("GET", "/api/orders", &server.key("trade"), "", "");
        let sent = std::io::Write::write_all(&mut stream, request.as_bytes());
        assert_eq!(sent.is_ok(), works, "{tls:?}: {sent:?}");
        if works {
            let mut answer = String::new();
            // The server closes without a farewell.
            let _ = stream.read_to_string(&mut answer);
            assert_eq!(parse(&answer).body, r#"{"data":[]}"#);
            assert!(server.sandbox().announcement().contains("BEGIN CERTIFICATE"));
        }
    }
}
