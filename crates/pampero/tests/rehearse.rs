//! `pampero rehearse` against the local exchange: what it shows, what it finds, and what it leaves.
#![cfg(all(feature = "live", feature = "sandbox"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::exchange::Exchange;

const STEPS: [&str; 10] = [
    "compare",
    "place",
    "cancel",
    "partial_fill",
    "gate_limit",
    "gateway_cap",
    "halt",
    "restart",
    "reconcile",
    "stop",
];

fn exchange(more: &str) -> Exchange {
    Exchange::with(more).with_maker(
        "order_quantity = '0.01'\nhalf_spread = '0.01'\ntarget_position = '1'",
        "[limits.markets.btc_usd]\nmax_order_notional = '500'\n",
    )
}

/// The steps of the one market: name, whether it passed, what was seen.
fn steps(report: &Value) -> Vec<(&str, bool, &str)> {
    let steps = report["markets"][0]["report"]["steps"].as_array().unwrap().iter();
    let text = |step, key| Value::get(step, key).and_then(Value::as_str).unwrap();
    steps.map(|step| (text(step, "step"), step["passed"] == true, text(step, "seen"))).collect()
}

/// A rehearsal that fails: its report, and what was said of it.
fn failing(exchange: &Exchange) -> (Value, String) {
    let ran = exchange.run(&["rehearse", "maker.toml", "--patience", "8s", "--json"]);
    assert_eq!(ran.code, 9, "{}{}", ran.stdout, ran.stderr);
    (serde_json::from_str(&ran.stdout).unwrap(), ran.stderr)
}

