//! The loop.

use pampero_engine::{
    Audit, Command, Control, Engine, EngineError, Event, EventKind, MarketView, Outputs, Owner, Setup,
};
use pampero_model::{Cash, Currency, MarketId, OrderUpdate, Span, Timestamp, VenueId};
use pampero_venue::{HistoryVenue, SimSettings, VenueError};
use thiserror::Error;

use crate::feed::{Cursor, Feed, FeedData, Key, Phase};
use crate::outcome::{EquityPoint, FillRecord, Outcome};

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
    /// How the venue fills, how long requests take, and the seed of what is drawn.
    pub venue: SimSettings,
    /// Only what happens at or after this.
    pub from: Timestamp,
    /// Only what happens before this.
    pub to: Timestamp,
    /// What is kept.
    pub recording: Recording,
}

/// A run that cannot be made.
#[derive(Debug, Error)]
pub enum BacktestError {
    /// No feed has an observation in the range.
    #[error("there is no data between {from} and {to}")]
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
    runner.start();
    runner.replay(cursors, progress);
    runner.finish()
}

/// Observations between two calls of the progress function.
const PROGRESS_STEP: u64 = 1 << 16;
/// Most points of the equity curve of a run without candles.
const GRID_POINTS: i64 = 50_000;

struct Runner {
    engine: Engine,
    venue: HistoryVenue,
    main_market: MarketId,
    out: Outputs,
    outcome: Outcome,
    recording: Recording,
    range: (Timestamp, Timestamp),
    /// When the next point of the equity curve is due, and the distance between points.
    sample_at: Timestamp,
    sample_step: Span,
}

impl Runner {
    fn new(backtest: Backtest, feeds: &[Feed]) -> Result<(Self, Vec<Cursor<'_>>), BacktestError> {
        let Backtest { setup, feeds: _, venue: settings, from, to, recording } = backtest;
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
        if recording == Recording::Everything {
            let points = if with_candles { cursors.iter().map(Cursor::remaining).max() } else { None };
            outcome.equity.reserve_exact(points.unwrap_or(1_024) + 1);
        }
        let runner = Self {
            engine: Engine::new(setup)?,
            venue,
            main_market: cursors.first().map_or(MarketId(0), |cursor| cursor.feed.market),
            out: Outputs::default(),
            outcome,
            recording,
            range,
            sample_at: range.0,
            sample_step: step,
        };
        Ok((runner, cursors))
    }

    /// The facts of a simulated venue: confirmed, reconciled and fresh for ever.
    fn start(&mut self) {
        let now = self.range.0;
        self.step(&Event { time: now, kind: EventKind::EnvironmentConfirmed });
        let venues: Vec<VenueId> = self.engine.markets().venues().map(|(venue, _)| venue).collect();
        for venue in venues {
            let until = Timestamp::MAX;
            self.step(&Event { time: now, kind: EventKind::Reconciled { venue, until } });
            self.step(&Event { time: now, kind: EventKind::BalancesSeen { venue, at: until } });
        }
        self.engine.start(now, &mut self.out);
        self.carry_out(now);
    }

    fn replay(&mut self, mut cursors: Vec<Cursor<'_>>, progress: &mut dyn FnMut(u64, u64)) {
        let total: usize = cursors.iter().map(Cursor::remaining).sum();
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let mut report_at = PROGRESS_STEP;
        while let Some((cursor, rival)) = next_cursor(&mut cursors) {
            // The same feed goes on for as long as it comes before the others.
            while cursor.comes_before(rival) {
                self.run_due(cursor.next);
                self.observe(cursor);
                cursor.advance();
                if self.outcome.events >= report_at {
                    break;
                }
            }
            if self.outcome.events >= report_at {
                report_at = self.outcome.events + PROGRESS_STEP;
                progress(self.outcome.events, total);
            }
        }
        progress(self.outcome.events, total);
    }

    /// Requests that arrive, reports that return and timers that fire up to `now`, in time order.
    #[inline]
    fn run_due(&mut self, now: Timestamp) {
        loop {
            let (venue, timer) = (self.venue.next_due(), self.engine.next_timer());
            let due = venue.min(timer);
            if due > now {
                return;
            }
            let due = due.max(self.engine.now());
            if venue <= timer {
                self.exchange(due);
            } else {
                self.step(&Event { time: due, kind: EventKind::Timer });
                self.carry_out(due);
            }
        }
    }

    /// Shows one part of an observation to the venue and, when it is whole, to the engine.
    #[inline]
    fn observe(&mut self, cursor: &Cursor<'_>) {
        let (now, market, index) = (cursor.next, cursor.feed.market, cursor.index);
        match (&cursor.feed.data, cursor.phase) {
            (FeedData::Candles(series), Phase::Open) => {
                let price = series.opens.get(index).copied();
                let volume = series.volumes.get(index).copied();
                if let (Some(price), Some(volume)) = (price, volume) {
                    self.venue.on_candle_open(market, now, price, volume);
                    self.exchange(now);
                }
            }
            (FeedData::Candles(series), Phase::Whole) => {
                if let Some(candle) = series.get(index) {
                    let span = series.span();
                    self.venue.on_candle(market, &candle, span);
                    self.exchange(now);
                    self.show(&Event { time: now, kind: EventKind::Candle { market, span, candle } });
                }
            }
            (FeedData::Trades(series), _) => {
                if let Some(trade) = series.get(index) {
                    self.venue.on_trade(market, &trade);
                    self.exchange(now);
                    self.show(&Event { time: now, kind: EventKind::Trade { market, trade } });
                }
            }
            (FeedData::Quotes(series), _) => {
                if let Some((_, quote)) = series.get(index) {
                    self.venue.on_quote(market, now, &quote);
                    self.exchange(now);
                    self.show(&Event { time: now, kind: EventKind::Quote { market, quote } });
                }
            }
            (FeedData::Books(series), _) => {
                if let Some((_, book)) = series.get(index) {
                    self.venue.on_book(market, now, book);
                    self.exchange(now);
                    self.show(&Event { time: now, kind: EventKind::Book { market, book } });
                }
            }
        }
    }

