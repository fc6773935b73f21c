//! What the strategy does, on scripted and on generated markets.

use pampero_engine::Strategy;
use pampero_model::Span;
use pampero_testkit::proptest::prelude::*;
use pampero_testkit::*;

use {{crate}}::{Follower, Params};

/// An average of three closes, and a tenth of the money for a buy.
fn params() -> Params {
    Params { length: 3, band: rate("0.01"), allocation: rate("0.1") }
}

#[test]
fn it_buys_above_the_average_and_sells_below() {
    // At 240 s the close is 110 and the average 103.33. At 360 s it is 96 and 105.33.
    Scenario::new()
        .balance("1000 USD")
        .closes(Span::from_minutes(1), &["100", "100", "100", "110", "110", "96", "96"])
        .run(Follower::new(MARKET, params()))
        .expect_orders(&["240s buy 100 quote at 112.2", "360s sell 0.9090909 base at 94.08"])
        .expect_fills(&["240s buy 0.9090909 at 110 taker", "360s sell 0.9090909 at 96 taker"])
        .expect_nothing_denied();
}

#[test]
fn within_the_band_it_does_nothing() {
    let closes = ["100", "100", "100", "101", "100", "101"];
    let run = Scenario::new().balance("1000 USD").closes(Span::from_minutes(1), &closes);
    run.run(Follower::new(MARKET, params())).expect_orders(&[]);
}

#[test]
fn a_state_that_is_cut_off_is_refused() {
    let saved = Follower::new(MARKET, params()).save();
    assert_eq!(Follower::new(MARKET, params()).restore(0, &saved), Ok(()));
    assert!(Follower::new(MARKET, params()).restore(0, &saved[1..]).is_err());
    assert!(Follower::new(MARKET, params()).restore(1, &saved).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same orders every time, none that knows the future, none other after a restart, and a way out.
    #[test]
    fn it_is_a_good_strategy_on_any_market(walk in walks(), length in 2u32..40, second in 0i64..9_000) {
        let scenario = Scenario::new().market(market("0.0025")).balance("1000 USD").candles(walk.candles(300));
        let params = Params { length, band: rate("0.001"), allocation: rate("0.1") };
        let build = || Follower::new(MARKET, params.clone());
        same_input_same_output(&scenario, build)?;
        no_decision_from_the_future(&scenario, build, at(second))?;
        restart_changes_nothing(&scenario, build, at(second))?;
        always_able_to_flatten(&scenario, build, at(second))?;
    }
}
