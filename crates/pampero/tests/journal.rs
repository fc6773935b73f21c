//! What the journals of real sessions tell: `runs`, `replay`, `explain ORDER`, `export`, `drift`.
#![cfg(all(feature = "live", feature = "sandbox"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::exchange::Exchange;
use support::pampero;

/// Agents that keep a maker busy, and an exchange that takes requests as fast as they come.
const BUSY: &str = "requests_per_second = 0\nagents.enabled = true\nagents.speed = 600\n";

/// An exchange with a session on paper and one with orders behind it.
fn traded() -> Exchange {
    let exchange = Exchange::configured(BUSY);
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/bitex-maker.toml");
    for (command, span) in [("paper", "4s"), ("live", "12s")] {
        let ran = exchange.run(&[command, config.to_str().unwrap(), "--for", span]);
        assert_eq!(ran.code, 0, "{command}: {}{}", ran.stdout, ran.stderr);
    }
    exchange
}

fn run<'a>(runs: &'a Value, name: &str) -> &'a Value {
    runs["runs"].as_array().unwrap().iter().find(|run| run["run"] == name).unwrap()
}

fn json(exchange: &Exchange, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let json = exchange.run(&arguments).json();
    assert!(json["schema"].as_str().unwrap().starts_with("pampero."), "{json}");
    json
}

#[test]
fn sessions_are_listed_replayed_explained_exported_and_compared() {
    let exchange = traded();

    let runs = json(&exchange, &["runs"]);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2);
    let live = run(&runs, "local:1");
    assert_eq!((&live["mode"], &live["end"]), (&"live".into(), &"stopped".into()));
    let orders = live["orders"].as_u64().unwrap();
    assert!(orders >= 1, "{live}");
    let table = exchange.run(&["runs", "local"]).stdout;
    assert!(table.contains("local:1") && !table.contains("local-paper"), "{table}");

    for name in ["local:1", "local-paper:1"] {
        let replay = json(&exchange, &["replay", name]);
        assert_eq!((&replay["same"], &replay["difference"]), (&true.into(), &Value::Null));
        // A cancellation is a command too.
        assert!(replay["commands"].as_u64() >= run(&runs, name)["orders"].as_u64(), "{replay}");
    }

    orders_are_told(&exchange);
    tables_are_exported(&exchange, live);

    let drift = json(&exchange, &["drift", "local:1"]);
    let models = drift["models"].as_array().unwrap();
    assert_eq!(models.len(), 3);
    for model in models {
        let counted: u64 =
            model["counts"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(counted, orders, "{model}");
    }
    let alone = exchange.run(&["drift", "local:1", "--fill", "neutral"]);
    assert!(alone.stdout.starts_with("neutral fills"), "{}", alone.stdout);
}

fn orders_are_told(exchange: &Exchange) {
    let table = exchange.run(&["export", "local:1", "--what", "orders"]).stdout;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|title| *title == name).unwrap();
    let row = rows[1..]
        .iter()
        .find(|row| !row[column("venue_order_id")].is_empty())
        .expect("an order that arrived");
    let (own, venue) = (row[column("order_id")], row[column("venue_order_id")]);

    let named = format!("{}:{venue}", row[column("side")]);
    let story = json(exchange, &["explain", &named]);
    assert_eq!(story["order"].to_string(), own);
    let told = story["story"].as_array().unwrap();
    let has = |words: &str| told.iter().any(|chapter| chapter["text"].as_str().unwrap().contains(words));
    for words in ["wanted", "approved", "its intent is written", "answer to the placing"] {
        assert!(has(words), "no `{words}` in {story:#}");
    }
    assert!(story["checks"].as_array().unwrap().len() > 20 && story["seen"]["bid"]["price"].is_string());

    // The paper session has an order of that number too.
    let several = exchange.run(&["explain", own]);
    assert_eq!(several.code, 2);
    assert!(several.stderr.contains("--run local:1"), "{}", several.stderr);
    let told = exchange.run(&["explain", own, "--run", "local:1"]);
    assert!(told.stdout.starts_with(&format!("order {own} of session 1")), "{}", told.stdout);
    let unknown = exchange.run(&["explain", "buy:999999999"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("no journal here knows"), "{}", unknown.stderr);
}

fn tables_are_exported(exchange: &Exchange, live: &Value) {
    let fills = exchange.run(&["export", "local"]).stdout;
    assert_eq!(u64::try_from(fills.lines().count()).unwrap(), live["fills"].as_u64().unwrap() + 1, "{fills}");
    assert!(fills.starts_with("time,session,strategy,market,") && fills.contains("gain_report"));

    let file = exchange.folder.path().join("orders.parquet");
    let path = file.to_str().unwrap();
    let wrote = json(exchange, &["export", "local:1", "--what", "orders", "--out", path]);
    assert_eq!(wrote["rows"], live["orders"]);
    assert!(fs::read(&file).unwrap().starts_with(b"PAR1"));
    let equity = exchange.run(&["export", "local:1", "--what", "equity", "--every", "1s"]).stdout;
    assert!(equity.lines().count() > 3, "{equity}");
    let refused = exchange.run(&["export", "local", "--format", "parquet"]);
    assert_eq!((refused.code, refused.stderr.contains("--out FILE")), (2, true));
}

#[test]
fn a_damaged_journal_is_refused() {
    let exchange = traded();
    let path = exchange.state().join("local/journal.sqlite");
    let mut bytes = fs::read(&path).unwrap();
    let payload = bytes.windows(9).rposition(|window| window == b"watermark").expect("a note of the journal");
    bytes[payload + 1] ^= 1;
    fs::write(&path, bytes).unwrap();
    for command in ["replay", "drift"] {
        let ran = exchange.run(&[command, "local:1"]);
        assert_eq!(ran.code, 4, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("damaged"), "{}", ran.stderr);
    }
    // The other journal is as good as before.
    assert_eq!(exchange.run(&["replay", "local-paper:1"]).code, 0);
}

#[test]
fn what_is_not_there_is_said() {
    let nothing = pampero(&["runs"]);
    assert_eq!(
        (nothing.code, nothing.stdout.as_str()),
        (0, "nothing has traded here yet: `pampero paper` begins\n")
    );
    for arguments in [&["replay", "3"], &["drift", "local:3"], &["export", "local:3"], &["export", "local"]] {
        let ran = pampero(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("nothing has traded here yet"), "{}", ran.stderr);
    }
    let wrong = pampero(&["replay", "yesterday"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("pampero runs"), "{}", wrong.stderr);
}
