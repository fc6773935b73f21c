//! What an answer means: the outcome table.
//!
//! | what happened | a read or cancellation | something that creates |
//! |---|---|---|
//! | no name, no connection, no TLS, refused by our own rules | `NotSent` | not sent |
//! | time-out, reset or end before the whole answer | `Ambiguous` | unknown |
//! | 2xx with a document that fits | done | acknowledged |
//! | 2xx with anything else: truncated, malformed, wrong type, echo that differs, id not above the watermark | `Malformed` | unknown, alarm |
//! | 3xx | `Unavailable` | unknown, alarm |
//! | 400, 401, 403, 404, 405, 406, 410, 415, 422 with the exchange's error document | that error | rejected |
//! | the same without it: a page of the network in front | `Unavailable` | unknown |
//! | 429 | `RateLimited` | rejected |
//! | 408, 409, 425, 5xx and whatever else | `Unavailable` | unknown |

use std::time::Duration;

use pampero_exchange::{Ambiguity, Error};
use serde::Deserialize;
use serde_json::Value;

use crate::document::brief;
use crate::wire::is_json;

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    /// What the exchange asks to wait.
    pub retry_after: Option<Duration>,
    /// The server's clock.
    pub date: Option<String>,
    pub body: Vec<u8>,
}

/// A request that got no whole answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It provably never left.
    NotSent(Error),
    /// It may have arrived.
    Lost(Ambiguity),
}

impl Answer {
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Whether a web page came instead of a document: Cloudflare, a proxy, maintenance.
    pub fn is_page(&self) -> bool {
        let start = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        start == Some(&b'<') && !is_json(&self.body)
    }

    /// Why a request was refused; `password` says whether it carried a one-time password.
    pub fn refusal(&self, password: bool) -> Error {
        if self.status == 429 {
            return Error::RateLimited { retry_after: self.retry_after };
        }
        let document = serde_json::from_slice(&self.body).ok().filter(ErrorDocument::is_one);
        match (self.status, document) {
            (400 | 401 | 403 | 404 | 405 | 406 | 410 | 415 | 422, Some(document)) => {
                document.error(self.status, password)
            }
            // A bare status: the recorders of some clients kept no body.
            (401, None) if self.body.is_empty() => {
                unauthorized("the answer says no more".to_owned(), password)
            }
            (404 | 410, None) if self.body.is_empty() => {
                Error::NotFound("the answer says no more".to_owned())
            }
            _ => Error::Unavailable { status: self.status, edge: self.is_page() },
        }
    }

    /// The same for a request that creates something: only the exchange's own refusal counts as one.
    pub fn refusal_of_create(&self, password: bool) -> Result<Error, Ambiguity> {
        if matches!(self.status, 300..=399) {
            return Err(Ambiguity::Redirect(self.status));
        }
        match self.refusal(password) {
            Error::Unavailable { status, edge: true } => Err(Ambiguity::EdgePage(status)),
            Error::Unavailable { status, .. } => Err(Ambiguity::Status(status)),
            // A bare status may be of anybody.
            _ if self.body.is_empty() && self.status != 429 => Err(Ambiguity::Status(self.status)),
            error => Ok(error),
        }
    }
}

/// Both forms of the exchange's errors: `{"error": …}` for keys, `{"errors": […]}` for everything else.
#[derive(Deserialize)]
struct ErrorDocument {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    errors: Option<Vec<ErrorObject>>,
}

#[derive(Default, Deserialize)]
struct ErrorObject {
    #[serde(default)]
    code: Option<Value>,
    #[serde(default)]
    title: Option<Value>,
    #[serde(default)]
    detail: Option<Value>,
    #[serde(default)]
    source: Option<Value>,
}

/// The exchange's code of an order below the minimum.
const TOO_SMALL: &str = "la_orden_es_muy_pequena";

impl ErrorDocument {
    const fn is_one(&self) -> bool {
        self.error.is_some() || self.errors.is_some()
    }

    fn error(self, status: u16, password: bool) -> Error {
        let first = self.errors.unwrap_or_default().into_iter().next().unwrap_or_default();
        let words = [&self.error, &first.detail, &first.title, &first.code];
        let words = words.into_iter().flatten().find_map(Value::as_str).map(brief).unwrap_or_default();
        match status {
            401 => unauthorized(words, password),
            403 => Error::MissingPermission,
            404 | 410 if words.is_empty() => Error::NotFound("the exchange says no more".to_owned()),
            404 | 410 => Error::NotFound(words),
            _ => {
                let pointer =
                    first.source.as_ref().and_then(|source| source.get("pointer")).and_then(Value::as_str);
                let code = first.code.as_ref().and_then(Value::as_str);
                Error::Invalid {
                    field: pointer.and_then(field),
                    message: if words.is_empty() { format!("status {status}") } else { words },
                    code: code
                        .map(|code| if code == TOO_SMALL { "too_small".to_owned() } else { brief(code) }),
                }
            }
        }
    }
}

/// The last part of `/data/attributes/amount`; `base` means the whole object.
fn field(pointer: &str) -> Option<String> {
    pointer.rsplit('/').next().filter(|field| !field.is_empty() && *field != "base").map(brief)
}

fn unauthorized(words: String, password: bool) -> Error {
    match &*words {
        "Invalid Api Key" => Error::InvalidKey,
        "Not enough permissions" => Error::MissingPermission,
        // The greeting of the login page, sent where no key came at all.
        words if words.starts_with("Necesitas iniciar") => Error::NoKey,
        // The words for a wrong one-time password are not known; nothing else is left to refuse.
        _ if password => Error::OneTimePassword,
        _ => Error::Unauthorized(words),
    }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
