//! Seeded randomness for the moments of the kills.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Depends on its seed alone.
pub struct Chance(Pcg64Mcg);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// A number from one to another, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }
}
