//! How real executions differ from what a simulation would have given the same orders on the same data.

use std::collections::BTreeMap;
use std::fmt::Write;

use pampero_engine::{Audit, CommandRecord, Decisions, EventKind, OrderRecord, OrderState};
use pampero_model::{
    Cash, Markets, Money, Order, OrderId, Price, Quantity, Rounding, Side, Timestamp, UpdateKind,
};
use pampero_store::journal::{Journal, SessionId};
use pampero_venue::{HistoryVenue, SimSettings};

use crate::recovery::RecoveryError;
use crate::tape::{Step, Tape};

/// What was executed of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Executed {
    /// Gross base.
    pub base: Quantity,
    /// Gross quote.
    pub quote: Cash,
    /// When it was executed first.
    pub first: Option<Timestamp>,
}

impl Executed {
    fn add(&mut self, base: Quantity, quote: Cash, time: Timestamp) {
        self.base = self.base.saturating_add(base);
        self.quote = self.quote.saturating_add(quote);
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
    }

    /// Average price; none if nothing was executed.
    pub fn price(&self) -> Option<Price> {
        self.quote.average_price(self.base, Rounding::HalfEven).ok().filter(|_| self.base.is_positive())
    }
}

/// Why an order fared otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Both executed the same.
    Same,
    /// It never stood at the exchange: refused, not sent, or never arrived.
    NeverStood,
    /// The simulation executes it, the exchange did not: others were served first, or the volume went elsewhere.
    Missed,
    /// The exchange executed it, the simulation does not: it is more careful than the market was.
    Extra,
    /// Both executed it, in different quantity.
    Quantity,
    /// Both executed the same quantity, at another price.
    Price,
}

impl Cause {
    /// The cause in a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::NeverStood => "never_stood",
            Self::Missed => "missed",
            Self::Extra => "extra",
            Self::Quantity => "quantity",
            Self::Price => "price",
        }
    }
}

/// One order in both worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The order.
    pub order: Order,
    /// How it stood last in the session.
    pub state: Option<OrderState>,
    /// What the exchange executed.
    pub real: Executed,
    /// What the simulation executes.
    pub simulated: Executed,
    /// Real less simulated price in basis points of the latter, above zero where reality was worse for us.
    pub worse_by_bp: Option<i64>,
    /// Real less simulated first execution in milliseconds.
    pub later_by_ms: Option<i64>,
    /// What is behind the difference.
    pub cause: Cause,
}

/// A session in both worlds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The session.
    pub session: SessionId,
    /// Every order that was to be placed.
    pub orders: Vec<Compared>,
}

/// Compares a session's executions with those of a simulated venue that sees the same market data, gets the same orders
/// and cancellations at the same times, and never lacks funds. Orders of an earlier session are left out.
pub fn drift(
    journal: &Journal,
    session: SessionId,
    markets: &Markets,
    settings: SimSettings,
) -> Result<Drift, RecoveryError> {
    let mut world = World::new(markets, settings);
    let mut tape = Tape::new(journal, session, 0)?;
    while let Some(step) = tape.step()? {
        match step {
            Step::Started { time, decisions, .. } => world.decided(time, &decisions),
            Step::Event { event, decisions, .. } => {
                world.see(event.time, &event.kind);
                world.decided(event.time, &decisions);
            }
            Step::Note { .. } => {}
        }
    }
    Ok(Drift { session, orders: world.compare() })
}

struct World {
    venue: HistoryVenue,
    now: Timestamp,
    orders: BTreeMap<OrderId, (Order, Option<OrderState>)>,
    real: BTreeMap<OrderId, Executed>,
    simulated: BTreeMap<OrderId, Executed>,
}

impl World {
    fn new(markets: &Markets, settings: SimSettings) -> Self {
        let mut venue = HistoryVenue::new(markets, settings);
        for (id, market) in markets.iter() {
            let Some(at) = markets.venue_of(id) else { continue };
            for currency in [market.base, market.quote] {
                // A tenth of what an account can hold; two markets of one currency pay in twice, which does no harm.
                let _ = venue.deposit(at, Money::new(currency, i128::from(i64::MAX) / 10));
            }
        }
        let now = Timestamp::MIN;
        Self { venue, now, orders: BTreeMap::new(), real: BTreeMap::new(), simulated: BTreeMap::new() }
    }

    fn see(&mut self, time: Timestamp, kind: &EventKind<'_>) {
        self.pass_until(time);
        match *kind {
            EventKind::Book { market, book } => self.venue.on_book(market, time, book),
            EventKind::Quote { market, quote } => self.venue.on_quote(market, time, &quote),
            EventKind::Trade { market, trade } => self.venue.on_trade(market, &trade),
            // Live candles are made of the trades that were seen.
            _ => return,
        }
        self.reports(time);
    }

