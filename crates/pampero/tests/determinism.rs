//! The same command gives the same result.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::pampero;

fn twice(arguments: &[&str]) {
    let [first, second] = [pampero(arguments).json(), pampero(arguments).json()];
    assert_eq!(first["orders_hash"], second["orders_hash"]);
    assert_eq!(first["summary"], second["summary"]);
    assert_eq!(first["inputs"], second["inputs"]);
    assert_eq!(first["fills"], second["fills"]);
}

#[test]
fn a_run_repeats_itself() {
    twice(&["backtest", "--json"]);
}

#[test]
fn a_run_with_drawn_latencies_repeats_itself_and_follows_its_seed() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/market-maker.toml");
    twice(&["backtest", file, "--json"]);
    let one = pampero(&["backtest", file, "--json"]).json();
    let other = pampero(&["backtest", file, "--seed", "2", "--json"]).json();
    assert_ne!(one["orders_hash"], other["orders_hash"]);
}

#[test]
fn runs_at_once_do_not_disturb_each_other() {
    twice(&["backtest", "--fill", "all", "--json"]);
}
