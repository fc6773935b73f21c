//! Rounds of reads: when they happen, what they ask for, and what follows from them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pampero_engine::EventKind;
use pampero_exchange::{Balance, Error, FillQuery, VenueFill};
use pampero_model::{FillId, OrderId, RejectReason, Side, Size, Timestamp, UpdateKind};

use super::ledger::{Difference, differences, explain, missing, surplus};
use super::local::{LocalOrder, Stage};
use super::machine::{Canary, Execution};
use super::note::{Alarm, Note};
use super::reconcile::{Key, Snapshot, reconcile, wanted};
use super::request::{Answer, Request};

/// Most orders that are read alone in one round.
const SINGLES: usize = 10;
/// Corrections bring new ones with them only so many times; see [`reconcile`].
const LAYERS: usize = 8;
/// A day: for so long orders that are over are remembered one by one.
const MEMORY: pampero_model::Span = pampero_model::Span::from_hours(24);
/// So many orders of a side that are over are remembered by the exchange's id: a read that shows an older one is stale
/// beyond belief.
const OWNERS: usize = 4_096;

/// What is asked for next in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Active,
    /// What the list does not show.
    Unlisted,
    Fills,
    /// What only an execution tells of.
    Told,
    Balances,
    Movements,
}

#[derive(Clone, Debug)]
struct Round {
    full: bool,
    step: Step,
    singles: VecDeque<Key>,
    snapshot: Snapshot,
    balances: Option<Vec<Balance>>,
    fills_limit: u32,
    /// Every read so far succeeded, and the executions reach back to known ones.
    complete: bool,
}

/// The search for an order with an unknown outcome.
#[derive(Clone, Debug, Default)]
struct Search {
    /// Complete looks since the quarantine ended.
    clean: u32,
    last_clean: Option<Timestamp>,
    /// What was locked beyond known orders when it was sent, by currency.
    surplus_before: BTreeMap<String, i128>,
}

/// A difference that nothing explains yet.
#[derive(Clone, Copy, Debug)]
struct Suspicion {
    units: i128,
    since: Timestamp,
    reduced: bool,
}

/// What makes two snapshots equal: orders, executions, balances.
type Digest = (Vec<(Key, Size)>, BTreeSet<(Side, FillId)>, Vec<(String, i128, i128)>);

#[derive(Debug)]
pub(super) struct Rounds {
    /// Whether the account was compared and agrees.
    pub(super) started: bool,
    /// How many times an unknown order was looked for since the last became unknown.
    pub(super) polls: u32,
    /// Whether the account was never compared before, in any session.
    first: bool,
    movements: BTreeSet<String>,
    round: Option<Round>,
    light_due: Timestamp,
    full_due: Timestamp,
    failures: u32,
    fills_limit: Option<u32>,
    /// Whether the executions were read that an earlier session may have seen and not counted: that a read reaches back
    /// to a known one says nothing of those.
    caught_up: bool,
    /// Executions that were shown and not counted, as nobody knows whose they are yet. They are not lost when the list
    /// has moved on before that is known.
    uncounted: Vec<VenueFill>,
    searches: BTreeMap<OrderId, Search>,
    surplus: BTreeMap<String, i128>,
    last_digest: Option<(Timestamp, Digest)>,
    suspicions: BTreeMap<String, Suspicion>,
}

impl Rounds {
    pub(super) fn new(now: Timestamp, first: bool, movements: Vec<String>) -> Self {
        Self {
            started: false,
            polls: 0,
            first,
            movements: movements.into_iter().collect(),
            round: None,
            light_due: now,
            full_due: now,
            failures: 0,
            fills_limit: None,
            caught_up: first,
            uncounted: Vec::new(),
            searches: BTreeMap::new(),
            surplus: BTreeMap::new(),
            last_digest: None,
            suspicions: BTreeMap::new(),
        }
    }

    pub(super) fn next_due(&self) -> Timestamp {
        if self.round.is_some() { Timestamp::MAX } else { self.light_due.min(self.full_due) }
    }

