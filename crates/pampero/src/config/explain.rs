//! What a key means, and what a file says for it.

use super::problem::Source;
use super::schema::{KEYS, tables};

/// A key or table with its meaning.
pub(crate) struct Explained {
    /// Its path with `*` and `[]`.
    pub path: String,
    pub what: &'static str,
    /// The kind of its value; none for a table.
    pub expected: Option<String>,
    pub default: Option<&'static str>,
    /// The keys of a table.
    pub keys: Vec<&'static str>,
    /// Where a file sets it: path, line, column, text.
    pub set: Vec<(String, usize, usize, String)>,
}

/// Explains a key, a table, or a key of a certain market, currency or strategy.
pub(crate) fn explain_key(path: &str, source: Option<&Source>) -> Option<Explained> {
    let path = path.trim_matches(['[', ']']);
    let set = |pattern: &str| {
        let Some(source) = source else { return Vec::new() };
        let mentions = source.places.iter().filter(|(other, _, _)| {
            if path.contains(['*']) || matches(path, pattern) && !named(path, pattern) {
                matches(other, pattern)
            } else {
                normal(other) == normal(path)
            }
        });
        mentions
            .map(|(path, key, value)| {
                let (line, column) = source.line_column(key);
                let text = source.text.get(value.clone()).unwrap_or_default().to_owned();
                (path.clone(), line, column, text)
            })
            .collect()
    };
    if let Some(key) = KEYS.iter().find(|key| matches(path, &key.path)) {
        return Some(Explained {
            path: key.path.clone(),
            what: key.what,
            expected: Some(key.kind.expected()),
            default: Some(key.default),
            keys: Vec::new(),
            set: set(&key.path),
        });
    }
    let (table, what) = tables().find(|(table, _)| matches(path, table))?;
    let prefix = format!("{table}.");
    let keys = KEYS.iter().filter(|key| key.path.starts_with(&prefix)).map(|key| key.path.as_str());
    Some(Explained {
        path: (*table).to_owned(),
        what,
        expected: None,
        default: None,
        keys: keys.collect(),
        set: Vec::new(),
    })
}

/// Whether a path names a certain entry where the pattern leaves it open.
fn named(path: &str, pattern: &str) -> bool {
    pattern.contains('*') && !path.contains('*')
}

/// A path without the numbers of entries: `strategy[0].name` and `strategy.name` are `strategy[].name`.
fn normal(path: &str) -> String {
    let parts = path.split('.').map(|part| match part.split_once('[') {
        Some((name, _)) => name,
        None => part,
    });
    parts.collect::<Vec<_>>().join(".")
}

fn matches(path: &str, pattern: &str) -> bool {
    let (path, pattern) = (normal(path), normal(pattern));
    let (path, pattern): (Vec<_>, Vec<_>) = (path.split('.').collect(), pattern.split('.').collect());
    path.len() == pattern.len()
        && path.iter().zip(&pattern).all(|(part, wanted)| *wanted == "*" || part == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_pattern_and_by_name() {
        for path in ["limits.max_drawdown", "strategy[0].name", "strategy.name", "markets.btc_ars.maker_fee"]
        {
            assert!(explain_key(path, None).is_some_and(|found| found.expected.is_some()), "{path}");
        }
        assert!(explain_key("[limits]", None).is_some_and(|found| !found.keys.is_empty()));
        assert!(explain_key("limits.max", None).is_none());
    }

    #[test]
    fn a_file_tells_where_a_key_is_set() {
        let text = "[account]\nusd = 5\nars = \"7\"\n";
        let source = super::super::read("a.toml", text).source;
        let found = explain_key("account.ars", Some(&source)).unwrap();
        assert_eq!(found.set, [("account.ars".to_owned(), 3, 1, "\"7\"".to_owned())]);
        assert_eq!(explain_key("account.*", Some(&source)).unwrap().set.len(), 2);
    }
}
