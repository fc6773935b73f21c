//! `pampero doctor`: everything that can keep trading from working, looked at in turn.

use std::path::Path;
use std::time::Duration;

use pampero_bitex::{ApiKey, Client, KeyName, KeyRecord, User};
use pampero_engine::Limits;
use pampero_exchange::Balance;
use pampero_model::{Cash, Market, Span};
use pampero_runtime::guard::{Latch, Level};
use pampero_runtime::state_dir::StateDir;
use serde::Serialize;

use super::ambiguous::Ambiguous;
use super::{Out, block_on, show};
use crate::cli::account::Connect;
use crate::config::{self, Config};
use crate::connect::{Connection, now, state_failure};
use crate::error::{Exit, Failure};
use crate::market_list::{self, HOME};
use crate::output;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Failed,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    message: String,
    /// What to do.
    help: Option<String>,
}

/// The checks so far.
#[derive(Default)]
struct Checks {
    all: Vec<Check>,
    /// The venue that is looked at, where there are several.
    venue: Option<String>,
}

impl Checks {
    fn ok(&mut self, name: &'static str, message: impl Into<String>) {
        self.push(name, State::Ok, message.into(), None);
    }

    fn warn(&mut self, name: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.push(name, State::Warning, message.into(), Some(help.into()));
    }

    fn fail(&mut self, name: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.push(name, State::Failed, message.into(), Some(help.into()));
    }

    fn push(&mut self, name: &'static str, state: State, message: String, help: Option<String>) {
        let message = match &self.venue {
            Some(venue) => format!("{venue}: {message}"),
            None => message,
        };
        self.all.push(Check { name, state, message, help });
    }

    fn failure(&mut self, name: &'static str, failure: &Failure) {
        self.fail(name, failure.to_string(), failure.help());
    }
}

/// Looks at everything, and says what to do about what is wrong.
pub(super) fn doctor(connect: &Connect, file: Option<&Path>, settle: &[String]) -> Result<(), Failure> {
    let out = Out::of(connect);
    if !settle.is_empty() {
        return settled(connect, settle).map_err(|failure| out.failed(failure));
    }
    report(out, &look(connect, file)?)
}

/// What a look finds wrong, one line each.
pub(crate) fn findings(connect: &Connect, file: Option<&Path>) -> Result<Vec<String>, Failure> {
    let failed = look(connect, file)?.into_iter().filter(|check| check.state == State::Failed);
    Ok(failed.map(|check| format!("{}: {}", check.name, check.message)).collect())
}

fn look(connect: &Connect, file: Option<&Path>) -> Result<Vec<Check>, Failure> {
    let mut checks = Checks::default();
    let config = file.and_then(|path| limits(&mut checks, path, connect)).unwrap_or_default();
    let Some(state) = state(&mut checks, connect) else { return Ok(checks.all) };
    latch(&mut checks, &state);
    unfinished(&mut checks, &state);
    let markets = market_list::named(&config)?;
    let mut venues = market_list::venues(&markets);
    if venues.is_empty() {
        venues.push(HOME);
    }
    let several = venues.len() > 1;
    for venue in venues {
        checks.venue = several.then(|| venue.to_owned());
        let here: Vec<&Market> = markets.iter().filter(|market| market.venue == venue).collect();
        let place = connect.of_venue(venue, &config).map_err(Failure::problem);
        match place.and_then(|place| Connection::open(&place)) {
            Ok(connection) => block_on(async {
                exchange(&mut checks, &connection, &here).await;
                Ok(())
            })?,
            Err(failure) => checks.failure("connection", &failure),
        }
    }
    Ok(checks.all)
}

fn report(out: Out, checks: &[Check]) -> Result<(), Failure> {
    let failed = checks.iter().filter(|check| check.state == State::Failed).count();
    out.show("checks", &checks, || checks.iter().map(words).collect())?;
    if failed == 0 {
        return Ok(());
    }
    let message = format!("{failed} of {} checks failed", checks.len());
    Err(Failure::account(Exit::Unhealthy, "unhealthy", message, "each says above what to do about it"))
}

fn words(check: &Check) -> String {
    let state = match check.state {
        State::Ok => "ok  ",
        State::Warning => "warn",
        State::Failed => "FAIL",
    };
    // Names stand in a column of their own, and the message beside it.
    let head = format!("{state}  {:<11}  ", check.name);
    let mut lines = output::wrapped(&check.message, &" ".repeat(head.len()));
    lines.replace_range(..head.len(), &head);
    if let Some(help) = &check.help {
        lines.push_str(&output::wrapped(&format!("-> {help}"), &" ".repeat(head.len())));
    }
    lines
}

