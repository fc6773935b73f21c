//! Every statistic against figures worked out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod common;

use std::sync::Arc;

use common::{DAY, HOUR, assert_close, at, cash, fill, flow, marks, point, price, run, run_of};
use pampero_model::{Liquidity, Market, MarketId, Quantity, Rate, Side, Span};
use pampero_report::{CurveStatistics, DeniedCount, EquityPoint, Grid, Holding, Statistics};

/// Returns of the three periods: +0.1, −0.2, +0.25, then 27 periods without change.
fn three_moves(step: i64) -> Statistics {
    let mut values = vec!["100", "110", "88"];
    values.extend(["110"; 28]);
    Statistics::compute(&run_of(step, &values))
}

#[test]
fn volatility_sharpe_and_sortino_are_of_periodic_returns() {
    let days = three_moves(DAY);
    // n = 30, mean = 0.15 / 30 = 0.005
    // Σ(r − mean)² = Σr² − n·mean² = (0.01 + 0.04 + 0.0625) − 30 × 0.000025 = 0.11175
    // deviation = √(0.11175 / 29) = 0.062076…; downside deviation = √(0.04 / 30) = 0.036514…
    let (deviation, downside) = ((0.111_75_f64 / 29.0).sqrt(), (0.04_f64 / 30.0).sqrt());
    let year = 365_f64.sqrt();
    assert_close(days.equity.volatility, deviation * year);
    assert_close(days.equity.sharpe, 0.005 / deviation * year);
    assert_close(days.equity.sortino, 0.005 / downside * year);
    // The same moves hour by hour: 30 hours are on the hourly grid, annualised by 8,760.
    let hours = three_moves(HOUR);
    assert_close(hours.equity.sharpe, 0.005 / deviation * 8_760_f64.sqrt());
}

#[test]
fn return_and_annual_growth() {
    // 10 % in 73 days is (1.1)^5 − 1 = 0.61051 in 365.
    let run = run_of(73 * DAY, &["200", "220"]);
    let statistics = Statistics::compute(&run);
    assert_close(statistics.equity.total_return, 0.1);
    assert_close(statistics.equity.cagr, 0.610_51);
    assert_eq!(statistics.profit, Some(cash("20")));
    assert_eq!((statistics.initial_equity, statistics.final_equity), (Some(cash("200")), Some(cash("220"))));
}

#[test]
fn the_deepest_drawdown_its_duration_and_recovery() {
    // Peak 120 on day 1, bottom 90 on day 3 (25 %), back above 120 on day 6; then 130 → 117 (10 %) until the end,
    // ten days after its peak on day 6: the longest, though not the deepest.
    let values = ["100", "120", "100", "90", "110", "119", "130", "117", "118"];
    let mut run = run_of(DAY, &values);
    run.equity.push(point(16 * DAY, "119"));
    let statistics = Statistics::compute(&run);
    assert_close(statistics.equity.max_drawdown, 0.25);
    assert_eq!(statistics.max_drawdown_amount, Some(cash("30")));
    assert_eq!(statistics.equity.drawdown_duration, Some(Span::from_hours(24 * 10)));
    assert_eq!(statistics.equity.drawdown_recovery, Some(Span::from_hours(24 * 3)));
}

#[test]
fn calmar_is_annual_growth_over_the_deepest_drawdown() {
    // Down 20 % from 125 and up to 110 after 73 days: (1.1^5 − 1) / 0.2.
    let mut run = run_of(DAY, &["100", "125", "100"]);
    run.equity.push(point(73 * DAY, "110"));
    assert_close(Statistics::compute(&run).equity.calmar, 0.610_51 / 0.2);
}

#[test]
fn a_run_of_less_than_thirty_days_is_not_compounded_to_a_year() {
    let statistics = Statistics::compute(&run_of(DAY, &["100", "90", "101", "102"]));
    assert_eq!((statistics.equity.cagr, statistics.equity.calmar), (None, None));
    assert!(statistics.equity.sharpe.is_some());
}

