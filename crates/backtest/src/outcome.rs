//! What a run leaves behind.

use pampero_engine::{Code, Denied, OrderRecord, Reason, StrategyId, TradingState, TripReason};
use pampero_model::{Cash, Currency, Fill, MarketId, Price, Timestamp, VenueId};

/// Equity at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EquityPoint {
    /// When.
    pub time: Timestamp,
    /// Worth of everything, in the report currency.
    pub equity: Cash,
    /// Worth of everything that is not the report currency.
    pub exposure: Cash,
    /// Mark of the first feed's market.
    pub price: Price,
}

/// An execution with its circumstances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillRecord {
    /// The execution.
    pub fill: Fill,
    /// Whose order.
    pub strategy: StrategyId,
    /// Why the order was wanted.
    pub reason: Reason,
    /// The market's mark when the execution became known; zero before any.
    pub mark: Price,
}

/// How often an intent was refused for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenialCount {
    /// The reason.
    pub code: Code,
    /// How often.
    pub count: u64,
    /// The first refusal: when, whose, where, and the numbers that decided.
    pub first: (Timestamp, StrategyId, MarketId, Denied),
}

/// Everything that happened in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Observations that were shown to the engine.
    pub events: u64,
    /// When the first began and the last ended.
    pub range: Option<(Timestamp, Timestamp)>,
    /// Orders, in the order in which they ended; those still open at the end follow.
    pub orders: Vec<OrderRecord>,
    /// How many orders were sent.
    pub submitted: u64,
    /// Executions in the order in which they became known.
    pub fills: Vec<FillRecord>,
    /// Refusals by code, in the order of the checks.
    pub denied: Vec<DenialCount>,
    /// Changes of the trading state.
    pub states: Vec<(Timestamp, Option<StrategyId>, TradingState, TripReason)>,
    /// Equity at each candle's close, or on a regular grid.
    pub equity: Vec<EquityPoint>,
    /// Equity at the start, at the first prices.
    pub initial_equity: Cash,
    /// Equity at the end, at the last prices.
    pub final_equity: Cash,
    /// What the account holds at the end, in units of 1e-8.
    pub balances: Vec<(VenueId, Currency, i128)>,
    /// Fees paid, in units of 1e-8.
    pub fees: Vec<(VenueId, Currency, i128)>,
}

impl Outcome {
    pub(crate) fn count_denial(&mut self, at: (Timestamp, StrategyId, MarketId, Denied)) {
        let code = at.3.code();
        match self.denied.iter_mut().find(|denial| denial.code == code) {
            Some(denial) => denial.count += 1,
            None => self.denied.push(DenialCount { code, count: 1, first: at }),
        }
    }

    /// How many intents were refused.
    pub fn denied_total(&self) -> u64 {
        self.denied.iter().map(|denial| denial.count).sum()
    }
}
