//! Desired sets.

use super::*;

fn desired(bid: &str, ask: &str) -> [Desired; 2] {
    [
        Desired { side: Side::Buy, price: price(bid), size: quote("10") },
        Desired { side: Side::Sell, price: price(ask), size: base("0.1") },
    ]
}

impl Rig {
    fn want(&mut self, desired: &[Desired]) {
        self.act(|ctx| ctx.quote(MARKET, desired, Reason::new("QUOTE")));
    }

    fn accept_all(&mut self) {
        let open: Vec<OrderId> = self.engine.open_orders().iter().map(|order| order.id).collect();
        for order in open {
            self.accept(order);
        }
    }
}

#[test]
fn what_stands_stays_and_what_changed_moves_once_its_side_is_clear() {
    let mut rig = Rig::new(Limits::default());
    rig.want(&desired("98", "102"));
    assert_eq!(rig.commands(), ["place buy 10 quote at 98", "place sell 0.1 base at 102"]);
    rig.accept_all();
    rig.want(&desired("98", "102"));
    assert!(rig.commands().is_empty());
    rig.want(&desired("97", "102"));
    assert_eq!(rig.commands(), ["cancel 1"], "the new bid waits until the old one is gone");
    rig.want(&desired("96", "102"));
    assert!(rig.commands().is_empty());
    rig.update(OrderId(1), UpdateKind::Cancelled(CancelReason::Requested));
    assert_eq!(rig.commands(), ["place buy 10 quote at 96"], "the last set counts");
}

#[test]
fn a_quote_that_jumps_past_the_other_side_waits_for_it_to_leave() {
    let mut rig = Rig::new(Limits::default());
    rig.want(&desired("98", "102"));
    rig.accept_all();
    rig.commands();
    rig.book("109", "111");
    rig.want(&desired("108", "112"));
    assert_eq!(rig.commands(), ["cancel 1", "cancel 2"]);
    rig.update(OrderId(1), UpdateKind::Cancelled(CancelReason::Requested));
    assert!(rig.commands().is_empty(), "a bid at 108 would trade against the ask at 102");
    rig.update(OrderId(2), UpdateKind::Cancelled(CancelReason::Requested));
    assert_eq!(rig.commands(), ["place buy 10 quote at 108", "place sell 0.1 base at 112"]);
}

#[test]
fn an_order_on_its_way_counts_as_standing() {
    let mut rig = Rig::new(Limits::default());
    rig.want(&desired("98", "102"));
    rig.commands();
    rig.want(&desired("98", "102"));
    assert!(rig.commands().is_empty());
}

#[test]
fn a_partly_filled_order_keeps_its_place_and_a_filled_one_is_placed_anew() {
    let mut rig = Rig::new(Limits::default());
    rig.want(&desired("98", "102"));
    rig.accept_all();
    rig.commands();
    rig.fill(OrderId(2), "102", "0.05");
    rig.want(&desired("98", "102"));
    assert!(rig.commands().is_empty());
    rig.fill(OrderId(2), "102", "0.05");
    rig.update(OrderId(2), UpdateKind::Completed);
    rig.want(&desired("98", "102"));
    assert_eq!(rig.commands(), ["place sell 0.1 base at 102"]);
}

#[test]
fn an_unknown_order_keeps_its_side_closed() {
    let mut rig = Rig::new(Limits::default());
    rig.want(&desired("98", "102"));
    rig.update(OrderId(1), UpdateKind::Unknown);
    rig.commands();
    rig.want(&desired("97", "103"));
    assert!(rig.commands().is_empty(), "the ask's id is not known yet, the bid's fate is not");
}

#[test]
fn reduce_only_leaves_the_asks() {
    let mut rig = Rig::new(Limits::default());
    rig.want(&desired("98", "102"));
    rig.accept_all();
    rig.commands();
    rig.step(EventKind::Control(Control::ReduceOnly(Some(FIRST))));
    assert_eq!(rig.commands(), ["cancel 1"]);
    rig.update(OrderId(1), UpdateKind::Cancelled(CancelReason::Requested));
    rig.want(&desired("98", "102"));
    assert!(rig.commands().is_empty());
}

#[test]
fn an_empty_set_withdraws_everything_of_its_own() {
    let mut rig = Rig::new(Limits::default());
    let other = rig.accepted(Intent::limit(MARKET, Side::Buy, quote("10"), price("90")));
    rig.want(&desired("98", "102"));
    rig.accept_all();
    rig.commands();
    rig.want(&[]);
    assert_eq!(rig.commands(), ["cancel 2", "cancel 3"]);
    assert_eq!(rig.state(other), OrderState::Live);
}
