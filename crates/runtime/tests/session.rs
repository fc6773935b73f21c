//! A session on paper: from the inbox to the journal, through a crash, and once more in a backtest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use pampero_backtest::{Simulation, Witness};
use pampero_engine::{
    Allocation, Audit, Context, Desired, Engine, Event, Limits, Outputs, Owner, Reason, Requirements, Setup,
    Strategy, StrategyId,
};
use pampero_model::*;
use pampero_runtime::feed::{News, Standing};
use pampero_runtime::recorder::Recorder;
use pampero_runtime::recovery::{StrategyState, find_last, recover};
use pampero_runtime::replay::replay;
use pampero_runtime::session::{
    Ended, Input, Operator, Paper, Pen, SessionHooks, StopMode, StopSettings, inbox, prepare, run,
};
use pampero_runtime::tape::{Step, Tape};
use pampero_store::journal::{Journal, NewSession, SessionId};
use pampero_venue::{FillModel, FillPreset, Latency, LatencyModel, SimSettings};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const MARKET: MarketId = MarketId(0);
const START: i64 = 1_700_000_000;

/// Quotes both sides of the middle, and moves with it from time to time: an order must have been seen in a book before
/// a trade can fill it.
#[derive(Default)]
struct Maker {
    books: u64,
}

impl Strategy for Maker {
    fn requirements(&self) -> Requirements {
        Requirements::of(MARKET)
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        self.books += 1;
        if self.books % 8 != 1 {
            return;
        }
        let Some(mid) = ctx.mark(market).map(|fact| fact.value) else { return };
        let away = Price::from_units(SCALE / 4);
        let bid = Desired {
            side: Side::Buy,
            price: mid.saturating_sub(away),
            size: Size::Quote("50".parse().unwrap()),
        };
        let ask = Desired {
            side: Side::Sell,
            price: mid.saturating_add(away),
            size: Size::Base("0.5".parse().unwrap()),
        };
        ctx.quote(market, &[bid, ask], Reason::new("QUOTE"));
    }
}

fn setup() -> Setup {
    let mut markets = Markets::default();
    markets.insert(Market { fingerprint_span: 99, ..Market::new("bitex", "btc_usd").unwrap() }).unwrap();
    let mut setup = Setup::new(markets, "usd".parse().unwrap());
    setup.strategies.push((Box::new(Maker::default()), Limits::default()));
    for money in ["1000 USD", "5 BTC"] {
        let owner = Owner::Strategy(StrategyId(0));
        setup.allocations.push(Allocation { owner, venue: VenueId(0), money: money.parse().unwrap() });
    }
    setup
}

fn settings() -> SimSettings {
    let latency =
        Latency::symmetric(LatencyModel::Uniform { min: Span::from_millis(50), max: Span::from_millis(250) });
    SimSettings { fill: FillModel::preset(FillPreset::Neutral), latency, seed: 7 }
}

fn about() -> NewSession {
    NewSession {
        environment: "local".into(),
        mode: "paper".into(),
        strategies: "maker".into(),
        ..NewSession::default()
    }
}

/// A market that wanders, poll by poll: the trades since the last one, then the book.
fn news(seed: u64, polls: usize, first_trade: u64) -> Vec<News> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let (mut mid, mut id) = (100 * SCALE, first_trade);
    let mut all = Vec::new();
    for poll in 0..polls {
        mid += random.random_range(-SCALE..=SCALE) / 4;
        // After whatever is resting, by the clock of the session: what happened before an order arrived fills nothing.
        let time = Timestamp::from_secs(START + 1_000_000 + i64::try_from(poll).unwrap());
        for _ in 0..random.random_range(0..3) {
            id += 1;
            let price = Price::from_units(mid + random.random_range(-SCALE..=SCALE) / 2);
            let quantity = Quantity::from_units(random.random_range(1..=SCALE));
            let aggressor = Some(if random.random() { Side::Buy } else { Side::Sell });
            let trade = Trade { id, time, price, quantity, aggressor };
            all.push(News::Trade { market: MARKET, trade, standing: Standing::New });
        }
        let mut book = OrderBook::default();
        for level in 1..=5 {
            let quantity = Quantity::from_units(SCALE * level);
            let away = SCALE / 8 * level;
            book.set_level(Side::Buy, Level { price: Price::from_units(mid - away), quantity });
            book.set_level(Side::Sell, Level { price: Price::from_units(mid + away), quantity });
        }
        all.push(News::Book { market: MARKET, book: Arc::new(book), changed: true });
    }
    all
}

