//! Why a command fails, and the exit code that says so.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use pampero_backtest::BacktestError;
use pampero_report::{ReadError, WriteError};
use pampero_store::DataError;
use serde_json::{Value as Json, json};
use thiserror::Error;

use crate::advice::{self, Advised};
use crate::config::{Problem, Problems};

/// A command that did not do what was asked: what is wrong and where, and what to do about it. No kind can be made without
/// the second.
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
    #[error("{message}")]
    Check { message: String, help: String },
    /// A run could not be made, or its result not written.
    #[error("{message}")]
    Run { message: String, help: String },
    /// Two runs that were compared are not the same, as was printed.
    #[error("the runs differ")]
    Different,
    /// Something between us and an exchange, with an exit code and a stable word of its own.
    #[cfg(feature = "live")]
    #[error("{message}")]
    Account { exit: Exit, code: String, message: String, help: String, details: Json },
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

    /// A run that could not be made, or whose result could not be written.
    pub fn run(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Run { message: message.into(), help: help.into() }
    }

    /// A file that could not be read or written.
    pub fn io(path: &Path, error: &io::Error) -> Self {
        Self::run(format!("{}: {error}", path.display()), error.advice())
    }

    /// The operating system did not give what every program gets, such as a thread.
    pub fn system(what: &str, error: &io::Error) -> Self {
        Self::run(format!("{what}: {error}"), advice::SYSTEM)
    }

    /// A problem that belongs to no file, such as of an option.
    pub fn problem(problem: Problem) -> Self {
        Self::Config(Problems { source: None, list: vec![problem] })
    }

    /// Something between us and an exchange.
    #[cfg(feature = "live")]
    pub fn account(exit: Exit, code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        let (code, message, help) = (code.to_owned(), message.into(), help.into());
        let details = Json::Null;
        Self::Account { exit, code, message, help, details }
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
            Self::Run { .. } => "failed",
            Self::Different => "different",
            #[cfg(feature = "live")]
            Self::Account { code, .. } => code,
            Self::Check { .. } => "checks_failed",
            Self::Defect(_) => "defect",
        }
    }

    /// What to do.
    pub fn help(&self) -> &str {
        match self {
            Self::Usage { help, .. } | Self::Check { help, .. } | Self::Run { help, .. } => help,
            #[cfg(feature = "live")]
            Self::Account { help, .. } => help,
            Self::Config(problems) => problems.list.first().map_or("", |problem| problem.help.as_str()),
            Self::Data(error) => error.advice(),
            Self::Different => "look at what was printed",
            Self::Defect(_) => advice::DEFECT,
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
            Self::Run { .. } | Self::Data(DataError::Io { .. }) => 1,
            Self::Usage { .. } => 2,
            Self::Config(problems) if problems.source.is_none() => 2,
            Self::Config(problems) if problems.list.iter().all(Problem::is_of_command_line) => 2,
            Self::Config(_) => 3,
            Self::Data(_) => 4,
            Self::Different => 10,
            Self::Check { .. } => 9,
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
            // An answer, and already given.
            Self::Different => String::new(),
            other => format!("{label}: {other}\nhelp: {}\n", other.help()),
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
        let exit = match &error {
            Error::NotSent(_)
            | Error::Unavailable { .. }
            | Error::RateLimited { .. }
            | Error::Ambiguous(_)
            | Error::Malformed(_) => Exit::Failed,
            Error::NoKey => Exit::Key,
            Error::Configuration(_) => return Self::usage(error.to_string(), "correct the option"),
            _ => Exit::Refused,
        };
        Self::account(exit, error.code(), error.to_string(), error.advice())
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::run(error.to_string(), error.advice())
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::run(error.to_string(), error.advice())
    }
}

impl From<BacktestError> for Failure {
    fn from(error: BacktestError) -> Self {
        match error {
            BacktestError::LedgerMismatch { .. } => Self::Defect(error.to_string()),
            BacktestError::NoData { .. } | BacktestError::Disorder { .. } | BacktestError::NoSpan(_) => {
                Self::Data(DataError::Request(error.to_string()))
            }
            other => Self::run(
                other.to_string(),
                "`pampero config check` says what is wrong with the configuration",
            ),
        }
    }
}
