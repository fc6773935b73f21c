//! The local exchange: `pampero sandbox` leaves word where it is, and `--env local` finds it.

use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pampero_bitex::Environment;
use pampero_runtime::state_dir::{StateDir, read_private};
use secrecy::SecretString;
use serde::Deserialize;

use super::variable;
use crate::error::{Exit, Failure};

/// What a running local exchange says of itself. It holds keys: the file has mode 0600.
#[derive(Deserialize)]
struct Announcement {
    url: String,
    #[serde(default)]
    keys: BTreeMap<String, SecretText>,
    #[serde(default)]
    certificate: Option<String>,
    #[serde(default)]
    requests_per_second: Option<u32>,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretText(SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// A local exchange that listens.
pub(crate) struct Local {
    pub environment: Environment,
    /// Keys that it told of.
    pub keys: BTreeMap<String, SecretString>,
    /// The certificate to trust, in PEM; empty if it speaks plain HTTP.
    pub certificate: Vec<u8>,
    /// Whether it takes as many requests as come.
    pub unlimited: bool,
}

/// Where a running local exchange leaves word, under its name if it has one.
pub(crate) fn announcement_file(state: &StateDir, name: Option<&str>) -> PathBuf {
    state.path().join(name.map_or("sandbox.json".to_owned(), |name| format!("sandbox-{name}.json")))
}

/// Finds the local exchange: the one at an address, or the one that left word; that of a further venue, if one is named.
pub(crate) fn find(venue: Option<&str>, url: Option<&str>, state: &StateDir) -> Result<Local, Failure> {
    let file = announcement_file(state, venue);
    let told = read(&file)?;
    let set = std::env::var(variable(venue, &["local", "url"])).ok().filter(|url| !url.trim().is_empty());
    let given = url.map(str::to_owned).or(set);
    let start = venue.map_or("pampero sandbox".to_owned(), |name| format!("pampero sandbox --name {name}"));
    let same = |told: &Announcement| given.as_ref().is_none_or(|url| url.trim_end_matches('/') == told.url);
    let told = told.filter(same);
    let Some(url) = given.clone().or_else(|| told.as_ref().map(|told| told.url.clone())) else {
        let (message, option) = match venue {
            None => ("no local exchange is running".to_owned(), "--url".to_owned()),
            Some(name) => {
                (format!("no local exchange `{name}` is running"), format!("`local_url` in [venues.{name}]"))
            }
        };
        let help = format!(
            "start one with `{start}` in another terminal, or name its address with {option}; for the exchange itself \
             say --env sandbox or --env production"
        );
        return Err(Failure::account(Exit::Failed, "not_running", message, help));
    };
    let environment = Environment::local(&url)?;
    if !listens(&environment) {
        let (message, help) = match given {
            Some(url) => {
                (format!("nothing listens at {url}"), format!("start `{start}`, or correct the address"))
            }
            None => (
                format!("the local exchange of `{}` is gone: nothing listens at {url}", file.display()),
                format!("start it again with `{start}` in another terminal"),
            ),
        };
        return Err(Failure::account(Exit::Failed, "not_running", message, help));
    }
    let unlimited = told.as_ref().is_some_and(|told| told.requests_per_second == Some(0));
    let (keys, certificate) = told.map(|told| (told.keys, told.certificate)).unwrap_or_default();
    Ok(Local {
        environment,
        unlimited,
        keys: keys.into_iter().map(|(name, key)| (name, key.0)).collect(),
        certificate: certificate.unwrap_or_default().into_bytes(),
    })
}

fn read(file: &Path) -> Result<Option<Announcement>, Failure> {
    let Some(text) = read_private(file).map_err(super::state_failure)? else { return Ok(None) };
    // The reader's own words would quote what is in the file.
    let wrong = |_| {
        let message = format!("`{}` is not what `pampero sandbox` writes", file.display());
        Failure::account(Exit::Failed, "not_running", message, "remove it and start `pampero sandbox` again")
    };
    serde_json::from_slice(&text).map(Some).map_err(wrong)
}

fn listens(environment: &Environment) -> bool {
    let addresses = environment.host().to_socket_addrs().into_iter().flatten();
    addresses.into_iter().any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok())
}

/// Leaves word of a local exchange, and takes it back when dropped unless another has left its own since.
#[cfg(feature = "sandbox")]
pub(crate) struct Word {
    file: PathBuf,
    announcement: String,
}

#[cfg(feature = "sandbox")]
impl Word {
    /// Writes the announcement, one JSON object with keys, into a file that only the user can read.
    pub fn leave(name: Option<&str>, announcement: &str) -> Result<Self, String> {
        let state = StateDir::open(None, "local").map_err(|error| error.to_string())?;
        let file = announcement_file(&state, name);
        pampero_runtime::state_dir::write_private(&file, announcement.as_bytes())
            .map_err(|error| error.to_string())?;
        Ok(Self { file, announcement: announcement.to_owned() })
    }
}

#[cfg(feature = "sandbox")]
impl Drop for Word {
    fn drop(&mut self) {
        if std::fs::read_to_string(&self.file).is_ok_and(|text| text == self.announcement) {
            // If that fails, the next command says that nothing listens there.
            let _ = std::fs::remove_file(&self.file);
        }
    }
}
