//! Balances and the account's statement.

use pampero_exchange::{Balance, Class, Error, Movement, MovementKind};
use pampero_model::{Cash, Currency, Money, Price, Timestamp};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::document::{FromResource, Resource};
use crate::transport::{Call, segment};
use crate::users::User;
use crate::wire::{self, Entries};

/// A coin and where to send it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CoinWallet {
    /// Number of the wallet.
    pub id: String,
    /// Total and available.
    pub balance: Balance,
    /// Coins sent here are credited.
    pub address: Option<String>,
    /// Coins sent here are sold at once at the best price.
    pub auto_sell_address: Option<String>,
}

/// Cash of one currency, cut off after two decimals; [`Account`] has all eight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CashWallet {
    /// Code or number of the wallet; the exchange has used both.
    pub id: String,
    /// Total and available.
    pub balance: Balance,
}

/// The account with every balance in full precision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Number of the account.
    pub id: String,
    /// Every currency, in the exchange's order.
    pub balances: Vec<Balance>,
    /// Country of the account, as in `AR`.
    pub country: Option<String>,
    /// Whose account it is.
    pub user: Option<User>,
}

impl Client {
    /// `GET /coin_wallets`: coins and where to deposit them.
    pub async fn coin_wallets(&self) -> Result<Vec<CoinWallet>, Error> {
        self.many(Call::get(Class::Account, "/coin_wallets")).await
    }

    /// `GET /coin_wallets/ID`: one coin, by the number of the wallet or the code of the coin.
    pub async fn coin_wallet(&self, id_or_code: &str) -> Result<CoinWallet, Error> {
        self.one(Call::get(Class::Account, format!("/coin_wallets/{}", segment(id_or_code)?))).await
    }

    /// `GET /cash_wallets`: cash, cut off after two decimals.
    pub async fn cash_wallets(&self) -> Result<Vec<CashWallet>, Error> {
        self.many(Call::get(Class::Account, "/cash_wallets")).await
    }

    /// `GET /cash_wallets/CODE`: cash of one currency.
    pub async fn cash_wallet(&self, code: &str) -> Result<CashWallet, Error> {
        self.one(Call::get(Class::Account, format!("/cash_wallets/{}", segment(code)?))).await
    }

    /// `GET /accounts`: the account, with every balance in full precision.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.many(Call::get(Class::Account, "/accounts")).await
    }

    /// `GET /movements`: what moved money in the last three days, newest first.
    pub async fn movements(&self) -> Result<Vec<Movement>, Error> {
        self.many(Call::get(Class::Account, "/movements")).await
    }
}

pub(crate) fn money(amount: Cash, currency: Currency) -> Money {
    Money { currency, units: amount.units() }
}

fn balance(currency: Currency, total: Cash, available: Cash) -> Balance {
    Balance { currency, total: money(total, currency), available: money(available, currency) }
}

#[derive(Deserialize)]
struct WalletAttributes {
    #[serde(deserialize_with = "wire::number")]
    balance: Cash,
    #[serde(deserialize_with = "wire::number")]
    available: Cash,
    currency: Currency,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    auto_sell_address: Option<String>,
}

impl FromResource for CoinWallet {
    const TYPES: &'static [&'static str] = &["coin_wallets"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let wallet: WalletAttributes = resource.attributes()?;
        let filled = |address: Option<String>| address.filter(|address| !address.is_empty());
        Ok(Self {
            id: resource.id.0.to_string(),
            balance: balance(wallet.currency, wallet.balance, wallet.available),
            address: filled(wallet.address),
            auto_sell_address: filled(wallet.auto_sell_address),
        })
    }
}

impl FromResource for CashWallet {
    const TYPES: &'static [&'static str] = &["cash_wallets"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let wallet: WalletAttributes = resource.attributes()?;
        let balance = balance(wallet.currency, wallet.balance, wallet.available);
        Ok(Self { id: resource.id.0.to_string(), balance })
    }
}

#[derive(Deserialize)]
struct AccountAttributes {
    balances: Entries<BalanceAttributes>,
    #[serde(default)]
    country: Option<String>,
}

#[derive(Deserialize)]
struct BalanceAttributes {
    #[serde(deserialize_with = "wire::number")]
    total: Cash,
    #[serde(deserialize_with = "wire::number")]
    available: Cash,
}

impl FromResource for Account {
    const TYPES: &'static [&'static str] = &["accounts"];

    fn from_resource(resource: &Resource<'_>, included: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: AccountAttributes = resource.attributes()?;
        let read = |(code, amounts): (String, BalanceAttributes)| {
            let currency = code.parse().map_err(|error: pampero_model::CurrencyError| error.to_string())?;
            Ok(balance(currency, amounts.total, amounts.available))
        };
        Ok(Self {
            id: resource.id.0.to_string(),
            balances: attributes.balances.0.into_iter().map(read).collect::<Result<_, String>>()?,
            country: attributes.country,
            user: resource.related("user", included)?,
        })
    }
}

#[derive(Deserialize)]
struct MovementAttributes {
    #[serde(deserialize_with = "wire::time")]
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "wire::words")]
    currencies_involved: String,
    currency: Currency,
    #[serde(deserialize_with = "wire::number")]
    amount: Cash,
    #[serde(default, deserialize_with = "wire::optional")]
    fee: Option<Cash>,
    #[serde(default, deserialize_with = "wire::optional_currency")]
    fee_currency: Option<Currency>,
    #[serde(default, deserialize_with = "wire::optional")]
    price: Option<Price>,
    kind: String,
}

impl FromResource for Movement {
    const TYPES: &'static [&'static str] = &["movements"];

    fn from_resource(resource: &Resource<'_>, _: &[Resource<'_>]) -> Result<Self, String> {
        let attributes: MovementAttributes = resource.attributes()?;
        let fee = attributes.fee.zip(attributes.fee_currency);
        Ok(Self {
            id: resource.id.0.to_string(),
            kind: match &*attributes.kind {
                "Buy" => MovementKind::Buy,
                "Sell" => MovementKind::Sell,
                "CashDeposit" => MovementKind::CashDeposit,
                "CoinDeposit" => MovementKind::CoinDeposit,
                "CashWithdrawal" => MovementKind::CashWithdrawal,
                "CoinWithdrawal" => MovementKind::CoinWithdrawal,
                _ => MovementKind::Other(attributes.kind),
            },
            time: attributes.timestamp,
            amount: money(attributes.amount, attributes.currency),
            fee: fee.map(|(fee, currency)| money(fee, currency)),
            price: attributes.price,
            currencies: attributes.currencies_involved,
        })
    }
}
