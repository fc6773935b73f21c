//! What an earlier session left.

use pampero_engine::OrderState;
use pampero_model::{UpdateKind, VenueStatus};

use super::local::{Attribution, LocalOrder, Stage};
use super::machine::Execution;
use super::note::CarriedOrder;

impl Execution {
    pub(super) fn take_over(&mut self, carried: &CarriedOrder) {
        let CarriedOrder { record, sent_at, watermark } = *carried;
        let order = record.order();
        if record.state == OrderState::Held {
            return;
        }
        let Some(sent_at) = sent_at else {
            // No intent was written, and none is sent before it is written.
            return self.update(order.id, UpdateKind::NotSent);
        };
        // Of a clock that ran back counts the later bound.
        let mut own = LocalOrder::new(order, sent_at.min(self.now), watermark);
        own.filled_base = record.filled_base;
        own.filled_quote = record.filled_quote;
        own.venue = record.venue_order;
        own.was_live = matches!(record.state, OrderState::Live);
        (own.status, own.remaining) = match record.state {
            OrderState::Completed => (Some(VenueStatus::Completed), record.remaining()),
            OrderState::Cancelled => (Some(VenueStatus::Cancelled), record.remaining()),
            _ => (None, record.size),
        };
        own.stage = match record.state {
            state if state.is_final() => Stage::Closed,
            OrderState::PresumedAbsent => Stage::PresumedAbsent,
            _ if record.venue_order.is_some() => Stage::Open,
            _ => Stage::Unknown,
        };
        if record.state == OrderState::Submitted {
            self.update(order.id, UpdateKind::Unknown);
        }
        self.local.orders.insert(order.id, own);
        if let Some(id) = record.venue_order {
            let key = (record.side, id);
            self.local.owners.insert(key, Attribution::Ours(order.id));
            self.local.see(key);
            if record.cancel_wanted && own.is_open() {
                self.want_cancel(key);
            }
        }
    }
}
