//! What is asked when, and what of an answer is news. No clock, no network, no thread.

use std::collections::BTreeMap;
use std::sync::Arc;

use pampero_exchange::{Error, MarketSnapshot};
use pampero_model::{Candle, MarketId, OrderBook, Span, Timestamp, Trade};

use super::candles::CandleMaker;
use super::news::{News, OwnOrder, without_own};
use super::pace::Pace;
use super::tape::Tape;

/// How often markets are asked, and what counts as stale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// The shortest time between two polls of one market.
    pub fastest: Span,
    /// The longest, where nothing happens.
    pub slowest: Span,
    /// The longest while own orders rest in the market.
    pub slowest_with_orders: Span,
    /// Between two polls of whatever market: the share of the request budget. The exchange's five requests a second
    /// are for everything; market data is guaranteed one.
    pub spacing: Span,
    /// Data is stale without a good answer for so long.
    pub stale_after: Span,
    /// The longest wait after errors.
    pub longest_back_off: Span,
    /// How long after the end of a bucket its last trade may show up; the poll that closes it is asked for then.
    pub settle: Span,
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self {
            fastest: Span::from_secs(1),
            slowest: Span::from_secs(5),
            slowest_with_orders: Span::from_secs(2),
            spacing: Span::from_secs(1),
            stale_after: Span::from_secs(15),
            longest_back_off: Span::from_secs(30),
            settle: Span::from_secs(1),
        }
    }
}

/// A market to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Its id in the news.
    pub market: MarketId,
    /// The exchange's code of it.
    pub code: String,
    /// Spans of the candles to make.
    pub spans: Vec<Span>,
}

/// What to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Book and trades of the last hour, in one request.
    Snapshot,
    /// Trades of the last so many hours.
    Trades {
        /// At most 24.
        hours: u32,
    },
}

/// A request to carry out, with market data's priority. Its answer goes to [`Desk::answer`], whatever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// The market.
    pub market: MarketId,
    /// The exchange's code of it.
    pub code: String,
    /// What to ask for.
    pub ask: Ask,
    /// When it was asked.
    pub asked: Timestamp,
    number: u64,
}

/// One market on the desk.
#[derive(Debug)]
struct Market {
    code: String,
    pace: Pace,
    tape: Tape,
    makers: Vec<CandleMaker>,
    /// As told last.
    book: Option<Arc<OrderBook>>,
    /// Number of the poll whose book was told last.
    book_of: u64,
    /// Answers in a row that were older than what is known.
    outdated: u32,
    in_flight: bool,
    good_at: Option<Timestamp>,
    /// Since when it is watched, for staleness before the first answer.
    since: Option<Timestamp>,
    stale: bool,
}

/// Decides what is asked when, and what of an answer is news.
///
/// ```
/// use pampero_exchange::MarketSnapshot;
/// use pampero_model::{MarketId, Timestamp};
/// use pampero_runtime::feed::{Desk, FeedSettings, News, Watch};
/// let watch = Watch { market: MarketId(0), code: "btc_ars".to_owned(), spans: Vec::new() };
/// let mut desk = Desk::new(FeedSettings::default(), [watch]);
/// let now = Timestamp::from_secs(1_700_000_000);
/// let poll = desk.due(now).unwrap();
/// assert_eq!(desk.due(now), None);
/// let news = desk.answer(now, &poll, Ok(MarketSnapshot::default()), &[]);
/// assert!(matches!(&news[..], [News::Book { changed: true, .. }]));
/// ```
#[derive(Debug)]
pub struct Desk {
    settings: FeedSettings,
    markets: BTreeMap<MarketId, Market>,
    /// When the next poll may go.
    slot: Timestamp,
    polls: u64,
    /// The largest lag of the local clock that was told.
    behind: Span,
}

/// After so many answers in a row that seem older than what is known, the knowledge gives way.
const OUTDATED_AT_MOST: u32 = 5;

impl Desk {
    /// A desk that watches some markets.
    pub fn new(settings: FeedSettings, watches: impl IntoIterator<Item = Watch>) -> Self {
        let market = |watch: Watch| {
            let market = Market {
                code: watch.code,
                pace: Pace::new(&settings),
                tape: Tape::default(),
                makers: watch.spans.into_iter().map(CandleMaker::new).collect(),
                book: None,
                book_of: 0,
                outdated: 0,
                in_flight: false,
                good_at: None,
                since: None,
                stale: false,
            };
            (watch.market, market)
        };
        let markets = watches.into_iter().map(market).collect();
        Self { markets, settings, slot: Timestamp::MIN, polls: 0, behind: Span::ZERO }
    }

