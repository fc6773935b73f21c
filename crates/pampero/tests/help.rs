//! The help texts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::pampero;

#[test]
fn every_help_fits_eighty_columns() {
    for command in [
        "",
        "backtest",
        "data",
        "data import",
        "data list",
        "data verify",
        "data resample",
        "data generate",
        "data fetch",
        "data record",
        "config",
        "config check",
        "config schema",
        "config explain",
        "explain",
        "strategies",
        "report",
        "compare",
    ] {
        for flag in ["-h", "--help"] {
            let arguments: Vec<&str> = command.split_whitespace().chain([flag]).collect();
            let ran = pampero(&arguments);
            assert_eq!(ran.code, 0);
            let wide: Vec<_> = ran.stdout.lines().filter(|line| line.chars().count() > 80).collect();
            assert!(wide.is_empty(), "{command}: {wide:?}");
        }
    }
}

#[test]
fn of_the_program() {
    insta::assert_snapshot!(pampero(&["--help"]).stdout);
}

#[test]
fn of_the_backtest() {
    insta::assert_snapshot!(pampero(&["backtest", "-h"]).stdout);
}

#[test]
fn of_data_and_configuration() {
    insta::assert_snapshot!("data", pampero(&["data", "-h"]).stdout);
    insta::assert_snapshot!("config", pampero(&["config", "-h"]).stdout);
}
