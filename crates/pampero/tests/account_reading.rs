//! The commands that only look, against a running `pampero sandbox`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code
#![cfg(all(feature = "live", feature = "sandbox"))]

mod support;

use support::exchange::Exchange;
use support::pampero;

#[test]
fn each_command_answers_in_words_and_in_json() {
    let exchange = Exchange::start();
    let commands: &[(&[&str], &str, &str)] = &[
        (&["whoami"], "user", "demo@example.com"),
        (&["balances"], "balances", "currency"),
        (&["market", "btc_usd"], "market", "best bid"),
        (&["ticker"], "tickers", "btc_uyu"),
        (&["ticker", "btc_usd"], "tickers", "btc_usd"),
        (&["candles", "btc_usd", "--span", "4h"], "candles", "begins (UTC)"),
        (&["transactions", "btc_usd", "--hours", "24"], "transactions", "time (UTC)"),
        (&["orders"], "orders", "no own orders"),
        (&["trades", "--days", "3"], "trades", "no own executions"),
        (&["movements"], "movements", "nothing moved"),
        (&["deposits"], "deposits", "no deposits"),
        (&["deposits", "--how"], "how", "to be sold at once"),
        (&["withdrawals"], "withdrawals", "no withdrawals"),
        (&["instructions", "list"], "instructions", "no withdrawal instructions"),
        (&["payments", "list"], "payments", "no payments"),
        (&["webhooks", "show"], "webhook", "events go nowhere"),
        (&["bots", "list"], "bots", "no bots"),
        (&["keys", "list"], "keys", "api_keys"),
    ];
    for (command, name, words) in commands {
        let ran = exchange.run(command);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{command:?}");
        assert!(ran.stdout.contains(words), "{command:?}: {}", ran.stdout);
        let wide: Vec<_> = ran.stdout.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{command:?}: {wide:?}");
        let json = exchange.json(command);
        assert!(!json[name].is_null(), "{command:?}: {json}");
    }
}

#[test]
fn balances_are_exact_texts() {
    let exchange = Exchange::start();
    let json = exchange.json(&["balances"]);
    assert_eq!(
        json["balances"][1],
        serde_json::json!({"currency": "usd", "total": "10000", "available": "10000", "locked": "0"})
    );
    insta::assert_snapshot!(exchange.run(&["balances"]).stdout);
}

#[test]
fn what_there_is_not_is_said() {
    let exchange = Exchange::start();
    let ran = exchange.run(&["market", "btc_eur"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    let ran = exchange.run(&["orders", "buy:999999", "--json"]);
    assert_eq!(ran.code, 5);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["error"]["code"], "not_found");
    assert!(ran.stderr.contains("there is no order buy:999999"), "{}", ran.stderr);
    assert_eq!(exchange.run(&["orders", "5035"]).code, 2);
    let ran = exchange.run(&["candles", "btc_usd", "--span", "90m"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--span 4h"), "{}", ran.stderr);
}

#[test]
fn without_a_local_exchange_the_way_to_one_is_said() {
    let ran = pampero(&["balances"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("start one with `pampero sandbox`"), "{}", ran.stderr);
    let mut exchange = Exchange::start();
    let word = exchange.state().join("local/sandbox.json");
    assert!(word.exists());
    exchange.kill();
    let ran = exchange.run(&["balances"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("is gone: nothing listens at"), "{}", ran.stderr);
}

#[test]
fn the_word_of_an_exchange_goes_with_it_and_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut exchange = Exchange::start();
    let word = exchange.state().join("local/sandbox.json");
    assert_eq!(std::fs::metadata(&word).unwrap().permissions().mode() & 0o777, 0o600);
    exchange.end();
    assert!(!word.exists());
}

#[test]
fn an_address_finds_an_exchange_without_its_keys() {
    let exchange = Exchange::start();
    let url = exchange.ready["url"].as_str().unwrap().to_owned();
    let elsewhere = exchange.folder.path().join("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    let ran = exchange.run(&["ticker", "btc_usd", "--url", &url, "--state", elsewhere]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = exchange.run(&["balances", "--url", &url, "--state", elsewhere]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("PAMPERO_LOCAL_READ_KEY"), "{}", ran.stderr);
    assert_eq!(exchange.run(&["balances", "--url", &url, "--env", "sandbox"]).code, 2);
    assert_eq!(exchange.run(&["balances", "--url", "http://example.com"]).code, 2);
}

#[test]
fn keys_come_from_variables_files_and_commands() {
    use std::os::unix::fs::PermissionsExt as _;
    let exchange = Exchange::start();
    let url = exchange.ready["url"].as_str().unwrap().to_owned();
    let state = exchange.folder.path().join("other");
    let arguments = ["balances", "--url", &url, "--state", state.to_str().unwrap()];
    let code = |change: &dyn Fn(&mut std::process::Command)| {
        let mut command = exchange.command(&arguments);
        change(&mut command);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(
        code(&|command| {
            command.env("PAMPERO_LOCAL_READ_KEY", exchange.key("read"));
        })
        .0,
        0
    );
    let file = exchange.folder.path().join("key");
    std::fs::write(&file, exchange.key("trade")).unwrap();
    let ask = format!("/bin/cat {}", file.display());
    assert_eq!(
        code(&|command| {
            command.env("PAMPERO_LOCAL_TRADE_KEY_COMMAND", &ask);
        })
        .0,
        0
    );
    let folder = exchange.folder.path().join("home/.config/pampero/keys/local");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("read"), exchange.key("read")).unwrap();
    std::fs::set_permissions(folder.join("read"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let (exit, words) = code(&|_| {});
    assert_eq!(exit, 3);
    assert!(words.contains("chmod 600"), "{words}");
    std::fs::set_permissions(folder.join("read"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(code(&|_| {}).0, 0);
}

#[test]
fn a_key_that_is_missing_is_explained_without_asking_anybody() {
    let exchange = Exchange::start();
    let ran = exchange.run(&["whoami", "--env", "production", "--json"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    for place in ["keys/production/read", "PAMPERO_PRODUCTION_READ_KEY", "pampero-production-read-key"] {
        assert!(ran.stderr.contains(place), "{place} in {}", ran.stderr);
    }
    assert!(ran.stdout.contains(r#""code":"no_key""#), "{}", ran.stdout);
}
