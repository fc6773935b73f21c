//! An engine that is told anything about its orders, and an account that is shown anything.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use pampero_engine::{
    Allocation, Audit, Context, Control, Engine, Event, EventKind, Intent, Limits, OrderWatch, Outputs,
    Owner, Requirements, Setup, Strategy, StrategyId,
};
use pampero_exchange::{OrderStatus, VenueFill, VenueOrder};
use pampero_model::{
    BookSnapshot, CancelReason, Cash, Fill, FillId, Level, Liquidity, Market, MarketId, Markets, Money,
    Order, OrderId, OrderUpdate, Price, Quantity, RejectReason, Side, Size, Span, Timestamp, UpdateKind,
    VenueId, VenueOrderId, VenueStatus,
};
use pampero_runtime::execution::{Attribution, Correction, Local, LocalOrder, Snapshot, Stage, reconcile};

const MARKET: MarketId = MarketId(0);
const SCALE: i64 = 100_000_000;

static MARKETS: LazyLock<Markets> = LazyLock::new(|| {
    let mut markets = Markets::default();
    if let Ok(market) = Market::new("bitex", "btc_usd") {
        // A list with one market is not full.
        let _ = markets.insert(Market { fingerprint_span: 9, ..market });
    }
    markets
});

fn side(byte: u8) -> Side {
    if byte & 1 == 0 { Side::Buy } else { Side::Sell }
}

fn size(side: Side, units: i64) -> Size {
    match side {
        Side::Buy => Size::Quote(Cash::from_units(i128::from(units) * 100)),
        Side::Sell => Size::Base(Quantity::from_units(units)),
    }
}

/// Does what the bytes of the moment say, at every book.
struct Told(Arc<AtomicU32>);

impl Strategy for Told {
    fn requirements(&self) -> Requirements {
        Requirements { markets: vec![MARKET], ..Requirements::default() }
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        let [what, price, units, _] = self.0.load(Ordering::Relaxed).to_le_bytes();
        let side = side(what);
        let size = size(side, (i64::from(units) + 1) * SCALE / 100);
        let price = Price::from_units((90 + i64::from(price % 20)) * SCALE);
        // A refusal is told to the strategy; this one does not listen.
        let _ = match what >> 1 & 7 {
            0 | 1 => ctx.submit(Intent::limit(market, side, size, price)),
            2 => ctx.submit(Intent::market(market, side, size)),
            3 => ctx.submit(Intent::stop(market, side, size, price)),
            4 => ctx.submit(Intent::limit(market, side, size, price).immediate_or_cancel()),
            5 => ctx.submit(Intent::limit(market, side, size, price).post_only()),
            _ => {
                let chosen = ctx.open_orders(market).map(|order| order.id).nth(usize::from(units % 4));
                if let Some(order) = chosen {
                    ctx.cancel(order);
                }
                return;
            }
        };
    }
}

fn engine(told: &Arc<AtomicU32>) -> Option<Engine> {
    let mut setup = Setup::new(MARKETS.clone(), "usd".parse().ok()?);
    setup.strategies.push((Box::new(Told(Arc::clone(told))), Limits::default()));
    for money in ["100000 USD", "100 BTC"] {
        let owner = Owner::Strategy(StrategyId(0));
        setup.allocations.push(Allocation { owner, venue: VenueId(0), money: money.parse().ok()? });
    }
    Engine::new(setup).ok()
}

