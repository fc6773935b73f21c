//! The exchange of the simulation: a real matching venue behind an unreliable network, and everybody else on it.

use std::collections::{BTreeMap, VecDeque};

use pampero_exchange::{
    Ambiguity, Balance, Error, FillQuery, Movement, MovementKind, OrderRequest, OrderStatus, Outcome,
    PlaceOutcome, VenueFill, VenueOrder,
};
use pampero_model::{
    Cash, Currency, FillId, MarketId, Markets, Money, OrderId, Price, Quantity, Side, Size, Span, Timestamp,
    VenueOrderId, VenueStatus,
};
use pampero_venue::{AccountId, Match, MatchingVenue, OrderKey, Placement, VenueEvent};

use super::Canary;
use super::faults::{Chance, Fault, Profile};

/// What a person knows of an order at the exchange and the exchange itself does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// The intent it was placed for; none for a person's.
    pub intent: Option<OrderId>,
    /// A second copy that the network in front of the exchange made.
    pub is_copy: bool,
    /// From when on lists show it.
    pub listed_from: Timestamp,
}

/// A request that the exchange carries out long after its client gave up.
#[derive(Clone, Debug)]
struct Late {
    at: Timestamp,
    request: OrderRequest,
}

/// Own orders at most on one side of a market, as the engine's limits say.
pub const MOST_PER_SIDE: usize = 3;

pub struct World {
    pub now: Timestamp,
    pub venue: MatchingVenue,
    pub us: AccountId,
    crowd: AccountId,
    markets: Markets,
    pub chance: Chance,
    pub profile: Profile,
    pub hits: BTreeMap<Fault, u64>,
    pub canary: Option<Canary>,
    pub truth: BTreeMap<OrderKey, Truth>,
    pub posts: BTreeMap<OrderId, u32>,
    late: Vec<Late>,
    /// From when on an execution is listed.
    fills_from: BTreeMap<FillId, Timestamp>,
    movements: Vec<Movement>,
    /// Earlier answers, for reads that are served from a cache.
    old_lists: VecDeque<(Timestamp, Vec<VenueOrder>)>,
    old_balances: VecDeque<(Timestamp, Vec<Balance>)>,
    /// Whether a person may act: the account must be quiet until it was compared for the first time.
    pub busy: bool,
    /// Limits that were passed, in words.
    pub breaches: Vec<String>,
    events: Vec<VenueEvent>,
    /// What requests beyond the answers cost: how long the answer takes.
    pub answer_after: Span,
}

/// The reference that the gateway sends along names the intent.
fn intent_of(request: &OrderRequest) -> Option<OrderId> {
    let reference = request.reference.as_deref()?;
    reference.strip_prefix("pampero-")?.parse().ok().map(OrderId)
}

fn secs(seconds: i64) -> Span {
    Span::from_secs(seconds)
}

impl World {
    pub fn new(markets: Markets, chance: Chance, profile: Profile, canary: Option<Canary>) -> Self {
        let mut venue = MatchingVenue::new(&markets);
        let (us, crowd) = (venue.open_account(), venue.open_account());
        for money in ["100000 USD", "100 BTC", "100 BCH"] {
            deposit(&mut venue, us, money);
        }
        for money in ["1000000000 USD", "1000000 BTC", "1000000 BCH"] {
            deposit(&mut venue, crowd, money);
        }
        Self {
            now: Timestamp::from_secs(0),
            venue,
            us,
            crowd,
            markets,
            chance,
            profile,
            hits: BTreeMap::new(),
            canary,
            truth: BTreeMap::new(),
            posts: BTreeMap::new(),
            late: Vec::new(),
            fills_from: BTreeMap::new(),
            movements: Vec::new(),
            old_lists: VecDeque::new(),
            old_balances: VecDeque::new(),
            busy: false,
            breaches: Vec::new(),
            events: Vec::new(),
            answer_after: Span::ZERO,
        }
    }

    /// Whether a fault happens now; counts it.
    pub fn strikes(&mut self, fault: Fault) -> bool {
        let strikes = self.chance.percent(self.profile.rate(fault));
        if strikes {
            self.hit(fault);
        }
        strikes
    }

    pub fn hit(&mut self, fault: Fault) {
        *self.hits.entry(fault).or_default() += 1;
    }

    fn market(&self, code: &str) -> MarketId {
        self.markets.find(code).unwrap_or(MarketId(0))
    }

