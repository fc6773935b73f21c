//! What every command prints for people: within 80 columns whatever the numbers, without escape codes where nobody sees
//! colours, and without a question where nobody answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code
#![cfg(all(feature = "live", feature = "sandbox"))]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use support::exchange::Exchange;
use support::{Ran, pampero, wide_lines};

/// A rich account in a market of long prices.
const RICH: &str = "
requests_per_second = 0
agents.enabled = true
agents.step = '1d'
funding_delay = '300ms'
[[accounts]]
name = 'demo'
balances = ['98765432109.12345678 USD', '1234567.12345678 BTC', '9876543210987.65432109 PYG']
[[accounts.keys]]
name = 'read'
write = false
[[accounts.keys]]
name = 'trade'
permissions = ['trading', 'get_balances']
[[accounts.keys]]
name = 'funds'
permissions = ['fund_account', 'create_withdrawal', 'get_withdrawal', 'get_balances', 'payments']
[[accounts.keys]]
name = 'admin'
write = true
";

/// Limits that let large orders through.
const LIMITS: &str = "
[[strategy]]
name = 'sma-cross'
markets = ['btc_pyg']
[limits]
max_order_value = '99999999999999'
[account]
pyg = '1'
[backtest]
data = ['none.csv']
";

fn check(arguments: &[&str], ran: &Ran) {
    let lines: Vec<String> = wide_lines(&ran.stdout).into_iter().filter(|line| !may_be_wide(line)).collect();
    assert!(lines.is_empty(), "{arguments:?}: {lines:#?}");
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains('\u{1b}'), "{arguments:?}: {text:?}");
    }
}

/// A word that cannot be broken, such as an address, and the command that makes a report again, which is to be copied.
fn may_be_wide(line: &str) -> bool {
    line.starts_with("Again: ") || line.split_whitespace().any(|word| word.chars().count() > 60)
}

struct Told<'a> {
    exchange: &'a Exchange,
    /// The first words of the commands that were tried.
    tried: BTreeSet<String>,
}

impl Told<'_> {
    fn run(&mut self, arguments: &[&str]) -> Ran {
        self.tried.extend(arguments.first().map(|word| (*word).to_owned()));
        let ran = self.exchange.run(arguments);
        check(arguments, &ran);
        ran
    }

    fn done(&mut self, commands: &[&[&str]]) {
        for arguments in commands {
            let ran = self.run(arguments);
            assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        }
    }

    /// What would ask a person says how it can be told instead, and does nothing.
    fn unconfirmed(&mut self, arguments: &[&str], instead: &str) {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 8, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(instead), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn every_command_fits_the_terminal_and_asks_nobody() {
    let exchange = Exchange::configured(RICH);
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/bitex-maker.toml");
    std::fs::copy(config, exchange.folder.path().join("maker.toml")).unwrap();
    std::fs::write(exchange.folder.path().join("large.toml"), LIMITS).unwrap();
    let mut told = Told { exchange: &exchange, tried: BTreeSet::new() };
    without_an_exchange(&mut told);
    questions(&mut told);
    the_account(&mut told);
    trading(&mut told);

    let missing: Vec<String> = commands().into_iter().filter(|name| !told.tried.contains(name)).collect();
    assert!(missing.is_empty(), "try {missing:?} here too");
}

/// Every command that the help lists, but for those that run until they are stopped, or print a script.
fn commands() -> Vec<String> {
    let help = pampero(&["--help"]).stdout;
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().map(|line| line.split_whitespace().next().unwrap().to_owned());
    names
        .filter(|name| !["sandbox", "watch", "watchdog", "completions", "help"].contains(&name.as_str()))
        .collect()
}

fn without_an_exchange(told: &mut Told<'_>) {
    told.done(&[
        &[],
        &["backtest", "--fill", "all", "--out", "a"],
        &["backtest", "--strategy", "sma-cross", "--set", "fast=5", "--cash", "ARS=98765432109.12345678"],
        &["backtest", "--strategy", "sma-cross", "--set", "fast=5", "--out", "b"],
        &["report", "a"],
        &["check", "lookahead"],
        &["data", "generate", "--help"],
        &["data", "list"],
        &["config", "check", "maker.toml"],
        &["config", "explain", "limits.max_order_value"],
        &["explain"],
        &["explain", "sharpe"],
        &["explain", "PRICE_COLLAR"],
        &["strategies"],
        &["runs"],
    ]);
    assert_eq!(told.run(&["compare", "a", "b"]).code, 10);
    assert_eq!(told.run(&["new"]).code, 2);
}

fn questions(told: &mut Told<'_>) {
    for arguments in [
        &["buy", "btc_usd", "--spend", "100", "--price", "3500"] as &[&str],
        &["sell", "btc_usd", "--amount", "0.1", "--price", "3700"],
        &["bots", "create", "btc_usd", "--spend", "100"],
        &["instructions", "create", "--label", "b", "--field", "payment_method=domestic_bank"],
        &["withdraw", "0.01 BTC", "--to", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"],
        &["keys", "create", "--permissions", "trading", "--to", "more"],
    ] {
        told.unconfirmed(arguments, "--yes");
    }
    assert!(told.exchange.truth().is_empty());
}

fn the_account(told: &mut Told<'_>) {
    let large = ["--config", "large.toml", "--yes"];
    let order = |words: &[&'static str]| [words, &large].concat();
    told.done(&[
        &order(&["buy", "btc_pyg", "--spend", "12345678901.12345678", "--price", "21000000.12345678"]),
        &order(&["sell", "btc_pyg", "--amount", "1234.12345678", "--price", "22900000.12345678"]),
        &order(&["sell", "btc_pyg", "--amount", "0.12345678", "--market", "--bound", "0.02"]),
        &["whoami"],
        &["balances"],
        &["market", "btc_pyg"],
        &["ticker"],
        &["candles", "btc_pyg"],
        &["transactions", "btc_pyg", "--hours", "24"],
        &["orders"],
        &["trades"],
        &["movements"],
        &["deposits"],
        &["deposits", "--how"],
        &["withdrawals"],
        &["instructions", "list"],
        &["payments", "create", "25 USD", "--keep", "0.1"],
        &["payments", "list"],
        &["webhooks", "show"],
        &["bots", "list"],
        &["keys", "list"],
    ]);
    let sold = told.exchange.truth();
    let order = sold.iter().find(|order| order["status"] == "executing").expect("an order on the book");
    let key = format!("{}:{}", order["side"].as_str().unwrap(), order["id"]);
    told.done(&[&["orders", &key], &["cancel", &key], &["cancel-all", "--everything"], &["doctor"]]);
}

fn trading(told: &mut Told<'_>) {
    told.done(&[
        &["paper", "maker.toml", "--for", "2s"],
        &["live", "maker.toml", "--for", "4s"],
        &["rehearse", "maker.toml"],
        &["runs"],
        &["replay", "local:1"],
        &["drift", "local:1"],
        &["drift", "local:1", "--fill", "conservative"],
        &[
            "halt",
            "--reason",
            "a long reason, so long that it cannot stand beside everything else on one line",
        ],
        &["resume", "--reason", "looked at it"],
        &["flatten", "--reason", "the end of the day"],
        &["panic", "--everything", "--no-watch"],
        &["resume", "--reason", "that was a drill"],
    ]);
    // For programs, and as wide as its columns.
    assert_eq!(told.exchange.run(&["export", "local:1", "--what", "orders"]).code, 0);
    told.tried.insert("export".to_owned());
}
