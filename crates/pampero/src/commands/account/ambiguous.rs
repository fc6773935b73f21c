//! What was sent by hand, before it is sent and after: so that nothing is forgotten whose end is not known.
//!
//! `ambiguous.jsonl` in the state directory, one JSON document a line, synced: an `intent` before the request leaves, an
//! `outcome` once there is one, `settled` when a person says so. An intent without a clear outcome is unfinished.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pampero_model::Timestamp;
use pampero_runtime::state_dir::{StateDir, StateError, append_private};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::connect::{now, state_failure};
use crate::error::Failure;

/// One line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line {
    Intent { id: String, at: Timestamp, what: String, words: String, details: Json },
    Outcome { id: String, at: Timestamp, outcome: String, details: Json },
    Settled { id: String, at: Timestamp },
}

/// A request whose end is not known.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Unfinished {
    pub id: String,
    pub at: Timestamp,
    /// `order`, `withdrawal`, …
    pub what: String,
    /// The same in words.
    pub words: String,
    pub details: Json,
    /// What is known of its end: `unknown`, or nothing if the process ended before it could tell.
    pub outcome: Option<String>,
}

/// The file.
#[derive(Clone, Debug)]
pub(super) struct Ambiguous {
    path: PathBuf,
}

impl Ambiguous {
    pub fn of(state: &StateDir) -> Self {
        Self { path: state.ambiguous_file() }
    }

    /// Notes a request before it is sent. Once this returns, a crash cannot lose it.
    pub fn intent(&self, what: &str, words: &str, details: Json) -> Result<String, Failure> {
        let at = now();
        let id = format!("{:x}-{}", at.as_millis(), std::process::id());
        self.append(&Line::Intent {
            id: id.clone(),
            at,
            what: what.to_owned(),
            words: words.to_owned(),
            details,
        })?;
        Ok(id)
    }

    /// Notes how a request ended, or that nobody knows (`unknown`).
    pub fn outcome(&self, id: &str, outcome: &str, details: Json) -> Result<(), Failure> {
        self.append(&Line::Outcome { id: id.to_owned(), at: now(), outcome: outcome.to_owned(), details })
    }

    /// Notes that a person has looked into an unfinished request.
    pub fn settle(&self, id: &str) -> Result<(), Failure> {
        if !self.unfinished()?.iter().any(|one| one.id == id) {
            let message = format!("there is no unfinished request `{id}`");
            return Err(Failure::usage(message, "`pampero doctor` lists them"));
        }
        self.append(&Line::Settled { id: id.to_owned(), at: now() })
    }

    /// Everything whose end is not known, oldest first.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>, Failure> {
        Ok(unfinished(&self.text()?))
    }

    /// The orders that were placed within a span, as `buy:5035`.
    pub fn placed(&self, within: pampero_model::Span) -> Result<Vec<String>, Failure> {
        let since = now().minus(within);
        let lines = lines(&self.text()?);
        let of = |line| match line {
            Line::Outcome { at, details, .. } if at >= since => {
                details.get("order").and_then(Json::as_str).map(str::to_owned)
            }
            _ => None,
        };
        Ok(lines.into_iter().filter_map(of).collect())
    }

    fn text(&self) -> Result<String, Failure> {
        match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            other => other.map_err(|error| Failure::io(&self.path, &error)),
        }
    }

    fn append(&self, line: &Line) -> Result<(), Failure> {
        let text = serde_json::to_string(line).map_err(|error| Failure::Defect(error.to_string()))?;
        // A line that a crash tore is ended first, so that it takes no other with it.
        let write =
            || -> Result<(), StateError> { append_private(&self.path, format!("\n{text}\n").as_bytes()) };
        write().map_err(state_failure)
    }
}

/// Reads the lines; one that was torn by a crash was never acted upon and is left out.
fn lines(text: &str) -> Vec<Line> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn unfinished(text: &str) -> Vec<Unfinished> {
    let mut open: BTreeMap<String, Unfinished> = BTreeMap::new();
    for line in lines(text) {
        match line {
            Line::Intent { id, at, what, words, details } => {
                open.insert(id.clone(), Unfinished { id, at, what, words, details, outcome: None });
            }
            Line::Outcome { id, outcome, .. } if outcome == "unknown" => {
                if let Some(one) = open.get_mut(&id) {
                    one.outcome = Some(outcome);
                }
            }
            Line::Outcome { id, .. } | Line::Settled { id, .. } => {
                open.remove(&id);
            }
        }
    }
    let mut open: Vec<Unfinished> = open.into_values().collect();
    open.sort_by_key(|one| one.at);
    open
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_no_clear_end_is_unfinished_until_somebody_settles_it() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(root.path()), "local").unwrap();
        let file = Ambiguous::of(&state);
        assert!(file.unfinished().unwrap().is_empty());
        let lost = file.intent("order", "an order", json!({"side": "buy"})).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2)); // ids hold the millisecond
        let clear = file.intent("order", "an order", json!({})).unwrap();
        file.outcome(&clear, "acknowledged", json!({"id": 5})).unwrap();
        let open = file.unfinished().unwrap();
        assert_eq!((open.len(), open[0].id.as_str(), open[0].outcome.as_deref()), (1, lost.as_str(), None));
        file.outcome(&lost, "unknown", json!({})).unwrap();
        assert_eq!(file.unfinished().unwrap()[0].outcome.as_deref(), Some("unknown"));
        assert!(file.settle("nothing").is_err());
        file.settle(&lost).unwrap();
        assert!(file.unfinished().unwrap().is_empty());
    }

    #[test]
    fn a_torn_line_takes_no_other_with_it() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(root.path()), "local").unwrap();
        let file = Ambiguous::of(&state);
        append_private(&state.ambiguous_file(), br#"{"record":"intent","id":"1-1","at":"2024-"#).unwrap();
        let id = file.intent("order", "an order", json!({})).unwrap();
        let open = file.unfinished().unwrap();
        assert_eq!((open.len(), &open[0].id), (1, &id));
    }
}
