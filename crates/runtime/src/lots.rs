//! Cost basis by first in, first out: what each sale realised, for taxes.

use std::collections::{BTreeMap, VecDeque};

use pampero_model::{
    Cash, Currency, Fill, Markets, Price, Quantity, Rate, Rounding, Side, Timestamp, VenueId,
};

/// Base that was bought and not sold yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// When.
    pub bought_at: Timestamp,
    /// How much is left of it, net of the fee.
    pub quantity: Quantity,
    /// What that cost, in the currency it was paid in.
    pub cost: Cash,
    /// The currency it was paid in.
    pub currency: Currency,
    /// The cost in the report currency at the time; none where no rate was known.
    pub report_cost: Option<Cash>,
}

/// A sale, with the lots it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposal {
    /// The execution.
    pub fill: Fill,
    /// What was received, net of the fee, in quote.
    pub proceeds: Cash,
    /// The parts of lots that were sold, oldest first.
    pub lots: Vec<Lot>,
    /// Base sold of which no purchase is known: what the account held before. Its cost is not counted.
    pub uncovered: Quantity,
    /// Proceeds less cost in quote; none where a part was paid in another currency or is uncovered.
    pub gain: Option<Cash>,
    /// Proceeds less cost in the report currency; none where a rate is missing or a part is uncovered.
    pub report_gain: Option<Cash>,
}

/// Lots by venue and base currency, whatever it was paid in.
#[derive(Clone, Debug, Default)]
pub struct Lots {
    lots: BTreeMap<(VenueId, String), VecDeque<Lot>>,
}

impl Lots {
    /// Takes in an execution, in the order in which they happened. `rate` is the worth of one unit of the quote currency
    /// in the report currency. A sale gives what it realised.
    pub fn fill(&mut self, markets: &Markets, fill: &Fill, rate: Option<Price>) -> Option<Disposal> {
        let (market, venue) = (markets.get(fill.market)?, markets.venue_of(fill.market)?);
        let in_report = |cash: Cash| Rate::from_units(rate?.units()).of_cash(cash, Rounding::HalfEven).ok();
        let lots = self.lots.entry((venue, market.base.code().to_owned())).or_default();
        if fill.side == Side::Buy {
            lots.push_back(Lot {
                bought_at: fill.time,
                quantity: fill.base_change(),
                cost: fill.quote,
                currency: market.quote,
                report_cost: in_report(fill.quote),
            });
            return None;
        }
        let (sold, uncovered) = take(lots, fill.base);
        let proceeds = fill.quote_change();
        let known = uncovered.is_zero();
        let sum = |cost: &dyn Fn(&Lot) -> Option<Cash>| {
            sold.iter()
                .try_fold(Cash::ZERO, |sum, lot| Some(sum.saturating_add(cost(lot)?)))
                .filter(|_| known)
        };
        let cost = sum(&|lot| Some(lot.cost).filter(|_| lot.currency == market.quote));
        let report_cost = sum(&|lot| lot.report_cost);
        Some(Disposal {
            fill: *fill,
            proceeds,
            uncovered,
            gain: cost.map(|cost| proceeds.saturating_sub(cost)),
            report_gain: in_report(proceeds).zip(report_cost).map(|(got, cost)| got.saturating_sub(cost)),
            lots: sold,
        })
    }

    /// What is left, by venue and base currency, oldest first.
    pub fn left(&self) -> impl Iterator<Item = (VenueId, &str, &Lot)> {
        self.lots.iter().flat_map(|((venue, currency), lots)| {
            lots.iter().map(move |lot| (*venue, currency.as_str(), lot))
        })
    }
}

/// Takes a quantity off the oldest lots; gives the parts, and what no lot covers.
fn take(lots: &mut VecDeque<Lot>, mut wanted: Quantity) -> (Vec<Lot>, Quantity) {
    let mut taken = Vec::new();
    while wanted.is_positive() {
        let Some(lot) = lots.front_mut() else { break };
        if lot.quantity <= wanted {
            wanted = wanted.saturating_sub(lot.quantity);
            taken.extend(lots.pop_front());
            continue;
        }
        // The part's cost is rounded down; what that leaves stays with the rest, so that nothing is lost.
        let share = |cost: Cash| {
            let product = cost.units().checked_mul(i128::from(wanted.units()));
            let part = product.map_or(0, |product| product / i128::from(lot.quantity.units()).max(1));
            Cash::from_units(part)
        };
        let part = Lot {
            quantity: wanted,
            cost: share(lot.cost),
            report_cost: lot.report_cost.map(share),
            ..lot.clone()
        };
        lot.quantity = lot.quantity.saturating_sub(wanted);
        lot.cost = lot.cost.saturating_sub(part.cost);
        lot.report_cost =
            lot.report_cost.zip(part.report_cost).map(|(whole, part)| whole.saturating_sub(part));
        wanted = Quantity::ZERO;
        taken.push(part);
    }
    (taken, wanted)
}

