//! `pampero watch`, as a process of its own.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::{folder, saw};

const CONFIGURATION: &str = "[run]\nreport_currency = \"usd\"\n\n[[strategy]]\nname = \"sma-cross\"\nmarkets = \
                             [\"btc_usd\"]\n[strategy.parameters]\nfast = 3\nslow = 9\n\n[account]\nusd = \
                             \"1000\"\n\n[backtest]\ndata = [\"saw.csv\"]\n";

/// A watching process whose events are read as they come.
struct Watch {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Watch {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_pampero"))
            .current_dir(folder)
            .arg("watch")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    fn event(&mut self) -> Value {
        let line = self.lines.next().expect("the process ended").unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["schema"], "pampero.watch/1");
        event
    }

    /// Sends a signal; how the process ended, and what it still said.
    fn end(mut self, signal: &str) -> (Option<i32>, Vec<String>) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let said = self.lines.by_ref().map(Result::unwrap).collect();
        (self.process.wait().unwrap().code(), said)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Only where a test failed is it still there.
        let _ = self.process.kill();
    }
}

#[test]
fn it_runs_again_on_every_save_and_goes_on_after_mistakes() {
    let folder = folder(&[("saw.csv", &saw(300, 25)), ("pampero.toml", CONFIGURATION)]);
    let save = |text: &str| fs::write(folder.path().join("pampero.toml"), text).unwrap();
    let mut watch = Watch::start(folder.path(), &["--json"]);
    let first = watch.event();
    assert_eq!((&first["event"], &first["change"]), (&"ran".into(), &Value::Null));
    assert!(first["summary"]["fills"].as_u64().unwrap() > 0, "{first}");

    save(&CONFIGURATION.replace("slow = 9", "slow = 19"));
    let changed = watch.event();
    assert_eq!((&changed["event"], &changed["files"][0]), (&"changed".into(), &"pampero.toml".into()));
    let second = watch.event();
    let change = &second["change"];
    assert_eq!(change["same"], false);
    let names: Vec<&str> =
        change["statistics"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"final_equity"), "{names:?}");

    save(&CONFIGURATION.replace("fast = 3", "fats = 3"));
    assert_eq!(watch.event()["event"], "changed");
    let failed = watch.event();
    assert_eq!((&failed["event"], &failed["exit"]), (&"failed".into(), &3.into()));
    assert!(failed["message"].as_str().unwrap().contains("did you mean `fast`"), "{failed}");

    save(&CONFIGURATION.replace("slow = 9", "slow = 19"));
    assert_eq!(watch.event()["event"], "changed");
    assert_eq!(watch.event()["change"]["same"], true, "as before the mistake");
    let (code, said) = watch.end("-INT");
    assert_eq!((code, said.len()), (Some(0), 1), "{said:?}");
    assert!(said[0].contains("\"stopped\""));
}

#[test]
fn a_person_sees_a_table_of_what_changed() {
    let folder = folder(&[("saw.csv", &saw(300, 25)), ("my.toml", CONFIGURATION)]);
    let mut watch = Watch::start(folder.path(), &["my.toml"]);
    let mut until = |end: &str| {
        let mut seen = Vec::new();
        loop {
            let line = watch.lines.next().expect("the process ended").unwrap();
            seen.push(line.clone());
            if line.contains(end) {
                return seen.join("\n");
            }
        }
    };
    let first = until("Fees");
    assert!(first.contains("sma-cross") && first.contains("now"), "{first}");
    fs::write(folder.path().join("my.toml"), CONFIGURATION.replace("fast = 3", "fast = 5")).unwrap();
    let table = until("Final equity");
    assert!(table.contains("changed: my.toml"), "{table}");
    assert!(table.contains("before") && table.contains("after") && table.contains("difference"), "{table}");
    let wide: Vec<&str> = table.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:?}");
    let (code, said) = watch.end("-TERM");
    assert_eq!((code, said.last().map(String::as_str)), (Some(0), Some("stopped")));
}
