//! The rehearsal: with tiny amounts, on an exchange where nothing is lost, everything that trading rests on is done once
//! and looked at: placing, cancelling, a partial execution, both limits, the kill switch, a death with orders open, and
//! the comparison of the books.
//!
//! What runs is what trades live: the engine with its risk gate, [`Execution`], the journal,
//! the [`Gateway`] and the kill switch. Only the strategy is a puppet, and the limits are so narrow that a few of the
//! market's least orders break them.

mod amounts;
mod life;
mod puppet;
mod script;

use std::sync::Arc;
use std::time::Duration;

use pampero_engine::{Allocation, Engine, EngineError, Limits, MarketLimits, Owner, Setup, StrategyId};
use pampero_exchange::{Balance, CancelScope, Error, Exchange};
use pampero_model::{Market, MarketError, MarketId, Markets, Money, Span, Timestamp, VenueId};
use pampero_store::journal::{Journal, JournalError, NewSession};
use serde::Serialize;
use thiserror::Error as ThisError;
use tokio::time::{Instant, sleep};

pub use self::amounts::{Amounts, Unfit};
use self::life::{Birth, Life};
use self::puppet::Puppet;
use self::script::{Came, REHEARSAL, Script};
use crate::execution::{CarriedOver, Execution, Settings};
use crate::feed::Clock;
use crate::gateway::{Caps, Gateway};
use crate::guard::{Guard, Latch, Level};
use crate::promotion::{Evidence, Shown, Subject};
use crate::recorder::{RecordError, Recorder};
use crate::recovery::{self, RecoveryError, StrategyState};
use crate::session::Pen;
use crate::state_dir::{StateDir, StateError};

/// The one market of a rehearsal.
const MARKET: MarketId = MarketId(0);
const VENUE: VenueId = VenueId(0);

/// A step of the rehearsal, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The account is compared with an empty ledger that takes over what it holds.
    Compare,
    /// An order comes to rest on the book.
    Place,
    /// It is cancelled.
    Cancel,
    /// An order is executed in part, by another of one's own.
    PartialFill,
    /// The risk gate refuses what is beyond its limit.
    GateLimit,
    /// The gateway refuses what is beyond its cap.
    GatewayCap,
    /// The latch blocks, cancels and verifies.
    Halt,
    /// The program dies with orders open and finds them again.
    Restart,
    /// Ledger and account agree.
    Reconcile,
    /// It stops in order, with nothing open.
    Stop,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 10] = [
        Self::Compare,
        Self::Place,
        Self::Cancel,
        Self::PartialFill,
        Self::GateLimit,
        Self::GatewayCap,
        Self::Halt,
        Self::Restart,
        Self::Reconcile,
        Self::Stop,
    ];

    /// Its name, for people and machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compare => "compare",
            Self::Place => "place",
            Self::Cancel => "cancel",
            Self::PartialFill => "partial_fill",
            Self::GateLimit => "gate_limit",
            Self::GatewayCap => "gateway_cap",
            Self::Halt => "halt",
            Self::Restart => "restart",
            Self::Reconcile => "reconcile",
            Self::Stop => "stop",
        }
    }
}

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// Whether it went as it must.
    pub passed: bool,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// What was seen, or what went wrong.
    pub seen: String,
}

/// How a rehearsal went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The steps that were made; the first that fails is the last.
    pub steps: Vec<StepReport>,
    /// What the account holds more or less than before: fees, and what others took.
    pub residue: Vec<Money>,
    /// Orders that are still on the book, in words. Without any the account is left as it was found.
    pub open: Vec<String>,
    /// Trading stays halted, for a halt of the rehearsal's own could not be seen to the end.
    pub halted: bool,
}

impl Report {
    /// Whether every step was made and passed.
    pub fn passed(&self) -> bool {
        self.steps.len() == Step::ALL.len() && self.steps.iter().all(|step| step.passed)
    }
}

