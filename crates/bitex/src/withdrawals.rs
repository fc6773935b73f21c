//! Money that goes out. What moves it needs a one-time password and is sent at most once.

use std::collections::BTreeMap;

use pampero_exchange::{Ambiguity, Class, Error, Outcome};
use pampero_model::{Cash, Currency, Money, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::client::{Client, Create};
use crate::deposits::known;
use crate::document::{FromResource, Resource};
use crate::key::OneTimePassword;
use crate::transport::{Call, date};
use crate::wallets::money;
use crate::wire::{self, Entries};

/// Where cash may be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WithdrawalInstruction {
    /// Number of the instruction.
    pub id: String,
    /// Name given to it.
    pub label: String,
    /// Its schema, `bitex`.
    pub schema: Option<String>,
    /// Its fields: `payment_method` (`domestic_bank`, `international_bank`, `third_party`), `name`, `country`,
    /// `currency`, `cbu`, …
    pub body: BTreeMap<String, String>,
}

/// A withdrawal of cash. `net` is `gross - cost - fee`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CashWithdrawal {
    /// Number of the withdrawal.
    pub id: String,
    /// `received`, `pending`, `settled` or `cancelled`; other words are possible.
    pub status: String,
    /// What was asked for.
    pub amount: Money,
    /// What leaves the account.
    pub gross: Option<Money>,
    /// What its transport costs.
    pub cost: Option<Money>,
    /// The exchange's fee.
    pub fee: Option<Money>,
    /// What arrives.
    pub net: Option<Money>,
    /// To which country.
    pub country: Option<String>,
    /// How it goes.
    pub payment_method: Option<String>,
    /// Name of the instruction.
    pub label: Option<String>,
    /// When it was asked for.
    pub created_at: Option<Timestamp>,
    /// Where it goes; in full where the answer includes it.
    pub instruction: Option<WithdrawalInstruction>,
    /// Number of the instruction.
    pub instruction_id: Option<String>,
    /// The invoice of its fee, where it is included.
    pub receipt: Option<FundingReceipt>,
}

/// The invoice of a fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundingReceipt {
    /// Number of the receipt.
    #[serde(skip_deserializing)]
    pub id: String,
    /// Number of the invoice.
    #[serde(default, deserialize_with = "wire::optional")]
    pub invoice_code: Option<String>,
    /// Kind of the invoice.
    #[serde(default, deserialize_with = "code")]
    pub receipt_type: Option<String>,
    /// To whom it is made out.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// Amount of the invoice, in the currency of the withdrawal.
    #[serde(default, deserialize_with = "wire::optional")]
    pub amount: Option<Cash>,
    /// Tax in it.
    #[serde(default, deserialize_with = "wire::optional")]
    pub tax: Option<Cash>,
}

/// A withdrawal of coins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CoinWithdrawal {
    /// Number of the withdrawal.
    pub id: String,
    /// `received`, `pending`, `done` or `cancelled`; other words are possible.
    pub status: String,
    /// How much.
    pub amount: Money,
    /// Name given to it.
    pub label: Option<String>,
    /// Where to.
    pub to_address: String,
    /// When it was asked for.
    pub created_at: Option<Timestamp>,
}

/// A withdrawal of coins to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCoinWithdrawal {
    /// How much of which coin.
    pub amount: Money,
    /// Where to.
    pub to_address: String,
    /// A name for it.
    pub label: String,
}

#[derive(Serialize)]
struct NewInstruction<'a> {
    label: &'a str,
    body: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct NewCash<'a> {
    amount: Box<RawValue>,
    fiat_code: &'a str,
}

#[derive(Serialize)]
struct NewCoins<'a> {
    amount: Box<RawValue>,
    coin_code: &'a str,
    label: &'a str,
    to_addresses: &'a str,
}

impl Client {
    /// `GET /withdrawal_instructions`.
    pub async fn withdrawal_instructions(&self) -> Result<Vec<WithdrawalInstruction>, Error> {
        self.many(Call::get(Class::Account, "/withdrawal_instructions")).await
    }

    /// `GET /withdrawal_instructions/ID`.
    pub async fn withdrawal_instruction(&self, id: u64) -> Result<WithdrawalInstruction, Error> {
        self.one(Call::get(Class::Account, format!("/withdrawal_instructions/{id}"))).await
    }

