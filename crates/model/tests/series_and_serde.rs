//! What is stored comes back as it was: in columns and in JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::fmt::Debug;

use pampero_model::{
    BookSeries, BookSnapshot, Candle, CandleSeries, Cash, Currency, Fill, FillId, Level, Liquidity, Market,
    MarketId, Money, Order, OrderId, Price, Quantity, Quote, QuoteSeries, Rate, Side, Size, Span, Timestamp,
    Trade, TradeSeries,
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

fn price() -> impl Strategy<Value = Price> {
    any::<i64>().prop_map(Price::from_units)
}

fn quantity() -> impl Strategy<Value = Quantity> {
    any::<i64>().prop_map(Quantity::from_units)
}

fn cash() -> impl Strategy<Value = Cash> {
    any::<i128>().prop_map(Cash::from_units)
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_nanos)
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn level() -> impl Strategy<Value = Level> {
    (price(), quantity()).prop_map(|(price, quantity)| Level { price, quantity })
}

fn candle() -> impl Strategy<Value = Candle> {
    (time(), price(), price(), price(), price(), quantity()).prop_map(
        |(open_time, open, high, low, close, volume)| Candle { open_time, open, high, low, close, volume },
    )
}

fn trade() -> impl Strategy<Value = Trade> {
    (any::<u64>(), time(), price(), quantity(), proptest::option::of(side()))
        .prop_map(|(id, time, price, quantity, aggressor)| Trade { id, time, price, quantity, aggressor })
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![quantity().prop_map(Size::Base), cash().prop_map(Size::Quote)]
}

fn order() -> impl Strategy<Value = Order> {
    (any::<u64>(), any::<u16>(), side(), price(), size()).prop_map(|(id, market, side, price, size)| Order {
        id: OrderId(id),
        market: MarketId(market),
        side,
        price,
        size,
    })
}

fn fill() -> impl Strategy<Value = Fill> {
    (any::<u64>(), order(), quantity(), cash(), any::<i128>(), any::<bool>(), time()).prop_map(
        |(id, order, base, quote, fee, maker, time)| Fill {
            id: FillId(id),
            order: order.id,
            market: order.market,
            side: order.side,
            price: order.price,
            base,
            quote,
            fee,
            liquidity: if maker { Liquidity::Maker } else { Liquidity::Taker },
            time,
        },
    )
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    let text = serde_json::to_string(value).unwrap();
    let read: T =
        serde_json::from_str(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
    prop_assert_eq!(&read, value);
    // From a reader nothing can be borrowed.
    let read: T = serde_json::from_reader(text.as_bytes()).unwrap();
    prop_assert_eq!(&read, value);
    Ok(())
}

proptest! {
    #[test]
    fn candles_come_back_from_their_columns(candles in proptest::collection::vec(candle(), 0..20)) {
        let mut series = CandleSeries::new(Span::from_minutes(1));
        series.reserve(candles.len());
        for candle in &candles {
            series.push(candle);
        }
        prop_assert_eq!(series.iter().collect::<Vec<_>>(), candles.clone());
        prop_assert_eq!((series.len(), series.is_empty()), (candles.len(), candles.is_empty()));
        prop_assert_eq!(series.get(candles.len()), None);
        prop_assert_eq!(series.get(0), candles.first().copied());
    }

    #[test]
    fn trades_come_back_from_their_columns(trades in proptest::collection::vec(trade(), 0..20)) {
        let mut series = TradeSeries::default();
        for trade in &trades {
            series.push(trade);
        }
        prop_assert_eq!((0..=trades.len()).map_while(|index| series.get(index)).collect::<Vec<_>>(), trades.clone());
        prop_assert_eq!((series.len(), series.is_empty()), (trades.len(), trades.is_empty()));
    }

    #[test]
    fn quotes_come_back_from_their_columns(quotes in proptest::collection::vec((time(), level(), level()), 0..20)) {
        let quotes: Vec<_> = quotes.into_iter().map(|(time, bid, ask)| (time, Quote { bid, ask })).collect();
        let mut series = QuoteSeries::default();
        for (time, quote) in &quotes {
            series.push(*time, quote);
        }
        prop_assert_eq!((0..=quotes.len()).map_while(|index| series.get(index)).collect::<Vec<_>>(), quotes.clone());
        prop_assert_eq!((series.len(), series.is_empty()), (quotes.len(), quotes.is_empty()));
    }

    #[test]
    fn books_come_back_from_their_columns(
        books in proptest::collection::vec(
            (time(), proptest::collection::vec(level(), 0..5), proptest::collection::vec(level(), 0..5)), 0..12,
        ),
    ) {
        let mut series = BookSeries::default();
        for (time, bids, asks) in &books {
            series.push(*time, BookSnapshot { bids, asks });
        }
        for (index, (time, bids, asks)) in books.iter().enumerate() {
            prop_assert_eq!(series.get(index), Some((*time, BookSnapshot { bids, asks })));
        }
        prop_assert_eq!(series.get(books.len()), None);
        prop_assert_eq!((series.len(), series.times().len(), series.is_empty()), (books.len(), books.len(), books.is_empty()));
    }

    #[test]
    fn amounts_survive_json(units in any::<i64>(), wide in any::<i128>(), size in size()) {
        survives(&Price::from_units(units))?;
        survives(&Quantity::from_units(units))?;
        survives(&Rate::from_units(units))?;
        survives(&Cash::from_units(wide))?;
        survives(&Money::new("usd".parse::<Currency>().unwrap(), wide))?;
        survives(&size)?;
    }

    #[test]
    fn times_survive_json(time in time(), nanos in 0_i64..) {
        survives(&time)?;
        survives(&Span::from_nanos(nanos))?;
    }

    #[test]
    fn facts_survive_json(candle in candle(), trade in trade(), bid in level(), ask in level()) {
        survives(&candle)?;
        survives(&trade)?;
        survives(&Quote { bid, ask })?;
    }

    #[test]
    fn orders_and_fills_survive_json(order in order(), fill in fill(), code in "[a-z]{3}_[a-z]{3}") {
        survives(&order)?;
        survives(&fill)?;
        survives(&Market::new("bitex", &code).unwrap())?;
    }

    /// A JSON number has been, or will be, a float in somebody's hands.
    #[test]
    fn amounts_are_text_in_json(units in any::<i64>()) {
        let text = serde_json::to_string(&Price::from_units(units)).unwrap();
        prop_assert!(text.starts_with('"') && text.ends_with('"'));
        prop_assert!(serde_json::from_str::<Price>(text.trim_matches('"')).is_err());
    }

    #[test]
    fn a_fill_moves_what_it_trades_less_its_fee(fill in fill(), base in 0_i64..1 << 60, quote in 0_i128..1 << 100, fee in 0_i64..1 << 60) {
        let fill = Fill { base: Quantity::from_units(base), quote: Cash::from_units(quote), fee: fee.into(), ..fill };
        let expected = match fill.side {
            Side::Buy => (base - fee, -quote),
            Side::Sell => (-base, quote - i128::from(fee)),
        };
        prop_assert_eq!((fill.base_change().units(), fill.quote_change().units()), expected);
    }

    #[test]
    fn a_limit_accepts_its_own_price_and_better(limit in any::<i64>(), price in any::<i64>()) {
        let (a, b) = (Price::from_units(limit), Price::from_units(price));
        prop_assert_eq!(Side::Buy.accepts(a, b), price <= limit);
        prop_assert_eq!(Side::Sell.accepts(a, b), price >= limit);
        prop_assert!(Side::Buy.accepts(a, a) && Side::Sell.accepts(a, a));
    }
}
