//! What must hold for any order of events.

use std::collections::BTreeMap;

use pampero_engine::{Control, EventKind};
use pampero_exchange::{Ambiguity, Error, Outcome, PlaceOutcome};
use pampero_model::{UpdateKind, VenueStatus};
use proptest::prelude::*;

use super::rig::Rig;
use super::*;

#[derive(Clone, Debug)]
enum Act {
    Bid,
    Halt,
    Resume,
    Wait(i64),
    /// Answers the request that waits longest: well, badly, or not at all.
    Answer(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Bid),
        1 => Just(Act::Halt),
        1 => Just(Act::Resume),
        4 => (0..40_i64).prop_map(Act::Wait),
        12 => any::<u8>().prop_map(Act::Answer),
    ]
}

/// The exchange of the property: places what arrives, executes nothing.
#[derive(Default)]
struct Shown(Vec<VenueOrder>);

impl Shown {
    fn outcome(&mut self, order: Order, choice: u8, first: u64) -> PlaceOutcome {
        let view = shown(order, first + self.0.len() as u64, VenueStatus::Executing);
        let timeout = || Outcome::Unknown(Error::Ambiguous(Ambiguity::Timeout));
        match choice % 8 {
            0 => timeout(),
            1 => Outcome::NotSent(Error::NotSent("no route".into())),
            2 => Outcome::Rejected(Error::RateLimited { retry_after: None }),
            3 => Outcome::Rejected(Error::InvalidKey),
            4 => {
                self.0.push(view);
                timeout()
            }
            _ => {
                self.0.push(view.clone());
                Outcome::Acknowledged(view)
            }
        }
    }
}

/// Plays acts and gives what the engine was told, in words that hold no time, and the orders that were sent.
fn play(acts: &[Act], start: i64, first_id: u64) -> (Vec<String>, Vec<Order>, Vec<(usize, bool)>) {
    let mut rig = Rig::new(at(start));
    let mut shown = Shown::default();
    let mut halted = Vec::new();
    for act in acts {
        let (sent, was) = (rig.placed.len(), rig.execution.is_halted());
        match act {
            Act::Bid => rig.bid(),
            Act::Halt => rig.step(EventKind::Control(Control::Halt(None))),
            Act::Resume => {
                rig.step(EventKind::Control(Control::Resume(None)));
                rig.execution.resume(rig.now);
                rig.settle();
            }
            Act::Wait(seconds) => rig.wake(*seconds),
            Act::Answer(choice) => answer(&mut rig, &mut shown, *choice, first_id),
        }
        halted.push((rig.placed.len() - sent, was && !matches!(act, Act::Resume)));
    }
    let words = rig.updates.iter().map(|update| match update.kind {
        UpdateKind::Acknowledged(id) => format!("{} acknowledged {}", update.order, id.0 - first_id),
        kind => format!("{} {kind:?}", update.order),
    });
    (words.collect(), rig.placed, halted)
}

