//! Balances, positions and valuation.

use super::*;

#[test]
fn a_round_trip_counts_fees_in_what_was_received() {
    let mut rig = Rig::new(Limits::default());
    let bid = rig.accepted(Intent::limit(MARKET, Side::Buy, quote("1000"), price("100")));
    let mut fill = rig.fill(bid, "100", "0");
    fill = Fill {
        id: FillId(1),
        base: "10".parse().unwrap(),
        quote: "1000".parse().unwrap(),
        fee: 2_500_000,
        ..fill
    };
    rig.update(bid, UpdateKind::Fill(fill));
    let position = rig.engine.portfolio().position(FIRST, MARKET);
    assert_eq!(position.quantity.to_string(), "10.975", "one from the start, ten less 0.25 %");
    assert_eq!(position.cost.to_string(), "1100", "the first at the first mark of 100");
    assert_eq!(rig.holding(usd()).total, 9_000 * i128::from(SCALE));

    let ask = rig.accepted(Intent::limit(MARKET, Side::Sell, base("10.975"), price("110")));
    let sold = Fill {
        id: FillId(2),
        order: ask,
        side: Side::Sell,
        price: price("110"),
        base: "10.975".parse().unwrap(),
        quote: "1207.25".parse().unwrap(),
        fee: 301_812_500,
        ..fill
    };
    rig.update(ask, UpdateKind::Fill(sold));
    let position = rig.engine.portfolio().position(FIRST, MARKET);
    assert!(position.quantity.is_zero() && position.cost.is_zero());
    assert_eq!(position.realised.to_string(), "104.231875", "1207.25 less 3.018125 less 1100");
    assert_eq!((position.fees_base, position.fees_quote), (2_500_000, 301_812_500));
    assert_eq!(rig.engine.portfolio().equity().to_string(), "10204.231875");
}

#[test]
fn unrealised_profit_follows_the_mark() {
    let mut rig = Rig::new(Limits::default());
    rig.book("119", "121");
    let position = rig.engine.portfolio().position(FIRST, MARKET);
    assert_eq!(position.average_price().unwrap().to_string(), "100");
    assert_eq!(position.unrealised(price("120")).unwrap().to_string(), "20");
    assert_eq!(rig.engine.portfolio().exposure().to_string(), "120");
    assert_eq!(rig.engine.high_water_mark().to_string(), "10120");
    rig.book("99", "101");
    assert_eq!(rig.engine.drawdown(), rate("0.00197628"), "20 of 10,120");
}

#[test]
fn sub_ledgers_and_the_rest_add_up_to_the_account() {
    let mut setup = setup(Limits::default());
    setup.strategies.push((Box::new(Idle { markets: vec![MARKET], warm_up: 0 }), Limits::default()));
    let second = StrategyId(1);
    setup.allocations.push(Allocation {
        owner: Owner::Strategy(second),
        venue: VENUE,
        money: "500 USD".parse().unwrap(),
    });
    setup.allocations.push(Allocation {
        owner: Owner::Unallocated,
        venue: VENUE,
        money: "25 USD".parse().unwrap(),
    });
    let mut rig = Rig::from_setup(setup);
    let order = Intent::limit(MARKET, Side::Buy, quote("600"), price("90"));
    let denied = rig.act_as(second, |ctx| ctx.submit(order)).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "INSUFFICIENT_FUNDS needed=600 available=500",
        "not its neighbour's money"
    );
    rig.accepted(order);
    let account = rig.engine.portfolio().account(VENUE, usd());
    assert_eq!(account.total, 10_525 * i128::from(SCALE));
    assert_eq!(account.reserved, 600 * i128::from(SCALE));
    assert_eq!(rig.engine.portfolio().strategy_equity(second).to_string(), "500");
    let sell = Intent::limit(MARKET, Side::Sell, base("0.1"), price("90"));
    let denied = rig.act_as(second, |ctx| ctx.submit(sell)).unwrap_err();
    assert_eq!(denied.code(), Code::InsufficientFunds, "it has no coins");
}

#[test]
fn strategies_of_one_account_do_not_cross_each_other() {
    let mut setup = setup(Limits::default());
    setup.strategies.push((Box::new(Idle { markets: vec![MARKET], warm_up: 0 }), Limits::default()));
    let second = StrategyId(1);
    setup.allocations.push(Allocation {
        owner: Owner::Strategy(second),
        venue: VENUE,
        money: "500 USD".parse().unwrap(),
    });
    let mut rig = Rig::from_setup(setup);
    let ask = rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.5"), price("102")));
    let cross = Intent::limit(MARKET, Side::Buy, quote("10"), price("102"));
    let denied = rig.act_as(second, |ctx| ctx.submit(cross)).unwrap_err();
    assert_eq!(denied, Denied::SelfCross { other: ask, price: price("102") });
}

