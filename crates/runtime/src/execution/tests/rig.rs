//! Execution with a real engine before it, which alone can approve orders.

use std::collections::VecDeque;

use pampero_engine::{
    Allocation, Command, Context, Engine, Event, EventKind, Intent, Limits, OrderState, Outputs, Owner,
    Requirements, Setup, Strategy, StrategyId,
};
use pampero_exchange::Balance;
use pampero_model::{Level, MarketId, OrderUpdate, Quote, UpdateKind, VenueId};

use super::*;

/// Bids for 100 USD whenever it sees a book, one lower each time.
struct Bidder(i64);

impl Strategy for Bidder {
    fn requirements(&self) -> Requirements {
        Requirements::of(MarketId(0))
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        self.0 += 1;
        let price = pampero_model::Price::from_units(10_000_000_000 - self.0 % 50 * 100_000_000);
        let _ = ctx.submit(Intent::limit(market, Side::Buy, Size::Quote("100".parse().unwrap()), price));
    }
}

pub(crate) struct Rig {
    pub engine: Engine,
    pub execution: Execution,
    out: Outputs,
    pub now: Timestamp,
    /// Requests that wait for an answer.
    pub requests: VecDeque<(RequestId, Request)>,
    pub updates: Vec<OrderUpdate>,
    pub notes: Vec<Note>,
    pub placed: Vec<Order>,
    pub halts: usize,
    /// Units of USD that the account lacks against the ledger.
    pub gone: i128,
    /// Orders that no list shows, and that can be read alone.
    pub unlisted: Vec<VenueOrder>,
    /// How many executions were asked for, time after time.
    pub asked_fills: Vec<Option<u32>>,
}

impl Rig {
    /// An account with 10,000 USD, before its first comparison.
    pub fn new(start: Timestamp) -> Self {
        let mut setup = Setup::new(markets(), "usd".parse().unwrap());
        setup.strategies.push((Box::new(Bidder(0)), Limits::default()));
        let owner = Owner::Strategy(StrategyId(0));
        setup.allocations.push(Allocation { owner, venue: VenueId(0), money: "10000 USD".parse().unwrap() });
        let mut engine = Engine::new(setup).unwrap();
        let mut out = Outputs::default();
        engine.start(start, &mut out);
        let ledger = vec!["10000 USD".parse().unwrap()];
        let carried = CarriedOver { first: true, ledger, ..CarriedOver::default() };
        let execution = Execution::new(start, VenueId(0), &markets(), Settings::default(), carried);
        let (requests, updates, notes, placed) = (VecDeque::new(), Vec::new(), Vec::new(), Vec::new());
        let mut rig = Self {
            engine,
            execution,
            out,
            now: start,
            requests,
            updates,
            notes,
            placed,
            halts: 0,
            gone: 0,
            unlisted: Vec::new(),
            asked_fills: Vec::new(),
        };
        rig.step(EventKind::EnvironmentConfirmed);
        rig.wake(0);
        rig
    }

    /// An account that was compared and is free to trade.
    pub fn started() -> Self {
        let mut rig = Self::new(at(1_000));
        while !rig.execution.has_started() {
            rig.answer_reads(&[], &[]);
            rig.wake(1);
        }
        rig
    }

    /// The program ends and begins again, with what the engine and the notes tell.
    pub fn restart(&mut self, seconds: i64) {
        self.now = self.now.plus(Span::from_secs(seconds));
        self.requests.clear();
        let intents = self.notes.iter().filter_map(|note| match note {
            Note::Intent { order, time, watermark } => Some((order.id, (*time, *watermark))),
            _ => None,
        });
        self.engine.begin_session();
        let orders = CarriedOver::orders(&self.engine, VenueId(0), &intents.collect());
        let ledger =
            self.execution.local().ledger.values().map(|(currency, units)| Money::new(*currency, *units));
        let carried = CarriedOver { orders, ledger: ledger.collect(), ..CarriedOver::default() };
        self.execution = Execution::new(self.now, VenueId(0), &markets(), Settings::default(), carried);
        self.wake(0);
    }

