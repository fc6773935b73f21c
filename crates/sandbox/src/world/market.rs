//! What the public sees of a book: trades, candles and the last day.

use pampero_model::{Candle, MarketId, Price, Span, Timestamp};
use pampero_venue::Match;

use super::World;
use crate::config::BookConfig;
use crate::json::quotient;

/// An order book.
#[derive(Clone, Debug)]
pub struct Book {
    pub market: MarketId,
    /// The exchange's number of it.
    pub number: u16,
    pub code: String,
    /// The positions of its matches.
    pub(super) matches: Vec<usize>,
}

impl Book {
    pub fn new(config: &BookConfig, market: MarketId) -> Self {
        Self { market, number: config.number().unwrap_or(0), code: config.code.clone(), matches: Vec::new() }
    }
}

/// A candle with what only this exchange says of it.
#[derive(Clone, Debug)]
pub struct ShownCandle {
    pub candle: Candle,
    /// The price before the last trade in it; it may be older than the candle.
    pub price_before_last: Price,
    /// Σ(price × amount) ÷ Σ amount, with up to 36 fractional digits.
    pub vwap: String,
}

/// The last 24 hours of a book.
#[derive(Clone, Debug)]
pub struct Day {
    pub last: Price,
    pub price_before_last: Price,
    pub open: Price,
    pub high: Price,
    pub low: Price,
    pub volume: i128,
    /// To sixteen significant digits.
    pub vwap: String,
}

impl World {
    /// The matches of a book since an instant, oldest first, and the one before them.
    fn matches_since(&self, book: &Book, from: Timestamp) -> (Option<&Match>, impl Iterator<Item = &Match>) {
        let all = self.venue.matches();
        let first = book
            .matches
            .partition_point(|position| all.get(*position).is_some_and(|found| found.time < from));
        let before = first.checked_sub(1).and_then(|at| book.matches.get(at)).and_then(|at| all.get(*at));
        (before, book.matches.iter().skip(first).filter_map(|position| all.get(*position)))
    }

    /// The public trades of a book since an instant, newest first.
    pub fn transactions(&self, book: &Book, from: Timestamp) -> Vec<&Match> {
        let mut found: Vec<&Match> = self.matches_since(book, from).1.collect();
        found.reverse();
        found
    }

    /// The candles of a book since an instant. Buckets without trades are left out.
    pub fn candles(&self, book: &Book, from: Timestamp, span: Span) -> Vec<ShownCandle> {
        let (before, matches) = self.matches_since(book, from);
        let mut previous = before.map(|found| found.price);
        let mut candles: Vec<(ShownCandle, Sums)> = Vec::new();
        for found in matches {
            let start = found.time.floor_to(span);
            let before_last = previous.unwrap_or(found.price);
            previous = Some(found.price);
            let open = candles.last_mut().filter(|(shown, _)| shown.candle.open_time == start);
            if let Some((shown, sums)) = open {
                let candle = &mut shown.candle;
                candle.high = candle.high.max(found.price);
                candle.low = candle.low.min(found.price);
                candle.close = found.price;
                candle.volume = candle.volume.saturating_add(found.base);
                shown.price_before_last = before_last;
                sums.add(found);
            } else {
                let (price, mut sums) = (found.price, Sums::default());
                sums.add(found);
                let candle = Candle {
                    open_time: start,
                    open: price,
                    high: price,
                    low: price,
                    close: price,
                    volume: found.base,
                };
                candles.push((
                    ShownCandle { candle, price_before_last: before_last, vwap: String::new() },
                    sums,
                ));
            }
        }
        candles.into_iter().map(|(shown, sums)| ShownCandle { vwap: sums.vwap(36), ..shown }).collect()
    }

    /// The last 24 hours; nothing if there was no trade in them.
    pub fn day(&self, book: &Book) -> Option<Day> {
        let (before, matches) = self.matches_since(book, self.now.minus(Span::from_hours(24)));
        let mut previous = before.map(|found| found.price);
        let mut day: Option<Day> = None;
        let mut sums = Sums::default();
        for found in matches {
            let price = found.price;
            sums.add(found);
            let day = day.get_or_insert_with(|| Day {
                last: price,
                price_before_last: price,
                open: previous.unwrap_or(price),
                high: price,
                low: price,
                volume: 0,
                vwap: String::new(),
            });
            day.price_before_last = previous.unwrap_or(price);
            day.last = price;
            day.high = day.high.max(price);
            day.low = day.low.min(price);
            day.volume += i128::from(found.base.units());
            previous = Some(price);
        }
        day.map(|day| Day { vwap: sums.vwap(significant(day.last)), ..day })
    }
}

/// How many fractional digits make sixteen significant ones.
fn significant(price: Price) -> usize {
    let whole = (price.units() / pampero_model::SCALE).to_string().len();
    16_usize.saturating_sub(whole).max(1)
}

#[derive(Default)]
struct Sums {
    weighted: u128,
    base: u128,
}

impl Sums {
    fn add(&mut self, found: &Match) {
        let base = u128::from(found.base.units().unsigned_abs());
        let weighted = u128::from(found.price.units().unsigned_abs()).saturating_mul(base);
        self.weighted = self.weighted.saturating_add(weighted);
        self.base = self.base.saturating_add(base);
    }

    fn vwap(&self, digits: usize) -> String {
        // Prices count in units of 1e-8: so does the quotient.
        quotient(self.weighted, self.base.saturating_mul(pampero_model::SCALE.unsigned_abs().into()), digits)
    }
}
