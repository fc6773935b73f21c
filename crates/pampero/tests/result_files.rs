//! The files that a backtest writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::fs;

use support::pampero_in;

#[test]
fn orders_fills_equity_and_report_are_written_and_repeat_themselves() {
    let folder = tempfile::tempdir().unwrap();
    for out in ["a", "b"] {
        assert_eq!(pampero_in(folder.path(), &["backtest", "--out", out]).code, 0);
    }
    let json = pampero_in(folder.path(), &["backtest", "--json"]).json();
    let lines = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap().lines().count() as u64;
    assert_eq!(Some(lines("a/orders.csv") - 1), json["summary"]["orders"].as_u64());
    assert_eq!(Some(lines("a/fills.csv") - 1), json["summary"]["fills"].as_u64());
    for name in [
        "orders.csv",
        "fills.csv",
        "trades.csv",
        "equity.csv",
        "report.txt",
        "report.json",
        "equity.svg",
        "report.html",
        "record.gz",
    ] {
        let read = |out: &str| fs::read(folder.path().join(out).join(name)).unwrap();
        assert_eq!(read("a"), read("b"), "{name}");
    }
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("a/report.json")).unwrap()).unwrap();
    assert_eq!(report["orders_hash"], json["orders_hash"]);
}

#[test]
fn a_folder_of_other_files_is_left_alone() {
    let folder = support::folder(&[("mine.txt", "keep")]);
    let ran = pampero_in(folder.path(), &["backtest", "--out", "."]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("not empty"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(folder.path().join("mine.txt")).unwrap(), "keep");
}
