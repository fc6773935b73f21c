//! Money that comes and goes: deposits, withdrawals, and where withdrawals may go.

use pampero_model::{Cash, Currency, Money, Timestamp};
use pampero_venue::{Balance, VenueError};
use serde::{Deserialize, Serialize};

use super::{Origin, User, World};

/// Cash that was announced and then arrives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CashDeposit {
    pub id: u64,
    pub user: u64,
    pub money: Money,
    pub created: Timestamp,
    /// When it arrives; nothing once it has.
    pub wake: Option<Timestamp>,
}

/// Coins that have arrived.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CoinDeposit {
    pub id: u64,
    pub user: u64,
    pub money: Money,
    pub address: u64,
    pub created: Timestamp,
}

/// Where cash may be withdrawn to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instruction {
    pub id: u64,
    pub user: u64,
    pub label: String,
    /// The JSON object that the customer gave.
    pub body: String,
    pub payment_method: String,
    pub country: String,
    pub deleted: bool,
}

/// How a withdrawal goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// Coins to an address.
    Coin(String),
    /// Cash by the instruction of this id.
    Cash(u64),
}

/// Money that leaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Numbered apart for coins and cash.
    pub id: u64,
    pub user: u64,
    pub way: Way,
    pub money: Money,
    pub label: String,
    pub status: Stage,
    pub created: Timestamp,
    /// When it goes on; nothing once it is final.
    pub wake: Option<Timestamp>,
}

/// Where a withdrawal is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Accepted; funds are not checked yet.
    Received,
    /// Taken from what is available.
    Pending,
    /// Gone.
    Done,
    /// There were no funds.
    Cancelled,
}

impl Withdrawal {
    /// The status in the words of the API.
    pub const fn status(&self) -> &'static str {
        match (self.status, &self.way) {
            (Stage::Received, _) => "received",
            (Stage::Pending, _) => "pending",
            (Stage::Done, Way::Coin(_)) => "done",
            (Stage::Done, Way::Cash(_)) => "settled",
            (Stage::Cancelled, _) => "cancelled",
        }
    }
}

impl World {
    /// What a customer has of a currency: withdrawals on their way are part of the total, but not available.
    pub fn balance(&self, user: &User, currency: Currency) -> Balance {
        let balance = self.venue.balance(user.account(), currency);
        let leaving = self.tables.withdrawals.iter().filter(|withdrawal| {
            withdrawal.user == user.id
                && withdrawal.money.currency == currency
                && withdrawal.status == Stage::Pending
        });
        let leaving: i128 = leaving.map(|withdrawal| withdrawal.money.units).sum();
        Balance { total: balance.total + leaving, reserved: balance.reserved + leaving }
    }

    /// Announces a deposit of cash, which arrives after the usual time.
    pub fn announce_cash(&mut self, user: u64, money: Money) -> u64 {
        let id = count(&self.tables.cash_deposits);
        let wake = Some(self.now.plus(self.config.funding_delay));
        self.tables.cash_deposits.push(CashDeposit { id, user, money, created: self.now, wake });
        id
    }

    /// Receives coins at one of a customer's own addresses.
    pub fn receive_coins(&mut self, user: &User, money: Money, address: u64) -> Result<u64, VenueError> {
        self.venue.deposit(user.account(), money)?;
        let id = count(&self.tables.coin_deposits);
        let created = self.now;
        self.tables.coin_deposits.push(CoinDeposit { id, user: user.id, money, address, created });
        Ok(id)
    }

