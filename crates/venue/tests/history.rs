//! Fills against history, with numbers worked out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use pampero_model::RejectReason::{Invalid, TooSmall, UnknownMarket};
use pampero_model::*;
use pampero_venue::FillPreset::{Conservative, Neutral, Optimistic};
use pampero_venue::*;
use support::*;

const NONE: [&str; 0] = [];

#[test]
fn an_order_is_acknowledged_then_live_and_its_funds_are_reserved() {
    let mut desk = Desk::new(Conservative);
    let id = desk.buy(1, "100", "250");
    let kinds: Vec<_> =
        desk.reports().into_iter().map(|update| (update.order, update.time, update.kind)).collect();
    assert_eq!(
        kinds,
        [(id, at(1), UpdateKind::Acknowledged(VenueOrderId(1))), (id, at(1), UpdateKind::Live)]
    );
    let balance = desk.venue.balance(VENUE, usd());
    assert_eq!((balance.reserved, balance.available()), (25_000_000_000, 9_975_000_000_000));
}

#[test]
fn buys_and_sells_are_numbered_apart() {
    let mut desk = Desk::new(Conservative);
    for _ in 0..2 {
        desk.buy(1, "100", "1");
        desk.sell(1, "200", "1");
    }
    let ids: Vec<_> = desk.venue.open_orders().map(|open| (open.order.side, open.venue_id.0)).collect();
    assert_eq!(ids, [(Side::Buy, 1), (Side::Buy, 2), (Side::Sell, 1), (Side::Sell, 2)]);
}

#[test]
fn an_order_of_an_earlier_life_rests_on_with_what_is_left_of_it() {
    let mut desk = Desk::new(Conservative);
    let (price, size) = ("100".parse().unwrap(), Size::Quote("250".parse().unwrap()));
    let order = Order { id: OrderId(7), market: MARKET, side: Side::Buy, price, size };
    desk.venue.resume_numbers(VENUE, 40, 9, FillId(70));
    desk.venue.resume_order(at(1), &order, VenueOrderId(41), Size::Quote("50".parse().unwrap())).unwrap();
    assert_eq!(desk.venue.balance(VENUE, usd()).reserved, 5_000_000_000);
    // It is a maker from the start, even if the market has come to it meanwhile.
    desk.venue.on_trade(MARKET, &trade(2, "90", "100", None));
    let [UpdateKind::Fill(fill), UpdateKind::Completed] =
        desk.reports().into_iter().map(|update| update.kind).collect::<Vec<_>>()[..]
    else {
        panic!("one fill of the rest");
    };
    assert_eq!((fill.id, fill.price, fill.base), (FillId(71), price, base("0.5")));
    assert_eq!(desk.buy(3, "100", "10"), OrderId(1));
    let kinds: Vec<_> = desk.reports().into_iter().map(|update| update.kind).collect();
    assert_eq!(kinds, [UpdateKind::Acknowledged(VenueOrderId(42)), UpdateKind::Live]);
    let dear =
        desk.venue.resume_order(at(4), &order, VenueOrderId(43), Size::Quote("1000000".parse().unwrap()));
    assert!(matches!(dear, Err(VenueError::InsufficientFunds { .. })), "{dear:?}");
}

#[test]
fn missing_funds_show_only_as_a_later_cancellation() {
    let mut desk = Desk::new(Conservative);
    desk.buy(1, "100", "100000.00000001");
    let kinds: Vec<_> = desk.reports().into_iter().map(|update| update.kind).collect();
    let cancelled = UpdateKind::Cancelled(CancelReason::InsufficientFunds);
    assert_eq!(kinds, [UpdateKind::Acknowledged(VenueOrderId(1)), cancelled]);
    assert_eq!(desk.venue.balance(VENUE, usd()).reserved, 0);
    assert_eq!(desk.venue.open_orders().count(), 0);
}