    fn pass_until(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
        self.venue.advance(self.now);
        self.reports(self.now);
    }

    fn reports(&mut self, time: Timestamp) {
        while let Some(update) = self.venue.next_report(time) {
            if let UpdateKind::Fill(fill) = update.kind {
                self.simulated.entry(fill.order).or_default().add(fill.base, fill.quote, fill.time);
            }
        }
    }

    fn decided(&mut self, time: Timestamp, decisions: &Decisions) {
        self.now = self.now.max(time);
        for item in &decisions.commands {
            match item {
                CommandRecord::Place(order) => {
                    self.orders.insert(order.id, (*order, None));
                    self.venue.place(self.now, order);
                }
                CommandRecord::Cancel { order, .. } => self.venue.cancel(self.now, *order),
                CommandRecord::CancelAll { .. } => {
                    let open: Vec<OrderId> = self.venue.open_orders().map(|open| open.order.id).collect();
                    for order in open {
                        self.venue.cancel(self.now, order);
                    }
                }
            }
        }
        let mut stands = |record: &OrderRecord| {
            if let Some((_, state)) = self.orders.get_mut(&record.id) {
                *state = Some(record.state);
            }
        };
        decisions.orders.iter().for_each(&mut stands);
        for audit in &decisions.audit {
            match audit {
                Audit::Closed(record) => stands(record),
                Audit::Filled { fill, .. } => {
                    self.real.entry(fill.order).or_default().add(fill.base, fill.quote, fill.time);
                }
                _ => {}
            }
        }
    }

    fn compare(mut self) -> Vec<Compared> {
        self.pass_until(self.now);
        let orders = std::mem::take(&mut self.orders).into_values();
        orders
            .map(|(order, state)| {
                let real = self.real.get(&order.id).copied().unwrap_or_default();
                let simulated = self.simulated.get(&order.id).copied().unwrap_or_default();
                let worse_by_bp =
                    real.price().zip(simulated.price()).and_then(|(a, b)| worse(order.side, a, b));
                let later_by_ms =
                    real.first.zip(simulated.first).map(|(a, b)| a.as_millis().saturating_sub(b.as_millis()));
                let cause = cause(state, &real, &simulated);
                Compared { order, state, real, simulated, worse_by_bp, later_by_ms, cause }
            })
            .collect()
    }
}

fn cause(state: Option<OrderState>, real: &Executed, simulated: &Executed) -> Cause {
    let stood = !matches!(state, Some(OrderState::Rejected | OrderState::NotSent | OrderState::Absent));
    match (real.base.is_positive(), simulated.base.is_positive()) {
        (false, true) if !stood => Cause::NeverStood,
        (false, true) => Cause::Missed,
        (true, false) => Cause::Extra,
        _ if real.base != simulated.base => Cause::Quantity,
        _ if real.quote != simulated.quote => Cause::Price,
        _ => Cause::Same,
    }
}

/// How much worse a price is than another, in basis points, rounded toward zero.
fn worse(side: Side, real: Price, simulated: Price) -> Option<i64> {
    let difference = i128::from(real.units()) - i128::from(simulated.units());
    let points = (difference * 10_000).checked_div(i128::from(simulated.units()))?;
    i64::try_from(if side == Side::Buy { points } else { -points }).ok()
}

impl Drift {
    /// How many orders fared so.
    pub fn count(&self, cause: Cause) -> usize {
        self.orders.iter().filter(|compared| compared.cause == cause).count()
    }

    /// The comparison for a terminal: totals by cause, then the orders that differ.
    pub fn render(&self) -> String {
        // Writing into a text does not fail.
        let mut text = format!("session {}: {} orders\n", self.session, self.orders.len());
        for cause in
            [Cause::Same, Cause::Missed, Cause::Extra, Cause::Quantity, Cause::Price, Cause::NeverStood]
        {
            let _ = writeln!(text, "  {:<12} {:>6}", cause.name(), self.count(cause));
        }
        for compared in self.orders.iter().filter(|compared| compared.cause != Cause::Same) {
            let Compared { order, real, simulated, worse_by_bp, later_by_ms, cause, .. } = compared;
            let _ = write!(text, "  order {}: {order}: {}", order.id, cause.name());
            let _ = write!(text, ", {} executed, {} simulated", real.base, simulated.base);
            if let Some(points) = worse_by_bp.filter(|points| *points != 0) {
                let _ = write!(text, ", {} bp {}", points.abs(), if points > 0 { "worse" } else { "better" });
            }
            if let Some(ms) = later_by_ms.filter(|ms| *ms != 0) {
                let _ = write!(text, ", {} ms {}", ms.abs(), if ms > 0 { "later" } else { "earlier" });
            }
            text.push('\n');
        }
        text
    }
}
