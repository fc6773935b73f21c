//! Chores of the repository.
//!
//! `cargo xtask docs` writes the pages of `docs/` that are made from code; `cargo xtask docs --check` fails if they
//! are not up to date.
//!
//! `cargo xtask prove [--quick|--long] [--json]` builds and runs the proofs of `pampero_tests::prove`, which print the
//! counts that README and docs quote.

mod risk_page;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["docs"] => write_pages(),
        ["docs", "--check"] => check_pages(),
        ["prove", flags @ ..] => prove(flags),
        _ => {
            Err("usage: cargo xtask docs [--check] | cargo xtask prove [--quick|--long] [--json]".to_owned())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// A package of its own, so that nothing else waits for what the proofs need to be built.
fn prove(flags: &[&str]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--release", "--package", "pampero-tests", "--bin", "prove", "--"]);
    let status = command.args(flags).status().map_err(|error| format!("cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("not proven".to_owned()) }
}

/// Every generated page with its path.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut pages = vec![(docs.join("risk-gate.md"), risk_page::render())];
    pages.extend(
        pampero::reference_pages().into_iter().map(|(name, text)| (docs.join("reference").join(name), text)),
    );
    pages
}

fn write_pages() -> Result<(), String> {
    for (path, text) in pages() {
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn check_pages() -> Result<(), String> {
    for (path, text) in pages() {
        let found = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if found != text {
            return Err(format!("{} is not up to date; run `cargo xtask docs`", path.display()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_pages_are_up_to_date() {
        assert_eq!(super::check_pages(), Ok(()));
    }
}
