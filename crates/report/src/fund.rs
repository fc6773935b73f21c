//! Equity per unit, as in a fund: deposits buy units and withdrawals return them, so that neither is a return.

use pampero_model::Cash;

use crate::record::{EquityPoint, Flow, RunRecord};

/// Walks the equity points in order and gives the value of one unit at each.
#[derive(Clone, Debug)]
pub(crate) struct Fund<'a> {
    pending: &'a [Flow],
    units: f64,
    flows: Cash,
    sound: bool,
}

impl<'a> Fund<'a> {
    pub fn new(record: &'a RunRecord) -> Self {
        let start = record.equity.first().map_or(record.inputs.from, |point| point.time);
        // What was booked before the first point is part of the initial equity.
        let before = record.flows.partition_point(|flow| flow.time <= start);
        let pending = record.flows.get(before..).unwrap_or_default();
        Self { pending, units: 1.0, flows: Cash::ZERO, sound: true }
    }

    /// The value of one unit, deposits and withdrawals counting at the end of the interval of their booking.
    /// `equity` is the point's as a float, which every caller has at hand.
    #[inline]
    pub fn value_of(&mut self, point: &EquityPoint, equity: f64) -> f64 {
        while let Some((flow, rest)) = self.pending.split_first().filter(|(flow, _)| flow.time <= point.time)
        {
            self.pending = rest;
            self.book(point, flow.amount);
        }
        self.sound &= point.equity.is_positive();
        equity / self.units
    }

    fn book(&mut self, point: &EquityPoint, amount: Cash) {
        // Of several in one interval each acts on what the ones after it have not yet changed.
        let later = self.pending.iter().take_while(|flow| flow.time <= point.time);
        let later = later.fold(Cash::ZERO, |sum, flow| sum.saturating_add(flow.amount));
        let after = point.equity.saturating_sub(later);
        let before = after.saturating_sub(amount);
        self.flows = self.flows.saturating_add(amount);
        self.sound &= before.is_positive() && after.is_positive();
        if self.sound {
            self.units *= after.to_f64() / before.to_f64();
        }
    }

    /// Deposits less withdrawals so far.
    pub const fn flows(&self) -> Cash {
        self.flows
    }

    /// Whether there was always something to earn a return on.
    pub const fn is_sound(&self) -> bool {
        self.sound
    }
}
