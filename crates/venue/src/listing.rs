//! The rules of a market as the venue applies them.

use pampero_model::{Liquidity, Market, Price, Rate, RejectReason, Side, Size, SizeUnit};

use crate::arithmetic::times;
use crate::balance::Wallet;
use crate::working::{Traded, Working};

/// A market, its fees, and where a wallet keeps its two currencies.
#[derive(Clone, Debug)]
pub struct Listing {
    pub market: Market,
    pub rates: FeeRates,
    base: usize,
    quote: usize,
}

impl Listing {
    /// Lists a market with an account, whose wallet gets a place for both currencies.
    pub fn new(market: &Market, wallet: &mut Wallet) -> Self {
        Self {
            market: market.clone(),
            rates: FeeRates::of(market),
            base: wallet.slot(market.base),
            quote: wallet.slot(market.quote),
        }
    }

    /// Changes the fees.
    pub const fn set_fees(&mut self, maker: Rate, taker: Rate) {
        self.market.maker_fee = maker;
        self.market.taker_fee = taker;
        self.rates = FeeRates::of(&self.market);
    }

    /// Where a wallet keeps what an order of a side spends.
    #[inline]
    pub const fn spends(&self, side: Side) -> usize {
        match side {
            Side::Buy => self.quote,
            Side::Sell => self.base,
        }
    }

    /// Books an execution in a wallet: pays from the reservation, receives net of the fee.
    #[inline]
    pub fn settle(&self, wallet: &mut Wallet, side: Side, traded: Traded, fee: i64) {
        let (paid, received) = match side {
            Side::Buy => (traded.quote, traded.base),
            Side::Sell => (traded.base, traded.quote),
        };
        wallet.pay(self.spends(side), paid);
        wallet.receive(self.spends(side.opposite()), received, fee);
    }

    /// Frees what an order of a side had set aside.
    #[inline]
    pub fn release(&self, wallet: &mut Wallet, side: Side, units: i64) {
        if let Some(balance) = wallet.at(self.spends(side)) {
            balance.release(units);
        }
    }
}

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
