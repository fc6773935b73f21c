//! The table of all statistics: name, title, formula, when each is undefined, and where it is found.

use pampero_model::{Cash, Span};
use serde::{Deserialize, Serialize};

use crate::statistics::Statistics;

/// What a statistic means.
///
/// ```
/// let sharpe = pampero_report::explain("sharpe").unwrap();
/// assert!(sharpe.formula.contains("standard deviation"));
/// assert!(pampero_report::explain("shape").is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// Its name in files and on the command line.
    pub name: &'static str,
    /// Its name in reports.
    pub title: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// When it is `n/a`; empty if it never is.
    pub undefined: &'static str,
    read: fn(&Statistics) -> Value,
}

/// A statistic of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Not defined for this run: printed `n/a`, never zero.
    Undefined,
    /// How many.
    Count(u64),
    /// A fraction that is read in percent: 0.5 is 50 %.
    Fraction(f64),
    /// A plain number.
    Number(f64),
    /// An amount of the report currency.
    Money(Cash),
    /// A length of time.
    Time(Span),
}

impl Explanation {
    /// The statistic's value in a run.
    pub fn value(&self, statistics: &Statistics) -> Value {
        (self.read)(statistics)
    }
}

/// The explanation of a statistic; `-` and `_` are the same, and so are capitals and small letters.
pub fn explain(name: &str) -> Option<&'static Explanation> {
    let wanted = name.trim().to_ascii_lowercase().replace('-', "_");
    TABLE.iter().find(|explanation| explanation.name == wanted)
}

/// Every statistic, in the order of the report.
pub fn explanations() -> &'static [Explanation] {
    TABLE
}

fn some<T>(value: Option<T>, kind: fn(T) -> Value) -> Value {
    value.map_or(Value::Undefined, kind)
}

fn count(value: Option<usize>) -> Value {
    value.and_then(|count| u64::try_from(count).ok()).map_or(Value::Undefined, Value::Count)
}

const NO_POINT: &str = "the run has no equity";
const NO_EQUITY: &str = "the run has no equity, or the equity was not above zero throughout";
const NO_RETURNS: &str = "the run is shorter than 30 seconds, or the equity was not above zero throughout";
const NO_TRADE: &str = "no round trip was closed, or a fill could not be valued in the report currency";
const NO_TIME: &str = "the run has no length";
const NO_RATE: &str = "a fill could not be valued in the report currency";

