//! Which events were shown, over the end of the process: the exchange repeats one for days until it is answered.
//!
//! `webhook-events.jsonl` in the state directory, one JSON document a line, synced after each.

use std::collections::{HashSet, VecDeque};
use std::fs::OpenOptions;
use std::io::Read as _;
use std::path::PathBuf;

use pampero_model::{Span, Timestamp};
use pampero_runtime::state_dir::{StateDir, StateError, append_private, open_private, write_private};
use serde::{Deserialize, Serialize};

use crate::connect::{now, state_failure};
use crate::error::Failure;

/// So many are remembered. The exchange sends few.
const MOST: usize = 10_000;
/// So long they are remembered. The exchange repeats for days.
const LONGEST: Span = Span::from_hours(30 * 24);
/// A file of [`MOST`] twice is shorter, in bytes.
const LARGEST_FILE: u64 = 4 << 20;

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    at: Timestamp,
    id: String,
}

/// The ids that were shown, oldest first.
#[derive(Debug)]
pub(super) struct Seen {
    path: PathBuf,
    most: usize,
    ids: HashSet<String>,
    order: VecDeque<Line>,
    /// Lines in the file, forgotten ones among them.
    lines: usize,
}

impl Seen {
    /// Reads what was shown before.
    pub fn of(state: &StateDir) -> Result<Self, Failure> {
        Self::with_most(state, MOST)
    }

    fn with_most(state: &StateDir, most: usize) -> Result<Self, Failure> {
        let path = state.webhook_events_file();
        let text = text(&path).map_err(state_failure)?;
        let mut seen = Self { path, most, ids: HashSet::new(), order: VecDeque::new(), lines: 0 };
        let since = now().minus(LONGEST);
        // A line that a crash tore was not answered: its event comes again.
        for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            seen.lines += 1;
            if line.at >= since {
                seen.keep(line);
            }
        }
        Ok(seen)
    }

    pub fn contains(&self, id: &str) -> bool {
        self.ids.contains(&short(id))
    }

    /// Remembers an id. Once this returns, a crash cannot lose it.
    pub fn remember(&mut self, id: &str) -> Result<(), Failure> {
        let line = Line { at: now(), id: short(id) };
        let mut text = String::new();
        if self.lines >= 2 * self.most {
            self.lines = self.order.len();
            self.order.iter().try_for_each(|line| push(&mut text, line))?;
            write_private(&self.path, text.as_bytes()).map_err(state_failure)?;
            text.clear();
        }
        push(&mut text, &line)?;
        append_private(&self.path, text.as_bytes()).map_err(state_failure)?;
        self.lines += 1;
        self.keep(line);
        Ok(())
    }

    fn keep(&mut self, line: Line) {
        if self.ids.insert(line.id.clone()) {
            self.order.push_back(line);
        }
        while self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest.id);
        }
    }
}

/// The file's text; none where there is no file.
fn text(path: &std::path::Path) -> Result<String, StateError> {
    let file = match open_private(path, OpenOptions::new().read(true)) {
        Err(StateError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(String::new());
        }
        other => other?,
    };
    let mut bytes = Vec::new();
    let read = file.take(LARGEST_FILE).read_to_end(&mut bytes);
    read.map_err(|source| StateError::Io { path: path.to_owned(), action: "read", source })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line that a crash tore is ended first, so that it takes no other with it.
fn push(text: &mut String, line: &Line) -> Result<(), Failure> {
    let json = serde_json::to_string(line).map_err(|error| Failure::Defect(error.to_string()))?;
    text.extend(["\n", &json, "\n"]);
    Ok(())
}

/// An id of a length that the file is made for.
fn short(id: &str) -> String {
    if id.len() <= 80 { id.to_owned() } else { blake3::hash(id.as_bytes()).to_string() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn state(root: &tempfile::TempDir) -> StateDir {
        StateDir::open(Some(root.path()), "local").unwrap()
    }

    #[test]
    fn what_was_shown_is_known_after_a_restart_and_a_torn_line_takes_no_other_with_it() {
        let root = tempfile::tempdir().unwrap();
        let state = state(&root);
        let mut seen = Seen::of(&state).unwrap();
        let long = "payment ".repeat(100);
        seen.remember("event 1").unwrap();
        append_private(&state.webhook_events_file(), br#"{"at":"2024-01-0"#).unwrap();
        seen.remember(&long).unwrap();
        let again = Seen::of(&state).unwrap();
        assert!(again.contains("event 1") && again.contains(&long) && !again.contains("event 2"));
        let mode = std::fs::metadata(state.webhook_events_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_oldest_are_forgotten_and_the_file_stays_small() {
        let root = tempfile::tempdir().unwrap();
        let state = state(&root);
        let lines = |state: &StateDir| text(&state.webhook_events_file()).unwrap().split_whitespace().count();
        let mut seen = Seen::with_most(&state, 3).unwrap();
        let most = (1..=20)
            .map(|id| {
                seen.remember(&format!("event{id}")).unwrap();
                lines(&state)
            })
            .max();
        assert_eq!(most, Some(6));
        for seen in [seen, Seen::with_most(&state, 3).unwrap()] {
            let known: Vec<u32> = (1..=20).filter(|id| seen.contains(&format!("event{id}"))).collect();
            assert_eq!(known, [18, 19, 20]);
        }
    }

    #[test]
    fn what_is_older_than_a_month_is_forgotten() {
        let root = tempfile::tempdir().unwrap();
        let state = state(&root);
        let old = Line { at: now().minus(Span::from_hours(31 * 24)), id: "event 1".to_owned() };
        let mut text = String::new();
        push(&mut text, &old).unwrap();
        write_private(&state.webhook_events_file(), text.as_bytes()).unwrap();
        assert!(!Seen::of(&state).unwrap().contains("event 1"));
    }
}
