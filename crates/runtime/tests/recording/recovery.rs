use pampero_engine::{Engine, OrderRecord, OrderState};
use pampero_model::{Currency, FillId, Market, MarketId, Side, Timestamp, VenueId};
use pampero_runtime::execution::{CarriedOrder, Note};
use pampero_runtime::guard::{LatchRecord, Level};
use pampero_runtime::outstanding::{Outstanding, outstanding};
use pampero_runtime::recorder::Recorder;
use pampero_runtime::recovery::{RecoveryError, StrategyState, find_last, recover};
use pampero_runtime::replay::replay;
use pampero_runtime::session::Pen;
use pampero_store::journal::{Journal, JournalError, SessionId};

use crate::support::{Home, VENUE, World, about, setup};

/// The engine that a crash leaves behind, taken up without the journal: what recovery must equal.
fn taken_up(engine: &Engine) -> Engine {
    let mut other = Engine::new(setup(0)).unwrap();
    other.restore(&engine.checkpoint()).unwrap();
    other.begin_session();
    other
}

#[test]
fn after_a_crash_orders_ledger_and_limits_are_what_they_were() {
    let mut with_open_orders = 0;
    for seed in 0..12 {
        let home = Home::new();
        let mut world = World::new(home.journal(), seed);
        let steps = 5 + seed * 17 % 120;
        for step in 0..steps {
            if step % 37 == 20 {
                world.scribe.recorder.save_state(world.simulation.engine()).unwrap();
            }
            world.step();
        }
        let expected = taken_up(world.engine());
        // What was not committed is lost, and nothing was sent of it.
        world.scribe.commits = false;
        (0..3).for_each(|_| world.step());
        drop(world);

        let journal = home.journal();
        let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
        let recovered = recover(&journal, session, setup(0), StrategyState::Restore).unwrap();
        let (found, expected) = (recovered.engine.checkpoint(), expected.checkpoint());
        assert_eq!(found.clone().without_strategies(), expected.clone().without_strategies(), "seed {seed}");

        let carried = recovered.carried_over(VENUE);
        let open = recovered.engine.open_orders().iter().filter(|order| order.state != OrderState::Held);
        let (ended, still_open): (Vec<CarriedOrder>, Vec<CarriedOrder>) =
            carried.orders.iter().partition(|order| order.record.state.is_final());
        assert!(open.map(|order| order.id).eq(still_open.iter().map(|order| order.record.id)));
        assert!(carried.orders.iter().all(|order| order.sent_at.is_some() && order.watermark.is_some()));
        // Saved states keep the intents of what has ended, too.
        let created =
            |order: &&OrderRecord| order.venue_order.is_some() && order.state != OrderState::Rejected;
        let created = recovered.engine.ended_orders().filter(created);
        assert!(created.map(|order| order.id).eq(ended.iter().map(|order| order.record.id)), "seed {seed}");
        assert_eq!(carried.fills.iter().count(), expected.counted_fills().len());
        let usd: Currency = "usd".parse().unwrap();
        let total = recovered.engine.portfolio().account(VENUE, usd).total;
        assert!(carried.ledger.iter().any(|money| money.currency == usd && money.units == total));
        let sent = still_open.iter().map(|one| {
            let CarriedOrder { record, sent_at, .. } = *one;
            let (order, side, venue_order) = (record.id, record.side, record.venue_order);
            Outstanding {
                order,
                venue: "bitex".to_owned(),
                market: "btc_usd".to_owned(),
                side,
                venue_order,
                sent_at: sent_at.unwrap(),
            }
        });
        assert_eq!(outstanding(&journal, "local", "paper").unwrap(), sent.collect::<Vec<_>>());
        assert!(outstanding(&journal, "local", "live").unwrap().is_empty());
        with_open_orders += usize::from(!still_open.is_empty());
    }
    assert!(with_open_orders > 3, "{with_open_orders}");
}

#[test]
fn sessions_follow_each_other() {
    let home = Home::new();
    let mut world = World::new(home.journal(), 1);
    (0..80).for_each(|_| world.step());
    let equity = world.engine().portfolio().equity();
    drop(world);
    for _ in 0..2 {
        let journal = home.journal();
        let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
        let recovered = recover(&journal, session, setup(0), StrategyState::Restore).unwrap();
        assert_eq!(recovered.engine.portfolio().equity(), equity);
        let _ = Recorder::begin(journal, &about(), &recovered.engine, Some(&recovered)).unwrap();
    }
    assert_eq!(home.journal().sessions().unwrap().len(), 3);
    let engine = {
        let journal = home.journal();
        let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
        recover(&journal, session, setup(0), StrategyState::Fresh).unwrap().engine
    };
    let mut expected = Engine::new(setup(0)).unwrap();
    expected.restore_account(&engine.checkpoint()).unwrap();
    assert_eq!(engine.checkpoint(), expected.checkpoint());
}