    fn code(&self, market: MarketId) -> String {
        self.markets.get(market).map(|market| market.code.clone()).unwrap_or_default()
    }

    // Requests.

    pub fn place(&mut self, request: &OrderRequest) -> PlaceOutcome {
        self.answer_after = secs(20);
        let timeout = || Outcome::Unknown(Error::Ambiguous(Ambiguity::Timeout));
        let status = |status| Outcome::Unknown(Error::Ambiguous(Ambiguity::Status(status)));
        if self.strikes(Fault::ConnectFails) {
            self.answer_after = secs(1);
            return Outcome::NotSent(Error::NotSent("connection refused".into()));
        }
        if let Some(intent) = intent_of(request) {
            *self.posts.entry(intent).or_default() += 1;
        }
        let outcome = self.receive(request, timeout, status);
        let retries = self.canary == Some(Canary::RetryOnTimeout);
        if retries && matches!(outcome, Outcome::Unknown(_)) {
            if let Some(intent) = intent_of(request) {
                *self.posts.entry(intent).or_default() += 1;
            }
            return self.receive(request, timeout, status);
        }
        outcome
    }

    fn receive(
        &mut self,
        request: &OrderRequest,
        timeout: impl Fn() -> PlaceOutcome,
        status: impl Fn(u16) -> PlaceOutcome,
    ) -> PlaceOutcome {
        if self.strikes(Fault::RequestLost) {
            return timeout();
        }
        if self.strikes(Fault::AppliedLate) {
            let at = self.now.plus(secs(self.chance.between(10, 120)));
            self.late.push(Late { at, request: request.clone() });
            return timeout();
        }
        if self.strikes(Fault::ErrorBefore) {
            self.answer_after = secs(2);
            return status(503);
        }
        if self.strikes(Fault::TooManyRequests) {
            self.answer_after = secs(1);
            return Outcome::Rejected(Error::RateLimited { retry_after: None });
        }
        if self.strikes(Fault::Refused) {
            self.answer_after = secs(1);
            let message = "orderbook is closed for a moment".into();
            return Outcome::Rejected(Error::Invalid { field: None, message, code: None });
        }
        let instant = self.strikes(Fault::InstantFill);
        if instant {
            self.meet(request);
        }
        let view = self.create(request, false);
        if self.strikes(Fault::AppliedTwice) {
            let _ = self.create(request, true);
        }
        if instant {
            self.process();
        }
        if self.strikes(Fault::ResponseLost) {
            return timeout();
        }
        if self.strikes(Fault::ErrorAfter) {
            self.answer_after = secs(3);
            return status(502);
        }
        if self.strikes(Fault::ResetAfter) {
            self.answer_after = secs(1);
            return Outcome::Unknown(Error::Ambiguous(Ambiguity::Connection("reset".into())));
        }
        self.answer_after = Span::from_millis(self.chance.between(100, 1_500));
        match view {
            Ok(view) => Outcome::Acknowledged(view),
            Err(message) => Outcome::Rejected(Error::Invalid { field: None, message, code: None }),
        }
    }

    fn create(&mut self, request: &OrderRequest, is_copy: bool) -> Result<VenueOrder, String> {
        let OrderRequest { side, price, size, .. } = *request;
        let placement =
            Placement { account: self.us, market: self.market(&request.market), side, price, size };
        let key = self.venue.place(self.now, &placement).map_err(|reason| format!("{reason:?}"))?;
        let mut listed_from = self.now;
        if self.strikes(Fault::ListedLate) {
            listed_from = self.now.plus(secs(self.chance.between(1, 25)));
        }
        let intent = intent_of(request);
        self.truth.insert(key, Truth { intent, is_copy, listed_from });
        // The limit on open orders lets sells that reduce a position pass.
        if intent.is_some() && side == Side::Buy {
            self.check_limits(placement.market, side);
        }
        self.view(key).ok_or_else(|| "gone".to_owned())
    }

    /// What the engine's limits promise must hold at the exchange itself.
    fn check_limits(&mut self, market: MarketId, side: Side) {
        let truth = &self.truth;
        let counted =
            |key: OrderKey| truth.get(&key).is_some_and(|truth| truth.intent.is_some() && !truth.is_copy);
        let open = self.venue.orders(self.us, side).filter(|order| {
            let over = matches!(order.status, VenueStatus::Cancelled | VenueStatus::Completed);
            order.market == market && !over && counted(order.key)
        });
        let open = open.count();
        if open > MOST_PER_SIDE {
            self.breaches.push(format!("{open} orders on the {side} side, {MOST_PER_SIDE} allowed"));
        }
    }

