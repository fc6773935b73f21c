//! The emergency stop where the process that traded is gone: what only its journal knows.
#![cfg(all(feature = "live", feature = "sandbox"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};

use pampero_model::{Span, Timestamp};
use pampero_store::journal::Journal;
use serde_json::Value;
use support::exchange::Exchange;

/// Quotes both sides far from the market, so that nothing is executed.
fn exchange() -> Exchange {
    Exchange::start().with_maker(
        "order_quantity = '0.02'\nhalf_spread = '0.01'\ninterval = '500ms'",
        "[limits]\nmax_order_value = '500'\nmax_data_age = '30s'\n\
         [limits.markets.btc_usd]\nmax_order_notional = '500'\n",
    )
}

fn notes(exchange: &Exchange) -> Vec<Value> {
    let Ok(journal) = Journal::open_read_only(&exchange.state().join("local/journal.sqlite")) else {
        return Vec::new();
    };
    let sessions = journal.sessions().unwrap();
    let records = sessions.iter().flat_map(|session| journal.records(session.id, 0).unwrap());
    let payloads = records.map(|record| record.unwrap().payload);
    payloads.filter_map(|payload| serde_json::from_slice(&payload).ok()).collect()
}

/// Trades until both sides are in this state, and is killed.
fn killed_with(exchange: &Exchange, state: impl Fn(&Value) -> bool) {
    let log = std::fs::File::create(exchange.folder.path().join("log")).unwrap();
    let mut live = exchange.command(&["live", "maker.toml"]);
    let mut live = live.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while notes(exchange).iter().filter(|note| state(note)).count() < 2 {
        let log = || std::fs::read_to_string(exchange.folder.path().join("log")).unwrap();
        let ended = live.try_wait().unwrap();
        assert!(ended.is_none() && began.elapsed() < Duration::from_mins(1), "{ended:?} {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
    live.kill().unwrap();
    live.wait().unwrap();
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_nanos(since.as_nanos().try_into().unwrap())
}

fn steps(exchange: &Exchange, arguments: &[&str]) -> Vec<Value> {
    let ran = exchange.run(&[&["panic", "--everything", "--no-watch", "--json"], arguments].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn step<'a>(steps: &'a [Value], name: &str) -> Option<&'a Value> {
    steps.iter().find(|step| step["step"] == name)
}

#[test]
fn orders_that_only_the_journal_names_are_seen_final() {
    let exchange = exchange();
    killed_with(&exchange, |note| note["note"] == "placed" && note["outcome"] == "acknowledged");
    // No list shows them any more, and to cancel them takes a while.
    exchange.faults(
        r#"[{"fault":"F20","count":0,"endpoint":"GET /orders","probability":1.0},
            {"fault":"F23","mode":"slow","ms":5000,"endpoint":"*","probability":1.0}]"#,
    );
    let steps = steps(&exchange, &[]);
    let verified = step(&steps, "verified").unwrap();
    assert_eq!(verified["facts"]["known_orders"], 2, "{steps:#?}");
    assert!(verified["elapsed_ms"].as_u64().unwrap() > 4_000, "{steps:#?}");
    assert!(
        exchange
            .truth()
            .iter()
            .filter(|order| order["user"].is_number())
            .all(|order| order["status"] == "cancelled")
    );
}

#[test]
fn an_order_of_unknown_fate_is_watched_for_as_long_as_it_may_appear() {
    let exchange = exchange();
    exchange.faults(
        r#"[{"fault":"F03","endpoint":"POST /bids","probability":1.0},
            {"fault":"F03","endpoint":"POST /asks","probability":1.0}]"#,
    );
    killed_with(&exchange, |note| note["note"] == "intent");
    let intents: Vec<Value> = notes(&exchange).into_iter().filter(|note| note["note"] == "intent").collect();
    let last: Timestamp = serde_json::from_value(intents.last().unwrap()["time"].clone()).unwrap();
    let watch = ["--watch", "12s"];
    let first = steps(&exchange, &watch);
    assert_eq!(step(&first, "watching").unwrap()["facts"]["uncertain"], intents.len(), "{first:#?}");
    assert!(now() >= last.plus(Span::from_secs(12)), "it was not waited for: {first:#?}");
    // By now they can appear no more.
    let second = steps(&exchange, &watch);
    assert_eq!(step(&second, "watching"), None, "{second:#?}");
}

#[test]
fn a_damaged_journal_is_said_and_holds_nothing_up() {
    let exchange = exchange();
    exchange.json(&["buy", "btc_usd", "--spend", "100", "--price", "3500", "--yes"]);
    let journal = exchange.state().join("local/journal.sqlite");
    std::fs::write(&journal, "this is no journal").unwrap();
    let steps = steps(&exchange, &[]);
    let words = step(&steps, "unreadable").unwrap()["words"].as_str().unwrap();
    assert!(words.contains("journal.sqlite") && words.contains("going on without"), "{words}");
    assert_eq!(step(&steps, "verified").unwrap()["facts"]["known_orders"], 1);
    assert_eq!(std::fs::read_to_string(&journal).unwrap(), "this is no journal", "nothing is written to it");
}