#[test]
fn a_drawdown_that_is_not_over_has_a_duration_but_no_recovery() {
    let statistics = Statistics::compute(&run_of(DAY, &["100", "80", "90"]));
    assert_close(statistics.equity.max_drawdown, 0.2);
    assert_eq!(statistics.equity.drawdown_duration, Some(Span::from_hours(48)));
    assert_eq!(statistics.equity.drawdown_recovery, None);
}

#[test]
fn without_a_loss_the_ratios_over_losses_are_undefined() {
    let statistics = Statistics::compute(&run_of(DAY, &["100"; 40]));
    assert_eq!(statistics.equity.total_return, Some(0.0));
    assert_eq!(statistics.equity.volatility, Some(0.0));
    assert_eq!(statistics.equity.max_drawdown, Some(0.0));
    assert_eq!(statistics.equity.sharpe, None);
    assert_eq!(statistics.equity.sortino, None);
    assert_eq!(statistics.equity.calmar, None);
    assert_eq!(statistics.equity.drawdown_duration, None);
}

#[test]
fn equal_returns_have_no_deviation_in_spite_of_floating_point() {
    // 3 % each day: the quotients differ in their last bits only.
    let mut run = run();
    let mut equity = 100_000_000_000_000_i128;
    for day in 0..=31 {
        run.equity
            .push(EquityPoint { equity: pampero_model::Cash::from_units(equity), ..point(day * DAY, "1") });
        equity = equity * 103 / 100;
    }
    assert_eq!(Statistics::compute(&run).equity.sharpe, None);
}

#[test]
fn an_empty_run_is_undefined_throughout() {
    let statistics = Statistics::compute(&run());
    assert_eq!(statistics.equity, CurveStatistics::default());
    assert_eq!(statistics.final_equity, None);
    assert_eq!(statistics.trades.count, Some(0));
    assert_eq!((statistics.trades.win_rate, statistics.trades.expectancy), (None, None));
    assert_eq!((statistics.slippage, statistics.turnover), (None, None));
}

#[test]
fn a_run_of_one_instant_has_a_return_of_zero_and_nothing_annual() {
    let statistics = Statistics::compute(&run_of(DAY, &["100"]));
    assert_eq!(statistics.equity.total_return, Some(0.0));
    assert_eq!((statistics.equity.cagr, statistics.equity.volatility), (None, None));
    assert_eq!(statistics.exposure_time, None);
}

#[test]
fn nothing_is_returned_on_nothing() {
    let statistics = Statistics::compute(&run_of(DAY, &["0", "10", "20"]));
    assert_eq!(statistics.equity, CurveStatistics::default());
    assert_eq!(statistics.profit, Some(cash("20")));
}

#[test]
fn the_grid_follows_the_length_of_the_run() {
    let period = |seconds| Grid::of_run(Span::from_secs(seconds)).map(|grid| grid.period);
    assert_eq!(period(30 * DAY), Some(Span::from_hours(24)));
    assert_eq!(period(30 * DAY - 1), Some(Span::from_hours(1)));
    assert_eq!(period(30 * HOUR - 1), Some(Span::from_minutes(1)));
    assert_eq!(period(30 * 60 - 1), Some(Span::from_secs(1)));
    assert_eq!(period(29), None);
    assert_close(Grid::of_run(Span::from_secs(30 * DAY)).map(|grid| grid.per_year), 365.0);
}

#[test]
fn returns_are_taken_on_the_grid_and_not_at_the_points() {
    // Points every 8 hours; the daily grid sees the values at day ends only: 100, 110, 110, …
    let mut run = run_of(8 * HOUR, &["100", "150", "50", "110"]);
    run.equity.push(point(31 * DAY, "110"));
    let deviation = ((0.01 - 31.0 * (0.1_f64 / 31.0).powi(2)) / 30.0).sqrt();
    assert_close(Statistics::compute(&run).equity.volatility, deviation * 365_f64.sqrt());
}

