//! API keys: where they come from, whom they are for, and that nobody sees them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::config::Environment;

/// An API key, bound to an environment and its host. Cannot be printed, copied or serialised; wiped when dropped.
///
/// ```
/// use pampero_bitex::{ApiKey, Environment};
/// let key = ApiKey::new("0123456789abcdef0123456789abcdef".into(), &Environment::Sandbox)?;
/// assert_eq!(format!("{key:?}"), "ApiKey(sandbox)");
/// # Ok::<(), pampero_bitex::KeyError>(())
/// ```
pub struct ApiKey {
    secret: SecretString,
    environment: Environment,
}

/// Where a key is read from. Never an argument of a command, which every user of the machine can see, and never
/// the configuration file, which gets copied and committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file that only its owner can read, and whose owner is the user that runs this.
    File(PathBuf),
    /// An environment variable, by name.
    Variable(String),
    /// A credential that systemd passes to the service, by name.
    Credential(String),
    /// A command that prints the key, with its arguments: a password manager.
    Command(Vec<String>),
}

/// A key that cannot be had or used. The texts say where it was looked for, never what was found.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The source holds something that is no key.
    #[error(
        "{place} holds no API key: expected one word of letters and digits, as the exchange shows it once"
    )]
    Malformed {
        /// Where.
        place: String,
    },
    /// The source cannot be read.
    #[error("the API key cannot be read from {place}: {problem}")]
    Unreadable {
        /// Where.
        place: String,
        /// Why.
        problem: String,
    },
    /// Others can read the file.
    #[error(
        "`{path}` holds an API key and has mode {mode:04o}: others may read it, so run `chmod 600 {path}`"
    )]
    Exposed {
        /// Which file.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// The file belongs to somebody else.
    #[error("`{path}` holds an API key and belongs to user {owner}, not to the one who runs this")]
    Foreign {
        /// Which file.
        path: String,
        /// Number of its owner.
        owner: u32,
    },
    /// The key is of another environment, or of another server of this machine.
    #[error("this key is for {key}, and the client talks to {client}: use a key of {client}")]
    WrongEnvironment {
        /// Environment and host of the key.
        key: String,
        /// Environment and host of the client.
        client: String,
    },
    /// A one-time password that is none.
    #[error("a one-time password is six digits")]
    OneTimePassword,
}

impl ApiKey {
    /// A key for an environment.
    #[allow(clippy::needless_pass_by_value)] // the caller's copy is wiped with it
    pub fn new(secret: SecretString, environment: &Environment) -> Result<Self, KeyError> {
        Self::checked(&secret, environment, || "the given text".to_owned())
    }

    /// Reads a key for an environment from its source.
    pub fn load(source: &KeySource, environment: &Environment) -> Result<Self, KeyError> {
        let place = || match source {
            KeySource::File(path) => format!("the file `{}`", path.display()),
            KeySource::Variable(name) => format!("the environment variable `{name}`"),
            KeySource::Credential(name) => format!("the systemd credential `{name}`"),
            KeySource::Command(words) => format!("the command `{}`", words.first().map_or("", |word| word)),
        };
        let unreadable = |problem: String| KeyError::Unreadable { place: place(), problem };
        let secret = match source {
            KeySource::File(path) => read_private(path)?,
            KeySource::Variable(name) => {
                std::env::var(name).map_err(|error| unreadable(variable_problem(&error)))?.into()
            }
            KeySource::Credential(name) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                    unreadable(
                        "CREDENTIALS_DIRECTORY is not set: this does not run as a systemd service".into(),
                    )
                })?;
                // systemd makes these readable by the service alone.
                std::fs::read_to_string(Path::new(&folder).join(name))
                    .map_err(|error| unreadable(error.to_string()))?
                    .into()
            }
            KeySource::Command(words) => ask(words).map_err(unreadable)?,
        };
        Self::checked(&secret, environment, place)
    }

    fn checked(
        secret: &SecretString,
        environment: &Environment,
        place: impl Fn() -> String,
    ) -> Result<Self, KeyError> {
        let key = secret.expose_secret().trim();
        let is_word = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !is_word || !(8..=512).contains(&key.len()) {
            return Err(KeyError::Malformed { place: place() });
        }
        Ok(Self { secret: key.into(), environment: environment.clone() })
    }

    /// The environment it is for: `production`, `sandbox` or `local`.
    pub const fn environment(&self) -> &'static str {
        self.environment.name()
    }

    /// Whether it may be sent to an environment: its own, at the same host.
    pub fn check(&self, environment: &Environment) -> Result<(), KeyError> {
        let place = |of: &Environment| (of.name(), of.host());
        if place(&self.environment) == place(environment) {
            return Ok(());
        }
        let words = |of: &Environment| format!("{} ({})", of.name(), of.host());
        Err(KeyError::WrongEnvironment { key: words(&self.environment), client: words(environment) })
    }

    /// Whether a listed key is this one, as far as its last characters tell.
    pub fn ends_like(&self, listed: &crate::Token) -> bool {
        let ending = listed.ending();
        ending.len() >= 4 && self.expose().ends_with(ending)
    }

    /// Whether two keys are the same one.
    pub fn is_same(&self, other: &Self) -> bool {
        self.check(&other.environment).is_ok() && self.is(other.expose())
    }

    /// Whether a text looks like a key: what must not stand in a configuration file or on a command line.
    pub fn looks_like_one(text: &str) -> bool {
        text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Whether a text is this key; takes as long for a wrong one of the same length.
    pub(crate) fn is(&self, other: &str) -> bool {
        self.expose().as_bytes().ct_eq(other.as_bytes()).into()
    }

    pub(crate) fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.environment.name())
    }
}

