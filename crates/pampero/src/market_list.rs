//! The built-in list of markets, and the rules of markets that are not on it.

use pampero_model::{Currency, Market, MarketError};

use crate::config::{self, Config, MarketSection, Problems};

/// The venue that is there without being configured.
#[cfg(feature = "live")]
pub(crate) const HOME: &str = "bitex";

const LIST: &str = include_str!("../../../config/markets.toml");
/// The venue of markets that nobody says a venue of.
const GENERIC: &str = "generic";

/// The markets of the built-in list.
///
/// # Errors
/// If the list itself is wrong, which a test excludes.
pub(crate) fn built_in() -> Result<Vec<Market>, Problems> {
    let reading = config::read("config/markets.toml", LIST).without_problems()?;
    let markets = reading.config.markets.iter().filter_map(|(code, section)| {
        let venue = section.venue.as_deref().unwrap_or(GENERIC);
        let mut market = Market::new(venue, code).ok()?;
        apply(&mut market, section);
        Some(market)
    });
    Ok(markets.collect())
}

/// The market of a name, `code` or `venue:code`: from the list, or with the usual rules, and with what a configuration says
/// of it. A further venue has the rules of what adapts it.
///
/// # Errors
/// If the name is not of that form.
pub(crate) fn market(name: &str, built_in: &[Market], config: &Config) -> Result<Market, MarketError> {
    let (written, code) = name.split_once(':').map_or((None, name), |(venue, code)| (Some(venue), code));
    let by_code =
        || config.markets.get(code).filter(|_| written.is_none_or(|venue| !config.is_further(venue)));
    let section = config.markets.get(name).or_else(by_code);
    let venue = written.or_else(|| section?.venue.as_deref());
    let listed = venue.map(|venue| config.venues.get(venue).map_or(venue, |known| known.adapter.listed()));
    let known = built_in
        .iter()
        .find(|market| market.code == code && listed.is_none_or(|venue| market.venue == venue))
        .cloned();
    let mut market = match known {
        Some(market) => Market { venue: venue.map_or(market.venue, str::to_owned), ..market },
        None => Market::new(venue.unwrap_or(GENERIC), code)?,
    };
    if let Some(section) = section {
        apply(&mut market, section);
    }
    Ok(market)
}

/// The strategies' markets, in the order in which they are named. A name that is none is left to the plan to report.
#[cfg(feature = "live")]
pub(crate) fn named(config: &Config) -> Result<Vec<Market>, Problems> {
    let list = built_in()?;
    let mut markets = Vec::new();
    for name in config.strategies.iter().flat_map(|strategy| &strategy.markets) {
        markets.extend(market(name, &list, config).ok().filter(|market| !markets.contains(market)));
    }
    Ok(markets)
}

/// The venues of markets, in the order of these.
#[cfg(feature = "live")]
pub(crate) fn venues(markets: &[Market]) -> Vec<&str> {
    let mut venues: Vec<&str> = Vec::new();
    for market in markets {
        if !venues.contains(&market.venue.as_str()) {
            venues.push(&market.venue);
        }
    }
    venues
}

/// A market as people are shown it, and as a session's description in the journal names it: by its code alone where it
/// is of the first venue.
#[cfg(feature = "live")]
pub(crate) fn shown(market: &Market) -> String {
    if market.venue == HOME { market.code.clone() } else { format!("{}:{}", market.venue, market.code) }
}

fn apply(market: &mut Market, section: &MarketSection) {
    fn set<T: Copy>(slot: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *slot = value;
        }
    }
    set(&mut market.base_decimals, section.base_decimals);
    set(&mut market.quote_decimals, section.quote_decimals);
    set(&mut market.price_tick, section.price_tick);
    set(&mut market.quantity_step, section.quantity_step);
    set(&mut market.min_base, section.min_base);
    set(&mut market.min_quote, section.min_quote);
    set(&mut market.buy_unit, section.buy_unit);
    set(&mut market.sell_unit, section.sell_unit);
    set(&mut market.maker_fee, section.maker_fee);
    set(&mut market.taker_fee, section.taker_fee);
    set(&mut market.fingerprint_span, section.fingerprint_span);
}

/// Quote currencies that end symbols without a separator, longer ones first.
const QUOTES: [&str; 15] = [
    "fdusd", "usdt", "usdc", "busd", "usd", "eur", "gbp", "brl", "ars", "clp", "pyg", "uyu", "btc", "eth",
    "dai",
];

/// The market's code of a symbol as exchanges write it: `BTCUSDT`, `BTC/USD` and `btc-usd` are `btc_usdt` and
/// `btc_usd`. None if the two currencies cannot be told.
pub(crate) fn code_of_symbol(symbol: &str) -> Option<String> {
    let symbol = symbol.trim().to_ascii_lowercase();
    let is_currency = |text: &str| text.parse::<Currency>().is_ok();
    let joined = |base: &str, quote: &str| {
        (is_currency(base) && is_currency(quote)).then(|| format!("{base}_{quote}"))
    };
    if let Some((base, quote)) = symbol.split_once(['_', '/', '-']) {
        return joined(base, quote);
    }
    QUOTES.iter().find_map(|quote| joined(symbol.strip_suffix(quote)?, quote))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_read_and_names_the_public_books() {
        let list = built_in().unwrap();
        let mut codes: Vec<_> = list.iter().map(|market| market.code.as_str()).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["bch_usd", "btc_ars", "btc_clp", "btc_pyg", "btc_usd", "btc_uyu", "eth_ars"]);
        assert!(list.iter().all(|market| market.venue == "bitex" && market.fingerprint_span == 999));
    }

    #[test]
    fn other_markets_have_the_usual_rules_and_no_fingerprint() {
        let list = built_in().unwrap();
        let market = |name| market(name, &list, &Config::default());
        let other = market("btc_usdt").unwrap();
        assert_eq!((other.venue.as_str(), other.fingerprint_span), ("generic", 0));
        assert_eq!(market("kraken:btc_usd").unwrap().venue, "kraken");
        assert!(market("btcusd").is_err());
    }

    #[test]
    fn a_further_venue_has_the_rules_of_its_adapter_unless_its_own_name_says_otherwise() {
        let text = "[venues.north]\nadapter = \"bitex\"\n[markets.btc_usd]\nmaker_fee = \"0.5\"\n\
                    [markets.\"north:btc_ars\"]\nmaker_fee = \"0.001\"\n";
        let config = config::read("a.toml", text).without_problems().unwrap().config;
        let list = built_in().unwrap();
        let market = |name| market(name, &list, &config).unwrap();
        let rules = |name| {
            let Market { venue, maker_fee, fingerprint_span, .. } = market(name);
            (venue, maker_fee.to_string(), fingerprint_span)
        };
        assert_eq!(rules("north:btc_usd"), ("north".to_owned(), "0.0025".to_owned(), 999));
        assert_eq!(rules("north:btc_ars"), ("north".to_owned(), "0.001".to_owned(), 999));
        assert_eq!(rules("btc_usd"), ("bitex".to_owned(), "0.5".to_owned(), 999));
        assert_eq!(
            rules("south:btc_usd"),
            ("south".to_owned(), "0.5".to_owned(), 0),
            "nothing is said of it"
        );
    }

    #[test]
    fn symbols_of_exchanges_become_codes() {
        for (symbol, code) in [("BTCUSDT", "btc_usdt"), ("BTC/USD", "btc_usd"), ("eth-ars", "eth_ars")] {
            assert_eq!(code_of_symbol(symbol).as_deref(), Some(code));
        }
        assert_eq!(code_of_symbol("USD"), None);
    }
}
