//! The client: a key, a budget and a connection. Its methods stand beside the things they are about.

use std::sync::Arc;
use std::time::Duration;

use pampero_exchange::{Ambiguity, Budget, Class, Error, LastLook, Outcome};
use pampero_model::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use crate::classify::{Answer, Failure};
use crate::config::{Config, Environment};
use crate::document::{self, FromResource};
use crate::key::{ApiKey, KeyError};
use crate::transport::{Call, Transport};

/// A client of Bitex. Clones share connections, budget and key.
///
/// Every method is one request, waits for its turn in the [`Budget`], and repeats nothing by itself:
/// [`Error::may_retry`] says what the caller may repeat. Dropping the future of a method that creates something
/// leaves open whether it was sent.
///
/// ```no_run
/// use pampero_bitex::{Client, Config, Environment};
/// use pampero_exchange::{Budget, BudgetConfig};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(Config::new(Environment::Production), Budget::new(BudgetConfig::default())?)?;
/// let ticker = client.ticker("btc_usd").await?;
/// println!("{} bid, {} ask", ticker.bid, ticker.ask);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    transport: Arc<Transport>,
    budget: Budget,
    key: Option<Arc<ApiKey>>,
    user: Option<u64>,
    urgent: bool,
}

/// What a look at the exchange found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The HTTP status.
    pub status: u16,
    /// Whether a page of the network in front of the exchange answered.
    pub edge: bool,
    /// The server's clock, in whole seconds.
    pub server_time: Option<Timestamp>,
    /// From sending to the whole answer.
    pub elapsed: Duration,
}

impl Client {
    /// A client without a key, for market data.
    pub fn new(config: Config, budget: Budget) -> Result<Self, Error> {
        let transport = Arc::new(Transport::new(config)?);
        Ok(Self { transport, budget, key: None, user: None, urgent: false })
    }

    /// The same with a key, which has to be of the client's environment.
    pub fn with_key(self, key: ApiKey) -> Result<Self, KeyError> {
        key.check(self.environment())?;
        Ok(Self { key: Some(Arc::new(key)), ..self })
    }

    /// The same with another budget, over the same connections: for another host or share of it, and for tests that
    /// do not wait for the back-off of the one before.
    #[must_use]
    pub fn with_budget(&self, budget: Budget) -> Self {
        Self { budget, ..self.clone() }
    }

    /// The same for a user that the owner of the key, a master user, manages.
    #[must_use]
    pub fn acting_for(&self, user: u64) -> Self {
        Self { user: Some(user), ..self.clone() }
    }

    /// The same for an emergency: its requests go before all others.
    #[must_use]
    pub fn urgent(&self) -> Self {
        Self { urgent: true, ..self.clone() }
    }

    /// Which Bitex it talks to.
    pub fn environment(&self) -> &Environment {
        &self.transport.config().environment
    }

    /// Its request budget.
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Its key.
    pub fn key(&self) -> Option<&ApiKey> {
        self.key.as_deref()
    }

    /// Asks for the list of markets only to see whether the exchange answers, how fast, and what time it has.
    pub async fn probe(&self) -> Result<Probe, Error> {
        let started = Instant::now();
        let answer =
            self.send(&Call::get(Class::Account, "/orderbooks").public()).await.map_err(read_failure)?;
        let date = answer.date.as_deref().and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        Ok(Probe {
            status: answer.status,
            edge: answer.is_page(),
            server_time: date.map(|date| Timestamp::from_secs(date.timestamp().as_second())),
            elapsed: started.elapsed(),
        })
    }

    /// A document about one thing.
    pub(crate) async fn one<T: FromResource>(&self, call: Call<'_>) -> Result<T, Error> {
        document::one(&self.succeed(&call).await?).map_err(|error| self.without_key(error))
    }

    /// A document about many things.
    pub(crate) async fn many<T: FromResource>(&self, call: Call<'_>) -> Result<Vec<T>, Error> {
        document::many(&self.succeed(&call).await?).map_err(|error| self.without_key(error))
    }

    /// Something that answers nothing but success.
    pub(crate) async fn act(&self, call: Call<'_>) -> Result<(), Error> {
        self.succeed(&call).await.map(drop)
    }

    async fn succeed(&self, call: &Call<'_>) -> Result<Vec<u8>, Error> {
        let answer = self.send(call).await.map_err(read_failure)?;
        if answer.is_success() {
            return Ok(answer.body);
        }
        Err(self.without_key(answer.refusal(call.password.is_some())))
    }

