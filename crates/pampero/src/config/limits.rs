//! The keys of `[limits]`: every field of the engine's limits by its name.

use pampero_engine::MarketLimits;

use super::LimitsSection;
use super::document::Node;
use super::schema::{Kind, Refusal, Spot, exact, parse, texts};

type Row = (&'static str, Kind, &'static str, fn(&mut LimitsSection, &Spot, &Node) -> Result<(), Refusal>);

/// A row for each limit: how its text is read, of what kind it is, and what it means.
macro_rules! rows {
    ($($read:ident $kind:ident $name:ident $what:literal;)*) => {
        &[$((
            stringify!($name),
            Kind::$kind,
            $what,
            |limits, _, node| $read(node).map(|value| limits.values.$name = Some(value)),
        ),)*]
    };
}

const OPTIONAL: &[Row] = rows! {
    exact Amount max_order_value "Largest order, in the report currency.";
    exact Share price_collar "Farthest the price of an order may be from the market, as a share of it.";
    exact Share price_drift "Farthest own prices may move within `price_drift_window`.";
    exact Share max_spread "Widest spread, as a share of the midpoint, at which orders are made. Empty and crossed books are refused too.";
    parse Span max_data_age "Oldest market data on which orders are made.";
    parse Span max_balance_age "Oldest reading of the balances on which orders are made.";
    parse Span max_rate_age "Oldest rate into the report currency on which orders are made.";
    exact Amount max_exposure "Worth of all positions in the report currency if every open order were filled.";
    parse Count max_open_orders "Most open orders.";
    parse Count max_open_orders_side "Most open orders on one side of one market.";
    parse Count orders_per_second "Most orders in any second.";
    parse Count orders_per_minute "Most orders in any minute.";
    parse Count orders_per_day "Most orders in any 24 hours.";
    parse Count requests_per_second "Most requests, cancels included, in any second before a placement is refused.";
    parse Span duplicate_window "For how long an equal order counts as a duplicate even when the first is no longer open.";
    parse Count max_fills "Most executions within `fills_window`; beyond it only reducing orders pass.";
    exact Amount max_daily_loss "Largest loss since the start of the trading day, in the report currency.";
    exact Share max_drawdown "Largest fall of equity from its highest, as a share of it.";
    parse Count max_rejects "Most refusals and errors within `rejects_window`; beyond it trading halts.";
    parse Span max_clock_skew "Largest difference between the local clock and the venue's.";
};

const PLAIN: &[Row] = &[
    (
        "allowed_markets",
        Kind::Texts,
        "The only markets on which orders are allowed, by code or venue:code; an empty list allows none.",
        |limits, _, node| texts(node).map(|value| limits.allowed_markets = Some(value)),
    ),
    ("price_drift_window", Kind::Span, "The window of `price_drift`.", |limits, _, node| {
        parse(node).map(|value| limits.values.price_drift_window = value)
    }),
    ("fills_window", Kind::Span, "The window of `max_fills`.", |limits, _, node| {
        parse(node).map(|value| limits.values.fills_window = value)
    }),
    ("rejects_window", Kind::Span, "The window of `max_rejects`.", |limits, _, node| {
        parse(node).map(|value| limits.values.rejects_window = value)
    }),
    (
        "require_reconciled",
        Kind::Flag,
        "Whether an order needs a reconciliation with the venue that is clean and recent.",
        |limits, _, node| parse(node).map(|value| limits.values.require_reconciled = value),
    ),
];

/// Every limit that does not concern one market.
pub(crate) static LIMITS: std::sync::LazyLock<Vec<Row>> =
    std::sync::LazyLock::new(|| OPTIONAL.iter().chain(PLAIN).copied().collect());

/// The limits of one market.
pub(crate) const MARKET_LIMITS: &[Row] = &[
    (
        "max_order_notional",
        Kind::Amount,
        "Largest order, in the market's quote currency.",
        |limits, spot, node| exact(node).map(|value| market(limits, spot).max_order_notional = Some(value)),
    ),
    (
        "max_order_quantity",
        Kind::Amount,
        "Largest order, in the market's base currency.",
        |limits, spot, node| exact(node).map(|value| market(limits, spot).max_order_quantity = Some(value)),
    ),
    (
        "max_position",
        Kind::Amount,
        "Largest position in the market's base currency if every open order were filled.",
        |limits, spot, node| exact(node).map(|value| market(limits, spot).max_position = Some(value)),
    ),
];

fn market<'a>(limits: &'a mut LimitsSection, spot: &Spot) -> &'a mut MarketLimits {
    limits.markets.entry(spot.names.last().cloned().unwrap_or_default()).or_default()
}
