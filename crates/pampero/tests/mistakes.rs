//! Whatever a person mistypes, forgets or loses: the command says what is wrong, and what to do about it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::{folder, pampero_in, saw};

const CANDLES: &str = "timestamp,open,high,low,close,volume\n";
const CONFIG: &str = "[run]\nreport_currency = \"usd\"\n[[strategy]]\nname = \"sma-cross\"\nmarkets = [\"btc_usd\"]\n\
                      [account]\nusd = \"100\"\n[backtest]\ndata = [\"saw.csv\"]\n";

/// A mistake a line: the words after `pampero`.
const MISTAKES: &[&str] = &[
    // The command line itself.
    "bcktest",
    "backtest --no-such-flag",
    "backtest a.toml b.toml",
    "backtest --from yesterday",
    "backtest --fill perfect",
    "backtest --set fast",
    "backtest --cash USD",
    "backtest --seed many",
    "completions powershel",
    "resume",
    "data generate --candles",
    // Names that there are not.
    "backtest --strategy sma-cros",
    "backtest --set fats=5",
    "backtest --set fast=0",
    "backtest --set fast=x",
    "explain sharp",
    "config explain limits.max_drawdwn",
    "backtest --data sample:synthetic_btc_arx",
    "check lookahead --strategy sma-cros",
    // Files that are not there, or hold something else.
    "backtest nowhere.toml",
    "backtest saw.csv",
    "backtest a-folder",
    "backtest wrong.toml",
    "config check wrong.toml",
    "config check nowhere.toml",
    "check all nowhere.toml",
    "backtest --strategy sma-cross --cash USD=100 --data nowhere.csv",
    "backtest --strategy sma-cross --cash USD=100 --data empty.csv",
    "backtest --strategy sma-cross --cash USD=100 --data unnamed.csv",
    "backtest --strategy sma-cross --cash USD=100 --data words.csv",
    "backtest --strategy sma-cross --cash USD=100 --data late.csv",
    "backtest --strategy sma-cross --cash USD=100 --data twice.csv",
    "backtest --strategy sma-cross --cash USD=100 --data torn.parquet",
    "backtest right.toml --from 2030-01-01",
    "backtest right.toml --out full",
    "backtest right.toml --html nowhere/report.html",
    "report nowhere",
    "report full",
    "compare nowhere full",
    "data verify nowhere.csv",
    "data import words.csv --market btc_usd",
    "data resample saw.csv --to 7x --out more.csv",
    // Projects.
    "new match",
    "new full",
    "new other --source full",
    // Without an exchange, a key, a session or a limit.
    "balances",
    "orders --url http://127.0.0.1:1",
    "balances --env sandbox",
    "balances --env production --url http://127.0.0.1:1",
    "market btc_usd",
    "buy btc_usd --price 3500",
    "buy btc_usd --spend much --price 3500",
    "sell btc_usd --amount 0 --price 3500",
    "cancel 5035",
    "cancel-all",
    "withdraw btc --amount 1",
    "keys create --permissions everything --show",
    "doctor",
    "paper right.toml",
    "paper nowhere.toml",
    "live right.toml",
    "live right.toml --env production",
    "rehearse right.toml --env production",
    "watchdog right.toml",
    "data fetch btc_usd",
    "data record btc_usd --for 1s",
    "replay 7",
    "drift local:7",
    "export 7",
    "explain buy:5035",
    "orders --state saw.csv",
    "halt --state open-to-all --reason trying",
    // The local exchange.
    "sandbox --listen 203.0.113.1:80",
    "sandbox --listen everywhere",
    "sandbox --faults nowhere.toml",
    "sandbox --faults wrong.toml",
    "sandbox wrong.toml",
    "sandbox --state words.csv",
];

#[test]
fn every_mistake_is_answered_with_what_to_do() {
    let late = format!("{CANDLES}1704067200,1,2,1,1,5\n1704074400,1,2,1,1,5\n1704070800,1,2,1,1,5\n");
    let twice = format!("{CANDLES}1704067200,1,2,1,1,5\n1704067200,1,2,1,1,5\n");
    let words = format!("{CANDLES}1704067200,1,2,1,x,5\n");
    let folder = folder(&[
        ("saw.csv", &saw(60, 20)),
        ("right.toml", CONFIG),
        ("wrong.toml", "[run]\nseeed = 1\n"),
        ("empty.csv", ""),
        ("unnamed.csv", "name,age\nAna,5\n"),
        ("words.csv", &words),
        ("late.csv", &late),
        ("twice.csv", &twice),
        ("torn.parquet", "PAR1 and no more"),
    ]);
    for name in ["a-folder", "full", "open-to-all"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("full/notes.txt"), "mine").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path().join("open-to-all"), open).unwrap();
    }
    let mut unanswered = Vec::new();
    for mistake in MISTAKES {
        let ran = pampero_in(folder.path(), &mistake.split(' ').collect::<Vec<_>>());
        // What the reader of arguments refuses says it in its own words.
        let answered = ["help: ", "try '--help'"].iter().any(|words| ran.stderr.contains(words));
        let wrong = ran.code == 0 || ran.code == 70 || ran.code == 101 || !answered;
        if wrong || ran.stderr.contains("help: \n") || ran.stderr.trim_end().ends_with("help:") {
            unanswered
                .push(format!("pampero {mistake}\n  exit code {}\n{}{}", ran.code, ran.stdout, ran.stderr));
        }
        // For whoever wants to read them all: `cargo test -p pampero --test mistakes -- --nocapture`.
        println!("$ pampero {mistake}\n{}{}", ran.stdout, ran.stderr);
    }
    assert!(unanswered.is_empty(), "{}", unanswered.join("\n"));
    assert!(MISTAKES.len() > 60);
}
