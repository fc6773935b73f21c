//! Every endpoint that the adapter knows, and how to ask it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use pampero_bitex::{Client, KeyPermissions, NewCoinWithdrawal, NewPayment, OneTimePassword, PointOfSale};
use pampero_exchange::{CancelScope, CandleQuery, Error, FillQuery, OrderRequest, Outcome, SnapshotParts};
use pampero_model::{FillId, Price, Side, Size, VenueOrderId};

/// What repeating a request would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    Read,
    /// No more than the first time.
    Repeatable,
    /// Create something else.
    Create,
}

/// An endpoint of the adapter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endpoint {
    /// As the sandbox calls it.
    pub name: &'static str,
    pub effect: Effect,
    /// Its answer has no body.
    pub bare: bool,
}

const fn read(name: &'static str) -> Endpoint {
    Endpoint { name, effect: Effect::Read, bare: false }
}

const fn repeatable(name: &'static str) -> Endpoint {
    Endpoint { name, effect: Effect::Repeatable, bare: false }
}

const fn bare(name: &'static str) -> Endpoint {
    Endpoint { name, effect: Effect::Repeatable, bare: true }
}

const fn create(name: &'static str) -> Endpoint {
    Endpoint { name, effect: Effect::Create, bare: false }
}

/// All of them.
pub(super) const ENDPOINTS: [Endpoint; 65] = [
    read("GET /orderbooks"),
    read("GET /tickers"),
    read("GET /tickers/{code}"),
    read("GET /markets/{code}"),
    read("GET /transactions"),
    read("GET /transactions/archive"),
    read("GET /transactions/{id}"),
    read("GET /candles"),
    read("GET /asks"),
    create("POST /asks"),
    read("GET /asks/{id}"),
    bare("POST /asks/{id}/cancel"),
    read("GET /bids"),
    create("POST /bids"),
    read("GET /bids/{id}"),
    bare("POST /bids/{id}/cancel"),
    read("GET /orders"),
    bare("POST /orders/cancel"),
    read("GET /trades"),
    read("GET /buys"),
    read("GET /buys/{id}"),
    read("GET /sells"),
    read("GET /sells/{id}"),
    read("GET /buying_bots"),
    create("POST /buying_bots"),
    read("GET /buying_bots/{id}"),
    bare("POST /buying_bots/{id}/cancel"),
    read("GET /selling_bots"),
    create("POST /selling_bots"),
    read("GET /selling_bots/{id}"),
    bare("POST /selling_bots/{id}/cancel"),
    read("GET /coin_wallets"),
    read("GET /coin_wallets/{id}"),
    read("GET /cash_wallets"),
    read("GET /cash_wallets/{code}"),
    read("GET /accounts"),
    read("GET /movements"),
    read("GET /cash_deposits"),
    create("POST /cash_deposits"),
    read("GET /cash_deposits/{id}"),
    read("GET /cash_deposit_instructions"),
    read("GET /coin_deposits"),
    read("GET /coin_deposits/{id}"),
    read("GET /bitcoin_addresses"),
    read("GET /bitcoin_addresses/{id}"),
    read("GET /withdrawal_instructions"),
    create("POST /withdrawal_instructions"),
    read("GET /withdrawal_instructions/{id}"),
    bare("DELETE /withdrawal_instructions/{id}"),
    read("GET /cash_withdrawals"),
    create("POST /cash_withdrawals"),
    read("GET /cash_withdrawals/{id}"),
    read("GET /coin_withdrawals"),
    create("POST /coin_withdrawals"),
    read("GET /coin_withdrawals/{id}"),
    read("GET /merchants/payments"),
    create("POST /merchants/payments"),
    read("GET /merchants/payments/{id}"),
    repeatable("POST /merchants/pos"),
    read("GET /api_keys"),
    create("POST /api_keys"),
    read("GET /api_keys/{id}"),
    bare("DELETE /api_keys/{id}"),
    read("GET /users"),
    read("GET /users/{id}"),
];

/// The same for settings that replace what was set before.
pub(super) const SETTINGS: [Endpoint; 3] =
    [repeatable("PATCH /users/{id}"), read("GET /webhooks"), repeatable("POST /webhooks")];

pub(super) fn all() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().chain(&SETTINGS)
}

/// What a method of the adapter said.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// Success, with what was read, or what was created.
    Done(String),
    /// A read or a repeatable request failed.
    Failed(Error),
    Rejected(Error),
    NotSent(Error),
    Unknown(Error),
}

impl Said {
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Done(_) => None,
            Self::Failed(error) | Self::Rejected(error) | Self::NotSent(error) | Self::Unknown(error) => {
                Some(error)
            }
        }
    }
}

impl<T: Debug> From<Result<T, Error>> for Said {
    fn from(result: Result<T, Error>) -> Self {
        result.map_or_else(Self::Failed, |value| Self::Done(format!("{value:?}")))
    }
}