#[test]
fn what_the_market_does_not_allow_is_rejected_at_once() {
    let mut desk = Desk::new(Conservative);
    desk.buy(1, "100", "0.09999999");
    desk.sell(1, "100", "0.00009999");
    desk.place(1, Side::Buy, "100", Size::Base(base("1")));
    desk.place(1, Side::Sell, "0", Size::Base(base("1")));
    desk.place(1, Side::Sell, "100", Size::Base(base("-1")));
    desk.place(1, Side::Sell, "0.00000001", Size::Base(base("0.5")));
    desk.place(1, Side::Buy, "100", Size::Quote(Cash::MAX));
    let order = Order {
        id: OrderId(99),
        market: MarketId(7),
        side: Side::Buy,
        price: price("1"),
        size: Size::Quote(cash("1")),
    };
    desk.venue.place(at(1), &order);
    desk.venue.advance(at(1));
    let kinds: Vec<_> = desk.reports().into_iter().map(|update| update.kind).collect();
    let reasons = [TooSmall, TooSmall, Invalid, Invalid, Invalid, TooSmall, Invalid, UnknownMarket];
    assert_eq!(kinds, reasons.map(UpdateKind::Rejected));
}

#[test]
fn a_cancellation_releases_exactly_the_reservation_and_is_silent_once_final() {
    let mut desk = Desk::new(Conservative);
    let id = desk.buy(1, "100", "250");
    desk.reports();
    desk.venue.cancel(at(2), id);
    desk.venue.advance(at(2));
    let kinds: Vec<_> = desk.reports().into_iter().map(|update| update.kind).collect();
    assert_eq!(kinds, [UpdateKind::CancelPending, UpdateKind::Cancelled(CancelReason::Requested)]);
    assert_eq!(desk.venue.balance(VENUE, usd()), Balance { total: 10_000_000_000_000, reserved: 0 });
    desk.venue.cancel(at(3), id);
    desk.venue.advance(at(3));
    assert_eq!(desk.reports(), []);
}

#[test]
fn requests_and_reports_take_their_time_and_never_reorder() {
    let latency = Latency {
        order: LatencyModel::Constant(Span::from_secs(5)),
        cancel: LatencyModel::Constant(Span::from_secs(1)),
        report: LatencyModel::Constant(Span::from_secs(2)),
    };
    let mut desk = Desk::with(market("0"), FillModel::default(), latency);
    assert_eq!(desk.venue.next_due(), Timestamp::MAX);
    let id = desk.buy(10, "100", "250");
    desk.venue.cancel(at(11), id);
    assert_eq!(desk.venue.next_due(), at(15));
    desk.venue.advance(at(14));
    assert_eq!(desk.venue.open_orders().count(), 0);
    // The cancellation would be there at 12; it waits for its order.
    desk.venue.advance(at(15));
    assert_eq!(desk.venue.next_due(), at(17));
    assert_eq!(desk.venue.next_report(at(16)), None);
    let times: Vec<_> =
        std::iter::from_fn(|| desk.venue.next_report(at(17))).map(|update| update.time).collect();
    assert_eq!(times, [at(15); 4]);
    assert_eq!(desk.venue.next_due(), Timestamp::MAX);
}

#[test]
fn a_taker_walks_the_levels_within_its_limit() {
    let mut desk = Desk::new(Conservative);
    desk.buy(1, "102", "350");
    let asks = [level("100", "1"), level("101", "1"), level("102", "0.5"), level("103", "9")];
    desk.venue.on_book(MARKET, at(2), BookSnapshot { bids: &[], asks: &asks });
    // 350 − 100 − 101 − 51 = 98 remain at 102.
    assert_eq!(desk.fills(), ["buy 1@100 taker", "buy 1@101 taker", "buy 0.5@102 taker"]);
    assert_eq!(desk.venue.open_orders().next().unwrap().left, Size::Quote(cash("98")));
}

#[test]
fn the_liquidity_a_fill_took_stays_taken_until_the_level_changes() {
    let mut desk = Desk::new(Neutral);
    desk.buy(1, "100", "60");
    let shown = quote(("99", "1"), ("100", "1"));
    desk.venue.on_quote(MARKET, at(2), &shown);
    assert_eq!(desk.fills(), ["buy 0.6@100 taker"]);
    desk.buy(3, "100", "60");
    desk.venue.on_quote(MARKET, at(4), &shown);
    assert_eq!(desk.fills(), ["buy 0.4@100 taker"]);
    desk.venue.on_quote(MARKET, at(5), &shown);
    assert_eq!(desk.fills(), NONE);
    // Another quantity on show is another level; the rest has been resting since and makes.
    desk.venue.on_quote(MARKET, at(6), &quote(("99", "1"), ("100", "2")));
    assert_eq!(desk.fills(), ["buy 0.2@100 maker"]);
}

