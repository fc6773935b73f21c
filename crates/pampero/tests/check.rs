//! `pampero check`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::{folder, pampero, pampero_in, saw};

#[test]
fn the_quickstart_passes_all_checks() {
    let ran = pampero(&["check", "all", "--to", "2023-03-01"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stdout);
    for (line, name) in lines.iter().zip(["lookahead", "warmup", "determinism"]) {
        assert!(line.starts_with(&format!("{name}: nothing found (")), "{line}");
    }
}

#[test]
fn every_strategy_that_ships_looks_only_at_the_past() {
    for strategy in ["mean-reversion", "grid", "dca"] {
        let file = format!("{}/../../strategies/{strategy}/config.toml", env!("CARGO_MANIFEST_DIR"));
        let ran = pampero(&["check", "lookahead", &file, "--to", "2023-03-01"]);
        assert_eq!(ran.code, 0, "{strategy}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("nothing found"), "{strategy}: {}", ran.stdout);
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../strategies/twap/config.toml");
    let ran = pampero(&["check", "lookahead", file, "--to", "2025-03-25T23:07:30Z"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../strategies/cross-market/config.toml");
    let ran = pampero(&["check", "lookahead", file, "--to", "2023-01-01T00:40:00Z"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn what_is_found_has_an_exit_code_and_an_explanation() {
    // Cost averaging counts from when it was started, and declares no warm-up.
    let folder = folder(&[("saw.csv", &saw(300, 20))]);
    let arguments = [
        "check",
        "warmup",
        "--strategy",
        "dca",
        "--data",
        "saw.csv",
        "--cash",
        "USD=10000",
        "--set",
        "every=7h",
    ];
    let ran = pampero_in(folder.path(), &arguments);
    assert_eq!(ran.code, 9, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("warmup: FAILED\n"), "{}", ran.stdout);
    let words: Vec<&str> = ran.stdout.split_whitespace().collect();
    assert!(words.join(" ").ends_with("or the strategy counts from when it was started"), "{}", ran.stdout);
    let advice = "help: state a longer `warm_up` in its requirements, or keep less of the past\n";
    assert_eq!(ran.stderr, format!("error: dca: warmup failed\n{advice}"));
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn as_json_each_check_has_its_result() {
    let folder = folder(&[("saw.csv", &saw(200, 20))]);
    let json = |strategy: &str, check: &str| {
        let arguments =
            ["check", check, "--strategy", strategy, "--data", "saw.csv", "--cash", "USD=10000", "--json"];
        pampero_in(folder.path(), &arguments)
    };
    let all = json("sma-cross", "all").json();
    assert_eq!((&all["strategy"], &all["ok"]), (&"sma-cross".into(), &true.into()));
    assert_eq!(all["checks"].as_array().unwrap().len(), 3);
    assert_eq!(all["checks"][0]["check"], "lookahead");
    assert!(all["checks"][0]["orders"].as_u64().unwrap() >= 5, "{all}");
    // A market maker sees no book here and asks for nothing.
    let none = json("market-maker", "lookahead").json();
    assert_eq!(none["checks"][0]["result"], "nothing_to_check");
    assert_eq!(json("sma-cross", "nonsense").code, 2);
}
