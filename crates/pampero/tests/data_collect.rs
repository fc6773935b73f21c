//! `pampero data fetch` and `pampero data record` against a running `pampero sandbox`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code
#![cfg(all(feature = "sandbox", feature = "live"))]

mod support;

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use support::exchange::Exchange;
use support::{pampero, pampero_in};

/// A busy exchange.
fn exchange() -> Exchange {
    Exchange::configured("requests_per_second = 0\nagents.speed = 2_000\n")
}

/// A recording that is killed if the test fails before it ends it.
struct Recording {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Recording {
    /// Begins to record from the running exchange, which it finds by itself.
    fn start(exchange: &Exchange) -> Self {
        let arguments = ["data", "record", "btc_usd", "--flush", "1s", "--json"];
        let mut child = exchange.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn until_books_are_written(&mut self) {
        loop {
            let line = self.lines.next().unwrap().unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["event"]["written"]["books"].as_u64().is_some_and(|books| books > 0) {
                return;
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rows(folder: &Path, kind: &str) -> u64 {
    let list = pampero_in(folder, &["data", "list", "--json"]).json();
    let series = list["series"].as_array().unwrap();
    let found = series.iter().find(|series| series["kind"] == kind);
    found.map_or(0, |series| series["rows"].as_u64().unwrap())
}

#[test]
fn a_recording_survives_a_kill_and_ends_by_a_signal() {
    let exchange = exchange();
    let folder = exchange.folder.path();
    let mut killed = Recording::start(&exchange);
    killed.until_books_are_written();
    killed.signal("-KILL");
    let before = rows(folder, "books");
    assert!(before > 0);
    let mut second = Recording::start(&exchange);
    second.until_books_are_written();
    second.signal("-INT");
    let last = std::iter::from_fn(|| Some(second.lines.next()?.unwrap())).last().unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert!(last["event"]["ended"]["books"].as_u64().unwrap() > 0, "{last}");
    assert_eq!(second.child.wait().unwrap().code(), Some(0));
    assert!(rows(folder, "books") > before);
    let verified = pampero_in(folder, &["data", "verify", "--root", "data"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(!verified.stdout.contains("duplicates") && !verified.stdout.contains("disorder"));
}

#[test]
fn fetching_fills_the_catalogue_and_fetching_again_adds_only_what_is_new() {
    let exchange = exchange();
    // The market must have lived a little.
    let recorded = exchange.run(&["data", "record", "btc_usd", "--for", "2s"]);
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    assert!(recorded.stdout.contains("See it with `pampero data list --root data`."), "{}", recorded.stdout);
    let arguments = ["data", "fetch", "btc_usd", "--days", "2", "--json"];
    let fetched = exchange.run(&arguments).json();
    assert_eq!(fetched["schema"], "pampero.data-fetch/1");
    let series = fetched["fetched"].as_array().unwrap();
    let names: Vec<_> =
        series.iter().map(|series| (series["kind"].clone(), series["span"].clone())).collect();
    assert_eq!(
        names,
        [("candles".into(), "1h".into()), ("candles".into(), "1d".into()), ("trades".into(), Value::Null)]
    );
    assert!(series[2]["rows"].as_u64().unwrap() > 0);
    let url = exchange.ready["url"].as_str().unwrap();
    let shown = exchange.run(&["data", "fetch", "btc_usd", "--days", "2", "--url", url]);
    assert_eq!(shown.code, 0);
    assert!(shown.stdout.contains("candles-1h") && shown.stdout.contains("trades"), "{}", shown.stdout);
    assert!(shown.stdout.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn mistakes_say_what_to_do() {
    let cases: [(&[&str], i32, &str); 6] = [
        (&["data", "fetch", "btc_usd"], 1, "no local exchange is running"),
        (
            &["data", "fetch", "btc_usd", "--url", "http://example.com"],
            2,
            "only `localhost` or a loopback address",
        ),
        (
            &["data", "fetch", "btc_usd", "--env", "production", "--url", "http://127.0.0.1:1"],
            2,
            "leave out one",
        ),
        (&["data", "fetch", "btc_usd", "--span", "15m"], 2, "whole hours: 1h, 4h, 1d"),
        (
            &["data", "fetch", "btc_usd", "--url", "http://127.0.0.1:1", "--state", "s"],
            1,
            "nothing listens at http://127.0.0.1:1",
        ),
        (&["data", "record"], 2, "required"),
    ];
    for (arguments, code, words) in cases {
        let ran = pampero(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
}
