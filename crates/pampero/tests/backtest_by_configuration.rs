//! A backtest given by a configuration.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::{folder, pampero, pampero_in, saw};

const CONFIG: &str = r#"
[run]
report_currency = "usd"
[[strategy]]
name = "sma-cross"
markets = ["btc_usd"]
[strategy.parameters]
fast = 4
slow = 9
[account]
usd = 10_000
[limits]
max_order_value = "50000.00"
[markets.btc_usd]
maker_fee = 0.001
taker_fee = "0.001"
[backtest]
data = ["saw.csv"]
"#;

#[test]
fn without_arguments_the_quickstart_runs_on_the_built_in_sample() {
    let ran = pampero(&["backtest"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("sma-cross on bitex:btc_ars\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("SYNTHETIC DATA"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("No limits"));
    let json = pampero(&["backtest", "--json"]).json();
    assert!(json["summary"]["round_trips"].as_u64().unwrap() >= 100, "{json}");
}

#[test]
fn the_market_maker_runs_on_the_real_sample() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/market-maker.toml");
    let json = pampero(&["backtest", file, "--json"]).json();
    assert!(json["summary"]["fills"].as_u64().unwrap() >= 20, "{json}");
    assert_eq!(json["summary"]["denied"], 0);
}

#[test]
fn data_is_relative_to_the_configuration() {
    let folder = folder(&[("a.toml", CONFIG), ("saw.csv", &saw(400, 40))]);
    let file = folder.path().join("a.toml");
    let json = pampero(&["backtest", file.to_str().unwrap(), "--json"]).json();
    assert_eq!(json["inputs"]["parameters"]["slow"], "9");
    assert!(json["summary"]["fills"].as_u64().unwrap() >= 8, "{json}");
}

#[test]
fn flags_override_the_configuration() {
    let folder = folder(&[("a.toml", CONFIG), ("saw.csv", &saw(400, 40))]);
    let run = |more: &[&str]| {
        let mut arguments = vec!["backtest", "a.toml", "--json"];
        arguments.extend(more);
        pampero_in(folder.path(), &arguments).json()
    };
    let plain = run(&[]);
    assert_eq!(run(&["--set", "fast=5"])["inputs"]["parameters"]["fast"], "5");
    assert_eq!(run(&["--seed", "9"])["inputs"]["seed"], 9);
    assert_eq!(run(&["--fee", "0"])["summary"]["fees"], "0");
    assert_ne!(plain["summary"]["fees"], "0");
    assert_ne!(run(&["--cash", "USD=500"])["summary"]["final_equity"], plain["summary"]["final_equity"]);
    assert_ne!(run(&["--seed", "9"])["inputs"]["config_hash"], plain["inputs"]["config_hash"]);
}

#[test]
fn limits_deny_as_they_would_in_live_trading() {
    let strict = CONFIG.replace("50000.00", "100");
    let folder = folder(&[("a.toml", &strict), ("saw.csv", &saw(400, 40))]);
    let json = pampero_in(folder.path(), &["backtest", "a.toml", "--json"]).json();
    assert_eq!(json["summary"]["fills"], 0);
    assert!(json["summary"]["denied"].as_u64().unwrap() > 0, "{json}");
    let ran = pampero_in(folder.path(), &["backtest", "a.toml"]);
    assert!(ran.stdout.contains("MAX_ORDER_VALUE"), "{}", ran.stdout);
}

#[test]
fn two_strategies_share_the_account() {
    let two = CONFIG.replace(
        "[account]",
        "[strategy.allocation]\nusd = \"4000\"\n[[strategy]]\nname = \"sma-cross\"\nmarkets = [\"btc_usd\"]\n         [strategy.parameters]\nfast = 6\nslow = 12\n[strategy.allocation]\nusd = \"5000\"\n[account]",
    );
    let folder = folder(&[("a.toml", &two), ("saw.csv", &saw(400, 40))]);
    let json = pampero_in(folder.path(), &["backtest", "a.toml", "--json"]).json();
    assert_eq!(json["inputs"]["strategy"], "sma-cross#1,sma-cross#2");
    assert_eq!(json["inputs"]["parameters"]["sma-cross#2.slow"], "12");
}
