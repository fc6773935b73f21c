//! The contract of the kill switch, line by line, in virtual time.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use tokio::time::{Instant, sleep};

use super::fake::{Fake, Fault};
use super::switch::Task;
use super::*;
use crate::notify::{Notifier, Severity};
use crate::state_dir::StateDir;

struct Desk {
    _root: tempfile::TempDir,
    state: StateDir,
    exchange: Arc<Fake>,
    notifier: Notifier,
    guard: Guard,
}

fn desk_with(change: impl FnOnce(&mut GuardSettings)) -> (Desk, Task) {
    desk_of(Scope::Everything, change)
}

fn desk_of(scope: Scope, change: impl FnOnce(&mut GuardSettings)) -> (Desk, Task) {
    // In memory where that is possible: a thousand drills wait for the disk otherwise.
    let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let state = StateDir::open(Some(root.path()), "local").unwrap();
    let latch = Arc::new(Latch::open(&state).unwrap());
    let (exchange, notifier) = (Arc::new(Fake::default()), Notifier::default());
    // The slowest look at the file that is possible.
    let mut settings = GuardSettings { poll: Duration::from_millis(50), ..GuardSettings::default() };
    // Minutes instead of half hours: every look is a real one.
    settings.sweep.ghost_horizon = Duration::from_mins(3);
    settings.sweep.alarm_every = Duration::from_secs(50);
    change(&mut settings);
    let account = Account { exchange: Arc::clone(&exchange) as _, scope };
    let (guard, task) = Guard::parts(vec![account], latch, settings, notifier.clone());
    (Desk { _root: root, state, exchange, notifier, guard }, task)
}

fn desk() -> Desk {
    let (desk, task) = desk_with(|_| ());
    tokio::spawn(task.run(None));
    desk
}

impl Desk {
    fn titles(&self, severity: Severity) -> Vec<String> {
        let all = self.notifier.take_all();
        all.into_iter().filter(|notice| notice.severity == severity).map(|notice| notice.title).collect()
    }

