//! The engine and the simulated venue with the latency bus between them: one step of the world at a time. The
//! backtest feeds it history, paper trading what was just seen.

use pampero_engine::{Command, Engine, Event, EventKind, Outputs};
use pampero_model::{
    BookSnapshot, Candle, CandleSeries, MarketId, Price, Quantity, Quote, Span, Timestamp, Trade, VenueId,
};
use pampero_venue::HistoryVenue;

/// Sees everything that enters and leaves the engine, in order.
pub trait Witness {
    /// The engine has taken in an event and is as it stands after it; `out` is what followed, often nothing.
    fn stepped(&mut self, event: &Event<'_>, engine: &Engine, out: &Outputs);
    /// The strategies have begun.
    fn started(&mut self, now: Timestamp, engine: &Engine, out: &Outputs);
}

/// The engine and its simulated venue.
///
/// Time is the caller's: [`run_due`](Self::run_due) up to an instant comes before what is observed at it.
pub struct Simulation {
    engine: Engine,
    venue: HistoryVenue,
    out: Outputs,
}

impl Simulation {
    /// Joins an engine to a venue that holds the same money.
    pub fn new(engine: Engine, venue: HistoryVenue) -> Self {
        Self { engine, venue, out: Outputs::default() }
    }

    /// The engine.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine, for saving strategies.
    pub const fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The venue.
    pub const fn venue(&self) -> &HistoryVenue {
        &self.venue
    }

    /// States the facts of a simulated venue, confirmed, reconciled and fresh for ever, and lets the strategies
    /// begin.
    pub fn start(&mut self, now: Timestamp, witness: &mut impl Witness) {
        self.step(&Event { time: now, kind: EventKind::EnvironmentConfirmed }, witness);
        let venues: Vec<VenueId> = self.engine.markets().venues().map(|(venue, _)| venue).collect();
        for venue in venues {
            let until = Timestamp::MAX;
            self.step(&Event { time: now, kind: EventKind::Reconciled { venue, until } }, witness);
            self.step(&Event { time: now, kind: EventKind::BalancesSeen { venue, at: until } }, witness);
        }
        self.engine.start(now, &mut self.out);
        witness.started(now, &self.engine, &self.out);
        self.carry_out(now, witness);
    }

    /// When something happens by itself: a request arrives, a report returns, a timer fires.
    #[inline]
    pub fn next_due(&self) -> Timestamp {
        self.venue.next_due().min(self.engine.next_timer())
    }

    /// Requests that arrive, reports that return and timers that fire up to `now`, in time order.
    #[inline]
    pub fn run_due(&mut self, now: Timestamp, witness: &mut impl Witness) {
        loop {
            let (venue, timer) = (self.venue.next_due(), self.engine.next_timer());
            let due = venue.min(timer);
            if due > now {
                return;
            }
            let due = due.max(self.engine.now());
            if venue <= timer {
                self.exchange(due, witness);
            } else {
                self.tell(&Event { time: due, kind: EventKind::Timer }, witness);
            }
        }
    }

    /// A candle opens: the venue sees it, the engine does not yet.
    #[inline]
    pub fn candle_opens(
        &mut self,
        now: Timestamp,
        market: MarketId,
        open: Price,
        volume: Quantity,
        witness: &mut impl Witness,
    ) {
        self.venue.on_candle_open(market, now, open, volume);
        self.exchange(now, witness);
    }

    /// A candle closes, for venue and engine.
    #[inline]
    pub fn candle(
        &mut self,
        now: Timestamp,
        market: MarketId,
        candle: Candle,
        span: Span,
        witness: &mut impl Witness,
    ) {
        self.venue.on_candle(market, &candle, span);
        self.exchange(now, witness);
        self.tell(&Event { time: now, kind: EventKind::Candle { market, span, candle } }, witness);
    }

