//! A backtest given by flags alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::{folder, pampero_in, saw};

const ARGUMENTS: [&str; 11] = [
    "backtest",
    "--data",
    "saw.csv",
    "--strategy",
    "sma-cross",
    "--market",
    "btc_usd",
    "--cash",
    "USD=1000000",
    "--fee",
    "0.001",
];

#[test]
fn it_prints_a_report_that_says_there_are_no_limits() {
    let folder = folder(&[("saw.csv", &saw(400, 40))]);
    let ran = pampero_in(folder.path(), &ARGUMENTS);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.starts_with("sma-cross on bitex:btc_usd\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("No limits: given by flags alone"), "{}", ran.stdout);
    // The last line is a command to copy.
    let wide = |line: &&str| line.chars().count() > 80 && !line.starts_with("Again:");
    assert_eq!(ran.stdout.lines().find(wide), None);
}

#[test]
fn the_market_follows_from_the_cash_if_nothing_else_says_it() {
    let folder = folder(&[("saw.csv", &saw(400, 40))]);
    let ran = pampero_in(
        folder.path(),
        &["backtest", "--data", "saw.csv", "--strategy", "sma-cross", "--cash", "CLP=1000000"],
    );
    assert!(ran.stdout.starts_with("sma-cross on bitex:btc_clp\n"), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("No market was named"));
}

#[test]
fn parameters_and_inventory_are_taken() {
    let folder = folder(&[("saw.csv", &saw(400, 40))]);
    let mut arguments = ARGUMENTS.to_vec();
    arguments.extend(["--set", "fast=3", "--set", "slow=6", "--cash", "BTC=0.5", "--json"]);
    let json = pampero_in(folder.path(), &arguments).json();
    assert_eq!(json["inputs"]["parameters"]["fast"], "3");
    assert_eq!(json["inputs"]["parameters"]["slow"], "6");
    let fills = json["summary"]["fills"].as_u64().unwrap();
    assert!(fills >= 8, "{json}");
}

#[test]
fn several_files_are_bound_to_their_markets() {
    let text = saw(400, 40);
    let folder = folder(&[("a.csv", &text), ("b.csv", &text)]);
    let ran = pampero_in(
        folder.path(),
        &[
            "backtest",
            "--data",
            "btc_ars=a.csv",
            "--data",
            "eth_ars=b.csv",
            "--strategy",
            "sma-cross",
            "--market",
            "btc_ars",
            "--cash",
            "ARS=1000",
        ],
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("sma-cross on bitex:btc_ars\n"), "{}", ran.stdout);
}

#[test]
fn a_range_of_time_is_kept() {
    let folder = folder(&[("saw.csv", &saw(400, 40))]);
    let mut arguments = ARGUMENTS.to_vec();
    arguments.extend(["--from", "2024-01-03", "--to", "2024-01-05T12:00:00Z", "--json"]);
    assert_eq!(pampero_in(folder.path(), &arguments).json()["summary"]["events"], 60);
}