#[test]
fn taken_liquidity_is_forgotten_when_the_book_moves_while_nothing_rests() {
    let mut desk = Desk::new(Conservative);
    let shown = quote(("99", "1"), ("100", "1"));
    for (secs, between) in [(10, &shown), (20, &quote(("99", "1"), ("101", "1")))] {
        desk.buy(secs, "100", "100");
        desk.venue.on_quote(MARKET, at(secs + 1), &shown);
        desk.venue.on_quote(MARKET, at(secs + 2), between);
    }
    desk.buy(30, "100", "100");
    desk.venue.on_quote(MARKET, at(31), &shown);
    // The second finds the level empty and rests until the third quote has moved; then a fresh order takes.
    let fills = desk.fills();
    assert_eq!(fills.len(), 2, "{fills:?}");
    assert!(fills.iter().all(|fill| fill == "buy 1@100 taker"), "{fills:?}");
}

#[test]
fn conservative_fills_a_resting_order_only_beyond_its_limit() {
    let mut desk = Desk::new(Conservative);
    desk.buy(1, "100", "1000");
    desk.venue.on_quote(MARKET, at(2), &quote(("99", "1"), ("101", "1")));
    desk.venue.on_quote(MARKET, at(3), &quote(("99", "1"), ("100", "1")));
    desk.venue.on_trade(MARKET, &trade(4, "100", "50", Some(Side::Sell)));
    assert_eq!(desk.fills(), NONE);
    // A tenth of each, at the order's own price.
    desk.venue.on_trade(MARKET, &trade(5, "99.99999999", "50", Some(Side::Sell)));
    desk.venue.on_quote(MARKET, at(6), &quote(("98", "1"), ("99.5", "7")));
    assert_eq!(desk.fills(), ["buy 5@100 maker", "buy 0.7@100 maker"]);
}

#[test]
fn neutral_waits_behind_the_queue() {
    let mut desk = Desk::new(Neutral);
    desk.venue.on_quote(MARKET, at(1), &quote(("100", "5"), ("101", "5")));
    desk.buy(2, "100", "300");
    desk.venue.on_quote(MARKET, at(3), &quote(("100", "6"), ("101", "5")));
    // 5 ahead; 2 traded leaves 3; the level shrinks to 1; a buyer's trade does not touch our queue.
    desk.venue.on_trade(MARKET, &trade(4, "100", "2", Some(Side::Sell)));
    desk.venue.on_quote(MARKET, at(5), &quote(("100", "1"), ("101", "5")));
    desk.venue.on_trade(MARKET, &trade(6, "100", "9", Some(Side::Buy)));
    assert_eq!(desk.fills(), NONE);
    desk.venue.on_trade(MARKET, &trade(7, "100", "1.5", None));
    assert_eq!(desk.fills(), ["buy 0.5@100 maker"]);
    desk.venue.on_trade(MARKET, &trade(8, "100", "1", None));
    desk.venue.on_trade(MARKET, &trade(9, "99", "1", None));
    assert_eq!(desk.fills(), ["buy 1@100 maker", "buy 1@100 maker"]);
}

#[test]
fn neutral_knows_no_queue_at_a_price_out_of_sight_and_none_at_a_better_one() {
    let mut desk = Desk::new(Neutral);
    desk.venue.on_quote(MARKET, at(1), &quote(("100", "5"), ("103", "5")));
    desk.buy(2, "99", "99");
    desk.sell(2, "102", "1");
    desk.venue.on_quote(MARKET, at(3), &quote(("100", "5"), ("103", "5")));
    desk.venue.on_trade(MARKET, &trade(4, "99", "50", None));
    desk.venue.on_trade(MARKET, &trade(4, "102", "0.25", None));
    assert_eq!(desk.fills(), ["sell 0.25@102 maker"]);
    // In sight, the whole level stands before it.
    desk.venue.on_quote(MARKET, at(5), &quote(("99", "2"), ("103", "5")));
    desk.venue.on_trade(MARKET, &trade(6, "99", "2.5", None));
    assert_eq!(desk.fills(), ["buy 0.5@99 maker"]);
}

