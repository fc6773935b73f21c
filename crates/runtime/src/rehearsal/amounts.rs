//! How little a rehearsal trades, and at which prices. Pure.

use pampero_exchange::Balance;
use pampero_model::{
    ArithmeticError, Cash, Currency, Market, Money, OrderBook, Price, Quantity, Rate, Rounding, Side, Size,
    SizeUnit,
};
use thiserror::Error;

/// Why a market or an account is not fit for a rehearsal now.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// Nobody bids, or nobody asks.
    #[error(
        "the book of {market} has no {missing}: a rehearsal trades with itself between the two, so both must be there"
    )]
    OneSided {
        /// The market.
        market: String,
        /// `bids` or `asks`.
        missing: &'static str,
    },
    /// There is no room between the best bid and the best ask.
    #[error(
        "the best bid {bid} and the best ask {ask} of {market} leave no room for an order of one's own between them: \
         try again when the spread is wider"
    )]
    NoRoom {
        /// The market.
        market: String,
        /// Best bid.
        bid: Price,
        /// Best ask.
        ask: Price,
    },
    /// The account does not hold enough.
    #[error("the account has {available} free, and the rehearsal on {market} needs {needed} for a while")]
    Poor {
        /// The market.
        market: String,
        /// What is needed.
        needed: Money,
        /// What is there.
        available: Money,
    },
    /// The minimum of the market is beyond what can be counted.
    #[error("the least order of {market} cannot be counted at its prices: {source}")]
    Arithmetic {
        /// The market.
        market: String,
        /// What cannot be counted.
        source: ArithmeticError,
    },
}

/// Prices and sizes of a rehearsal, worked out from the market's minimum and the book of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// Where a buy rests that nobody meets: a fifth below the best bid.
    pub far: Price,
    /// Where a sell rests that only its owner meets: between the best bid and the best ask.
    pub ask: Price,
    /// What a buy bids that meets that sell, whatever their fingerprints are.
    pub bid: Price,
    /// The least that the market takes at these prices.
    pub least: Quantity,
    /// The largest order that the gateway lets out, in quote.
    pub cap: Cash,
    /// The largest order that the risk gate approves, in quote.
    pub limit: Cash,
    quote_per_least: Cash,
}

/// How far below the market an order rests out of reach.
const OUT_OF_REACH: Rate = Rate::from_units(-20_000_000);

impl Amounts {
    /// Works them out.
    ///
    /// # Errors
    /// [`Unfit`], if the book does not allow it now.
    pub fn choose(market: &Market, book: &OrderBook) -> Result<Self, Unfit> {
        let code = || market.code.clone();
        let missing = |missing| Unfit::OneSided { market: code(), missing };
        let bid = book.best(Side::Buy).ok_or_else(|| missing("bids"))?.price;
        let ask = book.best(Side::Sell).ok_or_else(|| missing("asks"))?.price;
        let amounts =
            Self::between(market, bid, ask).map_err(|source| Unfit::Arithmetic { market: code(), source })?;
        let free = amounts.ask > bid && amounts.bid < ask && amounts.far.is_positive();
        if free { Ok(amounts) } else { Err(Unfit::NoRoom { market: code(), bid, ask }) }
    }

    fn between(market: &Market, bid: Price, ask: Price) -> Result<Self, ArithmeticError> {
        let tick = |price: Price| {
            let units = price.units();
            Price::from_units(units - units.checked_rem(market.price_tick.units()).unwrap_or(0))
        };
        let far = tick(bid.shifted(OUT_OF_REACH, Rounding::Down)?);
        let own_ask = tick(bid.midpoint(ask));
        // A fingerprint raises the sell and lowers the buy by so much at the most.
        let apart = i64::from(market.fingerprint_span).saturating_mul(2);
        let rounded_up = own_ask.units().saturating_add(apart).saturating_add(market.price_tick.units() - 1);
        let own_bid = tick(Price::from_units(rounded_up));
        let least = whole(market.min_base.max(market.min_quote.quantity_at(far, Rounding::Up)?), market);
        let quote_per_least = ask.notional(least, Rounding::Up)?;
        let times = |count: i128| Cash::from_units(quote_per_least.units().saturating_mul(count));
        Ok(Self { far, ask: own_ask, bid: own_bid, least, cap: times(3), limit: times(6), quote_per_least })
    }

