//! What is doubtful in a series: reported, never changed.

use std::collections::BTreeMap;
use std::fmt;

use pampero_model::{Candle, CandleSeries, Price, Span, Timestamp};

use crate::dataset::{Kind, Series};

/// What a series is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Candles are missing between two that are there.
    Gap,
    /// A candle that does not follow the one before by a multiple of the span.
    Misaligned,
    /// Two candles of the same time, or two trades of the same id.
    Duplicate,
    /// Something earlier than what stands before it.
    Disorder,
    /// A high below, or a low above, another price of the candle; a price of zero.
    ImpossibleCandle,
    /// A price that moved from the close (or trade) before by more than [`OUTLIER_LIMIT`] times the usual move, and by
    /// more than one per cent.
    Outlier,
    /// A best bid at or above the best ask.
    Crossed,
    /// A candle, trade or level of quantity zero.
    ZeroQuantity,
}

impl Check {
    /// In words: `impossible candles`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gaps",
            Self::Misaligned => "misaligned candles",
            Self::Duplicate => "duplicates",
            Self::Disorder => "disorder",
            Self::ImpossibleCandle => "impossible candles",
            Self::Outlier => "outliers",
            Self::Crossed => "crossed books",
            Self::ZeroQuantity => "zero quantities",
        }
    }
}

/// A move is an outlier beyond this many times the usual move, which is the median size of all moves that are not
/// zero (the median absolute deviation from no move, scaled by 1.4826 to a standard deviation). The median does not
/// care how wild the outliers are, and leaving out zeros keeps thin markets from calling every move one. Moves below
/// one per cent never are: from trade to trade the usual move is a tick.
pub const OUTLIER_LIMIT: f64 = 25.0;

/// Moves up to this size are no outliers, however small the others are.
const LEAST_OUTLIER: f64 = 0.01;

/// Findings that a report lists for each check; all are counted.
const LISTED: u64 = 20;

/// One doubtful place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check found it.
    pub check: Check,
    /// The row in the series, counted from one.
    pub row: u64,
    /// The time of the row.
    pub time: Timestamp,
    /// What is wrong, with the values.
    pub detail: String,
}

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// The kind of data.
    pub kind: Kind,
    /// How many candles, trades, quotes or books there are.
    pub rows: u64,
    /// The first and the last time.
    pub range: Option<(Timestamp, Timestamp)>,
    /// The span of candles.
    pub span: Option<Span>,
    /// Candles that the gaps leave out, in all.
    pub missing: u64,
    /// How many findings there are of each check that found any.
    pub counts: BTreeMap<Check, u64>,
    /// The first 20 findings of each check, in order of rows.
    pub findings: Vec<Finding>,
}

impl VerifyReport {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.counts.is_empty()
    }

    fn add(&mut self, check: Check, row: usize, time: Timestamp, detail: impl FnOnce() -> String) {
        let count = self.counts.entry(check).or_default();
        *count += 1;
        if *count <= LISTED {
            self.findings.push(Finding { check, row: row as u64 + 1, time, detail: detail() });
        }
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rows, self.kind.name())?;
        if let Some(span) = self.span {
            write!(f, " of {span}")?;
        }
        if let Some((first, last)) = self.range {
            write!(f, " from {first} to {last}")?;
        }
        if self.is_clean() {
            return write!(f, "\nnothing doubtful");
        }
        for (check, count) in &self.counts {
            write!(f, "\n{}: {count}", check.name())?;
            if *check == Check::Gap {
                write!(f, " ({} candles missing)", self.missing)?;
            }
            for finding in self.findings.iter().filter(|finding| finding.check == *check) {
                write!(f, "\n  row {}, {}: {}", finding.row, finding.time, finding.detail)?;
            }
        }
        Ok(())
    }
}

