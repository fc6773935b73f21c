//! Payments to merchants: quoted in cash, paid in coins, settled on the book.

use pampero_model::{
    Cash, Currency, Money, Price, Rounding, Side, Span, Timestamp, VenueOrderId, VenueStatus,
};
use pampero_venue::OrderKey;
use serde::{Deserialize, Serialize};

use super::{Origin, User, World, currency};

/// A payment that a merchant asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payment {
    pub id: u64,
    pub user: u64,
    /// What is to be paid, in its currency.
    pub amount: Cash,
    pub currency: Currency,
    /// The percentage that is kept in coins.
    pub keep: Cash,
    pub callback_url: Option<String>,
    pub customer_reference: Option<String>,
    pub merchant_reference: Option<String>,
    /// The coins that pay it, at the last quote.
    pub expected: Cash,
    pub unconfirmed: Cash,
    pub confirmed: Cash,
    pub kept: Option<Cash>,
    pub settlement: Option<Cash>,
    pub status: PaymentStatus,
    pub quoted: Timestamp,
    pub quote_until: Timestamp,
    pub valid_until: Timestamp,
    pub address_id: u64,
    pub address: String,
    pub deposits: Vec<u64>,
    /// The number of the ask that settles it.
    pub ask: Option<u64>,
    /// When it goes on; nothing once it is final.
    pub wake: Option<Timestamp>,
}

/// Where a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentStatus {
    Pending,
    Settled,
    Expired,
}

impl PaymentStatus {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Settled => "settled",
            Self::Expired => "expired",
        }
    }
}

/// A merchant's point of sale.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Pos {
    pub slug: Option<String>,
    pub keep: Cash,
    pub name: Option<String>,
    pub logo: Option<String>,
    pub site: Option<String>,
}

/// What a merchant asks for.
#[derive(Clone, Debug)]
pub struct Charge {
    pub amount: Cash,
    pub currency: Currency,
    pub keep: Cash,
    pub callback_url: Option<String>,
    pub customer_reference: Option<String>,
    pub merchant_reference: Option<String>,
}

impl Payment {
    /// Whether more coins came than were asked for; nothing while none have.
    pub fn overpaid(&self) -> Option<bool> {
        let received = self.confirmed.saturating_add(self.unconfirmed);
        received.is_positive().then(|| received > self.expected)
    }

    fn is_coins(&self) -> bool {
        self.currency.code() == "btc"
    }
}

impl World {
    /// Opens a payment; nothing if there is no price to quote it at.
    pub fn charge(&mut self, user: u64, charge: Charge) -> Option<u64> {
        let expected = self.quote(charge.currency, charge.amount)?;
        let id = u64::try_from(self.tables.payments.len()).unwrap_or(0) + 1;
        let coins = charge.currency.code() == "btc";
        let address_id = self.next_number();
        let valid_until = self.now.plus(Span::from_hours(1));
        self.tables.payments.push(Payment {
            id,
            user,
            amount: charge.amount,
            currency: charge.currency,
            keep: charge.keep,
            callback_url: charge.callback_url,
            customer_reference: charge.customer_reference,
            merchant_reference: charge.merchant_reference,
            expected,
            unconfirmed: Cash::ZERO,
            confirmed: Cash::ZERO,
            kept: None,
            settlement: None,
            status: PaymentStatus::Pending,
            quoted: self.now,
            quote_until: self.now.plus(quote_span(coins)),
            valid_until,
            address_id,
            address: self.draw_address("btc", &format!("payment {id}")),
            deposits: Vec::new(),
            ask: None,
            wake: Some(valid_until.min(self.now.plus(quote_span(coins)))),
        });
        Some(id)
    }

    /// The coins that an amount of a currency is worth at the best bid, which its sale would get.
    fn quote(&self, currency: Currency, amount: Cash) -> Option<Cash> {
        if currency.code() == "btc" {
            return Some(amount);
        }
        let book = self.book(&format!("btc_{}", currency.code()))?;
        let price: Price = self.best(book.market, Side::Buy)?;
        let coins = amount.quantity_at(price, Rounding::Up).ok()?;
        Some(Cash::from_units(coins.units().into()))
    }

    /// Coins arrive at the address of a payment: unconfirmed at first.
    pub(super) fn pay_to(&mut self, address: &str, amount: Cash) -> bool {
        let soon = self.now.plus(self.config.funding_delay);
        let pending = |payment: &&mut Payment| {
            payment.address == address && payment.status == PaymentStatus::Pending && payment.ask.is_none()
        };
        let Some(payment) = self.tables.payments.iter_mut().find(pending) else { return false };
        payment.unconfirmed = payment.unconfirmed.saturating_add(amount);
        payment.wake = Some(payment.wake.map_or(soon, |wake| wake.min(soon)));
        true
    }