    pub(super) fn hurry(&mut self, at: Timestamp) {
        self.light_due = self.light_due.min(at);
    }

    pub(super) fn hurry_full(&mut self, at: Timestamp) {
        self.full_due = self.full_due.min(at);
    }

    /// A person has looked at the differences.
    pub(super) fn forgive(&mut self) {
        self.suspicions.clear();
    }

    /// Remembers what is locked beyond known orders before an order is sent.
    pub(super) fn remember_surplus(&mut self, order: OrderId) {
        let search = Search { surplus_before: self.surplus.clone(), ..Search::default() };
        self.searches.insert(order, search);
    }
}

impl Execution {
    pub(super) fn pump_rounds(&mut self) {
        if self.rounds.round.is_some() || self.rounds.next_due() > self.now {
            return;
        }
        let full = self.rounds.full_due <= self.now || !self.rounds.started;
        let limit = if self.rounds.caught_up {
            self.rounds.fills_limit.unwrap_or(self.settings.fills_first)
        } else {
            self.settings.fills_most
        };
        self.rounds.round = Some(Round {
            full,
            step: Step::Active,
            singles: VecDeque::new(),
            snapshot: Snapshot { began: self.now, ..Snapshot::default() },
            balances: None,
            fills_limit: limit,
            complete: true,
        });
        self.ask_read(Request::ActiveOrders);
    }

    pub(super) fn read_answered(&mut self, answer: Answer) {
        let Some(mut round) = self.rounds.round.take() else { return };
        if let Some(error) = answer.error() {
            if error.is_authentication() {
                self.alarm(None, Alarm::Key, error.to_string());
            }
            let known_gap = matches!((&answer, error), (Answer::Order(_), Error::NotFound(_)));
            round.complete &= known_gap || self.canary == Some(Canary::FailedReadIsEmpty);
        }
        let empty = self.canary == Some(Canary::FailedReadIsEmpty);
        match (round.step, answer) {
            (Step::Active, Answer::ActiveOrders(result)) => {
                round.snapshot.active = result.ok().or(empty.then(Vec::new));
                self.look_at(&mut round, Step::Unlisted);
            }
            (Step::Unlisted | Step::Told, Answer::Order(result)) => {
                if let Some(key) = round.singles.pop_front() {
                    match result {
                        Ok(view) => round.snapshot.singles.push((key, Some(view))),
                        Err(Error::NotFound(_)) => round.snapshot.singles.push((key, None)),
                        Err(_) => {}
                    }
                }
            }
            (Step::Fills, Answer::Fills(result)) => {
                if self.takes_fills(&mut round, result.ok().or(empty.then(Vec::new))) {
                    return self.rounds.round = Some(round); // asked again, for more
                }
                self.look_at(&mut round, Step::Told);
            }
            (Step::Balances, Answer::Balances(result)) => {
                round.balances = result.ok().or(empty.then(Vec::new));
                return self.conclude(round);
            }
            (Step::Movements, Answer::Movements(result)) => {
                return self.judge_with_movements(round, &result.unwrap_or_default());
            }
            // An answer to something else is the caller's mistake and says nothing.
            _ => round.complete = false,
        }
        self.go_on(round);
    }

    fn look_at(&self, round: &mut Round, step: Step) {
        round.step = step;
        // What was executed before the first session is none of ours, and neither are its orders.
        let history = step == Step::Told && self.rounds.first;
        round.singles = if history { VecDeque::new() } else { self.wanted(&round.snapshot) };
    }

    fn wanted(&self, snapshot: &Snapshot) -> VecDeque<Key> {
        wanted(&self.local, snapshot, self.settings.protection, SINGLES).into()
    }

