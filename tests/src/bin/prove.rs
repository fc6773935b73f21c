//! `cargo xtask prove`: runs the proofs and prints what they counted.

use std::io::Write as _;
use std::process::ExitCode;

use pampero_tests::kills::become_trader;
use pampero_tests::prove::{Depth, run};

const USAGE: &str = "usage: cargo xtask prove [--quick | --long] [--only PROOF] [--json] [--keep]";
/// What README and docs quote.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/proofs.json");

fn main() -> ExitCode {
    if let Some(code) = become_trader() {
        return code;
    }
    let (mut depth, mut only, mut json, mut keep) = (Depth::Usual, None, false, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => depth = Depth::Quick,
            "--long" => depth = Depth::Long,
            "--json" => json = true,
            "--keep" => keep = true,
            "--only" => only = arguments.next(),
            other => {
                eprintln!("`{other}` is not known\n{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let mut out = std::io::stdout();
    // A reader that has gone away is no failure.
    let proofs = run(depth, only.as_deref(), |row| {
        drop(out.write_all(row.render().as_bytes()).and_then(|()| out.flush()));
    });
    if json {
        match serde_json::to_string(&proofs) {
            Ok(line) => println!("{line}"),
            Err(error) => eprintln!("{error}"),
        }
    }
    if proofs.proofs.is_empty() {
        eprintln!("no proof is called so\n{USAGE}");
        return ExitCode::from(2);
    }
    if keep && proofs.ok {
        let kept = serde_json::to_string_pretty(&proofs).map_err(std::io::Error::from);
        if let Err(error) = kept.and_then(|text| std::fs::write(KEPT, text + "\n")) {
            eprintln!("{KEPT}: {error}");
            return ExitCode::FAILURE;
        }
    }
    if proofs.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
