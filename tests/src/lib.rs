//! End-to-end tests and tests of the house itself: each file of `tests/` holds one behaviour. What `cargo xtask prove`
//! runs as well stands here as a library.

pub mod damage;
pub mod drills;
pub mod fault_matrix;
pub mod fuzz;
pub mod kills;
pub mod prove;
pub mod simulation;
