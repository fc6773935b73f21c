//! What the context tells, and a round trip.

use super::*;

#[test]
fn what_open_orders_keep_can_neither_be_spent_nor_sold() {
    let mut setup = setup(Limits::default());
    let mut rules = Market::new("bitex", "btc_usd").unwrap();
    rules.quantity_step = "0.01".parse().unwrap();
    setup.markets = Markets::default();
    setup.markets.insert(rules).unwrap();
    let mut rig = Rig::from_setup(setup);
    rig.accepted(Intent::limit(MARKET, Side::Buy, quote("100"), price("98")));
    rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.25"), price("102")));
    assert_eq!(rig.act(|ctx| ctx.spendable(MARKET)).to_string(), "9900");
    assert_eq!(rig.act(|ctx| ctx.sellable(MARKET)).to_string(), "0.75");
    let sold = rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.01"), price("102")));
    rig.fill(sold, "102", "0.005");
    assert_eq!(rig.act(|ctx| ctx.sellable(MARKET)).to_string(), "0.74", "in whole steps");
    assert!(rig.act(|ctx| ctx.sellable(MarketId(9)).is_zero() && ctx.spendable(MarketId(9)).is_zero()));
}

#[test]
fn a_standing_quote_is_one_of_the_desired_set_that_is_not_on_its_way_out() {
    let mut rig = Rig::new(Limits::default());
    let standing =
        |rig: &mut Rig| rig.act(|ctx| ctx.standing_quote(MARKET, Side::Buy).map(|order| order.price));
    rig.accepted(Intent::limit(MARKET, Side::Buy, quote("10"), price("90")));
    assert_eq!(standing(&mut rig), None, "an order of its own is no quote");
    let desired = [Desired { side: Side::Buy, price: price("98"), size: quote("10") }];
    rig.act(|ctx| ctx.quote(MARKET, &desired, Reason::new("QUOTE")));
    assert_eq!(standing(&mut rig), Some(price("98")));
    rig.accept(OrderId(2));
    rig.act(|ctx| ctx.quote(MARKET, &[], Reason::new("QUOTE")));
    assert_eq!(standing(&mut rig), None);
}

#[test]
fn a_quote_stays_where_it_is_near_enough() {
    let mut rig = Rig::new(Limits::default());
    let steady = |rig: &mut Rig, side, at: &str| {
        rig.act(|ctx| ctx.steady_price(MARKET, side, price(at), rate("0.01"))).to_string()
    };
    assert_eq!(steady(&mut rig, Side::Buy, "98.5"), "98.5", "nothing stands");
    let desired = [Desired { side: Side::Buy, price: price("98"), size: quote("10") }];
    rig.act(|ctx| ctx.quote(MARKET, &desired, Reason::new("QUOTE")));
    assert_eq!(steady(&mut rig, Side::Buy, "98.5"), "98");
    assert_eq!(steady(&mut rig, Side::Buy, "97.1"), "98");
    assert_eq!(steady(&mut rig, Side::Buy, "99.1"), "99.1");
    assert_eq!(steady(&mut rig, Side::Sell, "98.5"), "98.5", "the other side");
}

#[test]
fn a_quote_can_be_asked_for_if_it_is_paid_for_by_what_is_held() {
    let mut rig = Rig::new(Limits::default());
    // 10,000 USD and 1 BTC, of which an order keeps most.
    rig.accepted(Intent::limit(MARKET, Side::Buy, quote("9000"), price("98")));
    let can = |rig: &mut Rig, side, size, at: &str| {
        rig.act(|ctx| ctx.can_quote(MARKET, &Desired { side, price: price(at), size }))
    };
    assert!(can(&mut rig, Side::Buy, quote("10000"), "98"), "what the order keeps counts");
    assert!(!can(&mut rig, Side::Buy, quote("10000.01"), "98"));
    assert!(can(&mut rig, Side::Buy, base("100"), "100"));
    assert!(!can(&mut rig, Side::Buy, base("100"), "100.1"));
    assert!(can(&mut rig, Side::Sell, base("1"), "102") && !can(&mut rig, Side::Sell, base("1.1"), "102"));
    assert!(!can(&mut rig, Side::Sell, base("0.00001"), "102"), "too small for the market");
    assert!(!can(&mut rig, Side::Sell, base("1"), "0"), "no price");
}

#[test]
fn a_closing_order_sells_what_is_open_or_buys_it_back_after_the_fee() {
    let mut setup = setup(Limits::default());
    let mut rules = Market::new("bitex", "btc_usd").unwrap();
    rules.taker_fee = rate("0.2");
    setup.markets = Markets::default();
    setup.markets.insert(rules).unwrap();
    let mut rig = Rig::from_setup(setup);
    let closing = |rig: &mut Rig, open: &str, limit: &str| {
        rig.act(|ctx| ctx.closing_size(MARKET, open.parse().unwrap(), price(limit))).unwrap().to_string()
    };
    rig.book("99", "101");
    assert_eq!(closing(&mut rig, "0.5", "99"), "0.5 base");
    // 0.8 are left of one; the book asks 101 for it, whatever the limit.
    assert_eq!(closing(&mut rig, "-0.8", "110"), "101 quote");
    assert_eq!(closing(&mut rig, "-0.8", "100"), "100 quote", "the book is out of reach");
    assert_eq!(rig.act(|ctx| ctx.closing_size(MarketId(9), Quantity::ZERO, price("1"))), None);
}

/// Places an order each time that it hears of the market.
struct Observer;

impl Strategy for Observer {
    fn requirements(&self) -> Requirements {
        Requirements::of(MARKET)
    }

    fn on_market(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        ctx.cancel_all(market);
        let _ = ctx.submit(Intent::limit(market, Side::Buy, quote("10"), price("90")));
    }
}

