//! Orders that the venue does not know.

use super::*;

#[test]
fn a_market_order_is_a_limit_beyond_the_best_price() {
    let mut rig = Rig::new(Limits::default());
    rig.submit(Intent::market(MARKET, Side::Buy, quote("100"))).unwrap();
    assert_eq!(rig.commands(), ["place buy 100 quote at 103.02"]);
    let crossing = rig.submit(Intent::market(MARKET, Side::Sell, base("0.5")));
    assert_eq!(crossing.unwrap_err().code(), Code::SelfCross);
    let mut rig = Rig::new(Limits::default());
    rig.submit(Intent::market(MARKET, Side::Sell, base("0.5"))).unwrap();
    assert_eq!(rig.commands(), ["place sell 0.5 base at 97.02"]);
}

#[test]
fn a_market_order_never_reaches_beyond_the_collar() {
    let collared = || Rig::new(Limits { price_collar: Some(rate("0.015")), ..Limits::default() });
    let mut rig = collared();
    rig.submit(Intent::market(MARKET, Side::Buy, quote("100"))).unwrap();
    assert_eq!(rig.commands(), ["place buy 100 quote at 101.5"], "the middle is 100");
    let mut rig = collared();
    rig.submit(Intent::market(MARKET, Side::Sell, base("0.5"))).unwrap();
    assert_eq!(rig.commands(), ["place sell 0.5 base at 98.5"]);
}

#[test]
fn a_stop_sends_a_market_order_when_the_bid_falls_to_it() {
    let mut rig = Rig::new(Limits::default());
    let id = rig.submit(Intent::stop(MARKET, Side::Sell, base("0.5"), price("95"))).unwrap();
    assert_eq!(rig.state(id), OrderState::Held);
    rig.book("95.01", "97");
    assert!(rig.commands().is_empty());
    rig.book("95", "97");
    assert_eq!(rig.commands(), ["place sell 0.5 base at 93.1"]);
    assert_eq!(rig.state(id), OrderState::Submitted);
}

#[test]
fn a_stop_sees_the_range_of_a_candle() {
    let mut setup = setup(Limits::default());
    setup.allocations.truncate(2);
    let mut rig = Rig::bare(setup);
    rig.step(EventKind::EnvironmentConfirmed);
    let candle = |low, close| Candle {
        open_time: Timestamp::from_secs(0),
        open: price("100"),
        high: price("101"),
        low: price(low),
        close: price(close),
        volume: Quantity::UNIT,
    };
    let span = Span::from_minutes(1);
    rig.step(EventKind::Candle { market: MARKET, span, candle: candle("99", "100") });
    rig.submit(Intent::stop(MARKET, Side::Sell, base("0.5"), price("95"))).unwrap();
    rig.step(EventKind::Candle { market: MARKET, span, candle: candle("95", "100") });
    assert_eq!(rig.commands(), ["place sell 0.5 base at 98"], "bounded below the close, not the trigger");
}

#[test]
fn a_stop_limit_sends_its_limit() {
    let mut rig = Rig::new(Limits::default());
    rig.submit(Intent::stop_limit(MARKET, Side::Buy, quote("100"), price("105"), price("106"))).unwrap();
    rig.book("103", "105");
    assert_eq!(rig.commands(), ["place buy 100 quote at 106"]);
}

#[test]
fn a_trailing_stop_follows_up_and_never_down() {
    let mut rig = Rig::new(Limits::default());
    rig.submit(Intent::trailing_stop(MARKET, Side::Sell, base("0.5"), rate("0.1"))).unwrap();
    for (bid, ask) in [("119", "120"), ("110", "112"), ("109", "111"), ("108.01", "109")] {
        rig.book(bid, ask);
        assert!(rig.commands().is_empty(), "{bid}");
    }
    // Ten per cent below 120, the highest price seen.
    rig.book("108", "109");
    assert_eq!(rig.commands(), ["place sell 0.5 base at 105.84"]);
}

#[test]
fn a_triggered_stop_that_the_gate_refuses_tells_its_strategy() {
    let mut rig = Rig::new(Limits::default());
    let id = rig.submit(Intent::stop(MARKET, Side::Sell, base("5"), price("95"))).unwrap();
    rig.book("94", "96");
    assert_eq!(rig.state(id), OrderState::Rejected);
    let refused = |audit: &Audit| matches!(audit, Audit::Denied { denied, .. } if denied.code() == Code::InsufficientFunds);
    assert!(rig.out.audit.iter().any(refused));
    assert_eq!(rig.holding(btc()).reserved, 0);
}