    /// `POST /withdrawal_instructions`: names a bank account of the same holder. Sent at most once.
    pub async fn create_withdrawal_instruction(
        &self,
        label: &str,
        body: &BTreeMap<String, String>,
    ) -> Outcome<WithdrawalInstruction> {
        let call = Call::create(Class::Place, "/withdrawal_instructions");
        let document = Create::new("withdrawal_instructions", NewInstruction { label, body });
        self.create(call, &document, |_| Ok(())).await
    }

    /// `DELETE /withdrawal_instructions/ID`.
    pub async fn delete_withdrawal_instruction(&self, id: u64) -> Result<(), Error> {
        self.act(Call::delete(Class::Account, format!("/withdrawal_instructions/{id}"))).await
    }

    /// `GET /cash_withdrawals`: all of them, or those from a day (`YYYY-MM-DD`) on.
    pub async fn cash_withdrawals(&self, from: Option<&str>) -> Result<Vec<CashWithdrawal>, Error> {
        self.many(Call::get(Class::Account, "/cash_withdrawals").filter("from", date(from)?)).await
    }

    /// `GET /cash_withdrawals/ID`.
    pub async fn cash_withdrawal(&self, id: u64) -> Result<CashWithdrawal, Error> {
        self.one(Call::get(Class::Account, format!("/cash_withdrawals/{id}"))).await
    }

    /// `POST /cash_withdrawals`: sends cash to a withdrawal instruction. Sent at most once.
    pub async fn withdraw_cash(
        &self,
        amount: Money,
        instruction: u64,
        password: &OneTimePassword,
    ) -> Outcome<CashWithdrawal> {
        let number = match positive(amount) {
            Ok(number) => number,
            Err(error) => return Outcome::NotSent(error),
        };
        let attributes = NewCash { amount: number, fiat_code: amount.currency.code() };
        let document = Create::new("cash_withdrawals", attributes).relating(
            "withdrawal_instruction",
            "withdrawal_instructions",
            instruction,
        );
        let call = Call::create(Class::Place, "/cash_withdrawals").with_password(password);
        self.create(call, &document, |echo: &CashWithdrawal| same_amount(amount, echo.amount)).await
    }

    /// `GET /coin_withdrawals`: all of them, or those from a day (`YYYY-MM-DD`) on.
    pub async fn coin_withdrawals(&self, from: Option<&str>) -> Result<Vec<CoinWithdrawal>, Error> {
        self.many(Call::get(Class::Account, "/coin_withdrawals").filter("from", date(from)?)).await
    }

    /// `GET /coin_withdrawals/ID`.
    pub async fn coin_withdrawal(&self, id: u64) -> Result<CoinWithdrawal, Error> {
        self.one(Call::get(Class::Account, format!("/coin_withdrawals/{id}"))).await
    }

    /// `POST /coin_withdrawals`: sends coins to an address. Sent at most once.
    pub async fn withdraw_coins(
        &self,
        withdrawal: &NewCoinWithdrawal,
        password: &OneTimePassword,
    ) -> Outcome<CoinWithdrawal> {
        let number = match positive(withdrawal.amount) {
            Ok(number) => number,
            Err(error) => return Outcome::NotSent(error),
        };
        let attributes = NewCoins {
            amount: number,
            coin_code: withdrawal.amount.currency.code(),
            label: &withdrawal.label,
            to_addresses: &withdrawal.to_address,
        };
        let call = Call::create(Class::Place, "/coin_withdrawals").with_password(password);
        self.create(call, &Create::new("coin_withdrawals", attributes), |echo: &CoinWithdrawal| {
            same_amount(withdrawal.amount, echo.amount)?;
            if echo.to_address == withdrawal.to_address {
                return Ok(());
            }
            let (sent, echoed) = (withdrawal.to_address.clone(), echo.to_address.clone());
            Err(Ambiguity::EchoDiffers { field: "to_addresses", sent, echoed })
        })
        .await
    }
}

fn positive(amount: Money) -> Result<Box<RawValue>, Error> {
    if amount.units <= 0 {
        let message = format!("{amount} is not above zero");
        return Err(Error::Invalid { field: Some("amount".to_owned()), message, code: None });
    }
    wire::exact(Cash::from_units(amount.units)).map_err(|error| Error::NotSent(error.to_string()))
}

fn same_amount(sent: Money, echoed: Money) -> Result<(), Ambiguity> {
    if sent == echoed {
        return Ok(());
    }
    Err(Ambiguity::EchoDiffers { field: "amount", sent: sent.to_string(), echoed: echoed.to_string() })
}

#[derive(Deserialize)]
struct InstructionAttributes {
    #[serde(default, deserialize_with = "wire::words")]
    label: String,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    body: BTreeMap<String, String>,
}

