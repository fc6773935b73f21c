//! Whatever is written is read back as it was; whatever is read does not panic.

use pampero_engine::{Audit, Code, CommandRecord, Denied, OrderKind, OrderRecord, OrderState, Reason};
use pampero_engine::{StrategyId, TimeInForce, TradingState, TripReason};
use pampero_model::*;
use proptest::prelude::*;

use super::number::{put, put_amount, take, take_amount};
use super::*;

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>().prop_map(Timestamp::from_nanos), Just(Timestamp::MAX), Just(Timestamp::MIN)]
}

fn price() -> impl Strategy<Value = Price> {
    any::<i64>().prop_map(Price::from_units)
}

fn quantity() -> impl Strategy<Value = Quantity> {
    any::<i64>().prop_map(Quantity::from_units)
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        quantity().prop_map(Size::Base),
        any::<i128>().prop_map(|units| Size::Quote(Cash::from_units(units)))
    ]
}

fn fill() -> impl Strategy<Value = Fill> {
    (any::<u64>(), any::<u64>(), side(), price(), quantity(), any::<i128>(), any::<i128>(), time()).prop_map(
        |(id, order, side, price, base, quote, fee, time)| Fill {
            id: FillId(id),
            order: OrderId(order),
            market: MarketId(3),
            side,
            price,
            base,
            quote: Cash::from_units(quote),
            fee,
            liquidity: if id % 2 == 0 { Liquidity::Maker } else { Liquidity::Taker },
            time,
        },
    )
}

fn update() -> impl Strategy<Value = UpdateKind> {
    prop_oneof![
        any::<u64>().prop_map(|id| UpdateKind::Acknowledged(VenueOrderId(id))),
        fill().prop_map(UpdateKind::Fill),
        prop::sample::select(vec![
            UpdateKind::Live,
            UpdateKind::CancelPending,
            UpdateKind::Cancelled(CancelReason::InsufficientFunds),
            UpdateKind::Completed,
            UpdateKind::Rejected(RejectReason::RateLimited),
            UpdateKind::NotSent,
            UpdateKind::Unknown,
            UpdateKind::PresumedAbsent,
            UpdateKind::Absent,
        ]),
    ]
}

fn event() -> impl Strategy<Value = EventKind<'static>> {
    let market = any::<u16>().prop_map(MarketId);
    let level = || (price(), quantity()).prop_map(|(price, quantity)| Level { price, quantity });
    let strategy = prop::option::of(any::<u16>().prop_map(StrategyId));
    prop_oneof![
        (market.clone(), level(), level())
            .prop_map(|(market, bid, ask)| EventKind::Quote { market, quote: Quote { bid, ask } }),
        (market.clone(), any::<u64>(), time(), price(), quantity(), prop::option::of(side())).prop_map(
            |(market, id, time, price, quantity, aggressor)| EventKind::Trade {
                market,
                trade: Trade { id, time, price, quantity, aggressor }
            }
        ),
        (market, time(), [price(), price(), price(), price()], quantity()).prop_map(
            |(market, open_time, [open, high, low, close], volume)| EventKind::Candle {
                market,
                span: Span::from_minutes(5),
                candle: Candle { open_time, open, high, low, close, volume }
            }
        ),
        (any::<u64>(), time(), update()).prop_map(|(order, time, kind)| EventKind::Order(OrderUpdate {
            order: OrderId(order),
            time,
            kind
        })),
        Just(EventKind::Timer),
        any::<i128>().prop_map(|units| EventKind::Transfer {
            venue: VenueId(1),
            money: Money::new("ars".parse().unwrap(), units)
        }),
        price().prop_map(|rate| EventKind::Rate { currency: "clp".parse().unwrap(), rate }),
        time().prop_map(|until| EventKind::Reconciled { venue: VenueId(0), until }),
        time().prop_map(|at| EventKind::BalancesSeen { venue: VenueId(0), at }),
        any::<i64>().prop_map(|nanos| EventKind::ClockSkew(Span::from_nanos(nanos))),
        Just(EventKind::EnvironmentConfirmed),
        (strategy, 0..6).prop_map(|(strategy, which)| EventKind::Control(match which {
            0 => Control::ReduceOnly(strategy),
            1 => Control::Halt(strategy),
            2 => Control::Resume(strategy),
            3 => Control::Flatten(strategy),
            4 => Control::WindDown,
            _ => Control::Stop,
        })),
    ]
}

