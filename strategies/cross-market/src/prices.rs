//! From a price on the hedging market to a quote on the made one, and back.

use pampero_model::{
    ArithmeticError, Cash, Market, OrderBook, Price, Quantity, Rate, Rounding, Side, Size, SizeUnit,
};

/// What a trade there and back costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Costs {
    /// Made quote per hedging quote.
    pub(crate) exchange_rate: Price,
    pub(crate) maker_fee: Rate,
    pub(crate) taker_fee: Rate,
    pub(crate) bid_profit: Rate,
    pub(crate) ask_profit: Rate,
}

impl Costs {
    /// The highest bid that earns its profit when what it buys is sold at `hedge`:
    /// `hedge × rate × (1 − maker fee) × (1 − taker fee) × (1 − profit)`, rounded down at each step.
    pub(crate) fn bid(&self, hedge: Price) -> Result<Price, ArithmeticError> {
        let mut price = scaled(hedge, self.exchange_rate, Rounding::Down)?;
        for cost in [self.maker_fee, self.taker_fee, self.bid_profit] {
            price = price.shifted(Rate::from_units(-cost.units()), Rounding::Down)?;
        }
        Ok(price)
    }

    /// The lowest ask that earns its profit when what it sells is bought back at `hedge`:
    /// `hedge × rate × (1 + profit) ÷ ((1 − maker fee) × (1 − taker fee))`, rounded up at each step.
    pub(crate) fn ask(&self, hedge: Price) -> Result<Price, ArithmeticError> {
        let price =
            scaled(hedge, self.exchange_rate, Rounding::Up)?.shifted(self.ask_profit, Rounding::Up)?;
        grossed_up(grossed_up(price, self.maker_fee)?, self.taker_fee)
    }
}

/// A price times a rate.
fn scaled(price: Price, rate: Price, rounding: Rounding) -> Result<Price, ArithmeticError> {
    Rate::from_units(rate.units()).of_price(price, rounding)
}

/// `price ÷ (1 − fee)`, rounded up.
fn grossed_up(price: Price, fee: Rate) -> Result<Price, ArithmeticError> {
    let kept = Quantity::from_units(Rate::ONE.saturating_sub(fee).units());
    Cash::from_units(price.units().into()).average_price(kept, Rounding::Up)
}

/// The price at which the hedging market takes `quantity` on `side` with certainty enough: that of the level that covers
/// it, once the volume traded lately is gone from the top of the book. Nothing if the book does not reach so far.
pub(crate) fn safest(
    book: &OrderBook,
    side: Side,
    quantity: Quantity,
    traded: Quantity,
) -> Result<Option<Price>, ArithmeticError> {
    let depth = book.walk(side, Size::Base(quantity.checked_add(traded)?), None)?;
    Ok(depth.filter(|depth| depth.complete).map(|depth| depth.worst_price))
}

/// The size of an order that closes `open`. A sell gives what is open. A buy must leave it after the fee; sized in quote, it
/// spends what the book asks for it now, so that a better price does not buy too much.
pub(crate) fn hedge_size(
    market: &Market,
    book: &OrderBook,
    open: Quantity,
    limit: Price,
) -> Result<Size, ArithmeticError> {
    if !open.is_negative() {
        return Ok(Size::Base(open.truncate_to(market.quantity_step)));
    }
    let wanted = market.taker_fee.gross_of(open.abs())?;
    if market.size_unit(Side::Buy) == SizeUnit::Base {
        return Ok(Size::Base(wanted.truncate_to(market.quantity_step)));
    }
    let depth = book.walk(Side::Buy, Size::Base(wanted), Some(limit))?.filter(|depth| depth.complete);
    depth.map_or_else(|| limit.notional(wanted, Rounding::Up), |depth| Ok(depth.quote)).map(Size::Quote)
}

/// The limit of a hedge after so many tries: `attempts² × step` worse than the price it was planned at, at most
/// `max_loss` worse.
pub(crate) fn given_way(
    price: Price,
    side: Side,
    attempts: u32,
    step: Rate,
    max_loss: Rate,
) -> Result<Price, ArithmeticError> {
    let attempts = i64::from(attempts);
    let units = attempts.saturating_mul(attempts).saturating_mul(step.units()).min(max_loss.units());
    match side {
        Side::Buy => price.shifted(Rate::from_units(units), Rounding::Up),
        Side::Sell => price.shifted(Rate::from_units(-units), Rounding::Down),
    }
}

