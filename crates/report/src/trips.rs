//! Round trips: from leaving a flat position until it is flat again, at average cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use pampero_model::{ArithmeticError, Cash, Fill, MarketId, Quantity, Rate, Rounding, Side, Timestamp};

use crate::record::{FillRecord, Holding, Mark, RunRecord};

/// A trade in the trader's sense. Amounts are in the report currency, profits net of fees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundTrip {
    /// Whose it was.
    pub strategy: Arc<str>,
    /// Where.
    pub market: MarketId,
    /// Buy if the position was long, sell if it was short.
    pub side: Side,
    /// When the position left flat.
    pub opened: Timestamp,
    /// When it was flat again; nothing while it is open.
    pub closed: Option<Timestamp>,
    /// What the position cost in all.
    pub cost: Cash,
    /// What it earned; of an open one, marked at the last close.
    pub profit: Cash,
}

/// Round trips of a run, in the order in which they closed; the open ones apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trips {
    pub closed: Vec<RoundTrip>,
    pub open: Vec<RoundTrip>,
}

/// Something could not be valued in the report currency.
#[derive(Debug)]
pub(crate) struct Unvalued;

impl From<ArithmeticError> for Unvalued {
    fn from(_: ArithmeticError) -> Self {
        Self
    }
}

pub(crate) fn round_trips(record: &RunRecord) -> Result<Trips, Unvalued> {
    let mut positions = Positions::default();
    let mut trips = Trips::default();
    let start = record.equity.first().map_or(record.inputs.from, |point| point.time);
    for Holding { strategy, market, base } in record.holdings.iter().filter(|held| !held.base.is_zero()) {
        let mark = record.marks_of(*market).0.ok_or(Unvalued)?;
        let cash = Cash::ZERO.saturating_sub(worth(*base, mark)?);
        let position = positions.of(record, strategy, *market);
        position.apply(base.units().into(), cash.units(), start, &mut trips.closed)?;
    }
    for FillRecord { fill, strategy, rate, .. } in &record.fills {
        let cash = value(fill.quote_change(), rate.ok_or(Unvalued)?)?;
        let position = positions.of(record, strategy, fill.market);
        position.apply(fill.base_change().units().into(), cash.units(), fill.time, &mut trips.closed)?;
    }
    for position in positions.0.values() {
        trips.open.extend(position.marked(record.marks_of(position.market).1)?);
    }
    Ok(trips)
}

#[derive(Debug, Default)]
struct Positions(BTreeMap<(Arc<str>, MarketId), Position>);

impl Positions {
    fn of(&mut self, record: &RunRecord, strategy: &Arc<str>, market: MarketId) -> &mut Position {
        self.0.entry((strategy.clone(), market)).or_insert_with(|| {
            let dust = record.markets.get(market).map_or(Quantity::UNIT, |market| market.min_base);
            // A market without a minimum is flat at exactly nothing.
            Position::new(strategy.clone(), market, dust.max(Quantity::UNIT))
        })
    }
}

/// An amount of quote currency in the report currency, cut at the eighth decimal.
pub(crate) fn value(cash: Cash, rate: Rate) -> Result<Cash, ArithmeticError> {
    if rate == Rate::ONE { Ok(cash) } else { rate.of_cash(cash, Rounding::Down) }
}

/// A quantity in the report currency, cut at the eighth decimal.
pub(crate) fn worth(base: Quantity, mark: Mark) -> Result<Cash, ArithmeticError> {
    value(mark.price.notional(base, Rounding::Down)?, mark.rate)
}

/// The fee of a fill in the quote currency: a buy pays it in base, valued at the price of the execution.
pub(crate) fn fee_in_quote(fill: &Fill) -> Result<Cash, ArithmeticError> {
    match fill.side {
        Side::Sell => Ok(Cash::from_units(fill.fee)),
        Side::Buy => {
            let fee = i64::try_from(fill.fee).map_err(|_| ArithmeticError::Overflow)?;
            fill.price.notional(Quantity::from_units(fee), Rounding::Down)
        }
    }
}