    pub fn cancel(&mut self, side: Side, id: VenueOrderId) -> Result<(), Error> {
        self.answer_after = Span::from_millis(self.chance.between(100, 900));
        if self.strikes(Fault::CancelFails) {
            return Err(Error::Unavailable { status: 503, edge: true });
        }
        if self.strikes(Fault::CancelLost) {
            return Ok(()); // "accepted", and forgotten
        }
        let found = self.venue.cancel(OrderKey { side, id });
        if self.strikes(Fault::FilledWhileCancelling) {
            self.trade_with(OrderKey { side, id }, true);
        }
        if self.strikes(Fault::CancelAnswerLost) {
            self.answer_after = secs(10);
            return Err(Error::Ambiguous(Ambiguity::Timeout));
        }
        found.map(drop).ok_or_else(|| Error::NotFound("no such order".into()))
    }

    pub fn cancel_all(&mut self) -> Result<(), Error> {
        self.answer_after = Span::from_millis(300);
        if self.strikes(Fault::CancelFails) {
            return Err(Error::Unavailable { status: 503, edge: true });
        }
        for key in self.live_orders() {
            self.venue.cancel(key);
        }
        Ok(())
    }

    // Reads.

    fn read_fails(&mut self) -> Option<Error> {
        self.answer_after = Span::from_millis(self.chance.between(50, 800));
        if self.strikes(Fault::ReadFails) {
            return Some(match self.chance.between(0, 2) {
                0 => Error::Ambiguous(Ambiguity::Timeout),
                1 => Error::Malformed("half a document".into()),
                _ => Error::Unavailable { status: 502, edge: true },
            });
        }
        self.strikes(Fault::ReadTooMany).then_some(Error::RateLimited { retry_after: None })
    }

    pub fn active_orders(&mut self) -> Result<Vec<VenueOrder>, Error> {
        let list = self.true_list();
        self.old_lists.push_back((self.now, list.clone()));
        while self.old_lists.front().is_some_and(|(at, _)| self.now.since(*at) > secs(20)) {
            self.old_lists.pop_front();
        }
        if let Some(error) = self.read_fails() {
            return Err(error);
        }
        let mut list = list;
        if self.strikes(Fault::StaleList)
            && let Some((_, old)) = self.old_lists.front()
        {
            list.clone_from(old);
        }
        if !list.is_empty() && self.strikes(Fault::ListOmits) {
            let count = i64::try_from(list.len()).unwrap_or(1);
            let position = usize::try_from(self.chance.between(0, count - 1)).unwrap_or(0);
            list.remove(position);
        }
        Ok(list)
    }

