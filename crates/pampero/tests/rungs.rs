//! One configuration for every rung: what ships with each strategy is right, trades on paper, and trades live.
#![cfg(all(feature = "live", feature = "sandbox"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::exchange::Exchange;

const CONFIGURATIONS: [&str; 7] = [
    "strategies/sma-cross/config.toml",
    "strategies/mean-reversion/config.toml",
    "strategies/grid/config.toml",
    "strategies/dca/config.toml",
    "strategies/cross-market/config.toml",
    "strategies/twap/bitex.toml",
    // The market maker's.
    "config/bitex-maker.toml",
];

#[test]
fn every_strategy_climbs_the_ladder() {
    // Most of it is waiting, so all at once.
    std::thread::scope(|scope| {
        for configuration in CONFIGURATIONS {
            scope.spawn(move || climb(configuration));
        }
    });
}

fn climb(configuration: &str) {
    // Each has an account of its own: what one leaves is another's unknown.
    let exchange = Exchange::configured("requests_per_second = 0\nagents.speed = 60\n");
    let file = format!("{}/../../{configuration}", env!("CARGO_MANIFEST_DIR"));
    let checked = exchange.run(&["config", "check", &file]);
    assert_eq!(checked.code, 0, "{configuration}: {}", checked.stderr);
    for rung in ["paper", "live"] {
        let ran = exchange.run(&[rung, &file, "--for", "3s", "--json"]);
        assert_eq!(ran.code, 0, "{rung} {configuration}: {}{}", ran.stdout, ran.stderr);
        let said = |event: &str| ran.stdout.contains(&format!("\"event\":\"{event}\""));
        assert!(
            said("started") && said("stopped") && !said("alarm"),
            "{rung} {configuration}: {}",
            ran.stdout
        );
    }
}