#[test]
fn deposits_and_withdrawals_are_no_return() {
    // +10 %, a deposit of 90 (110 → 200), then −10 % (200 → 180): 1.1 × 0.9 − 1 = −1 %.
    let mut run = run_of(DAY, &["100", "110", "200", "180"]);
    run.flows = vec![flow(2 * DAY - 60, "90")];
    let statistics = Statistics::compute(&run);
    assert_close(statistics.equity.total_return, -0.01);
    assert_close(statistics.equity.max_drawdown, 0.1);
    assert_eq!(statistics.profit, Some(cash("-10")));
    assert_eq!(statistics.max_drawdown_amount, Some(cash("20")));
    // A withdrawal is no drawdown.
    let mut run = run_of(DAY, &["100", "50", "55"]);
    run.flows = vec![flow(DAY, "-50")];
    let statistics = Statistics::compute(&run);
    assert_close(statistics.equity.total_return, 0.1);
    assert_eq!(statistics.equity.max_drawdown, Some(0.0));
}

#[test]
fn exposure_is_weighed_by_time() {
    // A quarter of the time nothing, half of it 50 of 100, a quarter of it dust worth less than the minimum of
    // 0.0001 btc at 100 usd.
    let mut run = run_of(DAY, &["100"; 5]);
    run.equity[1].exposure = cash("50");
    run.equity[2].exposure = cash("50");
    run.equity[3].exposure = cash("0.005");
    let statistics = Statistics::compute(&run);
    assert_close(statistics.exposure_time, 0.5);
    assert_close(statistics.exposure_average, (0.5 + 0.5 + 0.000_05) / 4.0);
}

#[test]
fn turnover_is_traded_value_over_mean_equity() {
    // Equity 100 for one day and 200 for one day: mean 150. Bought and sold 1 at 75: traded 150.
    let mut run = run_of(DAY, &["100", "200", "200"]);
    run.fills = vec![fill(10, Side::Buy, "75", "1", "0"), fill(20, Side::Sell, "75", "1", "0")];
    let statistics = Statistics::compute(&run);
    assert_eq!(statistics.traded_value, Some(cash("150")));
    assert_close(statistics.turnover, 1.0);
}

#[test]
fn round_trips_go_from_flat_to_flat() {
    let mut run = run_of(DAY, &["1000", "1000"]);
    run.fills = vec![
        // Won 30: bought 1 at 100 and 1 at 110, sold both at 120.
        fill(10, Side::Buy, "100", "1", "0"),
        fill(20, Side::Buy, "110", "1", "0"),
        fill(40, Side::Sell, "120", "2", "0"),
        // Lost 10, in two sales.
        fill(100, Side::Buy, "100", "2", "0"),
        fill(110, Side::Sell, "100", "1", "0"),
        fill(120, Side::Sell, "90", "1", "0"),
        // Lost 5.
        fill(200, Side::Buy, "100", "1", "0"),
        fill(210, Side::Sell, "95", "1", "0"),
        // Neither won nor lost.
        fill(300, Side::Buy, "100", "1", "0"),
        fill(340, Side::Sell, "100", "1", "0"),
    ];
    let trades = Statistics::compute(&run).trades;
    assert_eq!((trades.count, trades.open), (Some(4), Some(0)));
    let profits: Vec<_> = trades.list.iter().map(|trip| trip.profit).collect();
    assert_eq!(profits, [cash("30"), cash("-10"), cash("-5"), cash("0")]);
    assert_close(trades.win_rate, 0.25);
    assert_close(trades.profit_factor, 2.0); // 30 ÷ 15
    assert_eq!(trades.expectancy, Some(cash("3.75"))); // 15 ÷ 4
    assert_eq!((trades.average_win, trades.average_loss), (Some(cash("30")), Some(cash("-7.5"))));
    assert_eq!((trades.best, trades.worst), (Some(cash("30")), Some(cash("-10"))));
    assert_eq!((trades.win_streak, trades.loss_streak), (Some(1), Some(2)));
    // 30, 20, 10 and 40 seconds.
    assert_eq!(trades.holding_average, Some(Span::from_secs(25)));
    assert_eq!(
        (trades.holding_min, trades.holding_max),
        (Some(Span::from_secs(10)), Some(Span::from_secs(40)))
    );
}

