//! Each check, alone, can deny; each names its code; and the table in the book is made from the same list.

use super::*;

/// An order that everything without limits approves: buy for 100 USD at 100.
fn order() -> Intent {
    Intent::limit(MARKET, Side::Buy, quote("100"), price("100"))
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

fn market_limits(change: impl FnOnce(&mut MarketLimits)) -> Limits {
    let mut market = MarketLimits::default();
    change(&mut market);
    limits(|limits| limits.markets = vec![market])
}

/// The verdict on [`order`] under the limits, after a preparation.
fn verdict(limits: &Limits, prepare: impl Fn(&mut Rig)) -> Option<Denied> {
    let mut rig = Rig::new(limits.clone());
    prepare(&mut rig);
    rig.submit(order()).err()
}

type Case = (Code, Limits, fn(&mut Rig));

/// One case per code: limits under which the preparation leads to the refusal, and would not without them.
fn cases() -> Vec<Case> {
    let none = Limits::default;
    let nothing: fn(&mut Rig) = |_| {};
    vec![
        (Code::TradingHalted, none(), |rig| rig.step(EventKind::Control(Control::Halt(None)))),
        (Code::ReducingOnly, none(), |rig| rig.step(EventKind::Control(Control::ReduceOnly(Some(FIRST))))),
        (Code::Environment, none(), |rig| *rig = Rig::bare(setup(Limits::default())).with_book()),
        (Code::MarketNotAllowed, limits(|limits| limits.allowed_markets = Some(vec![])), nothing),
        (Code::OrderNotional, market_limits(|market| market.max_order_notional = "99".parse().ok()), nothing),
        (Code::OrderValue, limits(|limits| limits.max_order_value = "99".parse().ok()), nothing),
        (
            Code::OrderQuantity,
            market_limits(|market| market.max_order_quantity = "0.9".parse().ok()),
            nothing,
        ),
        (Code::PriceCollar, limits(|limits| limits.price_collar = Some(rate("0.01"))), |rig| {
            rig.book("89", "91");
        }),
        (
            Code::PriceDrift,
            limits(|limits| {
                limits.price_drift = Some(rate("0.01"));
                limits.price_drift_window = Span::from_hours(1);
            }),
            |rig| {
                rig.accepted(Intent::limit(MARKET, Side::Buy, quote("100"), price("95")));
            },
        ),
        (Code::BookEmpty, limits(|limits| limits.max_spread = Some(rate("0.05"))), |rig| {
            let bids = [Level { price: price("99"), quantity: "1".parse().unwrap() }];
            let bids = bids.to_vec().leak();
            rig.step(EventKind::Book { market: MARKET, book: BookSnapshot { bids, asks: &[] } });
        }),
        (Code::BookCrossed, limits(|limits| limits.max_spread = Some(rate("0.05"))), |rig| {
            rig.book("101", "100");
        }),
        (Code::WideSpread, limits(|limits| limits.max_spread = Some(rate("0.01"))), nothing),
        (Code::StaleData, limits(|limits| limits.max_data_age = Some(Span::from_secs(10))), |rig| {
            rig.pass(Span::from_secs(11));
        }),
        (Code::StaleBalance, limits(|limits| limits.max_balance_age = Some(Span::from_secs(30))), |rig| {
            rig.step(EventKind::BalancesSeen { venue: VENUE, at: rig.now });
            rig.pass(Span::from_secs(31));
        }),
        (Code::InsufficientFunds, none(), |rig| {
            rig.accepted(Intent::limit(MARKET, Side::Buy, quote("9950"), price("90")));
        }),
        (Code::MaxPosition, market_limits(|market| market.max_position = "1.9".parse().ok()), nothing),
        (Code::MaxExposure, limits(|limits| limits.max_exposure = "199".parse().ok()), nothing),
        (Code::MaxOpenOrders, limits(|limits| limits.max_open_orders = Some(1)), |rig| {
            rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.5"), price("110")));
        }),
        (Code::MaxOpenOrdersSide, limits(|limits| limits.max_open_orders_side = Some(1)), |rig| {
            rig.accepted(Intent::limit(MARKET, Side::Buy, quote("10"), price("90")));
        }),
        (Code::OrderRate, limits(|limits| limits.orders_per_minute = Some(1)), |rig| {
            rig.accepted(Intent::limit(MARKET, Side::Buy, quote("10"), price("90")));
            rig.pass(Span::from_secs(59));
        }),
        (Code::RequestBudget, limits(|limits| limits.requests_per_second = Some(2)), |rig| {
            let id = rig.accepted(Intent::limit(MARKET, Side::Buy, quote("10"), price("90")));
            rig.act(|ctx| ctx.cancel(id));
        }),
        (
            Code::DuplicateIntent,
            limits(|limits| limits.duplicate_window = Some(Span::from_secs(60))),
            |rig| {
                let id = rig.accepted(order());
                rig.act(|ctx| ctx.cancel(id));
                rig.update(id, UpdateKind::Cancelled(CancelReason::Requested));
                rig.pass(Span::from_secs(59));
            },
        ),
        (
            Code::RepeatedExecution,
            limits(|limits| {
                limits.max_fills = Some(1);
                limits.fills_window = Span::from_hours(1);
            }),
            |rig| {
                let id = rig.accepted(Intent::limit(MARKET, Side::Buy, quote("50"), price("90")));
                rig.fill(id, "90", "0.5");
            },
        ),
        (Code::SelfCross, none(), |rig| {
            rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.5"), price("100")));
        }),
        (Code::DailyLoss, limits(|limits| limits.max_daily_loss = "5".parse().ok()), |rig| {
            rig.book("90", "92");
            rig.step(EventKind::Control(Control::Resume(None)));
        }),
        (Code::Drawdown, limits(|limits| limits.max_drawdown = Some(rate("0.0005"))), |rig| {
            rig.book("90", "92");
            rig.step(EventKind::Control(Control::Resume(None)));
        }),
        (
            Code::RejectStreak,
            limits(|limits| {
                limits.max_rejects = Some(1);
                limits.rejects_window = Span::from_minutes(1);
            }),
            |rig| {
                let id = rig.submit(Intent::limit(MARKET, Side::Buy, quote("50"), price("90"))).unwrap();
                rig.update(id, UpdateKind::Rejected(RejectReason::Other));
            },
        ),
        (Code::UnknownOrder, none(), |rig| {
            let id = rig.submit(Intent::limit(MARKET, Side::Buy, quote("50"), price("90"))).unwrap();
            rig.update(id, UpdateKind::Unknown);
        }),
        (Code::StaleReconcile, limits(|limits| limits.require_reconciled = true), |rig| {
            rig.step(EventKind::Reconciled { venue: VENUE, until: Timestamp::from_secs(120) });
            rig.pass(Span::from_secs(121));
        }),
        (Code::OrderCap, market_limits(|market| market.order_cap = "99".parse().ok()), nothing),
        (Code::ClockSkew, limits(|limits| limits.max_clock_skew = Some(Span::from_secs(5))), |rig| {
            rig.step(EventKind::ClockSkew(Span::from_secs(6)));
        }),
    ]
}

impl Rig {
    fn with_book(mut self) -> Self {
        self.book("99", "101");
        self
    }
}

#[test]
fn each_check_alone_can_deny() {
    for (code, limits, prepare) in cases() {
        let denied = verdict(&limits, prepare);
        assert_eq!(denied.map(|denied| denied.code()), Some(code), "{code}: {denied:?}");
    }
}

#[test]
fn without_the_limit_the_same_order_passes() {
    for (code, limits, prepare) in cases() {
        if limits != Limits::default() {
            assert_eq!(verdict(&Limits::default(), prepare), None, "{code}");
        }
    }
}

#[test]
fn limits_of_the_account_bind_like_those_of_a_strategy() {
    let facts = [Code::DailyLoss, Code::Drawdown];
    for (code, limits, prepare) in cases() {
        if limits == Limits::default() || facts.contains(&code) {
            continue;
        }
        let mut setup = setup(Limits::default());
        setup.account_limits = limits;
        let mut rig = Rig::from_setup(setup);
        prepare(&mut rig);
        // A rule that trips the account shows as its state; both are refusals of the same cause.
        let denied = rig.submit(order()).err().map(|denied| denied.code());
        assert!(denied == Some(code) || denied == Some(Code::TradingHalted), "{code}: {denied:?}");
    }
}

#[test]
fn every_row_of_the_gate_has_a_case() {
    let tested: Vec<Code> = cases().into_iter().map(|(code, _, _)| code).collect();
    // These have tests of their own: order forms below, outside rates in the ledger's tests.
    let elsewhere = [Code::SizeUnit, Code::TooSmall, Code::Precision, Code::StaleRate];
    for check in CHECKS.iter().filter(|check| check.row > 0) {
        let found = tested.contains(&check.code) || elsewhere.contains(&check.code);
        assert!(found, "{} has no case", check.code);
    }
    let rows: std::collections::BTreeSet<u8> = CHECKS.iter().map(|check| check.row).collect();
    assert_eq!(rows.into_iter().collect::<Vec<_>>(), (0..=25).collect::<Vec<_>>());
}

#[test]
fn the_form_of_an_order_is_checked() {
    let submit = |intent| Rig::new(Limits::default()).submit(intent).map_err(|denied| denied.code());
    let buy = |size, at| Intent::limit(MARKET, Side::Buy, size, price(at));
    assert_eq!(submit(buy(base("1"), "100")), Err(Code::SizeUnit));
    assert_eq!(submit(Intent::limit(MARKET, Side::Sell, quote("1"), price("100"))), Err(Code::SizeUnit));
    assert_eq!(submit(buy(quote("0.09999999"), "100")), Err(Code::TooSmall));
    assert_eq!(
        submit(Intent::limit(MARKET, Side::Sell, base("0.00009999"), price("100"))),
        Err(Code::TooSmall)
    );
    assert_eq!(submit(buy(quote("0"), "100")), Err(Code::Precision));
    assert!(submit(buy(base("1"), "100").convert_size()).is_ok());

    let mut coarse = setup(Limits::default());
    let mut market = Market::new("bitex", "btc_usd").unwrap();
    market.price_tick = price("0.5");
    coarse.markets = Markets::default();
    coarse.markets.insert(market).unwrap();
    let mut rig = Rig::from_setup(coarse);
    assert_eq!(rig.submit(buy(quote("10"), "99.7")).unwrap_err().code(), Code::Precision);
    assert!(rig.submit(buy(quote("10"), "99.5")).is_ok());
}

#[test]
fn reducing_orders_pass_where_the_code_says_so() {
    for (code, limits, prepare) in cases() {
        if matches!(
            code,
            Code::SelfCross | Code::InsufficientFunds | Code::UnknownOrder | Code::DuplicateIntent
        ) {
            // These depend on the side of the order; their own cases are about buys.
            continue;
        }
        let mut rig = Rig::new(limits);
        prepare(&mut rig);
        let mid = rig.engine.view(MARKET).unwrap().mark(rig.now).unwrap().value;
        let at = if code == Code::PriceCollar { price("100") } else { mid };
        let size = if code == Code::OrderCap { "1" } else { "0.1" };
        let sell = Intent::limit(MARKET, Side::Sell, base(size), at);
        let result = rig.submit(sell).map_err(|denied| denied.code());
        if code.applies_to_reducing() {
            assert!(result.is_err(), "{code} should stop a reducing order too");
        } else {
            assert!(result.is_ok(), "{code} should let a reducing order pass: {result:?}");
        }
    }
}

#[test]
fn a_quote_bid_counts_at_the_lower_edge_of_its_band() {
    // 100 USD at 100 may buy 1 BTC; at 5 % below the middle of 100 it buys 1.0526.
    let rig = |limit: &str| Rig::new(market_limits(|market| market.max_order_quantity = limit.parse().ok()));
    assert!(rig("1.05263158").submit(order()).is_ok());
    let denied = rig("1.05263157").submit(order()).unwrap_err();
    assert_eq!(denied.to_string(), "MAX_ORDER_QUANTITY quantity=1.05263158 limit=1.05263157");
}

#[test]
fn a_fill_below_the_band_trips_and_is_no_breach() {
    let mut rig = Rig::new(market_limits(|market| market.max_position = "10".parse().ok()));
    let id = rig.accepted(order());
    rig.fill(id, "94", "0.5");
    assert_eq!(rig.engine.trading_state(FIRST), TradingState::ReduceOnly);
    assert_eq!(rig.submit(order()).unwrap_err().to_string(), "REDUCING_ONLY reason=fill_outside_band");
}

#[test]
fn a_tripped_state_is_latched_until_an_operator_resumes() {
    let mut rig = Rig::new(limits(|limits| limits.max_daily_loss = "5".parse().ok()));
    let bid = rig.accepted(Intent::limit(MARKET, Side::Buy, quote("100"), price("80")));
    let ask = rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.5"), price("120")));
    rig.commands();
    rig.book("90", "92");
    assert_eq!(rig.commands(), [format!("cancel {bid}")], "only what makes the position larger goes");
    assert_eq!(rig.state(ask), OrderState::Live);
    rig.book("99", "101");
    assert_eq!(
        rig.submit(order()).unwrap_err().code(),
        Code::ReducingOnly,
        "the loss is gone, the latch is not"
    );
    rig.step(EventKind::Control(Control::Resume(Some(FIRST))));
    assert!(rig.submit(order()).is_ok());
}

#[test]
fn halted_means_no_order_but_cancels() {
    let mut rig = Rig::new(Limits::default());
    let bid = rig.accepted(Intent::limit(MARKET, Side::Buy, quote("100"), price("80")));
    let held = rig.submit(Intent::stop(MARKET, Side::Sell, base("0.5"), price("90"))).unwrap();
    rig.commands();
    rig.step(EventKind::Control(Control::Halt(None)));
    assert_eq!(rig.commands(), [format!("cancel {bid}"), "cancel all 0".to_owned()]);
    assert_eq!(rig.state(held), OrderState::Cancelled);
    for intent in [order(), Intent::limit(MARKET, Side::Sell, base("0.1"), price("100"))] {
        assert_eq!(rig.submit(intent).unwrap_err().code(), Code::TradingHalted);
    }
    rig.book("80", "82");
    assert!(rig.commands().is_empty());
}

#[test]
fn the_loss_of_a_day_is_forgotten_with_the_next() {
    let mut rig = Rig::new(limits(|limits| limits.max_daily_loss = "5".parse().ok()));
    rig.book("95", "97");
    assert_eq!(rig.engine.trading_state(FIRST), TradingState::Active, "a loss of 4");
    rig.pass(Span::from_hours(24));
    rig.book("91", "93");
    assert_eq!(rig.engine.trading_state(FIRST), TradingState::Active, "another 4 on another day");
    rig.book("89", "91");
    assert_eq!(rig.engine.trading_state(FIRST), TradingState::ReduceOnly);
}

#[test]
fn deposits_are_neither_profit_nor_loss() {
    let mut account = setup(Limits::default());
    account.account_limits = limits(|limits| limits.max_drawdown = Some(rate("0.1")));
    let mut rig = Rig::from_setup(account);
    rig.step(EventKind::Transfer { venue: VENUE, money: "5000 USD".parse().unwrap() });
    rig.step(EventKind::Transfer { venue: VENUE, money: "-4000 USD".parse().unwrap() });
    assert_eq!(rig.engine.drawdown(), Rate::ZERO);
    assert_eq!(rig.engine.trading_state(FIRST), TradingState::Active);
    assert_eq!(rig.engine.portfolio().equity().to_string(), "11100");
}

#[test]
fn own_orders_may_meet_in_a_rehearsal_alone() {
    for (allow_self_cross, code) in [(false, Some(Code::SelfCross)), (true, None)] {
        let mut rig = Rig::new(Limits { allow_self_cross, ..Limits::default() });
        rig.accepted(Intent::limit(MARKET, Side::Sell, base("0.5"), price("100")));
        let buy = rig.submit(Intent::limit(MARKET, Side::Buy, quote("10"), price("100")));
        assert_eq!(buy.err().map(|denied| denied.code()), code);
    }
}
