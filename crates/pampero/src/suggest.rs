//! "Did you mean …?"

/// The candidate most like a word, if one is like it at all.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .map(|candidate| {
            let plain = candidate.to_ascii_lowercase().replace('-', "_");
            (strsim::jaro_winkler(&word, &plain), candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The end of a message: what may have been meant, or everything that may stand there.
pub(crate) fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(candidate) = closest(word, candidates.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let all: Vec<_> = candidates.into_iter().collect();
    format!("there are: {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let words = ["max_drawdown", "max_daily_loss", "sma-cross"];
        assert_eq!(closest("max_drawdwn", words), Some("max_drawdown"));
        assert_eq!(closest("SMA_Cross", words), Some("sma-cross"));
        assert_eq!(closest("volume", words), None);
        assert_eq!(hint("volume", ["a", "b"]), "there are: a, b");
    }
}
