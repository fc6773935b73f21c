//! The risk gate for an order typed by hand: an engine for one order, shown what the exchange says of the account and
//! its markets, decides as it would for a strategy.

use std::path::Path;

use pampero_bitex::Client;
use pampero_engine::{
    Approved, Audit, Command, Context, Control, Decisions, Denied, Engine, Event, EventKind, Fingerprint,
    Intent, OrderKind, OrderRecord, OrderState, Outputs, Reason, Requirements, Strategy, StrategyDefinition,
    StrategyId, TimeInForce, parameters,
};
use pampero_exchange::{Balance, MarketSnapshot, SnapshotParts, VenueOrder};
use pampero_model::{
    Cash, Currency, Market, MarketId, Order, OrderId, Price, Quantity, Rate, Rounding, Side, Size, Span,
    Timestamp,
};
use pampero_runtime::guard::Level;
use serde_json::json;

use crate::config::{self, Config, LimitsSection, Source, StrategySection};
use crate::connect::now;
use crate::error::{Exit, Failure};
use crate::{market_list, plan};

/// What is known of the account and the market before the order.
pub(super) struct Facts {
    pub balances: Vec<Balance>,
    pub orders: Vec<VenueOrder>,
    /// The market of the order first.
    pub markets: Vec<MarketSnapshot>,
    pub clock_skew: Span,
    pub read_at: Timestamp,
    /// What the halt latch says.
    pub level: Level,
}

/// An order that passed, with what the gateway needs.
pub(super) struct Passed {
    pub order: Approved<Order>,
    pub approved_at: Timestamp,
    pub checks: u32,
    pub market: Market,
    /// The largest order that the gateway may send.
    pub cap: Cash,
}

/// The configuration of an order by hand: a file's limits, or careful ones of our own.
pub(super) struct Rules {
    config: Config,
    /// The file, to show the lines of mistakes; nothing of our own rules.
    source: Option<Source>,
}

impl Rules {
    /// Reads a file, or takes the built-in rules.
    pub fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = file else { return Ok(Self { config: Config::default(), source: None }) };
        let text = std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))?;
        let reading = config::read(&path.display().to_string(), &text).without_problems()?;
        Ok(Self { config: reading.config, source: Some(reading.source) })
    }

    /// The markets that the gate has to see: the order's own first, then the others of the file at its venue.
    pub fn markets(&self, market: &str) -> Vec<String> {
        let code = |name: &String| match name.split_once(':') {
            Some((venue, _)) if self.config.is_further(venue) => None,
            Some((_, code)) => Some(code.to_owned()),
            None => Some(name.clone()),
        };
        let mut codes = vec![market.to_owned()];
        let named = self.config.strategies.iter().flat_map(|strategy| &strategy.markets);
        for name in named.filter_map(code) {
            if !codes.contains(&name) {
                codes.push(name);
            }
        }
        codes
    }

    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The configuration that is in force for an order.
    fn in_force(&self, market: &Market, facts: &Facts) -> Result<Config, Failure> {
        let mut config = self.config.clone();
        config.strategies = vec![StrategySection {
            name: Some(BY_HAND.to_owned()),
            markets: self.markets(&market.code),
            ..StrategySection::default()
        }];
        // Limits of markets that this one engine does not see do not count.
        config.other_markets = true;
        let mut traded = Vec::new();
        for code in self.markets(&market.code) {
            traded.extend(
                super::show::currencies(&code).map(|(base, quote)| [base, quote]).into_iter().flatten(),
            );
        }
        config.account = free_and_reserved(facts, &traded)?;
        if self.source.is_none() {
            config.report_currency = Some(market.quote);
            config.limits = own_limits(market, facts)?;
        }
        Ok(config)
    }
}

const BY_HAND: &str = "by-hand";

