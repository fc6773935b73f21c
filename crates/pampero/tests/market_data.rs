//! Importing, listing, verifying, resampling and generating market data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::{folder, pampero_in, saw};

#[test]
fn data_goes_into_the_catalogue_once() {
    let folder = folder(&[("saw.csv", &saw(100, 20))]);
    let import = ["data", "import", "saw.csv", "--market", "bitex:btc_ars", "--json"];
    let first = pampero_in(folder.path(), &import).json();
    assert_eq!(first["imported"][0]["added"], 100);
    let again = pampero_in(folder.path(), &import).json();
    assert_eq!(again["imported"][0]["added"], 0);
    assert_eq!(again["imported"][0]["days_changed"], 0);
    let list = pampero_in(folder.path(), &["data", "list"]).stdout;
    insta::assert_snapshot!(
        list.lines().map(|line| line.split_at(line.len().min(60)).0).collect::<Vec<_>>().join("\n")
    );
    let json = pampero_in(folder.path(), &["data", "list", "--json"]).json();
    assert_eq!(json["series"][0]["rows"], 100);
    assert_eq!(json["series"][0]["span"], "1h");
    let verified = pampero_in(folder.path(), &["data", "verify", "--root", "data", "--json"]).json();
    assert_eq!(verified["reports"][0]["clean"], true);
}

#[test]
fn a_hole_is_reported() {
    let whole = saw(100, 20);
    let holed: Vec<&str> = whole
        .lines()
        .enumerate()
        .filter(|(line, _)| !(30..33).contains(line))
        .map(|(_, line)| line)
        .collect();
    let folder = folder(&[("holed.csv", &holed.join("\n"))]);
    let ran = pampero_in(folder.path(), &["data", "verify", "holed.csv"]);
    assert!(ran.stdout.contains("gaps: 1, 3 candles missing"), "{}", ran.stdout);
}

#[test]
fn candles_are_resampled() {
    let folder = folder(&[("saw.csv", &saw(96, 20))]);
    let arguments = ["data", "resample", "saw.csv", "--to", "1d", "--out", "day.csv", "--json"];
    assert_eq!(pampero_in(folder.path(), &arguments).json()["rows"], 4);
    let text = std::fs::read_to_string(folder.path().join("day.csv")).unwrap();
    assert!(text.contains("2024-01-01T00:00:00Z,1000,"), "{text}");
}

#[test]
fn a_generated_market_says_that_it_is_synthetic_wherever_it_goes() {
    let folder = folder(&[]);
    for out in ["a.parquet", "b.parquet", "c.csv"] {
        let generate = ["data", "generate", "--seed", "7", "--buckets", "300", "--out", out];
        assert_eq!(pampero_in(folder.path(), &generate).code, 0);
    }
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(read("a.parquet"), read("b.parquet"));
    for data in ["a.parquet", "c.csv"] {
        let ran = pampero_in(
            folder.path(),
            &["backtest", "--data", data, "--strategy", "sma-cross", "--cash", "ARS=100000"],
        );
        assert!(ran.stdout.starts_with("sma-cross on bitex:btc_ars\n"), "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("SYNTHETIC DATA"), "{}", ran.stdout);
    }
}

#[test]
fn files_without_a_market_need_one() {
    let folder = folder(&[("saw.csv", &saw(10, 5))]);
    let ran = pampero_in(folder.path(), &["data", "import", "saw.csv"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--market"), "{}", ran.stderr);
}
