//! A market that wanders, a strategy that uses everything an order can be, and a recorder at the engine's door.

use pampero_backtest::{Simulation, Witness};
use pampero_engine::{
    Allocation, Context, Control, Desired, Engine, Event, EventKind, Intent, Limits, Outputs, Owner, Reason,
    Requirements, RestoreError, Setup, Strategy, StrategyId,
};
use pampero_model::*;
use pampero_runtime::execution::Note;
use pampero_runtime::recorder::Recorder;
use pampero_store::journal::{Journal, NewSession};
use pampero_venue::{FillModel, FillPreset, HistoryVenue, SimSettings};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

pub const MARKET: MarketId = MarketId(0);
pub const VENUE: VenueId = VenueId(0);

/// Quotes, and now and then takes, stops and cancels. All of it follows from what it has counted.
pub struct Busy {
    pub books: u64,
    /// Another one decides otherwise.
    pub offset: i64,
}

impl Strategy for Busy {
    fn requirements(&self) -> Requirements {
        Requirements::of(MARKET)
    }

    fn save(&self) -> Vec<u8> {
        self.books.to_le_bytes().to_vec()
    }

    fn restore(&mut self, _: u32, state: &[u8]) -> Result<(), RestoreError> {
        let bytes = state.try_into().map_err(|_| RestoreError::Malformed("length".to_owned()))?;
        self.books = u64::from_le_bytes(bytes);
        Ok(())
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer_after(Span::from_secs(30), 1);
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, tag: u32) {
        ctx.set_timer_after(Span::from_secs(30), tag);
        let _ = ctx.submit(Intent::market(MARKET, Side::Sell, Size::Base("0.01".parse().unwrap())));
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        self.books += 1;
        let Some(mid) = ctx.mark(market).map(|fact| fact.value) else { return };
        let away = Price::from_units((1 + self.offset) * SCALE / 2);
        match self.books % 11 {
            0 | 4 | 7 => {
                let size = Size::Quote("20".parse().unwrap());
                let bid = Desired { side: Side::Buy, price: mid.saturating_sub(away), size };
                let size = Size::Base("0.05".parse().unwrap());
                let ask = Desired { side: Side::Sell, price: mid.saturating_add(away), size };
                ctx.quote(market, &[bid, ask], Reason::new("QUOTE").with(self.books.try_into().unwrap(), 0));
            }
            1 => {
                let intent = Intent::stop(
                    market,
                    Side::Sell,
                    Size::Base("0.02".parse().unwrap()),
                    mid.saturating_sub(away),
                );
                let _ = ctx.submit(intent.because(Reason::new("STOP")));
            }
            5 => {
                let distance = "0.01".parse().unwrap();
                let _ = ctx.submit(Intent::trailing_stop(
                    market,
                    Side::Sell,
                    Size::Base("0.02".parse().unwrap()),
                    distance,
                ));
            }
            6 => {
                let until = ctx.now().plus(Span::from_secs(4));
                let size = Size::Quote("15".parse().unwrap());
                let _ = ctx.submit(
                    Intent::limit(market, Side::Buy, size, mid.saturating_add(away)).good_till(until),
                );
            }
            9 => {
                let oldest = ctx.open_orders(market).next().map(|order| order.id);
                if let Some(order) = oldest {
                    ctx.cancel(order);
                }
            }
            10 => {
                // More than it has.
                let _ =
                    ctx.submit(Intent::limit(market, Side::Sell, Size::Base("1000".parse().unwrap()), mid));
            }
            _ => {}
        }
    }
}

pub fn setup(offset: i64) -> Setup {
    let mut markets = Markets::default();
    let market = Market { fingerprint_span: 99, ..Market::new("bitex", "btc_usd").unwrap() };
    markets.insert(market).unwrap();
    let mut setup = Setup::new(markets, "usd".parse().unwrap());
    let limits = Limits {
        max_drawdown: Some("0.5".parse().unwrap()),
        orders_per_minute: Some(200),
        max_fills: Some(500),
        fills_window: Span::from_secs(60),
        require_reconciled: true,
        ..Limits::default()
    };
    setup.strategies.push((Box::new(Busy { books: 0, offset }), limits));
    for money in ["10000 USD", "3 BTC"] {
        let owner = Owner::Strategy(StrategyId(0));
        setup.allocations.push(Allocation { owner, venue: VENUE, money: money.parse().unwrap() });
    }
    setup
}

pub fn about() -> NewSession {
    NewSession {
        environment: "local".to_owned(),
        mode: "paper".to_owned(),
        strategies: "busy".to_owned(),
        build: "test".to_owned(),
        ..NewSession::default()
    }
}

