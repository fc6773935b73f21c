//! What a journal tells afterwards.

use pampero_engine::{Audit, OrderState};
use pampero_model::{Currency, OrderId, Quantity, Span};
use pampero_runtime::drift::{Cause, drift};
use pampero_runtime::export::{Format, What, disposals, equity, export, fills, orders, runs};
use pampero_runtime::story::story;
use pampero_runtime::tape::{Step, Tape};
use pampero_store::journal::{Journal, SessionId};
use pampero_venue::{FillModel, FillPreset, SimSettings};

use crate::support::{Home, World, about, setup};

const SESSION: SessionId = SessionId(1);

fn recorded(home: &Home) -> Journal {
    let mut world = World::new(home.journal(), 6);
    (0..300).for_each(|_| world.step());
    let World { simulation, scribe, now, .. } = world;
    scribe.recorder.end(now, "asked to", simulation.engine()).unwrap()
}

fn usd() -> Currency {
    "usd".parse().unwrap()
}

#[test]
fn runs_count_what_happened() {
    let home = Home::new();
    let journal = recorded(&home);
    let found = runs(&journal).unwrap();
    assert_eq!(found.len(), 1);
    let markets = setup(0).markets;
    let executed = fills(&journal, &[SESSION], &markets, usd(), &[]).unwrap();
    assert_eq!(found[0].fills, u64::try_from(executed.len()).unwrap());
    assert!(found[0].orders > 50 && found[0].fills > 10 && found[0].denied > 10, "{found:?}");
    assert_eq!(found[0].end(), "asked to");
    // Two that did not say good-bye: another followed the first.
    let mut journal = journal;
    for _ in 0..2 {
        journal.begin_session(&about()).unwrap();
        journal.commit().unwrap();
    }
    let ends: Vec<String> = runs(&journal).unwrap().iter().map(|run| run.end().to_owned()).collect();
    assert_eq!(ends, ["asked to", "killed", "running, or killed"]);
}

#[test]
fn every_order_has_a_story_with_its_end() {
    let home = Home::new();
    let journal = recorded(&home);
    let all = orders(&journal, &[SESSION]).unwrap();
    let (mut filled, mut cancelled) = (None, None);
    for (_, record) in all.iter().take(60) {
        let told = story(&journal, record.id, None).unwrap().unwrap();
        assert_eq!((told.session, told.order), (SESSION, *record));
        assert!(told.chapters[0].text.starts_with("wanted: "), "{}", told.render());
        assert!(told.chapters.is_sorted_by_key(|chapter| chapter.seq));
        match record.state {
            OrderState::Completed => filled = Some(told),
            OrderState::Cancelled if record.venue_order.is_some() => cancelled = Some(told),
            _ => {}
        }
    }
    let filled = filled.unwrap();
    let text = filled.render();
    assert!(filled.sight_age().unwrap() < Span::from_secs(2), "{text}");
    let (bid, ask) = (filled.seen.bid.unwrap(), filled.seen.ask.unwrap());
    assert!(bid.price < ask.price);
    let bid = bid.price.to_string();
    for part in [
        "approved, none of",
        "the venue has it as",
        "filled ",
        "completed",
        "MAX_ORDER_NOTIONAL",
        "its intent is written",
        bid.as_str(),
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(cancelled.unwrap().render().contains("cancel order"));
    assert_eq!(story(&journal, OrderId(1 << 40), None).unwrap(), None);
}

#[test]
fn exports_hold_every_execution_and_conserve_base() {
    let home = Home::new();
    let journal = recorded(&home);
    let markets = setup(0).markets;
    let executed = fills(&journal, &[SESSION], &markets, usd(), &[]).unwrap();
    let scope = || (&markets, usd(), &[][..]);
    let csv = export(&journal, &[SESSION], scope(), What::Fills, Format::Csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().count(), executed.len() + 1);
    assert!(
        csv.starts_with("time,session,strategy,market,order_id,fill_id,side,price,base,quote,fee,reason,"),
        "{csv}"
    );
    let parquet = export(&journal, &[SESSION], scope(), What::Orders, Format::Parquet).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let sum = |quantities: &mut dyn Iterator<Item = Quantity>| quantities.map(Quantity::units).sum::<i64>();
    let sold = sum(&mut executed
        .iter()
        .map(|exported| exported.fill.base_change().saturating_sub(exported.fill.base_change().abs())));
    let sales = disposals(&executed, &markets);
    let parts = sum(&mut sales.iter().flat_map(|sale| sale.lots.iter().map(|lot| lot.quantity)));
    let uncovered = sum(&mut sales.iter().map(|sale| sale.uncovered));
    assert_eq!(-sold / 2, parts + uncovered);
    assert!(parts > 0);
}

#[test]
fn equity_ends_where_the_engine_did() {
    let home = Home::new();
    let mut world = World::new(home.journal(), 8);
    (0..120).for_each(|_| world.step());
    let expected = world.engine().portfolio().equity();
    drop(world);
    let points = equity(&home.journal(), SESSION, setup(0), Span::from_secs(10)).unwrap();
    assert_eq!(points.last().unwrap().equity, expected);
    assert!(points.len() > 4 && points.len() < 20, "{}", points.len());
}

#[test]
fn drift_is_nothing_in_the_same_world_and_something_in_a_more_careful_one() {
    let home = Home::new();
    let journal = recorded(&home);
    let settings = |preset| SimSettings { fill: FillModel::preset(preset), ..SimSettings::default() };
    let markets = setup(0).markets;
    let same = drift(&journal, SESSION, &markets, settings(FillPreset::Optimistic)).unwrap();
    let mut placed = 0;
    let mut tape = Tape::new(&journal, SESSION, 0).unwrap();
    while let Some(step) = tape.step().unwrap() {
        if let Step::Event { decisions, .. } = step {
            let ends = decisions
                .audit
                .iter()
                .filter(|audit| matches!(audit, Audit::Closed(order) if order.sent_price.is_positive()));
            placed += ends.count();
        }
    }
    assert!(same.orders.len() >= placed && placed > 40);
    // An order placed on the news of another, at the instant of a book, meets that book one observation earlier here.
    assert!(same.count(Cause::Same) * 10 >= same.orders.len() * 9, "{}", same.render());
    let careful = drift(&journal, SESSION, &markets, settings(FillPreset::Conservative)).unwrap();
    let differs = careful.count(Cause::Extra) + careful.count(Cause::Quantity);
    assert!(differs > 5, "{}", careful.render());
    assert!(careful.render().contains("extra"));
}
