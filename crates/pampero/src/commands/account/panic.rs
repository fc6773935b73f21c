//! `pampero panic`: the emergency stop, and the proof that it worked.
//!
//! Blocking, cancelling and the two agreeing lists are the work of the runtime's kill switch. What is added here is the
//! account: every order that the exchange shows or this machine remembers is read until it is final, money that is still locked
//! is explained, and where nobody knows whether an order arrived it is waited for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pampero_bitex::{Bitex, Client, KeyName};
use pampero_exchange::{Error, Exchange, VenueOrder};
use pampero_model::{Currency, Money, Side, Span};
use pampero_runtime::guard::{
    Account, Guard, GuardSettings, Latch, Level, Phase, Progress, Scope, SweepSettings,
};
use pampero_runtime::notify::Notifier;
use pampero_runtime::state_dir::StateDir;
use serde_json::{Value as Json, json};
use tokio::task::{JoinSet, LocalSet};

use super::gate::Rules;
use super::orders::repeat;
use super::remembered::Remembered;
use super::{Out, show};
use crate::cli::account::{Connect, OrderKey, PanicArgs};
use crate::config::Problem;
use crate::connect::{Access, Connection, state_failure};
use crate::error::{Exit, Failure};
use crate::market_list::{self, HOME};
use crate::output;

/// How long the account may take to show that nothing is locked without a reason.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often that is looked at, and how often the state of the cancelling is.
const LOOK_EVERY: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_millis(50);

/// Stops everything, step by step: at each venue by itself, so that none holds up another.
pub(super) async fn panic(out: Out, args: &PanicArgs) -> Result<(), Failure> {
    let steps = Steps { out, started: Instant::now(), venue: None };
    let places = Place::all(args)?;
    let state = ground_state(args)?;
    let latch = Latch::open(&state).map_err(state_failure)?;
    // Before anything else, the keys included: no process of this environment sends another order.
    latch.engage(Level::Halt, &args.reason, "operator").map_err(state_failure)?;
    steps.tell(
        "halted",
        "halted: no process here places another order",
        &json!({ "reason": args.reason }),
    )?;
    let several = places.len() > 1;
    let (mut stops, mut failures) = (Vec::new(), Vec::new());
    for Place { venue, connect, scope } in places {
        let steps = Steps { venue: several.then_some(venue), ..steps.clone() };
        let connection = connect.map_err(Failure::problem).and_then(|connect| Connection::open(&connect));
        match connection.and_then(|connection| Stop::new(connection, args, scope)) {
            Ok(stop) => stops.push((stop, steps)),
            Err(failure) if several => {
                let words = format!("nothing can be cancelled here: {failure}");
                steps.tell("unreachable", &words, &json!({}))?;
                let help = failure.help();
                let help = format!("{help}\nand run `pampero panic` again").trim().to_owned();
                failures.push(Failure::account(Exit::Unhealthy, "not_verified", failure.to_string(), help));
            }
            Err(failure) => return Err(failure),
        }
    }
    let guard = start(args, &stops, latch)?;
    let (here, mut runs) = (LocalSet::new(), JoinSet::new());
    for (stop, steps) in stops {
        let (guard, args) = (guard.clone(), args.clone());
        runs.spawn_local_on(async move { stop.run(&args, &steps, &guard).await }, &here);
    }
    tokio::select! {
        done = here.run_until(runs.join_all()) => failures.extend(done.into_iter().filter_map(Result::err)),
        _ = tokio::signal::ctrl_c() => {
            let message = "interrupted before it was done; the halt stays";
            let help = "run `pampero panic` again: it goes on where it was";
            return Err(Failure::account(Exit::Unhealthy, "not_verified", message, help));
        }
    }
    match failures.into_iter().next() {
        None => steps.tell("done", "done: trading stays halted until somebody resumes it", &json!({})),
        Some(failure) => Err(failure),
    }
}

/// Starts the kill switch, which has connections of its own: they belong to the thread that opened them.
fn start(args: &PanicArgs, stops: &[(Stop, Steps)], latch: Latch) -> Result<Guard, Failure> {
    let horizon = Duration::from_nanos(u64::try_from(args.watch.as_nanos()).unwrap_or(0));
    let sweep = SweepSettings { ghost_horizon: horizon, ..SweepSettings::default() };
    let settings = GuardSettings { sweep, ..GuardSettings::default() };
    let accounts: Result<Vec<Account>, Failure> = stops.iter().map(|(stop, _)| stop.account(args)).collect();
    Guard::start(accounts?, Arc::new(latch), settings, Notifier::new(100))
        .map_err(|error| Failure::system("the kill switch cannot start", &error))
}

