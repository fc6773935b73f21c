//! The engine's whole state between two steps, to be written down and taken up again.

use pampero_model::{FillId, MarketId, Markets, Side, Timestamp, VenueId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::core::Notice;
use crate::engine::Engine;
use crate::fingerprint::Fingerprint;
use crate::market_view::ViewCheckpoint;
use crate::orders::{OrderRecord, OrdersCheckpoint};
use crate::portfolio::PortfolioCheckpoint;
use crate::quoting::Quotes;
use crate::risk::{Facts, MonitorCheckpoint};
use crate::strategy::{RestoreError, StrategyId};
use crate::timers::Timers;

/// Everything an engine and its strategies know between two steps. What follows from it (reservations, exposure,
/// equity) is worked out anew, so that two checkpoints are equal exactly if the engines are.
///
/// It is written with any serde format; a binary one keeps amounts as integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub(crate) now: Timestamp,
    pub(crate) begun: bool,
    /// `venue:code` of every market, in order.
    pub(crate) markets: Vec<String>,
    pub(crate) strategies: Vec<StrategyCheckpoint>,
    pub(crate) account: MonitorCheckpoint,
    pub(crate) orders: OrdersCheckpoint,
    pub(crate) portfolio: PortfolioCheckpoint,
    pub(crate) views: Vec<ViewCheckpoint>,
    pub(crate) facts: Facts,
    pub(crate) fingerprint: u64,
    pub(crate) timers: Timers,
    pub(crate) quotes: Quotes,
    pub(crate) notices: Vec<Notice>,
    /// Ascending.
    pub(crate) seen_fills: Vec<(VenueId, Side, FillId)>,
    pub(crate) day_ends: Timestamp,
    pub(crate) flattening: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StrategyCheckpoint {
    pub(crate) markets: Vec<MarketId>,
    pub(crate) warm_up_left: usize,
    pub(crate) flattening: bool,
    pub(crate) monitor: MonitorCheckpoint,
    pub(crate) version: u32,
    /// What the strategy saved; none if a panic poisoned it.
    pub(crate) state: Option<Vec<u8>>,
}

/// A checkpoint that does not fit the engine it is given to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// The markets differ, or their order does.
    #[error(
        "the checkpoint has the markets {found}, the configuration {expected}: \
         restore the old list, or close all orders and begin a new state directory",
        found = found.join(", "), expected = expected.join(", ")
    )]
    Markets {
        /// Those of the checkpoint.
        found: Vec<String>,
        /// Those of this engine.
        expected: Vec<String>,
    },
    /// Another number of strategies.
    #[error(
        "the checkpoint has {found} strategies, the configuration {expected}: their number and order must stay"
    )]
    Strategies {
        /// How many the checkpoint has.
        found: usize,
        /// How many this engine has.
        expected: usize,
    },
    /// A strategy trades other markets than before.
    #[error("strategy {strategy} traded the markets {found}, now it wants {expected}: its markets must stay")]
    StrategyMarkets {
        /// Number of the strategy, from zero.
        strategy: usize,
        /// Its markets in the checkpoint.
        found: String,
        /// Its markets now.
        expected: String,
    },
    /// A strategy cannot take up its state.
    #[error("strategy {strategy}: {error}")]
    State {
        /// Number of the strategy, from zero.
        strategy: usize,
        /// Why not.
        error: RestoreError,
    },
    /// The currencies of the ledger differ, or parts of the checkpoint contradict each other.
    #[error("the checkpoint does not fit this engine: {0}")]
    Inconsistent(&'static str),
}

impl Checkpoint {
    /// The time of the last event before it.
    pub fn time(&self) -> Timestamp {
        self.now
    }

    /// `venue:code` of every market, in the order of their ids.
    pub fn markets(&self) -> &[String] {
        &self.markets
    }

    /// Orders that are not final, ascending by id.
    pub fn open_orders(&self) -> &[OrderRecord] {
        &self.orders.live
    }