    async fn until_blocked(&self) {
        while !self.guard.latch().is_blocked() {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_trip_blocks_at_once_then_cancels_then_verifies_twice() {
    let desk = desk();
    desk.exchange.add_order(1, "btc_usd");
    desk.guard.trip(Level::Halt, "loss", "rule");
    assert!(desk.guard.latch().is_blocked());
    desk.guard.cleared().await;
    let status = desk.guard.status();
    assert_eq!((status.record.level, status.progress.phase), (Level::Halt, Phase::Clear));
    let exchange = desk.exchange.state();
    assert!(exchange.orders.is_empty());
    assert_eq!(exchange.cancels[0].1, "*");
    let [.., before, last] = exchange.lists[..] else { panic!("two lists at least") };
    assert!(last - before >= Duration::from_secs(2));
    assert!(exchange.cancels[0].0 <= before);
}

#[tokio::test(start_paused = true)]
async fn a_milder_level_leaves_the_orders_and_a_stricter_one_takes_over() {
    let desk = desk();
    desk.guard.trip(Level::Reduce, "loss", "rule");
    sleep(Duration::from_secs(5)).await;
    assert!(desk.exchange.state().cancels.is_empty());
    assert_eq!(desk.guard.status().record.level, Level::Reduce);
    desk.guard.trip(Level::Halt, "more loss", "rule");
    desk.guard.cleared().await;
    desk.guard.trip(Level::Reduce, "less", "rule");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(desk.guard.status().record.reason, "more loss");
}

#[tokio::test(start_paused = true)]
async fn another_process_stops_through_the_file_and_a_person_resumes() {
    let desk = desk();
    sleep(Duration::from_secs(1)).await;
    let operator = Latch::open(&desk.state).unwrap();
    operator.engage(Level::Halt, "by hand", "operator").unwrap();
    let asked = Instant::now();
    desk.until_blocked().await;
    assert!(asked.elapsed() < Duration::from_millis(100), "{:?}", asked.elapsed());
    desk.guard.cleared().await;
    operator.resume("all is well", "operator").unwrap();
    let mut changes = desk.guard.changes();
    changes.wait_for(|record| record.level == Level::Active).await.unwrap();
    assert!(!desk.guard.latch().is_blocked());
    assert_eq!(desk.guard.status().progress, Progress::default());
    let cancels = desk.exchange.state().cancels.len();
    sleep(Duration::from_mins(1)).await;
    assert_eq!(desk.exchange.state().cancels.len(), cancels, "nothing is cancelled after a resume");
}

#[tokio::test(start_paused = true)]
async fn while_the_exchange_is_down_it_keeps_trying_and_tells_people() {
    let desk = desk();
    desk.exchange.add_order(1, "btc_usd");
    desk.exchange.state().always = Some(Fault::Down);
    desk.guard.trip(Level::Halt, "loss", "rule");
    sleep(Duration::from_mins(5)).await;
    assert_eq!(desk.guard.status().progress.phase, Phase::Cancelling);
    assert!(desk.guard.status().progress.problem.unwrap().contains("not available"));
    let alarms = desk.titles(Severity::Critical);
    let told = alarms.iter().filter(|title| *title == "Orders are not cancelled yet").count();
    assert!((5..=7).contains(&told), "every fifty seconds, {told} times");
    assert!(desk.exchange.state().cancels.len() > 50);
    desk.exchange.state().always = None;
    let asked = Instant::now();
    desk.guard.cleared().await;
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    assert!(desk.exchange.state().orders.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_is_down_holds_up_no_other_and_all_is_clear_only_when_every_one_is() {
    let (desk, task) = desk_with(|_| ());
    drop(task);
    let (down, well) = (Arc::new(Fake::default()), Arc::new(Fake::default()));
    let accounts = [&down, &well].map(|exchange| Account::everything(Arc::clone(exchange) as _));
    let latch = Arc::new(Latch::open(&desk.state).unwrap());
    let settings = GuardSettings::default();
    let (guard, task) = Guard::parts(accounts.into(), latch, settings, desk.notifier.clone());
    tokio::spawn(task.run(None));
    down.add_order(1, "btc_usd");
    well.add_order(2, "btc_usd");
    down.state().always = Some(Fault::Down);
    guard.trip(Level::Halt, "loss", "rule");
    sleep(Duration::from_secs(30)).await;
    assert!(well.state().orders.is_empty() && !down.state().orders.is_empty());
    let progress = guard.status().progress;
    assert_eq!((progress.phase, progress.clear_after), (Phase::Cancelling, None));
    assert!(progress.problem.unwrap().starts_with("fake: "), "it says whose problem it is");
    assert!(tokio::time::timeout(Duration::from_secs(30), guard.cleared()).await.is_err());
    down.state().always = None;
    guard.cleared().await;
    assert!(down.state().orders.is_empty());
    assert_eq!(guard.status().progress.phase, Phase::Clear);
}

#[tokio::test(start_paused = true)]
async fn requests_that_hang_are_given_up_and_what_cancel_all_misses_is_cancelled_one_by_one() {
    let desk = desk();
    desk.exchange.add_order(1, "btc_usd");
    // Two that hang; from then on a cancellation of all is accepted and does nothing.
    desk.exchange.state().faults = [Fault::Hangs, Fault::Hangs, Fault::Ignored].into_iter().collect();
    desk.guard.trip(Level::Halt, "loss", "rule");
    desk.guard.cleared().await;
    assert!(desk.exchange.state().singles > 0);
    assert!(desk.exchange.state().orders.is_empty());
}

#[tokio::test(start_paused = true)]
async fn markets_that_are_not_configured_are_left_alone() {
    let scope = Scope::Markets(vec!["btc_usd".to_owned(), "eth_usd".to_owned()]);
    let (desk, task) = desk_of(scope, |_| ());
    tokio::spawn(task.run(None));
    desk.exchange.add_order(1, "btc_usd");
    desk.exchange.add_order(2, "btc_ars");
    desk.guard.trip(Level::Halt, "loss", "rule");
    desk.guard.cleared().await;
    let exchange = desk.exchange.state();
    assert_eq!(exchange.orders.len(), 1);
    assert!(exchange.cancels.iter().all(|(_, market)| market.ends_with("_usd")));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_shows_up_late_is_cancelled_until_none_can_come() {
    let desk = desk();
    desk.guard.trip(Level::Halt, "loss", "rule");
    desk.guard.cleared().await;
    sleep(Duration::from_mins(2)).await;
    desk.exchange.add_order(7, "btc_usd");
    sleep(Duration::from_secs(20)).await;
    assert!(desk.exchange.state().orders.is_empty());
    assert!(desk.titles(Severity::Critical).contains(&"Orders after the stop".to_owned()));
    sleep(Duration::from_mins(2)).await;
    assert_eq!(desk.guard.status().progress.phase, Phase::Clear, "the horizon counts from the last order");
    sleep(Duration::from_mins(2)).await;
    assert_eq!(desk.guard.status().progress.phase, Phase::Done);
}

#[tokio::test(start_paused = true)]
async fn a_stop_outlives_the_process_and_the_next_one_finishes_the_cancelling() {
    let (desk, task) = desk_with(|_| ());
    desk.guard.latch().engage(Level::Halt, "before", "rule").unwrap();
    drop(task);
    let latch = Arc::new(Latch::open(&desk.state).unwrap());
    assert!(latch.is_blocked());
    desk.exchange.add_order(1, "btc_usd");
    let accounts = vec![Account::everything(Arc::clone(&desk.exchange) as _)];
    let (guard, task) = Guard::parts(accounts, latch, GuardSettings::default(), desk.notifier.clone());
    tokio::spawn(task.run(None));
    guard.cleared().await;
    assert!(desk.exchange.state().orders.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_broken_disk_stops_neither_the_block_nor_the_cancelling() {
    let desk = desk();
    desk.exchange.add_order(1, "btc_usd");
    let away = desk.state.path().with_extension("away");
    fs::rename(desk.state.path(), &away).unwrap();
    desk.guard.trip(Level::Halt, "loss", "rule");
    desk.guard.cleared().await;
    assert!(desk.exchange.state().orders.is_empty());
    assert!(desk.titles(Severity::Critical).contains(&"The stop cannot be written down".to_owned()));
    fs::rename(&away, desk.state.path()).unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(Latch::open(&desk.state).unwrap().is_blocked(), "written as soon as the disk is back");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_no_longer_moves_is_halted() {
    let desk = desk();
    sleep(Duration::from_mins(1)).await;
    assert!(!desk.guard.latch().is_blocked(), "one that never started is not stuck");
    for _ in 0..100 {
        desk.guard.pulse();
        sleep(Duration::from_secs(1)).await;
    }
    assert!(!desk.guard.latch().is_blocked());
    sleep(Duration::from_secs(31)).await;
    assert!(desk.guard.latch().is_blocked());
    desk.guard.cleared().await;
    assert!(desk.guard.status().record.reason.contains("has not moved"));
}

#[tokio::test(start_paused = true)]
async fn flattening_waits_for_the_cancelling_and_its_sales_are_left_alone() {
    let desk = desk();
    desk.exchange.add_order(1, "btc_usd");
    desk.guard.trip(Level::Flatten, "out of it", "operator");
    desk.guard.cleared().await;
    assert_eq!(desk.guard.changes().borrow().level, Level::Flatten);
    let permit = desk.guard.latch().permit_flatten().unwrap();
    desk.exchange.add_order(2, "btc_usd");
    sleep(Duration::from_mins(1)).await;
    assert_eq!(desk.exchange.state().orders.len(), 1);
    drop(permit);
    sleep(Duration::from_secs(20)).await;
    assert!(desk.exchange.state().orders.is_empty());
}

#[test]
fn a_panic_of_a_watched_thread_halts_and_the_guard_runs_on_its_own_thread() {
    let root = tempfile::tempdir().unwrap();
    let state = StateDir::open(Some(root.path()), "local").unwrap();
    let latch = Arc::new(Latch::open(&state).unwrap());
    let exchange = Arc::new(Fake::default());
    let mut settings = GuardSettings::default();
    settings.sweep.verify_gap = Duration::from_millis(20);
    let guard = Guard::start(
        vec![Account::everything(Arc::clone(&exchange) as _)],
        latch,
        settings,
        Notifier::default(),
    )
    .unwrap();
    let watched = guard.clone();
    let ended = std::thread::spawn(move || {
        let _sentinel = watched.sentinel("the engine");
        std::panic::resume_unwind(Box::new("a bug"));
    });
    assert!(ended.join().is_err());
    assert!(guard.latch().is_blocked());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(guard.cleared());
    assert_eq!(guard.status().record.reason, "the engine panicked");
    assert!(!exchange.state().cancels.is_empty());
}

#[test]
fn the_signal_halts() {
    let root = tempfile::tempdir().unwrap();
    let state = StateDir::open(Some(root.path()), "local").unwrap();
    let latch = Arc::new(Latch::open(&state).unwrap());
    let mut settings = GuardSettings::default();
    settings.sweep.verify_gap = Duration::from_millis(20);
    let guard = Guard::start(
        vec![Account::everything(Arc::new(Fake::default()))],
        latch,
        settings,
        Notifier::default(),
    )
    .unwrap();
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::USR1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut changes = guard.changes();
    let by = runtime.block_on(async {
        changes.wait_for(|record| record.level.is_halt()).await.ok().map(|record| record.by.clone())
    });
    assert_eq!(by.as_deref(), Some("signal"));
}

/// What a drill found.
#[derive(Debug, Default)]
struct Longest {
    blocked: Duration,
    sent: Duration,
    clear: Duration,
}

/// One stop under faults drawn from the seed, by one of the ways to stop.
async fn drill(seed: u64, longest: &mut Longest) {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut draw = |below: u64| random.next_u64() % below;
    // Requests scaled down.
    let (desk, task) = desk_with(|settings| {
        settings.sweep.patience = Duration::from_millis(500);
        settings.sweep.verify_gap = Duration::from_millis(200);
        settings.sweep.longest_pause = Duration::from_millis(500);
    });
    tokio::spawn(task.run(None));
    for order in 0..draw(5) {
        desk.exchange.add_order(order, "btc_usd");
    }
    let faults = (0..draw(10)).map(|_| match draw(5) {
        0 => Fault::Slow(Duration::from_millis(draw(700))),
        1 => Fault::Down,
        2 => Fault::Lost,
        3 => Fault::Hangs,
        _ => Fault::Ignored,
    });
    let faults = faults.collect();
    desk.exchange.state().faults = faults;
    sleep(Duration::from_millis(draw(100))).await;
    let by_file = draw(2) == 0;
    let asked = Instant::now();
    if by_file {
        Latch::open(&desk.state).unwrap().engage(Level::Halt, "drill", "operator").unwrap();
    } else {
        desk.guard.trip(Level::Halt, "drill", "rule");
    }
    desk.until_blocked().await;
    longest.blocked = longest.blocked.max(asked.elapsed());
    desk.guard.cleared().await;
    longest.clear = longest.clear.max(asked.elapsed());
    let exchange = desk.exchange.state();
    longest.sent = longest.sent.max(exchange.cancels[0].0 - asked);
    assert!(exchange.orders.is_empty(), "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_drills_block_within_a_tenth_of_a_second_and_cancel_within_one() {
    let mut longest = Longest::default();
    for seed in 0..1_000 {
        drill(seed, &mut longest).await;
        assert!(longest.blocked < Duration::from_millis(100), "seed {seed}: {longest:?}");
        assert!(longest.sent < Duration::from_secs(1), "seed {seed}: {longest:?}");
    }
    eprintln!("1000 drills, longest in virtual time: {longest:?}");
}
