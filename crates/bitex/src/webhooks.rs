//! Events that the exchange posts to an address of the user's, and the proof that it was the exchange.
//!
//! There are none for orders or executions: those have to be asked for.

use std::fmt;

use pampero_exchange::{Class, Error};
use pampero_model::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::client::{Client, Create};
use crate::document::{self, FromResource, Resource};
use crate::key::ApiKey;
use crate::transport::Call;
use crate::users::User;
use crate::wire;
use crate::withdrawals::WithdrawalInstruction;

/// Where events are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id, which is the time of the answer in seconds.
    #[serde(skip_deserializing)]
    pub id: String,
    /// The address.
    #[serde(default, deserialize_with = "wire::words")]
    pub url: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the names say it, one by one
pub enum EventKind {
    UserEnabled,
    UserDisabled,
    WithdrawalInstructionCreated,
    WithdrawalInstructionUpdated,
    WithdrawalInstructionDestroyed,
    ConciergeRequestCancelled,
    ConciergeRequestReceiptCreated,
    ConciergeRequestCreditNoteCreated,
    ConciergeOutputWorking,
    ConciergeOutputSettling,
    ConciergeOutputSettled,
    ConciergeOutputFailed,
    ConciergeOutputReturned,
    ConciergeOutputRejected,
    /// A word that we do not know; to be ignored.
    Other(String),
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSubject {
    /// A user.
    User(User),
    /// A withdrawal instruction.
    WithdrawalInstruction(WithdrawalInstruction),
    /// Something else, or something that was not included.
    Other {
        /// Its JSON:API type.
        kind: String,
        /// Its id.
        id: String,
    },
}

/// An event. The exchange repeats one until it is answered with 200, so count each id once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its id, the same at every repetition.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub created_at: Option<Timestamp>,
    /// When it was sent; every repetition has its own.
    pub sent_at: Option<Timestamp>,
    /// What it is about.
    pub subject: Option<EventSubject>,
}

/// Knows whether an event came from the exchange: its header `WEBHOOK-AUTH` has to be the SHA-256 of the key.
///
/// ```
/// use pampero_bitex::{ApiKey, Environment, WebhookVerifier};
/// let key = ApiKey::new("0123456789abcdef0123456789abcdef".into(), &Environment::Sandbox)?;
/// let verifier = WebhookVerifier::new(&key);
/// assert!(verifier.receive("0000", b"{}").is_err());
/// # Ok::<(), pampero_bitex::KeyError>(())
/// ```
#[derive(Clone)]
pub struct WebhookVerifier {
    expected: [u8; 64],
}

impl fmt::Debug for WebhookVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookVerifier")
    }
}

impl WebhookVerifier {
    /// The name of the header.
    pub const HEADER: &'static str = "WEBHOOK-AUTH";

    /// A verifier for the events of the account of a key.
    pub fn new(key: &ApiKey) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let hash = digest(&SHA256, key.expose().as_bytes());
        let mut expected = [0; 64];
        let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or_default();
        for (pair, byte) in expected.chunks_exact_mut(2).zip(hash.as_ref()) {
            if let [high, low] = pair {
                (*high, *low) = (digit(byte >> 4), digit(byte & 15));
            }
        }
        Self { expected }
    }

    /// Whether the header is right. Takes as long for a wrong one as for the right one.
    pub fn verify(&self, header: &str) -> bool {
        let header = header.trim().to_ascii_lowercase();
        header.as_bytes().ct_eq(&self.expected).into()
    }

    /// Reads an event after checking its header.
    pub fn receive(&self, header: &str, body: &[u8]) -> Result<Event, Error> {
        if !self.verify(header) {
            let message = format!("the header {} does not belong to the key", Self::HEADER);
            return Err(Error::Unauthorized(message));
        }
        document::one(body)
    }
}

#[derive(Serialize)]
struct NewWebhook<'a> {
    url: &'a str,
}

impl Client {
    /// `GET /webhooks`: where events are sent.
    pub async fn webhook(&self) -> Result<Webhook, Error> {
        self.one(Call::get(Class::Account, "/webhooks")).await
    }

    /// `POST /webhooks`: sets where events are sent. May be repeated.
    pub async fn set_webhook(&self, url: &str) -> Result<Webhook, Error> {
        let call = Call::repeatable(Class::Account, "/webhooks");
        self.one(call.body(&Create::new("webhooks", NewWebhook { url }))?).await
    }
}

impl FromResource for Webhook {
    const TYPES: &'static [&'static str] = &["webhooks"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let webhook: Self = resource.attributes()?;
        Ok(Self { id: resource.id.0.to_string(), ..webhook })
    }
}

#[derive(Deserialize)]
struct EventAttributes {
    event_type: String,
    #[serde(default, deserialize_with = "wire::optional_time")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "wire::optional_time")]
    sent_at: Option<Timestamp>,
}

fn kind(event_type: String) -> EventKind {
    match &*event_type {
        "user_enabled" => EventKind::UserEnabled,
        "user_disabled" => EventKind::UserDisabled,
        "withdrawal_instruction_created" => EventKind::WithdrawalInstructionCreated,
        "withdrawal_instruction_updated" => EventKind::WithdrawalInstructionUpdated,
        "withdrawal_instruction_destroyed" => EventKind::WithdrawalInstructionDestroyed,
        "concierge_request_cancelled" => EventKind::ConciergeRequestCancelled,
        "concierge_request_receipt_created" => EventKind::ConciergeRequestReceiptCreated,
        "concierge_request_credit_note_created" => EventKind::ConciergeRequestCreditNoteCreated,
        "concierge_request_output_working" => EventKind::ConciergeOutputWorking,
        "concierge_request_output_settling" => EventKind::ConciergeOutputSettling,
        "concierge_request_output_settled" => EventKind::ConciergeOutputSettled,
        "concierge_request_output_failed" => EventKind::ConciergeOutputFailed,
        "concierge_request_output_returned" => EventKind::ConciergeOutputReturned,
        "concierge_request_output_rejected" => EventKind::ConciergeOutputRejected,
        _ => EventKind::Other(event_type),
    }
}

impl FromResource for Event {
    const TYPES: &'static [&'static str] = &["events"];

    fn from_resource(resource: &Resource<'_>, included: &[Resource<'_>]) -> Result<Self, String> {
        let EventAttributes { event_type, created_at, sent_at } = resource.attributes()?;
        let relationships = resource.relationships()?;
        let user = resource.related("resource", included)?.map(EventSubject::User);
        let instruction = resource.related("resource", included)?.map(EventSubject::WithdrawalInstruction);
        let other = || {
            relationships.one("resource").map(|reference| EventSubject::Other {
                kind: reference.kind.to_string(),
                id: reference.id.0.to_string(),
            })
        };
        Ok(Self {
            id: resource.id.0.to_string(),
            kind: kind(event_type),
            created_at,
            sent_at,
            subject: user.or(instruction).or_else(other),
        })
    }
}