    /// Goes on after trades that are known already, complete up to `covered`: those of a warm-up, or the last one of
    /// an earlier session. What happened since is then told as new.
    pub fn resume(&mut self, market: MarketId, trades: impl IntoIterator<Item = Trade>, covered: Timestamp) {
        if let Some(market) = self.markets.get_mut(&market) {
            market.tape.prime(trades, covered);
            for maker in &mut market.makers {
                maker.begin(covered, covered);
            }
        }
    }

    /// Goes on with a candle that is made in part, of the trades given to [`Desk::resume`] and of what came before.
    /// `whole` says that nothing of its bucket is missing up to `at`; otherwise the first candle told is the next.
    pub fn resume_candle(
        &mut self,
        market: MarketId,
        span: Span,
        at: Timestamp,
        open: Option<&Candle>,
        whole: bool,
    ) {
        let makers = self.markets.get_mut(&market).map(|market| market.makers.iter_mut());
        for maker in makers.into_iter().flatten().filter(|maker| maker.span() == span) {
            maker.resume(at, open, whole);
        }
    }

    /// When [`Desk::due`] or [`Desk::lapse`] next have something to say; nothing while all depends on answers.
    pub fn next_due(&self) -> Option<Timestamp> {
        let polls = self.markets.values().filter(|market| !market.in_flight);
        let poll = polls.map(|market| market.pace.due().max(self.slot)).min();
        let lapses = self.markets.values().filter(|market| !market.stale);
        let lapse = lapses.filter_map(Market::last_sign).min();
        poll.into_iter().chain(lapse.map(|at| at.plus(self.settings.stale_after))).min()
    }

    /// The poll that is due now. One market has one poll under way at most.
    pub fn due(&mut self, now: Timestamp) -> Option<Poll> {
        self.believe(now);
        if now < self.slot {
            return None;
        }
        let ready = self.markets.iter_mut().filter(|(_, market)| !market.in_flight);
        let (id, market) = ready.min_by_key(|(_, market)| market.pace.due())?;
        if market.pace.due() > now {
            return None;
        }
        self.polls += 1;
        self.slot = now.plus(self.settings.spacing);
        market.in_flight = true;
        market.since.get_or_insert(now);
        let ask = market.tape.wanted().map_or(Ask::Snapshot, |hours| Ask::Trades { hours });
        Some(Poll { market: *id, code: market.code.clone(), ask, asked: now, number: self.polls })
    }

    /// What an answer tells. The answer to [`Ask::Trades`] is a snapshot of trades alone. `own` are the own orders
    /// on the exchange's books.
    pub fn answer(
        &mut self,
        now: Timestamp,
        poll: &Poll,
        answer: Result<MarketSnapshot, Error>,
        own: &[OwnOrder],
    ) -> Vec<News> {
        let Some(market) = self.markets.get_mut(&poll.market) else { return Vec::new() };
        market.in_flight = false;
        let snapshot = match answer {
            Ok(snapshot) => snapshot,
            Err(error) => {
                market.failed(&self.settings, now, poll);
                if let Error::RateLimited { retry_after } = error {
                    let wait = retry_after.and_then(|wait| i64::try_from(wait.as_nanos()).ok());
                    let wait = wait.map_or(Span::ZERO, Span::from_nanos).min(self.settings.longest_back_off);
                    self.slot = self.slot.max(now.plus(wait));
                }
                return Vec::new();
            }
        };
        let mut news = Vec::new();
        let latest = snapshot.trades.iter().map(|trade| trade.time).max();
        if let Some(lead) = latest.map(|time| time.since(now)).filter(|lead| *lead > self.behind) {
            self.behind = lead;
            news.push(News::ClockBehind(lead));
        }
        market.good(&self.settings, now, poll, &snapshot, own, &mut news);
        news
    }

    /// Markets of which nothing good was heard for too long.
    pub fn lapse(&mut self, now: Timestamp) -> Vec<News> {
        let limit = self.settings.stale_after;
        let mut news = Vec::new();
        for (id, market) in self.markets.iter_mut().filter(|(_, market)| !market.stale) {
            if market.last_sign().is_some_and(|sign| now >= sign.plus(limit)) {
                market.stale = true;
                news.push(News::Stale { market: *id, since: market.good_at });
            }
        }
        news
    }

    /// Own orders came to a market: it is asked soon.
    pub fn hurry(&mut self, market: MarketId, now: Timestamp) {
        let at = now.plus(self.settings.fastest);
        if let Some(market) = self.markets.get_mut(&market) {
            market.pace.no_later_than(at);
        }
    }

