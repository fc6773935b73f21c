//! What a correction means for the engine, the journal and a person.

use pampero_exchange::VenueOrder;
use pampero_model::{Cash, Fill, Money, OrderId, Rate, Rounding, Side, UpdateKind, VenueStatus};

use super::local::Stage;
use super::machine::Execution;
use super::note::{Alarm, Note};
use super::reconcile::{Correction, Key, foreign_changes};
use super::settings::ForeignPolicy;

impl Execution {
    /// Makes a correction known, here and to the engine.
    pub(super) fn correct(&mut self, correction: &Correction) {
        if let Correction::Adopt { order, key, late } = correction
            && self.local.orders.get(order).is_some_and(|own| own.stage != Stage::Submitting)
        {
            self.note(Note::Adopted { order: *order, venue_order: key.1, late: *late });
        }
        self.local.apply(correction);
        match correction {
            Correction::Adopt { order, key, late } => {
                self.update(*order, UpdateKind::Acknowledged(key.1));
                if *late {
                    let text = format!("order {order} was given up and is there, as {} {}", key.0, key.1);
                    self.alarm(Some(*order), Alarm::LateGhost, text);
                    self.want_cancel(*key);
                }
            }
            Correction::Copy { order, key, .. } => self.found_copy(*order, *key),
            Correction::Foreign { key, view } => self.found_foreign(*key, view),
            Correction::Progress { order, status, .. } => match status {
                VenueStatus::Executing => self.update(*order, UpdateKind::Live),
                VenueStatus::ToCancel => self.update(*order, UpdateKind::CancelPending),
                _ => {}
            },
            Correction::Fill { fill, other_fee } => {
                self.update(fill.order, UpdateKind::Fill(*fill));
                self.check_fee(fill, *other_fee);
            }
            Correction::ForeignFill { fill } => {
                for money in foreign_changes(&self.local, fill) {
                    self.transfer(money);
                }
                self.note(Note::ForeignFill {
                    side: fill.side,
                    fill: fill.id,
                    base: fill.base,
                    quote: fill.quote,
                    fee: fill.fee,
                });
            }
            Correction::Vanished { order } => {
                let text = format!("the exchange says that it does not know order {order}");
                self.alarm(Some(*order), Alarm::Vanished, text);
            }
            Correction::Close { order, cancelled } => {
                let kind = cancelled.map_or(UpdateKind::Completed, UpdateKind::Cancelled);
                self.update(*order, kind);
            }
        }
    }

    fn found_copy(&mut self, order: OrderId, key: Key) {
        self.note(Note::Duplicate { order, venue_order: key.1 });
        let text = format!("the exchange holds order {order} twice");
        self.alarm(Some(order), Alarm::Duplicate, text.clone());
        self.want_cancel(key);
        if let Some(own) = self.local.orders.get(&order) {
            self.closed_books.insert(own.order.market);
        }
        self.halt(text);
    }

    fn found_foreign(&mut self, key: Key, view: &VenueOrder) {
        if view.status.is_final() {
            return;
        }
        let (side, venue_order, market) = (key.0, key.1, view.market.clone());
        self.note(Note::Foreign { side, venue_order, market, price: view.price, size: view.size });
        match self.settings.foreign {
            ForeignPolicy::Ignore | ForeignPolicy::Adopt => {}
            ForeignPolicy::Cancel => self.want_cancel(key),
            ForeignPolicy::Halt => {
                let text = format!("{side} {venue_order} was not placed by this program");
                self.alarm(None, Alarm::Foreign, text.clone());
                self.halt(text);
            }
        }
    }

    /// The ledger takes the fee that was charged; what the configuration says is only compared.
    fn check_fee(&mut self, fill: &Fill, other_fee: Option<Money>) {
        let Some(own) = self.local.orders.get(&fill.order).copied() else { return };
        if own.filled_units() > own.order.size.units() {
            let text = format!("order {} executed more than its size", fill.order);
            self.alarm(Some(fill.order), Alarm::Overfilled, text.clone());
            self.reduce(text);
        }
        if let Some(fee) = other_fee {
            self.transfer(Money::new(fee.currency, fee.units.saturating_neg()));
            let text = format!("match {} charges its fee in {}", fill.id, fee.currency);
            self.alarm(Some(fill.order), Alarm::FeeCurrency, text);
            return;
        }
        let Some(market) = self.local.market(fill.market) else { return };
        let expected = |rate: Rate| match fill.side {
            Side::Buy => rate.of_quantity(fill.base, Rounding::Down).map(|fee| i128::from(fee.units())),
            Side::Sell => rate.of_cash(fill.quote, Rounding::Down).map(Cash::units),
        };
        let (maker, taker) = (expected(market.maker_fee), expected(market.taker_fee));
        if maker != Ok(fill.fee) && taker != Ok(fill.fee) {
            let expected = taker.unwrap_or_default();
            self.note(Note::FeeDiffers { order: fill.order, fill: fill.id, charged: fill.fee, expected });
        }
    }
}