fn order() -> impl Strategy<Value = OrderRecord> {
    (any::<u64>(), side(), price(), price(), size(), quantity(), time(), any::<bool>(), 0..5).prop_map(
        |(id, side, price, sent_price, size, filled_base, time, flag, kind)| OrderRecord {
            id: OrderId(id),
            strategy: StrategyId(2),
            market: MarketId(1),
            side,
            kind: match kind {
                0 => OrderKind::Limit { price },
                1 => OrderKind::Market { bound: flag.then(|| Rate::from_units(7)) },
                2 => OrderKind::Stop { trigger: price },
                3 => OrderKind::StopLimit { trigger: price, price: sent_price },
                _ => OrderKind::TrailingStop { distance: Rate::from_units(9) },
            },
            time_in_force: if flag {
                TimeInForce::GoodTillTime(time)
            } else {
                TimeInForce::ImmediateOrCancel
            },
            reduce_only: flag,
            quoting: !flag,
            price,
            sent_price,
            size,
            filled_base,
            filled_quote: Cash::from_units(-7),
            state: if flag { OrderState::Unknown } else { OrderState::Live },
            venue_order: flag.then_some(VenueOrderId(id)),
            cancel_wanted: flag,
            observed: flag,
            reason: Reason::new("BID").with(-1, i64::MAX),
            by_operator: flag,
            worst_base: filled_base,
            worst_price: price,
            created_at: time,
            updated_at: time,
        },
    )
}

fn decisions() -> impl Strategy<Value = Decisions> {
    let audit = prop_oneof![
        order().prop_map(Audit::Closed),
        fill().prop_map(Audit::ForeignFill),
        (fill(), price()).prop_map(|(fill, mark)| Audit::Filled {
            fill,
            strategy: StrategyId(0),
            reason: Reason::new("ASK"),
            mark
        }),
        time().prop_map(|time| Audit::State {
            time,
            strategy: None,
            state: TradingState::ReduceOnly,
            reason: TripReason::DailyLoss
        }),
        (time(), quantity()).prop_map(|(time, worst)| Audit::Denied {
            time,
            strategy: StrategyId(1),
            market: MarketId(0),
            denied: Denied::MaxPosition { worst, limit: Quantity::UNIT }
        }),
    ];
    let command = prop_oneof![
        (any::<u64>(), side(), price(), size()).prop_map(|(id, side, price, size)| CommandRecord::Place(
            Order { id: OrderId(id), market: MarketId(0), side, price, size }
        )),
        any::<u64>().prop_map(|id| CommandRecord::Cancel {
            order: OrderId(id),
            market: MarketId(0),
            venue_order: VenueOrderId(id)
        }),
        Just(CommandRecord::CancelAll { venue: VenueId(0) }),
    ];
    let several = 0..4_usize;
    let commands = prop::collection::vec(command, several.clone());
    let audit = prop::collection::vec(audit, several.clone());
    let orders = prop::collection::vec(order(), several);
    (commands, audit, orders, any::<Option<u64>>())
        .prop_map(|(commands, audit, orders, fingerprint)| Decisions { commands, audit, orders, fingerprint })
}

fn record(kind: Kind, time: Timestamp, payload: &[u8]) -> Record {
    Record { seq: 5, time, kind: kind as u8, payload: payload.to_vec() }
}

