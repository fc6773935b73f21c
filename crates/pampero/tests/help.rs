//! The help texts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::pampero;

#[test]
fn every_help_fits_eighty_columns() {
    for command in [
        "",
        "backtest",
        "check",
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

/// Every command that talks to an exchange.
#[cfg(feature = "live")]
const ACCOUNT: [&str; 42] = [
    "runs",
    "replay",
    "export",
    "drift",
    "whoami",
    "balances",
    "market",
    "ticker",
    "candles",
    "transactions",
    "orders",
    "trades",
    "movements",
    "buy",
    "sell",
    "cancel",
    "cancel-all",
    "deposits",
    "withdrawals",
    "instructions",
    "instructions list",
    "instructions create",
    "instructions delete",
    "withdraw",
    "payments",
    "payments list",
    "payments create",
    "payments show",
    "payments watch",
    "payments pos",
    "webhooks",
    "webhooks show",
    "webhooks set",
    "webhooks listen",
    "bots list",
    "bots create",
    "bots cancel",
    "keys list",
    "keys create",
    "keys revoke",
    "panic",
    "doctor",
];

#[cfg(feature = "live")]
#[test]
fn every_account_command_has_examples_and_exit_codes_in_eighty_columns() {
    for command in ACCOUNT {
        let arguments: Vec<&str> = command.split_whitespace().chain(["-h"]).collect();
        let ran = pampero(&arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let wide: Vec<_> = ran.stdout.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{command}: {wide:?}");
        if ["instructions", "payments", "webhooks"].contains(&command) {
            continue; // its commands have them
        }
        let examples = ran.stdout.split("Examples:").nth(1).unwrap_or_default();
        assert!(examples.matches("\n  pampero ").count() >= 2, "{command}: {examples}");
        assert!(examples.contains("Exit codes:"), "{command}");
    }
}

#[cfg(feature = "live")]
#[test]
fn of_orders_by_hand_and_the_emergency_stop() {
    insta::assert_snapshot!("buy", pampero(&["buy", "-h"]).stdout);
    insta::assert_snapshot!("panic", pampero(&["panic", "-h"]).stdout);
    insta::assert_snapshot!("doctor", pampero(&["doctor", "-h"]).stdout);
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
