//! What a session stands on: configuration, connection, state directory, journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pampero_engine::{
    Control, Decisions, Engine, Event, EventKind, Requirements, StrategyDefinition, StrategyId, TradingState,
};
use pampero_model::{MarketId, Span};
use pampero_runtime::guard::{Latch, Level};
use pampero_runtime::promotion::Subject;
use pampero_runtime::recorder::Recorder;
use pampero_runtime::recovery::{self, Recovered, StrategyState};
use pampero_runtime::session::Pen;
use pampero_runtime::state_dir::{StateDir, StateLock};
use pampero_store::journal::{Journal, NewSession};
use serde_json::Value as Json;

use crate::cli::account::Connect;
use crate::cli::trading::SessionArgs;
use crate::config::{self, Config, Problem, Problems, Source};
use crate::connect::{Connection, now, state_failure};
use crate::error::{Exit, Failure};
use crate::market_list::{self, HOME};
use crate::plan::{self, Plan, PlannedStrategy};
use crate::sample;

/// A configuration that was read without mistakes.
pub(super) struct Reading {
    pub config: Config,
    pub source: Source,
    pub folder: PathBuf,
    pub text: String,
}

/// Reads the named configuration, or the quickstart.
pub(super) fn read(path: Option<&Path>, definitions: &[StrategyDefinition]) -> Result<Reading, Failure> {
    let (name, text, folder) = match path {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))?;
            (path.display().to_string(), text, path.parent().map(Path::to_path_buf).unwrap_or_default())
        }
        None => (sample::QUICKSTART.0.to_owned(), sample::QUICKSTART.1.to_owned(), PathBuf::new()),
    };
    let reading = config::read(&name, &text);
    if !reading.problems.is_empty() {
        return Err(reading.all_problems(|config| plan::problems(config, definitions, &folder)).into());
    }
    Ok(Reading { config: reading.config, source: reading.source, folder, text })
}

impl Reading {
    /// The plan of the configuration.
    pub fn plan<'a>(&self, definitions: &'a [StrategyDefinition]) -> Result<Plan<'a>, Failure> {
        let locate = |list| Failure::Config(Problems { source: Some(self.source.clone()), list });
        if !self.config.names_markets() {
            let help = "name them: markets = [\"btc_usd\"]";
            return Err(locate(vec![Problem::new("strategy", "a strategy names no market", help)]));
        }
        let plan = plan::resolve(&self.config, definitions, &[], &self.folder).map_err(locate)?;
        Ok(plan.in_session(&self.config))
    }

    /// Finds the way to every venue of the strategies' markets, in the order in which they are named. Nothing is sent.
    pub fn connect(&self, connect: &Connect) -> Result<Vec<Connection>, Failure> {
        let markets = market_list::named(&self.config)?;
        let mut names = market_list::venues(&markets);
        if names.is_empty() {
            // What is missing, the plan says.
            names.push(HOME);
        }
        let places = names.into_iter().map(|name| connect.of_venue(name, &self.config));
        let (places, unknown): (Vec<_>, Vec<_>) = places.partition(Result::is_ok);
        let list: Vec<Problem> = unknown.into_iter().filter_map(Result::err).collect();
        if !list.is_empty() {
            return Err(Failure::Config(Problems { source: Some(self.source.clone()), list }));
        }
        places.into_iter().flatten().map(|place| Connection::open(&place)).collect()
    }
}

/// Where a session keeps its state. Paper trading has its own folder beside that of live trading.
pub(super) fn state_dir(connect: &Connect, paper: bool) -> Result<StateDir, Failure> {
    let name = connect.place.env.name();
    let name = if paper { format!("{name}-paper") } else { name.to_owned() };
    StateDir::open(connect.place.state.as_deref(), &name).map_err(state_failure)
}

/// A state directory that this process alone uses, with its latch and journal.
pub(super) struct Ground {
    pub environment: &'static str,
    pub state: StateDir,
    pub latch: Arc<Latch>,
    pub journal: Journal,
    pub lock: StateLock,
}

impl Ground {
    /// Takes the state directory. Refuses while another process has it.
    pub fn take(connect: &Connect, paper: bool) -> Result<Self, Failure> {
        let state = state_dir(connect, paper)?;
        let lock = state.lock().map_err(state_failure)?;
        let latch = Latch::open(&state).map_err(state_failure)?;
        let journal = Journal::open(&state.journal_file()).map_err(state_failure)?;
        let environment = connect.place.env.name();
        Ok(Self { environment, state, latch: Arc::new(latch), journal, lock })
    }