    /// The least order of a side at a price, so many times.
    ///
    /// # Errors
    /// If it cannot be counted.
    pub fn size(
        &self,
        market: &Market,
        side: Side,
        price: Price,
        times: i64,
    ) -> Result<Size, ArithmeticError> {
        let quantity = self.least.units().checked_mul(times).map(Quantity::from_units);
        let quantity = quantity.ok_or(ArithmeticError::Overflow)?;
        Ok(match market.size_unit(side) {
            SizeUnit::Base => Size::Base(quantity),
            SizeUnit::Quote => Size::Quote(price.notional(quantity, Rounding::Up)?),
        })
    }

    /// A buy at a price, worth so many of the least order at the best ask: what the caps and limits count.
    ///
    /// # Errors
    /// If it cannot be counted.
    pub fn worth(&self, market: &Market, price: Price, times: i128) -> Result<Size, ArithmeticError> {
        let worth = Cash::from_units(self.quote_per_least.units().saturating_mul(times));
        Ok(match market.size_unit(Side::Buy) {
            SizeUnit::Base => Size::Base(whole(worth.quantity_at(price, Rounding::Up)?, market)),
            SizeUnit::Quote => Size::Quote(worth),
        })
    }

    /// Whether an account can pay for it: twice the least in base, five times the least in quote.
    ///
    /// # Errors
    /// [`Unfit::Poor`] with the first currency that is short.
    pub fn covered_by(&self, market: &Market, balances: &[Balance]) -> Result<(), Unfit> {
        let needs = [
            (market.base, i128::from(self.least.units()) * 2),
            (market.quote, self.quote_per_least.units().saturating_mul(5)),
        ];
        for (currency, needed) in needs {
            let available = available(balances, currency);
            if available.units < needed {
                let needed = Money::new(currency, needed);
                return Err(Unfit::Poor { market: market.code.clone(), needed, available });
            }
        }
        Ok(())
    }
}

fn available(balances: &[Balance], currency: Currency) -> Money {
    let found = balances.iter().find(|balance| balance.currency == currency);
    found.map_or(Money::new(currency, 0), |balance| balance.available)
}

/// The next multiple of the market's step.
fn whole(quantity: Quantity, market: &Market) -> Quantity {
    let (units, step) = (quantity.units(), market.quantity_step.units().max(1));
    let beyond = units.checked_rem(step).unwrap_or(0);
    if beyond == 0 { quantity } else { Quantity::from_units(units.saturating_add(step - beyond)) }
}

#[cfg(test)]
mod tests {
    use pampero_model::Level;
    use proptest::prelude::*;

    use super::*;

    fn book(bid: i64, ask: i64) -> OrderBook {
        let mut book = OrderBook::default();
        let quantity = Quantity::from_units(1);
        book.set_level(Side::Buy, Level { price: Price::from_units(bid), quantity });
        book.set_level(Side::Sell, Level { price: Price::from_units(ask), quantity });
        book
    }

    fn market() -> Market {
        Market { fingerprint_span: 999, ..Market::new("bitex", "btc_usd").unwrap() }
    }

    fn holds(text: &str) -> Balance {
        let total: Money = text.parse().unwrap();
        Balance { currency: total.currency, total, available: total }
    }