/// The state directory, whose latch stops every process of the environment.
fn ground_state(args: &PanicArgs) -> Result<StateDir, Failure> {
    let place = &args.connect.place;
    StateDir::open(place.state.as_deref(), place.env.name()).map_err(state_failure)
}

/// A venue, and what to cancel there.
struct Place {
    venue: String,
    connect: Result<Connect, Problem>,
    scope: Scope,
}

impl Place {
    /// Every venue of the configuration; without one the first.
    fn all(args: &PanicArgs) -> Result<Vec<Self>, Failure> {
        let rules = Rules::read(args.config.as_deref())?;
        let markets = market_list::named(rules.config())?;
        let mut venues = market_list::venues(&markets);
        if venues.is_empty() && args.everything {
            venues.push(HOME);
        }
        let place = |venue: &str| {
            let here = markets.iter().filter(|market| market.venue == venue);
            let scope = if args.everything {
                Scope::Everything
            } else {
                Scope::Markets(here.map(|market| market.code.clone()).collect())
            };
            Self { venue: venue.to_owned(), connect: args.connect.of_venue(venue, rules.config()), scope }
        };
        if venues.is_empty() {
            let message = "the configuration names no market";
            return Err(Failure::usage(message, "name the strategy's markets, or say --everything"));
        }
        Ok(venues.into_iter().map(place).collect())
    }
}

/// What is told on the way, with the time since the start.
#[derive(Clone)]
struct Steps {
    out: Out,
    started: Instant,
    /// Where there are several.
    venue: Option<String>,
}

impl Steps {
    fn tell(&self, step: &str, words: &str, facts: &Json) -> Result<(), Failure> {
        let elapsed = self.started.elapsed();
        if self.out.json {
            let elapsed = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            let mut object = json!({ "step": step, "elapsed_ms": elapsed, "words": words, "facts": facts });
            if let (Some(object), Some(venue)) = (object.as_object_mut(), &self.venue) {
                object.insert("venue".to_owned(), venue.as_str().into());
            }
            return self.out.object(object);
        }
        let venue = self.venue.as_ref().map_or(String::new(), |venue| format!("{venue}: "));
        output::say(&format!("{:>8.2} s  {venue}{words}\n", elapsed.as_secs_f64()))
    }
}

/// The keys of the stop, and what it looks at.
struct Stop {
    connection: Connection,
    /// Cancels and looks. Where the trading key is to be revoked, it is the admin's.
    client: Client,
    /// The key that trades, to be revoked.
    trading: Client,
    /// Sees withdrawals, if any key does.
    funds: Option<Client>,
    scope: Scope,
}

impl Stop {
    fn new(connection: Connection, args: &PanicArgs, scope: Scope) -> Result<Self, Failure> {
        let trading = connection.client(KeyName::Trade)?.urgent();
        let has = |name| connection.keys.names().any(|one| one == name);
        if args.revoke_key && !has(KeyName::Admin) {
            // Says where the key is looked for. The halt stands already.
            connection.keys.load_one(KeyName::Admin, &connection.environment)?;
        }
        let client = if args.revoke_key {
            connection.with_key(connection.keys.load_one(KeyName::Admin, &connection.environment)?)?.urgent()
        } else {
            trading.clone()
        };
        let funds = if has(KeyName::Funds) || has(KeyName::Admin) {
            connection.client(KeyName::Funds).ok().map(|client| client.urgent())
        } else {
            None
        };
        Ok(Self { connection, client, trading, funds, scope })
    }

    /// The account for the kill switch.
    fn account(&self, args: &PanicArgs) -> Result<Account, Failure> {
        let connection = &self.connection;
        let exchange: Arc<dyn Exchange> = if args.revoke_key {
            let key = connection.keys.load_one(KeyName::Admin, &connection.environment)?;
            Arc::new(Bitex::named(&connection.venue, connection.another(key)?).urgent())
        } else {
            connection.exchange(Access::Urgent)?
        };
        Ok(Account { exchange, scope: self.scope.clone() })
    }

    async fn run(&self, args: &PanicArgs, steps: &Steps, guard: &Guard) -> Result<(), Failure> {
        let mut known = Remembered::new(&self.connection, &self.scope);
        for problem in known.refresh() {
            steps.tell("unreadable", &format!("{problem}; going on without"), &json!({}))?;
        }
        self.until(steps, guard, &mut known, |progress, _| progress.phase >= Phase::Clear).await?;
        steps.tell("clear", "two lists at least 2 s apart show no order", &json!({}))?;
        let mut problem = self.verify(steps, &mut known).await?;
        if args.revoke_key && !self.revokes_itself() {
            self.revoke(steps).await?;
        }
        if self.watch(args, steps, guard, &mut known).await? {
            problem = self.verify(steps, &mut known).await?;
        }
        if args.revoke_key && self.revokes_itself() {
            self.revoke(steps).await?;
        }
        let Some(problem) = problem else { return Ok(()) };
        let help = "look at the exchange's site, and run `pampero panic` again";
        Err(Failure::account(Exit::Unhealthy, "not_verified", problem, help))
    }

