//! The administration: the truth for tests, and what only an operator can do. On a loopback port of its own.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use axum::routing::{get, post};
use pampero_model::{
    CancelReason, Cash, Money, Price, Quantity, Rate, Side, Size, Span, VenueOrderId, VenueStatus,
};
use pampero_venue::{OrderKey, Placement};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Inner, Shared};
use crate::clock::iso;
use crate::faults::FaultRule;
use crate::world::{Origin, World};

/// An order as it really is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AcceptedOrder {
    /// Buy or sell.
    pub side: Side,
    /// Its number among its side.
    pub id: u64,
    /// The user, if it is one's.
    pub user: Option<u64>,
    /// Who placed it: `key 5`, `bot`, `payment 1`, `auto sell`, `admin`, `agent`.
    pub by: String,
    /// The code of the book.
    pub book: String,
    /// The limit.
    pub price: Price,
    /// What it was for, in quote for a buy, in base for a sell.
    pub amount: Cash,
    /// What is left of it.
    pub remaining: Cash,
    /// Where it is in its life.
    pub status: VenueStatus,
    /// Why it was cancelled, if it was.
    pub reason: Option<CancelReason>,
    /// When it was placed.
    pub created_at: String,
}

/// Every order, the agents' left out: buys, then sells, each ascending.
pub fn accepted_orders(world: &World) -> Vec<AcceptedOrder> {
    let mut accepted = Vec::new();
    for (side, origins) in [Side::Buy, Side::Sell].into_iter().zip(&world.tables.origins) {
        for (number, origin) in (1..).zip(origins) {
            let by = match origin {
                Origin::Agent => continue,
                Origin::Key(id) => format!("key {id}"),
                Origin::Bot(..) => "bot".to_owned(),
                Origin::Payment(id) => format!("payment {id}"),
                Origin::AutoSell => "auto sell".to_owned(),
                Origin::Admin => "admin".to_owned(),
            };
            let Some(order) = world.order(side, number) else { continue };
            let user = world.tables.users.iter().find(|user| user.account() == order.account);
            accepted.push(AcceptedOrder {
                side,
                id: number,
                user: user.map(|user| user.id),
                by,
                book: world.market(order.market).map(|market| market.code.clone()).unwrap_or_default(),
                price: order.price,
                amount: Cash::from_units(order.size.units()),
                remaining: Cash::from_units(order.left.units()),
                status: order.status,
                reason: order.reason,
                created_at: iso(order.created),
            });
        }
    }
    accepted
}

type AdminState = State<Arc<Shared>>;

/// The administration's own paths.
pub fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/orders", get(orders).post(place))
        .route("/orders/cancel", post(cancel))
        .route("/requests", get(requests))
        .route("/faults", get(faults).put(set_faults).delete(clear_faults))
        .route("/deliveries", get(deliveries))
        .route("/step", post(step))
        .route("/advance", post(advance))
        .route("/settings", post(settings))
        .route("/coins", post(coins))
        .route("/deposits", post(deposit))
        .route("/withdrawals", post(withdraw))
        .route("/fees", post(fees))
        .with_state(Arc::clone(shared))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = axum::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[derive(Serialize)]
struct Problem {
    error: String,
}

#[derive(Serialize)]
struct Done {
    ok: bool,
}

fn done(result: Result<(), String>) -> Response {
    match result {
        Ok(()) => json(StatusCode::OK, &Done { ok: true }),
        Err(error) => json(StatusCode::UNPROCESSABLE_ENTITY, &Problem { error }),
    }
}

/// Reads a body and carries out what it says, at the present time.
fn with<T: DeserializeOwned>(
    shared: &Shared,
    body: &[u8],
    run: impl FnOnce(&mut Inner, T) -> Result<(), String>,
) -> Response {
    let parsed: T = match serde_json::from_slice(body) {
        Ok(parsed) => parsed,
        Err(error) => return done(Err(format!("the body is not what is expected here: {error}"))),
    };
    let mut inner = shared.lock();
    inner.world.advance(shared.clock.now());
    let result = run(&mut inner, parsed);
    shared.deliver.notify_one();
    done(result)
}

async fn orders(State(shared): AdminState) -> Response {
    let mut inner = shared.lock();
    inner.world.advance(shared.clock.now());
    json(StatusCode::OK, &accepted_orders(&inner.world))
}

async fn requests(State(shared): AdminState) -> Response {
    json(StatusCode::OK, &shared.lock().requests)
}

async fn deliveries(State(shared): AdminState) -> Response {
    json(StatusCode::OK, &shared.lock().world.tables.outbox)
}

