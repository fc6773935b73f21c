//! What becomes of an order on an exchange that has no client order ids and answers late or not at all.
//!
//! [`Execution`] is a deterministic state machine for one venue account, without I/O, clock or randomness: commands of
//! the engine and answers of the exchange go in, [`Effect`]s come out.
//!
//! ```text
//! command ─> queue ─> Note::Intent ─(sync)─> Request::Place, once ─┬─ acknowledged ─> open ─ reads ─> closed
//!                                                                  ├─ refused, not sent ────────────> closed
//!                                                                  └─ unknown ─┬─ found by a read ──> open
//!                                                                              └─ 3 complete looks after the
//!                                                                                 quarantine ─> presumed absent
//!                                                                                 ─ ghost horizon ─> absent
//! ```
//!
//! What must hold: an intent is sent at most once, ever; what became of it is settled by reads alone; its funds stay
//! reserved in the engine until that is settled; and a read that failed is no information. [`reconcile`] says as a pure
//! function what a round of reads changes.
//!
//! The caller takes out the effects in order after each call, journals every note and event, **syncs before it carries
//! out a placement**, steps the engine with the events, and hands the engine's commands back.

mod cancelling;
mod correcting;
mod ledger;
mod local;
mod machine;
mod note;
mod placing;
mod reconcile;
mod request;
mod rounds;
mod settings;
mod taking_over;
#[cfg(test)]
mod tests;
mod wide;

pub use ledger::{Difference, differences, explain, surplus};
pub use local::{Attribution, Book, Local, LocalOrder, Stage};
#[doc(hidden)]
pub use machine::Canary;
pub use machine::Execution;
pub use note::{Alarm, CarriedOrder, CarriedOver, Effect, Note};
pub use reconcile::{Correction, Key, Snapshot, reconcile, wanted};
pub use request::{Answer, Placement, Request, RequestId};
pub use settings::{ForeignPolicy, Settings};