#[test]
fn optimistic_fills_whole_at_touch() {
    let mut desk = Desk::new(Optimistic);
    desk.buy(1, "100", "1000");
    desk.sell(1, "100", "7");
    desk.venue.on_candle_open(MARKET, at(2), price("101"), Quantity::ZERO);
    assert_eq!(desk.fills(), ["sell 7@101 taker"]);
    desk.venue.on_candle(MARKET, &candle(2, ["101", "102", "100", "101"], "0"), Span::from_secs(60));
    assert_eq!(desk.fills(), ["buy 10@100 maker"]);
}

#[test]
fn an_observation_of_before_the_arrival_does_not_fill() {
    let mut desk = Desk::new(Optimistic);
    desk.buy(10, "100", "100");
    desk.venue.on_quote(MARKET, at(9), &quote(("90", "9"), ("91", "9")));
    desk.venue.on_trade(MARKET, &trade(9, "91", "9", None));
    desk.venue.on_candle_open(MARKET, at(9), price("91"), base("9"));
    assert_eq!(desk.fills(), NONE);
    desk.venue.on_quote(MARKET, at(10), &quote(("90", "9"), ("91", "9")));
    assert_eq!(desk.fills(), ["buy 1.09890109@91 taker"]);
}

#[test]
fn prints_do_not_price_a_taker_where_quotes_do() {
    let mut desk = Desk::new(Neutral);
    desk.venue.on_quote(MARKET, at(1), &quote(("99", "1"), ("101", "1")));
    desk.buy(2, "105", "50.5");
    desk.venue.on_trade(MARKET, &trade(3, "99", "1", Some(Side::Sell)));
    assert_eq!(desk.fills(), NONE);
    desk.venue.on_quote(MARKET, at(4), &quote(("99", "1"), ("101", "1")));
    assert_eq!(desk.fills(), ["buy 0.5@101 taker"]);
}

#[test]
fn trades_alone_price_a_taker() {
    let mut desk = Desk::new(Conservative);
    desk.buy(1, "105", "1000");
    desk.venue.on_trade(MARKET, &trade(2, "101", "20", None));
    assert_eq!(desk.fills(), ["buy 2@101 taker"]);
    // What is left rests at 105 and makes there.
    desk.venue.on_trade(MARKET, &trade(3, "101", "20", None));
    assert_eq!(desk.fills(), ["buy 2@105 maker"]);
}

#[test]
fn a_market_order_fills_at_the_next_open_within_the_share_of_the_candle() {
    let mut desk = Desk::new(Conservative);
    desk.venue.on_candle(MARKET, &candle(0, ["100", "100", "100", "100"], "50"), Span::from_secs(60));
    desk.buy(60, "110", "1000");
    assert_eq!(desk.fills(), NONE);
    desk.venue.on_candle_open(MARKET, at(60), price("100"), base("50"));
    assert_eq!(desk.fills(), ["buy 5@100 taker"]);
    // The open has used up the candle.
    desk.venue.on_candle(MARKET, &candle(60, ["100", "101", "99", "100"], "50"), Span::from_secs(60));
    assert_eq!(desk.fills(), NONE);
}

#[test]
fn an_open_that_was_not_announced_is_seen_at_the_close() {
    let mut desk = Desk::new(Neutral);
    desk.buy(60, "110", "100");
    desk.venue.on_candle(MARKET, &candle(60, ["100", "101", "99", "100"], "50"), Span::from_secs(60));
    assert_eq!(desk.fills(), ["buy 1@100 taker"]);
}

