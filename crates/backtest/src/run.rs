//! The loop.

use pampero_engine::{
    Audit, Command, Control, Engine, EngineError, Event, EventKind, MarketView, Outputs, Owner, Setup,
};
use pampero_model::{Currency, MarketId, Span, Timestamp};
use pampero_venue::{HistoryVenue, SimSettings, VenueError};
use thiserror::Error;

use crate::feed::{Cursor, Feed, FeedData, Key, Phase};
use crate::outcome::{EquityPoint, FillRecord, Outcome};
use crate::rates::{RateHistory, Rates};
use crate::simulation::{Simulation, Witness, opening};

/// What is kept of a run beside its totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// Orders, fills and the equity curve.
    Everything,
    /// Totals only: for sweeps and benches.
    Totals,
}

/// A run to be made.
pub struct Backtest {
    /// Markets, strategies, limits and starting balances.
    pub setup: Setup,
    /// History. At equal times the feed named first comes first.
    pub feeds: Vec<Feed>,
    /// What currencies were worth over time, where no market says it. At equal times they come before the feeds.
    pub rates: Vec<RateHistory>,
    /// How the venue fills, how long requests take, and the seed of what is drawn.
    pub venue: SimSettings,
    /// Only what happens at or after this.
    pub from: Timestamp,
    /// Only what happens before this.
    pub to: Timestamp,
    /// What is kept.
    pub recording: Recording,
}

/// A range of time in words; nothing where it is without end on that side.
fn range(from: Timestamp, to: Timestamp) -> String {
    let from = if from == Timestamp::MIN { String::new() } else { format!(" from {from} on") };
    let to = if to == Timestamp::MAX { String::new() } else { format!(" before {to}") };
    from + &to
}

/// A run that cannot be made.
#[derive(Debug, Error)]
pub enum BacktestError {
    /// No feed has an observation in the range.
    #[error("there is no data{}", range(*from, *to))]
    NoData {
        /// Start of the range.
        from: Timestamp,
        /// End of the range.
        to: Timestamp,
    },
    /// A feed runs backwards.
    #[error("feed {feed} is not in time order at row {row}: {time} after {before}")]
    Disorder {
        /// Number of the feed, from one.
        feed: usize,
        /// Number of the row, from one.
        row: usize,
        /// Its time.
        time: Timestamp,
        /// The time before it.
        before: Timestamp,
    },
    /// A feed names a market that there is not.
    #[error("feed {0} belongs to no market of the setup")]
    UnknownMarket(usize),
    /// Candles without a span.
    #[error("feed {0} has candles whose span is not known")]
    NoSpan(usize),
    /// The engine refuses the setup.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The venue refuses the starting balances.
    #[error(transparent)]
    Venue(#[from] VenueError),
    /// The engine's ledger and the venue's account disagree: a defect, never the user's.
    #[error(
        "ledger and account disagree on {currency}: {ledger} against {account} units of 1e-8; please report this"
    )]
    LedgerMismatch {
        /// The currency.
        currency: Currency,
        /// What the engine counts.
        ledger: i128,
        /// What the venue counts.
        account: i128,
    },
}

/// Makes the run.
pub fn run(backtest: Backtest) -> Result<Outcome, BacktestError> {
    run_with_progress(backtest, &mut |_, _| {})
}

