//! Paper trading: live data, and the simulated venue in place of the exchange.

use pampero_backtest::Simulation;
use pampero_engine::{Decisions, Engine, Event, EventKind, OrderState, Owner};
use pampero_model::{CancelReason, FillId, Money, OrderUpdate, Side, Timestamp, UpdateKind};
use pampero_venue::{HistoryVenue, SimSettings, VenueError};

use pampero_store::journal::Journal;

use super::pen::Pen;
use super::run::{Mode, Outgoing};
use crate::feed::{News, Standing};
use crate::recorder::RecordError;

/// The engine with its simulated venue, fed by what is seen live.
pub struct Paper {
    simulation: Simulation,
    pen: Pen,
}

impl Paper {
    /// Joins an engine, fresh or recovered, to its venue. `pen` has begun the session with the engine as it is
    /// after [`prepare`].
    pub fn new(engine: Engine, venue: HistoryVenue, pen: Pen) -> Self {
        Self { simulation: Simulation::new(engine, venue), pen }
    }
}

/// Prepares an engine for a session on paper and makes the venue that goes with it: it holds what the ledger says,
/// and the orders that rested are back on its book, behind queues of unknown length. What was on its way to or from the
/// simulated venue when the last session ended is lost with it: such orders were never sent, or are cancelled.
///
/// # Errors
/// If the venue cannot hold what the ledger says.
pub fn prepare(
    engine: &mut Engine,
    settings: SimSettings,
    last_fill: FillId,
    now: Timestamp,
) -> Result<HistoryVenue, VenueError> {
    settle_in_flight(engine, now);
    let mut venue = HistoryVenue::new(engine.markets(), settings);
    let portfolio = engine.portfolio();
    let held: Vec<_> =
        portfolio.holdings(Owner::Unallocated).map(|(place, currency, _)| (place, currency)).collect();
    for (place, currency) in held {
        let units = portfolio.account(place, currency).total;
        if units > 0 {
            venue.deposit(place, Money { currency, units })?;
        }
    }
    for (place, _) in engine.markets().venues() {
        let numbers = |side| {
            let placed = engine.open_orders().iter().filter(|order| order.side == side);
            placed.filter_map(|order| order.venue_order).map(|id| id.0).max().unwrap_or(0)
        };
        venue.resume_numbers(place, numbers(Side::Buy), numbers(Side::Sell), last_fill);
    }
    for record in engine.open_orders() {
        let (OrderState::Live, Some(venue_order)) = (record.state, record.venue_order) else { continue };
        venue.resume_order(now, &record.order(), venue_order, record.remaining())?;
    }
    Ok(venue)
}

fn settle_in_flight(engine: &mut Engine, now: Timestamp) {
    let lost = |state| match state {
        OrderState::Submitted | OrderState::Unknown => Some(UpdateKind::NotSent),
        OrderState::Acknowledged | OrderState::Cancelling => {
            Some(UpdateKind::Cancelled(CancelReason::Requested))
        }
        _ => None,
    };
    let updates: Vec<OrderUpdate> = engine
        .open_orders()
        .iter()
        .filter_map(|record| Some(OrderUpdate { order: record.id, time: now, kind: lost(record.state)? }))
        .collect();
    for update in updates {
        engine.recover(&Event { time: now, kind: EventKind::Order(update) }, &Decisions::default());
    }
}

impl Mode for Paper {
    fn start(&mut self, now: Timestamp) {
        self.simulation.start(now, &mut self.pen);
    }

    fn news(&mut self, now: Timestamp, news: &News) {
        let Self { simulation, pen } = self;
        simulation.run_due(now, pen);
        match news {
            News::Trade { market, trade, standing: Standing::New } => {
                simulation.trade(now, *market, *trade, pen);
            }
            News::Book { market, book, .. } => simulation.book(now, *market, book.snapshot(), pen),
            _ => {
                if let Some(kind) = news.event() {
                    simulation.tell(&Event { time: now, kind }, pen);
                }
            }
        }
    }

    fn tell(&mut self, now: Timestamp, kind: EventKind<'_>) {
        self.simulation.run_due(now, &mut self.pen);
        self.simulation.tell(&Event { time: now, kind }, &mut self.pen);
    }

    fn wake(&mut self, now: Timestamp) {
        self.simulation.run_due(now, &mut self.pen);
    }

    fn next_due(&self) -> Timestamp {
        self.simulation.next_due()
    }

    fn engine(&self) -> &Engine {
        self.simulation.engine()
    }

    fn pen(&mut self) -> &mut Pen {
        &mut self.pen
    }

    fn turned(&mut self, look: &mut dyn FnMut(&Engine, &mut Pen)) {
        look(self.simulation.engine(), &mut self.pen);
    }

    fn commit(&mut self) -> Result<(), RecordError> {
        self.pen.commit(self.simulation.engine())
    }

    fn take_requests(&mut self) -> Vec<Outgoing> {
        Vec::new()
    }

    fn end(self: Box<Self>, at: Timestamp, reason: &str) -> Result<Journal, RecordError> {
        self.pen.end(at, reason, self.simulation.engine())
    }

    fn is_idle(&self) -> bool {
        self.simulation.venue().next_due() == Timestamp::MAX
    }
}
