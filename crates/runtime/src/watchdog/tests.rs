//! The watchdog with a real file and a fake exchange, in virtual time.

use pampero_model::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::guard::fake::{Fake, Fault};
use crate::state_dir::StateDir;

struct Desk {
    _root: tempfile::TempDir,
    state: StateDir,
    exchange: Arc<Fake>,
    notifier: Notifier,
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
    seconds: i64,
}

fn desk() -> Desk {
    let root = tempfile::tempdir().unwrap();
    let state = StateDir::open(Some(root.path()), "local").unwrap();
    let (exchange, notifier) = (Arc::new(Fake::default()), Notifier::default());
    let latch = Arc::new(Latch::open(&state).unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let (path, own, told) = (state.heartbeat_file(), Arc::clone(&exchange), notifier.clone());
    let task = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or(()) };
        run(vec![Account::everything(own)], &path, latch, WatchdogSettings::default(), told, shutdown).await;
    });
    Desk { _root: root, state, exchange, notifier, task, stop, seconds: 1_000 }
}

impl Desk {
    fn now(&mut self) -> Timestamp {
        self.seconds += 1;
        Timestamp::from_secs(self.seconds)
    }

    fn start(&mut self) -> Heartbeat {
        let now = self.now();
        Heartbeat::open(&self.state.heartbeat_file(), now).unwrap()
    }

    async fn beat_for(&mut self, heartbeat: &mut Heartbeat, seconds: u32) {
        for _ in 0..seconds {
            let now = self.now();
            heartbeat.beat(now).unwrap();
            sleep(Duration::from_secs(1)).await;
        }
    }

    fn cancels(&self) -> usize {
        self.exchange.state().cancels.len()
    }

    fn is_halted(&self) -> bool {
        Latch::open(&self.state).unwrap().is_blocked()
    }
}

#[tokio::test(start_paused = true)]
async fn silence_latches_and_cancels_and_only_a_new_run_is_watched_again() {
    let mut desk = desk();
    desk.exchange.add_order(1, "btc_usd");
    let mut heartbeat = desk.start();
    desk.beat_for(&mut heartbeat, 60).await;
    assert_eq!((desk.cancels(), desk.is_halted()), (0, false));
    sleep(Duration::from_secs(20)).await;
    assert!(desk.is_halted() && desk.exchange.state().orders.is_empty());
    // What the silent run does when it wakes up is cancelled as well.
    desk.exchange.add_order(2, "btc_usd");
    desk.beat_for(&mut heartbeat, 30).await;
    assert!(desk.exchange.state().orders.is_empty());
    Latch::open(&desk.state).unwrap().resume("looked at it", "operator").unwrap();
    heartbeat.renew(desk.now()).unwrap();
    desk.beat_for(&mut heartbeat, 5).await;
    desk.exchange.add_order(3, "btc_usd");
    desk.beat_for(&mut heartbeat, 60).await;
    assert_eq!(desk.exchange.state().orders.len(), 1, "the new run trades");
    sleep(Duration::from_secs(20)).await;
    assert!(desk.exchange.state().orders.is_empty() && desk.is_halted());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_until_the_orders_are_gone() {
    let mut desk = desk();
    desk.exchange.add_order(1, "btc_usd");
    let heartbeat = desk.start();
    sleep(Duration::from_secs(5)).await;
    drop(heartbeat); // the process dies without a word
    desk.exchange.state().always = Some(Fault::Down);
    sleep(Duration::from_secs(30)).await;
    desk.stop.send(()).unwrap();
    sleep(Duration::from_secs(30)).await;
    assert!(!desk.task.is_finished());
    desk.exchange.state().always = None;
    desk.task.await.unwrap();
    assert!(desk.exchange.state().orders.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_end_in_order_cancels_nothing() {
    let mut desk = desk();
    let mut heartbeat = desk.start();
    desk.beat_for(&mut heartbeat, 5).await;
    heartbeat.end(desk.now()).unwrap();
    sleep(Duration::from_mins(10)).await;
    assert_eq!((desk.cancels(), desk.is_halted()), (0, false));
    desk.stop.send(()).unwrap();
    desk.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_that_does_not_work_is_told_before_it_is_needed() {
    let desk = desk();
    desk.exchange.state().always = Some(Fault::Down);
    sleep(Duration::from_secs(10)).await;
    let told = desk.notifier.take_all();
    assert!(told.iter().any(|notice| notice.title == "The watchdog is blind"), "{told:?}");
}

#[test]
fn beats_keep_their_pace_whatever_the_clock_does() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("heartbeat.json");
    let seq = |path: &Path| Heartbeat::read(path).unwrap().seq;
    let mut heartbeat = Heartbeat::open(&path, Timestamp::from_secs(100)).unwrap();
    for millis in 100_001..100_999 {
        heartbeat.beat(Timestamp::from_millis(millis)).unwrap();
    }
    assert_eq!(seq(&path), 0);
    heartbeat.beat(Timestamp::from_secs(101)).unwrap();
    assert_eq!(seq(&path), 1);
    heartbeat.beat(Timestamp::from_secs(50)).unwrap();
    assert_eq!(seq(&path), 2, "a clock that was set back does not silence it");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 256);
    assert!(Heartbeat::read(&path).unwrap().process_exists());
    let gone = Beat { pid: u32::MAX, ..Heartbeat::read(&path).unwrap() };
    assert!(!gone.process_exists());
}
