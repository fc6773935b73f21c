//! Every endpoint: method, path, what its key needs, and its handler.

use axum::http::Method;

use super::{balances, funding, keys, market, merchants, trading, users};
use crate::server::call::Call;
use crate::server::reply::{Refusal, Reply};
use crate::world::{Permission, World};

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody: a key is not even looked at.
    Public,
    /// Any key.
    AnyKey,
    /// A key with a permission.
    Key(Permission),
    /// A key with a permission, and a one-time password.
    KeyAndPassword(Permission),
}

/// One endpoint.
#[derive(Debug)]
pub struct Endpoint {
    pub method: Method,
    /// Below `/api`, with `{…}` where it varies.
    pub path: &'static str,
    pub access: Access,
    pub run: fn(&mut World, &Call) -> Result<Reply, Refusal>,
}

impl Endpoint {
    /// What rules of faults call it: `POST /bids/{id}/cancel`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

type Handler = fn(&mut World, &Call) -> Result<Reply, Refusal>;

const fn get(path: &'static str, access: Access, run: Handler) -> Endpoint {
    Endpoint { method: Method::GET, path, access, run }
}

const fn post(path: &'static str, access: Access, run: Handler) -> Endpoint {
    Endpoint { method: Method::POST, path, access, run }
}

const fn delete(path: &'static str, access: Access, run: Handler) -> Endpoint {
    Endpoint { method: Method::DELETE, path, access, run }
}

const fn change(method: Method, path: &'static str, access: Access, run: Handler) -> Endpoint {
    Endpoint { method, path, access, run }
}

const PUBLIC: Access = Access::Public;
const ANY: Access = Access::AnyKey;
const TRADING: Access = Access::Key(Permission::Trading);
const BALANCES: Access = Access::Key(Permission::GetBalances);
const FUND: Access = Access::Key(Permission::FundAccount);
const SEE_WITHDRAWALS: Access = Access::Key(Permission::GetWithdrawal);
const WITHDRAW: Access = Access::Key(Permission::CreateWithdrawal);
const PAYMENTS: Access = Access::Key(Permission::Payments);
const KEYS: Access = Access::Key(Permission::ApiKeys);

/// All of them. What only master users of the cross-border service and compliance officers use is left out.
pub static ENDPOINTS: &[Endpoint] = &[
    get("/orderbooks", PUBLIC, market::orderbooks),
    get("/tickers", PUBLIC, market::tickers),
    get("/tickers/{code}", PUBLIC, market::ticker),
    get("/markets/{code}", PUBLIC, market::market),
    get("/transactions", PUBLIC, market::transactions),
    get("/transactions/archive", PUBLIC, market::transactions_archive),
    get("/transactions/{id}", PUBLIC, market::transaction),
    get("/candles", PUBLIC, market::candles),
    get("/asks", TRADING, trading::asks),
    post("/asks", TRADING, trading::place_ask),
    get("/asks/{id}", TRADING, trading::ask),
    post("/asks/{id}/cancel", TRADING, trading::cancel_ask),
    get("/bids", TRADING, trading::bids),
    post("/bids", TRADING, trading::place_bid),
    get("/bids/{id}", TRADING, trading::bid),
    post("/bids/{id}/cancel", TRADING, trading::cancel_bid),
    get("/orders", TRADING, trading::orders),
    post("/orders/cancel", TRADING, trading::cancel_orders),
    get("/trades", TRADING, trading::trades),
    get("/buys", TRADING, trading::buys),
    get("/buys/{id}", TRADING, trading::buy),
    get("/sells", TRADING, trading::sells),
    get("/sells/{id}", TRADING, trading::sell),
    get("/buying_bots", TRADING, trading::buying_bots),
    post("/buying_bots", TRADING, trading::start_buying_bot),
    get("/buying_bots/{id}", TRADING, trading::buying_bot),
    post("/buying_bots/{id}/cancel", TRADING, trading::cancel_buying_bot),
    get("/selling_bots", TRADING, trading::selling_bots),
    post("/selling_bots", TRADING, trading::start_selling_bot),
    get("/selling_bots/{id}", TRADING, trading::selling_bot),
    post("/selling_bots/{id}/cancel", TRADING, trading::cancel_selling_bot),
    get("/coin_wallets", BALANCES, balances::coin_wallets),
    get("/coin_wallets/{id}", BALANCES, balances::coin_wallet),
    get("/cash_wallets", BALANCES, balances::cash_wallets),
    get("/cash_wallets/{code}", BALANCES, balances::cash_wallet),
    get("/accounts", BALANCES, balances::accounts),
    get("/movements", BALANCES, balances::movements),
    get("/cash_deposits", FUND, funding::cash_deposits),
    post("/cash_deposits", FUND, funding::announce_cash),
    get("/cash_deposits/{id}", FUND, funding::cash_deposit),
    get("/cash_deposit_instructions", FUND, funding::cash_deposit_instructions),
    get("/coin_deposits", FUND, funding::coin_deposits),
    get("/coin_deposits/{id}", FUND, funding::coin_deposit),
    get("/bitcoin_addresses", FUND, funding::bitcoin_addresses),
    get("/bitcoin_addresses/{id}", FUND, funding::bitcoin_address),
    get("/sent_transfers", SEE_WITHDRAWALS, funding::no_transfers),
    get("/sent_transfers/{id}", SEE_WITHDRAWALS, funding::no_transfer),
    get("/received_transfers", FUND, funding::no_transfers),
    get("/received_transfers/{id}", FUND, funding::no_transfer),
    get("/withdrawal_instructions", SEE_WITHDRAWALS, funding::instructions),
    post("/withdrawal_instructions", WITHDRAW, funding::create_instruction),
    get("/withdrawal_instructions/{id}", SEE_WITHDRAWALS, funding::instruction),
    delete("/withdrawal_instructions/{id}", WITHDRAW, funding::delete_instruction),
    get("/cash_withdrawals", SEE_WITHDRAWALS, funding::cash_withdrawals),
    post("/cash_withdrawals", Access::KeyAndPassword(Permission::CreateWithdrawal), funding::withdraw_cash),
    get("/cash_withdrawals/{id}", SEE_WITHDRAWALS, funding::cash_withdrawal),
    get("/coin_withdrawals", SEE_WITHDRAWALS, funding::coin_withdrawals),
    post("/coin_withdrawals", Access::KeyAndPassword(Permission::CreateWithdrawal), funding::withdraw_coins),
    get("/coin_withdrawals/{id}", SEE_WITHDRAWALS, funding::coin_withdrawal),
    get("/merchants/payments", PAYMENTS, merchants::payments),
    post("/merchants/payments", PAYMENTS, merchants::create_payment),
    get("/merchants/payments/{id}", PAYMENTS, merchants::payment),
    post("/merchants/pos", PAYMENTS, merchants::create_pos),
    get("/api_keys", KEYS, keys::keys),
    post("/api_keys", Access::KeyAndPassword(Permission::ApiKeys), keys::create_key),
    get("/api_keys/{id}", KEYS, keys::key),
    delete("/api_keys/{id}", KEYS, keys::revoke_key),
    get("/users", ANY, users::users),
    post("/users", ANY, users::create_user),
    get("/users/{id}", ANY, users::user),
    change(Method::PUT, "/users/{id}", ANY, users::update_user),
    change(Method::PATCH, "/users/{id}", ANY, users::update_user),
    get("/webhooks", ANY, users::webhook),
    post("/webhooks", ANY, users::create_webhook),
];
