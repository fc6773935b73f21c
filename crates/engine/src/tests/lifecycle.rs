//! The state table and what hangs on it.

use super::*;

fn every_kind(fill: Fill) -> [UpdateKind; 11] {
    [
        UpdateKind::Acknowledged(VenueOrderId(1)),
        UpdateKind::Live,
        UpdateKind::Fill(fill),
        UpdateKind::CancelPending,
        UpdateKind::Cancelled(CancelReason::Requested),
        UpdateKind::Completed,
        UpdateKind::Rejected(RejectReason::Other),
        UpdateKind::NotSent,
        UpdateKind::Unknown,
        UpdateKind::PresumedAbsent,
        UpdateKind::Absent,
    ]
}

fn some_fill() -> Fill {
    Fill {
        id: FillId(1),
        order: OrderId(1),
        market: MARKET,
        side: Side::Buy,
        price: price("100"),
        base: Quantity::UNIT,
        quote: Cash::UNIT,
        fee: 0,
        liquidity: Liquidity::Maker,
        time: Timestamp::MIN,
    }
}

#[test]
fn final_states_absorb_everything() {
    for (state, row) in TRANSITIONS {
        assert_eq!(row.iter().all(Option::is_none), state.is_final(), "{}", state.name());
    }
}

#[test]
fn the_table_knows_every_state_once() {
    let states: std::collections::BTreeSet<&str> =
        TRANSITIONS.iter().map(|(state, _)| state.name()).collect();
    assert_eq!(states.len(), 12);
}

#[test]
fn an_unknown_order_is_never_resolved_by_silence() {
    for kind in every_kind(some_fill()) {
        let next = OrderState::Unknown.after(&kind);
        assert_ne!(next, Some(OrderState::Absent), "{kind:?} leaves out the ghost horizon");
    }
    assert_eq!(OrderState::PresumedAbsent.after(&UpdateKind::Absent), Some(OrderState::Absent));
}

#[test]
fn acknowledged_is_not_live_and_a_lack_of_funds_is_a_late_cancel() {
    let mut rig = Rig::new(Limits::default());
    let id = rig.submit(Intent::limit(MARKET, Side::Buy, quote("100"), price("90"))).unwrap();
    assert_eq!(rig.commands(), ["place buy 100 quote at 90"]);
    rig.update(id, UpdateKind::Acknowledged(VenueOrderId(7)));
    assert_eq!(rig.state(id), OrderState::Acknowledged);
    assert_eq!(rig.holding(usd()).reserved, 100 * i128::from(SCALE));
    rig.update(id, UpdateKind::Cancelled(CancelReason::InsufficientFunds));
    assert_eq!(rig.state(id), OrderState::Cancelled);
    assert_eq!(rig.holding(usd()).reserved, 0);
}

#[test]
fn an_unknown_order_keeps_its_reservation_to_the_ghost_horizon() {
    let mut rig = Rig::new(Limits::default());
    let id = rig.submit(Intent::limit(MARKET, Side::Buy, quote("100"), price("90"))).unwrap();
    for kind in [UpdateKind::Unknown, UpdateKind::PresumedAbsent] {
        rig.update(id, kind);
        assert_eq!(rig.holding(usd()).reserved, 100 * i128::from(SCALE), "{kind:?}");
    }
    rig.update(id, UpdateKind::Absent);
    assert_eq!(rig.holding(usd()).reserved, 0);
}

#[test]
fn a_late_ghost_comes_alive_and_its_fill_counts() {
    let mut rig = Rig::new(Limits::default());
    let id = rig.submit(Intent::limit(MARKET, Side::Buy, quote("90"), price("90"))).unwrap();
    rig.update(id, UpdateKind::Unknown);
    rig.update(id, UpdateKind::PresumedAbsent);
    rig.fill(id, "90", "0.5");
    assert_eq!(rig.state(id), OrderState::Live);
    assert_eq!(rig.holding(btc()).total, 150_000_000);
    assert_eq!(rig.holding(usd()).reserved, 45 * i128::from(SCALE));
}

#[test]
fn fills_count_once_in_any_order_and_after_the_end() {
    let mut rig = Rig::new(Limits::default());
    let id = rig.submit(Intent::limit(MARKET, Side::Buy, quote("90"), price("90"))).unwrap();
    let first = rig.fill(id, "90", "0.2");
    rig.update(id, UpdateKind::Fill(first));
    rig.update(id, UpdateKind::Acknowledged(VenueOrderId(5)));
    assert_eq!(rig.state(id), OrderState::Live, "news from an earlier stage moves nothing back");
    rig.update(id, UpdateKind::Completed);
    let late = rig.fill(id, "90", "0.3");
    rig.update(id, UpdateKind::Fill(late));
    assert_eq!(rig.holding(btc()).total, 150_000_000);
    assert_eq!(rig.record(id).filled_base, "0.5".parse().unwrap());
    assert_eq!(rig.state(id), OrderState::Completed);
}

