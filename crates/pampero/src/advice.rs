//! What to do about an error of the rooms below, in one line: they say what is wrong and where.

use std::fmt::Display;
use std::io::{self, ErrorKind};

use pampero_report::{ReadError, WriteError};
use pampero_store::DataError;

/// An error that says what is wrong and where, and has advice.
pub(crate) trait Advised: Display {
    /// What to do.
    fn advice(&self) -> &'static str;
}

/// Where the operating system refuses what every program gets.
pub(crate) const SYSTEM: &str =
    "the operating system refuses it: look at the limits of the user (`ulimit -a`), and try again";

/// Where Pampero contradicts itself.
pub(crate) const DEFECT: &str =
    "this is a defect of Pampero, not yours: report it with the command and this message";

impl Advised for io::Error {
    fn advice(&self) -> &'static str {
        match self.kind() {
            ErrorKind::NotFound => "check the path: it is relative to the folder you are in",
            ErrorKind::PermissionDenied => "let your user have access to it, or name another place",
            ErrorKind::AlreadyExists => "nothing is written over: name a file that is not there yet",
            ErrorKind::IsADirectory => "name a file in that folder",
            ErrorKind::NotADirectory => "a part of the path is a file: name a folder",
            ErrorKind::InvalidData => "it is no text: name a file in UTF-8",
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on the disk, and try again",
            ErrorKind::ReadOnlyFilesystem => "name a place that can be written",
            _ => "the operating system says why: correct that, or name another place",
        }
    }
}

impl Advised for DataError {
    fn advice(&self) -> &'static str {
        match self {
            DataError::Io { source, .. } => source.advice(),
            DataError::Empty { .. } => "name a file with rows, or record some: `pampero data record`",
            DataError::Columns { .. } => {
                "`pampero data --help` says which columns are known; name the first row accordingly"
            }
            DataError::BadRows { .. } => {
                "correct the rows, or take them out; `pampero data verify FILE` lists what is wrong"
            }
            DataError::Disorder { .. } => "`pampero data import FILE` sorts it into the catalogue",
            DataError::Duplicate { .. } => "`pampero data import FILE` drops exact duplicates",
            DataError::Symbol { .. } => "choose one of them: --symbol SYMBOL",
            DataError::Parquet { .. } => "write the file anew, or bring the data as CSV",
            DataError::Conflict { .. } => "look which of the two is right before you say --replace",
            DataError::Name { .. } => "give another name",
            _ => "`pampero data list` and the report's first lines say from when to when there is data",
        }
    }
}

impl Advised for WriteError {
    fn advice(&self) -> &'static str {
        match self {
            WriteError::Io { source, .. } => source.advice(),
            _ => "name a new or an empty folder with --out",
        }
    }
}

impl Advised for ReadError {
    fn advice(&self) -> &'static str {
        match self {
            ReadError::NoRun(_) => "`pampero backtest --out FOLDER` keeps a run there",
            ReadError::Io { source, .. } => source.advice(),
            _ => "run the backtest again with the same --out",
        }
    }
}

#[cfg(feature = "live")]
impl Advised for pampero_exchange::Error {
    fn advice(&self) -> &'static str {
        use pampero_exchange::Error;
        match self {
            Error::NotSent(_) | Error::Unavailable { .. } => {
                "`pampero doctor` says where the way to the exchange ends"
            }
            Error::RateLimited { .. } => "other programs use the same account; try again",
            Error::Ambiguous(_) | Error::Malformed(_) => "nothing was changed; try again",
            Error::NoKey | Error::InvalidKey | Error::MissingPermission | Error::Unauthorized(_) => {
                "`pampero keys --help` says where keys are looked for; `pampero doctor` says what yours may do"
            }
            Error::OneTimePassword => "say the next code: --otp CODE",
            Error::NotFound(_) => {
                "look at the list: `pampero orders`, `pampero trades`, `pampero market` and the like"
            }
            Error::Configuration(_) => "correct the option",
            Error::Invalid { .. } => "correct what the exchange refuses; nothing was done",
        }
    }
}

#[cfg(feature = "live")]
impl Advised for pampero_runtime::state_dir::StateError {
    fn advice(&self) -> &'static str {
        use pampero_runtime::state_dir::StateError;
        match self {
            StateError::Locked { .. } => {
                "`pampero doctor` says what runs; another --state DIR is another account's"
            }
            StateError::Io { source, .. } => source.advice(),
            _ => "correct it, or name another folder: --state DIR",
        }
    }
}

#[cfg(feature = "live")]
impl Advised for pampero_store::journal::JournalError {
    fn advice(&self) -> &'static str {
        use pampero_store::journal::JournalError;
        match self {
            JournalError::Damaged { .. } | JournalError::DamagedFile { .. } => {
                "the runbook, docs/runbook/README.md, says how to go on after a damaged journal"
            }
            JournalError::Version { .. } => "install the Pampero that wrote it, or a newer one",
            JournalError::UnknownSession(_) => "`pampero runs` lists the sessions",
            JournalError::Poisoned(_) => {
                "make room on the disk, then start again: it goes on from the last synced turn"
            }
            _ => "look at the disk and at who may write there, then start again",
        }
    }
}

#[cfg(feature = "live")]
impl Advised for pampero_bitex::KeyError {
    fn advice(&self) -> &'static str {
        use pampero_bitex::KeyError;
        match self {
            KeyError::OneTimePassword => "say the six digits that the authenticator shows: --otp CODE",
            KeyError::WrongEnvironment { .. } => {
                "each environment has keys of its own: say --env, or name another key"
            }
            _ => {
                "`pampero keys --help` says where keys are looked for, and docs/onboarding.md how to keep one"
            }
        }
    }
}

#[cfg(feature = "live")]
impl Advised for pampero_runtime::promotion::EvidenceError {
    fn advice(&self) -> &'static str {
        "a build that wrote it reads it: `pampero runs --json` names the build of each session"
    }
}

#[cfg(feature = "live")]
impl Advised for pampero_runtime::recovery::RecoveryError {
    fn advice(&self) -> &'static str {
        use pampero_runtime::recovery::RecoveryError;
        match self {
            Self::Journal(error) => error.advice(),
            RecoveryError::Codec(_) | RecoveryError::Format { .. } => {
                "a build that wrote it reads it: `pampero runs --json` names the build of each session"
            }
            RecoveryError::NoState(_) => "there is nothing to tell of it; `pampero runs` lists the others",
            _ => "the configuration must be the one it was recorded with: `pampero runs --json` shows it",
        }
    }
}

#[cfg(feature = "live")]
impl Advised for pampero_exchange::BudgetError {
    fn advice(&self) -> &'static str {
        "the requests of all programs are counted in that file: let your user have access to it"
    }
}