    /// Asks for the next thing of a round, or concludes it.
    fn go_on(&mut self, mut round: Round) {
        let request = match (round.step, round.singles.front()) {
            (Step::Unlisted | Step::Told, Some((side, id))) => Request::Order { side: *side, id: *id },
            (Step::Unlisted, None) => {
                round.step = Step::Fills;
                self.fills_request(round.fills_limit)
            }
            (Step::Told, None) if round.full => {
                round.step = Step::Balances;
                Request::Balances
            }
            _ => return self.conclude(round),
        };
        self.rounds.round = Some(round);
        self.ask_read(request);
    }

    fn fills_request(&self, limit: u32) -> Request {
        let days = (limit > self.settings.fills_first).then_some(90);
        Request::Fills(FillQuery { days, limit: Some(limit), ..FillQuery::default() })
    }

    /// Takes executions that reach back to a known one, or all there are. True if more had to be asked for.
    fn takes_fills(&mut self, round: &mut Round, fills: Option<Vec<VenueFill>>) -> bool {
        let Some(mut fills) = fills else { return false };
        if self.rounds.first {
            return self.takes_history(round, fills);
        }
        let known = |fill: &VenueFill| self.local.fills.contains(fill.side, fill.id);
        let cut = u32::try_from(fills.len()).is_ok_and(|count| count >= round.fills_limit);
        let reaches = !cut || fills.iter().any(known);
        if !reaches && round.fills_limit < self.settings.fills_most {
            round.fills_limit = round.fills_limit.saturating_mul(4).min(self.settings.fills_most);
            self.ask_read(self.fills_request(round.fills_limit));
            return true;
        }
        if !reaches {
            let text = format!("the newest {} executions reach back to none that is known", fills.len());
            self.alarm(None, Alarm::FillGap, text.clone());
            self.reduce(text);
        }
        round.complete &= reaches;
        self.rounds.caught_up = true;
        let listed: BTreeSet<_> = fills.iter().map(|fill| (fill.side, fill.id)).collect();
        let moved_on = self.rounds.uncounted.iter().filter(|fill| !listed.contains(&(fill.side, fill.id)));
        fills.extend(moved_on.cloned());
        round.snapshot.fills = Some(fills);
        false
    }

    /// Takes all that any later read may show, before the first comparison: the short question, which says nothing of
    /// days, and the longest one. True if the latter had to be asked.
    fn takes_history(&mut self, round: &mut Round, mut fills: Vec<VenueFill>) -> bool {
        fills.extend(round.snapshot.fills.take().unwrap_or_default());
        round.snapshot.fills = Some(fills);
        let more = round.fills_limit < self.settings.fills_most;
        if more {
            round.fills_limit = self.settings.fills_most;
            self.ask_read(self.fills_request(round.fills_limit));
        }
        more
    }

    /// Every read of a round is there: compare, correct, judge.
    fn conclude(&mut self, round: Round) {
        if self.rounds.first && !self.take_baseline(&round) {
            self.rounds.failures = if round.complete { 0 } else { self.rounds.failures.saturating_add(1) };
            return self.plan_next(round.complete);
        }
        let mut changed = false;
        for _ in 0..LAYERS {
            let corrections = reconcile(&self.local, &round.snapshot);
            if corrections.is_empty() {
                break;
            }
            changed = true;
            for correction in &corrections {
                self.correct(correction);
            }
        }
        if let Some(fills) = &round.snapshot.fills {
            let uncounted = fills.iter().filter(|fill| !self.local.fills.contains(fill.side, fill.id));
            self.rounds.uncounted = uncounted.cloned().collect();
        }
        self.widen_where_executions_lack();
        let complete = round.complete && round.snapshot.active.is_some() && round.snapshot.fills.is_some();
        if let Some(balances) = round.balances.clone() {
            self.see_balances(&round, &balances);
            if complete {
                self.search(&round, &balances);
                return self.judge(round, &balances, changed);
            }
        } else if complete && !round.full {
            self.rounds.failures = 0;
        }
        if !complete {
            self.rounds.failures = self.rounds.failures.saturating_add(1);
        }
        self.plan_next(round.full && complete);
    }