/// Runs a session over inputs until they end, on a clock that moves a tenth of a second at every look.
/// Without a stop the sources end without a word, as they do when a process is killed.
fn session(path: &Path, inputs: Vec<Input>, from: i64) -> (Result<Ended, String>, Vec<Audit>, bool) {
    let journal = Journal::open(path).unwrap();
    let last = find_last(&journal, "local", "paper", "maker").unwrap();
    let mut recovered = last.map(|last| recover(&journal, last, setup(), StrategyState::Restore).unwrap());
    let mut fresh = Engine::new(setup()).unwrap();
    let engine = recovered.as_mut().map_or(&mut fresh, |recovered| &mut recovered.engine);
    let now = Timestamp::from_secs(from);
    let fill = engine.checkpoint().counted_fills().iter().map(|fill| fill.2).max().unwrap_or(FillId(0));
    let venue = prepare(engine, settings(), fill, now).unwrap();
    let engine = recovered.as_ref().map_or(&fresh, |recovered| &recovered.engine);
    let recorder = Recorder::begin(journal, &about(), engine, recovered.as_ref()).unwrap();
    let resumed = recovered.is_some();
    let engine = recovered.map_or(fresh, |recovered| recovered.engine);
    let mut paper: Box<dyn pampero_runtime::session::Mode> =
        Box::new(Paper::new(engine, venue, Pen::new(recorder)));

    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (sender, inbox) = inbox();
    let ticks = Cell::new(now);
    let mut audits = Vec::new();
    let ended = runtime.block_on(async {
        tokio::spawn(async move {
            let stops = matches!(inputs.last(), Some(Input::Stop(_)));
            for input in inputs {
                let _ = sender.send(input).await;
            }
            if stops {
                sender.closed().await;
            }
        });
        let clock = || {
            ticks.set(ticks.get().plus(Span::from_millis(100)));
            ticks.get()
        };
        run(
            paper.as_mut(),
            inbox,
            StopSettings { deadline: Span::from_secs(60), flatten: false },
            SessionHooks {
                clock: &clock,
                send: &mut |_| panic!("paper sends nothing"),
                turn: &mut |_| {},
                note: &mut |_, _| {},
                committed: &mut |_| {},
                audit: &mut |_, audit| audits.push(*audit),
            },
        )
        .await
    });
    if ended.is_ok() {
        paper.end(ticks.get(), "test").unwrap();
    }
    (ended.map_err(|error| error.to_string()), audits, resumed)
}

fn with_stop(news: Vec<News>) -> Vec<Input> {
    news.into_iter().map(Input::News).chain([Input::Stop(StopMode::Orderly)]).collect()
}

#[derive(Default)]
struct Seen(Vec<Audit>);

impl Witness for Seen {
    fn stepped(&mut self, _: &Event<'_>, _: &Engine, out: &Outputs) {
        self.0.extend(out.audit.iter().copied());
    }

    fn started(&mut self, _: Timestamp, _: &Engine, out: &Outputs) {
        self.0.extend(out.audit.iter().copied());
    }
}

fn fills(audits: &[Audit]) -> usize {
    audits.iter().filter(|audit| matches!(audit, Audit::Filled { .. })).count()
}

