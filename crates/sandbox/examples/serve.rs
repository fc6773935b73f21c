//! Serves a sandbox until its standard input ends. An argument is a TOML file with the configuration.
//!
//! `cargo run -p pampero-sandbox --example serve -- sandbox.toml`

use std::io::Read;

use pampero_sandbox::{Sandbox, SandboxConfig};

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = match std::env::args().nth(1) {
        Some(file) => SandboxConfig::from_toml(&std::fs::read_to_string(file)?)?,
        None => SandboxConfig::default(),
    };
    let sandbox = Sandbox::start(config).await?;
    println!("{}", sandbox.announcement());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    sandbox.shutdown().await?;
    Ok(())
}