    pub fn step(&mut self, kind: EventKind<'static>) {
        match kind {
            EventKind::Order(update) => self.updates.push(update),
            EventKind::Control(_) => self.halts += 1,
            _ => {}
        }
        self.engine.step(&Event { time: self.now, kind }, &mut self.out);
        let commands: Vec<Command> = self.out.commands.drain(..).collect();
        self.out.clear();
        for command in commands {
            self.execution.command(self.now, command);
        }
        self.settle();
    }

    pub fn settle(&mut self) {
        while let Some(effect) = self.execution.next_effect() {
            match effect {
                Effect::Note(note) => self.notes.push(note),
                Effect::Event(kind) => self.step(kind),
                Effect::Request { id, request } => {
                    if let Request::Place(placement) = &request {
                        self.placed.push(*placement.order.get());
                    }
                    if let Request::Fills(query) = &request {
                        self.asked_fills.push(query.limit);
                    }
                    self.requests.push_back((id, request));
                }
            }
        }
    }

    pub fn wake(&mut self, seconds: i64) {
        self.now = self.now.plus(Span::from_secs(seconds));
        self.execution.wake(self.now);
        self.settle();
    }

    /// Lets the strategy bid once more.
    pub fn bid(&mut self) {
        let level = |price: &str| Level { price: price.parse().unwrap(), quantity: "1".parse().unwrap() };
        let quote = Quote { bid: level("100"), ask: level("101") };
        self.step(EventKind::Quote { market: MarketId(0), quote });
    }

    pub fn answer(&mut self, id: RequestId, answer: Answer) {
        self.execution.answer(self.now, id, answer);
        self.settle();
    }

    /// Answers the placement that waits.
    pub fn answer_place(&mut self, outcome: pampero_exchange::PlaceOutcome) {
        let position =
            self.requests.iter().position(|(_, request)| matches!(request, Request::Place(_))).unwrap();
        let (id, _) = self.requests.remove(position).unwrap();
        self.answer(id, Answer::Placed(outcome));
    }

    /// Answers every read with what the exchange shows; funds are as the ledger says.
    pub fn answer_reads(&mut self, active: &[VenueOrder], fills: &[VenueFill]) {
        while let Some(position) =
            self.requests.iter().position(|(_, request)| !matches!(request, Request::Place(_)))
        {
            let (id, request) = self.requests.remove(position).unwrap();
            let answer = self.answer_to(&request, active, fills);
            self.answer(id, answer);
        }
    }

    fn answer_to(&self, request: &Request, active: &[VenueOrder], fills: &[VenueFill]) -> Answer {
        match request {
            Request::ActiveOrders => Answer::ActiveOrders(Ok(active.to_vec())),
            Request::Fills(query) => {
                let most = query.limit.map_or(usize::MAX, |limit| limit.try_into().unwrap());
                Answer::Fills(Ok(fills.iter().take(most).cloned().collect()))
            }
            Request::Balances => Answer::Balances(Ok(vec![self.balance()])),
            Request::Order { side, id } => {
                let found =
                    active.iter().chain(&self.unlisted).find(|view| (view.side, view.id) == (*side, *id));
                Answer::Order(found.cloned().ok_or_else(|| pampero_exchange::Error::NotFound("order".into())))
            }
            Request::Cancel { .. } | Request::CancelAll { .. } => Answer::Cancelled(Ok(())),
            Request::Movements => Answer::Movements(Ok(vec![])),
            Request::Place(_) => unreachable!(),
        }
    }

    pub fn balance(&self) -> Balance {
        let currency = "usd".parse().unwrap();
        let units = self.execution.local().ledger["usd"].1 - self.gone;
        let locked = self.execution.local().locked(currency);
        let (total, available) = (Money::new(currency, units), Money::new(currency, units - locked));
        Balance { currency, total, available }
    }

    pub fn state(&self, order: OrderId) -> Option<OrderState> {
        self.engine.open_orders().iter().find(|record| record.id == order).map(|record| record.state)
    }

    pub fn kinds(&self) -> Vec<UpdateKind> {
        self.updates.iter().map(|update| update.kind).collect()
    }
}
