//! A local exchange server that speaks Bitex's protocol, with faults on demand.
//!
//! The same paths, the same documents and the same arithmetic as the real exchange, on loopback: its own clients run
//! against it. Matching, fees and balances are those of `pampero-venue`; this crate adds customers, keys, HTTP, agents
//! that make a market, and faults.
//!
//! # Administration
//!
//! On a loopback port of its own, in JSON; nothing of it exists on the real exchange.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /orders` | the truth: every order ever accepted, by whom, and what became of it ([`AcceptedOrder`]) |
//! | `GET /requests` | how many requests there were, by endpoint |
//! | `GET`, `PUT`, `DELETE /faults` | the rules in force ([`FaultRule`]) with their hits, and totals by fault |
//! | `GET /deliveries` | events and callbacks, delivered or not |
//! | `POST /step {"steps": 3}` | lets the agents live |
//! | `POST /advance {"ms": 250}` | moves a clock that stands still |
//! | `POST /settings {"requests_per_second": 0, "engine_delay_ms": 5000}` | changes either; a long delay keeps orders `pending` |
//! | `POST /coins {"address": "m…", "amount": "0.1"}` | sends coins to a wallet, a selling address or a payment |
//! | `POST /deposits`, `/withdrawals {"user": 1, "money": "5 BTC"}` | moves money by hand, without a trace in the lists |
//! | `POST /orders {"user": 1, "book": "btc_usd", "side": "sell", "amount": "0.5", "price": "4400"}` | trades by hand |
//! | `POST /orders/cancel {"side": "sell", "id": 1}` | cancels as the exchange would |
//! | `POST /fees {"book": "btc_usd", "maker": "0", "taker": "0.01"}` | changes fees from now on |
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
