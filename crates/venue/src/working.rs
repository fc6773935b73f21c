//! What an order still wants and still holds reserved, and what an execution does to it.

use pampero_model::{Price, Side, Size, SizeUnit};

use crate::arithmetic::{buys_nothing, over, times};

/// The amounts of an accepted order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Working {
    pub side: Side,
    /// The unit of `left`.
    pub unit: SizeUnit,
    /// The limit, in units.
    pub price: i64,
    /// How much is left to execute.
    pub left: i64,
    /// How much of the currency it spends is set aside for it.
    pub reserved: i64,
}

/// What changed hands in one execution, gross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traded {
    pub base: i64,
    pub quote: i64,
}

impl Working {
    /// A new order, unless its amounts are beyond 64 bits.
    pub fn new(side: Side, price: Price, size: Size) -> Option<Self> {
        let price = price.units();
        let left = i64::try_from(size.units()).ok()?;
        let (unit, reserved) = match (side, size) {
            (Side::Buy, Size::Quote(_)) => (SizeUnit::Quote, left),
            (Side::Sell, Size::Base(_)) => (SizeUnit::Base, left),
            // No sequence of executions at the limit or better can cost more than these.
            (Side::Buy, Size::Base(_)) => (SizeUnit::Base, times(left, price)),
            (Side::Sell, Size::Quote(_)) => (SizeUnit::Quote, over(left, price)),
        };
        (left < i64::MAX && reserved < i64::MAX).then_some(Self { side, unit, price, left, reserved })
    }

    /// The most quote it can exchange at a price.
    #[inline]
    fn quote_at(&self, price: i64) -> i64 {
        match (self.unit, self.side) {
            (SizeUnit::Quote, _) => self.left,
            (SizeUnit::Base, Side::Sell) => times(self.left, price),
            // The cut of earlier executions may leave a trifle less reserved than the rest would cost.
            (SizeUnit::Base, Side::Buy) => times(self.left, price).min(self.reserved),
        }
    }

    /// Executes at a price, for at most `base`. Nothing happens if not even 1e-8 of both sides can change hands.
    #[inline]
    pub fn execute(&mut self, price: i64, base: i64) -> Option<Traded> {
        let quote = self.quote_at(price).min(times(base, price));
        let traded = Traded { base: over(quote, price), quote };
        (traded.base > 0).then(|| self.subtract(traded))
    }

    /// Executes two orders with each other at a price.
    #[inline]
    pub fn exchange(&mut self, other: &mut Self, price: i64) -> Option<Traded> {
        let quote = self.quote_at(price).min(other.quote_at(price));
        let traded = Traded { base: over(quote, price), quote };
        (traded.base > 0).then(|| {
            self.subtract(traded);
            other.subtract(traded)
        })
    }

    #[inline]
    const fn subtract(&mut self, traded: Traded) -> Traded {
        self.left -= match self.unit {
            SizeUnit::Base => traded.base,
            SizeUnit::Quote => traded.quote,
        };
        self.reserved -= match self.side {
            Side::Buy => traded.quote,
            Side::Sell => traded.base,
        };
        traded
    }

    /// Whether what is left cannot buy 1e-8 of the other side at the limit: the order is then complete.
    #[inline]
    pub fn is_spent(&self) -> bool {
        self.left == 0 || buys_nothing(self.quote_at(self.price), self.price)
    }

    /// What is left, with its unit.
    pub fn left(&self) -> Size {
        match self.unit {
            SizeUnit::Base => Size::Base(pampero_model::Quantity::from_units(self.left)),
            SizeUnit::Quote => Size::Quote(pampero_model::Cash::from_units(self.left.into())),
        }
    }
}
