//! `kill -9` at every named place and at any moment. `cargo xtask prove` does it 300 times, and wants to see every fault
//! strike and every place come up.
//!
//! `PAMPERO_KILLS` sets how many kills there are in all; `PAMPERO_LANES` how many exchanges run beside each other.
#![allow(missing_docs)] // test code

use pampero_tests::kills::{Settings, run};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn killed_anywhere_no_order_is_lost_or_doubled_and_both_books_are_the_same() {
    let settings = Settings {
        program: env!("CARGO_BIN_EXE_prove").into(),
        kills: number("PAMPERO_KILLS", 72),
        lanes: number("PAMPERO_LANES", 12),
    };
    let report = run(&settings);
    println!("{report:#?}");
    assert!(report.failures.is_empty(), "see above");
    assert!(report.kills >= settings.kills && report.orders >= 20 && report.fills > 0);
}
