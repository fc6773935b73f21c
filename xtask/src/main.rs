//! Chores of the repository.
//!
//! `cargo xtask docs` writes the pages that are made from code, and the table of proofs in README and docs;
//! `cargo xtask docs --check` fails if they are not up to date.
//!
//! `cargo xtask prove [--quick|--long] [--only PROOF] [--json] [--keep]` builds and runs the proofs of `pampero_tests::prove`. With
//! `--keep` the counts go to `docs/proofs.json`, and from there into README and docs.
//!
//! Each chore is a program of its own, so that none waits for what another needs to be built.

use std::process::{Command, ExitCode};

const USAGE: &str =
    "usage: cargo xtask docs [--check] | cargo xtask prove [--quick|--long] [--only PROOF] [--json] [--keep]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((chore, rest)) if chore == "docs" => run("xtask", "docs", rest),
        Some((chore, rest)) if chore == "prove" => run("pampero-tests", "prove", rest).and_then(|()| {
            if rest.iter().any(|option| option == "--keep") { run("xtask", "docs", &[]) } else { Ok(()) }
        }),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Builds and runs a program of the workspace, as this one was built.
fn run(package: &str, program: &str, arguments: &[String]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // What the outer cargo says of this package makes build scripts that look at it run again, and everything that
    // depends on them be compiled again.
    let of_this_package = |name: &str| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| name.starts_with(start))
    };
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(of_this_package) {
            command.env_remove(name);
        }
    }
    command.args(["run", "--quiet", "--package", package, "--bin", program]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let status = command.arg("--").args(arguments).status().map_err(|error| format!("cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{program}` failed")) }
}
