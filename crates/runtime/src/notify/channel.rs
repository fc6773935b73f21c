//! Where notices go: a webhook, or a Telegram chat.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use thiserror::Error;

use super::queue::Notice;
use crate::state_dir::{StateError, read_private};
use crate::web::{self, BadAddress};

/// A channel that cannot be set up. The texts hold no token.
#[derive(Debug, Error)]
pub enum NotifyError {
    /// The address is no address. It is not repeated, since it may hold a token.
    #[error("the address to send notices to is none: write it as https://host/path")]
    Address,
    /// The address is neither https nor of this machine.
    #[error(
        "notices go out by https or to this machine alone, and the address on `{0}` is neither: use https://"
    )]
    Insecure(String),
    /// The template looks like JSON and is none.
    #[error("the webhook's template is no JSON once it is filled in: {0}")]
    Template(serde_json::Error),
    /// There is no token, or it is none.
    #[error(
        "no Telegram token in {0}: expected what @BotFather gives, digits, a colon and letters; set \
         PAMPERO_TELEGRAM_TOKEN or give a file with mode 0600"
    )]
    Token(String),
    /// The file of the token cannot be read.
    #[error("the Telegram token: {0}")]
    TokenFile(#[from] StateError),
    /// The HTTP client cannot be made.
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// The token of a Telegram bot. Cannot be printed.
pub struct TelegramToken(SecretString);

impl TelegramToken {
    /// From a file that only its owner can read, or from the environment variable `PAMPERO_TELEGRAM_TOKEN`.
    ///
    /// # Errors
    ///
    /// [`NotifyError`] where neither holds a token.
    pub fn load(file: Option<&Path>) -> Result<Self, NotifyError> {
        let Some(path) = file else {
            let text = std::env::var("PAMPERO_TELEGRAM_TOKEN").unwrap_or_default();
            return Self::parse(&text.into(), "the environment");
        };
        let place = format!("`{}`", path.display());
        let content = read_private(path)?.ok_or_else(|| NotifyError::Token(place.clone()))?;
        Self::parse(&SecretString::from(String::from_utf8_lossy(&content).into_owned()), &place)
    }

    pub(super) fn parse(text: &SecretString, place: &str) -> Result<Self, NotifyError> {
        let text = text.expose_secret().trim();
        let valid = text.split_once(':').is_some_and(|(bot, secret)| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !bot.is_empty()
                && bot.bytes().all(|byte| byte.is_ascii_digit())
                && secret.len() >= 8
                && secret.bytes().all(plain)
        });
        if valid { Ok(Self(text.into())) } else { Err(NotifyError::Token(place.to_owned())) }
    }
}

impl fmt::Debug for TelegramToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TelegramToken")
    }
}

/// Where notices go.
pub struct Channel(Kind);

enum Kind {
    Webhook { url: Url, template: Template },
    Telegram { base: Url, token: TelegramToken, chat: String },
}

impl Channel {
    /// An address that gets a POST for each notice. `template` is the body, in which `{title}`, `{text}`,
    /// `{severity}`, `{environment}`, `{kind}` and `{time}` are filled in; one that begins as a JSON document gets
    /// them quoted for JSON, and without one the body is a JSON object with all of them.
    ///
    /// # Errors
    ///
    /// [`NotifyError`] where the address or the template cannot be used.
    pub fn webhook(url: &str, template: Option<&str>) -> Result<Self, NotifyError> {
        Ok(Self(Kind::Webhook { url: address(url)?, template: Template::new(template)? }))
    }

    /// A chat with a Telegram bot. `base` replaces `https://api.telegram.org`, for a proxy or a test.
    ///
    /// # Errors
    ///
    /// [`NotifyError`] where `base` cannot be used.
    pub fn telegram(token: TelegramToken, chat: &str, base: Option<&str>) -> Result<Self, NotifyError> {
        let base = address(base.unwrap_or("https://api.telegram.org"))?;
        Ok(Self(Kind::Telegram { base, token, chat: chat.to_owned() }))
    }