    /// The executions that have been counted, as far back as any read can show them again: venue, side and id,
    /// ascending; see `CountedFills`.
    pub fn counted_fills(&self) -> &[(VenueId, Side, FillId)] {
        &self.seen_fills
    }

    /// The checkpoint without what only strategies decide: their state, timers and desired sets. Two engines that took
    /// in the same events and decisions are equal in what remains, whether their strategies ran or not.
    #[must_use]
    pub fn without_strategies(mut self) -> Self {
        self.timers = Timers::default();
        self.quotes = Quotes::default();
        self.notices.clear();
        for strategy in &mut self.strategies {
            (strategy.version, strategy.state) = (0, None);
        }
        self
    }
}

impl Engine {
    /// Writes the whole state down. Between two steps only; it allocates.
    pub fn checkpoint(&self) -> Checkpoint {
        let core = &self.core;
        let strategies = self.slots.iter().zip(&core.strategies).zip(&core.monitors);
        let counted = core.markets.venues().map(|(venue, _)| venue).zip(&core.counted);
        let seen_fills =
            counted.flat_map(|(venue, counted)| counted.iter().map(move |(side, id)| (venue, side, id)));
        Checkpoint {
            now: core.now,
            begun: self.begun,
            markets: names(&core.markets),
            strategies: strategies
                .map(|((slot, facts), monitor)| StrategyCheckpoint {
                    markets: facts.markets.clone(),
                    warm_up_left: facts.warm_up_left,
                    flattening: facts.flattening,
                    monitor: monitor.checkpoint(),
                    version: slot.strategy.state_version(),
                    state: (!slot.poisoned).then(|| slot.strategy.save()),
                })
                .collect(),
            account: core.account.checkpoint(),
            orders: core.orders.checkpoint(),
            portfolio: core.portfolio.checkpoint(),
            views: core.views.iter().map(crate::market_view::MarketView::checkpoint).collect(),
            facts: core.facts.clone(),
            fingerprint: core.fingerprint.counter(),
            timers: core.timers.clone(),
            quotes: core.quotes.clone(),
            notices: core.notices.clone(),
            seen_fills: seen_fills.collect(),
            day_ends: core.day_ends,
            flattening: core.flattening,
        }
    }

