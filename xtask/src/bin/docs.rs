//! Writes the pages of `docs/` that are made from code; with `--check`, fails if they are not up to date.

#[path = "../risk_page.rs"]
mod risk_page;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => write_pages(),
        ["--check"] => check_pages(),
        _ => Err("usage: cargo xtask docs [--check]".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
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
