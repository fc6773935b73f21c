//! The worth of a currency from outside the markets: a file, or a JSON document that is asked for again and again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pampero_model::{Cash, Currency, Price, Quantity, Rounding, SCALE, Span, Timestamp};
use reqwest::Client;
use serde_json::value::RawValue;
use thiserror::Error as ThisError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::run::{Clock, duration};
use crate::web::{self, BadAddress};

/// Where the worth of a currency comes from.
///
/// ```
/// use pampero_model::Span;
/// use pampero_runtime::feed::{RatePlace, RateSource};
/// let source = RateSource {
///     currency: "usd".parse()?,
///     place: RatePlace::Document("https://rates.example/ars.json".to_owned()),
///     pointer: "/official/sell".to_owned(),
///     invert: false,
///     every: Span::from_minutes(1),
///     stale_after: Span::from_minutes(10),
/// };
/// assert!(source.check().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateSource {
    /// Whose worth it is, in the report currency.
    pub currency: Currency,
    /// What is read.
    pub place: RatePlace,
    /// Where in the JSON document the number, or the text of a number, stands: a JSON pointer (RFC 6901) such as
    /// `/rates/0/ask`. Empty for a document, or a file, that is nothing but the number.
    pub pointer: String,
    /// Whether the document says how much of the currency one unit of the report currency is worth.
    pub invert: bool,
    /// Time between two readings.
    pub every: Span,
    /// Without a good reading for so long the rate is stale. A file is read anew when it was written anew, so one that
    /// nobody writes for so long is stale, too.
    pub stale_after: Span,
}

/// What one reading of a source brought.
#[derive(Debug)]
pub struct RateMessage {
    /// When it was learned.
    pub at: Timestamp,
    /// Whose worth.
    pub currency: Currency,
    /// The worth, or why there is none.
    pub rate: Result<Price, RateError>,
    /// Whether the rate is stale by now.
    pub stale: bool,
}

/// What a rate is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RatePlace {
    /// A file that somebody else writes.
    File(PathBuf),
    /// An address: https, or http on this machine.
    Document(String),
}

/// Why there is no rate.
#[derive(Debug, ThisError)]
pub enum RateError {
    /// The settings cannot work.
    #[error("the rate of {currency}: {problem}")]
    Settings {
        /// Whose.
        currency: Currency,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The file or the document cannot be had.
    #[error("it cannot be read: {0}")]
    Unavailable(String),
    /// The file was last written too long ago.
    #[error("the file was last written at {0}, which is too long ago")]
    Old(Timestamp),
    /// There is no such place in the document.
    #[error("the document has nothing at `{0}`: check the pointer")]
    Nothing(String),
    /// What stands there is no rate.
    #[error("`{0}` is no rate: a decimal number above zero is expected")]
    NotARate(String),
}

/// Longest document, in bytes.
const LONGEST: usize = 1 << 20;
/// For the whole answer.
const PATIENCE: Duration = Duration::from_secs(10);

impl RateSource {
    /// Whether the settings can work: an address that is safe, times above zero.
    ///
    /// # Errors
    /// [`RateError::Settings`] says what is wrong.
    pub fn check(&self) -> Result<(), RateError> {
        let refuse = |problem: String| Err(RateError::Settings { currency: self.currency, problem });
        if self.every <= Span::ZERO || self.stale_after < self.every {
            return refuse("it is read every so often, and stale after no less than that".to_owned());
        }
        if !self.pointer.is_empty() && !self.pointer.starts_with('/') {
            return refuse(format!("`{}` is no JSON pointer: it begins with `/`", self.pointer));
        }
        if let RatePlace::Document(address) = &self.place {
            match web::address(address) {
                Ok(_) => {}
                Err(BadAddress::NotAnAddress) => {
                    return refuse("the address is none: write it as https://host/path".to_owned());
                }
                Err(BadAddress::Insecure(host)) => {
                    return refuse(format!("{host} is not asked without TLS: write https://"));
                }
            }
        }
        Ok(())
    }

    /// The rate in a document.
    ///
    /// ```
    /// # use pampero_model::Span;
    /// # use pampero_runtime::feed::{RatePlace, RateSource};
    /// # let source = RateSource {
    /// #     currency: "usd".parse()?,
    /// #     place: RatePlace::File("rate.json".into()),
    /// #     pointer: "/usd/1".to_owned(),
    /// #     invert: false,
    /// #     every: Span::from_minutes(1),
    /// #     stale_after: Span::from_minutes(10),
    /// # };
    /// let rate = source.read(r#"{"usd": [1290, "1310.1000000012"]}"#)?;
    /// assert_eq!(rate.to_string(), "1310.1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RateError::Nothing`] and [`RateError::NotARate`].
    pub fn read(&self, document: &str) -> Result<Price, RateError> {
        let mut text = document.trim().to_owned();
        for token in self.pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            text = inside(&text, &token).ok_or_else(|| RateError::Nothing(self.pointer.clone()))?;
        }
        // The digits of the text itself: no float on the way.
        let digits = serde_json::from_str::<String>(&text).unwrap_or(text);
        let shown = || RateError::NotARate(digits.chars().take(40).collect());
        let rate: Price = digits.trim().parse().map_err(|_| shown())?;
        let rate = match (rate.is_positive(), self.invert) {
            (false, _) => return Err(shown()),
            (true, false) => rate,
            (true, true) => Cash::from_units(i128::from(SCALE))
                .average_price(Quantity::from_units(rate.units()), Rounding::HalfEven)
                .map_err(|_| shown())?,
        };
        if rate.is_positive() { Ok(rate) } else { Err(shown()) }
    }

