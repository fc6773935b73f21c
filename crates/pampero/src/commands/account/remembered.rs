//! The orders that this machine remembers to have sent: by hand, and as the process that trades.
//!
//! Read without any lock, while that process may go on writing; what cannot be read is said and holds nothing up.

use std::collections::BTreeSet;

use pampero_model::{Span, Timestamp};
use pampero_runtime::guard::Scope;
use pampero_runtime::outstanding::outstanding;
use pampero_runtime::state_dir::StateDir;
use pampero_store::journal::Journal;
use serde_json::Value as Json;

use super::ambiguous::Ambiguous;
use crate::cli::account::OrderKey;
use crate::connect::{Connection, now};
use crate::error::Failure;
use crate::market_list::HOME;

/// How far back orders by hand are looked at.
const BY_HAND: Span = Span::from_hours(24);

/// Orders at a venue that have to be final before all is well.
pub(super) struct Remembered {
    state: StateDir,
    venue: String,
    scope: Scope,
    /// Those whose number is known.
    pub keys: BTreeSet<OrderKey>,
    /// When those were sent of which nobody knows whether they arrived.
    unknown: Unknown,
}

#[derive(Default)]
struct Unknown {
    by_hand: Vec<Timestamp>,
    trading: Vec<Timestamp>,
}

impl Remembered {
    pub fn new(connection: &Connection, scope: &Scope) -> Self {
        Self {
            state: connection.state.clone(),
            venue: connection.venue.clone(),
            scope: scope.clone(),
            keys: BTreeSet::new(),
            unknown: Unknown::default(),
        }
    }

    /// Reads it all again: the process that trades may have learnt more. Gives what cannot be read, in words.
    pub fn refresh(&mut self) -> Vec<String> {
        let by_hand =
            self.read_by_hand().map_err(|problem| format!("orders made by hand are not known: {problem}"));
        let trading = self.read_trading().map_err(|problem| format!("the journal cannot be read: {problem}"));
        [by_hand, trading].into_iter().filter_map(Result::err).collect()
    }

    /// How many orders may still appear out of nowhere, if one shows within this span of its sending or never.
    pub fn uncertain(&self, horizon: Span) -> usize {
        let since = now().minus(horizon);
        let Unknown { by_hand, trading } = &self.unknown;
        by_hand.iter().chain(trading).filter(|sent_at| **sent_at > since).count()
    }

    fn read_by_hand(&mut self) -> Result<(), String> {
        if self.venue != HOME {
            return Ok(()); // the commands by hand are those of the first
        }
        let words = |failure: Failure| failure.to_string();
        let file = Ambiguous::of(&self.state);
        let placed = file.placed(BY_HAND).map_err(words)?;
        self.keys.extend(placed.iter().filter_map(|key| key.parse::<OrderKey>().ok()));
        let unfinished = file.unfinished().map_err(words)?;
        let covered = unfinished.iter().filter(|one| {
            let market = one.details.get("market").and_then(Json::as_str).unwrap_or_default();
            one.what == "order" && self.scope.covers(market)
        });
        self.unknown.by_hand = covered.map(|order| order.at).collect();
        Ok(())
    }

    fn read_trading(&mut self) -> Result<(), String> {
        let path = self.state.journal_file();
        if !path.exists() {
            return Ok(());
        }
        let journal = Journal::open_read_only(&path).map_err(|error| error.to_string())?;
        let found = outstanding(&journal, self.state.environment(), "live");
        let mut found = found.map_err(|error| error.to_string())?;
        found.retain(|order| order.venue == self.venue && self.scope.covers(&order.market));
        let keys =
            found.iter().filter_map(|order| Some(OrderKey { side: order.side, id: order.venue_order? }));
        self.keys.extend(keys);
        let unknown = found.iter().filter(|order| order.venue_order.is_none());
        self.unknown.trading = unknown.map(|order| order.sent_at).collect();
        Ok(())
    }
}