#[test]
fn profits_are_net_of_fees_in_either_currency() {
    let mut run = run_of(DAY, &["1000", "1000"]);
    // Buys 1 for 100 and receives 0.99; sells 0.99 at 200 for 198 and receives 197.
    run.fills = vec![fill(10, Side::Buy, "100", "1", "0.01"), fill(20, Side::Sell, "200", "0.99", "1")];
    let statistics = Statistics::compute(&run);
    assert_eq!(statistics.trades.list[0].profit, cash("97"));
    assert_eq!(statistics.trades.list[0].cost, cash("100"));
    // The fee in base counts at its execution: 0.01 × 100 + 1.
    assert_eq!(statistics.fees, Some(cash("2")));
    let fees: Vec<_> = statistics.fees_by_currency.iter().map(ToString::to_string).collect();
    assert_eq!(fees, ["0.01 BTC", "1 USD"]);
}

#[test]
fn dust_is_flat_and_keeps_its_cost() {
    let mut run = run_of(DAY, &["1000", "1000"]);
    run.fills = vec![
        fill(10, Side::Buy, "100", "1", "0"),
        // 0.00005 is left, below the minimum of 0.0001: the trip is over; what is left cost 0.005.
        fill(20, Side::Sell, "110", "0.99995", "0"),
        fill(30, Side::Buy, "100", "0.99995", "0"),
        fill(40, Side::Sell, "100", "1", "0"),
    ];
    let trades = Statistics::compute(&run).trades;
    // (110 − 100) × 0.99995, then exactly nothing.
    let profits: Vec<_> = trades.list.iter().map(|trip| trip.profit).collect();
    assert_eq!(profits, [cash("9.9995"), cash("0")]);
    assert_eq!(trades.open, Some(0));
}

#[test]
fn an_open_position_is_marked_at_the_last_close_and_is_no_win() {
    let mut run = run_of(DAY, &["1000", "1000"]);
    run.marks = vec![marks("100", "130")];
    run.fills = vec![fill(10, Side::Buy, "100", "2", "0"), fill(20, Side::Sell, "110", "1", "0")];
    let trades = Statistics::compute(&run).trades;
    assert_eq!((trades.count, trades.open), (Some(0), Some(1)));
    assert_eq!(trades.open_profit, Some(cash("40"))); // 10 realised, 30 not
    assert_eq!((trades.win_rate, trades.best, trades.holding_max), (None, None, None));
    assert_eq!(trades.list[0].closed, None);
}

#[test]
fn inventory_from_before_was_bought_at_the_first_mark() {
    let mut run = run_of(DAY, &["1000", "1000"]);
    run.marks = vec![marks("100", "130")];
    run.holdings =
        vec![Holding { strategy: Arc::from("sma-cross"), market: MarketId(0), base: "2".parse().unwrap() }];
    run.fills = vec![fill(50, Side::Sell, "105", "2", "0")];
    let trades = Statistics::compute(&run).trades;
    assert_eq!(trades.list[0].profit, cash("10"));
    assert_eq!(trades.holding_average, Some(Span::from_secs(50)));
}

#[test]
fn a_fill_through_flat_closes_one_trip_and_opens_the_next() {
    let mut run = run_of(DAY, &["1000", "1000"]);
    run.marks = vec![marks("100", "80")];
    run.fills = vec![fill(10, Side::Buy, "100", "1", "0"), fill(20, Side::Sell, "110", "3", "0")];
    let trades = Statistics::compute(&run).trades;
    assert_eq!(trades.list[0].profit, cash("10"));
    assert_eq!((trades.list[1].side, trades.list[1].opened), (Side::Sell, at(20)));
    assert_eq!(trades.list[1].profit, cash("60")); // sold 2 at 110, worth 80
}

#[test]
fn strategies_have_their_own_round_trips() {
    let mut run = run_of(DAY, &["1000", "1000"]);
    run.marks = vec![marks("100", "100")];
    let mut other = fill(20, Side::Sell, "110", "1", "0");
    other.strategy = Arc::from("market-maker");
    run.fills = vec![fill(10, Side::Buy, "100", "1", "0"), other];
    let trades = Statistics::compute(&run).trades;
    assert_eq!((trades.count, trades.open), (Some(0), Some(2)));
}

