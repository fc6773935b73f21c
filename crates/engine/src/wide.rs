//! Sums of 128 bits that are held at the ends of their range, at the price of a plain sum.
//!
//! `saturating_add` computes the saturated value beside the sum on every call; on the path of every market event that
//! is most of the work. Here the rare case stands apart.

#[cold]
#[inline(never)]
fn end_of_range(negative: bool) -> i128 {
    if negative { i128::MIN } else { i128::MAX }
}

/// `a + b`, held at the ends of the range.
#[inline]
pub(crate) fn add(a: i128, b: i128) -> i128 {
    match a.checked_add(b) {
        Some(sum) => sum,
        None => end_of_range(b < 0),
    }
}

/// `a - b`, held at the ends of the range.
#[inline]
pub(crate) fn sub(a: i128, b: i128) -> i128 {
    match a.checked_sub(b) {
        Some(difference) => difference,
        None => end_of_range(b > 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agree_with_the_standard_ones() {
        let edges = [i128::MIN, i128::MIN + 1, -1, 0, 1, i128::MAX - 1, i128::MAX];
        for (a, b) in edges.iter().flat_map(|a| edges.iter().map(move |b| (*a, *b))) {
            assert_eq!(add(a, b), a.saturating_add(b), "{a} + {b}");
            assert_eq!(sub(a, b), a.saturating_sub(b), "{a} - {b}");
        }
    }
}
