//! For tests of strategies: scripted markets, generated history, and properties that every strategy should have.
//!
//! A [`Scenario`] is a market with balances and a script of what is seen there. [`Scenario::run`] lets a strategy
//! trade it through the real engine, risk gate and simulated venue; the [`Run`] that comes back says what it did in
//! lines that a test can compare.
//!
//! ```
//! use pampero_engine::{Context, Intent, Requirements, Strategy};
//! use pampero_model::{Candle, MarketId, Side, Size, Span};
//! use pampero_testkit::{MARKET, Scenario, cash};
//!
//! /// Buys for 100 when a close is above 10.
//! struct Breakout;
//! impl Strategy for Breakout {
//!     fn requirements(&self) -> Requirements {
//!         Requirements::of(MARKET)
//!     }
//!     fn on_candle(&mut self, ctx: &mut Context<'_>, market: MarketId, candle: &Candle) {
//!         if candle.close > "10".parse().unwrap_or_default() && ctx.position(market).quantity.is_zero() {
//!             let _ = ctx.submit(Intent::market(market, Side::Buy, Size::Quote(cash("100"))));
//!         }
//!     }
//! }
//!
//! Scenario::new()
//!     .balance("1000 USD")
//!     .closes(Span::from_minutes(1), &["9", "10", "11", "12"])
//!     .run(Breakout)
//!     .expect_orders(&["180s buy 100 quote at 11.22"])
//!     .expect_fills(&["180s buy 9.09090909 at 11 taker"]);
//! ```
//!
//! The properties take a scenario and a closure that builds the strategy, and give what `proptest` expects:
//!
//! ```
//! # use pampero_engine::{Requirements, Strategy};
//! # use pampero_testkit::MARKET;
//! # struct Idle;
//! # impl Strategy for Idle {
//! #     fn requirements(&self) -> Requirements {
//! #         Requirements::of(MARKET)
//! #     }
//! # }
//! use pampero_testkit::{Scenario, Walk, at, no_decision_from_the_future, same_input_same_output};
//! let scenario = Scenario::new().balance("1000 USD").candles(Walk::new(7).candles(200));
//! same_input_same_output(&scenario, || Idle)?;
//! no_decision_from_the_future(&scenario, || Idle, at(6_000))?;
//! # Ok::<(), proptest::test_runner::TestCaseError>(())
//! ```

mod build;
mod generate;
mod golden;
mod outcome;
mod properties;
mod scenario;
mod wrappers;

// A strategy's tests need no other dependency.
pub use pampero_backtest::Poison;
pub use pampero_venue::{FillPreset, Latency, LatencyModel};
pub use proptest;

pub use build::{at, cash, level, market, price, quantity, quote, rate, trade};
pub use generate::{Walk, walks, with_gaps};
pub use golden::expect_golden;
pub use outcome::Run;
pub use properties::{
    always_able_to_flatten, never_exceeds_position, no_decision_from_the_future, restart_changes_nothing,
    same_input_same_output,
};
pub use scenario::{MARKET, OTHER, Scenario};
