//! Reason codes read back from a journal.
//!
//! A strategy's codes are constants of its program; those of a journal may come from another build. Each is
//! kept once for the life of the process, and there is a bound on how many, so that a damaged or hostile file cannot
//! fill the memory.

use std::collections::BTreeSet;
use std::sync::Mutex;

/// Most different codes that are kept.
const MOST_CODES: usize = 4_096;
/// Longest code, in bytes.
const LONGEST: usize = 128;

static CODES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// The code as a constant.
pub(crate) fn intern(text: &str) -> Result<&'static str, &'static str> {
    if text.is_empty() {
        return Ok("");
    }
    // A panic elsewhere leaves the set whole.
    let mut codes = CODES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = codes.get(text) {
        return Ok(known);
    }
    if text.len() > LONGEST || codes.len() >= MOST_CODES {
        return Err("a reason code is too long, or there are too many different ones");
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    codes.insert(kept);
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_kept_once_and_length_is_bounded() {
        let first = intern("CROSS_UP").unwrap();
        let again = intern(&String::from("CROSS_UP")).unwrap();
        assert!(std::ptr::eq(first, again));
        assert!(intern(&"x".repeat(LONGEST + 1)).is_err());
        assert_eq!(intern(""), Ok(""));
    }
}
