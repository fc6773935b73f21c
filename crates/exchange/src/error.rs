//! What goes wrong between us and an exchange, and what may be repeated after it.

use std::fmt;
use std::time::Duration;

use pampero_model::RejectReason;
use thiserror::Error;

/// What a request would do. Decides whether it may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Changes nothing.
    Read,
    /// Changes something, but doing it twice does no more than doing it once: cancellations, deletions, settings.
    Repeatable,
    /// Creates something: an order, a withdrawal, a bot, a payment, a key. Sent at most once, ever.
    Create,
}

/// Why an exchange call failed. Flat, so that one `match` decides; texts never hold keys, headers or addresses.
///
/// ```
/// use pampero_exchange::{Error, Operation};
/// let error = Error::RateLimited { retry_after: None };
/// assert!(error.may_retry(Operation::Read));
/// assert!(!error.may_retry(Operation::Create));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The exchange does not know the key: mistyped, revoked, or of another environment.
    #[error(
        "the exchange does not know this key: check that it is not revoked and belongs to this environment"
    )]
    InvalidKey,
    /// No key was sent to something that needs one.
    #[error("this needs an API key and none is set")]
    NoKey,
    /// The key may not do this.
    #[error("the key lacks the permission for this: create a key that has it, or name another one")]
    MissingPermission,
    /// The one-time password is wrong, used up or expired.
    #[error("the one-time password was refused: wait for the next code and check the clock of the device")]
    OneTimePassword,
    /// Another refusal of the key, in the exchange's words.
    #[error("the exchange refused the key: {0}")]
    Unauthorized(String),
    /// There is no such thing.
    #[error("not found: {0}")]
    NotFound(String),
    /// The exchange, or the adapter on its behalf, refuses the content of the request.
    #[error("refused{}: {message}", In(.field))]
    Invalid {
        /// The attribute that is wrong, where the exchange names one.
        field: Option<String>,
        /// What is wrong, in the exchange's words.
        message: String,
        /// The exchange's own code of the error, where it has one.
        code: Option<String>,
    },
    /// Too many requests. The request was not carried out.
    #[error("too many requests{}", After(.retry_after))]
    RateLimited {
        /// How long the exchange asks to wait.
        retry_after: Option<Duration>,
    },
    /// The exchange is down, under maintenance, or something before it answers in its place.
    #[error("the exchange is not available (status {status}{})", if *.edge { ", answered by a page of the network in front of it" } else { "" })]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// Whether a web page came instead of a document: Cloudflare, a proxy, a maintenance page.
        edge: bool,
    },
    /// The request provably never left: no name, no connection, no TLS, or refused by our own rules.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request left, and the answer does not tell what became of it.
    #[error("sent, and what became of it is not known: {0}")]
    Ambiguous(Ambiguity),
    /// A read was answered by something that is not the document expected.
    #[error("the answer cannot be read: {0}")]
    Malformed(String),
    /// The adapter is set up in a way that cannot work.
    #[error("{0}")]
    Configuration(String),
}

/// Why an answer tells nothing about what a request did.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Ambiguity {
    /// No answer in time.
    #[error("no answer within the time allowed")]
    Timeout,
    /// The connection broke before the whole answer was there.
    #[error("the connection broke: {0}")]
    Connection(String),
    /// A status that says neither yes nor no.
    #[error("status {0}")]
    Status(u16),
    /// A refusal that did not come from the exchange itself but from something in front of it.
    #[error("status {0} with a page instead of a document")]
    EdgePage(u16),
    /// A redirect, which is never followed.
    #[error("status {0} wants to redirect, which is never followed")]
    Redirect(u16),
    /// Success, but the document cannot be read.
    #[error("success with an answer that cannot be read: {0}")]
    Malformed(String),
    /// Success, but the document is not about what was asked for.
    #[error("success, but `{field}` came back as {echoed} and was sent as {sent}")]
    EchoDiffers {
        /// Which attribute.
        field: &'static str,
        /// What was sent.
        sent: String,
        /// What came back.
        echoed: String,
    },
    /// Success, but the id is not above every id that was known before.
    #[error("success, but id {id} is not above {watermark}, the highest known before")]
    NotAboveWatermark {
        /// The id that came back.
        id: u64,
        /// The highest id known before the request.
        watermark: u64,
    },
}