/// A free object as texts: what is no text stands as it is written, null is left out.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let entries = Entries::<&RawValue>::deserialize(deserializer)?.0;
    let text = |raw: &RawValue| match raw.get() {
        "null" => None,
        quoted if quoted.starts_with('"') => serde_json::from_str(quoted).ok(),
        plain => Some(plain.to_owned()),
    };
    Ok(entries.into_iter().filter_map(|(name, raw)| Some((name, text(raw)?))).collect())
}

/// The code of something that comes as an object or as a plain text.
fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Coded {
        code: String,
    }
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    let read = match raw.bytes().next() {
        Some(b'{') => serde_json::from_str::<Coded>(raw).map(|coded| Some(coded.code)),
        Some(b'"') => serde_json::from_str(raw),
        _ => Ok(None),
    };
    read.map_err(serde::de::Error::custom)
}

impl FromResource for WithdrawalInstruction {
    const TYPES: &'static [&'static str] = &["withdrawal_instructions"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let InstructionAttributes { label, schema, body } = resource.attributes()?;
        Ok(Self { id: resource.id.0.to_string(), label, schema, body })
    }
}

#[derive(Deserialize)]
struct CashWithdrawalAttributes {
    status: String,
    #[serde(deserialize_with = "wire::number")]
    amount: Cash,
    #[serde(default, deserialize_with = "wire::optional_currency")]
    fiat_code: Option<Currency>,
    /// Its name before December 2018.
    #[serde(default, deserialize_with = "wire::optional_currency")]
    fiat: Option<Currency>,
    #[serde(default, deserialize_with = "wire::optional")]
    gross_amount: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional")]
    cost: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional")]
    fee: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional")]
    net_amount: Option<Cash>,
    #[serde(default)]
    country: Option<String>,
    #[serde(default)]
    payment_method: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default, deserialize_with = "wire::optional_time")]
    created_at: Option<Timestamp>,
}

impl FromResource for CashWithdrawal {
    const TYPES: &'static [&'static str] = &["cash_withdrawals"];

    fn from_resource(resource: &Resource<'_>, included: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: CashWithdrawalAttributes = resource.attributes()?;
        let currency = attributes.fiat_code.or(attributes.fiat).ok_or("no `fiat_code`")?;
        let relationships = resource.relationships()?;
        let instruction = relationships.one("withdrawal_instruction");
        Ok(Self {
            id: resource.id.0.to_string(),
            status: attributes.status,
            amount: money(attributes.amount, currency),
            gross: known(attributes.gross_amount, Some(currency)),
            cost: known(attributes.cost, Some(currency)),
            fee: known(attributes.fee, Some(currency)),
            net: known(attributes.net_amount, Some(currency)),
            country: attributes.country,
            payment_method: attributes.payment_method,
            label: attributes.label,
            created_at: attributes.created_at,
            instruction: resource.related("withdrawal_instruction", included)?,
            instruction_id: instruction.map(|instruction| instruction.id.0.to_string()),
            receipt: resource.related("funding_receipt", included)?,
        })
    }
}

impl FromResource for FundingReceipt {
    const TYPES: &'static [&'static str] = &["invoicing_funding_receipts"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let receipt: Self = resource.attributes()?;
        Ok(Self { id: resource.id.0.to_string(), ..receipt })
    }
}

#[derive(Deserialize)]
struct CoinWithdrawalAttributes {
    status: String,
    #[serde(deserialize_with = "wire::number")]
    amount: Cash,
    #[serde(default, deserialize_with = "wire::optional_currency")]
    coin_code: Option<Currency>,
    /// Its name before December 2018.
    #[serde(default, deserialize_with = "wire::optional_currency")]
    currency: Option<Currency>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default, deserialize_with = "wire::words")]
    to_addresses: String,
    #[serde(default, deserialize_with = "wire::optional_time")]
    created_at: Option<Timestamp>,
}

impl FromResource for CoinWithdrawal {
    const TYPES: &'static [&'static str] = &["coin_withdrawals"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: CoinWithdrawalAttributes = resource.attributes()?;
        let coin = attributes.coin_code.or(attributes.currency).ok_or("no `coin_code`")?;
        Ok(Self {
            id: resource.id.0.to_string(),
            status: attributes.status,
            amount: money(attributes.amount, coin),
            label: attributes.label,
            to_address: attributes.to_addresses,
            created_at: attributes.created_at,
        })
    }
}