    /// What was executed before the first session is none of ours, and what the account holds beyond the allocations
    /// belongs to nobody. True once two rounds showed the same account; nothing is compared before.
    fn take_baseline(&mut self, round: &Round) -> bool {
        let (Some(fills), Some(balances)) = (&round.snapshot.fills, &round.balances) else { return false };
        if !round.complete || !self.agreed(round, balances) {
            return false;
        }
        fills.iter().filter_map(|fill| Some((fill.side, fill.order?))).for_each(|key| self.local.see(key));
        let fills: BTreeSet<_> = fills.iter().map(|fill| (fill.side, fill.id)).collect();
        let fills: Vec<_> = fills.into_iter().collect();
        self.local.fills.extend(fills.iter().copied());
        let found = differences(&self.local, balances);
        for Difference { currency, ledger, account } in
            found.iter().filter(|found| found.account > found.ledger)
        {
            let money = pampero_model::Money::new(*currency, account - ledger);
            self.local.book(*currency, money.units);
            self.transfer(money);
        }
        let totals = balances.iter().map(|balance| balance.total).collect();
        self.note(Note::Baseline { fills, totals });
        self.rounds.first = false;
        true
    }

    /// Whether this round shows the same account as the last one, some time ago; remembers it.
    fn agreed(&mut self, round: &Round, balances: &[Balance]) -> bool {
        let (began, digest) = (round.snapshot.began, digest(&round.snapshot, balances));
        let agreed =
            self.rounds.last_digest.as_ref().is_some_and(|(before, last)| {
                began.since(*before) >= self.settings.agreement && *last == digest
            });
        if !agreed {
            self.rounds.last_digest = Some((began, digest));
        }
        agreed
    }

    /// While executions are missing, more of them are asked for.
    fn widen_where_executions_lack(&mut self) {
        let lacks = |own: &LocalOrder| own.stage == Stage::Open && own.missing_units() > 1 && !own.adds_up();
        let limit = self.rounds.fills_limit.unwrap_or(self.settings.fills_first);
        let wider = limit.saturating_mul(4).min(self.settings.fills_most);
        self.rounds.fills_limit = self.local.orders.values().any(lacks).then_some(wider);
    }

    fn see_balances(&mut self, round: &Round, balances: &[Balance]) {
        if !balances.is_empty() {
            self.event(EventKind::BalancesSeen { venue: self.venue, at: round.snapshot.began });
        }
        let undecided = |own: &LocalOrder| own.is_open() && own.venue.is_none();
        if !self.local.orders.values().any(undecided) {
            self.rounds.surplus = balances
                .iter()
                .map(|balance| (balance.currency.code().to_owned(), surplus(&self.local, balance)))
                .collect();
        }
    }

    // The search for orders with an unknown outcome.

    /// What a complete look that did not find them means for orders with an unknown outcome.
    fn search(&mut self, round: &Round, balances: &[Balance]) {
        let missing =
            |own: &&LocalOrder| own.venue.is_none() && own.is_open() && own.stage != Stage::Submitting;
        let orders: Vec<LocalOrder> = self.local.orders.values().filter(missing).copied().collect();
        for own in orders {
            let began = round.snapshot.began;
            if began <= own.sent_at {
                continue;
            }
            let order = own.order.id;
            let age = began.since(own.sent_at);
            let suspicious = self.suspicious_funds(&own, balances);
            match own.stage {
                Stage::RefusedUnconfirmed if suspicious.is_none() || age >= self.settings.ghost_horizon => {
                    self.set_stage(order, Stage::Closed);
                    self.update(order, UpdateKind::Rejected(RejectReason::RateLimited));
                }
                Stage::Unknown => self.look_was_clean(&own, began, suspicious),
                Stage::PresumedAbsent if age >= self.settings.ghost_horizon => {
                    self.set_stage(order, Stage::Closed);
                    self.update(order, UpdateKind::Absent);
                }
                _ => {}
            }
        }
    }

