//! One set of statistics, computed from the equity and the fills of a run in one pass over each.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pampero_model::{Cash, Currency, Liquidity, Money, Price, Quantity, Rounding, Side, Span};

use crate::curve::{Curve, CurveStatistics, Grid};
use crate::fund::Fund;
use crate::record::{DeniedCount, EquityPoint, RunRecord};
use crate::trips::{RoundTrip, Trips, Unvalued, fee_in_quote, round_trips, value};

/// The statistics of a run. What is undefined is nothing, never zero. [`explain`](crate::explain) states every
/// formula.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The grid on which returns were taken; nothing if the run is too short for any.
    pub grid: Option<Grid>,
    /// From the first to the last equity point.
    pub length: Span,
    /// Return and risk of the equity, deposits and withdrawals taken out.
    pub equity: CurveStatistics,
    /// Return and risk of buying at the first mark of the main market and holding, without fees.
    pub hold: CurveStatistics,
    /// First equity.
    pub initial_equity: Option<Cash>,
    /// Last equity.
    pub final_equity: Option<Cash>,
    /// Deposits less withdrawals after the start.
    pub net_flows: Cash,
    /// Final less initial equity less net flows.
    pub profit: Option<Cash>,
    /// Deepest fall of the profit from its former peak.
    pub max_drawdown_amount: Option<Cash>,
    /// Share of the time in which something other than the report currency was held.
    pub exposure_time: Option<f64>,
    /// Mean over time of exposure ÷ equity.
    pub exposure_average: Option<f64>,
    /// Gross value of all fills.
    pub traded_value: Option<Cash>,
    /// Traded value ÷ mean equity over time.
    pub turnover: Option<f64>,
    /// Orders sent.
    pub orders: usize,
    /// Own executions.
    pub fills: usize,
    /// Executions that took from the book.
    pub taker_fills: usize,
    /// Round trips.
    pub trades: TradeStatistics,
    /// Fees of each currency, as they were taken.
    pub fees_by_currency: Vec<Money>,
    /// All fees in the report currency, each valued at its execution.
    pub fees: Option<Cash>,
    /// What taker fills paid beyond the middle of the book.
    pub slippage: Option<Cash>,
    /// Slippage ÷ value of those fills at the middle.
    pub slippage_ratio: Option<f64>,
    /// Intents that the risk gate denied.
    pub denied: u64,
    /// The same by code, most frequent first.
    pub denied_by_code: Vec<DeniedCount>,
}

/// Statistics of the round trips. Everything but `open` and `open_profit` counts closed ones only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TradeStatistics {
    /// How many closed; nothing if a fill could not be valued.
    pub count: Option<usize>,
    /// How many are open.
    pub open: Option<usize>,
    /// What the open ones earned so far, marked at the last close.
    pub open_profit: Option<Cash>,
    /// Share that earned something.
    pub win_rate: Option<f64>,
    /// Gross profit ÷ gross loss.
    pub profit_factor: Option<f64>,
    /// Mean profit.
    pub expectancy: Option<Cash>,
    /// Mean profit of those that earned something.
    pub average_win: Option<Cash>,
    /// Mean profit, below zero, of those that lost something.
    pub average_loss: Option<Cash>,
    /// The best profit.
    pub best: Option<Cash>,
    /// The worst profit.
    pub worst: Option<Cash>,
    /// Most wins in a row.
    pub win_streak: Option<usize>,
    /// Most losses in a row.
    pub loss_streak: Option<usize>,
    /// Mean holding time.
    pub holding_average: Option<Span>,
    /// Shortest holding time.
    pub holding_min: Option<Span>,
    /// Longest holding time.
    pub holding_max: Option<Span>,
    /// The round trips themselves, in the order in which they closed, the open ones last.
    pub list: Vec<RoundTrip>,
}

impl Statistics {
    /// Computes the statistics of a run.
    pub fn compute(record: &RunRecord) -> Self {
        let mut statistics = Self {
            length: record.length(),
            grid: Grid::of_run(record.length()),
            orders: record.orders.len(),
            denied: record.denied.iter().map(|denied| denied.count).sum(),
            denied_by_code: denied_by_code(&record.denied),
            trades: round_trips(record).map_or_else(|_| TradeStatistics::default(), TradeStatistics::of),
            ..Self::default()
        };
        statistics.add_fills(record);
        statistics.add_equity(record);
        statistics
    }

    fn add_fills(&mut self, record: &RunRecord) {
        let costs = Costs::of(record);
        self.fills = record.fills.len();
        self.taker_fills = costs.taker_fills;
        self.fees_by_currency =
            costs.fees.iter().map(|(currency, units)| Money::new(*currency, *units)).collect();
        if let Ok(valued) = costs.valued {
            self.fees = Some(valued.fees);
            self.traded_value = Some(valued.traded);
            let at_mid = valued.traded_at_mid.filter(|at_mid| at_mid.is_positive());
            self.slippage = at_mid.map(|_| valued.slippage);
            self.slippage_ratio = at_mid.map(|at_mid| valued.slippage.to_f64() / at_mid.to_f64());
        }
    }

