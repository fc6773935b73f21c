//! Whatever creates something at the exchange: noted before, sent once, noted after. Where nobody knows what became
//! of it, the exchange is read and what may be it is shown. It is never sent again.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use pampero_exchange::{Error, Outcome};
use serde_json::{Value as Json, json};

use super::Session;
use super::ambiguous::Ambiguous;
use crate::error::{Exit, Failure};

/// Something of the kind that was to be created, as the exchange lists it.
pub(super) struct Candidate {
    /// What tells it from all others.
    pub id: String,
    pub words: String,
    pub json: Json,
}

/// What is to be created.
pub(super) struct New<'a> {
    /// One word: `order`, `withdrawal`.
    pub what: &'a str,
    /// In words, for the person: `a withdrawal of 0.1 BTC to …`.
    pub words: &'a str,
    /// For the record. Holds no key and no one-time password.
    pub details: Json,
}

/// How long after an unclear answer the exchange is read: what was accepted shows by then.
const LOOK_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Creates something. `list` gives what there is of its kind; `send` sends the request, once.
pub(super) async fn create<T>(
    session: &Session,
    new: New<'_>,
    list: impl AsyncFn() -> Result<Vec<Candidate>, Error>,
    send: impl AsyncFnOnce() -> Outcome<T>,
) -> Result<T, Failure> {
    let journal = Ambiguous::of(&session.connection.state);
    let before: BTreeSet<String> = list().await?.into_iter().map(|candidate| candidate.id).collect();
    let id = journal.intent(new.what, new.words, new.details.clone())?;
    let outcome = send().await;
    note(&journal, &id, &outcome, |_| None)?;
    match outcome {
        Outcome::Acknowledged(created) => Ok(created),
        Outcome::Rejected(error) | Outcome::NotSent(error) => Err(error.into()),
        Outcome::Unknown(error) => {
            session.out.note(&format!("{error}\nlooking for {} …", new.words));
            Err(unknown_after_looking(&new, &id, &error, &before, &list).await)
        }
    }
}

/// Notes how it ended, and which order it became if it is one.
pub(super) fn note<T>(
    journal: &Ambiguous,
    id: &str,
    outcome: &Outcome<T>,
    order: impl Fn(&T) -> Option<String>,
) -> Result<(), Failure> {
    let order = if let Outcome::Acknowledged(created) = outcome { order(created) } else { None };
    let (word, error) = match outcome {
        Outcome::Acknowledged(_) => ("acknowledged", None),
        Outcome::Rejected(error) => ("rejected", Some(error)),
        Outcome::NotSent(error) => ("not_sent", Some(error)),
        Outcome::Unknown(error) => ("unknown", Some(error)),
    };
    journal.outcome(id, word, json!({ "error": error.map(ToString::to_string), "order": order }))
}

/// Reads the exchange, and gives what to tell.
pub(super) async fn unknown_after_looking(
    new: &New<'_>,
    id: &str,
    error: &Error,
    before: &BTreeSet<String>,
    list: &impl AsyncFn() -> Result<Vec<Candidate>, Error>,
) -> Failure {
    let found = look(before, list).await;
    unknown(new, id, error, &found)
}

/// What has appeared since. A failed read is no information.
async fn look(
    before: &BTreeSet<String>,
    list: &impl AsyncFn() -> Result<Vec<Candidate>, Error>,
) -> Result<Vec<Candidate>, Error> {
    let mut found = Ok(Vec::new());
    for wait in LOOK_AFTER {
        tokio::time::sleep(wait).await;
        found = list().await.map(|listed| {
            listed.into_iter().filter(|candidate| !before.contains(&candidate.id)).collect::<Vec<_>>()
        });
        if matches!(&found, Ok(candidates) if !candidates.is_empty()) {
            break;
        }
    }
    found
}

/// What to tell when nobody knows.
fn unknown(new: &New<'_>, id: &str, error: &Error, found: &Result<Vec<Candidate>, Error>) -> Failure {
    let mut help = match found {
        Ok(candidates) if candidates.is_empty() => {
            "nothing new is listed yet, which proves nothing: it may still appear".to_owned()
        }
        Ok(candidates) => {
            let lines: Vec<String> = candidates.iter().map(|one| format!("  {}", one.words)).collect();
            format!("this is new and may be it:\n{}", lines.join("\n"))
        }
        Err(error) => format!("it could not be looked for: {error}"),
    };
    let _ = write!(
        help,
        "\nDo not send it again before you know. Look at the list once more in a few\nminutes; then `pampero doctor \
         --settle {id}` takes it off the list of\nunfinished requests."
    );
    let candidates =
        found.as_ref().ok().map(|found| found.iter().map(|one| one.json.clone()).collect::<Vec<_>>());
    let message = format!("nobody knows what became of {}: {error}", new.words);
    Failure::account(Exit::Unknown, "unknown", message, help)
        .with(json!({ "id": id, "request": new.details, "candidates": candidates }))
}
