//! From `--env` to a client: address, key, TLS and the request budget.

mod keys;
pub(crate) mod local;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use pampero_bitex::{ApiKey, Client, Config, Environment, KeyName, TlsOptions};
use pampero_exchange::{Budget, BudgetConfig};
use pampero_model::Timestamp;
use pampero_runtime::state_dir::StateDir;

pub(crate) use self::keys::Keys;
use crate::cli::account::{Connect, EnvName, Place};
use crate::error::{Exit, Failure};

/// Everything that a command needs to talk to an exchange.
pub(crate) struct Connection {
    pub environment: Environment,
    /// The state directory of the environment.
    pub state: StateDir,
    pub keys: Keys,
    client: Client,
    chosen: Option<KeyName>,
    /// The certificate that a local exchange told of.
    roots: Vec<u8>,
}

impl Connection {
    /// Finds the exchange, the keys and the state directory. Nothing is sent.
    pub fn open(connect: &Connect) -> Result<Self, Failure> {
        Ok(Self { chosen: connect.key, ..Self::at(&connect.place)? })
    }

    /// The same where no key was chosen.
    pub fn at(place: &Place) -> Result<Self, Failure> {
        let name = place.env.name();
        if place.url.is_some() && place.env != EnvName::Local {
            let message = format!("--url is for the local exchange, and --env says {name}");
            return Err(Failure::usage(message, "leave out one of the two"));
        }
        let state = StateDir::open(place.state.as_deref(), name).map_err(state_failure)?;
        let mut unlimited = false;
        let (environment, keys, roots) = match place.env {
            EnvName::Production => (Environment::Production, Keys::find(name), Vec::new()),
            EnvName::Sandbox => (Environment::Sandbox, Keys::find(name), Vec::new()),
            EnvName::Local => {
                let local = local::find(place.url.as_deref(), &state)?;
                unlimited = local.unlimited;
                (local.environment, Keys::find(name).with_local(&local.keys), local.certificate)
            }
        };
        let file = Some(state.budget_file(&environment.host()));
        let budget = if unlimited {
            Budget::unlimited()
        } else {
            let config = BudgetConfig { file, ..BudgetConfig::default() };
            Budget::new(config).map_err(|error| Failure::Run(error.to_string()))?
        };
        let client = client(&environment, roots.clone(), budget)?;
        Ok(Self { environment, state, keys, client, chosen: None, roots })
    }

    /// A client of its own, with connections that no other thread uses; the request budget is the same.
    pub fn another(&self, key: ApiKey) -> Result<Client, Failure> {
        let another = client(&self.environment, self.roots.clone(), self.client.budget().clone())?;
        another.with_key(key).map_err(|error| key_failure(&error))
    }

    /// A client without a key, for market data.
    pub const fn public(&self) -> &Client {
        &self.client
    }

    /// A client with the weakest key that serves, or the one that was chosen.
    pub fn client(&self, need: KeyName) -> Result<Client, Failure> {
        self.with_key(self.key(need)?)
    }

    /// The weakest key that serves, or the one that was chosen.
    pub fn key(&self, need: KeyName) -> Result<ApiKey, Failure> {
        Ok(self.keys.load(need, self.chosen, &self.environment)?.1)
    }

    /// A client with a key.
    pub fn with_key(&self, key: ApiKey) -> Result<Client, Failure> {
        self.client.clone().with_key(key).map_err(|error| key_failure(&error))
    }
}

fn client(environment: &Environment, roots: Vec<u8>, budget: Budget) -> Result<Client, Failure> {
    let mut config = Config::new(environment.clone());
    config.tls = tls_options(environment.name(), roots)?;
    Ok(Client::new(config, budget)?)
}

pub(crate) fn key_failure(error: &pampero_bitex::KeyError) -> Failure {
    Failure::account(Exit::Key, "key", error.to_string(), "")
}

pub(crate) fn state_failure(error: impl std::fmt::Display) -> Failure {
    Failure::account(Exit::Failed, "state", error.to_string(), "")
}

/// The time of this machine.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Timestamp::from_nanos(i64::try_from(since).unwrap_or(i64::MAX))
}

/// Where the user keeps configuration.
pub(crate) fn config_folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("pampero"))
}

/// `PAMPERO_SANDBOX_TRADE_KEY` and the like.
pub(crate) fn variable(words: &[&str]) -> String {
    format!("PAMPERO_{}", words.join("_").to_ascii_uppercase())
}

/// Mutual TLS and roots of one's own: from the files that variables name, or from their usual places.
fn tls_options(environment: &str, mut roots: Vec<u8>) -> Result<TlsOptions, Failure> {
    let find = |word: &str, file: &str| {
        let named = std::env::var_os(variable(&[environment, word])).map(PathBuf::from);
        let usual = config_folder().map(|folder| folder.join("tls").join(environment).join(file));
        named.or_else(|| usual.filter(|path| path.exists()))
    };
    if let Some(path) = find("ROOT_CERT", "roots.pem") {
        roots.extend(std::fs::read(&path).map_err(|error| Failure::io(&path, &error))?);
    }
    let identity = match find("CLIENT_CERT", "client.pem") {
        Some(path) => Some(private(&path)?.into()),
        None => None,
    };
    Ok(TlsOptions { roots, identity })
}

/// Reads a file that nobody else may read.
fn private(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::io(path, &error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_err(|error| Failure::io(path, &error))?.permissions().mode();
        if mode & 0o077 != 0 {
            let message = format!("`{}` holds a private key, and others may read it", path.display());
            return Err(Failure::account(Exit::Key, "key", message, format!("chmod 600 {}", path.display())));
        }
    }
    Ok(bytes)
}
