//! Money that comes in.

use pampero_exchange::{Class, Error, Outcome};
use pampero_model::{Cash, Currency, Money, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::{Client, Create};
use crate::document::{FromResource, Resource};
use crate::transport::{Call, date};
use crate::wallets::money;
use crate::wire;

/// A deposit of cash. `net` is `gross - cost - fee`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CashDeposit {
    /// Number of the deposit.
    pub id: String,
    /// `pending`, `done` or `cancelled`; other words are possible.
    pub status: String,
    /// What was announced, where it was.
    pub requested: Option<Money>,
    /// How it comes, as in `bank`.
    pub method: String,
    /// From which country.
    pub country: Option<String>,
    /// What is credited.
    pub amount: Option<Money>,
    /// What arrived.
    pub gross: Option<Money>,
    /// What its transport cost.
    pub cost: Option<Money>,
    /// The exchange's fee.
    pub fee: Option<Money>,
    /// What is left.
    pub net: Option<Money>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// A deposit of coins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CoinDeposit {
    /// Number of the deposit.
    pub id: String,
    /// What came in.
    pub amount: Money,
    /// When.
    pub created_at: Option<Timestamp>,
    /// Number of the address it came to.
    pub address: Option<String>,
}

/// How to deposit cash of a currency, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositInstructions {
    /// Which currency.
    pub currency: Currency,
    /// HTML in Spanish. Not to be shown unescaped.
    #[serde(default, deserialize_with = "wire::words")]
    pub instructions: String,
}

/// An address that belongs to the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoinAddress {
    /// Number of the address.
    #[serde(skip_deserializing)]
    pub id: String,
    /// Whether coins sent to it are sold at once.
    #[serde(default, deserialize_with = "wire::flag")]
    pub auto_sell: bool,
    /// The address.
    #[serde(default, deserialize_with = "wire::words")]
    pub public_address: String,
}

#[derive(Serialize)]
struct Announcement {
    requested_amount: Box<RawValue>,
    deposit_method: &'static str,
}

impl Client {
    /// `GET /cash_deposits`: all of them, or those from a day (`YYYY-MM-DD`) on.
    pub async fn cash_deposits(&self, from: Option<&str>) -> Result<Vec<CashDeposit>, Error> {
        self.many(Call::get(Class::Account, "/cash_deposits").filter("from", date(from)?)).await
    }

    /// `GET /cash_deposits/ID`.
    pub async fn cash_deposit(&self, id: u64) -> Result<CashDeposit, Error> {
        self.one(Call::get(Class::Account, format!("/cash_deposits/{id}"))).await
    }

    /// `POST /cash_deposits`: announces a bank transfer. Sent at most once. No answer of it is on record.
    pub async fn announce_cash_deposit(&self, amount: Cash) -> Outcome<CashDeposit> {
        match wire::exact(amount) {
            Ok(requested_amount) => {
                let announcement = Announcement { requested_amount, deposit_method: "bank" };
                let call = Call::create(Class::Place, "/cash_deposits");
                self.create(call, &Create::new("cash_deposits", announcement), |_| Ok(())).await
            }
            Err(error) => Outcome::NotSent(Error::NotSent(error.to_string())),
        }
    }

    /// `GET /coin_deposits`: all of them, or those from a day (`YYYY-MM-DD`) on.
    pub async fn coin_deposits(&self, from: Option<&str>) -> Result<Vec<CoinDeposit>, Error> {
        self.many(Call::get(Class::Account, "/coin_deposits").filter("from", date(from)?)).await
    }

    /// `GET /coin_deposits/ID`.
    pub async fn coin_deposit(&self, id: u64) -> Result<CoinDeposit, Error> {
        self.one(Call::get(Class::Account, format!("/coin_deposits/{id}"))).await
    }

    /// `GET /cash_deposit_instructions`: how to deposit cash, by currency.
    pub async fn cash_deposit_instructions(&self) -> Result<Vec<DepositInstructions>, Error> {
        self.many(Call::get(Class::Account, "/cash_deposit_instructions")).await
    }

    /// `GET /bitcoin_addresses`: the account's addresses. No answer of it is on record; its shape is known from
    /// payments.
    pub async fn bitcoin_addresses(&self) -> Result<Vec<CoinAddress>, Error> {
        self.many(Call::get(Class::Account, "/bitcoin_addresses")).await
    }

    /// `GET /bitcoin_addresses/ID`.
    pub async fn bitcoin_address(&self, id: u64) -> Result<CoinAddress, Error> {
        self.one(Call::get(Class::Account, format!("/bitcoin_addresses/{id}"))).await
    }
}

#[derive(Deserialize)]
struct CashDepositAttributes {
    #[serde(default, deserialize_with = "wire::words")]
    status: String,
    #[serde(default, deserialize_with = "wire::optional")]
    requested_amount: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional_currency")]
    requested_currency: Option<Currency>,
    #[serde(default, deserialize_with = "wire::words")]
    deposit_method: String,
    #[serde(default)]
    country: Option<String>,
    #[serde(default, deserialize_with = "wire::optional_currency")]
    fiat_code: Option<Currency>,
    #[serde(default, deserialize_with = "wire::optional")]
    amount: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional")]
    gross_amount: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional")]
    cost: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional")]
    fee: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional")]
    net_amount: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional_time")]
    created_at: Option<Timestamp>,
}

/// Money, where both amount and currency are known.
pub(crate) fn known(amount: Option<Cash>, currency: Option<Currency>) -> Option<Money> {
    amount.zip(currency).map(|(amount, currency)| money(amount, currency))
}

impl FromResource for CashDeposit {
    const TYPES: &'static [&'static str] = &["cash_deposits"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: CashDepositAttributes = resource.attributes()?;
        let currency = attributes.fiat_code.or(attributes.requested_currency);
        Ok(Self {
            id: resource.id.0.to_string(),
            status: attributes.status,
            requested: known(attributes.requested_amount, attributes.requested_currency),
            method: attributes.deposit_method,
            country: attributes.country,
            amount: known(attributes.amount, currency),
            gross: known(attributes.gross_amount, currency),
            cost: known(attributes.cost, currency),
            fee: known(attributes.fee, currency),
            net: known(attributes.net_amount, currency),
            created_at: attributes.created_at,
        })
    }
}

#[derive(Deserialize)]
struct CoinDepositAttributes {
    coin: Currency,
    #[serde(deserialize_with = "wire::number")]
    amount: Cash,
    #[serde(default, deserialize_with = "wire::optional_time")]
    created_at: Option<Timestamp>,
}

impl FromResource for CoinDeposit {
    const TYPES: &'static [&'static str] = &["coin_deposits"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: CoinDepositAttributes = resource.attributes()?;
        Ok(Self {
            id: resource.id.0.to_string(),
            amount: money(attributes.amount, attributes.coin),
            created_at: attributes.created_at,
            address: resource.relationships()?.one("address").map(|address| address.id.0.to_string()),
        })
    }
}

impl FromResource for DepositInstructions {
    const TYPES: &'static [&'static str] = &["cash_deposit_instructions"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        resource.attributes()
    }
}

impl FromResource for CoinAddress {
    const TYPES: &'static [&'static str] = &["bitcoin_addresses", "bcash_addresses"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let address: Self = resource.attributes()?;
        Ok(Self { id: resource.id.0.to_string(), ..address })
    }
}