/// Makes the run and tells from time to time how many of how many observations are done.
pub fn run_with_progress(
    mut backtest: Backtest,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Outcome, BacktestError> {
    let feeds = std::mem::take(&mut backtest.feeds);
    let (mut runner, cursors) = Runner::new(backtest, &feeds)?;
    runner.replay(cursors, progress);
    runner.finish()
}

/// Observations between two calls of the progress function.
const PROGRESS_STEP: u64 = 1 << 16;
/// Most points of the equity curve of a run without candles.
const GRID_POINTS: i64 = 50_000;

struct Runner {
    simulation: Simulation,
    record: Record,
    rates: Rates,
    main_market: MarketId,
    range: (Timestamp, Timestamp),
    /// When the next point of the equity curve is due, and the distance between points.
    sample_at: Timestamp,
    sample_step: Span,
}

/// What is kept of the run.
struct Record {
    outcome: Outcome,
    everything: bool,
}

impl Witness for Record {
    #[inline]
    fn stepped(&mut self, _event: &Event<'_>, _engine: &Engine, out: &Outputs) {
        if !out.is_empty() {
            self.take(out);
        }
    }

    fn started(&mut self, _now: Timestamp, _engine: &Engine, out: &Outputs) {
        self.take(out);
    }
}

impl Record {
    #[inline(never)]
    fn take(&mut self, out: &Outputs) {
        for command in &out.commands {
            self.outcome.submitted += u64::from(matches!(command, Command::Place(_)));
        }
        for audit in &out.audit {
            match *audit {
                Audit::Denied { time, strategy, market, denied } => {
                    self.outcome.count_denial((time, strategy, market, denied));
                }
                Audit::Filled { fill, strategy, reason, mark } => {
                    self.outcome.fills.push(FillRecord { fill, strategy, reason, mark });
                }
                Audit::Closed(order) if self.everything => self.outcome.orders.push(order),
                Audit::State { time, strategy, state, reason } => {
                    self.outcome.states.push((time, strategy, state, reason));
                }
                Audit::Closed(_) | Audit::ForeignFill(_) => {}
            }
        }
    }
}

impl Runner {
    fn new(backtest: Backtest, feeds: &[Feed]) -> Result<(Self, Vec<Cursor<'_>>), BacktestError> {
        let Backtest { setup, feeds: _, rates, venue: settings, from, to, recording } = backtest;
        for (number, feed) in feeds.iter().enumerate() {
            check_feed(number + 1, feed, setup.markets.len())?;
        }
        let mut venue = HistoryVenue::new(&setup.markets, settings);
        for allocation in &setup.allocations {
            venue.deposit(allocation.venue, allocation.money)?;
        }
        let cursors: Vec<Cursor<'_>> =
            (0..).zip(feeds).map(|(number, feed)| Cursor::new(number, feed, from, to)).collect();
        let ranges = cursors.iter().filter_map(Cursor::range);
        let range = ranges.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)));
        let range = range.ok_or(BacktestError::NoData { from, to })?;
        let with_candles = cursors.iter().any(|cursor| matches!(cursor.feed.data, FeedData::Candles(_)));
        let step = range.1.since(range.0).as_nanos() / GRID_POINTS;
        let step =
            if with_candles { Span::from_nanos(1) } else { Span::from_nanos(step).max(Span::from_secs(1)) };
        let mut outcome = Outcome { range: Some(range), ..Outcome::default() };
        let everything = recording == Recording::Everything;
        if everything {
            let points = if with_candles { cursors.iter().map(Cursor::remaining).max() } else { None };
            outcome.equity.reserve_exact(points.unwrap_or(1_024) + 1);
        }
        let runner = Self {
            simulation: Simulation::new(Engine::new(setup)?, venue),
            record: Record { outcome, everything },
            rates: Rates::new(&rates, range.0),
            main_market: cursors.first().map_or(MarketId(0), |cursor| cursor.feed.market),
            range,
            sample_at: range.0,
            sample_step: step,
        };
        Ok((runner, cursors))
    }

    fn replay(&mut self, mut cursors: Vec<Cursor<'_>>, progress: &mut dyn FnMut(u64, u64)) {
        self.tell_rates(self.range.0);
        self.simulation.start(self.range.0, &mut self.record);
        let total: usize = cursors.iter().map(Cursor::remaining).sum();
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let mut report_at = PROGRESS_STEP;
        while let Some((cursor, rival)) = next_cursor(&mut cursors) {
            // The same feed goes on for as long as it comes before the others.
            while cursor.comes_before(rival) {
                if cursor.next >= self.rates.due {
                    self.tell_rates(cursor.next);
                }
                self.simulation.run_due(cursor.next, &mut self.record);
                self.observe(cursor);
                cursor.advance();
                if self.record.outcome.events >= report_at {
                    break;
                }
            }
            if self.record.outcome.events >= report_at {
                report_at = self.record.outcome.events + PROGRESS_STEP;
                progress(self.record.outcome.events, total);
            }
        }
        progress(self.record.outcome.events, total);
    }

    /// Tells the engine what currencies are worth up to an instant.
    #[cold]
    #[inline(never)]
    fn tell_rates(&mut self, now: Timestamp) {
        let Self { simulation, record, rates, .. } = self;
        while let Some((time, currency, rate)) = rates.pop(now) {
            simulation.run_due(time, record);
            simulation.tell(&Event { time, kind: EventKind::Rate { currency, rate } }, record);
        }
    }

    /// Shows one part of an observation to the venue and, when it is whole, to the engine.
    #[inline]
    fn observe(&mut self, cursor: &Cursor<'_>) {
        let (now, market, index) = (cursor.next, cursor.feed.market, cursor.index);
        let Self { simulation, record, .. } = self;
        let shown = match (&cursor.feed.data, cursor.phase) {
            (FeedData::Candles(series), Phase::Open) => {
                if let Some((open, volume)) = opening(series, index) {
                    simulation.candle_opens(now, market, open, volume, record);
                }
                return;
            }
            (FeedData::Candles(series), Phase::Whole) => {
                series.get(index).map(|candle| simulation.candle(now, market, candle, series.span(), record))
            }
            (FeedData::Trades(series), _) => {
                series.get(index).map(|trade| simulation.trade(now, market, trade, record))
            }
            (FeedData::Quotes(series), _) => {
                series.get(index).map(|(_, quote)| simulation.quote(now, market, quote, record))
            }
            (FeedData::Books(series), _) => {
                series.get(index).map(|(_, book)| simulation.book(now, market, book, record))
            }
        };
        if shown.is_some() {
            record.outcome.events += 1;
            if now >= self.sample_at {
                self.sample(now);
            }
        }
    }

    #[inline]
    fn sample(&mut self, now: Timestamp) {
        // Where totals are kept alone, the first point is all there is of the curve.
        self.sample_at = if self.record.everything { now.plus(self.sample_step) } else { Timestamp::MAX };
        let point = self.point(now);
        self.record.outcome.equity.push(point);
    }

    fn point(&self, time: Timestamp) -> EquityPoint {
        let engine = self.simulation.engine();
        let portfolio = engine.portfolio();
        let price = engine.view(self.main_market).map(MarketView::mark_price).unwrap_or_default();
        EquityPoint { time, equity: portfolio.equity(), exposure: portfolio.exposure(), price }
    }

    fn finish(mut self) -> Result<Outcome, BacktestError> {
        let now = self.range.1.max(self.simulation.engine().now());
        self.simulation.run_due(now, &mut self.record);
        let stop = Event { time: now, kind: EventKind::Control(Control::Stop) };
        self.simulation.tell(&stop, &mut self.record);
        // Reports that are still on their way belong to executions that have happened.
        self.simulation.settle_reports(&mut self.record);
        let last = self.point(now);
        let Self { simulation, record: Record { mut outcome, everything }, .. } = self;
        if outcome.equity.last().is_none_or(|point| point.time < now) {
            outcome.equity.push(last);
        } else if let Some(point) = outcome.equity.last_mut() {
            *point = last;
        }
        outcome.initial_equity = simulation.engine().starting_equity();
        outcome.final_equity = simulation.engine().portfolio().equity();
        if everything {
            outcome.orders.extend_from_slice(simulation.engine().open_orders());
        }
        outcome.denied.sort_by_key(|denial| denial.code);
        close_ledger(&simulation, &mut outcome)?;
        Ok(outcome)
    }
}