    /// Whether an earlier session of a mode left something to go on from.
    pub fn has_session(&self, mode: &str) -> Result<bool, Failure> {
        for session in self.journal.sessions().map_err(state_failure)? {
            if session.about.environment == self.environment
                && session.about.mode == mode
                && !self.journal.states(session.id).map_err(state_failure)?.is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The engine that a session begins with.
pub(super) enum Base {
    /// As the last session left it.
    Recovered(Box<Recovered>),
    /// The first session.
    Fresh(Box<Engine>),
}

impl Base {
    /// What the last session left, if there was one and it is wanted; else a new engine.
    pub fn find(
        journal: &Journal,
        args: &SessionArgs,
        plan: &Plan<'_>,
        about: &NewSession,
    ) -> Result<Self, Failure> {
        let setup = || plan.setup().map_err(Failure::Defect);
        let cannot = |error: recovery::RecoveryError| {
            let help = "`--new-ledger` begins with what the account holds, and forgets the rest";
            Failure::account(Exit::Failed, "recovery", error.to_string(), help)
        };
        let find = || recovery::find_last(journal, &about.environment, &about.mode, &about.strategies);
        let last = if args.new_ledger { None } else { find().map_err(cannot)? };
        let Some(session) = last else {
            let engine = Engine::new(setup()?).map_err(|error| Failure::Defect(error.to_string()))?;
            return Ok(Self::Fresh(Box::new(engine)));
        };
        let strategies = if args.fresh_strategies { StrategyState::Fresh } else { StrategyState::Restore };
        let recovered = recovery::recover(journal, session, setup()?, strategies).map_err(cannot)?;
        Ok(Self::Recovered(Box::new(recovered)))
    }

    /// Lets latch and engine agree before a session begins. Where a person has resumed since the engine was last seen, it
    /// is told before the session's first state is written, and this says so. Where nobody has, an engine that was stopped
    /// stays stopped, and the latch is engaged: a crash between the two leaves only the one.
    pub fn agree_with(&mut self, latch: &Latch) -> Result<bool, Failure> {
        let Self::Recovered(recovered) = self else { return Ok(false) };
        let record = latch.record();
        let unseen = recovered.has_not_seen(&record);
        let engine = &mut recovered.engine;
        let strategies =
            (0..engine.strategy_count()).filter_map(|index| u16::try_from(index).ok().map(StrategyId));
        let states = strategies.map(|id| engine.trading_state(id));
        let mildest = states.clone().min().unwrap_or_default();
        let stopped = states.max().unwrap_or_default() != TradingState::Active;
        if record.level != Level::Active || !stopped {
            return Ok(false);
        }
        if unseen {
            // A life that ends before its first turn leaves that state, and the next one need not ask again.
            let resumed = Event { time: record.at, kind: EventKind::Control(Control::Resume(None)) };
            engine.recover(&resumed, &Decisions::default());
            return Ok(true);
        }
        let level = match mildest {
            TradingState::Active => return Ok(false),
            TradingState::ReduceOnly => Level::Reduce,
            TradingState::Halted => Level::Halt,
        };
        latch
            .engage(level, "trading was stopped when the last session ended", "recovery")
            .map_err(state_failure)?;
        Ok(false)
    }

    pub const fn is_recovered(&self) -> bool {
        matches!(self, Self::Recovered(_))
    }

    pub fn engine(&mut self) -> &mut Engine {
        match self {
            Self::Recovered(recovered) => &mut recovered.engine,
            Self::Fresh(engine) => engine,
        }
    }

    /// Begins the session in the journal and gives the engine.
    pub fn begin(self, journal: Journal, about: &NewSession) -> Result<(Engine, Pen), Failure> {
        let (engine, carried) = match &self {
            Self::Recovered(recovered) => (&recovered.engine, Some(&**recovered)),
            Self::Fresh(engine) => (&**engine, None),
        };
        let recorder = Recorder::begin(journal, about, engine, carried);
        let pen = Pen::new(recorder.map_err(|error| Failure::run(error.to_string(), JOURNAL_STUCK))?);
        Ok(match self {
            Self::Recovered(recovered) => (recovered.engine, pen),
            Self::Fresh(engine) => (*engine, pen),
        })
    }
}

/// The strategies of a plan with their markets, as journals name them.
pub(crate) fn strategies_described(plan: &Plan<'_>) -> String {
    let described = plan.strategies.iter().map(|planned| {
        let markets: Vec<String> =
            planned.markets.iter().filter_map(|id| plan.markets.get(*id)).map(market_list::shown).collect();
        format!("{} on {}", planned.label, markets.join(", "))
    });
    described.collect::<Vec<_>>().join("; ")
}

/// What to do where nothing more can be written down.
pub(super) const JOURNAL_STUCK: &str = "make room on the disk, look with `pampero orders` what stands, and start again: it goes on where it stopped";

/// How a session is described in the journal.
pub(super) fn about(plan: &Plan<'_>, environment: &str, mode: &str, account: &str, text: &str) -> NewSession {
    NewSession {
        environment: environment.to_owned(),
        mode: mode.to_owned(),
        account: account.to_owned(),
        strategies: strategies_described(plan),
        config: text.to_owned(),
        config_hash: plan.hash(),
        build: build(),
        started_at: now(),
    }
}

/// The build, as journals name it.
pub(super) fn build() -> String {
    format!("pampero {}", env!("CARGO_PKG_VERSION"))
}

/// Which strategies collect evidence, exactly.
pub(super) fn subjects(plan: &Plan<'_>) -> Vec<Subject> {
    let subject = |planned: &PlannedStrategy<'_>| {
        let parameters = Json::Object(planned.parameters.clone()).to_string();
        Subject {
            strategy: planned.label.to_string(),
            version: planned.definition.version().to_owned(),
            parameters: blake3::hash(parameters.as_bytes()).to_hex().chars().take(16).collect(),
        }
    };
    plan.strategies.iter().map(subject).collect()
}

/// A market with the spans of the candles that are wanted of it, and how many of each must be seen first.
pub(super) type CandlesWanted = (MarketId, Vec<(Span, usize)>);

/// The candles that strategies want, by market.
pub(super) fn candles_wanted(plan: &Plan<'_>, usual: Span) -> Result<Vec<CandlesWanted>, Failure> {
    let mut wanted: Vec<CandlesWanted> = plan.markets.iter().map(|(id, _)| (id, Vec::new())).collect();
    for planned in &plan.strategies {
        let parameters = Json::Object(planned.parameters.clone());
        let strategy = planned.definition.build(&parameters, &planned.markets);
        let Requirements { markets, candle_spans, warm_up } =
            strategy.map_err(|error| Failure::Defect(error.to_string()))?.requirements();
        let spans = if candle_spans.is_empty() { vec![usual] } else { candle_spans };
        for market in markets {
            let Some((_, wants)) = wanted.iter_mut().find(|(id, _)| *id == market) else { continue };
            for span in &spans {
                match wants.iter_mut().find(|(known, _)| known == span) {
                    Some((_, count)) => *count = warm_up.max(*count),
                    None => wants.push((*span, warm_up)),
                }
            }
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // test code
    use pampero_engine::{Strategy, parameters};

    use super::*;

    struct Idle(MarketId);
    impl Strategy for Idle {
        fn requirements(&self) -> Requirements {
            Requirements::of(self.0)
        }
    }

    parameters! {
        struct Params {
            /// How long.
            period: u32 = 20,
        }
    }

    /// The subject of a configuration that sets `period`, of a strategy in a version.
    fn subject(version: &'static str, period: u32) -> Subject {
        let build = |market, _: Params| Ok(Idle(market));
        let definitions = [StrategyDefinition::new("idle", version, "does nothing", build)];
        let text = format!(
            "[run]\nreport_currency = \"usd\"\n[[strategy]]\nname = \"idle\"\nmarkets = [\"btc_usd\"]\n\
             [strategy.parameters]\nperiod = {period}\n[account]\nusd = \"100\"\n"
        );
        let config = config::read("a.toml", &text).config;
        let plan = plan::resolve(&config, &definitions, &[], Path::new("")).unwrap();
        subjects(&plan).remove(0)
    }

    #[test]
    fn what_was_shown_belongs_to_a_strategy_in_its_own_version_with_its_parameters() {
        let known = subject("7.3.1", 20);
        assert_eq!((known.strategy.as_str(), known.version.as_str()), ("idle", "7.3.1"));
        assert_eq!(known, subject("7.3.1", 20));
        assert_ne!(known, subject("7.3.2", 20));
        assert_ne!(known.parameters, subject("7.3.1", 21).parameters);
    }
}