    /// Reads the source: the rate, and when it was written, where a file says so.
    async fn fetch(&self, client: &Client, now: Timestamp) -> Result<(Price, Option<Timestamp>), RateError> {
        match &self.place {
            RatePlace::File(path) => {
                let (text, written) = file(path, now, self.stale_after)?;
                Ok((self.read(&text)?, Some(written)))
            }
            RatePlace::Document(address) => Ok((self.read(&document(client, address).await?)?, None)),
        }
    }
}

/// The text of what a key or a position holds.
fn inside(text: &str, token: &str) -> Option<String> {
    let found = if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        items.get(token.parse::<usize>().ok()?).copied()
    } else {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
        members.get(token).copied()
    };
    found.map(|value| value.get().to_owned())
}

fn file(path: &Path, now: Timestamp, stale_after: Span) -> Result<(String, Timestamp), RateError> {
    let unavailable = |error: std::io::Error| RateError::Unavailable(format!("{}: {error}", path.display()));
    let metadata = std::fs::metadata(path).map_err(unavailable)?;
    let written = metadata.modified().map_err(unavailable)?;
    let since = written.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let written = i64::try_from(since.as_nanos()).map_or(Timestamp::MAX, Timestamp::from_nanos);
    if now.since(written) >= stale_after {
        return Err(RateError::Old(written));
    }
    if usize::try_from(metadata.len()).is_ok_and(|length| length > LONGEST) {
        return Err(RateError::Unavailable(format!("{} is longer than {LONGEST} bytes", path.display())));
    }
    Ok((std::fs::read_to_string(path).map_err(unavailable)?, written))
}

async fn document(client: &Client, address: &str) -> Result<String, RateError> {
    // Without the address, in which a token may stand.
    let failed = |error: reqwest::Error| {
        let why = if error.is_timeout() { "no answer in time" } else { "no connection, or it broke" };
        RateError::Unavailable(why.to_owned())
    };
    let mut answer = client.get(address).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(RateError::Unavailable(format!("status {}", answer.status().as_u16())));
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        if body.len().saturating_add(piece.len()) > LONGEST {
            return Err(RateError::Unavailable(format!("the document is longer than {LONGEST} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    String::from_utf8(body).map_err(|_| RateError::Unavailable("the document is no text".to_owned()))
}

/// Reads every source once, before a session begins.
///
/// # Errors
/// The first source that gives no rate, with the currency whose it is.
pub async fn read_rates(
    sources: &[RateSource],
    clock: &Clock,
) -> Result<Vec<(Currency, Price)>, (Currency, RateError)> {
    let Some(first) = sources.first() else { return Ok(Vec::new()) };
    let client = prepare(first, sources).map_err(|error| (first.currency, error))?;
    let mut rates = Vec::new();
    for source in sources {
        let (rate, _) = source.fetch(&client, clock()).await.map_err(|error| (source.currency, error))?;
        rates.push((source.currency, rate));
    }
    Ok(rates)
}

fn prepare(first: &RateSource, sources: &[RateSource]) -> Result<Client, RateError> {
    sources.iter().try_for_each(RateSource::check)?;
    web::client(PATIENCE).map_err(|error| {
        let problem = format!("TLS cannot be set up: {error}");
        RateError::Settings { currency: first.currency, problem }
    })
}

/// Reads every source again and again and sends what each reading brought, until `shutdown` or until nobody listens.
/// Of a file that was not written anew nothing is sent. The engine ages a rate by itself.
///
/// # Errors
/// [`RateError::Settings`] before anything is asked.
pub async fn watch_rates(
    sources: Vec<RateSource>,
    clock: Clock,
    sender: mpsc::Sender<RateMessage>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), RateError> {
    let Some(first) = sources.first() else { return Ok(()) };
    let client = prepare(first, &sources)?;
    let mut watches = JoinSet::new();
    for source in sources {
        watches.spawn(watch(source, client.clone(), Clock::clone(&clock), sender.clone()));
    }
    tokio::select! {
        () = shutdown => {}
        // All of them end when nobody listens.
        _ = watches.join_next() => {}
    }
    Ok(())
}

async fn watch(source: RateSource, client: Client, clock: Clock, sender: mpsc::Sender<RateMessage>) {
    let currency = source.currency;
    let (mut since, mut last_written, mut failed) = (clock(), None, false);
    loop {
        let read = source.fetch(&client, clock()).await;
        let at = clock();
        let message = match read {
            Ok((_, Some(written))) if last_written == Some(written) && !failed => None,
            Ok((rate, written)) => {
                (since, last_written, failed) = (at, written, false);
                Some(RateMessage { at, currency, rate: Ok(rate), stale: false })
            }
            Err(error) => {
                failed = true;
                let stale = matches!(error, RateError::Old(_)) || at.since(since) >= source.stale_after;
                Some(RateMessage { at, currency, rate: Err(error), stale })
            }
        };
        if let Some(message) = message
            && sender.send(message).await.is_err()
        {
            return;
        }
        tokio::select! {
            () = sender.closed() => return,
            () = tokio::time::sleep(duration(source.every)) => {}
        }
    }
}
