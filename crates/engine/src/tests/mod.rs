//! Tests of the engine from inside: they drive a strategy's context directly.

mod checkpoint;
mod context;
mod emulation;
mod ledger;
mod lifecycle;
mod properties;
mod quoting;
mod risk_table;

use pampero_model::*;

use crate::*;

/// A strategy that does nothing: tests act through its context.
pub(crate) struct Idle {
    pub(crate) markets: Vec<MarketId>,
    pub(crate) warm_up: usize,
}

impl Strategy for Idle {
    fn requirements(&self) -> Requirements {
        Requirements { markets: self.markets.clone(), warm_up: self.warm_up, ..Requirements::default() }
    }
}

pub(crate) const MARKET: MarketId = MarketId(0);
pub(crate) const VENUE: VenueId = VenueId(0);
pub(crate) const FIRST: StrategyId = StrategyId(0);

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn base(text: &str) -> Size {
    Size::Base(text.parse().unwrap())
}

pub(crate) fn quote(text: &str) -> Size {
    Size::Quote(text.parse().unwrap())
}

pub(crate) fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

pub(crate) fn usd() -> Currency {
    "usd".parse().unwrap()
}

pub(crate) fn btc() -> Currency {
    "btc".parse().unwrap()
}

/// One market `btc_usd`, one strategy with 10,000 USD and 1 BTC, the book at 99 / 101, second zero.
pub(crate) fn setup(limits: Limits) -> Setup {
    let mut markets = Markets::default();
    markets.insert(Market::new("bitex", "btc_usd").unwrap()).unwrap();
    let mut setup = Setup::new(markets, usd());
    setup.strategies.push((Box::new(Idle { markets: vec![MARKET], warm_up: 0 }), limits));
    for money in ["10000 USD", "1 BTC"] {
        let owner = Owner::Strategy(FIRST);
        setup.allocations.push(Allocation { owner, venue: VENUE, money: money.parse().unwrap() });
    }
    setup
}

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) out: Outputs,
    pub(crate) now: Timestamp,
    venue_ids: u64,
    fill_ids: u64,
    /// Where set: every step with what it decided.
    pub(crate) tape: Option<(OrderWatch, Vec<(Event<'static>, Decisions)>)>,
}

impl Rig {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::from_setup(setup(limits))
    }

    pub(crate) fn from_setup(setup: Setup) -> Self {
        let mut rig = Self::bare(setup);
        rig.step(EventKind::EnvironmentConfirmed);
        rig.step(EventKind::Reconciled { venue: VENUE, until: Timestamp::MAX });
        rig.step(EventKind::BalancesSeen { venue: VENUE, at: Timestamp::MAX });
        rig.book("99", "101");
        rig
    }

    /// Without the facts that the gate asks for, and without a price.
    pub(crate) fn bare(setup: Setup) -> Self {
        let mut rig = Self {
            engine: Engine::new(setup).unwrap(),
            out: Outputs::default(),
            now: Timestamp::from_secs(0),
            venue_ids: 100,
            fill_ids: 1_000,
            tape: None,
        };
        rig.engine.start(rig.now, &mut rig.out);
        rig
    }

    /// The same hands on another engine.
    pub(crate) fn fork(&self, engine: Engine) -> Self {
        let (now, venue_ids, fill_ids) = (self.now, self.venue_ids, self.fill_ids);
        Self { engine, out: Outputs::default(), now, venue_ids, fill_ids, tape: None }
    }

    pub(crate) fn step(&mut self, kind: EventKind<'static>) {
        let (event, mut out) = (Event { time: self.now, kind }, Outputs::default());
        self.engine.step(&event, &mut out);
        if let Some((watch, steps)) = &mut self.tape {
            steps.push((event, watch.decisions(&self.engine, &out)));
        }
        self.out.append(&mut out);
    }

    pub(crate) fn pass(&mut self, span: Span) {
        self.now = self.now.plus(span);
    }

    pub(crate) fn book(&mut self, bid: &str, ask: &str) {
        let level = |text| Level { price: price(text), quantity: "5".parse().unwrap() };
        self.step(EventKind::Quote { market: MARKET, quote: Quote { bid: level(bid), ask: level(ask) } });
    }

    /// Acts as the first strategy would in a hook.
    pub(crate) fn act<T>(&mut self, f: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.act_as(FIRST, f)
    }

    pub(crate) fn act_as<T>(&mut self, id: StrategyId, f: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.step(EventKind::Timer);
        let result = f(&mut Context::new(&mut self.engine.core, id));
        self.step(EventKind::Timer);
        result
    }

    pub(crate) fn submit(&mut self, intent: Intent) -> Result<OrderId, Denied> {
        self.act(|ctx| ctx.submit(intent))
    }

    pub(crate) fn update(&mut self, order: OrderId, kind: UpdateKind) {
        let update = OrderUpdate { order, time: self.now, kind };
        self.step(EventKind::Order(update));
    }

    /// The venue takes the order up.
    pub(crate) fn accept(&mut self, order: OrderId) {
        self.venue_ids += 1;
        self.update(order, UpdateKind::Acknowledged(VenueOrderId(self.venue_ids)));
        self.update(order, UpdateKind::Live);
    }

    pub(crate) fn accepted(&mut self, intent: Intent) -> OrderId {
        let id = self.submit(intent).unwrap();
        self.accept(id);
        id
    }

    /// Executes base of an order at a price, without a fee.
    pub(crate) fn fill(&mut self, order: OrderId, at: &str, quantity: &str) -> Fill {
        let record = self.record(order);
        self.fill_ids += 1;
        let base: Quantity = quantity.parse().unwrap();
        let fill = Fill {
            id: FillId(self.fill_ids),
            order,
            market: record.market,
            side: record.side,
            price: price(at),
            base,
            quote: price(at).notional(base, Rounding::Down).unwrap(),
            fee: 0,
            liquidity: Liquidity::Maker,
            time: self.now,
        };
        self.update(order, UpdateKind::Fill(fill));
        fill
    }

    pub(crate) fn record(&self, order: OrderId) -> OrderRecord {
        let orders = &self.engine.core.orders;
        *orders.get(order).or_else(|| orders.get_closed(order)).unwrap()
    }

    pub(crate) fn state(&self, order: OrderId) -> OrderState {
        self.record(order).state
    }

    /// The commands since the last call, as text.
    pub(crate) fn commands(&mut self) -> Vec<String> {
        let text = |command: &Command| match command {
            Command::Place(order) => format!("place {}", order.get()),
            Command::Cancel { order, .. } => format!("cancel {order}"),
            Command::CancelAll { venue } => format!("cancel all {}", venue.0),
        };
        let commands = self.out.commands.iter().map(text).collect();
        self.out.clear();
        commands
    }

    pub(crate) fn holding(&self, currency: Currency) -> Holding {
        self.engine.portfolio().balance(Owner::Strategy(FIRST), VENUE, currency)
    }
}
