//! Streaming indicators: each input costs constant time, and nothing is allocated after construction.
//!
//! Where a signal decides about money by a comparison, the indicator is exact: [`Sma`] adds integers, and two averages
//! of different lengths compare without a division, so that a tie is a tie; [`Donchian`] gives prices. The others
//! compute in floating point, which is for signals alone: a price or a size never comes of it unrounded.
//!
//! Values and warm-up are those of TA-Lib to six decimals, which the vectors in `tests/golden` hold; the two places
//! that differ on purpose say so ([`Rsi`], [`Stochastic`]).

mod average;
mod channel;
mod indicator;
mod microprice;
mod range;
mod sma;
mod smoothing;
mod volatility;
mod volume;
mod window;
mod windowed;

pub use average::Average;
pub use channel::{Channel, Donchian, Stochastic, StochasticValue};
pub use indicator::Indicator;
pub use microprice::microprice;
pub use range::{Adx, Atr, Direction};
pub use sma::Sma;
pub use smoothing::{Ema, Macd, MacdValue, Rsi};
pub use volatility::{Estimator, Volatility};
pub use volume::{RecentVolume, Vwap, imbalance};
pub use windowed::{Band, Bollinger, Line, LinearRegression, Wma, ZScore};
