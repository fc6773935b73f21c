//! What each way in which a placement may end does to the order.

use pampero_engine::OrderState;
use pampero_exchange::{Ambiguity, Error, Outcome};
use pampero_model::{RejectReason, UpdateKind, VenueStatus};

use super::rig::Rig;
use super::*;

#[test]
fn nothing_is_placed_before_the_account_was_compared_twice() {
    let mut rig = Rig::new(at(0));
    rig.bid();
    rig.answer_reads(&[], &[]);
    assert!(rig.placed.is_empty() && !rig.execution.has_started());
    for _ in 0..9 {
        rig.wake(1);
        rig.answer_reads(&[], &[]);
    }
    assert!(rig.execution.has_started());
    assert_eq!(rig.placed.len(), 1);
}

#[test]
fn the_intent_is_written_before_the_request() {
    let mut rig = Rig::started();
    rig.bid();
    let [order] = rig.placed[..] else { panic!("{:?}", rig.placed) };
    let intent = rig.notes.iter().find(|note| matches!(note, Note::Intent { .. }));
    assert_eq!(intent, Some(&Note::Intent { order, time: rig.now, watermark: None }));
}

#[test]
fn every_outcome_has_its_row() {
    let refused = |message: &str| Error::Invalid { field: None, message: message.into(), code: None };
    let ambiguous = |ambiguity| Outcome::Unknown(Error::Ambiguous(ambiguity));
    let unknown: &[UpdateKind] = &[UpdateKind::Unknown];
    let rows: Vec<(Outcome<VenueOrder>, &[UpdateKind], bool)> = vec![
        (Outcome::NotSent(Error::NotSent("no route".into())), &[UpdateKind::NotSent], false),
        (Outcome::Rejected(refused("too small")), &[UpdateKind::Rejected(RejectReason::Invalid)], false),
        (
            Outcome::Rejected(Error::NotFound("book".into())),
            &[UpdateKind::Rejected(RejectReason::UnknownMarket)],
            false,
        ),
        (Outcome::Rejected(Error::InvalidKey), &[UpdateKind::Rejected(RejectReason::NotPermitted)], true),
        (
            Outcome::Rejected(Error::MissingPermission),
            &[UpdateKind::Rejected(RejectReason::NotPermitted)],
            true,
        ),
        (Outcome::Rejected(Error::RateLimited { retry_after: None }), &[], false),
        (ambiguous(Ambiguity::Timeout), unknown, false),
        (ambiguous(Ambiguity::Connection("reset".into())), unknown, false),
        (ambiguous(Ambiguity::Status(503)), unknown, false),
        (ambiguous(Ambiguity::EdgePage(403)), unknown, false),
        (ambiguous(Ambiguity::Redirect(307)), unknown, false),
        (ambiguous(Ambiguity::Malformed("{".into())), unknown, false),
        (Outcome::Acknowledged(view(7, 11, VenueStatus::Pending, "100")), unknown, false),
    ];
    for (outcome, kinds, halts) in rows {
        let mut rig = Rig::started();
        rig.bid();
        rig.answer_place(outcome.clone());
        assert_eq!(rig.kinds(), kinds, "{outcome:?}");
        assert_eq!(rig.execution.is_halted(), halts, "{outcome:?}");
    }
}

#[test]
fn acknowledged_is_not_live_until_a_read_says_so() {
    let mut rig = Rig::started();
    rig.bid();
    let order = rig.placed[0];
    rig.answer_place(Outcome::Acknowledged(shown(order, 11, VenueStatus::Pending)));
    assert_eq!(rig.state(order.id), Some(OrderState::Acknowledged));
    rig.wake(1);
    let shown = shown(order, 11, VenueStatus::Executing);
    rig.answer_reads(&[shown], &[]);
    assert_eq!(rig.state(order.id), Some(OrderState::Live));
}