    pub(super) fn next_payment(&self) -> Option<Timestamp> {
        self.tables.payments.iter().filter_map(|payment| payment.wake).min()
    }

    pub(super) fn run_payments(&mut self) {
        for position in 0..self.tables.payments.len() {
            let due = |payment: &&Payment| payment.wake.is_some_and(|wake| wake <= self.now);
            let Some(mut payment) = self.tables.payments.get(position).filter(due).cloned() else { continue };
            let before = payment.status;
            self.run_payment(&mut payment);
            let ended = payment.status != before;
            if let Some(slot) = self.tables.payments.get_mut(position) {
                *slot = payment.clone();
            }
            if ended {
                self.call_back(&payment);
            }
        }
    }

    fn run_payment(&mut self, payment: &mut Payment) {
        if let Some(number) = payment.ask {
            return self.finish_payment(payment, number);
        }
        if payment.unconfirmed.is_positive() {
            self.confirm(payment);
        }
        if payment.ask.is_some() || payment.status != PaymentStatus::Pending {
            return;
        }
        if self.now >= payment.valid_until {
            payment.status = PaymentStatus::Expired;
            payment.wake = None;
            return;
        }
        if self.now >= payment.quote_until {
            payment.expected = self.quote(payment.currency, payment.amount).unwrap_or(payment.expected);
            payment.quoted = self.now;
            payment.quote_until = self.now.plus(quote_span(payment.is_coins()));
        }
        payment.wake = Some(payment.quote_until.min(payment.valid_until));
    }

    /// The coins that came are confirmed: they are the merchant's, and what is not kept is sold once all is there.
    fn confirm(&mut self, payment: &mut Payment) {
        let (Some(user), Some(btc)) = (self.user(payment.user).cloned(), currency("btc")) else { return };
        let coins = std::mem::take(&mut payment.unconfirmed);
        if let Ok(id) = self.receive_coins(&user, Money::new(btc, coins.units()), payment.address_id) {
            payment.deposits.push(id);
        }
        payment.confirmed = payment.confirmed.saturating_add(coins);
        if payment.confirmed < payment.expected {
            return;
        }
        let percent = payment.keep.units().clamp(0, 100 * i128::from(pampero_model::SCALE));
        let kept = payment.confirmed.units() * percent / (100 * i128::from(pampero_model::SCALE));
        let kept = if payment.is_coins() { payment.confirmed.units() } else { kept };
        payment.kept = Some(Cash::from_units(kept));
        let sold = payment.confirmed.units() - kept;
        let book = self.book(&format!("btc_{}", payment.currency.code())).map(|book| book.market);
        payment.ask = book.filter(|_| sold > 0).and_then(|market| {
            self.sell_at_best(user.account(), market, sold, Origin::Payment(payment.id)).map(|key| key.id.0)
        });
        if payment.ask.is_none() {
            payment.status = PaymentStatus::Settled;
            payment.settlement = Some(Cash::ZERO);
            payment.wake = None;
        } else {
            payment.wake = Some(self.engine_done().plus(Span::from_millis(1)));
        }
    }

    /// Settled as soon as the coins are sold; what the book does not take waits on it.
    fn finish_payment(&mut self, payment: &mut Payment, number: u64) {
        let key = OrderKey { side: Side::Sell, id: VenueOrderId(number) };
        let open = self
            .venue
            .order(key)
            .is_some_and(|order| !matches!(order.status, VenueStatus::Completed | VenueStatus::Cancelled));
        if open {
            payment.wake = Some(self.now.plus(Span::from_secs(1)));
            return;
        }
        let account = self.user(payment.user).map(User::account);
        let fills = account.into_iter().flat_map(|account| self.fills(account));
        let sold = fills.filter(|(found, side)| *side == Side::Sell && found.seller.order == key.id);
        let net = sold.map(|(found, _)| found.quote.units() - i128::from(found.seller.fee)).sum();
        payment.settlement = Some(Cash::from_units(net));
        payment.status = PaymentStatus::Settled;
        payment.wake = None;
    }
}

const fn quote_span(coins: bool) -> Span {
    if coins { Span::from_hours(1) } else { Span::from_minutes(1) }
}
