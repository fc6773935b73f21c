//! Selling everything: in pieces that the gateway lets through, on paper too, and what it says while it has to wait.
#![cfg(all(feature = "live", feature = "sandbox"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use support::exchange::Exchange;

/// Quotes both sides far from the market. What it holds is worth three of its largest orders.
fn exchange() -> Exchange {
    Exchange::configured("requests_per_second = 0\nagents.speed = 60\n").with_maker(
        "order_quantity = '0.02'\nhalf_spread = '0.01'\ninterval = '500ms'",
        "[limits]\nmax_data_age = '30s'\n[limits.markets.btc_usd]\nmax_order_notional = '1500'\n\
         [live]\nquarantine = '2s'\nghost_horizon = '20s'\n",
    )
}

/// A session that is killed if the test fails before it ends it.
struct Session {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Session {
    /// Starts to trade, and waits until the account was compared.
    fn start(exchange: &Exchange, rung: &str) -> Self {
        let mut command = exchange.command(&[rung, "maker.toml", "--json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut session = Self { child, lines };
        session.until(if rung == "live" { "reconciled" } else { "started" });
        session
    }

    /// Reads on until an event of this kind.
    fn until(&mut self, event: &str) -> Value {
        loop {
            let line: Value = serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap();
            if line["event"] == event {
                return line;
            }
        }
    }

    fn end(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.until("stopped");
        self.child.wait().unwrap();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the account holds, up to dust: what is executed is cut off after eight decimals.
fn held(exchange: &Exchange, currency: &str) -> i64 {
    let balances = exchange.json(&["balances", "--all"]);
    let list = balances["balances"].as_array().unwrap();
    let found = list.iter().find(|balance| balance["currency"] == currency).unwrap();
    let total: pampero_model::Quantity = found["total"].as_str().unwrap().parse().unwrap();
    total.units() / 10
}

#[test]
fn everything_is_sold_in_pieces_and_again_after_a_resume() {
    let exchange = exchange();
    let session = Session::start(&exchange, "live");
    let flat = exchange.run(&["flatten", "--wait", "60s", "--reason", "test"]);
    assert_eq!(flat.code, 0, "{}{}", flat.stdout, flat.stderr);
    assert_eq!(held(&exchange, "btc"), 0);
    let sells =
        exchange.truth().into_iter().filter(|order| order["user"].is_number() && order["side"] == "sell");
    assert!(sells.filter(|order| order["status"] == "completed").count() >= 3, "{:#?}", exchange.truth());
    assert_eq!(exchange.run(&["resume", "--reason", "test"]).code, 0);
    assert_eq!(exchange.run(&["flatten", "--wait", "60s"]).code, 0, "a second time");
    session.end();
}

#[test]
fn on_paper_it_says_when_it_is_done_too() {
    let exchange = exchange();
    let session = Session::start(&exchange, "paper");
    let flat = exchange.run(&["flatten", "--paper", "--wait", "60s"]);
    assert_eq!(flat.code, 0, "{}{}", flat.stdout, flat.stderr);
    session.end();
}

#[test]
fn it_says_which_order_it_waits_for_and_until_when() {
    let exchange = exchange();
    let mut session = Session::start(&exchange, "live");
    // The first sale is lost on its way.
    exchange.faults(r#"[{"fault":"F08","status":502,"endpoint":"POST /asks","probability":1.0}]"#);
    let late = exchange.run(&["flatten", "--wait", "5s"]);
    assert_eq!(late.code, 1, "{}{}", late.stdout, late.stderr);
    let words = "was sent, and nobody knows whether it arrived; reads of the exchange decide that, and at ";
    assert!(late.stderr.contains("nothing is sold on btc_usd yet: order "), "{}", late.stderr);
    assert!(late.stderr.contains(words) && late.stderr.contains("once that is decided"), "{}", late.stderr);
    let said = session.until("flatten_waits");
    assert_eq!(said["market"], "btc_usd");
    // Asking again takes nothing back.
    let again = exchange.run(&["flatten", "--wait", "3s", "--json"]);
    let object: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((again.code, &object["sold"]), (1, &Value::Bool(false)));
    assert_eq!(object["schema"], "pampero.flatten/1");
    assert_eq!(object["waits_for"][0]["until"], said["until"], "{object}");
    exchange.faults("[]");
    let flat = exchange.run(&["flatten", "--wait", "90s"]);
    assert_eq!(flat.code, 0, "{}{}", flat.stdout, flat.stderr);
    assert_eq!(held(&exchange, "btc"), 0);
    session.end();
}