#[test]
fn a_candle_without_volume_is_no_observation() {
    let mut desk = Desk::new(Neutral);
    desk.buy(0, "110", "100");
    desk.venue.on_candle_open(MARKET, at(0), price("100"), Quantity::ZERO);
    desk.venue.on_candle(MARKET, &candle(0, ["100", "100", "100", "100"], "0"), Span::from_secs(60));
    assert_eq!(desk.fills(), NONE);
    desk.venue.on_candle_open(MARKET, at(60), price("100"), base("9"));
    assert_eq!(desk.fills(), ["buy 1@100 taker"]);
}

#[test]
fn a_gap_fills_a_resting_order_at_its_own_price() {
    let mut desk = Desk::new(Conservative);
    desk.buy(0, "100", "100");
    desk.venue.on_candle_open(MARKET, at(0), price("105"), base("100"));
    desk.venue.on_candle(MARKET, &candle(0, ["105", "106", "100", "104"], "100"), Span::from_secs(60));
    assert_eq!(desk.fills(), NONE, "100 was touched, not crossed");
    desk.venue.on_candle_open(MARKET, at(60), price("90"), base("100"));
    assert_eq!(desk.fills(), ["buy 1@100 maker"]);
}

#[test]
fn of_both_paths_the_one_that_earns_less_is_taken() {
    // Both sides are reached and the volume serves one of them: 1 at the first extreme, nothing at the second.
    let resting = |close| {
        let mut desk = Desk::new(Neutral);
        desk.buy(0, "90", "90");
        desk.sell(0, "110", "1");
        desk.venue.on_candle_open(MARKET, at(0), price("100"), base("1"));
        desk.venue.on_candle(MARKET, &candle(0, ["100", "110", "90", close], "1"), Span::from_secs(60));
        desk.fills()
    };
    // At 105 the buy has earned 15 and the sell 5; at 95 it is 5 and 15; at 100 they tie: low first.
    assert_eq!(resting("105"), ["sell 1@110 maker"]);
    assert_eq!(resting("95"), ["buy 1@90 maker"]);
    assert_eq!(resting("100"), ["buy 1@90 maker"]);
}

#[test]
fn an_order_that_arrives_inside_a_candle_sees_only_later_corners() {
    let inside = |secs, limit| {
        let mut desk = Desk::new(Neutral);
        desk.venue.on_candle_open(MARKET, at(0), price("100"), base("50"));
        desk.buy(secs, limit, "95");
        desk.venue.on_candle(MARKET, &candle(0, ["100", "110", "90", "105"], "50"), Span::from_secs(60));
        desk.fills()
    };
    // Corners at 20, 40 and 60 seconds. A buy at 95 gains 10 on the way to 105 and so is spared it if a path
    // allows: low first, and it arrives after the low.
    assert_eq!(inside(20, "95"), ["buy 1@95 maker"]);
    assert_eq!(inside(21, "95"), NONE);
    assert_eq!(inside(41, "95"), NONE);
    // At its first corner it accepts both ends of the leg: it takes, of both paths at the dearer high.
    assert_eq!(inside(10, "120"), ["buy 0.86363636@110 taker"]);
    assert_eq!(inside(41, "120"), ["buy 0.9047619@105 taker"]);
    // As it ends it is over.
    assert_eq!(inside(60, "120"), NONE);
}

#[test]
fn maker_and_taker_pay_their_own_fee_in_what_they_receive() {
    let mut rules = market("0");
    rules.maker_fee = "0.001".parse().unwrap();
    rules.taker_fee = "0.002".parse().unwrap();
    let mut desk = Desk::with(rules, FillModel::preset(Neutral), Latency::default());
    desk.buy(1, "100", "200");
    desk.venue.on_quote(MARKET, at(2), &quote(("99", "1"), ("100", "1")));
    desk.venue.on_quote(MARKET, at(3), &quote(("99", "1"), ("100", "3")));
    desk.sell(4, "99", "1");
    desk.venue.on_quote(MARKET, at(5), &quote(("99", "1"), ("100", "3")));
    // 1 × 0.002 and 1 × 0.001 of base, 99 × 0.002 of quote.
    assert_eq!(desk.venue.fees(VENUE, btc()), 300_000);
    assert_eq!(desk.venue.fees(VENUE, usd()), 19_800_000);
    assert_eq!(desk.venue.balance(VENUE, btc()).total, 10_099_700_000);
    assert_eq!(desk.venue.balance(VENUE, usd()).total, 9_989_880_200_000);
}