#[test]
fn a_session_fills_stops_clean_and_replays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state").join("journal.sqlite");
    let (ended, audits, resumed) = session(&path, with_stop(news(1, 300, 0)), START);
    assert_eq!(ended, Ok(Ended { open: Vec::new(), clean: true }));
    assert!(!resumed && fills(&audits) > 20, "{} fills", fills(&audits));
    let report = replay(&Journal::open(&path).unwrap(), SessionId(1), setup()).unwrap();
    assert_eq!(report.divergence, None, "{}", report.render());
}

/// The parity of paper and backtest: the recorded market, shown to a fresh engine and venue, gives the same orders and
/// the same executions, to the last digit and nanosecond.
#[test]
fn what_paper_did_a_backtest_of_the_same_data_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state").join("journal.sqlite");
    let (_, live, _) = session(&path, with_stop(news(2, 300, 0)), START);
    let mut engine = Engine::new(setup()).unwrap();
    let journal = Journal::open(&path).unwrap();
    let venue = prepare(&mut engine, settings(), FillId(0), Timestamp::from_secs(START)).unwrap();
    let mut simulation = Simulation::new(engine, venue);
    let mut seen = Seen::default();
    let mut tape = Tape::new(&journal, SessionId(1), 0).unwrap();
    let mut started = false;
    while let Some(step) = tape.step().unwrap() {
        match step {
            Step::Started { time, .. } => {
                simulation.start(time, &mut seen);
                started = true;
            }
            Step::Event { event, .. } if started => {
                simulation.run_due(event.time, &mut seen);
                simulation.repeat(&event, &mut seen);
            }
            _ => {}
        }
    }
    assert!(fills(&live) > 20);
    assert_eq!(seen.0, live);
}

#[test]
fn after_a_crash_orders_and_ledger_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state").join("journal.sqlite");
    let inputs: Vec<Input> = news(3, 120, 0).into_iter().map(Input::News).collect();
    let (ended, before, _) = session(&path, inputs, START);
    assert!(ended.is_err() && fills(&before) > 5);
    let (ended, after, resumed) = session(&path, with_stop(news(4, 120, 10_000)), START + 3_600);
    assert_eq!(ended, Ok(Ended { open: Vec::new(), clean: true }));
    assert!(resumed && fills(&after) > 5);
    // Executions of both lives are numbered on, so that none counts twice and none is lost.
    let ids = |audits: &[Audit]| -> Vec<u64> {
        let filled = audits.iter().filter_map(|audit| match audit {
            Audit::Filled { fill, .. } => Some(fill.id.0),
            _ => None,
        });
        filled.collect()
    };
    assert!(ids(&before).iter().max() < ids(&after).iter().min());
    let report = replay(&Journal::open(&path).unwrap(), SessionId(2), setup()).unwrap();
    assert_eq!(report.divergence, None, "{}", report.render());
}

#[test]
fn an_operator_halts_and_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state").join("journal.sqlite");
    let mut inputs: Vec<Input> = news(5, 100, 0).into_iter().map(Input::News).collect();
    inputs.push(Input::Operator { operator: Operator::Halt, change: 1 });
    inputs.extend(news(6, 100, 1_000).into_iter().map(Input::News));
    let halted_for = inputs.len();
    inputs.push(Input::Operator { operator: Operator::Resume, change: 2 });
    inputs.extend(with_stop(news(7, 100, 2_000)));
    assert!(halted_for > 200);
    let (ended, audits, _) = session(&path, inputs, START);
    assert!(ended.unwrap().clean);
    let position = |wanted: &str| {
        audits
            .iter()
            .position(|audit| matches!(audit, Audit::State { state, .. } if format!("{state:?}") == wanted))
    };
    let (halted, active) = (position("Halted").unwrap(), position("Active").unwrap());
    // What was under way may still fill; nothing new is ordered until a person resumes.
    assert!(fills(&audits[halted..active]) <= 2, "{} fills while halted", fills(&audits[halted..active]));
    assert!(fills(&audits[active..]) > 0);
}