    fn true_list(&self) -> Vec<VenueOrder> {
        let mut list = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            let executing =
                self.venue.orders(self.us, side).filter(|order| order.status == VenueStatus::Executing);
            let listed = executing
                .filter(|order| self.truth.get(&order.key).is_none_or(|truth| truth.listed_from <= self.now));
            list.extend(listed.filter_map(|order| self.view(order.key)));
        }
        list
    }

    fn view(&self, key: OrderKey) -> Option<VenueOrder> {
        let order = self.venue.order(key)?;
        Some(VenueOrder {
            id: key.id,
            side: key.side,
            market: self.code(order.market),
            price: order.price,
            size: order.size,
            remaining: order.left,
            status: OrderStatus::Known(order.status),
            created_at: Some(order.created.plus(self.profile.skew)),
        })
    }

    pub fn order(&mut self, side: Side, id: VenueOrderId) -> Result<VenueOrder, Error> {
        if let Some(error) = self.read_fails() {
            return Err(error);
        }
        let key = OrderKey { side, id };
        let view =
            self.view(key).filter(|_| self.venue.order(key).is_some_and(|order| order.account == self.us));
        let mut view = view.ok_or_else(|| Error::NotFound("no such order".into()))?;
        if self.strikes(Fault::NotFoundForLive) {
            return Err(Error::NotFound("no such order".into()));
        }
        if self.strikes(Fault::StatusBackwards) {
            view.status = OrderStatus::Known(VenueStatus::Pending);
            view.remaining = view.size;
        }
        if self.strikes(Fault::StrangeStatus) {
            view.status = OrderStatus::Other("under_review".into());
        }
        Ok(view)
    }

    pub fn fills(&mut self, query: &FillQuery) -> Result<Vec<VenueFill>, Error> {
        if let Some(error) = self.read_fails() {
            return Err(error);
        }
        let mut listed = Vec::new();
        let own = |party: &pampero_venue::Party| party.account == self.us;
        for found in self.venue.matches().iter().rev() {
            if self.fills_from.get(&found.id).is_some_and(|from| *from > self.now) {
                continue;
            }
            let sides = [(Side::Buy, &found.buyer), (Side::Sell, &found.seller)];
            listed.extend(
                sides.into_iter().filter(|(_, party)| own(party)).map(|(side, _)| self.fill(found, side)),
            );
        }
        listed.truncate(usize::try_from(query.limit.unwrap_or(150)).unwrap_or(150));
        if listed.len() > 1 && self.strikes(Fault::FillsRepeated) {
            let first = listed.first().cloned();
            listed.extend(first);
        }
        if listed.len() > 1 && self.strikes(Fault::FillsOutOfOrder) {
            listed.reverse();
        }
        Ok(listed)
    }

    fn fill(&self, found: &Match, side: Side) -> VenueFill {
        let party = if side == Side::Buy { &found.buyer } else { &found.seller };
        let market = self.markets.get(found.market);
        let currency = market.map_or_else(usd, |market| market.receives(side));
        VenueFill {
            id: found.id,
            order: Some(party.order),
            side,
            market: self.code(found.market),
            price: found.price,
            base: found.base,
            quote: found.quote,
            fee: Money::new(currency, party.fee.into()),
            time: found.time.plus(self.profile.skew),
        }
    }

    pub fn true_balances(&self) -> Vec<Balance> {
        let balance = |code: &str| {
            let currency: Currency = code.parse().ok()?;
            let held = self.venue.balance(self.us, currency);
            Some(Balance {
                currency,
                total: Money::new(currency, held.total),
                available: Money::new(currency, held.total - held.reserved),
            })
        };
        ["btc", "usd", "bch"].into_iter().filter_map(balance).collect()
    }

    pub fn balances(&mut self) -> Result<Vec<Balance>, Error> {
        let balances = self.true_balances();
        self.old_balances.push_back((self.now, balances.clone()));
        while self.old_balances.front().is_some_and(|(at, _)| self.now.since(*at) > secs(15)) {
            self.old_balances.pop_front();
        }
        if let Some(error) = self.read_fails() {
            return Err(error);
        }
        if self.strikes(Fault::StaleBalances)
            && let Some((_, old)) = self.old_balances.front()
        {
            return Ok(old.clone());
        }
        Ok(balances)
    }

    pub fn movements(&mut self) -> Result<Vec<Movement>, Error> {
        match self.read_fails() {
            Some(error) => Err(error),
            None => Ok(self.movements.iter().rev().cloned().collect()),
        }
    }

    /// Whether a request for an intent is still on its way.
    pub fn will_create(&self, order: OrderId) -> bool {
        self.late.iter().any(|late| intent_of(&late.request) == Some(order))
    }

    /// Whether an order is not over, or something of it was executed.
    pub fn counts(&self, key: OrderKey) -> bool {
        let over = |status| matches!(status, VenueStatus::Cancelled | VenueStatus::Completed);
        self.venue.order(key).is_some_and(|order| !over(order.status) || order.left != order.size)
    }

    /// What of an order was executed, gross.
    pub fn executed(&self, key: OrderKey) -> (Quantity, Cash) {
        let mine = self.venue.matches().iter().filter(|found| {
            let party = if key.side == Side::Buy { &found.buyer } else { &found.seller };
            party.order == key.id
        });
        mine.fold((Quantity::ZERO, Cash::ZERO), |(base, quote), found| {
            (base.saturating_add(found.base), quote.saturating_add(found.quote))
        })
    }

    // What happens by itself.

    /// Passes a moment: late requests arrive, the exchange works, others trade, a person uses the account.
    pub fn pass(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        let (due, rest) =
            std::mem::take(&mut self.late).into_iter().partition::<Vec<_>, _>(|late| late.at <= self.now);
        self.late = rest;
        for late in due {
            let _ = self.create(&late.request, false);
        }
        if self.chance.percent(70) {
            self.process();
        }
        for key in self.live_orders() {
            if self.chance.percent(self.profile.trading) {
                let whole = self.chance.percent(50);
                if !whole {
                    self.hit(Fault::PartialFill);
                }
                self.trade_with(key, whole);
            }
        }
        // Nor more than the list of executions can show, however long nobody reads it.
        if !self.busy || self.venue.matches().len() > 1_500 {
            return;
        }
        if self.strikes(Fault::HumanOrder) {
            self.human_order();
        }
        if self.strikes(Fault::HumanCancel) {
            let human = |key: &OrderKey| self.truth.get(key).is_some_and(|truth| truth.intent.is_none());
            if let Some(key) = self.live_orders().into_iter().find(human) {
                self.venue.cancel(key);
            }
        }
        if self.strikes(Fault::HumanTransfer) {
            self.human_transfer();
        }
    }

    pub fn process(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        self.venue.process(self.now, &mut events);
        for event in events.drain(..) {
            if let VenueEvent::Matched(id) = event
                && self.strikes(Fault::FillListedLate)
            {
                let from = self.now.plus(secs(self.chance.between(1, 45)));
                self.fills_from.insert(id, from);
            }
        }
        self.events = events;
    }

    pub fn live_orders(&self) -> Vec<OrderKey> {
        let mut keys = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            let live = self.venue.orders(self.us, side);
            let live =
                live.filter(|order| !matches!(order.status, VenueStatus::Cancelled | VenueStatus::Completed));
            keys.extend(live.map(|order| order.key));
        }
        keys
    }

    /// Somebody trades with an order, in whole or in part.
    fn trade_with(&mut self, key: OrderKey, whole: bool) {
        let Some(order) = self.venue.order(key) else { return };
        let share = if whole { 100 } else { self.chance.between(5, 80) };
        let left = order.left.units() * i128::from(share) / 100;
        self.oppose(order.market, key.side, order.price, left);
        self.process();
    }

    /// Somebody waits at the price at which an order will come.
    fn meet(&mut self, request: &OrderRequest) {
        let share = self.chance.between(30, 150);
        let units = request.size.units() * i128::from(share) / 100;
        self.oppose(self.market(&request.market), request.side, request.price, units);
        self.process();
    }

    /// Places an order of the crowd against an order of that side and size.
    fn oppose(&mut self, market: MarketId, side: Side, price: Price, units: i128) {
        let size = match side {
            Side::Buy => {
                Cash::from_units(units).quantity_at(price, pampero_model::Rounding::Up).map(Size::Base)
            }
            Side::Sell => {
                let base = Quantity::from_units(i64::try_from(units).unwrap_or(0));
                price.notional(base, pampero_model::Rounding::Up).map(Size::Quote)
            }
        };
        if let Ok(size) = size {
            let placement = Placement { account: self.crowd, market, side: side.opposite(), price, size };
            let _ = self.venue.place(self.now, &placement);
        }
    }

    /// A person places an order that looks like the strategy's.
    fn human_order(&mut self) {
        let market = MarketId(u16::try_from(self.chance.between(0, 1)).unwrap_or(0));
        let side = if self.chance.percent(50) { Side::Buy } else { Side::Sell };
        let (price, size) =
            super::trader::order_like(side, self.chance.between(0, 5), self.chance.between(0, 1));
        let placement = Placement { account: self.us, market, side, price, size };
        if let Ok(key) = self.venue.place(self.now, &placement) {
            self.truth.insert(key, Truth { intent: None, is_copy: false, listed_from: self.now });
        }
    }

    fn human_transfer(&mut self) {
        let units = i128::from(self.chance.between(1, 5_000)) * 1_000_007;
        let amount = Money::new(usd(), units);
        let kind = if self.chance.percent(50) {
            let _ = self.venue.deposit(self.us, amount);
            MovementKind::CashDeposit
        } else {
            if self.venue.withdraw(self.us, amount).is_err() {
                return;
            }
            MovementKind::CashWithdrawal
        };
        let id = format!("{}Transfer", self.movements.len());
        let (time, currencies) = (self.now.plus(self.profile.skew), "USD".to_owned());
        self.movements.push(Movement { id, kind, time, amount, fee: None, price: None, currencies });
    }
}

pub fn usd() -> Currency {
    "usd".parse().unwrap()
}

fn deposit(venue: &mut MatchingVenue, account: AccountId, money: &str) {
    venue.deposit(account, money.parse().unwrap()).unwrap();
}
