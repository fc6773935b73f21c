//! The simulated exchange as a matching engine: 1,000,000 operations, 60 % limits, 30 % cancels, 10 % marketable,
//! with balances, reservations and fees.
//!
//! `cargo bench -p pampero-benches --bench matching`

// Bench code may stop where a setup fails.
#![allow(clippy::expect_used, clippy::print_stdout, missing_docs)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pampero_benches::MARKET;
use pampero_model::{Cash, Market, Markets, Price, Quantity, Rounding, SCALE, Side, Size, Timestamp};
use pampero_venue::{AccountId, MatchingVenue, OrderKey, Placement, VenueEvent};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const OPERATIONS: usize = 1_000_000;

enum Operation {
    Place(Placement),
    /// Cancels the order placed so many placements ago.
    Cancel(usize),
}

fn operations(accounts: &[AccountId]) -> Vec<Operation> {
    let mut random = Pcg64Mcg::seed_from_u64(3);
    let operation = |_| {
        let kind = random.random_range(0..100);
        if (60..90).contains(&kind) {
            return Operation::Cancel(random.random_range(1..200));
        }
        let side = if random.random_bool(0.5) { Side::Buy } else { Side::Sell };
        // Limits rest within 500 ticks of the middle; marketable ones reach across it.
        let distance = if kind < 60 { -random.random_range(1..=500) } else { random.random_range(1..=50) };
        let middle = 40_000 * 100;
        let ticks = if side == Side::Buy { middle + distance } else { middle - distance };
        let price = Price::from_units(ticks * SCALE / 100);
        let quantity = Quantity::from_units(random.random_range(1..100) * SCALE / 100);
        let size = match side {
            Side::Buy => Size::Quote(price.notional(quantity, Rounding::Down).unwrap_or(Cash::ZERO)),
            Side::Sell => Size::Base(quantity),
        };
        let account = accounts.get(random.random_range(0..accounts.len())).copied().unwrap_or(AccountId(0));
        Operation::Place(Placement { account, market: MARKET, side, price, size })
    };
    (0..OPERATIONS).map(operation).collect()
}

fn venue() -> (MatchingVenue, Vec<AccountId>) {
    let mut markets = Markets::default();
    markets.insert(Market::new("bitex", "btc_usd").expect("a market code")).expect("the first market");
    let mut venue = MatchingVenue::new(&markets);
    venue.reserve(OPERATIONS);
    let accounts: Vec<AccountId> = (0..4).map(|_| venue.open_account()).collect();
    for account in &accounts {
        for money in ["100000000000 USD", "10000000 BTC"] {
            venue.deposit(*account, money.parse().expect("money")).expect("a deposit");
        }
    }
    (venue, accounts)
}

fn perform(
    venue: &mut MatchingVenue,
    operations: &[Operation],
    keys: &mut Vec<OrderKey>,
    events: &mut Vec<VenueEvent>,
) {
    let mut now = 0;
    for operation in operations {
        now += 1;
        match operation {
            Operation::Place(placement) => {
                if let Ok(key) = venue.place(Timestamp::from_nanos(now), placement) {
                    keys.push(key);
                }
            }
            Operation::Cancel(back) => {
                if let Some(key) = keys.len().checked_sub(*back).and_then(|at| keys.get(at)) {
                    venue.cancel(*key);
                }
            }
        }
        venue.process(Timestamp::from_nanos(now), events);
        events.clear();
    }
}

fn matching(criterion: &mut Criterion) {
    let (_, accounts) = venue();
    let operations = operations(&accounts);
    let (mut keys, mut events) = (Vec::with_capacity(OPERATIONS), Vec::with_capacity(1_024));
    let (mut first, _) = venue();
    perform(&mut first, &operations, &mut keys, &mut events);
    println!("{} matches", first.matches().len());
    let mut group = criterion.benchmark_group("matching engine");
    group.throughput(Throughput::Elements(1_000_000)).sample_size(20);
    group.bench_function("place, cancel, match", |bench| {
        bench.iter_batched_ref(
            || venue().0,
            |venue| {
                keys.clear();
                perform(venue, &operations, &mut keys, &mut events);
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, matching);
criterion_main!(benches);