/// The limits without a file, as `pampero buy --help` says them.
fn own_limits(market: &Market, facts: &Facts) -> Result<LimitsSection, Failure> {
    let total = |currency: Currency| {
        facts
            .balances
            .iter()
            .find(|balance| balance.currency == currency)
            .map_or(0, |balance| balance.total.units)
    };
    let price = facts.markets.first().map_or(Price::ZERO, reference);
    let base = Quantity::from_units(i64::try_from(total(market.base)).unwrap_or(i64::MAX));
    let worth = price
        .notional(base, Rounding::Down)
        .and_then(|worth| worth.checked_add(Cash::from_units(total(market.quote))));
    let worth = worth.map_err(|error| Failure::Defect(error.to_string()))?;
    let mut limits = LimitsSection::default();
    limits.values.max_order_value = Some(Cash::from_units(worth.units() / 4));
    limits.values.price_collar = Some(Rate::from_units(pampero_model::SCALE / 10));
    limits.values.max_spread = Some(Rate::from_units(pampero_model::SCALE / 10));
    limits.values.max_open_orders = Some(20);
    limits.values.duplicate_window = Some(Span::from_secs(1));
    limits.values.max_clock_skew = Some(Span::from_secs(5));
    Ok(limits)
}

/// The midpoint, or the last price, or nothing.
fn reference(market: &MarketSnapshot) -> Price {
    market.book.mid().or(market.trades.first().map(|trade| trade.price)).unwrap_or(Price::ZERO)
}

/// What an order keeps of the currency it spends.
fn reserved(order: &VenueOrder) -> i128 {
    order.remaining.units()
}

/// What the engine may count with: what is free, and what the orders it knows of keep. Withdrawals keep the rest.
fn free_and_reserved(facts: &Facts, traded: &[Currency]) -> Result<Vec<(String, Cash)>, Failure> {
    let mut account = Vec::new();
    for balance in facts.balances.iter().filter(|balance| traded.contains(&balance.currency)) {
        let known = |order: &&VenueOrder| {
            let spends = super::show::currencies(&order.market).map(|(base, quote)| match order.side {
                Side::Buy => quote,
                Side::Sell => base,
            });
            spends == Some(balance.currency)
                && facts.markets.iter().any(|market| market.market == order.market)
        };
        let kept: i128 = facts.orders.iter().filter(known).map(reserved).sum();
        account.push((
            balance.currency.code().to_owned(),
            Cash::from_units(balance.available.units.saturating_add(kept)),
        ));
    }
    if account.iter().any(|(_, cash)| cash.is_positive()) {
        return Ok(account);
    }
    let message = "INSUFFICIENT_FUNDS: the account holds nothing of the two currencies";
    Err(Failure::account(
        Exit::Denied,
        "INSUFFICIENT_FUNDS",
        message,
        "`pampero deposits --how` says where to send money",
    ))
}

/// The one thing this strategy does: ask for the order when it sees the market.
struct ByHand {
    intent: Intent,
    markets: Vec<MarketId>,
    asked: bool,
}

impl Strategy for ByHand {
    fn requirements(&self) -> Requirements {
        Requirements { markets: self.markets.clone(), ..Requirements::default() }
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, market: MarketId) {
        if market == self.intent.market && !self.asked {
            self.asked = true;
            // A refusal stands in the engine's output.
            let _ = ctx.submit(self.intent);
        }
    }
}

parameters! {
    /// An order by hand has none.
    struct NoParameters {}
}

/// The order that is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub side: Side,
    pub size: Size,
    pub price: Option<Price>,
    pub bound: Option<Rate>,
    pub post_only: bool,
}

impl Wanted {
    fn intent(self, market: MarketId) -> Intent {
        let kind = match self.price {
            Some(price) => OrderKind::Limit { price },
            None => OrderKind::Market { bound: self.bound },
        };
        Intent {
            kind,
            post_only: self.post_only,
            reason: Reason::new("BY_HAND"),
            ..Intent::limit(market, self.side, self.size, Price::ZERO)
        }
    }
}