    fn look_was_clean(&mut self, own: &LocalOrder, began: Timestamp, suspicious: Option<i128>) {
        let age = began.since(own.sent_at);
        let quarantine = match self.canary {
            Some(Canary::ShortQuarantine) => pampero_model::Span::from_secs(15),
            _ => self.settings.quarantine,
        };
        // Beyond the horizon funds alone keep nothing open: a withdrawal locks and takes them, too.
        let doubtful = suspicious.is_some() && age < self.settings.ghost_horizon;
        let agreement = self.settings.agreement;
        let search = self.rounds.searches.entry(own.order.id).or_default();
        let apart = search.last_clean.is_none_or(|last| began.since(last) >= agreement);
        if age < quarantine || !apart {
            return;
        }
        if !doubtful {
            search.clean = search.clean.saturating_add(1);
            search.last_clean = Some(began);
        }
        let clean = search.clean;
        self.note(Note::NotFound { order: own.order.id, clean, surplus: suspicious });
        if clean >= self.settings.clean_reads {
            self.set_stage(own.order.id, Stage::PresumedAbsent);
            self.update(own.order.id, UpdateKind::PresumedAbsent);
        }
    }

    /// The fourth witness: more is locked than known orders explain, by at least what this order would lock, or what it
    /// would have spent is gone, as after an execution that is not listed yet. So much of what it spends.
    fn suspicious_funds(&self, own: &LocalOrder, balances: &[Balance]) -> Option<i128> {
        let currency = self.local.market(own.order.market)?.spends(own.order.side);
        let balance = balances.iter().find(|balance| balance.currency == currency)?;
        let search = self.rounds.searches.get(&own.order.id);
        let before =
            search.and_then(|search| search.surplus_before.get(currency.code())).copied().unwrap_or(0).max(0);
        let (whole, gone) = (own.locks(own.order.size), missing(&self.local, balance));
        // Up to dust that an execution leaves. Any other amount is more likely somebody else's, and must not keep the
        // ledger from being judged until the horizon.
        let spent = gone > 0 && gone.abs_diff(whole) <= whole.unsigned_abs() / 1_000_000;
        let locked = surplus(&self.local, balance).saturating_sub(before);
        let locked = Some(locked).filter(|more| *more > 0 && *more >= whole);
        locked.or_else(|| spent.then_some(gone))
    }

    // The ledger.

    /// Whether every executed unit that the exchange shows is accounted for, so that balances can be judged.
    fn is_settled(&self, round: &Round) -> bool {
        let open = |own: &LocalOrder| match own.stage {
            Stage::Submitting | Stage::Unknown | Stage::RefusedUnconfirmed => true,
            Stage::Open => own.missing_units() > 1 && !own.adds_up(),
            Stage::PresumedAbsent | Stage::Closed => false,
        };
        let uncounted = |fill: &VenueFill| !self.local.fills.contains(fill.side, fill.id);
        !self.local.orders.values().any(open) && !round.snapshot.fills.iter().flatten().any(uncounted)
    }

    fn judge(&mut self, mut round: Round, balances: &[Balance], changed: bool) {
        let found = differences(&self.local, balances);
        if found.is_empty() {
            self.rounds.suspicions.clear();
            self.agrees(&round, balances, changed);
            return self.plan_next(true);
        }
        self.rounds.last_digest = None;
        if self.is_settled(&round) && !changed {
            round.step = Step::Movements;
            self.rounds.round = Some(round);
            return self.ask_read(Request::Movements);
        }
        self.plan_next(true);
        self.rounds.hurry_full(self.now.plus(self.settings.agreement));
    }

    fn judge_with_movements(&mut self, round: Round, movements: &[pampero_exchange::Movement]) {
        let balances = round.balances.unwrap_or_default();
        for found in differences(&self.local, &balances) {
            let explained = explain(&found, movements, &self.rounds.movements);
            if explained.is_empty() {
                self.suspect(&found);
            }
            for (movement, money) in explained {
                self.rounds.movements.insert(movement.clone());
                self.local.book(money.currency, money.units);
                self.note(Note::Transfer { movement, money });
                self.transfer(money);
            }
        }
        self.plan_next(true);
        self.rounds.hurry_full(self.now.plus(self.settings.agreement));
    }

