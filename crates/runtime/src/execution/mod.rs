//! What becomes of an order on an exchange that has no client order ids and answers late or not at all.

mod request;

pub use request::{Answer, Placement, Request, RequestId};