    /// Something that creates. `check` says whether the answer is about what was sent.
    pub(crate) async fn create<T: FromResource>(
        &self,
        call: Call<'_>,
        document: &impl Serialize,
        check: impl FnOnce(&T) -> Result<(), Ambiguity>,
    ) -> Outcome<T> {
        self.create_after(&|| Ok(()), call, document, check).await
    }

    /// The same, unless the last look before sending forbids it.
    pub(crate) async fn create_after<T: FromResource>(
        &self,
        last_look: &LastLook<'_>,
        call: Call<'_>,
        document: &impl Serialize,
        check: impl FnOnce(&T) -> Result<(), Ambiguity>,
    ) -> Outcome<T> {
        let call = match call.body(document) {
            Ok(call) => call,
            Err(error) => return Outcome::NotSent(error),
        };
        let unknown = |ambiguity| Outcome::Unknown(self.without_key(Error::Ambiguous(ambiguity)));
        let answer = match self.send_after(last_look, &call).await {
            Ok(answer) => answer,
            Err(Failure::NotSent(error)) => return Outcome::NotSent(error),
            Err(Failure::Lost(ambiguity)) => return unknown(ambiguity),
        };
        if !answer.is_success() {
            return match answer.refusal_of_create(call.password.is_some()) {
                Ok(error) => Outcome::Rejected(self.without_key(error)),
                Err(ambiguity) => unknown(ambiguity),
            };
        }
        match document::one(&answer.body) {
            Ok(created) => match check(&created) {
                Ok(()) => Outcome::Acknowledged(created),
                Err(ambiguity) => unknown(ambiguity),
            },
            Err(error) => unknown(Ambiguity::Malformed(error.to_string())),
        }
    }

    /// Waits for a turn, sends once, and tells the budget how it went.
    async fn send(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        self.send_after(&|| Ok(()), call).await
    }

    /// The same, with a last look once it has its turn.
    async fn send_after(&self, last_look: &LastLook<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
        if call.needs_key && self.key.is_none() {
            return Err(Failure::NotSent(Error::NoKey));
        }
        self.budget.acquire(if self.urgent { Class::Panic } else { call.class }).await;
        last_look().map_err(|reason| Failure::NotSent(Error::NotSent(reason)))?;
        let started = Instant::now();
        let key = self.key.as_deref().filter(|_| call.needs_key);
        let result = self.transport.send(call, key, self.user.filter(|_| key.is_some())).await;
        let elapsed = started.elapsed();
        match &result {
            Ok(answer) => {
                tracing::debug!(method = %call.method, path = %call.path, status = answer.status, ?elapsed);
                if answer.status == 429 || answer.is_page() {
                    self.budget.back_off(answer.retry_after);
                } else {
                    self.budget.answered();
                }
            }
            Err(failure) => {
                tracing::debug!(method = %call.method, path = %call.path, ?failure, ?elapsed);
            }
        }
        result
    }

    /// An error whose words cannot hold the key, should the other end send it back.
    fn without_key(&self, error: Error) -> Error {
        match &self.key {
            Some(key) if error.to_string().contains(key.expose()) => {
                Error::Malformed("the answer repeats the key and is not shown".to_owned())
            }
            _ => error,
        }
    }
}

fn read_failure(failure: Failure) -> Error {
    match failure {
        Failure::NotSent(error) => error,
        Failure::Lost(Ambiguity::Malformed(problem)) => Error::Malformed(problem),
        Failure::Lost(ambiguity) => Error::Ambiguous(ambiguity),
    }
}

/// The document that creates or changes something.
#[derive(Serialize)]
pub(crate) struct Create<T> {
    data: NewResource<T>,
}

#[derive(Serialize)]
struct NewResource<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    attributes: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    relationships: Option<std::collections::BTreeMap<&'static str, Linkage>>,
}

#[derive(Serialize)]
struct Linkage {
    data: Link,
}

#[derive(Serialize)]
struct Link {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
}

impl<T> Create<T> {
    pub const fn new(kind: &'static str, attributes: T) -> Self {
        Self { data: NewResource { kind, attributes, relationships: None } }
    }

    /// The same with a relationship to something that exists.
    pub fn relating(mut self, name: &'static str, kind: &'static str, id: u64) -> Self {
        let link = Linkage { data: Link { kind, id: id.to_string() } };
        self.data.relationships.get_or_insert_default().insert(name, link);
        self
    }
}