fn answer(rig: &mut Rig, shown: &mut Shown, choice: u8, first_id: u64) {
    let Some((id, request)) = rig.requests.pop_front() else { return };
    let failed = || Error::Unavailable { status: 502, edge: true };
    let fails = choice.is_multiple_of(5);
    let answer = match request {
        Request::Place(placement) => {
            let order = *placement.order.get();
            Answer::Placed(shown.outcome(order, choice, first_id))
        }
        Request::ActiveOrders if fails => Answer::ActiveOrders(Err(failed())),
        Request::ActiveOrders => Answer::ActiveOrders(Ok(shown.0.clone())),
        Request::Fills(_) => Answer::Fills(if fails { Err(failed()) } else { Ok(vec![]) }),
        Request::Balances => Answer::Balances(if fails { Err(failed()) } else { Ok(vec![rig.balance()]) }),
        Request::Order { side, id } => {
            let found = shown.0.iter().find(|view| (view.side, view.id) == (side, id)).cloned();
            Answer::Order(found.ok_or_else(failed))
        }
        Request::Cancel { side, id } => {
            for view in shown.0.iter_mut().filter(|view| (view.side, view.id) == (side, id) && !fails) {
                view.status = OrderStatus::Known(VenueStatus::Cancelled);
            }
            Answer::Cancelled(Ok(()))
        }
        Request::CancelAll { .. } => Answer::Cancelled(if fails { Err(failed()) } else { Ok(()) }),
        Request::Movements => Answer::Movements(Ok(vec![])),
    };
    rig.answer(id, answer);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// An intent is sent at most once, whatever is answered; and nothing is sent while halted.
    #[test]
    fn an_intent_is_sent_at_most_once_and_never_while_halted(acts in prop::collection::vec(act(), 1..120)) {
        let (_, placed, halted) = play(&acts, 1_000, 100);
        let mut counts = BTreeMap::new();
        for order in placed {
            *counts.entry(order.id).or_insert(0) += 1;
        }
        prop_assert!(counts.values().all(|count| *count == 1));
        prop_assert!(halted.iter().all(|(sent, halted)| *sent == 0 || !halted));
    }

    /// An order that is over stays over: after the last word follow at most a ghost's acknowledgement and executions.
    #[test]
    fn what_is_over_stays_over(acts in prop::collection::vec(act(), 1..120)) {
        let mut rig_updates: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for word in play(&acts, 1_000, 100).0 {
            let (order, kind) = word.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            rig_updates.entry(order).or_default().push(kind);
        }
        for kinds in rig_updates.values() {
            let finals = ["Cancelled", "Completed", "NotSent", "Rejected(Invalid)", "Rejected(NotPermitted)"];
            let over = kinds.iter().position(|kind| finals.iter().any(|word| kind.starts_with(word)));
            prop_assert!(over.is_none_or(|at| at + 1 == kinds.len()), "{kinds:?}");
        }
    }

    /// Clocks do not decide whose an order is.
    #[test]
    fn shifting_every_clock_changes_nothing(acts in prop::collection::vec(act(), 1..80), shift in 1..2_000_000_000_i64) {
        let (words, ..) = play(&acts, 1_000, 100);
        let (shifted, ..) = play(&acts, 1_000 + shift, 100);
        prop_assert_eq!(words, shifted);
    }

    /// Whatever is shown, comparing comes to an end, and doing it again changes nothing.
    #[test]
    fn reconciling_converges_and_is_idempotent(
        stages in prop::collection::vec((0..6_u8, prop::option::of(11..20_u64)), 0..6),
        shown in prop::collection::vec((1..8_u64, 5..25_u64, 0..5_u8, 0..=100_u8), 0..12),
        fills in prop::collection::vec((1..20_u64, 5..25_u64, 1..60_u8), 0..12),
        young in any::<bool>(),
    ) {
        let mut known = Vec::new();
        for (index, (stage, venue)) in stages.iter().enumerate() {
            let taken = venue.is_some_and(|id| known.iter().any(|(_, _, other)| *other == Some(id)));
            let stage = match stage {
                0 => Stage::Submitting,
                1 => Stage::Unknown,
                2 => Stage::RefusedUnconfirmed,
                3 => Stage::PresumedAbsent,
                4 => Stage::Closed,
                _ if venue.is_some() && !taken => Stage::Open,
                _ => Stage::Unknown,
            };
            known.push((index as u64 + 1, stage, venue.filter(|_| stage == Stage::Open)));
        }
        let mut local = local(&known);
        let view = |(id, venue, status, left): &(u64, u64, u8, u8)| {
            use VenueStatus::{Cancelled, Completed, Executing, Pending, ToCancel};
            let status = [Pending, Executing, ToCancel, Cancelled, Completed][usize::from(*status)];
            view(*id, *venue, status, &left.to_string())
        };
        let views: Vec<_> = shown.iter().map(view).collect();
        let (listed, alone) = views.split_at(views.len() / 2);
        let snapshot = Snapshot {
            began: at(if young { 3 } else { 4_000 }),
            active: Some(listed.to_vec()),
            fills: Some(fills.iter().map(|(id, venue, quote)| fill(*id, *venue, &quote.to_string())).collect()),
            singles: alone.iter().map(|view| ((view.side, view.id), Some(view.clone()))).collect(),
        };
        for _ in 0..6 {
            for correction in reconcile(&local, &snapshot) {
                local.apply(&correction);
                let once = format!("{local:?}");
                local.apply(&correction);
                prop_assert_eq!(once, format!("{local:?}"), "applied twice: {:?}", correction);
            }
        }
        prop_assert_eq!(reconcile(&local, &snapshot), vec![]);
    }

    /// However executions are told — in parts, twice, in any order — each counts once.
    #[test]
    fn each_execution_counts_once(
        quotes in prop::collection::vec(1..10_u8, 1..9),
        tellings in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..12), 1..8),
    ) {
        let mut local = local(&[(1, Stage::Open, Some(11))]);
        let fills: Vec<_> = (1..).zip(&quotes).map(|(id, quote)| fill(id, 11, &quote.to_string())).collect();
        let picked = tellings.iter().map(|picks| picks.iter().map(|pick| pick.get(&fills).clone()).collect());
        for told in picked.chain([fills.iter().rev().cloned().collect::<Vec<_>>()]) {
            let snapshot = Snapshot { began: at(9), fills: Some(told), ..Snapshot::default() };
            for correction in reconcile(&local, &snapshot) {
                local.apply(&correction);
            }
        }
        let (quote, base) = fills.iter().fold((0, 0), |(quote, base), fill| {
            (quote + fill.quote.units(), base + i128::from(fill.base.units()) - fill.fee.units)
        });
        prop_assert_eq!(local.ledger["usd"].1, -quote);
        prop_assert_eq!(local.ledger["btc"].1, base);
        prop_assert_eq!(local.orders[&OrderId(1)].filled_quote.units(), quote);
    }

    /// An exchange that answers a while keeps nothing reserved once every order is over.
    #[test]
    fn nothing_stays_locked_once_everything_is_over(acts in prop::collection::vec(act(), 1..60)) {
        let mut rig = Rig::started();
        let mut shown = Shown::default();
        for act in &acts {
            match act {
                Act::Bid => rig.bid(),
                Act::Answer(choice) => answer(&mut rig, &mut shown, *choice, 100),
                Act::Wait(seconds) => rig.wake(*seconds),
                Act::Halt | Act::Resume => {}
            }
        }
        rig.step(EventKind::Control(Control::Halt(None)));
        for _ in 0..600 {
            rig.wake(15);
            while !rig.requests.is_empty() {
                answer(&mut rig, &mut shown, 1, 100);
            }
        }
        prop_assert!(rig.engine.open_orders().is_empty(), "{:?}", rig.engine.open_orders());
        let usd = "usd".parse().unwrap();
        prop_assert_eq!(rig.execution.local().locked(usd), 0);
        prop_assert_eq!(rig.engine.portfolio().account(pampero_model::VenueId(0), usd).reserved, 0);
    }
}
