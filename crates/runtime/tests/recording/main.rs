//! What is recorded is recovered, replayed, told and exported.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod recovery;
mod replay;
mod stories;
mod support;