/// Reads what the gate looks at.
pub(super) async fn facts(client: &Client, codes: &[String]) -> Result<Facts, Failure> {
    let probe = client.probe().await?;
    let read_at = now();
    // The server's clock has whole seconds: it shows up to a second less than it is.
    let skew = probe.server_time.map_or(Span::ZERO, |server| {
        let late = read_at.minus(Span::from_secs(1)).since(server);
        let early = server.since(read_at);
        if late > early { late } else { early }
    });
    let balances = client.accounts().await?.into_iter().flat_map(|account| account.balances).collect();
    let orders = client.orders().await?;
    let mut markets = Vec::new();
    for code in codes {
        let mut market =
            client.market(code, SnapshotParts { book: true, trades: true, candles: false }).await?;
        market.market.clone_from(code);
        for own in orders.iter().filter(|order| order.market == *code) {
            let left = own.remaining.quantity(own.price, Rounding::Down).unwrap_or(Quantity::ZERO);
            market.book.remove_own(own.side, own.price, left);
        }
        markets.push(market);
    }
    Ok(Facts { balances, orders, markets, clock_skew: skew, read_at: now(), level: Level::Active })
}

/// Puts an order before the gate.
pub(super) fn pass(rules: &Rules, code: &str, wanted: Wanted, facts: &Facts) -> Result<Passed, Failure> {
    let list = market_list::built_in()?;
    let market = market_list::market(code, &list, &rules.config)
        .map_err(|error| Failure::usage(error.to_string(), "write a code such as btc_usd"))?;
    let config = rules.in_force(&market, facts)?;
    let definition = definition(wanted);
    let definitions = [definition];
    let mut plan = plan::resolve(&config, &definitions, &[], Path::new(""))
        .map_err(|list| Failure::Config(config::Problems { source: rules.source.clone(), list }))?;
    let cap = cap(&config, &market, plan.report_currency);
    let id = plan.markets.iter().find(|(_, listed)| listed.code == market.code).map(|(id, _)| id);
    if let Some(id) = id {
        plan.cap_orders(id, cap);
    }
    let mut setup = plan.setup().map_err(Failure::Defect)?;
    // Each hand-made order gets its own mark: milliseconds are a counter that survives restarts.
    setup.fingerprint = Fingerprint::from_counter(u64::try_from(facts.read_at.as_millis()).unwrap_or(0));
    let mut engine = Engine::new(setup).map_err(|error| Failure::Defect(error.to_string()))?;
    let (order, approved_at) = decide(&mut engine, facts)?;
    Ok(Passed { order, approved_at, checks: engine.checks_ran(), market, cap })
}

fn definition(wanted: Wanted) -> StrategyDefinition {
    let version = env!("CARGO_PKG_VERSION");
    StrategyDefinition::over(BY_HAND, version, "one order by hand", 1, move |markets, _: NoParameters| {
        let intent = wanted.intent(markets.first().copied().unwrap_or(MarketId(0)));
        Ok(ByHand { intent, markets: markets.to_vec(), asked: false })
    })
}

/// The largest order that leaves, whatever the limits say.
fn cap(config: &Config, market: &Market, report: Currency) -> Cash {
    let set = config.trading.live.max_notional.iter().find(|(currency, _)| currency == market.quote.code());
    let of_market = config.limits.markets.get(&market.code).and_then(|limits| limits.max_order_notional);
    let value = config.limits.values.max_order_value.filter(|_| market.quote == report);
    set.map(|(_, cash)| *cash).or(of_market).or(value).unwrap_or(Cash::MAX)
}

