//! The JSON object of a backtest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::pampero;

#[test]
fn it_is_one_object_with_the_promised_keys() {
    let json = pampero(&["backtest", "--json"]).json();
    assert_eq!(json["schema"], "pampero.backtest/1");
    for key in [
        "events",
        "orders",
        "fills",
        "round_trips",
        "final_equity",
        "return",
        "max_drawdown",
        "sharpe",
        "fees",
        "denied",
    ] {
        assert!(!json["summary"][key].is_null(), "{key} of {json}");
    }
    for key in ["config_hash", "data_hash", "strategy", "parameters", "seed", "version"] {
        assert!(!json["inputs"][key].is_null(), "{key} of {json}");
    }
    assert!(json["summary"]["final_equity"].is_string(), "money is text");
    assert!(json["summary"]["return"].is_number());
    assert_eq!(json["orders_hash"].as_str().unwrap().len(), 64);
    let timing = &json["timing"];
    let (run, events) =
        (timing["run_seconds"].as_f64().unwrap(), json["summary"]["events"].as_f64().unwrap());
    let rate = timing["events_per_second"].as_f64().unwrap();
    assert!((rate * run - events).abs() < 1.0, "{json}");
    assert!(timing["load_seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn nothing_else_is_printed() {
    let ran = pampero(&["backtest", "--json"]);
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.stdout.lines().count(), 1);
}

#[test]
fn all_presets_stand_beside_the_main_one() {
    let json = pampero(&["backtest", "--fill", "all", "--json"]).json();
    let fills = json["fills"].as_object().unwrap();
    let presets: Vec<_> = fills.keys().map(String::as_str).collect();
    assert_eq!(presets, ["conservative", "neutral", "optimistic"]);
    assert_eq!(fills["conservative"], json["summary"], "the configured preset is the main one");
    assert_ne!(fills["optimistic"]["fills"], json["summary"]["fills"]);
    let alone = pampero(&["backtest", "--fill", "optimistic", "--json"]).json();
    assert_eq!(alone["summary"], fills["optimistic"]);
}

#[test]
fn the_comparison_is_printed_as_a_table() {
    let ran = pampero(&["backtest", "--fill", "all"]);
    let table = ran.stdout.split("Fill presets compared").nth(1).unwrap();
    assert!(table.contains("conservative") && table.contains("Final equity"), "{table}");
}
