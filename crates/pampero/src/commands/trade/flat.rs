//! How far a flatten is: what the process that trades tells `pampero flatten`, in a file.

use std::path::{Path, PathBuf};

use pampero_engine::{Engine, StrategyId};
use pampero_model::{Quantity, Side, Timestamp};
use pampero_runtime::guard::{Latch, Level};
use pampero_runtime::session::Undecided;
use pampero_runtime::state_dir::{read_private, write_private};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::console::{Console, clock};
use crate::market_list::shown;

/// What became of the order to sell everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flat {
    /// The change of the latch that gave it.
    pub change: u64,
    /// Whether every position is sold and no order is left.
    pub sold: bool,
    /// Orders that must be settled first.
    pub waits_for: Vec<Waiting>,
}

/// An order of which nobody knows whether it arrived. Nothing is sold on its market while it may still be executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub order: u64,
    pub side: Side,
    pub size: String,
    pub market: String,
    /// When it is given up at the latest.
    pub until: Timestamp,
}

impl Waiting {
    pub fn words(&self) -> String {
        let Self { order, side, size, market, until } = self;
        format!(
            "nothing is sold on {market} yet: order {order} ({side} {size}) was sent, and nobody knows whether it \
             arrived; reads of the exchange decide that, and at {} UTC it is given up",
            clock(*until)
        )
    }
}

impl Flat {
    /// What was told last, if anything was.
    pub fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&read_private(file).ok()??).ok()
    }

    /// Whether everything is sold since a change of the latch.
    pub const fn is_done(&self, since: u64) -> bool {
        self.sold && self.change >= since
    }

    fn of(change: u64, engine: &Engine, undecided: &[Undecided]) -> Self {
        let waiting = undecided.iter().filter_map(|Undecided { order, until }| {
            let record = engine.open_orders().iter().find(|record| record.id == *order)?;
            Some(Waiting {
                order: order.0,
                side: record.side,
                size: record.size.to_string(),
                market: shown(engine.market(record.market)?),
                until: *until,
            })
        });
        Self { change, sold: is_flat(engine), waits_for: waiting.collect() }
    }
}

/// Tells of a flatten in the file and on the console, as it goes on.
pub(super) struct FlatFile {
    file: PathBuf,
    said: Option<Flat>,
}

impl FlatFile {
    pub const fn new(file: PathBuf) -> Self {
        Self { file, said: None }
    }

    /// Call it after each turn.
    pub fn turn(&mut self, latch: &Latch, engine: &Engine, undecided: &[Undecided], console: &Console) {
        let record = latch.record();
        if record.level != Level::Flatten {
            return;
        }
        let said = self.said.as_ref().filter(|said| said.change == record.change);
        if said.is_some_and(|said| said.sold) {
            return;
        }
        let flat = Flat::of(record.change, engine, undecided);
        if said == Some(&flat) {
            return;
        }
        for waiting in &flat.waits_for {
            if said.is_none_or(|said| !said.waits_for.contains(waiting)) {
                let facts =
                    json!({ "order": waiting.order, "market": waiting.market, "until": waiting.until });
                console.say(engine.now(), "flatten_waits", &waiting.words(), facts);
            }
        }
        let text = serde_json::to_vec(&flat).unwrap_or_default();
        if let Err(error) = write_private(&self.file, &text) {
            tracing::warn!(%error, "nobody can be told how far the flatten is");
        }
        self.said = Some(flat);
    }
}

/// Whether nothing is open, and nothing is held that could be sold.
fn is_flat(engine: &Engine) -> bool {
    let strategies =
        (0..engine.strategy_count()).filter_map(|index| u16::try_from(index).ok().map(StrategyId));
    engine.open_orders().is_empty()
        && strategies.into_iter().all(|strategy| {
            engine.markets().iter().all(|(id, market)| {
                engine.portfolio().position(strategy, id).quantity < market.min_base.max(Quantity::UNIT)
            })
        })
}
