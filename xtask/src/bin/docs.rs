//! Writes the pages that are made from code, and the table of proofs; with `--check`, fails if they are not up to date.

#[path = "../proofs.rs"]
mod proofs;
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

/// Every page that is made, or has a part that is, with its path.
fn pages() -> Result<Vec<(PathBuf, String)>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = root.join("docs");
    let mut pages = vec![(docs.join("risk-gate.md"), risk_page::render())];
    pages.extend(
        pampero::reference_pages().into_iter().map(|(name, text)| (docs.join("reference").join(name), text)),
    );
    let kept = docs.join("proofs.json");
    let proofs: proofs::Proofs =
        serde_json::from_str(&read(&kept)?).map_err(|error| format!("{}: {error}", kept.display()))?;
    for path in [root.join("README.md"), docs.join("explanation/not-guaranteed.md")] {
        let page = proofs.put_into(&read(&path)?);
        let page =
            page.ok_or_else(|| format!("{}: it has no marks for the table of proofs", path.display()))?;
        pages.push((path, page));
    }
    Ok(pages)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write_pages() -> Result<(), String> {
    for (path, text) in pages()? {
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn check_pages() -> Result<(), String> {
    for (path, text) in pages()? {
        if read(&path)? != text {
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
