//! All mistakes of a configuration are told at once, each with its line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::{folder, pampero_in};

const MISREAD: &str = r#"[run]
report_currency = "ars"
time_zome = "UTC"

[[strategy]]
name = "sma-cross"
markets = "btc_ars"
[strategy.limits]
max_drawdown = "10 %"

[account]
ars = "-5"

[limits]
max_daily_loss = 0.123456789

[limits.markets.btc_ars]
max_positon = "1"

[backtest]
data = ["sample:synthetic_btc_ars_1h"]
fill = "perfect"

[backtest.latency]
order = { min = "400ms", max = "100ms" }
"#;

const SENSELESS: &str = r#"[run]
report_currency = "usd"
time_zone = "America/Bunos_Aires"

[[strategy]]
name = "sma-cros"
markets = ["btc_ars"]

[[strategy]]
name = "sma-cross"
markets = ["btc_ars"]
[strategy.parameters]
fast = 40
[strategy.allocation]
ars = "200"

[account]
ars = "100"
clp = "7"

[limits]
max_fills = 3
allowed_markets = ["btc_usd"]

[backtest]
data = ["missing.csv"]
from = "2024-02-01"
to = "2024-01-01"
"#;

fn mistakes(text: &str) -> String {
    let folder = folder(&[("run.toml", text)]);
    let check = pampero_in(folder.path(), &["config", "check", "run.toml"]);
    assert_eq!((check.code, check.stdout.as_str()), (3, ""));
    let run = pampero_in(folder.path(), &["backtest", "run.toml"]);
    assert_eq!((run.code, &run.stderr), (3, &check.stderr), "a run tells the same");
    check.stderr
}

#[test]
fn values_that_cannot_be_read() {
    insta::assert_snapshot!(mistakes(MISREAD));
}

#[test]
fn values_that_make_no_sense_together() {
    insta::assert_snapshot!(mistakes(SENSELESS));
}

#[test]
fn a_currency_that_nothing_values() {
    let text = "[run]\nreport_currency = \"usd\"\n[[strategy]]\nname = \"sma-cross\"\nmarkets = [\"btc_ars\"]\n                [account]\nars = 5\n[backtest]\ndata = [\"sample:synthetic_btc_ars_1h\"]\n";
    insta::assert_snapshot!(mistakes(text));
}

#[test]
fn text_that_is_no_toml() {
    insta::assert_snapshot!(mistakes("[run\nseed = \n[account]\nars = \"1\n"));
}

#[test]
fn as_json_each_has_its_line() {
    let folder = folder(&[("run.toml", MISREAD)]);
    let ran = pampero_in(folder.path(), &["config", "check", "run.toml", "--json"]);
    assert_eq!(ran.code, 3);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["ok"], false);
    assert_eq!(json["problems"][0]["key"], "run.time_zome");
    assert_eq!(json["problems"][0]["line"], 3);
    assert_eq!(json["problems"].as_array().unwrap().len(), 8);
}

#[test]
fn mistakes_of_form_and_of_meaning_are_told_together() {
    let told = mistakes(
        "[run]\ntime_zone = \"Mars/Olympus\"\n[[strategy]]\nname = \"sma-crss\"\nmarkets = [\"btc_usd\"]\n\
         [account]\nusd = \"100\"\n[limits]\nmax_open_orders = -3\nmax_drawdwn = \"0.1\"\n",
    );
    for mistake in [
        "`Mars/Olympus` is not a time zone",
        "`sma-crss` is not a strategy",
        "`limits.max_open_orders` = `-3` is not of the expected form",
        "`max_drawdwn` is not a key of [limits]",
        "4 mistakes in run.toml",
    ] {
        assert!(told.contains(mistake), "{mistake}\n{told}");
    }
}