#[test]
fn books_trades_and_candles_reach_one_hook() {
    let mut setup = setup(Limits::default());
    setup.strategies[0].0 = Box::new(Observer);
    let mut rig = Rig::from_setup(setup);
    let time = rig.now;
    rig.step(EventKind::Trade {
        market: MARKET,
        trade: Trade { id: 0, time, price: price("100"), quantity: "1".parse().unwrap(), aggressor: None },
    });
    let at = price("100");
    let candle = Candle { open_time: time, open: at, high: at, low: at, close: at, volume: Quantity::ZERO };
    rig.step(EventKind::Candle { market: MARKET, span: Span::from_minutes(1), candle });
    let placed = rig.commands().iter().filter(|command| command.starts_with("place")).count();
    assert_eq!(placed, 3);
}

#[test]
fn a_passive_price_stays_a_tick_away_from_the_other_side() {
    let mut rig = Rig::new(Limits::default());
    let passive =
        |rig: &mut Rig, side, at: &str| rig.act(|ctx| ctx.passive_price(MARKET, side, price(at))).unwrap();
    assert_eq!(passive(&mut rig, Side::Buy, "98"), price("98"));
    assert_eq!(passive(&mut rig, Side::Buy, "105"), price("100.99999999"));
    assert_eq!(passive(&mut rig, Side::Sell, "105"), price("105"));
    assert_eq!(passive(&mut rig, Side::Sell, "90"), price("99.00000001"));
    assert_eq!(rig.act(|ctx| ctx.passive_price(MarketId(9), Side::Buy, price("1"))), None);
}

/// What a strategy hears of an order now.
fn ended(rig: &Rig, order: OrderId) -> OrderEvent {
    OrderEvent { order: rig.record(order), update: None, denied: None }
}

#[test]
fn a_round_trip_spends_its_part_over_several_orders_and_sells_it_all() {
    let mut rig = Rig::new(Limits::default());
    let (reason, part) = (Reason::new("IN"), rate("0.5"));
    let mut trip = RoundTrip::new(MARKET, part);
    rig.act(|ctx| trip.pursue(ctx, reason));
    assert!(rig.commands().is_empty(), "nothing was asked for");

    trip.enter();
    rig.act(|ctx| trip.pursue(ctx, reason));
    rig.accept(OrderId(1));
    assert!(rig.commands()[0].starts_with("place buy 5000 quote at "));
    rig.act(|ctx| trip.pursue(ctx, reason));
    assert!(rig.commands().is_empty(), "one order at a time");
    rig.fill(OrderId(1), "100", "20");
    rig.book("99", "101");
    assert_eq!(rig.commands(), ["cancel 1"], "what the next observation leaves is sent anew");
    rig.update(OrderId(1), UpdateKind::Cancelled(CancelReason::Requested));
    let event = ended(&rig, OrderId(1));
    rig.act(|ctx| trip.on_order(ctx, &event, reason));
    assert!(rig.commands()[0].starts_with("place buy 3000 quote at "), "the rest of the same half");
    assert_eq!(trip.goal(), Goal::Enter(Some("3000".parse().unwrap())));

    rig.accept(OrderId(2));
    trip.exit();
    rig.act(|ctx| trip.pursue(ctx, reason));
    assert_eq!(rig.commands(), ["cancel 2"], "the entry is in the way");
    rig.update(OrderId(2), UpdateKind::Cancelled(CancelReason::Requested));
    let event = ended(&rig, OrderId(2));
    rig.act(|ctx| trip.on_order(ctx, &event, reason));
    assert!(rig.commands()[0].starts_with("place sell 21 base at "), "what it bought and what it had");
    rig.accept(OrderId(3));
    rig.fill(OrderId(3), "99", "21");
    rig.update(OrderId(3), UpdateKind::Completed);
    let event = ended(&rig, OrderId(3));
    rig.act(|ctx| trip.on_order(ctx, &event, reason));
    assert_eq!(trip.goal(), Goal::None);
}

#[test]
fn a_refused_entry_is_over_and_a_refused_exit_waits() {
    let mut rig = Rig::new(Limits::default());
    let reason = Reason::new("IN");
    let mut trip = RoundTrip::new(MARKET, Rate::ONE);
    for (goal, order, after) in [(Goal::Enter(None), 1, Goal::None), (Goal::Exit, 2, Goal::Exit)] {
        trip.resume(goal);
        rig.act(|ctx| trip.pursue(ctx, reason));
        rig.update(OrderId(order), UpdateKind::Rejected(RejectReason::Other));
        rig.commands();
        let event = ended(&rig, OrderId(order));
        rig.act(|ctx| trip.on_order(ctx, &event, reason));
        assert_eq!(trip.goal(), after);
        assert!(rig.commands().is_empty(), "no refusal is answered at once");
    }
    rig.act(|ctx| trip.pursue(ctx, reason));
    assert_eq!(rig.commands().len(), 1, "the exit is tried again");
    rig.step(EventKind::Control(Control::Halt(Some(FIRST))));
    trip.enter();
    rig.update(OrderId(3), UpdateKind::Cancelled(CancelReason::Requested));
    rig.act(|ctx| trip.pursue(ctx, reason));
    assert_eq!(trip.goal(), Goal::None, "the gate's refusal ends an entry too");
}

#[test]
fn a_goal_comes_back_from_its_bytes() {
    let spent = Cash::from_units(7);
    for goal in [Goal::None, Goal::Enter(None), Goal::Enter(Some(spent)), Goal::Exit] {
        assert_eq!(restore_state(&save_state(&goal), 1, 1), Ok(goal));
    }
    let error = restore_state::<Goal>(&[3; 17], 1, 1).unwrap_err();
    assert!(error.to_string().ends_with("3 is not a goal"), "{error}");
}