#[test]
fn immediate_or_cancel_ends_with_the_first_observation_after_it_went_live() {
    let mut rig = Rig::new(Limits::default());
    let intent = Intent::limit(MARKET, Side::Buy, quote("100"), price("101")).immediate_or_cancel();
    let id = rig.submit(intent).unwrap();
    rig.book("99", "101");
    assert_eq!(rig.commands(), ["place buy 100 quote at 101"]);
    rig.accept(id);
    rig.book("99", "101");
    assert_eq!(rig.commands(), [format!("cancel {id}")]);
}

#[test]
fn good_till_time_is_cancelled_by_the_clock_alone() {
    let mut rig = Rig::new(Limits::default());
    let until = Timestamp::from_secs(30);
    let id = rig.accepted(Intent::limit(MARKET, Side::Buy, quote("100"), price("90")).good_till(until));
    rig.commands();
    assert_eq!(rig.engine.next_timer(), until);
    rig.pass(Span::from_secs(30));
    rig.step(EventKind::Timer);
    assert_eq!(rig.commands(), [format!("cancel {id}")]);
    assert_eq!(rig.engine.next_timer(), Timestamp::MAX);
}

#[test]
fn post_only_refuses_to_take() {
    let mut rig = Rig::new(Limits::default());
    let at = |at| Intent::limit(MARKET, Side::Buy, quote("100"), price(at)).post_only();
    assert_eq!(rig.submit(at("101")).unwrap_err().code(), Code::PostOnly);
    assert!(rig.submit(at("100.99999999")).is_ok());
}

#[test]
fn reduce_only_shrinks_to_what_is_left_to_sell() {
    let mut rig = Rig::new(Limits::default());
    let sell = |size| Intent::limit(MARKET, Side::Sell, base(size), price("110")).reduce_only();
    let first = rig.accepted(sell("0.7"));
    rig.accepted(sell("0.7"));
    assert_eq!(rig.commands(), ["place sell 0.7 base at 110", "place sell 0.3 base at 110"]);
    assert_eq!(rig.submit(sell("0.1")).unwrap_err().code(), Code::NothingToReduce);
    assert_eq!(
        rig.submit(Intent::market(MARKET, Side::Buy, quote("1")).reduce_only()).unwrap_err().code(),
        Code::NothingToReduce
    );
    rig.fill(first, "110", "0.7");
    assert!(rig.commands().is_empty(), "0.3 is left to sell and 0.3 is offered");
}

#[test]
fn flatten_cancels_then_sells_even_when_halted() {
    let mut rig = Rig::new(Limits::default());
    let ask = rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.5"), price("110")));
    rig.step(EventKind::Control(Control::Halt(None)));
    rig.commands();
    rig.step(EventKind::Control(Control::Flatten(None)));
    assert!(rig.commands().is_empty(), "the coins are still reserved");
    rig.update(ask, UpdateKind::Cancelled(CancelReason::Requested));
    assert_eq!(rig.commands(), ["place sell 1 base at 97.02"]);
    let order = OrderId(ask.0 + 1);
    rig.accept(order);
    rig.fill(order, "98", "0.4");
    rig.book("89", "91");
    assert_eq!(rig.commands(), [format!("cancel {order}")], "the market fell through its bound");
    rig.update(order, UpdateKind::Cancelled(CancelReason::Requested));
    assert_eq!(rig.commands(), ["place sell 0.6 base at 87.22"]);
    let order = OrderId(order.0 + 1);
    rig.accept(order);
    rig.fill(order, "88", "0.6");
    rig.update(order, UpdateKind::Completed);
    rig.book("89", "91");
    assert!(rig.commands().is_empty());
    assert!(rig.act(|ctx| ctx.is_flat(MARKET)));
}

#[test]
fn flatten_sells_in_pieces_as_large_as_one_order_may_be() {
    let plain = MarketLimits::default();
    // 40 at the market, for the strategy; 0.45 for the account; and the same for the door behind both.
    let worth = MarketLimits { max_order_notional: Some("40".parse().unwrap()), ..plain };
    let quantity = MarketLimits { max_order_quantity: Some("0.45".parse().unwrap()), ..plain };
    let cap = MarketLimits { order_cap: Some("40".parse().unwrap()), ..plain };
    let cases = [
        (worth, plain, ["0.39999999", "0.39999999", "0.20000002"]),
        (plain, quantity, ["0.45", "0.45", "0.1"]),
        (plain, cap, ["0.39999999", "0.39999999", "0.20000002"]),
    ];
    for (own, account, pieces) in cases {
        let mut setup = setup(Limits { markets: vec![own], ..Limits::default() });
        setup.account_limits = Limits { markets: vec![account], ..Limits::default() };
        let mut rig = Rig::from_setup(setup);
        rig.step(EventKind::Control(Control::Flatten(None)));
        for (order, piece) in (1..).map(OrderId).zip(pieces) {
            assert_eq!(rig.commands(), [format!("place sell {piece} base at 97.02")]);
            rig.accept(order);
            rig.fill(order, "98", piece);
            rig.update(order, UpdateKind::Completed);
        }
        assert!(rig.commands().is_empty() && rig.act(|ctx| ctx.is_flat(MARKET)));
    }
}