/// Trades live until something was said, then stops. Gives all that was said.
fn live_until(exchange: &Exchange, what: &str) -> String {
    let mut live =
        exchange.command(&["live", "maker.toml", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let (mut said, mut lines) = (String::new(), BufReader::new(live.stdout.take().unwrap()).lines());
    while !said.contains(what) {
        said.push_str(&lines.next().expect("it ended by itself").unwrap());
    }
    let interrupted = Command::new("kill").args(["-INT", &live.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    said.extend(lines.map(Result::unwrap));
    assert_eq!(live.wait().unwrap().code(), Some(0), "{said}");
    said
}

fn own_orders(exchange: &Exchange) -> usize {
    exchange.truth().iter().filter(|order| order["user"].is_number()).count()
}

fn open_orders(exchange: &Exchange) -> usize {
    let open = |order: &&Value| !["cancelled", "completed"].contains(&order["status"].as_str().unwrap());
    exchange.truth().iter().filter(|order| order["user"].is_number()).filter(open).count()
}

#[test]
fn a_sound_exchange_passes_and_the_evidence_counts_and_live_trading_goes_on() {
    let exchange = exchange("");
    live_until(&exchange, "reconciled");
    let before = own_orders(&exchange);
    let ran = exchange.run(&["rehearse", "maker.toml", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["schema"], "pampero.rehearse/1");
    let steps = steps(&report);
    assert_eq!(steps.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), STEPS);
    assert!(steps.iter().all(|(_, passed, _)| *passed), "{steps:?}");
    assert!(steps[3].2.starts_with("0.0001 BTC of 0.0002 BTC sold to oneself"), "{steps:?}");
    assert!(steps[4].2.starts_with("MAX_ORDER_NOTIONAL"), "{steps:?}");
    assert!(steps[5].2.contains("and the cap is"), "{steps:?}");
    let residue = &report["markets"][0]["report"]["residue"];
    assert_eq!(residue.as_array().unwrap().len(), 2, "the two fees: {residue}");
    assert_eq!(residue[0]["units"], "-0.00000025");
    assert_eq!(open_orders(&exchange), 0);
    // One to place and cancel, two that met, one to halt on, two to die with: nothing twice, nothing that was refused.
    assert_eq!(own_orders(&exchange) - before, 6, "{:?}", exchange.truth());

    let journal = exchange.state().join("local/journal.sqlite");
    let journal = pampero_store::journal::Journal::open_read_only(&journal).unwrap();
    journal.verify().unwrap();
    let evidence = journal.evidence("market-maker").unwrap();
    assert_eq!(evidence.len(), 1, "{evidence:?}");
    assert_eq!((evidence[0].kind.as_str(), evidence[0].environment.as_str()), ("rehearsal", "local"));
    assert_eq!(evidence[0].parameters, report["evidence"][0]["parameters"].as_str().unwrap());

    // What the rehearsal traded is on nobody's account but the ledger's, and the latch is open again.
    let said = live_until(&exchange, "reconciled");
    assert!(said.contains("\"resumed\":true"), "{said}");
    assert!(!said.contains("ALARM") && !said.contains("difference"), "{said}");
}

#[test]
fn an_exchange_that_forgets_cancellations_fails_and_is_tidied_up() {
    let exchange = exchange("");
    exchange.faults(r#"[{"fault":"F23","endpoint":"POST /bids/{id}/cancel","probability":1}]"#);
    let (report, said) = failing(&exchange);
    let steps = steps(&report);
    let (name, passed, seen) = steps.last().unwrap();
    assert_eq!((*name, *passed), ("cancel", false), "{steps:?}");
    assert!(seen.starts_with("waited 8 s for the cancellation: order "), "{seen}");
    assert!(said.contains("failed at cancel"), "{said}");
    assert_eq!(report["evidence"], Value::Array(Vec::new()));
    assert_eq!(open_orders(&exchange), 0, "all at once was not forgotten");
    assert_eq!(report["markets"][0]["report"]["open"], Value::Array(Vec::new()));
}

#[test]
fn an_order_that_the_exchange_places_twice_is_found_and_both_are_cancelled() {
    let exchange = exchange("");
    // The fifth buy is the one whose answer the rehearsal loses.
    exchange.faults(r#"[{"fault":"F18","endpoint":"POST /bids","on":[5]}]"#);
    let (report, _) = failing(&exchange);
    let steps = steps(&report);
    let (name, passed, seen) = steps.last().unwrap();
    assert_eq!((*name, *passed), ("restart", false), "{steps:?}");
    assert!(seen.contains("twice") || seen.contains("2 times") || seen.contains("not ours"), "{seen}");
    assert_eq!(open_orders(&exchange), 0);
}

#[test]
fn what_stands_in_the_way_is_said_before_anything_is_placed() {
    let exchange = exchange("");
    let rehearse = |more: &[&str]| {
        let arguments: Vec<&str> = ["rehearse", "maker.toml"].iter().chain(more).copied().collect();
        let ran = exchange.run(&arguments);
        (ran.code, ran.stderr)
    };
    let (code, said) = rehearse(&["--env", "production"]);
    assert_eq!(code, 2);
    assert!(said.contains("--env sandbox"), "{said}");
    exchange.json(&["buy", "btc_usd", "--spend", "100", "--price", "3400", "--yes"]);
    let (code, said) = rehearse(&[]);
    assert_eq!(code, 9);
    assert!(said.contains("1 of the account's orders"), "{said}");
    exchange.json(&["cancel-all", "--everything"]);
    exchange.run(&["halt", "--reason", "a look"]);
    let (code, said) = rehearse(&[]);
    assert_eq!(code, 6);
    assert!(said.contains("a look"), "{said}");
    // The exchange takes its time with what it said it would cancel.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while open_orders(&exchange) > 0 && std::time::Instant::now() < until {}
    assert_eq!(open_orders(&exchange), 0);
}

#[test]
fn an_account_without_money_is_told_how_much_is_wanted() {
    let exchange = exchange(
        "[[accounts]]\nname = 'demo'\nbalances = ['0.00015 BTC', '100 USD']\n[[accounts.keys]]\nname = 'trade'\nwrite = true\n",
    );
    let ran = exchange.run(&["rehearse", "maker.toml"]);
    assert_eq!(ran.code, 9, "{}", ran.stderr);
    assert!(ran.stderr.contains("0.00015 BTC free"), "{}", ran.stderr);
    assert!(ran.stderr.contains("needs 0.0002 BTC"), "{}", ran.stderr);
}
