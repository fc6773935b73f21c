//! The recorder: books and trades of markets into the catalogue, without a key.

use std::collections::BTreeMap;
use std::sync::Arc;

use pampero_exchange::{Error, Exchange};
use pampero_model::{BookSeries, BookSnapshot, MarketId, OrderBook, Side, Span, Timestamp, Trade};
use pampero_store::{Catalog, DataError, Kind, Series, SeriesKey};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::desk::{Desk, FeedSettings, Watch};
use super::fetch::store_trades;
use super::news::News;
use super::run::{Clock, FeedMessage, duration, run};
use super::tape::FARTHEST;

/// What is recorded, and how often it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSettings {
    /// Codes of the markets.
    pub markets: Vec<String>,
    /// How often they are asked.
    pub feed: FeedSettings,
    /// Time between two writes: what a power failure may cost of the books. Trades are asked for again after it.
    pub flush_every: Span,
    /// A book that does not change is recorded again after so long, so that it can be told from one that was not seen.
    pub repeat_after: Span,
    /// Levels a side; all of them if not given.
    pub depth: Option<usize>,
    /// Levels held in memory, over all markets; more are written before their time.
    pub most_levels: usize,
}

impl Default for RecordSettings {
    fn default() -> Self {
        Self {
            markets: Vec::new(),
            feed: FeedSettings::default(),
            flush_every: Span::from_minutes(5),
            repeat_after: Span::from_secs(60),
            depth: None,
            most_levels: 1_000_000,
        }
    }
}

/// What a recorder says while it works.
#[derive(Clone, Debug)]
pub enum RecordProgress {
    /// Everything seen so far is on disk.
    Written(RecordSummary),
    /// A request failed; it is tried again.
    Failed {
        /// Code of the market.
        market: String,
        /// Why.
        error: Error,
    },
    /// Trades are missing for good.
    Gap {
        /// Code of the market.
        market: String,
        /// Until here everything is recorded.
        from: Timestamp,
        /// From here on again.
        to: Timestamp,
    },
    /// Nothing good was heard of a market for a while.
    Stale {
        /// Code of the market.
        market: String,
    },
    /// It could not be written; it is kept in memory and tried again.
    NotWritten(Arc<DataError>),
}

/// What a recorder has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordSummary {
    /// Books, repetitions included.
    pub books: u64,
    /// Levels of these books.
    pub levels: u64,
    /// Trades that the catalogue did not hold before.
    pub trades: u64,
    /// Gaps that were named.
    pub gaps: u64,
}

/// Why a recorder ends before it is told to.
#[derive(Debug, Error)]
pub enum RecordError {
    /// There is nothing to record.
    #[error("no market to record: name at least one, such as btc_ars")]
    NoMarkets,
    /// The catalogue cannot be written, and the memory allowed is full.
    #[error("what was recorded cannot be written: {0}")]
    Store(Arc<DataError>),
}

/// Records until `shutdown`, then writes what is left.
///
/// It begins with the trades of the last day, so that a break of less than a day loses none. Books go to files of
/// their own beside the day's ([`Catalog::append`]), trades into the day's file, each whole or not at all, so that it
/// may be killed at any moment; days that are over are put together. Run one recorder for a catalogue.
///
/// # Errors
/// [`RecordError`]; requests that fail are told through `progress` and tried again.
pub async fn record(
    exchange: Arc<dyn Exchange>,
    catalog: &Catalog,
    settings: &RecordSettings,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send,
    mut progress: impl FnMut(RecordProgress) + Send,
) -> Result<RecordSummary, RecordError> {
    if settings.markets.is_empty() {
        return Err(RecordError::NoMarkets);
    }
    let mut tape = Recorder::new(exchange.venue(), catalog, settings);
    tokio::pin!(shutdown);
    let desk = tokio::select! {
        biased;
        () = &mut shutdown => return Ok(tape.summary),
        desk = tape.catch_up(exchange.as_ref(), &clock, &mut progress) => desk,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let (sender, mut messages) = mpsc::channel(64);
    let (own, nothing) = watch::channel(Vec::new());
    let until_stop = async move {
        // Dropped or told: either ends the feed.
        let _ = stopped.await;
    };
    let feed = tokio::spawn(run(exchange, desk, Arc::clone(&clock), nothing, sender, until_stop));
    let every = duration(settings.flush_every);
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = Some(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown, if stop.is_some() => drop(stop.take()),
            _ = ticks.tick() => tape.flush(clock(), &mut progress).await?,
            message = messages.recv() => match message {
                Some(message) => {
                    tape.take(message, &mut progress);
                    if tape.is_full() {
                        tape.flush(clock(), &mut progress).await?;
                    }
                }
                None => break,
            },
        }
    }
    drop((own, feed));
    tape.flush(clock(), &mut progress).await?;
    match tape.failed {
        Some(error) => Err(RecordError::Store(error)),
        None => Ok(tape.summary),
    }
}