#[test]
fn the_rest_that_buys_nothing_is_released() {
    let mut desk = Desk::new(Neutral);
    desk.sell(1, "3633.98046166", "0.002");
    desk.venue.on_quote(MARKET, at(2), &quote(("3633.98046166", "1"), ("3700", "1")));
    assert_eq!(desk.fills(), ["sell 0.00199999@3633.98046166 taker"]);
    assert_eq!(desk.venue.balance(VENUE, usd()).total - 10_000_000_000_000, 726_796_092);
    assert_eq!(desk.venue.balance(VENUE, btc()), Balance { total: 9_999_800_001, reserved: 0 });
    assert_eq!(desk.venue.open_orders().count(), 0);
}

#[test]
fn below_a_price_of_one_the_cut_may_leave_enough_for_another_execution() {
    let mut rules = market("0");
    rules.min_base = Quantity::UNIT;
    let mut desk = Desk::with(rules, FillModel::preset(Neutral), Latency::default());
    // 11 units are worth 6.6: 6 of quote, which is 10 of base. The one left is worth nothing. 5 units are worth 3.
    desk.sell(1, "0.6", "0.00000011");
    desk.sell(1, "0.6", "0.00000005");
    // 3 units at 0.65 are worth 1.95: 1 of quote is 1 of base. Two are left, worth 1.3: 1 of quote is 1 of base.
    desk.sell(1, "0.65", "0.00000003");
    desk.venue.on_quote(MARKET, at(2), &quote(("0.6", "1"), ("0.9", "1")));
    assert_eq!(desk.fills(), ["sell 0.0000001@0.6 taker", "sell 0.00000005@0.6 taker"]);
    desk.venue.on_quote(MARKET, at(3), &quote(("0.65", "1"), ("0.9", "1")));
    assert_eq!(desk.fills(), ["sell 0.00000001@0.65 maker"; 2]);
    assert_eq!(desk.venue.open_orders().count(), 0);
}

#[test]
fn other_size_units_reserve_what_they_can_cost() {
    let mut rules = market("0");
    rules.buy_unit = SizeUnit::Base;
    rules.sell_unit = SizeUnit::Quote;
    let mut desk = Desk::with(rules, FillModel::preset(Neutral), Latency::default());
    desk.place(1, Side::Buy, "100", Size::Base(base("2")));
    desk.place(1, Side::Sell, "200", Size::Quote(cash("300")));
    assert_eq!(desk.venue.balance(VENUE, usd()).reserved, 20_000_000_000);
    assert_eq!(desk.venue.balance(VENUE, btc()).reserved, 150_000_000);
    desk.venue.on_quote(MARKET, at(2), &quote(("250", "9"), ("80", "9")));
    // 2 for 160, and 300 for 1.2: cheaper than reserved, and the rest of the reservation is free.
    assert_eq!(desk.fills(), ["buy 2@80 taker", "sell 1.2@250 taker"]);
    assert_eq!(desk.venue.balance(VENUE, usd()), Balance { total: 10_014_000_000_000, reserved: 0 });
    assert_eq!(desk.venue.balance(VENUE, btc()), Balance { total: 10_080_000_000, reserved: 0 });
}

#[test]
fn withdrawals_leave_what_is_reserved() {
    let mut desk = Desk::new(Conservative);
    desk.buy(1, "100", "99999");
    let error = desk.venue.withdraw(VENUE, "2 USD".parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "2 USD cannot be withdrawn or reserved: 1 USD is available");
    desk.venue.withdraw(VENUE, "1 USD".parse().unwrap()).unwrap();
    assert!(matches!(
        desk.venue.deposit(VenueId(3), "1 USD".parse().unwrap()),
        Err(VenueError::UnknownVenue(_))
    ));
    assert!(matches!(desk.venue.deposit(VENUE, "-1 USD".parse().unwrap()), Err(VenueError::NotPositive(_))));
}

