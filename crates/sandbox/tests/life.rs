//! The agents' market, the state file, the configuration.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use pampero_model::{Candle, CandleSeries, Quantity, Span, Timestamp};
use pampero_sandbox::{PricePath, Sandbox, SandboxConfig};
use serde_json::{Value, json};
use support::*;

/// A market of one book with an hour behind it.
fn lively() -> SandboxConfig {
    let mut config = quiet();
    config.agents.enabled = true;
    config.agents.warm_up = Span::from_hours(1);
    config.books.truncate(1);
    config.books[0].trades_per_day = 2_400;
    config
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn agents_make_a_market_that_depends_on_the_seed_alone() {
    let market = |seed| {
        let mut config = lively();
        config.seed = seed;
        let server = Server::start(config);
        server.sandbox().step_agents(30);
        let book = server.get("/api/markets/btc_usd", "").body;
        (book, server.get("/api/tickers/btc_usd", "").attributes())
    };
    let (book, ticker) = market(1);
    assert_eq!(market(1), (book.clone(), ticker.clone()));
    assert_ne!(market(2).0, book);
    let json: Value = serde_json::from_str(&book).unwrap();
    let levels = |side: &str| json["data"]["relationships"][side]["data"].as_array().unwrap().len();
    assert!(levels("bids") >= 10 && levels("asks") >= 10);
    let (bid, ask) = (number(&ticker["bid"]), number(&ticker["ask"]));
    assert!(bid < ask && (ask - bid) / bid < 0.02, "{ticker}");
    let volume = number(&ticker["volume"]);
    assert!((0.5..20.0).contains(&volume), "{ticker}");
    assert!(levels("transactions") > 20 && levels("candles") >= 1);
}

#[test]
fn our_orders_trade_with_the_agents_and_the_agents_come_back() {
    let server = Server::start(lively());
    let ticker = server.get("/api/tickers/btc_usd", "").attributes();
    let bought = server.place("bids", "btc_usd", "300", &format!("{}", number(&ticker["ask"]) * 1.05));
    assert_eq!(bought.status, 200);
    let bid = server.get("/api/bids", "trade");
    assert!(bid.ids().is_empty());
    let fills = server.get("/api/buys", "trade").json();
    assert!(!fills["data"].as_array().unwrap().is_empty());
    server.place("asks", "btc_usd", "0.1", "100");
    server.advance_millis(10_000);
    server.sandbox().step_agents(1);
    let json = server.get("/api/markets/btc_usd?include=bids,asks", "").json();
    assert!(json["data"]["relationships"]["asks"]["data"].as_array().unwrap().len() >= 12);
    let truth = server.sandbox().accepted_orders();
    assert_eq!(truth.len(), 2, "the agents' own are left out");
}

#[test]
fn recorded_prices_lead_the_agents() {
    let mut candles = CandleSeries::new(Span::from_hours(1));
    for (hour, close) in [(0, "3600"), (1, "5000"), (9, "5000")] {
        let price = close.parse().unwrap();
        let open_time = Timestamp::from_secs(hour * 3_600);
        candles.push(&Candle {
            open_time,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Quantity::ZERO,
        });
    }
    let mut config = lively();
    config.recorded.insert("btc_usd".to_owned(), PricePath::from_candles(&candles));
    let server = Server::start(config);
    let ticker = server.get("/api/tickers/btc_usd", "").attributes();
    assert!((4_900.0..5_000.0).contains(&number(&ticker["bid"])), "{ticker}");
    assert_eq!(
        SandboxConfig { recorded: [("none".to_owned(), PricePath::default())].into(), ..quiet() }
            .check()
            .unwrap_err()
            .to_string(),
        "recorded.none: there is no such book"
    );
}

#[test]
fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandbox.json");
    let config = || {
        let mut config = quiet();
        config.state = Some(file.clone());
        config
    };
    let server = Server::start(config());
    server.place("asks", "btc_usd", "0.5", "4400");
    server.place("bids", "btc_usd", "11", "4400");
    server.place("bids", "btc_usd", "10", "4000");
    server.post(
        "/api/withdrawal_instructions",
        "funds",
        r#"{"data":{"attributes":{"label":"x","body":{"payment_method":"third_party"}}}}"#,
    );
    let paths =
        ["/api/orders", "/api/trades", "/api/accounts", "/api/withdrawal_instructions", "/api/asks/1"];
    let read = |server: &Server| paths.map(|path| server.get(path, "admin").body);
    let before = read(&server);
    let keys = server.sandbox().keys();
    server.stop();

    let server = Server::start(config());
    assert_eq!((read(&server), server.sandbox().keys()), (before, keys));
    assert_eq!(server.place("bids", "btc_usd", "5", "4400").id(), "3", "numbers go on");
    assert_eq!(server.get("/api/asks/1", "trade").attributes()["status"], json!("executing"));
    assert_eq!(server.get("/api/trades?limit=1", "trade").ids(), ["2"]);
    server.stop();

    // Other books, or another file, are refused with advice.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let refused = |config| match runtime.block_on(Sandbox::start(config)) {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    };
    let mut fewer = config();
    fewer.books.truncate(2);
    assert!(refused(fewer).contains("use the same books"));
    std::fs::write(&file, "{}").unwrap();
    assert!(refused(config()).contains("move it away to begin anew"));
}

