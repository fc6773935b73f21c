//! The history that a strategy wants before its first event.

use pampero_exchange::{CandleQuery, Error, Exchange};
use pampero_model::{Candle, CandleAggregator, EmptyBuckets, MarketId, Span, Timestamp, Trade};

use super::desk::Desk;
use super::run::Clock;
use super::tape::FARTHEST;

/// History of one market up to an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Everything that happened up to here is in it.
    pub at: Timestamp,
    /// Trades of the last day, oldest first.
    pub trades: Vec<Trade>,
    /// Candles by the span that was asked for.
    pub candles: Vec<SpanHistory>,
}

/// Candles of one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanHistory {
    /// How long each lasts.
    pub span: Span,
    /// Closed candles, oldest first, as many as were asked for or as there are.
    pub closed: Vec<Candle>,
    /// The bucket that is open at [`History::at`], if anything was traded in it.
    pub open: Option<Candle>,
    /// Whether nothing is missing in the open bucket.
    pub whole: bool,
}

impl History {
    /// Makes a desk go on from here: the trades are known, and the first candle told has all of its trades.
    pub fn hand_over(&self, desk: &mut Desk, market: MarketId) {
        desk.resume(market, self.trades.iter().copied(), self.at);
        for candles in &self.candles {
            desk.resume_candle(market, candles.span, self.at, candles.open.as_ref(), candles.whole);
        }
    }
}

const HOUR: Span = Span::from_hours(1);
/// What the list of trades is not trusted to reach back to.
const MARGIN: Span = Span::from_minutes(2);
/// The longest history that is asked for: its hourly candles fit into one answer.
const MOST_DAYS: i64 = 1_000;

/// Fetches `count` closed candles of each span, and the open one, of a market.
///
/// Spans of whole hours come from the exchange's candles; others are made of its trades, which reach back a day at
/// most, so that there may be fewer than asked for. Buckets without trades are left out, as everywhere.
///
/// # Errors
/// The first read that failed; nothing is repeated.
pub async fn warm_up(
    exchange: &dyn Exchange,
    code: &str,
    wants: &[(Span, usize)],
    clock: &Clock,
) -> Result<History, Error> {
    let at = clock();
    let mut trades = exchange.trades(code, FARTHEST).await?;
    trades.retain(|trade| trade.time <= at);
    trades.sort_by_key(|trade| trade.id);
    trades.dedup_by_key(|trade| trade.id);
    let from = at.minus(Span::from_hours(FARTHEST.into())).plus(MARGIN);
    let mut candles = Vec::with_capacity(wants.len());
    for (span, count) in wants {
        let parts = Parts { exchange, code, at, span: *span, trades: &trades, from };
        candles.push(parts.history(*count).await?);
    }
    Ok(History { at, trades, candles })
}

/// What the candles of one span are made of.
struct Parts<'a> {
    exchange: &'a dyn Exchange,
    code: &'a str,
    at: Timestamp,
    span: Span,
    trades: &'a [Trade],
    /// From here on no trade is missing.
    from: Timestamp,
}

