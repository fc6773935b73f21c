//! One strategy on two exchanges: it quotes on the one and hedges on the other, dies, goes on, and is halted while one of
//! them does not answer. At the end both exchanges say the same as the journal, to the last unit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use pampero_engine::EventKind;
use pampero_model::{FillId, MarketId, Side, UpdateKind, VenueStatus};
use pampero_runtime::state_dir::{StateDir, write_private};
use pampero_runtime::tape::{Step, Tape};
use pampero_sandbox::{AcceptedOrder, Sandbox, SandboxConfig};
use pampero_store::journal::Journal;
use pampero_tests::kills::trader;
use serde_json::Value as Json;

/// Quotes on the first exchange close to its market, and hedges on the other.
const CONFIG: &str = r#"
[run]
report_currency = "usd"
[[strategy]]
name = "cross-market"
markets = ["btc_usd", "north:btc_usd"]
[strategy.parameters]
quantity = "0.02"
bid_profit = "0"
ask_profit = "0"
interval = "300ms"
volume_window = "0s"
hedge_time_to_live = "2s"
[venues.north]
adapter = "bitex"
[account]
"bitex:usd" = "10000"
"bitex:btc" = "1"
"north:usd" = "10000"
"north:btc" = "1"
[markets.btc_usd]
maker_fee = "0"
taker_fee = "0"
[markets."north:btc_usd"]
maker_fee = "0"
taker_fee = "0"
[limits]
max_order_value = "5000"
[limits.markets.btc_usd]
max_order_notional = "5000"
[limits.markets."north:btc_usd"]
max_order_notional = "5000"
[feed]
fastest = "300ms"
slowest = "1s"
slowest_with_orders = "500ms"
spacing = "200ms"
[paper]
fill = "optimistic"
[live]
quarantine = "4s"
ghost_horizon = "8s"
orders_per_minute = 600
"#;

/// The longest that anything may take.
const LONGEST: Duration = Duration::from_secs(150);

struct Ground {
    runtime: tokio::runtime::Runtime,
    /// In the order of the strategy's markets.
    exchanges: Vec<Sandbox>,
    folder: tempfile::TempDir,
}

impl Ground {
    /// Two exchanges with keys of their own, each of which left word under its name.
    fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ground = Self { runtime, exchanges: Vec::new(), folder };
        let start = |(seed, word): (u64, &str)| {
            let text = format!(
                "seed = {seed}\nrequests_per_second = 0\nagents.speed = 2000\n[[books]]\ncode = 'btc_usd'\n\
                 maker_fee = '0'\ntaker_fee = '0'\n"
            );
            let config = SandboxConfig::from_toml(&text).unwrap();
            let sandbox = ground.runtime.block_on(Sandbox::start(config)).unwrap();
            let word = ground.state().path().join(word);
            write_private(&word, sandbox.announcement().as_bytes()).unwrap();
            sandbox
        };
        let exchanges = [(1, "sandbox.json"), (2, "sandbox-north.json")].map(start).into();
        std::fs::write(ground.folder.path().join("two.toml"), CONFIG).unwrap();
        Self { exchanges, ..ground }
    }

    fn state(&self) -> StateDir {
        StateDir::open(Some(&self.folder.path().join("state")), "local").unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        let program = Path::new(env!("CARGO_BIN_EXE_prove"));
        trader(program, self.folder.path(), arguments).unwrap().spawn().unwrap()
    }

    /// Waits for the end of a process.
    fn ended(&self, mut process: Child) -> ExitStatus {
        self.until("a process ends", || process.try_wait().unwrap().is_some());
        process.wait().unwrap()
    }

    /// Ends a process in order.
    fn end(&self, life: Child) {
        let pid = life.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended = self.ended(life);
        assert!(ended.success(), "{ended}:\n{}", self.log());
    }

    fn run(&self, arguments: &[&str]) {
        let status = self.ended(self.spawn(arguments));
        assert!(status.success(), "{arguments:?} ({status}):\n{}", self.log());
    }

    fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < LONGEST, "waited in vain until {what}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many own orders of an exchange were executed, at least in part.
    fn executed(&self, exchange: usize) -> usize {
        let orders = self.own(exchange);
        orders.iter().filter(|order| order.remaining < order.amount).count()
    }

    fn own(&self, exchange: usize) -> Vec<AcceptedOrder> {
        let mut orders = self.exchanges[exchange].accepted_orders();
        orders.retain(|order| order.user.is_some());
        orders
    }

    /// How many own orders of an exchange are not over.
    fn open(&self, exchange: usize) -> usize {
        let over = [VenueStatus::Cancelled, VenueStatus::Completed];
        self.own(exchange).iter().filter(|order| !over.contains(&order.status)).count()
    }

    fn is_executed_on_both(&self, more_than: [usize; 2]) -> bool {
        (0..2).all(|exchange| self.executed(exchange) > more_than[exchange])
    }

    fn journal(&self, folder: &str) -> PathBuf {
        self.folder.path().join("state").join(folder).join("journal.sqlite")
    }
}

