//! Customers and their API keys.

use pampero_model::{Span, Timestamp};
use pampero_venue::AccountId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::World;
use crate::config::{AccountConfig, ConfigError};
use crate::otp;

/// The permissions of a key, by the names of the API.
pub const PERMISSIONS: [&str; 8] = [
    "fund_account",
    "create_withdrawal",
    "get_withdrawal",
    "get_balances",
    "trading",
    "payments",
    "compliance",
    "api_keys",
];

/// A permission of a key, by its position in [`PERMISSIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    FundAccount,
    CreateWithdrawal,
    GetWithdrawal,
    GetBalances,
    Trading,
    Payments,
    ApiKeys,
}

impl Permission {
    const fn index(self) -> usize {
        match self {
            Self::FundAccount => 0,
            Self::CreateWithdrawal => 1,
            Self::GetWithdrawal => 2,
            Self::GetBalances => 3,
            Self::Trading => 4,
            Self::Payments => 5,
            Self::ApiKeys => 7,
        }
    }
}

/// What a key may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grant {
    /// The old kind: reads everything, and writes everything if true.
    Write(bool),
    /// The new kind: one boolean for each of [`PERMISSIONS`].
    Eight([bool; 8]),
}

impl Grant {
    /// Whether a call may be made: what it needs, and whether it changes anything.
    pub fn allows(&self, permission: Option<Permission>, writes: bool) -> bool {
        match (self, permission) {
            (Self::Write(write), _) => *write || !writes,
            (Self::Eight(_), None) => true,
            (Self::Eight(granted), Some(permission)) => {
                granted.get(permission.index()).copied().unwrap_or(false)
            }
        }
    }
}

/// An API key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    pub id: u64,
    /// Whose it is.
    pub user: u64,
    /// What the configuration calls it.
    pub name: Option<String>,
    pub token: String,
    pub grant: Grant,
    pub created: Timestamp,
    pub revoked: bool,
}

impl ApiKey {
    /// The token as it is shown: whole for ten minutes, then only its end.
    pub fn shown(&self, now: Timestamp) -> String {
        if now.since(self.created) < Span::from_minutes(10) {
            return self.token.clone();
        }
        let end = self.token.char_indices().rev().nth(9).map_or(0, |(at, _)| at);
        let stars = match self.grant {
            Grant::Write(_) => 70,
            Grant::Eight(_) => 20,
        };
        format!("{}{}", "*".repeat(stars), self.token.get(end..).unwrap_or(""))
    }
}

/// Where a customer wants events to go.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Webhook {
    pub id: i64,
    pub url: String,
}

/// A customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    pub id: u64,
    /// The number of the account at the venue.
    pub account: u32,
    pub name: String,
    pub email: String,
    pub country: String,
    pub otp_secret: String,
    /// Whether it may act for the users it created.
    pub master: bool,
    /// Who created it.
    pub parent: Option<u64>,
    pub webhook: Option<Webhook>,
}

impl User {
    pub const fn account(&self) -> AccountId {
        AccountId(self.account)
    }

    /// The number of the wallet of a coin.
    pub fn wallet_id(&self, coin: &str) -> u64 {
        let position = super::CURRENCIES.iter().position(|code| *code == coin).unwrap_or(0);
        self.id * 10 + u64::try_from(position).unwrap_or(0)
    }
}

impl World {
    /// Bytes that depend on the seed and a name alone.
    fn drawn(&self, name: &str) -> [u8; 32] {
        Sha256::digest(format!("pampero sandbox {} {name}", self.config.seed)).into()
    }

    /// A new token: eighty hexadecimal digits.
    fn draw_token(&self, name: &str) -> String {
        let mut token = hex(&self.drawn(&format!("token {name}")));
        token.push_str(hex(&self.drawn(&format!("more of token {name}"))).get(..16).unwrap_or(""));
        token
    }

