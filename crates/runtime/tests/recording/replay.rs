use pampero_runtime::recorder::Recorder;
use pampero_runtime::recovery::{StrategyState, find_last, recover};
use pampero_runtime::replay::replay;
use pampero_store::journal::SessionId;

use crate::support::{Home, World, about, setup};

fn recorded(home: &Home, seed: u64, steps: usize) {
    let mut world = World::new(home.journal(), seed);
    for step in 0..steps {
        world.step();
        if step % 50 == 30 {
            world.scribe.recorder.save_state(world.simulation.engine()).unwrap();
        }
    }
    world.scribe.recorder.commit().unwrap();
}

#[test]
fn a_session_replays_byte_for_byte() {
    for seed in 0..4 {
        let home = Home::new();
        recorded(&home, seed, 150);
        let report = replay(&home.journal(), SessionId(1), setup(0)).unwrap();
        assert_eq!(report.divergence, None, "{}", report.render());
        assert!(report.steps > 150 && report.commands > 20, "{}", report.render());
    }
}

#[test]
fn the_session_after_a_crash_replays_too() {
    let home = Home::new();
    recorded(&home, 4, 100);
    let journal = home.journal();
    let session = find_last(&journal, "local", "paper", "busy").unwrap().unwrap();
    let recovered = recover(&journal, session, setup(0), StrategyState::Restore).unwrap();
    let recorder = Recorder::begin(journal, &about(), &recovered.engine, Some(&recovered)).unwrap();
    let mut world = World::over(recovered.engine, recorder, 5);
    (0..100).for_each(|_| world.step());
    drop(world);
    let report = replay(&home.journal(), SessionId(2), setup(0)).unwrap();
    assert_eq!(report.divergence, None, "{}", report.render());
}

#[test]
fn a_replay_from_archives_is_the_same() {
    let home = Home::new();
    recorded(&home, 2, 120);
    let before = replay(&home.journal(), SessionId(1), setup(0)).unwrap();
    home.journal().archive(SessionId(1), u64::MAX).unwrap();
    assert_eq!(replay(&home.journal(), SessionId(1), setup(0)).unwrap(), before);
}

#[test]
fn another_strategy_parts_at_its_first_other_decision() {
    let home = Home::new();
    recorded(&home, 1, 60);
    let report = replay(&home.journal(), SessionId(1), setup(1)).unwrap();
    let divergence = report.divergence.clone().unwrap();
    let line = |lines: &[String]| {
        lines.iter().any(|line| line.starts_with("place order") || line.starts_with("order"))
    };
    assert!(line(&divergence.expected) && line(&divergence.got), "{}", report.render());
    assert!(divergence.event.starts_with("book of market 0"), "{}", divergence.event);
    assert!(report.render().contains("the two part"));
}