/// Amounts in units of 1e-8. A long position has a positive cost, a short one a negative: what it brought in.
#[derive(Debug)]
struct Position {
    strategy: Arc<str>,
    market: MarketId,
    /// Less than this is flat.
    dust: i128,
    base: i128,
    cost: i128,
    trip: Option<OpenTrip>,
}

#[derive(Debug)]
struct OpenTrip {
    side: Side,
    opened: Timestamp,
    cost: i128,
    realised: i128,
}

impl Position {
    fn new(strategy: Arc<str>, market: MarketId, dust: Quantity) -> Self {
        let dust = i128::from(dust.units());
        Self { strategy, market, dust, base: 0, cost: 0, trip: None }
    }

    /// Counts a change of the base position and of the cash that paid for it.
    fn apply(
        &mut self,
        base: i128,
        cash: i128,
        time: Timestamp,
        closed: &mut Vec<RoundTrip>,
    ) -> Result<(), Unvalued> {
        let reduces = self.base != 0 && (self.base < 0) != (base < 0);
        if !reduces {
            self.increase(base, cash, time);
            return Ok(());
        }
        // What goes beyond flat opens a position on the other side, at its share of the cash.
        let closing = if base.abs() > self.base.abs() { -self.base } else { base };
        let closing_cash = prorate(cash, closing, base)?;
        self.reduce(closing, closing_cash)?;
        if self.base.abs() < self.dust {
            closed.extend(self.trip.take().map(|trip| self.finished(&trip, Some(time), trip.realised)));
        }
        if closing != base {
            self.increase(base - closing, cash - closing_cash, time);
        }
        Ok(())
    }

    fn increase(&mut self, base: i128, cash: i128, time: Timestamp) {
        self.base += base;
        self.cost -= cash;
        match &mut self.trip {
            Some(trip) => trip.cost += cash.abs(),
            None if self.base.abs() >= self.dust => {
                let side = if self.base < 0 { Side::Sell } else { Side::Buy };
                // Dust from before joins at what it cost.
                self.trip = Some(OpenTrip { side, opened: time, cost: self.cost.abs(), realised: 0 });
            }
            None => {}
        }
    }

    fn reduce(&mut self, base: i128, cash: i128) -> Result<(), Unvalued> {
        let cost = prorate(self.cost, base.abs(), self.base.abs())?;
        self.base += base;
        self.cost -= cost;
        // Dust that is sold without ever having been a position belongs to no trip.
        if let Some(trip) = &mut self.trip {
            trip.realised += cash - cost;
        }
        Ok(())
    }

    /// The trip that is open, if one is, with its position sold at the mark.
    fn marked(&self, mark: Option<Mark>) -> Result<Option<RoundTrip>, Unvalued> {
        let Some(trip) = &self.trip else { return Ok(None) };
        let base = i64::try_from(self.base).map_err(|_| Unvalued)?;
        let worth = worth(Quantity::from_units(base), mark.ok_or(Unvalued)?)?;
        Ok(Some(self.finished(trip, None, trip.realised + worth.units() - self.cost)))
    }

    fn finished(&self, trip: &OpenTrip, closed: Option<Timestamp>, profit: i128) -> RoundTrip {
        RoundTrip {
            strategy: self.strategy.clone(),
            market: self.market,
            side: trip.side,
            opened: trip.opened,
            closed,
            cost: Cash::from_units(trip.cost),
            profit: Cash::from_units(profit),
        }
    }
}

/// `amount × part ÷ whole`, cut toward zero; exact where the part is the whole.
fn prorate(amount: i128, part: i128, whole: i128) -> Result<i128, Unvalued> {
    if part == whole {
        return Ok(amount);
    }
    amount.checked_mul(part).and_then(|product| product.checked_div(whole)).ok_or(Unvalued)
}
