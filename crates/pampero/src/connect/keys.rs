//! Keys by name: where each is looked for, and what to do where none is found.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use pampero_bitex::{ApiKey, Environment, KeyName, KeyRing, KeySource};
use secrecy::{ExposeSecret as _, SecretString};

use super::{config_folder, key_failure, variable};
use crate::error::{Exit, Failure};

/// The keys of an environment, as far as there are any.
pub(crate) struct Keys {
    /// Of the venue, unless it is the first.
    venue: Option<String>,
    environment: &'static str,
    ring: KeyRing,
    /// Keys that a running local exchange told of.
    local: BTreeMap<KeyName, SecretString>,
}

impl Keys {
    /// Looks at every place where a key of an environment may be; of a further venue, if one is named, whose keys have
    /// places of their own. Nothing is read yet.
    pub fn find(venue: Option<&str>, environment: &'static str) -> Self {
        let mut ring = KeyRing::default();
        for name in KeyName::ALL {
            if let Some(source) = Places::of(venue, environment, name).first() {
                ring.insert(name, source);
            }
        }
        Self { venue: venue.map(str::to_owned), environment, ring, local: BTreeMap::new() }
    }

    /// The same with the keys of a running local exchange, for names that nothing else is said of.
    pub fn with_local(mut self, keys: &BTreeMap<String, SecretString>) -> Self {
        let named = KeyName::ALL.into_iter();
        self.local = named.filter_map(|name| Some((name, keys.get(name.name())?.clone()))).collect();
        self
    }

    /// The names for which there is a key.
    pub fn names(&self) -> impl Iterator<Item = KeyName> {
        KeyName::ALL.into_iter().filter(|name| self.has(*name))
    }

    fn has(&self, name: KeyName) -> bool {
        self.ring.get(name).is_some() || self.local.contains_key(&name)
    }

    /// The chosen key, or the weakest that serves; where none does, any: the exchange itself decides what it may do.
    pub fn load(
        &self,
        need: KeyName,
        chosen: Option<KeyName>,
        environment: &Environment,
    ) -> Result<(KeyName, ApiKey), Failure> {
        let serves = || self.names().find(|name| name.serves(need));
        let name = match chosen {
            Some(chosen) => Some(chosen).filter(|name| self.has(*name)),
            None => serves().or_else(|| self.names().next()),
        };
        let name = name.ok_or_else(|| self.none(chosen.unwrap_or(need)))?;
        Ok((name, self.load_one(name, environment)?))
    }

    /// The key of a name.
    pub fn load_one(&self, name: KeyName, environment: &Environment) -> Result<ApiKey, Failure> {
        if let Some(source) = self.ring.get(name) {
            return ApiKey::load(source, environment).map_err(|error| key_failure(&error));
        }
        let Some(secret) = self.local.get(&name) else { return Err(self.none(name)) };
        ApiKey::new(secret.expose_secret().into(), environment).map_err(|error| key_failure(&error))
    }

    /// Where the key of a name comes from, in words.
    pub fn place(&self, name: KeyName) -> String {
        match self.ring.get(name) {
            Some(KeySource::File(path)) => path.display().to_string(),
            Some(KeySource::Variable(name)) => format!("variable {name}"),
            Some(KeySource::Credential(name)) => format!("systemd credential {name}"),
            Some(KeySource::Command(words)) => {
                format!("command {}", words.first().map_or("", String::as_str))
            }
            None => "the running local exchange".to_owned(),
        }
    }

    fn none(&self, name: KeyName) -> Failure {
        let (venue, environment) = (self.venue.as_deref(), self.environment);
        let places = Places::of(venue, environment, name);
        let mut help =
            "create one with the permissions it needs, and put it in one of these places:\n".to_owned();
        if let Some(file) = &places.file {
            let _ = writeln!(help, "  {}\n      a file of mode 0600", file.display());
        }
        let _ = writeln!(help, "  {}\n      an environment variable", places.variable);
        let _ = writeln!(help, "  {}\n      a variable with a command that prints it", places.command);
        let _ = write!(help, "  {}\n      a systemd credential", places.credential);
        let of = venue.map_or(String::new(), |venue| format!(" of {venue}"));
        let message = format!("there is no API key `{name}`{of} for {environment}");
        Failure::account(Exit::Key, "no_key", message, help)
    }
}

/// Every place where the key of a name may be.
struct Places {
    variable: String,
    command: String,
    credential: String,
    file: Option<PathBuf>,
}

impl Places {
    fn of(venue: Option<&str>, environment: &str, name: KeyName) -> Self {
        let folder = config_folder().map(|folder| folder.join("keys").join(venue.unwrap_or_default()));
        let of = venue.map_or(String::new(), |venue| format!("{venue}-"));
        Self {
            variable: variable(venue, &[environment, name.name(), "KEY"]),
            command: variable(venue, &[environment, name.name(), "KEY_COMMAND"]),
            credential: format!("pampero-{of}{environment}-{name}-key"),
            file: folder.map(|folder| folder.join(environment).join(name.name())),
        }
    }

    /// The first that is there.
    fn first(self) -> Option<KeySource> {
        let text = |name: &str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
        if std::env::var_os(&self.variable).is_some_and(|value| !value.is_empty()) {
            return Some(KeySource::Variable(self.variable));
        }
        if let Some(command) = text(&self.command) {
            return Some(KeySource::Command(command.split_whitespace().map(str::to_owned).collect()));
        }
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        if credentials.is_some_and(|folder| folder.join(&self.credential).exists()) {
            return Some(KeySource::Credential(self.credential));
        }
        // A link counts, even one that leads nowhere: reading it says what is wrong.
        self.file.filter(|file| file.symlink_metadata().is_ok()).map(KeySource::File)
    }
}