#[test]
fn the_same_id_on_the_other_side_is_another_fill() {
    let mut rig = Rig::new(Limits::default());
    let bid = rig.accepted(Intent::limit(MARKET, Side::Buy, quote("90"), price("90")));
    let ask = rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.5"), price("110")));
    let fill = rig.fill(bid, "90", "0.2");
    let other = Fill { order: ask, side: Side::Sell, ..fill };
    rig.update(ask, UpdateKind::Fill(other));
    assert_eq!(rig.holding(btc()).total, i128::from(SCALE));
}

#[test]
fn a_fill_of_no_order_of_ours_stops_increasing_orders() {
    let mut rig = Rig::new(Limits::default());
    rig.update(OrderId(99), UpdateKind::Fill(Fill { order: OrderId(99), ..some_fill() }));
    assert_eq!(rig.engine.trading_state(FIRST), TradingState::ReduceOnly);
    assert!(rig.out.audit.iter().any(|audit| matches!(audit, Audit::ForeignFill(_))));
}

#[test]
fn a_cancel_waits_for_the_venues_id() {
    let mut rig = Rig::new(Limits::default());
    let id = rig.submit(Intent::limit(MARKET, Side::Buy, quote("90"), price("90"))).unwrap();
    rig.commands();
    rig.act(|ctx| ctx.cancel(id));
    assert!(rig.commands().is_empty());
    rig.update(id, UpdateKind::Acknowledged(VenueOrderId(7)));
    assert_eq!(rig.commands(), [format!("cancel {id}")]);
    rig.act(|ctx| ctx.cancel(id));
    assert!(rig.commands().is_empty(), "asked for once");
}

#[test]
fn a_panic_halts_only_its_strategy() {
    struct Panics;
    impl Strategy for Panics {
        fn requirements(&self) -> Requirements {
            Requirements::of(MARKET)
        }
        fn on_trade(&mut self, _: &mut Context<'_>, _: MarketId, _: &Trade) {
            panic!("a defect of the strategy");
        }
    }
    let mut setup = setup(Limits::default());
    setup.strategies.push((Box::new(Panics), Limits::default()));
    let mut rig = Rig::from_setup(setup);
    let trade =
        Trade { id: 1, time: rig.now, price: price("100"), quantity: Quantity::UNIT, aggressor: None };
    for _ in 0..2 {
        rig.step(EventKind::Trade { market: MARKET, trade });
    }
    assert_eq!(rig.engine.trading_state(StrategyId(1)), TradingState::Halted);
    assert_eq!(rig.engine.trading_state(FIRST), TradingState::Active);
    assert!(rig.engine.strategy_mut(StrategyId(1)).is_none());
    assert!(rig.submit(Intent::limit(MARKET, Side::Buy, quote("10"), price("90"))).is_ok());
}

#[test]
fn nothing_is_sent_before_the_warm_up_is_over() {
    let mut setup = setup(Limits::default());
    setup.strategies = vec![(Box::new(Idle { markets: vec![MARKET], warm_up: 2 }), Limits::default())];
    let mut rig = Rig::from_setup(setup);
    let order = Intent::limit(MARKET, Side::Buy, quote("10"), price("90"));
    let one = price("100");
    let candle =
        Candle { open_time: rig.now, open: one, high: one, low: one, close: one, volume: Quantity::UNIT };
    for missing in [2, 1] {
        assert_eq!(rig.submit(order), Err(Denied::WarmingUp { missing }));
        rig.step(EventKind::Candle { market: MARKET, span: Span::from_minutes(1), candle });
    }
    assert!(rig.submit(order).is_ok());
}

#[test]
fn the_fingerprint_marks_each_order_apart_toward_its_passive_side() {
    let mut setup = setup(Limits::default());
    let mut market = Market::new("bitex", "btc_usd").unwrap();
    market.fingerprint_span = 999;
    setup.markets = Markets::default();
    setup.markets.insert(market).unwrap();
    let mut rig = Rig::from_setup(setup);
    let mut sent = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let id = rig.accepted(Intent::limit(MARKET, Side::Buy, quote("1"), price("90")));
        let record = rig.record(id);
        assert_eq!(record.price, price("90"));
        assert!(record.sent_price <= record.price && record.sent_price >= price("89.99999001"));
        sent.insert(record.sent_price);
    }
    assert_eq!(sent.len(), 20);
}
