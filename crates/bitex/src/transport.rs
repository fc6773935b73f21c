//! HTTP: two clients, one of which never sends anything twice.

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use pampero_exchange::{Ambiguity, Class, Error, Operation};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Certificate, Identity, Method, Url, redirect, retry, tls};
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::classify::{Answer, Failure};
use crate::config::{Config, TlsOptions};
use crate::key::{ApiKey, OneTimePassword};

/// A request before it is sent.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub method: Method,
    pub class: Class,
    pub operation: Operation,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub body: Option<String>,
    pub password: Option<&'a OneTimePassword>,
    pub request_id: Option<String>,
    pub needs_key: bool,
}

impl<'a> Call<'a> {
    fn new(method: Method, class: Class, operation: Operation, path: impl Into<String>) -> Self {
        Self {
            method,
            class,
            operation,
            path: path.into(),
            query: Vec::new(),
            body: None,
            password: None,
            request_id: None,
            needs_key: true,
        }
    }

    pub fn get(class: Class, path: impl Into<String>) -> Self {
        Self::new(Method::GET, class, Operation::Read, path)
    }

    pub fn create(class: Class, path: impl Into<String>) -> Self {
        Self::new(Method::POST, class, Operation::Create, path)
    }

    pub fn repeatable(class: Class, path: impl Into<String>) -> Self {
        let mut call = Self::new(Method::POST, class, Operation::Repeatable, path);
        call.body = Some("{}".to_owned());
        call
    }

    pub fn patch(class: Class, path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, class, Operation::Repeatable, path)
    }

    pub fn delete(class: Class, path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, class, Operation::Repeatable, path)
    }

    pub fn public(mut self) -> Self {
        self.needs_key = false;
        self
    }

    pub fn query(mut self, name: &str, value: String) -> Self {
        self.query.push((name.to_owned(), value));
        self
    }

    pub fn filter(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(&format!("filter[{name}]"), value.to_string()),
            None => self,
        }
    }

    pub fn filter_market(self, market: Option<&str>) -> Self {
        self.filter("orderbook_code", market)
    }

    pub const fn with_password(mut self, password: &'a OneTimePassword) -> Self {
        self.password = Some(password);
        self
    }

    pub fn body(mut self, document: &impl Serialize) -> Result<Self, Error> {
        let text = serde_json::to_string(document).map_err(|error| Error::NotSent(error.to_string()))?;
        self.body = Some(text);
        Ok(self)
    }
}

/// A text that may stand in a path: codes and ids.
pub(crate) fn segment(text: &str) -> Result<&str, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(plain) {
        return Ok(text);
    }
    let message =
        format!("`{}` is no code or id: letters, digits, `_` and `-` only", crate::document::brief(text));
    Err(Error::Invalid { field: None, message, code: None })
}

/// A day as the exchange filters by.
pub(crate) fn date(day: Option<&str>) -> Result<Option<&str>, Error> {
    let Some(day) = day else { return Ok(None) };
    let valid = day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok();
    if valid {
        return Ok(Some(day));
    }
    let message = format!("`{}` is not a day (expected for example 2024-01-31)", crate::document::brief(day));
    Err(Error::Invalid { field: Some("from".to_owned()), message, code: None })
}

/// Sends requests.
#[derive(Debug)]
pub(crate) struct Transport {
    config: Config,
    root: String,
    /// For reads and what may be repeated; keeps connections.
    reader: reqwest::Client,
    /// For what creates: a new connection each time, so that nothing can be sent again behind our back.
    creator: reqwest::Client,
    /// Ids of requests are numbered from the time of the start.
    started: u64,
    requests: AtomicU64,
}

