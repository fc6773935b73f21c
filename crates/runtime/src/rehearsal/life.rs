//! One life of a trading program: engine, execution, journal and gateway on a thread of their own, from a start to an
//! orderly stop or to a death.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pampero_engine::{Audit, Denied, Engine, Intent, OrderRecord, OrderState, StrategyId, TradingState};
use pampero_model::{MarketId, Money, OrderId, Span, VenueId};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::puppet::Instruction;
use crate::execution::{Execution, Note, Request};
use crate::feed::{self, Clock, Desk, FeedMessage, FeedSettings, Watch, own_orders};
use crate::gateway::Gateway;
use crate::guard::Guard;
use crate::session::{
    self, Inbox, Input, Live, Mode, Outgoing, Pen, SessionHooks, StopMode, StopSettings, Turned,
    follow_guard, inbox,
};

/// What can be seen of a session from outside.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The account was compared and agrees.
    pub started: bool,
    /// The market's book was seen.
    pub priced: bool,
    /// Every order of this life, open or closed, as it stands.
    pub orders: BTreeMap<OrderId, OrderRecord>,
    /// Why orders were not acknowledged when they were placed.
    pub refused: BTreeMap<OrderId, String>,
    /// What must not happen and did.
    pub trouble: Vec<String>,
    /// What the ledger says of the market's currencies.
    pub ledger: Vec<Money>,
    pub state: TradingState,
    /// Why it ended by itself, if it did.
    pub ended: Option<String>,
}

impl Seen {
    /// Orders of which nobody knows whether the exchange has them, in words.
    pub fn unresolved(&self) -> Vec<String> {
        let unresolved = |order: &&OrderRecord| {
            matches!(order.state, OrderState::Submitted | OrderState::Unknown | OrderState::PresumedAbsent)
        };
        let orders = self.orders.values().filter(unresolved);
        orders.map(|order| format!("{} at {}, of unknown fate", order.side, order.sent_price)).collect()
    }

    /// Orders that are not final, in words.
    fn open(&self) -> String {
        let open = self.orders.values().filter(|order| !order.state.is_final());
        let open: Vec<_> =
            open.map(|order| format!("order {} is {}", order.id, order.state.name())).collect();
        if open.is_empty() { "no order is open".to_owned() } else { open.join(", ") }
    }

    /// An order, as far as it is known.
    pub fn order(&self, id: OrderId) -> Option<&OrderRecord> {
        self.orders.get(&id)
    }

    /// Whether an order is on the book.
    pub fn rests(&self, id: OrderId) -> bool {
        self.order(id).is_some_and(|order| order.state == OrderState::Live)
    }

    fn note(&mut self, note: &Note) {
        match note {
            Note::Reconciled { first: true } => self.started = true,
            Note::Placed { order, outcome, detail } if outcome != "acknowledged" => {
                self.refused.insert(*order, detail.clone());
            }
            Note::Alarm { text, .. } => self.trouble.push(text.clone()),
            Note::Foreign { side, venue_order, .. } => {
                self.trouble.push(format!("{side} {venue_order} is on the account and not ours"));
            }
            Note::ForeignFill { side, fill, .. } => {
                self.trouble.push(format!("{side} execution {fill} belongs to no order of ours"));
            }
            _ => {}
        }
    }

    fn look(&mut self, engine: &Engine, market: MarketId) {
        for record in engine.open_orders() {
            self.orders.insert(record.id, *record);
        }
        self.priced = engine.view(market).is_some_and(pampero_engine::MarketView::has_book);
        self.state = engine.trading_state(StrategyId(0));
        let Some(rules) = engine.market(market) else { return };
        let venue = engine.markets().venue_of(market).unwrap_or(VenueId(0));
        let held = |currency| Money::new(currency, engine.portfolio().account(venue, currency).total);
        self.ledger = vec![held(rules.base), held(rules.quote)];
    }
}

/// What a life begins with.
pub(super) struct Birth {
    pub engine: Engine,
    pub execution: Execution,
    pub pen: Pen,
    pub gateway: Arc<Gateway>,
    pub guard: Guard,
    pub clock: Clock,
    pub market: MarketId,
    pub instructions: mpsc::UnboundedSender<Instruction>,
    /// How long anything may take that is waited for.
    pub patience: Duration,
}