const TABLE: &[Explanation] = &[
    Explanation {
        name: "initial_equity",
        title: "Initial equity",
        formula: "Worth of all balances at the first equity point, in the report currency.",
        undefined: NO_POINT,
        read: |s| some(s.initial_equity, Value::Money),
    },
    Explanation {
        name: "final_equity",
        title: "Final equity",
        formula: "Worth of all balances at the last equity point; open positions at the last close.",
        undefined: NO_POINT,
        read: |s| some(s.final_equity, Value::Money),
    },
    Explanation {
        name: "net_flows",
        title: "Deposits - withdrawals",
        formula: "Sum of deposits less withdrawals booked after the first equity point. They are no profit.",
        undefined: "",
        read: |s| Value::Money(s.net_flows),
    },
    Explanation {
        name: "profit",
        title: "Profit",
        formula: "Final equity - initial equity - net flows.",
        undefined: NO_POINT,
        read: |s| some(s.profit, Value::Money),
    },
    Explanation {
        name: "return",
        title: "Return",
        formula: "Last value / first value - 1 of the equity per unit: as in a fund, a deposit buys units and a \
                  withdrawal returns them at the value before it, at the end of the interval between two equity \
                  points in which it was booked.",
        undefined: NO_EQUITY,
        read: |s| some(s.equity.total_return, Value::Fraction),
    },
    Explanation {
        name: "cagr",
        title: "Annual growth (CAGR)",
        formula: "(1 + return)^(365 days / length of the run) - 1.",
        undefined: "the run is shorter than 30 days, or the result is beyond any number",
        read: |s| some(s.equity.cagr, Value::Fraction),
    },
    Explanation {
        name: "volatility",
        title: "Volatility, annual",
        formula: "Sample standard deviation of the periodic returns x sqrt(periods in 365 days). The periods begin \
                  with the run and are days if it lasts at least 30 days, else hours from 30 hours, minutes from 30 \
                  minutes, seconds from 30 seconds; the unfinished last one is left out.",
        undefined: NO_RETURNS,
        read: |s| some(s.equity.volatility, Value::Fraction),
    },
    Explanation {
        name: "sharpe",
        title: "Sharpe ratio",
        formula: "Mean / sample standard deviation of the periodic returns x sqrt(periods in 365 days). The riskless \
                  rate is zero; the periods are those of `volatility`.",
        undefined: "there are fewer than two periods, or the returns do not vary",
        read: |s| some(s.equity.sharpe, Value::Number),
    },
    Explanation {
        name: "sortino",
        title: "Sortino ratio",
        formula: "Mean of the periodic returns / downside deviation x sqrt(periods in 365 days), where the downside \
                  deviation is sqrt(sum of min(return, 0)^2 / number of all periods).",
        undefined: "there are fewer than two periods, or none lost",
        read: |s| some(s.equity.sortino, Value::Number),
    },
    Explanation {
        name: "calmar",
        title: "Calmar ratio",
        formula: "Annual growth / max drawdown, both over the whole run.",
        undefined: "annual growth is undefined, or there was no drawdown",
        read: |s| some(s.equity.calmar, Value::Number),
    },
    Explanation {
        name: "max_drawdown",
        title: "Max drawdown",
        formula: "Largest (peak - value) / peak of the equity per unit, over every equity point, where the peak is \
                  the highest value so far.",
        undefined: NO_EQUITY,
        read: |s| some(s.equity.max_drawdown, Value::Fraction),
    },
    Explanation {
        name: "max_drawdown_amount",
        title: "Max drawdown, amount",
        formula: "Largest fall of equity - net flows below its highest value so far. It may be another fall than \
                  that of `max_drawdown`.",
        undefined: NO_POINT,
        read: |s| some(s.max_drawdown_amount, Value::Money),
    },
    Explanation {
        name: "drawdown_duration",
        title: "Longest drawdown",
        formula: "Longest time from a peak of the equity per unit until it is reached again, or until the end.",
        undefined: "there was no drawdown",
        read: |s| some(s.equity.drawdown_duration, Value::Time),
    },
    Explanation {
        name: "drawdown_recovery",
        title: "Recovery of the deepest",
        formula: "Time from the bottom of the deepest drawdown until its peak is reached again.",
        undefined: "there was no drawdown, or the run ended below the peak",
        read: |s| some(s.equity.drawdown_recovery, Value::Time),
    },
    Explanation {
        name: "exposure_time",
        title: "Time exposed",
        formula: "Share of the time in which holdings of other currencies were worth at least the smallest order of \
                  the main market.",
        undefined: NO_TIME,
        read: |s| some(s.exposure_time, Value::Fraction),
    },
    Explanation {
        name: "exposure_average",
        title: "Average exposure",
        formula: "Mean over time of the worth of holdings of other currencies / equity.",
        undefined: NO_TIME,
        read: |s| some(s.exposure_average, Value::Fraction),
    },
    Explanation {
        name: "traded_value",
        title: "Traded value",
        formula: "Sum of price x quantity of all fills, fees not taken off, each at the rate of its time.",
        undefined: NO_RATE,
        read: |s| some(s.traded_value, Value::Money),
    },
    Explanation {
        name: "turnover",
        title: "Turnover",
        formula: "Traded value / mean equity over time.",
        undefined: "a fill could not be valued in the report currency, or the run has no length or no equity",
        read: |s| some(s.turnover, Value::Number),
    },
    Explanation {
        name: "orders",
        title: "Orders",
        formula: "Orders that the risk gate approved.",
        undefined: "",
        read: |s| count(Some(s.orders)),
    },
    Explanation {
        name: "fills",
        title: "Fills",
        formula: "Own executions, whole or in part.",
        undefined: "",
        read: |s| count(Some(s.fills)),
    },
    Explanation {
        name: "taker_fills",
        title: "of them as taker",
        formula: "Own executions that took from the book.",
        undefined: "",
        read: |s| count(Some(s.taker_fills)),
    },
    Explanation {
        name: "denied",
        title: "Denied intents",
        formula: "Intents that the risk gate denied; the report lists them by code.",
        undefined: "",
        read: |s| Value::Count(s.denied),
    },
    Explanation {
        name: "round_trips",
        title: "Round trips",
        formula: "Positions of one strategy in one market from leaving flat until flat again, where less than the \
                  market's smallest order counts as flat. Cost is averaged; what was held at the start counts as \
                  bought at the first mark.",
        undefined: NO_RATE,
        read: |s| count(s.trades.count),
    },
    Explanation {
        name: "open_trades",
        title: "Open at the end",
        formula: "Positions that were not flat at the end. They count in the equity and in no other statistic of \
                  trades.",
        undefined: NO_RATE,
        read: |s| count(s.trades.open),
    },
    Explanation {
        name: "open_profit",
        title: "Profit of the open",
        formula: "Profit of the open trades so far, marked at the last close, without the fee of closing them.",
        undefined: "no trade is open, or a fill could not be valued in the report currency",
        read: |s| some(s.trades.open_profit, Value::Money),
    },
    Explanation {
        name: "win_rate",
        title: "Win rate",
        formula: "Round trips with a profit above zero, net of fees / all round trips.",
        undefined: NO_TRADE,
        read: |s| some(s.trades.win_rate, Value::Fraction),
    },
    Explanation {
        name: "profit_factor",
        title: "Profit factor",
        formula: "Sum of the profits of winning round trips / sum of the losses of losing ones.",
        undefined: "no round trip lost",
        read: |s| some(s.trades.profit_factor, Value::Number),
    },
    Explanation {
        name: "expectancy",
        title: "Expectancy",
        formula: "Mean profit of a round trip, net of fees.",
        undefined: NO_TRADE,
        read: |s| some(s.trades.expectancy, Value::Money),
    },
    Explanation {
        name: "average_win",
        title: "Average win",
        formula: "Mean profit of the winning round trips.",
        undefined: "no round trip won",
        read: |s| some(s.trades.average_win, Value::Money),
    },
    Explanation {
        name: "average_loss",
        title: "Average loss",
        formula: "Mean profit, which is below zero, of the losing round trips.",
        undefined: "no round trip lost",
        read: |s| some(s.trades.average_loss, Value::Money),
    },
    Explanation {
        name: "best_trade",
        title: "Best trade",
        formula: "Highest profit of a round trip.",
        undefined: NO_TRADE,
        read: |s| some(s.trades.best, Value::Money),
    },
    Explanation {
        name: "worst_trade",
        title: "Worst trade",
        formula: "Lowest profit of a round trip.",
        undefined: NO_TRADE,
        read: |s| some(s.trades.worst, Value::Money),
    },
    Explanation {
        name: "win_streak",
        title: "Longest win streak",
        formula: "Most winning round trips in a row, in the order in which they closed.",
        undefined: NO_TRADE,
        read: |s| count(s.trades.win_streak),
    },
    Explanation {
        name: "loss_streak",
        title: "Longest loss streak",
        formula: "Most losing round trips in a row, in the order in which they closed.",
        undefined: NO_TRADE,
        read: |s| count(s.trades.loss_streak),
    },
    Explanation {
        name: "holding_average",
        title: "Average holding time",
        formula: "Mean time from opening to closing a round trip.",
        undefined: NO_TRADE,
        read: |s| some(s.trades.holding_average, Value::Time),
    },
    Explanation {
        name: "holding_min",
        title: "Shortest holding time",
        formula: "Shortest time from opening to closing a round trip.",
        undefined: NO_TRADE,
        read: |s| some(s.trades.holding_min, Value::Time),
    },
    Explanation {
        name: "holding_max",
        title: "Longest holding time",
        formula: "Longest time from opening to closing a round trip.",
        undefined: NO_TRADE,
        read: |s| some(s.trades.holding_max, Value::Time),
    },
    Explanation {
        name: "fees",
        title: "Fees",
        formula: "Sum of all fees. One that was taken in the base currency is valued at the price of its fill.",
        undefined: NO_RATE,
        read: |s| some(s.fees, Value::Money),
    },
    Explanation {
        name: "slippage",
        title: "Slippage",
        formula: "Sum over taker fills of (price - middle of the book) x quantity for buys, and of the opposite for \
                  sells. Below zero, fills were better than the middle.",
        undefined: "no taker fill had a known middle, or a fill could not be valued in the report currency",
        read: |s| some(s.slippage, Value::Money),
    },
    Explanation {
        name: "slippage_ratio",
        title: "Slippage, relative",
        formula: "Slippage / value at the middle of the same fills.",
        undefined: "no taker fill had a known middle, or a fill could not be valued in the report currency",
        read: |s| some(s.slippage_ratio, Value::Fraction),
    },
    Explanation {
        name: "hold_return",
        title: "Return of holding",
        formula: "Last / first mark of the main market - 1: bought at the start and held, without fees.",
        undefined: "the market has no mark above zero",
        read: |s| some(s.hold.total_return, Value::Fraction),
    },
    Explanation {
        name: "hold_sharpe",
        title: "Sharpe of holding",
        formula: "The Sharpe ratio of the main market's mark, computed as `sharpe`.",
        undefined: "there are fewer than two periods, or the mark does not vary",
        read: |s| some(s.hold.sharpe, Value::Number),
    },
    Explanation {
        name: "hold_max_drawdown",
        title: "Max drawdown of holding",
        formula: "The max drawdown of the main market's mark, computed as `max_drawdown`.",
        undefined: "the market has no mark above zero",
        read: |s| some(s.hold.max_drawdown, Value::Fraction),
    },
];
