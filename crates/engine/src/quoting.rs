//! Keeping the resting orders equal to a desired set with the fewest requests.

use pampero_model::{MarketId, Side};

use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::intent::{Desired, Intent, Reason};
use crate::orders::{OrderRecord, OrderState};
use crate::risk::TradingState;
use crate::strategy::StrategyId;
use crate::submit::Origin;

/// The desired set of one strategy in one market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct QuoteSet {
    strategy: StrategyId,
    market: MarketId,
    desired: Vec<Desired>,
    reason: Reason,
    /// Whether an order's end may let the set be completed.
    waiting: bool,
    /// Whether the set must be looked at in this step.
    awake: bool,
}

/// The desired sets of all strategies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quotes {
    sets: Vec<QuoteSet>,
    any_awake: bool,
}

impl Quotes {
    fn find(&self, strategy: StrategyId, market: MarketId) -> Option<usize> {
        self.sets.iter().position(|set| set.strategy == strategy && set.market == market)
    }

    /// Forgets what a strategy, or all, wanted.
    pub(crate) fn forget(&mut self, strategy: Option<StrategyId>) {
        for set in self.sets.iter_mut().filter(|set| strategy.is_none_or(|id| set.strategy == id)) {
            set.desired.clear();
            set.waiting = false;
        }
    }

    /// An order of the strategy in the market came to its end.
    pub(crate) fn wake(&mut self, strategy: StrategyId, market: MarketId) {
        if let Some(set) = self.find(strategy, market).and_then(|at| self.sets.get_mut(at))
            && set.waiting
        {
            set.awake = true;
            self.any_awake = true;
        }
    }

    pub(crate) fn any_awake(&self) -> bool {
        self.any_awake
    }
}

impl Core {
    /// Takes a new desired set and moves toward it.
    pub(crate) fn quote(
        &mut self,
        strategy: StrategyId,
        market: MarketId,
        desired: &[Desired],
        reason: Reason,
    ) {
        let at = self.quotes.find(strategy, market).unwrap_or_else(|| {
            let set = QuoteSet {
                strategy,
                market,
                desired: Vec::with_capacity(16),
                reason,
                waiting: false,
                awake: false,
            };
            self.quotes.sets.push(set);
            self.quotes.sets.len() - 1
        });
        if let Some(set) = self.quotes.sets.get_mut(at) {
            set.desired.clear();
            set.desired.extend_from_slice(desired);
            set.reason = reason;
        }
        self.converge(at);
    }

    /// Goes on with the sets that waited for an order's end.
    pub(crate) fn converge_awake(&mut self) {
        self.quotes.any_awake = false;
        for at in 0..self.quotes.sets.len() {
            if self.quotes.sets.get_mut(at).is_some_and(|set| std::mem::take(&mut set.awake)) {
                self.converge(at);
            }
        }
    }

    /// One pass: cancels what is not desired; places what is missing where no cancel is still under way, so that
    /// old and new never stand together.
    fn converge(&mut self, at: usize) {
        let Some(set) = self.quotes.sets.get_mut(at) else { return };
        let (strategy, market, reason) = (set.strategy, set.market, set.reason);
        let desired = std::mem::take(&mut set.desired);
        let ours =
            |record: &OrderRecord| record.quoting && record.strategy == strategy && record.market == market;
        self.cancel_where(|record| {
            ours(record) && !record.cancel_wanted && !desired.iter().any(|desired| stands(record, desired))
        });
        let mut waiting = false;
        for wanted in &desired {
            let standing =
                |record: &OrderRecord| ours(record) && !record.cancel_wanted && stands(record, wanted);
            // An old order in the way: on the same side, or on the other and at a price it would trade against.
            let leaving = |record: &OrderRecord| {
                let in_the_way =
                    record.side == wanted.side || wanted.side.accepts(wanted.price, record.sent_price);
                ours(record) && in_the_way && (record.cancel_wanted || unclear(record))
            };
            let live = self.orders.live();
            if live.iter().any(standing) {
                continue;
            }
            if live.iter().any(leaving) {
                waiting = true;
            } else if self.may_quote(strategy, wanted.side) {
                let intent = Intent::limit(market, wanted.side, wanted.size, wanted.price).because(reason);
                // A refusal stands in the audit; the strategy's next set is the next try.
                let _ = self.submit(strategy, &intent, Origin { quoting: true, ..Origin::default() });
            }
        }
        if let Some(set) = self.quotes.sets.get_mut(at) {
            set.desired = desired;
            set.waiting = waiting;
        }
    }

    fn may_quote(&self, strategy: StrategyId, side: Side) -> bool {
        match self.state_of(strategy) {
            TradingState::Active => true,
            TradingState::ReduceOnly => side == Side::Sell,
            TradingState::Halted => false,
        }
    }
}

/// Whether an order is the desired one. A partly filled order keeps its place in the queue and counts.
fn stands(record: &OrderRecord, desired: &Desired) -> bool {
    record.side == desired.side && record.price == desired.price && record.size == desired.size
}

fn unclear(record: &OrderRecord) -> bool {
    matches!(record.state, OrderState::Unknown | OrderState::PresumedAbsent)
}
