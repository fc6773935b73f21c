//! Bitex: a typed, async client of everything a regular user may do there, and the adapter for the runtime.
//!
//! * [`Client`] has one method for each endpoint; [`Bitex`] is the same as an
//!   [`Exchange`](pampero_exchange::Exchange).
//! * [`ApiKey`] is bound to an [`Environment`] and never shown.
//! * Numbers are exact: the text of each is read digit by digit and cut off after the eighth decimal, as the
//!   exchange itself does.
//! * The reader is tolerant: ids as text or number, times in seconds or as text, attributes that come and go with
//!   the years, states that we do not know (never taken as final).
//! * What creates something is sent at most once, over a connection of its own; see [`Outcome`].
//!
//! Left out: what only master users or compliance officers do (cross-border payments, documents for compliance,
//! creating users), transfers between users, whose shape is not on record, notarial attestations, support tickets,
//! and the old interface without JSON:API.
//!
//! [`Outcome`]: pampero_exchange::Outcome

mod adapter;
mod bots;
mod classify;
mod client;
mod config;
mod deposits;
mod document;
mod fills;
mod key;
mod keys;
mod market_data;
mod orders;
mod payments;
mod transport;
mod users;
mod wallets;
mod webhooks;
mod wire;
mod withdrawals;

pub mod decode;

pub use adapter::Bitex;
pub use bots::Bot;
pub use client::{Client, Probe};
pub use config::{Config, Environment, LocalUrl, Timeouts, TlsOptions};
pub use deposits::{CashDeposit, CoinAddress, CoinDeposit, DepositInstructions};
pub use key::{ApiKey, KeyError, KeyName, KeyRing, KeySource, OneTimePassword};
pub use keys::{KeyPermissions, KeyRecord, Token};
pub use market_data::{Orderbook, Ticker, Transaction};
pub use payments::{NewPayment, Payment, PointOfSale};
pub use users::User;
pub use wallets::{Account, CashWallet, CoinWallet};
pub use webhooks::{Event, EventKind, EventSubject, Webhook, WebhookVerifier};
pub use withdrawals::{
    CashWithdrawal, CoinWithdrawal, FundingReceipt, NewCoinWithdrawal, WithdrawalInstruction,
};