/// The engine's ledger must equal the venue's account to the last unit.
fn close_ledger(simulation: &Simulation, outcome: &mut Outcome) -> Result<(), BacktestError> {
    let portfolio = simulation.engine().portfolio();
    for (venue, currency, _) in portfolio.holdings(Owner::Unallocated) {
        let ledger = portfolio.account(venue, currency).total;
        let account = simulation.venue().balance(venue, currency).total;
        if ledger != account {
            return Err(BacktestError::LedgerMismatch { currency, ledger, account });
        }
        outcome.balances.push((venue, currency, ledger));
        let fees = simulation.venue().fees(venue, currency);
        if fees != 0 {
            outcome.fees.push((venue, currency, fees));
        }
    }
    Ok(())
}

/// The feed that comes next, with the key of the one after it; none at the end of all.
fn next_cursor<'c, 'f>(cursors: &'c mut [Cursor<'f>]) -> Option<(&'c mut Cursor<'f>, Key)> {
    let (mut first, mut rival) = (None, Key::END);
    for cursor in cursors {
        let key = cursor.key();
        match &first {
            Some((_, best)) if *best < key => rival = rival.min(key),
            _ => {
                if let Some((_, best)) = first.replace((cursor, key)) {
                    rival = rival.min(best);
                }
            }
        }
    }
    first.filter(|(_, key)| *key < Key::END).map(|(cursor, _)| (cursor, rival))
}

fn check_feed(number: usize, feed: &Feed, markets: usize) -> Result<(), BacktestError> {
    if feed.market.index() >= markets {
        return Err(BacktestError::UnknownMarket(number));
    }
    if let FeedData::Candles(series) = &feed.data
        && series.span() <= Span::ZERO
        && !series.is_empty()
    {
        return Err(BacktestError::NoSpan(number));
    }
    let times = feed.data.times();
    let backwards = times.windows(2).position(|pair| matches!(pair, [before, time] if time < before));
    match backwards.map(|row| (row, times.get(row), times.get(row + 1))) {
        Some((row, Some(before), Some(time))) => {
            Err(BacktestError::Disorder { feed: number, row: row + 2, time: *time, before: *before })
        }
        _ => Ok(()),
    }
}
