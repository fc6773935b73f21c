//! Each strategy's own configuration on the data that ships: the same orders and statistics as when it was accepted.
//!
//! A change that is meant to change them is accepted with `PAMPERO_ACCEPT=1 cargo test -p pampero --test golden`; the
//! difference then stands in the commit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use serde_json::{Value, json};
use support::pampero;

/// Statistics are floating point and may differ in the last digits between machines; everything else is exact.
fn agrees(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        _ => found == expected,
    }
}

fn golden(strategy: &str) {
    let folder = format!("{}/../../strategies/{strategy}", env!("CARGO_MANIFEST_DIR"));
    let result = pampero(&["backtest", &format!("{folder}/config.toml"), "--json"]).json();
    let found = json!({ "summary": result["summary"], "orders_hash": result["orders_hash"] });
    let file = format!("{folder}/golden.json");
    if std::env::var_os("PAMPERO_ACCEPT").is_some() {
        std::fs::write(&file, format!("{found:#}\n")).unwrap();
    }
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let statistics = expected["summary"].as_object().unwrap();
    assert_eq!(found["summary"].as_object().unwrap().len(), statistics.len());
    for (name, value) in statistics {
        assert!(
            agrees(&found["summary"][name], value),
            "{name}: {} instead of {value}",
            found["summary"][name]
        );
    }
    assert_eq!(found["orders_hash"], expected["orders_hash"]);
    assert!(expected["summary"]["fills"].as_u64().unwrap() >= 20, "too few fills to say anything");
}

#[test]
fn sma_cross() {
    golden("sma-cross");
}

#[test]
fn market_maker() {
    golden("market-maker");
}

#[test]
fn mean_reversion() {
    golden("mean-reversion");
}

#[test]
fn grid() {
    golden("grid");
}

#[test]
fn dca() {
    golden("dca");
}

#[test]
fn twap() {
    golden("twap");
}

#[test]
fn cross_market() {
    golden("cross-market");
}
