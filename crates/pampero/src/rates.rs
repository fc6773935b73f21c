//! Rates that change: from the keys of `[rate_sources]` to what is read in a session and in a backtest.

use std::path::{Path, PathBuf};

use pampero_backtest::RateHistory;
use pampero_model::{Currency, Market, Markets, Span};
#[cfg(feature = "live")]
use pampero_runtime::feed::{RatePlace, RateSource};
use pampero_store::load_rates;

use crate::config::{Config, Problem, RateSection};
use crate::error::Failure;

/// How often a source is read whose configuration does not say it.
#[cfg(feature = "live")]
const EVERY: Span = Span::from_minutes(1);
/// Without a good reading for so long a rate is stale, if the configuration does not say it.
const STALE_AFTER: Span = Span::from_minutes(10);

/// A rate that changes: the worth of one unit of a currency in the report currency.
#[derive(Clone, Debug)]
pub(crate) struct ChangingRate {
    pub currency: Currency,
    section: RateSection,
}

impl ChangingRate {
    /// How old the rate may become in a session; nothing where a session does not read it.
    pub fn stale_after(&self) -> Option<Span> {
        let RateSection { url, file, stale_after, .. } = &self.section;
        (url.is_some() || file.is_some()).then(|| stale_after.unwrap_or(STALE_AFTER))
    }

    /// What a session reads, with files relative to a folder; nothing where there is only a history.
    #[cfg(feature = "live")]
    pub fn source(&self, folder: &Path) -> Option<RateSource> {
        let RateSection { url, file, pointer, invert, every, stale_after, history: _ } = &self.section;
        let place = match (url, file) {
            (Some(url), _) => RatePlace::Document(url.clone()),
            (None, Some(file)) => RatePlace::File(folder.join(file)),
            (None, None) => return None,
        };
        Some(RateSource {
            currency: self.currency,
            place,
            pointer: pointer.clone().unwrap_or_default(),
            invert: invert.unwrap_or(false),
            every: every.unwrap_or(EVERY),
            stale_after: stale_after.unwrap_or(STALE_AFTER),
        })
    }

    fn history(&self, folder: &Path) -> Option<PathBuf> {
        self.section.history.as_ref().map(|file| folder.join(file))
    }
}

/// The rates of a configuration that change, and everything that is wrong with them.
pub(crate) fn resolve(
    config: &Config,
    markets: &Markets,
    report: Option<Currency>,
) -> (Vec<ChangingRate>, Vec<Problem>) {
    let (mut rates, mut problems) = (Vec::new(), Vec::new());
    for (name, section) in &config.rate_sources {
        let key = format!("rate_sources.{name}");
        let Ok(currency) = name.parse::<Currency>() else {
            let help = "write the table as [rate_sources.usd], with a code of two to eight letters or digits";
            problems.push(Problem::new(key, format!("`{name}` is not a currency code"), help));
            continue;
        };
        let trades = |market: &Market| market.base == currency || market.quote == currency;
        if !markets.iter().any(|(_, market)| trades(market)) && config.other_markets {
            // The command line chose other markets.
            continue;
        }
        let rate = ChangingRate { currency, section: section.clone() };
        problems.extend(mistakes(&key, &rate, config, markets, report));
        rates.push(rate);
    }
    (rates, problems)
}

fn mistakes(
    key: &str,
    rate: &ChangingRate,
    config: &Config,
    markets: &Markets,
    report: Option<Currency>,
) -> Vec<Problem> {
    let ChangingRate { currency, section } = rate;
    let mut problems = Vec::new();
    let mut wrong = |message: String, help: String| problems.push(Problem::new(key, message, help));
    match (&section.url, &section.file, &section.history) {
        (Some(_), Some(_), _) => {
            wrong(format!("the rate of {currency} has a url and a file"), "leave one of them out".to_owned());
        }
        (None, None, None) => wrong(
            format!("nothing says where the rate of {currency} is read"),
            "add url = \"https://…\" or file = \"…\" for paper and live trading, history = \"….csv\" for backtests"
                .to_owned(),
        ),
        _ => {}
    }
    let between = |market: &Market| {
        Some((market.base, market.quote)) == report.map(|report| (*currency, report))
            || Some((market.quote, market.base)) == report.map(|report| (*currency, report))
    };
    let valued = markets.iter().find(|(_, market)| between(market));
    if Some(*currency) == report {
        let help = "remove the table, or choose another `report_currency`";
        wrong(format!("rates are in {currency} themselves: its own cannot change"), help.to_owned());
    } else if let Some((_, market)) = valued {
        let message = format!("the market {} says what one {currency} is worth", market.code);
        wrong(message, "remove the table".to_owned());
    } else if !config.rates.iter().any(|(other, _)| other == currency) {
        let help = format!(
            "add {} = \"…\" under [rates]: it counts in backtests until a history begins",
            currency.code().to_ascii_lowercase()
        );
        wrong(format!("[rates] does not say what one {currency} is worth"), help);
    }
    #[cfg(feature = "live")]
    if let Some(Err(error)) = rate.source(Path::new("")).map(|source| source.check()) {
        wrong(error.to_string(), format!("correct [{key}]"));
    }
    problems
}

/// Histories that are not there, without reading the others.
pub(crate) fn check_histories(rates: &[ChangingRate], folder: &Path) -> Vec<Problem> {
    let missing = |rate: &ChangingRate| {
        let path = rate.history(folder).filter(|path| !path.exists())?;
        let key = format!("rate_sources.{}.history", rate.currency.code().to_ascii_lowercase());
        let message = format!("there is no file {}", path.display());
        Some(Problem::new(key, message, "paths are relative to the configuration"))
    };
    rates.iter().filter_map(missing).collect()
}

/// Reads what the rates were in the past.
///
/// # Errors
/// The first file that is not as it should be.
pub(crate) fn histories(rates: &[ChangingRate], folder: &Path) -> Result<Vec<RateHistory>, Failure> {
    let read = |rate: &ChangingRate| {
        let path = rate.history(folder)?;
        let points = load_rates(path).map_err(Failure::from);
        Some(points.map(|points| RateHistory { currency: rate.currency, points }))
    };
    rates.iter().filter_map(read).collect()
}