    #[test]
    fn it_trades_as_little_as_the_market_takes() {
        let amounts = Amounts::choose(&market(), &book(400_000_000_000, 400_400_000_000)).unwrap();
        assert_eq!(amounts.far.to_string(), "3200");
        assert_eq!(amounts.ask.to_string(), "4002");
        assert_eq!(amounts.bid.to_string(), "4002.00001998");
        assert_eq!(amounts.least.to_string(), "0.0001");
        assert_eq!((amounts.cap.to_string(), amounts.limit.to_string()), ("1.2012".into(), "2.4024".into()));
        let size = |side, price| amounts.size(&market(), side, price, 2).unwrap().to_string();
        assert_eq!(size(Side::Sell, amounts.ask), "0.0002 base");
        assert_eq!(size(Side::Buy, amounts.far), "0.64 quote");
        let poor = amounts.covered_by(&market(), &[holds("0.0002 BTC"), holds("2 USD")]).unwrap_err();
        assert_eq!(
            poor.to_string(),
            "the account has 2 USD free, and the rehearsal on btc_usd needs 2.002 USD for a while"
        );
        assert_eq!(amounts.covered_by(&market(), &[holds("0.0002 BTC"), holds("3 USD")]), Ok(()));
    }

    #[test]
    fn a_book_that_does_not_allow_it_is_told() {
        let told = |book: &OrderBook| Amounts::choose(&market(), book).unwrap_err().to_string();
        let mut one_sided = book(1, 2);
        one_sided.set_level(Side::Buy, Level { price: Price::from_units(1), quantity: Quantity::ZERO });
        assert!(told(&one_sided).starts_with("the book of btc_usd has no bids"), "{}", told(&one_sided));
        assert!(told(&book(100_000_000_000, 100_000_000_500)).contains("leave no room"));
    }

    proptest! {
        /// Whatever the market is like: its minimum is kept, prices are multiples of its tick, own orders meet each
        /// other and nobody else, and the sizes stand on the right sides of the cap and the limit.
        #[test]
        fn every_market_that_has_room_gets_orders_it_takes(
            bid in 1_i64..1_000_000_000_000_000, spread in 1_i64..10_000_000_000_000, tick in 1_i64..1_000_000,
            step in 1_i64..1_000_000, min_base in 1_i64..10_000_000_000, min_quote in 1_i128..100_000_000_000,
            span in 0_u32..1_000, buys_in_base: bool,
        ) {
            let market = Market {
                price_tick: Price::from_units(tick),
                quantity_step: Quantity::from_units(step),
                min_base: Quantity::from_units(min_base),
                min_quote: Cash::from_units(min_quote),
                fingerprint_span: span,
                buy_unit: if buys_in_base { SizeUnit::Base } else { SizeUnit::Quote },
                ..market()
            };
            let (best_bid, best_ask) = (Price::from_units(bid), Price::from_units(bid + spread));
            let Ok(amounts) = Amounts::choose(&market, &book(bid, bid + spread)) else { return Ok(()) };
            for price in [amounts.far, amounts.ask, amounts.bid] {
                prop_assert_eq!(price.units() % tick, 0);
            }
            prop_assert!(amounts.far < best_bid && amounts.ask > best_bid && amounts.bid < best_ask);
            prop_assert!(amounts.bid.units() - i64::from(span) >= amounts.ask.units() + i64::from(span));
            prop_assert_eq!(amounts.least.units() % step, 0);
            let Ok(sell) = amounts.size(&market, Side::Sell, amounts.ask, 2) else { return Ok(()) };
            let Ok(buy) = amounts.size(&market, Side::Buy, amounts.far, 1) else { return Ok(()) };
            prop_assert!(!market.is_too_small(sell) && !market.is_too_small(buy));
            prop_assert!(sell.notional(amounts.bid, Rounding::Up).unwrap() <= amounts.cap);
            let worth = |times| amounts.worth(&market, amounts.far, times).unwrap()
                .notional(amounts.far, Rounding::Up).unwrap();
            prop_assert!(worth(4) > amounts.cap);
            prop_assert!(worth(12) > amounts.limit);
        }
    }
}
