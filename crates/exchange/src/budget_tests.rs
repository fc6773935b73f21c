//! The budget in simulated time: tokio's clock is paused and moves only when everybody waits.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

type Log = Arc<Mutex<Vec<(Instant, Class)>>>;

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

fn own() -> Budget {
    Budget::new(BudgetConfig::default()).unwrap()
}

/// Budgets of as many processes that share a file and a clock.
fn processes(count: usize, folder: &tempfile::TempDir) -> Vec<Budget> {
    let clock = Clock::Since(Instant::now());
    let config = BudgetConfig { file: Some(folder.path().join("budget")), ..BudgetConfig::default() };
    (0..count).map(|_| Budget::with_clock(config.clone(), clock).unwrap()).collect()
}

/// Asks again and again, as a loop of the runtime does.
async fn hammer(budget: Budget, class: Class, log: Log, until: Instant) {
    while Instant::now() < until {
        budget.acquire(class).await;
        log.lock().unwrap().push((Instant::now(), class));
    }
}

fn assert_never_six_in_a_second(log: &Log) {
    let log = log.lock().unwrap();
    for window in log.windows(6) {
        let span = window[5].0 - window[0].0;
        assert!(span >= Duration::from_secs(1), "six requests within {span:?}");
    }
}

fn count(log: &Log, class: Class) -> usize {
    log.lock().unwrap().iter().filter(|(_, other)| *other == class).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever asks when, from however many processes, and gives up in between.
    #[test]
    fn no_second_sees_six_requests(
        processes_count in 1_usize..4,
        asks in prop::collection::vec((0_u64..5_000, 0_usize..6, 0_usize..4, prop::option::of(1_u64..700)), 1..60),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::default();
        let expected = asks.iter().filter(|ask| ask.3.is_none()).count();
        let served = Arc::new(Mutex::new(0_usize));
        paused().block_on(async {
            let budgets = processes(processes_count, &folder);
            let mut tasks = Vec::new();
            for (at, class, process, patience) in asks {
                let (log, served) = (log.clone(), served.clone());
                let budget = budgets[process % processes_count].clone();
                tasks.push(tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(at)).await;
                    let class = Class::ALL[class];
                    let turn = budget.acquire(class);
                    let got = match patience {
                        None => { turn.await; *served.lock().unwrap() += 1; true }
                        Some(patience) => tokio::time::timeout(Duration::from_millis(patience), turn).await.is_ok(),
                    };
                    if got {
                        log.lock().unwrap().push((Instant::now(), class));
                    }
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert_never_six_in_a_second(&log);
        prop_assert_eq!(*served.lock().unwrap(), expected);
    }
}

#[test]
fn every_class_gets_its_share_and_cancellations_the_most() {
    let log = Log::default();
    paused().block_on(async {
        let (budget, until) = (own(), Instant::now() + Duration::from_mins(1));
        let ordinary = Class::ALL.into_iter().filter(|class| *class != Class::Panic);
        let tasks: Vec<_> = ordinary
            .flat_map(|class| [class; 3])
            .map(|class| tokio::spawn(hammer(budget.clone(), class, log.clone(), until)))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_never_six_in_a_second(&log);
    assert!(count(&log, Class::Cancel) >= 60, "{}", count(&log, Class::Cancel));
    assert!(count(&log, Class::MarketData) >= 60, "{}", count(&log, Class::MarketData));
    assert!(count(&log, Class::Reconcile) >= 30, "{}", count(&log, Class::Reconcile));
    assert!(count(&log, Class::Place) >= 20, "{}", count(&log, Class::Place));
    assert!(count(&log, Class::Account) >= 12, "{}", count(&log, Class::Account));
    let all = log.lock().unwrap().len();
    assert!(all >= 60 * 1000 / 220 - 1, "no slot is wasted: {all}");
}

#[test]
fn shares_hold_across_processes() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::default();
    paused().block_on(async {
        let budgets = processes(2, &folder);
        let until = Instant::now() + Duration::from_secs(30);
        // One process hammers cancellations, the other polls the market.
        let cancels = (0..4).map(|_| (&budgets[0], Class::Cancel));
        let tasks: Vec<_> = cancels
            .chain([(&budgets[1], Class::MarketData), (&budgets[1], Class::Reconcile)])
            .map(|(budget, class)| tokio::spawn(hammer(budget.clone(), class, log.clone(), until)))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_never_six_in_a_second(&log);
    assert!(count(&log, Class::MarketData) >= 30, "{}", count(&log, Class::MarketData));
    assert!(count(&log, Class::Reconcile) >= 15, "{}", count(&log, Class::Reconcile));
    assert!(count(&log, Class::Cancel) >= 60, "{}", count(&log, Class::Cancel));
}

/// What the ledger says of a class may be older than who waits for it now: the one who asked first has left. Were
/// the two processes to count from different beginnings, each would take it for the other's turn.
#[test]
fn processes_do_not_give_way_to_each_other_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    paused().block_on(async {
        let budgets = processes(2, &folder);
        let start = Instant::now();
        let at = |millis: u64| tokio::time::sleep_until(start + Duration::from_millis(millis));
        // Asks at a time and gives up at another; whatever else waits in the process is seen waiting then.
        let briefly = async |process: usize, class: Class, from: u64, to: u64| {
            at(from).await;
            let turn = budgets[process].acquire(class);
            assert!(tokio::time::timeout_at(start + Duration::from_millis(to), turn).await.is_err());
        };
        let lastly = async |process: usize, class: Class, from: u64| {
            at(from).await;
            let turn = tokio::time::timeout(Duration::from_secs(30), budgets[process].acquire(class)).await;
            turn.unwrap_or_else(|_| panic!("{class} of process {process} never had its turn"));
            start.elapsed().as_millis()
        };
        // Nobody sends until both are due.
        budgets[0].back_off(Some(Duration::from_millis(700)));
        let ((), (), (), market_data, cancel) = tokio::join!(
            briefly(0, Class::MarketData, 0, 600),
            briefly(0, Class::Account, 400, 410),
            briefly(1, Class::Account, 500, 510),
            lastly(0, Class::MarketData, 601),
            lastly(1, Class::Cancel, 300),
        );
        assert!(market_data.max(cancel) <= 700 + 2 * 220, "{market_data} {cancel}");
    });
}

#[test]
fn higher_classes_come_first_and_equals_in_the_order_they_came() {
    let log = Log::default();
    paused().block_on(async {
        let budget = own();
        budget.acquire(Class::Place).await;
        let mut tasks = Vec::new();
        for class in [Class::Place, Class::Place, Class::Cancel] {
            let (budget, log) = (budget.clone(), log.clone());
            tasks.push(tokio::spawn(async move {
                budget.acquire(class).await;
                log.lock().unwrap().push((Instant::now(), class));
            }));
            tokio::task::yield_now().await;
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    let order: Vec<Class> = log.lock().unwrap().iter().map(|(_, class)| *class).collect();
    assert_eq!(order, [Class::Cancel, Class::Place, Class::Place]);
}

#[test]
fn the_emergency_stop_takes_the_next_slot_from_any_process() {
    let folder = tempfile::tempdir().unwrap();
    paused().block_on(async {
        let budgets = processes(2, &folder);
        let (log, until) = (Log::default(), Instant::now() + Duration::from_secs(10));
        for class in [Class::Cancel, Class::Cancel, Class::Place, Class::MarketData] {
            tokio::spawn(hammer(budgets[0].clone(), class, log.clone(), until));
        }
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(333)).await;
            let asked = Instant::now();
            budgets[1].acquire(Class::Panic).await;
            log.lock().unwrap().push((Instant::now(), Class::Panic));
            assert!(asked.elapsed() <= Duration::from_millis(230), "{:?}", asked.elapsed());
        }
        assert_never_six_in_a_second(&log);
    });
}

#[test]
fn a_waiter_that_gives_up_loses_no_slot() {
    let folder = tempfile::tempdir().unwrap();
    paused().block_on(async {
        for budget in [own(), processes(1, &folder).remove(0)] {
            give_up_often(&budget).await;
        }
    });
}

async fn give_up_often(budget: &Budget) {
    budget.acquire(Class::Cancel).await;
    let start = Instant::now();
    for _ in 0..20 {
        let waiting = budget.acquire(Class::Cancel);
        assert!(tokio::time::timeout(Duration::from_millis(10), waiting).await.is_err());
    }
    budget.acquire(Class::MarketData).await;
    assert_eq!(start.elapsed(), Duration::from_millis(220));
}

#[test]
fn back_off_keeps_the_queue_and_doubles_until_an_answer() {
    paused().block_on(async {
        let budget = own();
        budget.acquire(Class::Place).await;
        let waiting = tokio::spawn({
            let budget = budget.clone();
            async move { budget.acquire(Class::Place).await }
        });
        tokio::task::yield_now().await;
        let start = Instant::now();
        budget.back_off(None);
        budget.back_off(None);
        waiting.await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        budget.answered();
        budget.back_off(Some(Duration::from_secs(7)));
        let start = Instant::now();
        budget.acquire(Class::Cancel).await;
        assert_eq!(start.elapsed(), Duration::from_secs(7));
    });
}

#[test]
fn the_emergency_stop_waits_for_a_back_off_one_second_at_most() {
    paused().block_on(async {
        let budget = own();
        budget.acquire(Class::Place).await;
        budget.back_off(Some(Duration::from_mins(1)));
        let start = Instant::now();
        budget.acquire(Class::Panic).await;
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    });
}

#[test]
fn a_clock_that_was_set_back_costs_one_pause() {
    let folder = tempfile::tempdir().unwrap();
    paused().block_on(async {
        let budget = processes(1, &folder).remove(0);
        let file = LedgerFile::open(&folder.path().join("budget")).unwrap();
        file.update(|ledger| {
            ledger.last_send = u64::MAX;
            ledger.claims[0].seen = u64::MAX;
        })
        .unwrap();
        let start = Instant::now();
        budget.acquire(Class::Panic).await;
        budget.acquire(Class::Account).await;
        assert_eq!(start.elapsed(), Duration::from_millis(440));
    });
}

#[test]
fn a_lock_that_is_never_released_is_gone_around() {
    let folder = tempfile::tempdir().unwrap();
    paused().block_on(async {
        let budget = processes(1, &folder).remove(0);
        let holder = std::fs::File::open(folder.path().join("budget")).unwrap();
        holder.lock().unwrap();
        let start = Instant::now();
        budget.acquire(Class::Cancel).await;
        budget.acquire(Class::Cancel).await;
        assert!(start.elapsed() >= LOCK_PATIENCE + Duration::from_millis(220));
        assert!(start.elapsed() < LOCK_PATIENCE + Duration::from_millis(500));
    });
}

#[test]
fn waits_are_measured_by_class() {
    paused().block_on(async {
        let budget = own();
        for _ in 0..3 {
            budget.acquire(Class::Account).await;
        }
        let waits = budget.waits(Class::Account);
        assert_eq!((waits.count, waits.total), (3, Duration::from_millis(440)));
        assert_eq!(waits.longest, Duration::from_millis(220));
        assert_eq!(waits.buckets, [1, 0, 2, 0, 0, 0, 0, 0, 0]);
        assert_eq!(budget.waits(Class::Place), WaitStats::default());
        assert_eq!(budget.next_slot(), Duration::from_millis(220));
    });
}

#[test]
fn a_pace_that_breaks_the_limit_is_refused() {
    let config = BudgetConfig { pace: Duration::from_millis(199), file: None };
    let error = Budget::new(config).unwrap_err();
    assert!(error.to_string().contains("199ms") && error.to_string().contains("200 ms"), "{error}");
}