#[test]
fn a_refusal_for_too_many_requests_needs_one_complete_look_and_pauses() {
    let mut rig = Rig::started();
    rig.bid();
    rig.answer_place(Outcome::Rejected(Error::RateLimited { retry_after: None }));
    rig.bid();
    assert_eq!(rig.placed.len(), 1, "paused");
    rig.wake(1);
    rig.answer_reads(&[], &[]);
    assert_eq!(rig.kinds(), [UpdateKind::Rejected(RejectReason::RateLimited)]);
    rig.wake(5);
    assert_eq!(rig.placed.len(), 2);
}

#[test]
fn an_unknown_order_closes_its_side_and_is_found_by_its_fingerprint() {
    let mut rig = Rig::started();
    rig.bid();
    let order = rig.placed[0];
    rig.answer_place(Outcome::Unknown(Error::Ambiguous(Ambiguity::Timeout)));
    assert_eq!(rig.state(order.id), Some(OrderState::Unknown));
    rig.bid();
    assert_eq!(rig.placed.len(), 1, "its side is closed");
    rig.wake(1);
    let shown = shown(order, 11, VenueStatus::Executing);
    rig.answer_reads(&[shown], &[]);
    assert_eq!(rig.kinds()[1..], [UpdateKind::Acknowledged(VenueOrderId(11)), UpdateKind::Live]);
}

#[test]
fn an_order_that_never_shows_is_given_up_after_the_quarantine_and_forgotten_at_the_horizon() {
    let mut rig = Rig::started();
    rig.bid();
    let order = rig.placed[0];
    rig.answer_place(Outcome::Unknown(Error::Ambiguous(Ambiguity::Timeout)));
    let sent = rig.now;
    while rig.state(order.id) == Some(OrderState::Unknown) {
        rig.wake(1);
        rig.answer_reads(&[], &[]);
    }
    assert!(rig.now.since(sent) >= Span::from_secs(180), "{:?}", rig.now.since(sent));
    assert_eq!(rig.state(order.id), Some(OrderState::PresumedAbsent));
    while rig.state(order.id).is_some() {
        rig.wake(5);
        rig.answer_reads(&[], &[]);
    }
    assert!(rig.now.since(sent) >= Span::from_minutes(30));
    assert_eq!(rig.kinds().last(), Some(&UpdateKind::Absent));
}

#[test]
fn an_order_is_not_given_up_while_just_what_it_would_have_spent_is_gone() {
    let mut rig = Rig::started();
    rig.bid();
    let order = rig.placed[0];
    rig.answer_place(Outcome::Unknown(Error::Ambiguous(Ambiguity::Timeout)));
    // It was executed, and neither a list nor an execution shows it yet.
    rig.gone = 10_000_000_000;
    for _ in 0..600 {
        rig.wake(1);
        rig.answer_reads(&[], &[]);
    }
    assert_eq!(rig.state(order.id), Some(OrderState::Unknown));
    let found = |note: &Note| matches!(note, Note::NotFound { clean: 0, surplus: Some(10_000_000_000), .. });
    assert!(rig.notes.iter().any(found));
    // So much can have been spent by anybody.
    rig.gone = 5_000_000_000;
    for _ in 0..60 {
        rig.wake(1);
        rig.answer_reads(&[], &[]);
    }
    assert_eq!(rig.state(order.id), Some(OrderState::PresumedAbsent));
}

#[test]
fn an_order_is_not_given_up_while_reads_fail() {
    let mut rig = Rig::started();
    rig.bid();
    let order = rig.placed[0];
    rig.answer_place(Outcome::Unknown(Error::Ambiguous(Ambiguity::Timeout)));
    for _ in 0..600 {
        rig.wake(1);
        while let Some((id, request)) = rig.requests.pop_front() {
            let error = || Err(Error::Unavailable { status: 503, edge: true });
            let answer = match request {
                Request::ActiveOrders => Answer::ActiveOrders(error_of(error())),
                Request::Fills(_) => Answer::Fills(Ok(vec![])),
                _ => Answer::Balances(Ok(vec![rig.balance()])),
            };
            rig.answer(id, answer);
        }
    }
    assert_eq!(rig.state(order.id), Some(OrderState::Unknown));
}

fn error_of<T>(error: Result<(), Error>) -> Result<T, Error> {
    Err(error.unwrap_err())
}