fn variable_problem(error: &std::env::VarError) -> String {
    // The error's own words would quote what is in the variable.
    match error {
        std::env::VarError::NotPresent => "it is not set".to_owned(),
        std::env::VarError::NotUnicode(_) => "it is not text".to_owned(),
    }
}

/// Reads a file that only its owner, who is the user that runs this, can read. Checks the file that was opened, not
/// the one that the name means a moment later.
fn read_private(path: &Path) -> Result<SecretString, KeyError> {
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| KeyError::Unreadable {
        place: format!("the file `{}`", path.display()),
        problem: error.to_string(),
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata().map_err(unreadable)?;
        let mode = metadata.mode() & 0o7777;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(KeyError::Foreign { path: shown, owner: metadata.uid() });
        }
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: shown, mode });
        }
    }
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text.into())
}

/// Runs a command without a shell and takes what it prints.
fn ask(words: &[String]) -> Result<SecretString, String> {
    let (program, arguments) = words.split_first().ok_or("no command is given")?;
    let output = Command::new(program).args(arguments).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("it ended with {}", output.status));
    }
    String::from_utf8(output.stdout)
        .map(Into::into)
        .map_err(|_| "it printed something that is not text".into())
}

/// What a key is for. A command takes the weakest key that serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyName {
    /// Sees balances.
    Read,
    /// Trades.
    Trade,
    /// Deposits, withdraws, takes payments.
    Funds,
    /// Lists, creates and revokes keys.
    Admin,
}

impl KeyName {
    /// Every name, weakest first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Trade, Self::Funds, Self::Admin];

    /// `read`, `trade`, `funds` or `admin`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Trade => "trade",
            Self::Funds => "funds",
            Self::Admin => "admin",
        }
    }

    /// Whether a key of this name serves a need: its own, the admin's serves all, and any serves to read.
    ///
    /// ```
    /// use pampero_bitex::KeyName;
    /// assert!(KeyName::Trade.serves(KeyName::Read) && !KeyName::Trade.serves(KeyName::Funds));
    /// ```
    pub fn serves(self, need: Self) -> bool {
        self == need || self == Self::Admin || need == Self::Read
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The sources of the named keys of an environment.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    sources: BTreeMap<KeyName, KeySource>,
}

impl KeyRing {
    /// Says where a key is.
    pub fn insert(&mut self, name: KeyName, source: KeySource) {
        self.sources.insert(name, source);
    }

    /// Where the key of a name is.
    pub fn get(&self, name: KeyName) -> Option<&KeySource> {
        self.sources.get(&name)
    }

    /// The weakest key that serves a need: see [`KeyName::serves`].
    pub fn weakest(&self, need: KeyName) -> Option<(KeyName, &KeySource)> {
        KeyName::ALL
            .into_iter()
            .filter(|name| name.serves(need))
            .find_map(|name| self.sources.get(&name).map(|source| (name, source)))
    }
}

/// A one-time password: six digits that move money or make keys.
pub struct OneTimePassword(SecretString);

impl OneTimePassword {
    /// From six digits; blanks around and between them are ignored.
    pub fn new(digits: &str) -> Result<Self, KeyError> {
        let digits: String = digits.chars().filter(|letter| !letter.is_whitespace()).collect();
        let valid = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if valid { Ok(Self(digits.into())) } else { Err(KeyError::OneTimePassword) }
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for OneTimePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimePassword")
    }
}