/// Four bytes are one event: what is seen, what an operator does, and mostly what a venue says of orders, true or not.
/// Another engine takes in the events and what was decided, as after a crash: both must end the same.
pub(super) fn orders(input: &[u8]) {
    let told = Arc::new(AtomicU32::new(0));
    let (Some(mut engine), Some(mut twin)) = (engine(&told), engine(&told)) else { return };
    let (mut watch, mut out) = (OrderWatch::new(&engine), Outputs::default());
    let mut now = Timestamp::from_secs(1_000);
    let mut over: BTreeSet<OrderId> = BTreeSet::new();
    engine.start(now, &mut out);
    twin.recover_start(now, &watch.decisions(&engine, &out));
    for bytes in input.chunks_exact(4) {
        let [what, a, b, c] = *bytes else { return };
        told.store(u32::from_le_bytes([what >> 3, a, b, c]), Ordering::Relaxed);
        now = now.plus(Span::from_millis(i64::from(c) * 10));
        let level = |price: i64| {
            [Level { price: Price::from_units(price * SCALE), quantity: Quantity::from_units(SCALE) }]
        };
        let (bids, asks) = (level(90 + i64::from(a % 20)), level(111));
        let kind = match what & 7 {
            0..=2 => EventKind::Book { market: MARKET, book: BookSnapshot { bids: &bids, asks: &asks } },
            3 => EventKind::Control(match a % 3 {
                0 => Control::Halt(None),
                1 => Control::Resume(None),
                _ => Control::ReduceOnly(None),
            }),
            4 => EventKind::Timer,
            _ => EventKind::Order(update(&engine, now, a, b, c)),
        };
        let event = Event { time: now, kind };
        out.clear();
        engine.step(&event, &mut out);
        let decisions = watch.decisions(&engine, &out);
        twin.recover(&event, &decisions);
        for audit in &out.audit {
            if let Audit::Closed(record) = audit {
                assert!(record.state.is_final(), "{record:?}");
                over.insert(record.id);
            }
        }
        for record in engine.open_orders() {
            assert!(!record.state.is_final() && !over.contains(&record.id), "{record:?}");
            assert!(record.remaining().units() >= 0 && record.reservation() >= 0, "{record:?}");
        }
    }
    let (one, other) = (engine.checkpoint(), twin.checkpoint());
    assert!(one.without_strategies() == other.without_strategies(), "a recovered engine differs");
}

/// News of an order that there is, was, or never was.
fn update(engine: &Engine, time: Timestamp, a: u8, b: u8, c: u8) -> OrderUpdate {
    let open = engine.open_orders();
    let known = open.get(usize::from(a >> 4) % open.len().max(1));
    let order = known.map_or(OrderId(u64::from(a)), |record| record.id);
    let side = known.map_or(side(a), |record| record.side);
    let base = Quantity::from_units(i64::from(c) * SCALE / 200);
    let kind = match b % 11 {
        0 => UpdateKind::Acknowledged(VenueOrderId(u64::from(c))),
        1 => UpdateKind::Live,
        2 => UpdateKind::Fill(Fill {
            id: FillId(u64::from(b >> 4)),
            order,
            market: MARKET,
            side,
            price: Price::from_units(100 * SCALE),
            base,
            quote: Cash::from_units(i128::from(base.units()) * 100),
            fee: i128::from(a),
            liquidity: Liquidity::Taker,
            time,
        }),
        3 => UpdateKind::CancelPending,
        4 => UpdateKind::Cancelled(CancelReason::Unknown),
        5 => UpdateKind::Completed,
        6 => UpdateKind::Rejected(RejectReason::Other),
        7 => UpdateKind::NotSent,
        8 => UpdateKind::Unknown,
        9 => UpdateKind::PresumedAbsent,
        _ => UpdateKind::Absent,
    };
    OrderUpdate { order, time, kind }
}