    fn add_equity(&mut self, record: &RunRecord) {
        let (Some(first), Some(last)) = (record.equity.first(), record.equity.last()) else { return };
        let mut pass = EquityPass::new(record, first, self.grid);
        for point in &record.equity {
            pass.push(point);
        }
        let flows = pass.fund.flows();
        self.initial_equity = Some(first.equity);
        self.final_equity = Some(last.equity);
        self.net_flows = flows;
        self.profit = Some(last.equity.saturating_sub(first.equity).saturating_sub(flows));
        self.max_drawdown_amount = Some(pass.deepest_fall);
        let length = self.length.as_secs_f64();
        if length > 0.0 {
            self.exposure_time = Some(pass.exposed_seconds / length);
            self.exposure_average = Some(pass.exposure_seconds / length).filter(|share| share.is_finite());
            let mean_equity = pass.equity_seconds / length;
            self.turnover =
                self.traded_value.filter(|_| mean_equity > 0.0).map(|traded| traded.to_f64() / mean_equity);
        }
        if !pass.fund.is_sound() {
            pass.curve.invalidate();
        }
        self.equity = pass.curve.finish();
        self.hold = pass.hold.finish();
    }
}

/// The state of the one pass over the equity points.
struct EquityPass<'a> {
    fund: Fund<'a>,
    curve: Curve,
    /// From the first mark on: before it there was nothing to buy.
    hold: Curve,
    peak_profit: Cash,
    deepest_fall: Cash,
    before: EquityPoint,
    before_equity: f64,
    /// The smallest order: less is dust that cannot be sold and is no exposure.
    min_base: Quantity,
    exposed_seconds: f64,
    exposure_seconds: f64,
    equity_seconds: f64,
}

impl<'a> EquityPass<'a> {
    fn new(record: &'a RunRecord, first: &EquityPoint, grid: Option<Grid>) -> Self {
        let market = record.markets.get(record.main_market);
        let bought = record.equity.iter().find(|point| point.price.is_positive()).unwrap_or(first);
        Self {
            fund: Fund::new(record),
            curve: Curve::new(grid, first.time, first.equity.to_f64()),
            hold: Curve::new(grid, bought.time, bought.price.to_f64()),
            peak_profit: first.equity,
            deepest_fall: Cash::ZERO,
            before: *first,
            before_equity: first.equity.to_f64(),
            min_base: market.map_or(Quantity::UNIT, |market| market.min_base),
            exposed_seconds: 0.0,
            exposure_seconds: 0.0,
            equity_seconds: 0.0,
        }
    }

    #[inline]
    fn push(&mut self, point: &EquityPoint) {
        self.weigh(point.time.since(self.before.time));
        self.before = *point;
        self.before_equity = point.equity.to_f64();
        self.curve.push(point.time, self.fund.value_of(point, self.before_equity));
        if point.price.is_positive() {
            self.hold.push(point.time, point.price.to_f64());
        }
        let profit = point.equity.saturating_sub(self.fund.flows());
        self.peak_profit = self.peak_profit.max(profit);
        self.deepest_fall = self.deepest_fall.max(self.peak_profit.saturating_sub(profit));
    }

    /// Counts the state before for as long as it lasted.
    #[inline]
    fn weigh(&mut self, lasted: Span) {
        let EquityPoint { price, exposure, .. } = self.before;
        let seconds = lasted.as_secs_f64();
        self.equity_seconds += seconds * self.before_equity;
        if exposure.is_zero() {
            return;
        }
        self.exposure_seconds += seconds * exposure.to_f64() / self.before_equity;
        let dust = price.notional(self.min_base, Rounding::Down).unwrap_or(Cash::ZERO);
        if exposure.abs() >= dust {
            self.exposed_seconds += seconds;
        }
    }
}

/// What the fills cost.
struct Costs {
    taker_fills: usize,
    fees: BTreeMap<Currency, i128>,
    valued: Result<ValuedCosts, Unvalued>,
}

/// Sums in the report currency.
#[derive(Default)]
struct ValuedCosts {
    fees: Cash,
    traded: Cash,
    slippage: Cash,
    /// Value at the middle of the fills that slippage counts; nothing if there is none.
    traded_at_mid: Option<Cash>,
}

impl Costs {
    fn of(record: &RunRecord) -> Self {
        let mut fees: BTreeMap<Currency, i128> = BTreeMap::new();
        for fill in record.fills.iter().map(|record| &record.fill) {
            if let Some(market) = record.markets.get(fill.market) {
                let sum = fees.entry(market.receives(fill.side)).or_default();
                *sum = sum.saturating_add(fill.fee);
            }
        }
        let taker = record.fills.iter().filter(|record| record.fill.liquidity == Liquidity::Taker);
        Self { taker_fills: taker.count(), fees, valued: ValuedCosts::of(record) }
    }
}

