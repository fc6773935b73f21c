//! The configuration is right, and its backtest ends as it did when it was last looked at.
#![cfg(feature = "cli")]

use std::path::Path;
use std::process::Command;

use pampero_testkit::expect_golden;

#[test]
fn the_configuration_is_right() {
    let mut strategies = pampero::builtin_strategies();
    strategies.push({{crate}}::definition());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(folder.join("pampero.toml")).unwrap();
    if let Err(mistakes) = pampero::check_configuration(&text, &strategies, folder) {
        panic!("{mistakes}");
    }
}

/// Every execution of the backtest. A change that is meant is accepted with `PAMPERO_ACCEPT=1 cargo test`, and stands
/// in the next commit as a difference to look at.
#[test]
fn the_backtest_ends_as_before() {
    let run = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
    let backtest = Command::new(env!("CARGO_BIN_EXE_{{name}}"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["backtest", "--out"])
        .arg(&run)
        .output()
        .unwrap();
    assert!(backtest.status.success(), "{}", String::from_utf8_lossy(&backtest.stderr));
    let fills = std::fs::read_to_string(run.join("fills.csv")).unwrap();
    expect_golden("tests/golden/fills.csv", &fills);
}