#[test]
fn resuming_one_strategy_lets_the_others_go_on_flattening() {
    let second = StrategyId(1);
    for (resumed, goes_on) in [(Some(FIRST), true), (Some(second), false), (None, false)] {
        let mut setup = setup(Limits::default());
        setup.strategies.push((Box::new(Idle { markets: vec![MARKET], warm_up: 0 }), Limits::default()));
        let owner = Owner::Strategy(second);
        setup.allocations.push(Allocation { owner, venue: VENUE, money: "1 BTC".parse().unwrap() });
        let mut rig = Rig::from_setup(setup);
        let intent = Intent::limit(MARKET, Side::Sell, base("0.5"), price("110"));
        let ask = rig.act_as(second, |ctx| ctx.submit(intent)).unwrap();
        rig.accept(ask);
        rig.step(EventKind::Control(Control::Flatten(Some(second))));
        rig.step(EventKind::Control(Control::Resume(resumed)));
        rig.commands();
        rig.update(ask, UpdateKind::Cancelled(CancelReason::Requested));
        let sold: &[&str] = if goes_on { &["place sell 1 base at 97.02"] } else { &[] };
        assert_eq!(rig.commands(), sold, "{resumed:?}");
    }
}

#[test]
fn winding_down_cancels_everything_orders_nothing_and_trips_nothing() {
    let mut rig = Rig::new(Limits::default());
    let ask = rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.5"), price("110")));
    rig.commands();
    rig.step(EventKind::Control(Control::WindDown));
    assert_eq!(rig.commands(), [format!("cancel {ask}")]);
    let again = Intent::limit(MARKET, Side::Sell, base("0.1"), price("110"));
    assert_eq!(rig.submit(again).unwrap_err().code(), Code::TradingHalted, "a reducing order too");
    rig.update(ask, UpdateKind::Cancelled(CancelReason::Requested));
    rig.step(EventKind::Control(Control::Flatten(None)));
    assert_eq!(rig.commands(), ["place sell 1 base at 97.02"], "an operator may still flatten");
    rig.engine.begin_session();
    rig.step(EventKind::EnvironmentConfirmed);
    assert_eq!(rig.engine.trading_state(FIRST), TradingState::Active, "the next session trades again");
}

#[test]
fn replace_cancels_and_places_and_both_count() {
    let mut rig = Rig::new(Limits::default());
    let first = rig.accepted(Intent::limit(MARKET, Side::Buy, quote("6000"), price("90")));
    rig.commands();
    let next = Intent::limit(MARKET, Side::Buy, quote("6000"), price("91"));
    let denied = rig.act(|ctx| ctx.replace(first, next)).unwrap_err();
    assert_eq!(denied.to_string(), "INSUFFICIENT_FUNDS needed=6000 available=4000");
    assert_eq!(rig.commands(), [format!("cancel {first}")]);
}

#[test]
fn timers_fire_once_in_order() {
    struct Timed(std::sync::Arc<std::sync::Mutex<Vec<u32>>>);
    impl Strategy for Timed {
        fn requirements(&self) -> Requirements {
            Requirements::of(MARKET)
        }
        fn on_start(&mut self, ctx: &mut Context<'_>) {
            ctx.set_timer_after(Span::from_secs(2), 2);
            ctx.set_timer_after(Span::from_secs(1), 1);
        }
        fn on_timer(&mut self, _: &mut Context<'_>, tag: u32) {
            self.0.lock().unwrap().push(tag);
        }
    }
    let fired = std::sync::Arc::default();
    let mut setup = setup(Limits::default());
    setup.strategies = vec![(Box::new(Timed(std::sync::Arc::clone(&fired))), Limits::default())];
    let mut rig = Rig::from_setup(setup);
    assert_eq!(rig.engine.next_timer(), Timestamp::from_secs(1));
    rig.pass(Span::from_secs(5));
    rig.step(EventKind::Timer);
    rig.step(EventKind::Timer);
    assert_eq!(*fired.lock().unwrap(), [1, 2]);
}
