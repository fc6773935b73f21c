//! Writing the state down, taking it up, and rebuilding it from a recording.

use proptest::prelude::{ProptestConfig, prop, prop_assert_eq, proptest};

use super::properties::{action, limits, perform};
use super::*;

/// Every kind of memory is in use.
fn all_limits() -> Limits {
    Limits {
        max_daily_loss: Some("300".parse().unwrap()),
        max_drawdown: Some(rate("0.05")),
        orders_per_minute: Some(40),
        requests_per_second: Some(30),
        duplicate_window: Some(Span::from_secs(2)),
        max_fills: Some(12),
        fills_window: Span::from_secs(60),
        max_rejects: Some(4),
        rejects_window: Span::from_secs(60),
        price_drift: Some(rate("0.5")),
        price_drift_window: Span::from_secs(20),
        ..limits(20 * SCALE, 30, 400 * SCALE)
    }
}

fn fresh() -> Engine {
    Engine::new(setup(all_limits())).unwrap()
}

fn restored(checkpoint: &Checkpoint) -> Engine {
    let text = serde_json::to_string(checkpoint).unwrap();
    let mut engine = fresh();
    engine.restore(&serde_json::from_str(&text).unwrap()).unwrap();
    engine
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn an_engine_restored_goes_on_like_the_one_that_was_saved(
        before in prop::collection::vec(action(), 0..60),
        after in prop::collection::vec(action(), 1..40),
    ) {
        let mut rig = Rig::from_setup(setup(all_limits()));
        for action in &before {
            rig.pass(Span::from_millis(700));
            perform(&mut rig, action);
        }
        let checkpoint = rig.engine.checkpoint();
        let mut twin = rig.fork(restored(&checkpoint));
        prop_assert_eq!(&twin.engine.checkpoint(), &checkpoint);
        rig.commands();
        for action in &after {
            for rig in [&mut rig, &mut twin] {
                rig.pass(Span::from_millis(700));
                perform(rig, action);
            }
            prop_assert_eq!(rig.commands(), twin.commands(), "after {:?}", action);
        }
        prop_assert_eq!(rig.engine.checkpoint(), twin.engine.checkpoint());
    }

    #[test]
    fn checkpoint_and_tail_are_the_whole_recording(
        actions in prop::collection::vec(action(), 1..80),
        cut in 0..80_usize,
    ) {
        let mut rig = Rig::from_setup(setup(all_limits()));
        let beginning = rig.engine.checkpoint();
        rig.tape = Some((OrderWatch::new(&rig.engine), Vec::new()));
        let (mut checkpoint, mut from) = (beginning.clone(), 0);
        for (index, action) in actions.iter().enumerate() {
            if index == cut {
                checkpoint = rig.engine.checkpoint();
                from = rig.tape.as_ref().unwrap().1.len();
            }
            rig.pass(Span::from_millis(700));
            perform(&mut rig, action);
        }
        let steps = rig.tape.take().unwrap().1;
        let expected = rig.engine.checkpoint().without_strategies();
        for (start, tail) in [(&beginning, &steps[..]), (&checkpoint, &steps[from..])] {
            let mut engine = restored(start);
            for (event, decisions) in tail {
                engine.recover(event, decisions);
            }
            prop_assert_eq!(engine.checkpoint().without_strategies(), expected.clone());
        }
    }
}

#[test]
fn a_start_is_recovered_with_its_decisions() {
    let mut rig = Rig::bare(setup(all_limits()));
    let mut engine = fresh();
    engine.recover_start(rig.now, &Decisions::default());
    assert_eq!(engine.checkpoint(), rig.engine.checkpoint());
    rig.pass(Span::from_secs(1));
    rig.step(EventKind::EnvironmentConfirmed);
    assert_ne!(engine.checkpoint(), rig.engine.checkpoint());
}

#[test]
fn another_session_trusts_no_fact_and_keeps_orders_money_and_states() {
    let mut rig = Rig::from_setup(setup(all_limits()));
    let order = rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.5"), price("105")));
    rig.fill(order, "105", "0.2");
    rig.step(EventKind::Control(Control::ReduceOnly(None)));
    let equity = rig.engine.portfolio().equity();
    let mut engine = restored(&rig.engine.checkpoint());
    engine.begin_session();
    let mut rig = rig.fork(engine);
    rig.engine.start(rig.now, &mut Outputs::default());
    assert_eq!(rig.engine.portfolio().equity(), equity);
    assert_eq!(rig.engine.trading_state(FIRST), TradingState::ReduceOnly);
    assert_eq!(rig.holding(btc()).reserved, 30_000_000);
    let denied = rig.submit(Intent::limit(MARKET, Side::Sell, base("0.1"), price("104"))).unwrap_err();
    assert_eq!(denied.code(), Code::Environment);
    // The fill that was counted before is not counted again.
    let before = rig.holding(usd());
    let (_, side, id) = rig.engine.checkpoint().counted_fills()[0];
    let mut fill = rig.fill(order, "105", "0.1");
    let after = rig.holding(usd());
    assert!(after.total > before.total);
    (fill.id, fill.side) = (id, side);
    rig.update(order, UpdateKind::Fill(fill));
    assert_eq!(rig.holding(usd()), after);
}

#[test]
fn a_poisoned_strategy_stays_silent_until_another_session() {
    struct Panics;
    impl Strategy for Panics {
        fn requirements(&self) -> Requirements {
            Requirements::of(MARKET)
        }
        fn on_book(&mut self, _: &mut Context<'_>, _: MarketId) {
            panic!("deliberate");
        }
    }
    let setup = || {
        let mut setup = setup(Limits::default());
        setup.strategies[0].0 = Box::new(Panics);
        setup
    };
    let mut rig = Rig::from_setup(setup());
    assert_eq!(rig.engine.trading_state(FIRST), TradingState::Halted);
    let checkpoint = rig.engine.checkpoint();
    let mut engine = Engine::new(setup()).unwrap();
    engine.restore(&checkpoint).unwrap();
    assert_eq!(engine.checkpoint(), checkpoint);
    assert!(engine.strategy_mut(FIRST).is_none());
    engine.begin_session();
    assert!(engine.strategy_mut(FIRST).is_some());
    assert_eq!(engine.trading_state(FIRST), TradingState::Halted);
    rig.pass(Span::from_secs(1));
}

#[test]
fn another_setup_is_refused_and_says_what_differs() {
    let checkpoint = Rig::new(Limits::default()).engine.checkpoint();
    let mut other = setup(Limits::default());
    other.markets = Markets::default();
    other.markets.insert(Market::new("bitex", "btc_usd").unwrap()).unwrap();
    other.markets.insert(Market::new("bitex", "btc_ars").unwrap()).unwrap();
    other.rates.push(("ars".parse().unwrap(), price("0.001")));
    let error = Engine::new(other).unwrap().restore(&checkpoint).unwrap_err();
    assert!(error.to_string().contains("bitex:btc_usd, bitex:btc_ars"), "{error}");
    let mut other = setup(Limits::default());
    other.strategies.push((Box::new(Idle { markets: vec![MARKET], warm_up: 0 }), Limits::default()));
    let error = Engine::new(other).unwrap().restore(&checkpoint).unwrap_err();
    assert_eq!(error, CheckpointError::Strategies { found: 1, expected: 2 });
}
