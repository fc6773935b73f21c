//! Why a command fails, and the exit code that says so.

use std::process::ExitCode;

use pampero_backtest::BacktestError;
use pampero_report::{ReadError, WriteError};
use pampero_store::DataError;
use serde_json::{Value as Json, json};
use thiserror::Error;

use crate::config::{Problem, Problems};

/// A command that did not do what was asked.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The command line asks for something that makes no sense.
    #[error("{message}")]
    Usage { message: String, help: String },
    /// A configuration, or the command line that overrides it, is wrong.
    #[error("the configuration is wrong")]
    Config(Problems),
    /// Market data is wrong.
    #[error("{0}")]
    Data(DataError),
    /// A check found something wrong.
    #[error("{0}")]
    Check(String),
    /// A run could not be made, or its result not written.
    #[error("{0}")]
    Run(String),
    /// Two runs that were compared are not the same, as was printed.
    #[error("the runs differ")]
    Different,
    /// Something between us and an exchange, with an exit code and a stable word of its own.
    #[cfg(feature = "live")]
    #[error("{message}")]
    Account { exit: Exit, code: String, message: String, help: Option<String>, details: Json },
    /// Pampero contradicts itself.
    #[error("{0}")]
    Defect(String),
}

/// The exit codes of the commands that talk to an exchange.
#[cfg(feature = "live")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// A file, or the way to the exchange.
    Failed = 1,
    /// A key is missing or cannot be used.
    Key = 3,
    /// A journal is damaged.
    Damaged = 4,
    /// The exchange refused.
    Refused = 5,
    /// The risk gate refused, or trading is halted.
    Denied = 6,
    /// Sent, and what became of it is not known.
    Unknown = 7,
    /// Nobody confirmed it.
    Unconfirmed = 8,
    /// Checks failed.
    Unhealthy = 9,
}

impl Failure {
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: help.into() }
    }

    /// A file that could not be read or written.
    pub fn io(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Run(format!("{}: {error}", path.display()))
    }

    /// A problem that belongs to no file, such as of an option.
    pub fn problem(problem: Problem) -> Self {
        Self::Config(Problems { source: None, list: vec![problem] })
    }

    /// Something between us and an exchange.
    #[cfg(feature = "live")]
    pub fn account(exit: Exit, code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        let help = Some(help.into()).filter(|help: &String| !help.is_empty());
        let details = Json::Null;
        Self::Account { exit, code: code.to_owned(), message: message.into(), help, details }
    }

    /// The same with facts for machine-readable output.
    #[cfg(feature = "live")]
    pub fn with(self, facts: Json) -> Self {
        match self {
            Self::Account { exit, code, message, help, .. } => {
                Self::Account { exit, code, message, help, details: facts }
            }
            other => other,
        }
    }

    /// A stable word for machine-readable output.
    fn word(&self) -> &str {
        match self {
            Self::Usage { .. } => "command_line",
            Self::Config(_) => "configuration",
            Self::Data(_) => "data",
            Self::Run(_) => "failed",
            Self::Different => "different",
            #[cfg(feature = "live")]
            Self::Account { code, .. } => code,
            Self::Check(_) => "checks_failed",
            Self::Defect(_) => "defect",
        }
    }

    /// What to do, where it is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Usage { help, .. } => Some(help),
            #[cfg(feature = "live")]
            Self::Account { help, .. } => help.as_deref(),
            _ => None,
        }
    }

    /// The failure for programs.
    pub fn to_json(&self) -> Json {
        let mut error = json!({
            "code": self.word(), "exit": self.code(), "message": self.to_string(), "help": self.help(),
        });
        let details = match self {
            #[cfg(feature = "live")]
            Self::Account { details, .. } => details.clone(),
            Self::Config(problems) => problems.to_json(),
            _ => Json::Null,
        };
        if let Some(error) = error.as_object_mut().filter(|_| !details.is_null()) {
            error.insert("details".to_owned(), details);
        }
        error
    }

    /// The exit code: the list stands in the command's help.
    pub fn code(&self) -> u8 {
        match self {
            #[cfg(feature = "live")]
            Self::Account { exit, .. } => *exit as u8,
            Self::Run(_) | Self::Data(DataError::Io { .. }) => 1,
            Self::Usage { .. } => 2,
            Self::Config(problems) if problems.source.is_none() => 2,
            Self::Config(problems) if problems.list.iter().all(Problem::is_of_command_line) => 2,
            Self::Config(_) => 3,
            Self::Data(_) => 4,
            Self::Different => 10,
            Self::Check(_) => 9,
            Self::Defect(_) => 70,
        }
    }

    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// The message for the user.
    pub fn render(&self, color: bool) -> String {
        let label = if color { "\u{1b}[1;31merror\u{1b}[0m" } else { "error" };
        match self {
            Self::Config(problems) => problems.render(color),
            Self::Usage { message, help } => format!("{label}: {message}\nhelp: {help}\n"),
            // An answer, and already given.
            Self::Different => String::new(),
            #[cfg(feature = "live")]
            Self::Account { message, help: Some(help), .. } => format!("{label}: {message}\nhelp: {help}\n"),
            other => format!("{label}: {other}\n"),
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Config(problems)
    }
}

#[cfg(feature = "live")]
impl From<pampero_exchange::Error> for Failure {
    fn from(error: pampero_exchange::Error) -> Self {
        use pampero_exchange::Error;
        let (exit, help) = match &error {
            Error::NotSent(_) | Error::Unavailable { .. } => {
                (Exit::Failed, "`pampero doctor` says where the way to the exchange ends")
            }
            Error::RateLimited { .. } => (Exit::Failed, "other programs use the same account; try again"),
            Error::Ambiguous(_) | Error::Malformed(_) => (Exit::Failed, "nothing was changed; try again"),
            Error::NoKey => (Exit::Key, ""),
            Error::Configuration(_) => return Self::usage(error.to_string(), "correct the option"),
            _ => (Exit::Refused, ""),
        };
        Self::account(exit, error.code(), error.to_string(), help)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::Run(error.to_string())
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Run(error.to_string())
    }
}

impl From<BacktestError> for Failure {
    fn from(error: BacktestError) -> Self {
        match error {
            BacktestError::LedgerMismatch { .. } => Self::Defect(error.to_string()),
            BacktestError::NoData { .. } | BacktestError::Disorder { .. } | BacktestError::NoSpan(_) => {
                Self::Data(DataError::Request(error.to_string()))
            }
            other => Self::Run(other.to_string()),
        }
    }
}