#[test]
fn a_late_ghost_is_cancelled_at_once_and_settled() {
    let mut rig = Rig::started();
    rig.bid();
    let order = rig.placed[0];
    rig.answer_place(Outcome::Unknown(Error::Ambiguous(Ambiguity::Timeout)));
    while rig.state(order.id) == Some(OrderState::Unknown) {
        rig.wake(1);
        rig.answer_reads(&[], &[]);
    }
    let ghost = shown(order, 11, VenueStatus::Executing);
    rig.wake(30);
    while !rig.requests.iter().any(|(_, request)| matches!(request, Request::Cancel { .. })) {
        let Some((id, request)) = rig.requests.pop_front() else { panic!("no cancellation") };
        let answer = match request {
            Request::ActiveOrders => Answer::ActiveOrders(Ok(vec![ghost.clone()])),
            Request::Fills(_) => Answer::Fills(Ok(vec![])),
            _ => Answer::Balances(Ok(vec![rig.balance()])),
        };
        rig.answer(id, answer);
    }
    assert!(rig.notes.iter().any(|note| matches!(note, Note::Adopted { late: true, .. })));
    rig.answer_reads(std::slice::from_ref(&ghost), &[]);
    let mut over = ghost;
    over.status = OrderStatus::Known(VenueStatus::Cancelled);
    for _ in 0..8 {
        rig.wake(5);
        rig.answer_reads(std::slice::from_ref(&over), &[]);
    }
    assert_eq!(rig.state(order.id), None, "{:?}", rig.kinds());
}

#[test]
fn a_cancellation_is_an_intention_and_is_repeated_until_a_read_says_how_it_ended() {
    let mut rig = Rig::started();
    rig.bid();
    let order = rig.placed[0];
    rig.answer_place(Outcome::Acknowledged(shown(order, 11, VenueStatus::Executing)));
    let shown = shown(order, 11, VenueStatus::Executing);
    rig.step(pampero_engine::EventKind::Control(pampero_engine::Control::Halt(None)));
    let mut asked = 0;
    for _ in 0..40 {
        asked += rig.requests.iter().filter(|(_, request)| matches!(request, Request::Cancel { .. })).count();
        rig.answer_reads(std::slice::from_ref(&shown), &[]);
        rig.wake(1);
    }
    assert!(asked >= 3, "asked {asked} times");
    assert_eq!(rig.state(order.id), Some(OrderState::Cancelling), "nobody said that it is over");
    let mut over = shown;
    (over.status, over.remaining) =
        (OrderStatus::Known(VenueStatus::Cancelled), Size::Quote("60".parse().unwrap()));
    for _ in 0..8 {
        rig.wake(5);
        rig.answer_reads(std::slice::from_ref(&over), &[]);
    }
    assert_eq!(rig.state(order.id), Some(OrderState::Cancelling), "40 were executed and none is known");
    rig.wake(5);
    rig.answer_reads(std::slice::from_ref(&over), &[fill(5, 11, "40")]);
    assert_eq!(rig.state(order.id), None);
}

#[test]
fn an_order_that_waits_too_long_is_dropped_unsent() {
    let mut rig = Rig::started();
    rig.bid();
    rig.bid();
    assert_eq!((rig.placed.len(), rig.execution.waiting().count()), (1, 1), "one at a time on a side");
    rig.wake(10);
    assert_eq!(rig.kinds(), [UpdateKind::NotSent]);
}