    /// An address of a coin, in the form of its test network.
    pub fn draw_address(&self, coin: &str, name: &str) -> String {
        const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        let (prefix, alphabet, length) =
            if coin == "bch" { ("bchtest:q", BECH32, 41) } else { ("m", BASE58, 33) };
        let mut bytes = self.drawn(&format!("address {coin} {name}")).to_vec();
        bytes.extend(self.drawn(&format!("more of address {coin} {name}")));
        let letters = bytes.iter().filter_map(|byte| alphabet.get(usize::from(*byte) % alphabet.len()));
        prefix.chars().chain(letters.take(length).map(|byte| char::from(*byte))).collect()
    }

    /// Adds an account of the configuration with its money and keys.
    pub(super) fn add_configured(&mut self, config: &AccountConfig) -> Result<(), ConfigError> {
        let wrong = |problem: String| ConfigError::value(format!("accounts.{}", config.name), problem);
        let user = self.add_user(&config.name, None);
        let user = {
            let Some(found) = self.tables.users.iter_mut().find(|found| found.id == user) else {
                return Ok(());
            };
            found.country.clone_from(&config.country);
            found.master = config.master;
            if let Some(secret) = &config.otp_secret {
                if otp::one_time_password(secret, Timestamp::from_secs(0)).is_none() {
                    return Err(wrong("`otp_secret` must be at least 16 bytes in base32".to_owned()));
                }
                found.otp_secret.clone_from(secret);
            }
            found.clone()
        };
        for money in &config.balances {
            self.venue.deposit(user.account(), *money).map_err(|error| wrong(error.to_string()))?;
        }
        for key in &config.keys {
            let unknown = key.permissions.iter().find(|name| !PERMISSIONS.contains(&name.as_str()));
            if let Some(unknown) = unknown {
                let known = PERMISSIONS.join(", ");
                return Err(wrong(format!("key `{}`: `{unknown}` is none of {known}", key.name)));
            }
            let eight =
                || Grant::Eight(PERMISSIONS.map(|name| key.permissions.iter().any(|given| given == name)));
            let grant = key.write.map_or_else(eight, Grant::Write);
            let token =
                key.token.clone().unwrap_or_else(|| self.draw_token(&format!("{} {}", user.name, key.name)));
            let id = self.add_key(user.id, grant, Some(token));
            if let Some(added) = self.tables.keys.iter_mut().find(|added| added.id == id) {
                added.name = Some(key.name.clone());
            }
        }
        Ok(())
    }

    /// Adds a customer without money or keys and gives its id.
    pub fn add_user(&mut self, name: &str, parent: Option<u64>) -> u64 {
        let account = self.open_account();
        let id = self.next_number();
        let secret = self.drawn(&format!("otp {name} {id}"));
        let mut bytes = [0; 20];
        for (slot, byte) in bytes.iter_mut().zip(secret) {
            *slot = byte;
        }
        let email = if name.contains('@') { name.to_owned() } else { format!("{name}@example.com") };
        self.tables.users.push(User {
            id,
            account: account.0,
            name: name.to_owned(),
            email,
            country: "AR".to_owned(),
            otp_secret: otp::secret_of(bytes),
            master: false,
            parent,
            webhook: None,
        });
        id
    }

    /// Adds a key and gives its id.
    pub fn add_key(&mut self, user: u64, grant: Grant, token: Option<String>) -> u64 {
        let id = self.next_number();
        let token = token.unwrap_or_else(|| self.draw_token(&format!("key {id}")));
        let created = self.now;
        self.tables.keys.push(ApiKey { id, user, name: None, token, grant, created, revoked: false });
        id
    }

    pub fn user(&self, id: u64) -> Option<&User> {
        self.tables.users.iter().find(|user| user.id == id)
    }

    pub fn user_mut(&mut self, id: u64) -> Option<&mut User> {
        self.tables.users.iter_mut().find(|user| user.id == id)
    }

    /// The key of a token, unless it was revoked.
    pub fn key(&self, token: &str) -> Option<&ApiKey> {
        self.tables.keys.iter().find(|key| !key.revoked && key.token == token)
    }

    /// The first active key of a user.
    pub fn first_key(&self, user: u64) -> Option<&ApiKey> {
        self.tables.keys.iter().find(|key| !key.revoked && key.user == user)
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// What the header `WEBHOOK-AUTH` carries: the SHA-256 of a key, in hexadecimal digits.
pub fn webhook_auth(token: &str) -> String {
    hex(&Sha256::digest(token))
}