impl Error {
    /// Whether the same request may be sent again after this. For [`Operation::Create`] never: what wants another
    /// attempt is a new intent with its own checks.
    pub const fn may_retry(&self, operation: Operation) -> bool {
        match operation {
            Operation::Create => false,
            Operation::Read | Operation::Repeatable => matches!(
                self,
                Self::RateLimited { .. }
                    | Self::Unavailable { .. }
                    | Self::NotSent(_)
                    | Self::Ambiguous(_)
                    | Self::Malformed(_)
            ),
        }
    }

    /// Whether trading must stop until a person has looked: the key is refused.
    pub const fn is_authentication(&self) -> bool {
        matches!(
            self,
            Self::InvalidKey
                | Self::NoKey
                | Self::MissingPermission
                | Self::OneTimePassword
                | Self::Unauthorized(_)
        )
    }

    /// Whether this must never happen on a sound exchange and connection, and somebody should be told.
    pub const fn is_alarm(&self) -> bool {
        matches!(
            self,
            Self::Malformed(_)
                | Self::Ambiguous(
                    Ambiguity::Redirect(_)
                        | Ambiguity::Malformed(_)
                        | Ambiguity::EchoDiffers { .. }
                        | Ambiguity::NotAboveWatermark { .. }
                )
        )
    }

    /// A stable word for logs, metrics and machine-readable output.
    ///
    /// ```
    /// assert_eq!(pampero_exchange::Error::InvalidKey.code(), "invalid_key");
    /// ```
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidKey => "invalid_key",
            Self::NoKey => "no_key",
            Self::MissingPermission => "missing_permission",
            Self::OneTimePassword => "one_time_password",
            Self::Unauthorized(_) => "unauthorized",
            Self::NotFound(_) => "not_found",
            Self::Invalid { .. } => "invalid",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::NotSent(_) => "not_sent",
            Self::Ambiguous(_) => "ambiguous",
            Self::Malformed(_) => "malformed",
            Self::Configuration(_) => "configuration",
        }
    }

    /// The model's word for an order that was refused with this.
    pub fn reject_reason(&self) -> RejectReason {
        match self {
            Self::Invalid { code: Some(code), .. } if code == "too_small" => RejectReason::TooSmall,
            Self::Invalid { .. } => RejectReason::Invalid,
            Self::NotFound(_) => RejectReason::UnknownMarket,
            Self::RateLimited { .. } => RejectReason::RateLimited,
            error if error.is_authentication() => RejectReason::NotPermitted,
            _ => RejectReason::Other,
        }
    }
}

/// Shows ` in FIELD` where there is a field.
struct In<'a>(&'a Option<String>);

impl fmt::Display for In<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(field) => write!(f, " (`{field}`)"),
            None => Ok(()),
        }
    }
}

/// Shows how long to wait where it is known.
struct After<'a>(&'a Option<Duration>);

impl fmt::Display for After<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(wait) => write!(f, ": try again in {} s", wait.as_secs()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_creates_is_ever_repeated() {
        let errors = [
            Error::RateLimited { retry_after: None },
            Error::Unavailable { status: 503, edge: true },
            Error::NotSent("refused".to_owned()),
            Error::Ambiguous(Ambiguity::Timeout),
            Error::Malformed("no data".to_owned()),
            Error::InvalidKey,
        ];
        for error in &errors {
            assert!(!error.may_retry(Operation::Create), "{error}");
        }
        let (last, transient) = errors.split_last().unwrap();
        for error in transient {
            assert!(error.may_retry(Operation::Read) && error.may_retry(Operation::Repeatable), "{error}");
        }
        assert!(!last.may_retry(Operation::Read));
    }

    #[test]
    fn texts_say_what_is_wrong_and_where() {
        let error = Error::Invalid { field: Some("amount".into()), message: "too small".into(), code: None };
        assert_eq!(error.to_string(), "refused (`amount`): too small");
        let error = Error::RateLimited { retry_after: Some(Duration::from_secs(3)) };
        assert_eq!(error.to_string(), "too many requests: try again in 3 s");
        let error = Error::Unavailable { status: 520, edge: true };
        assert!(error.to_string().contains("status 520, answered by a page"));
    }
}