fn settled(connect: &Connect, ids: &[String]) -> Result<(), Failure> {
    let state =
        StateDir::open(connect.place.state.as_deref(), connect.place.env.name()).map_err(state_failure)?;
    let journal = Ambiguous::of(&state);
    for id in ids {
        journal.settle(id)?;
    }
    let left = journal.unfinished()?.len();
    Out::of(connect).show("unfinished", &left, || format!("noted; {left} unfinished requests are left\n"))
}

/// The folder and the modes of what is in it.
fn state(checks: &mut Checks, connect: &Connect) -> Option<StateDir> {
    let state = match StateDir::open(connect.place.state.as_deref(), connect.place.env.name()) {
        Ok(state) => state,
        Err(error) => {
            checks.fail("state", error.to_string(), "nothing works without it: correct this first");
            return None;
        }
    };
    let exposed = exposed(state.path());
    if exposed.is_empty() {
        checks.ok("state", format!("{}, for you alone", state.path().display()));
    } else {
        let message = format!("others may use {}", exposed.join(", "));
        checks.fail("state", message, format!("chmod 600 {}", exposed.join(" ")));
    }
    Some(state)
}

/// Files that others may use.
fn exposed(folder: &Path) -> Vec<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let open = |entry: &std::fs::DirEntry| {
            entry.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0)
        };
        files.filter(open).map(|entry| entry.path().display().to_string()).collect()
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Vec::new()
    }
}

fn latch(checks: &mut Checks, state: &StateDir) {
    match Latch::open(state) {
        Err(error) => checks.fail("halt", error.to_string(), "without the latch nothing may trade"),
        Ok(latch) if latch.level() == Level::Active => checks.ok("halt", "trading is not halted"),
        Ok(latch) => {
            let record = latch.record();
            let message = format!(
                "{} since {} by {}: {}",
                record.level,
                show::time(record.at),
                record.by,
                record.reason
            );
            checks.fail("halt", message, "find out why; no order leaves until somebody resumes trading");
        }
    }
}

fn unfinished(checks: &mut Checks, state: &StateDir) {
    match Ambiguous::of(state).unfinished() {
        Err(failure) => checks.failure("requests", &failure),
        Ok(open) if open.is_empty() => checks.ok("requests", "none by hand is unfinished"),
        Ok(open) => {
            for one in open {
                let end = if one.outcome.is_some() {
                    "its answer was unclear"
                } else {
                    "the process ended before its answer"
                };
                let message = format!("{} of {} UTC: {}; {end}", one.what, show::time(one.at), one.words);
                let help = format!("look whether it exists; then `pampero doctor --settle {}`", one.id);
                checks.warn("requests", message, help);
            }
        }
    }
}

/// The limits of a configuration: production needs four of them.
fn limits(checks: &mut Checks, path: &Path, connect: &Connect) -> Option<Config> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            checks.failure("limits", &Failure::io(path, &error));
            return None;
        }
    };
    let config = match config::read(&path.display().to_string(), &text).without_problems() {
        Ok(reading) => reading.config,
        Err(problems) => {
            let count = problems.list.len();
            let message = format!("{}: {count} mistakes", path.display());
            checks.fail("limits", message, format!("`pampero config check {}` shows them", path.display()));
            return None;
        }
    };
    let missing = missing_limits(&config);
    let help = "set them under [limits]; `pampero config explain limits` says what each means";
    match (missing.is_empty(), connect.place.env) {
        (true, _) => checks.ok("limits", "order, position, daily loss and drawdown are limited"),
        (false, crate::cli::account::EnvName::Production) => {
            checks.fail("limits", format!("not set: {}", missing.join(", ")), help);
        }
        (false, _) => checks.warn("limits", format!("not set: {}", missing.join(", ")), help),
    }
    Some(config)
}

fn missing_limits(config: &Config) -> Vec<&'static str> {
    let Limits { max_order_value, max_exposure, max_daily_loss, max_drawdown, .. } = &config.limits.values;
    let of_market = |has: fn(&pampero_engine::MarketLimits) -> bool| {
        !config.limits.markets.is_empty() && config.limits.markets.values().all(has)
    };
    let order = max_order_value.is_some() || of_market(|limits| limits.max_order_notional.is_some());
    let position = max_exposure.is_some() || of_market(|limits| limits.max_position.is_some());
    let all = [
        (order, "largest order"),
        (position, "largest position"),
        (max_daily_loss.is_some(), "max_daily_loss"),
        (max_drawdown.is_some(), "max_drawdown"),
    ];
    all.into_iter().filter(|(set, _)| !set).map(|(_, name)| name).collect()
}