/// What one market has seen since the last write.
#[derive(Debug, Default)]
struct Reel {
    code: String,
    books: BookSeries,
    trades: Vec<Trade>,
    /// When a book was recorded last.
    book_at: Option<Timestamp>,
}

struct Recorder<'a> {
    venue: String,
    catalog: &'a Catalog,
    settings: &'a RecordSettings,
    reels: BTreeMap<MarketId, Reel>,
    /// Levels in memory.
    levels: usize,
    summary: RecordSummary,
    /// Why the last write failed.
    failed: Option<Arc<DataError>>,
}

impl<'a> Recorder<'a> {
    fn new(venue: &str, catalog: &'a Catalog, settings: &'a RecordSettings) -> Self {
        let reel =
            |(id, code): (u16, &String)| (MarketId(id), Reel { code: code.clone(), ..Reel::default() });
        Self {
            venue: venue.to_owned(),
            catalog,
            settings,
            reels: (0..).zip(&settings.markets).map(reel).collect(),
            levels: 0,
            summary: RecordSummary::default(),
            failed: None,
        }
    }

    /// A desk that goes on from the trades of the last day, where they can be had.
    async fn catch_up(
        &mut self,
        exchange: &dyn Exchange,
        clock: &Clock,
        progress: &mut impl FnMut(RecordProgress),
    ) -> Desk {
        let watch = |(id, reel): (&MarketId, &Reel)| Watch {
            market: *id,
            code: reel.code.clone(),
            spans: Vec::new(),
        };
        let mut desk = Desk::new(self.settings.feed.clone(), self.reels.iter().map(watch));
        for (id, reel) in &mut self.reels {
            let asked = clock();
            match exchange.trades(&reel.code, FARTHEST).await {
                Ok(trades) => {
                    desk.resume(*id, trades.iter().copied(), asked);
                    reel.trades.extend(trades);
                }
                // The feed begins with what its first answer shows.
                Err(error) => progress(RecordProgress::Failed { market: reel.code.clone(), error }),
            }
        }
        desk
    }

    fn is_full(&self) -> bool {
        self.levels >= self.settings.most_levels
    }

    fn take(&mut self, message: FeedMessage, progress: &mut impl FnMut(RecordProgress)) {
        let code = |id: MarketId, reels: &BTreeMap<MarketId, Reel>| {
            reels.get(&id).map(|reel| reel.code.clone()).unwrap_or_default()
        };
        if let (Some(id), Some(error)) = (message.market, message.error) {
            progress(RecordProgress::Failed { market: code(id, &self.reels), error });
        }
        for news in message.news {
            match news {
                News::Trade { market, trade, .. } => {
                    if let Some(reel) = self.reels.get_mut(&market) {
                        reel.trades.push(trade);
                    }
                }
                News::Book { market, book, changed } => self.take_book(market, message.at, &book, changed),
                News::Gap { market, from, to } => {
                    self.summary.gaps += 1;
                    progress(RecordProgress::Gap { market: code(market, &self.reels), from, to });
                }
                News::Stale { market, .. } => {
                    progress(RecordProgress::Stale { market: code(market, &self.reels) });
                }
                _ => {}
            }
        }
    }

