//! Where the client connects to and how.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use pampero_exchange::Error;
use reqwest::Url;
use secrecy::SecretSlice;

/// Which Bitex. Keys are bound to one and are never sent to another.
///
/// ```
/// use pampero_bitex::Environment;
/// assert!(Environment::local("http://127.0.0.1:4000").is_ok());
/// assert!(Environment::local("http://example.com").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// `https://bitex.la`: real money.
    Production,
    /// `https://sandbox.bitex.la`: test money.
    Sandbox,
    /// A server on this machine, such as `pampero sandbox`; made by [`Environment::local`].
    Local(LocalUrl),
}

/// An address on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalUrl(Url);

impl Environment {
    /// A server on this machine: `http` or `https` on `localhost` or a loopback address.
    pub fn local(url: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Error::Configuration(format!("`{url}` cannot be used: {why}"));
        let parsed = Url::parse(url).map_err(|error| refuse(&error.to_string()))?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            // Without the address, since a password may stand in it.
            let why = "the address of a local server cannot hold a user name or a password; use an API key";
            return Err(Error::Configuration(why.to_owned()));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(refuse("the address ends with the port or a path, without `?` or `#`"));
        }
        let host = parsed.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if !loopback {
            return Err(refuse("only `localhost` or a loopback address such as 127.0.0.1 is local"));
        }
        if !["http", "https"].contains(&parsed.scheme()) {
            return Err(refuse("it must begin with http:// or https://"));
        }
        Ok(Self::Local(LocalUrl(parsed)))
    }

    /// `production`, `sandbox` or `local`: the name that keys are bound to.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
            Self::Local(_) => "local",
        }
    }

    /// Host and port, to tell budgets and files of servers apart.
    pub fn host(&self) -> String {
        match self {
            Self::Production => "bitex.la".to_owned(),
            Self::Sandbox => "sandbox.bitex.la".to_owned(),
            Self::Local(LocalUrl(url)) => {
                let host = url.host_str().unwrap_or_default();
                url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
            }
        }
    }

    /// The root of the API, without a slash at the end.
    pub(crate) fn root(&self) -> String {
        match self {
            Self::Production => "https://bitex.la/api".to_owned(),
            Self::Sandbox => "https://sandbox.bitex.la/api".to_owned(),
            Self::Local(LocalUrl(url)) => format!("{}/api", url.as_str().trim_end_matches('/')),
        }
    }

    pub(crate) const fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection with TLS. What fails here was not sent.
    pub connect: Duration,
    /// For the whole answer to a read.
    pub read: Duration,
    /// For the whole answer to a cancellation or another request that may be repeated.
    pub repeatable: Duration,
    /// For the whole answer to a request that creates something. Long, since what comes after it is an unknown.
    pub create: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(5), read: seconds(15), repeatable: seconds(10), create: seconds(20) }
    }
}

/// Mutual TLS and own roots, all in PEM.
#[derive(Default)]
pub struct TlsOptions {
    /// Certificates to trust besides those of the system.
    pub roots: Vec<u8>,
    /// A client certificate with its private key.
    pub identity: Option<SecretSlice<u8>>,
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let identity = if self.identity.is_some() { "set" } else { "none" };
        write!(f, "TlsOptions {{ roots: {} bytes, identity: {identity} }}", self.roots.len())
    }
}

/// How the client connects.
#[derive(Debug)]
pub struct Config {
    /// Which Bitex.
    pub environment: Environment,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Mutual TLS and own roots.
    pub tls: TlsOptions,
    /// The longest answer to a read, in bytes. A book of 10,000 levels a side has about three million.
    pub longest_read: usize,
    /// The longest answer to a request that creates or changes something, in bytes.
    pub longest_answer: usize,
}

impl Config {
    /// The usual settings for an environment.
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            timeouts: Timeouts::default(),
            tls: TlsOptions::default(),
            longest_read: 8 << 20,
            longest_answer: 1 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        for url in ["http://localhost:4000", "http://127.0.0.1:1", "https://[::1]:3000/", "http://127.9.9.9"]
        {
            assert!(Environment::local(url).is_ok(), "{url}");
        }
        for url in [
            "http://bitex.la",
            "https://10.0.0.1",
            "http://localhost.example.com",
            "ftp://localhost",
            "localhost",
            "",
            "http://127.0.0.1.nip.io",
            "http://user@example.com#localhost",
            "http://localhost:4000/?key=1",
            "http://localhost:4000/#api",
            "http://user@localhost:4000",
        ] {
            assert!(Environment::local(url).is_err(), "{url}");
        }
        let error = Environment::local("http://ana:open-sesame@localhost:4000").unwrap_err().to_string();
        assert!(error.contains("use an API key") && !error.contains("sesame"), "{error}");
    }

    #[test]
    fn roots_are_the_documented_ones() {
        assert_eq!(Environment::Production.root(), "https://bitex.la/api");
        assert_eq!(Environment::Sandbox.root(), "https://sandbox.bitex.la/api");
        let local = Environment::local("http://localhost:4000/").unwrap();
        assert_eq!(
            (local.root(), local.host()),
            ("http://localhost:4000/api".into(), "localhost:4000".into())
        );
    }
}
