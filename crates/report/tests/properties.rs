//! What holds of the statistics of any run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code
#![allow(clippy::float_cmp, clippy::cast_precision_loss)] // exact where it is claimed

mod common;

use common::{DAY, at, fill, marks, point, run};
use pampero_model::{Cash, Side};
use pampero_report::{EquityPoint, Flow, RunRecord, Statistics, explanations, render, summary_json};
use proptest::prelude::*;

fn run_with(equity: &[i64], step: i64) -> RunRecord {
    let mut run = run();
    run.equity = equity
        .iter()
        .zip(0..)
        .map(|(units, index)| EquityPoint {
            equity: Cash::from_units((*units).into()),
            ..point(index * step, "1")
        })
        .collect();
    run
}

fn equity() -> impl Strategy<Value = Vec<i64>> {
    proptest::collection::vec(1_000_000_000_i64..100_000_000_000, 1..80)
}

fn close(left: Option<f64>, right: Option<f64>, tolerance: f64) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => (left - right).abs() <= tolerance * left.abs().max(1.0),
        (left, right) => left == right,
    }
}

/// The drawdown by comparing every pair of points.
fn naive_drawdown(equity: &[i64]) -> f64 {
    let mut deepest = 0.0_f64;
    for (index, peak) in equity.iter().enumerate() {
        for value in &equity[index..] {
            deepest = deepest.max((*peak as f64 - *value as f64) / *peak as f64);
        }
    }
    deepest
}

proptest! {
    #[test]
    fn drawdown_is_that_of_the_worst_pair_and_lies_between_nothing_and_all(equity in equity()) {
        let found = Statistics::compute(&run_with(&equity, DAY)).equity.max_drawdown.unwrap();
        prop_assert!((0.0..=1.0).contains(&found));
        prop_assert!((found - naive_drawdown(&equity)).abs() < 1e-12);
    }

    #[test]
    fn scale_changes_no_ratio(equity in equity(), factor in 2_i64..1_000) {
        let one = Statistics::compute(&run_with(&equity, DAY));
        let scaled: Vec<i64> = equity.iter().map(|units| units * factor).collect();
        let other = Statistics::compute(&run_with(&scaled, DAY));
        prop_assert!(close(one.equity.sharpe, other.equity.sharpe, 1e-9));
        prop_assert!(close(one.equity.sortino, other.equity.sortino, 1e-9));
        prop_assert!(close(one.equity.volatility, other.equity.volatility, 1e-9));
        prop_assert!(close(one.equity.total_return, other.equity.total_return, 1e-9));
        prop_assert!(close(one.equity.max_drawdown, other.equity.max_drawdown, 1e-9));
    }

    /// The same periodic returns on more or less money: deposits and withdrawals of any size, several at once.
    #[test]
    fn deposits_and_withdrawals_change_no_return(
        equity in equity(),
        mut flows in proptest::collection::vec((1_usize..80, 0.1_f64..10.0), 0..6),
    ) {
        flows.sort_by_key(|(index, _)| *index);
        let plain = Statistics::compute(&run_with(&equity, DAY));
        let mut run = run_with(&equity, DAY);
        for (index, factor) in flows.into_iter().filter(|(index, _)| *index < equity.len()) {
            // From this point on the account is `factor` times as large.
            let before = run.equity[index].equity;
            for point in &mut run.equity[index..] {
                #[allow(clippy::cast_possible_truncation)]
                let units = (point.equity.units() as f64 * factor).round() as i128;
                point.equity = Cash::from_units(units.max(1_000));
            }
            let amount = run.equity[index].equity.saturating_sub(before);
            run.flows.push(Flow { time: at(i64::try_from(index).unwrap() * DAY - 1), amount });
        }
        let moved = Statistics::compute(&run);
        prop_assert!(close(plain.equity.total_return, moved.equity.total_return, 1e-3));
        prop_assert!(close(plain.equity.max_drawdown, moved.equity.max_drawdown, 1e-3));
        prop_assert!(close(plain.equity.volatility, moved.equity.volatility, 1e-3));
        let net: i128 = run.flows.iter().map(|flow| flow.amount.units()).sum();
        prop_assert_eq!(moved.net_flows.units(), net);
    }

    /// Cash in, cash out and the mark at the end account for every unit of profit, fees included.
    #[test]
    fn profits_of_all_trips_add_up_to_the_change_of_the_account(
        trades in proptest::collection::vec((any::<bool>(), 1_u32..500, 1_u32..300), 1..60),
    ) {
        let mut run = run_with(&[1, 1], DAY);
        run.marks = vec![marks("100", "123")];
        let mut cash = 0_i128;
        let mut base = 0_i128;
        for (second, (buys, price, size)) in (1..).zip(trades) {
            let side = if buys { Side::Buy } else { Side::Sell };
            // Never short, as on the exchange.
            if side == Side::Sell && base < i128::from(size) * 1_000_000 {
                continue;
            }
            let filled =
                fill(second, side, &price.to_string(), &format!("{}", f64::from(size) / 100.0), "0.001");
            cash += filled.fill.quote_change().units();
            base += i128::from(filled.fill.base_change().units());
            run.fills.push(filled);
        }
        let trades = Statistics::compute(&run).trades;
        let total: i128 = trades.list.iter().map(|trip| trip.profit.units()).sum();
        // What is left after a closed trip is dust, carried at cost, and counted by no trip until it is one.
        let dust_value = 123 * 10_000;
        prop_assert!((total - (cash + base * 123)).abs() <= dust_value * 500, "{total} {}", cash + base * 123);
        if trades.open == Some(1) {
            prop_assert_eq!(total, cash + base * 123);
        }
        let wins = trades.list.iter().filter(|trip| trip.closed.is_some() && trip.profit.is_positive()).count();
        prop_assert!(close(trades.win_rate, trades.count.filter(|count| *count > 0).map(|count| wins as f64 / count as f64), 1e-12));
    }

    #[test]
    fn no_run_makes_a_report_fail_or_too_wide(
        equity in proptest::collection::vec(-1_000_000_000_000_i64..i64::MAX, 0..40),
        step in 0_i64..1_000_000,
    ) {
        let run = run_with(&equity, step);
        let statistics = Statistics::compute(&run);
        let text = render(&run, &statistics, &pampero_report::Style::default());
        prop_assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        prop_assert!(!text.contains("NaN") && !text.contains("inf "), "{text}");
        summary_json(&run, &statistics);
        for explanation in explanations() {
            explanation.value(&statistics);
        }
    }
}
