//! Rates that change: their keys, their history in a backtest, a document and a file in a session on paper.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::{folder, pampero_in, saw};

const BACKTEST: &str = r#"[run]
report_currency = "usd"
[[strategy]]
name = "sma-cross"
markets = ["btc_ars"]
[account]
ars = "1000000"
[rates]
ars = "0.001"
[rate_sources.ars]
history = "ars.csv"
[backtest]
data = ["candles.csv"]
"#;

#[test]
fn a_backtest_values_by_the_history_of_a_rate() {
    // Too few candles for a cross: nothing is traded, and equity moves by the rate alone.
    let files = [
        ("run.toml", BACKTEST),
        ("candles.csv", &saw(10, 5)),
        ("ars.csv", "time,rate\n1704067200,0.002\n1704085200,0.003\n"),
    ];
    let folder = folder(&files);
    let told = pampero_in(folder.path(), &["backtest", "run.toml", "--json"]).json();
    let summary = &told["summary"];
    assert_eq!((&summary["final_equity"], &summary["return"]), (&"3000".into(), &0.5.into()), "{summary}");

    std::fs::write(folder.path().join("ars.csv"), "time,rate\n1704067200,0\n").unwrap();
    let wrong = pampero_in(folder.path(), &["backtest", "run.toml"]);
    assert_eq!(wrong.code, 4);
    assert!(wrong.stderr.contains("line 2, column `rate`: `0` found"), "{}", wrong.stderr);
}

#[test]
fn all_that_is_wrong_with_sources_is_told_at_once() {
    let text = BACKTEST
        .replace("ars = \"0.001\"", "")
        .replace("[rate_sources.ars]", "[rate_sources.usd]\nurl = \"https://example.com/\"\nfile = \"x\"\n[rate_sources.ars]\nurl = \"https://example.com/\"\npointer = \"sell\"");
    let folder = folder(&[("run.toml", text.as_str()), ("candles.csv", &saw(10, 5))]);
    let check = pampero_in(folder.path(), &["config", "check", "run.toml"]);
    assert_eq!(check.code, 3);
    for words in [
        "the rate of USD has a url and a file",
        "rates are in USD themselves",
        "[rates] does not say what one ARS is worth",
        "`sell` is no JSON pointer",
    ] {
        assert!(check.stderr.contains(words), "{words}: {}", check.stderr);
    }
    let text = BACKTEST.replace("history = \"ars.csv\"", "every = \"1m\"");
    std::fs::write(folder.path().join("run.toml"), text).unwrap();
    let nothing = pampero_in(folder.path(), &["config", "check", "run.toml"]);
    assert!(nothing.stderr.contains("nothing says where the rate of ARS is read"), "{}", nothing.stderr);
    std::fs::write(folder.path().join("run.toml"), BACKTEST).unwrap();
    let gone = pampero_in(folder.path(), &["config", "check", "run.toml"]);
    assert!(gone.stderr.contains("there is no file ars.csv"), "{}", gone.stderr);
}

#[cfg(all(feature = "live", feature = "sandbox"))]
mod session {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use serde_json::Value;

    use super::support::exchange::Exchange;

    /// Answers with a rate, then with failures, then with a rate again, by the number of the request.
    fn document() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4_096]);
                let status = if (8..30).contains(&number) { "500 Oops" } else { "200 OK" };
                let body = r#"{"official": {"sell": "1001.5"}}"#;
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
            }
        });
        format!("http://{address}/rates.json")
    }

    fn configuration(source: &str) -> String {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../strategies/cross-market/config.toml");
        let text = std::fs::read_to_string(file).unwrap();
        let text = text.split("\n[backtest]").next().unwrap();
        format!(
            "{text}\n[rate_sources.usd]\n{source}\n[feed]\nfastest = \"100ms\"\nslowest = \"200ms\"\nspacing = \"50ms\"\n"
        )
    }

    fn paper(exchange: &Exchange, source: &str, span: &str) -> Vec<Value> {
        let file = exchange.folder.path().join("cross.toml");
        std::fs::write(&file, configuration(source)).unwrap();
        let ran = exchange.run(&["paper", file.to_str().unwrap(), "--for", span, "--json"]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn told(events: &[Value]) -> Vec<&str> {
        let told = events.iter().filter_map(|event| event["event"].as_str());
        told.filter(|event| event.starts_with("rate")).collect()
    }

    fn replays(exchange: &Exchange) {
        let replay = exchange.run(&["replay", "local-paper:1", "--json"]).json();
        assert_eq!(replay["same"], true, "{replay}");
    }

    #[test]
    fn a_document_that_fails_makes_quotes_go_and_come_back_and_the_replay_is_the_same() {
        let exchange = Exchange::configured("requests_per_second = 0\nagents.speed = 60\n");
        let url = document();
        let source =
            format!("url = \"{url}\"\npointer = \"/official/sell\"\nevery = \"200ms\"\nstale_after = \"2s\"");
        let events = paper(&exchange, &source, "12s");
        assert_eq!(told(&events), ["rate_failing", "rate_stale", "rate_fresh"], "{events:?}");
        let at = |name: &str| {
            events.iter().find(|event| event["event"] == name).unwrap()["time"].as_str().unwrap().to_owned()
        };
        let (stale, fresh) = (at("rate_stale"), at("rate_fresh"));
        // What was made on the first book is gone while the rate is stale, and quoted anew with it.
        let table = exchange.run(&["export", "local-paper:1", "--what", "orders"]).stdout;
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
        let column = |name: &str| rows[0].iter().position(|title| *title == name).unwrap();
        let (created, market) = (column("created_at"), column("market"));
        let made: Vec<&str> =
            rows[1..].iter().filter(|row| row[market].ends_with("btc_ars")).map(|row| row[created]).collect();
        assert!(
            made.iter().any(|at| *at < stale.as_str()) && made.iter().any(|at| *at >= fresh.as_str()),
            "{table}"
        );
        assert!(!made.iter().any(|at| stale.as_str() < *at && *at < fresh.as_str()), "{table}");
        let updated = column("updated_at");
        let left = rows[1..].iter().find(|row| {
            row[market].ends_with("btc_ars")
                && row[created] < stale.as_str()
                && row[updated] >= fresh.as_str()
        });
        assert!(left.is_none(), "it outlived the stale rate: {left:?}");
        replays(&exchange);
    }

    #[test]
    fn a_file_is_read_before_a_session_begins_and_without_it_none_does() {
        let exchange = Exchange::configured("requests_per_second = 0\nagents.speed = 60\n");
        let source = "file = \"usd.txt\"\nevery = \"200ms\"";
        let file = exchange.folder.path().join("cross.toml");
        std::fs::write(&file, configuration(source)).unwrap();
        let refused = exchange.run(&["paper", file.to_str().unwrap(), "--for", "3s"]);
        assert_eq!(refused.code, 1, "{}", refused.stdout);
        assert!(
            refused.stderr.contains("the rate of USD: it cannot be read")
                && refused.stderr.contains("[rate_sources.usd]"),
            "{}",
            refused.stderr
        );
        std::fs::write(exchange.folder.path().join("usd.txt"), "1002.25\n").unwrap();
        let events = paper(&exchange, source, "3s");
        assert!(told(&events).is_empty(), "{events:?}");
        replays(&exchange);
    }
}