/// A venue that holds what the engine's ledger says, and none of its orders.
pub fn venue(engine: &Engine, preset: FillPreset) -> HistoryVenue {
    let settings = SimSettings { fill: FillModel::preset(preset), ..SimSettings::default() };
    let mut venue = HistoryVenue::new(engine.markets(), settings);
    for currency in ["usd", "btc"] {
        let currency: Currency = currency.parse().unwrap();
        let total = engine.portfolio().account(VENUE, currency).total;
        venue.deposit(VENUE, Money::new(currency, total)).unwrap();
    }
    venue
}

/// The recorder as a witness; each place notes the intent, as execution would.
pub struct Scribe {
    pub recorder: Recorder,
    /// Steps after which nothing is committed any more: what a crash loses.
    pub commits: bool,
}

impl Witness for Scribe {
    fn stepped(&mut self, event: &Event<'_>, engine: &Engine, out: &Outputs) {
        self.recorder.stepped(event, engine, out).unwrap();
        for command in &out.commands {
            if let pampero_engine::Command::Place(order) = command {
                let note =
                    Note::Intent { order: *order.get(), time: event.time, watermark: Some(VenueOrderId(7)) };
                self.recorder.note(event.time, VENUE, &note).unwrap();
            }
        }
        if self.commits {
            self.recorder.commit().unwrap();
        }
    }

    fn started(&mut self, now: Timestamp, engine: &Engine, out: &Outputs) {
        self.recorder.started(now, engine, out).unwrap();
        self.recorder.commit().unwrap();
    }
}

/// A wandering market, seeded.
pub struct World {
    pub simulation: Simulation,
    pub scribe: Scribe,
    random: Pcg64Mcg,
    mid: i64,
    pub now: Timestamp,
    trades: u64,
}

impl World {
    pub fn new(journal: Journal, seed: u64) -> Self {
        let engine = Engine::new(setup(0)).unwrap();
        let recorder = Recorder::begin(journal, &about(), &engine, None).unwrap();
        Self::over(engine, recorder, seed)
    }

    pub fn over(engine: Engine, recorder: Recorder, seed: u64) -> Self {
        let now = engine.now().max(Timestamp::from_secs(1_000));
        let venue = venue(&engine, FillPreset::Optimistic);
        let mut world = Self {
            simulation: Simulation::new(engine, venue),
            scribe: Scribe { recorder, commits: true },
            random: Pcg64Mcg::seed_from_u64(seed),
            mid: 100 * SCALE,
            now,
            trades: 0,
        };
        world.simulation.start(now, &mut world.scribe);
        world
    }

    /// One observation.
    pub fn step(&mut self) {
        self.now = self.now.plus(Span::from_millis(self.random.random_range(100..900)));
        self.simulation.run_due(self.now, &mut self.scribe);
        self.mid += self.random.random_range(-3..=3) * SCALE / 10;
        match self.random.random_range(0..20) {
            0..=2 => {
                self.trades += 1;
                let price = Price::from_units(self.mid);
                let quantity = Quantity::from_units(self.random.random_range(1..SCALE));
                let trade = Trade { id: self.trades, time: self.now, price, quantity, aggressor: None };
                self.simulation.trade(self.now, MARKET, trade, &mut self.scribe);
            }
            3 if self.trades % 9 == 8 => {
                let control = Control::ReduceOnly(None);
                self.simulation
                    .tell(&Event { time: self.now, kind: EventKind::Control(control) }, &mut self.scribe);
            }
            4 => {
                let control = Control::Resume(None);
                self.simulation
                    .tell(&Event { time: self.now, kind: EventKind::Control(control) }, &mut self.scribe);
            }
            _ => {
                let level = |price: i64, quantity: i64| Level {
                    price: Price::from_units(price),
                    quantity: Quantity::from_units(quantity * SCALE / 100),
                };
                let depth = self.random.random_range(1..20);
                let mut side = |sign: i64| -> Vec<Level> {
                    (1..=depth)
                        .map(|at| level(self.mid + sign * at * SCALE / 5, self.random.random_range(1..300)))
                        .collect()
                };
                let (bids, asks) = (side(-1), side(1));
                let book = BookSnapshot { bids: &bids, asks: &asks };
                self.simulation.book(self.now, MARKET, book, &mut self.scribe);
            }
        }
    }

    pub fn engine(&self) -> &Engine {
        self.simulation.engine()
    }
}

/// A journal in a directory of its own.
pub struct Home(pub tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn journal(&self) -> Journal {
        Journal::open(&self.0.path().join("state/journal.db")).unwrap()
    }
}