    #[inline]
    fn show(&mut self, event: &Event<'_>) {
        self.outcome.events += 1;
        self.step(event);
        self.carry_out(event.time);
        if event.time >= self.sample_at {
            self.sample(event.time);
        }
    }

    #[inline]
    fn step(&mut self, event: &Event<'_>) {
        self.engine.step(event, &mut self.out);
    }

    /// Lets requests arrive and reports return until nothing more is due at `now`.
    #[inline]
    fn exchange(&mut self, now: Timestamp) {
        if self.venue.next_due() <= now {
            self.exchange_due(now);
        }
    }

    #[inline(never)]
    fn exchange_due(&mut self, now: Timestamp) {
        self.venue.advance(now);
        while let Some(update) = self.venue.next_report(now) {
            self.report(now, update);
            self.venue.advance(now);
        }
    }

    fn report(&mut self, now: Timestamp, update: OrderUpdate) {
        self.step(&Event { time: now, kind: EventKind::Order(update) });
        self.send(now);
    }

    /// Sends what the engine decided and lets what has no latency happen at once.
    #[inline]
    fn carry_out(&mut self, now: Timestamp) {
        if !self.out.is_empty() {
            self.send(now);
            self.exchange(now);
        }
    }

    #[inline(never)]
    fn send(&mut self, now: Timestamp) {
        for command in self.out.commands.drain(..) {
            match command {
                Command::Place(order) => {
                    self.outcome.submitted += 1;
                    self.venue.place(now, order.get());
                }
                Command::Cancel { order, .. } => self.venue.cancel(now, order),
                Command::CancelAll { .. } => {
                    let open: Vec<_> = self.venue.open_orders().map(|order| order.order.id).collect();
                    for order in open {
                        self.venue.cancel(now, order);
                    }
                }
            }
        }
        let everything = self.recording == Recording::Everything;
        for audit in self.out.audit.drain(..) {
            match audit {
                Audit::Denied { time, strategy, market, denied } => {
                    self.outcome.count_denial((time, strategy, market, denied));
                }
                Audit::Filled { fill, strategy, reason, mark } => {
                    self.outcome.fills.push(FillRecord { fill, strategy, reason, mark });
                }
                Audit::Closed(order) if everything => self.outcome.orders.push(order),
                Audit::State { time, strategy, state, reason } => {
                    self.outcome.states.push((time, strategy, state, reason));
                }
                Audit::Closed(_) | Audit::ForeignFill(_) => {}
            }
        }
    }

    #[inline]
    fn sample(&mut self, now: Timestamp) {
        // Where totals are kept alone, the first point is all there is of the curve.
        let more = self.recording == Recording::Everything;
        self.sample_at = if more { now.plus(self.sample_step) } else { Timestamp::MAX };
        let point = self.point(now);
        self.outcome.equity.push(point);
    }

    fn point(&self, time: Timestamp) -> EquityPoint {
        let portfolio = self.engine.portfolio();
        let price = self.engine.view(self.main_market).map(MarketView::mark_price).unwrap_or_default();
        EquityPoint { time, equity: portfolio.equity(), exposure: portfolio.exposure(), price }
    }

    fn finish(mut self) -> Result<Outcome, BacktestError> {
        let now = self.range.1.max(self.engine.now());
        self.run_due(now);
        self.step(&Event { time: now, kind: EventKind::Control(Control::Stop) });
        self.carry_out(now);
        // Reports that are still on their way belong to executions that have happened.
        self.settle_reports();
        let last = self.point(now);
        if self.outcome.equity.last().is_none_or(|point| point.time < now) {
            self.outcome.equity.push(last);
        } else if let Some(point) = self.outcome.equity.last_mut() {
            *point = last;
        }
        self.outcome.initial_equity = self.initial_equity();
        self.outcome.final_equity = self.engine.portfolio().equity();
        if self.recording == Recording::Everything {
            self.outcome.orders.extend_from_slice(self.engine.open_orders());
        }
        self.outcome.denied.sort_by_key(|denial| denial.code);
        self.close_ledger()?;
        Ok(self.outcome)
    }

    fn settle_reports(&mut self) {
        while self.venue.next_due() < Timestamp::MAX {
            let due = self.venue.next_due().max(self.engine.now());
            self.exchange(due);
        }
    }

    /// What the starting balances were worth at the first prices.
    fn initial_equity(&self) -> Cash {
        self.engine.starting_equity()
    }

    /// The engine's ledger must equal the venue's account to the last unit.
    fn close_ledger(&mut self) -> Result<(), BacktestError> {
        let portfolio = self.engine.portfolio();
        for (venue, currency, _) in portfolio.holdings(Owner::Unallocated) {
            let ledger = portfolio.account(venue, currency).total;
            let account = self.venue.balance(venue, currency).total;
            if ledger != account {
                return Err(BacktestError::LedgerMismatch { currency, ledger, account });
            }
            self.outcome.balances.push((venue, currency, ledger));
            let fees = self.venue.fees(venue, currency);
            if fees != 0 {
                self.outcome.fees.push((venue, currency, fees));
            }
        }
        Ok(())
    }
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
