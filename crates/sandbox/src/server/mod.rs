//! The server: listening, time, deliveries and the state file.

mod admin;
mod answer;
pub mod call;
mod deliver;
pub mod reply;
mod tls;
mod wire;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use pampero_model::{Money, Span, Timestamp};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

pub use self::admin::AcceptedOrder;
use self::reply::Refusal;
use self::tls::Acceptor;
use self::wire::{Allowance, Hangup, Outcome, Wire, respond};
use crate::api::{ENDPOINTS, Endpoint};
use crate::clock::{Clock, http_date};
use crate::config::{ConfigError, SandboxConfig, check_faults};
use crate::faults::{FaultCount, FaultRule, Faults, Memory};
use crate::limiter::Limiter;
use crate::path::Dice;
use crate::world::{CURRENCIES, StateFileError, World, currency, write_whole};

/// A sandbox that cannot start, or cannot keep its state.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateFileError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {error}; choose another address, or port 0 for a free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
}

/// What the tasks share.
pub struct Shared {
    inner: Mutex<Inner>,
    pub clock: Clock,
    /// Woken when there may be something to deliver.
    deliver: Notify,
}

/// Everything that changes.
pub struct Inner {
    pub world: World,
    limiter: Limiter,
    faults: Faults,
    memory: Memory,
    dice: Dice,
    /// Requests so far, by endpoint.
    requests: BTreeMap<String, u64>,
}

impl Shared {
    /// Nothing that holds the lock can leave a half-done change behind that matters more than going on.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running sandbox.
pub struct Sandbox {
    shared: Arc<Shared>,
    address: SocketAddr,
    admin_address: SocketAddr,
    state: Option<PathBuf>,
    certificate: Option<String>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox; it listens when this returns. A state file that exists is gone on from.
    pub async fn start(config: SandboxConfig) -> Result<Self, SandboxError> {
        let clock = Clock::new(config.start);
        let state = config.state.clone();
        let (seed, per_second, rules) = (config.seed, config.requests_per_second, config.faults.clone());
        let (listen, admin_listen) = (config.listen, config.admin_listen);
        let (certificate, acceptor) = tls::acceptor(config.tls)?.unzip();
        let connector = config.webhooks.roots.as_deref().map(tls::connector).transpose()?;
        let mut world = World::new(config, clock.now())?;
        match &state {
            Some(path) if path.exists() => world.load(path)?,
            _ => world.warm_up(),
        }
        let (listener, address) = bind(listen).await?;
        let (admin_listener, admin_address) = bind(admin_listen).await?;
        let inner = Inner {
            world,
            limiter: Limiter::new(per_second),
            faults: Faults::new(rules, seed),
            memory: Memory::default(),
            dice: Dice::new(seed),
            requests: BTreeMap::new(),
        };
        let shared = Arc::new(Shared { inner: Mutex::new(inner), clock, deliver: Notify::new() });
        let (stop, stopped) = watch::channel(false);
        let mut tasks = vec![
            tokio::spawn(serve(listener, acceptor, api_router(&shared), stopped.clone())),
            tokio::spawn(serve(admin_listener, None, admin::router(&shared), stopped.clone())),
            tokio::spawn(deliver::run(Arc::clone(&shared), connector, stopped.clone())),
        ];
        if matches!(shared.clock, Clock::System) {
            tasks.push(tokio::spawn(keep_time(Arc::clone(&shared), stopped.clone())));
            if let Some(path) = state.clone() {
                tasks.push(tokio::spawn(keep_state(Arc::clone(&shared), path, stopped)));
            }
        }
        Ok(Self { shared, address, admin_address, state, certificate, stop, tasks })
    }