fn two_markets() -> Setup {
    let mut markets = Markets::default();
    for code in ["btc_usd", "btc_ars"] {
        markets.insert(Market::new("bitex", code).unwrap()).unwrap();
    }
    let mut setup = Setup::new(markets, usd());
    setup.rates.push(("ars".parse().unwrap(), price("0.001")));
    let idle = Idle { markets: vec![MARKET, MarketId(1)], warm_up: 0 };
    let limits = Limits { max_rate_age: Some(Span::from_minutes(5)), ..Limits::default() };
    setup.strategies.push((Box::new(idle), limits));
    for money in ["1 BTC", "200000 ARS"] {
        let owner = Owner::Strategy(FIRST);
        setup.allocations.push(Allocation { owner, venue: VENUE, money: money.parse().unwrap() });
    }
    setup
}

#[test]
fn every_currency_is_valued_in_the_report_currency() {
    let mut rig = Rig::from_setup(two_markets());
    assert_eq!(rig.engine.portfolio().equity().to_string(), "300");
    let ars = "ars".parse().unwrap();
    rig.step(EventKind::Rate { currency: ars, rate: price("0.002") });
    assert_eq!(rig.engine.portfolio().equity().to_string(), "500");
}

#[test]
fn a_stale_rate_stops_increasing_orders_only() {
    let mut rig = Rig::from_setup(two_markets());
    let other = MarketId(1);
    let level = |text| Level { price: price(text), quantity: Quantity::MAX };
    let book = Quote { bid: level("99000"), ask: level("101000") };
    rig.step(EventKind::Quote { market: other, quote: book });
    rig.step(EventKind::Rate { currency: "ars".parse().unwrap(), rate: price("0.002") });
    rig.pass(Span::from_minutes(6));
    rig.step(EventKind::Quote { market: other, quote: book });
    let buy = Intent::limit(other, Side::Buy, quote("100000"), price("100000"));
    assert_eq!(rig.submit(buy).unwrap_err().code(), Code::StaleRate);
    rig.step(EventKind::Rate { currency: "ars".parse().unwrap(), rate: price("0.002") });
    assert!(rig.submit(buy).is_ok());
}

#[test]
fn a_rate_that_its_source_calls_stale_does_so_too_and_the_strategy_sees_it() {
    let mut setup = two_markets();
    setup.strategies[0].1 = Limits::default();
    setup.rate_ages.push(("ars".parse().unwrap(), Span::from_minutes(5)));
    let mut rig = Rig::from_setup(setup);
    let other = MarketId(1);
    let level = |text| Level { price: price(text), quantity: Quantity::MAX };
    let book = Quote { bid: level("99000"), ask: level("101000") };
    rig.step(EventKind::Quote { market: other, quote: book });
    let buy = Intent::limit(other, Side::Buy, quote("100000"), price("100000"));
    let stale = |rig: &mut Rig| rig.act(|ctx| ctx.portfolio().is_rate_stale(ctx.now(), other));
    assert!(!stale(&mut rig), "what the configuration fixes has no age");
    rig.step(EventKind::Rate { currency: "ars".parse().unwrap(), rate: price("0.002") });
    rig.pass(Span::from_minutes(5));
    assert!(!stale(&mut rig));
    rig.pass(Span::from_secs(1));
    assert!(stale(&mut rig));
    assert_eq!(rig.submit(buy).unwrap_err().code(), Code::StaleRate);
    rig.step(EventKind::Rate { currency: "ars".parse().unwrap(), rate: price("0.002") });
    assert!(!stale(&mut rig) && rig.submit(buy).is_ok());
}

#[test]
fn a_session_without_the_source_of_a_rate_takes_the_configured_one() {
    let ages = [vec![("ars".parse().unwrap(), Span::from_minutes(5))], vec![]];
    for (ages, expected) in ages.into_iter().zip(["0.002", "0.001"]) {
        let mut rig = Rig::from_setup(two_markets());
        rig.step(EventKind::Rate { currency: "ars".parse().unwrap(), rate: price("0.002") });
        let saved = rig.engine.checkpoint();
        let mut engine = Engine::new(Setup { rate_ages: ages, ..two_markets() }).unwrap();
        engine.restore(&saved).unwrap();
        engine.begin_session();
        assert_eq!(engine.portfolio().quote_rate(MarketId(1)), price(expected));
    }
}

#[test]
fn a_currency_without_a_price_is_an_error_that_says_what_to_do() {
    let mut setup = two_markets();
    setup.rates.clear();
    let error = Engine::new(setup).err().unwrap();
    assert_eq!(
        error.to_string(),
        "no market and no rate values ARS in USD; add `rates.ars` to the configuration"
    );
}

#[test]
fn a_market_priced_in_the_report_currency_backwards_is_inverted() {
    let mut markets = Markets::default();
    markets.insert(Market::new("bitex", "usd_clp").unwrap()).unwrap();
    let mut setup = Setup::new(markets, usd());
    setup.strategies.push((Box::new(Idle { markets: vec![MARKET], warm_up: 0 }), Limits::default()));
    let owner = Owner::Strategy(FIRST);
    setup.allocations.push(Allocation { owner, venue: VENUE, money: "8000 CLP".parse().unwrap() });
    let mut rig = Rig::bare(setup);
    rig.book("799", "801");
    assert_eq!(rig.engine.portfolio().equity().to_string(), "10");
}
