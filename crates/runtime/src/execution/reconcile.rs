//! What is known of an account against what the exchange shows, as a pure function.

use std::collections::{BTreeMap, BTreeSet};

use pampero_exchange::{OrderStatus, VenueFill, VenueOrder};
use pampero_model::{
    CancelReason, Fill, Liquidity, Money, OrderId, Side, Size, Span, Timestamp, VenueOrderId, VenueStatus,
};

use super::local::{Attribution, Local, LocalOrder, Stage};

/// How the exchange names an order: buys and sells are numbered apart.
pub type Key = (Side, VenueOrderId);

/// What the exchange showed in one round of reads. A part that failed is `None`: no information, never "empty".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When the first read of the round was asked for.
    pub began: Timestamp,
    /// The own orders on the book.
    pub active: Option<Vec<VenueOrder>>,
    /// Own executions.
    pub fills: Option<Vec<VenueFill>>,
    /// Single orders that were read; none where the exchange does not know the id.
    pub singles: Vec<(Key, Option<VenueOrder>)>,
}

/// What must change in what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Correction {
    /// An order of the exchange is the one whose outcome was unknown.
    Adopt {
        /// Ours.
        order: OrderId,
        /// The exchange's.
        key: Key,
        /// Whether it was given up before.
        late: bool,
    },
    /// The exchange holds an order of ours twice.
    Copy {
        /// Ours.
        order: OrderId,
        /// The second one.
        key: Key,
        /// The exchange's view of it.
        view: VenueOrder,
    },
    /// An order is not ours, or what it locks changed.
    Foreign {
        /// The exchange's id.
        key: Key,
        /// The exchange's view of it.
        view: VenueOrder,
    },
    /// The exchange shows an order of ours further than it was known.
    Progress {
        /// Ours.
        order: OrderId,
        /// How far.
        status: VenueStatus,
        /// What is left.
        remaining: Size,
    },
    /// An execution of ours was not counted.
    Fill {
        /// The execution.
        fill: Fill,
        /// A fee in a currency that the execution did not pay out.
        other_fee: Option<Money>,
    },
    /// An execution of an order that is not ours was not counted.
    ForeignFill {
        /// The execution.
        fill: VenueFill,
    },
    /// The exchange does not know an order of ours. Nobody believes it.
    Vanished {
        /// Ours.
        order: OrderId,
    },
    /// An order is over, and the known executions account for all of it.
    Close {
        /// Ours.
        order: OrderId,
        /// Why, if it was not executed in full.
        cancelled: Option<CancelReason>,
    },
}

/// Compares what is known with what the exchange showed. Pure; applying the corrections with [`Local::apply`] and
/// comparing again, at most four times, comes to an end with no corrections left.
///
/// | known | shown | correction |
/// |---|---|---|
/// | an intent under way | an order like it | none: its answer decides |
/// | an intent without an answer, or given up | an order like it, above its watermark | `Adopt`, late if given up |
/// | an intent with its order | another like it, above its watermark, soon after | `Copy` |
/// | nothing | any other order | `Foreign` |
/// | an order of ours | a later state, or less left | `Progress` |
/// | an order of ours | an earlier state, more left, or a word we do not know | none: the read is stale or strange |
/// | an order of ours | nothing in the list | none: absence is no evidence; see [`wanted`] |
/// | an order of ours | "not found" when read alone, and nowhere else | `Vanished`: an alarm, never an end |
/// | an execution, counted | the same again | none |
/// | an order of ours | an execution not counted | `Fill` |
/// | an order not ours | an execution not counted | `ForeignFill` |
/// | an order that nobody knows | its execution | none yet: the order is read first |
/// | an order whose last state is final, executions complete | | `Close` |
/// | an order whose last state is final, executions missing | | none: they are waited for |
/// | anything | a read that failed | none |
pub fn reconcile(local: &Local, snapshot: &Snapshot) -> Vec<Correction> {
    let mut corrections = Vec::new();
    let mut adopted = BTreeSet::new();
    let mut attributed = BTreeSet::new();
    // An order may be shown several times, in the list and alone: each view is compared with what the last one said.
    let mut moved = BTreeMap::new();
    let views = || {
        let read = snapshot.singles.iter().filter_map(|(_, view)| view.as_ref());
        snapshot.active.iter().flatten().chain(read)
    };
    for view in views() {
        let found = match local.owners.get(&(view.side, view.id)) {
            Some(Attribution::Ours(order)) => progress(local, *order, view, &mut moved),
            Some(Attribution::Other { locks, .. }) => other_changed(*locks, view),
            None if !attributed.insert((view.side, view.id)) => None,
            None => attribute(local, view, snapshot.began, &mut adopted),
        };
        corrections.extend(found.filter(|found| !corrections.contains(found)));
    }
    let is_shown = |key: &Key| views().any(|view| (view.side, view.id) == *key);
    for (key, view) in &snapshot.singles {
        if let (None, Some(Attribution::Ours(order))) = (view, local.owners.get(key))
            && local.orders.get(order).is_some_and(|own| own.stage == Stage::Open && !own.vanished)
            && !is_shown(key)
        {
            corrections.push(Correction::Vanished { order: *order });
        }
    }
    let mut counted = BTreeSet::new();
    for fill in snapshot.fills.iter().flatten() {
        if local.fills.contains(fill.side, fill.id) || !counted.insert((fill.side, fill.id)) {
            continue;
        }
        corrections.extend(execution(local, fill));
    }
    // Whatever moves an order must be known before it is closed.
    if corrections.is_empty() {
        corrections.extend(local.orders.values().filter_map(close));
    }
    corrections
}

