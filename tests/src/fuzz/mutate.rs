//! Inputs that are nearly right.

use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// What may stand where something else belongs.
const ODDITIES: [&[u8]; 28] = [
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"\"\"",
    b"-1",
    b"0",
    b"1e400",
    b"1e-400",
    b"-0.0",
    b"1e-7",
    b"99999999999999999999999999999.9",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"\"\\u0000\"",
    b"\x1b[31m",
    b"\xef\xbb\xbf",
    b"\xff",
    b"NaN",
    b"inf",
    b"<html>",
    b"[[[[[[[[[[[[[[[[",
    b"\r\n",
    b",",
    b";",
    b"2019-02-30",
    b"\xe2\x80\xae",
    b"0.00000001",
];

/// Makes inputs out of others: cuts, doubles, splices, replaces and flips, a few at a time. The same seed and corpus
/// give the same inputs.
#[derive(Debug)]
pub struct Mutator<'a> {
    random: Pcg64Mcg,
    corpus: &'a [Vec<u8>],
    longest: usize,
    input: Vec<u8>,
}

impl<'a> Mutator<'a> {
    /// A mutator of a corpus, which may be empty.
    pub fn new(seed: u64, corpus: &'a [Vec<u8>], longest: usize) -> Self {
        Self { random: Pcg64Mcg::seed_from_u64(seed), corpus, longest, input: Vec::new() }
    }

    /// The next input.
    #[allow(clippy::should_implement_trait)] // it lends its buffer
    pub fn next(&mut self) -> &[u8] {
        self.input.clear();
        let chosen = self.of_corpus();
        self.input.extend_from_slice(chosen);
        for _ in 0..self.random.random_range(1..=4) {
            self.damage();
        }
        self.input.truncate(self.longest);
        &self.input
    }

    fn of_corpus(&mut self) -> &'a [u8] {
        if self.corpus.is_empty() {
            return &[];
        }
        let chosen = self.random.random_range(0..self.corpus.len());
        self.corpus.get(chosen).map_or(&[], Vec::as_slice)
    }

    fn place(&mut self) -> usize {
        self.random.random_range(0..=self.input.len())
    }

    /// A stretch of the input, mostly a short one.
    fn stretch(&mut self) -> std::ops::Range<usize> {
        let start = self.place();
        let most = if self.random.random_range(0..8) == 0 { self.longest } else { 16 };
        let length = self.random.random_range(0..=most);
        start..start.saturating_add(length).min(self.input.len())
    }

    fn damage(&mut self) {
        match self.random.random_range(0..8) {
            0 => {
                let stretch = self.stretch();
                self.input.drain(stretch);
            }
            1 => {
                let (stretch, at) = (self.stretch(), self.place());
                let piece = self.input.get(stretch).unwrap_or_default().to_vec();
                self.input.splice(at..at, piece);
            }
            2 => {
                let (stretch, oddity) = (self.stretch(), self.oddity());
                self.input.splice(stretch, oddity.iter().copied());
            }
            3 => self.replace_value(),
            4 => {
                let other = self.of_corpus();
                let from = self.random.random_range(0..=other.len());
                let to = from.saturating_add(self.random.random_range(0..64)).min(other.len());
                let stretch = self.stretch();
                self.input.splice(stretch, other.get(from..to).unwrap_or_default().iter().copied());
            }
            5 => {
                let digit = b'0' + self.random.random_range(0..10_u8);
                self.set(|byte| if byte.is_ascii_digit() { digit } else { byte ^ 1 });
            }
            6 => {
                let value = u8::try_from(self.random.next_u32() & 0xff).unwrap_or_default();
                self.set(|_| value);
            }
            _ => {
                let bit = 1 << self.random.random_range(0..8_u8);
                self.set(|byte| byte ^ bit);
            }
        }
    }

    fn oddity(&mut self) -> &'static [u8] {
        ODDITIES.get(self.random.random_range(0..ODDITIES.len())).copied().unwrap_or_default()
    }

    fn set(&mut self, change: impl FnOnce(u8) -> u8) {
        let at = self.place();
        if let Some(byte) = self.input.get_mut(at) {
            *byte = change(*byte);
        }
    }

    /// In the place of what stands between two marks, as a value does in JSON, TOML and CSV.
    fn replace_value(&mut self) {
        let is_mark = |byte: &u8| b":=,}]\n;".contains(byte);
        let at = self.place();
        let rest = self.input.get(at..).unwrap_or_default();
        let Some(mark) = rest.iter().position(is_mark) else { return };
        let start = at + mark + 1;
        let rest = self.input.get(start..).unwrap_or_default();
        let end = start + rest.iter().position(is_mark).unwrap_or(rest.len());
        let oddity = self.oddity();
        self.input.splice(start..end, oddity.iter().copied());
    }
}