#[cfg(test)]
mod tests {
    use pampero_model::{FillId, Liquidity, Market, MarketId, OrderId};
    use proptest::prelude::*;

    use super::*;

    fn markets() -> Markets {
        let mut markets = Markets::default();
        for code in ["btc_usd", "btc_ars"] {
            markets.insert(Market::new("bitex", code).unwrap()).unwrap();
        }
        markets
    }

    fn fill(side: Side, market: u16, base: &str, quote: &str, fee: i128) -> Fill {
        Fill {
            id: FillId(1),
            order: OrderId(1),
            market: MarketId(market),
            side,
            price: Price::UNIT,
            base: base.parse().unwrap(),
            quote: quote.parse().unwrap(),
            fee,
            liquidity: Liquidity::Maker,
            time: Timestamp::MIN,
        }
    }

    #[test]
    fn the_oldest_goes_first_and_fees_count() {
        let (markets, mut lots, one) = (markets(), Lots::default(), Some("1".parse().unwrap()));
        // 1 BTC for 100, less a fee of 0.1 BTC; then 1 BTC for 200.
        assert_eq!(lots.fill(&markets, &fill(Side::Buy, 0, "1", "100", 10_000_000), one), None);
        lots.fill(&markets, &fill(Side::Buy, 0, "1", "200", 0), one);
        // 1.4 BTC for 420 less 20: cost 100 + half of 200.
        let sale = lots.fill(&markets, &fill(Side::Sell, 0, "1.4", "420", 2_000_000_000), one).unwrap();
        assert_eq!((sale.proceeds.to_string(), sale.lots.len()), ("400".to_owned(), 2));
        assert_eq!(sale.gain.map(|gain| gain.to_string()), Some("200".to_owned()));
        assert_eq!(sale.report_gain, sale.gain);
        let left: Vec<_> =
            lots.left().map(|(_, base, lot)| format!("{base} {} {}", lot.quantity, lot.cost)).collect();
        assert_eq!(left, ["btc 0.5 100"]);
        // Sold for pesos at 1000 to the dollar: no gain in pesos, one in dollars.
        let rate = Some("0.001".parse().unwrap());
        let sale = lots.fill(&markets, &fill(Side::Sell, 1, "0.5", "150000", 0), rate).unwrap();
        assert_eq!((sale.gain, sale.report_gain.map(|gain| gain.to_string())), (None, Some("50".to_owned())));
        // Nothing is left: what is sold now was never bought.
        let sale = lots.fill(&markets, &fill(Side::Sell, 0, "0.3", "90", 0), one).unwrap();
        assert_eq!((sale.uncovered.to_string(), sale.gain), ("0.3".to_owned(), None));
    }

    proptest! {
        #[test]
        fn base_and_cost_are_conserved(
            trades in prop::collection::vec((any::<bool>(), 1..1_000_000_i64, 1..1_000_000_000_i128), 1..60),
        ) {
            let (markets, mut lots) = (markets(), Lots::default());
            let (mut bought, mut sold, mut uncovered, mut paid, mut cost) = (0_i64, 0_i64, 0_i64, 0_i128, 0_i128);
            for (buys, base, quote) in trades {
                let side = if buys { Side::Buy } else { Side::Sell };
                let fill = Fill {
                    base: Quantity::from_units(base),
                    quote: Cash::from_units(quote),
                    fee: i128::from(base / 400),
                    ..fill(side, 0, "1", "1", 0)
                };
                match lots.fill(&markets, &fill, None) {
                    None => {
                        bought += fill.base_change().units();
                        paid += quote;
                    }
                    Some(sale) => {
                        let parts: i64 = sale.lots.iter().map(|lot| lot.quantity.units()).sum();
                        prop_assert_eq!(parts + sale.uncovered.units(), base);
                        sold += parts;
                        uncovered += sale.uncovered.units();
                        cost += sale.lots.iter().map(|lot| lot.cost.units()).sum::<i128>();
                    }
                }
            }
            let left: i64 = lots.left().map(|(_, _, lot)| lot.quantity.units()).sum();
            let left_cost: i128 = lots.left().map(|(_, _, lot)| lot.cost.units()).sum();
            prop_assert_eq!(bought, sold + left);
            prop_assert_eq!(paid, cost + left_cost);
            prop_assert!(uncovered >= 0);
        }
    }
}
