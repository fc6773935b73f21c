//! What the tests of the command share.
#![allow(dead_code)] // each test file uses its part

#[cfg(all(feature = "live", feature = "sandbox"))]
pub mod exchange;

use std::fmt::Write as _;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// What a run of the command left.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Standard output without its line breaks, which may stand anywhere between words.
    pub fn flat(&self) -> String {
        self.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The one JSON object on standard output.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Runs the command in a folder.
pub fn pampero_in(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::cargo_bin("pampero").unwrap();
    let state = folder.join("state");
    command.current_dir(folder).env("NO_COLOR", "1").env("PAMPERO_STATE", state);
    // The keys of whoever runs the tests are none of theirs.
    command.env("XDG_CONFIG_HOME", folder.join("config"));
    let output = command.args(arguments).output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the command in an empty folder.
pub fn pampero(arguments: &[&str]) -> Ran {
    pampero_in(tempfile::tempdir().unwrap().path(), arguments)
}

/// Hourly candles that rise and fall in a saw of `half` candles up and down, between 1000 and more.
pub fn saw(candles: usize, half: usize) -> String {
    let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
    let mut price = 1_000_usize;
    for index in 0..candles {
        let up = (index / half).is_multiple_of(2);
        let close = if up { price + 10 } else { price - 10 };
        let (high, low) = (price.max(close) + 1, price.min(close) - 1);
        let time = 1_704_067_200 + 3_600 * index;
        writeln!(text, "{time},{price},{high},{low},{close},1000").unwrap();
        price = close;
    }
    text
}

/// A folder with files.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The lines of more than eighty columns.
pub fn wide_lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.chars().count() > 80).map(str::to_owned).collect()
}
