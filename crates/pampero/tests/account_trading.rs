//! Orders, withdrawals, bots, payments and keys against a running `pampero sandbox`, answers that are lost included.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code
#![cfg(all(feature = "live", feature = "sandbox"))]

mod support;

use serde_json::Value;
use support::exchange::Exchange;

fn buy(price: &str) -> Vec<&str> {
    vec!["buy", "btc_usd", "--spend", "100", "--price", price, "--yes"]
}

#[test]
fn an_order_by_hand_passes_the_gate_stands_and_is_cancelled() {
    let exchange = Exchange::start();
    let placed = exchange.json(&buy("3500"));
    let order = &placed["order"];
    assert_eq!(
        (order["side"].as_str(), order["size"]["quote"].as_str()),
        (Some("buy"), Some("100")),
        "{placed}"
    );
    assert!(placed["checks"].as_u64().unwrap() >= 24, "{placed}");
    let price: f64 = order["price"].as_str().unwrap().parse().unwrap();
    assert!(price <= 3500.0 && price > 3499.9999, "{price}");
    let id = format!("buy:{}", order["id"]);
    let listed = exchange.run(&["orders", "--market", "btc_usd"]);
    assert!(listed.stdout.contains(&id) && listed.stdout.contains("executing"), "{}", listed.stdout);
    let again = exchange.run(&buy("3500"));
    assert_eq!(again.code, 6, "{}", again.stderr);
    assert!(again.stderr.contains("DUPLICATE_INTENT") && again.stderr.contains(&id), "{}", again.stderr);
    let cancelled = exchange.run(&["cancel", &id]);
    assert_eq!(cancelled.code, 0, "{}", cancelled.stderr);
    assert_eq!(cancelled.stdout, format!("{id} is cancelled, nothing of it was executed\n"));
}

#[test]
fn the_gate_refuses_with_its_code_and_values() {
    let exchange = Exchange::start();
    for (arguments, code) in [
        (&["buy", "btc_usd", "--spend", "9000", "--price", "3500"] as &[&str], "MAX_ORDER_VALUE"),
        (&["buy", "btc_usd", "--spend", "100", "--price", "1000"], "PRICE_COLLAR"),
        (&["sell", "btc_usd", "--amount", "0.00001", "--price", "3700"], "MIN_ORDER"),
        (&["buy", "btc_usd", "--spend", "100", "--price", "3900", "--post-only"], "POST_ONLY"),
    ] {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--yes", "--json"]).collect();
        let ran = exchange.run(&arguments);
        assert_eq!(ran.code, 6, "{}", ran.stderr);
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(json["error"]["code"], code, "{json}");
        assert!(json["error"]["details"]["denied"].as_str().unwrap().starts_with(code));
    }
    assert!(exchange.truth().is_empty(), "nothing reached the exchange");
}

#[test]
fn a_mistake_in_the_configuration_of_an_order_is_shown_with_its_line() {
    let exchange = Exchange::start();
    let text = "[[strategy]]\nname = \"sma-cross\"\nmarkets = [\"btc_usd\"]\n\
                [run]\nreport_currency = \"CLP\"\n[account]\nusd = \"1\"\n[backtest]\ndata = [\"x.csv\"]\n";
    std::fs::write(exchange.folder.path().join("hand.toml"), text).unwrap();
    let arguments: Vec<&str> = buy("3500").into_iter().chain(["--config", "hand.toml"]).collect();
    let ran = exchange.run(&arguments);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    for part in ["hand.toml", "report_currency = \"CLP\"", "5 |"] {
        assert!(ran.stderr.contains(part), "no `{part}` in {}", ran.stderr);
    }
}