/// A session that runs.
pub(super) struct Life {
    pub seen: watch::Receiver<Seen>,
    instructions: mpsc::UnboundedSender<Instruction>,
    patience: Duration,
    inbox: mpsc::Sender<Input>,
    death: Option<oneshot::Sender<()>>,
    end: Option<oneshot::Receiver<bool>>,
    /// The answer to the next placement never arrives.
    lose: Arc<AtomicBool>,
    lost: mpsc::UnboundedReceiver<()>,
    tasks: Vec<JoinHandle<()>>,
}

impl Life {
    /// Begins.
    pub fn begin(birth: Birth) -> std::io::Result<Self> {
        let Birth { engine, execution, pen, gateway, guard, clock, market, instructions, patience } = birth;
        let (sender, inbox) = inbox();
        let (told, seen) = watch::channel(Seen::default());
        let (own, own_watched) = watch::channel(Vec::new());
        let (death, dies) = oneshot::channel();
        let (done, end) = oneshot::channel();
        let (losing, lost) = mpsc::unbounded_channel();
        let lose = Arc::new(AtomicBool::new(false));
        let code = engine.market(market).map(|rules| rules.code.clone()).unwrap_or_default();
        let desk = Desk::new(FeedSettings::default(), [Watch { market, code, spans: Vec::new() }]);
        let (news, messages) = mpsc::channel(64);
        let exchange = Arc::clone(gateway.exchange());
        let watching =
            feed::run(exchange, desk, Arc::clone(&clock), own_watched, news, std::future::pending());
        let tasks = vec![
            tokio::spawn(async move { drop(watching.await) }),
            tokio::spawn(pass_on(messages, sender.clone())),
            tokio::spawn(follow_guard(guard.clone(), sender.clone())),
        ];
        let thread = Thread {
            mode: Box::new(Live::new(engine, vec![execution], pen)),
            inbox,
            clock,
            gateway,
            guard,
            market,
            sender: sender.clone(),
            handle: tokio::runtime::Handle::current(),
            told,
            own,
            lose: Arc::clone(&lose),
            losing,
            patience,
        };
        std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let _ = done.send(thread.run(dies)); // who rehearses may have given up
        })?;
        let (death, end) = (Some(death), Some(end));
        Ok(Self { seen, instructions, patience, inbox: sender, death, end, lose, lost, tasks })
    }

    /// Asks for an order and gives what the gate said.
    pub async fn submit(&self, intent: Intent) -> Result<Result<OrderId, Denied>, String> {
        let (answer, said) = oneshot::channel();
        let gone = || "the session has ended".to_owned();
        self.instructions.send(Instruction::Submit(intent, answer)).map_err(|_| gone())?;
        match timeout_at(Instant::now() + self.patience, said).await {
            Ok(Ok(said)) => Ok(said),
            Ok(Err(_)) => Err(gone()),
            Err(_) => Err("the engine does not move".to_owned()),
        }
    }

    /// Asks for the cancellation of an order.
    pub fn cancel(&self, order: OrderId) {
        let _ = self.instructions.send(Instruction::Cancel(order)); // who waits for its end is told that it does not come
    }

    /// Waits until `look` gives something: what it came to, or what went wrong.
    pub async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&Seen) -> Option<Result<T, String>>,
    ) -> Result<T, String> {
        let deadline = Instant::now() + self.patience;
        loop {
            {
                let seen = self.seen.borrow_and_update();
                if let Some(trouble) = seen.trouble.first() {
                    return Err(trouble.clone());
                }
                if let Some(came) = look(&seen) {
                    return came;
                }
                if let Some(reason) = &seen.ended {
                    return Err(format!("the session ended: {reason}"));
                }
            }
            if !matches!(timeout_at(deadline, self.seen.changed()).await, Ok(Ok(()))) {
                let open = self.seen.borrow().open();
                return Err(format!("waited {} s for {what}: {open}", self.patience.as_secs()));
            }
        }
    }

    /// What must not have happened and did says more than what follows from it.
    pub fn blame(&self, wrong: String) -> String {
        self.seen.borrow().trouble.first().cloned().unwrap_or(wrong)
    }

    /// The answer to the next placement is lost on its way.
    pub fn lose_answer(&self) {
        self.lose.store(true, Ordering::Release);
    }

    /// Waits until an answer was lost.
    pub async fn answer_lost(&mut self) -> Result<(), String> {
        match timeout_at(Instant::now() + self.patience, self.lost.recv()).await {
            Ok(Some(())) => Ok(()),
            _ => Err(format!("no order was placed within {} s", self.patience.as_secs())),
        }
    }

    /// Dies between two turns: nothing is said, what was not synced is lost, and no answer is heard any more.
    pub async fn die(&mut self) {
        self.death.take(); // dropped
        if let Some(end) = self.end.take() {
            let _ = end.await; // the thread is over, however it ended
        }
    }

    /// Stops in order: everything is cancelled.
    pub async fn stop(&mut self) -> Result<(), String> {
        let asked = self.inbox.send(Input::Stop(StopMode::Orderly)).await;
        asked.map_err(|_| "the session had ended before".to_owned())?;
        let ended = match self.end.take() {
            Some(end) => end.await.unwrap_or(false),
            None => false,
        };
        if ended {
            return Ok(());
        }
        let reason = self.seen.borrow().ended.clone();
        Err(reason.unwrap_or_else(|| "the session did not end in order".to_owned()))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// The thread that owns engine and journal.
struct Thread {
    mode: Box<Live>,
    inbox: Inbox,
    clock: Clock,
    gateway: Arc<Gateway>,
    guard: Guard,
    market: MarketId,
    sender: mpsc::Sender<Input>,
    handle: tokio::runtime::Handle,
    told: watch::Sender<Seen>,
    own: watch::Sender<Vec<feed::OwnOrder>>,
    lose: Arc<AtomicBool>,
    losing: mpsc::UnboundedSender<()>,
    patience: Duration,
}

impl Thread {
    /// Runs until it stops or dies. Gives whether it stopped in order, with nothing open.
    fn run(mut self, dies: oneshot::Receiver<()>) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let turned = match runtime {
            Ok(runtime) => runtime.block_on(self.turns(dies)),
            Err(error) => Err(format!("no runtime: {error}")),
        };
        let now = (self.clock)();
        let ended = turned.and_then(|clean| {
            let Some(clean) = clean else { return Ok(false) };
            let reason = if clean { "rehearsed" } else { "orders were open when it stopped" };
            self.mode.end(now, reason).map_err(|error| error.to_string())?;
            if clean { Ok(true) } else { Err(reason.to_owned()) }
        });
        ended.unwrap_or_else(|reason| {
            self.told.send_modify(|seen| seen.ended = Some(reason));
            false
        })
    }

    /// Turns until it has stopped (and how), or has died (nothing).
    async fn turns(&mut self, dies: oneshot::Receiver<()>) -> Result<Option<bool>, String> {
        let Self { mode, clock, gateway, guard, market, sender, handle, told, own, lose, losing, .. } = self;
        let inbox = std::mem::replace(&mut self.inbox, inbox().1);
        let stop = StopSettings { deadline: span(self.patience), flatten: false };
        let mut send = |outgoing: Outgoing| {
            let Outgoing { venue, id, request } = outgoing;
            let lost = matches!(request, Request::Place(_)) && lose.swap(false, Ordering::AcqRel);
            let lost = lost.then(|| losing.clone());
            let (gateway, sender) = (Arc::clone(gateway), sender.clone());
            handle.spawn(async move {
                let answer = gateway.carry_out(request).await;
                match lost {
                    Some(lost) => drop(lost.send(())),
                    None => drop(sender.send(Input::Answer { venue, id, answer }).await),
                }
            });
        };
        let hooks = SessionHooks {
            clock: &**clock,
            send: &mut send,
            turn: &mut |Turned { engine, .. }| {
                guard.pulse();
                own.send_if_modified(|known| {
                    let orders = own_orders(engine);
                    let changed = *known != orders;
                    *known = orders;
                    changed
                });
                told.send_modify(|seen| seen.look(engine, *market));
            },
            note: &mut |_, note| told.send_modify(|seen| seen.note(note)),
            committed: &mut |_| {},
            audit: &mut |_, audit| {
                if let Audit::Closed(record) = audit {
                    told.send_modify(|seen| {
                        seen.orders.insert(record.id, *record);
                    });
                }
            },
        };
        tokio::select! {
            biased;
            _ = dies => Ok(None),
            ended = session::run(mode.as_mut(), inbox, stop, hooks) => match ended {
                Ok(ended) => Ok(Some(ended.clean)),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

/// Market data into the inbox.
async fn pass_on(mut messages: mpsc::Receiver<FeedMessage>, inbox: mpsc::Sender<Input>) {
    while let Some(message) = messages.recv().await {
        for news in message.news {
            if inbox.send(Input::News(news)).await.is_err() {
                return;
            }
        }
    }
}

fn span(duration: Duration) -> Span {
    Span::from_nanos(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}