    /// A difference that nothing explains: noted at first sight, then `ReduceOnly`, then a halt.
    fn suspect(&mut self, found: &Difference) {
        let Difference { currency, ledger, account } = *found;
        let units = account.saturating_sub(ledger);
        let fresh = Suspicion { units, since: self.now, reduced: false };
        let suspicion = self.rounds.suspicions.entry(currency.code().to_owned()).or_insert(fresh);
        if suspicion.units != units {
            *suspicion = fresh;
        }
        let (age, reduced) = (self.now.since(suspicion.since), suspicion.reduced);
        if age < self.settings.full {
            return;
        }
        *suspicion = Suspicion { units, since: self.now, reduced: true };
        self.note(Note::Difference { currency, ledger, account });
        let text = format!("the account differs from the ledger in {currency}, and nothing explains it");
        self.alarm(None, Alarm::Difference, text.clone());
        if reduced {
            self.halt(text);
        } else {
            self.reduce(text);
        }
    }

    /// Account and ledger agree.
    fn agrees(&mut self, round: &Round, balances: &[Balance], changed: bool) {
        self.rounds.failures = 0;
        if !self.rounds.started {
            if !self.agreed(round, balances) || changed || !self.is_settled_for_start(round) {
                return;
            }
            self.rounds.started = true;
            self.note(Note::Reconciled { first: true });
        }
        if !balances.is_empty() {
            let until = self.now.plus(self.settings.reconcile_valid);
            self.event(EventKind::Reconciled { venue: self.venue, until });
        }
        self.pump();
    }

    /// Orders with an unknown outcome do not keep the rest from trading: their funds and their sides stay closed.
    fn is_settled_for_start(&self, round: &Round) -> bool {
        let uncounted = |fill: &VenueFill| !self.local.fills.contains(fill.side, fill.id);
        !round.snapshot.fills.iter().flatten().any(uncounted)
    }

    fn plan_next(&mut self, full_done: bool) {
        let orders = &self.local.orders;
        let busy = orders.values().any(LocalOrder::is_open);
        let unknown = orders.values().any(|own| own.stage.is_unknown());
        let light = if busy { self.settings.light_busy } else { self.settings.light_idle };
        self.rounds.light_due = self.now.plus(light);
        if full_done {
            let wait = if self.rounds.started { self.settings.full } else { self.settings.agreement };
            self.rounds.full_due = self.now.plus(wait);
        } else if self.rounds.failures > 0 {
            self.rounds.full_due = self.now.plus(self.backoff(self.rounds.failures - 1));
            self.rounds.light_due = self.rounds.light_due.max(self.rounds.full_due);
        }
        if unknown {
            let wait = self.backoff(self.rounds.polls);
            self.rounds.polls = self.rounds.polls.saturating_add(1);
            self.rounds.hurry_full(self.now.plus(wait));
        }
        self.forget();
    }

    /// Drops what is long over.
    fn forget(&mut self) {
        let now = self.now;
        let old = |own: &LocalOrder| own.stage == Stage::Closed && now.since(own.sent_at) > MEMORY;
        self.local.orders.retain(|_, own| !old(own));
        let orders = &self.local.orders;
        self.rounds.searches.retain(|order, _| orders.get(order).is_some_and(LocalOrder::is_open));
        self.local.forget_owners(OWNERS);
    }
}

fn digest(snapshot: &Snapshot, balances: &[Balance]) -> Digest {
    let mut orders: Vec<_> =
        snapshot.active.iter().flatten().map(|view| ((view.side, view.id), view.remaining)).collect();
    orders.sort_by_key(|(key, _)| *key);
    let fills = snapshot.fills.iter().flatten().map(|fill| (fill.side, fill.id)).collect();
    let money = |balance: &Balance| {
        (balance.currency.code().to_owned(), balance.total.units, balance.available.units)
    };
    (orders, fills, balances.iter().map(money).collect())
}