    /// A clock that was set back must not silence the feed.
    fn believe(&mut self, now: Timestamp) {
        let farthest = now.plus(self.settings.longest_back_off.max(self.settings.slowest));
        self.slot = self.slot.min(farthest);
        for market in self.markets.values_mut() {
            market.pace.no_later_than(farthest);
            market.good_at = market.good_at.map(|at| at.min(now));
            market.since = market.since.map(|at| at.min(now));
        }
    }
}

impl Market {
    /// The last good answer, or when the first poll went.
    fn last_sign(&self) -> Option<Timestamp> {
        self.good_at.or(self.since)
    }

    fn failed(&mut self, settings: &FeedSettings, now: Timestamp, poll: &Poll) {
        self.pace.failed(settings, now);
        if matches!(poll.ask, Ask::Trades { .. }) {
            self.tape.wide_failed();
        }
    }

    fn good(
        &mut self,
        settings: &FeedSettings,
        now: Timestamp,
        poll: &Poll,
        snapshot: &MarketSnapshot,
        own: &[OwnOrder],
        news: &mut Vec<News>,
    ) {
        let id = poll.market;
        if std::mem::take(&mut self.stale) {
            news.push(News::Fresh { market: id });
        }
        self.good_at = Some(now);
        let before = news.len();
        let outdated = self.read_tape(settings, poll, snapshot, news);
        let mut changed = news.len() > before;
        if poll.ask == Ask::Snapshot && poll.number > self.book_of && !outdated {
            self.book_of = poll.number;
            changed |= self.read_book(id, snapshot, own, news);
        }
        self.pace.answered(settings, poll.asked, changed, own.iter().any(|order| order.market == id));
        if self.tape.wanted().is_some() {
            self.pace.no_later_than(now);
        }
        if let Some(end) = self.next_bucket_end(poll.asked.minus(settings.settle)) {
            self.pace.no_later_than(end.plus(settings.settle).max(now));
        }
    }

    /// Tells trades, gaps and candles. Gives whether the answer is older than what is known.
    fn read_tape(
        &mut self,
        settings: &FeedSettings,
        poll: &Poll,
        snapshot: &MarketSnapshot,
        news: &mut Vec<News>,
    ) -> bool {
        let Self { tape, makers, .. } = self;
        let market = poll.market;
        let hours = if let Ask::Trades { hours } = poll.ask { hours } else { 1 };
        let reading = tape.read(poll.asked, hours, &snapshot.trades);
        if let Some(reach) = reading.first {
            for maker in makers.iter_mut() {
                maker.begin(poll.asked, reach);
            }
        }
        if let Some((from, to)) = reading.gap {
            close(makers, market, from, news);
            for maker in makers.iter_mut() {
                maker.gap(to);
            }
            news.push(News::Gap { market, from, to });
        }
        for (trade, standing) in reading.trades {
            close(makers, market, trade.time, news);
            for maker in makers.iter_mut() {
                maker.add(&trade);
            }
            news.push(News::Trade { market, trade, standing });
        }
        // While trades are held back, nothing is covered that was not before.
        if let Some(covered) = tape.covered() {
            close(makers, market, covered.minus(settings.settle), news);
        }
        self.outdated = if reading.outdated { self.outdated + 1 } else { 0 };
        (1..=OUTDATED_AT_MOST).contains(&self.outdated)
    }

    /// Tells the book. Gives whether it changed.
    fn read_book(
        &mut self,
        market: MarketId,
        snapshot: &MarketSnapshot,
        own: &[OwnOrder],
        news: &mut Vec<News>,
    ) -> bool {
        let own = own.iter().copied().filter(|order| order.market == market);
        let book = without_own(&snapshot.book, own);
        let same = self.book.take().filter(|told| **told == book);
        let changed = same.is_none();
        let book = same.unwrap_or_else(|| Arc::new(book));
        self.book = Some(Arc::clone(&book));
        news.push(News::Book { market, book, changed });
        changed
    }

    /// When the next bucket of any span ends.
    fn next_bucket_end(&self, after: Timestamp) -> Option<Timestamp> {
        self.makers.iter().map(|maker| after.floor_to(maker.span()).plus(maker.span())).min()
    }
}

/// Closes every bucket that is over at `until`.
fn close(makers: &mut [CandleMaker], market: MarketId, until: Timestamp, news: &mut Vec<News>) {
    for maker in makers {
        let span = maker.span();
        maker.close_until(until, |candle| news.push(News::Candle { market, span, candle }));
    }
}