/// Shows the engine everything, the market of the order last, and takes its decision.
fn decide(engine: &mut Engine, facts: &Facts) -> Result<(Approved<Order>, Timestamp), Failure> {
    let now = now();
    let mut out = Outputs::default();
    let venue = engine.markets().venue_of(MarketId(0)).unwrap_or(pampero_model::VenueId(0));
    engine.start(now, &mut out);
    let mut show = |engine: &mut Engine, time, kind| engine.step(&Event { time, kind }, &mut out);
    show(engine, now, EventKind::EnvironmentConfirmed);
    show(engine, now, EventKind::BalancesSeen { venue, at: facts.read_at });
    show(engine, now, EventKind::Reconciled { venue, until: now.plus(Span::from_secs(30)) });
    show(engine, now, EventKind::ClockSkew(facts.clock_skew));
    if facts.level != Level::Active {
        show(engine, now, EventKind::Control(Control::ReduceOnly(None)));
    }
    // The last prices first, so that everything has a worth; the books of other markets; the own orders.
    for (id, market) in ids(engine, facts) {
        if let Some(trade) = market.trades.first() {
            show(engine, now, EventKind::Trade { market: id, trade: *trade });
        }
    }
    for (id, market) in ids(engine, facts).into_iter().skip(1) {
        show(engine, now, EventKind::Book { market: id, book: market.book.snapshot() });
    }
    let orders = open_orders(engine, facts, now);
    engine
        .recover(&Event { time: now, kind: EventKind::Timer }, &Decisions { orders, ..Decisions::default() });
    if let Some((id, market)) = ids(engine, facts).into_iter().next() {
        engine.step(
            &Event { time: now, kind: EventKind::Book { market: id, book: market.book.snapshot() } },
            &mut out,
        );
    }
    for command in out.commands {
        if let Command::Place(order) = command {
            return Ok((order, now));
        }
    }
    let denied = out.audit.iter().find_map(|audit| match audit {
        Audit::Denied { denied, .. } => Some(*denied),
        _ => None,
    });
    Err(denied.map_or_else(
        || Failure::Defect("the risk gate gave no answer".to_owned()),
        |denied| refused(denied, facts),
    ))
}

fn ids<'a>(engine: &Engine, facts: &'a Facts) -> Vec<(MarketId, &'a MarketSnapshot)> {
    let found = |market: &'a MarketSnapshot| Some((engine.markets().find(&market.market)?, market));
    facts.markets.iter().filter_map(found).collect()
}

/// The own orders on the books as the engine would know them had it placed them.
fn open_orders(engine: &Engine, facts: &Facts, now: Timestamp) -> Vec<OrderRecord> {
    let record = |(number, order): (u64, &VenueOrder)| {
        let id = engine.markets().find(&order.market)?;
        let market = engine.market(id)?;
        let (remaining, price) = (order.remaining, desired_price(order, market));
        Some(OrderRecord {
            id: OrderId(number),
            strategy: StrategyId(0),
            market: id,
            side: order.side,
            kind: OrderKind::Limit { price },
            time_in_force: TimeInForce::GoodTillCancelled,
            reduce_only: false,
            quoting: false,
            price,
            sent_price: order.price,
            size: remaining,
            filled_base: Quantity::ZERO,
            filled_quote: Cash::ZERO,
            state: OrderState::Live,
            venue_order: Some(order.id),
            cancel_wanted: false,
            observed: true,
            reason: Reason::new("OPEN"),
            by_operator: false,
            worst_base: remaining.quantity(order.price, Rounding::Up).ok()?,
            worst_price: order.price,
            created_at: order.created_at.unwrap_or(now),
            updated_at: now,
        })
    };
    (1..).zip(&facts.orders).filter_map(record).collect()
}

/// The price before it was made recognisable, so that an equal order is known as one: prices are moved toward the
/// passive side by less than the span.
fn desired_price(order: &VenueOrder, market: &Market) -> Price {
    let step = Price::from_units(i64::from(market.fingerprint_span) + 1);
    let down = order.price.truncate_to(step);
    match order.side {
        Side::Buy if down < order.price => down.saturating_add(step),
        _ => down,
    }
}

/// A refusal with its code and values.
fn refused(denied: Denied, facts: &Facts) -> Failure {
    let code = denied.code().as_str();
    let what = pampero_engine::CHECKS
        .iter()
        .find(|check| check.code == denied.code())
        .map_or("", |check| check.what);
    let help = format!("{what} `pampero explain {code}` says more");
    let other = match denied {
        Denied::DuplicateIntent { other } | Denied::SelfCross { other, .. } => {
            let order =
                usize::try_from(other.0).ok().and_then(|number| facts.orders.get(number.checked_sub(1)?));
            order.map_or(String::new(), |order| format!(" ({})", super::show::order(order)))
        }
        _ => String::new(),
    };
    Failure::account(Exit::Denied, code, format!("the risk gate refuses the order: {denied}{other}"), help)
        .with(json!({ "denied": denied.to_string() }))
}
