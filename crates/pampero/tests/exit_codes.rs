//! Each kind of failure has its exit code and says what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::{folder, pampero, pampero_in, saw};

#[test]
fn each_kind_of_failure_has_its_code() {
    let folder = folder(&[
        ("saw.csv", &saw(60, 20)),
        ("wrong.toml", "[run]\nseeed = 1\n"),
        ("bad.csv", "timestamp,open,high,low,close,volume\n1704067200,1,2,1,x,5\n"),
    ]);
    let code = |arguments: &[&str]| pampero_in(folder.path(), arguments).code;
    assert_eq!(code(&["backtest", "--no-such-flag"]), 2);
    assert_eq!(code(&["backtest", "--data", "saw.csv", "--strategy", "sma-cros", "--cash", "USD=1"]), 2);
    assert_eq!(code(&["backtest", "--data", "saw.csv", "--strategy", "sma-cross"]), 2);
    assert_eq!(
        code(&[
            "backtest",
            "--data",
            "saw.csv",
            "--strategy",
            "sma-cross",
            "--cash",
            "USD=1",
            "--set",
            "fast=0"
        ]),
        2
    );
    assert_eq!(code(&["backtest", "wrong.toml"]), 3);
    assert_eq!(code(&["backtest", "nowhere.toml"]), 1);
    assert_eq!(code(&["backtest", "--data", "nowhere.csv", "--strategy", "sma-cross", "--cash", "USD=1"]), 1);
    assert_eq!(code(&["backtest", "--data", "bad.csv", "--strategy", "sma-cross", "--cash", "USD=1"]), 4);
    assert_eq!(code(&["backtest", "--from", "2030-01-01"]), 4);
    assert_eq!(code(&["--version"]), 0);
}

#[test]
fn help_lists_the_codes() {
    assert!(pampero(&["--help"]).stdout.contains("70  Pampero contradicts itself"));
}

#[test]
fn bad_data_is_named_by_file_line_and_column() {
    let folder = folder(&[("bad.csv", "timestamp,open,high,low,close,volume\n1704067200,1,2,1,x,5\n")]);
    let ran = pampero_in(
        folder.path(),
        &["backtest", "--data", "bad.csv", "--strategy", "sma-cross", "--cash", "USD=1"],
    );
    for part in ["bad.csv", "line 2", "`close`", "`x`"] {
        assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
    }
    assert_eq!(ran.stdout, "");
}

#[test]
fn what_may_have_been_meant_is_said() {
    let said = |arguments: &[&str], hint: &str| {
        let ran = pampero(arguments);
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    };
    said(&["backtest", "--strategy", "sma-corss"], "did you mean `sma-cross`?");
    said(&["backtest", "--set", "fats=5"], "did you mean `fast`?");
    said(&["explain", "sharp"], "did you mean `sharpe`?");
    said(&["config", "explain", "limits.max_drawdwn"], "did you mean `limits.max_drawdown`?");
    said(
        &["backtest", "--data", "sample:synthetic_btc_ars", "--cash", "ARS=1", "--strategy", "sma-cross"],
        "synthetic_btc_ars_1h",
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::{Command, Stdio};
    let binary = assert_cmd::cargo::cargo_bin!("pampero");
    let mut child =
        Command::new(binary).arg("explain").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
}
