//! The journals there are, their sessions, and what the configuration of a session said.

use std::path::{Path, PathBuf};

use pampero_engine::StrategyDefinition;
use pampero_runtime::recovery::RecoveryError;
use pampero_runtime::state_dir::StateDir;
use pampero_store::journal::{Journal, JournalError, Session, SessionId};

use crate::advice::Advised as _;
use crate::cli::journal::RunName;
use crate::config;
use crate::connect::state_failure;
use crate::error::{Exit, Failure};
use crate::plan::{self, Plan};
use crate::suggest::hint;

/// A journal with the name of its folder.
pub(super) struct Book {
    pub folder: String,
    pub journal: Journal,
}

impl Book {
    /// How a session of it is named.
    pub fn name(&self, session: SessionId) -> String {
        format!("{}:{}", self.folder, session.0)
    }
}

/// Every journal of the state directory, by folder. Reading does not disturb who writes.
pub(super) fn books(state: Option<&Path>) -> Result<Vec<Book>, Failure> {
    let folders = StateDir::all(state).map_err(state_failure)?;
    let journals = folders.iter().filter(|folder| folder.journal_file().exists());
    let open = |folder: &StateDir| {
        let journal = Journal::open_read_only(&folder.journal_file()).map_err(journal_failure)?;
        Ok(Book { folder: folder.environment().to_owned(), journal })
    };
    journals.map(open).collect()
}

/// The journal of a folder.
pub(super) fn book(state: Option<&Path>, folder: &str) -> Result<Book, Failure> {
    let books = books(state)?;
    let known: Vec<String> = books.iter().map(|book| book.folder.clone()).collect();
    books.into_iter().find(|book| book.folder == folder).ok_or_else(|| {
        let help = if known.is_empty() {
            "nothing has traded here yet: `pampero paper` begins".to_owned()
        } else {
            hint(folder, known.iter().map(String::as_str))
        };
        Failure::usage(format!("there is no journal `{folder}`"), help)
    })
}

/// A session by its name, with its journal.
pub(super) fn find(state: Option<&Path>, run: &RunName) -> Result<(Book, Session), Failure> {
    let mut found = Vec::new();
    let mut known = Vec::new();
    for book in books(state)? {
        let sessions = book.journal.sessions().map_err(journal_failure)?;
        known.extend(sessions.iter().map(|session| book.name(session.id)));
        if run.folder.as_ref().is_some_and(|folder| *folder != book.folder) {
            continue;
        }
        if let Some(session) = sessions.into_iter().find(|session| session.id.0 == run.number) {
            found.push((book, session));
        }
    }
    match found.len() {
        1 => found.pop().ok_or_else(|| Failure::Defect("a run is gone".to_owned())),
        0 if known.is_empty() => Err(Failure::usage(
            format!("there is no run `{run}`"),
            "nothing has traded here yet: `pampero paper` begins, or name the state directory with --state",
        )),
        0 => Err(Failure::usage(
            format!("there is no run `{run}`"),
            format!("`pampero runs` lists all; the last is {}", known.last().map_or("", String::as_str)),
        )),
        _ => {
            let names: Vec<String> = found.iter().map(|(book, session)| book.name(session.id)).collect();
            Err(Failure::usage(
                format!("several journals have a run {}", run.number),
                format!("say which: {}", names.join(", ")),
            ))
        }
    }
}

/// What the configuration of a session said, for the strategies of this program.
pub(super) fn plan<'a>(
    name: &str,
    session: &Session,
    definitions: &'a [StrategyDefinition],
) -> Result<Plan<'a>, Failure> {
    let reading = config::read(&format!("the configuration of run {name}"), &session.about.config);
    let folder = PathBuf::new();
    if !reading.problems.is_empty() {
        return Err(reading.all_problems(|config| plan::problems(config, definitions, &folder)).into());
    }
    let source = reading.source;
    plan::resolve(&reading.config, definitions, &[], &folder)
        .map(|plan| plan.in_session(&reading.config))
        .map_err(|list| Failure::Config(config::Problems { source: Some(source), list }))
}

/// A journal that cannot be read.
// By value, as `map_err` hands it over.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn journal_failure(error: JournalError) -> Failure {
    let exit = match error {
        JournalError::Damaged { .. } | JournalError::DamagedFile { .. } => Exit::Damaged,
        _ => Exit::Failed,
    };
    Failure::account(exit, "journal", error.to_string(), error.advice())
}

/// A session that cannot be told.
pub(super) fn failure(error: RecoveryError) -> Failure {
    match error {
        RecoveryError::Journal(error) => journal_failure(error),
        error => {
            let exit = if matches!(error, RecoveryError::Codec(_)) { Exit::Damaged } else { Exit::Failed };
            Failure::account(exit, "journal", error.to_string(), error.advice())
        }
    }
}