    /// Takes up a whole state: [`restore_account`](Self::restore_account), then
    /// [`restore_strategies`](Self::restore_strategies). After an error the engine is of no use.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        self.restore_account(checkpoint)?;
        self.restore_strategies(checkpoint)
    }

    /// Takes up everything but what the strategies saved: orders, ledger, limits' memory, market views, timers.
    /// The engine must be freshly built from a setup with the same markets and strategies in the same order; limits may
    /// have changed.
    pub fn restore_account(&mut self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        self.check_fit(checkpoint)?;
        let core = &mut self.core;
        core.portfolio
            .restore(&checkpoint.portfolio)
            .ok_or(CheckpointError::Inconsistent("the currencies of the ledger differ"))?;
        core.account.restore(&checkpoint.account);
        for ((monitor, facts), saved) in
            core.monitors.iter_mut().zip(&mut core.strategies).zip(&checkpoint.strategies)
        {
            monitor.restore(&saved.monitor);
            (facts.warm_up_left, facts.flattening) = (saved.warm_up_left, saved.flattening);
        }
        for (view, saved) in core.views.iter_mut().zip(&checkpoint.views) {
            view.restore(saved);
        }
        core.orders.restore(&checkpoint.orders);
        for index in 0..core.orders.live().len() {
            let Some(record) = core.orders.live().get(index).copied() else { break };
            core.move_claim(&record, crate::orders::Claim::default(), record.claim());
        }
        core.now = checkpoint.now;
        core.facts = checkpoint.facts.clone();
        core.fingerprint = Fingerprint::from_counter(checkpoint.fingerprint);
        core.timers = checkpoint.timers.clone();
        core.quotes = checkpoint.quotes.clone();
        core.notices.clone_from(&checkpoint.notices);
        for (venue, side, id) in &checkpoint.seen_fills {
            if let Some(counted) = core.counted.get_mut(venue.index()) {
                counted.insert(*side, *id);
            }
        }
        core.day_ends = checkpoint.day_ends;
        core.flattening = checkpoint.flattening;
        core.look_for_due();
        core.due_moved = false;
        self.begun = checkpoint.begun;
        Ok(())
    }

    /// Lets every strategy take up what it saved. One that a panic had poisoned stays silent.
    pub fn restore_strategies(&mut self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        for (index, (slot, saved)) in self.slots.iter_mut().zip(&checkpoint.strategies).enumerate() {
            if let Some(state) = &saved.state {
                let result = slot.strategy.restore(saved.version, state);
                result.map_err(|error| CheckpointError::State { strategy: index, error })?;
            } else {
                (slot.poisoned, slot.silent) = (true, true);
            }
        }
        Ok(())
    }

    /// Prepares a restored engine for another session. What an earlier session knew of the world holds no longer: the
    /// environment must be confirmed, the account reconciled and the balances read anew. Timers and desired sets are
    /// gone, since [`start`](Self::start) lets strategies set them again; a rate without a source is the configured
    /// one again; warm-up begins anew; a poisoned
    /// strategy is called again, and stays halted until an operator resumes it. Orders, ledger and trading states stay.
    pub fn begin_session(&mut self) {
        let core = &mut self.core;
        core.facts.environment_confirmed = false;
        core.facts.clock_skew = pampero_model::Span::ZERO;
        core.facts.reconciled_until.fill(Timestamp::MIN);
        core.facts.balances_at.fill(Timestamp::MIN);
        core.timers = Timers::default();
        core.quotes = Quotes::default();
        core.notices.clear();
        core.facts.winding_down = false;
        core.portfolio.forget_untold_rates();
        for (slot, facts) in self.slots.iter_mut().zip(&mut core.strategies) {
            facts.warm_up_left = slot.strategy.requirements().warm_up;
            (slot.poisoned, slot.silent) = (false, false);
        }
        core.look_for_due();
    }

    fn check_fit(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let expected = names(&self.core.markets);
        if checkpoint.markets != expected {
            return Err(CheckpointError::Markets { found: checkpoint.markets.clone(), expected });
        }
        let (found, expected) = (checkpoint.strategies.len(), self.slots.len());
        if found != expected {
            return Err(CheckpointError::Strategies { found, expected });
        }
        let listed = |ids: &[MarketId]| {
            let name = |id: &MarketId| checkpoint.markets.get(id.index()).cloned().unwrap_or_default();
            ids.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        for (index, (saved, facts)) in checkpoint.strategies.iter().zip(&self.core.strategies).enumerate() {
            if saved.markets != facts.markets {
                let (found, expected) = (listed(&saved.markets), listed(&facts.markets));
                return Err(CheckpointError::StrategyMarkets { strategy: index, found, expected });
            }
        }
        let venues = self.core.facts.reconciled_until.len();
        let facts = &checkpoint.facts;
        if facts.reconciled_until.len() != venues || facts.balances_at.len() != venues {
            return Err(CheckpointError::Inconsistent("the number of venues differs"));
        }
        if checkpoint.views.len() != self.core.views.len() {
            return Err(CheckpointError::Inconsistent("the number of market views differs"));
        }
        let known = |id: StrategyId| id.index() < self.slots.len();
        let valid = checkpoint.orders.live.is_sorted_by(|a, b| a.id < b.id)
            && checkpoint.orders.live.iter().all(|order| {
                known(order.strategy)
                    && order.market.index() < self.core.views.len()
                    && order.id.0 < checkpoint.orders.next_id
                    && !order.state.is_final()
            });
        if valid { Ok(()) } else { Err(CheckpointError::Inconsistent("its open orders contradict it")) }
    }
}

fn names(markets: &Markets) -> Vec<String> {
    markets
        .iter()
        .map(|(id, market)| {
            let venue = markets.venue_of(id).and_then(|venue| markets.venue_name(venue)).unwrap_or_default();
            format!("{venue}:{}", market.code)
        })
        .collect()
}
