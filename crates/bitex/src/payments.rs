//! Payments to a merchant: quoted in fiat, paid in coins.

use pampero_exchange::{Ambiguity, Class, Error, Outcome};
use pampero_model::{Cash, Currency, Money, Quantity, Rate, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::{Client, Create};
use crate::deposits::{CoinAddress, CoinDeposit, known};
use crate::document::{self, FromResource, Resource};
use crate::key::ApiKey;
use crate::transport::Call;
use crate::wallets::money;
use crate::wire;

/// A payment that a customer owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// Number of the payment.
    pub id: String,
    /// `pending`, `settled` or `expired`; other words are possible.
    pub status: String,
    /// The price.
    pub amount: Money,
    /// The coins that the customer has to send, by the last quote.
    pub expected: Option<Quantity>,
    /// Coins that came in and are confirmed.
    pub confirmed: Option<Quantity>,
    /// Coins that came in and are not confirmed yet.
    pub unconfirmed: Option<Quantity>,
    /// The share that stays in coins.
    pub keep: Option<Rate>,
    /// The coins that stayed.
    pub kept: Option<Quantity>,
    /// What the exchange says of an overpayment.
    pub overpaid: Option<String>,
    /// What was credited.
    pub settlement: Option<Money>,
    /// Where the exchange reports the payment.
    pub callback_url: Option<String>,
    /// What the customer sees.
    pub customer_reference: Option<String>,
    /// What the merchant calls it.
    pub merchant_reference: Option<String>,
    /// When it was quoted.
    pub last_quoted_on: Option<Timestamp>,
    /// Until when the quote stands: a minute for fiat, an hour for coins.
    pub quote_valid_until: Option<Timestamp>,
    /// Until when it can be paid.
    pub valid_until: Option<Timestamp>,
    /// Where the customer sends the coins, where the answer includes it.
    pub address: Option<CoinAddress>,
    /// What came in, where the answer includes it.
    pub deposits: Vec<CoinDeposit>,
}

/// A payment to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayment {
    /// The price.
    pub amount: Money,
    /// The share to keep in coins; the rest is sold.
    pub keep: Rate,
    /// Where the exchange shall report the payment; https.
    pub callback_url: String,
    /// What the customer sees.
    pub customer_reference: String,
    /// What the merchant calls it.
    pub merchant_reference: String,
}

/// The merchant's page where customers pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PointOfSale {
    /// Number of the merchant.
    pub id: String,
    /// Last part of the page's address.
    pub slug: String,
    /// Name of the merchant.
    pub name: String,
    /// Address of the logo.
    pub logo: String,
    /// Address of the merchant's own site.
    pub site: String,
    /// The share that stays in coins.
    pub keep: Rate,
}

#[derive(Serialize)]
struct PaymentBody<'a> {
    amount: Box<RawValue>,
    currency_code: &'a str,
    keep: Box<RawValue>,
    callback_url: &'a str,
    customer_reference: &'a str,
    merchant_reference: &'a str,
}

#[derive(Serialize)]
#[allow(clippy::struct_field_names)] // the exchange's names
struct PosBody<'a> {
    merchant_keep: Box<RawValue>,
    merchant_logo: &'a str,
    merchant_name: &'a str,
    merchant_site: &'a str,
    merchant_slug: &'a str,
}

impl Client {
    /// `GET /merchants/payments`.
    pub async fn payments(&self) -> Result<Vec<Payment>, Error> {
        self.many(Call::get(Class::Account, "/merchants/payments")).await
    }

    /// `GET /merchants/payments/ID`.
    pub async fn payment(&self, id: u64) -> Result<Payment, Error> {
        self.one(Call::get(Class::Account, format!("/merchants/payments/{id}"))).await
    }

    /// `POST /merchants/payments`: asks for a payment. Sent at most once.
    pub async fn create_payment(&self, payment: &NewPayment) -> Outcome<Payment> {
        let body = wire::exact(Cash::from_units(payment.amount.units)).and_then(|amount| {
            Ok(PaymentBody {
                amount,
                currency_code: payment.amount.currency.code(),
                keep: percent(payment.keep)?,
                callback_url: &payment.callback_url,
                customer_reference: &payment.customer_reference,
                merchant_reference: &payment.merchant_reference,
            })
        });
        let body = match body {
            Ok(body) => body,
            Err(error) => return Outcome::NotSent(Error::NotSent(error.to_string())),
        };
        let call = Call::create(Class::Place, "/merchants/payments");
        self.create(call, &Create::new("payments", body), |echo: &Payment| {
            if echo.amount == payment.amount {
                return Ok(());
            }
            let (sent, echoed) = (payment.amount.to_string(), echo.amount.to_string());
            Err(Ambiguity::EchoDiffers { field: "amount", sent, echoed })
        })
        .await
    }

    /// `POST /merchants/pos`: sets up the merchant's page. Each call replaces what was set up before.
    pub async fn set_up_point_of_sale(&self, page: &PointOfSale) -> Result<PointOfSale, Error> {
        let keep = percent(page.keep).map_err(|error| Error::NotSent(error.to_string()))?;
        let body = PosBody {
            merchant_keep: keep,
            merchant_logo: &page.logo,
            merchant_name: &page.name,
            merchant_site: &page.site,
            merchant_slug: &page.slug,
        };
        let call = Call::repeatable(Class::Place, "/merchants/pos");
        self.one(call.body(&Create::new("pos", body))?).await
    }
}

