//! API keys as the exchange lists them.

use std::fmt;

use pampero_exchange::{Class, Error, Outcome};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::client::{Client, Create};
use crate::document::{FromResource, Resource};
use crate::key::OneTimePassword;
use crate::transport::Call;
use crate::wire;

/// What a key may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPermissions {
    /// Deposits.
    #[serde(default, deserialize_with = "wire::flag")]
    pub fund_account: bool,
    /// Ask for withdrawals.
    #[serde(default, deserialize_with = "wire::flag")]
    pub create_withdrawal: bool,
    /// See withdrawals.
    #[serde(default, deserialize_with = "wire::flag")]
    pub get_withdrawal: bool,
    /// See balances.
    #[serde(default, deserialize_with = "wire::flag")]
    pub get_balances: bool,
    /// Orders, executions and bots.
    #[serde(default, deserialize_with = "wire::flag")]
    pub trading: bool,
    /// Merchants' payments.
    #[serde(default, deserialize_with = "wire::flag")]
    pub payments: bool,
    /// Documents for compliance.
    #[serde(default, deserialize_with = "wire::flag")]
    pub compliance: bool,
    /// List, create and revoke keys.
    #[serde(default, deserialize_with = "wire::flag")]
    pub api_keys: bool,
    /// Before January 2019 the only one: whether the key may do more than read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<bool>,
}

/// A key as the exchange lists it.
#[derive(Clone, Debug, Serialize)]
pub struct KeyRecord {
    /// Number of the key.
    pub id: u64,
    /// The key itself, within ten minutes of its creation; its last characters afterwards.
    pub token: Token,
    /// What it may do.
    pub permissions: KeyPermissions,
}

/// A key, whole or masked. Never shown by `Debug` or serialisation; whole keys are shown by [`Token::reveal`] alone.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// Whether only the last characters are there.
    pub fn is_masked(&self) -> bool {
        self.0.expose_secret().contains('*')
    }

    /// The key, to be shown or stored once; nothing if it is masked.
    pub fn reveal(&self) -> Option<&str> {
        Some(self.0.expose_secret()).filter(|_| !self.is_masked())
    }

    /// The last characters, by which the exchange lets a key be recognised; the last four of a whole key.
    pub fn ending(&self) -> &str {
        let token = self.0.expose_secret();
        match token.rfind('*') {
            Some(star) => token.get(star + 1..).unwrap_or_default(),
            None => token.get(token.len().saturating_sub(4)..).unwrap_or_default(),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_masked() { "Token(masked)" } else { "Token(whole)" })
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_masked() { "masked" } else { "whole" })
    }
}

impl Client {
    /// `GET /api_keys`: all keys of the account, masked.
    pub async fn api_keys(&self) -> Result<Vec<KeyRecord>, Error> {
        self.many(Call::get(Class::Account, "/api_keys")).await
    }

    /// `GET /api_keys/ID`.
    pub async fn api_key(&self, id: u64) -> Result<KeyRecord, Error> {
        self.one(Call::get(Class::Account, format!("/api_keys/{id}"))).await
    }

    /// `POST /api_keys`: creates a key with these permissions; the answer holds it whole. Sent at most once.
    pub async fn create_api_key(
        &self,
        permissions: KeyPermissions,
        password: &OneTimePassword,
    ) -> Outcome<KeyRecord> {
        let call = Call::create(Class::Place, "/api_keys").with_password(password);
        self.create(call, &Create::new("api_keys", permissions), |_| Ok(())).await
    }

    /// `DELETE /api_keys/ID`: revokes a key. It stops working at once.
    pub async fn revoke_api_key(&self, id: u64) -> Result<(), Error> {
        self.act(Call::delete(Class::Cancel, format!("/api_keys/{id}"))).await
    }
}

#[derive(Deserialize)]
struct KeyAttributes {
    token: SecretText,
    #[serde(flatten)]
    permissions: KeyPermissions,
}

/// A text that is secret from the moment it is read.
#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretText(SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl FromResource for KeyRecord {
    const TYPES: &'static [&'static str] = &["api_keys"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        // The reader's own words might quote the key.
        let unreadable = |_| "the key's attributes cannot be read".to_owned();
        let attributes: KeyAttributes = resource.attributes().map_err(unreadable)?;
        Ok(Self {
            id: resource.id.number()?,
            token: Token(attributes.token.0),
            permissions: attributes.permissions,
        })
    }
}