#[test]
fn slippage_is_what_takers_pay_beyond_the_middle() {
    let mut run = run_of(DAY, &["1000", "1000"]);
    let with_mid = |mut fill: pampero_report::FillRecord, mid| {
        fill.mid = Some(price(mid));
        fill
    };
    let mut maker = with_mid(fill(30, Side::Buy, "90", "1", "0"), "100");
    maker.fill.liquidity = Liquidity::Maker;
    run.fills = vec![
        with_mid(fill(10, Side::Buy, "101", "2", "0"), "100"), // 2 worse
        with_mid(fill(20, Side::Sell, "101", "1", "0"), "100"), // 1 better
        maker,
        fill(40, Side::Buy, "500", "1", "0"), // no middle known
    ];
    let statistics = Statistics::compute(&run);
    assert_eq!(statistics.slippage, Some(cash("1")));
    assert_close(statistics.slippage_ratio, 1.0 / 300.0);
    assert_eq!((statistics.fills, statistics.taker_fills), (4, 3));
}

#[test]
fn other_quote_currencies_are_valued_at_their_rate() {
    let mut run = run_of(DAY, &["1000", "1000"]);
    let market = run.markets.insert(Market::new("bitex", "btc_ars").unwrap()).unwrap();
    let pesos = |seconds, side, at_price: &str, rate: Option<&str>| {
        let mut record = fill(seconds, side, at_price, "1", "0");
        record.fill.market = market;
        record.rate = rate.map(|rate| rate.parse::<Rate>().unwrap());
        record
    };
    run.fills =
        vec![pesos(10, Side::Buy, "100000", Some("0.001")), pesos(20, Side::Sell, "120000", Some("0.001"))];
    let statistics = Statistics::compute(&run);
    assert_eq!(statistics.trades.list[0].profit, cash("20"));
    assert_eq!(statistics.traded_value, Some(cash("220")));
    // Without a rate the sums are undefined, not wrong.
    run.fills[1] = pesos(20, Side::Sell, "120000", None);
    let statistics = Statistics::compute(&run);
    assert_eq!((statistics.trades.count, statistics.fees, statistics.traded_value), (None, None, None));
    assert_eq!(statistics.fees_by_currency.len(), 2);
}

#[test]
fn buying_and_holding_is_measured_beside() {
    let mut run = run_of(DAY, &["1000"; 3]);
    for (point, mark) in run.equity.iter_mut().zip(["100", "80", "150"]) {
        point.price = price(mark);
    }
    let hold = Statistics::compute(&run).hold;
    assert_close(hold.total_return, 0.5);
    assert_close(hold.max_drawdown, 0.2);
}

#[test]
fn holding_begins_with_the_first_mark_and_skips_what_has_none() {
    let mut run = run_of(DAY, &["1000"; 5]);
    for (point, mark) in run.equity.iter_mut().zip(["0", "100", "0", "90", "120"]) {
        point.price = price(mark);
    }
    let hold = Statistics::compute(&run).hold;
    assert_close(hold.total_return, 0.2);
    assert_close(hold.max_drawdown, 0.1);
}

#[test]
fn denied_orders_are_counted_by_code() {
    let mut run = run();
    let denied = |code: &'static str, count| DeniedCount { code: code.into(), meaning: "".into(), count };
    run.denied =
        vec![denied("STALE_DATA", 2), denied("MAX_POSITION", 7), denied("STALE_DATA", 1), denied("X", 0)];
    let statistics = Statistics::compute(&run);
    assert_eq!(statistics.denied, 10);
    assert_eq!(statistics.denied_by_code, [denied("MAX_POSITION", 7), denied("STALE_DATA", 3)]);
}

#[test]
fn markets_without_a_minimum_are_flat_at_exactly_nothing() {
    let mut run = run_of(DAY, &["1000", "1000"]);
    let mut market = Market::new("other", "btc_usd").unwrap();
    market.min_base = Quantity::ZERO;
    let id = run.markets.insert(market).unwrap();
    run.fills = vec![fill(10, Side::Buy, "100", "1", "0"), fill(20, Side::Sell, "110", "1", "0")];
    for record in &mut run.fills {
        record.fill.market = id;
    }
    assert_eq!(Statistics::compute(&run).trades.count, Some(1));
}