    /// Somebody traded. It may have happened before it was seen, and executes nothing that arrived later; by a clock
    /// that is ahead of ours, it happened now.
    #[inline]
    pub fn trade(&mut self, now: Timestamp, market: MarketId, trade: Trade, witness: &mut impl Witness) {
        self.venue.on_trade(market, &Trade { time: trade.time.min(now), ..trade });
        self.exchange(now, witness);
        self.tell(&Event { time: now, kind: EventKind::Trade { market, trade } }, witness);
    }

    /// The best bid and ask were seen.
    #[inline]
    pub fn quote(&mut self, now: Timestamp, market: MarketId, quote: Quote, witness: &mut impl Witness) {
        self.venue.on_quote(market, now, &quote);
        self.exchange(now, witness);
        self.tell(&Event { time: now, kind: EventKind::Quote { market, quote } }, witness);
    }

    /// A whole book was seen.
    #[inline]
    pub fn book(
        &mut self,
        now: Timestamp,
        market: MarketId,
        book: BookSnapshot<'_>,
        witness: &mut impl Witness,
    ) {
        self.venue.on_book(market, now, book);
        self.exchange(now, witness);
        self.tell(&Event { time: now, kind: EventKind::Book { market, book } }, witness);
    }

    /// Anything that concerns the engine alone.
    #[inline]
    pub fn tell(&mut self, event: &Event<'_>, witness: &mut impl Witness) {
        self.step(event, witness);
        self.carry_out(event.time, witness);
    }

    /// Shows what a journal recorded. What the venue itself reported then is left out: it reports again.
    pub fn repeat(&mut self, event: &Event<'_>, witness: &mut impl Witness) {
        let now = event.time;
        match event.kind {
            EventKind::Order(_) | EventKind::Timer => {}
            EventKind::Trade { market, trade } => self.trade(now, market, trade, witness),
            EventKind::Quote { market, quote } => self.quote(now, market, quote, witness),
            EventKind::Book { market, book } => self.book(now, market, book, witness),
            // Live candles are made of the trades that the venue has seen.
            _ => self.tell(event, witness),
        }
    }

    /// Lets every report return that is still on its way.
    pub fn settle_reports(&mut self, witness: &mut impl Witness) {
        while self.venue.next_due() < Timestamp::MAX {
            let due = self.venue.next_due().max(self.engine.now());
            self.exchange(due, witness);
        }
    }

    #[inline]
    fn step(&mut self, event: &Event<'_>, witness: &mut impl Witness) {
        self.engine.step(event, &mut self.out);
        witness.stepped(event, &self.engine, &self.out);
    }

    /// Lets requests arrive and reports return until nothing more is due at `now`.
    #[inline]
    fn exchange(&mut self, now: Timestamp, witness: &mut impl Witness) {
        if self.venue.next_due() <= now {
            self.exchange_due(now, witness);
        }
    }

    #[inline(never)]
    fn exchange_due(&mut self, now: Timestamp, witness: &mut impl Witness) {
        self.venue.advance(now);
        while let Some(update) = self.venue.next_report(now) {
            self.step(&Event { time: now, kind: EventKind::Order(update) }, witness);
            self.send(now);
            self.venue.advance(now);
        }
    }

    /// Sends what the engine decided and lets what has no latency happen at once.
    #[inline]
    fn carry_out(&mut self, now: Timestamp, witness: &mut impl Witness) {
        if !self.out.is_empty() {
            self.send(now);
            self.exchange(now, witness);
        }
    }

    #[inline(never)]
    fn send(&mut self, now: Timestamp) {
        for command in &self.out.commands {
            match command {
                Command::Place(order) => self.venue.place(now, order.get()),
                Command::Cancel { order, .. } => self.venue.cancel(now, *order),
                Command::CancelAll { .. } => {
                    let open: Vec<_> = self.venue.open_orders().map(|order| order.order.id).collect();
                    for order in open {
                        self.venue.cancel(now, order);
                    }
                }
            }
        }
        self.out.clear();
    }
}

/// The open and the volume of a candle, where a series has it.
#[inline]
pub(crate) fn opening(series: &CandleSeries, index: usize) -> Option<(Price, Quantity)> {
    Some((series.opens.get(index).copied()?, series.volumes.get(index).copied()?))
}