/// The orders that should be read alone: what a list does not show, and what only an execution tells of. At most
/// `most`, those that the exchange said it does not know last.
pub fn wanted(local: &Local, snapshot: &Snapshot, protection: Span, most: usize) -> Vec<Key> {
    let mut keys = Vec::new();
    if let Some(active) = &snapshot.active {
        let listed: BTreeSet<Key> = active.iter().map(|view| (view.side, view.id)).collect();
        let missing = |own: &&LocalOrder| {
            let young = snapshot.began.since(own.sent_at) < protection;
            // Not for a verdict of absence: its end is expected, and only this read tells it.
            let moving = own.status == Some(VenueStatus::ToCancel) || own.cancel_asked;
            own.stage == Stage::Open && !is_final(own.status) && (moving || !young)
        };
        let own = local.orders.values().filter(missing);
        let mut own: Vec<_> =
            own.filter_map(|own| own.venue.map(|id| (own.vanished, (own.order.side, id)))).collect();
        own.sort_by_key(|(vanished, _)| *vanished);
        let others = local.owners.iter().filter_map(|(key, owner)| match owner {
            Attribution::Other { locks, .. } if *locks > 0 => Some(*key),
            _ => None,
        });
        keys.extend(own.into_iter().map(|(_, key)| key).chain(others).filter(|key| !listed.contains(key)));
    }
    let told = snapshot.fills.iter().flatten().filter(|fill| !local.fills.contains(fill.side, fill.id));
    let told = told.filter_map(|fill| fill.order.map(|id| (fill.side, id)));
    let unknown: BTreeSet<Key> = told.filter(|key| !local.owners.contains_key(key)).collect();
    let mut wanted: Vec<Key> = unknown.into_iter().collect();
    wanted.extend(keys);
    wanted.retain(|key| snapshot.singles.iter().all(|(read, _)| read != key));
    wanted.truncate(most);
    wanted
}

const fn is_final(status: Option<VenueStatus>) -> bool {
    matches!(status, Some(VenueStatus::Cancelled | VenueStatus::Completed))
}

const fn rank(status: VenueStatus) -> u8 {
    match status {
        VenueStatus::Pending => 0,
        VenueStatus::Executing => 1,
        VenueStatus::ToCancel => 2,
        VenueStatus::Cancelled | VenueStatus::Completed => 3,
    }
}

/// Whether a view can be of an intent: the fingerprint in the price, the size, and the watermark.
pub(crate) fn fits(local: &Local, own: &LocalOrder, view: &VenueOrder) -> bool {
    let here = local.books.get(&view.market).is_some_and(|book| book.id == own.order.market);
    here && own.order.side == view.side
        && own.order.price == view.price
        && own.order.size == view.size
        && own.watermark.is_none_or(|mark| view.id > mark)
}

fn attribute(
    local: &Local,
    view: &VenueOrder,
    now: Timestamp,
    adopted: &mut BTreeSet<OrderId>,
) -> Option<Correction> {
    if view.market.is_empty() {
        return None; // cannot be told from others
    }
    let key = (view.side, view.id);
    let fitting: Vec<&LocalOrder> = local.orders.values().filter(|own| fits(local, own, view)).collect();
    if fitting.iter().any(|own| own.stage == Stage::Submitting) {
        return None;
    }
    let open = fitting.iter().filter(|own| own.venue.is_none() && !adopted.contains(&own.order.id));
    if let Some(own) = open.min_by_key(|own| (!own.stage.is_unknown(), own.order.id)) {
        adopted.insert(own.order.id);
        return Some(Correction::Adopt { order: own.order.id, key, late: !own.stage.is_unknown() });
    }
    let soon = fitting.iter().find(|own| now.since(own.sent_at) <= local.copy_window);
    Some(match soon {
        Some(own) => Correction::Copy { order: own.order.id, key, view: view.clone() },
        None => Correction::Foreign { key, view: view.clone() },
    })
}

