//! `reconcile` row by row.

use pampero_model::{CancelReason, VenueStatus};

use super::*;

fn listed(views: &[VenueOrder]) -> Snapshot {
    Snapshot { began: at(60), active: Some(views.to_vec()), fills: Some(vec![]), singles: vec![] }
}

fn told(fills: &[VenueFill]) -> Snapshot {
    Snapshot { fills: Some(fills.to_vec()), ..listed(&[]) }
}

fn alone(view: VenueOrder) -> Snapshot {
    Snapshot { singles: vec![((view.side, view.id), Some(view))], ..listed(&[]) }
}

/// The corrections in short words.
fn words(local: &Local, snapshot: &Snapshot) -> Vec<String> {
    let word = |correction: Correction| match correction {
        Correction::Adopt { order, key, late } => {
            format!("adopt {order} {}{}", key.1, if late { " late" } else { "" })
        }
        Correction::Copy { order, key, .. } => format!("copy {order} {}", key.1),
        Correction::Foreign { key, .. } => format!("foreign {}", key.1),
        Correction::Progress { order, status, remaining } => {
            format!("progress {order} {status:?} {remaining}")
        }
        Correction::Fill { fill, .. } => format!("fill {} {}", fill.order, fill.id),
        Correction::ForeignFill { fill } => format!("foreign fill {}", fill.id),
        Correction::Vanished { order } => format!("vanished {order}"),
        Correction::Close { order, cancelled } => format!("close {order} {cancelled:?}"),
    };
    reconcile(local, snapshot).into_iter().map(word).collect()
}

#[test]
fn the_table_of_reconciling_holds_row_by_row() {
    use Stage::{Closed, Open, PresumedAbsent, RefusedUnconfirmed, Submitting, Unknown};
    use VenueStatus::{Cancelled, Completed, Executing, Pending, ToCancel};
    let none: &[&str] = &[];
    let live = || view(1, 11, Executing, "100");
    let mut other_unit = live();
    other_unit.size = Size::Quote("100.00000001".parse().unwrap());
    let mut strange = live();
    strange.status = OrderStatus::Other("frozen".into());
    let rows: Vec<(&str, Local, Snapshot, &[&str])> = vec![
        ("an intent under way", local(&[(1, Submitting, None)]), listed(&[live()]), none),
        ("no answer", local(&[(1, Unknown, None)]), listed(&[live()]), &["adopt 1 11"]),
        ("refused for the rate", local(&[(1, RefusedUnconfirmed, None)]), listed(&[live()]), &["adopt 1 11"]),
        ("given up", local(&[(1, PresumedAbsent, None)]), listed(&[live()]), &["adopt 1 11 late"]),
        ("long given up", local(&[(1, Closed, None)]), listed(&[live()]), &["adopt 1 11 late"]),
        (
            "not above the watermark",
            local(&[(1, Unknown, None)]),
            listed(&[view(1, 10, Executing, "100")]),
            &["foreign 10"],
        ),
        (
            "another price",
            local(&[(1, Unknown, None)]),
            listed(&[view(2, 11, Executing, "100")]),
            &["foreign 11"],
        ),
        ("another size", local(&[(1, Unknown, None)]), listed(&[other_unit]), &["foreign 11"]),
        (
            "found by an execution",
            local(&[(1, Unknown, None)]),
            alone(view(1, 11, Completed, "0")),
            &["adopt 1 11"],
        ),
        (
            "two candidates",
            local(&[(1, Unknown, None)]),
            listed(&[live(), view(1, 12, Executing, "100")]),
            &["adopt 1 11", "copy 1 12"],
        ),
        (
            "a second one",
            local(&[(1, Open, Some(11))]),
            listed(&[view(1, 12, Executing, "100")]),
            &["copy 1 12"],
        ),
        ("nobody's", local(&[]), listed(&[live()]), &["foreign 11"]),
        (
            "on the book",
            local(&[(1, Open, Some(11))]),
            listed(&[live()]),
            &["progress 1 Executing 100 quote"],
        ),
        ("not listed", local(&[(1, Open, Some(11))]), listed(&[]), none),
        ("a word that nobody knows", local(&[(1, Open, Some(11))]), listed(&[strange]), none),
        (
            "being cancelled",
            local(&[(1, Open, Some(11))]),
            alone(view(1, 11, ToCancel, "60")),
            &["progress 1 ToCancel 60 quote"],
        ),
        ("an execution", local(&[(1, Open, Some(11))]), told(&[fill(5, 11, "40")]), &["fill 1 5"]),
        (
            "an execution told twice",
            local(&[(1, Open, Some(11))]),
            told(&[fill(5, 11, "40"), fill(5, 11, "40")]),
            &["fill 1 5"],
        ),
        ("an execution of an order that nobody knows", local(&[]), told(&[fill(5, 11, "40")]), none),
        ("failed reads", local(&[(1, Unknown, None), (2, Open, Some(11))]), Snapshot::default(), none),
        (
            "pending",
            local(&[(1, Open, Some(11))]),
            alone(view(1, 11, Pending, "100")),
            &["progress 1 Pending 100 quote"],
        ),
        (
            "cancelled",
            local(&[(1, Open, Some(11))]),
            alone(view(1, 11, Cancelled, "60")),
            &["progress 1 Cancelled 60 quote"],
        ),
    ];
    for (name, local, snapshot, expected) in rows {
        assert_eq!(words(&local, &snapshot), expected, "{name}");
    }
}