#[test]
fn the_limits_of_a_configuration_count_instead() {
    let exchange = Exchange::start();
    let config = exchange.folder.path().join("hand.toml");
    let text = "[[strategy]]\nname = \"sma-cross\"\nmarkets = [\"btc_usd\"]\n\
                [limits]\nmax_order_value = \"50\"\n[account]\nusd = \"1\"\n[backtest]\ndata = [\"x.csv\"]\n";
    std::fs::write(&config, text).unwrap();
    let with = |spend| {
        exchange.run(&[
            "buy",
            "btc_usd",
            "--spend",
            spend,
            "--price",
            "100",
            "--config",
            "hand.toml",
            "--yes",
        ])
    };
    let ran = with("60");
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("MAX_ORDER_VALUE value=60 limit=50"), "{}", ran.stderr);
    // There is no collar in it.
    assert_eq!(with("40").code, 0);
    std::fs::write(&config, "[limits]\nmax_ordr = 1\n").unwrap();
    assert_eq!(with("40").code, 3);
}

#[test]
fn a_market_order_takes_what_there_is_and_leaves_nothing_behind() {
    let exchange = Exchange::start();
    let sold = exchange.run(&["sell", "btc_usd", "--amount", "0.01", "--market", "--yes"]);
    assert_eq!(sold.code, 0, "{}", sold.stderr);
    assert!(sold.stdout.contains("was executed in full: 0.01 BTC"), "{}", sold.stdout);
    let more = exchange.run(&["buy", "btc_usd", "--spend", "3000", "--market", "--bound", "0.001", "--yes"]);
    assert_eq!(more.code, 0, "{}", more.stderr);
    assert!(more.stdout.contains("is cancelled after a part was executed"), "{}", more.stdout);
    assert!(exchange.run(&["trades", "btc_usd"]).stdout.contains("sell:"));
    assert!(exchange.run(&["movements"]).stdout.contains("sell"));
    assert!(exchange.run(&["orders"]).stdout.contains("no own orders"));
}

#[test]
fn cancel_all_leaves_other_markets_alone() {
    let exchange = Exchange::start();
    exchange.json(&buy("3500"));
    exchange.json(&["sell", "bch_usd", "--amount", "1", "--price", "140", "--yes"]);
    let left = exchange.run(&["cancel-all", "btc_usd"]);
    assert_eq!((left.code, left.stdout.as_str()), (0, "no order of btc_usd is left on the book\n"));
    assert!(exchange.run(&["orders"]).stdout.contains("bch_usd"));
    assert_eq!(exchange.run(&["cancel-all"]).code, 2, "it has to be said of what");
    assert_eq!(exchange.run(&["cancel-all", "--everything"]).code, 0);
    assert!(exchange.run(&["orders"]).stdout.contains("no own orders"));
}

#[test]
fn nothing_that_moves_money_or_keys_happens_unasked_without_a_terminal() {
    let exchange = Exchange::start();
    for arguments in [
        &["buy", "btc_usd", "--spend", "100", "--price", "3500"] as &[&str],
        &["withdraw", "0.01 BTC", "--to", "mabc", "--otp", "123456"],
        &["bots", "create", "btc_usd", "--spend", "100"],
        &["instructions", "create", "--label", "bank", "--field", "payment_method=domestic_bank"],
        &["keys", "create", "--permissions", "trading", "--show", "--otp", "123456"],
        &["keys", "revoke", "2"],
    ] {
        let ran = exchange.run(arguments);
        assert_eq!(ran.code, 8, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("say --yes"), "{}", ran.stderr);
    }
    let ran = exchange.run(&["withdraw", "0.01 BTC", "--to", "mabc", "--yes"]);
    assert_eq!(ran.code, 8, "{}", ran.stderr);
    assert!(ran.stderr.contains("otp_secret") && ran.stderr.contains("sandbox.json"), "{}", ran.stderr);
    let requests = exchange.http("admin", "GET", "/requests", "", "").1;
    assert!(!requests.contains("POST"), "{requests}");
}

