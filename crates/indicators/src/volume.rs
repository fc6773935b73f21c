//! Indicators that look at quantities.

use std::collections::VecDeque;

use pampero_model::{BookSnapshot, Candle, Level, Quantity, Span, Timestamp, Trade};
use serde::{Deserialize, Serialize};

use crate::indicator::Indicator;
use crate::window::Window;

/// The volume-weighted average price of the last candles, each at its typical price: a third of high, low and close.
///
/// ```
/// use pampero_indicators::{Indicator, Vwap};
/// use pampero_model::{Candle, Timestamp};
/// # let candle = |price: &str, volume: &str| Candle { open_time: Timestamp::from_secs(0), open: price.parse().unwrap(),
/// #     high: price.parse().unwrap(), low: price.parse().unwrap(), close: price.parse().unwrap(), volume: volume.parse().unwrap() };
/// let mut vwap = Vwap::new(2);
/// vwap.update(candle("10", "1"));
/// assert_eq!(vwap.update(candle("20", "3")), Some(17.5));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vwap {
    values: Window,
    volumes: Window,
}

impl Vwap {
    /// Over the last `length` candles; a length of zero counts as one.
    pub fn new(length: u32) -> Self {
        Self { values: Window::new(length), volumes: Window::new(length) }
    }
}

impl Indicator<Candle> for Vwap {
    type Output = f64;

    fn update(&mut self, candle: Candle) -> Option<f64> {
        let typical = (candle.high.to_f64() + candle.low.to_f64() + candle.close.to_f64()) / 3.0;
        let volume = candle.volume.to_f64();
        self.values.push(typical * volume);
        self.volumes.push(volume);
        self.value()
    }

    /// Nothing, too, where nothing was traded.
    fn value(&self) -> Option<f64> {
        let volume = self.volumes.sum();
        (self.is_warm() && volume > 0.0).then(|| self.values.sum() / volume)
    }

    fn is_warm(&self) -> bool {
        self.volumes.is_full()
    }

    fn reset(&mut self) {
        self.values.clear();
        self.volumes.clear();
    }
}

/// What was traded within a while before an instant, exact.
///
/// ```
/// use pampero_indicators::RecentVolume;
/// use pampero_model::{Span, Timestamp, Trade};
/// let mut recent = RecentVolume::new(Span::from_secs(20));
/// # let trade = |second, quantity: &str| Trade { id: 0, time: Timestamp::from_secs(second), price: "100".parse().unwrap(),
/// #     quantity: quantity.parse().unwrap(), aggressor: None };
/// recent.add(&trade(0, "2"));
/// recent.add(&trade(15, "0.5"));
/// assert_eq!(recent.volume(Timestamp::from_secs(19)).to_string(), "2.5");
/// assert_eq!(recent.volume(Timestamp::from_secs(20)).to_string(), "0.5");
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecentVolume {
    span: Span,
    trades: VecDeque<(Timestamp, Quantity)>,
    sum: Quantity,
}

impl RecentVolume {
    /// Over the last `span`.
    pub fn new(span: Span) -> Self {
        Self { span, trades: VecDeque::with_capacity(256), sum: Quantity::ZERO }
    }

    /// Takes in a trade, no older than the last.
    pub fn add(&mut self, trade: &Trade) {
        self.trades.push_back((trade.time, trade.quantity));
        self.sum = self.sum.saturating_add(trade.quantity);
    }

    /// What was traded within the span before `now`.
    pub fn volume(&mut self, now: Timestamp) -> Quantity {
        while let Some((time, quantity)) = self.trades.front().copied()
            && now.since(time) >= self.span
        {
            self.trades.pop_front();
            self.sum = self.sum.saturating_sub(quantity);
        }
        self.sum
    }
}

/// How one-sided a book is within its best `levels` a side: from −1 (asks alone) over 0 to 1 (bids alone); nothing of
/// an empty book.
///
/// ```
/// use pampero_indicators::imbalance;
/// use pampero_model::{BookSnapshot, Level};
/// let bids = [Level { price: "99".parse()?, quantity: "3".parse()? }];
/// let asks = [Level { price: "101".parse()?, quantity: "1".parse()? }];
/// assert_eq!(imbalance(BookSnapshot { bids: &bids, asks: &asks }, 5), Some(0.5));
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
pub fn imbalance(book: BookSnapshot<'_>, levels: usize) -> Option<f64> {
    let quantity =
        |side: &[Level]| side.iter().take(levels).map(|level| level.quantity.to_f64()).sum::<f64>();
    let (bids, asks) = (quantity(book.bids), quantity(book.asks));
    let all = bids + asks;
    (all > 0.0).then(|| (bids - asks) / all)
}
