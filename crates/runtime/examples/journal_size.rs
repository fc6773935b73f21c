//! How large the journal of a day of books becomes at full polling, five a second: `journal_size` for a synthetic thin
//! market, `journal_size FILE` for the books of a file.
//!
//! The engine and a strategy that looks on are in it, as are the saved states; a commit a second.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pampero_engine::{Engine, Event, EventKind, Outputs, Requirements, Setup, Strategy};
use pampero_model::{
    BookSeries, BookSnapshot, Level, Market, MarketId, Markets, Price, Quantity, SCALE, Span, Timestamp,
};
use pampero_runtime::recorder::Recorder;
use pampero_store::journal::{Journal, NewSession};
use pampero_store::{Kind, LoadOptions, Series, load};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

type Failure = Box<dyn std::error::Error>;

const MARKET: MarketId = MarketId(0);
/// Polls in a day.
const DAY: u64 = 5 * 86_400;

struct Watch;

impl Strategy for Watch {
    fn requirements(&self) -> Requirements {
        Requirements::of(MARKET)
    }
}

/// A market like the exchange's: many levels, most of them idle; a few bots move their two quotes every few seconds,
/// and somebody comes or goes a few times a minute.
struct Thin {
    random: Pcg64Mcg,
    bids: Vec<Level>,
    asks: Vec<Level>,
    mid: i64,
}

impl Thin {
    fn new(levels: i64) -> Self {
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let mid = 45_000 * SCALE;
        let mut side = |sign: i64| -> Vec<Level> {
            (1..=levels)
                .map(|at| Level {
                    price: Price::from_units(
                        mid + sign * (at * 7 * SCALE + random.random_range(0..SCALE / 100) * 100),
                    ),
                    quantity: Quantity::from_units(random.random_range(10_000..2 * SCALE)),
                })
                .collect()
        };
        let (bids, asks) = (side(-1), side(1));
        Self { random, bids, asks, mid }
    }

    /// One poll later. A fifth of a second changes something in a third of the polls.
    fn step(&mut self) {
        if self.random.random_range(0..3) > 0 {
            return;
        }
        self.mid += self.random.random_range(-5..=5) * SCALE / 10;
        for sign in [-1, 1] {
            let moves = self.random.random_range(0..3);
            for _ in 0..moves {
                let side = if sign < 0 { &mut self.bids } else { &mut self.asks };
                // One leaves, another comes, nearer to the middle more often.
                let near = self.random.random_range(1..=side.len().min(12));
                side.remove(near - 1);
                let distance = self.random.random_range(1..60 * SCALE);
                let price = Price::from_units(self.mid + sign * distance);
                let quantity = Quantity::from_units(self.random.random_range(10_000..SCALE));
                let at =
                    side.partition_point(
                        |level| if sign < 0 { level.price > price } else { level.price < price },
                    );
                if side.get(at).is_none_or(|level| level.price != price) {
                    side.insert(at, Level { price, quantity });
                }
            }
        }
        // Nothing crosses: what the middle has passed is gone, and others come at the far end.
        let mid = Price::from_units(self.mid);
        self.bids.retain(|level| level.price < mid);
        self.asks.retain(|level| level.price > mid);
        for (side, sign) in [(&mut self.bids, -1), (&mut self.asks, 1)] {
            while side.len() < 150 {
                let last = side.last().map_or(self.mid, |level| level.price.units());
                let quantity = Quantity::from_units(self.random.random_range(10_000..SCALE));
                side.push(Level { price: Price::from_units(last + sign * 3 * SCALE), quantity });
            }
        }
    }
}

struct Day {
    engine: Engine,
    recorder: Recorder,
    out: Outputs,
    polls: u64,
    levels: usize,
    path: PathBuf,
    commits: Vec<Duration>,
}

