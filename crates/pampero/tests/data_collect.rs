//! `pampero data fetch` and `pampero data record` against a running `pampero sandbox`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code
#![cfg(all(feature = "sandbox", feature = "live"))]

mod support;

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use support::{pampero, pampero_in};

/// A process that is killed if the test fails before it ends it.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pampero"))
            .args(arguments)
            .current_dir(folder)
            .env("XDG_STATE_HOME", folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sandbox(folder: &Path) -> (Process, String) {
    let arguments =
        ["sandbox", "--json", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--speed", "2000"];
    let mut process = Process::start(folder, &arguments);
    let url = process.next()["url"].as_str().unwrap().to_owned();
    (process, url)
}

fn rows(folder: &Path, kind: &str) -> u64 {
    let list = pampero_in(folder, &["data", "list", "--json"]).json();
    let series = list["series"].as_array().unwrap();
    let found = series.iter().find(|series| series["kind"] == kind);
    found.map_or(0, |series| series["rows"].as_u64().unwrap())
}

#[test]
fn a_recording_survives_a_kill_and_ends_by_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let (_sandbox, url) = sandbox(folder.path());
    let arguments =
        ["data", "record", "btc_usd", "--url", &url, "--state", "state", "--flush", "1s", "--json"];
    let mut killed = Process::start(folder.path(), &arguments);
    while killed.next()["event"]["written"]["books"].as_u64().is_none_or(|books| books == 0) {}
    killed.signal("-KILL");
    let before = rows(folder.path(), "books");
    assert!(before > 0);
    let mut second = Process::start(folder.path(), &arguments);
    while second.next()["event"]["written"]["books"].as_u64().is_none_or(|books| books == 0) {}
    second.signal("-INT");
    let last = std::iter::from_fn(|| Some(second.lines.next()?.unwrap())).last().unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert!(last["event"]["ended"]["books"].as_u64().unwrap() > 0, "{last}");
    assert_eq!(second.child.wait().unwrap().code(), Some(0));
    assert!(rows(folder.path(), "books") > before);
    let verified = pampero_in(folder.path(), &["data", "verify", "--root", "data"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(!verified.stdout.contains("duplicates") && !verified.stdout.contains("disorder"));
}

#[test]
fn fetching_fills_the_catalogue_and_fetching_again_adds_only_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let (_sandbox, url) = sandbox(folder.path());
    // The market must have lived a little.
    let arguments = ["data", "record", "btc_usd", "--url", &url, "--state", "state", "--for", "2s"];
    let recorded = pampero_in(folder.path(), &arguments);
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    assert!(recorded.stdout.contains("See it with `pampero data list --root data`."), "{}", recorded.stdout);
    let arguments = ["data", "fetch", "btc_usd", "--url", &url, "--state", "state", "--days", "2", "--json"];
    let fetched = pampero_in(folder.path(), &arguments).json();
    let series = fetched["fetched"].as_array().unwrap();
    let names: Vec<_> =
        series.iter().map(|series| (series["kind"].clone(), series["span"].clone())).collect();
    assert_eq!(
        names,
        [("candles".into(), "1h".into()), ("candles".into(), "1d".into()), ("trades".into(), Value::Null)]
    );
    assert!(series[2]["rows"].as_u64().unwrap() > 0);
    let shown = pampero_in(folder.path(), &arguments[..arguments.len() - 1]);
    assert_eq!(shown.code, 0);
    assert!(shown.stdout.contains("candles-1h") && shown.stdout.contains("trades"), "{}", shown.stdout);
    assert!(shown.stdout.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn mistakes_say_what_to_do() {
    let cases: [(&[&str], i32, &str); 6] = [
        (&["data", "fetch", "btc_usd"], 2, "name its address: --url http://127.0.0.1:PORT"),
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
            "btc_usd: not sent",
        ),
        (&["data", "record"], 2, "required"),
    ];
    for (arguments, code, words) in cases {
        let ran = pampero(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
}
