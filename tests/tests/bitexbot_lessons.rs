//! What went wrong in the exchange's own robot (bitex-bot, 2021), one test per lesson.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_engine::{EventKind, OrderKind, OrderRecord, OrderState, Reason, StrategyId, TimeInForce};
use pampero_exchange::{Error, Operation, OrderStatus, VenueFill, VenueOrder};
use pampero_model::*;
use pampero_runtime::execution::*;
use pampero_tests::simulation::{Canary, run};

fn markets() -> Markets {
    let mut markets = Markets::default();
    markets.insert(Market { fingerprint_span: 9_999, ..Market::new("bitex", "btc_usd").unwrap() }).unwrap();
    markets
}

fn sell(id: u64) -> Order {
    let (price, size) = ("4100.00001234".parse().unwrap(), Size::Base("0.5".parse().unwrap()));
    Order { id: OrderId(id), market: MarketId(0), side: Side::Sell, price, size }
}

/// An order without an answer, sent above watermark 100.
fn lost() -> Local {
    let mut local = Local::new(&markets(), "bitex", Span::from_secs(180));
    let mut own = LocalOrder::new(sell(1), Timestamp::from_secs(0), Some(VenueOrderId(100)));
    own.stage = Stage::Unknown;
    local.orders.insert(OrderId(1), own);
    local
}

fn shown(id: u64, size: &str, status: VenueStatus) -> VenueOrder {
    let Order { side, price, .. } = sell(1);
    let size = Size::Base(size.parse().unwrap());
    let (market, status) = ("btc_usd".to_owned(), OrderStatus::Known(status));
    VenueOrder { id: VenueOrderId(id), side, market, price, size, remaining: size, status, created_at: None }
}

fn listed(orders: &[VenueOrder]) -> Snapshot {
    let began = Timestamp::from_secs(30);
    Snapshot { began, active: Some(orders.to_vec()), fills: Some(vec![]), singles: vec![] }
}

fn adopted(local: &Local, snapshot: &Snapshot) -> Option<VenueOrderId> {
    reconcile(local, snapshot).iter().find_map(|correction| match correction {
        Correction::Adopt { key, .. } => Some(key.1),
        _ => None,
    })
}

/// Its `find_lost` compared `:sell` with `:ask` and could never match; the amount was ignored.
#[test]
fn lesson_1_a_lost_order_is_found_by_side_price_and_amount() {
    let found = adopted(&lost(), &listed(&[shown(101, "0.5", VenueStatus::Executing)]));
    assert_eq!(found, Some(VenueOrderId(101)));
    assert_eq!(adopted(&lost(), &listed(&[shown(101, "0.4", VenueStatus::Executing)])), None);
    assert_eq!(adopted(&lost(), &listed(&[shown(99, "0.5", VenueStatus::Executing)])), None, "an older one");
}

/// It looked among open orders alone.
#[test]
fn lesson_1_a_lost_order_that_was_executed_at_once_is_found_by_its_execution() {
    let fill = VenueFill {
        id: FillId(7),
        order: Some(VenueOrderId(101)),
        side: Side::Sell,
        market: "btc_usd".into(),
        price: sell(1).price,
        base: "0.5".parse().unwrap(),
        quote: "2050.00000617".parse().unwrap(),
        fee: "5.12500001 USD".parse().unwrap(),
        time: Timestamp::from_secs(1),
    };
    let mut snapshot = Snapshot { fills: Some(vec![fill]), ..listed(&[]) };
    let key = (Side::Sell, VenueOrderId(101));
    assert_eq!(wanted(&lost(), &snapshot, Span::from_secs(5), 10), [key]);
    snapshot.singles.push((key, Some(shown(101, "0.5", VenueStatus::Completed))));
    assert_eq!(adopted(&lost(), &snapshot), Some(VenueOrderId(101)));
}

/// An exception is not an answer: it went past the search, and the next cycle placed again.
#[test]
fn lesson_2_an_error_is_not_a_failed_order() {
    let report = run(0..50, Some(Canary::ErrorIsFailure));
    assert!(!report.findings.is_empty(), "the simulation would not notice");
    assert_eq!(run(0..3, None).findings, vec![]);
}

