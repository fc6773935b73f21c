//! Events and callbacks on their way to customers.

use pampero_model::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::users::webhook_auth;
use super::{Payment, World};
use crate::clock::iso;
use crate::json::{Json, object};

/// Something that a customer is to be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// The number of the event.
    pub id: u64,
    pub user: u64,
    pub url: String,
    pub payload: Payload,
    pub created: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next; nothing once it is delivered or given up.
    pub next: Option<Timestamp>,
    pub delivered: bool,
}

/// What is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Payload {
    /// A JSON:API document about a resource, which is given as JSON.
    Event { kind: String, resource_type: String, resource_id: String, resource: String },
    /// The state of a payment, with the merchant's key in the body.
    Payment(u64),
}

impl World {
    /// Tells a customer of an event, if it wants to hear of any.
    pub fn tell(&mut self, user: u64, kind: &str, resource: &Json) {
        let url = self.user(user).and_then(|user| user.webhook.as_ref()).map(|webhook| webhook.url.clone());
        let Some(url) = url else { return };
        let part = |key| match resource.get(key) {
            Some(Json::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let payload = Payload::Event {
            kind: kind.to_owned(),
            resource_type: part("type"),
            resource_id: part("id"),
            resource: resource.print(),
        };
        self.post(user, url, payload);
    }

    /// Tells a merchant of a payment, if it gave an address for that.
    pub(super) fn call_back(&mut self, payment: &Payment) {
        if let Some(url) = payment.callback_url.clone() {
            self.post(payment.user, url, Payload::Payment(payment.id));
        }
    }

    fn post(&mut self, user: u64, url: String, payload: Payload) {
        let (id, created) = (self.next_number(), self.now);
        let next = Some(created);
        self.tables.outbox.push(Delivery {
            id,
            user,
            url,
            payload,
            created,
            attempts: 0,
            next,
            delivered: false,
        });
    }

    /// The deliveries that are due.
    pub fn due_deliveries(&self) -> Vec<Delivery> {
        let due = |delivery: &&Delivery| delivery.next.is_some_and(|next| next <= self.now);
        self.tables.outbox.iter().filter(due).cloned().collect()
    }

    /// The body of a delivery as it is sent now, and what its header `WEBHOOK-AUTH` says.
    pub fn delivery_request(&self, delivery: &Delivery) -> (String, String) {
        let token = self.first_key(delivery.user).map(|key| key.token.clone()).unwrap_or_default();
        let body = match &delivery.payload {
            Payload::Event { kind, resource_type, resource_id, resource } => {
                let attributes = object! {
                    "event_type": Json::text(kind),
                    "created_at": Json::text(iso(delivery.created)),
                    "sent_at": Json::text(iso(self.now)),
                };
                let pointer = object! { "id": Json::text(resource_id), "type": Json::text(resource_type) };
                object! {
                    "data": object! {
                        "id": Json::text(delivery.id.to_string()),
                        "type": Json::text("events"),
                        "attributes": attributes,
                        "relationships": object! { "resource": object! { "data": pointer } },
                    },
                    "included": Json::List(vec![Json::Verbatim(resource.clone())]),
                }
            }
            Payload::Payment(id) => {
                let payment = self.tables.payments.iter().find(|payment| payment.id == *id);
                let payment =
                    payment.map_or(Json::Null, |payment| crate::api::payment_document(self, payment));
                object! { "api_key": Json::text(token.clone()), "payment": payment }
            }
        };
        (body.print(), webhook_auth(&token))
    }

    /// Notes how a delivery went: 200 is the only success; otherwise it is tried again, each time after twice as long.
    pub fn delivered(&mut self, id: u64, success: bool) {
        let (now, settings) = (self.now, self.config.webhooks.clone());
        let Some(delivery) = self.tables.outbox.iter_mut().find(|delivery| delivery.id == id) else { return };
        delivery.attempts += 1;
        delivery.delivered = success;
        let wait = settings.first_retry.as_nanos().saturating_mul(1 << (delivery.attempts - 1).min(20));
        let again = !success && delivery.attempts < settings.attempts;
        delivery.next = again.then(|| now.plus(Span::from_nanos(wait)));
    }
}
