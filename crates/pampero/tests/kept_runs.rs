//! Runs that were kept, and what is made of them again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::fs;

use support::{pampero, pampero_in};

#[test]
fn a_kept_run_gives_the_same_reports_again() {
    let folder = tempfile::tempdir().unwrap();
    let kept = pampero_in(folder.path(), &["backtest", "--out", "run", "--json"]).json();
    assert_eq!(pampero_in(folder.path(), &["report", "run", "--html", "again.html"]).code, 0);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("again.html"), read("run/report.html"));
    let printed = pampero_in(folder.path(), &["report", "run"]);
    assert_eq!(printed.stdout, read("run/report.txt"));
    assert!(printed.stdout.lines().all(|line| line.chars().count() <= 80 || line.starts_with("Again: ")));
    let again = pampero_in(folder.path(), &["report", "run", "--json"]).json();
    for field in ["summary", "orders_hash", "inputs"] {
        assert_eq!(again[field], kept[field], "{field}");
    }
}

#[test]
fn the_page_alone_is_written_without_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let ran = pampero_in(folder.path(), &["backtest", "--html", "page.html", "--json"]);
    ran.json();
    assert!(ran.stderr.contains("wrote page.html"), "{}", ran.stderr);
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("SYNTHETIC DATA") && page.contains("pampero backtest</pre>"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn presets_that_were_compared_stay_with_the_run() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(pampero_in(folder.path(), &["backtest", "--fill", "all", "--out", "run"]).code, 0);
    let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    for preset in ["conservative", "neutral", "optimistic"] {
        assert!(page.contains(&format!("class=\"number\">{preset}</th>")), "{preset}");
    }
}

#[test]
fn what_is_no_run_is_named() {
    let none = pampero(&["report", "nowhere"]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("nowhere") && none.stderr.contains("backtest --out"), "{}", none.stderr);
    let folder = support::folder(&[("record.gz", "no gzip")]);
    let broken = pampero_in(folder.path(), &["report", "."]);
    assert_eq!(broken.code, 1);
    assert!(broken.stderr.contains("record.gz"), "{}", broken.stderr);
}

#[test]
fn the_same_run_twice_compares_as_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for out in ["a", "b"] {
        assert_eq!(pampero_in(folder.path(), &["backtest", "--out", out]).code, 0);
    }
    let compared = pampero_in(folder.path(), &["compare", "a", "b"]);
    assert_eq!(compared.code, 0, "{}{}", compared.stdout, compared.stderr);
    assert!(compared.stdout.contains("The same"), "{}", compared.stdout);
}

#[test]
fn another_parameter_is_named_with_the_order_where_the_runs_part() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(pampero_in(folder.path(), &["backtest", "--out", "a"]).code, 0);
    assert_eq!(pampero_in(folder.path(), &["backtest", "--set", "fast=12", "--out", "b"]).code, 0);
    let compared = pampero_in(folder.path(), &["compare", "a", "b"]);
    assert_eq!(compared.code, 10);
    assert!(compared.stderr.is_empty(), "{}", compared.stderr);
    for told in
        ["parameter fast: 10 in A, 12 in B", "where the runs part", "Round trips that differ", "--all"]
    {
        assert!(compared.stdout.contains(told), "{told}: {}", compared.stdout);
    }
    assert!(compared.stdout.lines().all(|line| line.chars().count() <= 80), "{}", compared.stdout);
    let json = pampero_in(folder.path(), &["compare", "a", "b", "--json"]);
    assert_eq!(json.code, 10);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["same"], false);
    assert_eq!(json["inputs"][0], serde_json::json!({"name": "parameter fast", "a": "10", "b": "12"}));
    // Before the runs part there is no difference: every order is the same, or listed once for each run it is in.
    let listed =
        |run: &str| json["orders"].as_array().unwrap().iter().filter(|order| !order[run].is_null()).count();
    let orders = |run: &str| {
        fs::read_to_string(folder.path().join(run).join("orders.csv")).unwrap().lines().count() - 1
    };
    let same = usize::try_from(json["same_orders"].as_u64().unwrap()).unwrap();
    assert_eq!([same + listed("a"), same + listed("b")], [orders("a"), orders("b")]);
}
