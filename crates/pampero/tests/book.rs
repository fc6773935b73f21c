//! The commands that README and the book show: those that need no account are run against a local exchange of the
//! page's own, in the order of the page; of the others the command line is checked.
#![cfg(all(feature = "live", feature = "sandbox"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use support::exchange::Exchange;

/// Commands that end otherwise than with 0 where the page has them, and why.
const ENDS_WITH: &[(&str, &str, i32)] = &[
    // The page says that the check-up fails at `halt`.
    ("docs/tutorial/first-day.md", "pampero doctor #2", 9),
];

/// Programs that the pages use beside ours. They are not run: they install, or need a machine of one's own.
const OTHERS: &[&str] = &["cd", "cargo", "git", "journalctl", "mdbook", "mkdir", "sudo", "systemd-analyze"];

/// Words that stand for something of the reader's.
const PLACEHOLDERS: &[&str] = &[
    "data/bitex/btc_ars/candles-1h/2026-11-23.parquet",
    "buy:17961",
    "my.toml",
    "mi.toml",
    "meu.toml",
    "candles.csv",
    "…",
    "ID",
    "NUMBER",
    "RUN",
];

/// Commands that go on until they are stopped and can be told to stop by themselves.
const ENDLESS: &[&str] = &["paper", "live", "data record"];

/// Commands that only end from outside.
const SERVERS: &[&str] = &["sandbox", "watchdog", "webhooks listen", "watch"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The commands of a page's `console` blocks, without comments, continued lines joined.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).unwrap().replace("\\\n", " ");
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line.trim_start() {
            fence if fence.starts_with("```") => inside = fence == "```console",
            command if inside && command.starts_with("$ ") => {
                let command = command[2..].split(" #").next().unwrap();
                let command = command.replace("cargo run --release -- ", "pampero ");
                found.extend(command.split(" && ").map(|part| part.trim().to_owned()));
            }
            _ => {}
        }
    }
    found
}

/// Words of a command line with their quotes taken off.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in command.chars() {
        match (letter, quote) {
            ('"' | '\'', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            (' ', None) => words.push(String::new()),
            (letter, _) => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn parses(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    pampero::check_command_line(&words)
}

/// Runs what can be run of a page; how many commands that were.
fn follow(page: &str) -> usize {
    let exchange = Exchange::start();
    for name in ["config", "docs", "strategies", "crates"] {
        symlink(root().join(name), exchange.folder.path().join(name)).unwrap();
    }
    if commands(page).iter().any(|command| command.starts_with("pampero replay")) {
        // The page looks into a session.
        let session = exchange.run(&["live", "config/bitex-maker.toml", "--for", "3s"]);
        assert_eq!(session.code, 0, "{}", session.stderr);
    }
    let (mut ran, mut seen) = (0, Vec::new());
    for command in commands(page) {
        let program = command.split(' ').next().unwrap();
        if OTHERS.contains(&program) {
            // `sudo -u pampero pampero halt …`
            if let Some((_, ours)) = command.split_once(" pampero pampero ") {
                parses(&words(&format!("pampero {ours}"))).unwrap_or_else(|error| panic!("{page}: {error}"));
            }
            continue;
        }
        assert_eq!(program, "pampero", "{page}: `{command}` is neither ours nor known");
        let mut line = words(&command);
        parses(&line).unwrap_or_else(|error| panic!("{page}: `{command}`: {error}"));
        let is = |name: &&&str| command[8..].split(" --").next().unwrap().starts_with(**name);
        let elsewhere = command.contains("--env sandbox") || command.contains("--env production");
        let placeholder = line.iter().any(|word| PLACEHOLDERS.contains(&word.as_str()));
        if elsewhere || placeholder || SERVERS.iter().any(|name| is(&name)) {
            continue;
        }
        if ENDLESS.iter().any(|name| is(&name)) {
            line.retain(|word| word != "--for" && !word.ends_with("0m") && word != "2m");
            line.extend(["--for".to_owned(), "2s".to_owned()]);
        }
        line.retain(|word| word != "--open");
        if let Some(id) = line.iter_mut().find(|word| word.starts_with("buy:")) {
            let orders = exchange.json(&["orders"]);
            *id = format!("buy:{}", orders["orders"][0]["id"].as_u64().expect("an order to cancel"));
        }
        let confirmed: Vec<String> = line.iter().cloned().chain(["--yes".to_owned()]).collect();
        if parses(&confirmed).is_ok() && !line.contains(&"--yes".to_owned()) {
            line = confirmed;
        }
        seen.push(command.clone());
        let nth = format!("{command} #{}", seen.iter().filter(|other| **other == command).count());
        let wanted = ENDS_WITH.iter().find(|(on, what, _)| *on == page && (*what == command || *what == nth));
        let arguments: Vec<&str> = line[1..].iter().map(String::as_str).collect();
        let output = exchange.run(&arguments);
        let code = wanted.map_or(0, |(_, _, code)| *code);
        assert_eq!(output.code, code, "{page}: `{command}`\n{}\n{}", output.stdout, output.stderr);
        ran += 1;
    }
    ran
}

#[test]
fn the_readme_works_as_it_is_typed() {
    assert!(follow("README.md") >= 10);
}

#[test]
fn the_tutorial_works_as_it_is_typed() {
    assert!(follow("docs/tutorial/first-day.md") >= 20);
}

#[test]
fn the_quick_starts_work_as_they_are_typed() {
    assert!(follow("docs/es/inicio-rapido.md") >= 8);
    assert!(follow("docs/pt/inicio-rapido.md") >= 8);
}

#[test]
fn the_commands_of_the_other_pages_work() {
    let mut pages = vec!["SECURITY.md".to_owned()];
    for folder in
        ["docs", "docs/how-to", "docs/explanation", "docs/reference", "docs/runbook", "strategies/*"]
    {
        let folders: Vec<PathBuf> = match folder.strip_suffix("/*") {
            Some(above) => {
                fs::read_dir(root().join(above)).unwrap().map(|entry| entry.unwrap().path()).collect()
            }
            None => vec![root().join(folder)],
        };
        for folder in folders {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "md") {
                    pages.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
    }
    pages.sort();
    let ran: usize = pages.iter().filter(|page| !commands(page).is_empty()).map(|page| follow(page)).sum();
    assert!(ran >= 6, "only {ran} commands were run");
}
