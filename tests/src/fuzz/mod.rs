//! What must hold of any bytes that come from outside: one function for each reader.
//!
//! A target panics where something is wrong; whatever else an input does, it ends in a value or in an error that is
//! short, clean and free of keys. Three things run the same targets: `cargo test` and `cargo xtask prove` replay the
//! corpora of `fuzz/corpus` and mutate them with a seed, and the package in `fuzz/` lets libFuzzer look for more.

mod calls;
mod documents;
mod files;
mod journal;
mod matching;
mod mutate;
mod network;
mod orders;
mod records;
mod values;

use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use documents::reader_of;
pub use mutate::Mutator;

/// A reader under test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Also the name of its corpus.
    pub name: &'static str,
    /// Panics where something is wrong.
    pub run: fn(&[u8]),
    /// So long is the longest input worth trying, in bytes.
    pub longest: usize,
}

const fn target(name: &'static str, run: fn(&[u8]), longest: usize) -> Target {
    Target { name, run, longest }
}

/// All of them.
pub const TARGETS: [Target; 18] = [
    target("documents", documents::documents, 4_096),
    target("errors", documents::errors, 1_024),
    target("webhooks", documents::webhooks, 2_048),
    target("decimals", values::decimals, 128),
    target("timestamps", values::timestamps, 128),
    target("configuration", files::configuration, 8_192),
    target("sandbox_configuration", files::sandbox_configuration, 4_096),
    target("csv", files::csv, 4_096),
    target("parquet", files::parquet, 16_384),
    target("matching", matching::matching, 1_024),
    target("orders", orders::orders, 1_024),
    target("reconciling", orders::reconciling, 128),
    target("journal", journal::journal, 32),
    target("records", records::records, 8_192),
    target("latch", journal::latch, 512),
    target("arguments", files::arguments, 256),
    target("responses", network::responses, 2_048),
    target("requests", network::requests, 512),
];

/// The target of a name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// How many inputs a target took.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The target.
    pub name: &'static str,
    /// Inputs of its corpus.
    pub corpus: u64,
    /// Inputs made of those.
    pub mutated: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// The first input that was wrong, with what it did.
    pub failure: Option<String>,
}

impl Target {
    /// The inputs of its corpus, by the names of their files.
    pub fn corpus(&self) -> std::io::Result<Vec<Vec<u8>>> {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus")).join(self.name);
        let mut paths = std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()?;
        paths.sort();
        paths.iter().map(std::fs::read).collect()
    }

    /// Runs the corpus, and inputs made of it until there are so many, the time is over, or one of them is wrong.
    pub fn exercise(&self, seed: u64, most: u64, patience: Duration) -> std::io::Result<Tried> {
        let started = Instant::now();
        let corpus = self.corpus()?;
        let mut failure = corpus.iter().find_map(|input| self.failure_of(input));
        let mut mutator = Mutator::new(seed, &corpus, self.longest);
        let mut mutated = 0;
        while failure.is_none() && mutated < most && (mutated % 64 != 0 || started.elapsed() < patience) {
            failure = self.failure_of(mutator.next());
            mutated += 1;
        }
        let counted = u64::try_from(corpus.len()).unwrap_or(u64::MAX);
        Ok(Tried { name: self.name, corpus: counted, mutated, elapsed: started.elapsed(), failure })
    }

    /// What is wrong with an input, if anything is.
    fn failure_of(&self, input: &[u8]) -> Option<String> {
        let panic = std::panic::catch_unwind(|| (self.run)(input)).err()?;
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panics");
        Some(format!("{}: {words}: the input is b\"{}\"", self.name, input.escape_ascii()))
    }
}
