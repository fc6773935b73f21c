//! From `--env` to a client: address, key, TLS and the request budget.

mod keys;
pub(crate) mod local;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pampero_bitex::{ApiKey, Bitex, Client, Config, Environment, KeyName, TlsOptions};
use pampero_exchange::{Budget, BudgetConfig, Exchange};
use pampero_model::{Market, Timestamp};
use pampero_runtime::guard::{Account, Scope};
use pampero_runtime::state_dir::StateDir;

pub(crate) use self::keys::Keys;
use crate::advice::Advised;
use crate::cli::account::{Connect, EnvName, Place};
use crate::config::Adapter;
use crate::error::{Exit, Failure};
use crate::market_list::HOME;

/// Everything that a command needs to talk to an exchange.
pub(crate) struct Connection {
    /// The name that markets have before their colon.
    pub venue: String,
    pub environment: Environment,
    /// The state directory of the environment.
    pub state: StateDir,
    pub keys: Keys,
    client: Client,
    chosen: Option<KeyName>,
    tls: Tls,
    adapter: Adapter,
}

/// Where certificates are looked for.
#[derive(Clone)]
struct Tls {
    /// Of the venue, unless it is the first.
    venue: Option<String>,
    environment: &'static str,
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
        let (venue, adapter) = place.venue.clone().unzip();
        let mut unlimited = false;
        let keys = Keys::find(venue.as_deref(), name);
        let (environment, keys, roots) = match place.env {
            EnvName::Production => (Environment::Production, keys, Vec::new()),
            EnvName::Sandbox => (Environment::Sandbox, keys, Vec::new()),
            EnvName::Local => {
                let local = local::find(venue.as_deref(), place.url.as_deref(), &state)?;
                unlimited = local.unlimited;
                (local.environment, keys.with_local(&local.keys), local.certificate)
            }
        };
        let file = Some(state.budget_file(&environment.host()));
        let budget = if unlimited {
            Budget::unlimited()
        } else {
            let config = BudgetConfig { file, ..BudgetConfig::default() };
            Budget::new(config).map_err(state_failure)?
        };
        let tls = Tls { venue: venue.clone(), environment: name, roots };
        let client = client(&environment, &tls, budget)?;
        let venue = venue.unwrap_or_else(|| HOME.to_owned());
        let adapter = adapter.unwrap_or_default();
        Ok(Self { venue, environment, state, keys, client, chosen: None, tls, adapter })
    }

    /// The venue as trading sees it. This is the one place that knows which adapter serves a venue.
    pub fn exchange(&self, access: Access) -> Result<Arc<dyn Exchange>, Failure> {
        match self.adapter {
            Adapter::Bitex => {
                let client = match access {
                    Access::Public => self.client.clone(),
                    Access::Trade => self.client(KeyName::Trade)?,
                    Access::Urgent => self.another(self.key(KeyName::Trade)?)?.urgent(),
                };
                Ok(Arc::new(Bitex::named(&self.venue, client)))
            }
        }
    }

    /// The account as the kill switch cancels on it: on these of the markets; other orders stay.
    pub fn to_sweep<'a>(&self, markets: impl IntoIterator<Item = &'a Market>) -> Result<Account, Failure> {
        let here = markets.into_iter().filter(|market| market.venue == self.venue);
        let scope = Scope::Markets(here.map(|market| market.code.clone()).collect());
        Ok(Account { exchange: self.exchange(Access::Urgent)?, scope })
    }

    /// A client of its own, with connections that no other thread uses; the request budget is the same.
    pub fn another(&self, key: ApiKey) -> Result<Client, Failure> {
        let another = client(&self.environment, &self.tls, self.client.budget().clone())?;
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

fn client(environment: &Environment, tls: &Tls, budget: Budget) -> Result<Client, Failure> {
    let mut config = Config::new(environment.clone());
    config.tls = tls.options()?;
    Ok(Client::new(config, budget)?)
}

pub(crate) fn key_failure(error: &pampero_bitex::KeyError) -> Failure {
    Failure::account(Exit::Key, "key", error.to_string(), error.advice())
}

// By value, as `map_err` hands it over.
#[allow(clippy::needless_pass_by_value)]
pub(crate) fn state_failure(error: impl Advised) -> Failure {
    Failure::account(Exit::Failed, "state", error.to_string(), error.advice())
}

/// How trading reaches a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Without a key: market data.
    Public,
    /// With the key that trades.
    Trade,
    /// The same before all other requests, over connections that nothing else uses.
    Urgent,
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

/// `PAMPERO_SANDBOX_TRADE_KEY` and the like; `PAMPERO_NORTH_SANDBOX_TRADE_KEY` of a further venue.
pub(crate) fn variable(venue: Option<&str>, words: &[&str]) -> String {
    let words: Vec<&str> = venue.into_iter().chain(words.iter().copied()).collect();
    format!("PAMPERO_{}", words.join("_").to_ascii_uppercase())
}

impl Tls {
    /// Mutual TLS and roots of one's own: from the files that variables name, or from their usual places.
    fn options(&self) -> Result<TlsOptions, Failure> {
        let Self { venue, environment, roots } = self;
        let venue = venue.as_deref();
        let find = |word: &str, file: &str| {
            let named = std::env::var_os(variable(venue, &[environment, word])).map(PathBuf::from);
            let folder = config_folder().map(|folder| folder.join("tls").join(venue.unwrap_or_default()));
            let usual = folder.map(|folder| folder.join(environment).join(file));
            named.or_else(|| usual.filter(|path| path.exists()))
        };
        let mut roots = roots.clone();
        if let Some(path) = find("ROOT_CERT", "roots.pem") {
            roots.extend(std::fs::read(&path).map_err(|error| Failure::io(&path, &error))?);
        }
        let identity = match find("CLIENT_CERT", "client.pem") {
            Some(path) => Some(private(&path)?.into()),
            None => None,
        };
        Ok(TlsOptions { roots, identity })
    }
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