async fn faults(State(shared): AdminState) -> Response {
    #[derive(Serialize)]
    struct Report<'a> {
        rules: &'a [crate::faults::FaultCount],
        totals: &'a std::collections::BTreeMap<&'static str, u64>,
    }
    let inner = shared.lock();
    json(StatusCode::OK, &Report { rules: inner.faults.counts(), totals: inner.faults.totals() })
}

async fn set_faults(State(shared): AdminState, body: Bytes) -> Response {
    with(&shared, &body, |inner, rules: Vec<FaultRule>| {
        rules.iter().try_for_each(FaultRule::check)?;
        inner.faults.set(rules);
        Ok(())
    })
}

async fn clear_faults(State(shared): AdminState) -> Response {
    shared.lock().faults.set(Vec::new());
    done(Ok(()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    steps: u32,
}

async fn step(State(shared): AdminState, body: Bytes) -> Response {
    with(&shared, &body, |inner, Steps { steps }| {
        (0..steps).for_each(|_| inner.world.step_agents());
        Ok(())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Millis {
    ms: u32,
}

async fn advance(State(shared): AdminState, body: Bytes) -> Response {
    let clock = shared.clock.clone();
    with(&shared, &body, |inner, Millis { ms }| {
        if !clock.advance(Span::from_millis(ms.into())) {
            return Err("this sandbox follows the system's clock".to_owned());
        }
        inner.world.advance(clock.now());
        Ok(())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    requests_per_second: Option<u32>,
    engine_delay_ms: Option<u32>,
}

async fn settings(State(shared): AdminState, body: Bytes) -> Response {
    with(&shared, &body, |inner, settings: Settings| {
        if let Some(limit) = settings.requests_per_second {
            inner.limiter.per_second = limit;
        }
        if let Some(millis) = settings.engine_delay_ms {
            inner.world.engine_delay = Span::from_millis(millis.into());
        }
        Ok(())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Coins {
    address: String,
    amount: Cash,
}

async fn coins(State(shared): AdminState, body: Bytes) -> Response {
    with(&shared, &body, |inner, Coins { address, amount }| inner.world.send_coins(&address, amount))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transfer {
    user: u64,
    money: String,
}

impl Transfer {
    fn read(&self, world: &World) -> Result<(pampero_venue::AccountId, Money), String> {
        let user = world.user(self.user).ok_or_else(|| format!("there is no user {}", self.user))?;
        let money = self.money.parse().map_err(|error| format!("money: {error}"))?;
        Ok((user.account(), money))
    }
}

async fn deposit(State(shared): AdminState, body: Bytes) -> Response {
    with(&shared, &body, |inner, transfer: Transfer| {
        let (account, money) = transfer.read(&inner.world)?;
        inner.world.venue.deposit(account, money).map_err(|error| error.to_string())
    })
}

async fn withdraw(State(shared): AdminState, body: Bytes) -> Response {
    with(&shared, &body, |inner, transfer: Transfer| {
        let (account, money) = transfer.read(&inner.world)?;
        inner.world.venue.withdraw(account, money).map_err(|error| error.to_string())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    user: u64,
    book: String,
    side: Side,
    amount: Cash,
    price: Price,
}

async fn place(State(shared): AdminState, body: Bytes) -> Response {
    with(&shared, &body, |inner, order: NewOrder| {
        let world = &mut inner.world;
        let account =
            world.user(order.user).ok_or_else(|| format!("there is no user {}", order.user))?.account();
        let market =
            world.book(&order.book).ok_or_else(|| format!("there is no book `{}`", order.book))?.market;
        let size = match order.side {
            Side::Buy => Size::Quote(order.amount),
            Side::Sell => {
                let units = i64::try_from(order.amount.units()).map_err(|error| error.to_string())?;
                Size::Base(Quantity::from_units(units))
            }
        };
        let placement = Placement { account, market, side: order.side, price: order.price, size };
        let delay = world.engine_delay;
        world
            .place(&placement, Origin::Admin, delay)
            .map(drop)
            .map_err(|reason| format!("refused: {reason:?}"))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    side: Side,
    id: u64,
}

async fn cancel(State(shared): AdminState, body: Bytes) -> Response {
    with(&shared, &body, |inner, Key { side, id }| {
        let delay = inner.world.engine_delay;
        let found = inner.world.cancel(OrderKey { side, id: VenueOrderId(id) }, delay);
        if found { Ok(()) } else { Err(format!("there is no {side} {id}")) }
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fees {
    book: String,
    maker: Rate,
    taker: Rate,
}

async fn fees(State(shared): AdminState, body: Bytes) -> Response {
    with(&shared, &body, |inner, fees: Fees| {
        let world = &mut inner.world;
        let market =
            world.book(&fees.book).ok_or_else(|| format!("there is no book `{}`", fees.book))?.market;
        world.venue.set_fees(market, fees.maker, fees.taker);
        Ok(())
    })
}