/// Everything that needs the exchange.
async fn exchange(checks: &mut Checks, connection: &Connection, markets: &[&Market]) {
    if !reachable(checks, connection.public()).await {
        return;
    }
    let mut working = Vec::new();
    for name in connection.keys.names() {
        let place = connection.keys.place(name);
        let client =
            connection.keys.load_one(name, &connection.environment).and_then(|key| connection.with_key(key));
        match client {
            Err(failure) => checks.failure("key", &failure),
            Ok(client) => match client.me().await {
                Ok(user) => {
                    checks.ok("key", format!("`{name}` works, from {place}"));
                    working.push((name, client, user));
                }
                Err(error) => {
                    let message = format!("`{name}` from {place}: {error}");
                    checks.fail(
                        "key",
                        message,
                        "create a new one and put it there: see the page on onboarding",
                    );
                }
            },
        }
    }
    if working.is_empty() {
        if connection.keys.names().next().is_none() {
            match connection.keys.load(KeyName::Read, None, &connection.environment) {
                Err(failure) => checks.failure("key", &failure),
                Ok(_) => checks.fail("key", "no key works", "create one"),
            }
        }
        return;
    }
    users(checks, &working);
    permissions(checks, &working).await;
    balances(checks, &working, markets).await;
    budget(checks, connection.public());
}

/// Name, connection, TLS, an answer, and the clock.
async fn reachable(checks: &mut Checks, client: &Client) -> bool {
    let host = client.environment().host();
    let probe = match client.probe().await {
        Ok(probe) => probe,
        Err(error) => {
            let help = "check the network, the name service and the clock of this machine; a proxy or a firewall may \
                        stand between";
            checks.fail("connection", format!("{host}: {error}"), help);
            return false;
        }
    };
    let answer = format!("{host} answers {} in {} ms", probe.status, probe.elapsed.as_millis());
    match (probe.edge, probe.status) {
        (false, 200) => checks.ok("connection", answer),
        (true, _) => {
            let help = "a page of the network in front of the exchange came instead of a document: ask the exchange \
                        to allow your address";
            checks.fail("connection", answer, help);
            return false;
        }
        _ => {
            checks.fail("connection", answer, "the exchange is not in order: try again later");
            return false;
        }
    }
    clock(
        checks,
        probe.server_time.map(|server| {
            let here = now();
            // The header has whole seconds, so the server's clock shows up to a second less than it is.
            let (behind, ahead) = (server.since(here), here.minus(Span::from_secs(1)).since(server));
            if behind > ahead { behind } else { ahead }
        }),
    );
    true
}

fn clock(checks: &mut Checks, skew: Option<Span>) {
    let help = "set the clock by the network: one-time passwords and the age of data depend on it";
    match skew {
        None => checks.warn("clock", "the exchange does not say what time it is", help),
        Some(skew) if skew <= Span::from_secs(2) => {
            checks.ok("clock", "agrees with the exchange's within 2 s");
        }
        Some(skew) if skew <= Span::from_secs(5) => {
            checks.warn("clock", format!("differs by {}", rounded(skew)), help);
        }
        Some(skew) => checks.fail("clock", format!("differs by {}", rounded(skew)), help),
    }
}

fn rounded(span: Span) -> String {
    format!("{} s", span.as_nanos() / 1_000_000_000)
}

fn users(checks: &mut Checks, working: &[(KeyName, Client, User)]) {
    let Some((_, _, user)) = working.first() else { return };
    if working.iter().any(|(_, _, other)| other.id != user.id) {
        checks.fail(
            "account",
            "the keys are of different users",
            "use keys of one account in one environment",
        );
    }
    match (user.kyc_accepted, user.otp_enabled) {
        (true, true) => {
            checks.ok("account", format!("user {}, identity checked, one-time passwords set up", user.id));
        }
        (false, _) => {
            let help = "send your documents on the exchange's site; in its sandbox, ask for approval by mail";
            checks.fail("account", format!("the identity of user {} is not checked", user.id), help);
        }
        (true, false) => {
            let help = "set them up on the exchange's site: keys and withdrawals need them";
            checks.warn("account", format!("user {} has no one-time passwords", user.id), help);
        }
    }
}