#[cfg(test)]
mod tests {
    use pampero_testkit::proptest::prelude::*;
    use pampero_testkit::{level, price, quantity, rate};

    use super::*;
    use pampero_model::BookSnapshot;

    fn costs() -> Costs {
        Costs {
            exchange_rate: price("1000"),
            maker_fee: rate("0.0025"),
            taker_fee: rate("0.0025"),
            bid_profit: rate("0.01"),
            ask_profit: rate("0.01"),
        }
    }

    #[test]
    fn a_quote_covers_both_fees_and_the_profit() {
        // 100 × 1000 × 0.9975² × 0.99, and 100 × 1000 × 1.01 ÷ 0.9975².
        assert_eq!(costs().bid(price("100")).unwrap(), price("98505.61875"));
        assert_eq!(costs().ask(price("100")).unwrap(), price("101506.9000823"));
    }

    #[test]
    fn the_safest_price_lies_behind_what_was_traded_lately() {
        let mut book = OrderBook::with_capacity(4);
        let bids = [level(("100", "1")), level(("99", "1")), level(("98", "2"))];
        book.replace(BookSnapshot { bids: &bids, asks: &[] });
        let safest = |wanted: &str, traded: &str| {
            safest(&book, Side::Sell, quantity(wanted), quantity(traded)).unwrap()
        };
        assert_eq!(safest("1", "0"), Some(price("100")));
        assert_eq!(safest("1", "0.5"), Some(price("99")));
        assert_eq!(safest("1", "2"), Some(price("98")));
        assert_eq!(safest("3", "1.1"), None, "the book does not reach so far");
    }

    #[test]
    fn each_further_try_gives_way_by_more_up_to_the_most() {
        let limit =
            |side, attempts| given_way(price("100"), side, attempts, rate("0.001"), rate("0.01")).unwrap();
        let sells = [0, 1, 2, 3, 9].map(|attempts| limit(Side::Sell, attempts).to_string());
        assert_eq!(sells, ["100", "99.9", "99.6", "99.1", "99"]);
        assert_eq!(limit(Side::Buy, 2), price("100.4"));
    }

    proptest! {
        /// Whatever the fees: buying at the bid and selling at the hedge, and selling at the ask and buying back at the
        /// hedge, leave at least the profit.
        #[test]
        fn a_round_trip_at_the_quotes_earns_the_profit(
            hedge in 1_000_000_000i64..10_000_000_000_000, fees in (0i64..5_000_000, 0i64..5_000_000),
            profit in 0i64..10_000_000,
        ) {
            let fee = |units: i64| Rate::from_units(units);
            let costs = Costs {
                exchange_rate: price("10"),
                maker_fee: fee(fees.0),
                taker_fee: fee(fees.1),
                bid_profit: fee(profit),
                ask_profit: fee(profit),
            };
            let hedge = Price::from_units(hedge);
            let one = |share: i64| 1.0 - fee(share).to_f64();
            let (bid, ask) = (costs.bid(hedge).unwrap().to_f64(), costs.ask(hedge).unwrap().to_f64());
            let kept = one(fees.0) * one(fees.1);
            let value = hedge.to_f64() * 10.0;
            prop_assert!(value * kept * one(profit) >= bid * (1.0 - 1e-9));
            prop_assert!(ask * kept >= value * (2.0 - one(profit)) * (1.0 - 1e-9));
            // And no more than a hair beyond it.
            prop_assert!(value * kept * one(profit) <= bid * (1.0 + 1e-6));
            prop_assert!(ask * kept <= value * (2.0 - one(profit)) * (1.0 + 1e-6));
        }

        #[test]
        fn the_gross_is_just_enough(net in 1i64..1_000_000_000_000, fee in 0i64..50_000_000) {
            let fee = Rate::from_units(fee);
            let gross = fee.gross_of(Quantity::from_units(net)).unwrap();
            let kept = |gross: Quantity| gross.saturating_sub(fee.of_quantity(gross, Rounding::Down).unwrap());
            prop_assert!(kept(gross).units() >= net);
            prop_assert!(kept(gross.saturating_sub(Quantity::from_units(2))).units() <= net);
        }
    }
}
