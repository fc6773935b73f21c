//! A strategy's position in a market.

use pampero_model::{Cash, Fill, Liquidity, Price, Quantity, Rounding, Side};
use serde::{Deserialize, Serialize};

/// What a strategy holds of a market's base currency, and what it paid and earned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Base held.
    pub quantity: Quantity,
    /// What the held base cost, fees included, in quote.
    pub cost: Cash,
    /// Profit of what was sold, net of fees, in quote.
    pub realised: Cash,
    /// Fees paid in base, in units of 1e-8.
    pub fees_base: i128,
    /// Fees paid in quote, in units of 1e-8.
    pub fees_quote: i128,
    /// Gross quote bought and sold.
    pub turnover: Cash,
    /// Executions as maker and as taker.
    pub fills: [u64; 2],
}

impl Position {
    /// Average price paid for what is held, fees included.
    pub fn average_price(&self) -> Option<Price> {
        self.cost.average_price(self.quantity, Rounding::HalfEven).ok()
    }

    /// Profit that selling everything at `mark` would realise, before fees.
    pub fn unrealised(&self, mark: Price) -> Option<Cash> {
        mark.notional(self.quantity, Rounding::Down).ok()?.checked_sub(self.cost).ok()
    }

    pub(super) fn apply(&mut self, fill: &Fill) {
        let gross = fill.quote;
        self.turnover = self.turnover.saturating_add(gross);
        if let Some(count) = self.fills.get_mut(usize::from(fill.liquidity == Liquidity::Taker)) {
            *count += 1;
        }
        match fill.side {
            Side::Buy => {
                self.fees_base += fill.fee;
                self.quantity = self.quantity.saturating_add(fill.base_change());
                self.cost = self.cost.saturating_add(gross);
            }
            Side::Sell => {
                self.fees_quote += fill.fee;
                let cost = self.cost_of(fill.base);
                self.quantity = self.quantity.saturating_sub(fill.base);
                self.cost = self.cost.saturating_sub(cost);
                let earned = fill.quote_change().saturating_sub(cost);
                self.realised = self.realised.saturating_add(earned);
            }
        }
    }

    /// The part of the cost that belongs to a quantity: all of it for all that is held.
    fn cost_of(&self, quantity: Quantity) -> Cash {
        if quantity >= self.quantity || !self.quantity.is_positive() {
            return self.cost;
        }
        let units = self.cost.units().checked_mul(i128::from(quantity.units()));
        units.map_or(self.cost, |units| Cash::from_units(units / i128::from(self.quantity.units())))
    }
}
