//! Checks of a strategy that need nothing but the strategy and history: no look into the future, a warm-up that is long
//! enough, the same outcome twice.

mod poison;
mod warm_up;

use pampero_engine::{OrderRecord, OrderState};
use pampero_model::{Cash, OrderId, Price, Quantity, Timestamp};
use thiserror::Error;

use crate::feed::{Feed, FeedData};
use crate::outcome::Outcome;
use crate::run::{Backtest, BacktestError, Recording, run};
use warm_up::longer;

pub use poison::Poison;

/// Makes the run of a strategy anew, for other history: a check runs it many times. Feeds, range and recording of what
/// it makes are not looked at; the feeds are there for a strategy that is built from them.
pub type Rebuild<'a> = dyn Fn(&[Feed]) -> Result<Backtest, String> + 'a;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing wrong: so many orders were compared in so many runs.
    Passed {
        /// Orders of the run that the others were compared with.
        orders: usize,
        /// Runs that were made.
        runs: usize,
    },
    /// Something is wrong, and what, in words.
    Failed(String),
    /// There was nothing to check, and why.
    Nothing(String),
}

impl Verdict {
    /// Whether something is wrong.
    pub const fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// A check that could not be made.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The strategy could not be built.
    #[error("{0}")]
    Build(String),
    /// A run could not be made.
    #[error(transparent)]
    Run(#[from] BacktestError),
}

/// Most instants at which the future is replaced.
const CUTS: usize = 24;
/// Seeds of the garbage.
const POISONS: [u64; 2] = [1, 2];

fn outcome(rebuild: &Rebuild<'_>, feeds: &[Feed]) -> Result<Outcome, CheckError> {
    let mut backtest = rebuild(feeds).map_err(CheckError::Build)?;
    backtest.feeds = feeds.to_vec();
    (backtest.from, backtest.to) = (Timestamp::MIN, Timestamp::MAX);
    backtest.recording = Recording::Everything;
    Ok(run(backtest)?)
}

/// Whether an order depends on what nobody could know when it was asked for. At many instants, those of the orders
/// themselves among them, everything later is replaced by garbage: each order up to then must stay what it was. The
/// candle that begins at the instant of an order is later, but for its open.
pub fn check_lookahead(rebuild: &Rebuild<'_>, feeds: &[Feed]) -> Result<Verdict, CheckError> {
    let clean = asked(&outcome(rebuild, feeds)?);
    let cuts = cuts(&clean, feeds);
    if clean.is_empty() {
        return Ok(Verdict::Nothing("the strategy asked for no order on this data".to_owned()));
    }
    let mut runs = 1;
    for cut in cuts {
        let expected = until(&clean, cut);
        for seed in POISONS {
            let mut poison = Poison::new(seed);
            let poisoned: Vec<Feed> = feeds.iter().map(|feed| poison.feed(feed, cut)).collect();
            let found = asked(&outcome(rebuild, &poisoned)?);
            runs += 1;
            if let Some(text) = difference(expected, until(&found, cut)) {
                return Ok(Verdict::Failed(format!(
                    "a decision at {cut} or before depends on what came later: with another future, {text}"
                )));
            }
        }
    }
    Ok(Verdict::Passed { orders: clean.len(), runs })
}

/// Whether the outcome depends on history from before the declared warm-up. The strategy starts once with exactly its
/// warm-up before it and once with four times as much, and may trade from the same candle on: the orders must be the same.
pub fn check_warm_up(rebuild: &Rebuild<'_>, feeds: &[Feed]) -> Result<Verdict, CheckError> {
    let needed = {
        let backtest = rebuild(feeds).map_err(CheckError::Build)?;
        backtest
            .setup
            .strategies
            .iter()
            .map(|(strategy, _)| strategy.requirements().warm_up)
            .max()
            .unwrap_or(0)
    };
    let Some(FeedData::Candles(candles)) = feeds.iter().map(|feed| &feed.data).find(|data| is_candles(data))
    else {
        return Ok(Verdict::Nothing("a warm-up counts candles, and there are none in the data".to_owned()));
    };
    let extra = needed.saturating_mul(3).max(MORE_HISTORY);
    let start_of = |index: usize| candles.open_times.get(index).copied();
    let Some(short_start) = start_of(extra).filter(|_| candles.len() > extra.saturating_add(needed)) else {
        return Ok(Verdict::Nothing(format!(
            "the data has {} candles; comparing with more history than the warm-up of {needed} takes more than {}",
            candles.len(),
            extra.saturating_add(needed)
        )));
    };
    let since = |start| feeds.iter().map(|feed| feed.within(start, Timestamp::MAX)).collect::<Vec<Feed>>();
    let short = asked(&outcome(rebuild, &since(short_start))?);
    let with_more = |feeds: &[Feed]| {
        let mut backtest = rebuild(feeds)?;
        backtest.setup.strategies = longer(std::mem::take(&mut backtest.setup.strategies), extra);
        Ok(backtest)
    };
    let long = asked(&outcome(&with_more, feeds)?);
    if short.is_empty() && long.is_empty() {
        return Ok(Verdict::Nothing("the strategy asked for no order on this data".to_owned()));
    }
    Ok(match difference(&short, &long) {
        None => Verdict::Passed { orders: short.len(), runs: 2 },
        Some(text) => Verdict::Failed(format!(
            "with {extra} candles more than the declared warm-up of {needed} before the first order, {text}. Either the \
             warm-up is too short, or the strategy counts from when it was started"
        )),
    })
}

/// Candles of additional history for a strategy that declares no warm-up.
const MORE_HISTORY: usize = 50;

/// Whether two runs over the same history give the same outcome in every detail.
pub fn check_determinism(rebuild: &Rebuild<'_>, feeds: &[Feed]) -> Result<Verdict, CheckError> {
    let (first, second) = (outcome(rebuild, feeds)?, outcome(rebuild, feeds)?);
    Ok(match difference(&asked(&first), &asked(&second)) {
        Some(text) => Verdict::Failed(format!("two runs over the same data differ: {text}")),
        None if first != second => Verdict::Failed(
            "two runs over the same data asked for the same orders and ended differently".to_owned(),
        ),
        None => Verdict::Passed { orders: first.orders.len(), runs: 2 },
    })
}

fn is_candles(data: &FeedData) -> bool {
    matches!(data, FeedData::Candles(_))
}

/// Instants spread over the orders, and over the history between them: an order that is missing has no instant.
fn cuts(orders: &[OrderRecord], feeds: &[Feed]) -> Vec<Timestamp> {
    let mut cuts: Vec<Timestamp> = spread(orders.iter().map(|order| order.created_at), CUTS / 2).collect();
    if let Some(feed) = feeds.first() {
        let times = feed.data.times();
        cuts.extend(spread(times.iter().copied(), CUTS / 2));
    }
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// At most so many of a list, evenly spread.
fn spread<T>(list: impl ExactSizeIterator<Item = T>, most: usize) -> impl Iterator<Item = T> {
    let step = list.len().div_ceil(most.max(1)).max(1);
    list.step_by(step)
}

/// The orders as they were asked for, without their fate, which may lie in the future, and without what counts orders.
fn asked(outcome: &Outcome) -> Vec<OrderRecord> {
    let mut orders = outcome.orders.clone();
    orders.sort_unstable_by_key(|order| order.id);
    for order in &mut orders {
        order.id = OrderId(0);
        order.sent_price = Price::ZERO;
        order.state = OrderState::Submitted;
        (order.filled_base, order.filled_quote) = (Quantity::ZERO, Cash::ZERO);
        (order.cancel_wanted, order.observed, order.venue_order) = (false, false, None);
        order.updated_at = order.created_at;
    }
    orders
}

/// Those asked for up to an instant.
fn until(orders: &[OrderRecord], now: Timestamp) -> &[OrderRecord] {
    let end = orders.partition_point(|order| order.created_at <= now);
    orders.get(..end).unwrap_or(orders)
}

/// The first difference of two lists of orders, in words.
fn difference(left: &[OrderRecord], right: &[OrderRecord]) -> Option<String> {
    let length = left.len().max(right.len());
    let index = (0..length).find(|index| left.get(*index) != right.get(*index))?;
    let show = |order: Option<&OrderRecord>| match order {
        None => "no order".to_owned(),
        Some(order) => {
            let OrderRecord { created_at, side, size, price, reason, .. } = order;
            format!("`{created_at} {side} {size} at {price} ({reason})`")
        }
    };
    Some(format!("order {} is {} instead of {}", index + 1, show(right.get(index)), show(left.get(index))))
}
