//! The emergency stop, the doctor and the receiver of events, against a running `pampero sandbox`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code
#![cfg(all(feature = "live", feature = "sandbox"))]

mod support;

use std::io::{BufRead, BufReader, Lines, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{ChildStdout, Stdio};

use serde_json::Value;
use support::exchange::{Exchange, http};

const BUY: [&str; 7] = ["buy", "btc_usd", "--spend", "100", "--price", "3500", "--yes"];

fn steps(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|object| Some(object["step"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn panic_halts_cancels_verifies_and_nothing_goes_out_afterwards() {
    let exchange = Exchange::start();
    exchange.json(&BUY);
    exchange.json(&["sell", "bch_usd", "--amount", "1", "--price", "140", "--yes"]);
    // The exchange takes its time now, and answers the first attempts with a page of its network.
    exchange.admin("/settings", r#"{"engine_delay_ms": 1500}"#);
    exchange.faults(r#"[{"fault":"F10","endpoint":"POST /orders/cancel","on":[1]}]"#);
    let ran = exchange.run(&["panic", "--everything", "--no-watch", "--reason", "a drill", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let steps = steps(&ran.stdout);
    assert_eq!(steps.first().map(String::as_str), Some("halted"), "{steps:?}");
    assert_eq!(steps[steps.len() - 3..], ["clear", "verified", "done"], "{steps:?}");
    assert!(exchange.run(&["orders"]).stdout.contains("no own orders"));
    let after = exchange.run(&BUY);
    assert_eq!(after.code, 6, "{}", after.stderr);
    assert!(after.stderr.contains("a drill"), "{}", after.stderr);
    assert_eq!(exchange.run(&["doctor"]).code, 9);
}

#[test]
fn panic_on_configured_markets_leaves_others_alone() {
    let exchange = Exchange::start();
    let text = "[[strategy]]\nname = \"sma-cross\"\nmarkets = [\"btc_usd\"]\n";
    std::fs::write(exchange.folder.path().join("my.toml"), text).unwrap();
    exchange.json(&BUY);
    exchange.json(&["sell", "bch_usd", "--amount", "1", "--price", "140", "--yes"]);
    let ran = exchange.run(&["panic", "--config", "my.toml", "--no-watch"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("cancelling all orders of btc_usd"), "{}", ran.stdout);
    let words = ran.flat();
    assert!(words.contains("known orders are final (1)"), "{words}");
    assert!(words.contains("on other markets, and not cancelled: sell:"), "{words}");
    let left = exchange.run(&["orders"]).stdout;
    assert!(left.contains("bch_usd") && !left.contains("btc_usd"), "{left}");
    assert_eq!(exchange.run(&["panic"]).code, 2, "of what has to be said");
}

#[test]
fn panic_revokes_the_key_that_trades() {
    let exchange = Exchange::start();
    exchange.json(&BUY);
    let ran = exchange.run(&["panic", "--everything", "--no-watch", "--revoke-key", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(steps(&ran.stdout).contains(&"revoked".to_owned()), "{}", ran.stdout);
    let url = exchange.ready["url"].as_str().unwrap().to_owned();
    let asked = |name: &str| {
        let header = format!("Authorization: {}\r\n", exchange.key(name));
        exchange.http(&url, "GET", "/api/users/me", &header, "").0
    };
    assert_eq!((asked("trade"), asked("admin")), (401, 200));
}

#[test]
fn the_doctor_finds_nothing_wrong_with_a_fresh_exchange() {
    let exchange = Exchange::start();
    let ran = exchange.run(&["doctor"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stdout.contains("warn") && !ran.stdout.contains("FAIL"), "{}", ran.stdout);
    let checks = exchange.json(&["doctor"]);
    assert!(checks["checks"].as_array().unwrap().len() > 10, "{checks}");
}

/// Runs the doctor and gives its words; every failure says what to do.
fn failing(exchange: &Exchange, arguments: &[&str], words: &str) {
    let ran = exchange.run(&[&["doctor"], arguments].concat());
    assert_eq!(ran.code, 9, "{words}: {}{}", ran.stdout, ran.stderr);
    let flat = ran.flat();
    assert!(flat.contains(words), "{words} in {flat}");
    assert!(flat.contains("FAIL") && flat.contains("-> "), "{flat}");
}

#[test]
fn the_doctor_names_each_failure() {
    use std::os::unix::fs::PermissionsExt as _;
    let exchange = Exchange::start();
    exchange.faults(r#"[{"fault":"F33","mode":"ahead","endpoint":"*","probability":1.0}]"#);
    failing(&exchange, &[], "clock differs by");
    exchange.faults(r#"[{"fault":"F10","endpoint":"GET /orderbooks","probability":1.0}]"#);
    failing(&exchange, &[], "connection");
    exchange.faults(r#"[{"fault":"F12","mode":"revoked","endpoint":"GET /users/{id}","probability":1.0}]"#);
    failing(&exchange, &[], "does not know this key");
    exchange.faults("[]");
    let file = exchange.state().join("local/left-behind");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    failing(&exchange, &[], "chmod 600");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(exchange.folder.path().join("wrong.toml"), "[limits]\nmax_ordr = 1\n").unwrap();
    failing(&exchange, &["--config", "wrong.toml"], "config check wrong.toml");
    std::fs::set_permissions(exchange.state().join("local"), std::fs::Permissions::from_mode(0o755)).unwrap();
    failing(&exchange, &[], "chmod 700");
    std::fs::set_permissions(exchange.state().join("local"), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(exchange.run(&["doctor"]).code, 0);
}

#[test]
fn the_doctor_looks_at_limits_and_minimums_and_at_an_exchange_that_is_gone() {
    let mut exchange = Exchange::start();
    let text =
        "[[strategy]]\nname = \"sma-cross\"\nmarkets = [\"btc_usd\"]\n[limits]\nmax_order_value = \"100\"\n";
    std::fs::write(exchange.folder.path().join("my.toml"), text).unwrap();
    let ran = exchange.run(&["doctor", "--config", "my.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.flat().contains("not set: largest position, max_daily_loss, max_drawdown"), "{}", ran.stdout);
    assert!(ran.flat().contains("btc_usd: smallest buy 0.1 USD"), "{}", ran.stdout);
    exchange.kill();
    failing(&exchange, &[], "is gone");
}

#[test]
fn a_trading_key_that_can_take_the_money_is_warned_of() {
    let account = "[[accounts]]\nname = 'ana'\nbalances = ['100 USD', '1 BTC']\n\
                   [[accounts.keys]]\nname = 'trade'\npermissions = ['trading', 'get_balances', 'create_withdrawal']\n\
                   [[accounts.keys]]\nname = 'admin'\npermissions = ['api_keys']\n";
    let exchange = Exchange::with(account);
    let ran = exchange.run(&["doctor"]);
    let flat = ran.flat();
    assert!(flat.contains("whoever steals it takes the money"), "{flat}");
}

/// A process that does not outlive the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that receives events: itself, the lines it prints, and its address.
fn listening(exchange: &Exchange, count: &str) -> (Ended, Lines<BufReader<ChildStdout>>, String) {
    let arguments = ["webhooks", "listen", "--listen", "127.0.0.1:0", "--count", count, "--json"];
    let mut child = Ended(exchange.command(&arguments).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let url = first["listening"].as_str().unwrap().to_owned();
    (child, lines, url)
}

fn create_instruction(exchange: &Exchange, label: &str) {
    let field = "payment_method=domestic_bank";
    let ran = exchange.run(&["instructions", "create", "--label", label, "--field", field, "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn events_are_verified_and_shown_once() {
    let exchange = Exchange::start();
    let (mut child, mut lines, url) = listening(&exchange, "2");
    let address = url.strip_prefix("http://").unwrap();
    assert_eq!(http(address, "POST", "/", "WEBHOOK-AUTH: 00\r\n", "{}").0, 401, "a stranger");
    assert_eq!(http(address, "GET", "/", "", "").0, 405);
    let set = exchange.run(&["webhooks", "set", &format!("{url}/events")]);
    assert_eq!(set.code, 0, "{}", set.stderr);
    assert!(exchange.run(&["webhooks", "show"]).stdout.contains(&url));
    create_instruction(&exchange, "bank");
    let event: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(event["event"]["kind"], "withdrawal_instruction_created", "{event}");
    let payment = exchange.json(&["payments", "create", "25 USD", "--callback", &format!("{url}/payments")]);
    let payment = &payment["payment"];
    let (address, coins) =
        (payment["address"]["public_address"].as_str().unwrap(), payment["expected"].as_str().unwrap());
    exchange.admin("/coins", &format!(r#"{{"address":"{address}","amount":"{coins}"}}"#));
    let told = lines.next().unwrap().unwrap();
    for key in ["read", "trade", "funds", "admin"] {
        assert!(!told.contains(&exchange.key(key)[..20]), "the key of the callback is not shown");
    }
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["payment"]["id"], payment["id"], "{told}");
    assert!(child.0.wait().unwrap().success());
}

/// Takes one delivery of the exchange and answers 200: its header as a line, and its body.
fn taken(listener: &TcpListener) -> (String, String) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut auth, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim().split_once(": ") {
            Some((name, _)) if name.eq_ignore_ascii_case("webhook-auth") => auth = line,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    (auth, String::from_utf8(body).unwrap())
}

#[test]
fn an_event_that_is_repeated_after_a_restart_is_not_shown_again() {
    let exchange = Exchange::start();
    let wire = TcpListener::bind("127.0.0.1:0").unwrap();
    let set = exchange.run(&["webhooks", "set", &format!("http://{}/", wire.local_addr().unwrap())]);
    assert_eq!(set.code, 0, "{}", set.stderr);
    let events = ["first", "second"].map(|label| {
        create_instruction(&exchange, label);
        taken(&wire)
    });
    // One process is shown the first and ends; the next is sent both.
    for (sent, shown) in [(&events[..1], "first"), (&events[..], "second")] {
        let (mut child, mut lines, url) = listening(&exchange, "1");
        for (auth, body) in sent {
            let answer = http(url.strip_prefix("http://").unwrap(), "POST", "/", auth, body);
            assert_eq!(answer.0, 200, "{}", answer.1);
        }
        let told = lines.next().unwrap().unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["event"]["subject"]["withdrawal_instruction"]["label"], shown, "{told}");
        assert!(child.0.wait().unwrap().success());
        assert!(lines.next().is_none(), "nothing else is shown");
    }
}