    fn take_book(&mut self, market: MarketId, at: Timestamp, book: &OrderBook, changed: bool) {
        let Some(reel) = self.reels.get_mut(&market) else { return };
        let is_due = reel.book_at.is_none_or(|last| at.since(last) >= self.settings.repeat_after);
        // A clock that was set back must not make two books of one time.
        if !(changed || is_due) || reel.book_at.is_some_and(|last| at <= last) {
            return;
        }
        let depth = self.settings.depth.unwrap_or(usize::MAX);
        let top = |side| {
            let levels = book.levels(side);
            levels.get(..depth).unwrap_or(levels)
        };
        let seen = BookSnapshot { bids: top(Side::Buy), asks: top(Side::Sell) };
        self.levels += (seen.bids.len() + seen.asks.len()).max(1);
        reel.books.push(at, seen);
        reel.book_at = Some(at);
    }

    /// Writes everything. What cannot be written stays, unless there is no more room for it.
    async fn flush(
        &mut self,
        now: Timestamp,
        progress: &mut impl FnMut(RecordProgress),
    ) -> Result<(), RecordError> {
        let reels = std::mem::take(&mut self.reels);
        let (catalog, venue) = (self.catalog.clone(), self.venue.clone());
        let written = tokio::task::spawn_blocking(move || {
            let mut reels = reels;
            let written = write_all(&catalog, &venue, now, &mut reels);
            (reels, written)
        });
        let (reels, (summary, result)) = match written.await {
            Ok(written) => written,
            Err(failed) => {
                let error = DataError::Request(format!("the writer ended by itself: {failed}"));
                return Err(RecordError::Store(Arc::new(error)));
            }
        };
        self.reels = reels;
        self.levels = self.levels.saturating_sub(usize::try_from(summary.levels).unwrap_or(usize::MAX));
        self.summary.books += summary.books;
        self.summary.levels += summary.levels;
        self.summary.trades += summary.trades;
        self.failed = result.err().map(Arc::new);
        match &self.failed {
            None => progress(RecordProgress::Written(self.summary)),
            Some(error) if self.is_full() => return Err(RecordError::Store(Arc::clone(error))),
            Some(error) => progress(RecordProgress::NotWritten(Arc::clone(error))),
        }
        Ok(())
    }
}

/// Writes and empties every reel; stops at the first that cannot be written.
fn write_all(
    catalog: &Catalog,
    venue: &str,
    now: Timestamp,
    reels: &mut BTreeMap<MarketId, Reel>,
) -> (RecordSummary, Result<(), DataError>) {
    let mut summary = RecordSummary::default();
    let mut write = || -> Result<(), DataError> {
        for reel in reels.values_mut() {
            if !reel.trades.is_empty() {
                summary.trades += store_trades(catalog, venue, &reel.code, &reel.trades)?;
                reel.trades.clear();
            }
            let key = SeriesKey {
                venue: venue.to_owned(),
                market: reel.code.clone(),
                kind: Kind::Books,
                span: Span::ZERO,
            };
            if !reel.books.is_empty() {
                let series = Series::Books(std::mem::take(&mut reel.books));
                let written = catalog.append(&key, &series);
                let Series::Books(books) = series else { continue };
                if let Err(error) = written {
                    reel.books = books;
                    return Err(error);
                }
                let each = (0..books.len()).filter_map(|index| books.get(index));
                let levels: usize = each.map(|(_, book)| (book.bids.len() + book.asks.len()).max(1)).sum();
                summary.books += books.len() as u64;
                summary.levels += levels as u64;
            }
            catalog.compact(&key, now)?;
        }
        Ok(())
    };
    let result = write();
    (summary, result)
}
