//! Telling people: a bounded queue that trading never waits for, and the channels that empty it.
//!
//! Whoever has something to tell hands a [`Notice`] to the [`Notifier`], which takes a moment whatever the channels
//! do. [`deliver`] runs beside it: every channel has a queue of its own, so that one that hangs keeps no other
//! waiting, and a number of messages a minute, beyond which several are told as one. Addresses are https or of this
//! machine; redirects are not followed; tokens stand in no log and no error.

mod channel;
mod deliver;
mod queue;

#[cfg(test)]
mod tests;

pub use channel::{Channel, NotifyError, TelegramToken};
pub use deliver::{DeliverySettings, HeartbeatUrl, Route, deliver};
pub use queue::{Notice, Notifier, Severity};