#[derive(Clone, Debug)]
struct Book {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

/// A book near others, mostly in order.
fn book() -> impl Strategy<Value = Book> {
    let levels = || prop::collection::btree_map(0..40_i64, 1..5_i64, 0..25);
    (levels(), levels(), 0..20).prop_map(|(bids, asks, odd)| {
        let level = |(at, quantity): (i64, i64), sign: i64| Level {
            price: Price::from_units((1_000 + sign * (at + 1)) * 1_000_000),
            quantity: Quantity::from_units(quantity * 12_345_000),
        };
        let mut book = Book {
            bids: bids.into_iter().map(|entry| level(entry, -1)).collect(),
            asks: asks.into_iter().map(|entry| level(entry, 1)).collect(),
        };
        if odd == 0 {
            book.bids.reverse();
        }
        book
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn numbers_are_read_back(value in any::<u128>(), units in any::<i64>(), small in -1_000_i64..1_000) {
        let mut buffer = Vec::new();
        put(&mut buffer, value);
        for units in [i128::from(units), i128::from(small) * 1_000_000, i128::from(i64::MIN)] {
            put_amount(&mut buffer, units);
        }
        let mut bytes = buffer.as_slice();
        prop_assert_eq!(take(&mut bytes), Some(value));
        for units in [i128::from(units), i128::from(small) * 1_000_000, i128::from(i64::MIN)] {
            prop_assert_eq!(take_amount(&mut bytes), Some(units));
        }
        prop_assert!(bytes.is_empty());
    }

    #[test]
    fn events_are_read_back(kind in event(), time in time()) {
        let mut buffer = Vec::new();
        let number = Encoder::default().event(&kind, &mut buffer).unwrap();
        let mut decoder = Decoder::default();
        let record = record(number, time, &buffer);
        let Entry::Event(found) = decoder.entry(&record).unwrap() else { panic!("not an event") };
        prop_assert_eq!(format!("{:?}", found), format!("{:?}", Event { time, kind }));
    }

    #[test]
    fn decisions_are_read_back(decisions in decisions()) {
        let mut buffer = Vec::new();
        write(&decisions, &mut buffer).unwrap();
        let mut decoder = Decoder::default();
        let record = record(Kind::Decisions, Timestamp::MIN, &buffer);
        let Entry::Decisions(found) = decoder.entry(&record).unwrap() else { panic!("not decisions") };
        prop_assert_eq!(found, decisions);
    }

    #[test]
    fn books_are_read_back_from_any_restart_on(
        books in prop::collection::vec((0..2_u16, book(), any::<bool>()), 1..40),
    ) {
        let (mut encoder, mut decoder, mut buffer) = (Encoder::default(), Decoder::default(), Vec::new());
        for (market, book, restart) in &books {
            if *restart {
                encoder.restart();
                decoder = Decoder::default();
            }
            let snapshot = BookSnapshot { bids: &book.bids, asks: &book.asks };
            let kind = EventKind::Book { market: MarketId(*market), book: snapshot };
            encoder.event(&kind, &mut buffer).unwrap();
            let record = record(Kind::Book, Timestamp::MIN, &buffer);
            let entry = decoder.entry(&record).unwrap();
            let Entry::Event(Event { kind: EventKind::Book { market: found, book }, .. }) = entry else {
                panic!("not a book")
            };
            prop_assert_eq!((found, book), (MarketId(*market), snapshot));
        }
    }

    #[test]
    fn bytes_of_chance_are_an_error_or_a_value(kind in 0..9_u8, payload in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut decoder = Decoder::default();
        let whole = [1, 0, 1, 4, 2, 0];
        let _ = decoder.entry(&record(Kind::Book, Timestamp::MIN, &whole)).map(|_| ());
        let _ = decoder.entry(&Record { seq: 0, time: Timestamp::MIN, kind, payload });
    }
}

#[test]
fn a_book_that_did_not_change_takes_four_bytes() {
    let level = |price: &str| Level { price: price.parse().unwrap(), quantity: "1".parse().unwrap() };
    let (bids, asks) = ([level("99"), level("98")], [level("101")]);
    let kind = EventKind::Book { market: MarketId(0), book: BookSnapshot { bids: &bids, asks: &asks } };
    let (mut encoder, mut buffer) = (Encoder::default(), Vec::new());
    encoder.event(&kind, &mut buffer).unwrap();
    assert!(buffer.len() > 8);
    encoder.event(&kind, &mut buffer).unwrap();
    assert_eq!(buffer, [0, 0, 3, 3]);
}

#[test]
fn a_change_without_a_whole_book_before_it_is_refused() {
    let mut decoder = Decoder::default();
    let error = decoder.entry(&record(Kind::Book, Timestamp::MIN, &[0, 0, 3, 3])).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "record 5: a book that does not decode");
}

#[test]
fn codes_keep_their_numbers() {
    // What stands in files is the position in the enum: one that moves would be read as another.
    let denied = [
        (Denied::TradingHalted { reason: TripReason::Operator }, Code::TradingHalted, 5),
        (Denied::StaleReconcile {}, Code::StaleReconcile, 37),
    ];
    for (denied, code, number) in denied {
        assert_eq!(denied.code(), code);
        let mut buffer = Vec::new();
        write(&denied, &mut buffer).unwrap();
        assert_eq!(buffer[0], number, "{code}");
    }
}

/// A change of these bytes is a change of [`FORMAT`](crate::memory::FORMAT): count it up, or old journals are misread.
#[test]
fn the_form_is_that_of_version_1() {
    let order = OrderRecord {
        id: OrderId(5),
        strategy: StrategyId(2),
        market: MarketId(1),
        side: Side::Sell,
        kind: OrderKind::TrailingStop { distance: Rate::from_units(9) },
        time_in_force: TimeInForce::GoodTillTime(Timestamp::from_nanos(300)),
        reduce_only: true,
        quoting: false,
        price: Price::from_units(1_000),
        sent_price: Price::from_units(1_001),
        size: Size::Base(Quantity::from_units(77)),
        filled_base: Quantity::from_units(7),
        filled_quote: Cash::from_units(-7),
        state: OrderState::Unknown,
        venue_order: Some(VenueOrderId(9)),
        cancel_wanted: true,
        observed: false,
        reason: Reason::new("BID").with(-1, 1),
        by_operator: false,
        worst_base: Quantity::from_units(6),
        worst_price: Price::from_units(4),
        created_at: Timestamp::from_nanos(1),
        updated_at: Timestamp::from_nanos(2),
    };
    let decisions = Decisions {
        commands: vec![CommandRecord::CancelAll { venue: VenueId(3) }],
        audit: vec![Audit::Closed(order)],
        orders: vec![order],
        fingerprint: Some(8),
    };
    let mut buffer = Vec::new();
    write(&decisions, &mut buffer).unwrap();
    let hex = buffer.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let record = "05020101041202d8040100d00fd20f009a010e0d0501090100034249440102000c080204";
    assert_eq!((hex, crate::memory::FORMAT), (format!("0102030102{record}01{record}0108"), 2));
    let mut numbers = Vec::new();
    for kind in [EventKind::Timer, EventKind::EnvironmentConfirmed, EventKind::Control(Control::Stop)] {
        Encoder::default().event(&kind, &mut buffer).unwrap();
        numbers.push(buffer.clone());
    }
    assert_eq!(numbers, [vec![4], vec![10], vec![11, 5]]);
}