    /// Sends coins to an address, as somebody outside would: to a wallet, to an address that sells them, or to a payment.
    /// The error says what is wrong.
    pub fn send_coins(&mut self, address: &str, amount: Cash) -> Result<(), String> {
        if !amount.is_positive() {
            return Err(format!("{amount} cannot be sent: the amount must be above zero"));
        }
        if self.pay_to(address, amount) {
            return Ok(());
        }
        for user in self.tables.users.clone() {
            for coin in ["btc", "bch"] {
                let Ok(currency) = coin.parse::<Currency>() else { continue };
                let money = Money::new(currency, amount.units());
                let wallet = user.wallet_id(coin) * 10;
                if address == self.wallet_address(&user, coin) {
                    return self
                        .receive_coins(&user, money, wallet)
                        .map(drop)
                        .map_err(|error| error.to_string());
                }
                if address == self.auto_sell_address(&user, coin) {
                    self.receive_coins(&user, money, wallet + 1).map_err(|error| error.to_string())?;
                    let market = self.book(&format!("{coin}_usd")).map(|book| book.market);
                    if let Some(market) = market {
                        self.sell_at_best(user.account(), market, money.units, Origin::AutoSell);
                    }
                    return Ok(());
                }
            }
        }
        Err(format!("no wallet and no payment has the address `{address}`"))
    }

    /// Where a customer receives a coin.
    pub fn wallet_address(&self, user: &User, coin: &str) -> String {
        self.draw_address(coin, &format!("wallet {}", user.id))
    }

    /// Where a customer's coins are sold at once.
    pub fn auto_sell_address(&self, user: &User, coin: &str) -> String {
        self.draw_address(coin, &format!("auto sell {}", user.id))
    }

    /// Takes a withdrawal and gives its id.
    pub fn withdraw(&mut self, user: u64, way: Way, money: Money, label: String) -> u64 {
        let is_coin = matches!(way, Way::Coin(_));
        let same = |other: &&Withdrawal| matches!(other.way, Way::Coin(_)) == is_coin;
        let before = self.tables.withdrawals.iter().filter(same).count();
        let id = u64::try_from(before).unwrap_or(0) + 1;
        let wake = Some(self.now.plus(self.engine_delay));
        let created = self.now;
        self.tables.withdrawals.push(Withdrawal {
            id,
            user,
            way,
            money,
            label,
            status: Stage::Received,
            created,
            wake,
        });
        id
    }

    pub(super) fn next_funding(&self) -> Option<Timestamp> {
        let deposits = self.tables.cash_deposits.iter().filter_map(|deposit| deposit.wake);
        let withdrawals = self.tables.withdrawals.iter().filter_map(|withdrawal| withdrawal.wake);
        deposits.chain(withdrawals).min()
    }

    pub(super) fn run_funding(&mut self) {
        let now = self.now;
        let due = |wake: Option<Timestamp>| wake.is_some_and(|wake| wake <= now);
        let mut credits = Vec::new();
        for deposit in self.tables.cash_deposits.iter_mut().filter(|deposit| due(deposit.wake)) {
            deposit.wake = None;
            credits.push((deposit.user, deposit.money));
        }
        for (user, money) in credits {
            if let Some(account) = self.user(user).map(User::account) {
                // Announcements are positive, and far from what a balance can hold.
                let _ = self.venue.deposit(account, money);
            }
        }
        for position in 0..self.tables.withdrawals.len() {
            let Some(withdrawal) = self.tables.withdrawals.get(position).filter(|found| due(found.wake))
            else {
                continue;
            };
            let (user, money, status) = (withdrawal.user, withdrawal.money, withdrawal.status);
            let account = self.user(user).map(User::account);
            let (status, wake) = if status == Stage::Received {
                let paid = account.is_some_and(|account| self.venue.withdraw(account, money).is_ok());
                let next = now.plus(self.config.funding_delay);
                if paid { (Stage::Pending, Some(next)) } else { (Stage::Cancelled, None) }
            } else {
                (Stage::Done, None)
            };
            if let Some(withdrawal) = self.tables.withdrawals.get_mut(position) {
                withdrawal.status = status;
                withdrawal.wake = wake;
            }
        }
    }
}

/// The number after those of a list.
fn count<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(0) + 1
}
