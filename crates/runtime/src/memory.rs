//! What a later session must know beside the engine's state, and the form in which both are saved.

use std::collections::{BTreeMap, BTreeSet};

use pampero_engine::{Checkpoint, CountedFills, Engine};
use pampero_model::{FillId, OrderId, Side, Timestamp, VenueId, VenueOrderId};
use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError};
use crate::execution::Note;

/// Version of everything this build writes into a journal: postcard has no names. Older ones are read; see [`Format`].
pub const FORMAT: u32 = 2;

/// The forms that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The memory did not tell venues apart: it was that of the only one.
    One,
    /// This build's.
    Two,
}

impl Format {
    pub(crate) const fn of(version: u32) -> Option<Self> {
        match version {
            1 => Some(Self::One),
            FORMAT => Some(Self::Two),
            _ => None,
        }
    }
}

/// A note as it stands in the journal: with its venue, where that is not the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted<N> {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub(crate) venue: VenueId,
    #[serde(flatten)]
    pub(crate) note: N,
}

const fn first() -> VenueId {
    VenueId(0)
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks so
const fn is_first(venue: &VenueId) -> bool {
    venue.0 == first().0
}

/// What a later session must know beside the engine's state: it follows from the notes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Of every order that may have been sent and that the engine knows, ended or not: when its intent was written, and
    /// the watermark.
    pub(crate) intents: BTreeMap<OrderId, (Timestamp, Option<VenueOrderId>)>,
    venues: BTreeMap<VenueId, VenueMemory>,
    /// The last change of the latch that the engine was told of. Not of the saved form: a fact behind each saved state
    /// says it again.
    #[serde(skip)]
    pub(crate) latch: Option<u64>,
}

/// A fact of the journal: the engine is told of that change of the latch.
#[derive(Serialize, Deserialize)]
pub(crate) struct LatchSeen {
    pub(crate) latch: u64,
}

/// What must be known of one venue's account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VenueMemory {
    /// Executions that are known and not the engine's.
    pub(crate) fills: CountedFills,
    /// Entries of the account's statement that were booked.
    pub(crate) movements: BTreeSet<String>,
    /// Whether the account's first comparison has taken place.
    pub(crate) baseline: bool,
}

impl Memory {
    pub(crate) fn note(&mut self, venue: VenueId, note: &Note) {
        match note {
            Note::Intent { order, time, watermark } => {
                self.intents.insert(order.id, (*time, *watermark));
            }
            Note::Baseline { fills, .. } => {
                let memory = self.venues.entry(venue).or_default();
                memory.baseline = true;
                memory.fills.extend(fills.iter().copied());
            }
            Note::ForeignFill { side, fill, .. } => {
                self.venues.entry(venue).or_default().fills.insert(*side, *fill);
            }
            Note::Transfer { movement, .. } => {
                self.venues.entry(venue).or_default().movements.insert(movement.clone());
            }
            _ => {}
        }
    }

    /// Takes in a note of the journal. Facts of other kinds stand there too.
    pub(crate) fn read(&mut self, text: &str) {
        if let Ok(Noted { venue, note }) = serde_json::from_str::<Noted<Note>>(text) {
            self.note(venue, &note);
        } else if let Ok(LatchSeen { latch }) = serde_json::from_str(text) {
            self.latch = Some(latch);
        }
    }

    /// What is known of a venue's account.
    pub(crate) fn of(&self, venue: VenueId) -> VenueMemory {
        self.venues.get(&venue).cloned().unwrap_or_default()
    }

    /// Forgets the intents of orders that the engine has forgotten: those that ended long ago.
    pub(crate) fn prune(&mut self, engine: &Engine) {
        let known = engine.open_orders().iter().chain(engine.ended_orders());
        let known: BTreeSet<OrderId> = known.map(|order| order.id).collect();
        self.intents.retain(|id, _| known.contains(id));
    }
}

/// What a saved state of the journal holds, beside its version.
#[derive(Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) engine: Checkpoint,
    pub(crate) memory: Memory,
}

impl Snapshot {
    pub(crate) fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let mut bytes = Vec::new();
        codec::write(self, &mut bytes)?;
        codec::pack(&bytes)
    }

    pub(crate) fn decode(format: Format, seq: u64, bytes: &[u8]) -> Result<Self, CodecError> {
        let malformed = |error: std::io::Error| CodecError::Malformed { seq, problem: error.to_string() };
        let bytes = codec::unpack(bytes).map_err(malformed)?;
        match format {
            Format::One => Ok(codec::read::<SnapshotOne>(seq, &bytes)?.into()),
            Format::Two => codec::read(seq, &bytes),
        }
    }
}

/// [`Snapshot`] in form 1.
#[derive(Deserialize)]
struct SnapshotOne {
    engine: Checkpoint,
    memory: MemoryOne,
}

#[derive(Deserialize)]
struct MemoryOne {
    intents: BTreeMap<OrderId, (Timestamp, Option<VenueOrderId>)>,
    fills: BTreeSet<(Side, FillId)>,
    movements: BTreeSet<String>,
    baseline: bool,
}

impl From<SnapshotOne> for Snapshot {
    fn from(SnapshotOne { engine, memory }: SnapshotOne) -> Self {
        let MemoryOne { intents, fills, movements, baseline } = memory;
        let only = VenueMemory { fills: fills.into_iter().collect(), movements, baseline };
        Self { engine, memory: Memory { intents, venues: BTreeMap::from([(first(), only)]), latch: None } }
    }
}
