//! `kill -9` of the process that trades, again and again, while the exchange goes on; then the books of both sides are
//! compared.
//!
//! `PAMPERO_KILLS` sets how many kills there are in all; `PAMPERO_LANES` how many exchanges run beside each other.
#![cfg(all(feature = "live", feature = "sandbox"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pampero_store::journal::Journal;
use serde_json::Value;
use support::exchange::Exchange;

/// Quotes close to the market, so that it is filled; short windows, so that what is not known is settled soon.
const MAKER: &str = r#"
[run]
report_currency = "usd"
[[strategy]]
name = "market-maker"
markets = ["btc_usd"]
[strategy.parameters]
order_quantity = "0.02"
half_spread = "0.0004"
max_position = "3"
min_position = "0"
target_position = "1"
skew = "0.00001"
interval = "500ms"
min_change = "0.0001"
[account]
usd = "10000"
btc = "1"
[limits]
max_order_value = "500"
max_data_age = "30s"
[limits.markets.btc_usd]
max_order_notional = "500"
[live]
quarantine = "4s"
ghost_horizon = "20s"
orders_per_minute = 200
foreign_orders = "halt"
"#;

/// What may go wrong between the two while they trade. Nothing that takes an answer's whole time-out.
const FAULTS: &str = r#"[
  {"fault": "F06", "endpoint": "POST /bids", "probability": 0.04},
  {"fault": "F06", "endpoint": "POST /asks", "probability": 0.04},
  {"fault": "F08", "endpoint": "POST /bids", "probability": 0.04},
  {"fault": "F09", "endpoint": "POST /asks", "probability": 0.04},
  {"fault": "F09", "endpoint": "POST /bids", "probability": 0.04},
  {"fault": "F10", "endpoint": "GET /orders", "probability": 0.03},
  {"fault": "F15", "endpoint": "GET /trades", "probability": 0.03},
  {"fault": "F19", "endpoint": "GET /orders", "probability": 0.05}
]"#;

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// One exchange, and the lives of one trader on it.
struct Lane {
    exchange: Exchange,
    random: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    kills: u64,
    orders: u64,
    fills: u64,
    partial: u64,
    faults: u64,
}

impl Lane {
    fn new(seed: u64) -> Self {
        let text = format!("seed = {seed}\nagents.speed = 2000\nrequests_per_second = 0\n");
        let exchange = Exchange::configured(&text);
        std::fs::write(exchange.folder.path().join("maker.toml"), MAKER).unwrap();
        Self { exchange, random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    /// Xorshift: the moments of the kills need no better.
    fn below(&mut self, most: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % most
    }

    fn live(&self, more: &[&str]) -> Child {
        let arguments: Vec<&str> = ["live", "maker.toml"].iter().chain(more).copied().collect();
        let mut command = self.exchange.command(&arguments);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.exchange.folder.path().join("log"));
        let log = log.unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap()
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.exchange.folder.path().join("log")).unwrap();
        log.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Lives that end by a kill at any moment: while starting, comparing, placing, cancelling, writing.
    fn kill(&mut self, times: usize) {
        for time in 0..times {
            let mut life = self.live(&[]);
            let long = if time % 2 == 0 { 12_000 } else { 5_000 };
            let length = Duration::from_millis(200 + self.below(long));
            let born = Instant::now();
            while born.elapsed() < length {
                assert!(life.try_wait().unwrap().is_none(), "it ended by itself:\n{}", self.log());
                std::thread::sleep(Duration::from_millis(20));
            }
            life.kill().unwrap();
            life.wait().unwrap();
        }
    }

    /// The last life ends in order, without faults, and everything is accounted for.
    fn settle(&mut self, kills: usize) -> Counts {
        let faults = self.fault_counts();
        self.exchange.faults("[]");
        let status = self.live(&["--for", "30s"]).wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.log());
        let truth = self.exchange.truth();
        let own: Vec<&Value> = truth.iter().filter(|order| order["user"].is_number()).collect();
        let open: Vec<_> =
            own.iter().filter(|order| !["cancelled", "completed"].contains(&text(order, "status"))).collect();
        assert!(open.is_empty(), "still open: {open:?}");
        let notes = self.notes();
        self.every_order_is_an_intent(&own, &notes);
        let bad = notes.iter().filter(|note| {
            let code = text(note, "code");
            note["note"] == "difference"
                || note["note"] == "foreign"
                || ["duplicate", "overfilled", "fill_gap"].contains(&code)
        });
        assert_eq!(bad.collect::<Vec<_>>(), Vec::<&Value>::new());
        assert!(notes.iter().rev().any(|note| note["note"] == "reconciled"));
        let executed = |order: &&&Value| text(order, "remaining") != text(order, "amount");
        let partial = |order: &&&Value| executed(order) && text(order, "status") == "cancelled";
        Counts {
            kills: kills as u64,
            orders: own.len() as u64,
            fills: own.iter().filter(executed).count() as u64,
            partial: own.iter().filter(partial).count() as u64,
            faults,
        }
    }