    /// Looks for late orders as long as one may come; whether there was anything to wait for.
    async fn watch(
        &self,
        args: &PanicArgs,
        steps: &Steps,
        guard: &Guard,
        known: &mut Remembered,
    ) -> Result<bool, Failure> {
        let whole = !args.no_watch && args.watch > Span::ZERO;
        let uncertain = known.uncertain(args.watch);
        if !whole && uncertain == 0 {
            return Ok(false);
        }
        let why = match uncertain {
            0 => String::new(),
            1 => ": 1 order was sent, and nobody knows whether it arrived".to_owned(),
            more => format!(": {more} orders were sent, and nobody knows whether they arrived"),
        };
        let words =
            format!("watching for late orders, {}{}{why}", if whole { "" } else { "up to " }, args.watch);
        steps.tell("watching", &words, &json!({ "uncertain": uncertain }))?;
        let mut looked = Instant::now();
        let over = |progress: &Progress, known: &mut Remembered| {
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                known.refresh(); // what cannot be read was said before
            }
            let resolved = !whole && progress.phase >= Phase::Clear && known.uncertain(args.watch) == 0;
            progress.phase >= Phase::Done || resolved
        };
        self.until(steps, guard, known, over).await?;
        Ok(true)
    }

    /// Waits until the cancelling is far enough, and tells what happens.
    async fn until(
        &self,
        steps: &Steps,
        guard: &Guard,
        known: &mut Remembered,
        mut enough: impl FnMut(&Progress, &mut Remembered) -> bool,
    ) -> Result<(), Failure> {
        let mut before = Progress::default();
        let mut told = false;
        loop {
            let progress = guard.progress(&self.connection.venue);
            let cancelling = progress.phase == Phase::Cancelling && progress.first_sent.is_some();
            if cancelling && !std::mem::replace(&mut told, cancelling) {
                steps.tell(
                    "cancelling",
                    &format!("cancelling all orders of {}", self.scope_words()),
                    &json!({}),
                )?;
                // Whatever stands there now has to become final.
                if let Ok(orders) = self.client.orders().await {
                    let covered = orders.iter().filter(|order| self.scope.covers(&order.market));
                    known.keys.extend(covered.map(show::key));
                }
            }
            if let Some(problem) = progress.problem.as_ref().filter(|_| progress.problem != before.problem) {
                steps.tell("problem", &format!("{problem}; trying again"), &json!({}))?;
            }
            if progress.left != before.left && progress.phase == Phase::Cancelling {
                let left = progress.left;
                steps.tell("left", &format!("on the book: {left}"), &json!({ "left": left }))?;
            }
            if enough(&progress, known) {
                return Ok(());
            }
            before = progress;
            tokio::time::sleep(TICK).await;
        }
    }

    fn scope_words(&self) -> String {
        match &self.scope {
            Scope::Everything => "the account".to_owned(),
            Scope::Markets(markets) => markets.join(", "),
        }
    }

    /// Whether known orders are final and locked money is explained; what is not, in words.
    async fn verify(&self, steps: &Steps, known: &mut Remembered) -> Result<Option<String>, Failure> {
        let started = Instant::now();
        let (mut over, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
        loop {
            known.refresh(); // what cannot be read was said before
            let mut open: BTreeSet<OrderKey> = known.keys.difference(&over).copied().collect();
            let read = self.read_open(&mut open, &mut elsewhere).await;
            let mut problem = read.err().map(|error| error.to_string());
            over.extend(known.keys.difference(&open));
            if problem.is_none() && !open.is_empty() {
                let keys: Vec<String> = open.iter().map(ToString::to_string).collect();
                problem = Some(format!("not final yet: {}", keys.join(", ")));
            }
            let problem = match problem {
                None => match self.unexplained().await {
                    Ok(unexplained) if unexplained.is_empty() => {
                        tell_verified(steps, known, &elsewhere)?;
                        return Ok(None);
                    }
                    Ok(unexplained) => {
                        let amounts: Vec<String> = unexplained.iter().map(ToString::to_string).collect();
                        let why = match self.funds {
                            Some(_) => "an order that is not listed may hold it",
                            None => {
                                "an order that is not listed may hold it, or a withdrawal, which no key here sees"
                            }
                        };
                        format!("locked without a reason: {} ({why})", amounts.join(", "))
                    }
                    Err(error) => error.to_string(),
                },
                Some(problem) => problem,
            };
            if started.elapsed() >= PATIENCE {
                steps.tell("not_verified", &problem, &json!({}))?;
                return Ok(Some(problem));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Takes out of the set what is final.
    async fn read_open(
        &self,
        open: &mut BTreeSet<OrderKey>,
        elsewhere: &mut BTreeSet<OrderKey>,
    ) -> Result<(), Error> {
        for key in open.clone() {
            let order = self.client.order(key.side, key.id).await;
            // An order that the exchange does not know is none of ours any more.
            let over = match order {
                Ok(order) if order.status.is_final() => true,
                Ok(order) if self.scope.covers(&order.market) => false,
                Ok(_) => {
                    elsewhere.insert(key);
                    true
                }
                Err(Error::NotFound(_)) => true,
                Err(error) => return Err(error),
            };
            if over {
                open.remove(&key);
            }
        }
        Ok(())
    }

    /// Money that is locked by neither an order on the book nor a withdrawal under way.
    async fn unexplained(&self) -> Result<Vec<Money>, Error> {
        let orders = self.client.orders().await?;
        let withdrawals = self.withdrawals().await?;
        let accounts = self.client.accounts().await?;
        let balances = accounts.into_iter().flat_map(|account| account.balances);
        let left = balances.filter_map(|balance| {
            let currency = balance.currency;
            let locked = balance.locked().ok()?.units;
            let by_orders: i128 = orders
                .iter()
                .filter(|order| spends(order) == Some(currency))
                .map(|order| order.remaining.units())
                .sum();
            let by_withdrawals: i128 =
                withdrawals.iter().filter(|money| money.currency == currency).map(|money| money.units).sum();
            let left = locked - by_orders - by_withdrawals;
            (left > 0).then(|| Money::new(currency, left))
        });
        Ok(left.collect())
    }

    async fn withdrawals(&self) -> Result<Vec<Money>, Error> {
        let Some(client) = &self.funds else { return Ok(Vec::new()) };
        let under_way = |status: &str| ["received", "pending"].contains(&status);
        let cash = client.cash_withdrawals(None).await?;
        let coins = client.coin_withdrawals(None).await?;
        let cash =
            cash.into_iter().filter(|one| under_way(&one.status)).map(|one| one.gross.unwrap_or(one.amount));
        let coins = coins.into_iter().filter(|one| under_way(&one.status)).map(|one| one.amount);
        Ok(cash.chain(coins).collect())
    }

    /// Whether the key that trades is the one that would revoke it.
    fn revokes_itself(&self) -> bool {
        match (self.client.key(), self.trading.key()) {
            (Some(one), Some(other)) => one.is_same(other),
            _ => false,
        }
    }

    /// Finds the key that trades by its last characters, and revokes it.
    async fn revoke(&self, steps: &Steps) -> Result<(), Failure> {
        let listed = repeat(async || self.client.api_keys().await).await?;
        let own = |token: &pampero_bitex::Token| self.trading.key().is_some_and(|key| key.ends_like(token));
        let found: Vec<_> = listed.iter().filter(|record| own(&record.token)).collect();
        let [record] = found.as_slice() else {
            let message = format!("{} keys of the account end like the one that trades", found.len());
            return Err(Failure::account(
                Exit::Unhealthy,
                "not_revoked",
                message,
                "revoke it by its number: `pampero keys list`, `pampero keys revoke ID`",
            ));
        };
        repeat(async || self.client.revoke_api_key(record.id).await).await?;
        if !matches!(self.trading.me().await, Err(Error::InvalidKey)) {
            let message = format!("key {} was revoked, and the exchange does not refuse it", record.id);
            return Err(Failure::account(
                Exit::Unhealthy,
                "not_revoked",
                message,
                "revoke it on the exchange's site",
            ));
        }
        let words = format!(
            "key {} (…{}) is revoked, and the exchange refuses it",
            record.id,
            show::plain(record.token.ending())
        );
        steps.tell("revoked", &words, &json!({ "key": record.id }))
    }
}

/// The currency that an order keeps.
fn spends(order: &VenueOrder) -> Option<Currency> {
    let (base, quote) = show::currencies(&order.market)?;
    Some(if order.side == Side::Buy { quote } else { base })
}

/// Says how many orders are final, and which others are known that were not to be cancelled.
fn tell_verified(steps: &Steps, known: &Remembered, elsewhere: &BTreeSet<OrderKey>) -> Result<(), Failure> {
    let count = known.keys.difference(elsewhere).count();
    let stay: Vec<String> = elsewhere.iter().map(ToString::to_string).collect();
    let others = match stay.as_slice() {
        [] => String::new(),
        stay => format!("; on other markets, and not cancelled: {}", stay.join(", ")),
    };
    let words = format!("known orders are final ({count}), and locked money is explained{others}");
    steps.tell("verified", &words, &json!({ "known_orders": count, "elsewhere": stay }))
}
