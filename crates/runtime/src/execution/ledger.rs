//! The ledger against the account.

use std::collections::BTreeSet;

use pampero_exchange::{Balance, Movement, MovementKind};
use pampero_model::{Currency, Money};

use super::local::Local;

/// What the ledger and the account say differently, in units of 1e-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of which currency.
    pub currency: Currency,
    /// The ledger.
    pub ledger: i128,
    /// The account.
    pub account: i128,
}

/// Every currency of the venue's markets in which ledger and account differ, to the last unit. A currency that the
/// exchange does not list is no information.
pub fn differences(local: &Local, balances: &[Balance]) -> Vec<Difference> {
    let traded = |currency: Currency| {
        local.books.values().any(|book| book.market.base == currency || book.market.quote == currency)
    };
    let compared = balances.iter().filter(|balance| traded(balance.currency)).map(|balance| {
        let currency = balance.currency;
        let ledger = local.ledger.get(currency.code()).map_or(0, |(_, units)| *units);
        Difference { currency, ledger, account: balance.total.units }
    });
    compared.filter(|found| found.ledger != found.account).collect()
}

/// What is locked beyond what known orders explain: withdrawals under way, or an order that nobody knows.
pub fn surplus(local: &Local, balance: &Balance) -> i128 {
    let locked = balance.total.units.saturating_sub(balance.available.units);
    locked.saturating_sub(local.locked(balance.currency))
}

/// What the account lacks against the ledger: executions not counted yet, or withdrawals.
pub fn missing(local: &Local, balance: &Balance) -> i128 {
    let ledger = local.ledger.get(balance.currency.code()).map_or(0, |(_, units)| *units);
    ledger.saturating_sub(balance.total.units)
}

/// The deposits and withdrawals that explain a difference exactly: the newest ones that were not booked before, taken
/// together. None if they do not.
pub fn explain(
    found: &Difference,
    movements: &[Movement],
    booked: &BTreeSet<String>,
) -> Vec<(String, Money)> {
    let wanted = found.account.saturating_sub(found.ledger);
    let mut sum = 0_i128;
    let mut chosen = Vec::new();
    let mut new: Vec<&Movement> = movements
        .iter()
        .filter(|movement| movement.amount.currency == found.currency && !booked.contains(&movement.id))
        .collect();
    new.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| b.id.cmp(&a.id)));
    for movement in new {
        let Some(units) = signed(movement) else { continue };
        sum = sum.saturating_add(units);
        chosen.push((movement.id.clone(), Money::new(found.currency, units)));
        if sum == wanted {
            return chosen;
        }
    }
    Vec::new()
}

/// What a deposit adds and a withdrawal takes.
fn signed(movement: &Movement) -> Option<i128> {
    let amount = movement.amount.units.saturating_abs();
    match movement.kind {
        MovementKind::CashDeposit | MovementKind::CoinDeposit => Some(amount),
        MovementKind::CashWithdrawal | MovementKind::CoinWithdrawal => Some(amount.saturating_neg()),
        MovementKind::Buy | MovementKind::Sell | MovementKind::Other(_) => None,
    }
}