impl Parts<'_> {
    async fn history(&self, count: usize) -> Result<SpanHistory, Error> {
        let bucket = self.at.floor_to(self.span);
        let hours = self.span.as_nanos() / HOUR.as_nanos();
        let is_hours = hours > 0 && self.span.as_nanos() % HOUR.as_nanos() == 0;
        let mut closed = if is_hours { self.closed(hours, count).await? } else { self.of_trades(bucket) };
        closed.drain(..closed.len().saturating_sub(count));
        let (open, whole) = self.open(bucket, is_hours).await?;
        Ok(SpanHistory { span: self.span, closed, open, whole })
    }

    /// Closed candles of the exchange's, put together where it has no such span. Asks farther back while there are
    /// too few and asking helps.
    async fn closed(&self, hours: i64, count: usize) -> Result<Vec<Candle>, Error> {
        // Spans that divide a day or are whole days begin where the exchange's do; others are made of single hours.
        let base = match (24 % hours, hours % 24) {
            (0, _) => hours,
            (_, 0) => 24,
            _ => 1,
        };
        let bucket = self.at.floor_to(self.span);
        let wanted = i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(hours);
        let mut days = (wanted / 24).saturating_add(2).min(MOST_DAYS);
        let mut best = Vec::new();
        loop {
            let from = self.at.minus(Span::from_hours(days * 24));
            // The first bucket may be cut off where the answer begins.
            let whole = from.plus(self.span).minus(Span::from_nanos(1)).floor_to(self.span);
            let parts = self.fetch(base, days).await?;
            let parts = parts.into_iter().filter(|part| part.open_time >= whole && part.open_time < bucket);
            let found = all_closed(self.span, parts, &[]);
            let helped = found.len() > best.len() || best.is_empty();
            best = found;
            if best.len() >= count || !helped || days == MOST_DAYS {
                return Ok(best);
            }
            days = days.saturating_mul(2).min(MOST_DAYS);
        }
    }

    /// Closed candles of the trades.
    fn of_trades(&self, bucket: Timestamp) -> Vec<Candle> {
        let whole = self.from.plus(self.span).minus(Span::from_nanos(1)).floor_to(self.span);
        let in_time = |trade: &&Trade| trade.time >= whole && trade.time < bucket;
        let trades: Vec<Trade> = self.trades.iter().filter(in_time).copied().collect();
        all_closed(self.span, std::iter::empty(), &trades)
    }

    /// The open bucket from the trades; where it began before they do, from whole hours and then the trades.
    async fn open(&self, bucket: Timestamp, is_hours: bool) -> Result<(Option<Candle>, bool), Error> {
        let whole = bucket >= self.from;
        let hour = self.from.plus(HOUR).minus(Span::from_nanos(1)).floor_to(HOUR);
        let mut parts = Vec::new();
        if !whole && is_hours {
            let days = self.at.since(bucket).as_nanos() / Span::from_hours(24).as_nanos() + 2;
            parts = self.fetch(1, days).await?;
            parts.retain(|part| part.open_time >= bucket && part.open_time < hour);
        }
        let begin = if whole { bucket } else { hour };
        let trades: Vec<Trade> = self.trades.iter().filter(|trade| trade.time >= begin).copied().collect();
        Ok((aggregate(self.span, parts.into_iter(), &trades).1, whole || is_hours))
    }

    async fn fetch(&self, hours: i64, days: i64) -> Result<Vec<Candle>, Error> {
        let query = CandleQuery {
            market: Some(self.code.to_owned()),
            days: u32::try_from(days).ok(),
            span_hours: u32::try_from(hours).ok(),
        };
        let mut candles: Vec<Candle> = self
            .exchange
            .candles(&query)
            .await?
            .into_iter()
            .filter(|found| found.market.is_empty() || found.market == self.code)
            .map(|found| found.candle)
            .collect();
        candles.sort_by_key(|candle| candle.open_time);
        Ok(candles)
    }
}

/// Candles of parts that are all of closed buckets.
fn all_closed(span: Span, parts: impl Iterator<Item = Candle>, trades: &[Trade]) -> Vec<Candle> {
    let (mut closed, last) = aggregate(span, parts, trades);
    closed.extend(last);
    closed
}

/// Closed candles of shorter ones and then of trades, and the one that is open after them.
fn aggregate(
    span: Span,
    parts: impl Iterator<Item = Candle>,
    trades: &[Trade],
) -> (Vec<Candle>, Option<Candle>) {
    let mut aggregator = CandleAggregator::new(span, EmptyBuckets::Skip);
    let mut closed = Vec::new();
    for part in parts {
        closed.extend(aggregator.advance(part.open_time));
        aggregator.add_candle(&part);
    }
    for trade in trades {
        closed.extend(aggregator.advance(trade.time));
        aggregator.add_trade(trade);
    }
    let open = aggregator.closes_at().and_then(|end| aggregator.advance(end));
    (closed, open)
}