/// What each command that creates something says when its answer is lost: candidates, and a code of its own.
#[test]
fn after_a_lost_answer_candidates_are_shown_and_nothing_is_sent_again() {
    let exchange = Exchange::start();
    let otp = exchange.otp();
    let cases: &[(&str, Vec<&str>, &str)] = &[
        ("POST /bids", buy("3400"), "this is new and may be it:\n  buy:"),
        ("POST /buying_bots", vec!["bots", "create", "btc_usd", "--spend", "100", "--yes"], "bot buy:"),
        ("POST /merchants/payments", vec!["payments", "create", "25 USD"], "payment "),
        (
            "POST /coin_withdrawals",
            vec!["withdraw", "0.01 BTC", "--to", "mabcdef", "--otp", &otp, "--yes"],
            "0.01 BTC",
        ),
        (
            "POST /api_keys",
            vec!["keys", "create", "--permissions", "trading", "--to", "lost-key", "--otp", &otp, "--yes"],
            "revoke it",
        ),
        (
            "POST /withdrawal_instructions",
            vec![
                "instructions",
                "create",
                "--label",
                "bank",
                "--field",
                "payment_method=domestic_bank",
                "--yes",
            ],
            "instruction ",
        ),
    ];
    for (count, (endpoint, command, words)) in cases.iter().enumerate() {
        let fault = if count % 2 == 0 { r#""F06","mode":"before_headers""# } else { r#""F09""# };
        exchange.faults(&format!(r#"[{{"fault":{fault},"endpoint":"{endpoint}","on":[1]}}]"#));
        let arguments: Vec<&str> = command.iter().copied().chain(["--json"]).collect();
        let ran = exchange.run(&arguments);
        assert_eq!(ran.code, 7, "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{command:?}: {}", ran.stderr);
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(json["error"]["code"], "unknown");
        assert_eq!(json["error"]["details"]["candidates"].as_array().unwrap().len(), 1, "{json}");
        let hits = exchange.http("admin", "GET", "/faults", "", "").1;
        assert!(hits.contains(r#""requests":1"#), "sent once: {hits}");
        let doctor = exchange.run(&["doctor"]);
        assert!(doctor.flat().contains("its answer was unclear"), "{}", doctor.stdout);
        let id = json["error"]["details"]["id"].as_str().unwrap().to_owned();
        assert_eq!(exchange.run(&["doctor", "--settle", &id]).code, 0);
    }
    assert!(exchange.run(&["doctor"]).stdout.contains("none by hand is unfinished"));
    assert!(!exchange.folder.path().join("lost-key").exists());
}

#[test]
fn a_command_that_is_killed_before_the_answer_is_remembered() {
    let exchange = Exchange::start();
    exchange.faults(r#"[{"fault":"F04","endpoint":"POST /bids","on":[1]}]"#);
    let mut child = exchange.command(&buy("3500")).spawn().unwrap();
    let hit = || exchange.http("admin", "GET", "/faults", "", "").1.contains(r#""hits":1"#);
    let started = std::time::Instant::now();
    while !hit() {
        assert!(started.elapsed().as_secs() < 15, "the order never arrived");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let doctor = exchange.run(&["doctor"]);
    assert!(doctor.flat().contains("the process ended before its answer"), "{}", doctor.stdout);
    assert_eq!(exchange.truth().len(), 1);
}

#[test]
fn an_order_without_funds_shows_as_cancelled() {
    let exchange = Exchange::start();
    exchange.faults(r#"[{"fault":"F24","endpoint":"POST /bids","on":[1]}]"#);
    let ran = exchange.run(&buy("3500"));
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("was cancelled by the exchange"), "{}", ran.stderr);
}

#[test]
fn money_goes_out_with_a_one_time_password() {
    let exchange = Exchange::start();
    let wrong = exchange.run(&["withdraw", "0.01 BTC", "--to", "mabcdef", "--otp", "000000", "--yes"]);
    assert_eq!(wrong.code, 5, "{}", wrong.stderr);
    let made = exchange.json(&["withdraw", "0.01 BTC", "--to", "mabcdef", "--otp", &exchange.otp(), "--yes"]);
    assert_eq!(made["withdrawal"]["to_address"], "mabcdef", "{made}");
    let bank =
        ["instructions", "create", "--label", "bank", "--field", "payment_method=domestic_bank", "--yes"];
    let bank = exchange.json(&bank);
    let id = bank["instruction"]["id"].as_str().unwrap();
    let cash =
        exchange.json(&["withdraw", "100 USD", "--instruction", id, "--otp", &exchange.otp(), "--yes"]);
    assert_eq!(cash["withdrawal"]["amount"]["units"], "100", "{cash}");
    let listed = exchange.run(&["withdrawals"]).stdout;
    assert!(listed.contains("0.01 BTC") && listed.contains("100 USD"), "{listed}");
    assert!(exchange.run(&["instructions", "delete", id, "--yes"]).stdout.contains("is deleted"));
}

#[test]
fn a_payment_is_followed_until_it_is_settled() {
    let exchange = Exchange::start();
    let made =
        exchange.json(&["payments", "create", "25 USD", "--keep", "0.1", "--merchant-reference", "order-7"]);
    let payment = &made["payment"];
    let (id, address) =
        (payment["id"].as_str().unwrap(), payment["address"]["public_address"].as_str().unwrap());
    assert!(exchange.run(&["payments", "show", id]).stdout.contains("order-7"));
    let coins = payment["expected"].as_str().unwrap();
    exchange.admin("/coins", &format!(r#"{{"address":"{address}","amount":"{coins}"}}"#));
    let ran = exchange.run(&["payments", "watch", id, "--every", "1s"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("settled"), "{}", ran.stdout);
    let page = exchange.run(&["payments", "pos", "--slug", "kiosk", "--name", "Kiosk"]);
    assert_eq!(page.code, 0, "{}", page.stderr);
}

#[test]
fn bots_of_the_exchange_are_started_and_ended() {
    let exchange = Exchange::start();
    let made = exchange.json(&["bots", "create", "btc_usd", "--amount", "0.02", "--yes"]);
    let id = format!("sell:{}", made["bot"]["id"]);
    assert!(exchange.run(&["bots", "list"]).stdout.contains(&id));
    let ended = exchange.run(&["bots", "cancel", &id]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn a_new_key_goes_into_a_private_file_or_is_shown_on_demand() {
    use std::os::unix::fs::PermissionsExt as _;
    let exchange = Exchange::start();
    let permissions = "trading,get_balances";
    let otp = exchange.otp();
    let create = ["keys", "create", "--permissions", permissions, "--otp", &otp, "--yes"];
    let stored = exchange.run(&[&create[..], &["--to", "trade"]].concat());
    assert_eq!(stored.code, 0, "{}", stored.stderr);
    let file = exchange.folder.path().join("trade");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let token = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    assert_eq!(token.len(), 80);
    assert!(!stored.stdout.contains(&token[..40]), "it is not shown as well");
    let over = exchange.run(&[&create[..], &["--to", "trade"]].concat());
    assert_eq!(over.code, 1, "a file that is there is not written over: {}", over.stderr);
    let shown = exchange.run_showing_keys(&[&create[..], &["--show"]].concat());
    let token = shown.stdout.lines().nth(1).unwrap().to_owned();
    assert_eq!(token.len(), 80);
    assert_eq!(exchange.run(&create).code, 2, "where it goes has to be said");
    let id =
        shown.stdout.split(|letter: char| !letter.is_ascii_digit()).find(|part| !part.is_empty()).unwrap();
    assert!(exchange.run(&["keys", "revoke", id, "--yes"]).stdout.contains("is revoked"));
    let url = exchange.ready["url"].as_str().unwrap().to_owned();
    let header = format!("Authorization: {token}\r\n");
    assert_eq!(exchange.http(&url, "GET", "/api/users/me", &header, "").0, 401);
}