impl Transport {
    pub fn new(config: Config) -> Result<Self, Error> {
        // Whoever was first is kept; there is one provider in the tree.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let build = |builder: reqwest::ClientBuilder| {
            builder
                .build()
                .map_err(|error| Error::Configuration(format!("TLS cannot be set up: {}", chain(error))))
        };
        let reader = build(common(&config)?.pool_max_idle_per_host(4))?;
        let creator = build(common(&config)?.pool_max_idle_per_host(0))?;
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            root: config.environment.root(),
            config,
            reader,
            creator,
            started: u64::try_from(started.as_micros()).unwrap_or_default(),
            requests: AtomicU64::new(0),
        })
    }

    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Sends a request once and reads its answer whole.
    pub async fn send(
        &self,
        call: &Call<'_>,
        key: Option<&ApiKey>,
        user: Option<u64>,
    ) -> Result<Answer, Failure> {
        let not_sent = |error: String| Failure::NotSent(Error::NotSent(error));
        let url = self.url(call).map_err(not_sent)?;
        let headers = self.headers(call, key, user).map_err(not_sent)?;
        let timeouts = self.config.timeouts;
        let (client, timeout, limit) = match call.operation {
            Operation::Read => (&self.reader, timeouts.read, self.config.longest_read),
            Operation::Repeatable => (&self.reader, timeouts.repeatable, self.config.longest_answer),
            Operation::Create => (&self.creator, timeouts.create, self.config.longest_answer),
        };
        let mut request = client.request(call.method.clone(), url).headers(headers).timeout(timeout);
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(failure)?;
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
            date: response.headers().get(DATE).and_then(|date| date.to_str().ok()).map(str::to_owned),
            body: Vec::new(),
        };
        // Unpacked piece by piece, so that a small packed answer cannot fill the memory.
        while let Some(piece) = response.chunk().await.map_err(failure)? {
            if answer.body.len().saturating_add(piece.len()) > limit {
                let problem = format!("it is longer than {limit} bytes");
                return Err(Failure::Lost(Ambiguity::Malformed(problem)));
            }
            answer.body.extend_from_slice(&piece);
        }
        Ok(answer)
    }

    fn url(&self, call: &Call<'_>) -> Result<Url, String> {
        let mut url =
            Url::parse(&format!("{}{}", self.root, call.path)).map_err(|error| error.to_string())?;
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }

    fn headers(&self, call: &Call<'_>, key: Option<&ApiKey>, user: Option<u64>) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/vnd.api+json");
        headers.insert(ACCEPT, json.clone());
        headers.insert(CONTENT_TYPE, json);
        headers.insert(HeaderName::from_static("version"), HeaderValue::from_static("2.1"));
        let id = self.request_id(call.request_id.as_deref());
        let id =
            HeaderValue::from_str(&id).map_err(|_| "the request id has strange characters".to_owned())?;
        headers.insert(HeaderName::from_static("x-request-id"), id);
        let mut secret = |name: HeaderName, value: &str| {
            let value =
                HeaderValue::from_str(value).map_err(|_| "a key has strange characters".to_owned())?;
            let mut value = value;
            value.set_sensitive(true);
            headers.insert(name, value);
            Ok::<_, String>(())
        };
        match (key, user) {
            (Some(key), Some(user)) => secret(AUTHORIZATION, &format!("{}; user={user}", key.expose()))?,
            (Some(key), None) => secret(AUTHORIZATION, key.expose())?,
            (None, _) => {}
        }
        if let Some(password) = call.password {
            secret(HeaderName::from_static("one-time-password"), password.expose())?;
        }
        Ok(headers)
    }

    /// The caller's reference, or a number that no other request of this run has.
    fn request_id(&self, reference: Option<&str>) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let reference = reference.filter(|text| (1..=200).contains(&text.len()) && text.bytes().all(plain));
        reference.map_or_else(
            || {
                let number = self.requests.fetch_add(1, Ordering::Relaxed);
                format!("pampero-{:x}-{:x}-{number}", self.started, std::process::id())
            },
            str::to_owned,
        )
    }
}

/// What both clients have in common: no redirects, no retries, no proxies, no HTTP/2, TLS 1.2 at least.
fn common(config: &Config) -> Result<reqwest::ClientBuilder, Error> {
    let agent =
        concat!("pampero/", env!("CARGO_PKG_VERSION"), " (https://github.com/pampero-trading/pampero)");
    let builder = reqwest::Client::builder()
        .user_agent(agent)
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .gzip(true)
        .tcp_nodelay(true)
        .connect_timeout(config.timeouts.connect)
        .pool_idle_timeout(Duration::from_secs(20))
        .https_only(!config.environment.is_local())
        .tls_version_min(tls::Version::TLS_1_2);
    with_tls(builder, &config.tls)
}

fn with_tls(
    mut builder: reqwest::ClientBuilder,
    options: &TlsOptions,
) -> Result<reqwest::ClientBuilder, Error> {
    if !options.roots.is_empty() {
        let roots = Certificate::from_pem_bundle(&options.roots)
            .map_err(|error| Error::Configuration(format!("the own root certificates: {}", chain(error))))?;
        builder = builder.tls_certs_merge(roots);
    }
    if let Some(identity) = &options.identity {
        // The reader's own words might quote the private key.
        let problem = "the client certificate must be PEM with a certificate and its private key";
        let identity = Identity::from_pem(identity.expose_secret())
            .map_err(|_| Error::Configuration(problem.to_owned()))?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

/// Only what failed before a connection stood provably never left.
fn failure(error: reqwest::Error) -> Failure {
    if error.is_connect() || error.is_builder() {
        return Failure::NotSent(Error::NotSent(chain(error)));
    }
    if error.is_timeout() {
        return Failure::Lost(Ambiguity::Timeout);
    }
    Failure::Lost(Ambiguity::Connection(chain(error)))
}

/// The words of an error and its causes, without addresses.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let _ = write!(words, ": {inner}"); // a String takes anything
        cause = inner.source();
    }
    words
}

/// What `Retry-After` asks to wait: seconds, or a date. A date is compared with the server's own clock in `Date`, and with
/// ours only where the answer has none; one that is over means no wait.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = date(asked)?;
    let now = text(DATE).and_then(date).unwrap_or_else(jiff::Timestamp::now);
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date_by_the_servers_clock() {
        let wait = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            date.map(|date| headers.insert(DATE, date.parse().unwrap()));
            retry_after(&headers).map(|wait| wait.as_secs())
        };
        // Far from our own clock, which does not count.
        let now = Some("Mon, 15 Apr 2019 16:13:40 GMT");
        assert_eq!(wait(" 7 ", now), Some(7));
        assert_eq!(wait("Mon, 15 Apr 2019 16:15:00 GMT", now), Some(80));
        assert_eq!(wait("Mon, 15 Apr 2019 16:13:40 GMT", now), Some(0));
        assert_eq!(wait("Mon, 15 Apr 2019 16:10:00 GMT", now), Some(0), "it is over");
        assert_eq!(wait("Mon, 15 Apr 2019 16:15:00 GMT", None), Some(0), "long over by our clock");
        assert!(wait("Sat, 15 Apr 2130 16:15:00 GMT", None).unwrap() > 1_000_000, "by our clock");
        for nonsense in ["soon", "-3", "1.5", "", "2019-04-15"] {
            assert_eq!(wait(nonsense, now), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