/// The first four pairs of bytes are orders that are known; then five bytes are something that the exchange shows. Comparing
/// comes to an end, does nothing twice, and gives an order of the exchange to one of ours at most.
pub(super) fn reconciling(input: &[u8]) {
    let Some((known, shown)) = input.split_first_chunk::<8>() else { return };
    let mut local = Local::new(&MARKETS, "bitex", Span::from_secs(180));
    for (id, pair) in (1..).zip(known.chunks_exact(2)) {
        if let [stage, venue] = *pair {
            know(&mut local, id, stage, venue);
        }
    }
    let mut snapshot = Snapshot { began: Timestamp::from_secs(2_000), ..Snapshot::default() };
    for bytes in shown.chunks_exact(5) {
        if let [what, id, venue, status, left] = *bytes {
            show(&mut snapshot, what, id, venue, status, left);
        }
    }
    // Four orders, and each may take several looks: one is found, it moves, it ends.
    for _ in 0..16 {
        for correction in reconcile(&local, &snapshot) {
            if let Correction::Adopt { key, .. } = &correction {
                assert!(!local.owners.contains_key(key), "adopted twice: {correction:?}");
            }
            local.apply(&correction);
            let once = format!("{local:?}");
            local.apply(&correction);
            assert_eq!(once, format!("{local:?}"), "applied twice: {correction:?}");
        }
    }
    assert_eq!(reconcile(&local, &snapshot), vec![], "it comes to no end");
}

/// The bid or ask of a number; a pair of numbers has the same price and size.
fn numbered(id: u64) -> Order {
    let side = if id.is_multiple_of(4) { Side::Sell } else { Side::Buy };
    let price = Price::from_units((100 + i64::from(id > 2)) * SCALE);
    Order { id: OrderId(id), market: MARKET, side, price, size: size(side, SCALE) }
}

fn know(local: &mut Local, id: u64, stage: u8, venue: u8) {
    let order = numbered(id);
    let mut own = LocalOrder::new(order, Timestamp::from_secs(1_900), Some(VenueOrderId(10)));
    let key = (order.side, VenueOrderId(u64::from(venue % 32)));
    own.stage = match stage % 6 {
        0 => Stage::Submitting,
        1 => Stage::Unknown,
        2 => Stage::RefusedUnconfirmed,
        3 => Stage::PresumedAbsent,
        4 => Stage::Closed,
        _ if local.owners.contains_key(&key) => Stage::Unknown,
        _ => Stage::Open,
    };
    if own.stage == Stage::Open {
        own.venue = Some(key.1);
        local.owners.insert(key, Attribution::Ours(order.id));
    }
    local.orders.insert(order.id, own);
}

fn show(snapshot: &mut Snapshot, what: u8, id: u8, venue: u8, status: u8, left: u8) {
    let order = numbered(u64::from(id % 6) + 1);
    let key = (order.side, VenueOrderId(u64::from(venue % 32)));
    let status = match status % 6 {
        0 => OrderStatus::Known(VenueStatus::Pending),
        1 => OrderStatus::Known(VenueStatus::Executing),
        2 => OrderStatus::Known(VenueStatus::ToCancel),
        3 => OrderStatus::Known(VenueStatus::Cancelled),
        4 => OrderStatus::Known(VenueStatus::Completed),
        _ => OrderStatus::Other("paused".to_owned()),
    };
    let view = VenueOrder {
        id: key.1,
        side: order.side,
        market: if what & 0x80 == 0 { "btc_usd".to_owned() } else { String::new() },
        price: order.price,
        size: order.size,
        remaining: size(order.side, SCALE * i64::from(left) / 255),
        status,
        created_at: None,
    };
    let Some((_, market)) = MARKETS.iter().next() else { return };
    match what & 3 {
        0 => snapshot.active.get_or_insert_default().push(view),
        1 => snapshot.singles.push((key, Some(view))),
        2 => snapshot.singles.push((key, None)),
        _ => {
            let base = Quantity::from_units(i64::from(left) * SCALE / 255);
            let fill = VenueFill {
                id: FillId(u64::from(what >> 2)),
                order: (left & 1 == 0).then_some(key.1),
                side: order.side,
                market: "btc_usd".to_owned(),
                price: order.price,
                base,
                quote: Cash::from_units(i128::from(base.units()) * 100),
                fee: Money::new(market.receives(order.side), i128::from(left)),
                time: snapshot.began,
            };
            snapshot.fills.get_or_insert_default().push(fill);
        }
    }
}
