//! The limits of a strategy or of the whole account.

use pampero_model::{Cash, MarketId, Quantity, Rate, Span};

/// Limits in the units of one market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarketLimits {
    /// Largest order in quote.
    pub max_order_notional: Option<Cash>,
    /// Largest order in base.
    pub max_order_quantity: Option<Quantity>,
    /// Largest position in base after every open order is filled.
    pub max_position: Option<Quantity>,
    /// Largest order in quote that the last door before the venue lets through. Unlike
    /// [`max_order_notional`](Self::max_order_notional) it holds for orders that make a position smaller, too.
    pub order_cap: Option<Cash>,
}

/// The limits of a strategy or of the whole account. `None` leaves a check out; live trading on production
/// refuses to start unless the order, position, daily loss and drawdown limits are set.
///
/// ```
/// use pampero_engine::Limits;
/// let limits = Limits { max_open_orders: Some(10), ..Limits::default() };
/// assert_eq!(limits.max_drawdown, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The markets on which orders are allowed; `None` for all, an empty list for none.
    pub allowed_markets: Option<Vec<MarketId>>,
    /// Limits per market, by [`MarketId`]; a missing entry has none.
    pub markets: Vec<MarketLimits>,
    /// Largest order in the report currency.
    pub max_order_value: Option<Cash>,
    /// Farthest a price may be from the market's reference, as a share of it.
    pub price_collar: Option<Rate>,
    /// Farthest own prices may move within [`price_drift_window`](Self::price_drift_window).
    pub price_drift: Option<Rate>,
    /// Window of the drift.
    pub price_drift_window: Span,
    /// Widest spread, as a share of the midpoint. It also turns on the checks for an empty or crossed book.
    pub max_spread: Option<Rate>,
    /// Oldest market data.
    pub max_data_age: Option<Span>,
    /// Oldest balances.
    pub max_balance_age: Option<Span>,
    /// Oldest outside rate.
    pub max_rate_age: Option<Span>,
    /// Worth of all positions in the report currency after every open order is filled.
    pub max_exposure: Option<Cash>,
    /// Most open orders.
    pub max_open_orders: Option<u32>,
    /// Most open orders on one side of one market.
    pub max_open_orders_side: Option<u32>,
    /// Most orders in any second.
    pub orders_per_second: Option<u32>,
    /// Most orders in any minute.
    pub orders_per_minute: Option<u32>,
    /// Most orders in any 24 hours.
    pub orders_per_day: Option<u32>,
    /// Most requests, cancels included, in any second before a placement is refused.
    pub requests_per_second: Option<u32>,
    /// For how long an equal intent counts as a duplicate even when the first is no longer open.
    pub duplicate_window: Option<Span>,
    /// Most executions within [`fills_window`](Self::fills_window).
    pub max_fills: Option<u32>,
    /// Window of the executions.
    pub fills_window: Span,
    /// Largest loss since the start of the trading day, in the report currency.
    pub max_daily_loss: Option<Cash>,
    /// Largest fall of equity from its high-water mark, as a share of it.
    pub max_drawdown: Option<Rate>,
    /// Most refusals and errors within [`rejects_window`](Self::rejects_window).
    pub max_rejects: Option<u32>,
    /// Window of the refusals.
    pub rejects_window: Span,
    /// Whether an order needs a clean reconciliation that still counts.
    pub require_reconciled: bool,
    /// Largest clock difference.
    pub max_clock_skew: Option<Span>,
    /// Whether own orders may trade with each other. For a rehearsal, which needs a counterparty for an order of its own;
    /// no configuration sets it.
    pub allow_self_cross: bool,
}

impl Limits {
    /// The limits of one market.
    pub(crate) fn market(&self, market: MarketId) -> MarketLimits {
        self.markets.get(market.index()).copied().unwrap_or_default()
    }
}
