//! Measures the matching engine: a million operations, of which 60 % rest, 30 % cancel and 10 % take.
//!
//! `cargo run --release -p pampero-venue --example matching`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measurement, not library code

use std::time::Instant;

use pampero_model::{Cash, Market, MarketId, Markets, Price, Quantity, Side, Size, Timestamp, VenueOrderId};
use pampero_venue::{AccountId, MatchingVenue, OrderKey, Placement};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const OPERATIONS: usize = 1_000_000;
const ACCOUNTS: u32 = 8;

enum Operation {
    Place(Placement),
    Cancel(OrderKey),
}

/// A price that wanders; passive orders up to 100 ticks behind it, takers for about three of them.
fn operations() -> Vec<Operation> {
    let mut random = Pcg64Mcg::seed_from_u64(42);
    let mut placed = [0_u64; 2];
    let mut middle = 400_000_i64;
    (0..OPERATIONS)
        .map(|_| {
            middle += random.random_range(-2..=2) * i64::from(random.random_bool(0.1));
            let side = if random.random_bool(0.5) { Side::Buy } else { Side::Sell };
            let kind = random.random_range(0..10);
            let count = placed.get_mut(side.index()).unwrap();
            if kind < 3 && *count > 0 {
                let recent = random.random_range(0..(*count).min(2_000));
                return Operation::Cancel(OrderKey { side, id: VenueOrderId(*count - recent) });
            }
            let takes = kind == 9;
            let sign = if side == Side::Buy { -1 } else { 1 };
            let offset = if takes { -60 } else { random.random_range(1..=100) };
            let price = Price::from_units((middle + sign * offset) * 1_000_000);
            let mut base = random.random_range(1_000_000..20_000_000);
            if takes {
                base *= 3;
            }
            let base = Quantity::from_units(base);
            let size = match side {
                Side::Sell => Size::Base(base),
                Side::Buy => {
                    Size::Quote(Cash::from_units(i128::from(base.units()) * i128::from(middle) / 100))
                }
            };
            *count += 1;
            let account = AccountId(random.random_range(0..ACCOUNTS));
            Operation::Place(Placement { account, market: MarketId(0), side, price, size })
        })
        .collect()
}

fn main() {
    let mut markets = Markets::default();
    markets.insert(Market::new("bitex", "btc_usd").unwrap()).unwrap();
    let operations = operations();
    let mut best = f64::MAX;
    for round in 0..5 {
        let mut venue = MatchingVenue::new(&markets);
        venue.reserve(OPERATIONS / 2);
        for _ in 0..ACCOUNTS {
            let account = venue.open_account();
            venue.deposit(account, "1000000000 BTC".parse().unwrap()).unwrap();
            venue.deposit(account, "1000000000000 USD".parse().unwrap()).unwrap();
        }
        let (mut events, mut total) = (Vec::with_capacity(1_000), 0);
        let start = Instant::now();
        for operation in &operations {
            match operation {
                Operation::Place(placement) => {
                    venue.place(Timestamp::MIN, placement).unwrap();
                }
                Operation::Cancel(key) => {
                    venue.cancel(*key);
                }
            }
            venue.process(Timestamp::MIN, &mut events);
            total += events.len();
            events.clear();
        }
        let seconds = start.elapsed().as_secs_f64();
        best = best.min(seconds);
        let levels = [Side::Buy, Side::Sell].map(|side| venue.levels(MarketId(0), side).count());
        println!(
            "round {round}: {:.1} million operations a second, {} matches, {total} events, {levels:?} levels left",
            1.0 / seconds,
            venue.matches().len(),
        );
    }
    println!("best: {:.1} million operations a second", 1.0 / best);
}
