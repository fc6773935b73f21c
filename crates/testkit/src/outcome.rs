//! What a strategy did, in lines that a test can compare.

use std::fmt::Write;

use pampero_backtest::{FillRecord, Outcome};
use pampero_engine::OrderRecord;
use pampero_model::{Cash, Currency, Liquidity, Market, MarketId, Quantity, Side, Timestamp};

/// A finished run of a scenario. Its `expect_…` panic with both lists where they differ, and can be chained.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    outcome: Outcome,
    /// The scenario's; the first is the one whose base and quote are counted.
    markets: Vec<Market>,
    /// Every order, by id.
    orders: Vec<OrderRecord>,
}

impl Run {
    pub(crate) fn new(outcome: Outcome, markets: Vec<Market>) -> Self {
        let mut orders = outcome.orders.clone();
        orders.sort_by_key(|order| order.id);
        Self { outcome, markets, orders }
    }

    /// Everything that was recorded.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Every order as it was at its end, in the order in which they were asked for.
    pub fn orders(&self) -> &[OrderRecord] {
        &self.orders
    }

    /// Every execution, in the order in which it became known.
    pub fn fills(&self) -> &[FillRecord] {
        &self.outcome.fills
    }

    /// Every order as `60s buy 100 quote at 4100`; one of another market than the first ends with ` on btc_ars`.
    pub fn order_lines(&self) -> Vec<String> {
        let line = |order: &OrderRecord| format!("{}{}", order_line(order), self.place(order.market));
        self.orders.iter().map(line).collect()
    }

    /// Every execution as `60s buy 0.5 at 4100 taker`; one of another market than the first ends with ` on btc_ars`.
    pub fn fill_lines(&self) -> Vec<String> {
        let line = |record: &FillRecord| format!("{}{}", fill_line(record), self.place(record.fill.market));
        self.outcome.fills.iter().map(line).collect()
    }

    /// Where something happened, unless it was in the first market.
    fn place(&self, market: MarketId) -> String {
        match self.markets.get(market.index()) {
            Some(rules) if market.index() > 0 => format!(" on {}", rules.code),
            _ => String::new(),
        }
    }

    /// Asserts that exactly these orders were sent, each as `60s buy 100 quote at 4100`: when, what, and the limit.
    #[track_caller]
    pub fn expect_orders(&self, expected: &[&str]) -> &Self {
        self.compare("orders", expected, &self.order_lines());
        self
    }

    /// Asserts that exactly these executions happened, each as `60s buy 0.5 at 4100 taker`: gross base.
    #[track_caller]
    pub fn expect_fills(&self, expected: &[&str]) -> &Self {
        self.compare("fills", expected, &self.fill_lines());
        self
    }

    /// Asserts that no intent was refused.
    #[track_caller]
    pub fn expect_nothing_denied(&self) -> &Self {
        let denied: Vec<String> = self
            .outcome
            .denied
            .iter()
            .map(|denial| format!("{} × {}: {}", denial.count, denial.code, denial.first.3))
            .collect();
        self.compare("refusals", &[], &denied);
        self
    }

    /// Worth of everything at the last prices, in the quote currency.
    pub const fn final_equity(&self) -> Cash {
        self.outcome.final_equity
    }

    /// What equity changed by.
    pub fn profit(&self) -> Cash {
        self.outcome.final_equity.saturating_sub(self.outcome.initial_equity)
    }

    /// Base held at the end, over all venues.
    pub fn base(&self) -> Quantity {
        let units = self.markets.first().map_or(0, |market| self.balance(market.base));
        Quantity::from_units(i64::try_from(units).unwrap_or(i64::MAX))
    }

    /// Quote of the first market held at the end, over all venues.
    pub fn quote(&self) -> Cash {
        Cash::from_units(self.markets.first().map_or(0, |market| self.balance(market.quote)))
    }

    /// What is held of a currency at the end, over all venues, in units of 1e-8.
    pub fn balance(&self, currency: Currency) -> i128 {
        self.outcome.balances.iter().filter(|balance| balance.1 == currency).map(|balance| balance.2).sum()
    }

    /// Base held after each execution, as far as executions changed it, from the start of the run.
    pub fn positions(&self) -> Vec<(Timestamp, Quantity)> {
        let change = |fill: &FillRecord| fill.fill.base_change();
        let all = self.fills().iter().map(change).fold(Quantity::ZERO, Quantity::saturating_add);
        let mut held = self.base().saturating_sub(all);
        let mut positions = vec![(Timestamp::MIN, held)];
        for record in self.fills() {
            held = held.saturating_add(change(record));
            positions.push((record.fill.time, held));
        }
        positions
    }

    // The panic is the point.
    #[allow(clippy::panic)]
    #[track_caller]
    fn compare(&self, what: &str, expected: &[&str], actual: &[String]) {
        if expected.iter().eq(actual.iter()) {
            return;
        }
        let mut text = format!("{what} differ\n");
        for index in 0..expected.len().max(actual.len()) {
            match (expected.get(index), actual.get(index)) {
                (Some(expected), Some(actual)) if expected == actual => line(&mut text, ' ', actual),
                (expected, actual) => {
                    if let Some(expected) = expected {
                        line(&mut text, '-', expected);
                    }
                    if let Some(actual) = actual {
                        line(&mut text, '+', actual);
                    }
                }
            }
        }
        let denied: Vec<String> =
            self.outcome.denied.iter().map(|denial| format!("{} × {}", denial.count, denial.code)).collect();
        let denied = if denied.is_empty() { "none".to_owned() } else { denied.join(", ") };
        panic!("{text}(- expected, + actual; refusals: {denied})");
    }
}

fn line(text: &mut String, mark: char, content: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {mark} {content}");
}

fn seconds(time: Timestamp) -> String {
    let (secs, millis) = (time.as_millis().div_euclid(1_000), time.as_millis().rem_euclid(1_000));
    if millis == 0 { format!("{secs}s") } else { format!("{secs}.{millis:03}s") }
}

fn order_line(order: &OrderRecord) -> String {
    format!("{} {} {} at {}", seconds(order.created_at), order.side, order.size, order.price)
}

fn fill_line(record: &FillRecord) -> String {
    let fill = &record.fill;
    let liquidity = match fill.liquidity {
        Liquidity::Maker => "maker",
        Liquidity::Taker => "taker",
    };
    let side = if fill.side == Side::Buy { "buy" } else { "sell" };
    format!("{} {side} {} at {} {liquidity}", seconds(fill.time), fill.base, fill.price)
}
