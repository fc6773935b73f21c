//! Why a command fails, and the exit code that says so.

use std::process::ExitCode;

use pampero_backtest::BacktestError;
use pampero_report::{ReadError, WriteError};
use pampero_store::DataError;
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
    /// A run could not be made, or its result not written.
    #[error("{0}")]
    Run(String),
    /// Two runs that were compared are not the same, as was printed.
    #[error("the runs differ")]
    Different,
    /// Pampero contradicts itself.
    #[error("{0}")]
    Defect(String),
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

    /// The exit code: the list stands in the command's help.
    pub fn code(&self) -> u8 {
        match self {
            Self::Run(_) | Self::Data(DataError::Io { .. }) => 1,
            Self::Usage { .. } => 2,
            Self::Config(problems) if problems.source.is_none() => 2,
            Self::Config(problems) if problems.list.iter().all(Problem::is_of_command_line) => 2,
            Self::Config(_) => 3,
            Self::Data(_) => 4,
            Self::Different => 10,
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
