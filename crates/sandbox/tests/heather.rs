//! The JSON:API layer of the exchange's official JavaScript client (npm's `heather-js` 0.2.4) runs against the sandbox.
//! Skipped, saying so, where Node or the package is not there: `npm ci --prefix crates/sandbox/tests/js`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::path::Path;
use std::process::Command;

use pampero_sandbox::SandboxConfig;
use support::*;

#[test]
fn the_official_javascript_layer_runs_against_the_sandbox() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js");
    let node = Command::new("node").arg("--version").output();
    if node.is_err() || !folder.join("node_modules/heather-js").exists() {
        eprintln!("skipped: no node, or no heather-js (npm ci --prefix crates/sandbox/tests/js)");
        return;
    }
    // The client knows no manual clock: this one sandbox follows the system's.
    let mut config = SandboxConfig { requests_per_second: 0, ..SandboxConfig::default() };
    config.agents.enabled = false;
    let server = Server::start(config);
    let keys = ["trade", "funds", "admin"].map(|name| server.key(name));
    let output = Command::new("node")
        .arg("drive.js")
        .arg(server.sandbox().url())
        .args(keys)
        .arg(server.otp())
        .current_dir(&folder)
        .output()
        .unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("every step passed"), "{out}{error}");
}