/// Why a rehearsal cannot begin, or cannot say how it ended.
#[derive(Debug, ThisError)]
pub enum RehearsalError {
    /// The market or the account is not fit for it now.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Somebody's orders are open.
    #[error(
        "{0} of the account's orders are open, and the rehearsal's halt would cancel them: cancel them first"
    )]
    Orders(usize),
    /// The exchange.
    #[error(transparent)]
    Exchange(#[from] Error),
    /// The state directory.
    #[error(transparent)]
    State(#[from] StateError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What a life left cannot be taken up.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The market.
    #[error(transparent)]
    Market(#[from] MarketError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The journal holds no session of the rehearsal that began a moment ago.
    #[error("the session that died is not in the journal")]
    Lost,
    /// The operating system gives no thread.
    #[error("the engine cannot start: {0}")]
    Thread(#[from] std::io::Error),
}

/// Where a rehearsal takes place. The caller holds the lock of the state directory.
pub struct Stage {
    /// The exchange, with a key that may trade.
    pub exchange: Arc<dyn Exchange>,
    /// The kill switch, on connections of its own.
    pub guard: Guard,
    /// The state directory of the environment.
    pub state: StateDir,
    /// The market.
    pub market: Market,
    /// The windows of execution.
    pub settings: Settings,
    /// The account's number, for the journal.
    pub account: String,
    /// The build, for the journal.
    pub build: String,
    /// The time.
    pub clock: Clock,
    /// How long anything may take that is waited for.
    pub patience: Duration,
}

/// Rehearses on a market, and tells each step when it is over. The account is left as it was found, but for fees; where that
/// fails, the report says what is left.
///
/// # Errors
/// [`RehearsalError`] where it cannot begin: nothing was placed then. A step that fails is no error of this kind.
pub async fn rehearse(stage: Stage, mut tell: impl FnMut(&StepReport)) -> Result<Report, RehearsalError> {
    let open = stage.exchange.active_orders(None).await?;
    if !open.is_empty() {
        return Err(RehearsalError::Orders(open.len()));
    }
    let book = stage.exchange.snapshot(&stage.market.code, pampero_exchange::SnapshotParts::BOOK).await?.book;
    let amounts = Amounts::choose(&stage.market, &book)?;
    let before = stage.exchange.balances().await?;
    amounts.covered_by(&stage.market, &before)?;
    let life = stage.first_life(&amounts, &before)?;

    let (exchange, market) = (Arc::clone(&stage.exchange), stage.market.clone());
    let (state, patience) = (stage.state.clone(), stage.patience);
    let mut steps = Steps { reports: Vec::new(), tell: &mut tell };
    let mut script = Script { stage, amounts, life };
    perform(&mut script, &mut steps).await;
    let unresolved = script.life.seen.borrow().unresolved();
    script.life.die().await;
    drop(script); // with it the kill switch: from here on nothing of the rehearsal acts any more
    let mut report = Report { steps: steps.reports, ..Report::default() };
    report.open = tidy(exchange.as_ref(), &market.code, patience).await;
    report.open.extend(unresolved);
    report.halted = !lift(&state, report.open.is_empty())?;
    let after = exchange.balances().await?;
    report.residue = residue(&market, &before, &after);
    Ok(report)
}

/// Writes down that strategies have passed, where the promotion looks for it.
///
/// # Errors
/// If the journal cannot be written.
pub fn show(
    state: &StateDir,
    subjects: &[Subject],
    environment: &str,
    steps: usize,
    at: Timestamp,
) -> Result<(), JournalError> {
    let mut journal = Journal::open(&state.journal_file())?;
    for subject in subjects {
        let evidence = Evidence {
            subject: subject.clone(),
            shown: Shown::Rehearsal { steps: u32::try_from(steps).unwrap_or(u32::MAX) },
            environment: environment.to_owned(),
            at,
        };
        journal.add_evidence(&(&evidence).into())?;
    }
    Ok(())
}

/// The steps so far, and who is told.
struct Steps<'a> {
    reports: Vec<StepReport>,
    tell: &'a mut dyn FnMut(&StepReport),
}

impl Steps<'_> {
    /// Makes a step. Gives what it came to, if it passed.
    async fn make<T>(
        &mut self,
        step: Step,
        made: impl Future<Output = Result<T, String>>,
        seen: impl Fn(&T) -> String,
    ) -> Option<T> {
        let began = Instant::now();
        let came = made.await;
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let text = came.as_ref().map_or_else(Clone::clone, &seen);
        let report = StepReport { step, passed: came.is_ok(), ms, seen: text };
        (self.tell)(&report);
        self.reports.push(report);
        came.ok()
    }

    async fn simple(&mut self, step: Step, made: impl Future<Output = Came>) -> Option<()> {
        self.make(step, made, String::clone).await.map(drop)
    }
}

/// Every step, until one fails.
async fn perform(script: &mut Script, steps: &mut Steps<'_>) -> Option<()> {
    steps.simple(Step::Compare, script.compare()).await?;
    let (order, _) = steps.make(Step::Place, script.place(), |(_, text)| text.clone()).await?;
    steps.simple(Step::Cancel, script.cancel(order)).await?;
    steps.simple(Step::PartialFill, script.fill()).await?;
    steps.simple(Step::GateLimit, script.gate()).await?;
    steps.simple(Step::GatewayCap, script.gateway()).await?;
    steps.simple(Step::Halt, script.halt()).await?;
    steps.simple(Step::Restart, script.restart()).await?;
    steps.simple(Step::Reconcile, script.reconcile()).await?;
    let stopped = async { script.life.stop().await.map(|()| "stopped in order, nothing is open".to_owned()) };
    steps.simple(Step::Stop, stopped).await
}

impl Stage {
    /// The first life, with an account that nobody traded on before.
    fn first_life(&self, amounts: &Amounts, balances: &[Balance]) -> Result<Life, RehearsalError> {
        let (setup, instructions) = self.setup(amounts, balances)?;
        let engine = Engine::new(setup)?;
        let carried = CarriedOver::first(&engine, VENUE);
        let execution =
            Execution::new((self.clock)(), VENUE, engine.markets(), self.settings.clone(), carried);
        let recorder =
            Recorder::begin(Journal::open(&self.state.journal_file())?, &self.about(), &engine, None)?;
        self.begin(amounts, engine, execution, recorder, instructions)
    }

    /// The life after a death: what the journal holds is taken up.
    fn another_life(&self, amounts: &Amounts) -> Result<Life, RehearsalError> {
        let about = self.about();
        let journal = Journal::open(&self.state.journal_file())?;
        let last = recovery::find_last(&journal, &about.environment, &about.mode, &about.strategies)?;
        let session = last.filter(|session| session.ended_at.is_none()).ok_or(RehearsalError::Lost)?;
        let (setup, instructions) = self.setup(amounts, &[])?;
        let recovered = recovery::recover(&journal, session, setup, StrategyState::Fresh)?;
        let carried = recovered.carried_over(VENUE);
        let markets = recovered.engine.markets();
        let execution = Execution::new((self.clock)(), VENUE, markets, self.settings.clone(), carried);
        let recorder = Recorder::begin(journal, &about, &recovered.engine, Some(&recovered))?;
        self.begin(amounts, recovered.engine, execution, recorder, instructions)
    }

    fn begin(
        &self,
        amounts: &Amounts,
        engine: Engine,
        execution: Execution,
        recorder: Recorder,
        instructions: tokio::sync::mpsc::UnboundedSender<puppet::Instruction>,
    ) -> Result<Life, RehearsalError> {
        let latch = Arc::clone(self.guard.latch());
        let clock = Arc::clone(&self.clock);
        let gateway = Gateway::new(
            Arc::clone(&self.exchange),
            Caps::new([(self.market.quote, amounts.cap)]),
            move || clock(),
            move || latch.blocked_by(),
        );
        Ok(Life::begin(Birth {
            engine,
            execution,
            pen: Pen::new(recorder),
            gateway: Arc::new(gateway),
            guard: self.guard.clone(),
            clock: Arc::clone(&self.clock),
            market: MARKET,
            instructions,
            patience: self.patience,
        })?)
    }

    /// The engine's setup, and what its puppet is told with.
    fn setup(
        &self,
        amounts: &Amounts,
        balances: &[Balance],
    ) -> Result<(Setup, tokio::sync::mpsc::UnboundedSender<puppet::Instruction>), RehearsalError> {
        let mut markets = Markets::default();
        markets.insert(self.market.clone())?;
        let (puppet, instructions) = Puppet::new(MARKET);
        let limits = Limits {
            markets: vec![MarketLimits {
                max_order_notional: Some(amounts.limit),
                ..MarketLimits::default()
            }],
            max_open_orders: Some(2),
            require_reconciled: true,
            allow_self_cross: true,
            ..Limits::default()
        };
        let traded = [self.market.base, self.market.quote];
        let held = balances.iter().filter(|held| traded.contains(&held.currency) && held.total.units > 0);
        let mut setup = Setup::new(markets, self.market.quote);
        setup.strategies = vec![(Box::new(puppet), limits)];
        setup.allocations = held
            .map(|held| Allocation { owner: Owner::Strategy(StrategyId(0)), venue: VENUE, money: held.total })
            .collect();
        Ok((setup, instructions))
    }

    fn about(&self) -> NewSession {
        NewSession {
            environment: self.state.environment().to_owned(),
            mode: REHEARSAL.to_owned(),
            account: self.account.clone(),
            strategies: format!("rehearsal on {}", self.market.code),
            config: String::new(),
            config_hash: String::new(),
            build: self.build.clone(),
            started_at: (self.clock)(),
        }
    }
}

/// Cancels what is left, and looks twice that nothing is. Gives what is left all the same.
async fn tidy(exchange: &dyn Exchange, market: &str, patience: Duration) -> Vec<String> {
    let deadline = Instant::now() + patience;
    let mut empty = 0;
    let mut left = Vec::new();
    while empty < 2 {
        match exchange.active_orders(Some(market)).await {
            Ok(orders) if orders.is_empty() => {
                empty += 1;
                left.clear();
            }
            Ok(orders) => {
                empty = 0;
                let words = |order: &pampero_exchange::VenueOrder| format!("{} {}", order.side, order.id);
                left = orders.iter().map(words).collect();
                let _ = exchange.cancel_all(CancelScope::Market(market)).await; // the next look says whether it worked
            }
            Err(error) => {
                empty = 0;
                left = vec![format!("not known: {error}")];
            }
        }
        if Instant::now() > deadline {
            return left;
        }
        if empty < 2 {
            sleep(Duration::from_secs(1)).await;
        }
    }
    left
}

/// Lifts a halt that is the rehearsal's own, if nothing is left to be stopped. Gives whether trading is not halted.
fn lift(state: &StateDir, clean: bool) -> Result<bool, StateError> {
    let latch = Latch::open(state)?;
    let record = latch.record();
    if record.level == Level::Active {
        return Ok(true);
    }
    if record.by == REHEARSAL && clean {
        latch.resume("the rehearsal is over", REHEARSAL)?;
        return Ok(true);
    }
    Ok(false)
}

/// What the account holds more or less than before, of the market's currencies.
fn residue(market: &Market, before: &[Balance], after: &[Balance]) -> Vec<Money> {
    let total = |balances: &[Balance], currency| {
        balances.iter().find(|held| held.currency == currency).map_or(0, |held| held.total.units)
    };
    [market.base, market.quote]
        .into_iter()
        .map(|currency| Money::new(currency, total(after, currency) - total(before, currency)))
        .filter(|money| money.units != 0)
        .collect()
}

/// The windows of execution in a rehearsal: the configured ones, but the account is compared more often.
pub fn hurried(settings: &Settings) -> Settings {
    Settings {
        full: settings.full.min(Span::from_secs(5)),
        light_busy: Span::from_secs(2),
        ..settings.clone()
    }
}
