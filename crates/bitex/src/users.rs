//! Users: the own one, and those that a master user manages.

use pampero_exchange::{Class, Error};
use serde::{Deserialize, Serialize};

use crate::client::{Client, Create};
use crate::document::{FromResource, Resource};
use crate::transport::Call;
use crate::wire;

/// A user of the exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Number of the user.
    #[serde(skip_deserializing)]
    pub id: String,
    /// Name.
    #[serde(default, deserialize_with = "wire::words")]
    pub name: String,
    /// E-mail address.
    #[serde(default, deserialize_with = "wire::words")]
    pub email: String,
    /// Whether the user's identity was checked; the user may trade only after that.
    #[serde(default, deserialize_with = "wire::flag")]
    pub kyc_accepted: bool,
    /// Whether one-time passwords are set up; keys and withdrawals need them.
    #[serde(default, deserialize_with = "wire::flag")]
    pub otp_enabled: bool,
    /// Whether the user wants no mail.
    #[serde(default, deserialize_with = "wire::flag")]
    pub do_not_email: bool,
    /// Whether the user logs in with a hardware wallet.
    #[serde(default, deserialize_with = "wire::flag")]
    pub trezor_login_enabled: bool,
    /// `new`, `enabled`, `disabled` or `rejected`; since 2020.
    #[serde(default)]
    pub compliance_state: Option<String>,
    /// Where events are sent; since 2020.
    #[serde(default)]
    pub webhook_url: Option<String>,
}

#[derive(Serialize)]
struct Settings<'a> {
    webhook_url: &'a str,
}

impl Client {
    /// `GET /users/me`: the own user, or the one acted for.
    pub async fn me(&self) -> Result<User, Error> {
        self.one(Call::get(Class::Account, "/users/me")).await
    }

    /// `GET /users`: the users that this one manages, for master users.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        self.many(Call::get(Class::Account, "/users")).await
    }

    /// `GET /users/ID`: one user.
    pub async fn user(&self, id: u64) -> Result<User, Error> {
        self.one(Call::get(Class::Account, format!("/users/{id}"))).await
    }

    /// `PATCH /users/me`: sets where events are sent; since 2020 in place of `POST /webhooks`.
    pub async fn set_webhook_url(&self, url: &str) -> Result<User, Error> {
        let call = Call::patch(Class::Account, "/users/me");
        self.one(call.body(&Create::new("users", Settings { webhook_url: url }))?).await
    }
}

impl FromResource for User {
    const TYPES: &'static [&'static str] = &["users"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let user: Self = resource.attributes()?;
        Ok(Self { id: resource.id.0.to_string(), ..user })
    }
}