#[test]
fn a_lively_market_survives_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = || {
        let mut config = lively();
        config.state = Some(folder.path().join("sandbox.json"));
        config
    };
    let server = Server::start(config());
    let trades = server.get("/api/transactions", "").ids().len();
    assert!(trades > 20);
    server.stop();
    let server = Server::start(config());
    assert_eq!(server.get("/api/transactions", "").ids().len(), trades);
    let json = server.get("/api/markets/btc_usd?include=bids", "").json();
    assert_eq!(json["data"]["relationships"]["bids"]["data"].as_array().unwrap().len(), 12, "quoted anew");
}

#[test]
fn a_configuration_says_what_is_wrong_with_it() {
    for (text, problem) in [
        ("listen = '0.0.0.0:80'", "listen: 0.0.0.0:80 is not a loopback address"),
        ("[[books]]\ncode = 'doge_usd'", "books.doge_usd: the exchange has no such book: give it an `id`"),
        ("[[books]]\ncode = 'doge_usd'\nid = 40", "books.doge_usd: give it a `price`"),
        ("agents.step = '0s'", "agents.step: must be above zero"),
        ("bots.interval = '0s'", "bots.interval: must be above zero"),
        ("[[faults]]\nfault = 'F06'", "faults[0]: it never happens"),
        ("agents.tempo = 3", "unknown field `tempo`"),
        ("[[accounts]]\nname = 'a'\nbalances = ['ten USD']", "`ten` is not a decimal number"),
    ] {
        let found = SandboxConfig::from_toml(text).unwrap_err().to_string();
        assert!(found.contains(problem), "{text}: {found}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (text, problem) in [
        (
            "[[accounts]]\nname = 'a'\notp_secret = 'short'",
            "accounts.a: `otp_secret` must be at least 16 bytes in base32",
        ),
        (
            "[[accounts]]\nname = 'a'\n[[accounts.keys]]\nname = 'k'\npermissions = ['fly']",
            "accounts.a: key `k`: `fly` is none of",
        ),
    ] {
        match runtime.block_on(Sandbox::start(configured(text))) {
            Ok(_) => panic!("{text} started"),
            Err(error) => assert!(error.to_string().contains(problem), "{error}"),
        }
    }
}

#[test]
fn accounts_keys_books_and_fees_come_from_toml() {
    let server = Server::start(configured(
        r"
        requests_per_second = 0
        agents.enabled = false
        [[books]]
        code = 'btc_usd'
        taker_fee = '0'
        min_quote = '10'
        [[accounts]]
        name = 'ana'
        country = 'CL'
        otp_secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
        balances = ['100 USD', '2 BTC']
        [[accounts.keys]]
        name = 'trade'
        token = 'a-token'
        permissions = ['trading', 'get_balances']
        ",
    ));
    assert_eq!(
        (server.key("trade"), server.sandbox().otp_secret()),
        ("a-token".to_owned(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned())
    );
    assert_eq!(server.get("/api/orderbooks", "").ids(), ["1"]);
    assert_eq!(server.get("/api/accounts", "trade").json()["data"][0]["attributes"]["country"], json!("CL"));
    assert_eq!(server.place("bids", "btc_usd", "9.9", "4400").status, 422);
    server.place("asks", "btc_usd", "1", "4400");
    server.place("bids", "btc_usd", "11", "4400");
    assert_eq!(server.get("/api/buys/1", "trade").attributes()["fee"], json!(0.0));
}