impl<T: Debug> From<Outcome<T>> for Said {
    fn from(outcome: Outcome<T>) -> Self {
        match outcome {
            Outcome::Acknowledged(value) => Self::Done(format!("{value:?}")),
            Outcome::Rejected(error) => Self::Rejected(error),
            Outcome::NotSent(error) => Self::NotSent(error),
            Outcome::Unknown(error) => Self::Unknown(error),
        }
    }
}

/// What there is to ask for. Where nothing can be reached, any number does.
#[derive(Debug)]
pub(super) struct Known {
    pub orders: [VenueOrderId; 2],
    pub fill: FillId,
    pub bots: [u64; 2],
    pub coin_wallet: String,
    pub coin_address: String,
    pub cash_deposit: u64,
    pub coin_deposit: u64,
    pub bitcoin_address: u64,
    pub instruction: u64,
    pub cash_withdrawal: u64,
    pub coin_withdrawal: u64,
    pub payment: u64,
    pub api_key: u64,
    pub user: u64,
    pub password: OneTimePassword,
    /// The price of the next order, which no other has.
    pub price: Price,
}

/// An order of the smallest kind.
pub(super) fn order(side: Side, units: i64, price: Price) -> OrderRequest {
    let size = match side {
        Side::Buy => Size::Quote(pampero_model::Cash::from_units(units.into())),
        Side::Sell => Size::Base(pampero_model::Quantity::from_units(units)),
    };
    OrderRequest { market: "btc_usd".to_owned(), side, price, size, reference: None, watermark: None }
}