/// Brings what is known up to date and gives every correction on the way.
fn settle(local: &mut Local, snapshot: &Snapshot) -> Vec<Correction> {
    let mut all = Vec::new();
    for _ in 0..4 {
        for correction in reconcile(local, snapshot) {
            local.apply(&correction);
            all.push(correction);
        }
    }
    assert!(reconcile(local, snapshot).is_empty(), "{local:?}");
    all
}

#[test]
fn an_order_is_closed_only_when_its_executions_add_up() {
    let mut local = local(&[(1, Stage::Open, Some(11))]);
    local.orders.get_mut(&OrderId(1)).unwrap().was_live = true;
    settle(&mut local, &alone(view(1, 11, VenueStatus::Cancelled, "60")));
    assert_eq!(local.orders[&OrderId(1)].stage, Stage::Open, "40 were executed and none is known");
    settle(&mut local, &told(&[fill(5, 11, "30")]));
    assert_eq!(local.orders[&OrderId(1)].stage, Stage::Open, "10 are missing");
    let last = settle(&mut local, &told(&[fill(6, 11, "10"), fill(5, 11, "30")]));
    let close = Correction::Close { order: OrderId(1), cancelled: Some(CancelReason::Unknown) };
    assert_eq!(last.last(), Some(&close));
}

#[test]
fn a_state_that_goes_backwards_or_a_rest_that_grows_is_not_believed() {
    let mut local = local(&[(1, Stage::Open, Some(11))]);
    settle(&mut local, &alone(view(1, 11, VenueStatus::ToCancel, "50")));
    for stale in [view(1, 11, VenueStatus::Executing, "40"), view(1, 11, VenueStatus::ToCancel, "60")] {
        assert!(reconcile(&local, &alone(stale)).is_empty());
    }
}

#[test]
fn an_order_that_was_never_on_the_book_and_that_nobody_cancelled_lacked_funds() {
    let mut local = local(&[(1, Stage::Open, Some(11))]);
    let all = settle(&mut local, &alone(view(1, 11, VenueStatus::Cancelled, "100")));
    let close = Correction::Close { order: OrderId(1), cancelled: Some(CancelReason::InsufficientFunds) };
    assert_eq!(all.last(), Some(&close));
}

#[test]
fn not_found_is_an_alarm_and_never_an_end() {
    let mut local = local(&[(1, Stage::Open, Some(11))]);
    let snapshot = Snapshot { singles: vec![((Side::Buy, VenueOrderId(11)), None)], ..listed(&[]) };
    settle(&mut local, &snapshot);
    assert!(local.orders[&OrderId(1)].vanished && local.orders[&OrderId(1)].stage == Stage::Open);
    settle(&mut local, &listed(&[view(1, 11, VenueStatus::Executing, "100")]));
    assert!(!local.orders[&OrderId(1)].vanished, "there it is again");
    let shown = Snapshot { active: Some(vec![view(1, 11, VenueStatus::ToCancel, "100")]), ..snapshot };
    settle(&mut local, &shown);
    assert!(!local.orders[&OrderId(1)].vanished, "what the list shows is there");
}

#[test]
fn of_two_views_of_an_order_in_one_look_the_later_state_counts() {
    let local = local(&[(1, Stage::Open, Some(11))]);
    let views = [view(1, 11, VenueStatus::ToCancel, "50"), view(1, 11, VenueStatus::Executing, "50")];
    assert_eq!(words(&local, &listed(&views)), ["progress 1 ToCancel 50 quote"]);
}

#[test]
fn what_the_list_does_not_show_is_read_alone_once_it_is_old_enough() {
    let local = local(&[(1, Stage::Open, Some(11))]);
    let young = Snapshot { began: at(4), ..listed(&[]) };
    assert!(wanted(&local, &young, Span::from_secs(5), 10).is_empty());
    assert_eq!(wanted(&local, &listed(&[]), Span::from_secs(5), 10), [(Side::Buy, VenueOrderId(11))]);
    let failed = Snapshot { active: None, ..listed(&[]) };
    assert!(wanted(&local, &failed, Span::from_secs(5), 10).is_empty(), "a failed read misses nothing");
    assert_eq!(
        wanted(&local, &told(&[fill(5, 77, "1")]), Span::from_secs(5), 1),
        [(Side::Buy, VenueOrderId(77))]
    );
}

#[test]
fn executions_of_others_move_the_ledger_outside_the_allocations() {
    let mut local = local(&[]);
    let theirs = alone(view(1, 11, VenueStatus::Completed, "0"));
    settle(&mut local, &theirs);
    settle(&mut local, &told(&[fill(5, 11, "100")]));
    assert_eq!(local.ledger["usd"].1, -10_000_000_000);
    assert_eq!(local.ledger["btc"].1, 100_000_000 - 250_000);
}

#[test]
fn whose_an_order_is_is_forgotten_once_it_is_over_and_thousands_followed() {
    let mut local = local(&[(1, Stage::Open, Some(11)), (2, Stage::Closed, Some(12))]);
    let locking = view(3, 13, VenueStatus::Executing, "100");
    let over = |id: u64| view(id, id + 10, VenueStatus::Completed, "0");
    for view in std::iter::once(locking).chain((4..1_000).map(over)) {
        local.apply(&Correction::Foreign { key: (view.side, view.id), view });
    }
    local.orders.remove(&OrderId(2));
    local.forget_owners(100);
    let kept: Vec<u64> = local.owners.keys().map(|(_, id)| id.0).collect();
    let newest = 910..1_010;
    assert!(kept.iter().copied().eq([11, 13].into_iter().chain(newest)), "{kept:?}");
}