#[test]
fn what_was_archived_is_neither_needed_nor_lost() {
    let home = Home::new();
    let mut world = World::new(home.journal(), 1);
    for _ in 0..3 {
        (0..40).for_each(|_| world.step());
        world.scribe.recorder.save_state(world.simulation.engine()).unwrap();
    }
    assert!(world.scribe.recorder.archive_some().unwrap() > 100);
    assert_eq!(world.scribe.recorder.archive_some().unwrap(), 0);
    (0..10).for_each(|_| world.step());
    let expected = taken_up(world.engine());
    drop(world);
    let journal = home.journal();
    journal.verify().unwrap();
    let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
    let recovered = recover(&journal, session, setup(0), StrategyState::Restore).unwrap();
    assert_eq!(
        recovered.engine.checkpoint().without_strategies(),
        expected.checkpoint().without_strategies()
    );
    let report = replay(&journal, SessionId(1), setup(0)).unwrap();
    assert_eq!(report.divergence, None, "{}", report.render());
}

#[test]
fn a_long_session_archives_as_it_goes() {
    let home = Home::new();
    let engine = Engine::new(setup(0)).unwrap();
    let mut pen = Pen::new(Recorder::begin(home.journal(), &about(), &engine, None).unwrap());
    for second in 1..=45_000 {
        pen.note(Timestamp::from_secs(second), VENUE, &Note::Reconciled { first: false });
        if second % 1_000 == 0 {
            pen.commit(&engine).unwrap();
            pen.archive();
        }
    }
    drop(pen);
    // All that stands before the last saved state but one, which is the third of four.
    let names = std::fs::read_dir(home.0.path().join("state/archive")).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let name = |first| format!("session-000001-{first:012}.parquet");
    assert_eq!(names, [name(0), name(10_000), name(20_000)]);
    let journal = home.journal();
    journal.verify().unwrap();
    assert_eq!(journal.records(SessionId(1), 0).unwrap().count(), 45_000);
    let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
    recover(&journal, session, setup(0), StrategyState::Restore).unwrap();
}

#[test]
fn a_session_knows_of_which_change_of_the_latch_the_one_before_was_told() {
    let home = Home::new();
    let engine = Engine::new(setup(0)).unwrap();
    let taken_up = |journal: Journal| {
        let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
        let recovered = recover(&journal, session, setup(0), StrategyState::Restore).unwrap();
        (journal, recovered)
    };
    let latch = |change| LatchRecord {
        level: Level::Active,
        reason: String::new(),
        by: "operator".to_owned(),
        at: Timestamp::from_secs(5),
        environment: "local".to_owned(),
        change,
    };
    let mut recorder = Recorder::begin(home.journal(), &about(), &engine, None).unwrap();
    recorder.remark(Timestamp::from_secs(4), &serde_json::json!({ "other": 1 })).unwrap();
    recorder.commit().unwrap();
    drop(recorder);
    // Where no build wrote it down, the time tells.
    let (journal, recovered) = taken_up(home.journal());
    assert!(recovered.has_not_seen(&latch(1)));
    let mut recorder = Recorder::begin(journal, &about(), &recovered.engine, Some(&recovered)).unwrap();
    recorder.latch_seen(Timestamp::from_secs(6), 7).unwrap();
    recorder.commit().unwrap();
    drop(recorder);
    // From the fact itself, and from behind a saved state.
    let (mut journal, mut recovered) = taken_up(home.journal());
    for _ in 0..2 {
        assert!(!recovered.has_not_seen(&latch(7)) && recovered.has_not_seen(&latch(8)));
        drop(Recorder::begin(journal, &about(), &recovered.engine, Some(&recovered)).unwrap());
        (journal, recovered) = taken_up(home.journal());
    }
}

#[test]
fn another_environment_mode_or_set_of_strategies_does_not_take_it_up() {
    let home = Home::new();
    drop(World::new(home.journal(), 1));
    let journal = home.journal();
    assert!(find_last(&journal, "sandbox", "paper", "busy").unwrap().is_none());
    assert!(find_last(&journal, "local", "live", "busy").unwrap().is_none());
    let error = find_last(&journal, "local", "paper", "other").unwrap_err();
    assert!(error.to_string().contains("ran busy, the configuration has other"), "{error}");
}

#[test]
fn a_session_killed_before_its_first_state_is_passed_over() {
    let home = Home::new();
    drop(World::new(home.journal(), 1));
    home.journal().begin_session(&about()).unwrap();
    let journal = home.journal();
    let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
    assert_eq!(session.id.0, 1);
}

