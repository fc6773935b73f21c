//! Garbage in the place of the future.

use std::sync::Arc;

use pampero_model::{
    BookSeries, BookSnapshot, Candle, CandleSeries, Level, Price, Quantity, QuoteSeries, SCALE, Span,
    Timestamp, TradeSeries,
};

use crate::feed::{Feed, FeedData};

/// Most volume of a made-up candle.
const VOLUME: i64 = 1_000_000 * SCALE;

/// Makes garbage of what nobody can know yet at an instant: possible observations, at the same times, that have nothing
/// to do with what they replace.
///
/// What happens at the instant itself is known. Of a candle that is still open, its first price is known, and its volume
/// is kept, since the simulated venue fills a share of it at the open; all else is garbage.
///
/// ```
/// use pampero_backtest::Poison;
/// use pampero_model::{Candle, CandleSeries, Span, Timestamp};
/// let mut series = CandleSeries::new(Span::from_minutes(1));
/// let price = "100".parse()?;
/// for minute in 0..3 {
///     let open_time = Timestamp::from_secs(60 * minute);
///     series.push(&Candle { open_time, open: price, high: price, low: price, close: price, volume: "1".parse()? });
/// }
/// let poisoned = Poison::new(7).candles(&series, Timestamp::from_secs(60));
/// assert_eq!(poisoned.get(0), series.get(0));
/// assert_eq!(poisoned.opens[1], price);
/// assert_ne!(poisoned.closes[1], price);
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Poison {
    state: u64,
}

impl Poison {
    /// The garbage of a seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A feed with garbage for what is not known at `now`.
    #[must_use]
    pub fn feed(&mut self, feed: &Feed, now: Timestamp) -> Feed {
        let data = match &feed.data {
            FeedData::Books(series) => FeedData::Books(Arc::new(self.books(series, now))),
            FeedData::Quotes(series) => FeedData::Quotes(Arc::new(self.quotes(series, now))),
            FeedData::Trades(series) => FeedData::Trades(Arc::new(self.trades(series, now))),
            FeedData::Candles(series) => FeedData::Candles(Arc::new(self.candles(series, now))),
        };
        Feed { market: feed.market, data }
    }

    /// Books with garbage for those after `now`.
    #[must_use]
    pub fn books(&mut self, series: &BookSeries, now: Timestamp) -> BookSeries {
        let mut poisoned = BookSeries::default();
        for (time, book) in (0..series.len()).filter_map(|index| series.get(index)) {
            if time <= now {
                poisoned.push(time, book);
            } else {
                let (bid, ask) =
                    self.around(book.bids.first().or(book.asks.first()).map(|level| level.price));
                poisoned.push(time, BookSnapshot { bids: &[bid], asks: &[ask] });
            }
        }
        poisoned
    }

    /// Quotes with garbage for those after `now`.
    #[must_use]
    pub fn quotes(&mut self, series: &QuoteSeries, now: Timestamp) -> QuoteSeries {
        let mut poisoned = series.clone();
        for (time, quote) in series.times.iter().zip(&mut poisoned.quotes) {
            if *time > now {
                (quote.bid, quote.ask) = self.around(Some(quote.bid.price));
            }
        }
        poisoned
    }

    /// Trades with garbage prices for those after `now`.
    #[must_use]
    pub fn trades(&mut self, series: &TradeSeries, now: Timestamp) -> TradeSeries {
        let mut poisoned = series.clone();
        for (time, price) in series.times.iter().zip(&mut poisoned.prices) {
            if *time > now {
                *price = self.price(*price);
            }
        }
        poisoned
    }

    /// Candles with garbage for those that close after `now`.
    #[must_use]
    pub fn candles(&mut self, series: &CandleSeries, now: Timestamp) -> CandleSeries {
        let mut poisoned = CandleSeries::new(series.span());
        poisoned.reserve(series.len());
        for candle in series.iter() {
            poisoned.push(&self.candle(&candle, series.span(), now));
        }
        poisoned
    }

    fn candle(&mut self, candle: &Candle, span: Span, now: Timestamp) -> Candle {
        if candle.open_time.plus(span) <= now {
            return *candle;
        }
        let begun = candle.open_time <= now;
        let open = if begun { candle.open } else { self.price(candle.open) };
        let volume = if begun { candle.volume } else { Quantity::from_units(self.between(0, VOLUME)) };
        let (middle, close) = (self.price(candle.open), self.price(candle.open));
        let (high, low) = (open.max(middle).max(close), open.min(middle).min(close));
        Candle { open_time: candle.open_time, open, high, low, close, volume }
    }

    fn around(&mut self, price: Option<Price>) -> (Level, Level) {
        let bid = self.price(price.unwrap_or(Price::from_units(SCALE)));
        let ask = bid.saturating_add(Price::from_units(self.between(1, SCALE)));
        let quantity = Quantity::from_units(self.between(1, SCALE));
        (Level { price: bid, quantity }, Level { price: ask, quantity })
    }

    /// Between half a price and one and a half of it.
    fn price(&mut self, price: Price) -> Price {
        let units = price.units().max(2);
        Price::from_units(self.between(units / 2, units.saturating_add(units / 2)))
    }

    /// From `low` to `high`, both included (`SplitMix64`).
    fn between(&mut self, low: i64, high: i64) -> i64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let number = mixed ^ (mixed >> 31);
        let width = high.saturating_sub(low).max(0).unsigned_abs() + 1;
        low.saturating_add(i64::try_from(number % width).unwrap_or(0))
    }
}