impl Day {
    fn new(folder: &Path) -> Result<Self, Failure> {
        let mut markets = Markets::default();
        markets.insert(Market::new("bitex", "btc_usd")?)?;
        let mut setup = Setup::new(markets, "usd".parse()?);
        setup.strategies.push((Box::new(Watch), pampero_engine::Limits::default()));
        let engine = Engine::new(setup)?;
        let path = folder.join("state/journal.db");
        let recorder = Recorder::begin(Journal::open(&path)?, &NewSession::default(), &engine, None)?;
        Ok(Self { engine, recorder, out: Outputs::default(), polls: 0, levels: 0, path, commits: Vec::new() })
    }

    fn see(&mut self, book: BookSnapshot<'_>) -> Result<(), Failure> {
        let time = Timestamp::from_secs(1).plus(Span::from_millis(i64::try_from(self.polls)? * 200));
        let event = Event { time, kind: EventKind::Book { market: MARKET, book } };
        self.engine.step(&event, &mut self.out);
        self.recorder.stepped(&event, &self.engine, &self.out)?;
        self.out.clear();
        self.polls += 1;
        self.levels += book.bids.len() + book.asks.len();
        if self.polls.is_multiple_of(5) {
            let begin = Instant::now();
            self.recorder.commit()?;
            self.commits.push(begin.elapsed());
        }
        if self.recorder.state_due() {
            self.recorder.save_state(&self.engine)?;
        }
        Ok(())
    }

    fn report(self, name: &str) -> Result<(), Failure> {
        let Self { engine, recorder, polls, levels, path, mut commits, .. } = self;
        let session = recorder.session();
        let mut journal = recorder.end(engine.now(), "done", &engine)?;
        // Moves the log into the database, so that the file says all.
        journal.archive(session, 0)?;
        let live = std::fs::metadata(&path)?.len();
        let (mut packed, mut moves) = (0, Vec::new());
        loop {
            let begin = Instant::now();
            // As a session does it, between two turns.
            let Some((_, file)) = journal.archive_some(session, u64::MAX, 20_000)? else { break };
            moves.push(begin.elapsed());
            packed += std::fs::metadata(file)?.len();
        }
        let share = |of: &mut Vec<Duration>, percent: usize| {
            of.sort_unstable();
            of.get((of.len() * percent / 100).min(of.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        let a_day = |bytes: u64| bytes.saturating_mul(DAY) / polls / 1_000;
        println!(
            "{name}: {polls} books of {} levels; {} bytes a book; a day {}.{:03} MB in SQLite, {}.{:03} MB archived",
            levels / usize::try_from(polls)?,
            live / polls,
            a_day(live) / 1_000,
            a_day(live) % 1_000,
            a_day(packed) / 1_000,
            a_day(packed) % 1_000,
        );
        println!("a commit, synced: p50 {:?}, p99 {:?}", share(&mut commits, 50), share(&mut commits, 99));
        println!(
            "20,000 records to the archive: p50 {:?}, most {:?}",
            share(&mut moves, 50),
            share(&mut moves, 100)
        );
        Ok(())
    }
}

fn books_of(path: &str) -> Result<BookSeries, Failure> {
    let options = LoadOptions { kind: Some(Kind::Books), depth: Some(150), ..LoadOptions::default() };
    match load(path, &options)?.series {
        Series::Books(books) => Ok(books),
        _ => Err("the file holds no books".into()),
    }
}

fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let mut day = Day::new(folder.path())?;
    let Some(path) = std::env::args().nth(1) else {
        let mut market = Thin::new(150);
        // A tenth of a day; what a whole one takes is in proportion.
        for _ in 0..DAY / 10 {
            market.step();
            day.see(BookSnapshot { bids: &market.bids, asks: &market.asks })?;
        }
        return day.report("synthetic thin market");
    };
    let books = books_of(&path)?;
    // What a poll every 200 ms would have seen.
    let mut next = Timestamp::MIN;
    for (time, book) in (0..books.len()).filter_map(|index| books.get(index)) {
        if time >= next {
            next = time.plus(Span::from_millis(200));
            day.see(book)?;
        }
    }
    day.report(&path)
}