    /// Where the exchange is, without `/api`: `http://127.0.0.1:PORT`, or `https` with TLS.
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate of this start in PEM, for clients to trust, if the exchange speaks TLS.
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Where the administration is.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin_address)
    }

    /// The keys of the first account of the configuration, by name.
    pub fn keys(&self) -> BTreeMap<String, String> {
        let inner = self.shared.lock();
        let first = inner.world.tables.users.first().map(|user| user.id);
        let named = inner.world.tables.keys.iter().filter(|key| Some(key.user) == first && !key.revoked);
        named.filter_map(|key| Some((key.name.clone()?, key.token.clone()))).collect()
    }

    /// The secret of the first account's one-time passwords, in base32.
    pub fn otp_secret(&self) -> String {
        let inner = self.shared.lock();
        inner.world.tables.users.first().map(|user| user.otp_secret.clone()).unwrap_or_default()
    }

    /// One line of JSON with everything a client needs: `url`, `admin_url`, `keys`, `otp_secret` and
    /// `requests_per_second` (0 for no limit), and with TLS the `certificate`.
    pub fn announcement(&self) -> String {
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        let mut keys = String::new();
        for (name, token) in self.keys() {
            let comma = if keys.is_empty() { "" } else { ", " };
            let _ = write!(keys, "{comma}{}: {}", quote(&name), quote(&token));
        }
        let certificate = self.certificate().map(|pem| format!(", \"certificate\": {}", quote(pem)));
        let certificate = certificate.unwrap_or_default();
        format!(
            "{{\"url\": {}, \"admin_url\": {}, \"keys\": {{{keys}}}, \"otp_secret\": {}, \
             \"requests_per_second\": {}{certificate}}}",
            quote(&self.url()),
            quote(&self.admin_url()),
            quote(&self.otp_secret()),
            self.shared.lock().limiter.per_second
        )
    }

    /// The sandbox's time.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Moves a clock that stands still, and carries out what becomes due. False if the clock goes by itself.
    pub fn advance(&self, span: Span) -> bool {
        let mut inner = self.shared.lock();
        let moved = self.shared.clock.advance(span);
        inner.world.advance(self.shared.clock.now());
        self.shared.deliver.notify_one();
        moved
    }

    /// Lets the agents live so many steps at the present time.
    pub fn step_agents(&self, steps: u32) {
        let mut inner = self.shared.lock();
        (0..steps).for_each(|_| inner.world.step_agents());
    }

    /// Puts rules of faults in place of those in force.
    pub fn set_faults(&self, rules: Vec<FaultRule>) -> Result<(), ConfigError> {
        check_faults(&rules)?;
        self.shared.lock().faults.set(rules);
        Ok(())
    }

    /// The rules in force, each with how often it happened.
    pub fn fault_counts(&self) -> Vec<FaultCount> {
        self.shared.lock().faults.counts().to_vec()
    }

    /// The truth: every order ever accepted, by whom, and what became of it. Those of the agents are left out.
    pub fn accepted_orders(&self) -> Vec<AcceptedOrder> {
        admin::accepted_orders(&self.shared.lock().world)
    }

    /// The truth: what the first account holds of each currency, reserved or not.
    pub fn balances(&self) -> Vec<Money> {
        let mut inner = self.shared.lock();
        inner.world.advance(self.shared.clock.now());
        let Some(user) = inner.world.tables.users.first() else { return Vec::new() };
        let held = CURRENCIES.iter().filter_map(|code| currency(code)).map(|currency| {
            let balance = inner.world.balance(user, currency);
            Money::new(currency, balance.total)
        });
        held.collect()
    }

    /// How many requests there were, by endpoint.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.shared.lock().requests.clone()
    }

    /// Stops listening, drops what is under way, and writes the state file if there is one.
    pub async fn shutdown(self) -> Result<(), SandboxError> {
        // An error means that every task has ended already.
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
        match self.state {
            Some(path) => save(&self.shared, path).await,
            None => Ok(()),
        }
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), SandboxError> {
    let wrong = |error| SandboxError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    Ok((listener, address))
}

fn api_router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for endpoint in ENDPOINTS {
        let Ok(filter) = MethodFilter::try_from(endpoint.method.clone()) else { continue };
        let handler = move |State(shared): State<Arc<Shared>>, params: RawPathParams, request: Request| {
            handle(shared, endpoint, params, request)
        };
        router = router.route(&format!("/api{}", endpoint.path), MethodRouter::new().on(filter, handler));
    }
    router.fallback(missing).method_not_allowed_fallback(missing).with_state(Arc::clone(shared))
}