/// Searches a series for what is doubtful. Load the file with [`LoadOptions::raw`](crate::LoadOptions), so that
/// disorder and impossible candles reach this check.
///
/// ```
/// use pampero_store::{Check, LoadOptions, load_bytes, verify};
/// let text = b"time,open,high,low,close,volume\n0,9,9,9,9,1\n60,9,9,9,9,1\n120,9,9,9,9,1\n240,9,8,9,9,1\n";
/// let options = LoadOptions { raw: true, ..LoadOptions::default() };
/// let report = verify(&load_bytes("candles", text, &options)?.series);
/// assert_eq!(report.missing, 1);
/// assert_eq!(report.counts.get(&Check::ImpossibleCandle), Some(&1));
/// # Ok::<(), pampero_store::DataError>(())
/// ```
pub fn verify(series: &Series) -> VerifyReport {
    let times = series.times();
    let mut report = VerifyReport {
        kind: series.kind(),
        rows: times.len() as u64,
        range: times.iter().min().copied().zip(times.iter().max().copied()),
        span: series.span(),
        missing: 0,
        counts: BTreeMap::new(),
        findings: Vec::new(),
    };
    verify_order(series, &mut report);
    match series {
        Series::Candles(candles) => verify_candles(candles, &mut report),
        Series::Trades(trades) => {
            let mut ids = std::collections::BTreeSet::new();
            for (row, trade) in (0..trades.len()).map_while(|row| Some((row, trades.get(row)?))) {
                if trade.id != 0 && !ids.insert(trade.id) {
                    report.add(Check::Duplicate, row, trade.time, || {
                        format!("a second trade of id {}", trade.id)
                    });
                }
                if trade.quantity.is_zero() {
                    report.add(Check::ZeroQuantity, row, trade.time, || {
                        format!("nothing traded at {}", trade.price)
                    });
                }
            }
            verify_moves(&trades.prices, times, |row| [trades.prices.get(row).copied(), None], &mut report);
        }
        Series::Quotes(quotes) => {
            let mids: Vec<Price> = quotes.quotes.iter().filter_map(pampero_model::Quote::mid).collect();
            for (row, (time, quote)) in (0..quotes.len()).map_while(|row| Some((row, quotes.get(row)?))) {
                let is_full = quote.mid().is_some();
                if is_full && quote.bid.price >= quote.ask.price {
                    let (bid, ask) = (quote.bid.price, quote.ask.price);
                    report.add(Check::Crossed, row, time, || format!("bid {bid} at or above ask {ask}"));
                }
                if !is_full {
                    report.add(Check::ZeroQuantity, row, time, || "a side without orders".to_owned());
                }
            }
            if mids.len() == quotes.len() {
                verify_moves(&mids, times, |row| [mids.get(row).copied(), None], &mut report);
            }
        }
        Series::Books(books) => {
            for (row, (time, book)) in (0..books.len()).map_while(|row| Some((row, books.get(row)?))) {
                if let (Some(bid), Some(ask)) = (book.bids.first(), book.asks.first())
                    && bid.price >= ask.price
                {
                    let (bid, ask) = (bid.price, ask.price);
                    report.add(Check::Crossed, row, time, || format!("bid {bid} at or above ask {ask}"));
                }
                if book.bids.iter().chain(book.asks).any(|level| !level.quantity.is_positive()) {
                    report.add(Check::ZeroQuantity, row, time, || "a level of quantity zero".to_owned());
                }
            }
        }
    }
    report.findings.sort_by_key(|finding| (finding.row, finding.check));
    report
}

fn verify_order(series: &Series, report: &mut VerifyReport) {
    let times = series.times();
    let span = series.span().filter(|span| *span > Span::ZERO);
    for (row, (before, time)) in times.iter().zip(times.iter().skip(1)).enumerate() {
        let (row, before, time) = (row + 1, *before, *time);
        if time < before {
            report.add(Check::Disorder, row, time, || format!("stands after {before}"));
            continue;
        }
        let Some(span) = span else { continue };
        let distance = time.since(before);
        if distance == Span::ZERO {
            report.add(Check::Duplicate, row, time, || "a second candle of this time".to_owned());
        } else if distance.as_nanos() % span.as_nanos() != 0 {
            report.add(Check::Misaligned, row, time, || {
                format!("{distance} after {before}, candles last {span}")
            });
        } else if distance > span {
            let missing = (distance.as_nanos() / span.as_nanos() - 1).unsigned_abs();
            report.missing += missing;
            let end = time.minus(span);
            report.add(Check::Gap, row, time, || {
                format!("{missing} missing from {} to {end}", before.plus(span))
            });
        }
    }
}

fn verify_candles(candles: &CandleSeries, report: &mut VerifyReport) {
    for (row, candle) in candles.iter().enumerate() {
        let Candle { open_time, open, high, low, close, volume } = candle;
        if !candle.is_possible() {
            let detail = || format!("open {open}, high {high}, low {low}, close {close}, volume {volume}");
            report.add(Check::ImpossibleCandle, row, open_time, detail);
        }
        if volume.is_zero() {
            report.add(Check::ZeroQuantity, row, open_time, || "nothing traded".to_owned());
        }
    }
    let extremes = |row: usize| [candles.highs.get(row).copied(), candles.lows.get(row).copied()];
    verify_moves(&candles.closes, &candles.open_times, extremes, report);
}

/// Compares the extreme prices of each row with the price before.
fn verify_moves(
    prices: &[Price],
    times: &[Timestamp],
    extremes: impl Fn(usize) -> [Option<Price>; 2],
    report: &mut VerifyReport,
) {
    let size = |before: Price, price: Price| (price.to_f64() / before.to_f64()).ln().abs();
    let moves = prices.iter().zip(prices.iter().skip(1)).map(|(before, price)| size(*before, *price));
    let mut moves: Vec<f64> = moves.filter(|size| *size > 0.0 && size.is_finite()).collect();
    if moves.len() < 30 {
        // Too few to know what is usual.
        return;
    }
    let middle = moves.len() / 2;
    let (_, median, _) = moves.select_nth_unstable_by(middle, f64::total_cmp);
    let usual = 1.4826 * *median;
    for (row, (before, time)) in prices.iter().zip(times.iter().skip(1)).enumerate() {
        let far = |price: &Price| size(*before, *price) > LEAST_OUTLIER.max(OUTLIER_LIMIT * usual);
        if let Some(price) = extremes(row + 1).into_iter().flatten().find(far) {
            let times = size(*before, price) / usual;
            report.add(Check::Outlier, row + 1, *time, || {
                format!("{price} after {before}: {times:.0} times the usual move")
            });
        }
    }
}