    /// `webhook` or `telegram`.
    pub const fn name(&self) -> &'static str {
        match self.0 {
            Kind::Webhook { .. } => "webhook",
            Kind::Telegram { .. } => "telegram",
        }
    }

    /// Sends a notice once.
    pub(super) async fn send(
        &self,
        client: &Client,
        notice: &Notice,
        environment: &str,
    ) -> Result<(), Refused> {
        let request = match &self.0 {
            Kind::Webhook { url, template } => {
                let (kind, body) = template.fill(notice, environment);
                client.post(url.clone()).header(CONTENT_TYPE, kind).body(body)
            }
            Kind::Telegram { base, token, chat } => {
                let mut url = base.clone();
                url.path_segments_mut()
                    .map_err(|()| Refused::for_good("the address has no path"))?
                    .pop_if_empty()
                    .extend([&format!("bot{}", token.0.expose_secret()), "sendMessage"]);
                let text = format!("{} [{environment}]\n{}", notice.title, notice.text);
                let text: String = text.chars().take(TELEGRAM_LONGEST).collect();
                let body = json!({ "chat_id": chat, "text": text, "disable_web_page_preview": true });
                client.post(url).header(CONTENT_TYPE, JSON).body(body.to_string())
            }
        };
        send(request).await
    }
}

impl fmt::Debug for Channel {
    /// Without addresses: those of webhooks are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({})", self.name())
    }
}

const JSON: &str = "application/json";
/// Telegram takes 4,096 characters.
const TELEGRAM_LONGEST: usize = 4_000;

/// Why a notice did not get through.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub why: String,
    /// Whether another attempt may help.
    pub again: bool,
}

impl Refused {
    fn for_good(why: &str) -> Self {
        Self { why: why.to_owned(), again: false }
    }
}

pub(super) async fn send(request: reqwest::RequestBuilder) -> Result<(), Refused> {
    let answer = request.send().await.map_err(|error| {
        // The kind of failure alone: words and causes of the error may hold the address, and it a token.
        let why = if error.is_timeout() { "no answer in time" } else { "no connection" };
        Refused { why: why.to_owned(), again: !error.is_builder() }
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let again = status.is_server_error() || status.as_u16() == 429 || status.as_u16() == 408;
    Err(Refused { why: format!("status {}", status.as_u16()), again })
}

/// A client that gives up after `patience`.
pub(super) fn client(patience: Duration) -> Result<Client, NotifyError> {
    web::client(patience).map_err(|error| NotifyError::Client(error.to_string()))
}

/// An address that is https or of this machine.
pub(super) fn address(text: &str) -> Result<Url, NotifyError> {
    web::address(text).map_err(|bad| match bad {
        BadAddress::NotAnAddress => NotifyError::Address,
        BadAddress::Insecure(host) => NotifyError::Insecure(host),
    })
}

/// The body of a webhook.
#[derive(Debug)]
struct Template {
    text: Option<String>,
    is_json: bool,
}

impl Template {
    fn new(text: Option<&str>) -> Result<Self, NotifyError> {
        let Some(text) = text else { return Ok(Self { text: None, is_json: true }) };
        let begin = text.trim_start();
        let object = begin.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}']));
        let template = Self { text: Some(text.to_owned()), is_json: object || begin.starts_with('[') };
        if template.is_json {
            let sample = Notice::new(super::Severity::Info, "sample", "\"", "\\");
            let (_, body) = template.fill(&sample, "local");
            serde_json::from_str::<serde::de::IgnoredAny>(&body).map_err(NotifyError::Template)?;
        }
        Ok(template)
    }

    /// Content type and body.
    fn fill(&self, notice: &Notice, environment: &str) -> (&'static str, String) {
        let time = notice.at.to_string();
        let fields = [
            ("title", notice.title.as_str()),
            ("text", notice.text.as_str()),
            ("severity", notice.severity.name()),
            ("environment", environment),
            ("kind", notice.kind),
            ("time", time.as_str()),
        ];
        let Some(mut rest) = self.text.as_deref() else {
            let object: serde_json::Map<_, _> =
                fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            return (JSON, serde_json::Value::Object(object).to_string());
        };
        let mut body = String::new();
        // In one pass: what is filled in is not looked at again.
        while let Some((before, after)) = rest.split_once('{') {
            body.push_str(before);
            let found = fields.iter().find_map(|(name, value)| {
                let after = after.strip_prefix(name)?.strip_prefix('}')?;
                Some((value, after))
            });
            match found {
                Some((value, after)) if self.is_json => {
                    body.push_str(
                        json!(value)
                            .to_string()
                            .trim_start_matches('"')
                            .strip_suffix('"')
                            .unwrap_or_default(),
                    );
                    rest = after;
                }
                Some((value, after)) => {
                    body.push_str(value);
                    rest = after;
                }
                None => {
                    body.push('{');
                    rest = after;
                }
            }
        }
        body.push_str(rest);
        (if self.is_json { JSON } else { "text/plain; charset=utf-8" }, body)
    }
}