fn other_changed(locks: i128, view: &VenueOrder) -> Option<Correction> {
    let now = other_locks(view);
    // Less than before, or the read is stale.
    (now < locks).then(|| Correction::Foreign { key: (view.side, view.id), view: view.clone() })
}

/// What an order that is not ours locks.
pub(crate) fn other_locks(view: &VenueOrder) -> i128 {
    if view.status.is_final() {
        return 0;
    }
    super::local::locked_units(view.side, view.price, view.remaining)
}

fn progress(
    local: &Local,
    order: OrderId,
    view: &VenueOrder,
    moved: &mut BTreeMap<OrderId, LocalOrder>,
) -> Option<Correction> {
    let own = moved.get(&order).or_else(|| local.orders.get(&order))?;
    let OrderStatus::Known(status) = view.status else { return None };
    let before = own.status.unwrap_or(VenueStatus::Pending);
    let remaining = view.remaining;
    let stale = rank(status) < rank(before)
        || (is_final(own.status) && status != before)
        || remaining.units() > own.remaining.units();
    let same = own.status == Some(status) && remaining == own.remaining;
    if stale || (same && !own.vanished) {
        return None;
    }
    let after = LocalOrder { status: Some(status), remaining, vanished: false, ..*own };
    moved.insert(order, after);
    Some(Correction::Progress { order, status, remaining })
}

fn execution(local: &Local, fill: &VenueFill) -> Option<Correction> {
    let order = match fill.order {
        Some(id) => match local.owners.get(&(fill.side, id))? {
            Attribution::Ours(order) => *order,
            Attribution::Other { .. } => return Some(Correction::ForeignFill { fill: fill.clone() }),
        },
        None => only_one_missing(local, fill)?,
    };
    let Some(own) = local.orders.get(&order) else {
        // Ours once, and so long over that nobody knows it: outside the allocations, so that the ledger closes.
        return Some(Correction::ForeignFill { fill: fill.clone() });
    };
    let market = local.market(own.order.market)?;
    let due = fill.fee.currency == market.receives(fill.side);
    let rested = own.status.is_some_and(|status| rank(status) >= 1) && fill.price == own.order.price;
    let other_fee = (!due).then_some(fill.fee);
    let fill = Fill {
        id: fill.id,
        order,
        market: own.order.market,
        side: fill.side,
        price: fill.price,
        base: fill.base,
        quote: fill.quote,
        fee: if due { fill.fee.units } else { 0 },
        liquidity: if rested { Liquidity::Maker } else { Liquidity::Taker },
        time: fill.time,
    };
    Some(Correction::Fill { fill, other_fee })
}

/// The one order of ours that lacks exactly this execution, where the exchange does not name the order.
fn only_one_missing(local: &Local, fill: &VenueFill) -> Option<OrderId> {
    let book = local.books.get(&fill.market)?;
    let lacks = |own: &&LocalOrder| {
        let units = match own.order.size {
            Size::Base(_) => i128::from(fill.base.units()),
            Size::Quote(_) => fill.quote.units(),
        };
        own.order.market == book.id
            && own.order.side == fill.side
            && own.venue.is_some()
            && own.missing_units() == units
    };
    let mut lacking = local.orders.values().filter(lacks);
    let first = lacking.next()?;
    lacking.next().is_none().then_some(first.order.id)
}

fn close(own: &LocalOrder) -> Option<Correction> {
    if own.stage != Stage::Open || !is_final(own.status) || !own.adds_up() {
        return None;
    }
    let untouched = own.remaining == own.order.size && own.filled_units() == 0;
    let cancelled = match own.status {
        Some(VenueStatus::Completed) => None,
        // The exchange names no reason. One that was never on the book and that nobody cancelled lacked funds.
        _ if untouched && !own.was_live && !own.cancel_asked => Some(CancelReason::InsufficientFunds),
        _ if own.cancel_asked => Some(CancelReason::Requested),
        _ => Some(CancelReason::Unknown),
    };
    Some(Correction::Close { order: own.order.id, cancelled })
}

/// What an execution of an order that is not ours does to the account.
pub(crate) fn foreign_changes(local: &Local, fill: &VenueFill) -> Vec<Money> {
    let currency = |side| local.spends(&fill.market, side);
    let (Some(base), Some(quote)) = (currency(Side::Sell), currency(Side::Buy)) else { return Vec::new() };
    let sign = if fill.side == Side::Buy { 1 } else { -1 };
    vec![
        Money::new(base, i128::from(fill.base.units()) * sign),
        Money::new(quote, -fill.quote.units() * sign),
        Money::new(fill.fee.currency, -fill.fee.units),
    ]
}
