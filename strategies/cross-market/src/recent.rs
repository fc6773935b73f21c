//! The volume that was traded lately.

use std::collections::VecDeque;

use pampero_model::{Quantity, Span, Timestamp, Trade};

/// The trades of the last while.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    window: Span,
    trades: VecDeque<(Timestamp, Quantity)>,
    sum: Quantity,
}

impl Recent {
    pub(crate) fn new(window: Span) -> Self {
        Self { window, trades: VecDeque::with_capacity(256), sum: Quantity::ZERO }
    }

    pub(crate) fn add(&mut self, trade: &Trade) {
        self.trades.push_back((trade.time, trade.quantity));
        self.sum = self.sum.saturating_add(trade.quantity);
    }

    /// What was traded within the window before `now`.
    pub(crate) fn volume(&mut self, now: Timestamp) -> Quantity {
        while let Some((time, quantity)) = self.trades.front().copied()
            && now.since(time) >= self.window
        {
            self.trades.pop_front();
            self.sum = self.sum.saturating_sub(quantity);
        }
        self.sum
    }
}