#[test]
fn a_state_of_another_form_is_refused_with_the_build_that_reads_it() {
    let home = Home::new();
    let mut journal = home.journal();
    journal.begin_session(&about()).unwrap();
    journal.save_state(99, b"from the future").unwrap();
    journal.commit().unwrap();
    let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
    let error = recover(&journal, session, setup(0), StrategyState::Restore).err().unwrap();
    assert!(matches!(error, RecoveryError::Format { found: 99, .. }), "{error}");
}

#[test]
fn the_end_is_written_and_nothing_follows_a_poisoned_journal() {
    let home = Home::new();
    let mut world = World::new(home.journal(), 3);
    (0..20).for_each(|_| world.step());
    let (simulation, mut recorder) = (world.simulation, world.scribe.recorder);
    recorder.last_words(world.now, &serde_json::json!({"halted": "test"})).unwrap();
    let journal = recorder.end(world.now, "asked to", simulation.engine()).unwrap();
    let session = journal.sessions().unwrap().pop().unwrap();
    assert_eq!((session.ended_at, session.end_reason.as_deref()), (Some(world.now), Some("asked to")));
    let mut journal = journal;
    assert!(matches!(journal.append(1, Timestamp::MIN, b""), Err(JournalError::NoSession)));
}

/// A journal that the first form was written with: a baseline, executions of others before and behind a saved state, a
/// deposit, and open orders.
#[test]
fn a_journal_of_the_first_form_is_taken_up() {
    let home = Home::new();
    let file = home.0.path().join("state/journal.db");
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    std::fs::set_permissions(file.parent().unwrap(), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .unwrap();
    std::fs::write(&file, include_bytes!("fixtures/form-1.db")).unwrap();
    let journal = home.journal();
    journal.verify().unwrap();
    let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
    let recovered = recover(&journal, session, setup(0), StrategyState::Restore).unwrap();
    assert_eq!(recovered.engine.portfolio().equity().to_string(), "10296.17435021");
    let carried = recovered.carried_over(VENUE);
    assert_eq!((carried.first, carried.orders.len()), (false, 4));
    assert_eq!(carried.movements, ["cash_deposits:7"]);
    let fills: Vec<_> = carried.fills.iter().filter(|(_, id)| id.0 > 1_000).collect();
    let (buy, sell) = (|id| (Side::Buy, FillId(id)), |id| (Side::Sell, FillId(id)));
    assert_eq!(fills, [buy(1_000_001), buy(1_000_003), buy(1_000_004), sell(1_000_002)]);
    assert_eq!(carried.fills.iter().count(), 4 + 2);
    let report = replay(&journal, SessionId(1), setup(0)).unwrap();
    assert_eq!(report.divergence, None, "{}", report.render());
    // What follows is written in this build's form, and is read again.
    let _ = Recorder::begin(journal, &about(), &recovered.engine, Some(&recovered)).unwrap();
    let journal = home.journal();
    let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
    let again = recover(&journal, session, setup(0), StrategyState::Restore).unwrap();
    assert_eq!(again.carried_over(VENUE), carried);
}

#[test]
fn what_is_known_of_one_account_is_not_taken_for_anothers() {
    let two = || {
        let mut setup = setup(0);
        setup.markets.insert(Market::new("other", "btc_usd").unwrap()).unwrap();
        setup
    };
    let (first, second) = (VENUE, VenueId(1));
    let home = Home::new();
    let engine = Engine::new(two()).unwrap();
    assert_eq!(engine.markets().venue_of(MarketId(1)), Some(second));
    let mut recorder = Recorder::begin(home.journal(), &about(), &engine, None).unwrap();
    let foreign = Note::ForeignFill {
        side: Side::Buy,
        fill: FillId(7),
        base: "1".parse().unwrap(),
        quote: "100".parse().unwrap(),
        fee: "0.001 BTC".parse().unwrap(),
    };
    let baseline = Note::Baseline { fills: vec![(Side::Sell, FillId(3))], totals: vec![] };
    let transfer = Note::Transfer { movement: "7".to_owned(), money: "5 USD".parse().unwrap() };
    let now = Timestamp::from_secs(1);
    recorder.note(now, first, &foreign).unwrap();
    recorder.note(now, second, &baseline).unwrap();
    recorder.note(now, second, &transfer).unwrap();
    recorder.commit().unwrap();
    drop(recorder);
    // From the notes, and from a saved state.
    for _ in 0..2 {
        let journal = home.journal();
        let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
        let recovered = recover(&journal, session, two(), StrategyState::Restore).unwrap();
        let one = recovered.carried_over(first);
        assert!(one.first && one.movements.is_empty());
        assert!(one.fills.iter().eq([(Side::Buy, FillId(7))]));
        let other = recovered.carried_over(second);
        assert!(!other.first && other.movements == ["7"]);
        assert!(other.fills.iter().eq([(Side::Sell, FillId(3))]));
        drop(Recorder::begin(journal, &about(), &recovered.engine, Some(&recovered)).unwrap());
    }
}
