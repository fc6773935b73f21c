//! The help texts. What holds of every one of them is tested beside the command line itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::pampero;

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