/// What each key may do: the admin's key can list it; without one, only trying tells, and only a part.
async fn permissions(checks: &mut Checks, working: &[(KeyName, Client, User)]) {
    let listed = match working.iter().find(|(name, ..)| *name == KeyName::Admin) {
        Some((_, client, _)) => client.api_keys().await.ok(),
        None => None,
    };
    for (name, client, _) in working {
        match (client.key(), &listed) {
            (Some(key), Some(listed)) => of_listed(checks, *name, key, listed),
            _ => by_trying(checks, *name, client).await,
        }
    }
}

fn of_listed(checks: &mut Checks, name: KeyName, key: &ApiKey, listed: &[KeyRecord]) {
    let Some(record) = listed.iter().find(|record| key.ends_like(&record.token)) else {
        return checks.warn(
            "permissions",
            format!("`{name}` is not among the keys of the admin's list"),
            "use keys of one account",
        );
    };
    let granted = super::keys::granted(&record.permissions);
    let may = |permission: &str| granted.contains(&permission) || granted.contains(&"write");
    let message = format!("`{name}` may: {}", granted.join(", "));
    let narrower =
        "create a key with the least permissions: `pampero keys create --permissions trading,get_balances`";
    match name {
        KeyName::Trade if !may("trading") => checks.fail("permissions", message, "it has to have `trading`"),
        KeyName::Trade if !may("get_balances") => {
            checks.fail("permissions", message, "it has to have `get_balances`, too");
        }
        KeyName::Trade if may("create_withdrawal") || may("api_keys") => {
            checks.warn("permissions", format!("{message}: whoever steals it takes the money"), narrower);
        }
        KeyName::Read if may("trading") || may("create_withdrawal") || may("api_keys") => {
            checks.warn("permissions", format!("{message}: more than to read"), narrower);
        }
        _ => checks.ok("permissions", message),
    }
}

async fn by_trying(checks: &mut Checks, name: KeyName, client: &Client) {
    if name != KeyName::Trade {
        return;
    }
    let unseen = "whether it may withdraw shows only with a key that has `api_keys`, as `admin`";
    match client.orders().await {
        Ok(_) => checks.ok("permissions", format!("`{name}` sees orders; {unseen}")),
        Err(error) => checks.fail(
            "permissions",
            format!("`{name}`: {error}"),
            "it has to have `trading` and `get_balances`",
        ),
    }
}

/// Whether there is money, and enough for the smallest order.
async fn balances(checks: &mut Checks, working: &[(KeyName, Client, User)], markets: &[&Market]) {
    let mut read = None;
    for (_, client, _) in working {
        match client.accounts().await {
            Ok(accounts) => {
                read =
                    Some(accounts.into_iter().flat_map(|account| account.balances).collect::<Vec<Balance>>());
                break;
            }
            Err(error) => {
                checks.warn("balances", error.to_string(), "give a key `get_balances`");
            }
        }
    }
    let Some(balances) = read else { return };
    let held: Vec<String> = balances
        .iter()
        .filter(|balance| balance.total.units > 0)
        .map(|balance| balance.total.to_string())
        .collect();
    if held.is_empty() {
        return checks.fail(
            "balances",
            "the account holds nothing",
            "`pampero deposits --how` says where to send money",
        );
    }
    checks.ok("balances", held.join(", "));
    minimums(checks, &balances, markets);
}

/// Whether what is free is enough for the smallest order of each configured market.
fn minimums(checks: &mut Checks, balances: &[Balance], markets: &[&Market]) {
    let free = |currency| {
        balances
            .iter()
            .find(|balance| balance.currency == currency)
            .map_or(0, |balance| balance.available.units)
    };
    for market in markets {
        let (buys, sells) = (
            free(market.quote) >= market.min_quote.units(),
            free(market.base) >= market.min_base.units().into(),
        );
        let smallest = format!(
            "{}: smallest buy {} {}, smallest sell {} {}",
            market.code, market.min_quote, market.quote, market.min_base, market.base
        );
        match (buys, sells) {
            (false, false) => {
                let money = |currency| Cash::from_units(free(currency));
                let message = format!(
                    "{smallest}; free are {} {} and {} {}",
                    money(market.quote),
                    market.quote,
                    money(market.base),
                    market.base
                );
                checks.fail("minimums", message, "deposit more, or trade another market");
            }
            _ => checks.ok("minimums", smallest),
        }
    }
}

fn budget(checks: &mut Checks, client: &Client) {
    let wait = client.budget().next_slot();
    if wait <= Duration::from_secs(1) {
        return checks.ok("requests", format!("the next may be sent in {} ms", wait.as_millis()));
    }
    let message = format!("the exchange asked to wait: the next may be sent in {} s", wait.as_secs());
    checks.warn(
        "requests",
        message,
        "other programs may use the same account; they share five requests a second",
    );
}