async fn handle(
    shared: Arc<Shared>,
    endpoint: &'static Endpoint,
    params: RawPathParams,
    request: Request,
) -> Response {
    const LARGEST: usize = 1 << 20;
    let (parts, body) = request.into_parts();
    let params = params.iter().map(|(_, value)| value.to_owned()).collect();
    let allowance = parts.extensions.get::<Allowance>().cloned();
    let caller = parts.extensions.get::<SocketAddr>().map(|peer| peer.ip().to_string()).unwrap_or_default();
    let outcome = match to_bytes(body, LARGEST).await {
        Ok(body) => answer::answer(&shared, endpoint, &parts, params, &body, &caller),
        Err(_) => refused(&shared, &Refusal::NotJson),
    };
    shared.deliver.notify_one();
    respond(outcome, allowance.as_ref()).await
}

async fn missing(State(shared): State<Arc<Shared>>) -> Response {
    respond(refused(&shared, &Refusal::Missing), None).await
}

fn refused(shared: &Shared, refusal: &Refusal) -> Outcome {
    let (status, document) = refusal.document();
    Outcome {
        status,
        content_type: Some("application/vnd.api+json; charset=utf-8".to_owned()),
        body: document.print().into_bytes(),
        date: Some(http_date(shared.clock.now())),
        ..Outcome::default()
    }
}

/// Accepts connections until it is told to stop; what is under way then is dropped.
async fn serve(
    listener: TcpListener,
    acceptor: Option<Acceptor>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            accepted = listener.accept() => {
                if let Ok((stream, peer)) = accepted {
                    connections.spawn(connection(stream, acceptor.clone(), peer, router.clone()));
                }
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(stream: TcpStream, acceptor: Option<Acceptor>, peer: SocketAddr, router: Router) {
    // Without it every small answer would wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let allowance = Allowance::unlimited();
    let plain = Wire::new(stream, allowance.clone());
    match acceptor {
        None => converse(plain, allowance, peer, router).await,
        // A client that does not trust us says so and goes away.
        Some(acceptor) => {
            if let Some(secured) = acceptor.accept(plain).await {
                converse(secured, allowance, peer, router).await;
            }
        }
    }
}

async fn converse<S>(stream: S, allowance: Allowance, peer: SocketAddr, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        let uri = without_trailing_slash(request.uri());
        if let Some(uri) = uri {
            *request.uri_mut() = uri;
        }
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(allowance.clone());
        let answer = router.call(request);
        async move {
            match answer.await {
                Ok(response) if response.extensions().get::<Hangup>().is_some() => {
                    Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "closed by a fault"))
                }
                Ok(response) => Ok(response),
                Err(never) => match never {},
            }
        }
    });
    // An error is a client that went away, or a fault.
    let _ =
        http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service).await;
}

/// The same address without slashes at the end of its path; nothing if there are none.
fn without_trailing_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let short = path.trim_end_matches('/');
    if short.len() == path.len() || short.is_empty() {
        return None;
    }
    match uri.query() {
        Some(query) => format!("{short}?{query}").parse().ok(),
        None => short.parse().ok(),
    }
}

/// Carries out what becomes due, and lets the agents live.
async fn keep_time(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let (step, speed) = {
        let inner = shared.lock();
        (inner.world.config.agents.step, inner.world.config.agents.speed)
    };
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut last = shared.clock.now();
    let mut lived = Span::ZERO;
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => {}
        }
        let now = shared.clock.now();
        let passed = now.since(last).as_nanos().saturating_mul(speed.into());
        lived = Span::from_nanos(lived.as_nanos().saturating_add(passed));
        last = now;
        let mut inner = shared.lock();
        inner.world.advance(now);
        // A pause of the computer is not caught up with.
        let due = (lived.as_nanos() / step.as_nanos().max(1)).min(100);
        for _ in 0..due {
            inner.world.step_agents();
        }
        lived = Span::from_nanos(lived.as_nanos() % step.as_nanos().max(1));
    }
}

async fn keep_state(shared: Arc<Shared>, path: PathBuf, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(Duration::from_secs(30)) => {}
        }
        // The next attempt, or the one at the end, says what is wrong.
        let _ = save(&shared, path.clone()).await;
    }
}

async fn save(shared: &Shared, path: PathBuf) -> Result<(), SandboxError> {
    let text = shared.lock().world.save();
    let name = path.display().to_string();
    let written = tokio::task::spawn_blocking(move || write_whole(&path, &text)).await;
    let result = written.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    result.map_err(|error| StateFileError::Io { path: name, error }.into())
}
