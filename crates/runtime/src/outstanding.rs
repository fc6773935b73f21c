//! Which orders a process that trades may have left at the exchange: from its journal alone, without an engine, and while
//! it goes on writing.

use std::collections::BTreeMap;

use pampero_engine::{Audit, Checkpoint, Decisions, OrderRecord, OrderState};
use pampero_model::{OrderId, Side, Timestamp, VenueOrderId};
use pampero_store::journal::Journal;

use crate::memory::Snapshot;
use crate::recovery::{RecoveryError, last_session, snapshot};
use crate::tape::{Step, Tape};

/// An order that was sent and is not known to have come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outstanding {
    /// Our id.
    pub order: OrderId,
    /// The venue that it was sent to.
    pub venue: String,
    /// The exchange's code of its market.
    pub market: String,
    /// Buy or sell.
    pub side: Side,
    /// The exchange's id; none where nobody knows whether the order arrived.
    pub venue_order: Option<VenueOrderId>,
    /// When it was sent.
    pub sent_at: Timestamp,
}

/// Reads the last session of an environment and mode; none are outstanding where there is no session.
pub fn outstanding(
    journal: &Journal,
    environment: &str,
    mode: &str,
) -> Result<Vec<Outstanding>, RecoveryError> {
    let Some(session) = last_session(journal, environment, mode)? else { return Ok(Vec::new()) };
    let state = journal.last_state(session.id, u64::MAX)?.ok_or(RecoveryError::NoState(session.id))?;
    let Snapshot { engine, mut memory } = snapshot(&session, &state)?;
    let mut open: BTreeMap<OrderId, OrderRecord> =
        engine.open_orders().iter().map(|order| (order.id, *order)).collect();
    let mut tape = Tape::new(journal, session.id, state.seq)?;
    while let Some(step) = tape.step()? {
        match step {
            Step::Started { decisions, .. } | Step::Event { decisions, .. } => follow(&mut open, &decisions),
            Step::Note { text, .. } => memory.read(text),
        }
    }
    let sent = open.into_values().filter(|order| order.state != OrderState::Held);
    let sent = sent.filter_map(|order| {
        // The intent is written before the request leaves: without one it never did.
        let (sent_at, _) = *memory.intents.get(&order.id)?;
        let (venue, market) = names(&engine, &order);
        Some(Outstanding {
            order: order.id,
            venue,
            market,
            side: order.side,
            venue_order: order.venue_order,
            sent_at,
        })
    });
    Ok(sent.collect())
}

fn follow(open: &mut BTreeMap<OrderId, OrderRecord>, decisions: &Decisions) {
    open.extend(decisions.orders.iter().map(|order| (order.id, *order)));
    for audit in &decisions.audit {
        if let Audit::Closed(order) = audit {
            open.remove(&order.id);
        }
    }
}

/// The venue, and the market's code as the exchange writes it.
fn names(engine: &Checkpoint, order: &OrderRecord) -> (String, String) {
    let name = engine.markets().get(usize::from(order.market.0)).map_or("", String::as_str);
    let (venue, code) = name.split_once(':').unwrap_or(("", name));
    (venue.to_owned(), code.to_owned())
}
