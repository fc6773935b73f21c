//! Currencies, money and markets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_model::{
    Cash, Currency, Market, MarketError, MarketId, Markets, Money, MoneyError, Quantity, Side, Size, SizeUnit,
};
use proptest::prelude::*;

/// Any amount, the ends of the range more often than chance would have it.
fn units() -> impl Strategy<Value = i128> {
    prop_oneof![
        4 => any::<i128>(),
        2 => -1_000_i128..1_000,
        1 => i128::MIN..i128::MIN + 100,
        1 => i128::MAX - 100..=i128::MAX
    ]
}

fn currency() -> impl Strategy<Value = Currency> {
    "[a-z0-9]{2,8}".prop_map(|code| code.parse().unwrap())
}

proptest! {
    #[test]
    fn codes_of_letters_and_digits_are_one_in_either_case(code in "[a-zA-Z0-9]{2,8}") {
        let currency: Currency = code.parse().unwrap();
        prop_assert_eq!(currency.code(), code.to_lowercase());
        prop_assert_eq!(currency.to_string(), code.to_uppercase());
        prop_assert_eq!(code.to_uppercase().parse::<Currency>().unwrap(), currency);
    }

    #[test]
    fn any_other_text_is_no_code(text in ".{0,12}") {
        let valid = (2..=8).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric());
        prop_assert_eq!(text.parse::<Currency>().is_ok(), valid);
    }

    #[test]
    fn codes_are_ordered_as_texts(left in "[a-z0-9]{2,8}", right in "[a-z0-9]{2,8}") {
        let (a, b): (Currency, Currency) = (left.parse().unwrap(), right.parse().unwrap());
        prop_assert_eq!(a.cmp(&b), left.cmp(&right));
    }

    #[test]
    fn amounts_of_one_currency_add_up_exactly(currency in currency(), a in units(), b in units()) {
        let (left, right) = (Money::new(currency, a), Money::new(currency, b));
        prop_assert_eq!(left.checked_add(right).ok(), a.checked_add(b).map(|units| Money::new(currency, units)));
        prop_assert_eq!(left.checked_sub(right).ok(), a.checked_sub(b).map(|units| Money::new(currency, units)));
    }

    #[test]
    fn amounts_of_two_currencies_never_do(left in currency(), right in currency(), a in units(), b in units()) {
        prop_assume!(left != right);
        let expected = Err(MoneyError::CurrencyMismatch { left, right });
        prop_assert_eq!(Money::new(left, a).checked_add(Money::new(right, b)), expected.clone());
        prop_assert_eq!(Money::new(left, a).checked_sub(Money::new(right, b)), expected);
    }

    #[test]
    fn money_is_read_as_it_is_written(currency in currency(), units in units()) {
        let money = Money::new(currency, units);
        prop_assert_eq!(money.to_string().parse(), Ok(money));
    }

    #[test]
    fn a_market_is_made_of_two_codes(base in "[a-z0-9]{2,8}", quote in "[a-z0-9]{2,8}") {
        let market = Market::new("bitex", &format!("{base}_{quote}")).unwrap();
        prop_assert_eq!((market.base.code(), market.quote.code()), (base.as_str(), quote.as_str()));
        for side in [Side::Buy, Side::Sell] {
            prop_assert_eq!(market.spends(side), market.receives(side.opposite()));
            prop_assert_eq!(market.spends(side) == market.quote || base == quote, side == Side::Buy || base == quote);
        }
    }

    #[test]
    fn any_other_text_is_no_market(text in "[a-z_:é ]{0,12}") {
        let valid = text.split_once('_').is_some_and(|(base, quote)| {
            base.parse::<Currency>().is_ok() && quote.parse::<Currency>().is_ok()
        });
        prop_assert_eq!(Market::new("bitex", &text).is_ok(), valid);
    }

    #[test]
    fn markets_are_found_by_code_and_by_venue(pairs in proptest::collection::vec(("v[0-3]", "[a-c]{2}_[a-c]{2}"), 0..20)) {
        let mut markets = Markets::default();
        let mut known: Vec<(String, String)> = Vec::new();
        for (venue, code) in pairs {
            let inserted = markets.insert(Market::new(&venue, &code).unwrap());
            if known.contains(&(venue.clone(), code.clone())) {
                prop_assert_eq!(inserted, Err(MarketError::Duplicate { venue, code }));
            } else {
                prop_assert_eq!(inserted, Ok(MarketId(u16::try_from(known.len()).unwrap())));
                known.push((venue, code));
            }
        }
        prop_assert_eq!(markets.len(), known.len());
        for (index, (venue, code)) in known.iter().enumerate() {
            let id = MarketId(u16::try_from(index).unwrap());
            prop_assert_eq!(markets.find(&format!("{venue}:{code}")), Some(id));
            let first = known.iter().position(|(_, other)| other == code).unwrap();
            prop_assert_eq!(markets.find(code).map(MarketId::index), Some(first));
            prop_assert_eq!(&markets.get(id).unwrap().code, code);
            prop_assert_eq!(markets.venue_name(markets.venue_of(id).unwrap()), Some(venue.as_str()));
        }
        prop_assert_eq!(markets.iter().map(|(id, _)| id.index()).collect::<Vec<_>>(), (0..known.len()).collect::<Vec<_>>());
        prop_assert_eq!(markets.find("no_such"), None);
        prop_assert_eq!(markets.get(MarketId(u16::MAX)), None);
    }

    #[test]
    fn a_size_is_too_small_below_the_minimum_of_its_unit(
        units in prop_oneof![0_i64..100_000_000, 9_999_i64..=10_001, 9_999_999_i64..=10_000_001],
    ) {
        let market = Market::new("bitex", "btc_usd").unwrap();
        let base = Size::Base(Quantity::from_units(units));
        let quote = Size::Quote(Cash::from_units(units.into()));
        prop_assert_eq!(market.is_too_small(base), units < market.min_base.units());
        prop_assert_eq!(market.is_too_small(quote), i128::from(units) < market.min_quote.units());
    }
}

#[test]
fn buys_are_sized_in_quote_and_sells_in_base() {
    let market = Market::new("bitex", "btc_usd").unwrap();
    assert_eq!(
        (market.size_unit(Side::Buy), market.size_unit(Side::Sell)),
        (SizeUnit::Quote, SizeUnit::Base)
    );
}
