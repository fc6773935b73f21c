//! A local exchange server that speaks Bitex's protocol, with faults on demand.
//!
//! The same paths, the same documents and the same arithmetic as the real exchange, on loopback: its own clients run
//! against it. Matching, fees and balances are those of `pampero-venue`; this crate adds customers, keys, HTTP, agents
//! that make a market, and faults.
//!
//! ```no_run
//! # async fn example() -> Result<(), pampero_sandbox::SandboxError> {
//! use pampero_sandbox::{Sandbox, SandboxConfig};
//! let sandbox = Sandbox::start(SandboxConfig::default()).await?;
//! println!("{}", sandbox.announcement());
//! sandbox.shutdown().await?;
//! # Ok(())
//! # }
//! ```

mod agents;
mod api;
mod clock;
mod config;
mod faults;
mod json;
mod limiter;
mod otp;
mod path;
mod server;
mod world;

pub use config::{
    AccountConfig, AgentsConfig, BookConfig, BotsConfig, ConfigError, KeyConfig, Latency, SandboxConfig, Tls,
    WebhooksConfig,
};
pub use faults::{FAULTS, FaultCount, FaultKind, FaultRule};
pub use otp::one_time_password;
pub use path::PricePath;
pub use server::{AcceptedOrder, Sandbox, SandboxError};
pub use world::StateFileError;
