//! The venues of a session, each as it was found at the start.

use std::sync::Arc;
use std::time::Instant;

use pampero_exchange::{Balance, Budget, Exchange, SnapshotParts};
use pampero_model::{MarketId, Markets, Span, VenueId};
use pampero_runtime::feed::{Clock, Desk, FeedSettings, History, RequestTimes, Watch, warm_up};

use super::ground::{self, Ground};
use crate::config::Config;
use crate::connect::{Access, Connection, state_failure};
use crate::error::{Exit, Failure};
use crate::market_list::HOME;
use crate::plan::Plan;

/// An account at a venue.
pub(super) struct Berth {
    pub connection: Connection,
    /// What requests go to, and market data comes from.
    pub exchange: Arc<dyn Exchange>,
    /// Its number.
    pub account: String,
    pub balances: Vec<Balance>,
}

impl Berth {
    /// Asks every venue whose account the key is for, and what it holds.
    pub async fn find(connections: Vec<Connection>) -> Result<Vec<Self>, Failure> {
        let mut found = Vec::new();
        for connection in connections {
            let exchange = connection.exchange(Access::Trade)?;
            let account = exchange.account().await?;
            let balances = exchange.balances().await?;
            found.push(Self { connection, exchange, account, balances });
        }
        Ok(found)
    }

    /// The venue, unless it is the first.
    pub fn further(&self) -> Option<&str> {
        Some(self.connection.venue.as_str()).filter(|venue| *venue != HOME)
    }

    /// The account as people are shown it.
    pub fn shown(&self) -> String {
        match self.further() {
            Some(venue) => format!("{venue}:{}", self.account),
            None => self.account.clone(),
        }
    }

    /// Where the journal keeps the number of the account.
    pub fn fact(&self) -> String {
        self.further().map_or("account".to_owned(), |venue| format!("account:{venue}"))
    }
}

/// The accounts as people are shown them.
pub(super) fn accounts_shown(berths: &[Berth]) -> String {
    berths.iter().map(Berth::shown).collect::<Vec<_>>().join(", ")
}

/// The request budgets, by the names of their venues where there are several.
pub(super) fn budgets<'a>(connections: impl IntoIterator<Item = &'a Connection>) -> Vec<(String, Budget)> {
    let one = |connection: &Connection| (connection.venue.clone(), connection.public().budget().clone());
    connections.into_iter().map(one).collect()
}

/// The state directory belongs to one account at each venue, and no account stands under two names: what it holds would
/// count twice.
pub(super) fn same_accounts(ground: &Ground, berths: &[Berth]) -> Result<(), Failure> {
    for (index, berth) in berths.iter().enumerate() {
        let account = &berth.account;
        let known = ground.journal.fact(&berth.fact()).map_err(state_failure)?;
        if let Some(known) = known.filter(|known| known != account) {
            let at = berth.further().map_or(String::new(), |venue| format!(" at {venue}"));
            let message = format!(
                "the state directory belongs to account {known}{at}, and the key to account {account}"
            );
            let help = format!(
                "use the key of {known}, or another directory: --state DIR\n(this one: {})",
                ground.state.path().display()
            );
            return Err(Failure::account(Exit::Key, "other_account", message, help));
        }
        let host = berth.connection.environment.host();
        let same = |other: &&Berth| other.account == *account && other.connection.environment.host() == host;
        if let Some(other) = berths.iter().take(index).find(same) {
            let (one, other) = (&berth.connection.venue, &other.connection.venue);
            let message = format!("`{other}` and `{one}` are one account: {account} at {host}");
            let help =
                format!("give [venues.{one}] an account of its own, or let both markets be of `{other}`");
            return Err(Failure::account(Exit::Key, "one_account", message, help));
        }
    }
    Ok(())
}

/// Puts venues into the order in which the engine numbers them.
pub(super) fn in_order<T>(
    mut venues: Vec<T>,
    name: impl Fn(&T) -> &str,
    markets: &Markets,
) -> Result<Vec<T>, Failure> {
    let find = |(_, wanted): (VenueId, &str)| {
        let found = venues.iter().position(|venue| name(venue) == wanted);
        found
            .map(|index| venues.swap_remove(index))
            .ok_or_else(|| Failure::Defect(format!("nothing reaches {wanted}")))
    };
    markets.venues().map(find).collect()
}

/// A desk with the history that strategies want of each of its markets.
pub(super) type WatchedMarkets = (Desk, Vec<(MarketId, History)>);

/// Fetches the history that strategies want of the markets of a venue, and makes the desk that goes on from there.
pub(super) async fn watch_markets(
    venue: VenueId,
    exchange: &Arc<dyn Exchange>,
    config: &Config,
    plan: &Plan<'_>,
    clock: &Clock,
    times: &mut RequestTimes,
) -> Result<WatchedMarkets, Failure> {
    let feed = &config.trading.feed;
    let mut wanted = ground::candles_wanted(plan, feed.candles.unwrap_or(Span::from_hours(1)))?;
    wanted.retain(|(market, _)| plan.markets.venue_of(*market) == Some(venue));
    let usual = FeedSettings::default();
    let settings = FeedSettings {
        fastest: feed.fastest.unwrap_or(usual.fastest),
        slowest: feed.slowest.unwrap_or(usual.slowest),
        slowest_with_orders: feed.slowest_with_orders.unwrap_or(usual.slowest_with_orders),
        spacing: feed.spacing.unwrap_or(usual.spacing),
        stale_after: feed.stale_after.unwrap_or(usual.stale_after),
        ..usual
    };
    let code = |id: &MarketId| plan.markets.get(*id).map(|market| market.code.clone()).unwrap_or_default();
    let watches = wanted.iter().map(|(market, wants)| Watch {
        market: *market,
        code: code(market),
        spans: wants.iter().map(|(span, _)| *span).collect(),
    });
    let mut desk = Desk::new(settings, watches);
    let mut history = Vec::new();
    for (market, wants) in &wanted {
        let code = code(market);
        for _ in 0..MEASURED {
            let asked = Instant::now();
            exchange.snapshot(&code, SnapshotParts::BOOK).await?;
            times.record(Span::from_nanos(i64::try_from(asked.elapsed().as_nanos()).unwrap_or(i64::MAX)));
        }
        let past = warm_up(exchange.as_ref(), &code, wants, clock).await?;
        past.hand_over(&mut desk, *market);
        history.push((*market, past));
    }
    Ok((desk, history))
}

/// Requests by which the latency is measured, by market.
const MEASURED: usize = 5;
