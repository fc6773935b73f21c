//! The program without a command: where one stands, and what to type next.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::fs;

use support::{folder, pampero_in, wide_lines};

const CONFIGURATION: &str = "[run]\nreport_currency = \"usd\"\n\n[[strategy]]\nname = \"sma-cross\"\nmarkets = \
                             [\"btc_usd\"]\n\n[account]\nusd = \"1000\"\n";

#[test]
fn in_an_empty_folder_it_says_the_first_command() {
    let folder = folder(&[]);
    let ran = pampero_in(folder.path(), &[]);
    assert_eq!((ran.code, wide_lines(&ran.stdout)), (0, Vec::<String>::new()));
    let next = ran.stdout.split("Next:").nth(1).unwrap();
    assert!(next.trim_start().starts_with("pampero new my-strategy "), "{}", ran.stdout);
    let json = pampero_in(folder.path(), &["--json"]).json();
    assert_eq!(json["schema"], "pampero.ladder/1");
    assert_eq!(json["configuration"], serde_json::Value::Null);
    assert_eq!(json["rungs"].as_array().unwrap().len(), 8);
    assert_eq!(json["next"][0]["command"], "pampero new my-strategy");
    // Looking leaves nothing behind.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_configuration_that_is_wrong_comes_first() {
    let folder = folder(&[("pampero.toml", "[run]\nseeed = 1\n")]);
    let json = pampero_in(folder.path(), &["--json"]).json();
    assert_eq!(
        (&json["configuration"], &json["next"][0]["command"]),
        (&"pampero.toml".into(), &"pampero config check".into())
    );
    assert_eq!(pampero_in(folder.path(), &["config", "check"]).code, 3);
}

#[test]
fn a_kept_run_is_the_first_rung() {
    let folder = folder(&[("pampero.toml", CONFIGURATION)]);
    let json = pampero_in(folder.path(), &["--json"]).json();
    assert_eq!(json["title"], "sma-cross on btc_usd (pampero.toml)");
    assert_eq!(json["next"][0]["command"], "pampero backtest --out runs/first");
    assert_eq!(json["rungs"][1]["done"], false);
    fs::create_dir_all(folder.path().join("runs/first")).unwrap();
    fs::write(folder.path().join("runs/first/report.json"), "{}").unwrap();
    let json = pampero_in(folder.path(), &["--json"]).json();
    assert_eq!(
        (&json["rungs"][1]["done"], &json["rungs"][1]["what"]),
        (&true.into(), &"one run kept in runs/".into())
    );
    assert!(json["next"][0]["command"].as_str().unwrap().starts_with("pampero "), "{json}");
    let ran = pampero_in(folder.path(), &[]);
    assert_eq!(wide_lines(&ran.stdout), Vec::<String>::new());
}

#[test]
fn a_command_does_not_take_the_option_of_the_ladder() {
    let folder = folder(&[]);
    assert_eq!(pampero_in(folder.path(), &["--json", "strategies"]).code, 2);
}

#[cfg(all(feature = "live", feature = "sandbox"))]
mod with_journals {
    use super::support::exchange::Exchange;
    use super::{CONFIGURATION, fs};

    #[test]
    fn sessions_that_ran_are_rungs_that_are_done() {
        let exchange = Exchange::start();
        let folder = exchange.folder.path();
        let configuration = format!(
            "{CONFIGURATION}\n[limits]\nmax_order_value = \"100\"\n[limits.markets.btc_usd]\nmax_order_notional = \"100\"\n"
        );
        fs::write(folder.join("pampero.toml"), configuration).unwrap();
        fs::create_dir_all(folder.join("runs/first")).unwrap();
        fs::write(folder.join("runs/first/report.json"), "{}").unwrap();
        let look = || {
            let ran = exchange.run(&["--json"]);
            let json = ran.json();
            let done = json["rungs"].as_array().unwrap().iter().filter(|rung| rung["done"] == true).count();
            (done, json["next"][0]["command"].as_str().unwrap().to_owned())
        };
        assert_eq!(look(), (2, "pampero paper --for 10m".to_owned()));
        assert_eq!(exchange.run(&["paper", "--for", "1s"]).code, 0);
        assert_eq!(look(), (3, "pampero live".to_owned()));
        let live = exchange.run(&["live", "--for", "1s"]);
        assert_eq!(live.code, 0, "{}", live.stderr);
        assert_eq!(look(), (4, "pampero paper --env production --for 24h".to_owned()));
        let ran = exchange.run(&[]);
        assert!(ran.stdout.contains("0 min of 24 h, 0 of 20 executions"), "{}", ran.stdout);
    }
}