/// A crash between placing and recording left an orphan, and nothing took it up at the start.
#[test]
fn lesson_3_an_order_from_before_a_crash_is_taken_up_at_the_start() {
    let order = sell(1);
    let record = OrderRecord {
        id: order.id,
        strategy: StrategyId(0),
        market: order.market,
        side: order.side,
        kind: OrderKind::Limit { price: order.price },
        time_in_force: TimeInForce::GoodTillCancelled,
        reduce_only: false,
        quoting: false,
        price: order.price,
        sent_price: order.price,
        size: order.size,
        filled_base: Quantity::ZERO,
        filled_quote: Cash::ZERO,
        state: OrderState::Submitted,
        venue_order: None,
        cancel_wanted: false,
        observed: false,
        reason: Reason::default(),
        by_operator: false,
        worst_base: "0.5".parse().unwrap(),
        worst_price: order.price,
        created_at: Timestamp::from_secs(0),
        updated_at: Timestamp::from_secs(0),
    };
    let sent_at = Some(Timestamp::from_secs(0));
    let orders = vec![CarriedOrder { record, sent_at, watermark: Some(VenueOrderId(100)) }];
    let carried = CarriedOver { orders, ..CarriedOver::default() };
    let now = Timestamp::from_secs(60);
    let mut execution = Execution::new(now, VenueId(0), &markets(), Settings::default(), carried);
    execution.wake(now);
    let mut told = Vec::new();
    while let Some(effect) = execution.next_effect() {
        match effect {
            Effect::Event(EventKind::Order(update)) => told.push(update.kind),
            Effect::Event(_) | Effect::Note(_) => {}
            Effect::Request { id, request } => {
                let answer = match request {
                    Request::ActiveOrders => {
                        Answer::ActiveOrders(Ok(vec![shown(101, "0.5", VenueStatus::Executing)]))
                    }
                    Request::Fills(_) => Answer::Fills(Ok(vec![])),
                    Request::Balances => Answer::Balances(Ok(vec![])),
                    other => panic!("{other:?}"),
                };
                execution.answer(now, id, answer);
            }
        }
    }
    let taken_up = [UpdateKind::Unknown, UpdateKind::Acknowledged(VenueOrderId(101)), UpdateKind::Live];
    assert_eq!(told, taken_up);
}

/// Any error while reading an order, a time-out too, made it "finalised" while it was on the book.
#[test]
fn lesson_4_an_order_that_cannot_be_read_is_not_finished() {
    let mut local = lost();
    for correction in reconcile(&local.clone(), &listed(&[shown(101, "0.5", VenueStatus::Executing)])) {
        local.apply(&correction);
    }
    let failed = Snapshot { active: None, fills: None, ..listed(&[]) };
    assert_eq!(reconcile(&local, &failed), vec![]);
    let not_found = Snapshot { singles: vec![((Side::Sell, VenueOrderId(101)), None)], ..listed(&[]) };
    assert_eq!(reconcile(&local, &not_found), [Correction::Vanished { order: OrderId(1) }]);
}

/// A wrapper sent an order again, without bound, when the exchange said that it was unavailable.
#[test]
fn lesson_5_an_order_is_never_sent_again() {
    assert!(!Error::Unavailable { status: 503, edge: false }.may_retry(Operation::Create));
    assert!(!run(0..50, Some(Canary::RetryOnTimeout)).findings.is_empty(), "the simulation would not notice");
}

/// A missing number became zero: a price of nothing.
#[test]
fn lesson_6_a_missing_number_is_an_error_and_not_zero() {
    assert!(serde_json::from_str::<Price>("null").is_err());
    assert!("".parse::<Price>().is_err());
}

/// Ids were texts in one place and numbers in another.
#[test]
fn lesson_7_ids_compare_as_numbers() {
    assert!(VenueOrderId(9) < VenueOrderId(10) && "9" > "10");
}