#[test]
fn what_was_executed_before_the_first_session_is_known_however_wide_a_later_read_is() {
    let history: Vec<VenueFill> = (1..=1_000).rev().map(|id| fill(id, id, "1")).collect();
    let mut rig = Rig::new(at(1_000));
    while !rig.execution.has_started() {
        rig.answer_reads(&[], &history);
        rig.wake(1);
    }
    // An order whose execution is not listed yet: more executions are asked for, and the history is shown.
    rig.bid();
    let order = rig.placed[0];
    rig.answer_place(Outcome::Acknowledged(shown(order, 2_000, VenueStatus::Executing)));
    let mut complete = shown(order, 2_000, VenueStatus::Completed);
    complete.remaining = Size::Quote("0".parse().unwrap());
    for _ in 0..5 {
        rig.wake(20);
        rig.answer_reads(&[complete.clone()], &history);
    }
    let foreign = rig.notes.iter().filter(|note| matches!(note, Note::ForeignFill { .. }));
    assert_eq!(foreign.count(), 0);
    let known = |fill: &VenueFill| rig.execution.local().fills.contains(fill.side, fill.id);
    assert_eq!(history.iter().filter(|fill| !known(fill)).count(), 0);
    let listed: Vec<_> = std::iter::once(fill(2_000, 2_000, "100")).chain(history).collect();
    rig.wake(20);
    rig.answer_reads(&[complete], &listed);
    assert_eq!(rig.kinds().last(), Some(&UpdateKind::Completed));
}

#[test]
fn a_copy_of_an_order_that_ended_is_known_after_a_restart() {
    for (seconds, known) in [(1, true), (170, true), (190, false)] {
        let mut rig = Rig::started();
        rig.bid();
        let order = rig.placed[0];
        rig.answer_place(Outcome::Acknowledged(shown(order, 11, VenueStatus::Pending)));
        rig.wake(1);
        rig.answer_reads(&[shown(order, 11, VenueStatus::Cancelled)], &[]);
        assert_eq!(rig.state(order.id), None);
        rig.restart(seconds);
        rig.answer_reads(&[shown(order, 12, VenueStatus::Executing)], &[]);
        let copy = Note::Duplicate { order: order.id, venue_order: VenueOrderId(12) };
        assert_eq!(rig.notes.contains(&copy), known, "{:#?}", rig.notes);
        let cancelled = |note: &Note| matches!(note, Note::CancelAsked { venue_order: VenueOrderId(12), .. });
        assert_eq!(rig.notes.iter().any(cancelled), known);
        assert_eq!(rig.notes.iter().any(|note| matches!(note, Note::Foreign { .. })), !known);
    }
}

#[test]
fn what_was_never_created_has_no_copy_after_a_restart() {
    let mut rig = Rig::started();
    rig.bid();
    let order = rig.placed[0];
    rig.answer_place(Outcome::NotSent(Error::NotSent("no route".into())));
    rig.restart(1);
    rig.answer_reads(&[shown(order, 12, VenueStatus::Executing)], &[]);
    assert!(rig.notes.iter().any(|note| matches!(note, Note::Foreign { .. })), "{:#?}", rig.notes);
}

#[test]
fn an_execution_is_not_lost_when_the_list_moves_on_before_its_order_could_be_read() {
    let mut rig = Rig::started();
    let theirs = |id| view(id, id, VenueStatus::Completed, "0");
    rig.unlisted = vec![theirs(901)];
    // The order of the first execution cannot be read yet.
    let mut fills = vec![fill(2, 901, "1"), fill(1, 900, "2")];
    rig.wake(30);
    rig.answer_reads(&[], &fills);
    let counted = |rig: &Rig, id| rig.execution.local().fills.contains(Side::Buy, FillId(id));
    assert!(counted(&rig, 2) && !counted(&rig, 1));
    let most = u64::from(Settings::default().fills_first);
    (3..2 + most).for_each(|id| fills.insert(0, fill(id, 901, "1")));
    rig.unlisted.push(theirs(900));
    rig.wake(30);
    rig.answer_reads(&[], &fills);
    assert!((1..2 + most).all(|id| counted(&rig, id)));
}

#[test]
fn after_a_restart_executions_are_read_back_as_far_as_can_be() {
    let mut rig = Rig::started();
    rig.asked_fills.clear();
    for _ in 0..2 {
        rig.wake(30);
        rig.answer_reads(&[], &[]);
    }
    rig.restart(1);
    for _ in 0..2 {
        rig.answer_reads(&[], &[]);
        rig.wake(30);
    }
    rig.asked_fills.dedup();
    assert_eq!(rig.asked_fills, [Some(50), Some(3_200), Some(50)]);
}