impl Payment {
    /// Reads the report that the exchange sends to `callback_url`. It carries a key of the merchant, which has to be
    /// the given one and is not kept.
    pub fn from_callback(body: &[u8], key: &ApiKey) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Callback<'a> {
            api_key: String,
            #[serde(borrow, default)]
            payment: Option<&'a RawValue>,
            #[serde(borrow, default)]
            data: Option<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Plain<'a> {
            #[serde(borrow)]
            id: wire::Id<'a>,
        }
        // No words of the body in the error: there is a key among them.
        let malformed = || Error::Malformed("the callback is not a payment with a key".to_owned());
        let callback: Callback<'_> = serde_json::from_slice(body).map_err(|_| malformed())?;
        if !key.is(&callback.api_key) {
            return Err(Error::Unauthorized("the callback carries another key".to_owned()));
        }
        if callback.data.is_some() {
            return document::one(body).map_err(|_| malformed());
        }
        let payment = callback.payment.ok_or_else(malformed)?.get();
        let whole = document::one(payment.as_bytes());
        let resource = || document::one(format!(r#"{{"data":{payment}}}"#).as_bytes());
        let plain = || {
            let id = serde_json::from_str::<Plain<'_>>(payment).ok()?.id.0;
            let id = serde_json::to_string(&id).ok()?;
            let data = format!(r#"{{"data":{{"id":{id},"type":"payments","attributes":{payment}}}}}"#);
            document::one(data.as_bytes()).ok()
        };
        whole.or_else(|_| resource()).ok().or_else(plain).ok_or_else(malformed)
    }
}

/// A share as the exchange writes it, in hundredths.
fn percent(share: Rate) -> Result<Box<RawValue>, serde_json::Error> {
    wire::exact(Cash::from_units(i128::from(share.units()) * 100))
}

/// A share that is written in hundredths.
fn share(percent: Rate) -> Rate {
    Rate::from_units(percent.units() / 100)
}

#[derive(Deserialize)]
struct PaymentAttributes {
    #[serde(default, deserialize_with = "wire::words")]
    status: String,
    #[serde(deserialize_with = "wire::number")]
    amount: Cash,
    currency_code: Currency,
    #[serde(default, deserialize_with = "wire::optional")]
    expected_quantity: Option<Quantity>,
    #[serde(default, deserialize_with = "wire::optional")]
    confirmed_quantity: Option<Quantity>,
    #[serde(default, deserialize_with = "wire::optional")]
    unconfirmed_quantity: Option<Quantity>,
    #[serde(default, deserialize_with = "wire::optional")]
    keep: Option<Rate>,
    #[serde(default, deserialize_with = "wire::optional")]
    kept: Option<Quantity>,
    #[serde(default, deserialize_with = "wire::optional")]
    overpaid: Option<String>,
    #[serde(default, deserialize_with = "wire::optional")]
    settlement_amount: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional_currency")]
    settlement_currency: Option<Currency>,
    #[serde(default)]
    callback_url: Option<String>,
    #[serde(default)]
    customer_reference: Option<String>,
    #[serde(default)]
    merchant_reference: Option<String>,
    #[serde(default, deserialize_with = "wire::optional_time")]
    last_quoted_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "wire::optional_time")]
    quote_valid_until: Option<Timestamp>,
    #[serde(default, deserialize_with = "wire::optional_time")]
    valid_until: Option<Timestamp>,
}

impl FromResource for Payment {
    const TYPES: &'static [&'static str] = &["payments"];

    fn from_resource(resource: &Resource<'_>, included: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: PaymentAttributes = resource.attributes()?;
        let relationships = resource.relationships()?;
        let named = relationships.many("coin_deposits");
        let is_named = |other: &&Resource<'_>| {
            named.iter().any(|reference| reference.id == other.id && reference.kind == other.kind)
        };
        let deposits = included.iter().filter(is_named);
        Ok(Self {
            id: resource.id.0.to_string(),
            status: attributes.status,
            amount: money(attributes.amount, attributes.currency_code),
            expected: attributes.expected_quantity,
            confirmed: attributes.confirmed_quantity,
            unconfirmed: attributes.unconfirmed_quantity,
            keep: attributes.keep.map(share),
            kept: attributes.kept,
            overpaid: attributes.overpaid,
            settlement: known(attributes.settlement_amount, attributes.settlement_currency),
            callback_url: attributes.callback_url,
            customer_reference: attributes.customer_reference,
            merchant_reference: attributes.merchant_reference,
            last_quoted_on: attributes.last_quoted_on,
            quote_valid_until: attributes.quote_valid_until,
            valid_until: attributes.valid_until,
            address: resource.related("address", included)?,
            deposits: deposits
                .map(|deposit| CoinDeposit::from_resource(deposit, included))
                .collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Deserialize)]
#[allow(clippy::struct_field_names)] // the exchange's names
struct PosAttributes {
    #[serde(default, deserialize_with = "wire::words")]
    merchant_slug: String,
    #[serde(default, deserialize_with = "wire::words")]
    merchant_name: String,
    #[serde(default, deserialize_with = "wire::words")]
    merchant_logo: String,
    #[serde(default, deserialize_with = "wire::words")]
    merchant_site: String,
    #[serde(default, deserialize_with = "wire::optional")]
    merchant_keep: Option<Rate>,
}

impl FromResource for PointOfSale {
    const TYPES: &'static [&'static str] = &["pos"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: PosAttributes = resource.attributes()?;
        Ok(Self {
            id: resource.id.0.to_string(),
            slug: attributes.merchant_slug,
            name: attributes.merchant_name,
            logo: attributes.merchant_logo,
            site: attributes.merchant_site,
            keep: share(attributes.merchant_keep.unwrap_or_default()),
        })
    }
}
