//! The path of the price inside a candle, and what it executes.
//!
//! A candle says where the price was, not in which order. Its path goes from the open over the two extremes to
//! the close, at the start, a third, two thirds and the last nanosecond of its time: what arrives as the candle
//! ends has missed it. Of open-high-low-close and
//! open-low-high-close the one is taken after which our fills, valued at the close, have earned less; if both
//! come to the same, open-low-high-close.

use pampero_model::{Candle, Liquidity, Price, SCALE, Side, Span, Timestamp};

use super::resting::{Execution, Orders, Terms};
use crate::listing::FeeRates;
use crate::settings::{FillModel, FillPreset};

/// How far into a candle its market is.
#[derive(Clone, Copy, Debug)]
pub struct CandleProgress {
    /// Start of the candle of which the open was seen.
    pub open_time: Timestamp,
    /// What our fills took of its volume, in units.
    pub used: i64,
}

impl Default for CandleProgress {
    fn default() -> Self {
        Self { open_time: Timestamp::MIN, used: 0 }
    }
}

/// A corner of the path.
#[derive(Clone, Copy, Debug)]
pub struct Vertex {
    pub time: Timestamp,
    pub price: Price,
}

/// The corners after the open, with the low or the high first.
fn corners(candle: &Candle, span: Span, low_first: bool) -> [Vertex; 3] {
    let (first, second) = if low_first { (candle.low, candle.high) } else { (candle.high, candle.low) };
    let (whole, third) = (span.as_nanos(), span.as_nanos() / 3);
    let after = |nanos| candle.open_time.plus(Span::from_nanos(nanos));
    [
        Vertex { time: after(third), price: first },
        Vertex { time: after(whole - third), price: second },
        Vertex { time: after(whole - 1), price: candle.close },
    ]
}

/// What a walk along a path is bound by.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    pub fill: &'a FillModel,
    pub rates: &'a FeeRates,
    /// The volume that our fills may still take, in units.
    pub budget: i64,
}

impl Walk<'_> {
    /// Executes what one corner reaches. `before` is the corner the price comes from, unless it opened here.
    ///
    /// An order at its first observation takes at the corner's price, if its limit accepts where the price
    /// comes from as well; otherwise the price ran into it, and it makes at its own limit.
    pub fn corner(
        &mut self,
        orders: &mut Orders,
        before: Option<Price>,
        vertex: Vertex,
        out: &mut Vec<Execution>,
    ) {
        for side in [Side::Buy, Side::Sell] {
            for resting in orders.of_mut(side) {
                if resting.arrived > vertex.time {
                    continue;
                }
                let first = std::mem::take(&mut resting.fresh);
                if !resting.accepts(vertex.price) {
                    continue;
                }
                let takes = first && before.is_none_or(|before| resting.accepts(before));
                let touched = resting.order.price == vertex.price;
                if !takes && touched && self.fill.preset == FillPreset::Conservative {
                    continue;
                }
                let (price, liquidity) = if takes {
                    (vertex.price, Liquidity::Taker)
                } else {
                    (resting.order.price, Liquidity::Maker)
                };
                let terms = Terms { rates: self.rates, price, liquidity, time: vertex.time };
                self.budget -= resting.execute(self.budget, terms, out);
            }
        }
    }

    /// Executes what the path after the open reaches.
    fn path(mut self, orders: &mut Orders, open: Price, corners: [Vertex; 3], out: &mut Vec<Execution>) {
        let mut before = open;
        for vertex in corners {
            self.corner(orders, Some(before), vertex, out);
            before = vertex.price;
        }
    }
}

/// Memory for trying both paths.
#[derive(Debug, Default)]
pub struct Scratch {
    orders: Orders,
    executions: Vec<Execution>,
}

/// Executes what the rest of a candle reaches, along the path that earns less.
pub fn rest_of_candle(
    orders: &mut Orders,
    candle: &Candle,
    span: Span,
    walk: Walk<'_>,
    scratch: &mut Scratch,
    out: &mut Vec<Execution>,
) {
    let low_first = corners(candle, span, true);
    if !is_path_dependent(orders, candle) {
        walk.path(orders, candle.open, low_first, out);
        return;
    }
    scratch.orders.copy_from(orders);
    scratch.executions.clear();
    walk.path(&mut scratch.orders, candle.open, corners(candle, span, false), &mut scratch.executions);
    let high_first_earns = earned(&scratch.executions, candle.close);

    // `orders` follow the other path; the scratch keeps what comes of the first.
    let start = out.len();
    walk.path(orders, candle.open, low_first, out);
    if high_first_earns < earned(out.get(start..).unwrap_or_default(), candle.close) {
        out.truncate(start);
        out.append(&mut scratch.executions);
        std::mem::swap(orders, &mut scratch.orders);
    }
}

/// Whether the two paths may differ: both sides are reached and share the volume, or an order came in the
/// middle and does not see every corner.
fn is_path_dependent(orders: &Orders, candle: &Candle) -> bool {
    let reached = |side, extreme| orders.of(side).iter().any(|resting| resting.accepts(extreme));
    let late =
        |side| orders.of(side).iter().any(|resting| resting.fresh || resting.arrived > candle.open_time);
    (reached(Side::Buy, candle.low) && reached(Side::Sell, candle.high))
        || late(Side::Buy)
        || late(Side::Sell)
}

/// What executions earn, net of fees and valued at a price, in units of 1e-16 of the quote currency.
fn earned(executions: &[Execution], close: Price) -> i128 {
    let of = |execution: &Execution| {
        let (base, quote) = (i128::from(execution.traded.base), i128::from(execution.traded.quote));
        let fee = i128::from(execution.fee);
        let (base, quote) = match execution.side {
            Side::Buy => (base - fee, -quote),
            Side::Sell => (-base, quote - fee),
        };
        (quote * i128::from(SCALE)).saturating_add(base * i128::from(close.units()))
    };
    executions.iter().map(of).fold(0, i128::saturating_add)
}