#[test]
fn an_opposite_quote_at_the_limit_says_that_the_queue_is_gone() {
    let resting = |preset| {
        let mut desk = Desk::new(preset);
        desk.venue.on_quote(MARKET, at(1), &quote(("100", "5"), ("101", "5")));
        desk.buy(2, "100", "1000");
        desk.venue.on_quote(MARKET, at(3), &quote(("100", "5"), ("101", "5")));
        desk.venue.on_quote(MARKET, at(4), &quote(("99", "5"), ("100", "2")));
        desk.fills()
    };
    assert_eq!(resting(Conservative), NONE);
    assert_eq!(resting(Neutral), ["buy 2@100 maker"]);
    assert_eq!(resting(Optimistic), ["buy 10@100 maker"]);
}

#[test]
fn orders_that_share_a_volume_are_served_by_price_then_time() {
    let mut desk = Desk::new(Neutral);
    desk.buy(1, "100", "100");
    let best = desk.buy(1, "101", "101");
    let second = desk.buy(1, "100", "100");
    desk.reports();
    // All rest after the first print; the next serves one and a half of them.
    desk.venue.on_trade(MARKET, &trade(2, "102", "1", None));
    desk.venue.on_trade(MARKET, &trade(3, "99", "1.5", None));
    assert_eq!(desk.fills(), ["buy 1@101 maker", "buy 0.5@100 maker"]);
    let open: Vec<_> = desk.venue.open_orders().map(|open| (open.order.id, open.left)).collect();
    assert_eq!(open, [(OrderId(1), Size::Quote(cash("50"))), (second, Size::Quote(cash("100")))]);
    assert!(open.iter().all(|(id, _)| *id != best));
}

#[test]
fn venues_have_accounts_and_numbers_of_their_own() {
    let mut two = markets(market("0"));
    two.insert(Market { venue: "other".into(), ..market("0") }).unwrap();
    let mut venue = HistoryVenue::new(&two, SimSettings::default());
    venue.deposit(VenueId(1), "10 USD".parse().unwrap()).unwrap();
    for (id, market) in [(1, MarketId(0)), (2, MarketId(1)), (3, MarketId(1))] {
        let size = Size::Quote(cash("6"));
        venue.place(at(0), &Order { id: OrderId(id), market, side: Side::Buy, price: price("1"), size });
    }
    venue.advance(at(0));
    let kinds: Vec<_> =
        std::iter::from_fn(|| venue.next_report(at(0))).map(|update| (update.order.0, update.kind)).collect();
    let poor = UpdateKind::Cancelled(CancelReason::InsufficientFunds);
    let acknowledged = |number| UpdateKind::Acknowledged(VenueOrderId(number));
    assert_eq!(
        kinds,
        [
            (1, acknowledged(1)),
            (1, poor),
            (2, acknowledged(1)),
            (2, UpdateKind::Live),
            (3, acknowledged(2)),
            (3, poor)
        ]
    );
    assert_eq!(venue.balance(VenueId(0), usd()), Balance::default());
    assert_eq!(venue.balance(VenueId(1), usd()).reserved, 600_000_000);
}

#[test]
fn a_later_cancellation_may_come_too_late() {
    let latency = Latency { cancel: LatencyModel::Constant(Span::from_secs(5)), ..Latency::default() };
    let mut desk = Desk::with(market("0"), FillModel::preset(Neutral), latency);
    let id = desk.buy(1, "100", "100");
    desk.venue.cancel(at(2), id);
    desk.venue.on_quote(MARKET, at(3), &quote(("99", "1"), ("100", "0.4")));
    desk.venue.on_quote(MARKET, at(4), &quote(("99", "1"), ("100", "9")));
    desk.venue.advance(at(7));
    let last = desk.reports().pop().unwrap();
    assert_eq!((last.time, last.kind), (at(4), UpdateKind::Completed));
}

#[test]
fn an_unknown_preset_is_named() {
    let error = "fast".parse::<FillPreset>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`fast` is not a fill preset (expected conservative, neutral or optimistic)"
    );
}