/// What a journal says of a venue.
#[derive(Default)]
struct Book {
    /// Side, price and size of what was wanted.
    intents: BTreeSet<(Side, i64, i128)>,
    fills: BTreeSet<(Side, FillId)>,
    /// What executions changed, in units by currency.
    change: BTreeMap<&'static str, i128>,
}

/// What all sessions of a journal say, by the number of the market, of which each venue has one.
fn books(path: &Path) -> [Book; 2] {
    let journal = Journal::open_read_only(path).unwrap();
    journal.verify().unwrap();
    let mut books: [Book; 2] = Default::default();
    for session in journal.sessions().unwrap() {
        let mut tape = Tape::new(&journal, session.id, 0).unwrap();
        while let Some(step) = tape.step().unwrap() {
            match step {
                Step::Event { event, .. } => {
                    if let EventKind::Order(update) = event.kind
                        && let UpdateKind::Fill(fill) = update.kind
                    {
                        let MarketId(market) = fill.market;
                        let book = &mut books[usize::from(market)];
                        assert!(book.fills.insert((fill.side, fill.id)), "counted twice: {fill:?}");
                        let (base, quote) = (i128::from(fill.base.units()), fill.quote.units());
                        let sign = if fill.side == Side::Buy { 1 } else { -1 };
                        *book.change.entry("btc").or_default() += sign * base;
                        *book.change.entry("usd").or_default() -= sign * quote;
                    }
                }
                Step::Note { text, .. } => {
                    let note: Json = serde_json::from_str(text).unwrap();
                    let venue = note["venue"].as_u64().unwrap_or(0);
                    let Ok(pampero_runtime::execution::Note::Intent { order, .. }) =
                        serde_json::from_str(text)
                    else {
                        continue;
                    };
                    assert_eq!(u64::from(order.market.0), venue, "an order for another venue: {text}");
                    let face = (order.side, order.price.units(), order.size.units());
                    let book = &mut books[usize::from(order.market.0)];
                    assert!(book.intents.insert(face), "two orders that cannot be told apart: {text}");
                }
                Step::Started { .. } => {}
            }
        }
    }
    books
}

#[test]
fn it_trades_on_both_dies_goes_on_and_both_exchanges_and_the_journal_say_the_same() {
    let ground = Ground::start();
    let before: Vec<_> = ground.exchanges.iter().map(Sandbox::balances).collect();
    let mut life = ground.spawn(&["live", "two.toml"]);
    ground.until("both are traded", || ground.is_executed_on_both([1, 1]));
    life.kill().unwrap();
    life.wait().unwrap();

    let seen = [0, 1].map(|exchange| ground.executed(exchange));
    let life = ground.spawn(&["live", "two.toml"]);
    ground.until("both are traded after the crash", || ground.is_executed_on_both(seen));

    // The first exchange does not let cancel: the other's orders go all the same.
    let refuses = "fault = 'F08'\nstatus = 503\nendpoint = 'POST /orders/cancel'\nprobability = 1.0";
    ground.exchanges[0].set_faults(vec![toml::from_str(refuses).unwrap()]).unwrap();
    ground.run(&["halt", "--reason", "a drill"]);
    ground.until("the second is clear", || ground.log().contains("no open order is left at north"));
    assert_eq!(ground.open(1), 0);
    assert!(!ground.log().contains("no open order is left at bitex"), "it cannot be:\n{}", ground.log());
    ground.exchanges[0].set_faults(Vec::new()).unwrap();
    ground.until("the first is clear", || ground.log().contains("no open order is left at bitex"));
    assert_eq!(ground.open(0), 0);
    ground.end(life);

    ground.run(&["panic", "--config", "two.toml", "--no-watch", "--watch", "8s"]);
    ground.run(&["resume", "--reason", "the drill is over"]);
    ground.run(&["doctor", "--config", "two.toml"]);
    ground.run(&["live", "two.toml", "--for", "4s"]);

    let books = books(&ground.journal("local"));
    for (venue, book) in books.iter().enumerate() {
        let own = ground.own(venue);
        assert!(!own.is_empty() && ground.open(venue) == 0);
        for order in &own {
            let face = (order.side, order.price.units(), order.amount.units());
            assert!(book.intents.contains(&face), "accepted and never written down: {order:?}");
        }
        for (before, after) in before[venue].iter().zip(ground.exchanges[venue].balances()) {
            let change = book.change.get(after.currency.code()).copied().unwrap_or(0);
            assert_eq!(after.units, before.units + change, "venue {venue}, {}", after.currency);
        }
        assert!(book.fills.len() >= 2, "executed too little to say anything");
    }
}

#[test]
fn on_paper_each_venue_is_simulated_with_its_own_data() {
    let ground = Ground::start();
    let life = ground.spawn(&["paper", "two.toml"]);
    // On the console it is said with the reason, in lines of eighty columns.
    let said = || ground.log().split_whitespace().collect::<Vec<_>>().join(" ");
    ground.until("the strategy has hedged", || said().contains(" on north:btc_usd (cross-market: HEDGE"));
    ground.end(life);
    assert!(books(&ground.journal("local-paper")).iter().all(|book| !book.fills.is_empty()));
    let own = (0..2).flat_map(|exchange| ground.own(exchange));
    assert_eq!(own.count(), 0, "paper trading sends no order");
}