impl ValuedCosts {
    fn of(record: &RunRecord) -> Result<Self, Unvalued> {
        let mut sums = Self::default();
        for filled in &record.fills {
            let fill = &filled.fill;
            let rate = filled.rate.ok_or(Unvalued)?;
            sums.fees = sums.fees.checked_add(value(fee_in_quote(fill)?, rate)?)?;
            sums.traded = sums.traded.checked_add(value(fill.quote, rate)?)?;
            if let (Some(mid), Liquidity::Taker) = (filled.mid, fill.liquidity) {
                let paid =
                    value(beyond_mid(fill.side, fill.price, mid).notional(fill.base, Rounding::Down)?, rate)?;
                let at_mid = value(mid.notional(fill.base, Rounding::Down)?, rate)?;
                sums.slippage = sums.slippage.checked_add(paid)?;
                sums.traded_at_mid = Some(sums.traded_at_mid.unwrap_or(Cash::ZERO).checked_add(at_mid)?);
            }
        }
        Ok(sums)
    }
}

/// How much worse than the middle a price is for a side.
const fn beyond_mid(side: Side, price: Price, mid: Price) -> Price {
    match side {
        Side::Buy => price.saturating_sub(mid),
        Side::Sell => mid.saturating_sub(price),
    }
}

impl TradeStatistics {
    fn of(trips: Trips) -> Self {
        let profits = || trips.closed.iter().map(|trip| trip.profit);
        let wins = Sum::of(profits().filter(|profit| profit.is_positive()));
        let losses = Sum::of(profits().filter(|profit| profit.is_negative()));
        let all = Sum::of(profits());
        let holding = |trip: &RoundTrip| trip.closed.map(|closed| closed.since(trip.opened));
        let times = || trips.closed.iter().filter_map(holding);
        let any = all.count > 0;
        Self {
            count: Some(trips.closed.len()),
            open: Some(trips.open.len()),
            open_profit: (!trips.open.is_empty())
                .then(|| Sum::of(trips.open.iter().map(|trip| trip.profit)).total),
            win_rate: any.then(|| ratio(wins.count, all.count)),
            profit_factor: losses.any().map(|losses| wins.total.to_f64() / -losses.total.to_f64()),
            expectancy: all.mean(),
            average_win: wins.mean(),
            average_loss: losses.mean(),
            best: profits().max(),
            worst: profits().min(),
            win_streak: any.then(|| longest_run(profits().map(Cash::is_positive))),
            loss_streak: any.then(|| longest_run(profits().map(Cash::is_negative))),
            holding_average: mean_span(times()),
            holding_min: times().min(),
            holding_max: times().max(),
            list: trips.closed.into_iter().chain(trips.open).collect(),
        }
    }
}

struct Sum {
    count: usize,
    total: Cash,
}

impl Sum {
    fn of(amounts: impl Iterator<Item = Cash>) -> Self {
        amounts.fold(Self { count: 0, total: Cash::ZERO }, |sum, amount| Self {
            count: sum.count + 1,
            total: sum.total.saturating_add(amount),
        })
    }

    fn any(&self) -> Option<&Self> {
        (self.count > 0).then_some(self)
    }

    /// The mean, cut toward zero at the eighth decimal.
    fn mean(&self) -> Option<Cash> {
        let count = i128::try_from(self.count).ok()?;
        self.total.units().checked_div(count).map(Cash::from_units)
    }
}

fn longest_run(hits: impl Iterator<Item = bool>) -> usize {
    let mut longest = 0;
    let mut current = 0;
    for hit in hits {
        current = if hit { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    longest
}

fn mean_span(spans: impl Iterator<Item = Span>) -> Option<Span> {
    let (count, total) =
        spans.fold((0_i128, 0_i128), |(count, total), span| (count + 1, total + i128::from(span.as_nanos())));
    total.checked_div(count).and_then(|mean| i64::try_from(mean).ok()).map(Span::from_nanos)
}

// Counts of trades are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// One entry a code, the most frequent first, ties by code.
fn denied_by_code(denied: &[DeniedCount]) -> Vec<DeniedCount> {
    let mut by_code: BTreeMap<Cow<'static, str>, DeniedCount> = BTreeMap::new();
    for one in denied.iter().filter(|denied| denied.count > 0) {
        match by_code.get_mut(&one.code) {
            Some(sum) => sum.count += one.count,
            None => drop(by_code.insert(one.code.clone(), one.clone())),
        }
    }
    let mut sorted: Vec<_> = by_code.into_values().collect();
    sorted.sort_by_key(|denied| std::cmp::Reverse(denied.count));
    sorted
}
