//! History from the exchange into the catalogue, without a key.

use pampero_exchange::{CandleQuery, Error, Exchange};
use pampero_model::{Candle, CandleSeries, Span, Timestamp, Trade, TradeSeries};
use pampero_store::{Catalog, DataError, Series, SeriesKey};
use thiserror::Error;

use super::tape::FARTHEST;

/// What is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchSettings {
    /// Codes of the markets.
    pub markets: Vec<String>,
    /// Days back.
    pub days: u32,
    /// Hours that candles last; a file for each.
    pub span_hours: Vec<u32>,
    /// Whether trades are fetched too; the exchange has those of the last day.
    pub trades: bool,
}

impl Default for FetchSettings {
    /// A year of hourly and daily candles, and the trades.
    fn default() -> Self {
        Self { markets: Vec::new(), days: 365, span_hours: vec![1, 24], trades: true }
    }
}

/// What became of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Code of the market.
    pub market: String,
    /// How long the candles last; nothing for trades.
    pub span: Option<Span>,
    /// Rows that the exchange gave and that are complete.
    pub given: u64,
    /// Rows that the catalogue did not hold before.
    pub added: u64,
    /// Candles that cannot exist and were left out.
    pub impossible: u64,
    /// The first and the last row's time, if there is any.
    pub range: Option<(Timestamp, Timestamp)>,
}

/// Why nothing more was fetched. What was fetched before stays.
#[derive(Debug, Error)]
pub enum FetchError {
    /// A request failed.
    #[error("{market}: {error}")]
    Exchange {
        /// Code of the market.
        market: String,
        /// Why.
        error: Error,
    },
    /// The catalogue cannot be written, or holds other data.
    #[error(transparent)]
    Store(#[from] DataError),
    /// The settings ask for nothing, or for what the exchange does not have.
    #[error("{0}")]
    Settings(&'static str),
}

/// Fetches candles and trades of each market and merges them into the catalogue; fetching again adds what is new.
///
/// A candle that is still open is left out, and so is one that begins before the days asked for, which may lack its
/// first part. Where the catalogue holds another candle for the same time, the exchange's wins.
///
/// # Errors
/// The first request that failed, or a file that cannot be written.
pub async fn fetch(
    exchange: &dyn Exchange,
    catalog: &Catalog,
    settings: &FetchSettings,
    now: Timestamp,
) -> Result<Vec<Fetched>, FetchError> {
    if settings.markets.is_empty() {
        return Err(FetchError::Settings("no market to fetch: name at least one, such as btc_ars"));
    }
    if settings.days == 0 || settings.span_hours.contains(&0) {
        return Err(FetchError::Settings("days and spans are whole numbers above zero"));
    }
    let mut fetched = Vec::new();
    for market in &settings.markets {
        let failed = |error| FetchError::Exchange { market: market.clone(), error };
        for hours in &settings.span_hours {
            let query = CandleQuery {
                market: Some(market.clone()),
                days: Some(settings.days),
                span_hours: Some(*hours),
            };
            let answer = exchange.candles(&query).await.map_err(failed)?;
            let found = answer.into_iter().filter(|found| found.market.is_empty() || found.market == *market);
            let candles: Vec<Candle> = found.map(|found| found.candle).collect();
            let from = now.minus(Span::from_hours(24 * i64::from(settings.days)));
            let span = Span::from_hours((*hours).into());
            fetched.push(store_candles(catalog, exchange.venue(), market, span, candles, (from, now))?);
        }
        if settings.trades {
            let trades = exchange.trades(market, FARTHEST).await.map_err(failed)?;
            let added = store_trades(catalog, exchange.venue(), market, &trades)?;
            let times = trades.iter().map(|trade| trade.time);
            fetched.push(Fetched {
                market: market.clone(),
                span: None,
                given: trades.len() as u64,
                added,
                impossible: 0,
                range: times.clone().min().zip(times.max()),
            });
        }
    }
    Ok(fetched)
}

/// Merges candles that are whole within the range.
fn store_candles(
    catalog: &Catalog,
    venue: &str,
    market: &str,
    span: Span,
    mut candles: Vec<Candle>,
    (from, now): (Timestamp, Timestamp),
) -> Result<Fetched, DataError> {
    candles.retain(|candle| candle.open_time >= from && candle.open_time.plus(span) <= now);
    let given = candles.len();
    candles.retain(Candle::is_possible);
    candles.sort_by_key(|candle| candle.open_time);
    candles.dedup_by_key(|candle| candle.open_time);
    let mut series = CandleSeries::new(span);
    for candle in &candles {
        series.push(candle);
    }
    let range = candles.first().zip(candles.last()).map(|(first, last)| (first.open_time, last.open_time));
    let series = Series::Candles(series);
    let key = SeriesKey::of(venue, market, &series)?;
    let added = catalog.import(&key, &series, None, true)?.rows_added;
    let impossible = given.saturating_sub(candles.len()) as u64;
    let given = candles.len() as u64;
    Ok(Fetched { market: market.to_owned(), span: Some(span), given, added, impossible, range })
}

/// Merges trades in whatever order; gives how many are new.
pub(super) fn store_trades(
    catalog: &Catalog,
    venue: &str,
    market: &str,
    trades: &[Trade],
) -> Result<u64, DataError> {
    let mut sorted = trades.to_vec();
    sorted.sort_by_key(|trade| (trade.time, trade.id));
    let mut series = TradeSeries::default();
    for trade in &sorted {
        series.push(trade);
    }
    let series = Series::Trades(series);
    let key = SeriesKey::of(venue, market, &series)?;
    Ok(catalog.import(&key, &series, None, false)?.rows_added)
}
