//! Builders of small runs, for tests.
#![allow(dead_code)] // each test file uses its part

use std::sync::Arc;

use pampero_model::{
    Cash, Currency, Fill, FillId, Liquidity, Market, MarketId, Markets, OrderId, Price, Quantity, Rate,
    Rounding, Side, Timestamp,
};
use pampero_report::{EquityPoint, FillRecord, Flow, Mark, MarketMarks, RunInputs, RunRecord, Timing};

pub const DAY: i64 = 86_400;
pub const HOUR: i64 = 3_600;

pub fn cash(text: &str) -> Cash {
    text.parse().unwrap()
}

pub fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

/// A run without anything: market `btc_usd` without fees, minimum 0.0001 btc, report currency usd.
pub fn run() -> RunRecord {
    let mut markets = Markets::default();
    let main_market = markets.insert(Market::new("bitex", "btc_usd").unwrap()).unwrap();
    RunRecord {
        inputs: RunInputs { strategy: "sma-cross".to_owned(), ..RunInputs::default() },
        markets,
        main_market,
        report_currency: "usd".parse::<Currency>().unwrap(),
        equity: Vec::new(),
        flows: Vec::new(),
        holdings: Vec::new(),
        marks: Vec::new(),
        orders: Vec::new(),
        fills: Vec::new(),
        denied: Vec::new(),
        presets: Vec::new(),
        timing: Timing::default(),
    }
}

pub fn point(seconds: i64, equity: &str) -> EquityPoint {
    EquityPoint { time: at(seconds), equity: cash(equity), exposure: Cash::ZERO, price: price("100") }
}

/// A run whose equity takes these values, one each `step` seconds.
pub fn run_of(step: i64, equity: &[&str]) -> RunRecord {
    let mut run = run();
    run.equity = equity.iter().zip(0..).map(|(equity, index)| point(index * step, equity)).collect();
    run
}

pub fn flow(seconds: i64, amount: &str) -> Flow {
    Flow { time: at(seconds), amount: cash(amount) }
}

/// A taker fill; the fee is in the currency received.
pub fn fill(seconds: i64, side: Side, at_price: &str, base: &str, fee: &str) -> FillRecord {
    let (price, base): (Price, Quantity) = (price(at_price), base.parse().unwrap());
    let fill = Fill {
        id: FillId(u64::try_from(seconds).unwrap()),
        order: OrderId(u64::try_from(seconds).unwrap()),
        market: MarketId(0),
        side,
        price,
        base,
        quote: price.notional(base, Rounding::Down).unwrap(),
        fee: cash(fee).units(),
        liquidity: Liquidity::Taker,
        time: at(seconds),
    };
    FillRecord {
        fill,
        strategy: Arc::from("sma-cross"),
        reason: "TEST".into(),
        mid: None,
        rate: Some(Rate::ONE),
    }
}

pub fn marks(opening: &str, closing: &str) -> MarketMarks {
    let mark = |text| Some(Mark { price: price(text), rate: Rate::ONE });
    MarketMarks { market: MarketId(0), opening: mark(opening), closing: mark(closing) }
}

pub fn assert_close(found: Option<f64>, expected: f64) {
    let found = found.expect("a value where the statistic is defined");
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}
