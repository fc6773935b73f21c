//! The process that trades: this program again, as somebody who trades.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use pampero_runtime::kill_point::{KillPoint, arm};

/// Says that this process is to be the command line of Pampero.
const TRADER: &str = "PAMPERO_PROOF_TRADER";
/// Where it is to die: `place:n`.
const KILL_AT: &str = "PAMPERO_PROOF_KILL_AT";

/// Runs the command line of Pampero if this process was started for that. Call it first in `main`.
pub fn become_trader() -> Option<ExitCode> {
    std::env::var_os(TRADER)?;
    if let Ok(text) = std::env::var(KILL_AT) {
        let (name, nth) = text.split_once(':').unwrap_or((&text, "1"));
        let (Some(point), Ok(nth)) = (KillPoint::find(name), nth.parse()) else {
            eprintln!("{KILL_AT}: `{text}` is no place");
            return Some(ExitCode::from(2));
        };
        arm(point, nth);
    }
    Some(pampero::run(pampero::builtin_strategies()))
}

/// The command line of Pampero in a folder of its own, which also holds its state and its log.
pub fn trader(program: &Path, folder: &Path, arguments: &[&str]) -> std::io::Result<Command> {
    let log: File = OpenOptions::new().create(true).append(true).open(folder.join("log"))?;
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_clear()
        .env(TRADER, OsStr::new("1"))
        .env("NO_COLOR", "1")
        .env("HOME", folder.join("home"))
        .env("PAMPERO_STATE", folder.join("state"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .args(arguments);
    Ok(command)
}

/// Arms a place in a process that is about to start.
pub fn die_at(command: &mut Command, point: KillPoint, nth: u32) {
    command.env(KILL_AT, format!("{}:{nth}", point.name()));
}
