//! Trading that was stopped stays stopped over a restart, and begins again when a person resumes it, whenever that is.
#![cfg(all(feature = "live", feature = "sandbox"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::fs::{self, OpenOptions};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use support::exchange::Exchange;

/// Quotes both sides, and moves its quotes all the time.
fn exchange() -> Exchange {
    Exchange::configured("requests_per_second = 0\nagents.speed = 600\n").with_maker(
        "order_quantity = '0.02'\nhalf_spread = '0.001'\ninterval = '300ms'\nmin_change = '0.0001'",
        "[strategy.allocation]\nusd = '10000'\nbtc = '1'\n\
         [limits]\nmax_order_value = '500'\n[limits.markets.btc_usd]\nmax_order_notional = '500'\n",
    )
}

fn log(exchange: &Exchange) -> String {
    fs::read_to_string(exchange.folder.path().join("log")).unwrap()
}

fn start(exchange: &Exchange, mode: &str) -> Child {
    let file = OpenOptions::new().create(true).append(true).open(exchange.folder.path().join("log")).unwrap();
    let mut command = exchange.command(&[mode, "maker.toml"]);
    command.stdout(file.try_clone().unwrap()).stderr(file).stdin(Stdio::null()).spawn().unwrap()
}

/// Waits until something holds while a process goes on.
fn until(exchange: &Exchange, process: &mut Child, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        let runs = process.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_mins(1);
        assert!(runs, "{}", log(exchange));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kill(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

/// A start is refused, and says why; after a person has resumed it trades.
fn stays_stopped_until_resumed(exchange: &Exchange, reason: &str) {
    let refused = exchange.run(&["live", "maker.toml"]);
    assert_eq!(refused.code, 6, "{}{}", refused.stdout, log(exchange));
    assert!(refused.stderr.contains("halted") && refused.stderr.contains(reason), "{}", refused.stderr);
    let before = exchange.truth().len();
    assert_eq!(exchange.run(&["resume", "--reason", "looked at it"]).code, 0);
    let mut live = start(exchange, "live");
    until(exchange, &mut live, || exchange.truth().len() > before);
    kill(live);
}

#[test]
fn by_a_person_who_resumes_while_nothing_runs() {
    let exchange = exchange();
    let mut live = start(&exchange, "live");
    until(&exchange, &mut live, || !exchange.truth().is_empty());
    assert_eq!(exchange.run(&["halt", "--reason", "a drill"]).code, 0);
    until(&exchange, &mut live, || log(&exchange).contains("trading is halted (operator)"));
    kill(live);
    stays_stopped_until_resumed(&exchange, "a drill");
}

#[test]
fn by_execution_that_finds_an_order_twice() {
    let exchange = exchange();
    exchange.faults(r#"[{"fault":"F18","endpoint":"POST /bids","on":[1]}]"#);
    let mut live = start(&exchange, "live");
    until(&exchange, &mut live, || log(&exchange).contains("trading is halted"));
    kill(live);
    stays_stopped_until_resumed(&exchange, "");
}

#[test]
fn on_paper_too() {
    let exchange = exchange();
    let mut paper = start(&exchange, "paper");
    until(&exchange, &mut paper, || log(&exchange).contains("Ctrl-C"));
    assert_eq!(exchange.run(&["halt", "--paper", "--reason", "a drill"]).code, 0);
    until(&exchange, &mut paper, || log(&exchange).contains("trading is halted (operator)"));
    kill(paper);
    assert_eq!(exchange.run(&["paper", "maker.toml"]).code, 6);
    assert_eq!(exchange.run(&["resume", "--paper", "--reason", "looked at it"]).code, 0);
    let mut paper = start(&exchange, "paper");
    until(&exchange, &mut paper, || log(&exchange).contains("sold") || log(&exchange).contains("bought"));
    kill(paper);
}
