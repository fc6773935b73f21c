//! The built-in list of markets, and the rules of markets that are not on it.

use pampero_model::{Currency, Market, MarketError};

use crate::config::{self, MarketSection, Problems};

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

/// The market of a name, `code` or `venue:code`: from the list, or with the usual rules.
///
/// # Errors
/// If the name is not of that form.
pub(crate) fn market(
    name: &str,
    built_in: &[Market],
    section: Option<&MarketSection>,
) -> Result<Market, MarketError> {
    let (venue, code) = match name.split_once(':') {
        Some((venue, code)) => (Some(venue), code),
        None => (section.and_then(|section| section.venue.as_deref()), name),
    };
    let known = built_in
        .iter()
        .find(|market| market.code == code && venue.is_none_or(|venue| market.venue == venue))
        .cloned();
    let mut market = match known {
        Some(market) => market,
        None => Market::new(venue.unwrap_or(GENERIC), code)?,
    };
    if let Some(section) = section {
        apply(&mut market, section);
    }
    Ok(market)
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
        let other = market("btc_usdt", &list, None).unwrap();
        assert_eq!((other.venue.as_str(), other.fingerprint_span), ("generic", 0));
        assert_eq!(market("kraken:btc_usd", &list, None).unwrap().venue, "kraken");
        assert!(market("btcusd", &list, None).is_err());
    }

    #[test]
    fn symbols_of_exchanges_become_codes() {
        for (symbol, code) in [("BTCUSDT", "btc_usdt"), ("BTC/USD", "btc_usd"), ("eth-ars", "eth_ars")] {
            assert_eq!(code_of_symbol(symbol).as_deref(), Some(code));
        }
        assert_eq!(code_of_symbol("USD"), None);
    }
}