/// Instructions to withdraw to.
pub(super) fn bank() -> BTreeMap<String, String> {
    let fields = [
        ("payment_method", "third_party"),
        ("name", "Ana"),
        ("city", "Rosario"),
        ("phone", "1"),
        ("country", "AR"),
        ("currency", "USD"),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

const CENTS: i64 = 100_000_000;
const SATOSHIS: i64 = 100_000;

/// Asks an endpoint through the adapter's method for it.
pub(super) async fn ask(client: &Client, known: &Known, name: &str) -> Result<Said, String> {
    let market = Some("btc_usd");
    let [bid, ask] = known.orders;
    let [buying, selling] = known.bots;
    let amount = |side| order(side, if side == Side::Buy { CENTS } else { SATOSHIS }, known.price).size;
    let text = |error: &dyn std::fmt::Display| error.to_string();
    Ok(match name {
        "GET /orderbooks" => client.orderbooks().await.into(),
        "GET /tickers" => client.tickers().await.into(),
        "GET /tickers/{code}" => client.ticker("btc_usd").await.into(),
        "GET /markets/{code}" => client.market("btc_usd", SnapshotParts::ALL).await.into(),
        "GET /transactions" => client.transactions(market, Some(24)).await.into(),
        "GET /transactions/archive" => client.transactions_archive(market).await.into(),
        "GET /transactions/{id}" => client.transaction(known.fill.0).await.into(),
        "GET /candles" => {
            let query = CandleQuery { market: market.map(str::to_owned), days: Some(1), span_hours: None };
            client.candles(&query).await.into()
        }
        "GET /asks" => client.orders_of_side(Side::Sell, market).await.into(),
        "GET /bids" => client.orders_of_side(Side::Buy, market).await.into(),
        "POST /asks" => {
            client.place_order(&order(Side::Sell, SATOSHIS, known.price), &|| Ok(())).await.into()
        }
        "POST /bids" => client.place_order(&order(Side::Buy, CENTS, known.price), &|| Ok(())).await.into(),
        "GET /asks/{id}" => client.order(Side::Sell, ask).await.into(),
        "GET /bids/{id}" => client.order(Side::Buy, bid).await.into(),
        "POST /asks/{id}/cancel" => client.cancel_order(Side::Sell, ask).await.into(),
        "POST /bids/{id}/cancel" => client.cancel_order(Side::Buy, bid).await.into(),
        "GET /orders" => client.orders().await.into(),
        "POST /orders/cancel" => client.cancel_orders(CancelScope::Market("bch_usd")).await.into(),
        "GET /trades" => client.fills(&FillQuery::default()).await.into(),
        "GET /buys" => {
            client.fills(&FillQuery { side: Some(Side::Buy), ..FillQuery::default() }).await.into()
        }
        "GET /sells" => {
            client.fills(&FillQuery { side: Some(Side::Sell), ..FillQuery::default() }).await.into()
        }
        "GET /buys/{id}" => client.fill(Side::Buy, known.fill).await.into(),
        "GET /sells/{id}" => client.fill(Side::Sell, known.fill).await.into(),
        "GET /buying_bots" => client.bots(Side::Buy).await.into(),
        "GET /selling_bots" => client.bots(Side::Sell).await.into(),
        "POST /buying_bots" => client.create_bot("btc_usd", amount(Side::Buy)).await.into(),
        "POST /selling_bots" => client.create_bot("btc_usd", amount(Side::Sell)).await.into(),
        "GET /buying_bots/{id}" => client.bot(Side::Buy, buying).await.into(),
        "GET /selling_bots/{id}" => client.bot(Side::Sell, selling).await.into(),
        "POST /buying_bots/{id}/cancel" => client.cancel_bot(Side::Buy, buying).await.into(),
        "POST /selling_bots/{id}/cancel" => client.cancel_bot(Side::Sell, selling).await.into(),
        "GET /coin_wallets" => client.coin_wallets().await.into(),
        "GET /coin_wallets/{id}" => client.coin_wallet(&known.coin_wallet).await.into(),
        "GET /cash_wallets" => client.cash_wallets().await.into(),
        "GET /cash_wallets/{code}" => client.cash_wallet("usd").await.into(),
        "GET /accounts" => client.accounts().await.into(),
        "GET /movements" => client.movements().await.into(),
        "GET /cash_deposits" => client.cash_deposits(None).await.into(),
        "POST /cash_deposits" => {
            client.announce_cash_deposit(pampero_model::Cash::from_units(CENTS.into())).await.into()
        }
        "GET /cash_deposits/{id}" => client.cash_deposit(known.cash_deposit).await.into(),
        "GET /cash_deposit_instructions" => client.cash_deposit_instructions().await.into(),
        "GET /coin_deposits" => client.coin_deposits(None).await.into(),
        "GET /coin_deposits/{id}" => client.coin_deposit(known.coin_deposit).await.into(),
        "GET /bitcoin_addresses" => client.bitcoin_addresses().await.into(),
        "GET /bitcoin_addresses/{id}" => client.bitcoin_address(known.bitcoin_address).await.into(),
        "GET /withdrawal_instructions" => client.withdrawal_instructions().await.into(),
        "POST /withdrawal_instructions" => client.create_withdrawal_instruction("bank", &bank()).await.into(),
        "GET /withdrawal_instructions/{id}" => client.withdrawal_instruction(known.instruction).await.into(),
        "DELETE /withdrawal_instructions/{id}" => {
            client.delete_withdrawal_instruction(known.instruction).await.into()
        }
        "GET /cash_withdrawals" => client.cash_withdrawals(None).await.into(),
        "POST /cash_withdrawals" => {
            let amount = "1 USD".parse().map_err(|error| text(&error))?;
            client.withdraw_cash(amount, known.instruction, &known.password).await.into()
        }
        "GET /cash_withdrawals/{id}" => client.cash_withdrawal(known.cash_withdrawal).await.into(),
        "GET /coin_withdrawals" => client.coin_withdrawals(None).await.into(),
        "POST /coin_withdrawals" => {
            let amount = "0.001 BTC".parse().map_err(|error| text(&error))?;
            let to_address = known.coin_address.clone();
            let withdrawal = NewCoinWithdrawal { amount, to_address, label: "own".to_owned() };
            client.withdraw_coins(&withdrawal, &known.password).await.into()
        }
        "GET /coin_withdrawals/{id}" => client.coin_withdrawal(known.coin_withdrawal).await.into(),
        "GET /merchants/payments" => client.payments().await.into(),
        "POST /merchants/payments" => client.create_payment(&payment()?).await.into(),
        "GET /merchants/payments/{id}" => client.payment(known.payment).await.into(),
        "POST /merchants/pos" => {
            let page = PointOfSale {
                id: String::new(),
                slug: "shop".to_owned(),
                name: "Shop".to_owned(),
                logo: "https://shop.example/l.png".to_owned(),
                site: "https://shop.example".to_owned(),
                keep: "0.1".parse().map_err(|error| text(&error))?,
            };
            client.set_up_point_of_sale(&page).await.into()
        }
        "GET /api_keys" => client.api_keys().await.into(),
        "POST /api_keys" => {
            let permissions = KeyPermissions { get_balances: true, ..KeyPermissions::default() };
            client.create_api_key(permissions, &known.password).await.into()
        }
        "GET /api_keys/{id}" => client.api_key(known.api_key).await.into(),
        "DELETE /api_keys/{id}" => client.revoke_api_key(known.api_key).await.into(),
        "GET /users" => client.users().await.into(),
        "GET /users/{id}" => client.user(known.user).await.into(),
        "PATCH /users/{id}" => client.set_webhook_url("http://127.0.0.1:9/two").await.into(),
        "GET /webhooks" => client.webhook().await.into(),
        "POST /webhooks" => client.set_webhook("http://127.0.0.1:9/one").await.into(),
        other => return Err(format!("the matrix does not know how to ask {other}")),
    })
}

/// A small payment.
pub(super) fn payment() -> Result<NewPayment, String> {
    Ok(NewPayment {
        amount: "2 USD".parse().map_err(|error: pampero_model::MoneyError| error.to_string())?,
        keep: "0.1".parse().map_err(|error: pampero_model::ParseAmountError| error.to_string())?,
        callback_url: "http://127.0.0.1:9/paid".to_owned(),
        customer_reference: "Purchase".to_owned(),
        merchant_reference: "Sale".to_owned(),
    })
}