    /// Each order that the exchange ever accepted was written down before, and none was accepted twice.
    fn every_order_is_an_intent(&self, own: &[&Value], notes: &[Value]) {
        let mut intents: BTreeMap<(String, String, String), u64> = BTreeMap::new();
        for order in notes.iter().filter(|note| note["note"] == "intent").map(|note| &note["order"]) {
            let size = order["size"].as_object().unwrap().values().next().unwrap().as_str().unwrap();
            let key = (text(order, "side").to_owned(), text(order, "price").to_owned(), size.to_owned());
            assert_eq!(intents.insert(key.clone(), 0), None, "two intents look the same: {key:?}");
        }
        for order in own {
            let key = (
                text(order, "side").to_owned(),
                text(order, "price").to_owned(),
                text(order, "amount").to_owned(),
            );
            let count = intents.get_mut(&key);
            let count =
                count.unwrap_or_else(|| panic!("accepted and never written down: {order}\n{}", self.log()));
            *count += 1;
            assert_eq!(*count, 1, "accepted twice: {order}");
        }
    }

    /// The facts of all sessions, in order.
    fn notes(&self) -> Vec<Value> {
        let journal = Journal::open_read_only(&self.exchange.state().join("local/journal.sqlite")).unwrap();
        journal.verify().unwrap();
        let mut notes = Vec::new();
        for session in journal.sessions().unwrap() {
            for record in journal.records(session.id, 0).unwrap() {
                let payload = record.unwrap().payload;
                if payload.starts_with(b"{\"note\"") {
                    notes.push(serde_json::from_slice(&payload).unwrap());
                }
            }
        }
        notes
    }

    fn fault_counts(&self) -> u64 {
        let (_, body) = self.exchange.http("admin", "GET", "/faults", "", "");
        let body: Value = serde_json::from_str(&body).unwrap();
        let rules = body["rules"].as_array().or_else(|| body.as_array()).cloned().unwrap_or_default();
        rules.iter().filter_map(|rule| rule["hits"].as_u64()).sum()
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn killed_at_any_moment_no_order_is_lost_or_doubled() {
    let (kills, lanes) = (number("PAMPERO_KILLS", 24), number("PAMPERO_LANES", 6));
    let each = kills.div_ceil(lanes);
    let counts = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes as u64)
            .map(|seed| {
                scope.spawn(move || {
                    let mut lane = Lane::new(seed + 1);
                    // Half of the lanes have faults as well.
                    if seed % 2 == 1 {
                        lane.exchange.faults(FAULTS);
                    }
                    lane.kill(each);
                    lane.settle(each)
                })
            })
            .collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect::<Vec<_>>()
    });
    let sum = |of: fn(&Counts) -> u64| counts.iter().map(of).sum::<u64>();
    println!(
        "{} kills, {} orders accepted, {} executed, {} of them in part, {} faults; 0 lost, 0 doubled",
        sum(|count| count.kills),
        sum(|count| count.orders),
        sum(|count| count.fills),
        sum(|count| count.partial),
        sum(|count| count.faults)
    );
    assert!(sum(|count| count.orders) >= 10, "{counts:?}");
}
