//! The rules of a market as the venue applies them.

use pampero_model::{Liquidity, Market, Price, Rate, RejectReason, Side, Size, SizeUnit};

use crate::arithmetic::times;
use crate::working::{Traded, Working};

/// Checks an order against the rules of its market and opens its amounts.
pub fn accept(market: &Market, side: Side, price: Price, size: Size) -> Result<Working, RejectReason> {
    let unit = match size {
        Size::Base(_) => SizeUnit::Base,
        Size::Quote(_) => SizeUnit::Quote,
    };
    let on_step = match size {
        Size::Base(base) => base.truncate_to(market.quantity_step) == base,
        Size::Quote(_) => true,
    };
    let valid = price.is_positive()
        && size.units() > 0
        && unit == market.size_unit(side)
        && on_step
        && price.truncate_to(market.price_tick) == price;
    if !valid {
        return Err(RejectReason::Invalid);
    }
    if market.is_too_small(size) {
        return Err(RejectReason::TooSmall);
    }
    let working = Working::new(side, price, size).ok_or(RejectReason::Invalid)?;
    if working.is_spent() { Err(RejectReason::TooSmall) } else { Ok(working) }
}

/// The fee rates of a market.
#[derive(Clone, Copy, Debug)]
pub struct FeeRates {
    maker: Rate,
    taker: Rate,
}

impl FeeRates {
    pub const fn of(market: &Market) -> Self {
        Self { maker: market.maker_fee, taker: market.taker_fee }
    }

    /// The fee of an execution, in the currency received, cut at eight decimals. A negative rate is a rebate.
    #[inline]
    pub fn fee(&self, side: Side, liquidity: Liquidity, traded: Traded) -> i64 {
        let rate = match liquidity {
            Liquidity::Maker => self.maker,
            Liquidity::Taker => self.taker,
        };
        let received = match side {
            Side::Buy => traded.base,
            Side::Sell => traded.quote,
        };
        let fee = times(received, rate.units().saturating_abs()).min(received);
        if rate.is_negative() { -fee } else { fee }
    }
}
