//! From the journal back to the engine's orders and ledger.
//!
//! The last session's saved state is restored, and the records behind it are taken in with the strategies silent: see
//! [`Engine::recover`]. So the engine knows every order it may have placed, and every execution it has counted,
//! before anything is asked of the exchange.

use pampero_engine::{CheckpointError, CountedFills, Engine, EngineError, Owner, Setup};
use pampero_model::{Money, Timestamp, VenueId};
use pampero_store::journal::{Journal, JournalError, SavedState, Session, SessionId};
use thiserror::Error;

use crate::codec::CodecError;
use crate::execution::CarriedOver;
use crate::guard::LatchRecord;
use crate::memory::{FORMAT, Format, Memory, Snapshot};
use crate::tape::{Step, Tape, TapeError};

/// A session that cannot be taken up.
#[derive(Debug, Error)]
pub enum RecoveryError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record cannot be read.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// No engine can be built from the configuration.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The saved state does not fit the configuration.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// It was written in a form that this build does not read.
    #[error(
        "session {session} was written in form {found}; this build reads forms up to {FORMAT}: use the build {build}"
    )]
    Format {
        /// The session.
        session: SessionId,
        /// Its form.
        found: u32,
        /// The build that wrote it.
        build: String,
    },
    /// The session has no saved state.
    #[error("session {0} has no saved state: it ended before it began")]
    NoState(SessionId),
    /// The last session ran other strategies.
    #[error(
        "the last session in {environment} ran {found}, the configuration has {expected}: run the same strategies \
         until all their orders and positions are closed, or use another state directory"
    )]
    Strategies {
        /// The environment.
        environment: String,
        /// What the session ran.
        found: String,
        /// What the configuration has.
        expected: String,
    },
}

impl From<TapeError> for RecoveryError {
    fn from(error: TapeError) -> Self {
        match error {
            TapeError::Journal(error) => Self::Journal(error),
            TapeError::Codec(error) => Self::Codec(error),
        }
    }
}

/// What strategies do with the state they saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StrategyState {
    /// Take it up; what does not fit is an error.
    #[default]
    Restore,
    /// Begin anew, on the orders and positions that there are.
    Fresh,
}

/// What the last session left.
pub struct Recovered {
    /// The session it comes from.
    pub session: Session,
    /// The engine, ready for another session: start it when the account was reconciled or let the gate see to that.
    pub engine: Engine,
    /// When the last record was written.
    pub last_seen: Timestamp,
    pub(crate) memory: Memory,
}

/// The last session of an environment and mode that can be taken up; none if there is none. It must have run the same
/// strategies.
pub fn find_last(
    journal: &Journal,
    environment: &str,
    mode: &str,
    strategies: &str,
) -> Result<Option<Session>, RecoveryError> {
    match last_session(journal, environment, mode)? {
        Some(session) if session.about.strategies != strategies => Err(RecoveryError::Strategies {
            environment: environment.to_owned(),
            found: session.about.strategies,
            expected: strategies.to_owned(),
        }),
        found => Ok(found),
    }
}

/// The last session of an environment and mode that saved a state: one that was killed before its first commit left
/// nothing.
pub(crate) fn last_session(
    journal: &Journal,
    environment: &str,
    mode: &str,
) -> Result<Option<Session>, JournalError> {
    for session in journal.sessions()?.into_iter().rev() {
        let fits = session.about.environment == environment && session.about.mode == mode;
        if fits && !journal.states(session.id)?.is_empty() {
            return Ok(Some(session));
        }
    }
    Ok(None)
}

/// Rebuilds the engine of a session as it was when the last record was written, and prepares it for another session.
pub fn recover(
    journal: &Journal,
    session: Session,
    setup: Setup,
    strategies: StrategyState,
) -> Result<Recovered, RecoveryError> {
    let state = journal.last_state(session.id, u64::MAX)?.ok_or(RecoveryError::NoState(session.id))?;
    let Snapshot { engine: checkpoint, mut memory } = snapshot(&session, &state)?;
    let mut engine = Engine::new(setup)?;
    engine.restore_account(&checkpoint)?;
    if strategies == StrategyState::Restore {
        engine.restore_strategies(&checkpoint)?;
    }
    let mut last_seen = checkpoint.time();
    let mut tape = Tape::new(journal, session.id, state.seq)?;
    while let Some(step) = tape.step()? {
        match step {
            Step::Started { time, decisions, .. } => {
                engine.recover_start(time, &decisions);
                last_seen = last_seen.max(time);
            }
            Step::Event { event, decisions, .. } => {
                engine.recover(&event, &decisions);
                last_seen = last_seen.max(event.time);
            }
            Step::Note { text, time, .. } => {
                memory.read(text);
                last_seen = last_seen.max(time);
            }
        }
    }
    engine.begin_session();
    memory.prune(&engine);
    Ok(Recovered { session, engine, last_seen, memory })
}

/// A saved state of a session, decoded.
pub(crate) fn snapshot(session: &Session, state: &SavedState) -> Result<Snapshot, RecoveryError> {
    let Some(format) = Format::of(state.version) else {
        let build = session.about.build.clone();
        return Err(RecoveryError::Format { session: session.id, found: state.version, build });
    };
    Ok(Snapshot::decode(format, state.seq, &state.payload)?)
}

impl Recovered {
    /// Whether the latch has changed since the engine was last told of it. A journal of an earlier build
    /// does not say which change that was, only when.
    pub fn has_not_seen(&self, latch: &LatchRecord) -> bool {
        self.memory.latch.map_or(latch.at > self.last_seen, |seen| latch.change > seen)
    }

    /// What execution at a venue takes over.
    pub fn carried_over(&self, venue: VenueId) -> CarriedOver {
        let engine = &self.engine;
        let portfolio = engine.portfolio();
        let currencies = portfolio.holdings(Owner::Unallocated).filter(|(at, ..)| *at == venue);
        let ledger =
            currencies.map(|(_, currency, _)| Money::new(currency, portfolio.account(venue, currency).total));
        let counted = engine.counted_fills(venue).into_iter().flat_map(CountedFills::iter);
        let memory = self.memory.of(venue);
        CarriedOver {
            orders: CarriedOver::orders(engine, venue, &self.memory.intents),
            fills: memory.fills.iter().chain(counted).collect(),
            movements: memory.movements.into_iter().collect(),
            ledger: ledger.collect(),
            first: !memory.baseline,
        }
    }
}
